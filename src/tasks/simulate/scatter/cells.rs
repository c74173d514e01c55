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
/// Compton scattering at the largest energy, per mm, below which a cell scatters nothing: a hundredth of water's, more than air's.
const LEAST_PER_MM: f32 = 1.5e-4;
/// Centimetres to millimetres.
const MM_PER_CM: f64 = 10.0;

/// Cells of whole blocks of a body's voxels, in coordinates of their own: mm from the corner along the axes.
#[derive(Clone)]
pub(super) struct Cells {
    pub(super) size: [usize; 3],
    pub(super) side_mm: DVec3,
    corner_mm: DVec3,
    axes: DMat3,
    materials: usize,
    /// A row of fractions for each cell.
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
    pub(super) coherent: Band,
    /// Coherent scattering that is as good as one in all directions alike.
    pub(super) turned: Band,
    pub(super) is_empty: bool,
}

impl Cells {
    pub(super) fn new(body: &Body, groups: &Groups) -> Result<Self, PhysicsError> {
        let grid = body.grid();
        let (voxels, spacing) = (grid.size(), grid.spacing_mm().to_array());
        let block = spacing.map(|mm| ((CELL_MM / mm).round() as usize).max(1));
        let size: [usize; 3] = std::array::from_fn(|axis| voxels[axis].div_ceil(block[axis]));
        let side_mm = DVec3::from_array(std::array::from_fn(|axis| spacing[axis] * block[axis] as f64));
        let fractions = fractions(body, block, size);
        let count = body.materials().len();
        let by_group: Vec<[[f64; 3]; GROUPS]> =
            body.materials().iter().map(|of| try_band(|group| coefficients(of, groups.kev[group]))).collect::<Result<_, _>>()?;
        let optics = fractions.par_chunks(count).map(|row| {
            let mut optics = Optics::default();
            for group in 0..GROUPS {
                let sum = |k: usize| row.iter().zip(&by_group).map(|(f, of)| f * of[group][k]).sum::<f64>();
                let (total, coherent, forward) = (sum(0), sum(2), groups.forward[group]);
                optics.removal[group] = (total - forward * coherent) as f32;
                optics.compton[group] = sum(1) as f32;
                optics.coherent[group] = coherent as f32;
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
        Ok(Self { size, side_mm, corner_mm, axes, materials: count, fractions, optics, beam_per_mm })
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

    /// Place of a point in a cell, which is given by shares of its sides.
    pub(super) fn point(&self, cell: usize, shares: [f64; 3]) -> DVec3 {
        let [nx, ny, _] = self.size;
        let index = [cell % nx, cell / nx % ny, cell / nx / ny];
        self.side_mm * DVec3::from_array(std::array::from_fn(|axis| index[axis] as f64 + shares[axis]))
    }

    /// Depths of the beam's energies between two places: attenuation, and that without what coherent scattering leaves in the beam.
    pub(super) fn depths(&self, from: DVec3, to: DVec3, paths: &mut [f64], depths: &mut [[f64; 2]]) {
        paths.fill(0.0);
        self.walk(from, to - from, 1.0, |cell, _, length| {
            let row = &self.fractions[cell * self.materials..][..self.materials];
            paths.iter_mut().zip(row).for_each(|(path, fraction)| *path += fraction * length);
        });
        for (depth, per_mm) in depths.iter_mut().zip(self.beam_per_mm.chunks_exact(self.materials)) {
            *depth = [0, 1].map(|k| per_mm.iter().zip(&*paths).map(|(per_mm, path)| per_mm[k] * path).sum());
        }
    }

    pub(super) fn material_count(&self) -> usize {
        self.materials
    }

    /// Visits the cells on a way from a place, `end` times a step long: each with the distance of its entrance and its length, in mm.
    pub(super) fn walk(&self, from: DVec3, step: DVec3, end: f64, mut visit: impl FnMut(usize, f64, f64)) {
        let (from, step, side) = (from.to_array(), step.to_array(), self.side_mm.to_array());
        let length = step.iter().map(|x| x * x).sum::<f64>().sqrt();
        let (mut near, mut far) = (0.0, end);
        for axis in 0..3 {
            let box_mm = side[axis] * self.size[axis] as f64;
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
            index[axis] = (at.max(0.0) as usize).min(self.size[axis] - 1);
            if step[axis].abs() >= 1e-12 * length {
                let wall = index[axis] as f64 + f64::from(u8::from(step[axis] > 0.0));
                next[axis] = (wall * side[axis] - from[axis]) / step[axis];
                apart[axis] = side[axis] / step[axis].abs();
            }
        }
        loop {
            let axis = if next[0] <= next[1] && next[0] <= next[2] { 0 } else if next[1] <= next[2] { 1 } else { 2 };
            let to = next[axis].min(far);
            let cell = (index[2] * self.size[1] + index[1]) * self.size[0] + index[0];
            if to > near {
                visit(cell, near * length, (to - near) * length);
            }
            if to >= far {
                return;
            }
            near = near.max(to);
            next[axis] += apart[axis];
            match step[axis] > 0.0 {
                true if index[axis] + 1 < self.size[axis] => index[axis] += 1,
                false if index[axis] > 0 => index[axis] -= 1,
                _ => return,
            }
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
