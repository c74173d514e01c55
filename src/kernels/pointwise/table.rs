//! Tables for [`super::lookup`], computed on the host in double precision.
//!
//! With x the grey value, M and N the largest grey values in and out, and t = x/M, every table is
//! `y = ⌊N·clamp(f(t), 0, 1) + ½⌋` with f one of the curves below. All are monotone; all but a window narrower than the
//! range reach both 0 and N, one at either end.

use crate::engine::{Buffer, Graph};

/// Table of grey values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    values: Vec<u16>,
    bits_out: u8,
}

impl Table {
    /// Table of `f(x/M)` for pixels of `bits_in`, in `bits_out`; both 1 to 16.
    #[must_use]
    pub fn new(bits_in: u8, bits_out: u8, f: impl Fn(f64) -> f64) -> Self {
        let (largest_in, largest_out) = (largest(bits_in), largest(bits_out));
        let value = |x: u32| (f(f64::from(x) / largest_in).clamp(0.0, 1.0) * largest_out + 0.5).floor() as u16;
        Self { values: (0..1 << bits_in).map(value).collect(), bits_out }
    }

    /// Other number of bits: `f = t`, in whole numbers.
    ///
    /// Exact where the quotient `t` is not: `y = ⌊(2·N·x + M)/(2·M)⌋`, halves up.
    #[must_use]
    pub fn depth(bits_in: u8, bits_out: u8) -> Self {
        let [most_in, most_out] = [bits_in, bits_out].map(|bits| (1_u64 << bits) - 1);
        // At most M in, at most N out.
        let value = |x: u64| ((2 * most_out * x + most_in) / (2 * most_in)) as u16;
        Self { values: (0..=most_in).map(value).collect(), bits_out }
    }

    /// Gamma: `f = t^γ`. γ > 1 darkens the middle, γ < 1 brightens it, γ = 1 changes nothing; γ is positive.
    #[must_use]
    pub fn gamma(bits_in: u8, bits_out: u8, gamma: f64) -> Self {
        Self::new(bits_in, bits_out, |t| t.powf(gamma))
    }

    /// Exponential contrast transform: `f = (1 − e^(−kt)) / (1 − e^(−k))`.
    ///
    /// k > 0 brightens: contrast is taken from the bright end and given to the dark one, where the slope is
    /// k/(1 − e^(−k)). k < 0 darkens, as the mirror image through the middle of the diagonal. k = 0 changes nothing.
    #[must_use]
    pub fn exponential(bits_in: u8, bits_out: u8, k: f64) -> Self {
        let rising = |t: f64, k: f64| if k == 0.0 { t } else { (-k * t).exp_m1() / (-k).exp_m1() };
        // For k < 0 the powers would overflow; f(t; k) = 1 − f(1 − t; −k).
        Self::new(bits_in, bits_out, |t| if k < 0.0 { 1.0 - rising(1.0 - t, -k) } else { rising(t, k) })
    }

    /// Window: `f = (x − low)/(high − low)`, 0 below and 1 above; the level is (low + high)/2, the width high − low.
    ///
    /// Where low = high, values from there on are the largest.
    #[must_use]
    pub fn window(bits_in: u8, bits_out: u8, low: f64, high: f64) -> Self {
        let largest = largest(bits_in);
        Self::new(bits_in, bits_out, |t| {
            let x = (t * largest).round();
            if x >= high { 1.0 } else { (x - low) / (high - low) }
        })
    }

    /// Inversion: `f = 1 − t`.
    #[must_use]
    pub fn inversion(bits_in: u8, bits_out: u8) -> Self {
        Self::new(bits_in, bits_out, |t| 1.0 - t)
    }

    /// Logarithm of a signal that is linear in dose: `f = 1 − ln max(x, 1) / ln M`.
    ///
    /// Proportional to the attenuation along the ray, with no attenuation at the largest value: little signal is
    /// bright, as in a radiograph; the values 0 and 1 are the brightest.
    #[must_use]
    pub fn logarithm(bits_in: u8, bits_out: u8) -> Self {
        let largest = largest(bits_in);
        if bits_in <= 1 {
            return Self::inversion(bits_in, bits_out);
        }
        Self::new(bits_in, bits_out, |t| 1.0 - (t * largest).round().max(1.0).ln() / largest.ln())
    }

