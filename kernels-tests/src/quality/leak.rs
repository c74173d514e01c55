use kerma::data::Image;

/// Largest change inside the foreground between two results, in grey levels, at least `depth` pixels from its rim.
///
/// ```text
/// leak = max |a(p) − b(p)|  over p whose neighbours within depth pixels, across and down, all belong to the mask
/// ```
/// where a and b are results for images that differ in the background alone. Beyond the picture counts as foreground.
/// 0 when no pixel lies that deep; see that some do.
#[must_use]
pub fn leak(a: &Image, b: &Image, mask: &Image, depth: usize) -> f32 {
    let [columns, rows] = mask.size();
    let inside: Vec<bool> = mask.values().iter().map(|v| *v != 0.0).collect();
    let deep = eroded(&eroded(&inside, [rows, columns], [columns, 1], depth), [columns, rows], [1, columns], depth);
    let changes = a.values().iter().zip(b.values()).zip(&deep).filter(|(_, deep)| **deep);
    changes.map(|((a, b), _)| (a - b).abs()).fold(0.0, f32::max)
}

/// Erosion along lines: `counts` lines and pixels of a line, `strides` between lines and between a line's pixels.
fn eroded(inside: &[bool], [lines, length]: [usize; 2], [line, step]: [usize; 2], depth: usize) -> Vec<bool> {
    let mut deep = vec![false; inside.len()];
    for n in 0..lines {
        let at = |i: usize| n * line + i * step;
        // Number of background pixels before each place.
        let mut before = Vec::with_capacity(length + 1);
        before.push(0_usize);
        for i in 0..length {
            before.push(before[i] + usize::from(!inside[at(i)]));
        }
        for i in 0..length {
            deep[at(i)] = before[(i + depth + 1).min(length)] == before[i.saturating_sub(depth)];
        }
    }
    deep
}

#[cfg(test)]
mod tests {
    use kerma::data::{Sample, Unit};

    use super::*;

    #[test]
    fn changes_count_inside_and_deep_enough() {
        let image = |value: &dyn Fn(usize, usize) -> f32| {
            let values = (0..20 * 12).map(|i| value(i % 20, i / 20)).collect();
            Image::new([20, 12], None, Sample::Float, Unit::Arbitrary, values).unwrap()
        };
        let mask = image(&|x, y| f32::from(u8::from((4..14).contains(&x) && (2..12).contains(&y))));
        let zero = image(&|_, _| 0.0);
        let outside = image(&|x, _| if x < 4 { 9.0 } else { 0.0 });
        let rim = image(&|x, y| if [x, y] == [5, 8] { 2.0 } else { 0.0 });
        let bottom = image(&|x, y| if [x, y] == [9, 11] { 3.0 } else { 0.0 });
        assert_eq!([&outside, &rim, &bottom].map(|b| leak(&zero, b, &mask, 0)), [0.0, 2.0, 3.0]);
        assert_eq!([&outside, &rim, &bottom].map(|b| leak(&zero, b, &mask, 1)), [0.0, 2.0, 3.0]);
        assert_eq!([&outside, &rim, &bottom].map(|b| leak(&zero, b, &mask, 2)), [0.0, 0.0, 3.0]);
    }
}
