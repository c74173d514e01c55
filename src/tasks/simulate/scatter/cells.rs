//! The body in large cells.

use glam::{DMat3, DVec3};

use super::groups::{Band, GROUPS, Groups};
use crate::{
    body::Body,
    parallel::*,
    physics::{Material, PhysicsError},
};

/// Side of a cell, in millimetres: about half a free path in water.
const CELL_MM: f64 = 24.0;
/// Blocks along a side of a cell: the beam is weakened by them one by one, for at the rims of a body it changes within millimetres.
pub(super) const BLOCKS: usize = 3;
/// Compton scattering at the largest energy, per mm, below which a cell scatters nothing: a hundredth of water's, more than air's.
const LEAST_PER_MM: f32 = 1.5e-4;
/// Centimetres to millimetres.
const MM_PER_CM: f64 = 10.0;

/// Cells of whole blocks of a body's voxels, in coordinates of their own: mm from the corner along the axes.
///
/// A cell has [`BLOCKS`]³ blocks, each of which is the mean of its voxels.
#[derive(Clone)]
pub(super) struct Cells {
    pub(super) size: [usize; 3],
    pub(super) side_mm: DVec3,
    corner_mm: DVec3,
    axes: DMat3,
    /// By material and group: attenuation, Compton and coherent scattering, per mm.
    by_group: Vec<[[f64; 3]; GROUPS]>,
    /// A row of fractions for each block.
    fractions: Vec<f64>,
    pub(super) optics: Vec<Optics>,
    /// By energy of the beam, then material: attenuation, and that without what coherent scattering leaves in the beam, per mm.
    beam_per_mm: Vec<[f64; 2]>,
}

/// What a cell does to photons, per mm.
#[derive(Clone, Copy, Default)]
pub(super) struct Optics {
    /// Attenuation without what coherent scattering leaves in the beam.
    pub(super) removal: Band,
    pub(super) compton: Band,
    /// Coherent scattering that is as good as one in all directions alike.
    pub(super) turned: Band,
    pub(super) is_empty: bool,
}

impl Cells {
    pub(super) fn new(body: &Body, groups: &Groups) -> Result<Self, PhysicsError> {
        let grid = body.grid();
        let (voxels, spacing) = (grid.size(), grid.spacing_mm().to_array());
        let block = spacing.map(|mm| ((CELL_MM / BLOCKS as f64 / mm).round() as usize).max(1));
        let size: [usize; 3] = std::array::from_fn(|axis| voxels[axis].div_ceil(BLOCKS * block[axis]));
        let side_mm = DVec3::from_array(std::array::from_fn(|axis| spacing[axis] * (BLOCKS * block[axis]) as f64));
        let fractions = fractions(body, block, size.map(|n| BLOCKS * n));
        let count = body.materials().len();
        let by_group: Vec<[[f64; 3]; GROUPS]> = body
            .materials()
            .iter()
            .map(|of| try_band(|group| coefficients(of, groups.kev[group])))
            .collect::<Result<_, _>>()?;
        let optics = (0..size.iter().product()).into_par_iter().map(|cell| {
            let mut row = vec![0.0; count];
            for block in 0..BLOCKS.pow(3) {
                let fractions = &fractions[block_of(size, cell, block) * count..][..count];
                row.iter_mut().zip(fractions).for_each(|(mean, f)| *mean += f / BLOCKS.pow(3) as f64);
            }
            let mut optics = Optics::default();
            for group in 0..GROUPS {
                let sum = |k: usize| row.iter().zip(&by_group).map(|(f, of)| f * of[group][k]).sum::<f64>();
                let (total, coherent, forward) = (sum(0), sum(2), groups.forward[group]);
                optics.removal[group] = (total - forward * coherent) as f32;
                optics.compton[group] = sum(1) as f32;
                optics.turned[group] = ((1.0 - forward) * coherent) as f32;
            }
            optics.is_empty = optics.compton[GROUPS - 1] < LEAST_PER_MM;
            optics
        });
        let optics = optics.collect();
        let mut beam_per_mm = Vec::new();
        for step in 0..groups.beam_count() {
            let (low, share) = groups.of_beam(step);
            let forward = groups.forward[low] + share * (groups.forward[low + 1] - groups.forward[low]);
            for material in body.materials() {
                let [total, _, coherent] = coefficients(material, groups.beam_kev[step])?;
                beam_per_mm.push([total, total - forward * coherent]);
            }
        }
        let corner_mm = grid.world_mm(DVec3::splat(-0.5));
        let axes = grid.orientation();
        Ok(Self { size, side_mm, corner_mm, axes, by_group, fractions, optics, beam_per_mm })
    }

