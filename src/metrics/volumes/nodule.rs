use glam::DVec3;

use super::inside::check_alike;
use crate::{
    data::{Grid, Volume},
    metrics::MetricError,
};

/// Radii around a nodule within which its mass is counted: the blurred edge belongs to it.
const REACH: f64 = 1.5;

/// Where a nodule is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sphere {
    /// Centre in the world frame, in millimetres.
    pub centre_mm: DVec3,
    /// Diameter, in millimetres.
    pub diameter_mm: f64,
}

/// One body with and without a nodule: same grid, same noise, so that the difference is the nodule and what became of it.
#[derive(Clone, Copy, Debug)]
pub struct Paired<'a> {
    /// With the nodule.
    pub with: &'a Volume,
    /// Without it.
    pub without: &'a Volume,
}

impl Sphere {
    /// Half the diameter.
    pub(super) fn radius_mm(&self) -> f64 {
        self.diameter_mm / 2.0
    }

    /// Refuses numbers that are none of a sphere.
    pub(super) fn check(&self) -> Result<(), MetricError> {
        let Self { centre_mm, diameter_mm } = *self;
        if !(diameter_mm.is_finite() && diameter_mm > 0.0) {
            let (what, allowed) = ("diameter of a nodule", "positive and finite, in mm");
            return Err(MetricError::Setting { what, allowed, got: diameter_mm });
        }
        match centre_mm.to_array().into_iter().find(|number| !number.is_finite()) {
            Some(got) => Err(MetricError::Setting { what: "centre of a nodule", allowed: "finite, in mm", got }),
            None => Ok(()),
        }
    }

    /// Voxels within a box around the centre, in raster order: place among the values, and way from the centre along the voxel
    /// axes, in millimetres. The box reaches so far along each axis, and up to two voxels more.
    pub(super) fn around(&self, grid: &Grid, reach_mm: [f64; 3]) -> impl Iterator<Item = (usize, DVec3)> {
        let (centre, spacing_mm, size) = (grid.index_of(self.centre_mm), grid.spacing_mm(), grid.size());
        let [x, y, z] = [0, 1, 2].map(|axis| {
            let reach = reach_mm[axis] / spacing_mm[axis];
            let end = |place: f64| place.clamp(0.0, size[axis] as f64) as usize;
            end((centre[axis] - reach).floor())..end((centre[axis] + reach).ceil() + 1.0)
        });
        let [nx, ny, _] = size;
        z.flat_map(move |z| y.clone().map(move |y| [y, z]))
            .flat_map(move |[y, z]| x.clone().map(move |x| [x, y, z]))
            .map(move |place| {
                let [x, y, z] = place;
                let way_mm = (DVec3::from_array(place.map(|i| i as f64)) - centre) * spacing_mm;
                ((z * ny + y) * nx + x, way_mm)
            })
    }
}

impl Paired<'_> {
    /// How much the nodule adds to a voxel.
    pub(super) fn difference(&self, at: usize) -> f64 {
        f64::from(self.with.values()[at]) - f64::from(self.without.values()[at])
    }
}

/// Share of a nodule's mass that an output keeps where the nodule is: 1 is ideal, 0 a nodule that is lost.
///
/// ```text
/// M = Σ (y₁ − y₀) / Σ (x₁ − x₀)
/// ```
/// over the voxels whose centres lie within 1.5 radii of the nodule's, where x is the truth and y the output with (1) and
/// without (0) the nodule; no model of what lies around it is needed. Voxels beyond the grid do not count on either side. Of nodules
/// much smaller than the resolution in depth little can be left within 1.5 radii: report M by size.
///
/// # Errors
/// [`MetricError`] when grids differ, a value is not finite, the diameter is not positive, or the truth does not differ there.
pub fn mass_recovery(truth: Paired<'_>, output: Paired<'_>, nodule: Sphere) -> Result<f64, MetricError> {
    nodule.check()?;
    check_alike([
        ("truth", truth.with),
        ("truth without the nodule", truth.without),
        ("output with the nodule", output.with),
        ("output without the nodule", output.without),
    ])?;
    let reach_mm = REACH * nodule.radius_mm();
    let near = nodule.around(truth.with.grid(), [reach_mm; 3]).filter(|(_, way_mm)| way_mm.length() <= reach_mm);
    let [there, kept] =
        near.fold([0.0; 2], |[there, kept], (at, _)| [there + truth.difference(at), kept + output.difference(at)]);
    if there == 0.0 {
        let DVec3 { x, y, z } = nodule.centre_mm;
        let reason = format!("the truth has no nodule within {reach_mm} mm of {x}, {y}, {z} mm");
        return Err(MetricError::Undefined { metric: "mass recovery", reason });
    }
    Ok(kept / there)
}

