// Rays by the planes between voxels: one invocation for one ray.
// Twin, formula and units: src/kernels/project/planes.rs.

// Number of the cell that a parallel ray stays in, else of the plane that distances are counted from.
fn cell(a: Axis) -> i32 {
    return select(a.origin, a.origin + i32(floor(a.fraction)), a.is_parallel);
}

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.columns || id.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + id.y;
    let view = row / params.rows;
    let j = row % params.rows;
    let c = course(view, vec2<f32>(f32(id.x) - params.half_columns, f32(j) - params.half_rows));
    let ex = entry_exit(c.x, 0, i32(params.nx));
    let ey = entry_exit(c.y, 0, i32(params.ny));
    let ez = entry_exit(c.z, 0, i32(params.nz));
    let range = views[view].range;
    let start = max(max(ex.x, ey.x), max(ez.x, range.x * c.length));
    let end = min(min(ex.y, ey.y), min(ez.y, range.y * c.length));
    let parallel = u32(c.x.is_parallel) | (u32(c.y.is_parallel) << 1u) | (u32(c.z.is_parallel) << 2u);
    planes[planes_row(row) * params.columns + id.x] = Planar(
        start, end,
        c.x.fraction, c.y.fraction, c.z.fraction,
        c.x.inverse, c.y.inverse, c.z.inverse,
        cell(c.x), cell(c.y), cell(c.z),
        parallel,
    );
}
