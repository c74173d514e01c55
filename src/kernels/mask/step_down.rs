//! Steps from row to row, summed over bands of columns. Tier E.
//!
//! ```text
//! steps[y][b] = Σ |p[y + 1][x] − p[y][x]|   over the columns x of band b,   0 in the last row
//! ```
//! The other direction of [`super::step_right`], with the same bands and the same bound.
//!
//! Shapes: `[row][band]` ← `[row][pair]`, this row and the next.

use crate::{
    engine::{Block, Buffer, Domain, Extent, Graph, Kernel, Shader, StructText, Tier, Window},
    kernels::{Pixels, vectorised::vectorised},
    shader_struct,
};

use super::borders::BANDS;

shader_struct! {
    /// Parameters of the sums.
    pub struct StepDownParams {
        /// Columns, rows, words per row, bands.
        pub size: [u32; 4],
    }
}

/// The shader.
pub static SHADER: Shader = Shader {
    name: "mask.step_down",
    tier: Tier::Exact,
    source: include_str!("../../../shaders/mask/step_down.wgsl"),
    structs: &[StructText::of::<StepDownParams>()],
    reads: 1,
    writes: 1,
    workgroup: [16, 4],
};

/// Records the sums over [`BANDS`] bands of columns.
pub fn record(graph: &mut Graph<'_>, pixels: Pixels) -> Buffer<u32> {
    let [columns, rows] = pixels.size;
    let steps = graph.buffer("mask.steps_down", Extent { slices: 1, rows, columns: BANDS });
    let params = StepDownParams { size: [columns, rows, Pixels::row_words(pixels.size), BANDS] };
    let reads = [pixels.buffer.window(Window { first: 0, ..Window::around(1) })];
    graph.compute("steps down", StepDown { params }, reads, [steps.replace()]);
    steps
}

struct StepDown {
    params: StepDownParams,
}

impl Kernel for StepDown {
    fn shader(&self) -> &'static Shader {
        &SHADER
    }

    fn params(&self) -> &[u8] {
        bytemuck::bytes_of(&self.params)
    }

    fn domain(&self) -> Domain {
        let [columns, rows, _, bands] = self.params.size;
        Domain::rows(Extent { slices: 1, rows, columns: bands }, 6.0 * f64::from(columns))
    }

    fn shapes(&self) -> Vec<[u32; 2]> {
        let [_, rows, pairs, bands] = self.params.size;
        vec![[rows, pairs], [rows, bands]]
    }

    fn twin(&self, block: &Block, reads: &[&[u32]], writes: &mut [&mut [u32]]) {
        twin(&self.params, block, bytemuck::cast_slice(reads[0]), writes[0]);
    }
}

vectorised! {
    fn twin(params: &StepDownParams, block: &Block, pixels: &[u16], steps: &mut [u32]) {
        let [columns, rows, pairs, bands] = params.size.map(|n| n as usize);
        for (row, steps) in block.rows.clone().zip(steps.chunks_exact_mut(bands)) {
            if row + 1 == rows {
                steps.fill(0);
                continue;
            }
            let here = &pixels[row * 2 * pairs..][..columns];
            let next = &pixels[(row + 1) * 2 * pairs..][..columns];
            for (band, step) in steps.iter_mut().enumerate() {
                let band = band * columns / bands..(band + 1) * columns / bands;
                let pairs = here[band.clone()].iter().zip(&next[band]);
                *step = pairs.map(|(a, b)| u32::from(a.abs_diff(*b))).sum();
            }
        }
    }
}
