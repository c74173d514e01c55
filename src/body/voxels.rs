use super::BodyError;
use crate::{
    data::{DataError, Grid, Unit, Volume},
    parallel::*,
    physics::Material,
};

/// Voxels that one thread takes at a time.
pub(super) const CHUNK: usize = 1 << 16;

/// Voxels on a [`Grid`], each one of a list of compositions, which are mixtures of materials.
///
/// ```text
/// µ(voxel, E) = Σ_m f_m·µ_m(E)        f_m = ρ·w_m/ρ_m
/// ```
/// where f_m, without a unit, is the density of material m in the voxel over that of the material itself, and µ_m (1/mm) its
/// attenuation coefficient at its own density. Integrated along a ray, f_m gives the path through material m in mm. What is left
/// to 1 is nothing: composition 0 is that of empty space, as are all places beyond the grid.
#[derive(Clone, Debug, PartialEq)]
pub struct Body {
    grid: Grid,
    materials: Vec<Material>,
    compositions: Vec<f32>,
    voxels: Vec<u32>,
}

impl Body {
    /// Body of its materials, its compositions (a row of one fraction for each material for each of them, the first of zeros) and
    /// the number of each voxel's composition, indexed `[z][y][x]`.
    ///
    /// # Errors
    /// [`DataError::Length`] unless there is a number for each voxel.
    ///
    /// # Panics
    /// When there is no material, a row is not whole, the first is not of zeros, a fraction is negative or not finite, or there is
    /// no composition of a voxel's number.
    pub fn new(
        grid: Grid,
        materials: Vec<Material>,
        compositions: Vec<f32>,
        voxels: Vec<u32>,
    ) -> Result<Self, DataError> {
        if voxels.len() != grid.voxel_count() {
            let [nx, ny, nz] = grid.size();
            let (expected, got) = (grid.voxel_count(), voxels.len());
            return Err(DataError::Length { what: "body", shape: format!("{nx}x{ny}x{nz}"), expected, got });
        }
        assert!(!materials.is_empty(), "a body has at least one material");
        let rows = compositions.chunks_exact(materials.len());
        let (count, left) = (rows.len() as u32, rows.remainder());
        assert!(left.is_empty() && count > 0, "compositions are rows of a fraction for each material");
        assert!(
            compositions[..materials.len()].iter().all(|&f| f == 0.0),
            "the first composition is that of empty space"
        );
        assert!(compositions.iter().all(|f| *f >= 0.0 && f.is_finite()), "fractions are 0 or more");
        assert!(voxels.iter().all(|&number| number < count), "every voxel has a composition");
        Ok(Self { grid, materials, compositions, voxels })
    }

    /// The same voxels on another grid of as many.
    pub(crate) fn with_grid(self, grid: Grid) -> Result<Self, DataError> {
        Self::new(grid, self.materials, self.compositions, self.voxels)
    }

    /// Where the voxels lie.
    #[must_use]
    pub fn grid(&self) -> &Grid {
        &self.grid
    }

    /// The materials, in the order of the fractions.
    #[must_use]
    pub fn materials(&self) -> &[Material] {
        &self.materials
    }

    /// The compositions: rows of one fraction for each material.
    #[must_use]
    pub fn compositions(&self) -> &[f32] {
        &self.compositions
    }

    /// Number of each voxel's composition, x fastest.
    #[must_use]
    pub fn voxels(&self) -> &[u32] {
        &self.voxels
    }

    /// The body with as much of another of its materials in place of some: all that a composition has of `these`, by volume and at
    /// most all of it, becomes `other`. Materials that it does not have change nothing.
    ///
    /// # Errors
    /// [`BodyError::Value`] when `other` is none of the body's materials.
    pub fn replaced(mut self, these: &[&str], other: &str) -> Result<Self, BodyError> {
        let names: Vec<&str> = self.materials.iter().map(Material::name).collect();
        let Some(other) = names.iter().position(|name| *name == other) else {
            return Err(BodyError::value("a material in place of others", names.join(", "), other));
        };
        let these: Vec<usize> = (0..names.len()).filter(|at| *at != other && these.contains(&names[*at])).collect();
        for fractions in self.compositions.chunks_exact_mut(self.materials.len()) {
            let sum: f32 = these.iter().map(|at| std::mem::take(&mut fractions[*at])).sum();
            fractions[other] += sum.min(1.0);
        }
        Ok(self)
    }

