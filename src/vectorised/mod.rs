//! Builds a hot loop for several instruction sets and picks one when called.
//!
//! Rust never contracts or reorders floating point, so every build gives the same bits; wider vectors only take more
//! outputs at a time.

mod baseline;
mod square;

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;

pub(crate) use baseline::Baseline;
pub(crate) use square::{copy_lanes, transpose};

#[cfg(target_arch = "x86_64")]
pub(crate) use {avx2::Avx2, avx512::Avx512};

/// Whether the processor has all that AVX-512's functions are built for.
#[cfg(target_arch = "x86_64")]
pub(crate) fn has_avx512() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512cd")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl")
}

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
    /// The bits of each.
    unsafe fn bits(values: Self::Floats) -> Self::Integers;
    unsafe fn splat(value: f32) -> Self::Floats;
    unsafe fn splat_integer(value: i32) -> Self::Integers;
    unsafe fn add(a: Self::Floats, b: Self::Floats) -> Self::Floats;
    unsafe fn sub(a: Self::Floats, b: Self::Floats) -> Self::Floats;
    unsafe fn mul(a: Self::Floats, b: Self::Floats) -> Self::Floats;
    /// Largest whole number up to each.
    unsafe fn floor(a: Self::Floats) -> Self::Floats;
    unsafe fn add_integers(a: Self::Integers, b: Self::Integers) -> Self::Integers;
    /// The lower half of each product.
    unsafe fn mul_integers(a: Self::Integers, b: Self::Integers) -> Self::Integers;
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
    /// The same of the numbers of `a` and of `b` behind them.
    unsafe fn pick_from(a: Self::Floats, b: Self::Floats, index: Self::Integers) -> Self::Floats;

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
                if $crate::vectorised::has_avx512() {
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
            let read = [V::gather(&window, i), V::pick_lanes(&window, i), V::pick_from(a, b, i), even, odd];
            let floats = [V::add(a, b), V::sub(a, b), V::mul(a, b), V::floor(a)];
            let chosen = masks.map(|mask| V::choose(mask, a, b));
            let integers = masks.map(|mask| V::choose_integers(mask, V::add_integers(i, j), V::splat_integer(-3)));
            let mut bits: Vec<u32> =
                floats.into_iter().chain(read).chain(chosen).flat_map(|of| V::lanes(of)).map(f32::to_bits).collect();
            bits.extend(integers.into_iter().flat_map(|of| V::integer_lanes(of)).map(i32::cast_unsigned));
            bits.extend(V::integer_lanes(V::bits(a)).map(i32::cast_unsigned));
            bits.extend(V::integer_lanes(V::mul_integers(i, j)).map(i32::cast_unsigned));
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
                if has_avx512() {
                    assert_eq!(results::<Avx512>(seed), expected, "AVX-512, seed {seed}");
                }
            }
        }
    }

    /// Numbers of a square, transposed.
    ///
    /// # Safety
    /// The processor has the instruction set.
    unsafe fn transposed<V: Vectors>() -> [Lanes; LANES] {
        let mut square = std::array::from_fn(|line| std::array::from_fn(|lane| (line * LANES + lane) as f32));
        // SAFETY: as of this function.
        unsafe { transpose::<V>(&mut square) };
        square
    }

    #[test]
    fn every_instruction_set_transposes_squares() {
        let expected = std::array::from_fn(|line| std::array::from_fn(|lane| (lane * LANES + line) as f32));
        // SAFETY: the processor has the instruction set that it is asked for.
        unsafe {
            assert_eq!(transposed::<Baseline>(), expected);
            #[cfg(target_arch = "x86_64")]
            {
                assert!(!is_x86_feature_detected!("avx2") || transposed::<Avx2>() == expected, "AVX2");
                assert!(!has_avx512() || transposed::<Avx512>() == expected, "AVX-512");
            }
        }
    }
}
