// What the detector gets of the photon.
// Twin: src/kernels/transport/photons/arrival.rs.

const NO_PIXEL = 0xffffffffu;

fn affine(factors: vec4<f32>) -> f32 {
    return product(factors.xyz, photon.position) + factors.w;
}

// The pixel that the photon flies to, if it does.
fn pixel_of() -> u32 {
    let speed = -product(params.height.xyz, photon.step);
    let height = affine(params.height);
    if (speed < 1e-6 || height <= 0.0) {
        return NO_PIXEL;
    }
    let path = pin(height * reciprocal(speed));
    let column = affine(params.column) + pin(path * pin(product(params.column.xyz, photon.step)));
    let row = affine(params.row) + pin(path * pin(product(params.row.xyz, photon.step)));
    if (column >= 0.0 && column < f32(params.detector_columns) && row >= 0.0 && row < f32(params.detector_rows)) {
        return u32(row) * params.detector_columns + u32(column);
    }
    return NO_PIXEL;
}

// A share of the photon on its way to the detector; the amount's part behind the point is kept with its probability.
fn arrive(share: f32, word: u32) {
    let pixel = pixel_of();
    if (pixel != NO_PIXEL) {
        let amount = u32(pin(f32(lists[3u * params.bins + photon.node]) * share) + pin(unit(word)));
        let sum = 8u + params.regions * 16u + pixel * 8u + 2u * photon.scattered;
        tallies_add(sum, amount);
        tallies_add(sum + 1u, amount * amount);
    }
}

// Gives the detector the share of the photon that is expected to get there without another interaction.
fn expect() {
    if (params.expects == 0u || pixel_of() == NO_PIXEL) {
        return;
    }
    let row = photon.node * (1u + 3u * params.materials);
    var share = 1.0;
    var position = photon.position;
    var words = vec4<u32>();
    for (var n = 0u; ; n++) {
        if ((n & 3u) == 0u) {
            words = drawn();
        }
        position = pin3(position + pin3(photon.step * path_of(pin(0.5 * numbers[row]), words[n & 3u])));
        if (any(position < vec3<f32>(0.0)) || any(position >= params.size.xyz)) {
            break;
        }
        let place = vec3<u32>(position);
        let voxel = voxels_at(place.z * u32(params.size.y) + place.y, place.x, u32(params.size.x));
        let fractions = params.fractions_at + (voxel & ((1u << params.composition_bits) - 1u)) * params.materials;
        var sum = 0.0;
        for (var material = 0u; material < params.materials; material++) {
            sum = sum + pin(numbers[fractions + material] * numbers[row + 1u + material]);
        }
        share = pin(share * (1.0 - pin(0.5 * sum)));
    }
    arrive(share, drawn().x);
}