    /// A place in the world, in mm from the corner.
    pub(super) fn place(&self, world_mm: DVec3) -> DVec3 {
        self.along_axes(world_mm - self.corner_mm)
    }

    /// A direction in the world along the axes.
    pub(super) fn along_axes(&self, direction: DVec3) -> DVec3 {
        self.axes.transpose() * direction
    }

    /// A place in the world from one in mm from the corner.
    pub(super) fn world_mm(&self, place: DVec3) -> DVec3 {
        self.corner_mm + self.axes * place
    }

    pub(super) fn count(&self) -> usize {
        self.optics.len()
    }

    /// Middle of a cell.
    pub(super) fn middle(&self, cell: usize) -> DVec3 {
        let [nx, ny, _] = self.size;
        self.side_mm * (DVec3::from_array([cell % nx, cell / nx % ny, cell / nx / ny].map(|n| n as f64)) + 0.5)
    }

    /// Middle of a block of a cell.
    pub(super) fn middle_of_block(&self, cell: usize, block: usize) -> DVec3 {
        let place = [block % BLOCKS, block / BLOCKS % BLOCKS, block / BLOCKS / BLOCKS]
            .map(|n| n as f64 - 0.5 * (BLOCKS - 1) as f64);
        self.middle(cell) + self.side_mm * DVec3::from_array(place) / BLOCKS as f64
    }

    /// Compton and coherent scattering of a block by group, per mm; nothing where it is empty.
    pub(super) fn scattering(&self, cell: usize, block: usize) -> Option<[[f64; GROUPS]; 2]> {
        let row = self.row(block_of(self.size, cell, block));
        let sum = |group: usize, k: usize| row.iter().zip(&self.by_group).map(|(f, of)| f * of[group][k]).sum::<f64>();
        let scattering = [1, 2].map(|k| std::array::from_fn(|group| sum(group, k)));
        (scattering[0][GROUPS - 1] >= f64::from(LEAST_PER_MM)).then_some(scattering)
    }

    fn row(&self, block: usize) -> &[f64] {
        &self.fractions[block * self.by_group.len()..][..self.by_group.len()]
    }

    /// Depths of the beam's energies between two places: attenuation, and that without what coherent scattering leaves in the beam.
    pub(super) fn depths(&self, from: DVec3, to: DVec3, paths: &mut [f64], depths: &mut [[f64; 2]]) {
        paths.fill(0.0);
        let (size, side_mm) = (self.size.map(|n| BLOCKS * n), self.side_mm / BLOCKS as f64);
        walk((size, side_mm), from, to - from, 1.0, |block, _, length| {
            paths.iter_mut().zip(self.row(block)).for_each(|(path, fraction)| *path += fraction * length);
        });
        for (depth, per_mm) in depths.iter_mut().zip(self.beam_per_mm.chunks_exact(self.by_group.len())) {
            *depth = [0, 1].map(|k| per_mm.iter().zip(&*paths).map(|(per_mm, path)| per_mm[k] * path).sum());
        }
    }

    pub(super) fn material_count(&self) -> usize {
        self.by_group.len()
    }

    /// Visits the cells on a way from a place: each with the distance of its entrance and its length, in mm.
    pub(super) fn walk(&self, from: DVec3, direction: DVec3, visit: impl FnMut(usize, f64, f64)) {
        walk((self.size, self.side_mm), from, direction, f64::INFINITY, visit);
    }
}

/// Number of a block of a cell.
fn block_of([nx, ny, _]: [usize; 3], cell: usize, block: usize) -> usize {
    let [x, y, z] = [cell % nx, cell / nx % ny, cell / nx / ny].map(|n| BLOCKS * n);
    let [i, j, k] = [block % BLOCKS, block / BLOCKS % BLOCKS, block / BLOCKS / BLOCKS];
    ((z + k) * BLOCKS * ny + y + j) * BLOCKS * nx + x + i
}

