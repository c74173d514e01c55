//! Squares of sixteen by sixteen numbers, transposed in registers.

use super::{LANES, Lanes, Vectors};

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
