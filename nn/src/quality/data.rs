use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use kerma::io::read_projections;
use serde_json::Value;

use super::{
    Exposure, Quantity, Recipe, Seen,
    view::{CROP, CROP_CHANNELS, CROPS, SIDE, folded, median, places},
};
use crate::{
    Error,
    training::{Cases, Draws, Kept},
};

/// Files of a case of `kerma simulate --keep integrals`.
const RECORD: &str = "run.json";
const INTEGRALS: &str = "integrals.nrrd";

/// A simulated radiograph without noise, as it is looked at: head up, the patient's left at the right.
#[derive(Clone, Debug, PartialEq)]
pub struct Radiograph {
    /// Name of the body: that of the case up to its last hyphen.
    pub body: String,
    /// Angle about the long axis.
    pub angle_deg: f64,
    /// Columns and rows.
    pub size: [usize; 2],
    /// Signal relative to the reference grey, `[row][column]`.
    pub signal: Vec<f32>,
    /// Pixels of the detector that each value stands for.
    pub pixels: f64,
}

impl Radiograph {
    /// Reads a case in its own pixels, as noise needs, or folded to an overview for the others.
    ///
    /// # Errors
    /// [`Error::Recipe`] when files are missing or damaged, or the images have noise.
    pub fn read(folder: &Path, quantity: Quantity) -> Result<Self, Error> {
        let fail = |reason: String| Error::Recipe(format!("{}: {reason}", folder.display()));
        let text = fs::read(folder.join(RECORD)).map_err(|e| fail(format!("{RECORD}: {e}")))?;
        let record: Value = serde_json::from_slice(&text).map_err(|e| fail(format!("{RECORD}: {e}")))?;
        let of = |path: &str| record.pointer(&format!("/protocols/0/protocol/{path}"));
        let is_noisy = |part: &str| of(&format!("detector/{part}/enabled")).and_then(Value::as_bool) == Some(true);
        if is_noisy("quanta") || is_noisy("electronics") {
            return Err(fail("has the noise of a detector; simulate by recipes/data/quality.toml".to_owned()));
        }
        let angle_deg = of("patient/position/roll_deg").and_then(Value::as_f64).unwrap_or(0.0);
        let stack = read_projections(folder.join(INTEGRALS), None).map_err(|e| Error::Recipe(e.to_string()))?;
        let size = stack.detector();
        if size.into_iter().any(|side| side < SIDE) {
            return Err(fail(format!("images must have {SIDE} x {SIDE} pixels or more, got {size:?}")));
        }
        // Half a turn: rows from below become rows from above, and the patient is seen from the front.
        let signal: Vec<f32> = stack.view_values(0).iter().rev().map(|integral| (-integral).exp()).collect();
        let reference = median(&signal);
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        let body = name.rsplit_once('-').map_or(&*name, |(body, _)| body).to_owned();
        let (mut signal, size, pixels) = match quantity {
            Quantity::Noise => (signal, size, 1.0),
            _ => {
                let side = size[0].max(size[1]) as f64 / SIDE as f64;
                (folded(&signal, size), [SIDE; 2], side * side)
            }
        };
        signal.iter_mut().for_each(|value| *value /= reference);
        Ok(Self { body, angle_deg, size, signal, pixels })
    }
}

/// Radiographs that a network learns from.
pub struct Radiographs(Cases<Radiograph>);

/// One step: radiographs and their truths.
pub(super) struct Batch {
    pub(super) seen: Seen,
    pub(super) truths: Vec<f64>,
}

impl Radiographs {
    /// The cases of a recipe.
    ///
    /// # Errors
    /// [`Error::File`] when a folder cannot be read, [`Error::Recipe`] when it holds no case.
    pub fn open(recipe: &Recipe) -> Result<Self, Error> {
        Self::of(&recipe.data.cases, recipe.quantity, recipe.data.cache_mb << 20)
    }

    /// The cases in folders, as a quantity needs them, of which so many bytes stay in memory.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn of(folders: &[PathBuf], quantity: Quantity, cache_bytes: u64) -> Result<Self, Error> {
        Self::of_turned(folders, quantity, cache_bytes, 0.0)
    }

    /// The same of bodies that lay turned by an angle before the cases turned them.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn of_turned(
        folders: &[PathBuf],
        quantity: Quantity,
        cache_bytes: u64,
        turned_deg: f64,
    ) -> Result<Self, Error> {
        let read = move |folder: &Path| {
            let mut case = Radiograph::read(folder, quantity)?;
            case.angle_deg += turned_deg;
            let bytes = size_of_val(case.signal.as_slice()) as u64;
            Ok(Kept { case: Arc::new(case), bytes })
        };
        Ok(Self(Cases::find(folders, cache_bytes, read)?))
    }

    /// Number of radiographs.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.count()
    }

    /// A radiograph.
    ///
    /// # Errors
    /// As [`Radiograph::read`].
    pub fn get(&self, index: usize) -> Result<Arc<Radiograph>, Error> {
        self.0.get(index)
    }

    /// Images and truths of step `step`: the same for the same recipe and step.
    pub(super) fn batch(&self, recipe: &Recipe, step: usize) -> Result<Batch, Error> {
        let mut draws = Draws::new(recipe.seed, step as u64);
        let mut batch = Batch { seen: Seen::default(), truths: Vec::new() };
        for _ in 0..recipe.training.batch {
            let radiograph = self.get(draws.below(self.count()))?;
            let exposure = Exposure::drawn(&mut draws);
            let places = Exposure::any_places(radiograph.size, &mut draws);
            batch.seen.extend(exposure.input(recipe.quantity, &radiograph, &places, recipe.corrects_fit)?);
            batch.truths.push(exposure.truth(recipe.quantity, &radiograph));
        }
        if recipe.data.shuffled_labels {
            batch.truths.rotate_left(1);
        }
        Ok(batch)
    }
}

impl Quantity {
    /// Channels and side of what a network sees, and how many of them of one radiograph.
    pub(super) fn shape(self) -> [usize; 3] {
        match self {
            Self::Noise => [CROP_CHANNELS, CROP, CROPS],
            _ => [1, SIDE, 1],
        }
    }
}

impl Radiograph {
    /// What a network for `quantity` sees when this is assessed with an exposure; `is_fitted` says whether it is told the fit of
    /// the noise, which takes the whole image.
    ///
    /// # Errors
    /// [`Error::Image`] when the radiograph is none of pixels.
    pub fn seen(&self, quantity: Quantity, exposure: &Exposure, is_fitted: bool) -> Result<Seen, Error> {
        exposure.input(quantity, self, &places(self.size), is_fitted)
    }
}
