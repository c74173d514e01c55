//! Builds a hot loop for several instruction sets and picks one when called.
//!
//! Rust never contracts or reorders floating point, so every build gives the same bits; wider vectors only take more
//! outputs at a time.

/// Outputs that twins compute side by side: one AVX-512 register, two of AVX2, four of SSE or NEON.
pub(crate) const LANES: usize = 16;

/// One value per lane.
pub(crate) type Lanes = [f32; LANES];

/// Begins at a cache line, so that no register is loaded from two.
#[derive(Clone, Copy)]
#[repr(align(64))]
pub(crate) struct Aligned<T>(pub(crate) T);

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
    /// Largest whole number up to each.
    unsafe fn floor(a: Self::Floats) -> Self::Floats;
    unsafe fn add_integers(a: Self::Integers, b: Self::Integers) -> Self::Integers;
    unsafe fn less(a: Self::Floats, b: Self::Floats) -> Self::Mask;
    /// `a < b` of numbers taken without their signs.
    unsafe fn below(a: Self::Integers, b: Self::Integers) -> Self::Mask;
    /// `a` where the mask says so, else `b`.
    unsafe fn choose(mask: Self::Mask, a: Self::Floats, b: Self::Floats) -> Self::Floats;
    /// `a` where the mask says so, else `b`.
    unsafe fn choose_integers(mask: Self::Mask, a: Self::Integers, b: Self::Integers) -> Self::Integers;
    /// Where neither `a` nor `b` says so.
    unsafe fn neither(a: Self::Mask, b: Self::Mask) -> Self::Mask;
    /// Where `a` says so and `b` does not.
    unsafe fn and_not(a: Self::Mask, b: Self::Mask) -> Self::Mask;
    /// Whether any lane's answer is yes.
    unsafe fn any(mask: Self::Mask) -> bool;
    /// `values[index]`; an index that lies outside gives the last value.
    ///
    /// # Safety
    /// `values` is not empty and has at most 2³¹ numbers.
    unsafe fn gather(values: &[f32], index: Self::Integers) -> Self::Floats;
    /// `window[index mod 32]`.
    unsafe fn pick_lanes(window: &[f32; 2 * LANES], index: Self::Integers) -> Self::Floats;

    /// Numbers of both in turns: a0 b0 a1 b1 and so on.
    unsafe fn interleave(a: Self::Floats, b: Self::Floats) -> [Self::Floats; 2];

    /// Asks for the second-level cache what will be read soon; any address will do.
    unsafe fn prefetch(place: *const f32);

    /// `window[index]` per lane.
    ///
    /// # Safety
    /// The processor has the instruction set, and indices are from 0 to 31.
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
    unsafe fn floor(a: Lanes) -> Lanes {
        each_lane!(a; a.floor())
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

/// The instruction set of AVX2: two registers of eight.
#[cfg(target_arch = "x86_64")]
pub(crate) struct Avx2;

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::{
        __m128, __m128i, __m256, __m256i, _CMP_LT_OQ, _MM_HINT_T1, _mm_cvtsi128_si64, _mm_extract_epi64, _mm_insert_ps,
        _mm_load_ss, _mm_prefetch, _mm256_add_epi32, _mm256_add_ps, _mm256_andnot_ps, _mm256_blendv_ps,
        _mm256_castps_si256, _mm256_castps128_ps256, _mm256_castsi256_ps, _mm256_castsi256_si128, _mm256_cmp_ps,
        _mm256_cmpgt_epi32, _mm256_extracti128_si256, _mm256_floor_ps, _mm256_insertf128_ps, _mm256_loadu_ps,
        _mm256_loadu_si256, _mm256_min_epu32, _mm256_movemask_ps, _mm256_mul_ps, _mm256_or_ps, _mm256_permute2f128_ps,
        _mm256_permutevar8x32_ps, _mm256_set1_epi32, _mm256_set1_ps, _mm256_slli_epi32, _mm256_storeu_ps,
        _mm256_storeu_si256, _mm256_sub_ps, _mm256_unpackhi_ps, _mm256_unpacklo_ps, _mm256_xor_si256,
    };

    use super::{Avx2, LANES, Lanes, Vectors};

    /// Lanes of a register.
    const HALF: usize = LANES / 2;

    /// Functions of the instruction set.
    macro_rules! instructions {
        ($(fn $name:ident($($arg:ident: $of:ty),*) -> $result:ty $body:block)*) => { $(
            #[inline]
            #[target_feature(enable = "avx2")]
            unsafe fn $name($($arg: $of),*) -> $result $body
        )* };
    }

    /// `window[index mod 32]`: by the lowest three bits from each register of the window, of which the next two choose.
    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn pick_half(window: &[f32; 2 * LANES], index: __m256i) -> __m256 {
        let (odd, high) =
            (_mm256_castsi256_ps(_mm256_slli_epi32::<28>(index)), _mm256_castsi256_ps(_mm256_slli_epi32::<27>(index)));
        let place = window.as_ptr();
        // SAFETY: the window is as long as four registers.
        let (a, b, c, d) = unsafe {
            (
                _mm256_permutevar8x32_ps(_mm256_loadu_ps(place), index),
                _mm256_permutevar8x32_ps(_mm256_loadu_ps(place.add(HALF)), index),
                _mm256_permutevar8x32_ps(_mm256_loadu_ps(place.add(2 * HALF)), index),
                _mm256_permutevar8x32_ps(_mm256_loadu_ps(place.add(3 * HALF)), index),
            )
        };
        _mm256_blendv_ps(_mm256_blendv_ps(a, b, odd), _mm256_blendv_ps(c, d, odd), high)
    }

    /// `values[index]` by single loads: on Zen 5 a projection takes a fifth less time so than with the instruction that gathers.
    ///
    /// # Safety
    /// The processor has the instruction set, and the indices are those of values.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub(super) unsafe fn gather_eight(values: &[f32], index: __m256i) -> __m256 {
        // SAFETY: as of this function.
        unsafe {
            let low = gather_four(values, _mm256_castsi256_si128(index));
            let high = gather_four(values, _mm256_extracti128_si256::<1>(index));
            _mm256_insertf128_ps::<1>(_mm256_castps128_ps256(low), high)
        }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn gather_four(values: &[f32], index: __m128i) -> __m128 {
        let [a, b] = [_mm_cvtsi128_si64(index), _mm_extract_epi64::<1>(index)].map(i64::cast_unsigned);
        let place = values.as_ptr();
        // SAFETY: as of this function.
        unsafe {
            let first = _mm_load_ss(place.add(a as u32 as usize));
            let second = _mm_insert_ps::<0x10>(first, _mm_load_ss(place.add((a >> 32) as usize)));
            let third = _mm_insert_ps::<0x20>(second, _mm_load_ss(place.add(b as u32 as usize)));
            _mm_insert_ps::<0x30>(third, _mm_load_ss(place.add((b >> 32) as usize)))
        }
    }

    impl Vectors for Avx2 {
        type Floats = [__m256; 2];
        type Integers = [__m256i; 2];
        type Mask = [__m256; 2];

        instructions! {
            fn floats(values: &Lanes) -> [__m256; 2] {
                // SAFETY: the array is as long as the registers.
                unsafe { [_mm256_loadu_ps(values.as_ptr()), _mm256_loadu_ps(values.as_ptr().add(HALF))] }
            }
            fn lanes(values: [__m256; 2]) -> Lanes {
                let mut lanes = [0.0; LANES];
                // SAFETY: the array is as long as the registers.
                unsafe {
                    _mm256_storeu_ps(lanes.as_mut_ptr(), values[0]);
                    _mm256_storeu_ps(lanes.as_mut_ptr().add(HALF), values[1]);
                }
                lanes
            }
            fn integers(values: &[i32; LANES]) -> [__m256i; 2] {
                // SAFETY: the array is as long as the registers.
                unsafe {
                    [
                        _mm256_loadu_si256(values.as_ptr().cast()),
                        _mm256_loadu_si256(values.as_ptr().add(HALF).cast()),
                    ]
                }
            }
            fn integer_lanes(values: [__m256i; 2]) -> [i32; LANES] {
                let mut lanes = [0; LANES];
                // SAFETY: the array is as long as the registers.
                unsafe {
                    _mm256_storeu_si256(lanes.as_mut_ptr().cast(), values[0]);
                    _mm256_storeu_si256(lanes.as_mut_ptr().add(HALF).cast(), values[1]);
                }
                lanes
            }
            fn splat(value: f32) -> [__m256; 2] { [_mm256_set1_ps(value); 2] }
            fn splat_integer(value: i32) -> [__m256i; 2] { [_mm256_set1_epi32(value); 2] }
            fn add(a: [__m256; 2], b: [__m256; 2]) -> [__m256; 2] {
                [_mm256_add_ps(a[0], b[0]), _mm256_add_ps(a[1], b[1])]
            }
            fn sub(a: [__m256; 2], b: [__m256; 2]) -> [__m256; 2] {
                [_mm256_sub_ps(a[0], b[0]), _mm256_sub_ps(a[1], b[1])]
            }
            fn mul(a: [__m256; 2], b: [__m256; 2]) -> [__m256; 2] {
                [_mm256_mul_ps(a[0], b[0]), _mm256_mul_ps(a[1], b[1])]
            }
            fn floor(a: [__m256; 2]) -> [__m256; 2] { [_mm256_floor_ps(a[0]), _mm256_floor_ps(a[1])] }
            fn add_integers(a: [__m256i; 2], b: [__m256i; 2]) -> [__m256i; 2] {
                [_mm256_add_epi32(a[0], b[0]), _mm256_add_epi32(a[1], b[1])]
            }
            fn less(a: [__m256; 2], b: [__m256; 2]) -> [__m256; 2] {
                [_mm256_cmp_ps::<_CMP_LT_OQ>(a[0], b[0]), _mm256_cmp_ps::<_CMP_LT_OQ>(a[1], b[1])]
            }
            fn below(a: [__m256i; 2], b: [__m256i; 2]) -> [__m256; 2] {
                // The sign bit turned, the order of numbers without signs is that of numbers with them.
                let sign = _mm256_set1_epi32(i32::MIN);
                let (a0, a1) = (_mm256_xor_si256(a[0], sign), _mm256_xor_si256(a[1], sign));
                let (b0, b1) = (_mm256_xor_si256(b[0], sign), _mm256_xor_si256(b[1], sign));
                [_mm256_castsi256_ps(_mm256_cmpgt_epi32(b0, a0)), _mm256_castsi256_ps(_mm256_cmpgt_epi32(b1, a1))]
            }
            fn choose(mask: [__m256; 2], a: [__m256; 2], b: [__m256; 2]) -> [__m256; 2] {
                [_mm256_blendv_ps(b[0], a[0], mask[0]), _mm256_blendv_ps(b[1], a[1], mask[1])]
            }
            fn choose_integers(mask: [__m256; 2], a: [__m256i; 2], b: [__m256i; 2]) -> [__m256i; 2] {
                let (a0, a1) = (_mm256_castsi256_ps(a[0]), _mm256_castsi256_ps(a[1]));
                let (b0, b1) = (_mm256_castsi256_ps(b[0]), _mm256_castsi256_ps(b[1]));
                [
                    _mm256_castps_si256(_mm256_blendv_ps(b0, a0, mask[0])),
                    _mm256_castps_si256(_mm256_blendv_ps(b1, a1, mask[1])),
                ]
            }
            fn neither(a: [__m256; 2], b: [__m256; 2]) -> [__m256; 2] {
                let all = _mm256_castsi256_ps(_mm256_set1_epi32(-1));
                [_mm256_andnot_ps(_mm256_or_ps(a[0], b[0]), all), _mm256_andnot_ps(_mm256_or_ps(a[1], b[1]), all)]
            }
            fn and_not(a: [__m256; 2], b: [__m256; 2]) -> [__m256; 2] {
                [_mm256_andnot_ps(b[0], a[0]), _mm256_andnot_ps(b[1], a[1])]
            }
            fn any(mask: [__m256; 2]) -> bool {
                _mm256_movemask_ps(_mm256_or_ps(mask[0], mask[1])) != 0
            }
            fn gather(values: &[f32], index: [__m256i; 2]) -> [__m256; 2] {
                let last = _mm256_set1_epi32((values.len() - 1) as i32);
                // SAFETY: indices are at most the last value's.
                unsafe {
                    [
                        gather_eight(values, _mm256_min_epu32(index[0], last)),
                        gather_eight(values, _mm256_min_epu32(index[1], last)),
                    ]
                }
            }
            fn pick_lanes(window: &[f32; 2 * LANES], index: [__m256i; 2]) -> [__m256; 2] {
                // SAFETY: the window is as long as four registers, and the processor has the instruction set.
                unsafe { [pick_half(window, index[0]), pick_half(window, index[1])] }
            }
            fn interleave(a: [__m256; 2], b: [__m256; 2]) -> [[__m256; 2]; 2] {
                // Within halves of registers, then the halves in order.
                let (a0, a1) = (_mm256_unpacklo_ps(a[0], b[0]), _mm256_unpackhi_ps(a[0], b[0]));
                let (b0, b1) = (_mm256_unpacklo_ps(a[1], b[1]), _mm256_unpackhi_ps(a[1], b[1]));
                [
                    [_mm256_permute2f128_ps::<0x20>(a0, a1), _mm256_permute2f128_ps::<0x31>(a0, a1)],
                    [_mm256_permute2f128_ps::<0x20>(b0, b1), _mm256_permute2f128_ps::<0x31>(b0, b1)],
                ]
            }
            fn prefetch(place: *const f32) -> () {
                _mm_prefetch::<_MM_HINT_T1>(place.cast());
            }
            fn pick(window: &[f32; 2 * LANES], index: &[i32; LANES]) -> Lanes {
                // SAFETY: the caller has the instruction set.
                unsafe { Self::lanes(Self::pick_lanes(window, Self::integers(index))) }
            }
        }
    }
}

