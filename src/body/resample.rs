use glam::DVec3;

use crate::{data::Grid, parallel::*};

/// Most parts along an axis: a voxel as long as more of others is the mean of some of them.
const MOST_PARTS: usize = 128;
/// Share of a part that rounding is allowed, so that spacings which are multiples of each other cost no part more.
const SLACK: f64 = 1e-6;

/// Means over the voxels of the grid `on` of what has a value for each voxel of the grid `of`, by its place, and `outside` beyond it.
///
/// A voxel is cut into parts no longer than the voxels of `of`, each of which is a box along the axes of `of` that sees up to 2³ of its
/// voxels by their shares. Where the axes of both grids are parallel, the mean is exact; elsewhere boxes of as much spread stand for
/// those that are turned. The values do not depend on the number of threads.
pub(crate) fn means(of: &Grid, value: impl Fn(usize) -> f32 + Sync, outside: f32, on: &Grid) -> Vec<f32> {
    let first = of.index_of(on.origin_mm());
    let steps = DVec3::AXES.map(|axis| of.index_of(on.world_mm(axis)) - first);
    let counts = steps.map(|step| ((step.abs().max_element() - SLACK).ceil() as usize).clamp(1, MOST_PARTS));
    let parts = [0, 1, 2].map(|axis| steps[axis] / counts[axis] as f64);
    let half =
        parts.map(|part| part * part).into_iter().sum::<DVec3>().to_array().map(|square| square.sqrt().min(1.0) / 2.0);
    let half = DVec3::from_array(half);
    let offset = |axis: usize, i: usize| (i as f64 + 0.5 - counts[axis] as f64 / 2.0) * parts[axis];
    let [across, deep, high] = [0, 1, 2].map(|axis| (0..counts[axis]).map(move |i| offset(axis, i)));
    let offsets: Vec<DVec3> = high
        .flat_map(|z| deep.clone().map(move |y| z + y))
        .flat_map(|from| across.clone().map(move |x| from + x))
        .collect();
    let [width, height, depth] = of.size().map(|n| n as i64);
    let at = |x: i64, y: i64, z: i64| {
        let is_in = (0..width).contains(&x) && (0..height).contains(&y) && (0..depth).contains(&z);
        f64::from(if is_in { value(((z * height + y) * width + x) as usize) } else { outside })
    };
    let mean_of_part = |centre: DVec3| {
        let low = centre - half;
        let voxel = low.floor();
        // Shares of the nearer and of the farther voxel along each axis.
        let near = ((voxel + 1.0 - low) / (2.0 * half)).min(DVec3::ONE);
        let far = DVec3::ONE - near;
        let [x, y, z] = voxel.to_array().map(|v| v as i64);
        let row = |y, z| near.x * at(x, y, z) + far.x * at(x + 1, y, z);
        let slice = |z| near.y * row(y, z) + far.y * row(y + 1, z);
        near.z * slice(z) + far.z * slice(z + 1)
    };
    let [nx, ny, _] = on.size();
    let mut values = vec![0.0_f32; on.voxel_count()];
    values.par_chunks_mut(nx).enumerate().for_each(|(line, values)| {
        // From here on voxel i reaches from i to i + 1.
        let start = first + 0.5 + (line % ny) as f64 * steps[1] + (line / ny) as f64 * steps[2];
        for (x, mean) in values.iter_mut().enumerate() {
            let centre = start + x as f64 * steps[0];
            let sum: f64 = offsets.iter().map(|offset| mean_of_part(centre + *offset)).sum();
            *mean = (sum / offsets.len() as f64) as f32;
        }
    });
    values
}

#[cfg(test)]
mod tests {
    use glam::DMat3;

    use super::*;

    fn close(got: &[f32], want: &[f32]) {
        assert_eq!(got.len(), want.len());
        let worst = got.iter().zip(want).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst < 1e-3, "{got:?} instead of {want:?}");
    }

    #[test]
    fn voxels_are_seen_by_their_shares_and_places_beyond_as_what_is_outside() {
        // Voxels from 0 to 4, and those of 1.5 from −1 to 5.
        let of = Grid::new([4, 1, 1], [1.0; 3], [0.5; 3], DMat3::IDENTITY).unwrap();
        let on = Grid::new([4, 1, 1], [1.5, 1.0, 1.0], [-0.25, 0.5, 0.5], DMat3::IDENTITY).unwrap();
        let [a, b, c, d] = [100.0_f32, 200.0, 300.0, 400.0];
        let want = [-1000.0 + 0.5 * a, 0.5 * a + b, c + 0.5 * d, 0.5 * d - 1000.0].map(|sum| sum / 1.5);
        close(&means(&of, |at| [a, b, c, d][at], -1000.0, &on), &want);
        // Finer voxels than those that are given.
        let fine = Grid::new([4, 1, 1], [0.4, 1.0, 1.0], [0.6, 0.5, 0.5], DMat3::IDENTITY).unwrap();
        let want = [a, (a + b) / 2.0, b, b];
        close(&means(&of, |at| [a, b, c, d][at], -1000.0, &fine), &want);
    }

    #[test]
    fn turned_axes_find_their_voxels() {
        let of = Grid::centred([5, 4, 3], [1.0, 2.0, 1.5]).unwrap();
        let turned = DMat3::from_cols(-DVec3::Y, DVec3::Z, -DVec3::X);
        let on = Grid::new([4, 3, 5], [2.0, 1.5, 1.0], [2.0, 3.0, -1.5], turned).unwrap();
        let got = means(&of, |at| at as f32, 1e6, &on);
        let want = |at: usize| (at / 4 % 3 * 20 + (3 - at % 4) * 5 + 4 - at / 12) as f32;
        close(&got, &(0..60).map(want).collect::<Vec<_>>());
    }
}
