use burn::tensor::{Device, Tensor, TensorData};
use kerma::{
    data::Grid,
    engine,
    geometry::{Geometry, Scan},
    tasks::WATER_PER_MM,
};
use serde::{Deserialize, Serialize};

use super::{Bodies, PrimalDual, PrimalDualOptions};
use crate::{
    Error, losses,
    networks::Fresh,
    training::{Loss, System, Task, TrainingOptions, check_name, check_task},
};

/// Everything that decides the training of a network that reconstructs slices.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// `reconstruct`.
    pub task: Task,
    /// Name of the model, and of its files.
    pub name: String,
    /// Seed of weights, batches and noise.
    pub seed: u64,
    /// The slice, as `NXxNYx1@SXxSYxSZ` in voxels and mm.
    pub grid: String,
    /// Whether the network's operators have the views of the scan in another order, drawn from the seed: a control, whose operators are those of
    /// another scan than was measured. Convolutions along views can undo a shift of them, such as a turned scan is, but no shuffling.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub shuffled_operators: bool,
    /// The scan, of one detector row.
    pub scan: Scan,
    /// Sizes of the network.
    pub network: PrimalDualOptions,
    /// What is scanned.
    pub data: DataOptions,
    /// How long and how fast.
    pub training: TrainingOptions,
}

/// Bodies that are drawn, and how they are scanned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataOptions {
    /// Seed of the bodies.
    pub seed: u64,
    /// Number of bodies, of each of which one slice is scanned.
    pub bodies: usize,
    /// Photons of a ray that meets nothing.
    pub photons: f64,
}

impl Recipe {
    /// The grid of a slice.
    ///
    /// # Errors
    /// [`Error::Recipe`] when it is none.
    pub fn grid(&self) -> Result<Grid, Error> {
        self.grid.parse().map_err(|e| Error::Recipe(format!("grid: {e}")))
    }

    /// The geometry in which bodies are scanned.
    ///
    /// # Errors
    /// [`Error::Recipe`] when the scan cannot be built.
    pub fn geometry(&self) -> Result<Geometry, Error> {
        self.scan.build().map_err(|e| Error::Recipe(format!("scan: {e}")))
    }
}

impl DataOptions {
    pub(super) fn check(&self) -> Result<(), Error> {
        /// Photons of which counts are exact ([`kerma::kernels::noise::poisson`]).
        const MOST: f64 = 8e6;
        if self.bodies == 0 || self.bodies > 100_000 {
            return Err(Error::Recipe(format!("data.bodies must be 1 to 100000, got {}", self.bodies)));
        }
        if !(1.0..=MOST).contains(&self.photons) {
            return Err(Error::Recipe(format!("data.photons must be 1 to {MOST}, got {}", self.photons)));
        }
        Ok(())
    }
}

impl System for Recipe {
    const TASK: Task = Task::Reconstruct;
    type Network = PrimalDual;
    type Data = Bodies;

    fn name(&self) -> &str {
        &self.name
    }

    fn seed(&self) -> u64 {
        self.seed
    }

    fn training(&self) -> &TrainingOptions {
        &self.training
    }

    fn training_data(&self) -> Vec<String> {
        vec![format!(
            "slices of {} phantoms of chests with ellipses in them, drawn by kerma from seed {}",
            self.data.bodies, self.data.seed
        )]
    }

    fn check(&self) -> Result<(), Error> {
        let refuse = |text: String| Err(Error::Recipe(text));
        check_task(self.task, Self::TASK)?;
        check_name(&self.name)?;
        if let Some(fault) = self.network.fault() {
            return refuse(format!("network: {fault}"));
        }
        let [_, _, slices] = self.grid()?.size();
        if slices != 1 {
            return refuse(format!("grid must have one slice, got {slices}"));
        }
        let [_, rows] = self.geometry()?.detector();
        if rows != 1 {
            return refuse(format!("scan: the detector must have one row, got {rows}"));
        }
        self.data.check()?;
        self.training.check()
    }

    fn network(&self, fresh: &Fresh) -> PrimalDual {
        PrimalDual::new(&self.network, fresh)
    }

    fn check_gradients(&self, bodies: &Bodies) -> Result<(), Error> {
        bodies.physics().operator().check()
    }

    async fn loss(
        &self,
        network: &PrimalDual,
        bodies: &Bodies,
        step: usize,
        engine: &engine::Device,
        device: &Device,
    ) -> Result<Loss, Error> {
        let batch = bodies.batch(self, step, engine).await?;
        let (physics, count) = (bodies.physics(), self.training.batch);
        let ([rows, columns], [views, pixels]) = (physics.slice(), bodies.stack());
        let tensor = |values: Vec<f32>, [rows, columns]: [usize; 2]| {
            Tensor::<4>::from_data(TensorData::new(values, [count, 1, rows, columns]), device)
        };
        let integrals = physics.scaled_integrals(tensor(batch.integrals, [views, pixels]));
        let truth = tensor(batch.truths, [rows, columns]) / f64::from(WATER_PER_MM);
        Ok(losses::root_mean_square(network.forward(physics, integrals)?, truth).into())
    }
}
