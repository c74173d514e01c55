// Borders of a collimated field from sums of steps, in one workgroup.
// Twin, rule and limits: src/kernels/mask/borders.rs.

const BANDS = 16u;
// Invocations that find the median of one band.
const LANES = 16u;

var<workgroup> below: array<atomic<u32>, BANDS>;
var<workgroup> thresholds: array<u32, BANDS>;
// Per invocation: score and place of the best low and the best high border.
var<workgroup> found: array<vec4<u32>, WORKGROUP_WIDE>;

fn step_at(axis: u32, band: u32, i: u32) -> u32 {
    if (axis == 0u) {
        return step_right[band * params.columns + i];
    }
    return step_down[i * BANDS + band];
}

@compute @workgroup_size(WORKGROUP_WIDE, 1)
fn main(@builtin(local_invocation_index) thread: u32) {
    for (var axis = 0u; axis < 2u; axis++) {
        let length = select(params.columns, params.rows, axis == 1u);
        let across = select(params.rows, params.columns, axis == 1u);
        let reach = length * params.reach_percent / 100u;
        let band = thread / LANES;
        let looked_at = params.sides >> axis;

        // The median, bit by bit: the largest value that no more than half of the steps are below.
        var median = 0u;
        for (var bit = 0x80000000u; bit != 0u; bit >>= 1u) {
            if (thread < BANDS) {
                atomicStore(&below[thread], 0u);
            }
            workgroupBarrier();
            let trial = median | bit;
            var count = 0u;
            for (var i = thread % LANES; i + 1u < length; i += LANES) {
                count += select(0u, 1u, step_at(axis, band, i) < trial);
            }
            atomicAdd(&below[band], count);
            workgroupBarrier();
            if (atomicLoad(&below[band]) <= (max(length, 2u) - 2u) / 2u) {
                median = trial;
            }
            workgroupBarrier();
        }
        if (thread % LANES == 0u) {
            let width = (band + 1u) * across / BANDS - band * across / BANDS;
            let least = width * params.least_step;
            thresholds[band] = max(params.multiple * min(median, 0xffffffffu / params.multiple), least);
        }
        workgroupBarrier();

        var best = vec4<u32>(0u, 0u, 0u, length);
        if (min(length, across) >= params.least_side) {
            for (var i = thread; i + 1u < length; i += WORKGROUP_WIDE) {
                if (i + 1u > reach && i + 1u < length - reach) {
                    continue;
                }
                var score = 0u;
                var count = 0u;
                for (var b = 0u; b < BANDS; b++) {
                    let value = step_at(axis, b, i);
                    score += value;
                    count += select(0u, 1u, value > thresholds[b]);
                }
                if (count < params.least_bands) {
                    continue;
                }
                if (i + 1u <= reach && (looked_at & 1u) != 0u && score > best.x) {
                    best.x = score;
                    best.y = i + 1u;
                }
                if (i + 1u >= length - reach && (looked_at & 4u) != 0u && score >= best.z) {
                    best.z = score;
                    best.w = i + 1u;
                }
            }
        }
        found[thread] = best;
        workgroupBarrier();
        if (thread == 0u) {
            for (var k = 1u; k < WORKGROUP_WIDE; k++) {
                let other = found[k];
                if (other.x > best.x || (other.x == best.x && other.y < best.y)) {
                    best.x = other.x;
                    best.y = other.y;
                }
                if (other.z > best.z || (other.z == best.z && other.w > best.w)) {
                    best.z = other.z;
                    best.w = other.w;
                }
            }
            borders[axis] = best.y;
            borders[axis + 2u] = best.w;
        }
        workgroupBarrier();
    }
}
