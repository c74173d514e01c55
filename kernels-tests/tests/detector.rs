//! Detectors against the formulas of their noise, blur and correction, on the CPU backend: other devices give its bits. Seeds are fixed.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::f64::consts::TAU;

use kerma::{
    data::{Image, Sample, Unit},
    engine::{Buffer, Control, Device, Extent, Graph, Plan},
    kernels::{
        detector::{Blur, Chain, DetectorSettings, Mtf, Open, blur, pattern},
        noise::{
            Stream, compound,
            quanta::{self, Quanta},
        },
        pointwise::{fill, line_integral},
    },
    metrics::{NpsOptions, Region, mtf, nps},
    physics::{Layer, Material, Quadrature, Tube, Weighting},
};
use kerma_kernels_tests::Seeded;

const PITCH_MM: f64 = 0.148;

fn run<'a, const N: usize>(record: impl FnOnce(&mut Graph<'a>) -> [Buffer<f32>; N]) -> [Vec<f32>; N] {
    let mut graph = Graph::new();
    let outputs = record(&mut graph).map(|buffer| graph.result(buffer));
    let device = Device::cpu();
    let plan = Plan::new(&graph, device.limits()).unwrap();
    let mut done = pollster::block_on(device.run(&plan, &Control::default())).unwrap();
    outputs.map(|output| done.take(output).unwrap())
}

/// Mean and variance.
fn moments(values: &[f32]) -> [f64; 2] {
    let mean = values.iter().map(|v| f64::from(*v)).sum::<f64>() / values.len() as f64;
    [mean, values.iter().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>() / values.len() as f64]
}

/// Correlation of two images, each about its mean.
fn correlation(a: &[f32], b: &[f32]) -> f64 {
    let ([mean_a, variance_a], [mean_b, variance_b]) = (moments(a), moments(b));
    let products = a.iter().zip(b).map(|(a, b)| (f64::from(*a) - mean_a) * (f64::from(*b) - mean_b));
    products.sum::<f64>() / a.len() as f64 / (variance_a * variance_b).sqrt()
}

fn square(side: usize, values: Vec<f32>) -> Image {
    Image::new([side; 2], Some([1.0; 2]), Sample::Float, Unit::Arbitrary, values).unwrap()
}

fn settings(toml: &str) -> DetectorSettings {
    DetectorSettings::from_toml(toml).unwrap()
}

/// Raw images and line integrals of views of which every pixel has the given mean.
fn views(settings: &DetectorSettings, extent: Extent, mean: f32, quanta: f64, first_view: u32) -> [Vec<f32>; 2] {
    run(|graph| {
        let open = Open { size: [extent.columns, extent.rows], quanta, field: None };
        let chain = Chain::new(graph, settings, &open).unwrap();
        let means = fill::record(graph, extent, mean);
        let recorded = chain.record(graph, means, None, first_view);
        [recorded.raw, recorded.integrals]
    })
}

#[test]
fn noise_of_many_energies_has_the_moments_of_its_photons() {
    const SIDE: usize = 1024;
    const COUNT: f64 = (SIDE * SIDE) as f64;
    // Photons of a pixel by energy in units: one energy; three, soft; three behind matter.
    for (index, photons) in
        [vec![(1.0, 300.0)], vec![(0.5, 40.0), (1.0, 30.0), (2.0, 12.0)], vec![(0.5, 0.01), (1.0, 2.0), (2.0, 6.0)]]
            .into_iter()
            .enumerate()
    {
        let sum = |power: i32| photons.iter().map(|(energy, count)| count * f64::powi(*energy, power)).sum::<f64>();
        // Over an open beam of mean 1000 and variance 2000: 500 quanta.
        let (open, open_variance) = (1000.0, 2000.0);
        let extent = Extent::new(2, SIDE, SIDE);
        let [signals, photon_by_photon] = run(|graph| {
            let means = fill::record(graph, extent, (sum(1) / open) as f32);
            let variances = fill::record(graph, extent, (sum(2) / open_variance) as f32);
            let quanta = (open * open / open_variance) as f32;
            let signals = compound::record(graph, means, variances, quanta, &Stream::new(7, index as u32));
            // What it stands for: Poisson numbers of each energy.
            let one = Extent { slices: 1, ..extent };
            let mut total = fill::record(graph, one, 0.0);
            for (stream, (energy, count)) in photons.iter().enumerate() {
                let count = fill::record(graph, one, *count as f32);
                let counts = Quanta { photons: Some(1.0), electronic_sigma: 0.0 };
                let drawn = quanta::record(graph, count, &counts, &Stream::new(8, stream as u32));
                total = kerma::kernels::pointwise::scale_add::record(graph, 1.0, total, (energy / open) as f32, drawn);
            }
            [signals, total]
        });
        let (first, second) = signals.split_at(SIDE * SIDE);
        for drawn in [first, second, &photon_by_photon] {
            let [mean, variance] = moments(drawn);
            let (want, want_variance) = (sum(1) / open, sum(2) / open / open);
            let sigmas = (mean - want) / (want_variance / COUNT).sqrt();
            assert!(sigmas.abs() < 4.0, "{index}: mean {mean}, want {want}");
            // Standard error of a variance: √((κ − 1)/n), κ up to 3 + 1/(few quanta).
            let error = (variance / want_variance - 1.0).abs() / ((2.0 + 1.0) / COUNT).sqrt();
            assert!(error < 4.0, "{index}: variance {variance}, want {want_variance}");
        }
        // A control: as if all photons were alike.
        let alike = sum(1) / open / open;
        assert!(index == 0 || (moments(first)[1] / alike - 1.0).abs() > 0.1);
        // Views are independent.
        assert!(correlation(first, second).abs() < 4.0 / COUNT.sqrt());
    }
}