    /// This table, then `next`; `next` is for as many bits as this one gives.
    #[must_use]
    pub fn then(&self, next: &Self) -> Self {
        let last = next.values.len() - 1;
        let values = self.values.iter().map(|v| next.values[last.min(usize::from(*v))]).collect();
        Self { values, bits_out: next.bits_out }
    }

    /// Bits of the values, for [`super::lookup::record`].
    #[must_use]
    pub fn bits_out(&self) -> u8 {
        self.bits_out
    }

    /// Values by grey value.
    #[must_use]
    pub fn values(&self) -> &[u16] {
        &self.values
    }

    /// Records the upload of the table.
    pub fn record(&self, graph: &mut Graph<'_>) -> Buffer<[u16; 2]> {
        let pairs: Vec<[u16; 2]> = self.values.as_chunks().0.to_vec();
        graph.upload_table("lookup.table", &pairs)
    }
}

fn largest(bits: u8) -> f64 {
    f64::from((1_u32 << bits) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curves(bits_in: u8, bits_out: u8) -> Vec<(&'static str, Table)> {
        vec![
            ("gamma 2.2", Table::gamma(bits_in, bits_out, 2.2)),
            ("gamma 0.45", Table::gamma(bits_in, bits_out, 0.45)),
            ("exponential 3", Table::exponential(bits_in, bits_out, 3.0)),
            ("exponential 0", Table::exponential(bits_in, bits_out, 0.0)),
            ("exponential -5", Table::exponential(bits_in, bits_out, -5.0)),
            ("exponential -2000", Table::exponential(bits_in, bits_out, -2000.0)),
            ("window", Table::window(bits_in, bits_out, 0.3, largest(bits_in) * 0.7)),
            ("inversion", Table::inversion(bits_in, bits_out)),
            ("logarithm", Table::logarithm(bits_in, bits_out)),
            ("depth", Table::depth(bits_in, bits_out)),
        ]
    }

    #[test]
    fn tables_are_monotone_and_go_from_end_to_end() {
        for (bits_in, bits_out) in [(1, 8), (8, 8), (8, 16), (12, 8), (14, 14), (16, 16), (16, 1)] {
            for (name, table) in curves(bits_in, bits_out) {
                let (values, top) = (table.values(), largest(bits_out) as u16);
                let (first, last) = (values[0], values[values.len() - 1]);
                let ends = if first < last { [first, last] } else { [last, first] };
                assert_eq!(ends, [0, top], "{name}, {bits_in} to {bits_out}");
                assert!(values.is_sorted() || values.iter().rev().is_sorted(), "{name}, {bits_in} to {bits_out}");
            }
        }
    }

    #[test]
    fn signs_are_as_documented() {
        let middle = |t: Table| t.values()[128];
        assert!(middle(Table::gamma(8, 8, 2.0)) == 64 && middle(Table::gamma(8, 8, 0.5)) == 181);
        assert!(middle(Table::exponential(8, 8, 2.0)) > 160 && middle(Table::exponential(8, 8, -2.0)) < 96);
        let identity: Vec<u16> = (0..=255).collect();
        for table in [Table::gamma(8, 8, 1.0), Table::exponential(8, 8, 0.0), Table::exponential(8, 8, 1e-9)] {
            assert_eq!(table.values(), identity);
        }
        let logarithm = Table::logarithm(16, 16);
        assert_eq!([0, 1, 65_535].map(|x| logarithm.values()[x]), [65_535, 65_535, 0]);
        assert_eq!(Table::window(8, 8, 7.0, 7.0).values()[6..9], [0, 255, 255]);
    }

    #[test]
    fn other_depths_keep_what_they_can() {
        assert_eq!(Table::depth(1, 16).values(), [0, 65_535]);
        assert_eq!(Table::depth(2, 1).values(), [0, 0, 1, 1]);
        // A whole multiple, and there and back again.
        assert_eq!(Table::depth(8, 16).values()[1..3], [257, 514]);
        for (few, many) in [(1, 2), (8, 12), (12, 15), (15, 16)] {
            let identity: Vec<u16> = (0..1 << few).collect();
            assert_eq!(Table::depth(few, many).then(&Table::depth(many, few)).values(), identity);
        }
    }

    #[test]
    fn an_inversion_twice_is_nothing() {
        let inversion = Table::inversion(12, 12);
        let identity: Vec<u16> = (0..4096).collect();
        assert_eq!(inversion.then(&inversion).values(), identity);
    }
}
