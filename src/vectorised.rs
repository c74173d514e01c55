//! Builds a hot loop for several instruction sets and picks one when called.
//!
//! Rust never contracts or reorders floating point, so every build gives the same bits; wider vectors only take more
//! outputs at a time.

/// Outputs that twins compute side by side: one AVX-512 register, two of AVX2, four of SSE or NEON.
pub(crate) const LANES: usize = 16;

/// One value per lane.
pub(crate) type Lanes = [f32; LANES];

/// Operations on registers of an instruction set, for loops that the compiler does not find vectors in.
///
/// Every operation is rounded as the scalar one is, so that the bits do not depend on the instruction set.
///
/// # Safety
/// Of all functions: the processor has the instruction set.
pub(crate) trait Vectors {
    /// Sixteen numbers.
    type Floats: Copy;
    /// Sixteen whole numbers.
    type Integers: Copy;
    /// Sixteen answers.
    type Mask: Copy;

    unsafe fn floats(values: &Lanes) -> Self::Floats;
    unsafe fn lanes(values: Self::Floats) -> Lanes;
    unsafe fn integers(values: &[i32; LANES]) -> Self::Integers;
    unsafe fn integer_lanes(values: Self::Integers) -> [i32; LANES];
    unsafe fn splat(value: f32) -> Self::Floats;
    unsafe fn splat_integer(value: i32) -> Self::Integers;
    unsafe fn add(a: Self::Floats, b: Self::Floats) -> Self::Floats;
    unsafe fn sub(a: Self::Floats, b: Self::Floats) -> Self::Floats;
    unsafe fn mul(a: Self::Floats, b: Self::Floats) -> Self::Floats;
    unsafe fn add_integers(a: Self::Integers, b: Self::Integers) -> Self::Integers;
    unsafe fn less(a: Self::Floats, b: Self::Floats) -> Self::Mask;
    /// `a < b` of numbers taken without their signs.
    unsafe fn below(a: Self::Integers, b: Self::Integers) -> Self::Mask;
    /// `a` where the mask says so, else `b`.
    unsafe fn choose(mask: Self::Mask, a: Self::Floats, b: Self::Floats) -> Self::Floats;
    /// `a` where the mask says so, else `b`.
    unsafe fn choose_integers(mask: Self::Mask, a: Self::Integers, b: Self::Integers) -> Self::Integers;
    /// `window[index mod 32]`.
    unsafe fn pick_lanes(window: &[f32; 2 * LANES], index: Self::Integers) -> Self::Floats;

    /// Asks for the second-level cache what will be read soon; any address will do.
    unsafe fn prefetch(place: *const f32);

    /// `window[index]` per lane.
    ///
    /// # Safety
    /// The processor has the instruction set, and indices are from 0 to 31.
    #[allow(dead_code, reason = "for loops over lanes that the compiler does find vectors in")]
    unsafe fn pick(window: &[f32; 2 * LANES], index: &[i32; LANES]) -> Lanes;
}

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
    unsafe fn add_integers(a: [i32; LANES], b: [i32; LANES]) -> [i32; LANES] {
        each_lane!(a, b; a.wrapping_add(b))
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
    unsafe fn pick_lanes(window: &[f32; 2 * LANES], index: [i32; LANES]) -> Lanes {
        each_lane!(index; window[index as usize % (2 * LANES)])
    }
    #[inline(always)]
    unsafe fn prefetch(_: *const f32) {}
    #[inline(always)]
    unsafe fn pick(window: &[f32; 2 * LANES], index: &[i32; LANES]) -> Lanes {
        // SAFETY: the caller's indices lie in the window.
        index.map(|i| unsafe { *window.get_unchecked(i as usize) })
    }
}

/// The instruction set of AVX-512.
#[cfg(target_arch = "x86_64")]
pub(crate) struct Avx512;

#[cfg(target_arch = "x86_64")]
mod avx512 {
    use std::arch::x86_64::{
        __m512, __m512i, __mmask16, _CMP_LT_OQ, _MM_HINT_T1, _mm_prefetch, _mm512_add_epi32, _mm512_add_ps,
        _mm512_cmp_ps_mask, _mm512_cmplt_epu32_mask, _mm512_loadu_epi32, _mm512_loadu_ps, _mm512_mask_blend_epi32,
        _mm512_mask_blend_ps, _mm512_mul_ps, _mm512_permutex2var_ps, _mm512_set1_epi32, _mm512_set1_ps,
        _mm512_storeu_epi32, _mm512_storeu_ps, _mm512_sub_ps,
    };

    use super::{Avx512, LANES, Lanes, Vectors};

    /// Functions of the instruction set; closures would lose it in functions of the standard library.
    macro_rules! instructions {
        ($(fn $name:ident($($arg:ident: $of:ty),*) -> $result:ty $body:block)*) => { $(
            #[inline]
            #[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx2")]
            unsafe fn $name($($arg: $of),*) -> $result $body
        )* };
    }