#[test]
fn slanted_edges_show_the_curve_that_was_asked_for() {
    const SIDE: usize = 160;
    let (sin, cos) = 3.0_f64.to_radians().sin_cos();
    let edge = |i: usize| {
        let (x, y) = ((i % SIDE) as f64 - 78.3, (i / SIDE) as f64 - 80.9);
        if x * cos + y * sin < 0.0 { 0.9 } else { 0.1 }
    };
    let sharp: Vec<f32> = (0..SIDE * SIDE).map(|i| edge(i) as f32).collect();
    for (mtf_of, binning) in [(Mtf::Lorentzian { h_mm2: 0.6 }, 1), (Mtf::Lorentzian { h_mm2: 0.3 }, 2)] {
        let blurred = Blur::of(&mtf_of, PITCH_MM, binning).unwrap();
        let [image] = run(|graph| {
            let sharp = graph.upload("sharp", Extent::new(1, SIDE, SIDE), &sharp);
            [blur::record(graph, sharp, &blurred)]
        });
        let image = square(SIDE, image);
        let found = mtf(&image, Region::whole(&image)).unwrap();
        // Frequencies are in cycles per pixel: its spacing is 1 mm.
        let error = |want: &dyn Fn(f64) -> f64| {
            // The edge's window rounds off what bends at the Nyquist frequency.
            let curve = found.curve.iter().filter(|[f, _]| *f <= 0.45);
            curve.map(|[f, m]| (m - want(*f)).abs()).fold(0.0, f64::max)
        };
        let worst = error(&|f| mtf_of.binned(f, PITCH_MM, binning));
        println!("{mtf_of:?}, {binning}: {worst:.4}");
        assert!(worst < 0.01, "{mtf_of:?}: {worst}");
        // A control: as if bins did not blur, and as if there were more blur.
        let other = if binning > 1 { mtf_of.clone() } else { Mtf::Lorentzian { h_mm2: 0.7 } };
        assert!(error(&|f| other.at(f / (f64::from(binning) * PITCH_MM), PITCH_MM)) > 0.02);
    }
}

#[test]
fn points_show_the_curve_in_all_directions() {
    const SIDE: usize = 129;
    let mut point = vec![0.0; SIDE * SIDE];
    point[SIDE * SIDE / 2] = 1.0;
    for (mtf_of, is_round) in
        [(Mtf::Lorentzian { h_mm2: 0.6 }, true), (Mtf::Lorentzian { h_mm2: 0.2 }, true), (Mtf::Aperture, false)]
    {
        let blurred = Blur::of(&mtf_of, PITCH_MM, 1).unwrap();
        let [image] = run(|graph| {
            let sharp = graph.upload("sharp", Extent::new(1, SIDE, SIDE), &point);
            [blur::record(graph, sharp, &blurred)]
        });
        let transfer = |u: f64, v: f64| -> f64 {
            let wave = |i: usize, f: f64| (TAU * f * (i as f64 - 64.0)).cos();
            image.iter().enumerate().map(|(i, value)| f64::from(*value) * wave(i % SIDE, u) * wave(i / SIDE, v)).sum()
        };
        for step in 0..=20 {
            let f = f64::from(step) / 40.0;
            let want = |f: f64| mtf_of.at(f / PITCH_MM, PITCH_MM);
            for got in [transfer(f, 0.0), transfer(0.0, f)] {
                assert!((got - want(f)).abs() < 0.01, "{mtf_of:?}, {f}: {got}, want {}", want(f));
            }
            let got = transfer(f * 0.6, f * 0.8);
            // An aperture is that of squares.
            let want = if is_round { want(f) } else { want(f * 0.6) * want(f * 0.8) };
            assert!((got - want).abs() < 0.01, "{mtf_of:?}, {f} askew: {got}, want {want}");
        }
    }
}

