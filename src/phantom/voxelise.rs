use super::{Phantom, Rule, solid::Relation};
use crate::{
    data::{Grid, Unit, Volume},
    parallel::*,
};
use glam::{DMat3, DVec3};

impl Phantom {
    /// Volume of mean values, in mm⁻¹.
    ///
    /// A voxel that no surface crosses takes its value exactly; every other is the mean of `supersampling`³ points at
    /// the centres of equal parts (0 counts as 1: the voxel's centre alone). Surfaces are found by halving each slice
    /// until the boxes are clear of them, so the cost follows the surfaces rather than the volume. Slices run in
    /// parallel; the values do not depend on how many threads do.
    #[must_use]
    pub fn voxelise(&self, grid: &Grid, supersampling: usize) -> Volume {
        let mut volume = Volume::zeros(*grid, Unit::PerMillimetre);
        let [nx, ny, _] = grid.size();
        let all: Vec<Near> = (0..self.parts.len()).map(|part| Near { part, inside: false }).collect();
        volume.values_mut().par_chunks_mut(nx * ny).enumerate().for_each(|(z, values)| {
            Slice { phantom: self, grid, z, supersampling: supersampling.max(1), values }.fill([0, 0], [nx, ny], &all);
        });
        volume
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
    values: &'a mut [f32],
}

impl Slice<'_> {
    /// Fills columns `from[0]..to[0]` of rows `from[1]..to[1]`; `near` lists the shapes that may reach them, in order.
    fn fill(&mut self, from: [usize; 2], to: [usize; 2], near: &[Near]) {
        let near = self.narrowed(from, to, near);
        let [width, height] = [to[0] - from[0], to[1] - from[1]];
        if near.iter().all(|n| n.inside) {
            self.paint(from, to, self.mix(near.iter().map(|n| n.part)));
        } else if width.max(height) == 1 {
            self.paint(from, to, self.sampled(from, &near));
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

    /// Value where exactly these shapes, in order, overlap.
    fn mix(&self, parts: impl Iterator<Item = usize>) -> f64 {
        let values = parts.map(|part| self.phantom.parts[part].1);
        match self.phantom.rule {
            Rule::Add => values.sum(),
            Rule::Overwrite => values.last().unwrap_or(0.0),
        }
    }

    fn sampled(&self, [x, y]: [usize; 2], near: &[Near]) -> f64 {
        let count = self.supersampling;
        let offset = |i: usize| (i as f64 + 0.5) / count as f64 - 0.5;
        let centre = DVec3::new(x as f64, y as f64, self.z as f64);
        let mut sum = 0.0;
        for k in 0..count {
            for j in 0..count {
                for i in 0..count {
                    let point = self.grid.world_mm(centre + DVec3::new(offset(i), offset(j), offset(k)));
                    let holding = near.iter().filter(|n| n.inside || self.phantom.parts[n.part].0.contains(point));
                    sum += self.mix(holding.map(|n| n.part));
                }
            }
        }
        sum / (count * count * count) as f64
    }

    fn paint(&mut self, from: [usize; 2], to: [usize; 2], value: f64) {
        let nx = self.grid.size()[0];
        // Adding 0 turns the −0 of an empty sum into 0.
        for y in from[1]..to[1] {
            self.values[y * nx + from[0]..y * nx + to[0]].fill(value as f32 + 0.0);
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
    fn without_supersampling_a_voxel_is_its_centre() {
        let phantom = by_name("shepp-logan", 0).unwrap();
        let grid = Grid::centred([33, 31, 5], [8.0, 8.0, 20.0]).unwrap();
        assert_eq!(phantom.voxelise(&grid, 0), phantom.voxelise(&grid, 1));
    }
}
