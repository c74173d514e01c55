//! The suite on every adapter that is required or found, and the CPU against itself.

mod adapters;

use adapters::{Software, opened};
use kerma::engine::{Device, Kind, Numerics};
use kerma_kernels_tests::{Report, Verdict, cases, run};

/// Rays and voxels that the suite compares at the least.
const MILLION: u64 = 1_000_000;

fn every_bit_agrees(adapter: Software) {
    let Some(device) = opened(adapter, Numerics::Pinned) else { return };
    let report = run(&device, None, &|_| {});
    println!("{report}");
    assert!(report.pinned, "{}", report.self_test);
    assert!(report.passed(), "{report}");
    for kernel in &report.kernels {
        assert_eq!(kernel.differing, 0, "{} differs on {}", kernel.kernel, report.adapter);
    }
    let values = |name: &str| report.kernels.iter().find(|k| k.kernel == name).map_or(0, |k| k.values);
    assert!(values("project.siddon") >= MILLION && values("fdk.backproject") >= MILLION);
}

#[test]
fn every_bit_agrees_on_lavapipe() {
    every_bit_agrees(Software::Lavapipe);
}

#[test]
fn every_bit_agrees_on_swiftshader() {
    every_bit_agrees(Software::SwiftShader);
}

/// Software adapters run small groups otherwise.
#[test]
fn every_bit_agrees_in_groups_as_large_as_those_of_a_gpu() {
    for adapter in [Software::Lavapipe, Software::SwiftShader] {
        let Some(device) = opened(adapter, Numerics::Pinned) else { continue };
        let device = device.compiled_as(Kind::Discrete);
        for kernel in ["fdk.ramp", "fdk.parallel", "fourier.spectra", "fourier.rows", "fourier.columns"] {
            let report = run(&device, Some(kernel), &|_| {});
            assert!(report.passed() && report.kernels[0].differing == 0, "{report}");
        }
    }
}

#[test]
fn unpinned_kernels_stay_within_their_tolerances() {
    for adapter in [Software::Lavapipe, Software::SwiftShader] {
        let Some(device) = opened(adapter, Numerics::Fast) else { continue };
        let report = run(&device, None, &|_| {});
        println!("{report}");
        assert!(!report.pinned);
        assert!(report.passed(), "{report}");
        // Without pins lavapipe takes out common factors: were nothing to differ, the pins would be for nothing.
        let differs = report.kernels.iter().any(|k| k.verdict == Verdict::WithinTolerance);
        assert!(differs || adapter != Software::Lavapipe, "{report}");
    }
}

#[test]
fn every_kernel_has_cases() {
    let cases = cases();
    for shader in kerma::kernels::shaders() {
        let is_covered = cases.iter().any(|c| c.kernel == shader.name && c.tier == shader.tier);
        // The self-test runs whenever a device is opened.
        assert!(is_covered || shader.name == "engine.selftest", "{} has no case", shader.name);
    }
}

#[test]
fn a_filter_chooses_kernels_and_nothing_is_no_pass() {
    let report = run(&Device::cpu(), Some("pointwise.f"), &|_| {});
    assert_eq!(report.kernels.iter().map(|k| k.kernel).collect::<Vec<_>>(), ["pointwise.fill"]);
    assert!(report.passed());
    assert!(!run(&Device::cpu(), Some("no such kernel"), &|_| {}).passed());
}

#[test]
fn a_report_survives_as_json() {
    let report: Report = run(&Device::cpu(), Some("statistics"), &|_| {});
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["adapter"], "CPU");
    assert_eq!(json["kernels"][0]["kernel"], "statistics.rows");
    assert_eq!(json["kernels"][0]["tier"], "P");
    assert_eq!(json["kernels"][0]["verdict"], "bits-equal");
    assert_eq!(json["failures"], serde_json::json!([]));
}
