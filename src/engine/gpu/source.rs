//! Puts a shader together: generated structs, the bindings every kernel has, the pin, the kernel's own text.

use super::super::{Kind, Numerics, Shader, Tile, structs::StructText};

const PIN: &str = include_str!("../../../shaders/engine/pin.wgsl");
const PIN_FAST: &str = include_str!("../../../shaders/engine/pin_fast.wgsl");

const ARITHMETIC: &str = include_str!("../../../shaders/engine/arithmetic.wgsl");

/// Row of a bound buffer: `bound_row(binding, row)` is where a row, counted over all slices, stands in the part or the
/// stitched copy that is bound.
const HEADER: &str = "
@group(0) @binding(0) var<uniform> tile: Tile;

fn bound_row(binding: u32, row: u32) -> u32 {
    return row - tile.base[binding / 4u][binding % 4u];
}

";

/// Invocations of a workgroup that works on one row together. A GPU hides memory behind many; a driver that computes on
/// the CPU runs them one after the other, and pays for every barrier.
fn group_invocations(kind: Kind) -> u32 {
    if kind == Kind::Software { 32 } else { 256 }
}

impl Shader {
    /// Complete WGSL text for a kind of adapter; the bits of the results are the same for every kind.
    #[must_use]
    pub fn wgsl(&self, numerics: Numerics, kind: Kind) -> String {
        let pin = match numerics {
            Numerics::Pinned => PIN,
            Numerics::Fast => PIN_FAST,
        };
        let mut text = StructText::of::<Tile>().wgsl();
        for shared in self.structs {
            text.push_str(&shared.wgsl());
        }
        let [wide, high] = self.workgroup;
        text.push_str(&format!("const WORKGROUP_WIDE = {wide}u;\nconst WORKGROUP_HIGH = {high}u;\n"));
        text.push_str(&format!("const GROUP_INVOCATIONS = {}u;\n", group_invocations(kind)));
        text.push_str(HEADER);
        text.push_str(pin);
        text.push_str(ARITHMETIC);
        text.push_str(self.source);
        text
    }
}
