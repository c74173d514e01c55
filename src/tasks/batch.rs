//! Cuts a scan into runs of views, so that what is computed per view never fills the memory.

use std::ops::Range;

use crate::geometry::{Geometry, GeometryError, View};

/// Size that the largest stack of one batch should not exceed.
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

/// Batches of at most `most` views that hold `view_values` values each where they are widest, margins included.
pub(super) fn batches(geometry: &Geometry, view_values: usize, most: usize) -> Result<Vec<Batch>, GeometryError> {
    let count = geometry.views().len();
    let bytes = count.saturating_mul(view_values).saturating_mul(size_of::<f32>());
    // Batches of nearly equal size rather than a small last one.
    let batch_count = bytes.div_ceil(BATCH_BYTES).clamp(1, count);
    let fitting = (BATCH_BYTES / (bytes / count).max(1)).max(1);
    let per_batch = count.div_ceil(batch_count).min(fitting).min(most);
    (0..count)
        .step_by(per_batch)
        .map(|first| {
            let views = first..count.min(first + per_batch);
            let geometry = Geometry::new(geometry.detector(), geometry.views()[views.clone()].to_vec())?;
            Ok(Batch { views, geometry })
        })
        .collect()
}

/// Each view on its own.
pub(super) fn single_views(geometry: &Geometry) -> Result<Vec<Batch>, GeometryError> {
    let alone = |(index, view): (usize, &View)| {
        Ok(Batch { views: index..index + 1, geometry: Geometry::new(geometry.detector(), vec![*view])? })
    };
    geometry.views().iter().enumerate().map(alone).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Scan;

    #[test]
    fn rows_widened_by_margins_count_when_batches_are_cut() {
        let scan = "kind = 'parallel'\nviews = 64\narc_deg = 180\ndetector = [512, 512]\npitch_mm = [1.0, 1.0]";
        let geometry = Scan::from_toml(scan).unwrap().build().unwrap();
        for width in [512, 3 * 512] {
            let batches = batches(&geometry, width * 512, usize::MAX).unwrap();
            assert!(batches.iter().all(|b| b.views.len() * width * 512 * 4 <= BATCH_BYTES), "{width} columns");
            assert_eq!(batches.iter().map(|b| b.views.len()).sum::<usize>(), 64);
        }
    }
}
