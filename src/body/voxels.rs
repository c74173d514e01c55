use crate::{
    data::{DataError, Grid},
    physics::Material,
};

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
}
