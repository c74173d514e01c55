use std::{
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

/// Nodules of a case at most.
const MOST_NODULES: f32 = 1000.0;
/// Volume of a nodule from which on its voxels count no more than one each, that of a ball of 12.4 mm.
const LARGE_MM3: f64 = 1000.0;

/// A volume and its nodules, `[z][y][x]`.
struct Labelled {
    /// Sizes along (z, y, x).
    dims: [usize; 3],
    /// What is looked at.
    region: Region,
    /// In units of the networks.
    input: Vec<f32>,
    /// The number of a voxel's nodule, 0 where none is.
    labels: Vec<f32>,
    /// What a voxel of each nodule counts, by its number: 1 in large ones and more in small ones; 0 where none is.
    shares: Vec<f32>,
}

/// A nodule that is learned from.
struct Nodule {
    case: usize,
    number: f32,
    /// Slices that it is in, one or more.
    slices: Vec<usize>,
}

/// Slices that a network learns from.
pub struct Slices {
    cases: Cases<Labelled>,
    nodules: Vec<Nodule>,
    /// Places, by case and slice, of slices without a nodule.
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
            let (grid, labels) = labels(folder)?;
            Ok(Kept { case: Arc::new(slices_of(&labels, dims(&grid), across)), bytes: 0 })
        })?;
        let partners = partners(found.folders(), recipe.data.shuffled_labels)?;
        let (mut nodules, mut lacking) = (Vec::new(), Vec::new());
        for (case, (_, partner)) in partners.iter().enumerate() {
            for (number, slices) in found.get(*partner)?.iter().enumerate().filter(|(_, slices)| !slices.is_empty()) {
                if number == 0 {
                    lacking.extend(slices.iter().map(|slice| (case, *slice)));
                } else {
                    nodules.push(Nodule { case, number: number as f32, slices: slices.clone() });
                }
            }
        }
        if nodules.is_empty() {
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
        Ok(Self { cases, nodules, lacking })
    }

    /// Number of bodies.
    #[must_use]
    pub fn count(&self) -> usize {
        self.cases.count()
    }

    /// Slices of step `step`: the same for the same recipe and step. Every other one holds a nodule, each as often as any, those
    /// between none where there are such; pieces of slices lie within what is looked at, and those between are any of its pieces.
    pub(super) fn batch(&self, recipe: &Recipe, step: usize) -> Result<Batch, Error> {
        let mut draws = Draws::new(recipe.seed, step as u64);
        let mut batch = Batch { size: [0; 2], input: Vec::new(), shares: Vec::new() };
        for index in 0..recipe.training.batch {
            let nodule =
                (index % 2 == 0 || self.lacking.is_empty()).then(|| &self.nodules[draws.below(self.nodules.len())]);
            let (case, slice) = match nodule {
                Some(Nodule { case, slices, .. }) => (*case, slices[draws.below(slices.len())]),
                None => self.lacking[draws.below(self.lacking.len())],
            };
            let is_mirrored = recipe.data.mirror && draws.below(2) == 1;
            let case = self.cases.get(case)?;
            let mut blocks = recipe.slices_about(slice, case.dims);
            if let Some(side) = recipe.data.patch {
                let number = nodule.map(|nodule| nodule.number);
                case.place(&mut blocks, side, recipe.across(), number, &mut draws);
            }
            let mut input: Vec<Vec<f32>> = blocks.iter().map(|block| block.cut(&case.input, case.dims)).collect();
            let middle = &blocks[blocks.len() / 2];
            let labels = middle.cut(&case.labels, case.dims);
            let mut shares: Vec<f32> = labels.iter().map(|label| case.shares[*label as usize]).collect();
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
    /// Moves slices about one another to a piece of `side` voxels a side: one with a voxel of a nodule of this number in its
    /// middle slice, or any.
    fn place(&self, blocks: &mut [Block], side: usize, across: usize, number: Option<f32>, draws: &mut Draws) {
        let middle = &blocks[blocks.len() / 2];
        let Region { low, high } = self.region;
        let slice = middle.start[across];
        let mut at = [0, 1, 2].map(|axis| low[axis] + draws.below(self.region.length(axis)));
        if let Some(number) = number {
            let labels = middle.cut(&self.labels, self.dims);
            let places: Vec<usize> = (0..labels.len()).filter(|i| labels[*i] == number).collect();
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
            if number.is_none() {
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

/// Slices across an axis that each nodule is in, by its number; at 0 those that none is in.
fn slices_of(labels: &[f32], dims: [usize; 3], across: usize) -> Vec<Vec<usize>> {
    let count = labels.iter().fold(0, |most, label| most.max(*label as usize));
    let mut found = vec![vec![false; dims[across]]; count + 1];
    for (at, label) in labels.iter().enumerate().filter(|(_, label)| **label > 0.0) {
        let slice = [at / (dims[1] * dims[2]), at / dims[2] % dims[1], at % dims[2]][across];
        found[*label as usize][slice] = true;
    }
    found[0] = (0..dims[across]).map(|slice| !found.iter().any(|is_in| is_in[slice])).collect();
    found.iter().map(|is_in| (0..dims[across]).filter(|slice| is_in[*slice]).collect()).collect()
}

/// The numbers of a case's nodules in their voxels, and their grid.
fn labels(folder: &Path) -> Result<(Grid, Vec<f32>), Error> {
    let volume: Volume = nodules(folder)?.ok_or_else(|| {
        Error::Recipe(format!("{}: has no nodules.nii.gz; simulate with [patient.nodules]", folder.display()))
    })?;
    let is_number = |label: &f32| label.fract() == 0.0 && (0.0..=MOST_NODULES).contains(label);
    if let Some(label) = volume.values().iter().find(|label| !is_number(label)) {
        let text = format!(
            "{}: nodules.nii.gz must hold whole numbers from 0 to {MOST_NODULES}, got {label}",
            folder.display()
        );
        return Err(Error::Recipe(text));
    }
    Ok((*volume.grid(), volume.into_values()))
}

/// What a voxel of each nodule counts, by its number: √(1000 mm³/V) in a nodule of a lesser volume V, 1 in larger ones; 0 where
/// none is.
fn shares_of(labels: &[f32], voxel_mm3: f64) -> Vec<f32> {
    let mut counts = vec![0_u32];
    for label in labels.iter().map(|label| *label as usize) {
        if label >= counts.len() {
            counts.resize(label + 1, 0);
        }
        counts[label] += 1;
    }
    let share = |count: &u32| (LARGE_MM3 / (f64::from(*count) * voxel_mm3)).sqrt().max(1.0) as f32;
    [0.0].into_iter().chain(counts[1..].iter().map(share)).collect()
}

fn read(
    folder: &Path,
    partner: &Path,
    source: &Source,
    fitted: &Fitted,
    within: Option<Within>,
) -> Result<Kept<Labelled>, Error> {
    let input = source.input(folder)?;
    let (grid, labels) = labels(partner)?;
    check_nodules(folder, partner, input.grid(), &grid)?;
    fitted.check_spacing(folder, input.grid())?;
    let region = match within {
        Some(within) => Region::about(&within.mask(&input)?, input.grid()),
        None => Region::whole(dims(&grid)),
    };
    let shares = shares_of(&labels, grid.spacing_mm().element_product());
    let case = Labelled { dims: dims(&grid), region, input: fitted.values(&input), labels, shares };
    let bytes = ((case.input.len() + case.labels.len()) * size_of::<f32>()) as u64;
    Ok(Kept { case: Arc::new(case), bytes })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_of_each_nodule_are_known_along_every_axis() {
        let mut labels = [0.0; 24];
        labels[17] = 2.0; // z 1, y 1, x 1 of 2 × 3 × 4
        labels[22] = 1.0; // z 1, y 2, x 2
        let of = |across| slices_of(&labels, [2, 3, 4], across);
        assert_eq!(of(0), [vec![0], vec![1], vec![1]]);
        assert_eq!(of(1), [vec![0], vec![2], vec![1]]);
        assert_eq!(of(2), [vec![0, 3], vec![2], vec![1]]);
    }

    #[test]
    fn voxels_of_small_nodules_count_more() {
        let mut labels = vec![0.0; 40];
        labels[..30].fill(2.0);
        labels[30..33].fill(1.0);
        let shares = shares_of(&labels, 40.0);
        assert_eq!((shares[0], shares[2]), (0.0, 1.0));
        assert!((shares[1] - (1000.0_f32 / 120.0).sqrt()).abs() < 1e-6);
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
