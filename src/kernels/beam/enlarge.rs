//! Smooth maps of few pixels on the pixels of a detector: scattered radiation.
//!
//! ```text
//! r(j, i) = Σ_k w_ik·Σ_l w_jl·c(b_j + l, a_i + k)        k, l = 0 … 3
//! ```
//! Catmull and Rom's cubic through the centres of a coarse map's pixels, which cover the same field: first along columns, then along
//! rows. Weights are computed on the host in double precision; beyond its border the map goes on straight.
//!
//! Shapes: `[view][row][column]` ← twice taps, coarse `[view][row][column]`. Tier P.

use crate::kernels::prelude::*;

kernel! {
    /// A coarse map on a fine detector: its columns and rows, and those of the map.
    struct Enlarge { columns, rows, coarse_columns, coarse_rows: u32 }
    shader beam/enlarge, Pinned, [64, 4];
    structs Taps;
    reads across[1, columns]: whole of Taps, down[1, rows]: whole of Taps, coarse[coarse_rows, coarse_columns]: slices of f32;
    writes fine[rows, columns]: f32;
    operations 80.0;
}

shader_struct! {
    /// Coarse pixels of a fine one, along one axis.
    pub struct Taps {
        /// Weights.
        pub weights: [f32; 4],
        /// Numbers of the coarse pixels.
        pub places: [u32; 4],
    }
}

/// Records the enlargement of `coarse` to a detector of `[columns, rows]`.
pub fn record(graph: &mut Graph<'_>, coarse: Buffer<f32>, detector: [usize; 2]) -> Buffer<f32> {
    let Extent { slices, rows: coarse_rows, columns: coarse_columns } = graph.extent(coarse);
    let [columns, rows] = detector.map(|n| n as u32);
    let across = graph.upload_table("enlarge.across", &taps(columns, coarse_columns));
    let down = graph.upload_table("enlarge.down", &taps(rows, coarse_rows));
    let fine = graph.buffer("enlarge.fine", Extent { slices, rows, columns });
    Enlarge { columns, rows, coarse_columns, coarse_rows }.compute(graph, "enlarge", across, down, coarse, fine)
}

/// Taps of `fine` pixels over as wide a row of `coarse` ones.
fn taps(fine: u32, coarse: u32) -> Vec<Taps> {
    let step = f64::from(coarse) / f64::from(fine);
    let of = |pixel: u32| {
        let at = (f64::from(pixel) + 0.5) * step - 0.5;
        let t = at - at.floor();
        let weights = [
            t * (t * (2.0 - t) - 1.0) / 2.0,
            (t * t * (3.0 * t - 5.0) + 2.0) / 2.0,
            t * (t * (4.0 - 3.0 * t) + 1.0) / 2.0,
            t * t * (t - 1.0) / 2.0,
        ];
        // Pixels beyond the border lie on the line through the two nearest ones.
        let last = i64::from(coarse) - 1;
        let first = (at.floor() as i64 - 1).clamp(0, (last - 3).max(0));
        let mut inside = [0.0; 4];
        for (k, weight) in (-1..).zip(weights) {
            let place = at.floor() as i64 + k;
            let near = place.clamp(0, last);
            let inner = near - (place - near).signum();
            let beyond = if (0..=last).contains(&inner) { (place - near).abs() as f64 } else { 0.0 };
            inside[(near - first) as usize] += weight * (1.0 + beyond);
            if beyond > 0.0 {
                inside[(inner - first) as usize] -= weight * beyond;
            }
        }
        let place = |k: i64| (first + k).min(last) as u32;
        Taps { weights: inside.map(|w| w as f32), places: [0, 1, 2, 3].map(place) }
    };
    (0..fine).map(of).collect()
}

vectorised! {
    fn twin(kernel: &Enlarge, block: &Block, across: &[Taps], down: &[Taps], coarse: &[f32], fine: &mut [f32]) {
        let [columns, rows] = [kernel.columns, kernel.rows].map(|n| n as usize);
        let [wide, high] = [kernel.coarse_columns, kernel.coarse_rows].map(|n| n as usize);
        let mut line = vec![0.0_f32; wide];
        for (row, out) in block.rows.clone().zip(fine.chunks_exact_mut(columns)) {
            let map = &coarse[row / rows * high * wide..][..high * wide];
            let Taps { weights, places } = &down[row % rows];
            let [a, b, c, d] = places.map(|place| &map[place as usize * wide..][..wide]);
            for (i, value) in line.iter_mut().enumerate() {
                *value = ((weights[0] * a[i] + weights[1] * b[i]) + weights[2] * c[i]) + weights[3] * d[i];
            }
            for (out, Taps { weights, places }) in out.iter_mut().zip(across) {
                let [a, b, c, d] = places.map(|place| line[place as usize]);
                *out = ((weights[0] * a + weights[1] * b) + weights[2] * c) + weights[3] * d;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_sum_to_one_and_keep_straight_lines() {
        for (fine, coarse) in [(64, 7), (7, 64), (5, 5), (9, 1)] {
            for (i, Taps { weights, places }) in taps(fine, coarse).into_iter().enumerate() {
                let sum: f32 = weights.iter().sum();
                assert!((sum - 1.0).abs() < 1e-6);
                let at: f32 = weights.iter().zip(places).map(|(weight, place)| weight * (place as f32 + 0.5)).sum();
                let want = (i as f32 + 0.5) * coarse as f32 / fine as f32;
                assert!(coarse == 1 || (at - want).abs() < 1e-4, "{fine} {coarse} {i}: {at} {want}");
            }
        }
    }
}
