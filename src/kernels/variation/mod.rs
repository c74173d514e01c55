//! Total variation of a volume: the proximal step of what keeps edges and smooths what lies between.
//!
//! ```text
//! argmin_u  ½·‖u − v‖² + t·Σ |Du|          (Du)_a = (u[i + 1] − u[i])/s_a, 0 at the last voxel along a
//! ```
//! after Chambolle (J. Math. Imaging Vis. 20 (2004) 89) in the form of a projected gradient: a field q of three components with |q| ≤ 1
//! everywhere gives u = v − t·Dᵀq ([`primal`]), and is moved along Du and shortened to length 1 ([`dual`]). Distances s are voxel spacings in
//! mm, so that voxels need not be cubes. A step of 1/(t·‖D‖²) converges; ‖D‖² is at most 4·Σ 1/s².

pub mod dual;
pub mod primal;

use crate::{
    data::Grid,
    engine::{Buffer, Graph, Shader},
};

/// Shaders of the room.
pub(super) const SHADERS: &[&Shader] = &[&primal::SHADER, &dual::SHADER];

/// Field of three components, one buffer each, `[z][y][x]`.
pub type Field = [Buffer<f32>; 3];

/// Records `steps` steps of the field, and what becomes of `v` by it: a volume held between `bounds` after each of them, and the field.
///
/// `t` is in the unit of v times mm, for spacings in mm.
pub fn record(
    graph: &mut Graph<'_>,
    grid: &Grid,
    t: f64,
    bounds: [f32; 2],
    steps: usize,
    v: Buffer<f32>,
    mut field: Field,
) -> (Buffer<f32>, Field) {
    let norm: f64 = grid.spacing_mm().to_array().iter().map(|s| 4.0 / (s * s)).sum();
    for _ in 0..steps {
        let u = primal::record(graph, grid, t, bounds, v, field);
        field = dual::record(graph, grid, 1.0 / (t * norm), u, field);
    }
    (primal::record(graph, grid, t, bounds, v, field), field)
}
