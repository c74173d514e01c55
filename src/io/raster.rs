use std::path::Path;

use super::{IoError, input::Input, scalar::Encoding};
use crate::data::{DataError, Grid, Unit};

/// What a volume file's header says, whatever its format.
pub(super) struct Header {
    /// Where the voxels lie; `None` when the format cannot say.
    pub(super) grid: Option<Grid>,
    /// Whether the file states the grid's spacing, and not its axes alone.
    pub(super) has_spacing: bool,
    /// Number of values along each axis, fastest first.
    pub(super) shape: Vec<usize>,
    pub(super) unit: Unit,
    pub(super) encoding: Encoding,
}

impl Header {
    /// The grid, where the file states all of it.
    pub(super) fn stated_grid(&self) -> Option<Grid> {
        self.grid.filter(|_| self.has_spacing)
    }
}

/// Values to be written, volume or stack alike.
#[derive(Clone, Copy)]
pub(super) struct Raster<'a> {
    pub(super) grid: &'a Grid,
    pub(super) unit: Unit,
    pub(super) values: &'a [f32],
}

/// Reads `count` values and the end of the file; refuses NaN and infinity.
pub(super) fn read_values(
    mut input: Input<'_>,
    what: &'static str,
    count: usize,
    encoding: &Encoding,
) -> Result<Vec<f32>, IoError> {
    let values = input.values(count, encoding)?;
    let path = input.path().to_owned();
    input.finish()?;
    check_finite(&path, what, &values)?;
    Ok(values)
}

/// Refuses NaN and infinity: one of them in a volume poisons every ray through it.
pub(super) fn check_finite(path: &Path, what: &'static str, values: &[f32]) -> Result<(), IoError> {
    let Some(first) = values.iter().position(|v| !v.is_finite()) else { return Ok(()) };
    let count = values[first..].iter().filter(|v| !v.is_finite()).count();
    Err(IoError::Data { path: path.to_owned(), source: DataError::NotFinite { what, count, first } })
}
