//! Voxel axes in a file's frame, to and from kerma's world (RAS: x → right, y → anterior, z → superior).

use std::path::Path;

use glam::{DMat3, DVec3};

use super::IoError;
use crate::data::{DataError, Grid};

/// Largest cosine between voxel axes that header rounding explains; the bound [`Grid`] itself holds.
const MAX_COSINE: f64 = 1e-4;

/// Frame in which a file states positions and directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Frame {
    /// x → right, y → anterior, z → superior: NIfTI and kerma.
    Ras,
    /// x → left, y → posterior, z → superior: DICOM and MetaImage.
    Lps,
    /// x → left, y → anterior, z → superior: one of NRRD's.
    Las,
}

impl Frame {
    /// The map to RAS, which is also the map back.
    pub(super) fn flip(self) -> DMat3 {
        DMat3::from_diagonal(match self {
            Self::Ras => DVec3::ONE,
            Self::Lps => DVec3::new(-1.0, -1.0, 1.0),
            Self::Las => DVec3::new(-1.0, 1.0, 1.0),
        })
    }
}

/// Where the voxels lie, as a file states it.
pub(super) struct Placement {
    pub(super) frame: Frame,
    /// From one voxel to the next along each voxel axis, in millimetres, as columns.
    pub(super) steps: DMat3,
    /// Centre of voxel (0, 0, 0).
    pub(super) origin: DVec3,
}

impl Placement {
    /// Axes along the world's, voxel (0, 0, 0) at its origin.
    pub(super) fn upright(spacing_mm: [f64; 3]) -> Self {
        Self { frame: Frame::Ras, steps: DMat3::from_diagonal(spacing_mm.into()), origin: DVec3::ZERO }
    }

    /// The grid of so many voxels; `field` names the header field of the steps in messages.
    ///
    /// A left-handed frame is a legal orientation: kerma keeps the stored order of the voxels.
    pub(super) fn grid(&self, path: &Path, field: &'static str, size: [usize; 3]) -> Result<Grid, IoError> {
        const AXES: [char; 3] = ['x', 'y', 'z'];
        let data = |source| IoError::Data { path: path.to_owned(), source };
        let steps = self.frame.flip() * self.steps;
        let spacing: [f64; 3] = std::array::from_fn(|i| steps.col(i).length());
        for (axis, got) in AXES.into_iter().zip(spacing) {
            if !(got.is_finite() && got > 0.0) {
                return Err(data(DataError::Spacing { what: "volume", axis, got }));
            }
        }
        let unit: [DVec3; 3] = std::array::from_fn(|i| steps.col(i) / spacing[i]);
        for (a, b) in [(0, 1), (0, 2), (1, 2)] {
            let cosine = unit[a].dot(unit[b]);
            if cosine.abs() > MAX_COSINE {
                let axes = [AXES[a], AXES[b]];
                return Err(IoError::Shear { path: path.to_owned(), field, axes, cosine, max: MAX_COSINE });
            }
        }
        let origin = self.frame.flip() * self.origin;
        Grid::new(size, spacing, origin.to_array(), DMat3::from_cols(unit[0], unit[1], unit[2])).map_err(data)
    }

    /// A grid's axes in the given frame.
    pub(super) fn of(grid: &Grid, frame: Frame) -> Self {
        let steps = frame.flip() * grid.orientation() * DMat3::from_diagonal(grid.spacing_mm());
        // Adding 0 turns the −0 that flipping leaves behind into 0: headers are read by people too.
        Self { frame, steps: steps + DMat3::ZERO, origin: frame.flip() * grid.origin_mm() + DVec3::ZERO }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_flip_the_axes_they_name() {
        let steps = DMat3::from_diagonal(DVec3::new(0.5, 1.0, 2.0));
        let lps = Placement { frame: Frame::Lps, steps, origin: DVec3::new(10.0, 20.0, 30.0) };
        let grid = lps.grid(Path::new("a"), "steps", [2, 3, 4]).unwrap();
        assert_eq!(grid.origin_mm(), DVec3::new(-10.0, -20.0, 30.0));
        assert_eq!(grid.orientation(), DMat3::from_diagonal(DVec3::new(-1.0, -1.0, 1.0)));
        let back = Placement::of(&grid, Frame::Lps);
        assert_eq!((back.steps, back.origin), (lps.steps, lps.origin));
        assert!(back.steps.to_cols_array().iter().all(|e| e.is_sign_positive()));
    }

    #[test]
    fn sheared_and_flat_axes_are_refused() {
        let sheared = DMat3::from_cols(DVec3::X, DVec3::new(0.1, 1.0, 0.0), DVec3::Z);
        let place = |steps| Placement { frame: Frame::Ras, steps, origin: DVec3::ZERO };
        let message = place(sheared).grid(Path::new("a"), "sform", [1; 3]).unwrap_err().to_string();
        assert!(
            message.starts_with("a: sform shears the grid: cosine between voxel axes x and y is 0.0995"),
            "{message}"
        );
        let flat = DMat3::from_diagonal(DVec3::new(1.0, 0.0, 1.0));
        let message = place(flat).grid(Path::new("a"), "sform", [1; 3]).unwrap_err().to_string();
        assert_eq!(message, "a: volume spacing must be positive, got 0 mm along y");
    }
}
