use std::{fmt, ops::Range, str::FromStr};

use glam::{DMat3, DVec3};

use super::DataError;

/// Largest number of voxels along one axis.
const MAX_AXIS: usize = 1 << 16;
/// Largest number of voxels of one volume: 2³³, 32 GiB of `f32`.
const MAX_VOXELS: u64 = super::at_most(1 << 33);
/// Deviation from orthonormality that header rounding may cause (NIfTI stores direction cosines in `f32`).
const ORTHONORMAL_TOLERANCE: f64 = 1e-4;

/// Spacings that a grid's text may hold, in millimetres: what every file format keeps in `f32`.
const TEXT_SPACING_MM: [f64; 2] = [1e-6, 1e6];
/// Largest distance of a centre from the origin that a grid's text may hold, in millimetres.
const TEXT_CENTRE_MM: f64 = 1e7;

/// Regular voxel grid in the world frame (right-handed, millimetres, x → right, y → anterior, z → superior).
///
/// Voxel `(i, j, k)` has its centre at `origin + orientation · (i·sx, j·sy, k·sz)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Grid {
    size: [usize; 3],
    spacing_mm: DVec3,
    origin_mm: DVec3,
    orientation: DMat3,
}

impl Grid {
    /// Grid along the world axes whose centre lies at the world's origin.
    ///
    /// # Errors
    /// [`DataError`] when a size is zero or too large, or a spacing is not positive.
    pub fn centred(size: [usize; 3], spacing_mm: [f64; 3]) -> Result<Self, DataError> {
        let half = DVec3::from_array(size.map(|n| (n as f64 - 1.0) / 2.0));
        let origin = -half * DVec3::from_array(spacing_mm);
        Self::new(size, spacing_mm, origin.to_array(), DMat3::IDENTITY)
    }

    /// Grid from its parts; `orientation` holds the unit vectors of the voxel axes as columns.
    ///
    /// # Errors
    /// [`DataError`] when a size, a spacing, the origin or the orientation is not usable.
    pub fn new(
        size: [usize; 3],
        spacing_mm: [f64; 3],
        origin_mm: [f64; 3],
        orientation: DMat3,
    ) -> Result<Self, DataError> {
        const AXES: [char; 3] = ['x', 'y', 'z'];
        for (axis, got) in AXES.into_iter().zip(size) {
            if !(1..=MAX_AXIS).contains(&got) {
                return Err(DataError::Size { what: "volume", axis, got, max: MAX_AXIS });
            }
        }
        if size.iter().map(|&n| n as u64).product::<u64>() > MAX_VOXELS {
            return Err(DataError::TooLarge { what: "volume", shape: shape_text(size), max: MAX_VOXELS });
        }
        for (axis, got) in AXES.into_iter().zip(spacing_mm) {
            if !(got.is_finite() && got > 0.0) {
                return Err(DataError::Spacing { what: "volume", axis, got });
            }
        }
        for (axis, got) in AXES.into_iter().zip(origin_mm) {
            if !got.is_finite() {
                return Err(DataError::Origin { what: "volume", axis, got });
            }
        }
        let gram = orientation.transpose() * orientation - DMat3::IDENTITY;
        if !gram.to_cols_array().iter().all(|e| e.abs() <= ORTHONORMAL_TOLERANCE) {
            return Err(DataError::Orientation { what: "volume" });
        }
        Ok(Self {
            size,
            spacing_mm: DVec3::from_array(spacing_mm),
            origin_mm: DVec3::from_array(origin_mm),
            orientation,
        })
    }

    /// Number of voxels along x, y and z.
    #[must_use]
    pub fn size(&self) -> [usize; 3] {
        self.size
    }

    /// Number of voxels.
    #[must_use]
    pub fn voxel_count(&self) -> usize {
        self.size.iter().product()
    }

    /// Distance between voxel centres along the voxel axes, in millimetres.
    #[must_use]
    pub fn spacing_mm(&self) -> DVec3 {
        self.spacing_mm
    }

