//! Full turns of a helix around the slices of a volume.
//!
//! A slab of a few slices is reconstructed from the turn of the source around its height (after Wang et al., IEEE Trans.
//! Med. Imaging 12:486, 1993): as a circle, but for each view's own height. With the angle Δ from the source's place at
//! the slab's height to that of a view, a view counts
//!
//! ```text
//! g(Δ) = 1 for |Δ| ≤ π − ε,   ½·(1 + cos(π·(|Δ| − π + ε)/(2ε))) up to π + ε,   0 beyond
//! ```
//! Views a turn apart sum to 1 for every Δ, so that each line of a slice has the weight it has on a circle. Approximate: a
//! ray is taken for one in the plane of the slice, as FDK does off the central plane.

use std::{
    f64::consts::{PI, TAU},
    ops::Range,
};

use glam::DVec3;

use super::TaskError;
use crate::data::Grid;
use crate::geometry::{Geometry, Orbit, Source, Trajectory, View};

/// ε, over which a turn gives way to the next.
const FADE_RAD: f64 = PI / 8.0;
/// Thickest slab, as a share of the advance, and in slices: views are those of its middle.
const THICKEST: f64 = 1.0 / 8.0;
const MOST_SLICES: usize = 16;

/// Neighbouring slices, and what each view of the scan counts for them.
pub(super) struct Slab {
    pub(super) slices: Range<usize>,
    /// 0 to 1 for each view; 1 without them.
    pub(super) gates: Option<Vec<f64>>,
}

impl Slab {
    /// What these views count, if some do; empty where all count 1.
    pub(super) fn gates(&self, views: &Range<usize>) -> Option<&[f64]> {
        let Some(gates) = &self.gates else { return Some(&[]) };
        let gates = &gates[views.clone()];
        gates.iter().any(|gate| *gate > 0.0).then_some(gates)
    }
}

/// Most views that are back-projected together: an eighth of a turn of a helix, since slabs leave most of them out.
pub(super) fn views_together(orbit: &Orbit) -> usize {
    match orbit.trajectory {
        Trajectory::Helix { .. } => ((orbit.angles_rad.len() as f64 * TAU / 8.0 / orbit.arc_rad) as usize).max(1),
        _ => usize::MAX,
    }
}

/// The slabs of `grid` from its first slice on; all of it in one unless `orbit` is a helix.
///
/// # Errors
/// [`TaskError::NotMeasured`] when the detector or the helix is too short for a full turn around every slice, and when
/// the detector is displaced.
pub(super) fn slabs(orbit: &Orbit, geometry: &Geometry, grid: &Grid) -> Result<Vec<Slab>, TaskError> {
    let Trajectory::Helix { sid_mm, sdd_mm, advance_mm } = orbit.trajectory else {
        return Ok(vec![Slab { slices: grid.all_slices(), gates: None }]);
    };
    let [first, last] = orbit.span_mm;
    if (first + last).abs() > 0.05 * (last - first).abs() {
        let reason = format!("a helix needs a centred detector, this one reaches from {first:.1} to {last:.1} mm");
        return Err(TaskError::NotMeasured { reason });
    }
    // Where a ray through a voxel at this radius is closest to the source, it is magnified most.
    let field_mm = sid_mm * (first.abs().min(last.abs()) / sdd_mm).atan().sin();
    let radius_mm = corners(grid).map(|corner| corner.truncate().length()).fold(0.0, f64::max).min(field_mm);
    let half_turn_mm = advance_mm.abs() * (PI + FADE_RAD) / TAU;
    let view = &geometry.views()[0];
    let above_mm = (view.detector_centre - height(view) * DVec3::Z).z;
    let half_mm = geometry.detector()[1] as f64 / 2.0 * geometry.pitch_mm()[1] - above_mm.abs();
    let reach_mm = half_mm * (sid_mm - radius_mm) / sdd_mm;
    // A slab of several slices looks further up and down.
    let thickness_mm = |grid: &Grid| {
        let heights = corners(grid).map(|corner| corner.z);
        heights.clone().fold(f64::NEG_INFINITY, f64::max) - heights.fold(f64::INFINITY, f64::min)
    };
    let [_, _, nz] = grid.size();
    let fits = |slices: usize| {
        let thick_mm = thickness_mm(&grid.slices(0..slices.min(nz)));
        thick_mm <= THICKEST * advance_mm.abs() && half_turn_mm + thick_mm / 2.0 <= reach_mm
    };
    let slices = (2..=MOST_SLICES).rev().find(|&slices| fits(slices)).unwrap_or(1);
    let needed_mm = half_turn_mm + thickness_mm(&grid.slices(0..1)) / 2.0;
    if needed_mm > reach_mm {
        let reason = format!(
            "a full turn around a slice reaches {needed_mm:.1} mm up and down, the detector {reach_mm:.1} mm at {radius_mm:.0} mm \
             from the axis; a slower advance, more rows or an iterative method can do it"
        );
        return Err(TaskError::NotMeasured { reason });
    }
    let angles = &orbit.angles_rad;
    let (begin, end) = (angles[0], angles[angles.len() - 1]);
    (0..nz)
        .step_by(slices)
        .map(|from| {
            let slices = from..nz.min(from + slices);
            let slab = grid.slices(slices.clone());
            let middle = begin + (slab.centre_mm().z - height(view)) / advance_mm * TAU;
            let whole_turn = [middle - PI - FADE_RAD, middle + PI + FADE_RAD];
            if whole_turn[0] < begin.min(end) || whole_turn[1] > begin.max(end) {
                return Err(outside(&slab, view, geometry, half_turn_mm));
            }
            Ok(Slab { gates: Some(angles.iter().map(|angle| gate(angle - middle)).collect()), slices })
        })
        .collect()
}

fn gate(angle: f64) -> f64 {
    let beyond = (angle.abs() - PI + FADE_RAD) / (2.0 * FADE_RAD);
    (1.0 + (PI * beyond.clamp(0.0, 1.0)).cos()) / 2.0
}

fn outside(grid: &Grid, first: &View, geometry: &Geometry, half_turn_mm: f64) -> TaskError {
    let last = height(&geometry.views()[geometry.views().len() - 1]);
    let [low, high] = [height(first).min(last), height(first).max(last)];
    TaskError::NotMeasured {
        reason: format!(
            "slices need a full turn of the helix around them: those from z = {:.1} to {:.1} mm have one, not that at {:.1} mm",
            low + half_turn_mm,
            high - half_turn_mm,
            grid.centre_mm().z
        ),
    }
}

fn height(view: &View) -> f64 {
    match view.source {
        Source::Point(source) => source.z,
        Source::Direction(_) => 0.0,
    }
}

/// Corners of the volume's box.
fn corners(grid: &Grid) -> impl Iterator<Item = DVec3> + Clone {
    let half = grid.extent_mm() / 2.0;
    (0..8_u8).map(move |corner| {
        let sign = |bit: u8| if corner >> bit & 1 == 0 { -1.0 } else { 1.0 };
        grid.centre_mm() + grid.orientation() * (half * DVec3::new(sign(0), sign(1), sign(2)))
    })
}
