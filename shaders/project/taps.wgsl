// The two voxels that a place lies between, along one of the axes, for shaders that interpolate.
// Twin: `Taps` in src/kernels/project/joseph.rs.

// One that is not there has no weight. Weights are as the adjoint has them, so that rounding leaves them equal.
struct Taps {
    low: i32,
    high: i32,
    low_weight: f32,
    high_weight: f32,
}

fn taps(place: f32, count: u32) -> Taps {
    let low_place = floor(place);
    let low = i32(low_place);
    let last = i32(count) - 1;
    let above = place - low_place;
    let below = (low_place + 1.0) - place;
    return Taps(
        clamp(low, 0, last),
        clamp(low + 1, 0, last),
        select(0.0, 1.0 - above, low >= 0 && low <= last),
        select(0.0, 1.0 - below, low + 1 >= 0 && low + 1 <= last),
    );
}
