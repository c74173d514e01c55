// Voxel-driven back-projection: one invocation gathers four voxels of each of four rows from all views.
// Twin, formula and units: src/kernels/fdk/backproject.rs.

// Invocations along a row; each takes every 32nd voxel, so that neighbours read neighbouring pixels.
const WIDE = WORKGROUP_WIDE / 4u;
// Rows of one invocation; they share the view's matrix and its products with x.
const ROWS = 4u;

// Products of a view's matrix with x, for four voxels.
struct Columns {
    u: vec4<f32>,
    v: vec4<f32>,
    w: vec4<f32>,
}

// One pixel neighbourhood; `at` is the lower left pixel's place.
fn sample(at: u32, step_u: u32, step_v: u32, fu: f32, fv: f32) -> f32 {
    let p00 = filtered[at];
    let p10 = filtered[at + step_u];
    let p01 = filtered[at + step_v];
    let p11 = filtered[at + step_v + step_u];
    let low = p00 + pin(fu * (p10 - p00));
    let high = p01 + pin(fu * (p11 - p01));
    return low + pin(fv * pin(high - low));
}

// Adds one view to four voxels of the row at (y, z).
fn update(sum: vec4<f32>, m: ViewMatrix, columns: Columns, yz: vec2<f32>, first: u32) -> vec4<f32> {
    let last = vec2<f32>(params.last_column, params.last_row);
    let nu = (pin(pin(m.u.y * yz.x) + pin(m.u.z * yz.y)) + m.u.w) + columns.u;
    let nv = (pin(pin(m.v.y * yz.x) + pin(m.v.z * yz.y)) + m.v.w) + columns.v;
    let nw = (pin(pin(m.w.y * yz.x) + pin(m.w.z * yz.y)) + m.w.w) + columns.w;
    let scale = reciprocal4(nw);
    let u = pin4(nu * scale);
    let v = pin4(nv * scale);
    let seen = (u >= vec4<f32>(-0.5)) & (u <= vec4<f32>(last.x + 0.5))
        & (v >= vec4<f32>(-0.5)) & (v <= vec4<f32>(last.y + 0.5)) & (nw > vec4<f32>(0.0));
    let cu = min(max(u, vec4<f32>(0.0)), vec4<f32>(last.x));
    let cv = min(max(v, vec4<f32>(0.0)), vec4<f32>(last.y));
    let lu = floor(cu);
    let lv = floor(cv);
    let fu = cu - lu;
    let fv = cv - lv;
    let step_u = select(vec4<u32>(0u), vec4<u32>(1u), lu < vec4<f32>(last.x));
    let step_v = select(vec4<u32>(0u), vec4<u32>(params.columns), lv < vec4<f32>(last.y));
    let at = first + vec4<u32>(lv) * params.columns + vec4<u32>(lu);
    let value = vec4<f32>(
        sample(at.x, step_u.x, step_v.x, fu.x, fv.x),
        sample(at.y, step_u.y, step_v.y, fu.y, fv.y),
        sample(at.z, step_u.z, step_v.z, fu.z, fv.z),
        sample(at.w, step_u.w, step_v.w, fu.w, fv.w),
    );
    return select(sum, sum + pin4(value * pin4(scale * scale)), seen);
}

// Position of a row across and along the volume, from its centre.
fn row_position(row: u32) -> vec2<f32> {
    return vec2<f32>(f32(row % params.ny) - params.half_y, f32(row / params.ny) - params.half_z);
}

fn load(row: u32, columns: vec4<u32>) -> vec4<f32> {
    let place = volume_row(row) * params.nx;
    var sum = vec4<f32>(0.0);
    for (var i = 0u; i < 4u; i++) {
        if (columns[i] < params.nx && row < tile.first_row + tile.row_count && tile.resume == 1u) {
            sum[i] = volume[place + columns[i]];
        }
    }
    return sum;
}

fn store(row: u32, columns: vec4<u32>, sum: vec4<f32>) {
    let place = volume_row(row) * params.nx;
    for (var i = 0u; i < 4u; i++) {
        if (columns[i] < params.nx && row < tile.first_row + tile.row_count) {
            volume[place + columns[i]] = sum[i];
        }
    }
}

@compute @workgroup_size(WIDE, WORKGROUP_HIGH / ROWS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let column = group.x * WORKGROUP_WIDE + local.x;
    let line = group.y * WORKGROUP_HIGH + local.y * ROWS;
    if (column >= params.nx || line >= tile.row_count) {
        return;
    }
    let row = tile.first_row + line;
    let columns = vec4<u32>(column) + vec4<u32>(0u, WIDE, 2u * WIDE, 3u * WIDE);
    let x = vec4<f32>(columns) - params.half_x;
    let p0 = row_position(row);
    let p1 = row_position(row + 1u);
    let p2 = row_position(row + 2u);
    let p3 = row_position(row + 3u);
    var s0 = load(row, columns);
    var s1 = load(row + 1u, columns);
    var s2 = load(row + 2u, columns);
    var s3 = load(row + 3u, columns);
    var first = filtered_row(tile.first_input * params.rows) * params.columns;
    for (var k = tile.first_input; k < tile.first_input + tile.input_count; k++) {
        let m = views[k];
        let products = Columns(pin4(m.u.x * x), pin4(m.v.x * x), pin4(m.w.x * x));
        s0 = update(s0, m, products, p0, first);
        s1 = update(s1, m, products, p1, first);
        s2 = update(s2, m, products, p2, first);
        s3 = update(s3, m, products, p3, first);
        first += params.columns * params.rows;
    }
    store(row, columns, s0);
    store(row + 1u, columns, s1);
    store(row + 2u, columns, s2);
    store(row + 3u, columns, s3);
}
