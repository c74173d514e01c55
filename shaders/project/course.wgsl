// The axes of a ray, for shaders that bind `params` and `views`. Twin: `axes` in src/kernels/project/walk.rs.

// The ray's planes along each axis; `length` is what a unit of its parameter is in mm.
struct Course {
    x: Axis,
    y: Axis,
    z: Axis,
    length: f32,
}

// The ray to a pixel, whose place is counted from the detector's centre.
fn course(view: u32, ij: vec2<f32>) -> Course {
    let d = views[view].direction;
    let dx = affine(d.base.x, d.base_tail.x, d.u.x, d.u_tail.x, d.v.x, d.v_tail.x, ij);
    let dy = affine(d.base.y, d.base_tail.y, d.u.y, d.u_tail.y, d.v.y, d.v_tail.y, ij);
    let dz = affine(d.base.z, d.base_tail.z, d.u.z, d.u_tail.z, d.v.z, d.v_tail.z, ij);
    let p = views[view].point;
    let px = affine(p.base.x, p.base_tail.x, p.u.x, p.u_tail.x, p.v.x, p.v_tail.x, ij);
    let py = affine(p.base.y, p.base_tail.y, p.u.y, p.u_tail.y, p.v.y, p.v_tail.y, ij);
    let pz = affine(p.base.z, p.base_tail.z, p.u.z, p.u_tail.z, p.v.z, p.v_tail.z, ij);

    let sx = dx.x + dx.y;
    let sy = dy.x + dy.y;
    let sz = dz.x + dz.y;
    let mx = pin(sx * params.spacing_x);
    let my = pin(sy * params.spacing_y);
    let mz = pin(sz * params.spacing_z);
    let square = pin(pin(pin(mx * mx) + pin(my * my)) + pin(mz * mz));
    let per_mm = inverse_square_root(square);
    let length = pin(square * per_mm);
    return Course(axis(px, pin(sx * per_mm)), axis(py, pin(sy * per_mm)), axis(pz, pin(sz * per_mm)), length);
}
