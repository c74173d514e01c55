//! Equalisation held against the libraries whose conventions it follows, and what its masks promise.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail by panicking")]

use std::{fs, path::Path};

use kerma::{
    engine::{Control, Device, Graph, Plan},
    kernels::{
        Mask, Pixels,
        clahe::{Clahe, ClipLimit, Convention, record},
    },
};

/// Stack of images of one size.
struct Stack {
    size: [u32; 2],
    images: Vec<Vec<u16>>,
}

/// Reads an array of u8 or u16 in numpy's format (version 1, C order): `[image][row][column]` or `[row][column]`.
fn npy(path: &Path) -> Stack {
    let bytes = fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let end = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let header = std::str::from_utf8(&bytes[10..end]).unwrap();
    let shape = header.split_once("'shape': (").unwrap().1.split_once(')').unwrap().0;
    let shape: Vec<usize> = shape.split(',').filter_map(|n| n.trim().parse().ok()).collect();
    let values: Vec<u16> = if header.contains("'|u1'") {
        bytes[end..].iter().map(|v| u16::from(*v)).collect()
    } else {
        assert!(header.contains("'<u2'"), "{header}");
        bytes[end..].as_chunks().0.iter().map(|v| u16::from_le_bytes(*v)).collect()
    };
    let [.., rows, columns] = shape[..] else { panic!("{header}") };
    let images = values.chunks(rows * columns).map(<[u16]>::to_vec).collect();
    Stack { size: [columns as u32, rows as u32], images }
}

fn packed(size: [u32; 2], values: &[u16]) -> Vec<[u16; 2]> {
    let rows = values.chunks(size[0] as usize);
    rows.flat_map(|r| r.chunks(2).map(|p| [p[0], p.get(1).copied().unwrap_or(0)])).collect()
}

fn bits(size: [u32; 2], inside: impl Fn(u32, u32) -> bool) -> Vec<u32> {
    let words = Mask::row_words(size);
    let word = |w: u32, y: u32| (0..32).filter(|b| 32 * w + b < size[0] && inside(32 * w + b, y)).map(|b| 1 << b).sum();
    (0..size[1]).flat_map(|y| (0..words).map(move |w| (w, y))).map(|(w, y)| word(w, y)).collect()
}

/// Equalises on the CPU, whose bits are those of every device.
fn equalised(size: [u32; 2], depth: u8, values: &[u16], mask: Option<&[u32]>, clahe: &Clahe) -> Vec<u16> {
    clahe.check(size, depth).unwrap();
    let words = packed(size, values);
    let mut graph = Graph::new();
    let buffer = graph.upload("test.pixels", Pixels::extent(size), &words);
    let mask = mask.map(|m| Mask { buffer: graph.upload("test.mask", Mask::extent(size), m), size });
    let pixels = Pixels::of(&mut graph, buffer, size, depth);
    let result = record(&mut graph, pixels, mask, clahe);
    let output = graph.result(result.buffer());
    let device = Device::cpu();
    let plan = Plan::new(&graph, device.limits()).unwrap();
    let mut outputs = pollster::block_on(device.run(&plan, &Control::default())).unwrap();
    let pairs = outputs.take(output).unwrap();
    let rows = pairs.chunks(Pixels::row_words(size) as usize);
    rows.flat_map(|r| r.iter().flatten().take(size[0] as usize).copied()).collect()
}

/// Compares every golden of a library and returns the number of images; differences up to `allowed` pass.
fn goldens(library: &str, convention: Convention, clip: impl Fn(f64) -> ClipLimit, allowed: u16) -> usize {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("goldens/clahe");
    let mut compared = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let [l, size, depth, tiles, clips] = name.split('_').collect::<Vec<_>>()[..] else { continue };
        if l != library {
            continue;
        }
        let input = npy(&folder.join(format!("input_{size}_{depth}.npy")));
        let golden = npy(&path);
        let depth: u8 = depth.trim_end_matches("bit").parse().unwrap();
        let tiles: Vec<u32> = tiles.split('x').map(|n| n.parse().unwrap()).collect();
        let clips = clips.trim_start_matches(char::is_alphabetic).split('-').map(|c| c.parse::<f64>().unwrap());
        for (limit, want) in clips.zip(&golden.images) {
            let clip = if limit == 0.0 { ClipLimit::Off } else { clip(limit) };
            let clahe = Clahe { tiles: [tiles[0], tiles[1]], clip, convention };
            let got = equalised(input.size, depth, &input.images[0], None, &clahe);
            let differences: Vec<usize> = (0..want.len()).filter(|i| got[*i].abs_diff(want[*i]) > allowed).collect();
            if let [first, ..] = differences[..] {
                let width = input.size[0] as usize;
                panic!(
                    "{name}, limit {limit}: {} of {} pixels differ by more than {allowed}; the first at column {}, row \
                     {}: got {}, want {}",
                    differences.len(),
                    want.len(),
                    first % width,
                    first / width,
                    got[first],
                    want[first]
                );
            }
            compared += 1;
        }
    }
    compared
}

#[test]
fn the_opencv_convention_is_opencv_to_the_bit() {
    assert_eq!(goldens("opencv", Convention::OpenCv, ClipLimit::Uniform, 0), (5 * 3 + 2) * 4);
}

#[test]
fn the_scikit_image_convention_is_scikit_image_to_the_bit() {
    assert_eq!(goldens("skimage", Convention::ScikitImage, ClipLimit::Share, 0), 5 * 3 * 4);
}

