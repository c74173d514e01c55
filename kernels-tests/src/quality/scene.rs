use std::f64::consts::TAU;

use kerma::data::{Image, Sample, Unit};
use rayon::prelude::*;

use crate::inputs::{Seeded, known_good};

/// Pixels along a side.
const SIDE: usize = 1024;
/// Share of the grey levels that the densest matter reaches, so that noise is not clipped.
const TOP: f64 = 0.95;
/// Natural logarithm of the exposure between the ends of the grey scale: two decades.
const RANGE: f64 = 4.605_170_185_988_092;
/// Photons per pixel at the dark end of the scale: the unattenuated beam.
const PHOTONS: f64 = 20_000.0;
/// Width of soft edges, as a share of the side.
const SOFT: f64 = 0.006;
/// Row of the collimator's edge, as a share of the side.
const COLLIMATOR: f64 = 0.93;
/// Density behind the collimator and of the trunk.
const BLADE: f64 = 0.92;
const TRUNK: f64 = 0.55;
/// Outermost share of the trunk's radius that is not counted as body: wider than its soft edge.
const RIM: f64 = 0.04;

/// What an insert lies in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Surrounding {
    /// Dark and calm.
    Lung,
    /// Bright and noisy.
    Mediastinum,
}

/// A disc of known contrast.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Insert {
    /// Column and row of its centre.
    pub centre: [usize; 2],
    /// Radius in pixels.
    pub radius: f64,
    /// What it adds to the density, in units of the scale.
    pub contrast: f64,
    /// Where it lies.
    pub surrounding: Surrounding,
}

/// A square in which the density is constant or rises linearly.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Flat {
    /// Column and row of its centre.
    pub centre: [usize; 2],
    /// Pixels from the centre to each side.
    pub reach: usize,
    /// Where it lies.
    pub surrounding: Surrounding,
}

/// A synthetic chest radiograph, bright where much is attenuated.
///
/// ```text
/// N(v) = N₀·exp(−R·v),  σ(v) = 1/(R·√N(v)),  pixel = round(top·(v + σ(v)·g))
/// ```
/// where v is the density at the pixel from 0 to 1, N the photons that arrive, R = ln 100 the range of exposures, and g
/// normally distributed: the variance of the exposure is proportional to the exposure, as of counted quanta, and the
/// logarithm turns that into noise which grows with the density.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scene {
    /// Bits of the grey levels.
    pub bits: u8,
    /// Seed of the noise in the foreground.
    pub seed: u64,
    /// Density of the background, and the seed of its noise.
    pub air: (f64, u64),
    /// Whether a collimator covers the lowest rows.
    pub is_collimated: bool,
}

impl Scene {
    /// The usual scene of a bit depth.
    #[must_use]
    pub fn new(bits: u8) -> Self {
        Self { bits, seed: 1, air: (0.05, 2), is_collimated: false }
    }

    /// Row at which the collimator begins.
    #[must_use]
    pub fn collimator_row() -> usize {
        (COLLIMATOR * SIDE as f64) as usize
    }

    /// Largest grey level of the scene's matter.
    #[must_use]
    pub fn top(&self) -> f64 {
        TOP * (f64::from(self.bits).exp2() - 1.0)
    }

    /// The discs: small and large ones, in lung and mediastinum.
    #[must_use]
    pub fn inserts() -> Vec<Insert> {
        let disc = |x: f64, y: f64, radius, surrounding| {
            let contrast = match surrounding {
                Surrounding::Lung => 0.012,
                Surrounding::Mediastinum => 0.024,
            };
            Insert { centre: [x, y].map(at), radius, contrast, surrounding }
        };
        let (lung, mediastinum) = (Surrounding::Lung, Surrounding::Mediastinum);
        let places = [
            (0.32, 0.53, 14.0, lung),
            (0.68, 0.41, 14.0, lung),
            (0.29, 0.35, 4.0, lung),
            (0.70, 0.56, 4.0, lung),
            (0.66, 0.31, 4.0, lung),
            (0.50, 0.31, 14.0, mediastinum),
            (0.50, 0.57, 14.0, mediastinum),
            (0.50, 0.39, 4.0, mediastinum),
            (0.485, 0.47, 4.0, mediastinum),
            (0.515, 0.47, 4.0, mediastinum),
        ];
        places.map(|(x, y, radius, surrounding)| disc(x, y, radius, surrounding)).to_vec()
    }

    /// Places without any structure.
    #[must_use]
    pub fn flats() -> Vec<Flat> {
        let (lung, mediastinum) = (Surrounding::Lung, Surrounding::Mediastinum);
        let places = [(0.34, 0.43, lung), (0.69, 0.49, lung), (0.50, 0.24, mediastinum), (0.50, 0.65, mediastinum)];
        places.map(|(x, y, surrounding)| Flat { centre: [x, y].map(at), reach: 16, surrounding }).to_vec()
    }

    /// Standard deviation of the noise at a density, in grey levels.
    #[must_use]
    pub fn noise_levels(&self, density: f64) -> f64 {
        self.top() * sigma(density)
    }

