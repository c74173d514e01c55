use kerma::{
    data::{Image, ImageInfo, Sample, Unit},
    engine::Tier,
    tasks::enhance::{Collimation, EnhanceOptions, Enhancement, Preset, Response},
};

use crate::{Case, Narrow, Seeded, inputs::known_good};

/// A bright disc with texture in a dark field, of values up to `top`.
fn radiograph(size: [usize; 2], sample: Sample, top: f64) -> Image {
    let mut seeded = Seeded::new(size[0] as u64);
    let [columns, rows] = size.map(|n| n as f64);
    let value = |i: usize| {
        let (x, y) = ((i % size[0]) as f64 / columns - 0.5, (i / size[0]) as f64 / rows - 0.5);
        let body = if x * x + y * y < 0.16 { 0.5 + 0.3 * (20.0 * x).sin() * (14.0 * y).cos() } else { 0.02 };
        let value = (body + seeded.between(0.0, 0.03)) * top;
        if sample == Sample::Float { value as f32 } else { value.round() as f32 }
    };
    let values = (0..size[0] * size[1]).map(value).collect();
    known_good(Image::new(size, None, sample, Unit::Arbitrary, values))
}

fn case(name: &str, image: Image, options: EnhanceOptions, inverted: bool) -> Case {
    let info = ImageInfo { inverted, ..ImageInfo::default() };
    // Grey levels are rounded, and a level more or less moves thresholds, ranks and tables.
    Case::named("tasks.enhance", Tier::Pinned, name, (image, info, options), |(image, info, options), graph| {
        *graph = known_good(Enhancement::new(image, info, None, options, &[])).into_graph();
    })
    .on_a_knife_edge()
}

pub(crate) fn cases() -> Vec<Case> {
    let preset = |name| known_good(Preset::find(name)).options;
    let (eight, sixteen) = (Sample::Unsigned { bits: 8 }, Sample::Unsigned { bits: 16 });
    let mut collimated = preset("extremity");
    collimated.mask.get_or_insert_default().collimation = Collimation::Any;
    let linear = EnhanceOptions { response: Response::Linear, ..preset("abdomen") };
    let spread = EnhanceOptions { bits: Some(16), ..preset("chest") };
    vec![
        case("chest, 8 bits", radiograph([117, 93], eight, 255.0), preset("chest"), false),
        case("chest, 12 bits, inverted", radiograph([118, 61], sixteen, 4000.0), preset("chest"), true),
        case("chest, 12 bits spread over 16", radiograph([118, 61], sixteen, 4000.0), spread, false),
        case("extremity, collimated", radiograph([96, 131], eight, 200.0), collimated, false),
        case("abdomen, linear float", radiograph([61, 60], Sample::Float, 0.9), linear, false),
        case("one pixel", radiograph([1, 1], eight, 200.0), preset("small-animal"), false),
        case("chest in parts", radiograph([117, 93], eight, 255.0), preset("chest"), false)
            .narrowed(Narrow::dispatch(1e5)),
    ]
}
