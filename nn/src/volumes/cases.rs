use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use kerma::{
    data::{Grid, Unit, Volume},
    io::read_volume,
};
use serde::{Deserialize, Serialize};

use super::Fitted;
use crate::{
    Error,
    improve::Improver,
    training::{Cases, Kept},
};

/// Files of a case that `kerma simulate --keep truth` has made.
const RECONSTRUCTION: &str = "reconstruction.nii.gz";
const TRUTH: &str = "truth.nii.gz";
const NODULES: &str = "nodules.nii.gz";

/// What is less dense is air.
const AIR_HU: f32 = -990.0;

/// The volume of a case that a network sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Input {
    /// The body's CT numbers, as they are.
    Truth,
    /// What was reconstructed, brought to HU.
    Reconstruction,
}

/// Which volumes of cases are read, and what comes before the network.
#[derive(Clone)]
pub(crate) struct Source {
    input: Input,
    before: Option<Arc<Improver>>,
}

impl Source {
    pub(crate) fn new(input: Input, before: Option<Improver>) -> Self {
        Self { input, before: before.map(Arc::new) }
    }

    /// What the network sees of a case.
    pub(crate) fn input(&self, folder: &Path) -> Result<Volume, Error> {
        let input = match self.input {
            Input::Truth => return truth(folder),
            Input::Reconstruction => read(folder, RECONSTRUCTION)?,
        };
        match &self.before {
            Some(before) => before.run(&input, &mut |_| Ok(())),
            None => Ok(input),
        }
    }

    /// The same, and the body on its grid.
    pub(crate) fn pair(&self, folder: &Path) -> Result<(Volume, Volume), Error> {
        let (input, truth) = (self.input(folder)?, truth(folder)?);
        if input.grid() != truth.grid() {
            let (folder, [input, truth]) = (folder.display(), [input.grid(), truth.grid()]);
            return Err(Error::Recipe(format!(
                "{folder}: {RECONSTRUCTION} and {TRUTH} must have one grid, got {input} and {truth}"
            )));
        }
        Ok((input, truth))
    }

    /// What the bodies in `folders` say, unless it is `known`; all volumes are read once then.
    pub(crate) fn fitted(&self, known: Option<&Fitted>, folders: &[PathBuf]) -> Result<Fitted, Error> {
        let after = self.before.as_ref().map(|before| before.sha256().to_owned());
        match known {
            Some(known) if known.after_sha256 != after => {
                Err(Error::Recipe("data.after is another model than when the training began".to_owned()))
            }
            Some(known) => Ok(known.clone()),
            None => {
                let source = self.clone();
                let read = move |folder: &Path| Ok(Kept { case: Arc::new(source.pair(folder)?), bytes: 0 });
                fit(self.input, &Cases::find(folders, 0, read)?, after)
            }
        }
    }
}

/// One gain and one offset for all bodies: least squares from reconstruction to body, where the body is no air.
fn fit(input: Input, cases: &Cases<(Volume, Volume)>, after_sha256: Option<String>) -> Result<Fitted, Error> {
    let first = cases.get(0)?;
    let (spacing_mm, unit) = (first.0.grid().spacing_mm().to_array(), first.0.unit().to_string());
    if input == Input::Truth {
        return Ok(Fitted { unit, gain_hu: 1.0, offset_hu: 0.0, spacing_mm, after_sha256 });
    }
    let mut sums = [0.0f64; 5];
    for index in 0..cases.count() {
        let case = cases.get(index)?;
        let (input, truth) = &*case;
        for (x, y) in input.values().iter().zip(truth.values()).filter(|(_, y)| **y > AIR_HU) {
            let (x, y) = (f64::from(*x), f64::from(*y));
            sums = [sums[0] + 1.0, sums[1] + x, sums[2] + y, sums[3] + x * x, sums[4] + x * y];
        }
    }
    let [n, x, y, xx, xy] = sums;
    let gain_hu = (n * xy - x * y) / (n * xx - x * x);
    let offset_hu = (y - gain_hu * x) / n;
    if !(gain_hu > 0.0 && offset_hu.is_finite()) {
        return Err(Error::Recipe(format!(
            "data.cases: no gain fits their reconstructions to their bodies, got {gain_hu}"
        )));
    }
    Ok(Fitted { unit, gain_hu, offset_hu, spacing_mm, after_sha256 })
}

/// The body of a case.
fn truth(folder: &Path) -> Result<Volume, Error> {
    let truth = read(folder, TRUTH)?;
    match truth.unit() {
        Unit::Hounsfield => Ok(truth),
        other => Err(Error::Recipe(format!("{}: {TRUTH} must be in HU, got {other}", folder.display()))),
    }
}

/// Which voxels of a case belong to nodules; `None` where the case does not say.
pub(crate) fn nodules(folder: &Path) -> Result<Option<Volume>, Error> {
    folder.join(NODULES).is_file().then(|| read(folder, NODULES)).transpose()
}

/// Refuses the nodules `of` a case for the volume of a case when they lie on another grid.
pub(crate) fn check_nodules(folder: &Path, of: &Path, wanted: &Grid, got: &Grid) -> Result<(), Error> {
    if wanted.size() == got.size() {
        return Ok(());
    }
    let [folder, of] = [folder, of].map(Path::display);
    Err(Error::Recipe(format!("{folder}: the nodules of {of} must lie on {wanted}, got {got}")))
}

fn read(folder: &Path, name: &str) -> Result<Volume, Error> {
    let volume = read_volume(folder.join(name), None).map_err(|e| Error::Recipe(e.to_string()))?;
    volume.check_finite().map_err(|e| Error::Recipe(format!("{}: {e}", folder.join(name).display())))?;
    Ok(volume)
}
