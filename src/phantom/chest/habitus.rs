//! What one body differs in from another: its size, its wall, its posture and what else can be seen in it.

use glam::DVec3;

use super::HALF_BOX_MM;
use crate::phantom::random::Random;

/// Label of the stream that bodies are drawn from.
const STREAM: u64 = 1;

/// Where the arms are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arms {
    /// Cut off at the box of [`super::chest`].
    Cut,
    /// Beside the body, a little away from it.
    Lowered,
    /// Above the head, out of the way of a lateral beam.
    Raised,
}

/// A body to be drawn by [`super::chest_of`]; [`Habitus::standard`] is that of [`super::chest`].
#[derive(Clone, Debug, PartialEq)]
pub struct Habitus {
    /// Factors of width, depth and height. Shapes do not know them: who looks at the body scales the space round it.
    pub scale: [f64; 3],
    /// Fat beyond that of the standard wall (9 mm), in millimetres; not negative.
    pub fat_mm: f64,
    /// How much deeper than usual both domes of the diaphragm stand, in millimetres; negative for poor inspiration.
    pub inspiration_mm: f64,
    /// Size of the heart relative to the seed's own.
    pub heart: f64,
    /// Height of the breasts over the chest wall, in millimetres; 0 for none.
    pub breast_mm: f64,
    /// Where the arms are.
    pub arms: Arms,
    /// Number of nodules, at least and less than.
    pub nodules: [f64; 2],
    /// Specks of calcium in the wall of the aorta and in the lungs.
    pub calcifications: usize,
    /// Bubbles of gas in the bowel.
    pub gas: usize,
    /// Wires and catheters that lie on or in the body.
    pub lines: usize,
    /// The body ends at the faces of this box about the origin: half its width, depth and height in millimetres.
    pub half_box_mm: [f64; 3],
}

impl Habitus {
    /// The adult of [`super::chest`].
    #[must_use]
    pub fn standard() -> Self {
        Self {
            scale: [1.0; 3],
            fat_mm: 0.0,
            inspiration_mm: 0.0,
            heart: 1.0,
            breast_mm: 0.0,
            arms: Arms::Cut,
            nodules: [3.0, 7.0],
            calcifications: 0,
            gas: 0,
            lines: 0,
            half_box_mm: HALF_BOX_MM.to_array(),
        }
    }

    /// Some body: 0.8 to 1.15 of the standard one along each axis, slim to stout, with its arms up or down.
    ///
    /// The shares are chosen to show a denoiser all of them often, not to follow a population.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        /// Reaches beyond every field of view at the isocentre of ±210 mm, so that no cut shows.
        const HALF_BOX_MM: [f64; 3] = [300.0, 190.0, 260.0];
        let mut random = Random::of(seed, &[STREAM]);
        let mut within = |low: f64, high: f64| random.within(low, high);
        let size = within(0.86, 1.09);
        let scale = [0; 3].map(|_| (size * within(0.93, 1.07)).clamp(0.8, 1.15));
        let stout = within(0.0, 1.0);
        Self {
            scale,
            fat_mm: 28.0 * stout * stout,
            inspiration_mm: within(-22.0, 8.0),
            heart: within(0.92, 1.12),
            breast_mm: if within(0.0, 1.0) < 0.45 { within(18.0, 52.0) } else { 0.0 },
            arms: if within(0.0, 1.0) < 0.45 { Arms::Raised } else { Arms::Lowered },
            nodules: [0.0, 12.0],
            calcifications: within(0.0, 14.0) as usize,
            gas: within(0.0, 9.0) as usize,
            lines: if within(0.0, 1.0) < 0.3 { within(1.0, 4.0) as usize } else { 0 },
            half_box_mm: HALF_BOX_MM,
        }
    }

    /// Half the box in which the body lies after scaling, in millimetres.
    #[must_use]
    pub fn half_extent_mm(&self) -> DVec3 {
        DVec3::from_array(self.half_box_mm) * DVec3::from_array(self.scale)
    }

    /// Whether the body goes on where that of [`super::chest`] is cut off.
    pub(super) fn is_whole(&self) -> bool {
        self.arms != Arms::Cut
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_differ_and_stay_within_their_ranges() {
        let all: Vec<Habitus> = (0..200).map(Habitus::seeded).collect();
        assert!(all.iter().flat_map(|h| h.scale).all(|s| (0.8..=1.15).contains(&s)));
        assert!(all.windows(2).all(|pair| pair[0] != pair[1]));
        assert_eq!(Habitus::seeded(3), Habitus::seeded(3));
        let share = |f: fn(&Habitus) -> bool| all.iter().filter(|h| f(h)).count() as f64 / all.len() as f64;
        for share in [share(|h| h.arms == Arms::Raised), share(|h| h.breast_mm > 0.0), share(|h| h.lines > 0)] {
            assert!((0.15..0.6).contains(&share), "{share}");
        }
    }
}
