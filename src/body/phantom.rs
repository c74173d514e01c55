use std::collections::HashMap;

use glam::DVec3;

use super::{Body, BodyError};
use crate::{
    data::Grid,
    parallel::*,
    phantom::{Phantom, Rule, tissue},
    physics::Material,
};

/// Largest number of points along each axis of a voxel.
pub(crate) const MAX_POINTS: usize = 16;

/// What the values of built-in phantoms stand for: a material, and its density in g/cm³.
const CLASSES: [(f64, &str, f64); 9] = [
    (tissue::WATER, "water", 1.0),
    (tissue::SOFT, "muscle", 1.06),
    (tissue::MUSCLE, "muscle", 1.05),
    (tissue::ADIPOSE, "adipose", 0.95),
    (tissue::BLOOD, "blood", 1.06),
    (tissue::LUNG, "lung", 0.26),
    (tissue::CORTICAL_BONE, "cortical-bone", 1.92),
    (tissue::SPONGY_BONE, "trabecular-bone", 1.18),
    (tissue::AIR, "air", 0.001_205),
];

impl Body {
    /// Body of a phantom: tissues by their values in [`tissue`], and water of as much density as gives the value elsewhere (water
    /// cylinder, spheres, FORBILD).
    ///
    /// Voxels that a surface crosses are mixtures by `points`³ points, as [`Phantom::voxelise`] has them. What is not
    /// positive is nothing.
    ///
    /// # Errors
    /// [`BodyError`] when `points` is 0 or too large.
    pub fn from_phantom(phantom: &Phantom, grid: &Grid, points: usize) -> Result<Self, BodyError> {
        if !(1..=MAX_POINTS).contains(&points) {
            return Err(BodyError::value(
                "points along an axis of a voxel",
                format!("1 to {MAX_POINTS}"),
                points.to_string(),
            ));
        }
        // A shape has 1 of its tissue and 0 in all others, or the density of water where that is all there is.
        let values = phantom.parts().iter().map(|(_, value)| *value);
        let tissue = |value: f64| {
            CLASSES.iter().position(|(known, ..)| *known == value).filter(|_| phantom.rule() == Rule::Overwrite)
        };
        let mut used: Vec<usize> = values.map(|value| tissue(value).unwrap_or(0)).collect();
        used.sort_unstable();
        used.dedup();
        if used.is_empty() {
            used.push(0);
        }
        let share = |value: f64, class: usize| match tissue(value) {
            Some(of) => f64::from(u8::from(of == class)),
            None if class == 0 => value / tissue::WATER,
            None => 0.0,
        };
        let shares: Vec<f64> =
            phantom.parts().iter().flat_map(|(_, value)| used.iter().map(|&class| share(*value, class))).collect();
        let mut body = Self::new(*grid, vec![Material::by_name("water")?], vec![0.0], vec![0; grid.voxel_count()])?;
        let materials = used.iter().map(|&class| Material::by_name(CLASSES[class].1)).collect::<Result<Vec<_>, _>>()?;
        let places = body.places_of(&materials);
        let densities: Vec<f32> =
            used.iter().zip(&materials).map(|(&class, of)| (CLASSES[class].2 / of.density_g_cm3()) as f32).collect();

        let [nx, ny, nz] = grid.size();
        let slices: Vec<(Vec<Vec<u32>>, Vec<u32>)> = (0..nz)
            .into_par_iter()
            .map(|z| {
                let origin = grid.world_mm(DVec3::new(0.0, 0.0, z as f64)).to_array();
                let slice = Grid::new([nx, ny, 1], grid.spacing_mm().to_array(), origin, grid.orientation())?;
                let mut means = vec![0.0; nx * ny * used.len()];
                phantom.fill(&slice, points, &shares, &mut means);
                let mut rows = Rows::default();
                let numbers = means.chunks_exact(used.len()).map(|row| rows.number(row.iter().copied())).collect();
                Ok((rows.list, numbers))
            })
            .collect::<Result<_, BodyError>>()?;
        let width = body.materials().len();
        let mut known: HashMap<Vec<u32>, u32> = HashMap::new();
        for (z, (rows, numbers)) in slices.into_iter().enumerate() {
            let of_slice: Vec<u32> = rows
                .into_iter()
                .map(|row| {
                    if row.iter().all(|&bits| bits == 0) {
                        return 0;
                    }
                    *known.entry(row).or_insert_with_key(|row| {
                        let mut fractions = vec![0.0; width];
                        for ((bits, &place), density) in row.iter().zip(&places).zip(&densities) {
                            fractions[place] += f32::from_bits(*bits) * density;
                        }
                        body.add(&fractions)
                    })
                })
                .collect();
            let voxels = &mut body.voxels_mut()[z * nx * ny..][..nx * ny];
            voxels.iter_mut().zip(numbers).for_each(|(voxel, number)| *voxel = of_slice[number as usize]);
        }
        Ok(body)
    }
}

