// Photons on their ways through a body, by delta tracking.
// Twin, formulas and units: src/kernels/transport/photons.rs.

struct Photon {
    position: vec3<f32>,
    direction: vec3<f32>,
    step: vec3<f32>,
    energy: u32,
    node: u32,
    scattered: u32,
    number: vec2<u32>,
    draw: u32,
}

const OUTSIDE = 0u;
const NOTHING = 1u;
const ON = 2u;

// How a free path ended.
struct End {
    what: u32,
    voxel: u32,
    material: u32,
    rest: f32,
    part: f32,
}

var<private> photon: Photon;

// The next four random words.
fn drawn() -> vec4<u32> {
    photon.draw++;
    return philox(vec4<u32>(photon.number, photon.draw - 1u, 0u), vec2<u32>(params.key_low, params.key_high));
}

// Number from 0 to 1, 1 excluded.
fn unit(word: u32) -> f32 {
    return f32(word >> 8u) * 5.9604645e-8;
}

fn node_of(energy: u32, word: u32) -> u32 {
    return ((energy + (word & 63u)) >> 6u) - 78u;
}

fn pin3(x: vec3<f32>) -> vec3<f32> {
    return vec3<f32>(pin(x.x), pin(x.y), pin(x.z));
}

fn product(a: vec3<f32>, b: vec3<f32>) -> f32 {
    let p = pin3(a * b);
    return p.x + p.y + p.z;
}

fn aim() {
    photon.step = pin3(photon.direction * params.per_mm.xyz);
}

fn listed(at: u32) -> f32 {
    return bitcast<f32>(lists[at]);
}

// Whether the blades leave a place of the field open: an odd number of their polygon's sides cross the line from it along a.
fn is_open(a: f32, b: f32) -> bool {
    let sides = u32(params.corner.w);
    var at = u32(params.along.w);
    var crossings = 0u;
    for (var side = 0u; side < sides; side++) {
        let from_b = listed(at + 1u);
        let is_between = (from_b > b) != (listed(at + 2u) > b);
        let crossing = listed(at) + pin(listed(at + 3u) * pin(b - from_b));
        crossings += select(0u, 1u, is_between && a < crossing);
        at += 4u;
    }
    return sides == 0u || (crossings & 1u) == 1u;
}

fn emit(index: u32) {
    let low = params.first_low + index;
    photon.position = params.source.xyz;
    photon.number = vec2<u32>(low, params.first_high + select(0u, 1u, low < index));
    photon.draw = 0u;
    photon.scattered = 0u;
    let first = drawn();
    let bin = 3u * high_word(first.x, params.bins);
    photon.energy = lists[bin + select(1u, 2u, first.y >= lists[bin])];
    photon.node = node_of(photon.energy, first.z);
    for (var trial = 0u; trial < 256u; trial++) {
        let words = drawn();
        let a = unit(words.x);
        let b = unit(words.y);
        let to = params.corner.xyz + pin3(params.along.xyz * pin(a)) + pin3(params.across.xyz * pin(b));
        let inverse = inverse_square_root(product(to, to));
        let share = pin(params.source.w * inverse);
        photon.direction = pin3(to * inverse);
        if (unit(words.z) < pin(pin(share * share) * share) && is_open(pin(a), pin(b))) {
            break;
        }
    }
    aim();
}

// Moves the photon to where its ray enters the body's box, if it does.
fn enter() -> bool {
    let step = select(photon.step, vec3<f32>(1e-9), abs(photon.step) < vec3<f32>(1e-9));
    let inverse = vec3<f32>(reciprocal(step.x), reciprocal(step.y), reciprocal(step.z));
    let first = pin3(-photon.position * inverse);
    let last = pin3(pin3(params.size.xyz - photon.position) * inverse);
    let lower = min(first, last);
    let upper = max(first, last);
    let near = max(max(max(0.0, lower.x), lower.y), lower.z);
    let far = min(min(min(1e30, upper.x), upper.y), upper.z);
    if (near >= far) {
        return false;
    }
    photon.position = min(max(photon.position + pin3(photon.step * near), vec3<f32>(0.0)), params.size.xyz);
    return true;
}

// Length of a free path, in mm.
fn path_of(mean: f32, word: u32) -> f32 {
    return pin(-natural_log((f32(word >> 9u) + 0.5) * 1.1920929e-7) * mean);
}

// A free path, and how it ends. One that leaves the body is not gone: it may lead beyond the detector.
fn fly(length: u32, choice: u32) -> End {
    let row = photon.node * (1u + 3u * params.materials);
    let path = path_of(numbers[row], length);
    let next = pin3(photon.position + pin3(photon.step * path));
    if (any(next < vec3<f32>(0.0)) || any(next >= params.size.xyz)) {
        return End(OUTSIDE, 0u, 0u, 0.0, 0.0);
    }
    photon.position = next;
    let place = vec3<u32>(next);
    let voxel = voxels_at(place.z * u32(params.size.y) + place.y, place.x, u32(params.size.x));
    let fractions = params.fractions_at + (voxel & ((1u << params.composition_bits) - 1u)) * params.materials;
    let chosen = unit(choice);
    var below = 0.0;
    for (var material = 0u; material < params.materials; material++) {
        let part = pin(numbers[fractions + material] * numbers[row + 1u + material]);
        let upto = pin(below + part);
        if (chosen < upto) {
            return End(ON, voxel, material, pin(chosen) - below, part);
        }
        below = upto;
    }
    return End(NOTHING, 0u, 0u, 0.0, 0.0);
}

// Each invocation follows every 64th of its row's 1024 photons, and begins the next where one has ended, so that its neighbours do
// not wait for it.
@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= 64u || id.y >= tile.row_count) {
        return;
    }
    var ledger = array<u32, 8>();
    var index = (tile.first_row + id.y) * 1024u + id.x;
    var begun = 0u;
    var is_inside = false;
    loop {
        if (!is_inside) {
            if (begun == 16u || index >= params.count) {
                break;
            }
            emit(index);
            begun++;
            index += 64u;
            ledger[0] += photon.energy;
            is_inside = enter();
            ledger[2] += u32(is_inside);
            if (!is_inside) {
                ledger[1] += photon.energy;
                arrive(1.0, 0u);
            }
            continue;
        }
        let words = drawn();
        ledger[6]++;
        var end = fly(words.x, words.y);
        if (end.what == NOTHING) {
            ledger[6]++;
            end = fly(words.z, words.w);
        }
        if (end.what == OUTSIDE) {
            ledger[1] += photon.energy;
            is_inside = false;
            // A scattered one may have been expected.
            if (params.expects == 0u || photon.scattered == 0u) {
                arrive(1.0, 0u);
            }
        } else if (end.what == ON) {
            let before = photon.energy;
            let event = interact(end.material, end.rest, end.part);
            ledger[3u + event]++;
            if (before != photon.energy) {
                tallies_add((end.voxel >> params.composition_bits) * 16u + 8u + (photon.number.x & 15u), before - photon.energy);
            }
            is_inside = photon.energy > 0u;
            if (is_inside) {
                expect();
            }
        }
    }
    for (var i = 0u; i < 7u; i++) {
        tallies_add(i, ledger[i]);
    }
}