/// The instruction set of AVX-512.
#[cfg(target_arch = "x86_64")]
pub(crate) struct Avx512;

#[cfg(target_arch = "x86_64")]
mod avx512 {
    use std::arch::x86_64::{
        __m512, __m512i, __mmask16, _CMP_LT_OQ, _MM_FROUND_NO_EXC, _MM_FROUND_TO_NEG_INF, _MM_HINT_T1, _mm_prefetch,
        _mm512_add_epi32, _mm512_add_ps, _mm512_castps256_ps512, _mm512_castsi512_si256, _mm512_cmp_ps_mask,
        _mm512_cmplt_epu32_mask, _mm512_extracti64x4_epi64, _mm512_insertf32x8, _mm512_loadu_epi32, _mm512_loadu_ps,
        _mm512_mask_blend_epi32, _mm512_mask_blend_ps, _mm512_min_epu32, _mm512_mul_ps, _mm512_permutex2var_ps,
        _mm512_roundscale_ps, _mm512_set1_epi32, _mm512_set1_ps, _mm512_setr_epi32, _mm512_storeu_epi32,
        _mm512_storeu_ps, _mm512_sub_ps,
    };

    use super::{Avx512, LANES, Lanes, Vectors, avx2::gather_eight};

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
            fn floor(a: __m512) -> __m512 {
                _mm512_roundscale_ps::<{ _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC }>(a)
            }
            fn add_integers(a: __m512i, b: __m512i) -> __m512i { _mm512_add_epi32(a, b) }
            fn less(a: __m512, b: __m512) -> __mmask16 { _mm512_cmp_ps_mask::<_CMP_LT_OQ>(a, b) }
            fn below(a: __m512i, b: __m512i) -> __mmask16 { _mm512_cmplt_epu32_mask(a, b) }
            fn choose(mask: __mmask16, a: __m512, b: __m512) -> __m512 { _mm512_mask_blend_ps(mask, b, a) }
            fn choose_integers(mask: __mmask16, a: __m512i, b: __m512i) -> __m512i { _mm512_mask_blend_epi32(mask, b, a) }
            fn neither(a: __mmask16, b: __mmask16) -> __mmask16 { !(a | b) }
            fn and_not(a: __mmask16, b: __mmask16) -> __mmask16 { a & !b }
            fn any(mask: __mmask16) -> bool { mask != 0 }
            fn gather(values: &[f32], index: __m512i) -> __m512 {
                let index = _mm512_min_epu32(index, _mm512_set1_epi32((values.len() - 1) as i32));
                // SAFETY: indices are at most the last value's.
                unsafe {
                    let low = gather_eight(values, _mm512_castsi512_si256(index));
                    let high = gather_eight(values, _mm512_extracti64x4_epi64::<1>(index));
                    _mm512_insertf32x8::<1>(_mm512_castps256_ps512(low), high)
                }
            }
            fn pick_lanes(window: &[f32; 2 * LANES], index: __m512i) -> __m512 {
                // SAFETY: the window is as long as two registers.
                unsafe {
                    let low = _mm512_loadu_ps(window.as_ptr());
                    let high = _mm512_loadu_ps(window.as_ptr().add(LANES));
                    _mm512_permutex2var_ps(low, index, high)
                }
            }
            fn interleave(a: __m512, b: __m512) -> [__m512; 2] {
                let low = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
                let high = _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
                [_mm512_permutex2var_ps(a, low, b), _mm512_permutex2var_ps(a, high, b)]
            }
            fn prefetch(place: *const f32) -> () {
                _mm_prefetch::<_MM_HINT_T1>(place.cast());
            }
            fn pick(window: &[f32; 2 * LANES], index: &[i32; LANES]) -> Lanes {
                // SAFETY: the caller has the instruction set.
                unsafe { Self::lanes(Self::pick_lanes(window, Self::integers(index))) }
            }
        }
    }
}

