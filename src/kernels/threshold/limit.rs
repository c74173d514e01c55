//! A threshold held against a limit, above which it divides the object.
//!
//! ```text
//! limit = first + ⌊(last − first)·s/1000⌋
//! y     = first − 1   threshold > limit and first < last
//!         threshold   otherwise
//! ```
//! with first and last the smallest and largest counted value and s a share in parts per thousand. A histogram without
//! background still has a triangle, but within the object: with the limit, all counted values but 0 are foreground then.
//! Foreground lies above a threshold and thresholds are no less than 0, so that grey level 0 is always background.
//!
//! Shapes: a row of y, first, last, the threshold found ← one of threshold, first, last, peak, as [`super::triangle`]
//! leaves it. Tier E.

use crate::{
    engine::{Block, Buffer, Domain, Extent, Graph, Kernel, Shader, StructText, Tier},
    shader_struct,
};

shader_struct! {
    /// Parameters of the limit.
    pub struct LimitParams {
        /// Share in parts per thousand, the number 1000; two spare numbers.
        pub size: [u32; 4],
    }
}

/// Parts in a whole; a range below 2¹⁶ times it stays below 2²⁶.
const WHOLE: u32 = 1000;

/// The shader.
pub static SHADER: Shader = Shader {
    name: "threshold.limit",
    tier: Tier::Exact,
    source: include_str!("../../../shaders/threshold/limit.wgsl"),
    structs: &[StructText::of::<LimitParams>()],
    reads: 1,
    writes: 1,
    workgroup: [64, 1],
};

/// Records the `threshold` that [`super::triangle::record`] left, unless it lies above `share_per_mille` of the range
/// of the values: threshold, first and last counted value, the threshold found.
pub fn record(graph: &mut Graph<'_>, threshold: Buffer<u32>, share_per_mille: u32) -> Buffer<u32> {
    let results = graph.buffer("limit.threshold", Extent::table(4));
    let kernel = Limit { params: LimitParams { size: [share_per_mille.min(WHOLE), WHOLE, 0, 0] } };
    graph.compute("limit", kernel, [threshold.rows()], [results.replace()]);
    results
}

struct Limit {
    params: LimitParams,
}

impl Kernel for Limit {
    fn shader(&self) -> &'static Shader {
        &SHADER
    }

    fn params(&self) -> &[u8] {
        bytemuck::bytes_of(&self.params)
    }

    fn domain(&self) -> Domain {
        Domain::rows(Extent::table(1), 8.0)
    }

    fn shapes(&self) -> Vec<[u32; 2]> {
        vec![[1, 4], [1, 4]]
    }

    fn twin(&self, _: &Block, reads: &[&[u32]], writes: &mut [&mut [u32]]) {
        let [threshold, first, last] = [reads[0][0], reads[0][1], reads[0][2]];
        writes[0].copy_from_slice(&limited(threshold, [first, last], self.params.size[0]));
    }
}

fn limited(threshold: u32, [first, last]: [u32; 2], share_per_mille: u32) -> [u32; 4] {
    let limit = first + (last - first) * share_per_mille / WHOLE;
    let is_rejected = threshold > limit && first < last;
    [if is_rejected { first.max(1) - 1 } else { threshold }, first, last, threshold]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_within_the_object_are_rejected() {
        assert_eq!(limited(26_207, [6288, 31_893], 333), [6287, 6288, 31_893, 26_207]);
        assert_eq!(limited(14_814, [6288, 31_893], 333)[0], 14_814);
        assert_eq!(limited(14_815, [6288, 31_893], 333)[0], 6287);
        assert_eq!(limited(65_535, [0, 65_535], 999)[0], 0);
        assert_eq!(limited(65_535, [0, 65_535], 1000)[0], 65_535);
        // No threshold puts the value 0 into the foreground.
        assert_eq!([limited(200, [0, 255], 333)[0], limited(200, [1, 255], 333)[0]], [0, 0]);
        // Nothing counted, or one value alone: the threshold's own convention stands.
        assert_eq!(limited(255, [0, 0], 333)[0], 255);
        assert_eq!(limited(6, [7, 7], 333)[0], 6);
    }
}
