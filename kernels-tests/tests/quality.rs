//! Enhancement on synthetic radiographs: what it gains and what it must not do, for every preset and bit depth.
//!
//! `cargo test -p kerma-kernels-tests --test quality -- --nocapture table` prints the table of
//! `docs/methods/enhancement-quality.md`.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use kerma::{
    data::{Image, ImageInfo, Unit},
    engine::{Control, Device, Plan},
    tasks::{
        Recorded,
        enhance::{Collimation, EnhanceOptions, Enhanced, Enhancement, GivenMask, Preset, Stage},
    },
};
use kerma_kernels_tests::quality::{Scene, Surrounding, insert_contrast, leak, noise, overshoot_percent, seam_db};

const BITS: [u8; 3] = [12, 14, 16];
/// Another background: brighter than the lungs, so that it would change ranks and not only counts.
const OTHER_AIR: (f64, u64) = (0.45, 77);
/// Columns in which the trunk is flat above the collimator's edge.
const FLAT_COLUMNS: std::ops::Range<usize> = 380..640;

/// Least that contrasts of inserts are raised by, relative to the range of grey levels.
const LEAST_CONTRAST_GAIN: f64 = 2.0;
/// Least share of its contrast-to-noise ratio that any insert keeps: equalisation raises contrast and noise alike, and
/// discs wider than a band gain less from it than noise at its centre.
const LEAST_CNR_KEPT: f64 = 0.9;
/// Least share that small inserts in the lung keep: their size is that of the bands, so that they must gain.
const LEAST_SMALL_CNR_KEPT: f64 = 1.0;
/// Most that noise in flat regions is raised by.
const MOST_NOISE_GAIN: f64 = 4.0;
/// Tiles must not stand out from their neighbouring frequencies; controls with seams must, by this much.
const MOST_SEAM_DB: f64 = 0.0;
const CONTROL_SEAM_DB: f64 = 6.0;
/// Most ringing of the pyramid at the collimator's edge, in per cent of the step.
const MOST_OVERSHOOT_PERCENT: f64 = 15.0;

fn enhanced(image: &Image, mask: Option<&GivenMask>, options: &EnhanceOptions, keep: &[Stage]) -> Enhanced {
    let task = Enhancement::new(image, &ImageInfo::default(), mask, options, keep).unwrap();
    let device = Device::cpu();
    let plan = Plan::new(task.graph(), device.limits()).unwrap();
    let outputs = pollster::block_on(device.run(&plan, &Control::default())).unwrap();
    task.finish(outputs).unwrap()
}

/// Means over the inserts of a surrounding and size.
struct Gain {
    contrast: f64,
    cnr: [f64; 2],
}

fn gain(before: &Image, after: &Image, surrounding: Surrounding, is_large: bool) -> Gain {
    let inserts: Vec<_> = Scene::inserts()
        .into_iter()
        .filter(|i| i.surrounding == surrounding && (i.radius > 10.0) == is_large)
        .map(|i| [before, after].map(|image| insert_contrast(image, &i)))
        .collect();
    let mean = |value: &dyn Fn(&[kerma_kernels_tests::quality::Contrast; 2]) -> f64| {
        inserts.iter().map(value).sum::<f64>() / inserts.len() as f64
    };
    let [old, new] = [0, 1].map(|n| mean(&|c| c[n].levels));
    Gain { contrast: new / old, cnr: [0, 1].map(|n| mean(&|c| c[n].ratio())) }
}

fn noise_gain(before: &Image, after: &Image, surrounding: Surrounding) -> f64 {
    let flats: Vec<_> = Scene::flats().into_iter().filter(|f| f.surrounding == surrounding).collect();
    flats.iter().map(|f| noise(after, f) / noise(before, f)).sum::<f64>() / flats.len() as f64
}

/// Rows from the rim over which the pyramid carries the background into the foreground.
///
/// Reducing to level n reads 2·(2ⁿ − 1) pixels to either side, expanding from it as many again.
fn reach(options: &EnhanceOptions) -> usize {
    let levels = options.laplacian.as_ref().map_or(0, |l| l.gains.len());
    4 * ((1 << levels) - 1)
}

