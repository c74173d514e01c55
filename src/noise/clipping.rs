//! Where an image's range ends in a wall: values that a detector or a conversion has cut off.

use crate::parallel::*;

/// Fewest pixels at an extreme value that are taken for clipped ones.
const MIN_CLIPPED: usize = 16;
/// How many times more pixels than at the next value a clipped extreme has: a tail that is not cut off gets thinner.
const SPIKE: usize = 2;

/// Ends of an image's range at which pixels pile up.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Clipping {
    /// Smallest value, if clipped.
    pub(super) low: Option<f32>,
    /// Largest value, if clipped.
    pub(super) high: Option<f32>,
    /// Whether there are at most two values in all: such an image has no noise to be measured.
    pub(super) two_levels: bool,
}

impl Clipping {
    /// Clipping of `values`, all finite, where the mask says so.
    pub(super) fn of(values: &[f32], mask: Option<&[bool]>) -> Self {
        let low = end(values, mask, |v| v);
        let high = end(values, mask, |v| -v);
        match (low, high) {
            (Some(low), Some(high)) => Self {
                low: low.is_clipped().then_some(low.value),
                high: high.is_clipped().then_some(-high.value),
                two_levels: low.next.is_none_or(|next| next == -high.value),
            },
            _ => Self { two_levels: true, ..Self::default() },
        }
    }

    /// Whether a value is a clipped one.
    pub(super) fn holds(&self, value: f32) -> bool {
        self.low == Some(value) || self.high == Some(value)
    }

    /// Whether there is any.
    pub(super) fn is_any(&self) -> bool {
        self.low.is_some() || self.high.is_some()
    }

    /// Distance from a value to the nearest wall; infinite without one.
    pub(super) fn distance(&self, value: f32) -> f32 {
        let below = self.low.map_or(f32::INFINITY, |low| value - low);
        below.min(self.high.map_or(f32::INFINITY, |high| high - value))
    }
}

struct End {
    value: f32,
    count: usize,
    next: Option<f32>,
    next_count: usize,
}

impl End {
    fn is_clipped(&self) -> bool {
        self.count >= MIN_CLIPPED && self.count > SPIKE * self.next_count
    }
}

/// The smallest and next to smallest of `key(value)`, and how often they occur.
fn end(values: &[f32], mask: Option<&[bool]>, key: impl Fn(f32) -> f32 + Sync) -> Option<End> {
    let inside = |i: &(usize, &f32)| mask.is_none_or(|m| m[i.0]);
    let keys = || values.par_iter().enumerate().filter(inside).map(|(_, v)| key(*v));
    let smallest = |above: f32| keys().filter(|k| *k > above).min_by(f32::total_cmp);
    let count = |key: f32| keys().filter(|k| *k == key).count();
    let value = smallest(f32::NEG_INFINITY)?;
    let next = smallest(value);
    Some(End { value, count: count(value), next, next_count: next.map_or(0, count) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[f32]) -> Clipping {
        Clipping::of(values, None)
    }

    #[test]
    fn a_pile_at_an_end_is_clipped_and_a_tail_is_not() {
        let ramp: Vec<f32> = (0..100).map(|i| i as f32).collect();
        assert_eq!(of(&ramp), Clipping::default());
        let saturated: Vec<f32> = ramp.iter().map(|v| v.min(80.0)).collect();
        assert_eq!(of(&saturated), Clipping { high: Some(80.0), ..Clipping::default() });
        let under: Vec<f32> = ramp.iter().map(|v| v.max(30.0)).collect();
        assert_eq!(of(&under).low, Some(30.0));
        assert_eq!(of(&under).distance(33.0), 3.0);
        // Coarse grey levels: many pixels at the ends, more within.
        let bell: Vec<f32> = [40, 300, 600, 300, 40].iter().zip(0..).flat_map(|(&n, v)| vec![v as f32; n]).collect();
        assert!(!of(&bell).is_any());
    }

    #[test]
    fn one_and_two_values_are_told_and_a_mask_is_kept_to() {
        assert!(of(&[3.0; 50]).two_levels);
        assert!(of(&[1.0, 2.0, 1.0]).two_levels);
        assert!(!of(&[1.0, 2.0, 3.0]).two_levels);
        let values = [1.0, 2.0, 3.0];
        assert!(Clipping::of(&values, Some(&[true, true, false])).two_levels);
        assert!(Clipping::of(&values, Some(&[false; 3])).two_levels);
    }
}
