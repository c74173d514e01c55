//! One register of sixteen numbers.

use std::arch::x86_64::{
    __m512, __m512i, __mmask16, _CMP_LT_OQ, _MM_FROUND_NO_EXC, _MM_FROUND_TO_NEG_INF, _MM_HINT_T1, _mm_prefetch,
    _mm512_add_epi32, _mm512_add_ps, _mm512_castps_si512, _mm512_castps256_ps512, _mm512_castsi512_si256,
    _mm512_cmp_ps_mask, _mm512_cmplt_epu32_mask, _mm512_extracti64x4_epi64, _mm512_insertf32x8, _mm512_loadu_epi32,
    _mm512_mask_blend_epi32, _mm512_mask_blend_ps, _mm512_min_epu32, _mm512_mul_ps, _mm512_mullo_epi32,
    _mm512_permutex2var_ps, _mm512_roundscale_ps, _mm512_set1_epi32, _mm512_set1_ps, _mm512_setr_epi32,
    _mm512_storeu_epi32, _mm512_sub_ps,
};

use super::{LANES, Lanes, Vectors, avx2::gather_eight};

/// The instruction set of AVX-512.
pub(crate) struct Avx512;

/// A register in memory, at any place; read and written without the checks of overlaps that builds with assertions do.
#[derive(Clone, Copy)]
#[repr(C, packed)]
struct Unaligned(__m512);

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
            unsafe { (*values.as_ptr().cast::<Unaligned>()).0 }
        }
        fn lanes(values: __m512) -> Lanes {
            let mut lanes = [0.0; LANES];
            // SAFETY: the array is as long as the register.
            unsafe { *lanes.as_mut_ptr().cast() = Unaligned(values) };
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
        fn bits(values: __m512) -> __m512i { _mm512_castps_si512(values) }
        fn splat(value: f32) -> __m512 { _mm512_set1_ps(value) }
        fn splat_integer(value: i32) -> __m512i { _mm512_set1_epi32(value) }
        fn add(a: __m512, b: __m512) -> __m512 { _mm512_add_ps(a, b) }
        fn sub(a: __m512, b: __m512) -> __m512 { _mm512_sub_ps(a, b) }
        fn mul(a: __m512, b: __m512) -> __m512 { _mm512_mul_ps(a, b) }
        fn floor(a: __m512) -> __m512 {
            _mm512_roundscale_ps::<{ _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC }>(a)
        }
        fn add_integers(a: __m512i, b: __m512i) -> __m512i { _mm512_add_epi32(a, b) }
        fn mul_integers(a: __m512i, b: __m512i) -> __m512i { _mm512_mullo_epi32(a, b) }
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
                let [low, high] = *window.as_ptr().cast::<[Unaligned; 2]>();
                _mm512_permutex2var_ps(low.0, index, high.0)
            }
        }
        fn pick_from(a: __m512, b: __m512, index: __m512i) -> __m512 { _mm512_permutex2var_ps(a, index, b) }
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
