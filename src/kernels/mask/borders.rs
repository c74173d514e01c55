//! Borders of a collimated field, from sums of steps. Tier E.
//!
//! The blades of a collimator leave straight steps, parallel to the rows and columns of the detector. For each side:
//!
//! 1. The image is cut into [`BANDS`] bands across the side. In a band a column (row) has a step when its sum is more
//!    than [`MULTIPLE`] times the median of all columns of that band, which is noise and anatomy, and more than
//!    1/[`LEAST_SHARE`] of the grey levels per pixel.
//! 2. Columns with a step in at least [`LEAST_BANDS`] bands are straight edges. The outline of a body is one in a
//!    band or two at most, where it happens to be parallel.
//! 3. The one with the largest sum over all bands is the border, if it lies in the outer [`REACH_PERCENT`] % of the
//!    image; of equal ones the outermost. Without any, the border is the edge of the image.
//!
//! Limits: fields of less than a quarter of the image across a border, blades that are turned by more than one pixel
//! in [`LEAST_BANDS`] bands (0.2° at 1000 pixels), or a penumbra so wide that no single step stands out are not found.
//! Straight metal parts may be taken for blades. Sides below [`LEAST_SIDE`] pixels are not looked at.
//!
//! Shapes: `[left, top, right, bottom]`, right and bottom exclusive ← `[band][column]`, `[row][band]`.

use crate::{
    engine::{Block, Buffer, Domain, Extent, Graph, Kernel, Shader, StructText, Tier},
    shader_struct,
};

shader_struct! {
    /// Parameters of the search.
    pub struct BordersParams {
        /// Columns, rows, least step per pixel; one spare number.
        pub size: [u32; 4],
        /// Multiple of the median, reach in percent, least number of bands, least length of a side.
        pub rule: [u32; 4],
    }
}

/// The shader.
pub static SHADER: Shader = Shader {
    name: "mask.borders",
    tier: Tier::Exact,
    source: include_str!("../../../shaders/mask/borders.wgsl"),
    structs: &[StructText::of::<BordersParams>()],
    reads: 2,
    writes: 1,
    workgroup: [256, 1],
};

/// Bands that an edge is looked for in.
pub const BANDS: u32 = 16;
/// How many times the median step of its band an edge must be. The largest of many sums of noise is less than twice
/// their median from ten pixels per band on.
pub const MULTIPLE: u32 = 4;
/// Part of the grey levels that an edge must step by: 1/128.
pub const LEAST_SHARE: u32 = 128;
/// Bands that an edge must be in.
pub const LEAST_BANDS: u32 = 4;
/// Part of the image, from every side, in which borders lie.
pub const REACH_PERCENT: u32 = 45;
/// Shortest side that is looked at: two pixels per band.
pub const LEAST_SIDE: u32 = 2 * BANDS;

/// Records the borders of an image of `size` pixels of `levels` grey levels from its steps in both directions.
pub fn record(
    graph: &mut Graph<'_>,
    step_right: Buffer<u32>,
    step_down: Buffer<u32>,
    size: [u32; 2],
    levels: u32,
) -> Buffer<u32> {
    let borders = graph.buffer("mask.borders", Extent::table(4));
    let params = BordersParams {
        size: [size[0], size[1], levels / LEAST_SHARE, 0],
        rule: [MULTIPLE, REACH_PERCENT, LEAST_BANDS, LEAST_SIDE],
    };
    graph.compute("borders", Borders { params }, [step_right.whole(), step_down.whole()], [borders.replace()]);
    borders
}

struct Borders {
    params: BordersParams,
}

impl Kernel for Borders {
    fn shader(&self) -> &'static Shader {
        &SHADER
    }

    fn params(&self) -> &[u8] {
        bytemuck::bytes_of(&self.params)
    }

    fn domain(&self) -> Domain {
        let [columns, rows, ..] = self.params.size.map(f64::from);
        let extent = Extent { slices: 1, rows: 1, columns: SHADER.workgroup[0] };
        // A median takes one pass per bit.
        Domain::rows(extent, 4.0 * 32.0 * f64::from(BANDS) * (columns + rows))
    }

    fn shapes(&self) -> Vec<[u32; 2]> {
        let [columns, rows, ..] = self.params.size;
        vec![[BANDS, columns], [rows, BANDS], [1, 4]]
    }

    fn twin(&self, _: &Block, reads: &[&[u32]], writes: &mut [&mut [u32]]) {
        let [columns, rows, least, _] = self.params.size.map(|n| n as usize);
        let bands = BANDS as usize;
        let across = |band, i| reads[0][band * columns + i];
        let down = |band, i| reads[1][i * bands + band];
        let [left, right] = self.sides(columns, rows, least, across);
        let [top, bottom] = self.sides(rows, columns, least, down);
        writes[0].copy_from_slice(&[left, top, right, bottom]);
    }
}

impl Borders {
    /// The low and the high border along one direction.
    fn sides(&self, length: usize, across: usize, least: usize, step: impl Fn(usize, usize) -> u32) -> [u32; 2] {
        let [multiple, percent, least_bands, least_side] = self.params.rule;
        let (mut low, mut high) = ((0, 0), (0, length));
        if length.min(across) < least_side as usize {
            return [0, length as u32];
        }
        let bands = BANDS as usize;
        let thresholds: Vec<u32> = (0..bands)
            .map(|band| {
                let mut steps: Vec<u32> = (0..length - 1).map(|i| step(band, i)).collect();
                let middle = (length - 2) / 2;
                let median = *steps.select_nth_unstable(middle).1;
                let width = (band + 1) * across / bands - band * across / bands;
                (multiple * median.min(u32::MAX / multiple)).max((width * least) as u32)
            })
            .collect();
        let reach = length * percent as usize / 100;
        for border in (1..=reach).chain(length - reach..length) {
            let (mut score, mut count) = (0, 0);
            for (band, threshold) in thresholds.iter().enumerate() {
                let value = step(band, border - 1);
                score += value;
                count += u32::from(value > *threshold);
            }
            if count < least_bands {
                continue;
            }
            if border <= reach && score > low.0 {
                low = (score, border);
            }
            if border >= length - reach && score >= high.0 {
                high = (score, border);
            }
        }
        [low.1 as u32, high.1 as u32]
    }
}
