// Connected components by union–find, in one workgroup: its barriers order the phases, other groups do not exist.
// Twin, connectivity and why the result is unique: src/kernels/mask/labels.rs.

const NONE = 0xffffffffu;

// A word of what is labelled; nothing outside the image, where unsigned coordinates below zero lie too.
fn word_at(y: u32, word: u32) -> u32 {
    if (y >= params.rows || word >= params.words) {
        return 0u;
    }
    let in_row = params.columns - 32u * word;
    let valid = select(0xffffffffu, (1u << (in_row & 31u)) - 1u, in_row < 32u);
    return (mask[mask_row(y) * params.words + word] ^ params.flip) & valid;
}

// Parents are smaller than their children, so this ends. Paths are halved with atomicMin, so that a link that another
// invocation has just made to a smaller parent is never undone.
fn root_of(pixel: u32) -> u32 {
    var x = pixel;
    var parent = atomicLoad(&labels[x]);
    while (parent != x) {
        let next = atomicLoad(&labels[parent]);
        if (next != parent) {
            atomicMin(&labels[x], next);
        }
        x = parent;
        parent = next;
    }
    return x;
}

// The larger of two roots gets the smaller as parent. Where another invocation was faster, the parent that it had set
// and the smaller root are still to be united; both are smaller than the root in question, so this ends.
fn unite(first: u32, second: u32) {
    var a = root_of(first);
    var b = root_of(second);
    while (a != b) {
        let high = max(a, b);
        let low = min(a, b);
        let found = atomicMin(&labels[high], low);
        if (found == high) {
            return;
        }
        a = root_of(found);
        b = root_of(low);
    }
}

// Unites the pixels of `bits`, the first of which would be `pixel`, with those `back` places before them.
fn unite_all(pixels: u32, pixel: u32, back: u32) {
    var bits = pixels;
    while (bits != 0u) {
        let p = pixel + countTrailingZeros(bits);
        unite(p, p - back);
        bits &= bits - 1u;
    }
}

@compute @workgroup_size(WORKGROUP_WIDE, 1)
fn main(@builtin(local_invocation_index) thread: u32) {
    let columns = params.columns;
    let word_count = params.words;
    let all_words = word_count * params.rows;

    // Every pixel begins with the first pixel of its run within the word.
    for (var i = thread; i < all_words; i += WORKGROUP_WIDE) {
        let y = i / word_count;
        let word = i % word_count;
        let bits = word_at(y, word);
        let first = y * columns + 32u * word;
        var label = NONE;
        for (var k = 0u; k < min(32u, columns - 32u * word); k++) {
            let is_set = ((bits >> k) & 1u) == 1u;
            label = select(NONE, min(label, first + k), is_set);
            atomicStore(&labels[first + k], label);
        }
    }
    storageBarrier();

    // Runs go on across words, and touch runs of the row above. One contact of two runs is enough.
    for (var i = thread; i < all_words; i += WORKGROUP_WIDE) {
        let y = i / word_count;
        let word = i % word_count;
        let first = y * columns + 32u * word;
        let here = word_at(y, word);
        let before = word_at(y, word - 1u);
        let up = word_at(y - 1u, word);
        let left = (here << 1u) | (before >> 31u);
        let up_left = (up << 1u) | (word_at(y - 1u, word - 1u) >> 31u);
        unite_all(here & 1u & left, first, 1u);
        unite_all(here & up & ~(left & up_left), first, columns);
        if (params.neighbours == 8u) {
            let right = (here >> 1u) | (word_at(y, word + 1u) << 31u);
            let up_right = (up >> 1u) | (word_at(y - 1u, word + 1u) << 31u);
            unite_all(here & ~up & ~left & up_left, first, columns + 1u);
            unite_all(here & ~up & ~right & up_right, first, columns - 1u);
        }
    }
    storageBarrier();

    for (var p = thread; p < columns * params.rows; p += WORKGROUP_WIDE) {
        if (atomicLoad(&labels[p]) != NONE) {
            // Only pixels that are no roots change, and only to their root.
            atomicMin(&labels[p], root_of(p));
        }
    }
}
