// Path through each material: one invocation walks one ray from voxel face to voxel face, once for every four materials.
// Twin, formula and units: src/kernels/project/thickness.rs.

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.columns || id.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + id.y;
    let at = thickness_row(row) * params.materials * params.columns + id.x;
    let begin = walk(id.x, row);
    for (var first = 0u; first < params.materials; first += 4u) {
        let count = min(params.materials - first, 4u);
        let four = first / 4u * params.composition_count;
        var sum = vec4<f32>(0.0);
        if (tile.resume == 1u) {
            for (var m = 0u; m < count; m++) {
                sum[m] = thickness[at + (first + m) * params.columns];
            }
        }
        var ray = begin;
        while (ray.t < ray.end) {
            let voxel = ray.voxel;
            sum = sum + pin4(piece(&ray) * compositions[four + volume[voxel]]);
        }
        for (var m = 0u; m < count; m++) {
            thickness[at + (first + m) * params.columns] = sum[m];
        }
    }
}
