//! Cases of contrast-limited adaptive histogram equalisation: every pass of every convention.

use kerma::{
    engine::{Graph, Shader},
    kernels::{
        Mask, Pixels,
        clahe::{
            Clahe, ClipLimit, Convention, blend, blend_opencv, blend_skimage, borrow, lut, lut_opencv, lut_skimage,
            record, totals,
        },
    },
};

use crate::{Case, Narrow, Seeded};

struct Inputs {
    size: [u32; 2],
    bits: u8,
    pixels: Vec<[u16; 2]>,
    mask: Option<Vec<u32>>,
    clahe: Clahe,
}

fn recorded<'a>(inputs: &'a Inputs, graph: &mut Graph<'a>) {
    let buffer = graph.upload("case.pixels", Pixels::extent(inputs.size), &inputs.pixels);
    let pixels = Pixels::of(graph, buffer, inputs.size, inputs.bits);
    let mask = inputs.mask.as_ref().map(|words| {
        let buffer = graph.upload("case.mask", Mask::extent(inputs.size), words);
        Mask { buffer, size: inputs.size }
    });
    record(graph, pixels, mask, &inputs.clahe);
}

/// What the pixels of a case are.
#[derive(Clone, Copy, Debug)]
enum Content {
    /// Slopes with noise on them.
    Slope,
    /// Noise over all grey levels.
    Noise,
    /// One value.
    Flat,
}

/// Which pixels of a case count.
#[derive(Clone, Copy, Debug)]
enum Region {
    All,
    Disc,
    Empty,
}

fn pixels(size: [u32; 2], bits: u8, content: Content) -> Vec<[u16; 2]> {
    let mut seeded = Seeded::new(u64::from(size[0]) * 4099 + u64::from(size[1]));
    let top = f64::from((1_u32 << bits) - 1);
    let words = Pixels::row_words(size);
    let mut value = |x: u32, y: u32| {
        if x >= size[0] {
            return 0;
        }
        let slope = f64::from(x) / f64::from(size[0]) * 0.5 + f64::from(y) / f64::from(size[1]) * 0.3;
        let value = match content {
            Content::Slope => slope + seeded.between(0.0, 0.1),
            Content::Noise => seeded.between(0.0, 1.0),
            Content::Flat => 0.7,
        };
        (value * top) as u16
    };
    let places = (0..size[1]).flat_map(|y| (0..words).map(move |w| (2 * w, y)));
    places.map(|(x, y)| [value(x, y), value(x + 1, y)]).collect()
}

fn mask(size: [u32; 2], region: Region) -> Option<Vec<u32>> {
    let words = Mask::row_words(size);
    let [w, h] = size.map(f64::from);
    let inside = |x: u32, y: u32| {
        let (x, y) = ((f64::from(x) + 0.5) / w - 0.6, (f64::from(y) + 0.5) / h - 0.4);
        x * x + y * y < 0.09
    };
    let word = |w: u32, y: u32| {
        let bits = (32 * w..(32 * w + 32).min(size[0])).filter(|x| inside(*x, y));
        bits.fold(0, |word, x| word | 1 << (x % 32))
    };
    match region {
        Region::All => None,
        Region::Disc => Some((0..size[1]).flat_map(|y| (0..words).map(move |w| word(w, y))).collect()),
        Region::Empty => Some(vec![0; (words * size[1]) as usize]),
    }
}

fn case(
    shader: &'static Shader,
    size: [u32; 2],
    bits: u8,
    (content, region): (Content, Region),
    convention: Convention,
    (tiles, clip): ([u32; 2], ClipLimit),
) -> Case {
    let inputs = Inputs {
        size,
        bits,
        pixels: pixels(size, bits, content),
        mask: mask(size, region),
        clahe: Clahe { tiles, clip, convention },
    };
    let name = format!(
        "{}x{}, {bits} bits, {content:?}, {region:?}, {convention:?}, {}x{} tiles, {clip:?}",
        size[0], size[1], tiles[0], tiles[1]
    );
    Case::new(shader, name, inputs, recorded)
}

/// Sizes from one pixel on, with tiles that are uneven, single pixels, or more than there are pixels.
const SIZES: [([u32; 2], [u32; 2]); 8] = [
    ([1, 1], [1, 1]),
    ([1, 1], [8, 8]),
    ([1, 9], [3, 2]),
    ([37, 1], [4, 8]),
    ([5, 3], [8, 8]),
    ([64, 48], [8, 8]),
    ([97, 61], [3, 5]),
    ([130, 77], [7, 2]),
];