/// Visits the boxes of a lattice on a way from a place, `end` times a step long: each with the distance of its entrance and its length,
/// in mm.
fn walk(
    (size, side_mm): ([usize; 3], DVec3),
    from: DVec3,
    step: DVec3,
    end: f64,
    mut visit: impl FnMut(usize, f64, f64),
) {
    let (from, step, side) = (from.to_array(), step.to_array(), side_mm.to_array());
    let length = step.iter().map(|x| x * x).sum::<f64>().sqrt();
    let (mut near, mut far) = (0.0, end);
    for axis in 0..3 {
        let box_mm = side[axis] * size[axis] as f64;
        if step[axis].abs() < 1e-12 * length {
            if from[axis] < 0.0 || from[axis] > box_mm {
                return;
            }
            continue;
        }
        let faces = [-from[axis] / step[axis], (box_mm - from[axis]) / step[axis]];
        near = f64::max(near, faces[0].min(faces[1]));
        far = f64::min(far, faces[0].max(faces[1]));
    }
    if near >= far {
        return;
    }
    let mut index = [0_usize; 3];
    // Where the next wall across each axis is met, and how far apart such walls are.
    let (mut next, mut apart) = ([f64::INFINITY; 3], [f64::INFINITY; 3]);
    for axis in 0..3 {
        let at = ((from[axis] + near * step[axis]) / side[axis]).floor();
        index[axis] = (at.max(0.0) as usize).min(size[axis] - 1);
        if step[axis].abs() >= 1e-12 * length {
            let wall = index[axis] as f64 + f64::from(u8::from(step[axis] > 0.0));
            next[axis] = (wall * side[axis] - from[axis]) / step[axis];
            apart[axis] = side[axis] / step[axis].abs();
        }
    }
    loop {
        let axis = if next[0] <= next[1] && next[0] <= next[2] {
            0
        } else if next[1] <= next[2] {
            1
        } else {
            2
        };
        let to = next[axis].min(far);
        let cell = (index[2] * size[1] + index[1]) * size[0] + index[0];
        if to > near {
            visit(cell, near * length, (to - near) * length);
        }
        if to >= far {
            return;
        }
        near = near.max(to);
        next[axis] += apart[axis];
        match step[axis] > 0.0 {
            true if index[axis] + 1 < size[axis] => index[axis] += 1,
            false if index[axis] > 0 => index[axis] -= 1,
            _ => return,
        }
    }
}

/// Mean fractions of blocks of voxels; beyond the last there is nothing.
fn fractions(body: &Body, block: [usize; 3], [wide, high, deep]: [usize; 3]) -> Vec<f64> {
    let [nx, ny, nz] = body.grid().size();
    let materials = body.materials().len();
    let share = 1.0 / block.iter().product::<usize>() as f64;
    let layer = wide * high * materials;
    let mut fractions = vec![0.0; layer * deep];
    fractions.par_chunks_mut(layer).enumerate().for_each(|(k, layer)| {
        for z in k * block[2]..((k + 1) * block[2]).min(nz) {
            for (at, number) in body.voxels()[z * nx * ny..][..nx * ny].iter().enumerate() {
                if *number != 0 {
                    let cell = at / nx / block[1] * wide + at % nx / block[0];
                    let row = &body.compositions()[*number as usize * materials..][..materials];
                    let sums = &mut layer[cell * materials..][..materials];
                    sums.iter_mut().zip(row).for_each(|(sum, f)| *sum += share * f64::from(*f));
                }
            }
        }
    });
    fractions
}

/// Attenuation, Compton and coherent scattering of a material, per mm.
fn coefficients(material: &Material, energy_kev: f64) -> Result<[f64; 3], PhysicsError> {
    let of = material.attenuation(energy_kev)?;
    let per_mm = material.density_g_cm3() / MM_PER_CM;
    Ok([of.total_cm2_g(), of.incoherent_cm2_g, of.coherent_cm2_g].map(|cm2_g| cm2_g * per_mm))
}

fn try_band<T: Copy + Default>(of: impl Fn(usize) -> Result<T, PhysicsError>) -> Result<[T; GROUPS], PhysicsError> {
    let mut band = [T::default(); GROUPS];
    for (group, value) in band.iter_mut().enumerate() {
        *value = of(group)?;
    }
    Ok(band)
}
