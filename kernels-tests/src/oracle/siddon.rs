use kerma::{
    data::Volume,
    geometry::{Geometry, Source},
};
use rayon::prelude::*;

/// Line integrals by Siddon's first formulation: all crossings of a ray with all planes are collected and sorted, and
/// the middle of each piece says which voxel it lies in.
///
/// Shape: `[view][v][u]`.
#[must_use]
pub fn project(volume: &Volume, geometry: &Geometry) -> Vec<f64> {
    let [columns, rows] = geometry.detector();
    let mut integrals = vec![0.0; geometry.value_count()];
    integrals.par_chunks_mut(columns).enumerate().for_each_init(Vec::new, |crossings, (line, values)| {
        let (view, row) = (&geometry.views()[line / rows], line % rows);
        for (column, value) in values.iter_mut().enumerate() {
            let (origin, direction) = view.ray(geometry.detector(), column as f64, row as f64);
            let length = view.pixel_mm(geometry.detector(), column as f64, row as f64).distance(origin);
            let ends = match view.source {
                Source::Point(_) => [0.0, length],
                Source::Direction(_) => [f64::NEG_INFINITY, f64::INFINITY],
            };
            // Voxel coordinates in which the planes are integers; the parameter stays in millimetres.
            let grid = volume.grid();
            let start = (grid.index_of(origin) + 0.5).to_array();
            let slope = (grid.orientation().transpose() * direction / grid.spacing_mm()).to_array();
            *value = integral(volume, start, slope, ends, crossings);
        }
    });
    integrals
}

fn integral(
    volume: &Volume,
    start: [f64; 3],
    slope: [f64; 3],
    [first, last]: [f64; 2],
    crossings: &mut Vec<f64>,
) -> f64 {
    let size = volume.grid().size();
    crossings.clear();
    for axis in 0..3 {
        if slope[axis] != 0.0 {
            crossings.extend((0..=size[axis]).map(|plane| (plane as f64 - start[axis]) / slope[axis]));
        }
    }
    crossings.retain(|t| *t > first && *t < last);
    crossings.extend([first, last].iter().filter(|t| t.is_finite()));
    crossings.sort_by(f64::total_cmp);
    let mut sum = 0.0;
    for piece in crossings.windows(2) {
        let middle = piece[0].midpoint(piece[1]);
        let cell = [0, 1, 2].map(|axis| (start[axis] + middle * slope[axis]).floor());
        if (0..3).all(|axis| cell[axis] >= 0.0 && cell[axis] < size[axis] as f64) {
            let [x, y, z] = cell.map(|c| c as usize);
            sum += (piece[1] - piece[0]) * f64::from(volume.values()[(z * size[1] + y) * size[0] + x]);
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use kerma::{
        data::{Grid, Unit},
        geometry::Scan,
    };

    use super::*;

    #[test]
    fn a_diagonal_through_a_cube_has_the_length_of_a_diagonal() {
        let grid: Grid = "4x4x4@2x2x2".parse().unwrap();
        let cube = Volume::new(grid, Unit::PerMillimetre, vec![0.5; 64]).unwrap();
        let scan = "kind = \"parallel\"\nviews = 1\nstart_deg = 45.0\ndetector = [1, 1]\npitch_mm = [1.0, 1.0]\n";
        let geometry = Scan::from_toml(scan).unwrap().build().unwrap();
        let found = project(&cube, &geometry)[0];
        assert!((found - 0.5 * 8.0 * 2.0_f64.sqrt()).abs() < 1e-12, "{found}");
    }
}
