use glam::{DMat3, DVec3};

use super::super::{Exposure, Quantity, Radiographs, SIDE};
use crate::{Error, training::Draws};

/// Bins of the histogram whose entropy is taken.
const BINS: usize = 64;
/// Mean of a column from which on it belongs to the body, relative to the brightest column.
const BODY: f64 = 0.3;

/// What tells a quantity without a network.
pub(super) enum Baseline {
    /// The engine's fit of noise.
    NoiseFit,
    /// A plane over two features of a display.
    Plane { features: fn(&[f32]) -> [f64; 2], weights: DVec3 },
}

impl Baseline {
    /// Fitted, where it is, on radiographs of the trainings by least squares.
    pub(super) fn fitted(quantity: Quantity, training: &Radiographs, seed: u64) -> Result<Self, Error> {
        let features: fn(&[f32]) -> [f64; 2] = match quantity {
            Quantity::Noise => return Ok(Self::NoiseFit),
            Quantity::Contrast => histogram,
            Quantity::Rotation => asymmetry,
        };
        let (mut normal, mut right) = (DMat3::ZERO, DVec3::ZERO);
        for index in 0..training.count() {
            let radiograph = training.get(index)?;
            let exposure = Exposure::drawn(&mut Draws::new(seed, index as u64));
            let signal = exposure.signal(&radiograph.signal, radiograph.size[0], radiograph.pixels);
            let x = with_one(features(&upright(exposure.display(&signal), exposure.is_inverted)));
            normal += DMat3::from_cols(x * x.x, x * x.y, x * x.z);
            right += x * exposure.truth(quantity, &radiograph);
        }
        if normal.determinant() == 0.0 {
            return Err(Error::Image("the features of the training's radiographs are all alike".to_owned()));
        }
        Ok(Self::Plane { features, weights: normal.inverse() * right })
    }

    /// The value of a display of a polarity that it is told.
    pub(super) fn of_display(&self, display: Vec<f32>, is_inverted: bool) -> f64 {
        match self {
            Self::NoiseFit => f64::NAN,
            Self::Plane { features, weights } => weights.dot(with_one(features(&upright(display, is_inverted)))),
        }
    }
}

fn with_one([first, second]: [f64; 2]) -> DVec3 {
    DVec3::new(1.0, first, second)
}

/// A display with bright bones.
fn upright(mut display: Vec<f32>, is_inverted: bool) -> Vec<f32> {
    if is_inverted {
        display.iter_mut().for_each(|value| *value = 1.0 - *value);
    }
    display
}

/// Mean and entropy, in bits, of the grey levels.
fn histogram(display: &[f32]) -> [f64; 2] {
    let mut counts = [0.0; BINS];
    display.iter().for_each(|value| counts[((value * BINS as f32) as usize).min(BINS - 1)] += 1.0);
    let count = display.len() as f64;
    let mean = display.iter().map(|value| f64::from(*value)).sum::<f64>() / count;
    let entropy: f64 = counts.iter().filter(|n| **n > 0.0).map(|n| -n / count * (n / count).log2()).sum();
    [mean, entropy]
}

/// Of the middle half of the rows, between the outermost columns of the body: the area of what is dark right of their middle less that
/// left of it, over both; and how far the middle of the bright lies from theirs, in widths of the body.
fn asymmetry(display: &[f32]) -> [f64; 2] {
    let rows = &display[SIDE / 4 * SIDE..SIDE * 3 / 4 * SIDE];
    let count = (rows.len() / SIDE) as f64;
    let column = |x: usize| rows.iter().skip(x).step_by(SIDE).map(|value| f64::from(*value)).sum::<f64>() / count;
    let bright: Vec<f64> = (0..SIDE).map(column).collect();
    let level = BODY * bright.iter().copied().fold(0.0, f64::max);
    let first = bright.iter().position(|b| *b > level).unwrap_or(0);
    let last = bright.iter().rposition(|b| *b > level).unwrap_or(SIDE - 1);
    let (middle, width) = ((first + last) as f64 / 2.0, (last - first + 1) as f64);
    let place = |x: usize| (x as f64 - middle) / width;
    let (mut right, mut dark, mut moment, mut sum) = (0.0, 0.0, 0.0, 0.0);
    for (x, bright) in bright.iter().enumerate().take(last + 1).skip(first) {
        right += place(x).signum() * (1.0 - bright);
        dark += 1.0 - bright;
        moment += place(x) * bright;
        sum += bright;
    }
    [right / f64::max(dark, f64::EPSILON), moment / f64::max(sum, f64::EPSILON)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_are_those_of_the_grey_levels_and_of_the_sides() {
        let even: Vec<f32> = (0..SIDE * SIDE).map(|at| (at % 64) as f32 / 64.0 + 0.001).collect();
        let [mean, entropy] = histogram(&even);
        assert!((mean - 0.493).abs() < 0.001 && (entropy - 6.0).abs() < 1e-9);
        // A body from column 20 to 107 with a dark lung at its left.
        let body: Vec<f32> = (0..SIDE * SIDE)
            .map(|at| match at % SIDE {
                30..50 => 0.4,
                20..108 => 1.0,
                _ => 0.0,
            })
            .collect();
        let mirrored: Vec<f32> = body.chunks(SIDE).flat_map(|row| row.iter().rev().copied()).collect();
        let ([area, moment], [other_area, other_moment]) = (asymmetry(&body), asymmetry(&mirrored));
        assert!((area + 1.0).abs() < 1e-6 && moment > 0.01, "{area} {moment}");
        assert!((area + other_area).abs() < 1e-6 && (moment + other_moment).abs() < 1e-6);
    }
}
