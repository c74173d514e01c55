use kerma::{
    data::{Image, Sample, Unit},
    kernels::noise::{
        Stream,
        quanta::{self, Quanta},
    },
};

use super::{
    Quantity, Radiograph, Seen,
    seen::fit,
    view::{CROP, CROPS, channels, cropped, displayed, line_integrals, places, seen},
};
use crate::{Error, training::Draws};

/// Largest standard deviation of the noise of the electronics, in quanta.
const MOST_ELECTRONIC: f64 = 5.0;

/// How a radiograph without noise is exposed and displayed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Exposure {
    /// ln of the quanta per pixel at the reference grey.
    pub ln_quanta: f64,
    /// Standard deviation of the noise of the electronics, in quanta.
    pub electronic: f64,
    /// ln of the exponent of the display.
    pub exponent: f64,
    /// Whether bones are dark.
    pub is_inverted: bool,
    /// Seed of the noise.
    pub seed: u64,
}

impl Exposure {
    /// Drawn evenly over all ranges.
    #[must_use]
    pub fn drawn(draws: &mut Draws) -> Self {
        Self {
            ln_quanta: Quantity::Noise.at(draws.unit()),
            electronic: MOST_ELECTRONIC * draws.unit(),
            exponent: Quantity::Contrast.at(draws.unit()),
            is_inverted: draws.below(2) == 1,
            seed: draws.bits(),
        }
    }

    /// What is true of a radiograph with this exposure.
    #[must_use]
    pub fn truth(&self, quantity: Quantity, radiograph: &Radiograph) -> f64 {
        match quantity {
            Quantity::Noise => self.ln_quanta,
            Quantity::Contrast => self.exponent,
            Quantity::Rotation => radiograph.angle_deg,
        }
    }

    /// The signal of an image relative to the reference grey, with noise; each value stands for `pixels` pixels.
    ///
    /// A mean over n pixels of µ quanta is that of one pixel of n·µ: sums of Poisson numbers are Poisson numbers.
    #[must_use]
    pub fn signal(&self, clean: &[f32], columns: usize, pixels: f64) -> Vec<f32> {
        let quanta = self.ln_quanta.exp();
        let noise = Quanta {
            photons: Some((quanta * pixels) as f32),
            electronic_sigma: (self.electronic / quanta / pixels.sqrt()) as f32,
        };
        let stream = Stream::new(self.seed, 0);
        let at = |(at, mean): (usize, &f32)| {
            quanta::at(&noise, &stream, *mean, (at % columns) as u32, (at / columns) as u32, 0)
        };
        clean.iter().enumerate().map(at).collect()
    }

    /// The display of an overview's signal: u ↦ u^γ, or 1 − u^γ.
    #[must_use]
    pub fn display(&self, signal: &[f32]) -> Vec<f32> {
        let gamma = self.exponent.exp() as f32;
        let shown = |u: f32| if self.is_inverted { 1.0 - u.powf(gamma) } else { u.powf(gamma) };
        displayed(line_integrals(signal, 1.0)).into_iter().map(shown).collect()
    }

    /// What a network for a quantity sees of a radiograph that was read for it; crops lie at `places`, and the noise is
    /// fitted where that is wanted.
    pub(super) fn input(
        &self,
        quantity: Quantity,
        radiograph: &Radiograph,
        places: &[[usize; 2]; CROPS],
        is_fitted: bool,
    ) -> Result<Seen, Error> {
        let Radiograph { signal, size, pixels, .. } = radiograph;
        let columns = size[0];
        if quantity != Quantity::Noise {
            let pixels = seen(&self.display(&self.signal(signal, columns, *pixels))).collect();
            return Ok(Seen { pixels, fits: vec![f32::NAN] });
        }
        if is_fitted {
            let image = self.image(radiograph)?;
            let crops =
                places.iter().flat_map(|place| channels(&cropped(image.values(), columns, *place)).collect::<Vec<_>>());
            return Ok(Seen { pixels: crops.collect(), fits: vec![fit(&image)] });
        }
        let crop = |(index, place): (usize, &[usize; 2])| {
            let crop = Self { seed: self.seed.wrapping_add(index as u64), ..*self };
            channels(&crop.signal(&cropped(signal, columns, *place), CROP, *pixels)).collect::<Vec<_>>()
        };
        Ok(Seen { pixels: places.iter().enumerate().flat_map(crop).collect(), fits: vec![f32::NAN] })
    }

    /// The signal of a radiograph with noise.
    pub(super) fn image(&self, radiograph: &Radiograph) -> Result<Image, Error> {
        let Radiograph { signal, size, pixels, .. } = radiograph;
        let signal = self.signal(signal, size[0], *pixels);
        Image::new(*size, None, Sample::Float, Unit::Transmission, signal).map_err(|e| Error::Image(e.to_string()))
    }

    /// Places of crops anywhere in an image.
    pub(super) fn any_places([columns, rows]: [usize; 2], draws: &mut Draws) -> [[usize; 2]; CROPS] {
        let mut places = places([columns, rows]);
        places.iter_mut().for_each(|place| *place = [columns, rows].map(|count| draws.below(count - CROP + 1)));
        places
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exposure() -> Exposure {
        Exposure { ln_quanta: 400_f64.ln(), electronic: 4.0, exponent: 0.5, is_inverted: false, seed: 3 }
    }

    #[test]
    fn noise_has_the_variance_of_quanta_and_electronics() {
        for (mean, pixels) in [(1.0, 1.0), (3.0, 1.0), (1.0, 16.0)] {
            let noisy = exposure().signal(&[mean; 40_000], 200, pixels);
            let variance = noisy.iter().map(|v| f64::from(v - mean).powi(2)).sum::<f64>() / 40_000.0;
            let expected = (400.0 * f64::from(mean) + 16.0) / 400_f64.powi(2) / pixels;
            assert!((variance / expected - 1.0).abs() < 0.04, "{mean} {pixels}: {variance} {expected}");
        }
    }

    #[test]
    fn exponents_above_nothing_darken_and_the_other_polarity_is_the_rest() {
        let signal: Vec<f32> = (0..1000).map(|at| (at as f32 / -300.0).exp()).collect();
        let of = |exponent, is_inverted| Exposure { exponent, is_inverted, ..exposure() }.display(&signal);
        let (dark, ideal, bright) = (of(0.5, false), of(0.0, false), of(-0.5, false));
        assert!(dark[500] < ideal[500] - 0.1 && ideal[500] < bright[500] - 0.1);
        assert!(of(0.5, true).iter().zip(&dark).all(|(inverted, dark)| (inverted + dark - 1.0).abs() < 1e-6));
        assert!(ideal[900] > ideal[100], "less signal is brighter");
    }
}
