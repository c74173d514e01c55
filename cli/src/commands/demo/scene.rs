use std::path::Path;

use glam::DVec3;
use kerma::{
    data::{Grid, Unit, Volume},
    phantom::{Phantom, by_name},
    tasks::WATER_PER_MM,
};

use super::{
    grids::{attenuation, averaged, averaging, half_extent_mm},
    page::voxels,
    sampling::Sampling,
};
use crate::{context::Context, failure::Failure, inputs::looks_hounsfield, report::significant};

/// Size of the chest phantom, as its documentation states it.
const CHEST_MM: [f64; 3] = [380.0, 260.0, 400.0];
/// Which chest.
pub(super) const SEED: u64 = 1;
/// What attenuates more than this, relative to water, belongs to patient or table.
const SOLID_SHARE: f32 = 0.5;

/// What is put before the X-ray tube: attenuation coefficients around the isocentre.
pub(super) struct Scene {
    /// µ in mm⁻¹, centred on the origin.
    pub(super) volume: Volume,
    /// The closed form of the volume, where there is one.
    pub(super) phantom: Option<Phantom>,
    /// What it is, for a title.
    pub(super) name: String,
    /// How it came to be, in sentences.
    pub(super) remarks: Vec<String>,
    /// Greatest distance of anything solid from the z axis, in millimetres.
    pub(super) radius_mm: f64,
}

impl Scene {
    /// The built-in chest.
    pub(super) fn phantom(context: &mut Context, sampling: &Sampling) -> Result<Self, Failure> {
        let phantom = by_name("chest", SEED)?;
        let size = CHEST_MM.map(|mm| (mm / sampling.voxel_mm).ceil() as usize);
        let grid = Grid::centred(size, [sampling.voxel_mm; 3])?;
        context.hold("the phantom", grid.voxel_count())?;
        let volume = context.compute(|| phantom.voxelise(&grid, sampling.supersampling));
        let remark = format!(
            "{} convex shapes with attenuation coefficients at 60 keV, sampled on {}. Their line integrals are \
             known in closed form.",
            phantom.parts().len(),
            voxels(&grid)
        );
        Ok(Self {
            radius_mm: solid_radius_mm(&volume),
            volume,
            phantom: Some(phantom),
            name: "the built-in chest phantom".to_owned(),
            remarks: vec![remark],
        })
    }

    /// A CT from a file, in Hounsfield units or mm⁻¹; what a file does not say is judged as by all commands.
    pub(super) fn ct(context: &mut Context, path: &Path, sampling: &Sampling) -> Result<Self, Failure> {
        let stored = context.read_volume(path, None)?;
        let is_hounsfield = match stored.unit() {
            Unit::Hounsfield => true,
            Unit::PerMillimetre => false,
            Unit::Arbitrary if looks_hounsfield(stored.values()) => true,
            unit => {
                let message = format!("a CT must be in HU or in mm⁻¹, this holds values in {unit}");
                return Err(Failure::input(message).in_file(path));
            }
        };
        let was = *stored.grid();
        let block = averaging(&was, sampling.voxel_mm);
        let to_attenuation = if is_hounsfield { attenuation } else { |mu: f32| mu.max(0.0) };
        let volume = context.compute(|| averaged(&stored, block, Unit::PerMillimetre, to_attenuation))?;
        let [x, y, z] = was.centre_mm().to_array().map(|mm| significant(mm, 4));
        let [bx, by, bz] = block;
        let mut remarks = vec![format!(
            "Read on {}; moved so that the centre of its grid, stored at ({x}, {y}, {z}) mm, is the isocentre.",
            voxels(&was)
        )];
        if block != [1; 3] {
            remarks.push(format!(
                "Blocks of {bx} × {by} × {bz} voxels were averaged; what follows works on {}.",
                voxels(volume.grid())
            ));
        }
        if is_hounsfield {
            remarks.push(format!(
                "CT numbers became attenuation coefficients with water at {WATER_PER_MM} mm⁻¹ (60 keV); padding below \
                 −1000 HU counts as air. The table, if there is one, was left in."
            ));
        }
        let name = path.file_name().map_or_else(|| path.display().to_string(), |n| n.to_string_lossy().into_owned());
        Ok(Self { radius_mm: solid_radius_mm(&volume), volume, phantom: None, name, remarks })
    }

    /// Half the lengths of the scene's box along the world axes.
    pub(super) fn half_extent_mm(&self) -> DVec3 {
        half_extent_mm(self.volume.grid())
    }
}

/// Greatest distance of a solid voxel's centre from the z axis.
fn solid_radius_mm(volume: &Volume) -> f64 {
    let grid = volume.grid();
    let [nx, ny, _] = grid.size();
    let mut square = 0.0_f64;
    for (line, row) in volume.values().chunks_exact(nx).enumerate() {
        let is_solid = |mu: &f32| *mu > SOLID_SHARE * WATER_PER_MM;
        // Along a line the distance is convex: its greatest value is at the first or the last solid voxel.
        let ends = [row.iter().position(is_solid), row.iter().rposition(is_solid)];
        for x in ends.into_iter().flatten() {
            let at = grid.world_mm(DVec3::new(x as f64, (line % ny) as f64, (line / ny) as f64));
            square = square.max(at.x * at.x + at.y * at.y);
        }
    }
    square.sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn radius_reaches_the_outermost_solid_voxel() {
        let grid = Grid::centred([5, 5, 2], [10.0; 3]).unwrap();
        let mut volume = Volume::zeros(grid, Unit::PerMillimetre);
        assert_eq!(solid_radius_mm(&volume), 0.0);
        volume.values_mut()[7] = 0.4 * WATER_PER_MM;
        volume.values_mut()[25 + 13] = WATER_PER_MM;
        assert_eq!(solid_radius_mm(&volume), 10.0);
    }
}
