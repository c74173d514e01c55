use std::{borrow::Cow, collections::BTreeMap, path::Path};

use burn::tensor::{Device, Tensor, TensorData};
use kerma::data::{Unit, Volume};

use super::Model;
use crate::{
    Error, values,
    volumes::{Fitted, admit, at_once, dims, unscaled},
};

/// Models one after the other, at most.
const MOST_STAGES: usize = 4;

/// A trained network, and those before it, ready to improve volumes.
pub struct Improver {
    model: Model,
    fitted: Fitted,
    before: Option<Box<Improver>>,
    device: Device,
}

impl Improver {
    /// Reads a model, and those before it from the same folder.
    ///
    /// # Errors
    /// As [`Model::load`]; [`Error::Model`] when the one before is another than in the training, or there are more than four.
    pub fn load(path: &Path, device: &Device) -> Result<Self, Error> {
        Self::staged(path, &|path| Model::load(path, device), device)
    }

    /// A model of a file and those before it, all of which `read` knows.
    pub(crate) fn staged(
        path: &Path,
        read: &dyn Fn(&Path) -> Result<Model, Error>,
        device: &Device,
    ) -> Result<Self, Error> {
        Self::stage(path, read, device, MOST_STAGES)
    }

    fn stage(
        path: &Path,
        read: &dyn Fn(&Path) -> Result<Model, Error>,
        device: &Device,
        stages: usize,
    ) -> Result<Self, Error> {
        let fail = |reason: String| Error::Model { path: path.to_owned(), reason };
        if stages == 0 {
            return Err(fail(format!("more than {MOST_STAGES} models one after the other")));
        }
        let model = read(path)?;
        let before = match &model.card().recipe.data.after {
            Some(file) => Some(Self::stage(&path.with_file_name(file), read, device, stages - 1)?),
            None => None,
        };
        Self::joined(model, before, device).map_err(fail)
    }

    /// An improver of a model that is in memory, and what improves volumes before it.
    ///
    /// # Errors
    /// [`Error::Options`] when the model was never trained, or what comes before is another model than in its training.
    pub fn new(model: Model, before: Option<Self>, device: &Device) -> Result<Self, Error> {
        Self::joined(model, before, device).map_err(Error::Options)
    }

    fn joined(model: Model, before: Option<Self>, device: &Device) -> Result<Self, String> {
        let recipe = &model.card().recipe;
        let fitted = Fitted::known(recipe.fitted.as_ref(), recipe.data.after.as_deref(), before.as_ref())?;
        Ok(Self { model, fitted, before: before.map(Box::new), device: device.clone() })
    }

    /// The model.
    #[must_use]
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Unit of the volumes that are improved.
    #[must_use]
    pub fn unit(&self) -> &str {
        &self.first().fitted.unit
    }

    /// SHA-256 of the model, by its card.
    #[must_use]
    pub fn sha256(&self) -> &str {
        &self.model.card().sha256
    }

    /// What a volume is brought to before it is improved, where its voxels are not of the size of those that were learned from
    /// or do not lie along the world axes; what was added is brought back.
    #[must_use]
    pub fn own_grid(&self, volume: &Volume) -> Option<[f64; 3]> {
        self.fitted.own_grid(volume.grid())
    }

    /// A volume, improved, in HU and on its own grid; `tell` hears which share is done and may stop it.
    ///
    /// # Errors
    /// [`Error::Image`] when the volume is in another unit than those of the training or has values that are not finite; what `tell` says; [`Error::Tensor`] when
    /// the device fails.
    pub fn run(&self, volume: &Volume, tell: &mut dyn FnMut(f64) -> Result<(), Error>) -> Result<Volume, Error> {
        admit(volume, self.unit())?;
        let Cow::Owned(coarse) = self.fitted.on_own_grid(volume)? else { return self.improved(volume, tell) };
        let own = |value: &f32| self.first().fitted.hu(*value);
        let mut added = self.improved(&coarse, tell)?;
        added.values_mut().iter_mut().zip(coarse.values()).for_each(|(added, before)| *added -= own(before));
        let mut sum = added.resampled(volume.grid()).map_err(|e| Error::Image(e.to_string()))?;
        sum.values_mut().iter_mut().zip(volume.values()).for_each(|(added, before)| *added += own(before));
        Ok(sum)
    }