/// Mean power in ten bands of the frequency up to Nyquist's, and the mean of a function there.
fn bands(side: usize, values: Vec<f32>, want: &dyn Fn(f64, f64) -> f64) -> Vec<[f64; 2]> {
    const BANDS: usize = 10;
    let image = square(side, values);
    // Squares without a window smooth the spectrum by their inverse side: at 64 pixels it is off by 3 to 7 %.
    let squares = side / 4;
    let options = NpsOptions { side: squares, detrend: 0 };
    let found = nps(&image, Region::whole(&image), options).unwrap();
    let mut sums = [[0.0; 3]; BANDS];
    for (i, power) in found.values.iter().enumerate() {
        let [u, v] = [i % squares, i / squares].map(|n| n as f64 / squares as f64 - 0.5);
        let band = (u.hypot(v) / 0.5 * BANDS as f64) as usize;
        if band < BANDS && u.hypot(v) > 0.02 {
            let sum = &mut sums[band];
            *sum = [sum[0] + *power, sum[1] + want(u, v), sum[2] + 1.0];
        }
    }
    sums.iter().map(|[power, want, count]| [power / count, want / count]).collect()
}

#[test]
fn noise_is_blurred_with_the_signal_and_white_after_it() {
    const SIDE: usize = 2048;
    let mtf_of = Mtf::Lorentzian { h_mm2: 0.6 };
    let extent = Extent::new(1, SIDE, SIDE);
    let quiet = "readout.enabled = false\npattern.enabled = false\ncorrection.enabled = false";
    let only = |quanta: bool, electronics: bool| {
        let toml = format!(
            "{quiet}\npitch_mm = {PITCH_MM}\nquanta.enabled = {quanta}\nelectronics.enabled = {electronics}\nelectronics.noise_counts = 400.0"
        );
        views(&settings(&toml), extent, 1.0, 2500.0, 0)
    };
    // White noise of 1/2500, through the square of the curve.
    let want = |u: f64, v: f64| (mtf_of.at(u.hypot(v) / PITCH_MM, PITCH_MM)).powi(2) / 2500.0;
    let [raw, _] = only(true, false);
    let [mean, _] = moments(&raw);
    assert!((mean - 1.0).abs() < 4.0 / (2500.0 * (SIDE * SIDE) as f64).sqrt(), "{mean}");
    let found = bands(SIDE, raw, &want);
    let deviation = |found: &[[f64; 2]]| found.iter().map(|[got, want]| (got / want - 1.0).abs()).fold(0.0, f64::max);
    println!("{found:?}: {}", deviation(&found));
    assert!(deviation(&found) < 0.02, "{found:?}");
    // Electronic noise of 0.01 of the open beam is white, which is the control of the first: noise after the blur.
    let [raw, _] = only(false, true);
    let found = bands(SIDE, raw.clone(), &|_, _| 1e-4);
    assert!(deviation(&found) < 0.02, "{found:?}");
    assert!(deviation(&bands(SIDE, raw, &|u, v| want(u, v) * 0.25)) > 0.5);
    // Both at once: their sum.
    let [raw, _] = only(true, true);
    let found = bands(SIDE, raw, &|u, v| want(u, v) + 1e-4);
    assert!(deviation(&found) < 0.02, "{found:?}");
}

#[test]
fn blurs_keep_the_mean_to_the_last_bits() {
    let extent = Extent::new(2, 150, 203);
    let values = Seeded::new(1).values(extent.elements() as usize, 0.0, 1.0);
    for mtf_of in [Mtf::Lorentzian { h_mm2: 1.5 }, Mtf::Aperture] {
        let blurred = Blur::of(&mtf_of, 0.1, 1).unwrap();
        let [drawn, even, one] = run(|graph| {
            let sharp = graph.upload("sharp", extent, &values);
            let [even, one] = [0.7123, 1.0].map(|value| fill::record(graph, extent, value));
            [sharp, even, one].map(|sharp| blur::record(graph, sharp, &blurred))
        });
        let [before, after] = [&values, &drawn].map(|values| moments(values)[0]);
        assert!((after / before - 1.0).abs() < 1e-7, "{before}, {after}");
        assert!(even.iter().all(|value| (value / 0.7123 - 1.0).abs() < 4.0 * f32::EPSILON));
        assert!(one.iter().all(|value| *value == 1.0));
    }
}

