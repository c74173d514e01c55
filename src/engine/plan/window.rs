//! Which rows windows need, and where output rows must be divided for them.

use std::ops::Range;

use super::{super::Window, Parts};

impl Window {
    /// Rows of a buffer of so many that the output rows need, at least one; rows beyond the buffer count as its first or last.
    pub(crate) fn rows(&self, outputs: &Range<u64>, all_rows: u64) -> Range<u64> {
        let existing = |output: u64, offset: i32| -> u64 {
            let corresponding = output * u64::from(self.numerator) / u64::from(self.denominator);
            corresponding.saturating_add_signed(offset.into()).min(all_rows - 1)
        };
        existing(outputs.start, self.first)..existing(outputs.end - 1, self.last) + 1
    }

    /// Ends of the stretches of output rows that need rows of one part only, or rows of the same two parts.
    ///
    /// Outputs are taken in whole grains; the ends may lie beyond the last of them.
    pub(super) fn cuts(&self, grain: u64, parts: &Parts) -> impl Iterator<Item = u64> {
        parts.cuts().flat_map(move |row| {
            let (begins, ends) = (self.first_output_at(row, self.last), self.first_output_at(row, self.first));
            [begins - begins % grain, ends.checked_next_multiple_of(grain).unwrap_or(u64::MAX)]
        })
    }

    /// How far output rows from `first` on may go so that all rows they need fit a binding.
    pub(super) fn end_of_fit(&self, first: u64, parts: &Parts) -> u64 {
        let end = self.rows(&(first..first + 1), parts.all_rows).start + parts.rows;
        if end < parts.all_rows { self.first_output_at(end, self.last) } else { u64::MAX }
    }

    /// Most rows that any grain of the outputs needs.
    pub(super) fn most_rows(&self, outputs: u64, grain: u64, parts: &Parts) -> u64 {
        let grains = (0..outputs).step_by(grain as usize).map(|first| first..outputs.min(first + grain));
        grains.map(|grain| self.rows(&grain, parts.all_rows)).map(|rows| rows.end - rows.start).max().unwrap_or(0)
    }

    /// First output row whose corresponding row, moved by `offset`, is `row` or one beyond it.
    fn first_output_at(&self, row: u64, offset: i32) -> u64 {
        let corresponding = row.saturating_add_signed(-i64::from(offset));
        // ⌊o·n/d⌋ ≥ c where o ≥ ⌈c·d/n⌉. A product beyond 64 bits still gives a row beyond all that can be counted.
        let outputs = corresponding.saturating_mul(self.denominator.into());
        match (corresponding, self.numerator) {
            (0, _) => 0,
            (_, 0) => u64::MAX,
            (_, numerator) => outputs.div_ceil(numerator.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_those_of_the_definition_up_to_the_largest_buffers() {
        let all_rows = u64::from(u32::MAX);
        for (numerator, denominator) in [(1, 1), (2, 1), (1, 2), (7, 3), (u32::MAX, 3), (3, u32::MAX), (0, 1)] {
            for (first, last) in [(0, 0), (-2, 2), (5, 9), (-9, -5), (i32::MIN, i32::MAX)] {
                let window = Window { numerator, denominator, first, last };
                for output in [0, 1, 2, 99, 12_345, all_rows - 1] {
                    let at = |offset: i32| {
                        let place = i128::from(output) * i128::from(numerator) / i128::from(denominator);
                        (place + i128::from(offset)).clamp(0, i128::from(all_rows) - 1) as u64
                    };
                    let rows = window.rows(&(output..output + 1), all_rows);
                    assert_eq!(rows, at(first)..at(last) + 1, "{window:?} at {output}");
                    // The inverse: nothing before it reaches the row.
                    let row = rows.end - 1;
                    if row > 0 {
                        let begins = window.first_output_at(row, last);
                        assert!(begins <= output, "{window:?} at {output}");
                        let before = begins.checked_sub(1).map(|o| window.rows(&(o..o + 1), all_rows).end - 1);
                        assert!(before.is_none_or(|before| before < row), "{window:?} at {output}");
                    }
                }
            }
        }
    }
}
