use super::super::TaskError;
use crate::{
    data::{Image, Sample, Unit},
    phantom::random::Random,
};

/// A ball of matter to be put into an image of line integrals.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Insert {
    /// Column and row of its middle; integers are pixel centres.
    pub position: [f64; 2],
    /// Its diameter, in pixels.
    pub diameter_px: f64,
    /// Line integral that it adds in its middle; negative for a hole.
    pub line_integral: f64,
}

/// Parts of a pixel's side at which an insert is evaluated.
const PARTS: usize = 4;
/// Smallest and largest diameter that [`inserts`] draws, in pixels, but for small images.
const DIAMETERS_PX: [f64; 2] = [4.0, 48.0];
/// Weakest and strongest line integral that [`inserts`] draws.
const LINE_INTEGRALS: [f64; 2] = [0.02, 0.4];

/// The image with a ball in it.
///
/// ```text
/// p' = max(0, p + a·√(1 − (r/R)²))      for r < R
/// ```
/// where a is the insert's line integral, R its radius and r the distance from its middle: the projection of a ball,
/// as the mean over a pixel, which makes its edge smooth. Pixels beyond the edge keep their bits, so that a pair of
/// images with and without the insert differs in the insert alone. Of an insert that reaches over the edge of the
/// image, the rest is put in.
///
/// # Errors
/// [`TaskError::Range`] when a number of the insert is not finite, or its diameter not positive.
pub fn insert(image: &Image, ball: &Insert) -> Result<Image, TaskError> {
    for (field, got) in [
        ("column of an insert", ball.position[0]),
        ("row of an insert", ball.position[1]),
        ("line integral of an insert", ball.line_integral),
    ] {
        if !got.is_finite() {
            return Err(TaskError::Range { field, allowed: "finite", got });
        }
    }
    if !(ball.diameter_px.is_finite() && ball.diameter_px > 0.0) {
        let (field, allowed) = ("diameter of an insert", "positive");
        return Err(TaskError::Range { field, allowed, got: ball.diameter_px });
    }
    let [columns, rows] = image.size();
    let radius = ball.diameter_px / 2.0;
    let mut values = image.values().to_vec();
    // Pixels within the radius and half a pixel; empty where the insert lies beside the image.
    let reach = |middle: f64, count: usize| {
        let end = (middle + radius + 1.5).clamp(0.0, count as f64) as usize;
        ((middle - radius - 0.5).clamp(0.0, count as f64) as usize).min(end)..end
    };
    for row in reach(ball.position[1], rows) {
        for column in reach(ball.position[0], columns) {
            let mean = chord([column as f64 - ball.position[0], row as f64 - ball.position[1]], radius);
            if mean > 0.0 {
                let value = &mut values[row * columns + column];
                *value = (f64::from(*value) + ball.line_integral * mean).max(0.0) as f32;
            }
        }
    }
    Ok(Image::new(image.size(), image.spacing_mm(), Sample::Float, Unit::LineIntegral, values)?)
}

/// Mean of the ball's chord over a pixel at `from` its middle, as a share of the diameter.
fn chord(from: [f64; 2], radius: f64) -> f64 {
    let offset = |i: usize| (i as f64 + 0.5) / PARTS as f64 - 0.5;
    let mut sum = 0.0;
    for j in 0..PARTS {
        for i in 0..PARTS {
            let [x, y] = [from[0] + offset(i), from[1] + offset(j)];
            sum += (1.0 - (x * x + y * y) / (radius * radius)).max(0.0).sqrt();
        }
    }
    sum / (PARTS * PARTS) as f64
}

