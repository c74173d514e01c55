use super::{Phantom, Rule, solid::Relation};
use crate::{
    data::{DataError, Grid, Unit, Volume},
    parallel::*,
};
use glam::{DMat3, DVec3};

/// Share of a voxel that is no reason for another one.
const SLACK: f64 = 1e-6;

impl Phantom {
    /// Voxels of `spacing_mm` about the origin, as many as hold all shapes.
    ///
    /// # Errors
    /// [`DataError`] when the spacing is not positive, or there would be too many.
    pub fn grid(&self, spacing_mm: f64) -> Result<Grid, DataError> {
        self.grid_of(DVec3::splat(spacing_mm))
    }

    /// [`Self::grid`] of voxels with three sides of their own.
    pub(crate) fn grid_of(&self, spacing_mm: DVec3) -> Result<Grid, DataError> {
        let reach = self.parts.iter().map(|(shape, _)| {
            let (low, high) = shape.clipped_bounds();
            low.abs().max(high.abs())
        });
        let count = reach.fold(DVec3::ZERO, DVec3::max) * 2.0 / spacing_mm - SLACK;
        Grid::centred(count.ceil().to_array().map(|count| count.max(1.0) as usize), spacing_mm.to_array())
    }

    /// Volume of mean values, in mm⁻¹.
    ///
    /// A voxel that no surface crosses takes its value exactly; every other is the mean of `supersampling`³ points at
    /// the centres of equal parts (0 counts as 1: the voxel's centre alone). Surfaces are found by halving each slice
    /// until the boxes are clear of them, so the cost follows the surfaces rather than the volume. Slices run in
    /// parallel; the values do not depend on how many threads do.
    #[must_use]
    pub fn voxelise(&self, grid: &Grid, supersampling: usize) -> Volume {
        let mut volume = Volume::zeros(*grid, Unit::PerMillimetre);
        let own: Vec<f64> = self.parts.iter().map(|(_, value)| *value).collect();
        self.fill(grid, supersampling, &own, volume.values_mut());
        volume
    }

    /// [`Self::voxelise`] for one or more values in place of each shape's own, `[part][value]`: means, `[z][y][x][value]`.
    pub(crate) fn fill(&self, grid: &Grid, supersampling: usize, of_parts: &[f64], means: &mut [f32]) {
        let [nx, ny, _] = grid.size();
        let width = means.len() / grid.voxel_count();
        let all: Vec<Near> = (0..self.parts.len()).map(|part| Near { part, inside: false }).collect();
        means.par_chunks_mut(nx * ny * width).enumerate().for_each(|(z, means)| {
            let supersampling = supersampling.max(1);
            Slice { phantom: self, grid, z, supersampling, of_parts, width, means }.fill([0, 0], [nx, ny], &all);
        });
    }
}

/// A shape that reaches into a box: all of the box, or possibly a part of it.
#[derive(Clone, Copy)]
struct Near {
    part: usize,
    inside: bool,
}

struct Slice<'a> {
    phantom: &'a Phantom,
    grid: &'a Grid,
    z: usize,
    supersampling: usize,
    of_parts: &'a [f64],
    /// Values of each part.
    width: usize,
    means: &'a mut [f32],
}

