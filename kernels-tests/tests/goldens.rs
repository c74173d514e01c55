//! Results of other programs, made by the scripts beside them.

#![expect(clippy::unwrap_used, reason = "a golden that cannot be read should fail")]

use kerma::{
    engine::{Control, Device, Extent, Graph, Plan},
    kernels::threshold::triangle::{self, Convention},
};

const TRIANGLES: &str = include_str!("../goldens/triangle.csv");

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
