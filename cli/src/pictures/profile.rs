use glam::DVec3;
use kerma::data::Volume;

/// Values of a volume along a line, as pairs of distance from `from_mm` in millimetres and trilinear value.
///
/// Both ends are sampled; outside the outermost voxel centres the nearest one counts. Fewer than two samples give two.
pub(crate) fn profile(volume: &Volume, from_mm: DVec3, to_mm: DVec3, samples: usize) -> Vec<[f64; 2]> {
    let last = samples.max(2) - 1;
    let length_mm = from_mm.distance(to_mm);
    (0..=last)
        .map(|sample| {
            let t = sample as f64 / last as f64;
            [t * length_mm, trilinear(volume, from_mm.lerp(to_mm, t))]
        })
        .collect()
}

fn trilinear(volume: &Volume, world_mm: DVec3) -> f64 {
    let (grid, values) = (volume.grid(), volume.values());
    let size = grid.size();
    let top = DVec3::from_array(size.map(|n| (n - 1) as f64));
    let index = grid.index_of(world_mm).clamp(DVec3::ZERO, top);
    let low = index.floor();
    let weight = index - low;
    let mut sum = 0.0;
    for corner in 0..8_usize {
        let step = [corner & 1, corner >> 1 & 1, corner >> 2];
        let mut share = 1.0;
        let mut at = [0; 3];
        for axis in 0..3 {
            share *= if step[axis] == 1 { weight[axis] } else { 1.0 - weight[axis] };
            at[axis] = (low[axis] as usize + step[axis]).min(size[axis] - 1);
        }
        sum += share * f64::from(values[(at[2] * size[1] + at[1]) * size[0] + at[0]]);
    }
    sum
}

#[cfg(test)]
mod tests {
    use kerma::data::{Grid, Unit};

    use super::*;

    #[test]
    fn a_linear_volume_has_a_linear_profile() {
        let grid = Grid::centred([5, 4, 3], [1.0, 2.0, 3.0]).unwrap();
        let mut values = Vec::new();
        for k in 0..3 {
            for j in 0..4 {
                for i in 0..5 {
                    let world = grid.world_mm(DVec3::new(f64::from(i), f64::from(j), f64::from(k)));
                    values.push((world.x + 2.0 * world.y - world.z) as f32);
                }
            }
        }
        let volume = Volume::new(grid, Unit::Arbitrary, values).unwrap();
        let (from, to) = (DVec3::new(-2.0, -3.0, -3.0), DVec3::new(2.0, 3.0, 3.0));
        let line = profile(&volume, from, to, 7);
        assert_eq!(line.len(), 7);
        for [distance, value] in line {
            let at = from.lerp(to, distance / from.distance(to));
            assert!((value - (at.x + 2.0 * at.y - at.z)).abs() < 1e-6);
        }
    }
}