#[test]
fn efficiency_at_low_frequencies_is_absorption_times_swank() {
    const SIDE: usize = 2048;
    let filter = vec![Layer::parse("Al:2.5", &[]).unwrap()];
    let spectrum = Tube::new(80.0, 12.0, filter).unwrap().spectrum().unwrap();
    for (converter, weighting) in
        [("caesium-iodide", Weighting::Energy), ("selenium", Weighting::Energy), ("caesium-iodide", Weighting::Counts)]
    {
        let mut detector = settings(&format!(
            "pitch_mm = {PITCH_MM}\nconverter.material = '{converter}'\nelectronics.enabled = false\npattern.enabled = false"
        ));
        detector.converter.weighting = weighting;
        // Photons per mm² of the spectrum's shape.
        let photons_per_mm2 = 60_000.0;
        let moments_of = detector.layer().unwrap().spectrum_moments(&spectrum, 1.0, weighting).unwrap();
        let share = photons_per_mm2 / moments_of.incident;
        let quanta = detector.open_quanta(&spectrum, 1.0).unwrap() * share;
        let [raw, _] = views(&detector, Extent::new(1, SIDE, SIDE), 1.0, quanta, 0);
        let (gain, offset) = (detector.readout.gain_counts, detector.readout.offset_counts);
        let signals: Vec<f32> = raw.iter().map(|raw| ((f64::from(*raw) - offset) / gain) as f32).collect();
        let mtf_of = detector.blur.mtf.clone();
        // The lowest band, up to 0.05 cycles per pixel, of which the blur took a little.
        let [power, blurred] = bands(SIDE, signals, &|u, v| mtf_of.at(u.hypot(v) / PITCH_MM, PITCH_MM).powi(2))[0];
        let dqe = blurred / (power * PITCH_MM * PITCH_MM * photons_per_mm2);
        let want = moments_of.absorption() * moments_of.swank();
        println!("{converter}, {weighting:?}: {dqe:.4}, want {want:.4}");
        assert!((dqe / want - 1.0).abs() < 0.02, "{converter}: {dqe}, want {want}");
        // A control: absorption alone, where the Swank factor says something.
        assert!(weighting == Weighting::Counts || (dqe / moments_of.absorption() - 1.0).abs() > 0.03);
    }
}

#[test]
fn hardened_beams_keep_the_ratio_of_variance_to_mean_of_their_photons() {
    // Means and variances by two quadratures, as a simulation takes them, against sums over the photons behind matter.
    let filter = vec![Layer::parse("Al:2.5", &[]).unwrap()];
    let spectrum = Tube::new(100.0, 12.0, filter).unwrap().spectrum().unwrap();
    let detector = settings("quanta.enabled = true");
    let responses = detector.responses(&spectrum, 1.0).unwrap();
    let water = [Material::by_name("water").unwrap()];
    let [mean, variance] =
        responses.map(|of| Quadrature::of_bins(&spectrum, &of, &water).unwrap().transmission(&[200.0]));
    let behind = spectrum.clone().attenuated(&water[0], 200.0).unwrap();
    let layer = detector.layer().unwrap();
    let [open, hard] = [&spectrum, &behind].map(|of| layer.spectrum_moments(of, 1.0, Weighting::Energy).unwrap());
    assert!((mean * open.signal / hard.signal - 1.0).abs() < 1e-9);
    assert!((variance * open.signal_squared / hard.signal_squared - 1.0).abs() < 1e-9);
    assert!(variance / mean > 1.1, "{mean} {variance}");
}

const SMALL: [u32; 2] = [128, 96];

fn small(views: u32) -> Extent {
    Extent { slices: views, rows: SMALL[1], columns: SMALL[0] }
}