    /// Density of each composition, in g/cm³.
    #[must_use]
    pub fn densities_g_cm3(&self) -> Vec<f64> {
        let densities: Vec<f64> = self.materials.iter().map(Material::density_g_cm3).collect();
        self.sums(&densities)
    }

    /// Attenuation coefficient of each composition at a photon energy, in mm⁻¹.
    ///
    /// # Errors
    /// [`BodyError`] outside 5 to 150 keV.
    pub fn attenuations_per_mm(&self, energy_kev: f64) -> Result<Vec<f64>, BodyError> {
        let mu: Result<Vec<f64>, _> = self.materials.iter().map(|m| m.attenuation_per_mm(energy_kev)).collect();
        Ok(self.sums(&mu?))
    }

    /// Attenuation coefficients at a photon energy, in mm⁻¹: what a reconstruction should find.
    ///
    /// # Errors
    /// [`BodyError`] outside 5 to 150 keV.
    pub fn attenuation_volume(&self, energy_kev: f64) -> Result<Volume, BodyError> {
        self.volume(Unit::PerMillimetre, &self.attenuations_per_mm(energy_kev)?)
    }

    /// Fractions of one material, by its place among the materials: 0 where there is none of it, 1 at its own density.
    ///
    /// # Errors
    /// [`BodyError::Value`] when there is no such material.
    pub fn material_volume(&self, material: usize) -> Result<Volume, BodyError> {
        let count = self.materials.len();
        if material >= count {
            return Err(BodyError::value("a material's place", format!("0 to {}", count - 1), material.to_string()));
        }
        let one: Vec<f64> = (0..count).map(|m| f64::from(u8::from(m == material))).collect();
        self.volume(Unit::Arbitrary, &self.sums(&one))
    }

    /// Mass of each material in the body, in grams.
    #[must_use]
    pub fn mass_g(&self) -> Vec<f64> {
        let compositions = self.compositions.len() / self.materials.len();
        let count = |voxels: &[u32]| {
            let mut counts = vec![0_u64; compositions];
            voxels.iter().for_each(|&number| counts[number as usize] += 1);
            counts
        };
        let add = |mut a: Vec<u64>, b: Vec<u64>| {
            a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
            a
        };
        // Large parts, of each of which there is a count of all compositions.
        let part = self.voxels.len().div_ceil(current_num_threads()).max(CHUNK);
        let counts = self.voxels.par_chunks(part).map(count).reduce(|| vec![0; compositions], add);
        // mm³ to cm³.
        let voxel_cm3 = self.grid.spacing_mm().element_product() / 1000.0;
        let mut masses = vec![0.0; self.materials.len()];
        for (row, count) in self.compositions.chunks_exact(self.materials.len()).zip(counts) {
            for ((mass, &f), material) in masses.iter_mut().zip(row).zip(&self.materials) {
                *mass += f64::from(f) * material.density_g_cm3() * voxel_cm3 * count as f64;
            }
        }
        masses
    }

    /// Σ f·value over the materials, for each composition.
    fn sums(&self, values: &[f64]) -> Vec<f64> {
        let sum = |row: &[f32]| row.iter().zip(values).map(|(&f, value)| f64::from(f) * value).sum();
        self.compositions.chunks_exact(values.len()).map(sum).collect()
    }

    /// The value of each voxel's composition.
    fn volume(&self, unit: Unit, values: &[f64]) -> Result<Volume, BodyError> {
        let values: Vec<f32> = values.iter().map(|&value| value as f32).collect();
        let mut all = vec![0.0; self.voxels.len()];
        all.par_chunks_mut(CHUNK).zip(self.voxels.par_chunks(CHUNK)).for_each(|(all, voxels)| {
            all.iter_mut().zip(voxels).for_each(|(value, &number)| *value = values[number as usize]);
        });
        Ok(Volume::new(self.grid, unit, all)?)
    }

