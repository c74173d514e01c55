//! The two steps: groups are shrunk as three-dimensional spectra and put back where their blocks came from.

use super::{
    aggregate::{Sums, kaiser},
    matching::{self, Groups, Plane, REACH, references},
    options::Step,
    prefiltered,
    transform::{Block, Stack, Transform},
};
use crate::{
    parallel::*,
    vectorised::{LANES, Lanes, vectorised},
};

/// Rows of reference blocks that are filtered as one piece.
const BAND: usize = 8;
/// Bands in memory at a time, for every core.
const BANDS_PER_CORE: usize = 2;

/// First estimate: spectra of noisy groups, thresholded.
pub(super) fn thresholded(noisy: Plane<'_>, step: &Step, sigma: f32) -> Vec<f32> {
    let shrinkage = Shrinkage::Threshold(step.threshold * sigma);
    if step.side == 12 {
        let filter = Filter { noisy, shrinkage, transform: Transform::dct(), sigma };
        filtered(noisy, step, &filter, rows_of_12)
    } else {
        let filter = Filter { noisy, shrinkage, transform: Transform::wavelet(), sigma };
        filtered(noisy, step, &filter, rows_of_8)
    }
}

/// Final estimate: spectra of noisy groups, attenuated by the energies of those of the first estimate.
pub(super) fn attenuated(noisy: Plane<'_>, basic: Plane<'_>, step: &Step, sigma: f32) -> Vec<f32> {
    let shrinkage = Shrinkage::Wiener(basic);
    if step.side == 11 {
        let filter = Filter { noisy, shrinkage, transform: Transform::dct(), sigma };
        filtered(basic, step, &filter, rows_of_11)
    } else {
        let filter = Filter { noisy, shrinkage, transform: Transform::dct(), sigma };
        filtered(basic, step, &filter, rows_of_8)
    }
}

/// What one step does to every group.
struct Filter<'a, const N: usize> {
    noisy: Plane<'a>,
    shrinkage: Shrinkage<'a>,
    transform: Transform<N>,
    sigma: f32,
}

/// How coefficients are made smaller.
enum Shrinkage<'a> {
    /// Those up to this are set to zero.
    Threshold(f32),
    /// By their energy in this first estimate.
    Wiener(Plane<'a>),
}

/// Members of one group.
#[derive(Default)]
struct Stacks<const N: usize> {
    places: Vec<[usize; 2]>,
    noisy: Stack<N>,
    basic: Stack<N>,
}

/// Row of reference blocks with its groups.
struct Row<'a> {
    y: usize,
    xs: &'a [usize],
    groups: &'a Groups,
}

type FilterRow<const N: usize> = fn(&Filter<'_, N>, &Row<'_>, &Block<N>, &mut Stacks<N>, &mut Sums);

/// Matches in `guide` and filters band by band; the bands' sums are added from top to bottom.
fn filtered<const N: usize>(guide: Plane<'_>, step: &Step, filter: &Filter<'_, N>, row: FilterRow<N>) -> Vec<f32> {
    let Plane { columns, rows, .. } = guide;
    let [xs, ys] = [columns, rows].map(|length| references(length, N, step.stride));
    let window = kaiser::<N>();
    let band = |ys: &[usize]| {
        let (first, last) = (ys[0].saturating_sub(REACH), (ys[ys.len() - 1] + REACH + N).min(rows));
        let mut sums = Sums::zeros(columns, first, last);
        let mut groups: Vec<Groups> = ys.iter().map(|_| Groups::new(xs.len(), step.members)).collect();
        if step.prefilter > 0.0 {
            prefiltered::search(guide, step, filter.sigma, [&xs, ys], &mut groups);
        } else {
            matching::search(guide, step, [&xs, ys], &mut groups);
        }
        let mut stacks = Stacks::default();
        for (&y, groups) in ys.iter().zip(&groups) {
            row(filter, &Row { y, xs: &xs, groups }, &window, &mut stacks, &mut sums);
        }
        sums
    };
    let mut sums = Sums::zeros(columns, 0, rows);
    for batch in ys.chunks(BAND * BANDS_PER_CORE * current_num_threads()) {
        let bands: Vec<Sums> = batch.par_chunks(BAND).map(band).collect();
        bands.iter().for_each(|band| sums.merge(band));
    }
    sums.means()
}

vectorised! {
    fn rows_of_8(f: &Filter<'_, 8>, row: &Row<'_>, window: &Block<8>, stacks: &mut Stacks<8>, sums: &mut Sums) {
        filter_row(f, row, window, stacks, sums);
    }
}

vectorised! {
    fn rows_of_11(f: &Filter<'_, 11>, row: &Row<'_>, window: &Block<11>, stacks: &mut Stacks<11>, sums: &mut Sums) {
        filter_row(f, row, window, stacks, sums);
    }
}

vectorised! {
    fn rows_of_12(f: &Filter<'_, 12>, row: &Row<'_>, window: &Block<12>, stacks: &mut Stacks<12>, sums: &mut Sums) {
        filter_row(f, row, window, stacks, sums);
    }
}

#[inline(always)]
fn filter_row<const N: usize>(
    filter: &Filter<'_, N>,
    row: &Row<'_>,
    window: &Block<N>,
    stacks: &mut Stacks<N>,
    sums: &mut Sums,
) {
    for (group, &x) in row.xs.iter().enumerate() {
        let Stacks { places, noisy, basic } = stacks;
        places.clear();
        places.extend(row.groups.members(group, [x, row.y]));
        load(filter.noisy, places, noisy);
        filter.transform.forward(noisy);
        let weight = match filter.shrinkage {
            Shrinkage::Threshold(smallest) => threshold(noisy.spectrum(), smallest),
            Shrinkage::Wiener(plane) => {
                load(plane, places, basic);
                filter.transform.forward(basic);
                attenuate(noisy.spectrum(), basic.spectrum(), filter.sigma)
            }
        };
        filter.transform.inverse(noisy);
        let weights = window.map(|row| row.map(|w| w * weight));
        for (&place, block) in places.iter().zip(&noisy.blocks) {
            sums.add(place, block, &weights);
        }
    }
}

#[inline(always)]
fn load<const N: usize>(plane: Plane<'_>, places: &[[usize; 2]], stack: &mut Stack<N>) {
    stack.blocks.clear();
    stack.blocks.extend(places.iter().map(|&place| plane.block(place)));
}

/// Sets small coefficients to zero; returns the weight of the group, 1/(number left).
#[inline(always)]
fn threshold(spectrum: &mut [Lanes], threshold: f32) -> f32 {
    let spectrum = spectrum.as_flattened_mut();
    let left: u32 = spectrum.iter().map(|value| u32::from(value.abs() > threshold)).sum();
    spectrum.iter_mut().for_each(|value| *value = if value.abs() > threshold { *value } else { 0.0 });
    1.0 / left.max(1) as f32
}

/// Scales each coefficient by s²/(s² + σ²), s that of the first estimate; returns 1/(sum of squared scales).
#[inline(always)]
fn attenuate(spectrum: &mut [Lanes], basic: &[Lanes], sigma: f32) -> f32 {
    let mut squares = [0.0; LANES];
    for (values, basic) in spectrum.iter_mut().zip(basic) {
        for lane in 0..LANES {
            // Neither squares of tiny nor those of huge values are formed; s = 0 gives 1/∞ = 0.
            let ratio = sigma / basic[lane];
            let scale = 1.0 / (1.0 + ratio * ratio);
            values[lane] *= scale;
            squares[lane] += scale * scale;
        }
    }
    1.0 / squares.iter().sum::<f32>().max(1.0)
}
