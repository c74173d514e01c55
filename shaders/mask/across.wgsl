// Dilation or erosion along rows by up to 31 pixels, one invocation per word; shifts are doubled.
// Twin: src/kernels/mask/across.rs.

// The bits of a word that lie in the image.
fn valid(word: u32) -> u32 {
    let left = params.columns - 32u * word;
    return select(0xffffffffu, (1u << (left & 31u)) - 1u, left < 32u);
}

// A word of what is spread: the set pixels, or the unset ones when eroding; nothing outside the image.
fn word_at(first: u32, word: u32) -> u32 {
    if (word >= params.words) {
        return 0u;
    }
    return (mask[first + word] ^ params.flip) & valid(word);
}

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let word_count = params.words;
    let radius = params.radius;
    if (id.x >= word_count || id.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + id.y;
    let first = mask_row(row) * word_count;
    let here = word_at(first, id.x);
    // The word before the first wraps around to one beyond the last: outside too.
    var left = word_at(first, id.x - 1u);
    var right = word_at(first, id.x + 1u);
    var up = here;
    var down = here;
    var reached = 0u;
    while (reached < radius) {
        // At most 16, as the radius is at most 31.
        let s = min(reached + 1u, radius - reached);
        up |= (up << s) | (left >> (32u - s));
        left |= left << s;
        down |= (down >> s) | (right << (32u - s));
        right |= right >> s;
        reached += s;
    }
    spread[spread_row(row) * word_count + id.x] = ((up | down) ^ params.flip) & valid(id.x);
}