    /// World position of the centre of voxel (0, 0, 0).
    #[must_use]
    pub fn origin_mm(&self) -> DVec3 {
        self.origin_mm
    }

    /// Unit vectors of the voxel axes, as columns.
    #[must_use]
    pub fn orientation(&self) -> DMat3 {
        self.orientation
    }

    /// World position of the grid's centre.
    #[must_use]
    pub fn centre_mm(&self) -> DVec3 {
        let half = DVec3::from_array(self.size.map(|n| (n as f64 - 1.0) / 2.0));
        self.world_mm(half)
    }

    /// World position of a point given in voxel indices; integers are voxel centres.
    #[must_use]
    pub fn world_mm(&self, index: DVec3) -> DVec3 {
        self.origin_mm + self.orientation * (index * self.spacing_mm)
    }

    /// Voxel indices of a world position; integers are voxel centres.
    #[must_use]
    pub fn index_of(&self, world_mm: DVec3) -> DVec3 {
        self.orientation.transpose() * (world_mm - self.origin_mm) / self.spacing_mm
    }

    /// Length of the grid's box along the voxel axes, in millimetres.
    #[must_use]
    pub fn extent_mm(&self) -> DVec3 {
        DVec3::from_array(self.size.map(|n| n as f64)) * self.spacing_mm
    }

    /// Whether both have the same voxels, to within a thousandth of a voxel: headers of files round.
    #[must_use]
    pub fn coincides_with(&self, other: &Self) -> bool {
        let far = DVec3::from_array(self.size.map(|n| n as f64));
        let corners = [DVec3::ZERO, DVec3::new(far.x, 0.0, 0.0), DVec3::new(0.0, far.y, 0.0), far];
        let differs = |corner: DVec3| (self.index_of(other.world_mm(corner)) - corner).abs().max_element() > 1e-3;
        self.size == other.size && !corners.into_iter().any(differs)
    }

    /// The same grid moved so that its centre lies at `centre_mm`.
    #[must_use]
    pub fn with_centre(mut self, centre_mm: DVec3) -> Self {
        self.origin_mm += centre_mm - self.centre_mm();
        self
    }

    /// Numbers of its slices, from 0 on.
    #[must_use]
    pub fn all_slices(&self) -> Range<usize> {
        0..self.size[2]
    }

    /// Its `slices`, which must not be empty nor go beyond the last one.
    #[must_use]
    pub fn slices(mut self, slices: Range<usize>) -> Self {
        debug_assert!(slices.start < slices.end && slices.end <= self.size[2]);
        self.origin_mm = self.world_mm(slices.start as f64 * DVec3::Z);
        self.size[2] = slices.len();
        self
    }

    /// The same size, spacing and centre along the voxel axes of another grid.
    #[must_use]
    pub fn along_axes_of(mut self, other: &Self) -> Self {
        let centre_mm = self.centre_mm();
        self.orientation = other.orientation;
        self.with_centre(centre_mm)
    }
}

fn shape_text(size: [usize; 3]) -> String {
    let [nx, ny, nz] = size;
    format!("{nx}x{ny}x{nz}")
}

/// Writes `NXxNYxNZ@SXxSYxSZ+OX,OY,OZ`, the offset being that of the grid's centre; orientation is not written.
impl fmt::Display for Grid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (s, c) = (self.spacing_mm, self.centre_mm());
        write!(f, "{}@{}x{}x{}", shape_text(self.size), s.x, s.y, s.z)?;
        if c != DVec3::ZERO {
            write!(f, "+{},{},{}", c.x, c.y, c.z)?;
        }
        Ok(())
    }
}

/// Reads `NXxNYxNZ@SXxSYxSZ`, centred on the origin unless `+OX,OY,OZ` (the centre, in mm) follows.
impl FromStr for Grid {
    type Err = DataError;

