// Row k of the output holds expression k of every input triple (a, b, c); the host computes the same in Rust.

fn expression(k: u32, a: f32, b: f32, c: f32) -> f32 {
    switch k {
        // Exactness that tier P rests on.
        case 0u: { return a + b; }
        case 1u: { return a - b; }
        case 2u: { return a * b; }
        case 3u: { return reciprocal(a); }
        case 4u: { return inverse_square_root(a); }
        case 5u: { return natural_log(a); }
        case 6u: { return natural_exp(a); }
        case 7u: { return floor(a * 16.0); }
        case 8u: { return ceil(a * 16.0); }
        case 9u: { return trunc(a * 16.0 - 8.0); }
        case 10u: { return min(a, b); }
        case 11u: { return max(a, b); }
        case 12u: { return f32(i32(a * 4096.0) - 2048); }
        case 13u: { return f32(u32(a * 4096.0)); }
        // What pins must keep.
        case 14u: { return pin(a * b) + c; }
        case 15u: { return pin(a * b) - c; }
        case 16u: { return c - pin(a * b); }
        case 17u: { return pin(a * c) + pin(b * c); }
        case 18u: { return pin(a + b) - a; }
        case 19u: { let s = pin(a + b); let t = pin(s - a); return pin(a - pin(s - t)) + pin(b - t); }
        case 20u: { return pin(pin(a * 0.1) * 0.3); }
        case 21u: { return pin(pin(a + 0.1) + 0.3); }
        case 22u: { return a + pin(c * pin(b - a)); }
        case 23u: { return pin(pin(pin(a * b) + c) * b) + a; }
        case 24u: {
            var sum = 0.0;
            for (var i = 0u; i < 16u; i++) { sum = sum + pin(a * (b + pin(f32(i) * c))); }
            return sum;
        }
        case 25u: { return pin(a * a) + pin(b * b) + pin(c * c); }
        case 26u: { return round(f32(i32(a * 64.0)) * 0.5); }
        // What the adapter does without pins; reported, not required.
        case 27u: { return a * b + c; }
        case 28u: { return a * c + b * c; }
        case 29u: { return (a + b) - a; }
        case 30u: { return fma(a, b, c); }
        case 31u: { return a / b; }
        case 32u: { return 1.0 / a; }
        case 33u: { return sqrt(a); }
        case 34u: { return 1.0 / (1.0 / a); }
        default: { return a / 7.0; }
    }
}

@compute @workgroup_size(64, 1)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.count || id.y >= tile.row_count) {
        return;
    }
    let k = tile.first_row + id.y;
    let value = expression(k, inputs[3u * id.x], inputs[3u * id.x + 1u], inputs[3u * id.x + 2u]);
    results[results_row(k) * params.count + id.x] = bitcast<u32>(value);
}