#[cfg(test)]
mod tests {
    use glam::DMat3;

    use super::*;
    use crate::data::Unit;

    /// A function of world positions on a grid that is turned and moved.
    fn volume(of: impl Fn(DVec3) -> f64) -> Volume {
        let turned = DMat3::from_rotation_z(0.3);
        let grid = Grid::new([24, 16, 24], [2.5, 4.0, 2.5], [-20.0, -30.0, 5.0], turned).unwrap();
        let [nx, ny, _] = grid.size();
        let at = |i: usize| grid.world_mm(DVec3::new((i % nx) as f64, (i / nx % ny) as f64, (i / nx / ny) as f64));
        let values = (0..grid.voxel_count()).map(|i| of(at(i)) as f32).collect();
        Volume::new(grid, Unit::Hounsfield, values).unwrap()
    }

    #[test]
    fn a_nodule_of_half_the_contrast_has_half_the_mass_whatever_lies_around() {
        let grid = *volume(|_| 0.0).grid();
        let nodule = Sphere { centre_mm: grid.centre_mm(), diameter_mm: 12.0 };
        let ball = |at: DVec3| f64::from(u8::from(at.distance(nodule.centre_mm) <= 6.0));
        let lung = |at: DVec3| (at.x * 4.0).round();
        let [without, with] = [0.0, 800.0].map(|hu| volume(|at| lung(at) + hu * ball(at)));
        let truth = Paired { with: &with, without: &without };
        // Another background, half the contrast, and a streak at 15 mm.
        let streak = |at: DVec3| if at.distance(nodule.centre_mm) > 15.0 { 300.0 } else { 0.0 };
        let blurred = volume(|at| 7.0 - lung(at) + 400.0 * ball(at) + streak(at));
        let background = volume(|at| 7.0 - lung(at));
        let output = Paired { with: &blurred, without: &background };
        assert_eq!(mass_recovery(truth, output, nodule), Ok(0.5));
        // The control: far enough for the streak.
        let wide = Sphere { diameter_mm: 26.0, ..nodule };
        assert!(mass_recovery(truth, output, wide).unwrap() > 0.6);
        assert_eq!(mass_recovery(truth, Paired { with: &background, without: &background }, nodule), Ok(0.0));
        // Mass that is smeared over 1.5 radii is still there, beyond it is not.
        let count = |radius_mm: f64| {
            let all = nodule.around(&grid, [radius_mm; 3]);
            all.filter(|(_, way)| way.length() <= radius_mm).count() as f64
        };
        for (radius_mm, want) in [(8.9, 1.0), (18.0, count(9.0) / count(18.0))] {
            let height = 800.0 * count(6.0) / count(radius_mm);
            let smeared = volume(|at| if at.distance(nodule.centre_mm) <= radius_mm { height } else { 0.0 });
            let nothing = volume(|_| 0.0);
            let got = mass_recovery(truth, Paired { with: &smeared, without: &nothing }, nodule).unwrap();
            assert!((got - want).abs() < 1e-6, "{radius_mm} mm: {got} instead of {want}");
        }
    }

    #[test]
    fn a_nodule_that_is_not_there_is_refused() {
        let nothing = volume(|_| 0.0);
        let pair = Paired { with: &nothing, without: &nothing };
        let message = |centre_mm, diameter_mm| {
            mass_recovery(pair, pair, Sphere { centre_mm, diameter_mm }).unwrap_err().to_string()
        };
        let reason = "mass recovery is not defined: the truth has no nodule within 7.5 mm of 1, 2, 3 mm";
        assert_eq!(message(DVec3::new(1.0, 2.0, 3.0), 10.0), reason);
        assert!(message(DVec3::splat(1e9), 10.0).contains("no nodule"));
        assert_eq!(message(DVec3::ZERO, 0.0), "diameter of a nodule must be positive and finite, in mm, got 0");
        assert!(message(DVec3::NAN, 1.0).starts_with("centre of a nodule must be finite"));
        let other = Volume::zeros(Grid::centred([2, 2, 2], [1.0; 3]).unwrap(), Unit::Hounsfield);
        let sphere = Sphere { centre_mm: DVec3::ZERO, diameter_mm: 1.0 };
        let error = mass_recovery(pair, Paired { without: &other, ..pair }, sphere).unwrap_err().to_string();
        assert!(error.starts_with("output without the nodule must lie on the truth's grid"), "{error}");
    }
}
