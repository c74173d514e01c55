//! Stacks that pass in batches of views against whole ones, to the bit.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod adapters;

use std::ops::Range;

use adapters::{Software, opened};
use kerma::{
    data::{Grid, Projections, Unit, Volume},
    engine::{Control, Device, Numerics},
    geometry::{Geometry, Scan, View},
    kernels::project::Sampling,
    phantom::shepp_logan,
    tasks::{Backprojection, Backprojector, BatchwiseBackprojection, BatchwiseProjection, Projection, Task, TaskError},
};

/// Pixels of a view.
const PIXELS: usize = 512 * 256;
/// Views of which one batch of 32 MiB holds not all, where a pixel takes one value, and where it takes three or more.
const ALONE: usize = 66;
const WITH_MORE: usize = 24;

fn geometry(views: usize, kind: &str) -> Geometry {
    let scan = format!("views = {views}\ndetector = [512, 256]\npitch_mm = [0.3, 0.6]\n{kind}");
    Scan::from_toml(&scan).unwrap().build().unwrap()
}

fn cone(views: usize) -> Geometry {
    geometry(views, "kind = 'cone-circular'\nsource_isocentre_mm = 500.0\nsource_detector_mm = 750.0")
}

fn parallel(views: usize) -> Geometry {
    geometry(views, "kind = 'parallel'\narc_deg = 180.0")
}

/// The cone with views that lean, which only the general kernels take.
fn leaning() -> Geometry {
    let lean = |view: &View| View { v_step: view.v_step + 0.05 * view.u_step.cross(view.v_step).normalize(), ..*view };
    let cone = cone(WITH_MORE);
    Geometry::new(cone.detector(), cone.views().iter().map(lean).collect()).unwrap()
}

fn grid() -> Grid {
    "14x12x10@5x5x6+2,0,1".parse().unwrap()
}

fn head(unit: Unit) -> Volume {
    let volume = shepp_logan(40.0).unwrap().voxelise(&grid(), 1);
    match unit {
        Unit::Hounsfield => {
            let values = volume.values().iter().map(|mu| (mu / 0.02 - 1.0) * 1000.0).collect();
            Volume::new(grid(), Unit::Hounsfield, values).unwrap()
        }
        _ => volume,
    }
}

fn devices() -> Vec<Device> {
    let software = [Software::Lavapipe, Software::SwiftShader].map(|adapter| opened(adapter, Numerics::Pinned));
    std::iter::once(Device::cpu()).chain(software.into_iter().flatten()).collect()
}

fn run<T: Task>(task: &T) -> T::Result {
    pollster::block_on(task.run(&Device::cpu(), &Control::default())).unwrap()
}

fn are_equal(a: &[f32], b: &[f32]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits())
}

#[test]
fn projections_in_batches_have_the_bits_of_the_whole() {
    let devices = devices();
    for (sampling, geometry, unit, devices) in [
        (Sampling::Siddon, cone(ALONE), Unit::PerMillimetre, &devices[..1]),
        (Sampling::Joseph, cone(WITH_MORE), Unit::Hounsfield, &devices),
        (Sampling::Joseph, leaning(), Unit::PerMillimetre, &devices),
        (Sampling::Trilinear, parallel(WITH_MORE), Unit::PerMillimetre, &devices),
    ] {
        let volume = head(unit);
        let whole = run(&Projection::by(sampling, &volume, &geometry).unwrap());
        assert!(whole.values().iter().any(|value| *value > 0.0), "{sampling:?}");
        for device in devices {
            let memory = (1, 1 << 30);
            let task = BatchwiseProjection::new(sampling, &volume, &geometry, memory, device.limits()).unwrap();
            assert!(task.parts() > 1 && task.views_together() < geometry.views().len(), "{sampling:?}");
            let mut got = Vec::new();
            let write = |batch: Projections| {
                got.extend_from_slice(batch.values());
                Ok::<_, TaskError>(())
            };
            pollster::block_on(task.run(device, &Control::default(), write)).unwrap();
            assert!(are_equal(&got, whole.values()), "{sampling:?}");
        }
    }
}

