// Pixels of every component, and the component with the most, in one workgroup.
// Twin: src/kernels/mask/tally.rs.

const NONE = 0xffffffffu;
// Neighbouring pixels that one invocation counts before it adds: most have one label.
const STRETCH = 32u;

var<workgroup> best_label: array<u32, WORKGROUP_WIDE>;
var<workgroup> best_count: array<u32, WORKGROUP_WIDE>;

fn is_counted(pixel: u32) -> bool {
    let x = pixel % params.columns;
    let y = pixel / params.columns;
    let is_border = x == 0u || y == 0u || x + 1u == params.columns || y + 1u == params.rows;
    return is_border || params.border_only == 0u;
}

fn add(label: u32, count: u32) {
    if (label != NONE && count > 0u) {
        atomicAdd(&counts[label], count);
    }
}

@compute @workgroup_size(WORKGROUP_WIDE, 1)
fn main(@builtin(local_invocation_index) thread: u32) {
    let pixel_count = params.columns * params.rows;
    for (var p = thread; p < pixel_count; p += WORKGROUP_WIDE) {
        atomicStore(&counts[p], 0u);
    }
    storageBarrier();

    for (var first = thread * STRETCH; first < pixel_count; first += WORKGROUP_WIDE * STRETCH) {
        var label = NONE;
        var count = 0u;
        for (var p = first; p < min(first + STRETCH, pixel_count); p++) {
            if (labels[p] != label) {
                add(label, count);
                label = labels[p];
                count = 0u;
            }
            count += select(0u, 1u, is_counted(p));
        }
        add(label, count);
    }
    storageBarrier();

    var most = 0u;
    var winner = NONE;
    for (var p = thread; p < pixel_count; p += WORKGROUP_WIDE) {
        let count = atomicLoad(&counts[p]);
        if (count > most) {
            most = count;
            winner = p;
        }
    }
    best_count[thread] = most;
    best_label[thread] = winner;
    workgroupBarrier();
    if (thread == 0u) {
        for (var i = 1u; i < WORKGROUP_WIDE; i++) {
            if (best_count[i] > most || (best_count[i] == most && best_label[i] < winner)) {
                most = best_count[i];
                winner = best_label[i];
            }
        }
        best[0] = winner;
        best[1] = most;
    }
}
