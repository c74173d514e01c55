use kerma::{
    data::Grid,
    geometry::{Geometry, Source},
};

/// Elements of the matrix of Joseph's projector that are not 0: `each` hears pixel, voxel and weight in mm, pixels in order.
///
/// As the textbook has it: a ray meets the middle planes of the slices across its main axis, the one along which it passes most
/// voxels, and what it meets in a slice is interpolated between four voxels.
pub fn joseph(grid: &Grid, geometry: &Geometry, mut each: impl FnMut(usize, usize, f64)) {
    let [columns, rows] = geometry.detector();
    for (index, view) in geometry.views().iter().enumerate() {
        for pixel in 0..columns * rows {
            let (column, row) = ((pixel % columns) as f64, (pixel / columns) as f64);
            let (origin, direction) = view.ray(geometry.detector(), column, row);
            let reach = match view.source {
                Source::Point(_) => view.pixel_mm(geometry.detector(), column, row).distance(origin),
                Source::Direction(_) => f64::INFINITY,
            };
            let start = grid.index_of(origin).to_array();
            let slope = (grid.orientation().transpose() * direction / grid.spacing_mm()).to_array();
            let main = (0..3).fold(0, |best, axis| if slope[axis].abs() > slope[best].abs() { axis } else { best });
            let step_mm = 1.0 / slope[main].abs();
            for slice in 0..grid.size()[main] {
                let t = (slice as f64 - start[main]) / slope[main];
                if reach.is_finite() && !(0.0..=reach).contains(&t) {
                    continue;
                }
                let mut place = [0, 1, 2].map(|axis| start[axis] + t * slope[axis]);
                place[main] = slice as f64;
                between(grid, place, |voxel, weight| each(index * columns * rows + pixel, voxel, step_mm * weight));
            }
        }
    }
}

/// The voxels that a place lies between, and their weights.
fn between(grid: &Grid, place: [f64; 3], mut each: impl FnMut(usize, f64)) {
    let [nx, ny, _] = grid.size();
    let corners = place.map(f64::floor);
    for corner in 0..8 {
        let voxel = [0, 1, 2].map(|axis| corners[axis] + f64::from(corner >> axis & 1));
        let weight: f64 = (0..3).map(|axis| 1.0 - (place[axis] - voxel[axis]).abs()).product();
        let is_there = (0..3).all(|axis| voxel[axis] >= 0.0 && voxel[axis] < grid.size()[axis] as f64);
        if is_there && weight > 0.0 {
            let [x, y, z] = voxel.map(|v| v as usize);
            each((z * ny + y) * nx + x, weight);
        }
    }
}

/// Elements of the matrix of the projector by trilinear samples that are not 0, as [`joseph`] gives them.
///
/// Samples are half the smallest spacing apart, from the plane through the volume's centre that is parallel to the detector, or for parallel beams
/// from the plane across them.
pub fn trilinear(grid: &Grid, geometry: &Geometry, mut each: impl FnMut(usize, usize, f64)) {
    let [columns, rows] = geometry.detector();
    let step_mm = 0.5 * grid.spacing_mm().min_element();
    let reach_mm = grid.extent_mm().length();
    for (index, view) in geometry.views().iter().enumerate() {
        for pixel in 0..columns * rows {
            let (column, row) = ((pixel % columns) as f64, (pixel / columns) as f64);
            let (origin, direction) = view.ray(geometry.detector(), column, row);
            let (middle_mm, range) = match view.source {
                Source::Point(source) => {
                    let normal = view.u_step.cross(view.v_step);
                    let middle = (grid.centre_mm() - source).dot(normal) / direction.dot(normal);
                    (middle, [0.0, view.pixel_mm(geometry.detector(), column, row).distance(source)])
                }
                Source::Direction(_) => {
                    let middle = (grid.centre_mm() - origin).dot(direction);
                    (middle, [middle - reach_mm, middle + reach_mm])
                }
            };
            let far = (4.0 * reach_mm / step_mm) as i64;
            for k in -far..=far {
                let t = middle_mm + k as f64 * step_mm;
                if t >= range[0] && t <= range[1] {
                    let place = grid.index_of(origin + t * direction).to_array();
                    between(grid, place, |voxel, weight| each(index * columns * rows + pixel, voxel, step_mm * weight));
                }
            }
        }
    }
}