#[test]
fn one_value_is_white_as_in_scikit_image() {
    let clahe = Clahe { tiles: [2, 2], clip: ClipLimit::Share(0.05), convention: Convention::ScikitImage };
    for value in [0, 100, 255] {
        assert_eq!(equalised([17, 13], 8, &[value; 17 * 13], None, &clahe), [255; 17 * 13], "{value}");
    }
}

#[test]
#[should_panic(expected = "pixels differ by more than 0")]
fn another_convention_is_not_opencv() {
    goldens("opencv", Convention::Kerma, ClipLimit::Uniform, 0);
}

/// Image of a bright disc with texture on a background of any kind.
fn disc(size: [u32; 2], background: impl Fn(u32, u32) -> u16) -> Vec<u16> {
    let place = |i: u32| (i % size[0], i / size[0]);
    let value =
        |(x, y)| if in_disc(size, x, y) { (x * 7 + y * 13 + x * y % 17) as u16 & 0xfff } else { background(x, y) };
    (0..size[0] * size[1]).map(|i| value(place(i))).collect()
}

fn in_disc([w, h]: [u32; 2], x: u32, y: u32) -> bool {
    let (dx, dy) = (2 * x as i32 - w as i32, 2 * y as i32 - h as i32);
    4 * (dx * dx + dy * dy) < (w.min(h) as i32).pow(2) * 3
}

#[test]
fn the_background_never_influences_what_is_in_the_mask() {
    let size = [203, 151];
    let mask = bits(size, |x, y| in_disc(size, x, y));
    for convention in [Convention::Kerma, Convention::OpenCv] {
        let clahe = Clahe { tiles: [8, 6], convention, ..Clahe::default() };
        let of = |image: &[u16], mask| equalised(size, 12, image, mask, &clahe);
        let (dark, noisy) = (disc(size, |_, _| 0), disc(size, |x, y| (x * 4099 + y * 257) as u16 & 0xfff));
        let inside = |image: Vec<u16>| -> Vec<u16> {
            let kept = (0..size[0] * size[1]).filter(|i| in_disc(size, i % size[0], i / size[0]));
            kept.map(|i| image[i as usize]).collect()
        };
        assert_eq!(inside(of(&dark, Some(&mask))), inside(of(&noisy, Some(&mask))), "{convention:?}");
        // Without the mask it does.
        assert_ne!(inside(of(&dark, None)), inside(of(&noisy, None)), "{convention:?}");
    }
}

#[test]
fn an_empty_mask_changes_nothing() {
    let size = [67, 45];
    let image = disc(size, |x, y| (x * y) as u16 & 0xfff);
    let empty = bits(size, |_, _| false);
    for convention in [Convention::Kerma, Convention::OpenCv] {
        let clahe = Clahe { convention, ..Clahe::default() };
        assert_eq!(equalised(size, 12, &image, Some(&empty), &clahe), image, "{convention:?}");
        let full = bits(size, |_, _| true);
        assert_ne!(equalised(size, 12, &image, Some(&full), &clahe), image, "{convention:?}");
    }
}

#[test]
fn a_full_mask_is_no_mask() {
    let size = [67, 45];
    let image = disc(size, |x, y| (x * y) as u16 & 0xfff);
    let (full, clahe) = (bits(size, |_, _| true), Clahe::default());
    assert_eq!(equalised(size, 12, &image, Some(&full), &clahe), equalised(size, 12, &image, None, &clahe));
}

/// Bins follow the tile and not the bits, or a limit would limit nothing where levels are more than pixels.
#[test]
fn more_bits_do_not_raise_contrast() {
    let size = [240, 200];
    let noise = |i: u32| (i.wrapping_mul(2_654_435_761).rotate_left(9) >> 8) % 4096;
    let wide: Vec<u16> = (0..size[0] * size[1]).map(|i| (20_000 + 40 * (i % size[0]) + noise(i)) as u16).collect();
    let narrow: Vec<u16> = wide.iter().map(|v| v >> 4).collect();
    let clahe = Clahe { tiles: [4, 4], ..Clahe::default() };
    let [wide, narrow] = [(16, wide), (12, narrow)].map(|(bits, image)| equalised(size, bits, &image, None, &clahe));
    // Both have 256 bins, each with the same pixels; entries differ by what the lower four bits add.
    let farthest = wide.iter().zip(&narrow).map(|(w, n)| (w >> 4).abs_diff(*n)).max().unwrap();
    assert!(farthest <= 8, "{farthest} of 4096 levels");
}

#[test]
fn wrong_parameters_are_refused_in_words() {
    let says = |clahe: Clahe, size, bits, part: &str| {
        let message = clahe.check(size, bits).unwrap_err().to_string();
        assert!(message.contains(part), "{message}");
    };
    let good = Clahe::default();
    assert_eq!(good.check([1, 1], 16), Ok(()));
    says(good, [0, 5], 8, "got 0 × 5");
    says(good, [5, 5], 0, "1 to 16 bits, got 0");
    says(good, [5, 5], 17, "got 17");
    says(Clahe { tiles: [0, 8], ..good }, [5, 5], 8, "1 to 1024 across and down, got 0 × 8");
    says(Clahe { tiles: [8, 9000], ..good }, [5, 5], 8, "got 8 × 9000");
    for c in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e6] {
        says(Clahe { clip: ClipLimit::Uniform(c), ..good }, [5, 5], 8, "above 0 and at most 65536");
    }
    for s in [0.0, -0.1, f64::NAN, 1.5] {
        says(Clahe { clip: ClipLimit::Share(s), ..good }, [5, 5], 8, "share above 0 and at most 1");
    }
}
