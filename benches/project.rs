//! Forward projection by Siddon's method; throughput in rays.
#![expect(clippy::expect_used, reason = "a benchmark that cannot be set up should stop")]

mod devices;

use criterion::{Criterion, criterion_group, criterion_main};
use kerma::{
    data::Grid,
    geometry::{ConeCircular, Scan},
    phantom,
    tasks::{Projection, Recorded},
};

/// A 256 mm cube of n³ voxels, seen by `views` views of 192² pixels of 2 mm, SID 1000 mm, SDD 1500 mm.
fn siddon(c: &mut Criterion) {
    let mut group = c.benchmark_group("siddon");
    for (n, views) in [(64, 64), (128, 64), (256, 16)] {
        let grid = Grid::centred([n; 3], [256.0 / n as f64; 3]).expect("a valid grid");
        let volume = phantom::by_name("shepp-logan", 0).expect("a known phantom").voxelise(&grid, 1);
        let scan = Scan::ConeCircular(ConeCircular {
            source_isocentre_mm: 1000.0,
            source_detector_mm: 1500.0,
            views,
            start_deg: 0.0,
            arc_deg: 360.0,
            detector: [192, 192],
            pitch_mm: [2.0, 2.0],
            offset_mm: [0.0, 0.0],
        });
        let geometry = scan.build().expect("a valid scan");
        let task = Projection::new(&volume, &geometry).expect("a valid task");
        devices::compare(&mut group, &format!("{n}³ to {views}×192²"), geometry.value_count() as u64, task.graph());
    }
    group.finish();
}

criterion_group!(benches, siddon);
criterion_main!(benches);