    fn from_str(text: &str) -> Result<Self, DataError> {
        let malformed = || DataError::GridText { got: text.to_owned() };
        let (size, rest) = text.split_once('@').ok_or_else(malformed)?;
        let (spacing, centre) = match rest.split_once('+') {
            Some((spacing, centre)) => (spacing, Some(centre)),
            None => (rest, None),
        };
        let size = triple::<usize>(size, 'x').ok_or_else(malformed)?;
        let spacing = triple::<f64>(spacing, 'x').ok_or_else(malformed)?;
        let grid = Self::centred(size, spacing)?;
        let [min, max] = TEXT_SPACING_MM;
        check_range("spacing", spacing, min, max)?;
        match centre {
            None => Ok(grid),
            Some(centre) => {
                let centre = triple::<f64>(centre, ',').ok_or_else(malformed)?;
                if centre.iter().any(|c| !c.is_finite()) {
                    return Err(malformed());
                }
                check_range("centre", centre, -TEXT_CENTRE_MM, TEXT_CENTRE_MM)?;
                Ok(grid.with_centre(DVec3::from_array(centre)))
            }
        }
    }
}

fn check_range(what: &'static str, values: [f64; 3], min: f64, max: f64) -> Result<(), DataError> {
    match ['x', 'y', 'z'].into_iter().zip(values).find(|(_, got)| !(min..=max).contains(got)) {
        Some((axis, got)) => Err(DataError::GridRange { what, axis, got, min, max }),
        None => Ok(()),
    }
}

fn triple<T: FromStr + Copy>(text: &str, separator: char) -> Option<[T; 3]> {
    let values: Vec<T> = text.split(separator).map(|t| t.trim().parse().ok()).collect::<Option<_>>()?;
    values.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_form_survives_a_round_trip() {
        for text in ["128x128x64@2x2x2.5", "7x5x3@0.5x1x2+10,-20,3.5"] {
            let grid: Grid = text.parse().unwrap();
            assert_eq!(grid.to_string().parse::<Grid>().unwrap(), grid);
            assert_eq!(grid.to_string(), text);
        }
    }

    #[test]
    fn centred_grid_has_its_centre_at_the_origin() {
        let grid = Grid::centred([4, 5, 6], [1.0, 2.0, 3.0]).unwrap();
        assert_eq!(grid.centre_mm(), DVec3::ZERO);
        assert_eq!(grid.origin_mm(), DVec3::new(-1.5, -4.0, -7.5));
        assert_eq!(grid.index_of(grid.world_mm(DVec3::new(1.0, 2.0, 3.0))), DVec3::new(1.0, 2.0, 3.0));
    }

    #[test]
    fn other_axes_leave_the_centre_where_it_is() {
        let grid: Grid = "4x5x6@1x2x3+7,8,9".parse().unwrap();
        let turned = DMat3::from_cols(-DVec3::X, DVec3::Z, DVec3::Y);
        let turned = grid.along_axes_of(&Grid::new([1; 3], [1.0; 3], [0.0; 3], turned).unwrap());
        assert_eq!((turned.size(), turned.spacing_mm()), (grid.size(), grid.spacing_mm()));
        assert_eq!(turned.centre_mm(), DVec3::new(7.0, 8.0, 9.0));
        assert_eq!(turned.origin_mm(), DVec3::new(8.5, 0.5, 5.0));
    }

    #[test]
    fn unusable_parameters_are_refused_by_name() {
        let message = |text: &str| text.parse::<Grid>().unwrap_err().to_string();
        assert_eq!(message("0x4x4@1x1x1"), "volume size must be 1 to 65536 along x, got 0");
        assert_eq!(message("4x4x4@1x0x1"), "volume spacing must be positive, got 0 mm along y");
        assert_eq!(message("4x4x4@1xNaNx1"), "volume spacing must be positive, got NaN mm along y");
        assert_eq!(message("4x4x4@1x1e7x1"), "grid spacing must be 1e-6 to 1e6 mm, got 1e7 mm along y");
        assert_eq!(message("4x4x4@1x1x1+0,0,-1e8"), "grid centre must be -1e7 to 1e7 mm, got -1e8 mm along z");
        assert!(message("4x4@1x1").starts_with("grid must read"));
        assert!(message("65536x65536x65536@1x1x1").contains("more than"));
    }
}