struct Row {
    preset: &'static str,
    bits: u8,
    /// Small and large inserts in the lung, then in the mediastinum.
    gains: [Gain; 4],
    noise: [f64; 2],
    seam: f64,
    /// After the equalisation, everywhere; at the end, beyond the pyramid's reach, in per mille of the range.
    leaks: [f32; 2],
    /// Of the pyramid alone, and at the end.
    overshoots: [f64; 2],
}

fn row(preset: &'static str, bits: u8) -> Row {
    use Surrounding::{Lung, Mediastinum};
    let options = Preset::find(preset).unwrap().options;
    let scene = Scene::new(bits);
    let before = scene.image();
    let body = scene.body();
    let given = GivenMask::new(&body, &before).unwrap();

    let chain = enhanced(&before, Some(&given), &options, &[Stage::Clahe]);
    let equalised = &chain.kept[0].1;
    let other = Scene { air: OTHER_AIR, ..scene }.image();
    let moved = enhanced(&other, Some(&given), &options, &[Stage::Clahe]);
    let deepest = leak(&chain.image, &moved.image, &body, reach(&options)) / (f32::from(bits).exp2() - 1.0);

    let collimated = Scene { is_collimated: true, ..scene };
    let edge = collimated.image();
    // The edge as it is: behind a collimator that is found all would be black.
    let mut whole = options.clone();
    whole.mask.as_mut().unwrap().collimation = Collimation::Off;
    let sharp_alone = EnhanceOptions { clahe: None, tone: None, ..whole.clone() };
    let overshoots = [&sharp_alone, &whole].map(|options| {
        let image = enhanced(&edge, None, options, &[]).image;
        overshoot_percent(&image, Scene::collimator_row(), FLAT_COLUMNS)
    });
    let tiles = options.clahe.as_ref().unwrap().tiles;
    Row {
        preset,
        bits,
        gains: [(Lung, false), (Lung, true), (Mediastinum, false), (Mediastinum, true)]
            .map(|(surrounding, is_large)| gain(&before, &chain.image, surrounding, is_large)),
        noise: [Lung, Mediastinum].map(|s| noise_gain(&before, &chain.image, s)),
        seam: seam_db(&before, equalised, tiles),
        leaks: [leak(equalised, &moved.kept[0].1, &body, 0), 1000.0 * deepest],
        overshoots,
    }
}

impl Row {
    const HEAD: &str = "\
| preset | bits | contrast, lung | contrast, mediastinum | CNR, lung small | large | CNR, mediastinum small | large | \
noise, lung | mediastinum | seams | leak, clahe | leak, end | overshoot, pyramid | end |
|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|";

    fn markdown(&self) -> String {
        let contrast =
            |small: usize| format!("× {:.2} / {:.2}", self.gains[small].contrast, self.gains[small + 1].contrast);
        let cnr = |n: usize| format!("{:.1} → {:.1}", self.gains[n].cnr[0], self.gains[n].cnr[1]);
        format!(
            "| {} | {} | {} | {} | {} | {} | {} | {} | × {:.2} | × {:.2} | {:.1} dB | {} | {:.2} ‰ | {:.1} % | {:.1} % |",
            self.preset,
            self.bits,
            contrast(0),
            contrast(2),
            cnr(0),
            cnr(1),
            cnr(2),
            cnr(3),
            self.noise[0],
            self.noise[1],
            self.seam,
            self.leaks[0],
            self.leaks[1],
            self.overshoots[0],
            self.overshoots[1]
        )
    }

    /// What does not hold, in words.
    fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut check = |holds: bool, what: String| {
            if !holds {
                faults.push(format!("{}, {} bits: {what}", self.preset, self.bits));
            }
        };
        let (small, any) = (LEAST_SMALL_CNR_KEPT, LEAST_CNR_KEPT);
        for (gain, least) in self.gains.iter().zip([small, any, any, any]) {
            check(gain.contrast >= LEAST_CONTRAST_GAIN, format!("contrast × {}", gain.contrast));
            check(gain.cnr[1] >= least * gain.cnr[0], format!("CNR {:?}", gain.cnr));
        }
        for noise in self.noise {
            check(noise <= MOST_NOISE_GAIN, format!("noise × {noise}"));
        }
        check(self.seam <= MOST_SEAM_DB, format!("seams {} dB", self.seam));
        check(self.leaks[0] == 0.0, format!("leak {}", self.leaks[0]));
        check(self.overshoots[0] <= MOST_OVERSHOOT_PERCENT, format!("overshoot {:?} %", self.overshoots));
        faults
    }
}

