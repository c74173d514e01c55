// Cosine and redundancy weights before the ramp filter; can exchange rows and columns and add margins on the way.
// Twin, formula and units: src/kernels/fdk/weight.rs.

@group(0) @binding(1) var<uniform> params: WeightParams;
@group(0) @binding(2) var<storage, read> views: array<ViewCosine>;
@group(0) @binding(3) var<storage, read> redundancy: array<f32>;
@group(0) @binding(4) var<storage, read> projections: array<f32>;
@group(0) @binding(5) var<storage, read_write> weighted: array<f32>;

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.size.x || id.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + id.y;
    let view = row / params.size.y;
    let r = row % params.size.y;
    let i = f32(id.x) - params.centre.x;
    let j = f32(r) - params.centre.y;
    let c = views[view];
    let x = pin(pin(i * c.column.x) + pin(j * c.row.x)) + c.base.x;
    let y = pin(pin(i * c.column.y) + pin(j * c.row.y)) + c.base.y;
    let z = pin(pin(i * c.column.z) + pin(j * c.row.z)) + c.base.z;
    let square = pin(pin(x * x) + pin(y * y)) + pin(z * z);
    let cosine = c.base.w * inverse_square_root(square);
    let slice = bound_row(2u, view * params.stride.z) * params.stride.w;
    // Columns in the margins repeat the outermost column.
    let measured = clamp(i32(id.x) - params.margin.x, 0, params.margin.y);
    let value = projections[slice + u32(measured) * params.stride.x + r * params.stride.y];
    let weight = cosine * redundancy[view * params.size.x + id.x];
    weighted[bound_row(3u, row) * params.size.x + id.x] = value * weight;
}
