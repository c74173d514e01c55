// What an interaction does to the photon, and how directions turn.
// Twin: src/kernels/transport/photons/scatter.rs.

// With a material: 0, absorption, 1, Compton or 2, Rayleigh scattering. What has no energy left has ended.
fn interact(material: u32, rest: f32, part: f32) -> u32 {
    let shares = photon.node * (1u + 3u * params.materials) + 1u + params.materials + 2u * material;
    if (rest < pin(part * numbers[shares])) {
        photon.energy = 0u;
        return 0u;
    }
    let process = select(0u, 1u, rest >= pin(part * numbers[shares + 1u]));
    let words = drawn();
    let energy = f32(photon.energy);
    let node = ((bitcast<u32>(energy) >> 12u) + (words.x & 0xffu)) >> 8u;
    let table = (process * params.materials + material) * 43u + node - 1112u;
    let at = params.cosines_at + table * 257u + (words.x >> 24u);
    let along = f32((words.x >> 8u) & 0xffffu) * 1.5258789e-5;
    let first = numbers[at];
    let cosine = pin(first + pin(pin(along) * pin(numbers[at + 1u] - first)));
    photon.scattered = select(3u, 1u + process, photon.scattered == 0u);
    if (process == 0u) {
        let ratio = reciprocal(1.0 + pin(pin(energy * 1.956951e-6) * (1.0 - cosine)));
        let left = min(u32(pin(energy * ratio) + 0.5), photon.energy);
        photon.energy = select(left, 0u, left < params.cut_off);
    }
    if (photon.energy > 0u) {
        photon.direction = turned(photon.direction, cosine, words.y);
        aim();
        photon.node = node_of(photon.energy, words.y);
    }
    return 1u + process;
}

// A direction after scattering by an angle, at a random azimuth: the upper two bits say in which quarter, the next 24 where in it.
fn turned(old: vec3<f32>, cosine: f32, word: u32) -> vec3<f32> {
    let square = max(pin(pin(1.0 - cosine) * pin(1.0 + cosine)), 1e-30);
    let sine = pin(square * inverse_square_root(square));
    let angle = pin(f32(i32((word >> 6u) & 0xffffffu) - 0x800000) * 9.362675e-8);
    let s = pin(angle * angle);
    let odd = pin(pin(pin(s * -1.984127e-4) + 8.333334e-3) * s) - 1.6666667e-1;
    let even = pin(pin(pin(pin(pin(s * 2.4801587e-5) - 1.3888889e-3) * s) + 4.1666668e-2) * s) - 0.5;
    let c = pin(pin(s * pin(even)) + 1.0);
    let t = pin(pin(pin(angle * s) * pin(odd)) + angle);
    let is_odd = (word & 0x40000000u) != 0u;
    let flip = select(1.0, -1.0, (word & 0x80000000u) != 0u);
    let c1 = pin(pin(flip * sine) * select(c, -t, is_odd));
    let s1 = pin(pin(flip * sine) * select(t, c, is_odd));
    let sign = select(1.0, -1.0, old.z < 0.0);
    let a = -reciprocal(sign + old.z);
    let b = pin(pin(old.x * old.y) * a);
    let first = vec3<f32>(pin(pin(pin(old.x * old.x) * a) * sign) + 1.0, b * sign, -old.x * sign);
    let second = vec3<f32>(b, pin(pin(old.y * old.y) * a) + sign, -old.y);
    let turn = pin3(pin3(first) * c1) + pin3(pin3(second) * s1);
    let fresh = pin3(pin3(old * cosine) + pin3(turn));
    return pin3(fresh * pin(1.5 - pin(0.5 * product(fresh, fresh))));
}
