//! Noise against its distributions, on the CPU backend: other devices give its bits. Seeds are fixed.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use kerma::{
    engine::{Buffer, Control, Device, Extent, Graph, Plan},
    kernels::noise::{
        Stream,
        normal::{self, ERROR},
        poisson::{COUNTLESS, FEW},
        quanta::{self, Quanta},
    },
};
use kerma_kernels_tests::oracle::{chi_square, normal_above, poisson};

/// Columns and rows of an image of noise.
const SIDE: usize = 2048;
/// Numbers of an image.
const COUNT: usize = SIDE * SIDE;
/// Standard deviations beyond which a statistic is no chance: one in 16,000.
const CHANCE: f64 = 4.0;

const COUNTS: Quanta = Quanta { photons: Some(1.0), electronic_sigma: 0.0 };
const ELECTRONICS: Quanta = Quanta { photons: None, electronic_sigma: 1.0 };

fn run<'a>(record: impl FnOnce(&mut Graph<'a>) -> Buffer<f32>) -> Vec<f32> {
    let mut graph = Graph::new();
    let noise = record(&mut graph);
    let output = graph.result(noise);
    let device = Device::cpu();
    let plan = Plan::new(&graph, device.limits()).unwrap();
    pollster::block_on(device.run(&plan, &Control::default())).unwrap().take(output).unwrap()
}

fn extent() -> Extent {
    Extent::new(1, SIDE, SIDE)
}

fn normals(stream: &Stream) -> Vec<f32> {
    run(|graph| normal::record(graph, extent(), stream))
}

fn noisy(extent: Extent, means: &[f32], quanta: &Quanta, stream: &Stream) -> Vec<f32> {
    run(|graph| {
        let means = graph.upload("test.means", extent, means);
        quanta::record(graph, means, quanta, stream)
    })
}

fn poissons(mean: f32, stream: &Stream) -> Vec<f32> {
    noisy(extent(), &vec![mean; COUNT], &COUNTS, stream)
}

/// Chi-square of counts against a Poisson distribution.
fn deviation_of_counts(counts: &[f32], mean: f32) -> f64 {
    let (mean, reach) = (f64::from(mean), 8.0 * f64::from(mean).sqrt());
    let first = (mean - reach).floor().max(0.0) as u32;
    let last = (mean + reach + 12.0).ceil() as u32;
    let mut found = vec![0; (last - first + 1) as usize];
    for count in counts {
        found[(*count as u32).clamp(first, last) as usize - first as usize] += 1;
    }
    let expected: Vec<f64> = (first..=last).map(|k| counts.len() as f64 * poisson(k, mean)).collect();
    chi_square(&found, &expected)
}

const MEANS: [f32; 15] =
    [1e-3, 0.05, 0.9, 5.0, 9.9, 10.1, 15.97, 16.0, 18.3, 37.0, 400.0, 20_000.0, 1e6, 1_048_576.3, 8e6];

#[test]
fn counts_are_those_of_a_poisson_distribution() {
    for (index, mean) in MEANS.into_iter().enumerate() {
        let counts = poissons(mean, &Stream::new(2026, index as u32));
        let deviation = deviation_of_counts(&counts, mean);
        println!("mean {mean}: {deviation:.2} standard deviations");
        assert!(deviation.abs() < CHANCE, "mean {mean}: {deviation}");

        let m = f64::from(mean);
        let average = counts.iter().map(|c| f64::from(*c)).sum::<f64>() / COUNT as f64;
        let variance = counts.iter().map(|c| (f64::from(*c) - m).powi(2)).sum::<f64>() / COUNT as f64;
        let average_error = (average - m) / (m / COUNT as f64).sqrt();
        let variance_error = (variance - m) / ((m + 2.0 * m * m) / COUNT as f64).sqrt();
        assert!(
            average_error.abs() < CHANCE && variance_error.abs() < CHANCE,
            "{m}: {average_error}, {variance_error}"
        );

        // No absurd ones: the largest is one that so many counts may bring.
        let largest = counts.iter().fold(0.0f32, |a, b| a.max(*b)) as u32;
        let chance: f64 = (largest..largest + 50 + largest / 100).map(|k| poisson(k, m)).sum::<f64>() * COUNT as f64;
        assert!(chance > 1e-4, "mean {mean}: a count of {largest} is to come {chance:.1e} times");
    }
}

#[test]
fn a_normal_approximation_is_no_poisson_distribution() {
    for mean in [0.9f32, 5.0, 37.0, 400.0] {
        let z = normals(&Stream::new(2026, 1));
        let counts: Vec<f32> = z.iter().map(|z| (mean + mean.sqrt() * z).round().max(0.0)).collect();
        let deviation = deviation_of_counts(&counts, mean);
        assert!(deviation > 3.0 * CHANCE, "mean {mean}: {deviation}");
    }
}

