use super::{
    MetricError,
    edges::canny,
    pair::{check_range, check_sides},
};
use crate::{data::Image, parallel::*};

/// Side of a block, in pixels.
const BLOCK: usize = 64;
/// Share of edge pixels above which a block counts.
const EDGE_SHARE: f64 = 0.002;
/// Contrast of 8 bits up to which a block's just noticeable blur is the wide one.
const LOW_CONTRAST: f64 = 50.0;
/// Range of 8 bits.
const EIGHT_BITS: f64 = 255.0;
/// Width of a just noticeable blur, in pixels, at low and at high contrast.
const JUST_NOTICEABLE: [usize; 2] = [5, 3];
/// Squared gradients above this multiple of their mean are edges.
const CUT: f64 = 4.0;
/// tan 22.5°: steeper edges are not crossed along rows.
const ASLANT: f64 = std::f64::consts::SQRT_2 - 1.0;
/// Pixels that an edge is followed to either side.
const REACH: usize = 100;

/// Cumulative probability of blur detection: the share of edges that look sharp, 0 to 1; needs no reference.
///
/// ```text
/// P(w) = 1 − exp(−(w/w_JNB)^3.6),   CPBD = share of edge pixels with P ≤ P(w_JNB) = 1 − 1/e = 0.63
/// ```
/// where w is the width of an edge in pixels and w_JNB that of a just noticeable blur: 5 where the block's largest less
/// smallest value is at most 50 of 255, else 3. Only P at most 0.63 is asked for, so w ≤ w_JNB says the same whatever the
/// exponent. Blocks are 64 × 64 pixels (partial ones at the right and bottom are left out) and count when more than 0.2 %
/// of their pixels are Canny's edges. Widths are Marziliano's: along the row, how far values go on falling to one side
/// and rising to the other, both neighbours always included, at edges within 22.5° of the columns, where the squared
/// Sobel gradient exceeds four times its mean and is the largest along the row.
///
/// **Noise raises it**: every grain is a narrow edge, and a noisy blurred image looks sharp to it. Compare images of
/// like noise. The contrast rule was made for 8 bits and is scaled by the range.
///
/// N. D. Narvekar, L. J. Karam, IEEE Trans. Image Process. 20:2678, 2011; P. Marziliano et al., ICIP 2002. Departures
/// from the authors' program: Canny's thresholds are this module's (70 % of the gradients, 64 bins, low over high 0.4),
/// and directions are Sobel's. `docs/methods/metrics.md` has a comparison with another implementation.
///
/// # Errors
/// [`MetricError`] when a side is below 64 pixels, there is no edge, a value is not finite, or the range is not positive.
pub fn cpbd(image: &Image, range: f64) -> Result<f64, MetricError> {
    check_range(range)?;
    image.check_finite()?;
    let size = image.size();
    check_sides("CPBD", size, BLOCK)?;
    let noticeable = noticeable_widths(image, range);
    let [columns, rows] = size.map(|n| n / BLOCK * BLOCK);
    let values = image.values();
    let lines = |y: usize| [y - 1, y, y + 1].map(|y| &values[y * size[0]..][..size[0]]);

    // Gradients exist where all neighbours do.
    let inner = 1..size[1] - 1;
    let power = |y: usize| (1..size[0] - 1).map(|x| sobel(lines(y), x)[0].powi(2)).sum::<f64>();
    let powers: Vec<f64> = inner.clone().into_par_iter().map(power).collect();
    let cut = CUT * powers.iter().sum::<f64>() / ((size[0] - 2) * (size[1] - 2)) as f64;

    let counts = (1..rows.min(inner.end)).into_par_iter().map(|y| {
        let lines = lines(y);
        let (mut sharp, mut all) = (0_usize, 0_usize);
        for (block, noticeable) in noticeable[y / BLOCK * (columns / BLOCK)..][..columns / BLOCK].iter().enumerate() {
            let Some(noticeable) = noticeable else { continue };
            let span = (block * BLOCK).max(1)..((block + 1) * BLOCK).min(size[0] - 1);
            for width in span.filter_map(|x| edge_width(lines, x, cut)) {
                all += 1;
                sharp += usize::from(width <= *noticeable);
            }
        }
        [sharp, all]
    });
    let [sharp, all] = counts.reduce(|| [0; 2], |a, b| [a[0] + b[0], a[1] + b[1]]);
    if all == 0 {
        let reason = "the image has no edge along its columns".to_owned();
        return Err(MetricError::Undefined { metric: "CPBD", reason });
    }
    Ok(sharp as f64 / all as f64)
}

/// Width of a just noticeable blur for every whole block that has edges, row by row.
fn noticeable_widths(image: &Image, range: f64) -> Vec<Option<usize>> {
    let (edges, columns) = (canny(image.values(), image.size()), image.size()[0]);
    let [across, down] = image.size().map(|n| n / BLOCK);
    let of_block = |block: usize| {
        let rows = (0..BLOCK).map(|y| (block / across * BLOCK + y) * columns + block % across * BLOCK);
        let edge_count: usize =
            rows.clone().map(|start| edges[start..][..BLOCK].iter().filter(|edge| **edge).count()).sum();
        if edge_count as f64 <= EDGE_SHARE * (BLOCK * BLOCK) as f64 {
            return None;
        }
        let values = rows.flat_map(|start| &image.values()[start..][..BLOCK]);
        let [low, high] = values.fold([f32::MAX, f32::MIN], |[low, high], v| [low.min(*v), high.max(*v)]);
        let contrast = (f64::from(high) - f64::from(low)) * EIGHT_BITS / range;
        Some(JUST_NOTICEABLE[usize::from(contrast > LOW_CONTRAST)])
    };
    (0..across * down).into_par_iter().map(of_block).collect()
}

