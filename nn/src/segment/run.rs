use std::path::Path;

use burn::tensor::{Device, Tensor, TensorData};
use kerma::data::{Unit, Volume};

use super::{Model, data::sides};
use crate::{
    Error,
    improve::Improver,
    values,
    volumes::{Fitted, Region, Within, admit, at_once, dims},
};

/// Name of the threshold among a card's metrics: the least probability of what is called a nodule.
pub const THRESHOLD: &str = "threshold";
/// Name among them of the slope of the [`Calibration`].
pub const SLOPE: &str = "logit slope";
/// Name among them of its offset.
pub const OFFSET: &str = "logit offset";
/// Threshold of models whose card has none.
const USUAL_THRESHOLD: f64 = 0.5;

/// A trained network, and what improves volumes before it, ready to find nodules.
pub struct Segmenter {
    model: Model,
    fitted: Fitted,
    before: Option<Improver>,
    calibration: Calibration,
    device: Device,
}

/// From a network's logits z to probabilities: σ(x) of x = slope·z + offset, where above 6 x is replaced by 6 + ln(x − 5).
///
/// Networks are surer than they are right, and a sigmoid in single precision is 1 beyond 17, where nothing can be ranked; with the
/// logarithm, which goes on smoothly, the order of logits stays that of probabilities.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Calibration {
    /// Factor.
    pub slope: f64,
    /// What is added then.
    pub offset: f64,
}

impl Calibration {
    const LINEAR_UP_TO: f64 = 6.0;

    /// Of a logit.
    #[must_use]
    pub fn probability(&self, logit: f64) -> f32 {
        let line = self.slope * logit + self.offset;
        let beyond = line - Self::LINEAR_UP_TO;
        // What is not a number stays so.
        let compressed = if beyond > 0.0 { Self::LINEAR_UP_TO + beyond.ln_1p() } else { line };
        (1.0 / (1.0 + (-compressed).exp())) as f32
    }

    /// The logit of a probability.
    #[must_use]
    pub fn logit(&self, probability: f32) -> f64 {
        let p = f64::from(probability);
        let compressed = (p / (1.0 - p)).ln();
        let beyond = compressed - Self::LINEAR_UP_TO;
        let line = if beyond > 0.0 { Self::LINEAR_UP_TO + beyond.exp_m1() } else { compressed };
        (line - self.offset) / self.slope
    }
}

impl Segmenter {
    /// Reads a model, and those before it from the same folder.
    ///
    /// # Errors
    /// As [`Model::load`] and [`Improver::load`]; [`Error::Model`] when the one before is another than in the training.
    pub fn load(path: &Path, device: &Device) -> Result<Self, Error> {
        let model = Model::load(path, device)?;
        let before = model.card().recipe.before(path.parent().unwrap_or(Path::new("")), device)?;
        Self::joined(model, before, device).map_err(|reason| Error::Model { path: path.to_owned(), reason })
    }

    /// A segmenter of a model that is in memory, and what improves volumes before it.
    ///
    /// # Errors
    /// [`Error::Options`] when the model was never trained, or what comes before is another model than in its training.
    pub fn new(model: Model, before: Option<Improver>, device: &Device) -> Result<Self, Error> {
        Self::joined(model, before, device).map_err(Error::Options)
    }

    fn joined(model: Model, before: Option<Improver>, device: &Device) -> Result<Self, String> {
        let recipe = &model.card().recipe;
        let fitted = Fitted::known(recipe.fitted.as_ref(), recipe.data.after.as_deref(), before.as_ref())?;
        let metric = |name, usual| model.card().metrics.get(name).copied().unwrap_or(usual);
        let calibration = Calibration { slope: metric(SLOPE, 1.0), offset: metric(OFFSET, 0.0) };
        Ok(Self { model, fitted, before, calibration, device: device.clone() })
    }

    /// The same with another calibration than that of its card.
    #[must_use]
    pub fn with_calibration(self, calibration: Calibration) -> Self {
        Self { calibration, ..self }
    }

    /// The model.
    #[must_use]
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Unit of the volumes that are looked at.
    #[must_use]
    pub fn unit(&self) -> &str {
        self.before.as_ref().map_or(&self.fitted.unit, Improver::unit)
    }

    /// Least probability of what is called a nodule: `threshold` among the metrics of the card, which whoever chooses one
    /// writes there; 0.5 without.
    #[must_use]
    pub fn threshold(&self) -> f64 {
        let stated = self.model.card().metrics.get(THRESHOLD).copied();
        stated.filter(|threshold| (0.0..1.0).contains(threshold)).unwrap_or(USUAL_THRESHOLD)
    }

    /// Voxels that a volume is brought to before, where its own are not of the size of those that were learned from or do not
    /// lie along the world axes.
    #[must_use]
    pub fn own_grid(&self, volume: &Volume) -> Option<[f64; 3]> {
        self.fitted.own_grid(volume.grid())
    }

