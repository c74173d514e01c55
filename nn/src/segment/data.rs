use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use kerma::data::{Grid, Volume};

use super::Recipe;
use crate::{
    Error,
    improve::Improver,
    training::{Cases, Draws, Kept},
    volumes::{Block, Fitted, Region, Source, Within, check_nodules, dims, nodules},
};

/// Voxels of a nodule from which on they count no more than one each.
const LARGE: f32 = 27.0;

/// A volume and its nodules, `[z][y][x]`.
struct Labelled {
    /// Sizes along (z, y, x).
    dims: [usize; 3],
    /// What is looked at.
    region: Region,
    /// In units of the networks.
    input: Vec<f32>,
    /// 0 where no nodule is; elsewhere what a voxel counts, 1 in large nodules and more in small ones.
    shares: Vec<f32>,
}

/// Slices that a network learns from.
pub struct Slices {
    cases: Cases<Labelled>,
    /// Places, by case and slice, of those that hold a nodule, and of those that hold none.
    holding: Vec<(usize, usize)>,
    lacking: Vec<(usize, usize)>,
}

/// Slices of one step: `[slice][neighbour][row][column]`, and what voxels of nodules count, `[slice][row][column]`.
pub(super) struct Batch {
    /// Rows and columns.
    pub(super) size: [usize; 2],
    pub(super) input: Vec<f32>,
    pub(super) shares: Vec<f32>,
}

impl Slices {
    /// The cases of a recipe, improved by what comes `before`. Where the recipe does not know yet what the data say
    /// ([`Recipe::fitted`]), it does afterwards; all volumes are read once then, and all labels in any case.
    ///
    /// # Errors
    /// [`Error::File`] and [`Error::Recipe`] when folders or files are missing or do not fit each other, or no voxel of any
    /// case belongs to a nodule.
    pub fn open(recipe: &mut Recipe, before: Option<Improver>) -> Result<Self, Error> {
        let source = Source::new(recipe.data.volume, before);
        let across = recipe.across();
        let found = Cases::find(&recipe.data.cases, 0, move |folder| {
            let (_, dims, shares) = shares(folder)?;
            Ok(Kept { case: Arc::new(holds(&shares, dims, across)), bytes: 0 })
        })?;
        let partners = partners(found.folders(), recipe.data.shuffled_labels)?;
        let (mut holding, mut lacking) = (Vec::new(), Vec::new());
        for (case, (_, partner)) in partners.iter().enumerate() {
            for (slice, is_holding) in found.get(*partner)?.iter().enumerate() {
                if *is_holding { &mut holding } else { &mut lacking }.push((case, slice));
            }
        }
        if holding.is_empty() {
            return Err(Error::Recipe("data.cases: no voxel of any case belongs to a nodule".to_owned()));
        }
        let fitted = source.fitted(recipe.fitted.as_ref(), &recipe.data.cases)?;
        let (scale, within) = (fitted.clone(), recipe.data.within);
        let folders = found.folders().to_owned();
        let cases = Cases::find(&recipe.data.cases, recipe.data.cache_mb << 20, move |folder| {
            let partner = partners.iter().find(|(own, _)| own == folder).map_or(folder, |(_, at)| &folders[*at]);
            read(folder, partner, &source, &scale, within)
        })?;
        recipe.fitted = Some(fitted);
        Ok(Self { cases, holding, lacking })
    }

    /// Number of bodies.
    #[must_use]
    pub fn count(&self) -> usize {
        self.cases.count()
    }

    /// Slices of step `step`: the same for the same recipe and step. Every other one holds a nodule, those between none where
    /// there are such; pieces of slices lie within what is looked at, and those between are any of its pieces.
    pub(super) fn batch(&self, recipe: &Recipe, step: usize) -> Result<Batch, Error> {
        let mut draws = Draws::new(recipe.seed, step as u64);
        let mut batch = Batch { size: [0; 2], input: Vec::new(), shares: Vec::new() };
        for index in 0..recipe.training.batch {
            let is_any = index % 2 == 1 && !self.lacking.is_empty();
            let places = if is_any { &self.lacking } else { &self.holding };
            let (case, slice) = places[draws.below(places.len())];
            let is_mirrored = recipe.data.mirror && draws.below(2) == 1;
            let case = self.cases.get(case)?;
            let mut blocks = recipe.slices_about(slice, case.dims);
            if let Some(side) = recipe.data.patch {
                case.place(&mut blocks, side, recipe.across(), is_any, &mut draws);
            }
            let mut input: Vec<Vec<f32>> = blocks.iter().map(|block| block.cut(&case.input, case.dims)).collect();
            let middle = &blocks[blocks.len() / 2];
            let mut shares = middle.cut(&case.shares, case.dims);
            let [rows, columns] = sides(middle, recipe.across());
            if batch.size != [0; 2] && batch.size != [rows, columns] {
                return Err(Error::Recipe("data.cases must have volumes of one size".to_owned()));
            }
            batch.size = [rows, columns];
            if is_mirrored && recipe.across() == 2 {
                input.reverse();
            } else if is_mirrored {
                input
                    .iter_mut()
                    .chain([&mut shares])
                    .flat_map(|values| values.chunks_exact_mut(columns))
                    .for_each(<[f32]>::reverse);
            }
            batch.input.extend(input.into_iter().flatten());
            batch.shares.extend(shares);
        }
        Ok(batch)
    }
}

