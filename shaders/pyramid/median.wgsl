// Median of the magnitudes that the strips counted, as a standard deviation: one workgroup.
// Twin and formula: src/kernels/pyramid/median.rs.

const BINS = 4096u;
// Bins that one invocation adds up.
const OWNED = BINS / WORKGROUP_WIDE;

var<workgroup> sums: array<u32, WORKGROUP_WIDE>;

@compute @workgroup_size(WORKGROUP_WIDE, 1)
fn main(@builtin(local_invocation_index) thread: u32) {
    var owned: array<u32, OWNED>;
    var sum = 0u;
    for (var i = 0u; i < OWNED; i++) {
        for (var strip = 0u; strip < params.strips; strip++) {
            owned[i] += counts[counts_row(strip) * BINS + thread * OWNED + i];
        }
        sum += owned[i];
    }
    sums[thread] = sum;
    workgroupBarrier();
    var all = 0u;
    var below = 0u;
    for (var i = 0u; i < WORKGROUP_WIDE; i++) {
        if (i == thread) {
            below = all;
        }
        all += sums[i];
    }
    let place = results_row(tile.first_row);
    if (all == 0u && thread == 0u) {
        results[place] = 0.0;
    }
    // The rank lies among the bins of exactly one invocation.
    let rank = (all + 1u) / 2u;
    if (rank <= below || rank > below + sum) {
        return;
    }
    var bin = 0u;
    while (below + owned[bin] < rank) {
        below += owned[bin];
        bin++;
    }
    let share = f32(2u * (rank - below) - 1u) * reciprocal(f32(2u * owned[bin]));
    results[place] = pin(f32(thread * OWNED + bin) + pin(share)) * params.scale;
}
