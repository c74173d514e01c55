// Blur of a detector: columns first, for the columns of a workgroup and those that its rows reach, then rows.
// Twin, formula and border: src/kernels/detector/blur.rs.

// Columns that a workgroup owns, and those that it reaches to either side at most.
const WIDE = WORKGROUP_WIDE;
const MAX_REACH = 128u;
const LINE = WIDE + 2u * MAX_REACH;

var<workgroup> sums: array<f32, LINE * WORKGROUP_HIGH>;

// Place among 0..count, mirrored with the first and the last repeated.
fn mirrored(place: i32, count: u32) -> u32 {
    let period = 2 * i32(count);
    let within = ((place % period) + period) % period;
    return u32(min(within, period - 1 - within));
}

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let column = group.x * WIDE + local.x;
    let line = local.y * LINE;
    // All invocations meet at the barriers; those beyond the end repeat the last row, and write nothing.
    let within = group.y * WORKGROUP_HIGH + local.y;
    let row = tile.first_row + min(within, tile.row_count - 1u);
    let view = row / params.rows;
    let first = view * params.rows;
    let y = i32(row - first);
    var total = 0.0;
    for (var k = 0u; k < params.term_count; k++) {
        let term = k * params.stride;
        let reach = u32(terms[term + 1u]);
        let taps = term + 2u;
        for (var place = local.x; place < WIDE + 2u * reach; place += WIDE) {
            let x = mirrored(i32(group.x * WIDE + place) - i32(reach), params.columns);
            var sum = 0.0;
            for (var n = reach; n > 0u; n--) {
                let above = sharp[sharp_row(first + mirrored(y - i32(n), params.rows)) * params.columns + x];
                let below = sharp[sharp_row(first + mirrored(y + i32(n), params.rows)) * params.columns + x];
                sum = sum + pin(terms[taps + n] * pin(above + below));
            }
            sum = sum + pin(terms[taps] * sharp[sharp_row(row) * params.columns + x]);
            sums[line + place] = sum;
        }
        workgroupBarrier();
        var sum = 0.0;
        let middle = line + local.x + reach;
        for (var n = reach; n > 0u; n--) {
            sum = sum + pin(terms[taps + n] * pin(sums[middle - n] + sums[middle + n]));
        }
        sum = sum + pin(terms[taps] * sums[middle]);
        total = total + pin(terms[term] * pin(sum));
        workgroupBarrier();
    }
    if (column < params.columns && within < tile.row_count) {
        results[results_row(row) * params.columns + column] = total;
    }
}