#[test]
fn without_effects_nothing_is_added_to_the_logarithm() {
    let detector = DetectorSettings::default().ideal();
    let extent = small(3);
    let means = Seeded::new(3).values(extent.elements() as usize, 1e-7, 1.0);
    let mut graph = Graph::new();
    let chain = Chain::new(&mut graph, &detector, &Open { size: SMALL, quanta: 1000.0, field: None }).unwrap();
    let uploaded = graph.upload("means", extent, &means);
    let integrals = chain.record(&mut graph, uploaded, None, 0).integrals;
    graph.result(integrals);
    let plan = Plan::new(&graph, Device::cpu().limits()).unwrap();
    assert_eq!((plan.dispatch_count(), plan.dropped_count()), (1, 0));
    let [got, want] = run(|graph| {
        let means = graph.upload("means", extent, &means);
        let chain = Chain::new(graph, &detector, &Open { size: SMALL, quanta: 1000.0, field: None }).unwrap();
        [chain.record(graph, means, None, 0).integrals, line_integral::record(graph, 1e-5, means)]
    });
    assert_eq!(got, want);
}

#[test]
fn views_are_their_numbers_and_not_their_batches() {
    let detector = settings("seed = 9\npattern.bad_pixel_fraction = 0.01");
    let [raw, integrals] = views(&detector, small(5), 0.4, 900.0, 10);
    let [raw_0, integrals_0] = views(&detector, small(2), 0.4, 900.0, 10);
    let [raw_2, integrals_2] = views(&detector, small(3), 0.4, 900.0, 12);
    assert_eq!(raw, [raw_0.clone(), raw_2].concat());
    assert_eq!(integrals, [integrals_0, integrals_2].concat());
    // Controls: another number, another seed.
    assert_ne!(raw_0, views(&detector, small(2), 0.4, 900.0, 11)[0]);
    assert_ne!(raw_0, views(&settings("seed = 10\npattern.bad_pixel_fraction = 0.01"), small(2), 0.4, 900.0, 10)[0]);
}

#[test]
fn raw_images_are_counts_and_bad_pixels_stay_where_they_are() {
    const BAD: f64 = 0.02;
    let toml = format!(
        "seed = 4\npattern.bad_pixel_fraction = {BAD}\nreadout.bits = 12\nreadout.gain_counts = 3000.0\nreadout.offset_counts = 100.0"
    );
    let detector = settings(&toml);
    let extent = small(4);
    let pixels = extent.elements() as usize / 4;
    let [raw, integrals] = views(&detector, extent, 0.5, 5000.0, 0);
    assert!(raw.iter().all(|count| *count == count.floor() && (0.0..=4095.0).contains(count)));
    let [gains] = run(|graph| [pattern::record(graph, SMALL, 0.02, BAD, &Stream::new(4, 3))]);
    let bad = gains.iter().filter(|gain| **gain <= 0.0).count() as f64;
    assert!((bad - BAD * pixels as f64).abs() < 4.0 * (BAD * pixels as f64).sqrt(), "{bad}");
    for view in raw.chunks_exact(pixels) {
        for (count, gain) in view.iter().zip(&gains) {
            match *gain {
                pattern::DEAD => assert_eq!(*count, 0.0),
                pattern::STUCK => assert_eq!(*count, 4095.0),
                _ => assert!((500.0..3000.0).contains(count), "{count}"),
            }
        }
    }
    // Gains are corrected, and bad pixels replaced: what is left is the noise of a view and a little of the flat's.
    let [mean, variance] = moments(&integrals);
    assert!((mean - 2.0_f64.ln()).abs() < 0.002, "{mean}");
    let nothing = DetectorSettings {
        pattern: kerma::kernels::detector::PatternSettings { enabled: false, ..detector.pattern },
        ..detector.clone()
    };
    let [_, plain] = views(&nothing, extent, 0.5, 5000.0, 0);
    let [_, expected] = moments(&plain);
    assert!((variance / expected - 1.0).abs() < 0.1, "{variance}, {expected}");
    // A control: without the correction, gains and bad pixels are in the line integrals.
    let mut uncorrected = detector;
    uncorrected.correction.enabled = false;
    assert!(moments(&views(&uncorrected, extent, 0.5, 5000.0, 0)[1])[1] > 10.0 * expected);
    // Saturation.
    let [raw, _] = views(&settings(&format!("{toml}\nreadout.saturation_counts = 900.0")), extent, 0.5, 5000.0, 0);
    assert!(raw.iter().all(|count| *count <= 900.0));
}

