use kerma::{
    data::{Grid, Projections, Volume},
    geometry::{Geometry, Scan},
    tasks::{Fdk, FdkOptions, Projection, Recorded},
};

use crate::{context::Context, failure::Failure};

/// What one scan measured, and how.
pub(super) struct Acquisition {
    /// The scan, as a geometry file states it.
    pub(super) scan: Scan,
    /// Its views.
    pub(super) geometry: Geometry,
    /// Line integrals.
    pub(super) integrals: Projections,
}

impl Acquisition {
    /// Takes the line integrals of a volume by Siddon's method.
    pub(super) fn take(context: &mut Context, stage: &str, volume: &Volume, scan: Scan) -> Result<Self, Failure> {
        let geometry = scan.build()?;
        let task = Projection::new(volume, &geometry)?;
        let outputs = context.run(stage, task.graph())?;
        let integrals = task.finish(outputs)?;
        Ok(Self { scan, geometry, integrals })
    }

    /// Reconstructs on `grid` after Feldkamp, Davis and Kress; values are in mm⁻¹.
    pub(super) fn reconstruct(
        &self,
        context: &mut Context,
        stage: &str,
        grid: &Grid,
        filter: FdkOptions,
    ) -> Result<Volume, Failure> {
        let task = Fdk::new(&self.integrals, &self.scan, grid, filter)?;
        let outputs = context.run(stage, task.graph())?;
        Ok(task.finish(outputs)?)
    }
}
