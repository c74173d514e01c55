use std::{
    fs,
    path::{Path, PathBuf},
};

use burn::module::Module;
use serde::{Deserialize, Serialize};

use super::{System, Trainer};
use crate::{Error, Start};

/// Files of a checkpoint, in its folder.
const NETWORK: &str = "network.bpk";
const MEAN: &str = "mean.bpk";
const OPTIMIZER: &str = "optimizer.bpk";
const STATE: &str = "state.json";

/// Name of a file of one of the judges of an adversarial training.
fn judge_file(index: usize, what: &str) -> String {
    format!("judge-{index}-{what}.bpk")
}

/// Where the checkpoint in `folder` is while the next one takes its place.
fn before(folder: &Path) -> PathBuf {
    folder.with_extension("old")
}

/// What a checkpoint holds besides tensors.
#[derive(Serialize, Deserialize)]
#[serde(bound = "")]
struct State<S: System> {
    recipe: S,
    #[serde(default = "Start::unsaid")]
    start: Start,
    step: usize,
    losses: Vec<f32>,
    #[serde(default)]
    seconds: f64,
}

impl<S: System> Trainer<S> {
    /// Writes a checkpoint into `folder`, replacing the one there; a failed write leaves the old one.
    ///
    /// # Errors
    /// [`Error::File`] when the folder cannot be written.
    pub fn save(&self, folder: &Path) -> Result<(), Error> {
        let at = |path: &Path| {
            let path = path.to_owned();
            move |e: std::io::Error| Error::File { path, source: e }
        };
        let fresh = folder.with_extension("new");
        if fresh.exists() {
            fs::remove_dir_all(&fresh).map_err(at(&fresh))?;
        }
        fs::create_dir_all(&fresh).map_err(at(&fresh))?;
        let record = |e: String| Error::Model { path: folder.to_owned(), reason: e };
        self.network.clone().valid().save_file(fresh.join(NETWORK)).map_err(|e| record(e.to_string()))?;
        self.mean.clone().save_file(fresh.join(MEAN)).map_err(|e| record(e.to_string()))?;
        self.optimizer.save(fresh.join(OPTIMIZER)).map_err(|e| record(e.to_string()))?;
        for (index, judge) in
            self.judges.iter().flat_map(|judges| judges.networks.iter().zip(&judges.optimizers)).enumerate()
        {
            let (network, optimizer) = judge;
            network
                .clone()
                .valid()
                .save_file(fresh.join(judge_file(index, "network")))
                .map_err(|e| record(e.to_string()))?;
            optimizer.save(fresh.join(judge_file(index, "optimizer"))).map_err(|e| record(e.to_string()))?;
        }
        let (recipe, losses) = (self.recipe.clone(), self.losses.clone());
        let state = State { recipe, start: self.start, step: self.step, losses, seconds: self.seconds };
        let text = serde_json::to_vec_pretty(&state).map_err(|e| record(e.to_string()))?;
        fs::write(fresh.join(STATE), text).map_err(at(&fresh))?;
        if !folder.exists() {
            return fs::rename(&fresh, folder).map_err(at(folder));
        }
        // At every moment a whole checkpoint has its name or that of the one before.
        let before = before(folder);
        if before.exists() {
            fs::remove_dir_all(&before).map_err(at(&before))?;
        }
        fs::rename(folder, &before).map_err(at(folder))?;
        fs::rename(&fresh, folder).map_err(at(folder))?;
        fs::remove_dir_all(&before).map_err(at(&before))
    }

    /// Goes on where the checkpoint in `folder` stopped: every later weight is that of a training without a stop.
    ///
    /// # Errors
    /// [`Error::Model`] when the folder holds no checkpoint or one of another recipe.
    pub fn resume(mut self, folder: &Path) -> Result<Self, Error> {
        let before = before(folder);
        // The process may have ended between the two names.
        let folder = if !folder.exists() && before.exists() { &before } else { folder };
        let fail = |reason: String| Error::Model { path: folder.to_owned(), reason };
        let text = fs::read(folder.join(STATE)).map_err(|e| fail(e.to_string()))?;
        let state: State<S> = serde_json::from_slice(&text).map_err(|e| fail(e.to_string()))?;
        if state.recipe != self.recipe {
            return Err(fail("the checkpoint belongs to another recipe".to_owned()));
        }
        let load = |name: &str| folder.join(name);
        let network = self.mean.clone().try_load_file(load(NETWORK)).map_err(|e| fail(e.to_string()))?;
        self.mean = self.mean.try_load_file(load(MEAN)).map_err(|e| fail(e.to_string()))?;
        self.optimizer = self.optimizer.load(load(OPTIMIZER)).map_err(|e| fail(e.to_string()))?;
        self.network = network.fork(&self.device.clone().autodiff()).train();
        if let Some(judges) = &mut self.judges {
            for (index, (network, optimizer)) in judges.networks.iter_mut().zip(&mut judges.optimizers).enumerate() {
                let file = |what| folder.join(judge_file(index, what));
                let loaded = network.clone().valid().try_load_file(file("network")).map_err(|e| fail(e.to_string()))?;
                *network = loaded.fork(&self.device.clone().autodiff()).train();
                *optimizer = optimizer.clone().load(file("optimizer")).map_err(|e| fail(e.to_string()))?;
            }
        }
        (self.start, self.step) = (state.start, state.step);
        (self.losses, self.seconds) = (state.losses, state.seconds);
        Ok(self)
    }
}
