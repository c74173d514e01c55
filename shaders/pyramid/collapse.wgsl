// Expanded coarser level plus the band through its curve: two neighbouring pixels per invocation.
// Twin, formulas and border: src/kernels/pyramid/collapse.rs, curve.rs and expand.rs.

@group(0) @binding(1) var<uniform> params: CollapseParams;
@group(0) @binding(2) var<storage, read> coarse: array<f32>;
@group(0) @binding(3) var<storage, read> band: array<f32>;
@group(0) @binding(4) var<storage, read> noise: array<f32>;
@group(0) @binding(5) var<storage, read_write> results: array<f32>;

const THREADS = WORKGROUP_WIDE / 2u;

// The same for all invocations: `shape` 0 keeps the band; bit 0 a gain, bit 1 a power, bit 2 noise containment.
fn curved(x: f32) -> f32 {
    let shape = params.size.w;
    if (shape == 0u) {
        return x;
    }
    let size = abs(x);
    var gain = params.constants.x;
    if ((shape & 2u) != 0u) {
        let share = max(pin(size * params.constants.w), 1e-30);
        gain = min(pin(gain * natural_exp(pin(params.constants.y * natural_log(share)))), params.constants.z);
    }
    if ((shape & 4u) != 0u) {
        let inverse = reciprocal(max(pin(params.containment.x * noise[0]), 1e-30));
        let t = min(pin(size * inverse), 16.0);
        let kept = pin(1.0 - pin(natural_exp(-pin(t * t))));
        gain = pin(1.0 + pin(pin(gain - 1.0) * kept));
    }
    let y = pin(x * gain);
    if (params.size.z == 1u) {
        return floor(y + 0.5);
    }
    return y;
}

@compute @workgroup_size(THREADS, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let x = 2u * id.x;
    if (x >= params.size.x || id.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + id.y;
    let level = expanded(id.x, row);
    let source = bound_row(1u, row) * params.size.x + x;
    let target_place = bound_row(3u, row) * params.size.x + x;
    results[target_place] = level.x + curved(band[source]);
    if (x + 1u < params.size.x) {
        results[target_place + 1u] = level.y + curved(band[source + 1u]);
    }
}
