use std::path::Path;

use burn::tensor::{Device, Tensor, TensorData};
use kerma::{
    data::{Projections, Unit, Volume},
    engine,
    tasks::WATER_PER_MM,
};

use super::{Model, Physics};
use crate::{Error, values};

/// Relative difference of pitches that header rounding may cause.
const PITCH_TOLERANCE: f64 = 1e-5;

/// A trained network and the operators of its scan, ready to reconstruct.
pub struct Reconstructor {
    model: Model,
    physics: Physics,
    device: Device,
}

impl Reconstructor {
    /// Reads a model; operators are computed by `engine`, tensors are on `device`.
    ///
    /// # Errors
    /// As [`Model::load`], and what the engine says.
    pub fn load(path: &Path, engine: &engine::Device, device: &Device) -> Result<Self, Error> {
        Self::new(Model::load(path, device)?, engine, device)
    }

    /// A reconstructor of a model that is in memory.
    ///
    /// # Errors
    /// What the engine says.
    pub fn new(model: Model, engine: &engine::Device, device: &Device) -> Result<Self, Error> {
        let physics = Physics::new(&model.card().recipe, engine)?;
        Ok(Self { model, physics, device: device.clone() })
    }

    /// The model.
    #[must_use]
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// A slice in 1/mm of line integrals that were taken by the model's scan.
    ///
    /// # Errors
    /// [`Error::Image`] when they are of another scan, in another unit or not finite; [`Error::Tensor`] when the device fails.
    pub fn run(&self, projections: &Projections) -> Result<Volume, Error> {
        let image = |text: String| Error::Image(text);
        let geometry = self.physics.operator().geometry();
        let (views, detector) = (geometry.views().len(), geometry.detector());
        if (projections.views(), projections.detector()) != (views, detector) {
            let ([u, v], [got_u, got_v]) = (detector, projections.detector());
            let got = format!("{} views of {got_u} × {got_v}", projections.views());
            return Err(image(format!("must have {views} views of {u} × {v} pixels, got {got}")));
        }
        let (pitch, got) = (geometry.pitch_mm(), projections.pitch_mm());
        if pitch.iter().zip(got).any(|(pitch, got)| (pitch - got).abs() > PITCH_TOLERANCE * pitch) {
            let [[u, v], [got_u, got_v]] = [pitch, got];
            return Err(image(format!("must have a pitch of {u} × {v} mm, got {got_u} × {got_v} mm")));
        }
        if !matches!(projections.unit(), Unit::LineIntegral | Unit::Arbitrary) {
            return Err(image(format!("must hold line integrals, got {}", projections.unit())));
        }
        projections.check_finite().map_err(|e| image(e.to_string()))?;
        let stack = TensorData::new(projections.values().to_vec(), [1, 1, views, detector[0]]);
        let stack = self.physics.scaled_integrals(Tensor::<4>::from_data(stack, &self.device));
        let slice = self.model.network().forward(&self.physics, stack)? * f64::from(WATER_PER_MM);
        Volume::new(*self.physics.operator().grid(), Unit::PerMillimetre, values(slice)?)
            .map_err(|e| image(e.to_string()))
    }
}
