use std::f64::consts::TAU;

use super::texture;
use crate::{
    data::{Image, Sample, Unit},
    phantom::random::Random,
};

/// Label of the streams that images are drawn from; bodies have labels of two numbers.
const LEAVES: u64 = 3;
/// Radii in pixels: the least, and the largest as a part of the image's side.
const LEAST_PX: f64 = 1.5;
const LARGEST: f64 = 0.25;
/// Leaves for each pixel of the image; they cover it several times.
const DENSITY: f64 = 0.04;
/// Least ratio of the short to the long semi-axis, drawn evenly in its logarithm.
const THINNEST: f64 = 0.04;
/// A leaf's opacity grows with this power of its radius: small things are thin.
const THIN: f64 = 0.5;
/// Line integrals lie between 0 and this.
const THICKEST: f64 = 4.0;
/// Share of what lies below that the largest leaves hide, drawn evenly in its logarithm; above 1 is 1.
const OPACITY: [f64; 2] = [0.1, 1.5];
/// Deviation in pixels of the Gaussian that blurs the image.
const BLUR_PX: [f64; 2] = [0.3, 1.6];
/// Strength of the texture that is added, and the size of a pixel for it in millimetres.
const TEXTURE: [f64; 2] = [0.0, 0.05];
const PIXEL_MM: [f64; 2] = [0.2, 0.8];

/// Image number `index` of no body but of dead leaves: ellipses that lie over each other, of radii r with density r⁻³, so that it has
/// edges of every size, as natural images have, whatever its scale.
///
/// After A. B. Lee, D. Mumford, J. Huang, Int. J. Comput. Vis. 41:35, 2001; networks trained on such images alone denoise
/// natural ones (R. Achddou, Y. Gousseau, S. Ladjal, SSVM 2021). Here leaves let what lies below shine through, as radiographs do.
/// Values are those of line integrals, 0 to about 4; `size` × `size` pixels.
#[must_use]
pub fn leaves(seed: u64, index: usize, size: usize) -> Image {
    let random = &mut Random::of(seed, &[index as u64, LEAVES, LEAVES]);
    let largest = (LARGEST * size as f64).max(LEAST_PX);
    let mut values = vec![(0.5 * THICKEST) as f32; size * size];
    for _ in 0..(DENSITY * (size * size) as f64) as usize {
        // The inverse of the distribution whose density is r⁻³ from the least to the largest radius.
        let share = random.within(0.0, 1.0);
        let radius = LEAST_PX / (1.0 - share * (1.0 - (LEAST_PX / largest).powi(2))).sqrt();
        let opacity = (radius / largest).powf(THIN);
        leaf(random, radius, opacity, size, &mut values);
    }
    texture::blur([random.within(BLUR_PX[0], BLUR_PX[1]); 2], size, &mut values);
    let [strength, pixel_mm] = [TEXTURE, PIXEL_MM].map(|[low, high]| random.within(low, high));
    texture::add(random, strength, pixel_mm, size, None, &mut values);
    Image::new([size; 2], None, Sample::Float, Unit::LineIntegral, values)
        .unwrap_or_else(|_| unreachable!("a square of values of its size"))
}

/// Lays an ellipse of the area of a circle of `radius`, shaded along a direction, over the image.
fn leaf(random: &mut Random, radius: f64, opacity: f64, size: usize, values: &mut [f32]) {
    let thin = random.within(THINNEST.ln(), 0.0).exp();
    let radius = radius / thin.sqrt();
    let centre = [0; 2].map(|_| random.within(-radius, size as f64 + radius));
    let (sin, cos) = random.within(0.0, TAU).sin_cos();
    let value = random.within(0.0, THICKEST);
    let slopes = [0; 2].map(|_| random.within(-0.25, 0.25) * THICKEST);
    let [low, high] = OPACITY.map(f64::ln);
    let opacity = (opacity * random.within(low, high).exp()).min(1.0);
    let reach = |at: f64| {
        let bound = |x: f64| x.clamp(0.0, size as f64) as usize;
        bound((at - radius).ceil())..bound((at + radius).floor() + 1.0)
    };
    for row in reach(centre[1]) {
        for column in reach(centre[0]) {
            let [x, y] = [column as f64 - centre[0], row as f64 - centre[1]];
            let along = (cos * x + sin * y) / radius;
            let across = (cos * y - sin * x) / (thin * radius);
            if along * along + across * across < 1.0 {
                let shaded = (value + slopes[0] * along + slopes[1] * across).clamp(0.0, THICKEST);
                let out = &mut values[row * size + column];
                *out += (opacity * (shaded - f64::from(*out))) as f32;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_come_again_are_their_own_and_stay_in_range() {
        let first = leaves(1, 0, 64);
        assert_eq!(first, leaves(1, 0, 64));
        assert_ne!(first, leaves(1, 1, 64));
        assert_ne!(first, leaves(2, 0, 64));
        assert!(first.values().iter().all(|p| (0.0..6.0).contains(p)));
    }

    #[test]
    fn they_have_edges_at_every_size() {
        // Differences between neighbours of means of blocks: those of a smooth image vanish as blocks become small, those of an
        // image of like edges at every size stay within a factor of a few.
        let image = leaves(3, 0, 256);
        let roughness = |block: usize| {
            let side = 256 / block;
            let mean = |x: usize, y: usize| {
                let rows = (0..block).flat_map(|r| &image.values()[(y * block + r) * 256 + x * block..][..block]);
                rows.map(|v| f64::from(*v)).sum::<f64>() / (block * block) as f64
            };
            let steps = (0..side).flat_map(|y| (1..side).map(move |x| (x, y)));
            let total: f64 = steps.map(|(x, y)| (mean(x, y) - mean(x - 1, y)).powi(2)).sum();
            (total / (side * (side - 1)) as f64).sqrt()
        };
        let [fine, coarse] = [2, 16].map(roughness);
        assert!(fine / coarse > 0.2, "{fine} {coarse}");
    }
}
