// Expanded coarser level plus the band through its curve: two neighbouring pixels per invocation.
// Twin, formulas and border: src/kernels/pyramid/collapse.rs, curve.rs and expand.rs.

@group(0) @binding(1) var<uniform> params: CollapseParams;
@group(0) @binding(2) var<storage, read> coarse: array<f32>;
@group(0) @binding(3) var<storage, read> band: array<f32>;
@group(0) @binding(4) var<storage, read> noise: array<f32>;
@group(0) @binding(5) var<storage, read_write> results: array<f32>;

const THREADS = WORKGROUP_WIDE / 2u;

// Coarse neighbours of coarse place `place` for a fine side of `fine_count`: before and behind.
fn neighbours(place: u32, fine_count: u32) -> vec2<u32> {
    let last = (fine_count + 1u) / 2u - 1u;
    let before = select(place - 1u, min(last, 1u), place == 0u);
    let mirror = select(last, last - min(last, 1u), fine_count % 2u == 1u);
    return vec2<u32>(before, select(place + 1u, mirror, place == last));
}

// Weights 1 6 1.
fn at_even(before: f32, here: f32, behind: f32) -> f32 {
    return pin(6.0 * here) + pin(before + behind);
}

// Weights 4 4.
fn at_odd(here: f32, behind: f32) -> f32 {
    return pin(4.0 * pin(here + behind));
}

// Value of a coarse column at the height of a fine row; `rows` are the beginnings of the coarse rows.
fn column(x: u32, rows: vec3<u32>, is_odd: bool) -> f32 {
    if (is_odd) {
        return at_odd(coarse[rows.y + x], coarse[rows.z + x]);
    }
    return at_even(coarse[rows.x + x], coarse[rows.y + x], coarse[rows.z + x]);
}

// Two pixels of the expanded level: columns 2·pair and 2·pair + 1 of a row.
fn expanded(pair: u32, row: u32) -> vec2<f32> {
    let i = row / 2u;
    let near = neighbours(i, params.size.y);
    let rows = vec3<u32>(bound_row(0u, near.x), bound_row(0u, i), bound_row(0u, near.y)) * ((params.size.x + 1u) / 2u);
    let is_odd = row % 2u == 1u;
    let beside = neighbours(pair, params.size.x);
    let here = column(pair, rows, is_odd);
    let behind = column(beside.y, rows, is_odd);
    // 1/64.
    let even = pin(at_even(column(beside.x, rows, is_odd), here, behind) * 0.015625);
    let odd = pin(at_odd(here, behind) * 0.015625);
    if (params.size.z == 1u) {
        return vec2<f32>(floor(even + 0.5), floor(odd + 0.5));
    }
    return vec2<f32>(even, odd);
}

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
