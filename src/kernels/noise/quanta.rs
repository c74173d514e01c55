//! Noise of a detector: Poisson noise of quanta, Gaussian noise of the electronics.
//!
//! ```text
//! y = Poisson(n·max(m, 0))/n + σ·z
//! ```
//! where m is the mean signal, n the quanta per unit of signal (`photons`), σ the standard deviation of the electronic
//! noise in units of the signal (`electronic_sigma`) and z a standard normal number. How counts are drawn, how exact
//! they are and what holds for very large means: [`super::poisson`]. Counts are multiplied by 1/n, rounded to single
//! precision. Signals are numbers: infinite or undefined ones give anything.
//!
//! Shapes: `[view][row][column]` ← the same. Tier P.

use super::{
    ELECTRONIC_DRAW, NoiseParams, Stream, WORKGROUP,
    counts::counts,
    normal::{deviate, deviates},
    philox::philox_lanes,
    poisson::{MAX_MEAN, count},
    table::TABLE,
};
use crate::{
    engine::{Block, Buffer, Domain, Extent, Graph, Kernel, Shader, StructText, Tier},
    kernels::vectorised::{LANES, vectorised},
};

/// The shader.
pub static SHADER: Shader = Shader {
    name: "noise.quanta",
    tier: Tier::Pinned,
    source: concat!(
        include_str!("../../../shaders/noise/quanta.wgsl"),
        include_str!("../../../shaders/noise/poisson.wgsl"),
        include_str!("../../../shaders/noise/deviate.wgsl"),
        include_str!("../../../shaders/noise/philox.wgsl"),
        include_str!("../../../shaders/clahe/high_word.wgsl"),
    ),
    structs: &[StructText::of::<NoiseParams>()],
    reads: 2,
    writes: 1,
    workgroup: WORKGROUP,
};

/// Operations of a pixel on the device: two or three draws, a trial and a half.
const OPERATIONS: f64 = 1200.0;

/// How noisy a detector is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quanta {
    /// Quanta per unit of signal, positive; none: no Poisson noise.
    pub photons: Option<f32>,
    /// Standard deviation of the electronic noise in units of the signal; 0: no Gaussian noise.
    pub electronic_sigma: f32,
}

/// Records the noisy signal of a mean signal; slices are views.
pub fn record(graph: &mut Graph<'_>, mean: Buffer<f32>, quanta: &Quanta, stream: &Stream) -> Buffer<f32> {
    let extent = graph.extent(mean);
    let noisy = graph.buffer("noise.quanta", extent);
    let table = graph.upload_table("noise.table", &TABLE);
    let kernel = Kernels { params: quanta.params(stream, extent), extent };
    graph.compute("quanta", kernel, [table.whole(), mean.rows()], [noisy.replace()]);
    noisy
}

/// The noisy signal of one pixel of a mean signal, counted from the stream's origin.
#[must_use]
pub fn at(quanta: &Quanta, stream: &Stream, mean: f32, column: u32, row: u32, view: u32) -> f32 {
    let params = quanta.params(stream, Extent { slices: 1, rows: 1, columns: 1 });
    let [x, y, z] = stream.origin;
    let counter = [x.wrapping_add(column), y.wrapping_add(row), z.wrapping_add(view), 0];
    let signal = counted(&params, counter, mean);
    if params.size[3] == 0 {
        return signal;
    }
    let [high, low, ..] = stream.words([column, row, view], ELECTRONIC_DRAW);
    signal + params.constants[2] * deviate(high, low)
}

impl Quanta {
    fn params(&self, stream: &Stream, extent: Extent) -> NoiseParams {
        let mut params = stream.params(extent);
        params.size[2] = u32::from(self.photons.is_some());
        params.size[3] = u32::from(self.electronic_sigma != 0.0);
        let photons = self.photons.unwrap_or(1.0);
        let largest = (f64::from(MAX_MEAN) / f64::from(photons)).min(f32::MAX.into()) as f32;
        params.constants = [photons, 1.0 / photons, self.electronic_sigma, largest];
        params
    }
}

/// Signal with its Poisson noise.
#[inline(always)]
fn counted(params: &NoiseParams, counter: [u32; 4], mean: f32) -> f32 {
    let signal = mean.max(0.0);
    if params.size[2] == 0 {
        return signal;
    }
    let [photons, inverse, _, largest] = params.constants;
    count(counter, params.key(), signal.min(largest) * photons) * inverse
}

struct Kernels {
    params: NoiseParams,
    extent: Extent,
}

impl Kernel for Kernels {
    fn shader(&self) -> &'static Shader {
        &SHADER
    }

    fn params(&self) -> &[u8] {
        bytemuck::bytes_of(&self.params)
    }

    fn domain(&self) -> Domain {
        Domain::rows(self.extent, OPERATIONS * f64::from(self.extent.columns))
    }

    fn shapes(&self) -> Vec<[u32; 2]> {
        let image = [self.extent.rows, self.extent.columns];
        vec![[1, TABLE.len() as u32], image, image]
    }

    fn twin(&self, block: &Block, reads: &[&[u32]], writes: &mut [&mut [u32]]) {
        let columns = self.extent.columns as usize;
        let means: &[f32] = &bytemuck::cast_slice(reads[1])[block.rows.start * columns..];
        let out: &mut [f32] = bytemuck::cast_slice_mut(writes[0]);
        let rows = means.chunks_exact(columns).zip(out.chunks_exact_mut(columns));
        for (row, (means, out)) in block.rows.clone().zip(rows) {
            noisy(&self.params, self.params.counter(row), means, out);
        }
    }
}

vectorised! {
    /// One row, whose first pixel has the given counter.
    fn noisy(params: &NoiseParams, counter: [u32; 4], means: &[f32], out: &mut [f32]) {
        let [x, y, z, _] = counter;
        for (chunk, (means, out)) in means.chunks(LANES).zip(out.chunks_mut(LANES)).enumerate() {
            let first = x.wrapping_add((chunk * LANES) as u32);
            let mut signals = [0.0; LANES];
            for (signal, mean) in signals.iter_mut().zip(means) {
                *signal = mean.max(0.0);
            }
            if params.size[2] != 0 {
                let [photons, inverse, _, largest] = params.constants;
                signals = counts([first, y, z, 0], params.key(), &signals.map(|s| s.min(largest) * photons));
                signals.iter_mut().for_each(|count| *count *= inverse);
            }
            if params.size[3] != 0 {
                let [high, low, ..] = philox_lanes([first, y, z, ELECTRONIC_DRAW], params.key());
                for (signal, z) in signals.iter_mut().zip(deviates(&high, &low)) {
                    *signal += params.constants[2] * z;
                }
            }
            out.copy_from_slice(&signals[..out.len()]);
        }
    }
}
