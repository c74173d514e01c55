use std::{path::Path, sync::Arc};

use kerma::{
    data::{Grid, Unit, Volume},
    io::read_volume,
};

use super::{Block, Fitted, Improver, Pieces, Recipe, SCALE_HU};
use crate::{
    Error,
    training::{Cases, Draws, Kept},
};

/// Files of a case.
const INPUT: &str = "reconstruction.nii.gz";
const TRUTH: &str = "truth.nii.gz";
const NODULES: &str = "nodules.nii.gz";

/// CT numbers of lung, in which half of the patches have their middle.
const LUNG_HU: [f32; 2] = [-950.0, -500.0];
/// Shares of the patches about a voxel of a lung, and about one of a nodule.
const ABOUT_LUNG: f64 = 0.5;
const ABOUT_NODULE: f64 = 0.25;
/// Voxels that are tried before a patch lies anywhere.
const TRIES: usize = 64;
/// How far spacings may differ, relatively.
const SPACING_TOLERANCE: f64 = 0.01;

/// A reconstruction and the body it is of, on one grid, in units of 1400 HU from −1000 HU on, `[z][y][x]`.
pub struct Pair {
    /// The grid of both.
    pub grid: Grid,
    /// The reconstruction, calibrated.
    pub input: Vec<f32>,
    /// The body.
    pub truth: Vec<f32>,
    /// Places of voxels that belong to a nodule.
    nodules: Vec<usize>,
}

/// Reconstructions and bodies that a network learns from.
pub struct Pairs {
    cases: Cases<Pair>,
}

/// Pieces of one step.
pub(super) struct Batch {
    /// Voxels of a piece along (z, y, x).
    pub(super) size: [usize; 3],
    pub(super) input: Vec<f32>,
    pub(super) truth: Vec<f32>,
}

impl Pairs {
    /// The cases of a recipe, improved by what comes `before`. Where the recipe does not know yet what the data say
    /// ([`Recipe::fitted`]), it does afterwards; all volumes are read once then.
    ///
    /// # Errors
    /// [`Error::File`] and [`Error::Recipe`] when folders or files are missing or do not fit each other.
    pub fn open(recipe: &mut Recipe, before: Option<Improver>) -> Result<Self, Error> {
        let after = before.as_ref().map(|improver| improver.sha256().to_owned());
        let before = before.map(Arc::new);
        let fitted = match &recipe.fitted {
            Some(fitted) if fitted.after_sha256 != after => {
                return Err(Error::Recipe("data.after is another model than when the training began".to_owned()));
            }
            Some(fitted) => fitted.clone(),
            None => {
                let before = before.clone();
                let raw = Cases::find(&recipe.data.cases, 0, move |folder| {
                    let (input, truth) = volumes(folder, before.as_deref())?;
                    Ok(Kept { case: Arc::new((input, truth)), bytes: 0 })
                })?;
                fit(&raw, after)?
            }
        };
        let bytes = recipe.data.cache_mb << 20;
        let scale = fitted.clone();
        let cases = Cases::find(&recipe.data.cases, bytes, move |folder| read(folder, before.as_deref(), &scale))?;
        recipe.fitted = Some(fitted);
        Ok(Self { cases })
    }

    /// Number of bodies.
    #[must_use]
    pub fn count(&self) -> usize {
        self.cases.count()
    }

    /// Pieces of step `step`: the same for the same recipe and step.
    pub(super) fn batch(&self, recipe: &Recipe, step: usize) -> Result<Batch, Error> {
        let mut draws = Draws::new(recipe.seed, step as u64);
        let count = recipe.training.batch;
        let mut batch = Batch { size: [0; 3], input: Vec::new(), truth: Vec::new() };
        for _ in 0..count {
            let pair = self.cases.get(draws.below(self.cases.count()))?;
            let dims = dims(&pair.grid);
            let size = recipe.pieces.size(dims, recipe.network.multiple());
            if batch.size != [0; 3] && batch.size != size {
                return Err(Error::Recipe("data.cases must have volumes of one size".to_owned()));
            }
            batch.size = size;
            let block = Block { start: place(recipe.pieces, &pair, dims, size, &mut draws), size };
            let is_mirrored = recipe.data.mirror && draws.below(2) == 1;
            for (values, to) in [(&pair.input, &mut batch.input), (&pair.truth, &mut batch.truth)] {
                let mut cut = block.cut(values, dims);
                if is_mirrored {
                    cut.chunks_exact_mut(size[2]).for_each(<[f32]>::reverse);
                }
                to.extend(cut);
            }
        }
        Ok(batch)
    }
}

