//! Reconstruction in parts against that of the whole, to the bit.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod adapters;

use std::{ops::Range, sync::Mutex};

use adapters::{Software, opened};
use kerma::{
    data::{Grid, Projections, Volume},
    engine::{Control, Device, Numerics, Progress},
    geometry::{Geometry, Scan, Vectors, View},
    phantom::shepp_logan,
    tasks::{Fdk, FdkOptions, SlabwiseFdk, Task, TaskError},
};

const CONE: &str = "kind = \"cone-circular\"\nsource_isocentre_mm = 500.0\nsource_detector_mm = 750.0\nviews = 24\n\
                    detector = [40, 32]\npitch_mm = [4.0, 4.0]\n";
const PARALLEL: &str = "kind = \"parallel\"\nviews = 24\narc_deg = 180.0\ndetector = [40, 32]\npitch_mm = [3.0, 3.0]\n";
const HELIX: &str = "kind = \"helical\"\nsource_isocentre_mm = 500.0\nsource_detector_mm = 750.0\nviews = 73\n\
                     arc_deg = 1080.0\nadvance_mm = 40.0\ndetector = [40, 32]\npitch_mm = [4.0, 4.0]\n";

fn scan(text: &str) -> Scan {
    Scan::from_toml(text).unwrap()
}

/// The cone as explicit views that lean, which only the general kernel takes.
fn leaning() -> Scan {
    let geometry = scan(CONE).build().unwrap();
    let lean = |view: &View| View { v_step: view.v_step + 0.05 * view.u_step.cross(view.v_step).normalize(), ..*view };
    let views = geometry.views().iter().map(lean).collect();
    Vectors::from(&Geometry::new(geometry.detector(), views).unwrap()).into()
}

fn in_parts(
    device: &Device,
    (scan, grid, stack): (&Scan, &Grid, &Projections),
    memory_bytes: u64,
) -> Result<(Vec<f32>, usize), TaskError> {
    let task = SlabwiseFdk::new(scan, grid, FdkOptions::default(), (1, memory_bytes), device.limits())?;
    let pixels = stack.detector()[0] * stack.detector()[1];
    let read = |views: Range<usize>| Ok(stack.values()[views.start * pixels..views.end * pixels].to_vec());
    let mut values = Vec::new();
    let write = |part: Volume| {
        values.extend_from_slice(part.values());
        Ok::<_, TaskError>(())
    };
    pollster::block_on(task.run(device, &Control::default(), read, write))?;
    Ok((values, task.parts()))
}

#[test]
fn parts_have_the_bits_of_the_whole() {
    let software = [Software::Lavapipe, Software::SwiftShader].map(|adapter| opened(adapter, Numerics::Pinned));
    let devices: Vec<Device> = std::iter::once(Device::cpu()).chain(software.into_iter().flatten()).collect();
    let cases = [
        ("cone", scan(CONE), "30x28x75@3x3x1+4,0,1"),
        ("parallel", scan(PARALLEL), "30x28x75@3x3x1+4,0,1"),
        ("any position", leaning(), "30x28x75@3x3x1+4,0,1"),
        ("helix", scan(HELIX), "30x28x14@3x3x3+0,0,2"),
    ];
    for (name, scan, grid) in &cases {
        let grid: Grid = grid.parse().unwrap();
        let stack = shepp_logan(60.0).unwrap().project(&scan.build().unwrap()).unwrap();
        let whole = Fdk::new(&stack, scan, &grid, FdkOptions::default()).unwrap();
        let want = pollster::block_on(whole.run(&Device::cpu(), &Control::default())).unwrap();
        assert!(want.values().iter().any(|value| *value > 0.0), "{name}");
        for device in &devices {
            // The least memory that does, and a little more.
            let least = match in_parts(device, (scan, &grid, &stack), 0).unwrap_err() {
                TaskError::Memory { needed_bytes, .. } => needed_bytes,
                other => panic!("{other}"),
            };
            let mut counts = Vec::new();
            for memory_bytes in [least, least + 2 * 4 * 30 * 28 * 20] {
                let (got, parts) = in_parts(device, (scan, &grid, &stack), memory_bytes).unwrap();
                assert!(
                    got.iter().zip(want.values()).all(|(a, b)| a.to_bits() == b.to_bits()),
                    "{name}, {parts} parts"
                );
                counts.push(parts);
            }
            assert!(counts[0] > counts[1], "{name}: {counts:?} parts");
        }
    }
}