impl Labelled {
    /// Moves slices about one another to a piece of `side` voxels a side: one with a voxel of a nodule in its middle slice, or
    /// any.
    fn place(&self, blocks: &mut [Block], side: usize, across: usize, is_any: bool, draws: &mut Draws) {
        let middle = &blocks[blocks.len() / 2];
        let Region { low, high } = self.region;
        let slice = middle.start[across];
        let mut at = [0, 1, 2].map(|axis| low[axis] + draws.below(self.region.length(axis)));
        if !is_any {
            let shares = middle.cut(&self.shares, self.dims);
            let places: Vec<usize> = (0..shares.len()).filter(|i| shares[*i] > 0.0).collect();
            let place = places[draws.below(places.len())];
            let [_, rows, columns] = middle.size;
            let own = [place / (rows * columns), place / columns % rows, place % columns];
            at = [0, 1, 2].map(|axis| (middle.start[axis] + own[axis] as isize) as usize);
        }
        let offset = [0; 3].map(|_| draws.below(side) as isize);
        for block in blocks {
            for axis in (0..3).filter(|axis| *axis != across) {
                let [first, last] = [low[axis] as isize, high[axis] as isize - side as isize];
                let start = at[axis] as isize - offset[axis];
                // A part that is smaller than a piece lies in its middle.
                block.start[axis] = if last < first { (first + last) / 2 } else { start.clamp(first, last) };
                block.size[axis] = side;
            }
            if is_any {
                block.start[across] += at[across] as isize - slice;
            }
        }
    }
}

/// Rows and columns of a slice.
pub(super) fn sides(block: &Block, across: usize) -> [usize; 2] {
    let [z, y, x] = block.size;
    [[y, x], [z, x], [z, y]][across]
}

/// Folders, each with the place of the one whose labels it has: its own, or the next one's.
fn partners(folders: &[PathBuf], is_shuffled: bool) -> Result<Vec<(PathBuf, usize)>, Error> {
    if is_shuffled && folders.len() < 2 {
        return Err(Error::Recipe("data.shuffled_labels needs two cases or more".to_owned()));
    }
    let partner = |at: usize| (at + usize::from(is_shuffled)) % folders.len();
    Ok(folders.iter().enumerate().map(|(at, folder)| (folder.clone(), partner(at))).collect())
}

/// Which slices across an axis hold a nodule.
fn holds(shares: &[f32], dims: [usize; 3], across: usize) -> Vec<bool> {
    let mut holds = vec![false; dims[across]];
    for (at, _) in shares.iter().enumerate().filter(|(_, share)| **share > 0.0) {
        holds[[at / (dims[1] * dims[2]), at / dims[2] % dims[1], at % dims[2]][across]] = true;
    }
    holds
}

/// What the voxels of a case's nodules count, on their grid.
fn shares(folder: &Path) -> Result<(Grid, [usize; 3], Vec<f32>), Error> {
    let volume: Volume = nodules(folder)?.ok_or_else(|| {
        Error::Recipe(format!("{}: has no nodules.nii.gz; simulate with [patient.nodules]", folder.display()))
    })?;
    Ok((*volume.grid(), dims(volume.grid()), shares_of(volume.values())))
}

/// 0 where the label is 0, and √(27/n) in a nodule of n < 27 voxels, 1 in larger ones.
fn shares_of(labels: &[f32]) -> Vec<f32> {
    let mut counts: HashMap<u32, u32> = HashMap::new();
    labels.iter().filter(|label| **label > 0.0).for_each(|label| *counts.entry(label.to_bits()).or_default() += 1);
    let share = |label: &f32| counts.get(&label.to_bits()).map_or(0.0, |count| (LARGE / *count as f32).sqrt().max(1.0));
    labels.iter().map(share).collect()
}

fn read(
    folder: &Path,
    partner: &Path,
    source: &Source,
    fitted: &Fitted,
    within: Option<Within>,
) -> Result<Kept<Labelled>, Error> {
    let input = source.input(folder)?;
    let (grid, dims, shares) = shares(partner)?;
    check_nodules(folder, partner, input.grid(), &grid)?;
    fitted.check_spacing(folder, input.grid())?;
    let region = match within {
        Some(within) => Region::about(&within.mask(&input)?, input.grid()),
        None => Region::whole(dims),
    };
    let case = Labelled { dims, region, input: fitted.values(&input), shares };
    let bytes = ((case.input.len() + case.shares.len()) * size_of::<f32>()) as u64;
    Ok(Kept { case: Arc::new(case), bytes })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_with_a_nodule_are_known_along_every_axis() {
        let mut labels = [0.0; 24];
        labels[17] = 1.0; // z 1, y 1, x 1 of 2 × 3 × 4
        let places = [0, 1, 2].map(|across| holds(&labels, [2, 3, 4], across).iter().position(|holds| *holds));
        assert_eq!(places, [Some(1); 3]);
        assert_eq!(holds(&labels, [2, 3, 4], 2).iter().filter(|holds| **holds).count(), 1);
    }

    #[test]
    fn voxels_of_small_nodules_count_more() {
        let mut labels = vec![0.0; 40];
        labels[..30].fill(2.0);
        labels[30..33].fill(1.0);
        let shares = shares_of(&labels);
        assert_eq!([shares[0], shares[29], shares[30], shares[33]], [1.0, 1.0, 3.0, 0.0]);
    }

    #[test]
    fn shuffled_labels_are_those_of_another_case() {
        let folders = ["a", "b", "c"].map(PathBuf::from);
        let of =
            |is_shuffled| partners(&folders, is_shuffled).unwrap().into_iter().map(|(_, at)| at).collect::<Vec<_>>();
        assert_eq!((of(false), of(true)), (vec![0, 1, 2], vec![1, 2, 0]));
        assert!(partners(&folders[..1], true).is_err() && partners(&folders[..1], false).is_ok());
    }
}