    /// Bytes that improving such a volume takes at most.
    #[must_use]
    pub fn planned_bytes(&self, volume: &Volume) -> u64 {
        /// The volume, the same on the network's grid, calibrated, between stages, what is added, weights, and the result.
        const VOLUMES: u64 = 7;
        let dims = self.fitted.own_dims(volume.grid());
        let recipe = &self.model.card().recipe;
        let size = recipe.pieces.size(dims, recipe.network.multiple());
        let voxels = volume.values().len().max(dims.iter().product()) as u64;
        VOLUMES * size_of::<f32>() as u64 * voxels + at_once(size) as u64 * recipe.network.activation_bytes(size)
    }

    /// [`Self::run`] on the network's own grid, with outputs of models by their hash: those that are known are not computed again,
    /// and the others become known.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub fn run_sharing(&self, volume: &Volume, known: &mut BTreeMap<String, Volume>) -> Result<Volume, Error> {
        if let Some(output) = known.get(self.sha256()) {
            return Ok(output.clone());
        }
        let before = self.before.as_ref().map(|before| before.run_sharing(volume, known)).transpose()?;
        let output = self.after(before.as_ref().unwrap_or(volume), &mut |_| Ok(()))?;
        known.insert(self.sha256().to_owned(), output.clone());
        Ok(output)
    }

    /// A volume on the network's own grid, improved.
    fn improved(&self, volume: &Volume, tell: &mut dyn FnMut(f64) -> Result<(), Error>) -> Result<Volume, Error> {
        let share = 1.0 / self.stages() as f64;
        let earlier = 1.0 - share;
        let before = match &self.before {
            Some(before) => Some(before.improved(volume, &mut |done| tell(done * earlier))?),
            None => None,
        };
        self.after(before.as_ref().unwrap_or(volume), &mut |done| tell(earlier + done * share))
    }

    /// What this network makes of a volume that those before it have improved.
    fn after(&self, volume: &Volume, tell: &mut dyn FnMut(f64) -> Result<(), Error>) -> Result<Volume, Error> {
        let input = self.fitted.values(volume);
        let added = self.added(&input, dims(volume.grid()), tell)?;
        let values = input.iter().zip(added).map(|(input, added)| unscaled(input + added)).collect();
        Volume::new(*volume.grid(), Unit::Hounsfield, values).map_err(|e| Error::Image(e.to_string()))
    }

    /// The improver that sees the reconstruction itself.
    fn first(&self) -> &Self {
        self.before.as_ref().map_or(self, |before| before.first())
    }

    fn stages(&self) -> usize {
        1 + self.before.as_ref().map_or(0, |before| before.stages())
    }

    /// What the network adds to values in its units, `[z][y][x]`; pieces that overlap are blended by their weights.
    fn added(
        &self,
        input: &[f32],
        dims: [usize; 3],
        tell: &mut dyn FnMut(f64) -> Result<(), Error>,
    ) -> Result<Vec<f32>, Error> {
        let recipe = &self.model.card().recipe;
        let [planes, rows, columns] = recipe.pieces.size(dims, recipe.network.multiple());
        recipe.pieces.assemble(dims, recipe.network.multiple(), tell, |some| {
            let cut: Vec<f32> = some.iter().flat_map(|block| block.cut(input, dims)).collect();
            let cut = TensorData::new(cut, [some.len(), 1, planes, rows, columns]);
            values(self.model.network().forward(Tensor::<5>::from_data(cut, &self.device)))
        })
    }
}
