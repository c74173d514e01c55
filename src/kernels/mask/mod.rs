//! Masks of bits: thresholds, morphology, components, collimation. Tier E throughout.
//!
//! Masks are [`Mask`](super::Mask): 32 pixels per word, the leftmost in the lowest bit, bits beyond the last column 0.
//! All passes keep that promise, and all of them are whole-number work, so their bits are the same everywhere.
//!
//! The set pixels of a mask are connected by 8 neighbours, its holes by 4: then no diagonal is crossed twice.

pub mod above;
pub mod across;
pub mod borders;
pub mod collimation;
pub mod combine;
pub mod components;
pub mod down;
pub mod expand;
pub mod field;
pub mod labels;
pub mod morphology;
pub mod rectangle;
pub mod reduce;
pub mod select;
pub mod step_down;
pub mod step_right;
pub mod tally;
pub mod within;

mod spread;

use crate::engine::Shader;

/// Shaders of the room.
pub(super) const SHADERS: &[&Shader] = &[
    &above::SHADER,
    &across::SHADER,
    &down::SHADER,
    &reduce::SHADER,
    &expand::SHADER,
    &combine::SHADER,
    &rectangle::SHADER,
    &labels::SHADER,
    &tally::SHADER,
    &select::SHADER,
    &step_right::SHADER,
    &step_down::SHADER,
    &borders::SHADER,
    &within::SHADER,
];
#[cfg(test)]
mod tests;
