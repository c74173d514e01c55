//! Signal of a beam of several energies behind materials.
//!
//! ```text
//! T = Σ_k w_k·exp(−min(Σ_m µ_km·t_m, 69))          k in ascending order of weights, m in that of the materials
//! ```
//! where w_k and µ_km (1/mm) are the weights and attenuation coefficients of a [`Quadrature`]'s nodes and t_m (mm) is the path
//! through material m. T is the detector's signal over that of the open beam: 1 exactly where there is nothing, and never less than
//! 10⁻³⁰, so that all products are normal numbers. −ln T is [`crate::kernels::pointwise::line_integral`]'s.
//!
//! Besides the error of the quadrature, −ln T has that of single precision: with M materials at most (M + 6)·2⁻²⁴·(−ln T) + 10⁻⁶, from
//! coefficients, products and sums of the exponent, exponential, weights and logarithm.
//!
//! Rows of thicknesses are the materials' rows one behind the other, so that a part of an image is enough to compute that part of
//! the signal.
//!
//! Shapes: `[view][row][column]` ← nodes × (weight, coefficients), `[view][row][material · column]`. Tier P.

use crate::kernels::prelude::*;
use crate::physics::Quadrature;

kernel! {
    /// Signal behind materials.
    struct Signal {
        /// Columns of the image; materials; nodes of the quadrature.
        columns, materials, node_count: u32,
        /// Largest line integral of a node.
        deepest: f32,
    }
    shader beam/signal, Pinned, [64, 4];
    reads nodes[1, (node_count * (materials + 1))]: whole of f32, thickness[_, (columns * materials)]: rows of f32;
    writes signal[_, columns]: f32;
    operations f64::from(node_count) * (30.0 + 2.0 * f64::from(materials));
}

/// Line integral beyond which a node's share no longer falls: e⁻⁶⁹ = 10⁻³⁰, times the least weight of a node 10⁻³⁷.
const DEEPEST: f32 = 69.0;

/// Records the signal behind `thickness`, in mm, which has a row of each material of `quadrature` in each of its rows.
pub fn record(graph: &mut Graph<'_>, quadrature: &Quadrature, thickness: Buffer<f32>) -> Buffer<f32> {
    let (materials, node_count) = (quadrature.materials().len() as u32, quadrature.nodes().len() as u32);
    let nodes = graph.upload_table("signal.nodes", &table(quadrature));
    let columns = graph.extent(thickness).columns / materials;
    Signal { columns, materials, node_count, deepest: DEEPEST }.compute(
        graph,
        "signal",
        nodes,
        thickness,
        "signal.signal",
    )
}

/// Weight and coefficients of each node in single precision, weights ascending. The last and largest is what makes their sum,
/// as the kernel adds them up, 1 exactly.
fn table(quadrature: &Quadrature) -> Vec<f32> {
    let mut nodes: Vec<_> = quadrature.nodes().iter().collect();
    nodes.sort_by(|a, b| a.weight.total_cmp(&b.weight));
    let others: f32 = nodes[..nodes.len() - 1].iter().fold(0.0, |sum, node| sum + node.weight as f32);
    let mut rows: Vec<f32> = Vec::new();
    for (i, node) in nodes.iter().enumerate() {
        rows.push(if i + 1 < nodes.len() { node.weight as f32 } else { 1.0 - others });
        rows.extend(node.attenuation_per_mm.iter().map(|&coefficient| coefficient as f32));
    }
    rows
}

vectorised! {
    fn twin(kernel: &Signal, _block: &Block, nodes: &[f32], thickness: &[f32], signal: &mut [f32]) {
        let [columns, materials] = [kernel.columns, kernel.materials].map(|n| n as usize);
        for (thickness, signal) in thickness.chunks_exact(columns * materials).zip(signal.chunks_exact_mut(columns)) {
            for (block, signal) in signal.chunks_mut(LANES).enumerate() {
                let (first, count) = (block * LANES, signal.len());
                let mut sum = [0.0_f32; LANES];
                for node in nodes.chunks_exact(materials + 1) {
                    let mut depth = [0.0_f32; LANES];
                    for (coefficient, row) in node[1..].iter().zip(thickness.chunks_exact(columns)) {
                        for (depth, thickness) in depth.iter_mut().zip(&row[first..first + count]) {
                            *depth += coefficient * thickness;
                        }
                    }
                    for (sum, depth) in sum.iter_mut().zip(depth) {
                        *sum += node[0] * exp(-depth.min(kernel.deepest));
                    }
                }
                signal.copy_from_slice(&sum[..count]);
            }
        }
    }
}