/// Where a piece begins: slices anywhere, patches about lungs, nodules, or anywhere.
fn place(pieces: Pieces, pair: &Pair, dims: [usize; 3], size: [usize; 3], draws: &mut Draws) -> [isize; 3] {
    let Pieces::Patch(side) = pieces else {
        let across = pieces.across();
        return [0, 1, 2].map(|axis| {
            if across == Some(axis) {
                draws.below(dims[axis]) as isize
            } else {
                -((size[axis] - dims[axis]) as isize / 2)
            }
        });
    };
    let kind = draws.unit();
    let middle = if kind < ABOUT_NODULE && !pair.nodules.is_empty() {
        pair.nodules[draws.below(pair.nodules.len())]
    } else {
        let lung = LUNG_HU.map(scaled);
        let mut any = || draws.below(pair.truth.len());
        let first = any();
        let is_lung = |at: &usize| (lung[0]..=lung[1]).contains(&pair.truth[*at]);
        match kind < ABOUT_NODULE + ABOUT_LUNG {
            true => std::iter::repeat_with(any).take(TRIES).find(is_lung).unwrap_or(first),
            false => first,
        }
    };
    let middle = [middle / (dims[1] * dims[2]), middle / dims[2] % dims[1], middle % dims[2]];
    [0, 1, 2].map(|axis| {
        let last = dims[axis] as isize - side as isize;
        (middle[axis] as isize - side as isize / 2).clamp(last.min(0), last.max(0))
    })
}

/// Sizes along (z, y, x).
pub(super) fn dims(grid: &Grid) -> [usize; 3] {
    let [x, y, z] = grid.size();
    [z, y, x]
}

/// From HU to units of the networks.
pub(super) fn scaled(hu: f32) -> f32 {
    let [low, high] = SCALE_HU.map(|hu| hu as f32);
    (hu - low) / (high - low)
}

/// From units of the networks to HU.
pub(super) fn unscaled(value: f32) -> f32 {
    let [low, high] = SCALE_HU.map(|hu| hu as f32);
    low + value * (high - low)
}

impl Fitted {
    /// The value of a reconstruction in HU, as far as one gain and one offset tell.
    pub(super) fn hu(&self, value: f32) -> f32 {
        (self.gain_hu * f64::from(value) + self.offset_hu) as f32
    }

    /// Values of a reconstruction in units of the networks.
    pub(super) fn values(&self, volume: &Volume) -> Vec<f32> {
        volume.values().iter().map(|value| scaled(self.hu(*value))).collect()
    }

    /// Whether voxels are of the size of those that were learned from.
    pub(super) fn has_spacing_of(&self, grid: &Grid) -> bool {
        let spacing = grid.spacing_mm().to_array();
        spacing.iter().zip(self.spacing_mm).all(|(got, want)| (got / want - 1.0).abs() < SPACING_TOLERANCE)
    }
}

/// Reconstruction and body of a case.
fn volumes(folder: &Path, before: Option<&Improver>) -> Result<(Volume, Volume), Error> {
    let fail = |what: String| Error::Recipe(format!("{}: {what}", folder.display()));
    let read = |name: &str| read_volume(folder.join(name), None).map_err(|e| Error::Recipe(e.to_string()));
    let (input, truth) = (read(INPUT)?, read(TRUTH)?);
    if truth.unit() != Unit::Hounsfield {
        return Err(fail(format!("{TRUTH} must be in HU, got {}", truth.unit())));
    }
    if input.grid() != truth.grid() {
        return Err(fail(format!("{INPUT} and {TRUTH} must have one grid, got {} and {}", input.grid(), truth.grid())));
    }
    let input = match before {
        Some(before) => before.run(&input, &mut |_| Ok(()))?,
        None => input,
    };
    Ok((input, truth))
}

fn read(folder: &Path, before: Option<&Improver>, fitted: &Fitted) -> Result<Kept<Pair>, Error> {
    let (input, truth) = volumes(folder, before)?;
    if !fitted.has_spacing_of(input.grid()) {
        let (folder, spacing) = (folder.display(), input.grid().spacing_mm());
        let wanted = fitted.spacing_mm;
        return Err(Error::Recipe(format!(
            "{folder}: voxels must measure {wanted:?} mm as those of the first case, got {spacing}"
        )));
    }
    let labels = folder.join(NODULES);
    let nodules = match labels.is_file() {
        true => {
            let labels = read_volume(&labels, None).map_err(|e| Error::Recipe(e.to_string()))?;
            labels.values().iter().enumerate().filter(|(_, label)| **label > 0.0).map(|(at, _)| at).collect()
        }
        false => Vec::new(),
    };
    let pair = Pair {
        grid: *input.grid(),
        input: fitted.values(&input),
        truth: truth.values().iter().map(|hu| scaled(*hu)).collect(),
        nodules,
    };
    let bytes =
        ((pair.input.len() + pair.truth.len()) * size_of::<f32>() + pair.nodules.len() * size_of::<usize>()) as u64;
    Ok(Kept { case: Arc::new(pair), bytes })
}

/// One gain and one offset for all bodies: least squares from reconstruction to body, where the body is no air.
fn fit(cases: &Cases<(Volume, Volume)>, after_sha256: Option<String>) -> Result<Fitted, Error> {
    /// What is less dense is air.
    const AIR_HU: f32 = -990.0;
    let mut sums = [0.0f64; 5];
    let (mut spacing_mm, mut unit) = ([0.0; 3], String::new());
    for index in 0..cases.count() {
        let case = cases.get(index)?;
        let (input, truth) = &*case;
        if index == 0 {
            (spacing_mm, unit) = (input.grid().spacing_mm().to_array(), input.unit().to_string());
        }
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