#[test]
fn several_devices_write_the_batches_in_their_order() {
    let (volume, geometry, devices) = (head(Unit::PerMillimetre), cone(WITH_MORE), devices());
    let whole = run(&Projection::by(Sampling::Joseph, &volume, &geometry).unwrap());
    let memory = (devices.len(), 1 << 30);
    let task = BatchwiseProjection::new(Sampling::Joseph, &volume, &geometry, memory, devices[0].limits()).unwrap();
    let mut got = Vec::new();
    let write = |batch: Projections| {
        got.extend_from_slice(batch.values());
        Ok::<_, TaskError>(())
    };
    task.run_on(&devices, &Control::default(), write).unwrap();
    assert!(are_equal(&got, whole.values()));
    // A file that takes no more ends all devices.
    let full = |_| Err(TaskError::Method { method: "a disk", reason: "that is full" });
    let error = task.run_on(&devices, &Control::default(), full).unwrap_err();
    assert!(error.to_string().contains("that is full"), "{error}");
}

#[test]
fn back_projections_of_batches_have_the_bits_of_the_whole() {
    let devices = devices();
    for (backprojector, geometry, devices) in [
        (Backprojector::Siddon, cone(WITH_MORE), &devices[..]),
        (Backprojector::Joseph, cone(WITH_MORE), &devices),
        (Backprojector::Trilinear, parallel(WITH_MORE), &devices),
        (Backprojector::VoxelDriven, parallel(ALONE), &devices[..1]),
    ] {
        let count = geometry.views().len();
        let stack = shepp_logan(40.0).unwrap().project(&geometry).unwrap();
        let whole = run(&Backprojection::new(&stack, &geometry, &grid(), backprojector).unwrap());
        for device in devices {
            let limits = device.limits();
            let task = BatchwiseBackprojection::new(&geometry, &grid(), backprojector, 1 << 30, limits).unwrap();
            assert!(task.parts() > 1 && task.views_together() < count, "{backprojector:?}");
            let read = |views: Range<usize>| {
                Ok::<_, TaskError>(stack.values()[views.start * PIXELS..views.end * PIXELS].to_vec())
            };
            let got = pollster::block_on(task.run(device, &Control::default(), read)).unwrap();
            assert!(are_equal(got.values(), whole.values()), "{backprojector:?}");
            // The control: views in another order.
            let turned = |views: Range<usize>| read(count - views.end..count - views.start);
            let other = pollster::block_on(task.run(device, &Control::default(), turned)).unwrap();
            assert!(!are_equal(other.values(), whole.values()), "{backprojector:?}");
        }
    }
}

#[test]
fn too_little_memory_is_refused_with_what_would_do() {
    let (volume, geometry, limits) = (head(Unit::PerMillimetre), cone(ALONE), Device::cpu().limits());
    let project = |bytes| BatchwiseProjection::new(Sampling::Siddon, &volume, &geometry, (1, bytes), limits).err();
    let back = |bytes| BatchwiseBackprojection::new(&geometry, &grid(), Backprojector::Joseph, bytes, limits).err();
    let least = |error: Option<TaskError>| match error {
        Some(TaskError::Memory { needed_bytes, given_bytes: 1000, .. }) => needed_bytes,
        other => panic!("{other:?}"),
    };
    let (projecting, back_projecting) = (least(project(1000)), least(back(1000)));
    assert!(project(projecting).is_none() && project(projecting - 1).is_some());
    assert!(back(back_projecting).is_none() && back(back_projecting - 1).is_some());
    // Less than the stack, which is 33 MiB.
    assert!(projecting < 33 << 20, "{projecting}");
}

#[test]
fn views_that_are_read_are_checked() {
    let limits = Device::cpu().limits();
    let task = BatchwiseBackprojection::new(&cone(WITH_MORE), &grid(), Backprojector::Siddon, 1 << 30, limits).unwrap();
    let message = |value: f32, count: usize| {
        let read = |views: Range<usize>| Ok::<_, TaskError>(vec![value; views.len() * PIXELS - count]);
        pollster::block_on(task.run(&Device::cpu(), &Control::default(), read)).unwrap_err().to_string()
    };
    assert!(message(f32::NAN, 0).contains("finite"), "{}", message(f32::NAN, 0));
    assert!(!message(0.0, 1).is_empty());
}