/// Sixteen lines of sixteen numbers.
pub(crate) type Square = [Lanes; LANES];

/// Copies up to sixteen numbers; sixteen without a call.
#[inline(always)]
pub(crate) fn copy_lanes(from: &[f32], to: &mut [f32]) {
    match (from.first_chunk::<LANES>(), to.first_chunk_mut::<LANES>()) {
        (Some(from), Some(to)) => *to = *from,
        _ => to.iter_mut().zip(from).for_each(|(to, from)| *to = *from),
    }
}

/// Exchanges lines and lanes of a square: four times its halves in turns, which each time turns the bits of a number's place by one.
///
/// # Safety
/// The processor has the instruction set.
#[inline(always)]
pub(crate) unsafe fn transpose<V: Vectors>(square: &mut Square) {
    let mut turned = [[0.0; LANES]; LANES];
    // SAFETY: the caller has the instruction set.
    unsafe {
        in_turns::<V>(square, &mut turned);
        in_turns::<V>(&turned, square);
        in_turns::<V>(square, &mut turned);
        in_turns::<V>(&turned, square);
    }
}

#[inline(always)]
unsafe fn in_turns<V: Vectors>(square: &Square, turned: &mut Square) {
    for line in 0..LANES / 2 {
        // SAFETY: the caller has the instruction set.
        unsafe {
            let [low, high] = V::interleave(V::floats(&square[line]), V::floats(&square[line + LANES / 2]));
            turned[2 * line] = V::lanes(low);
            turned[2 * line + 1] = V::lanes(high);
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
                    body::<$crate::vectorised::Avx2>($($arg),*);
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Bits of what all operations make of numbers drawn from `seed`.
    ///
    /// # Safety
    /// The processor has the instruction set.
    unsafe fn results<V: Vectors>(seed: u32) -> Vec<u32> {
        let mut state = seed;
        let mut draw = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state >> 8
        };
        let mut float = || (draw() % 64) as f32 / 7.0 - 4.0;
        let (a, b): (Lanes, Lanes) = (std::array::from_fn(|_| float()), std::array::from_fn(|_| float()));
        let window: [f32; 2 * LANES] = std::array::from_fn(|_| float());
        let [i, j]: [[i32; LANES]; 2] = std::array::from_fn(|_| std::array::from_fn(|_| draw() as i32 % 48 - 8));
        let inside = i.map(|i| i & 31);
        // SAFETY: as of this function; indices of `pick` are from 0 to 31 and the window is not empty.
        unsafe {
            let (a, b, i, j) = (V::floats(&a), V::floats(&b), V::integers(&i), V::integers(&j));
            let (less, below) = (V::less(a, b), V::below(i, j));
            let masks = [less, below, V::and_not(less, below), V::neither(less, below)];
            let [even, odd] = V::interleave(a, b);
            let read = [V::gather(&window, i), V::pick_lanes(&window, i), even, odd];
            let floats = [V::add(a, b), V::sub(a, b), V::mul(a, b), V::floor(a)];
            let chosen = masks.map(|mask| V::choose(mask, a, b));
            let integers = masks.map(|mask| V::choose_integers(mask, V::add_integers(i, j), V::splat_integer(-3)));
            let mut bits: Vec<u32> =
                floats.into_iter().chain(read).chain(chosen).flat_map(|of| V::lanes(of)).map(f32::to_bits).collect();
            bits.extend(integers.into_iter().flat_map(|of| V::integer_lanes(of)).map(i32::cast_unsigned));
            bits.extend(V::pick(&window, &inside).map(f32::to_bits));
            bits.extend(masks.map(|mask| u32::from(V::any(mask))));
            bits.push(u32::from(V::any(V::less(V::splat(2.0), V::splat(2.0)))));
            bits
        }
    }

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn every_instruction_set_gives_the_same_bits() {
        for seed in 0..200 {
            // SAFETY: the processor has the instruction set that it is asked for.
            unsafe {
                let expected = results::<Baseline>(seed);
                if is_x86_feature_detected!("avx2") {
                    assert_eq!(results::<Avx2>(seed), expected, "AVX2, seed {seed}");
                }
                if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512dq") {
                    assert_eq!(results::<Avx512>(seed), expected, "AVX-512, seed {seed}");
                }
            }
        }
    }
}