/// Up to `count` inserts for an image of `size`, apart from one another and from its edges.
///
/// Diameters and line integrals are even in their logarithms, from 4 to 48 pixels (an eighth of the image at most) and
/// from 0.02 to 0.4. Fewer come back where the image has no room.
#[must_use]
pub fn inserts(seed: u64, count: usize, size: [usize; 2]) -> Vec<Insert> {
    /// Positions tried per insert.
    const TRIES: usize = 100;
    let mut random = Random::of(seed, &[]);
    let mut logarithmic = |[low, high]: [f64; 2]| (low.ln() + (high.ln() - low.ln()) * random.within(0.0, 1.0)).exp();
    let side = size[0].min(size[1]) as f64;
    let largest = DIAMETERS_PX[1].min(side / 8.0).max(DIAMETERS_PX[0]);
    let drawn: Vec<[f64; 2]> =
        (0..count).map(|_| [logarithmic([DIAMETERS_PX[0], largest]), logarithmic(LINE_INTEGRALS)]).collect();
    let mut placed: Vec<Insert> = Vec::new();
    for [diameter_px, line_integral] in drawn {
        let far = |p: &[f64; 2]| {
            placed.iter().all(|q| (p[0] - q.position[0]).hypot(p[1] - q.position[1]) > diameter_px + q.diameter_px)
        };
        // As far from the edges as the ball is wide.
        let mut place = || size.map(|n| random.within(diameter_px, n as f64 - 1.0 - diameter_px));
        if 2.0 * diameter_px + 1.0 < side
            && let Some(position) = (0..TRIES).map(|_| place()).find(far)
        {
            placed.push(Insert { position, diameter_px, line_integral });
        }
    }
    placed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flat(size: [usize; 2], level: f32) -> Image {
        Image::new(size, None, Sample::Float, Unit::LineIntegral, vec![level; size[0] * size[1]]).unwrap()
    }

    #[test]
    fn a_ball_adds_its_line_integral_and_nothing_around_it() {
        let ball = Insert { position: [20.3, 14.6], diameter_px: 11.0, line_integral: 0.3 };
        let image = insert(&flat([40, 30], 2.0), &ball).unwrap();
        let at = |x: usize, y: usize| image.values()[y * 40 + x];
        assert!((at(20, 15) - 2.3).abs() < 0.01, "{}", at(20, 15));
        assert_eq!((at(27, 15), at(13, 15), at(20, 22), at(0, 0)), (2.0, 2.0, 2.0, 2.0));
        // The volume of a ball: 2/3 of its cross-section times its height.
        let added: f64 = image.values().iter().map(|v| f64::from(*v) - 2.0).sum();
        let want = 2.0 / 3.0 * std::f64::consts::PI * 5.5_f64.powi(2) * 0.3;
        assert!((added / want - 1.0).abs() < 0.02, "{added}, want {want}");
    }

    #[test]
    fn inserts_over_the_edge_or_beside_the_image_do_no_harm() {
        let image = flat([16, 16], 0.1);
        let place = |x: f64, y: f64| Insert { position: [x, y], diameter_px: 8.0, line_integral: -0.5 };
        assert_eq!(insert(&image, &place(40.0, -30.0)).unwrap(), image);
        assert!(insert(&image, &place(0.0, 15.0)).unwrap().values().iter().all(|v| (0.0..=0.1).contains(v)));
        assert!(insert(&image, &place(f64::NAN, 0.0)).is_err());
    }

    #[test]
    fn drawn_inserts_lie_apart_and_within_the_image() {
        let drawn = inserts(4, 30, [256, 200]);
        assert!(drawn.len() > 20, "{}", drawn.len());
        for (index, a) in drawn.iter().enumerate() {
            let [x, y] = a.position;
            assert!(
                x >= a.diameter_px && x <= 255.0 - a.diameter_px && y >= a.diameter_px && y <= 199.0 - a.diameter_px
            );
            for b in &drawn[..index] {
                assert!((x - b.position[0]).hypot(y - b.position[1]) > a.diameter_px);
            }
        }
        assert_eq!(drawn, inserts(4, 30, [256, 200]));
        assert_ne!(drawn, inserts(5, 30, [256, 200]));
        assert!(inserts(1, 5, [4, 4]).is_empty());
    }
}
