use kerma::engine;

use super::{DenoiseOptions, layout::Layout};
use crate::Error;

/// Smallest tile that memory makes of a larger one.
const SMALLEST_TILE: usize = 64;

/// What decides how many tiles are evaluated at once, and how large they are.
pub(super) struct Memory<'a> {
    /// Bytes that the work may take.
    pub(super) budget: u64,
    /// Bytes that it takes at most with tiles of such a side, so many at once; they grow with both.
    pub(super) bytes: &'a dyn Fn(usize, usize) -> u64,
    /// Tiles of such a side that are worth evaluating at once.
    pub(super) most: &'a dyn Fn(usize) -> usize,
    /// The side of a tile is a multiple of this.
    pub(super) multiple: usize,
}

impl Memory<'_> {
    /// Attempts with as many tiles of the options' size as the plan allows, then with fewer at once and with smaller ones
    /// wherever the device runs out of memory all the same.
    ///
    /// # Errors
    /// [`Error::MemoryBudget`] when a single tile of the smallest size does not fit into the budget,
    /// [`Error::OutOfMemory`] when the device fails even with one, and what else the attempt says.
    pub(super) async fn attempt<T>(
        mut self,
        size: [usize; 2],
        mut options: DenoiseOptions,
        attempt: impl AsyncFn(&Layout) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut failure = None;
        loop {
            let tile = options.tile;
            while let Some(layout) = self.fitting(size, &options) {
                match attempt(&layout).await {
                    Err(Error::Engine(error @ engine::Error::OutOfMemory { .. })) => failure = Some(error.to_string()),
                    done => return done,
                }
                self.budget =
                    if layout.batch > 1 { (self.bytes)(tile, layout.batch / 2) } else { (self.bytes)(tile, 1) - 1 };
            }
            let smaller = (tile / 2).max(SMALLEST_TILE).next_multiple_of(self.multiple);
            if smaller >= tile {
                let (needed_bytes, budget_bytes) = ((self.bytes)(tile, 1), self.budget);
                return Err(match failure {
                    Some(reason) => Error::OutOfMemory { tile, reason },
                    None => Error::MemoryBudget { tile, needed_bytes, budget_bytes },
                });
            }
            options = DenoiseOptions { tile: smaller, overlap: options.overlap.min(smaller / 4), ..options };
        }
    }

    /// The layout with most tiles at once that fits; none when a single tile does not.
    fn fitting(&self, size: [usize; 2], options: &DenoiseOptions) -> Option<Layout> {
        let most = options.batch.unwrap_or_else(|| (self.most)(options.tile).max(1));
        let most = Layout::new(size, options, most).batch;
        // Bytes grow with the batch: the first that fits is the largest.
        let fits = |batch: &usize| (self.bytes)(options.tile, *batch) <= self.budget;
        (1..=most).rev().find(fits).map(|batch| Layout::new(size, options, batch))
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    /// Tiles and batches that are attempted where each fails with `error` until `holds`, and how it ends.
    fn attempts(
        tile: usize,
        multiple: usize,
        budget: u64,
        error: impl Fn() -> Error,
        holds: impl Fn(usize, usize) -> bool,
    ) -> (Vec<[usize; 2]>, Result<(), Error>) {
        let seen = RefCell::new(Vec::new());
        let memory = Memory {
            budget,
            bytes: &|tile, batch| (tile * tile * batch) as u64,
            most: &|tile| 256 * 256 / tile.pow(2),
            multiple,
        };
        let options = DenoiseOptions { tile, overlap: 0, ..DenoiseOptions::default() };
        let done = pollster::block_on(memory.attempt([1024, 1024], options, async |layout| {
            seen.borrow_mut().push([layout.tile, layout.batch]);
            if holds(layout.tile, layout.batch) { Ok(()) } else { Err(error()) }
        }));
        (seen.into_inner(), done)
    }

    fn full() -> Error {
        engine::Error::OutOfMemory { place: "pass".to_owned() }.into()
    }

    #[test]
    fn fewer_tiles_then_smaller_ones_follow_a_device_without_memory() {
        let (seen, done) = attempts(128, 1, u64::MAX, full, |tile, batch| tile == 64 && batch == 1);
        assert!(done.is_ok());
        // What a tile of 128 did not leave is enough for the plan of three of 64, not for the device.
        assert_eq!(seen, [[128, 4], [128, 2], [128, 1], [64, 3], [64, 1]]);
    }

    #[test]
    fn the_last_tile_says_what_the_device_said() {
        let (seen, done) = attempts(128, 1, u64::MAX, full, |_, _| false);
        assert_eq!(seen.last(), Some(&[64, 1]));
        assert!(
            matches!(&done, Err(Error::OutOfMemory { tile: 64, reason }) if reason == "the device is out of memory at pass")
        );
    }

    #[test]
    fn other_errors_end_it_at_once() {
        // Smaller tiles mend neither.
        let others: [fn() -> Error; 3] = [
            || Error::Image("bad".to_owned()),
            || Error::Tensor("a kernel was refused".to_owned()),
            || engine::Error::DeviceLost { reason: "unplugged".to_owned() }.into(),
        ];
        for error in others {
            let (seen, done) = attempts(128, 1, u64::MAX, error, |_, _| false);
            assert_eq!((seen.len(), done.unwrap_err().to_string()), (1, error().to_string()));
        }
    }

    #[test]
    fn tiles_between_the_sizes_end_at_the_smallest() {
        // 120 → 64; where only multiples of 128 will do, 128 is the smallest.
        for (tile, multiple, last) in [(120, 1, 64), (192, 128, 128), (128, 128, 128), (40, 1, 40)] {
            let (seen, done) = attempts(tile, multiple, 1, full, |_, _| true);
            assert!(seen.is_empty());
            assert!(matches!(&done, Err(Error::MemoryBudget { tile, .. }) if *tile == last), "{tile}: {done:?}");
        }
    }
}
