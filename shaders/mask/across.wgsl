// Dilation or erosion along rows by up to 31 pixels, one invocation per word; shifts are doubled.
// Twin: src/kernels/mask/across.rs.

@group(0) @binding(1) var<uniform> params: AcrossParams;
@group(0) @binding(2) var<storage, read> mask: array<u32>;
@group(0) @binding(3) var<storage, read_write> spread: array<u32>;

// The bits of a word that lie in the image.
fn valid(word: u32) -> u32 {
    let left = params.size.x - 32u * word;
    return select(0xffffffffu, (1u << (left & 31u)) - 1u, left < 32u);
}

// A word of what is spread: the set pixels, or the unset ones when eroding; nothing outside the image.
fn word_at(first: u32, word: u32) -> u32 {
    if (word >= params.size.y) {
        return 0u;
    }
    return (mask[first + word] ^ params.size.w) & valid(word);
}

@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let word_count = params.size.y;
    let radius = params.size.z;
    if (id.x >= word_count || id.y >= tile.row_count) {
        return;
    }
    let row = tile.first_row + id.y;
    let first = bound_row(0u, row) * word_count;
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
    spread[bound_row(1u, row) * word_count + id.x] = ((up | down) ^ params.size.w) & valid(id.x);
}