    #[allow(unused_unsafe, reason = "only instructions with pointers are unsafe")]
    impl Vectors for Avx512 {
        type Floats = __m512;
        type Integers = __m512i;
        type Mask = __mmask16;

        instructions! {
            fn floats(values: &Lanes) -> __m512 {
                // SAFETY: the array is as long as the register.
                unsafe { _mm512_loadu_ps(values.as_ptr()) }
            }
            fn lanes(values: __m512) -> Lanes {
                let mut lanes = [0.0; LANES];
                // SAFETY: the array is as long as the register.
                unsafe { _mm512_storeu_ps(lanes.as_mut_ptr(), values) };
                lanes
            }
            fn integers(values: &[i32; LANES]) -> __m512i {
                // SAFETY: the array is as long as the register.
                unsafe { _mm512_loadu_epi32(values.as_ptr()) }
            }
            fn integer_lanes(values: __m512i) -> [i32; LANES] {
                let mut lanes = [0; LANES];
                // SAFETY: the array is as long as the register.
                unsafe { _mm512_storeu_epi32(lanes.as_mut_ptr(), values) };
                lanes
            }
            fn splat(value: f32) -> __m512 { _mm512_set1_ps(value) }
            fn splat_integer(value: i32) -> __m512i { _mm512_set1_epi32(value) }
            fn add(a: __m512, b: __m512) -> __m512 { _mm512_add_ps(a, b) }
            fn sub(a: __m512, b: __m512) -> __m512 { _mm512_sub_ps(a, b) }
            fn mul(a: __m512, b: __m512) -> __m512 { _mm512_mul_ps(a, b) }
            fn add_integers(a: __m512i, b: __m512i) -> __m512i { _mm512_add_epi32(a, b) }
            fn less(a: __m512, b: __m512) -> __mmask16 { _mm512_cmp_ps_mask::<_CMP_LT_OQ>(a, b) }
            fn below(a: __m512i, b: __m512i) -> __mmask16 { _mm512_cmplt_epu32_mask(a, b) }
            fn choose(mask: __mmask16, a: __m512, b: __m512) -> __m512 { _mm512_mask_blend_ps(mask, b, a) }
            fn choose_integers(mask: __mmask16, a: __m512i, b: __m512i) -> __m512i { _mm512_mask_blend_epi32(mask, b, a) }
            fn pick_lanes(window: &[f32; 2 * LANES], index: __m512i) -> __m512 {
                // SAFETY: the window is as long as two registers.
                unsafe {
                    let low = _mm512_loadu_ps(window.as_ptr());
                    let high = _mm512_loadu_ps(window.as_ptr().add(LANES));
                    _mm512_permutex2var_ps(low, index, high)
                }
            }
            fn prefetch(place: *const f32) -> () {
                // SAFETY: nothing is read.
                unsafe { _mm_prefetch::<_MM_HINT_T1>(place.cast()) }
            }
            fn pick(window: &[f32; 2 * LANES], index: &[i32; LANES]) -> Lanes {
                // SAFETY: the caller has the instruction set.
                unsafe { Self::lanes(Self::pick_lanes(window, Self::integers(index))) }
            }
        }
    }
}

/// Declares a function whose body is compiled for AVX-512, AVX2 and the target's baseline.
///
/// In the body, `V` is the [`Vectors`] of the instruction set.
macro_rules! vectorised {
    ($(#[$meta:meta])* $vis:vis fn $name:ident($($arg:ident : $ty:ty),* $(,)?) $body:block) => {
        $(#[$meta])*
        $vis fn $name($($arg: $ty),*) {
            #[inline(always)]
            #[allow(clippy::extra_unused_type_parameters, reason = "few bodies need it")]
            fn body<V: $crate::vectorised::Vectors>($($arg: $ty),*) $body

            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx2")]
                fn avx512($($arg: $ty),*) {
                    body::<$crate::vectorised::Avx512>($($arg),*);
                }
                #[target_feature(enable = "avx2")]
                fn avx2($($arg: $ty),*) {
                    body::<$crate::vectorised::Baseline>($($arg),*);
                }
                if is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512cd")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl")
                {
                    // SAFETY: the features that the function is built for have just been found.
                    return unsafe { avx512($($arg),*) };
                }
                if is_x86_feature_detected!("avx2") {
                    // SAFETY: as above.
                    return unsafe { avx2($($arg),*) };
                }
            }
            body::<$crate::vectorised::Baseline>($($arg),*);
        }
    };
}

pub(crate) use vectorised;

/// `values[index]`, where an index beyond the end gives the last value; gathers without a branch.
///
/// # Safety
/// `values` is not empty.
#[inline(always)]
pub(crate) unsafe fn gather(values: &[f32], index: u32) -> f32 {
    let index = (index as usize).min(values.len() - 1);
    // SAFETY: `index` is at most the last one.
    unsafe { *values.get_unchecked(index) }
}
