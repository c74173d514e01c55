// Keeps a value as it was rounded: the compiler cannot know that `zero` is 0, so it can neither fuse a multiply
// into the add that follows nor rearrange across it.
fn pin(x: f32) -> f32 {
    return bitcast<f32>(bitcast<u32>(x) ^ tile.zero);
}

fn pin4(x: vec4<f32>) -> vec4<f32> {
    return bitcast<vec4<f32>>(bitcast<vec4<u32>>(x) ^ vec4<u32>(tile.zero));
}