#[test]
fn counts_beyond_single_precision_have_the_first_three_moments() {
    let mean = 4.0 * COUNTLESS;
    let counts = poissons(mean, &Stream::new(5, 0));
    let moment =
        |power| counts.iter().map(|c| (f64::from(*c - mean) / f64::from(mean).sqrt()).powi(power)).sum::<f64>();
    let n = COUNT as f64;
    // What is lost in rounding down to the spacing of 4 is 2 on average.
    let spread = f64::from(mean).sqrt();
    assert!((moment(1) / n + 2.0 / spread).abs() < CHANCE / n.sqrt());
    assert!((moment(2) / n - 1.0).abs() < CHANCE * (2.0 / n).sqrt());
    assert!(counts.iter().all(|c| *c == c.floor()));
}

/// Chi-square of numbers against the normal distribution, in classes of 1/50 from −5.5 to 5.5.
fn deviation_of_normals(numbers: impl Iterator<Item = f64>, count: usize) -> f64 {
    const CLASSES: i32 = 550;
    let mut found = vec![0; CLASSES as usize];
    for z in numbers {
        found[((z * 50.0).floor() as i32 + CLASSES / 2).clamp(0, CLASSES - 1) as usize] += 1;
    }
    let above = |class: i32| if class <= 0 { 1.0 } else { normal_above(f64::from(class - CLASSES / 2) / 50.0) };
    let expected: Vec<f64> =
        (0..CLASSES).map(|c| count as f64 * (above(c) - if c == CLASSES - 1 { 0.0 } else { above(c + 1) })).collect();
    chi_square(&found, &expected)
}

#[test]
fn normal_numbers_are_normal_far_into_their_tails() {
    let z: Vec<f32> = (0..4).flat_map(|stream| normals(&Stream::new(77, stream))).collect();
    let deviation = deviation_of_normals(z.iter().map(|z| f64::from(*z)), z.len());
    assert!(deviation.abs() < CHANCE, "{deviation}");
    // A hundredth too wide is too much.
    let control = deviation_of_normals(z.iter().map(|z| 1.01 * f64::from(*z)), z.len());
    assert!(control > 3.0 * CHANCE, "{control}");

    for limit in [2.0, 3.0, 4.0, 4.5, 5.0] {
        for sign in [-1.0, 1.0] {
            let found = z.iter().filter(|z| sign * f64::from(**z) > limit).count() as f64;
            let expected = z.len() as f64 * normal_above(limit);
            assert!((found - expected).abs() < CHANCE * expected.sqrt(), "beyond {limit}: {found}, {expected}");
        }
    }

    // Kolmogorov and Smirnov: 1.95 is exceeded once in a thousand times.
    let mut sorted = z;
    sorted.sort_unstable_by(f32::total_cmp);
    let n = sorted.len() as f64;
    let distance = sorted.iter().enumerate().map(|(i, z)| (1.0 - normal_above((*z).into()) - i as f64 / n).abs());
    let distance = distance.fold(0.0, f64::max) * n.sqrt();
    assert!(distance < 1.95, "{distance}");
}

#[test]
fn normal_numbers_are_quantiles_of_their_words() {
    let stream = Stream::new(3, 4);
    let mut worst = 0.0f64;
    for column in 0..200_000 {
        let [high, low, ..] = stream.words([column, 0, 0], 0);
        let bits = (u64::from(high & 0x7fff_ffff) << 7) | u64::from(low >> 25);
        let p = (bits as f64 + 0.5) / (1u64 << 39) as f64;
        let z = f64::from(normal::at(&stream, column, 0, 0));
        assert_eq!(z.is_sign_negative(), high >> 31 == 1);
        let z = z.abs();
        let density = (-0.5 * z * z).exp() / std::f64::consts::TAU.sqrt();
        worst = worst.max(((normal_above(z) - p) / density / z.max(0.1)).abs());
    }
    assert!(worst < ERROR, "{worst}");
}

/// Correlation in units of what chance gives.
fn correlation(a: impl Iterator<Item = f32>, b: impl Iterator<Item = f32>) -> f64 {
    let (mut sum, mut count) = (0.0, 0.0);
    for (a, b) in a.zip(b) {
        sum += f64::from(a) * f64::from(b);
        count += 1.0;
    }
    sum / f64::sqrt(count)
}

fn are_independent(what: &str, a: &[f32], b: &[f32]) {
    let plain = correlation(a.iter().copied(), b.iter().copied());
    let square = |z: &f32| (z * z - 1.0) / std::f32::consts::SQRT_2;
    let squares = correlation(a.iter().map(square), b.iter().map(square));
    assert!(plain.abs() < CHANCE && squares.abs() < CHANCE, "{what}: {plain}, {squares}");
}

