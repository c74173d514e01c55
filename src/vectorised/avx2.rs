//! Two registers of eight numbers.

use std::arch::x86_64::{
    __m128, __m128i, __m256, __m256i, _CMP_LT_OQ, _MM_HINT_T1, _mm_cvtsi128_si64, _mm_extract_epi64, _mm_insert_ps,
    _mm_load_ss, _mm_prefetch, _mm256_add_epi32, _mm256_add_ps, _mm256_andnot_ps, _mm256_blendv_ps,
    _mm256_castps_si256, _mm256_castps128_ps256, _mm256_castsi256_ps, _mm256_castsi256_si128, _mm256_cmp_ps,
    _mm256_cmpgt_epi32, _mm256_extracti128_si256, _mm256_floor_ps, _mm256_insertf128_ps, _mm256_loadu_ps,
    _mm256_loadu_si256, _mm256_min_epu32, _mm256_movemask_ps, _mm256_mul_ps, _mm256_mullo_epi32, _mm256_or_ps,
    _mm256_permute2f128_ps, _mm256_permutevar8x32_ps, _mm256_set1_epi32, _mm256_set1_ps, _mm256_slli_epi32,
    _mm256_storeu_ps, _mm256_storeu_si256, _mm256_sub_ps, _mm256_unpackhi_ps, _mm256_unpacklo_ps, _mm256_xor_si256,
};

use super::{LANES, Lanes, Vectors};

/// The instruction set of AVX2: two registers of eight.
pub(crate) struct Avx2;

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

/// Number `index mod 32` of four registers: by the lowest three bits from each, of which the next two choose.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn pick_half(registers: [__m256; 4], index: __m256i) -> __m256 {
    let (odd, high) =
        (_mm256_castsi256_ps(_mm256_slli_epi32::<28>(index)), _mm256_castsi256_ps(_mm256_slli_epi32::<27>(index)));
    let [a, b, c, d] = registers;
    let (a, b) = (_mm256_permutevar8x32_ps(a, index), _mm256_permutevar8x32_ps(b, index));
    let (c, d) = (_mm256_permutevar8x32_ps(c, index), _mm256_permutevar8x32_ps(d, index));
    _mm256_blendv_ps(_mm256_blendv_ps(a, b, odd), _mm256_blendv_ps(c, d, odd), high)
}

/// The four registers of a window.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn registers(window: &[f32; 2 * LANES]) -> [__m256; 4] {
    let place = window.as_ptr();
    // SAFETY: the window is as long as four registers.
    unsafe {
        [
            _mm256_loadu_ps(place),
            _mm256_loadu_ps(place.add(HALF)),
            _mm256_loadu_ps(place.add(2 * HALF)),
            _mm256_loadu_ps(place.add(3 * HALF)),
        ]
    }
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
        fn bits(values: [__m256; 2]) -> [__m256i; 2] {
            [_mm256_castps_si256(values[0]), _mm256_castps_si256(values[1])]
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
        fn mul_integers(a: [__m256i; 2], b: [__m256i; 2]) -> [__m256i; 2] {
            [_mm256_mullo_epi32(a[0], b[0]), _mm256_mullo_epi32(a[1], b[1])]
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
            // SAFETY: the processor has the instruction set.
            unsafe {
                let registers = registers(window);
                [pick_half(registers, index[0]), pick_half(registers, index[1])]
            }
        }
        fn pick_from(a: [__m256; 2], b: [__m256; 2], index: [__m256i; 2]) -> [__m256; 2] {
            let registers = [a[0], a[1], b[0], b[1]];
            // SAFETY: the processor has the instruction set.
            unsafe { [pick_half(registers, index[0]), pick_half(registers, index[1])] }
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
