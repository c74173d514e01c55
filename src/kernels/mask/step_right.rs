//! Steps from column to column, summed over bands of rows. Tier E.
//!
//! ```text
//! steps[b][x] = Σ |p[y][x + 1] − p[y][x]|   over the rows y of band b,   0 in the last column
//! ```
//! Band b of B holds the rows ⌊b·rows/B⌋ up to ⌊(b + 1)·rows/B⌋. Sums stay below 2³² as long as a side has at most
//! 65,536 pixels: 65,536 · 65,535 = 2³² − 2¹⁶.
//!
//! Shapes: `[band][column]` ← `[row][pair]`.

use crate::{
    engine::{Block, Buffer, Domain, Extent, Graph, Kernel, Shader, StructText, Tier, Window},
    kernels::{Pixels, vectorised::vectorised},
    shader_struct,
};

use super::borders::BANDS;

shader_struct! {
    /// Parameters of the sums.
    pub struct StepRightParams {
        /// Columns, rows, words per row, bands.
        pub size: [u32; 4],
    }
}

/// The shader.
pub static SHADER: Shader = Shader {
    name: "mask.step_right",
    tier: Tier::Exact,
    source: include_str!("../../../shaders/mask/step_right.wgsl"),
    structs: &[StructText::of::<StepRightParams>()],
    reads: 1,
    writes: 1,
    workgroup: [64, 1],
};

/// Records the sums over [`BANDS`] bands of rows.
pub fn record(graph: &mut Graph<'_>, pixels: Pixels) -> Buffer<u32> {
    let [columns, rows] = pixels.size;
    let steps = graph.buffer("mask.steps_right", Extent { slices: 1, rows: BANDS, columns });
    let params = StepRightParams { size: [columns, rows, Pixels::row_words(pixels.size), BANDS] };
    // The last row of a band: ⌊(b + 1)·rows/B⌋ is at most ⌊b·rows/B⌋ + ⌈rows/B⌉.
    let window = Window { numerator: rows, denominator: BANDS, first: 0, last: rows.div_ceil(BANDS) as i32 - 1 };
    let reads = [pixels.buffer.window(window)];
    graph.compute("steps to the right", StepRight { params }, reads, [steps.replace()]);
    steps
}

struct StepRight {
    params: StepRightParams,
}

impl Kernel for StepRight {
    fn shader(&self) -> &'static Shader {
        &SHADER
    }

    fn params(&self) -> &[u8] {
        bytemuck::bytes_of(&self.params)
    }

    fn domain(&self) -> Domain {
        let [columns, rows, _, bands] = self.params.size;
        let row_operations = 6.0 * f64::from(columns) * f64::from(rows) / f64::from(bands);
        Domain::rows(Extent { slices: 1, rows: bands, columns }, row_operations)
    }

    fn shapes(&self) -> Vec<[u32; 2]> {
        let [columns, rows, pairs, bands] = self.params.size;
        vec![[rows, pairs], [bands, columns]]
    }

    fn twin(&self, block: &Block, reads: &[&[u32]], writes: &mut [&mut [u32]]) {
        twin(&self.params, block, bytemuck::cast_slice(reads[0]), writes[0]);
    }
}

vectorised! {
    fn twin(params: &StepRightParams, block: &Block, pixels: &[u16], steps: &mut [u32]) {
        let [columns, rows, pairs, bands] = params.size.map(|n| n as usize);
        for (band, steps) in block.rows.clone().zip(steps.chunks_exact_mut(columns)) {
            steps.fill(0);
            for row in band * rows / bands..(band + 1) * rows / bands {
                let row = &pixels[row * 2 * pairs..][..columns];
                for ((step, here), next) in steps.iter_mut().zip(row).zip(&row[1..]) {
                    *step += u32::from(next.abs_diff(*here));
                }
            }
        }
    }
}
