//! Cuts a scan into runs of views, so that what is computed per view never fills the memory.

use std::ops::Range;

use crate::geometry::{Geometry, GeometryError};

/// Size that the projections of one batch should not exceed.
const BATCH_BYTES: usize = 32 << 20;

/// One run of views with its own geometry.
pub(super) struct Batch {
    pub(super) views: Range<usize>,
    pub(super) geometry: Geometry,
}

impl Batch {
    /// Elements of the whole stack that belong to the batch.
    pub(super) fn elements(&self) -> Range<usize> {
        let pixels = self.geometry.detector()[0] * self.geometry.detector()[1];
        self.views.start * pixels..self.views.end * pixels
    }
}

pub(super) fn batches(geometry: &Geometry) -> Result<Vec<Batch>, GeometryError> {
    let [columns, rows] = geometry.detector();
    let view_bytes = columns * rows * size_of::<f32>();
    let count = geometry.views().len();
    // Batches of nearly equal size rather than a small last one.
    let batch_count = (count * view_bytes).div_ceil(BATCH_BYTES).clamp(1, count);
    let per_batch = count.div_ceil(batch_count);
    (0..count)
        .step_by(per_batch)
        .map(|first| {
            let views = first..count.min(first + per_batch);
            let geometry = Geometry::new(geometry.detector(), geometry.views()[views.clone()].to_vec())?;
            Ok(Batch { views, geometry })
        })
        .collect()
}