/// Cases of one convention, listed under its kernels in turn.
fn conventional(convention: Convention, shaders: [&'static Shader; 2]) -> Vec<Case> {
    let mut cases = Vec::new();
    let clips = [ClipLimit::Uniform(2.0), ClipLimit::Off, ClipLimit::Share(0.02), ClipLimit::Uniform(40.0)];
    let contents = [Content::Slope, Content::Noise, Content::Flat];
    for (i, (size, tiles)) in SIZES.into_iter().enumerate() {
        for (j, bits) in [8, 12].into_iter().enumerate() {
            let (content, clip) = (contents[(i + j) % 3], clips[(i + 2 * j) % 4]);
            cases.push(case(shaders[i % 2], size, bits, (content, Region::All), convention, (tiles, clip)));
        }
    }
    let both = |bits, content, region, tiles, clip| {
        shaders.map(|s| case(s, [83, 61], bits, (content, region), convention, (tiles, clip)))
    };
    for (bits, content) in [(1, Content::Noise), (5, Content::Slope), (10, Content::Slope), (14, Content::Noise)] {
        cases.extend(both(bits, content, Region::All, [3, 4], ClipLimit::Uniform(3.3)));
    }
    for (content, region) in [(Content::Slope, Region::All), (Content::Noise, Region::Disc)] {
        cases.extend(both(16, content, region, [2, 3], ClipLimit::Uniform(2.0)));
    }
    for region in [Region::Disc, Region::Empty] {
        cases.extend(both(8, Content::Slope, region, [6, 5], ClipLimit::Uniform(2.0)));
    }
    // Dispatches of a few rows of tiles and pixels.
    let narrow = both(8, Content::Slope, Region::Disc, [6, 5], ClipLimit::Uniform(2.0));
    cases.extend(narrow.map(|c| c.narrowed(Narrow::dispatch(10_000.0))));
    // Histograms in two parts: 256 KiB in all, or 23 MiB with 14-bit levels and more tiles.
    let binding_bytes = if convention == Convention::ScikitImage { 12 << 20 } else { 140_000 };
    let narrow = both(8, Content::Slope, Region::All, [16, 16], ClipLimit::Uniform(2.0));
    cases.extend(narrow.map(|c| c.narrowed(Narrow::binding(binding_bytes))));
    cases
}

pub(crate) fn cases() -> Vec<Case> {
    let masked = |shader, size, bits, region, tiles| {
        let clip = ClipLimit::Uniform(2.0);
        case(shader, size, bits, (Content::Slope, region), Convention::Kerma, (tiles, clip))
    };
    let mut cases = vec![
        masked(&borrow::SHADER, [1, 1], 8, Region::Empty, [1, 1]),
        masked(&borrow::SHADER, [64, 64], 8, Region::Disc, [16, 1]),
        masked(&borrow::SHADER, [33, 65], 12, Region::Disc, [1, 9]),
        masked(&borrow::SHADER, [129, 99], 10, Region::Disc, [9, 8]),
        masked(&borrow::SHADER, [40, 40], 16, Region::Disc, [3, 3]),
        // More tiles than pixels, most of them far from the mask.
        masked(&borrow::SHADER, [61, 83], 8, Region::Disc, [64, 64]),
        masked(&totals::SHADER, [70, 50], 8, Region::Disc, [7, 5]),
        masked(&totals::SHADER, [33, 65], 12, Region::Disc, [1, 9]),
        masked(&totals::SHADER, [40, 40], 16, Region::Empty, [3, 3]).narrowed(Narrow::dispatch(10_000.0)),
    ];
    // Bins of 16 and 256 levels, with and without a limit; 2 levels in tiles of 10 000 pixels.
    for (bits, clip) in [(12, 2.0), (16, 2.0), (16, 0.3)] {
        let (parts, clip) = ((Content::Noise, Region::All), ClipLimit::Uniform(clip));
        cases.push(case(&lut::SHADER, [40, 33], bits, parts, Convention::Kerma, ([8, 8], clip)));
    }
    let parts = (Content::Slope, Region::Disc);
    cases.push(case(&lut::SHADER, [40, 33], 16, parts, Convention::Kerma, ([2, 1], ClipLimit::Off)));
    let wide = (Content::Slope, Region::All);
    cases.push(case(&lut::SHADER, [133, 157], 10, wide, Convention::Kerma, ([2, 1], ClipLimit::Uniform(1.5))));
    cases.extend(conventional(Convention::Kerma, [&lut::SHADER, &blend::SHADER]));
    cases.extend(conventional(Convention::OpenCv, [&lut_opencv::SHADER, &blend_opencv::SHADER]));
    cases.extend(conventional(Convention::ScikitImage, [&lut_skimage::SHADER, &blend_skimage::SHADER]));
    cases
}
