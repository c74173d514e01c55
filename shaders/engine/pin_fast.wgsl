// Leaves the compiler free to fuse and rearrange.
fn pin(x: f32) -> f32 {
    return x;
}

fn pin4(x: vec4<f32>) -> vec4<f32> {
    return x;
}
