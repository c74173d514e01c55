use burn::tensor::Tensor;
use kerma::{
    engine,
    geometry::Geometry,
    kernels::project::Sampling,
    tasks::{TaskError, WATER_PER_MM},
};

use super::Recipe;
use crate::{Error, operators::ScanOperator, training::Draws};

/// Steps of the power method for ‖A‖, which is a unit and need not be exact.
const STEPS: usize = 20;
/// Stream of the order of shuffled views: no training has so many steps.
const SHUFFLE: u64 = u64::MAX;

/// The operators of a scan of one slice in units in which all values are about 1.
///
/// ```text
/// f = µ/µ_water        g = p/(µ_water·‖A‖)        Ã = A/‖A‖, so that g = Ã·f
/// ```
#[derive(Clone, Debug)]
pub struct Physics {
    operator: ScanOperator,
    norm_mm: f64,
}

impl Physics {
    /// The operators that a recipe's network uses: Joseph's projector and its adjoint, its views shuffled where the recipe says so.
    ///
    /// # Errors
    /// [`Error::Recipe`] when the scan or the grid cannot be built; what the device says.
    pub fn new(recipe: &Recipe, engine: &engine::Device) -> Result<Self, Error> {
        let geometry = match recipe.shuffled_operators {
            true => shuffled(&recipe.geometry()?, recipe.seed)?,
            false => recipe.geometry()?,
        };
        let operator = ScanOperator::new(&geometry, &recipe.grid()?, Sampling::Joseph, engine)?;
        let norm_mm = operator.norm_mm(STEPS)?;
        match norm_mm > 0.0 {
            true => Ok(Self { operator, norm_mm }),
            false => Err(Error::Recipe("scan: no ray meets the grid".to_owned())),
        }
    }

    /// The operators themselves.
    #[must_use]
    pub fn operator(&self) -> &ScanOperator {
        &self.operator
    }

    /// Rows and columns of a slice.
    #[must_use]
    pub fn slice(&self) -> [usize; 2] {
        let [nx, ny, _] = self.operator.grid().size();
        [ny, nx]
    }

    /// Line integrals in the network's unit.
    #[must_use]
    pub fn scaled_integrals<const D: usize>(&self, integrals: Tensor<D>) -> Tensor<D> {
        integrals / (f64::from(WATER_PER_MM) * self.norm_mm)
    }

    /// Ã·f.
    ///
    /// # Shapes
    /// - `images`: `[batch, channel, y, x]`
    /// - output: `[batch, channel, view, u]`
    ///
    /// # Errors
    /// Those of [`ScanOperator::project`].
    pub fn project(&self, images: Tensor<4>) -> Result<Tensor<4>, Error> {
        Ok(self.operator.project(images.unsqueeze_dim(2))?.squeeze_dim::<4>(3) / self.norm_mm)
    }

    /// Ãᵀ·h.
    ///
    /// # Shapes
    /// - `stacks`: `[batch, channel, view, u]`
    /// - output: `[batch, channel, y, x]`
    ///
    /// # Errors
    /// Those of [`ScanOperator::backproject`].
    pub fn backproject(&self, stacks: Tensor<4>) -> Result<Tensor<4>, Error> {
        Ok(self.operator.backproject(stacks.unsqueeze_dim(3))?.squeeze_dim::<4>(2) / self.norm_mm)
    }
}

/// The same views in an order that is drawn (Fisher and Yates).
fn shuffled(geometry: &Geometry, seed: u64) -> Result<Geometry, Error> {
    let (mut views, mut draws) = (geometry.views().to_vec(), Draws::new(seed, SHUFFLE));
    for last in (1..views.len()).rev() {
        views.swap(last, draws.below(last + 1));
    }
    Ok(Geometry::new(geometry.detector(), views).map_err(TaskError::from)?)
}
