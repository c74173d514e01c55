// Where a view sees a box about a voxel, for shaders that bind `params` with a detector and a margin.
// Twin: src/kernels/project/seen.rs.

const LEAST_W = 1e-6;

// A form at four corners of a box: all of its ends along x and y, at one z.
fn form_at(f: vec4<f32>, low: vec3<f32>, high: vec3<f32>, z: f32) -> vec4<f32> {
    let x = vec4<f32>(low.x, high.x, low.x, high.x);
    let y = vec4<f32>(low.y, low.y, high.y, high.y);
    return pin4(pin4(f.x * x) + pin4(f.y * y)) + pin(pin(f.z * z) + f.w);
}

// Pixels from the first to before the last, between places.
fn span(a: vec4<f32>, b: vec4<f32>, count: u32) -> vec2<u32> {
    let lower = min(a, b);
    let upper = max(a, b);
    let low = pin(min(min(lower.x, lower.y), min(lower.z, lower.w))) - params.margin;
    let high = pin(max(max(upper.x, upper.y), max(upper.z, upper.w))) + params.margin;
    let first = min(max(ceil(low), 0.0), f32(count));
    let end = min(max(floor(high) + 1.0, first), f32(count));
    return vec2<u32>(vec2<f32>(first, end));
}

// Columns and rows, from the first to before the last, that may see a box, whose ends are counted from the volume's centre.
fn pixels(view: ViewForms, low: vec3<f32>, high: vec3<f32>) -> vec4<u32> {
    let wa = form_at(view.w, low, high, low.z);
    let wb = form_at(view.w, low, high, high.z);
    if (any(min(wa, wb) <= vec4<f32>(LEAST_W))) {
        return vec4<u32>(0u, params.columns, 0u, params.rows);
    }
    let a = reciprocal4(wa);
    let b = reciprocal4(wb);
    let columns = span(
        pin4(form_at(view.u, low, high, low.z) * a), pin4(form_at(view.u, low, high, high.z) * b), params.columns,
    );
    let rows = span(
        pin4(form_at(view.v, low, high, low.z) * a), pin4(form_at(view.v, low, high, high.z) * b), params.rows,
    );
    return vec4<u32>(columns, rows);
}