/// Sobel's gradient across and down, without its factor of 1/8.
fn sobel(lines: [&[f32]; 3], x: usize) -> [f64; 2] {
    let at = |row: usize, x: usize| f64::from(lines[row][x]);
    let across = |row: usize| at(row, x + 1) - at(row, x - 1);
    let down = |x: usize| at(2, x) - at(0, x);
    [across(0) + 2.0 * across(1) + across(2), down(x - 1) + 2.0 * down(x) + down(x + 1)]
}

/// Width of the edge at an inner pixel of the middle line, if there is one.
fn edge_width(lines: [&[f32]; 3], x: usize, cut: f64) -> Option<usize> {
    let [across, down] = sobel(lines, x);
    let power = across * across;
    let last = lines[1].len() - 1;
    let beside = |x: usize| if (1..last).contains(&x) { sobel(lines, x)[0].powi(2) } else { 0.0 };
    if power <= cut || down.abs() >= ASLANT * across.abs() || power < beside(x - 1) || power <= beside(x + 1) {
        return None;
    }
    let line = lines[1];
    // Values rise in the gradient's direction.
    let rises = |from: usize, to: usize| if across > 0.0 { line[to] > line[from] } else { line[to] < line[from] };
    let right = 1 + (x + 1..last).take_while(|&i| rises(i, i + 1)).take(REACH).count();
    let left = 1 + (1..x).rev().take_while(|&i| rises(i - 1, i)).take(REACH).count();
    Some(left + right)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Sample, Unit};

    const SIZE: [usize; 2] = [200, 130];

    fn image(values: Vec<f32>) -> Image {
        Image::new(SIZE, None, Sample::Float, Unit::Arbitrary, values).unwrap()
    }

    /// Bars 100 pixels wide with ramps of so many pixels between, and noise.
    fn bars(low: f32, high: f32, ramp: f32, noise: f32) -> Vec<f32> {
        let mut state = 1_u64;
        let value = |i: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let random = (state >> 40) as f32 / (1 << 23) as f32 - 1.0;
            let x = (i % SIZE[0]) as f32;
            let level = if x < 100.0 { (x - 50.0) / ramp + 0.5 } else { (150.0 - x) / ramp + 0.5 };
            low + (high - low) * level.clamp(0.0, 1.0) + noise * random
        };
        (0..SIZE[0] * SIZE[1]).map(value).collect()
    }

    #[test]
    fn edges_up_to_the_just_noticeable_width_are_sharp() {
        let of = |low, high, ramp| cpbd(&image(bars(low, high, ramp, 0.0)), 255.0).unwrap();
        for (ramp, strong, faint) in [(1.0, 1.0, 1.0), (2.0, 1.0, 1.0), (4.0, 0.0, 1.0), (8.0, 0.0, 0.0)] {
            assert_eq!(of(10.0, 210.0, ramp), strong, "ramp {ramp}, contrast 200");
            assert_eq!(of(100.0, 145.0, ramp), faint, "ramp {ramp}, contrast 45");
        }
    }

    #[test]
    fn the_range_scales_the_contrast_and_sides_do_not_matter() {
        let values = bars(100.0, 145.0, 4.0, 0.0);
        let scaled = values.iter().map(|v| 257.0 * v).collect();
        assert_eq!(cpbd(&image(scaled), 65_535.0), cpbd(&image(values.clone()), 255.0));
        let scaled: Vec<f32> = values.iter().map(|v| 257.0 * v).collect();
        assert_eq!(cpbd(&image(scaled), 255.0), Ok(0.0));
        let mirrored = values.chunks(SIZE[0]).flat_map(|row| row.iter().rev().copied()).collect();
        assert_eq!(cpbd(&image(mirrored), 255.0), Ok(1.0));
    }

    #[test]
    fn noise_looks_sharp_to_it() {
        let of = |noise| cpbd(&image(bars(10.0, 210.0, 10.0, noise)), 255.0).unwrap();
        assert_eq!(of(0.0), 0.0);
        assert!(of(30.0) > 0.3, "{}", of(30.0));
    }

    #[test]
    fn without_edges_or_blocks_there_is_no_value() {
        let flat = cpbd(&image(vec![9.0; SIZE[0] * SIZE[1]]), 255.0).unwrap_err();
        assert!(flat.is_undefined() && flat.to_string().contains("no edge"), "{flat}");
        let small = Image::new([63, 64], None, Sample::Float, Unit::Arbitrary, vec![0.0; 63 * 64]).unwrap();
        let message = cpbd(&small, 255.0).unwrap_err().to_string();
        assert_eq!(message, "CPBD needs sides of 64 pixels or more, got 63x64");
    }
}
