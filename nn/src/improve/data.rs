use std::{path::Path, sync::Arc};

use kerma::data::Grid;

use super::{Improver, Recipe};
use crate::{
    Error,
    training::{Cases, Draws, Kept},
    volumes::{Block, Fitted, Input, Pieces, Source, check_nodules, dims, nodules, scaled},
};

/// CT numbers of lung, in which half of the patches have their middle.
const LUNG_HU: [f32; 2] = [-950.0, -500.0];
/// Shares of the patches about a voxel of a lung, and about one of a nodule.
const ABOUT_LUNG: f64 = 0.5;
const ABOUT_NODULE: f64 = 0.25;
/// Voxels that are tried before a patch lies anywhere.
const TRIES: usize = 64;

/// A reconstruction and the body it is of, on one grid, in units of 1400 HU from −1000 HU on, `[z][y][x]`.
pub struct Pair {
    /// The grid of both.
    pub grid: Grid,
    /// The reconstruction, calibrated.
    pub input: Vec<f32>,
    /// The body.
    pub truth: Vec<f32>,
    /// 1 where a nodule is, 0 elsewhere.
    nodules: Vec<f32>,
    /// Places of its voxels of nodules.
    places: Vec<usize>,
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
    /// 1 where a nodule is, 0 elsewhere.
    pub(super) nodules: Vec<f32>,
}

impl Pairs {
    /// The cases of a recipe, improved by what comes `before`. Where the recipe does not know yet what the data say
    /// ([`Recipe::fitted`]), it does afterwards; all volumes are read once then.
    ///
    /// # Errors
    /// [`Error::File`] and [`Error::Recipe`] when folders or files are missing or do not fit each other.
    pub fn open(recipe: &mut Recipe, before: Option<Improver>) -> Result<Self, Error> {
        let source = Source::new(Input::Reconstruction, before);
        let fitted = source.fitted(recipe.fitted.as_ref(), &recipe.data.cases)?;
        let scale = fitted.clone();
        let read = move |folder: &Path| read(folder, &source, &scale);
        let cases = Cases::find(&recipe.data.cases, recipe.data.cache_mb << 20, read)?;
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
        let mut batch = Batch { size: [0; 3], input: Vec::new(), truth: Vec::new(), nodules: Vec::new() };
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
            let parts =
                [(&pair.input, &mut batch.input), (&pair.truth, &mut batch.truth), (&pair.nodules, &mut batch.nodules)];
            for (values, to) in parts {
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
    let middle = if kind < ABOUT_NODULE && !pair.places.is_empty() {
        pair.places[draws.below(pair.places.len())]
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

fn read(folder: &Path, source: &Source, fitted: &Fitted) -> Result<Kept<Pair>, Error> {
    let (input, truth) = source.pair(folder)?;
    fitted.check_spacing(folder, input.grid())?;
    let nodules = match nodules(folder)? {
        Some(labels) => {
            check_nodules(folder, folder, input.grid(), labels.grid())?;
            labels.values().iter().map(|label| if *label > 0.0 { 1.0 } else { 0.0 }).collect()
        }
        None => vec![0.0; input.values().len()],
    };
    let pair = Pair {
        grid: *input.grid(),
        input: fitted.values(&input),
        truth: truth.values().iter().map(|hu| scaled(*hu)).collect(),
        places: nodules.iter().enumerate().filter(|(_, nodule)| **nodule > 0.0).map(|(at, _)| at).collect(),
        nodules,
    };
    let values = pair.input.len() + pair.truth.len() + pair.nodules.len();
    let bytes = (values * size_of::<f32>() + pair.places.len() * size_of::<usize>()) as u64;
    Ok(Kept { case: Arc::new(pair), bytes })
}