/// The rows that were met, as bits of `f32`, and the number of each.
#[derive(Default)]
struct Rows {
    list: Vec<Vec<u32>>,
    numbers: HashMap<Vec<u32>, u32>,
    /// Number of the row met last: neighbours are mostly alike.
    last: usize,
}

impl Rows {
    fn number(&mut self, fractions: impl Iterator<Item = f32> + Clone) -> u32 {
        // What is negative is nothing, and −0 is 0.
        let bits = fractions.map(|f| f.max(0.0).to_bits() & (u32::MAX >> 1));
        if self.list.get(self.last).is_some_and(|row| row.iter().copied().eq(bits.clone())) {
            return self.last as u32;
        }
        let row: Vec<u32> = bits.collect();
        let next = self.list.len() as u32;
        let number = *self.numbers.entry(row).or_insert_with_key(|row| {
            self.list.push(row.clone());
            next
        });
        self.last = number as usize;
        number
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::phantom::{NAMES, by_name};

    #[test]
    fn bodies_of_phantoms_attenuate_as_the_phantoms_at_60_kev() {
        for name in NAMES {
            let phantom = by_name(name, 3).unwrap();
            let grid = Grid::centred([40, 27, 21], [10.0, 10.1, 19.0]).unwrap();
            let body = Body::from_phantom(&phantom, &grid, 2).unwrap();
            let got = body.attenuation_volume(60.0).unwrap();
            let want = phantom.voxelise(&grid, 2);
            for (got, want) in got.values().iter().zip(want.values()) {
                // Spongiosa of ICRU Report 44 is another than the phantom's mixture of cortical bone and soft tissue.
                let tolerance = 0.01 * want.abs() + if name == "chest" { 0.05 * want } else { 0.0 };
                assert!((got - want.max(0.0)).abs() <= tolerance + 1e-6, "{name}: {got}, want {want}");
            }
            let densest = body.densities_g_cm3().into_iter().fold(0.0, f64::max);
            assert!(name == "shepp-logan" || (1.0..2.1).contains(&densest), "{name}: {densest}");
        }
    }

    #[test]
    fn tissues_are_materials_of_their_own() {
        let grid = Grid::centred([38, 26, 40], [10.0; 3]).unwrap();
        let body = Body::from_phantom(&by_name("chest", 1).unwrap(), &grid, 3).unwrap();
        let names: Vec<&str> = body.materials().iter().map(Material::name).collect();
        for name in ["lung", "muscle", "adipose", "blood", "cortical-bone", "trabecular-bone", "air"] {
            assert!(names.contains(&name), "{name} is not among {names:?}");
        }
        // An adult's trunk.
        let total: f64 = body.mass_g().iter().sum();
        assert!((15e3..40e3).contains(&total), "{total} g");
        let water = Body::from_phantom(&by_name("water-cylinder", 0).unwrap(), &grid, 2).unwrap();
        assert_eq!(water.materials().len(), 1);
        let message = Body::from_phantom(&by_name("chest", 1).unwrap(), &grid, 0).unwrap_err().to_string();
        assert_eq!(message, "points along an axis of a voxel must be 1 to 16, got 0");
    }
}
