//! Builds a hot loop for several instruction sets and picks one when called.
//!
//! Rust never contracts or reorders floating point, so every build gives the same bits; wider vectors only take more
//! outputs at a time.

/// Outputs that twins compute side by side: one AVX-512 register, two of AVX2, four of SSE or NEON.
pub(crate) const LANES: usize = 16;

/// One value per lane.
pub(crate) type Lanes = [f32; LANES];

/// What an instruction set does that the compiler does not find in a loop over lanes.
pub(crate) trait Vectors {
    /// `window[index]` per lane.
    ///
    /// # Safety
    /// The processor has the instruction set, and indices are from 0 to 31.
    unsafe fn pick(window: &[f32; 2 * LANES], index: &[i32; LANES]) -> Lanes;
}

/// Any processor.
pub(crate) struct Baseline;

impl Vectors for Baseline {
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
impl Vectors for Avx512 {
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx2")]
    unsafe fn pick(window: &[f32; 2 * LANES], index: &[i32; LANES]) -> Lanes {
        use std::arch::x86_64::{_mm512_loadu_epi32, _mm512_loadu_ps, _mm512_permutex2var_ps, _mm512_storeu_ps};
        let mut picked = [0.0; LANES];
        // SAFETY: all four arrays are as long as the registers.
        unsafe {
            let [low, high] = [0, LANES].map(|first| _mm512_loadu_ps(window.as_ptr().add(first)));
            let picks = _mm512_permutex2var_ps(low, _mm512_loadu_epi32(index.as_ptr()), high);
            _mm512_storeu_ps(picked.as_mut_ptr(), picks);
        }
        picked
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
