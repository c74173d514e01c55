use glam::DVec3;
use kerma::{
    data::Grid,
    geometry::{Geometry, Source, View},
};
use rayon::prelude::*;

/// Back-projection by meeting the detector's plane with the ray through each voxel.
///
/// ```text
/// f(x) = Σ_k q_k(u, v)·((o − s)·n / (x − s)·n)²
/// ```
/// where o is the world's origin, s the source and n the detector's normal; bilinear between pixels, constant for half
/// a pixel beyond the outer ones, zero beyond and behind the source. Shape: `[z][y][x]`; `filtered` is `[view][v][u]`.
#[must_use]
pub fn backproject(filtered: &[f32], geometry: &Geometry, grid: &Grid) -> Vec<f64> {
    let [nx, ny, _] = grid.size();
    let [columns, rows] = geometry.detector();
    let mut volume = vec![0.0; grid.voxel_count()];
    volume.par_chunks_mut(nx).enumerate().for_each(|(line, values)| {
        for (x, value) in values.iter_mut().enumerate() {
            let point = grid.world_mm(DVec3::new(x as f64, (line % ny) as f64, (line / ny) as f64));
            let views = geometry.views().iter().zip(filtered.chunks_exact(rows * columns));
            *value = views.map(|(view, pixels)| seen(view, pixels, [columns, rows], point)).sum();
        }
    });
    volume
}

/// What one view adds to a point.
fn seen(view: &View, pixels: &[f32], detector: [usize; 2], point: DVec3) -> f64 {
    let Meeting { column, row, depth } = Meeting::of(view, detector, point);
    if depth > 0.0 { sample(pixels, detector, column, row) / depth.powi(2) } else { 0.0 }
}

/// Where the ray through a point meets the detector.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Meeting {
    /// Number of the column; integers are pixel centres.
    pub column: f64,
    /// Number of the row.
    pub row: f64,
    /// Distance from the source along the detector's normal, over that of the world's origin; negative behind the source, and 1 for
    /// parallel rays.
    pub depth: f64,
}

impl Meeting {
    /// The ray through `point` and the detector of `view`, which has so many columns and rows.
    #[must_use]
    pub fn of(view: &View, detector: [usize; 2], point: DVec3) -> Self {
        let normal = view.u_step.cross(view.v_step).normalize();
        let (along, depth) = match view.source {
            Source::Point(source) => {
                let ahead = normal * (view.detector_centre - source).dot(normal).signum();
                (point - source, (point - source).dot(ahead) / source.dot(normal).abs())
            }
            Source::Direction(direction) => (direction, 1.0),
        };
        let hit = point + along * ((view.detector_centre - point).dot(normal) / along.dot(normal));
        // Coordinates along steps that need not be perpendicular: solve the Gram equations.
        let offset = hit - view.detector_centre;
        let (u, v) = (view.u_step, view.v_step);
        let (uu, uv, vv) = (u.dot(u), u.dot(v), v.dot(v));
        let (ou, ov) = (offset.dot(u), offset.dot(v));
        let determinant = uu * vv - uv * uv;
        let [nu, nv] = detector.map(|n| (n as f64 - 1.0) / 2.0);
        let column = (ou * vv - ov * uv) / determinant + nu;
        let row = (ov * uu - ou * uv) / determinant + nv;
        Self { column, row, depth }
    }
}

fn sample(pixels: &[f32], [columns, rows]: [usize; 2], column: f64, row: f64) -> f64 {
    let is_seen = |x: f64, count: usize| x >= -0.5 && x <= count as f64 - 0.5;
    if !is_seen(column, columns) || !is_seen(row, rows) {
        return 0.0;
    }
    let weights = |x: f64, count: usize| {
        let x = x.clamp(0.0, count as f64 - 1.0);
        let low = x.floor();
        [(low as usize, 1.0 - (x - low)), ((low as usize + 1).min(count - 1), x - low)]
    };
    let mut sum = 0.0;
    for (j, wv) in weights(row, rows) {
        for (i, wu) in weights(column, columns) {
            sum += wu * wv * f64::from(pixels[j * columns + i]);
        }
    }
    sum
}
