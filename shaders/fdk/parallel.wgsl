// Voxel-driven back-projection of parallel beams perpendicular to z: one invocation gathers some voxels of a row from all views.
// Twin, formula and units: src/kernels/fdk/parallel.rs.

// A driver that computes on the CPU pays for every load, and takes few with voxels side by side; on a GPU neighbouring invocations
// read neighbouring pixels.
const IS_SIDE_BY_SIDE = GROUP_INVOCATIONS < 64u;
const VOXELS = select(4u, 16u, IS_SIDE_BY_SIDE);
const WIDE = WORKGROUP_WIDE / VOXELS;
const STRIDE = select(WIDE, 1u, IS_SIDE_BY_SIDE);
// Voxels whose first one's u is computed anew; those of an invocation side by side are one run.
const RUN = 16u;
// Step below which neighbours are never two pixels apart: sums of a run, below 32, are off by 2⁻²⁰ at most.
const LARGEST_STEP = 1.0 - 1.0 / 65536.0;

fn pixel(line: u32, place: f32) -> f32 {
    return met[line + u32(min(max(place, 0.0), params.last_column))];
}

// u of the first voxel of a run.
fn start_of(form: vec4<f32>, y: f32, run: u32) -> f32 {
    return pin(pin(pin(form.y * y) + form.w) + pin(form.x * (f32(run) - params.half_x)));
}

// Adds a view to a voxel whose u has a whole part and a rest; `here` and `there` are the pixels beside it.
fn added(sum: f32, whole: f32, u: f32, here: f32, there: f32) -> f32 {
    let value = pin(here + pin((u - floor(u)) * pin(there - here)));
    return select(sum, sum + value, whole + u >= -0.5 && whole + u <= params.last_column + 0.5);
}

fn is_narrow(view: u32) -> bool {
    return IS_SIDE_BY_SIDE && abs(views[view].u.x) <= LARGEST_STEP;
}

@compute @workgroup_size(WIDE, WORKGROUP_HIGH)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let column = group.x * WORKGROUP_WIDE + local.x * select(1u, VOXELS, IS_SIDE_BY_SIDE);
    let line = group.y * WORKGROUP_HIGH + local.y;
    if (column >= params.nx || line >= tile.row_count) {
        return;
    }
    let row = tile.first_row + line;
    let y = f32(row % params.ny) - params.half_y;
    let at = volume_row(row) * params.nx;

    var sum: array<f32, VOXELS>;
    if (tile.resume == 1u) {
        for (var i = 0u; i < VOXELS; i++) {
            sum[i] = volume[at + min(column + i * STRIDE, params.nx - 1u)];
        }
    }
    let slice_pixels = params.columns * params.nz;
    var first = (met_row(tile.first_input * params.nz) + row / params.ny) * params.columns;
    let end = tile.first_input + tile.input_count;
    var k = tile.first_input;
    while (k < end) {
        // Of two pixels beside a voxel, its neighbour has had one, or both.
        for (; k < end && is_narrow(k); k++) {
            let form = views[k].u;
            let start = start_of(form, y, column);
            let whole = floor(start);
            let fraction = pin(start - whole);
            let is_ascending = form.x >= 0.0;
            let ahead = select(0.0, 1.0, is_ascending);
            var before = whole + floor(fraction);
            var passed = pixel(first, before + 1.0 - ahead);
            var met_last = passed;
            for (var i = 0u; i < VOXELS; i++) {
                let u = pin(fraction + pin(f32(i) * form.x));
                let place = whole + floor(u);
                passed = select(met_last, passed, place == before);
                met_last = pixel(first, place + ahead);
                before = place;
                let here = select(met_last, passed, is_ascending);
                let there = select(passed, met_last, is_ascending);
                sum[i] = added(sum[i], whole, u, here, there);
            }
            first += slice_pixels;
        }
        for (; k < end && !is_narrow(k); k++) {
            let form = views[k].u;
            for (var i = 0u; i < VOXELS; i++) {
                let run = (column + i * STRIDE) / RUN * RUN;
                let start = start_of(form, y, run);
                let whole = floor(start);
                let u = pin(pin(start - whole) + pin(f32(column + i * STRIDE - run) * form.x));
                let place = whole + floor(u);
                sum[i] = added(sum[i], whole, u, pixel(first, place), pixel(first, place + 1.0));
            }
            first += slice_pixels;
        }
    }
    for (var i = 0u; i < VOXELS; i++) {
        let here = column + i * STRIDE;
        if (here < params.nx) {
            volume[at + here] = sum[i];
        }
    }
}
