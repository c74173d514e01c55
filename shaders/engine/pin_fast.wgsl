// Leaves the compiler free to fuse and rearrange.
fn pin(x: f32) -> f32 {
    return x;
}
