//! Builds a hot loop for several instruction sets and picks one when called.
//!
//! Rust never contracts or reorders floating point, so every build gives the same bits; wider vectors only take more
//! outputs at a time.

/// Outputs that twins compute side by side: one AVX-512 register, two of AVX2, four of SSE or NEON.
pub(crate) const LANES: usize = 16;

/// One value per lane.
pub(crate) type Lanes = [f32; LANES];

/// Declares a function whose body is compiled for AVX-512, AVX2 and the target's baseline.
macro_rules! vectorised {
    ($(#[$meta:meta])* $vis:vis fn $name:ident($($arg:ident : $ty:ty),* $(,)?) $body:block) => {
        $(#[$meta])*
        $vis fn $name($($arg: $ty),*) {
            #[inline(always)]
            fn body($($arg: $ty),*) $body

            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx2")]
                fn avx512($($arg: $ty),*) {
                    body($($arg),*);
                }
                #[target_feature(enable = "avx2")]
                fn avx2($($arg: $ty),*) {
                    body($($arg),*);
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
            body($($arg),*);
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