    /// The probability of each voxel, 0 to 1, on the volume's own grid, and 0 beyond the part that the network looks at; `tell`
    /// hears which share is done and may stop it.
    ///
    /// # Errors
    /// [`Error::Image`] when the volume is in another unit than those of the training, has values that are not finite, or does
    /// not show that part; what `tell` says; [`Error::Tensor`] when the device fails.
    pub fn run(&self, volume: &Volume, tell: &mut dyn FnMut(f64) -> Result<(), Error>) -> Result<Volume, Error> {
        admit(volume, self.unit())?;
        let shares = if self.before.is_some() { [0.5, 0.5] } else { [0.0, 1.0] };
        let before = match &self.before {
            Some(before) => Some(before.run(volume, &mut |done| tell(done * shares[0]))?),
            None => None,
        };
        let seen = before.as_ref().unwrap_or(volume);
        let mask = self.within().map(|within| within.mask(seen)).transpose()?;
        self.on_grid_of(volume, seen, mask.as_ref(), &self.fitted, &mut |done| tell(shares[0] + done * shares[1]))
    }

    /// The same of a volume in HU, whatever comes before the network and whatever unit it knows: how it fares on volumes of
    /// another kind than those of its training. What it looks at is told by the `lungs` of the body, which such a volume may not
    /// show: a mask, on any grid along the same axes.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn run_on_hu(
        &self,
        volume: &Volume,
        lungs: &Volume,
        tell: &mut dyn FnMut(f64) -> Result<(), Error>,
    ) -> Result<Volume, Error> {
        let unit = Unit::Hounsfield.to_string();
        admit(volume, &unit)?;
        let fitted = Fitted { unit, gain_hu: 1.0, offset_hu: 0.0, ..self.fitted.clone() };
        self.on_grid_of(volume, volume, self.within().map(|_| lungs), &fitted, tell)
    }

    fn within(&self) -> Option<Within> {
        self.model.card().recipe.data.within
    }

    /// A volume in HU as far as the gain and the offset of the training bodies tell.
    ///
    /// # Errors
    /// [`Error::Image`] when the volume is in another unit or has values that are not finite.
    pub fn calibrated(&self, volume: &Volume) -> Result<Volume, Error> {
        admit(volume, &self.fitted.unit)?;
        let values = volume.values().iter().map(|value| self.fitted.hu(*value)).collect();
        Volume::new(*volume.grid(), Unit::Hounsfield, values).map_err(|e| Error::Image(e.to_string()))
    }

    /// What improves volumes before the network sees them.
    #[must_use]
    pub fn before(&self) -> Option<&Improver> {
        self.before.as_ref()
    }

    /// Probabilities on the grid of a volume of what the network sees of it, about a mask where there is one.
    fn on_grid_of(
        &self,
        volume: &Volume,
        seen: &Volume,
        mask: Option<&Volume>,
        fitted: &Fitted,
        tell: &mut dyn FnMut(f64) -> Result<(), Error>,
    ) -> Result<Volume, Error> {
        let region = mask.map(|mask| Region::about(mask, seen.grid()));
        let part = region.map(|region| region.cut(seen)).transpose()?;
        let seen = part.as_ref().unwrap_or(seen);
        let found = self.found(fitted.on_own_grid(seen)?.as_ref(), fitted, tell)?;
        let back = |found: Volume, grid| found.resampled(grid).map_err(|e| Error::Image(e.to_string()));
        match (region, self.own_grid(seen)) {
            (Some(region), None) => Ok(region.put(&found, volume.grid())),
            (Some(region), Some(_)) => Ok(region.put(&back(found, seen.grid())?, volume.grid())),
            (None, None) => Ok(found),
            (None, Some(_)) => back(found, volume.grid()),
        }
    }

    /// Bytes that this takes at most for such a volume.
    #[must_use]
    pub fn planned_bytes(&self, volume: &Volume) -> u64 {
        /// The volume, the same improved, on the network's grid, in its units; probabilities, weights, and the result.
        const VOLUMES: u64 = 7;
        let dims = self.fitted.own_dims(volume.grid());
        let recipe = &self.model.card().recipe;
        let size = recipe.plane.size(dims, recipe.network.multiple());
        let voxels = volume.values().len().max(dims.iter().product()) as u64;
        let side = size.into_iter().max().unwrap_or(1);
        let own =
            VOLUMES * size_of::<f32>() as u64 * voxels + at_once(size) as u64 * recipe.network.activation_bytes(side);
        own.max(self.before.as_ref().map_or(0, |before| before.planned_bytes(volume)))
    }

    /// Probabilities on a grid of the network's own.
    fn found(
        &self,
        volume: &Volume,
        fitted: &Fitted,
        tell: &mut dyn FnMut(f64) -> Result<(), Error>,
    ) -> Result<Volume, Error> {
        let recipe = &self.model.card().recipe;
        let (dims, input) = (dims(volume.grid()), fitted.values(volume));
        let (across, inputs) = (recipe.across(), recipe.network.inputs);
        let found = recipe.plane.assemble(dims, recipe.network.multiple(), tell, |some| {
            let about = some.iter().flat_map(|block| recipe.slices_about(block.start[across] as usize, dims));
            let cut: Vec<f32> = about.flat_map(|block| block.cut(&input, dims)).collect();
            let [rows, columns] = sides(&some[0], across);
            let cut = TensorData::new(cut, [some.len(), inputs, rows, columns]);
            let logits = self.model.network().forward(Tensor::<4>::from_data(cut, &self.device), None);
            let logits = values(logits)?;
            Ok(logits.into_iter().map(|logit| self.calibration.probability(f64::from(logit))).collect())
        })?;
        Volume::new(*volume.grid(), Unit::Arbitrary, found).map_err(|e| Error::Image(e.to_string()))
    }
}