#[test]
fn dark_frames_are_drawn_anew_and_correlate_views_by_their_share() {
    // Electronic noise of views, σ, and of the mean of n dark frames, at a signal t of the open beam, whose image has none:
    // −ln((t + z − d)/(1 − d)) varies by z/t of its own, and by d·(1/t − 1) in all views alike.
    const SIDE: usize = 256;
    const SIGNAL: f32 = 0.1;
    let shared = |frames: u32| {
        let toml = format!(
            "quanta.enabled = false\npattern.enabled = false\nblur.enabled = false\nelectronics.noise_counts = 50.0
            correction.dark_frames = {frames}\ncorrection.flat_frames = 0"
        );
        let [raw, integrals] = views(&settings(&toml), Extent::new(2, SIDE, SIDE), SIGNAL, 1000.0, 0);
        let halves = |values: &[f32]| correlation(&values[..SIDE * SIDE], &values[SIDE * SIDE..]);
        // Raw views share nothing.
        assert!(halves(&raw).abs() < 4.0 / SIDE as f64);
        halves(&integrals)
    };
    for frames in [0, 4, 64] {
        let (own, dark) = (f64::from(SIGNAL).powi(-2), (1.0 / f64::from(SIGNAL) - 1.0).powi(2));
        let want = if frames == 0 { 0.0 } else { dark / f64::from(frames) / (own + dark / f64::from(frames)) };
        let got = shared(frames);
        assert!((got - want).abs() < 4.0 / SIDE as f64, "{frames} dark frames: {got}, want {want}");
    }
    // The control: one dark frame that all views have in common.
    assert!(shared(1) > 0.4);
}

#[test]
fn bins_have_the_noise_of_their_pixels() {
    let toml = |rest: &str| {
        format!(
            "pitch_mm = 0.1\nbinning = 2\npattern.enabled = false\nreadout.enabled = false\ncorrection.enabled = false\nelectronics.noise_counts = 800.0\n{rest}"
        )
    };
    let fine = Extent { slices: 1, rows: 1024, columns: 1024 };
    let coarse = Extent { slices: 1, rows: 512, columns: 512 };
    // Electronic noise of 0.02 for a pixel: a half of it for the mean of four.
    for (images, extent) in [("native", fine), ("binned", coarse)] {
        let [raw, _] =
            views(&settings(&toml(&format!("images = '{images}'\nquanta.enabled = false"))), extent, 1.0, 100.0, 0);
        let [mean, variance] = moments(&raw);
        assert!(raw.len() == 512 * 512 && (mean - 1.0).abs() < 1e-4);
        assert!((variance.sqrt() / 0.01 - 1.0).abs() < 0.01, "{images}: {variance}");
    }
    // Noise of the quanta, computed in pixels or in bins: the same at low frequencies, and nearly the same variance, of which aliases are a part.
    let spectra = [("native", fine), ("binned", coarse)].map(|(images, extent)| {
        let [raw, _] = views(
            &settings(&toml(&format!("images = '{images}'\nelectronics.enabled = false"))),
            extent,
            1.0,
            100.0,
            0,
        );
        bands(512, raw, &|u, v| Mtf::Lorentzian { h_mm2: 0.6 }.at(u.hypot(v) / 0.2, 0.2).powi(2) / 400.0)
    });
    for spectrum in &spectra {
        let [got, want] = spectrum[0];
        assert!((got / want - 1.0).abs() < 0.05, "{got}, {want}");
    }
    let odd = Open { size: [1023, 1024], quanta: 100.0, field: None };
    let error = Chain::new(&mut Graph::new(), &settings(&toml("images = 'native'")), &odd).unwrap_err().to_string();
    assert_eq!(error, "columns and rows must be multiples of the binning, 2, got [1023, 1024]");
}

#[test]
fn a_field_that_is_not_even_is_divided_out() {
    let detector = settings(
        "quanta.enabled = false\nelectronics.enabled = false\nreadout.enabled = false\nblur.enabled = false\npattern.bad_pixel_fraction = 0.0",
    );
    let one = small(1);
    let heel: Vec<f32> = (0..one.elements()).map(|i| 0.5 + (i % 128) as f32 / 256.0).collect();
    let behind: Vec<f32> = heel.iter().map(|open| open * (-1.25_f32).exp()).collect();
    let [integrals] = run(|graph| {
        let [open, means] = [("open", &heel), ("means", &behind)].map(|(name, values)| graph.upload(name, one, values));
        let chain =
            Chain::new(graph, &detector, &Open { size: SMALL, quanta: 1e4, field: Some([open, open]) }).unwrap();
        [chain.record(graph, means, None, 0).integrals]
    });
    assert!(integrals.iter().all(|p| (p - 1.25).abs() < 2e-6));
}