#[test]
fn neighbours_views_streams_seeds_and_draws_are_independent() {
    let stream = Stream::new(9, 0);
    let z = normals(&stream);
    for (what, lag) in [("columns", 1), ("two columns", 2), ("rows", SIDE), ("diagonals", SIDE + 1)] {
        are_independent(what, &z[lag..], &z[..COUNT - lag]);
    }
    are_independent("views", &z, &normals(&stream.at([0, 0, 1])));
    are_independent("streams", &z, &normals(&Stream::new(9, 1)));
    are_independent("seeds", &z, &normals(&Stream::new(10, 0)));
    are_independent("high words of seeds", &z, &normals(&Stream::new(9 + (1 << 32), 0)));
    are_independent("draws", &z, &noisy(extent(), &vec![0.0; COUNT], &ELECTRONICS, &stream));
    for mean in [3.3f32, FEW + 2.0, 1000.0] {
        let standard: Vec<f32> = poissons(mean, &stream).iter().map(|c| (c - mean) / mean.sqrt()).collect();
        are_independent("counts and normal numbers", &z, &standard);
        are_independent("counts of neighbours", &standard[1..], &standard[..COUNT - 1]);
        are_independent("counts of rows", &standard[SIDE..], &standard[..COUNT - SIDE]);
    }
    // The test sees a tenth of a neighbour.
    let mixed: Vec<f32> = z.windows(2).map(|p| p[0] + 0.1 * p[1]).collect();
    assert!(correlation(mixed[1..].iter().copied(), mixed.iter().copied()) > 3.0 * CHANCE);
}

#[test]
fn pairs_of_neighbours_fill_the_plane_evenly() {
    const CLASSES: usize = 32;
    let z = normals(&Stream::new(11, 0));
    let class = |z: f32| ((normal_above(z.into()) * CLASSES as f64) as usize).min(CLASSES - 1);
    let mut found = vec![0; CLASSES * CLASSES];
    for pair in z.chunks_exact(2) {
        found[class(pair[0]) * CLASSES + class(pair[1])] += 1;
    }
    let expected = vec![(COUNT / 2) as f64 / (CLASSES * CLASSES) as f64; CLASSES * CLASSES];
    let deviation = chi_square(&found, &expected);
    assert!(deviation.abs() < CHANCE, "{deviation}");
}

#[test]
fn tiles_have_the_bits_of_the_whole_and_so_have_single_pixels() {
    let whole = Extent::new(3, 60, 70);
    let means: Vec<f32> = (0..whole.elements()).map(|i| 1.001f32.powi(i as i32 % 12_000)).collect();
    let quanta = Quanta { photons: Some(2.5), electronic_sigma: 0.7 };
    let stream = Stream::new(1, 2).at([1000, 2000, 3000]);
    let wanted = noisy(whole, &means, &quanta, &stream);
    let wanted_normals = run(|graph| normal::record(graph, whole, &stream));
    let index = |x: u32, y: u32, z: u32| ((z * whole.rows + y) * whole.columns + x) as usize;

    let (extent, [x0, y0, z0]) = (Extent::new(2, 29, 37), [13, 7, 1]);
    let places: Vec<[u32; 3]> = (0..extent.slices)
        .flat_map(|z| (0..extent.rows).flat_map(move |y| (0..extent.columns).map(move |x| [x, y, z])))
        .collect();
    let of_whole =
        |values: &[f32]| -> Vec<f32> { places.iter().map(|[x, y, z]| values[index(x + x0, y + y0, z + z0)]).collect() };
    let tile = Stream::new(1, 2).at([1000 + x0, 2000 + y0, 3000 + z0]);
    let tile_means = of_whole(&means);
    let got = noisy(extent, &tile_means, &quanta, &tile);
    assert_eq!(got, of_whole(&wanted));
    assert_eq!(run(|graph| normal::record(graph, extent, &tile)), of_whole(&wanted_normals));

    for (i, &[x, y, z]) in places.iter().enumerate() {
        assert_eq!(quanta::at(&quanta, &tile, tile_means[i], x, y, z), got[i]);
        assert_eq!(normal::at(&stream, x, y, z), wanted_normals[index(x, y, z)]);
    }

    // A tile that says it lies one column further on is another one.
    let shifted = noisy(extent, &tile_means, &quanta, &tile.at([1001 + x0, 2000 + y0, 3000 + z0]));
    let same = shifted.iter().zip(&got).filter(|(a, b)| a == b).count();
    assert!(same < got.len() / 100, "{same} of {}", got.len());
}

#[test]
fn parts_of_the_noise_can_be_left_out() {
    let extent = Extent::new(1, 3, 5);
    let means: Vec<f32> = (0..15).map(|i| i as f32 - 4.0).collect();
    let stream = Stream::new(1, 0);
    let neither = Quanta { photons: None, electronic_sigma: 0.0 };
    assert!(noisy(extent, &means, &neither, &stream).iter().zip(&means).all(|(y, m)| *y == m.max(0.0)));
    // No signal, no quanta.
    assert!(noisy(extent, &[-1.0; 15], &COUNTS, &stream).iter().all(|y| *y == 0.0));
    // Counts are in steps of the quantum.
    let quarter = Quanta { photons: Some(4.0), electronic_sigma: 0.0 };
    assert!(noisy(extent, &means, &quarter, &stream).iter().all(|y| (4.0 * y).fract() == 0.0));
}