    /// Places of materials among the body's, to which those are added that it lacks.
    pub(super) fn places_of(&mut self, wanted: &[Material]) -> Vec<usize> {
        let before = self.materials.len();
        for material in wanted {
            if !self.materials.contains(material) {
                self.materials.push(material.clone());
            }
        }
        let added = self.materials.len() - before;
        if added > 0 {
            let wider = |row: &[f32]| row.iter().copied().chain(std::iter::repeat_n(0.0, added)).collect::<Vec<_>>();
            self.compositions = self.compositions.chunks_exact(before).flat_map(wider).collect();
        }
        wanted.iter().filter_map(|material| self.materials.iter().position(|known| known == material)).collect()
    }

    /// The number of a composition that is added.
    pub(super) fn add(&mut self, row: &[f32]) -> u32 {
        let number = self.compositions.len() / self.materials.len();
        self.compositions.extend_from_slice(row);
        number as u32
    }

    /// The voxels' numbers, each of which must stay that of a composition.
    pub(super) fn voxels_mut(&mut self) -> &mut [u32] {
        &mut self.voxels
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_over_materials_are_those_of_each_voxel() {
        let materials = ["water", "cortical-bone"].map(|name| Material::by_name(name).unwrap()).to_vec();
        let grid = Grid::centred([4, 1, 1], [10.0, 10.0, 5.0]).unwrap();
        let compositions = vec![0.0, 0.0, 1.0, 0.0, 0.25, 0.5];
        let mut body = Body::new(grid, materials.clone(), compositions, vec![0, 1, 2, 2]).unwrap();
        let [water, bone] = [0, 1].map(|m| materials[m].attenuation_per_mm(60.0).unwrap());
        let mu = body.attenuation_volume(60.0).unwrap();
        let want = [0.0, water, 0.25 * water + 0.5 * bone, 0.25 * water + 0.5 * bone].map(|mu| mu as f32);
        assert_eq!((mu.values(), mu.unit()), (&want[..], Unit::PerMillimetre));
        assert_eq!(body.material_volume(1).unwrap().values(), [0.0, 0.0, 0.5, 0.5]);
        // Voxels of half a cubic centimetre.
        let [water_g, bone_g] = body.mass_g()[..] else { panic!("two materials") };
        assert!((water_g - 0.5 * (1.0 + 0.25 + 0.25)).abs() < 1e-6 && (bone_g - 0.5 * 1.92).abs() < 1e-6);
        assert_eq!(body.material_volume(2).unwrap_err().to_string(), "a material's place must be 0 to 1, got 2");
        assert!(body.attenuation_volume(1.0).is_err());

        let before = body.attenuation_volume(60.0).unwrap();
        let iron = Material::by_name("Fe").unwrap();
        assert_eq!(body.places_of(&[iron, materials[1].clone()]), [2, 1]);
        assert_eq!(body.attenuation_volume(60.0).unwrap(), before);
        assert_eq!(body.add(&[0.0, 0.0, 1.0]), 3);
    }

    #[test]
    fn a_material_stands_in_place_of_others_by_volume() {
        let materials = ["muscle", "trabecular-bone", "cortical-bone"].map(|name| Material::by_name(name).unwrap());
        let grid = Grid::centred([3, 1, 1], [1.0; 3]).unwrap();
        // Marrow and soft tissue; and bone denser than cortical bone, which is as much soft tissue as there is space.
        let compositions = vec![0.0, 0.0, 0.0, 0.25, 0.5, 0.25, 0.0, 0.0, 1.5];
        let body = Body::new(grid, materials.to_vec(), compositions, vec![0, 1, 2]).unwrap();
        let soft = body.clone().replaced(&["trabecular-bone", "cortical-bone", "lung"], "muscle").unwrap();
        assert_eq!(soft.compositions(), [0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0]);
        assert_eq!(soft.voxels(), body.voxels());
        let message = body.replaced(&["cortical-bone"], "water").unwrap_err().to_string();
        assert!(message.starts_with("a material in place of others must be muscle, "), "{message}");
    }
}
