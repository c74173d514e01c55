use super::{Sphere, inside::check_alike};
use crate::{
    body::mask::INSIDE,
    data::Volume,
    metrics::{MetricError, contrast::RING},
};

/// What was measured of a nodule; see [`nodule_contrast`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NoduleContrast {
    /// Mean in the nodule less that of the shell, in the volume's unit.
    pub contrast: f64,
    /// Standard deviation in the shell.
    pub noise: f64,
    /// Contrast-to-noise ratio, never negative.
    pub cnr: f64,
    /// Number of voxels in the nodule.
    pub voxels: usize,
    /// Number of voxels of the shell.
    pub shell_voxels: usize,
}

/// Contrast-to-noise ratio of a nodule against a shell around it.
///
/// ```text
/// CNR = |mean in the nodule − mean of the shell| / √(Σ (v − mean)² / (n − 1)) over the n voxels of the shell
/// ```
/// The nodule is all voxels with their centres within its radius, the shell those from 1.6 to 2.8 radii that lie in the mask: give
/// the lungs, lest the chest wall be taken for noise. Vessels are.
///
/// # Errors
/// [`MetricError`] when grids differ, a value is not finite, the diameter is not positive, the nodule holds no voxel, or the shell
/// none with noise.
pub fn nodule_contrast(volume: &Volume, nodule: Sphere, mask: &Volume) -> Result<NoduleContrast, MetricError> {
    nodule.check()?;
    check_alike([("volume", volume), ("mask", mask)])?;
    let radius_mm = nodule.radius_mm();
    let [from_mm, to_mm] = RING.map(|radii| radii * radius_mm);
    let (mut inner, mut shell) = (Vec::new(), Vec::new());
    for (at, way_mm) in nodule.around(volume.grid(), [to_mm; 3]) {
        let (value, distance_mm) = (f64::from(volume.values()[at]), way_mm.length());
        if distance_mm <= radius_mm {
            inner.push(value);
        } else if (from_mm..=to_mm).contains(&distance_mm) && mask.values()[at] > INSIDE {
            shell.push(value);
        }
    }
    let undefined = |what: &str| {
        let [x, y, z] = nodule.centre_mm.to_array();
        let reason = format!("the {what} at {x}, {y}, {z} mm");
        MetricError::Undefined { metric: "CNR", reason }
    };
    if inner.is_empty() {
        return Err(undefined("grid has no voxel in the nodule"));
    }
    if shell.len() < 2 {
        return Err(undefined("mask has fewer than two voxels around the nodule"));
    }
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let level = mean(&shell);
    let noise = (shell.iter().map(|v| (v - level).powi(2)).sum::<f64>() / (shell.len() - 1) as f64).sqrt();
    if noise <= f64::from(f32::EPSILON) * level.abs() {
        return Err(undefined("shell has no noise around the nodule"));
    }
    let contrast = mean(&inner) - level;
    let cnr = contrast.abs() / noise;
    Ok(NoduleContrast { contrast, noise, cnr, voxels: inner.len(), shell_voxels: shell.len() })
}

#[cfg(test)]
mod tests {
    use glam::DVec3;

    use super::*;
    use crate::data::{Grid, Unit};

    const NODULE: Sphere = Sphere { centre_mm: DVec3::ZERO, diameter_mm: 10.0 };

    /// A chessboard of −800 ± 20 with a nodule of 0 in its middle and a wall of 50 from x = 11 mm on.
    fn chest() -> Volume {
        let grid = Grid::centred([41, 41, 41], [1.0; 3]).unwrap();
        let value = |i: usize| {
            let [x, y, z] = [i % 41, i / 41 % 41, i / 1681].map(|i| i as f64 - 20.0);
            match () {
                () if DVec3::new(x, y, z).length() <= 5.0 => 0.0,
                () if x > 10.5 => 50.0,
                () => -800.0 + 20.0 * (1.0 - 2.0 * (x + y + z).rem_euclid(2.0)),
            }
        };
        let values = (0..grid.voxel_count()).map(|i| value(i) as f32).collect();
        Volume::new(grid, Unit::Hounsfield, values).unwrap()
    }

    fn where_(volume: &Volume, is_in: impl Fn(f32) -> bool) -> Volume {
        let values = volume.values().iter().map(|&hu| f32::from(u8::from(is_in(hu)))).collect();
        Volume::new(*volume.grid(), Unit::Arbitrary, values).unwrap()
    }

    #[test]
    fn eight_hundred_over_twenty_is_forty_in_the_lung() {
        let chest = chest();
        let lung = where_(&chest, |hu| hu < -500.0);
        let got = nodule_contrast(&chest, NODULE, &lung).unwrap();
        // As many up as down, to the few of the shell's surface.
        assert!((got.cnr - 40.0).abs() < 0.1 && (got.contrast - 800.0).abs() < 0.5, "{got:?}");
        assert!((got.noise - 20.0).abs() < 0.02, "{got:?}");
        let ball = |radius_mm: f64| 4.0 / 3.0 * std::f64::consts::PI * radius_mm.powi(3);
        assert!((got.voxels as f64 / ball(5.0) - 1.0).abs() < 0.05, "{got:?}");
        assert!(got.shell_voxels as f64 > 0.8 * (ball(14.0) - ball(8.0)), "{got:?}");
        // The control: the chest wall is no noise.
        let all = where_(&chest, |_| true);
        assert!(nodule_contrast(&chest, NODULE, &all).unwrap().cnr < 10.0);
    }

    #[test]
    fn a_nodule_without_surroundings_or_noise_is_refused() {
        let chest = chest();
        let message =
            |volume: &Volume, nodule, mask: &Volume| nodule_contrast(volume, nodule, mask).unwrap_err().to_string();
        let [all, none] = [true, false].map(|is_in| where_(&chest, |_| is_in));
        assert!(message(&chest, NODULE, &none).contains("fewer than two voxels around the nodule at 0, 0, 0 mm"));
        assert!(message(&all, NODULE, &all).contains("no noise"));
        let far = Sphere { centre_mm: DVec3::splat(500.0), ..NODULE };
        assert!(message(&chest, far, &all).contains("no voxel in the nodule"));
    }
}
