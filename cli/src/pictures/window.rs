use super::Slice;

/// The values shown black and white; with `black` above `white` the picture is inverted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Window {
    /// Value shown black, and all beyond it.
    pub(crate) black: f32,
    /// Value shown white, and all beyond it.
    pub(crate) white: f32,
}

impl Window {
    /// Window from `black` to `white`.
    pub(crate) fn new(black: f32, white: f32) -> Self {
        Self { black, white }
    }

    /// Window by its centre and width, as radiologists set it.
    pub(crate) fn level(level: f32, width: f32) -> Self {
        Self { black: level - width / 2.0, white: level + width / 2.0 }
    }

    /// Window that covers a picture's finite values but for the share `tail` at either end, for instance 0.005.
    pub(crate) fn covering(slice: &Slice, tail: f64) -> Self {
        let mut values: Vec<f32> = slice.values().iter().copied().filter(|v| v.is_finite()).collect();
        let Some(last) = values.len().checked_sub(1) else { return Self::new(0.0, 1.0) };
        let cut = (tail.clamp(0.0, 0.5) * last as f64).round() as usize;
        let mut at = |index: usize| *values.select_nth_unstable_by(index, f32::total_cmp).1;
        Self { black: at(cut), white: at(last - cut) }
    }

    /// The same window with black and white exchanged, as for a transmission shown with white bones.
    #[cfg(any(test, feature = "nn"))]
    pub(crate) fn inverted(self) -> Self {
        Self { black: self.white, white: self.black }
    }

    /// Brightness of a value, from 0 (black) to 1 (white); NaN is black.
    pub(crate) fn brightness(self, value: f32) -> f32 {
        if value.is_nan() {
            return 0.0;
        }
        // A window without width is a threshold; the division would give NaN there.
        if self.black == self.white {
            return if value > self.black { 1.0 } else { 0.0 };
        }
        ((value - self.black) / (self.white - self.black)).clamp(0.0, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use kerma::data::{Image, Sample, Unit};

    use super::*;

    #[test]
    fn window_maps_its_ends_to_black_and_white() {
        let window = Window::level(40.0, 400.0);
        assert_eq!(window, Window::new(-160.0, 240.0));
        assert_eq!([-1e9, -160.0, 40.0, 240.0, 1e9].map(|v| window.brightness(v)), [0.0, 0.0, 0.5, 1.0, 1.0]);
        assert_eq!([-160.0, 240.0].map(|v| window.inverted().brightness(v)), [1.0, 0.0]);
        assert_eq!(window.brightness(f32::NAN), 0.0);
        assert_eq!([0.9, 1.0, 1.1].map(|v| Window::new(1.0, 1.0).brightness(v)), [0.0, 0.0, 1.0]);
    }

    #[test]
    fn covering_window_leaves_out_the_tails_and_what_is_not_finite() {
        let mut values: Vec<f32> = (0..101).map(|v| v as f32).collect();
        values[50] = f32::NAN;
        let image = Image::new([101, 1], None, Sample::Float, Unit::Arbitrary, values).unwrap();
        let slice = Slice::of_image(&image);
        assert_eq!(Window::covering(&slice, 0.0), Window::new(0.0, 100.0));
        assert_eq!(Window::covering(&slice, 0.1), Window::new(10.0, 90.0));
    }
}
