//! Tilted detectors: what an analytic reconstruction makes of small tilts, and which it refuses.

use kerma::io::read_volume;

use crate::runner::Room;

/// A scan that sees all of the water cylinder across, and a grid through its middle.
const SCAN: &str = "kind = \"cone-circular\"\nsource_isocentre_mm = 600.0\nsource_detector_mm = 1000.0\nviews = 240\n\
    detector = [160, 24]\npitch_mm = [2.5, 2.5]\n";
const GRID: &str = "48x48x5@4x4x4";
/// Radius of what is measured: well within the cylinder of 100 mm.
const RADIUS_MM: f64 = 80.0;
/// Largest relative error of the mean.
const SCALE: f64 = 0.005;

fn tilted(room: &Room, tilt_deg: &str) -> &'static str {
    room.put("scan.toml", format!("{SCAN}tilt_deg = {tilt_deg}\n"));
    room.done(&["phantom", "water-cylinder", "--project", "scan.toml", "--out", "stack.nrrd"]);
    "stack.nrrd"
}

/// Mean of all slices within a circle.
fn mean(room: &Room, name: &str) -> f64 {
    let volume = read_volume(room.path(name), None).unwrap();
    let [nx, ny, _] = volume.grid().size();
    let inside = volume.values().iter().enumerate().filter(|(at, _)| {
        let [x, y] = [at % nx, at / nx % ny].map(|i| (i as f64 - 23.5) * 4.0);
        x.hypot(y) < RADIUS_MM
    });
    let (sum, count) = inside.fold((0.0, 0), |(sum, count), (_, value)| (sum + f64::from(*value), count + 1));
    sum / f64::from(count)
}

#[test]
fn tilts_of_five_degrees_keep_the_scale_of_fdk_and_larger_ones_are_refused() {
    let room = Room::new();
    room.done(&["phantom", "water-cylinder", "--grid", GRID, "--out", "truth.nrrd"]);
    let truth = mean(&room, "truth.nrrd");
    let reconstruct = |stack| ["reconstruct", stack, "--geometry", "scan.toml", "--grid", GRID, "--out", "v.nrrd"];
    for tilt_deg in ["[0, 0, 0]", "[5, 0, 0]", "[0, -5, 0]", "[-3, 3, 2]"] {
        room.done(&reconstruct(tilted(&room, tilt_deg)));
        let off = mean(&room, "v.nrrd") / truth - 1.0;
        println!("tilt {tilt_deg}: mean {:+.3} %", 100.0 * off);
        assert!(off.abs() < SCALE, "tilt {tilt_deg}: {off}");
    }
    for tilt_deg in ["[0, 12, 0]", "[12, 0, 0]"] {
        tilted(&room, tilt_deg);
        room.refused(
            &reconstruct("stack.nrrd"),
            &["scan.toml", "view 0 is tilted by 12.0°", "at most 5°", "iterative"],
        );
    }
    // Iterations take it, and say that the cylinder is higher than the grid.
    let sirt = ["--method", "sirt", "--iterations", "1", "--device", "cpu"];
    let output = room.run(&[&reconstruct("stack.nrrd")[..], &sirt].concat());
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}
