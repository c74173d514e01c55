//! Twice the rows and columns by repeating every pixel 2 × 2 times, on the CPU.
//!
//! As operations of a tensor library this is a view whose copy walks through five dimensions pixel by pixel, on one
//! thread.

use rayon::prelude::*;

use super::planes::Planes;

/// `[count, channels, 2 rows, 2 columns]` of images in `planes`.
pub(super) fn forward(x: &[f32], planes: Planes) -> Vec<f32> {
    let columns = planes.columns;
    let mut out = vec![0.0; 4 * x.len()];
    out.par_chunks_mut(4 * planes.pixels()).zip(x.par_chunks(planes.pixels())).for_each(|(out, x)| {
        for (rows, from) in out.chunks_exact_mut(4 * columns).zip(x.chunks_exact(columns)) {
            let (first, second) = rows.split_at_mut(2 * columns);
            for (to, from) in first.chunks_exact_mut(2).zip(from) {
                to.fill(*from);
            }
            second.copy_from_slice(first);
        }
    });
    out
}

/// Gradient with respect to the images in `planes`: the sum of each block of `[count, channels, 2 rows, 2 columns]`.
pub(super) fn backward(grad: &[f32], planes: Planes) -> Vec<f32> {
    let columns = planes.columns;
    let mut out = vec![0.0; grad.len() / 4];
    out.par_chunks_mut(planes.pixels()).zip(grad.par_chunks(4 * planes.pixels())).for_each(|(out, grad)| {
        for (to, rows) in out.chunks_exact_mut(columns).zip(grad.chunks_exact(4 * columns)) {
            let (first, second) = rows.split_at(2 * columns);
            let pairs = first.chunks_exact(2).zip(second.chunks_exact(2));
            for (to, (first, second)) in to.iter_mut().zip(pairs) {
                *to = (first[0] + first[1]) + (second[0] + second[1]);
            }
        }
    });
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_are_repeated_and_blocks_summed() {
        let planes = Planes::new([1, 2, 2, 3]);
        let x: Vec<f32> = (1..=12).map(|v| v as f32).collect();
        let out = forward(&x, planes);
        let top = [1.0, 1.0, 2.0, 2.0, 3.0, 3.0];
        assert_eq!(out.len(), 48);
        assert_eq!((&out[..6], &out[6..12], &out[46..]), (&top[..], &top[..], &[12.0, 12.0][..]));
        assert_eq!(backward(&out, planes), x.iter().map(|v| 4.0 * v).collect::<Vec<_>>());
        // ⟨enlarged x, g⟩ = ⟨x, summed g⟩, in integers.
        let grad: Vec<f32> = (0..48).map(|v| (v * 37 % 11) as f32).collect();
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
        assert_eq!(dot(&out, &grad), dot(&x, &backward(&grad, planes)));
    }
}