impl Slice<'_> {
    /// Fills columns `from[0]..to[0]` of rows `from[1]..to[1]`; `near` lists the shapes that may reach them, in order.
    fn fill(&mut self, from: [usize; 2], to: [usize; 2], near: &[Near]) {
        let near = self.narrowed(from, to, near);
        let [width, height] = [to[0] - from[0], to[1] - from[1]];
        if near.iter().all(|n| n.inside) {
            let mut values = vec![0.0; self.width];
            self.add(&mut values, near.iter().map(|n| n.part));
            self.paint(from, to, &values);
        } else if width.max(height) == 1 {
            let values = self.sampled(from, &near);
            self.paint(from, to, &values);
        } else if width >= height {
            let middle = from[0] + width / 2;
            self.fill(from, [middle, to[1]], &near);
            self.fill([middle, from[1]], to, &near);
        } else {
            let middle = from[1] + height / 2;
            self.fill(from, [to[0], middle], &near);
            self.fill([from[0], middle], to, &near);
        }
    }

    /// The shapes that matter within a part of the slice: those that miss it go, as do those that one shape covers.
    fn narrowed(&self, from: [usize; 2], to: [usize; 2], near: &[Near]) -> Vec<Near> {
        let low = DVec3::new(from[0] as f64, from[1] as f64, self.z as f64) - 0.5;
        let high = DVec3::new(to[0] as f64, to[1] as f64, self.z as f64 + 1.0) - 0.5;
        let centre = self.grid.world_mm(low.midpoint(high));
        let turn = self.grid.orientation();
        let turn = DMat3::from_cols(turn.x_axis.abs(), turn.y_axis.abs(), turn.z_axis.abs());
        let half = turn * (self.grid.spacing_mm() * (high - low) / 2.0);
        let mut kept: Vec<Near> = Vec::with_capacity(near.len());
        for &Near { part, inside } in near {
            let relation = if inside { Relation::Inside } else { self.phantom.parts[part].0.relation(centre, half) };
            if relation == Relation::Inside && self.phantom.rule == Rule::Overwrite {
                kept.clear();
            }
            if relation != Relation::Outside {
                kept.push(Near { part, inside: relation == Relation::Inside });
            }
        }
        kept
    }

    /// Adds the values where exactly these shapes, in order, overlap.
    fn add(&self, sums: &mut [f64], mut parts: impl DoubleEndedIterator<Item = usize> + Clone) {
        let value = |part: usize, number: usize| self.of_parts[part * self.width + number];
        match self.phantom.rule {
            Rule::Add => {
                for (number, sum) in sums.iter_mut().enumerate() {
                    *sum += parts.clone().map(|part| value(part, number)).sum::<f64>();
                }
            }
            Rule::Overwrite => {
                if let Some(top) = parts.next_back() {
                    sums.iter_mut().enumerate().for_each(|(number, sum)| *sum += value(top, number));
                }
            }
        }
    }

    fn sampled(&self, [x, y]: [usize; 2], near: &[Near]) -> Vec<f64> {
        let count = self.supersampling;
        let offset = |i: usize| (i as f64 + 0.5) / count as f64 - 0.5;
        let centre = DVec3::new(x as f64, y as f64, self.z as f64);
        let mut sums = vec![0.0; self.width];
        for k in 0..count {
            for j in 0..count {
                for i in 0..count {
                    let point = self.grid.world_mm(centre + DVec3::new(offset(i), offset(j), offset(k)));
                    let holding = near.iter().filter(|n| n.inside || self.phantom.parts[n.part].0.contains(point));
                    self.add(&mut sums, holding.map(|n| n.part));
                }
            }
        }
        sums.iter_mut().for_each(|sum| *sum /= (count * count * count) as f64);
        sums
    }

    fn paint(&mut self, from: [usize; 2], to: [usize; 2], values: &[f64]) {
        let (nx, width) = (self.grid.size()[0], self.width);
        for y in from[1]..to[1] {
            for means in self.means[(y * nx + from[0]) * width..(y * nx + to[0]) * width].chunks_exact_mut(width) {
                // Adding 0 turns −0 into 0.
                means.iter_mut().zip(values).for_each(|(mean, value)| *mean = *value as f32 + 0.0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::PI;

    use glam::DQuat;

    use super::*;
    use crate::phantom::{NAMES, Shape, by_name};

    fn total_mm3(volume: &Volume) -> f64 {
        let voxel = volume.grid().spacing_mm().element_product();
        volume.values().iter().map(|&v| f64::from(v)).sum::<f64>() * voxel
    }

    #[test]
    fn shapes_keep_their_volume() {
        let turn = DQuat::from_axis_angle(DVec3::new(1.0, 2.0, 3.0).normalize(), 0.8);
        let (centre, half) = (DVec3::new(1.3, -0.7, 0.4), DVec3::new(14.0, 9.0, 6.0));
        let (end, radius) = (DVec3::new(8.0, 3.0, -5.0), 5.0);
        for (shape, want) in [
            (Shape::ellipsoid(centre, half, turn).unwrap(), 4.0 / 3.0 * PI * half.element_product()),
            (Shape::cuboid(centre, half, turn).unwrap(), 8.0 * half.element_product()),
            (Shape::cylinder(centre, [14.0, 9.0], 6.0, turn).unwrap(), 2.0 * PI * half.element_product()),
            (
                Shape::capsule(-end, end, radius).unwrap(),
                PI * radius * radius * (2.0 * end.length() + 4.0 / 3.0 * radius),
            ),
        ] {
            let grid = Grid::centred([40, 40, 40], [1.0, 1.0, 1.0]).unwrap();
            let found = total_mm3(&Phantom::new(Rule::Add, vec![(shape, 1.0)]).voxelise(&grid, 4));
            assert!((found / want - 1.0).abs() < 2e-3, "{found}, want {want}");
        }
    }

    #[test]
    fn halving_gives_what_sampling_every_voxel_gives() {
        let turn = DMat3::from_quat(DQuat::from_axis_angle(DVec3::new(1.0, -1.0, 2.0).normalize(), 0.6));
        for name in NAMES {
            let phantom = by_name(name, 2).unwrap();
            for orientation in [DMat3::IDENTITY, turn] {
                let grid = Grid::new([23, 17, 9], [9.1, 11.3, 17.7], [-95.0, -80.0, -60.0], orientation).unwrap();
                let volume = phantom.voxelise(&grid, 2);
                for (index, &value) in volume.values().iter().enumerate() {
                    let voxel = DVec3::new((index % 23) as f64, (index / 23 % 17) as f64, (index / 23 / 17) as f64);
                    let corners =
                        (0..8).map(|c| DVec3::from_array([0, 1, 2].map(|a| f64::from(c >> a & 1) / 2.0 - 0.25)));
                    let want = corners.map(|o| phantom.value_at(grid.world_mm(voxel + o))).sum::<f64>() / 8.0;
                    assert!((f64::from(value) - want).abs() < 1e-7, "{name} {voxel}: {value}, want {want}");
                }
            }
        }
    }

    #[test]
    fn grids_hold_all_shapes_and_little_more() {
        for (name, size) in [("chest", [95, 65, 100]), ("water-cylinder", [50, 50, 50])] {
            assert_eq!(by_name(name, 4).unwrap().grid(4.0).unwrap().size(), size, "{name}");
        }
        let at_x = Shape::ellipsoid(DVec3::X * 30.0, DVec3::splat(9.5), DQuat::IDENTITY).unwrap();
        let phantom = Phantom::new(Rule::Add, vec![(at_x, 1.0)]);
        assert_eq!(phantom.grid(2.0).unwrap().size(), [40, 10, 10]);
        assert!(phantom.grid(0.0).is_err());
    }

    #[test]
    fn without_supersampling_a_voxel_is_its_centre() {
        let phantom = by_name("shepp-logan", 0).unwrap();
        let grid = Grid::centred([33, 31, 5], [8.0, 8.0, 20.0]).unwrap();
        assert_eq!(phantom.voxelise(&grid, 0), phantom.voxelise(&grid, 1));
    }
}
