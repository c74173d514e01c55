// One axis of a ray: its planes by their numbers. Twin: src/kernels/project/axis.rs.

const PARALLEL = 1e-12;
const PARALLEL_INVERSE = 1e12;
const IN_PLANE = 1e-6;
const FAR = 1e30;

// One axis of a ray: `(k - fraction) * inverse` is the distance to plane `origin + k`.
struct Axis {
    fraction: f32,
    inverse: f32,
    origin: i32,
    slope: f32,
    is_parallel: bool,
}

// Sum of head and tail of `base + i*u + j*v`, as an unevaluated pair.
fn affine(base: f32, base_tail: f32, u: f32, u_tail: f32, v: f32, v_tail: f32, ij: vec2<f32>) -> vec2<f32> {
    let a = pin(ij.x * u);
    let b = pin(ij.y * v);
    let first = pin(base + a);
    let second = pin(first + b);
    let errors = pin(sum_error(base, a, first) + sum_error(first, b, second));
    let tail = pin(pin(base_tail + pin(ij.x * u_tail)) + pin(ij.y * v_tail));
    return vec2<f32>(second, pin(tail + errors));
}

// What `sum = a + b` lost by rounding (Knuth's TwoSum).
fn sum_error(a: f32, b: f32, sum: f32) -> f32 {
    let t = pin(sum - a);
    return pin(a - pin(sum - t)) + pin(b - t);
}

fn axis(point: vec2<f32>, slope: f32) -> Axis {
    let nearest = floor(point.x + 0.5);
    let is_parallel = abs(slope) < PARALLEL;
    let exact = pin(point.x - nearest) + point.y;
    // A ray in a plane lies behind it all along: rounding would have it pass the plane on the way.
    let fraction = select(exact, 0.0, is_parallel && abs(exact) < IN_PLANE);
    let inverse = select(reciprocal(slope), PARALLEL_INVERSE, is_parallel);
    return Axis(fraction, inverse, i32(nearest), select(slope, PARALLEL, is_parallel), is_parallel);
}

fn distance_to(a: Axis, plane: i32) -> f32 {
    return (f32(plane - a.origin) - a.fraction) * a.inverse;
}

// Distances at which the ray enters and leaves `first..end` along one axis.
fn entry_exit(a: Axis, first: i32, end: i32) -> vec2<f32> {
    if (a.is_parallel) {
        let cell = a.origin + i32(floor(a.fraction));
        return select(vec2<f32>(FAR, -FAR), vec2<f32>(-FAR, FAR), cell >= first && cell < end);
    }
    let p = distance_to(a, first);
    let q = distance_to(a, end);
    return vec2<f32>(min(p, q), max(p, q));
}

// First plane that the ray meets after distance `t`.
fn next_plane(a: Axis, first: i32, end: i32, t: f32) -> i32 {
    let along = select(pin(t * a.slope), 0.0, a.is_parallel);
    let cell = clamp(a.origin + i32(floor(along + a.fraction)), first, end - 1);
    let up = a.inverse > 0.0;
    let step = select(-1, 1, up);
    var plane = select(cell, cell + 1, up);
    if (distance_to(a, plane) <= t) {
        plane += step;
    } else if (distance_to(a, plane - step) > t && !a.is_parallel) {
        plane -= step;
    }
    return plane;
}