    /// Density without noise at a place given in pixels.
    #[must_use]
    pub fn density(&self, column: usize, row: usize) -> f64 {
        let [x, y] = [column, row].map(|i| i as f64 / SIDE as f64);
        if self.is_collimated && row >= Self::collimator_row() {
            return BLADE;
        }
        let trunk = ellipse([x, y], [0.5, 0.55], [0.42, 0.50]);
        let lungs = ellipse([x, y], [0.32, 0.45], [0.13, 0.26]) + ellipse([x, y], [0.68, 0.45], [0.13, 0.26]);
        let mediastinum = ellipse([x, y], [0.5, 0.42], [0.07, 0.36]);
        let air = self.air.0;
        // Within the trunk the air's share is 0 exactly, so that the background cannot change a bit of the body.
        let density = air * (1.0 - trunk) + trunk * (TRUNK + 0.04 * (x - 0.5)) - lungs * (TRUNK - 0.30)
            + mediastinum * (0.72 - TRUNK);
        density + Self::inserts().iter().map(|insert| insert.at(column, row)).sum::<f64>()
    }

    /// The radiograph.
    #[must_use]
    pub fn image(&self) -> Image {
        let top = self.top();
        let mut values = vec![0.0; SIDE * SIDE];
        values.par_chunks_mut(SIDE).enumerate().for_each(|(row, values)| {
            // Rows draw from streams of their own, so that the picture does not depend on the number of threads.
            let stream = |seed: u64| Seeded::new((seed << 32) + row as u64 * 0x0010_0001);
            let [mut inside, mut outside] = [self.seed, self.air.1].map(stream);
            for (column, value) in values.iter_mut().enumerate() {
                let density = self.density(column, row);
                let [dense, clear] = [normal(&mut inside), normal(&mut outside)];
                let drawn = if self.is_body(column, row) { dense } else { clear };
                let noisy = density + sigma(density) * drawn;
                *value = (top * noisy).round().clamp(0.0, f64::from(self.bits).exp2() - 1.0) as f32;
            }
        });
        let sample = Sample::Unsigned { bits: self.bits };
        known_good(Image::new([SIDE; 2], None, sample, Unit::Arbitrary, values))
    }

    /// The body as 255, all else as 0: independent of the background, of noise and of bits.
    #[must_use]
    pub fn body(&self) -> Image {
        let inside = |i: usize| if self.is_body(i % SIDE, i / SIDE) { 255.0 } else { 0.0 };
        let values = (0..SIDE * SIDE).into_par_iter().map(inside).collect();
        known_good(Image::new([SIDE; 2], None, Sample::Unsigned { bits: 8 }, Unit::Arbitrary, values))
    }

    /// Whether nothing of the background shows through: the trunk's soft edge is left out.
    fn is_body(&self, column: usize, row: usize) -> bool {
        let [x, y] = [column, row].map(|i| i as f64 / SIDE as f64);
        let radius = ((x - 0.5) / 0.42).hypot((y - 0.55) / 0.50);
        radius < 1.0 - RIM || (self.is_collimated && row >= Self::collimator_row())
    }
}

impl Insert {
    fn at(&self, column: usize, row: usize) -> f64 {
        let [dx, dy] = [column as f64 - self.centre[0] as f64, row as f64 - self.centre[1] as f64];
        // A rim of one pixel, as area sampling gives.
        self.contrast * (0.5 + self.radius - dx.hypot(dy)).clamp(0.0, 1.0)
    }
}

fn at(share: f64) -> usize {
    (share * SIDE as f64).round() as usize
}

/// Noise of the density after the logarithm.
fn sigma(density: f64) -> f64 {
    1.0 / (RANGE * (PHOTONS * (-RANGE * density).exp()).sqrt())
}

/// 1 within, 0 without, in between along an edge that is 0 and 1 exactly beyond its width.
fn ellipse([x, y]: [f64; 2], [cx, cy]: [f64; 2], [a, b]: [f64; 2]) -> f64 {
    let radius = ((x - cx) / a).hypot((y - cy) / b);
    let t = (0.5 + (1.0 - radius) * a.min(b) / (2.0 * SOFT)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// Normally distributed number, after Box and Muller, Ann. Math. Stat. 29:610, 1958.
fn normal(random: &mut Seeded) -> f64 {
    let [u, turn] = [random.between(0.0, 1.0), random.between(0.0, TAU)];
    (-2.0 * (1.0 - u).ln()).sqrt() * turn.cos()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quality::{insert_contrast, noise};

    #[test]
    fn noise_and_contrasts_are_those_of_the_formula() {
        let scene = Scene::new(16);
        let image = scene.image();
        for flat in Scene::flats() {
            let want = scene.noise_levels(scene.density(flat.centre[0], flat.centre[1]));
            let found = noise(&image, &flat);
            // 1089 pixels: the standard deviation is known to 2 %, three times that is allowed.
            assert!((found / want - 1.0).abs() < 0.065, "{found} {want}");
        }
        for insert in Scene::inserts() {
            let found = insert_contrast(&image, &insert);
            let want = insert.contrast * scene.top();
            let pixels = std::f64::consts::PI * (insert.radius - 1.0).powi(2);
            assert!((found.levels - want).abs() < 4.0 * found.noise / pixels.sqrt(), "{found:?} {want}");
        }
    }

    #[test]
    fn the_background_changes_nothing_of_the_body() {
        let one = Scene::new(12);
        let other = Scene { air: (0.01, 9), ..one };
        let (body, [a, b]) = (one.body(), [one, other].map(|scene| scene.image()));
        let pairs = || a.values().iter().zip(b.values()).zip(body.values());
        assert!(pairs().all(|((a, b), inside)| *inside == 0.0 || a == b));
        assert!(pairs().any(|((a, b), _)| a != b));
    }
}
