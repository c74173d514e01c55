//! The ramp filter of rows of any length against the sum that defines it, on the CPU backend.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use kerma::{
    engine::{Control, Device, Extent, Graph, Plan},
    kernels::fdk::ramp::{self, RampFilter, Window},
};
use kerma_kernels_tests::{Seeded, oracle};
use proptest::prelude::*;

/// Half a unit in the last place of a number between 1 and 2.
const U: f64 = 1.0 / (1 << 24) as f64;
/// Error of a transform relative to its norm, per level (Higham, Accuracy and Stability, theorem 24.2: η = u + γ₄(√2 +
/// u) with twiddles right to u).
const LEVEL: f64 = 6.7 * U;
/// Share of the worst that roundings, as often up as down, came to at most in 10,000 cases: 0.02, times five.
const MEASURED: f64 = 0.1;
/// Numbers of the longest transform.
const LONGEST: usize = 2048;

/// What rounding may do to the norm of two rows that share a transform, as a share of theirs: levels forward and back, and one
/// product with a spectrum whose largest gain is that of the ramp at the cut-off.
fn allowed(filter: &RampFilter, columns: usize) -> f64 {
    let levels = f64::from((2 * columns).next_power_of_two().clamp(16, LONGEST).ilog2());
    MEASURED * (2.0 * levels + 1.0) * LEVEL * filter.cutoff / 2.0 / filter.pitch_mm
}

fn filtered(filter: &RampFilter, extent: Extent, rows: &[f32]) -> Vec<f32> {
    let mut graph = Graph::new();
    let uploaded = graph.upload("rows", extent, rows);
    let tables = ramp::Tables::record(&mut graph, filter, extent.columns as usize);
    let filtered = ramp::record(&mut graph, &tables, uploaded);
    let output = graph.result(filtered);
    let device = Device::cpu();
    let plan = Plan::new(&graph, device.limits()).unwrap();
    pollster::block_on(device.run(&plan, &Control::default())).unwrap().take(output).unwrap()
}

/// Largest error of two rows that share a transform, over what is allowed; the truth is that of `filter`, the values are another's.
fn error(filter: &RampFilter, other: &RampFilter, extent: Extent) -> f64 {
    let [columns, count] = [extent.columns, extent.rows].map(|n| n as usize);
    let rows = Seeded::new(extent.elements()).values(extent.elements() as usize, -1.0, 6.0);
    let values = filtered(other, extent, &rows);
    let truth = oracle::ramp(&rows, columns, filter.pitch_mm, filter.cutoff, |x| filter.window.at(x));
    let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>().sqrt();
    let views = rows.chunks(count * columns).zip(values.chunks(count * columns)).zip(truth.chunks(count * columns));
    let pairs = views.flat_map(|((rows, values), truth)| {
        rows.chunks(2 * columns).zip(values.chunks(2 * columns)).zip(truth.chunks(2 * columns))
    });
    let errors = pairs.map(|((rows, values), truth)| {
        let error = norm(&mut values.iter().zip(truth).map(|(v, t)| f64::from(*v) - t));
        error / (allowed(filter, columns) * norm(&mut rows.iter().map(|v| f64::from(*v))))
    });
    errors.fold(0.0, |largest, error| if error > largest || error.is_nan() { error } else { largest })
}

fn any_filter() -> impl Strategy<Value = RampFilter> {
    let window = prop::sample::select(Window::NAMES.map(|(_, window)| window).to_vec());
    (window, prop_oneof![Just(1.0), 0.02..1.0], -2.0..2.5).prop_map(|(window, cutoff, pitch): (_, f64, f64)| {
        RampFilter { pitch_mm: 10_f64.powf(pitch), window, cutoff, profile: None }
    })
}

/// Rows of one column, of few, of up to one segment, and of several; views of one row and of more than are filtered side by side.
fn any_extent() -> impl Strategy<Value = Extent> {
    let ends = prop::sample::select(vec![1, 2, 4, 5, 8, 9, 512, 513, 1023, 1024, 1025, 2048, 2049, 3072, 3073]);
    let columns = prop_oneof![3 => 1_usize..70, 2 => 1_usize..1025, 1 => 1025_usize..3100, 1 => ends];
    (1_usize..4, 1_usize..70, columns).prop_map(|(views, rows, columns)| {
        let rows = rows.min(1 + 40_000 / columns);
        Extent::new(views.min(1 + 40_000 / columns / rows), rows, columns)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn rows_of_any_length_are_filtered_right(filter in any_filter(), extent in any_extent()) {
        let error = error(&filter, &filter, extent);
        prop_assert!(error <= 1.0, "{error} of what is allowed");
    }
}

#[test]
fn a_ten_thousandth_more_of_pitch_or_cut_off_is_told_apart() {
    for (_, window) in Window::NAMES {
        for columns in [1, 2, 33, 700, 1500] {
            let filter = RampFilter { pitch_mm: 0.8, window, cutoff: 0.6, profile: None };
            let extent = Extent::new(1, 2, columns);
            assert!(error(&filter, &filter, extent) <= 1.0, "{columns} columns, {window:?}");
            let wide = RampFilter { pitch_mm: 0.8 * 1.0001, ..filter };
            let high = RampFilter { cutoff: 0.6 * 1.0001, ..filter };
            for other in [wide, high] {
                let error = error(&filter, &other, extent);
                assert!(error > 1.0, "{columns} columns, {other:?}: {error} of what is allowed");
            }
        }
    }
}
