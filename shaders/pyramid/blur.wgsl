// Weights and border of a reduction, for shaders that make a coarser level.
// Twin: src/kernels/pyramid/reduce.rs.

// Place among 0..count, mirrored at the first and the last without repeating them.
fn mirrored(place: i32, count: u32) -> u32 {
    let last = i32(count) - 1;
    let left = abs(place);
    let right = select(left, abs(2 * last - left), left > last);
    return u32(min(right, last));
}

// Weights 1 4 6 4 1.
fn blurred(a: f32, b: f32, c: f32, d: f32, e: f32) -> f32 {
    return pin(pin(a + e) + pin(4.0 * pin(b + d))) + pin(6.0 * c);
}
