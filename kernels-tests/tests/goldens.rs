//! Results of other programs, made by the scripts beside them.

#![expect(clippy::unwrap_used, reason = "a golden that cannot be read should fail")]

use kerma::{
    data::{Projections, Unit},
    engine::{Control, Device, Extent, Graph, Plan},
    kernels::threshold::triangle::{self, Convention},
    tasks::raw::{Stripes, remove_stripes},
};

const TRIANGLES: &str = include_str!("../goldens/triangle.csv");
const STRIPES: &str = include_str!("../goldens/stripes.csv");

fn threshold(histogram: &[u32], convention: Convention) -> u32 {
    let mut graph = Graph::new();
    let histogram = graph.upload("histogram", Extent::table(histogram.len()), histogram);
    let found = triangle::record(&mut graph, histogram, convention);
    let output = graph.result(found);
    let device = Device::cpu();
    let plan = Plan::new(&graph, device.limits()).unwrap();
    pollster::block_on(device.run(&plan, &Control::default())).unwrap().take(output).unwrap()[0]
}

#[test]
fn triangle_thresholds_are_those_of_opencv_and_scikit_image() {
    let mut differences = Vec::new();
    for line in TRIANGLES.lines().skip(1) {
        let [name, bits, opencv, scikit_image, bins] = line.split(',').collect::<Vec<_>>()[..] else {
            panic!("five columns: {line}");
        };
        let mut histogram = vec![0; 1 << bits.parse::<u32>().unwrap()];
        for bin in bins.split(' ') {
            let (value, count) = bin.split_once(':').unwrap();
            histogram[value.parse::<usize>().unwrap()] = count.parse().unwrap();
        }
        for (convention, golden) in [(Convention::OpenCv, opencv), (Convention::ScikitImage, scikit_image)] {
            // A threshold of −1 is kept as 0.
            let Some(want) = golden.parse::<i32>().ok().map(|t| t.max(0).cast_unsigned()) else { continue };
            let got = threshold(&histogram, convention);
            if got != want {
                differences.push(format!("{name}, {bits} bits, {convention:?}: got {got}, want {want}"));
            }
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// Largest difference of values up to 2 that single precision and seven decimals may make.
const ROUNDED: f32 = 5e-7;

#[test]
fn stripes_go_as_with_pywavelets() {
    for line in STRIPES.lines().skip(1) {
        let [name, views, columns, levels, sigma, values] = line.split(',').collect::<Vec<_>>()[..] else {
            panic!("six columns: {line}");
        };
        let [views, columns, levels] = [views, columns, levels].map(|text| text.parse::<usize>().unwrap());
        let sigma: f64 = sigma.parse().unwrap();
        let value = |i: usize| (i * 7919 % 1009) as f64 / 1009.0 + (i % columns * 104_729 % 211) as f64 / 211.0;
        let values_before = (0..views * columns).map(|i| value(i) as f32).collect();
        let before = Projections::new(views, [columns, 1], [1.0; 2], Unit::LineIntegral, values_before).unwrap();
        let want: Vec<f32> = values.split(' ').map(|text| text.parse().unwrap()).collect();
        let worst = |stack: &Projections| {
            assert_eq!(stack.values().len(), want.len(), "{name}");
            stack.values().iter().zip(&want).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
        };
        let filtered = |sigma| worst(&remove_stripes(&before, Stripes::Wavelet { levels, sigma }).unwrap());
        let (got, control) = (filtered(sigma), filtered(1.01 * sigma));
        println!("{name}: {got} from PyWavelets, {control} with another sigma, {} before", worst(&before));
        assert!(got < ROUNDED && control > 1e-4 && worst(&before) > 0.1, "{name}: {got}");
    }
}
