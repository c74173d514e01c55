//! Arrays of sixteen numbers, which any compiler turns into what registers there are.

use super::{LANES, Lanes, Vectors, gather};

/// Any processor.
pub(crate) struct Baseline;

/// `f` of every lane.
macro_rules! each_lane {
    ($($of:ident),*; $value:expr) => {{
        let mut results = [Default::default(); LANES];
        for l in 0..LANES {
            $(let $of = $of[l];)*
            results[l] = $value;
        }
        results
    }};
}

impl Vectors for Baseline {
    type Floats = Lanes;
    type Integers = [i32; LANES];
    /// All bits of a lane, or none.
    type Mask = [u32; LANES];

    #[inline(always)]
    unsafe fn floats(values: &Lanes) -> Lanes {
        *values
    }
    #[inline(always)]
    unsafe fn lanes(values: Lanes) -> Lanes {
        values
    }
    #[inline(always)]
    unsafe fn integers(values: &[i32; LANES]) -> [i32; LANES] {
        *values
    }
    #[inline(always)]
    unsafe fn integer_lanes(values: [i32; LANES]) -> [i32; LANES] {
        values
    }
    #[inline(always)]
    unsafe fn bits(values: Lanes) -> [i32; LANES] {
        values.map(|value| value.to_bits().cast_signed())
    }
    #[inline(always)]
    unsafe fn splat(value: f32) -> Lanes {
        [value; LANES]
    }
    #[inline(always)]
    unsafe fn splat_integer(value: i32) -> [i32; LANES] {
        [value; LANES]
    }
    #[inline(always)]
    unsafe fn add(a: Lanes, b: Lanes) -> Lanes {
        each_lane!(a, b; a + b)
    }
    #[inline(always)]
    unsafe fn sub(a: Lanes, b: Lanes) -> Lanes {
        each_lane!(a, b; a - b)
    }
    #[inline(always)]
    unsafe fn mul(a: Lanes, b: Lanes) -> Lanes {
        each_lane!(a, b; a * b)
    }
    #[inline(always)]
    unsafe fn floor(a: Lanes) -> Lanes {
        each_lane!(a; a.floor())
    }
    #[inline(always)]
    unsafe fn add_integers(a: [i32; LANES], b: [i32; LANES]) -> [i32; LANES] {
        each_lane!(a, b; a.wrapping_add(b))
    }
    #[inline(always)]
    unsafe fn mul_integers(a: [i32; LANES], b: [i32; LANES]) -> [i32; LANES] {
        std::array::from_fn(|lane| a[lane].wrapping_mul(b[lane]))
    }
    #[inline(always)]
    unsafe fn less(a: Lanes, b: Lanes) -> [u32; LANES] {
        each_lane!(a, b; if a < b { u32::MAX } else { 0 })
    }
    #[inline(always)]
    unsafe fn below(a: [i32; LANES], b: [i32; LANES]) -> [u32; LANES] {
        each_lane!(a, b; if a.cast_unsigned() < b.cast_unsigned() { u32::MAX } else { 0 })
    }
    #[inline(always)]
    unsafe fn choose(mask: [u32; LANES], a: Lanes, b: Lanes) -> Lanes {
        each_lane!(mask, a, b; f32::from_bits((a.to_bits() & mask) | (b.to_bits() & !mask)))
    }
    #[inline(always)]
    unsafe fn choose_integers(mask: [u32; LANES], a: [i32; LANES], b: [i32; LANES]) -> [i32; LANES] {
        each_lane!(mask, a, b; (a & mask.cast_signed()) | (b & !mask.cast_signed()))
    }
    #[inline(always)]
    unsafe fn neither(a: [u32; LANES], b: [u32; LANES]) -> [u32; LANES] {
        each_lane!(a, b; !(a | b))
    }
    #[inline(always)]
    unsafe fn and_not(a: [u32; LANES], b: [u32; LANES]) -> [u32; LANES] {
        each_lane!(a, b; a & !b)
    }
    #[inline(always)]
    unsafe fn any(mask: [u32; LANES]) -> bool {
        mask.iter().fold(0, |any, lane| any | lane) != 0
    }
    #[inline(always)]
    unsafe fn gather(values: &[f32], index: [i32; LANES]) -> Lanes {
        // SAFETY: the caller's values are not empty.
        each_lane!(index; unsafe { gather(values, index.cast_unsigned()) })
    }
    #[inline(always)]
    unsafe fn pick_lanes(window: &[f32; 2 * LANES], index: [i32; LANES]) -> Lanes {
        each_lane!(index; window[index as usize % (2 * LANES)])
    }
    #[inline(always)]
    unsafe fn pick_from(a: Lanes, b: Lanes, index: [i32; LANES]) -> Lanes {
        each_lane!(index; [a, b].as_flattened()[index as usize % (2 * LANES)])
    }
    #[inline(always)]
    unsafe fn interleave(a: Lanes, b: Lanes) -> [Lanes; 2] {
        let mut both = [[0.0; LANES]; 2];
        for l in 0..LANES {
            both[2 * l / LANES][2 * l % LANES] = a[l];
            both[2 * l / LANES][2 * l % LANES + 1] = b[l];
        }
        both
    }
    #[inline(always)]
    unsafe fn prefetch(_: *const f32) {}
    #[inline(always)]
    unsafe fn pick(window: &[f32; 2 * LANES], index: &[i32; LANES]) -> Lanes {
        // SAFETY: the caller's indices lie in the window.
        each_lane!(index; unsafe { *window.get_unchecked(index as usize) })
    }
}