#[test]
fn table_of_presets_and_bit_depths_meets_the_bars() {
    let rows: Vec<Row> =
        Preset::NAMES.into_iter().flat_map(|preset| BITS.into_iter().map(move |bits| row(preset, bits))).collect();
    println!("{}", Row::HEAD);
    rows.iter().for_each(|row| println!("{}", row.markdown()));
    let faults: Vec<String> = rows.iter().flat_map(Row::faults).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Equalisation tile by tile with a clip limit, one table each and nothing between them, on the host.
fn blocky(image: &Image, tiles: usize) -> Image {
    const CLIP: f64 = 2.0;
    let [columns, rows] = image.size();
    let tile = |i: usize| (i / columns * tiles / rows) * tiles + i % columns * tiles / columns;
    let levels = image.values().iter().copied().fold(0.0, f32::max) as usize + 1;
    let mut counts = vec![0.0; tiles * tiles * levels];
    image.values().iter().enumerate().for_each(|(i, v)| counts[tile(i) * levels + *v as usize] += 1.0);
    let uniform = (columns * rows) as f64 / (tiles * tiles * levels) as f64;
    for table in counts.chunks_exact_mut(levels) {
        let excess: f64 = table.iter().map(|count: &f64| (count - CLIP * uniform).max(0.0)).sum();
        let mut sum = 0.0;
        for count in table {
            sum += count.min(CLIP * uniform) + excess / levels as f64;
            *count = sum / uniform;
        }
    }
    let value = |(i, v): (usize, &f32)| counts[tile(i) * levels + *v as usize].round() as f32;
    let values = image.values().iter().enumerate().map(value).collect();
    Image::new(image.size(), None, image.sample(), Unit::Arbitrary, values).unwrap()
}

#[test]
fn control_tables_without_interpolation_show_their_tiles() {
    let image = Scene::new(12).image();
    let found = seam_db(&image, &blocky(&image, 8), [8, 8]);
    assert!(found > CONTROL_SEAM_DB, "{found} dB");
    // The same picture asked about tiles that it does not have.
    let elsewhere = seam_db(&image, &blocky(&image, 8), [7, 7]);
    assert!(elsewhere < CONTROL_SEAM_DB, "{elsewhere} dB");
}

#[test]
fn control_equalisation_without_a_mask_lets_the_background_in() {
    let scene = Scene::new(12);
    let body = scene.body();
    let options = EnhanceOptions { mask: None, laplacian: None, tone: None, ..Preset::find("chest").unwrap().options };
    let [a, b] = [scene.air, OTHER_AIR].map(|air| enhanced(&Scene { air, ..scene }.image(), None, &options, &[]).image);
    assert!(leak(&a, &b, &body, 0) > 10.0);
}

#[test]
fn control_a_gain_on_every_band_raises_noise_and_rings() {
    let mut options = Preset::find("chest").unwrap().options;
    options.clahe = None;
    options.mask.as_mut().unwrap().collimation = Collimation::Off;
    let laplacian = options.laplacian.as_mut().unwrap();
    laplacian.gains = vec![4.0; 3];
    laplacian.powers = Vec::new();
    laplacian.containment = 0.0;
    laplacian.ceiling = 4.0;
    options.tone = None;
    let scene = Scene { is_collimated: true, ..Scene::new(14) };
    let before = scene.image();
    let after = enhanced(&before, None, &options, &[]).image;
    assert!(noise_gain(&before, &after, Surrounding::Lung) > 3.0);
    assert!(overshoot_percent(&after, Scene::collimator_row(), FLAT_COLUMNS) > MOST_OVERSHOOT_PERCENT);
    assert!(overshoot_percent(&before, Scene::collimator_row(), FLAT_COLUMNS) < 1.0);
}
