//! Cases of the pyramid: every kernel on its own, and whole pyramids with curves.

mod amplify;
mod band;
mod blend;
mod collapse;
mod median;
mod noise;
mod reduce;
mod reduce_pixels;

use kerma::{engine::Extent, kernels::pyramid::Arithmetic};

use crate::{Case, Seeded};

pub(crate) fn cases() -> Vec<Case> {
    [
        reduce::cases(),
        reduce_pixels::cases(),
        band::cases(),
        collapse::cases(),
        amplify::cases(),
        noise::cases(),
        median::cases(),
        blend::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Rows and columns of levels: single pixels, single rows and columns, every parity, more than a workgroup.
const SIZES: [[usize; 2]; 10] =
    [[1, 1], [1, 2], [2, 1], [1, 1000], [29, 1], [2, 2], [3, 3], [4, 5], [67, 129], [130, 258]];

/// Largest value of an image of 16 bits.
const FULL: f32 = 65_535.0;

/// One level: whole numbers of 16 bits, or any.
fn level(seed: u64, extent: Extent, arithmetic: Arithmetic) -> Vec<f32> {
    let values = Seeded::new(seed).values(extent.elements() as usize, 0.0, FULL);
    match arithmetic {
        Arithmetic::Whole => values.into_iter().map(f32::round).collect(),
        Arithmetic::Real => values,
    }
}

/// A band that belongs to such levels: small values often, large ones rarely, zeros among them.
fn band(seed: u64, extent: Extent, arithmetic: Arithmetic) -> Vec<f32> {
    let values = Seeded::new(seed).values(extent.elements() as usize, -1.0, 1.0);
    let mut values: Vec<f32> = values.into_iter().map(|x| FULL * x * x * x).collect();
    values.iter_mut().step_by(7).for_each(|x| *x = 0.0);
    match arithmetic {
        Arithmetic::Whole => values.into_iter().map(f32::round).collect(),
        Arithmetic::Real => values,
    }
}

/// Extent of a level, and of the next coarser one.
fn extents([rows, columns]: [usize; 2]) -> [Extent; 2] {
    [Extent::new(1, rows, columns), Extent::new(1, rows.div_ceil(2), columns.div_ceil(2))]
}
