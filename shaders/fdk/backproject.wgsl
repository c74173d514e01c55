// Voxel-driven back-projection: one invocation gathers one voxel from all views.
// Twin, formula and units: src/kernels/fdk/backproject.rs.

@group(0) @binding(1) var<uniform> params: BackprojectParams;
@group(0) @binding(2) var<storage, read> views: array<ViewMatrix>;
@group(0) @binding(3) var<storage, read> filtered: array<f32>;
@group(0) @binding(4) var<storage, read_write> volume: array<f32>;

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.size.x || id.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + id.y;
    let x = f32(id.x) - params.half_size.x;
    let y = f32(row % params.size.y) - params.half_size.y;
    let z = f32(row / params.size.y) - params.half_size.z;
    let columns = params.detector.x;
    let last = vec2<f32>(params.last_pixel.xy);
    let at = bound_row(2u, row) * params.size.x + id.x;
    var sum = 0.0;
    if (tile.resume == 1u) {
        sum = volume[at];
    }
    var first = bound_row(1u, tile.first_input * params.detector.y) * columns;
    for (var k = 0u; k < tile.input_count; k++) {
        let m = views[tile.first_input + k];
        let nu = pin(pin(pin(m.u.y * y) + pin(m.u.z * z)) + m.u.w) + pin(m.u.x * x);
        let nv = pin(pin(pin(m.v.y * y) + pin(m.v.z * z)) + m.v.w) + pin(m.v.x * x);
        let nw = pin(pin(pin(m.w.y * y) + pin(m.w.z * z)) + m.w.w) + pin(m.w.x * x);
        let scale = reciprocal(nw);
        let u = pin(nu * scale);
        let v = pin(nv * scale);
        if (u >= -0.5 && u <= last.x + 0.5 && v >= -0.5 && v <= last.y + 0.5) {
            let cu = min(max(u, 0.0), last.x);
            let cv = min(max(v, 0.0), last.y);
            let lu = floor(cu);
            let lv = floor(cv);
            let fu = cu - lu;
            let fv = cv - lv;
            let step_u = select(0u, 1u, lu < last.x);
            let step_v = select(0u, columns, lv < last.y);
            let p = first + u32(lv) * columns + u32(lu);
            let p00 = filtered[p];
            let p10 = filtered[p + step_u];
            let p01 = filtered[p + step_v];
            let p11 = filtered[p + step_v + step_u];
            let low = p00 + pin(fu * (p10 - p00));
            let high = p01 + pin(fu * (p11 - p01));
            let value = low + pin(fv * pin(high - low));
            sum = sum + pin(value * pin(scale * scale));
        }
        first += columns * params.detector.y;
    }
    volume[at] = sum;
}
