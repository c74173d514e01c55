//! Expanding on the CPU, row by row, for the kernels that do it: what both twins share.
//!
//! The coarse level is spread over a grid of the fine level's exact size with zeros between, blurred with
//! (1 4 6 4 1)/16 both ways and multiplied by 4. Per axis that is (1 6 1)/8 at even places and (4 4)/8 at odd ones:
//!
//! ```text
//! fine[2i]     = (coarse[i−1] + 6·coarse[i] + coarse[i+1]) / 8
//! fine[2i + 1] = (4·coarse[i] + 4·coarse[i+1]) / 8
//! ```
//! The **fine** grid is mirrored at its first and last place without repeating them. Mirroring keeps even places even,
//! so no zero falls on a coarse value and constants stay constant:
//!
//! - first place: coarse[−1] is coarse[1];
//! - an odd number of places ends on a coarse value: behind the last one comes the last but one;
//! - an even number ends on a zero, and the mirror image of the last coarse value lies two places behind it: the last
//!   one comes again;
//! - a level of one place has no neighbours: they are taken to be itself.
//!
//! Columns are computed before rows: sums are formed downwards first, then along the row.

/// Coarse neighbours of a coarse place, before and behind, for a fine side of `fine_count`.
pub(super) fn neighbours(place: usize, fine_count: usize) -> [usize; 2] {
    let last = fine_count.div_ceil(2) - 1;
    let before = if place == 0 { last.min(1) } else { place - 1 };
    let mirror = if fine_count.is_multiple_of(2) { last } else { last - last.min(1) };
    [before, if place == last { mirror } else { place + 1 }]
}

/// Room for one row on its way from coarse to fine.
pub(super) struct Expansion {
    /// Coarse columns at the height of the fine row, times 8, with their mirror images at both ends.
    columns: Vec<f32>,
    /// The fine row in pairs; the last of an odd number is a spare.
    pairs: Vec<[f32; 2]>,
}

impl Expansion {
    pub(super) fn new(fine_columns: usize) -> Self {
        let coarse = fine_columns.div_ceil(2);
        Self { columns: vec![0.0; coarse + 2], pairs: vec![[0.0; 2]; coarse] }
    }

    /// Fine row `y` of the expanded `coarse` level, one value more where the number of columns is odd.
    #[inline(always)]
    pub(super) fn row<const WHOLE: bool>(&mut self, coarse: &[f32], fine: [usize; 2], y: usize) -> &[f32] {
        let count = self.pairs.len();
        let row = |i: usize| &coarse[i * count..][..count];
        let [above, below] = neighbours(y / 2, fine[1]);
        let (above, here, below) = (row(above), row(y / 2), row(below));
        let columns = &mut self.columns[1..=count];
        if y.is_multiple_of(2) {
            for (((out, a), h), b) in columns.iter_mut().zip(above).zip(here).zip(below) {
                *out = at_even(*a, *h, *b);
            }
        } else {
            for ((out, h), b) in columns.iter_mut().zip(here).zip(below) {
                *out = at_odd(*h, *b);
            }
        }
        self.columns[0] = self.columns[1 + neighbours(0, fine[0])[0]];
        self.columns[count + 1] = self.columns[1 + neighbours(count - 1, fine[0])[1]];
        let (before, here, behind) = (&self.columns[..count], &self.columns[1..=count], &self.columns[2..]);
        for (((pair, a), h), b) in self.pairs.iter_mut().zip(before).zip(here).zip(behind) {
            *pair = [level::<WHOLE>(at_even(*a, *h, *b)), level::<WHOLE>(at_odd(*h, *b))];
        }
        self.pairs.as_flattened()
    }
}

#[inline(always)]
fn at_even(before: f32, here: f32, behind: f32) -> f32 {
    6.0 * here + (before + behind)
}

#[inline(always)]
fn at_odd(here: f32, behind: f32) -> f32 {
    4.0 * (here + behind)
}

#[inline(always)]
fn level<const WHOLE: bool>(sum: f32) -> f32 {
    let value = sum * (1.0 / 64.0);
    if WHOLE { (value + 0.5).floor() } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_mirrored_on_the_fine_grid() {
        assert_eq!(neighbours(0, 1), [0, 0]);
        assert_eq!(neighbours(0, 2), [0, 0]);
        assert_eq!((neighbours(0, 3), neighbours(1, 3)), ([1, 1], [0, 0]));
        assert_eq!((neighbours(0, 4), neighbours(1, 4)), ([1, 1], [0, 1]));
        assert_eq!((neighbours(2, 6), neighbours(2, 5)), ([1, 2], [1, 1]));
    }

    #[test]
    fn a_row_is_that_of_the_weights() {
        let mut room = Expansion::new(5);
        let coarse = [8.0, 16.0, 64.0];
        assert_eq!(room.row::<false>(&coarse, [5, 1], 0)[..5], [10.0, 12.0, 21.0, 40.0, 52.0]);
        assert_eq!(room.row::<true>(&coarse, [5, 1], 0)[..5], [10.0, 12.0, 21.0, 40.0, 52.0]);
        let mut room = Expansion::new(6);
        assert_eq!(room.row::<false>(&coarse, [6, 1], 0), [10.0, 12.0, 21.0, 40.0, 58.0, 64.0]);
    }
}