#[test]
fn several_devices_give_the_bits_of_one() {
    let software =
        [Software::Lavapipe, Software::SwiftShader].map(|adapter| opened(adapter, Numerics::Pinned).unwrap());
    for (name, scan, grid) in
        [("cone", scan(CONE), "30x28x75@3x3x1+4,0,1"), ("helix", scan(HELIX), "30x28x14@3x3x3+0,0,2")]
    {
        let grid: Grid = grid.parse().unwrap();
        let stack = shepp_logan(60.0).unwrap().project(&scan.build().unwrap()).unwrap();
        let (want, _) = in_parts(&Device::cpu(), (&scan, &grid, &stack), 1 << 30).unwrap();
        let task = SlabwiseFdk::new(&scan, &grid, FdkOptions::default(), (2, 1 << 30), software[0].limits()).unwrap();
        assert!(task.parts() > 1, "{name}: {} parts", task.parts());
        let pixels = stack.detector()[0] * stack.detector()[1];
        let (values, shown) = (&stack.values(), Mutex::new(vec![0.0]));
        let open = || |views: Range<usize>| Ok(values[views.start * pixels..views.end * pixels].to_vec());
        let progress = |of: Progress<'_>| shown.lock().unwrap().push(of.fraction);
        let control = Control { progress: &progress, ..Control::default() };
        let mut got = Vec::new();
        let write = |part: Volume| {
            got.extend_from_slice(part.values());
            Ok::<_, TaskError>(())
        };
        task.run_on(&software, &control, open, write).unwrap();
        assert_eq!(got.len(), want.len(), "{name}");
        assert!(got.iter().zip(&want).all(|(a, b)| a.to_bits() == b.to_bits()), "{name}");
        let shown = shown.into_inner().unwrap();
        assert!(shown.is_sorted() && (shown.last().unwrap() - 1.0).abs() < 1e-9, "{name}: {shown:?}");
        // One reader that fails ends all devices.
        let open = || |_: Range<usize>| Err(TaskError::Method { method: "a file", reason: "that ends" });
        let error = task.run_on(&software, &Control::default(), open, |_| Ok(())).unwrap_err();
        assert!(error.to_string().contains("that ends"), "{name}: {error}");
    }
}

#[test]
fn slices_that_begin_elsewhere_have_other_bits() {
    // The control: the axial kernel counts from multiples of 16, so that a volume of later slices alone differs.
    let scan = scan(CONE);
    let grid: Grid = "30x28x75@3x3x1+4,0,1".parse().unwrap();
    let stack = shepp_logan(60.0).unwrap().project(&scan.build().unwrap()).unwrap();
    let run = |grid: &Grid| {
        let task = Fdk::new(&stack, &scan, grid, FdkOptions::default()).unwrap();
        pollster::block_on(task.run(&Device::cpu(), &Control::default())).unwrap().into_values()
    };
    let (whole, later) = (run(&grid), run(&grid.slices(7..75)));
    assert_ne!(whole[7 * 30 * 28..], later);
}

#[test]
fn what_is_read_is_checked() {
    let (scan, grid) = (scan(CONE), "30x28x20@3x3x1".parse().unwrap());
    let task = SlabwiseFdk::new(&scan, &grid, FdkOptions::default(), (1, 1 << 30), Device::cpu().limits()).unwrap();
    let (device, control) = (Device::cpu(), Control::default());
    let message = |values: Vec<f32>| {
        let run = task.run(&device, &control, |_| Ok(values.clone()), |_| Ok::<_, TaskError>(()));
        pollster::block_on(run).unwrap_err().to_string()
    };
    assert!(message(vec![f32::NAN; 24 * 40 * 32]).contains("finite"), "{}", message(vec![f32::NAN; 24 * 40 * 32]));
    assert!(!message(vec![0.0; 24 * 40]).is_empty());
}
