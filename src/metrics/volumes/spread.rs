use super::{Paired, Sphere, inside::check_alike};
use crate::metrics::MetricError;

/// How a nodule is spread over depth by what an incomplete scan does not see.
#[derive(Clone, Debug, PartialEq)]
pub struct ArtefactSpread {
    /// Depth of each y plane from the nodule's centre, in millimetres, ascending.
    pub depths_mm: Vec<f64>,
    /// Sum of the difference in each plane over that in the nodule's: 1 there.
    pub values: Vec<f64>,
    /// Full width at half of the nodule's plane, in millimetres; none where the curve does not fall below ½ on both sides.
    pub fwhm_mm: Option<f64>,
}

/// Artefact spread function of a nodule along the voxel axis y, the depth of a tomosynthesis.
///
/// ```text
/// ASF(j) = S(j) / S(j₀),   S(j) = Σ (y₁ − y₀) over the voxels of plane j with (Δx)² + (Δz)² ≤ r²
/// ```
/// where y₁ and y₀ are the output with and without the nodule, Δx and Δz the way from its centre, r its radius and j₀ the plane
/// nearest to its centre. The full width at half maximum is between the first places on either side of that plane where lines
/// between neighbouring planes fall below ½. Of the paired difference, so that no background has to be modelled: T. Wu et al., Med.
/// Phys. 31:2636, 2004, divide differences from a background region.
///
/// # Errors
/// [`MetricError`] when grids differ, a value is not finite, the diameter is not positive, or the output does not differ in the
/// nodule's plane.
pub fn artefact_spread(output: Paired<'_>, nodule: Sphere) -> Result<ArtefactSpread, MetricError> {
    nodule.check()?;
    check_alike([("output", output.with), ("output without the nodule", output.without)])?;
    let grid = output.with.grid();
    let [nx, ny, _] = grid.size();
    let radius_mm = nodule.radius_mm();
    let mut sums = vec![0.0; ny];
    for (at, way_mm) in nodule.around(grid, [radius_mm, f64::INFINITY, radius_mm]) {
        if way_mm.x.hypot(way_mm.z) <= radius_mm {
            sums[at / nx % ny] += output.difference(at);
        }
    }
    let (centre, spacing_mm) = (grid.index_of(nodule.centre_mm).y, grid.spacing_mm().y);
    let plane = centre.round();
    let there = if (0.0..ny as f64).contains(&plane) { sums[plane as usize] } else { 0.0 };
    if there == 0.0 {
        let reason = format!("the output shows no nodule at a depth of {} mm", nodule.centre_mm.y);
        return Err(MetricError::Undefined { metric: "artefact spread", reason });
    }
    let values: Vec<f64> = sums.iter().map(|sum| sum / there).collect();
    let (before, behind) = values.split_at(plane as usize);
    let ascending = half_width(behind.iter().copied());
    let descending = half_width(behind[..1].iter().chain(before.iter().rev()).copied());
    let fwhm_mm = ascending.zip(descending).map(|(one, other)| (one + other) * spacing_mm);
    let depths_mm = (0..ny).map(|j| (j as f64 - centre) * spacing_mm).collect();
    Ok(ArtefactSpread { depths_mm, values, fwhm_mm })
}

/// Planes until lines between the values, of which the first is 1, fall below ½.
fn half_width(values: impl Iterator<Item = f64> + Clone) -> Option<f64> {
    let steps = values.clone().zip(values.skip(1)).enumerate();
    let mut falls = steps.filter(|(_, (_, next))| *next < 0.5);
    falls.next().map(|(step, (value, next))| step as f64 + (value - 0.5) / (value - next))
}

#[cfg(test)]
mod tests {
    use glam::DVec3;

    use super::*;
    use crate::data::{Grid, Unit, Volume};

    const SPACING_MM: f64 = 4.0;

    /// A disc of 10 mm about (5, ·, −5) whose contrast is a function of the depth from y = 2 mm, on planes at …, −2, 2, 6, …
    fn spread(of: impl Fn(f64) -> f64, beside: f64) -> Result<ArtefactSpread, MetricError> {
        let grid = Grid::centred([20, 24, 20], [2.5, SPACING_MM, 2.5]).unwrap();
        let nodule = Sphere { centre_mm: DVec3::new(5.0, 2.0, -5.0), diameter_mm: 10.0 };
        let mut with = Volume::zeros(grid, Unit::Hounsfield);
        for (i, value) in with.values_mut().iter_mut().enumerate() {
            let place = DVec3::new((i % 20) as f64, (i / 20 % 24) as f64, (i / 480) as f64);
            let way = grid.world_mm(place) - nodule.centre_mm;
            *value = if way.x.hypot(way.z) <= 5.0 { of(way.y) } else { beside } as f32;
        }
        let without = Volume::zeros(grid, Unit::Hounsfield);
        artefact_spread(Paired { with: &with, without: &without }, nodule)
    }

    #[test]
    fn widths_at_half_maximum_are_those_of_known_curves() {
        // A triangle is its own interpolation; what lies beside the disc does not count.
        let triangle = spread(|mm| 256.0 * (1.0 - mm.abs() / 32.0).max(0.0), 9000.0).unwrap();
        assert!((triangle.fwhm_mm.unwrap() - 32.0).abs() < 1e-9, "{triangle:?}");
        assert_eq!((triangle.depths_mm[12], triangle.values[12], triangle.depths_mm.len()), (0.0, 1.0, 24));
        assert_eq!((triangle.depths_mm[8], triangle.values[8]), (-16.0, 0.5));
        // Slopes of its own on each side: ½ at −12 and 20 mm.
        let slanted = spread(|mm| 1.0 - 0.5 * if mm < 0.0 { -mm / 12.0 } else { mm / 20.0 }, 0.0).unwrap();
        assert!((slanted.fwhm_mm.unwrap() - 32.0).abs() < 1e-5, "{slanted:?}");
        let sharp = spread(|mm| if mm == 0.0 { -700.0 } else { 0.0 }, 0.0).unwrap();
        assert_eq!(sharp.fwhm_mm, Some(SPACING_MM));
        let gaussian = spread(|mm| 900.0 * (-(mm / 15.0).powi(2) / 2.0).exp(), 0.0).unwrap();
        // 2·√(2·ln 2)·σ, and what lines between planes 4 mm apart cost.
        assert!((gaussian.fwhm_mm.unwrap() - 35.32).abs() < 0.3, "{:?}", gaussian.fwhm_mm);
    }

    #[test]
    fn a_curve_that_does_not_fall_has_no_width_and_no_nodule_no_curve() {
        assert_eq!(spread(|mm| if mm > 0.0 { 0.6 } else { (mm / 10.0).exp() }, 0.0).unwrap().fwhm_mm, None);
        let message = spread(|mm| if mm == 0.0 { 0.0 } else { 5.0 }, 1.0).unwrap_err().to_string();
        assert_eq!(message, "artefact spread is not defined: the output shows no nodule at a depth of 2 mm");
    }
}
