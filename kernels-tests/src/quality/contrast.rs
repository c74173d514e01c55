use kerma::data::Image;

use super::{Flat, Insert};

/// Ring around an insert in which its surrounding is measured, in units of its radius.
const RING: [f64; 2] = [1.6, 2.8];
/// Margin within the insert's rim that is left out, in pixels: it is blurred.
const MARGIN: f64 = 1.0;

/// What an insert stands out by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Contrast {
    /// Mean within the disc less that of its surrounding, in grey levels.
    pub levels: f64,
    /// Standard deviation in the surrounding, in grey levels.
    pub noise: f64,
}

impl Contrast {
    /// Contrast-to-noise ratio.
    #[must_use]
    pub fn ratio(&self) -> f64 {
        self.levels.abs() / self.noise
    }
}

/// Contrast of a disc against the ring around it.
///
/// ```text
/// CNR = |m_disc − m_ring| / s_ring
/// ```
/// where m are means, of the disc without its outermost pixel and of the ring from 1.6 to 2.8 radii, and s is the
/// standard deviation about the plane fitted to the ring: a linear course of the anatomy counts neither as contrast
/// nor as noise.
#[must_use]
pub fn insert_contrast(image: &Image, insert: &Insert) -> Contrast {
    let reach = (RING[1] * insert.radius).ceil() as i64;
    let distance = |x: i64, y: i64| (x as f64).hypot(y as f64);
    let disc = Plane::fit(image, insert.centre, reach, |x, y| distance(x, y) <= insert.radius - MARGIN);
    let [inner, outer] = RING.map(|r| r * insert.radius);
    let ring = Plane::fit(image, insert.centre, reach, |x, y| (inner..=outer).contains(&distance(x, y)));
    Contrast { levels: disc.mean - ring.mean, noise: ring.deviation }
}

/// Standard deviation of a square about the plane fitted to it, in grey levels.
#[must_use]
pub fn noise(image: &Image, flat: &Flat) -> f64 {
    Plane::fit(image, flat.centre, flat.reach as i64, |_, _| true).deviation
}

/// Values about a centre as a plane and what is left.
struct Plane {
    mean: f64,
    deviation: f64,
}

impl Plane {
    /// Least squares over offsets for which `belongs` holds.
    ///
    /// The region is symmetric about its centre, so the plane's three numbers are independent: the mean, and
    /// Σx·v/Σx² and Σy·v/Σy² as slopes.
    fn fit(image: &Image, [cx, cy]: [usize; 2], reach: i64, belongs: impl Fn(i64, i64) -> bool) -> Self {
        let columns = image.size()[0];
        let offsets = (-reach..=reach).flat_map(|y| (-reach..=reach).map(move |x| (x, y)));
        let points: Vec<[f64; 3]> = offsets
            .filter(|&(x, y)| belongs(x, y))
            .map(|(x, y)| {
                let index = (cy as i64 + y) as usize * columns + (cx as i64 + x) as usize;
                [x as f64, y as f64, f64::from(image.values()[index])]
            })
            .collect();
        let sum = |term: &dyn Fn(&[f64; 3]) -> f64| points.iter().map(term).sum::<f64>();
        let count = points.len() as f64;
        let mean = sum(&|p| p[2]) / count;
        let [sx, sy] = [0, 1].map(|axis| sum(&|p| p[axis] * p[2]) / sum(&|p| p[axis] * p[axis]));
        let rest = sum(&|p| (p[2] - mean - sx * p[0] - sy * p[1]).powi(2));
        Self { mean, deviation: (rest / (count - 3.0)).sqrt() }
    }
}

#[cfg(test)]
mod tests {
    use kerma::data::{Sample, Unit};

    use super::*;
    use crate::quality::Surrounding;

    fn image(value: impl Fn(f64, f64) -> f64) -> Image {
        let values = (0..100 * 100).map(|i| value((i % 100) as f64, (i / 100) as f64) as f32).collect();
        Image::new([100; 2], None, Sample::Float, Unit::Arbitrary, values).unwrap()
    }

    #[test]
    fn a_slope_is_neither_contrast_nor_noise() {
        let insert = Insert { centre: [50, 48], radius: 10.0, contrast: 0.0, surrounding: Surrounding::Lung };
        let disc = |x: f64, y: f64| if (x - 50.0).hypot(y - 48.0) <= 10.0 { 5.0 } else { 0.0 };
        let checks = |x: f64, y: f64| if (x + y) % 2.0 == 0.0 { 1.0 } else { -1.0 };
        let found = insert_contrast(&image(|x, y| 3.0 * x - 2.0 * y + disc(x, y) + checks(x, y)), &insert);
        assert!((found.levels - 5.0).abs() < 0.05 && (found.noise - 1.0).abs() < 0.01, "{found:?}");
        assert!((found.ratio() - 5.0).abs() < 0.1);
    }

    #[test]
    fn twice_the_values_are_twice_the_noise_and_the_same_ratio() {
        let flat = Flat { centre: [50; 2], reach: 10, surrounding: Surrounding::Lung };
        let grain = |x: f64, y: f64| (x * 12.9898 + y * 78.233).sin() * 43.0;
        let [one, two] = [1.0, 2.0].map(|gain| noise(&image(|x, y| gain * grain(x, y)), &flat));
        assert!((two / one - 2.0).abs() < 1e-5);
    }
}
