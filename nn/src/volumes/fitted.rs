use std::{borrow::Cow, path::Path};

use glam::DMat3;
use kerma::data::{DataError, Grid, Volume};
use serde::{Deserialize, Serialize};

use super::SCALE_HU;
use crate::{Error, improve::Improver};

/// How far spacings may differ, relatively.
const SPACING_TOLERANCE: f64 = 0.01;
/// How far direction cosines may be from those of the world axes.
const UPRIGHT_TOLERANCE: f64 = 1e-4;

/// What training bodies say: the same for every volume that the network sees later.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fitted {
    /// Unit of the volumes.
    pub unit: String,
    /// a of a·value + b, by least squares from reconstructions to bodies: HU for each unit.
    pub gain_hu: f64,
    /// b, in HU.
    pub offset_hu: f64,
    /// Distances of voxels, along (x, y, z).
    pub spacing_mm: [f64; 3],
    /// SHA-256 of the model that comes before, by its card.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_sha256: Option<String>,
}

impl Fitted {
    /// What a card knows of its data, with the file of what improved volumes before it, if `before` is that model; else the
    /// reason why the network cannot be used.
    pub(crate) fn known(card: Option<&Self>, after: Option<&Path>, before: Option<&Improver>) -> Result<Self, String> {
        let fitted = card.ok_or("was written before its training began")?;
        if fitted.after_sha256.as_deref() != before.map(Improver::sha256) {
            let file = after.unwrap_or(Path::new("what comes"));
            return Err(format!("{} before it is another model than in its training", file.display()));
        }
        Ok(fitted.clone())
    }

    /// The value of a volume in HU, as far as one gain and one offset tell.
    pub(crate) fn hu(&self, value: f32) -> f32 {
        (self.gain_hu * f64::from(value) + self.offset_hu) as f32
    }

    /// Values of a volume in units of the networks.
    pub(crate) fn values(&self, volume: &Volume) -> Vec<f32> {
        volume.values().iter().map(|value| scaled(self.hu(*value))).collect()
    }

    /// Refuses a case whose voxels are of another size.
    pub(crate) fn check_spacing(&self, folder: &Path, grid: &Grid) -> Result<(), Error> {
        if self.has_spacing_of(grid) {
            return Ok(());
        }
        let (folder, wanted, got) = (folder.display(), self.spacing_mm, grid.spacing_mm());
        Err(Error::Recipe(format!("{folder}: voxels must measure {wanted:?} mm as those of the first case, got {got}")))
    }

    fn has_spacing_of(&self, grid: &Grid) -> bool {
        let spacing = grid.spacing_mm().to_array();
        spacing.iter().zip(self.spacing_mm).all(|(got, want)| (got / want - 1.0).abs() < SPACING_TOLERANCE)
    }

    /// What a volume is brought to before the network sees it, where its voxels are not of the size of those that were learned
    /// from or do not lie along the world axes.
    pub(crate) fn own_grid(&self, grid: &Grid) -> Option<[f64; 3]> {
        let is_upright = grid.orientation().abs_diff_eq(DMat3::IDENTITY, UPRIGHT_TOLERANCE);
        (!is_upright || !self.has_spacing_of(grid)).then_some(self.spacing_mm)
    }

    /// The volume on a grid of the network's own; itself where it lies on one.
    pub(crate) fn on_own_grid<'v>(&self, volume: &'v Volume) -> Result<Cow<'v, Volume>, Error> {
        let said = |e: DataError| Error::Image(e.to_string());
        let Some(spacing_mm) = self.own_grid(volume.grid()) else { return Ok(Cow::Borrowed(volume)) };
        let own = volume.grid().upright(spacing_mm).map_err(said)?;
        Ok(Cow::Owned(volume.resampled(&own).map_err(said)?))
    }

    /// Voxels along (z, y, x) of that grid.
    pub(crate) fn own_dims(&self, grid: &Grid) -> [usize; 3] {
        let own = self.own_grid(grid).and_then(|spacing| grid.upright(spacing).ok());
        dims(own.as_ref().unwrap_or(grid))
    }
}

/// Refuses volumes in another unit than those of the training, and values that are not finite.
pub(crate) fn admit(volume: &Volume, wanted: &str) -> Result<(), Error> {
    volume.check_finite().map_err(|e| Error::Image(e.to_string()))?;
    let got = volume.unit().to_string();
    match got == wanted {
        true => Ok(()),
        false => Err(Error::Image(format!("the network knows volumes in {wanted}, this one is in {got}"))),
    }
}

/// Sizes along (z, y, x).
pub(crate) fn dims(grid: &Grid) -> [usize; 3] {
    let [x, y, z] = grid.size();
    [z, y, x]
}

/// From HU to units of the networks.
pub(crate) fn scaled(hu: f32) -> f32 {
    let [low, high] = SCALE_HU.map(|hu| hu as f32);
    (hu - low) / (high - low)
}

/// From units of the networks to HU.
pub(crate) fn unscaled(value: f32) -> f32 {
    let [low, high] = SCALE_HU.map(|hu| hu as f32);
    low + value * (high - low)
}
