use kerma::{
    data::{Image, ImageInfo},
    tasks::{
        Recorded,
        enhance::{EnhanceOptions, Enhanced, Enhancement, Preset},
    },
};

use super::radiograph::Shot;
use crate::{
    context::Context,
    failure::Failure,
    pictures::{Slice, Window},
};

/// Name of the stage in the account.
pub(super) const STAGE: &str = "enhancement";
/// The preset for what is radiographed.
pub(super) const PRESET: &str = "chest";
/// Bits of the result, all of them used: viewers show the file as it is meant.
const BITS: u8 = 16;

/// The radiograph with local contrast and detail raised.
pub(super) struct Clarified {
    /// What the enhancement gave.
    pub(super) enhanced: Enhanced,
    /// The result where the radiograph's picture lies.
    pub(super) picture: Slice,
    /// All grey levels.
    pub(super) window: Window,
}

impl Clarified {
    /// Enhances the line integrals themselves: unlike their picture, they have lost nothing at either end of a window.
    pub(super) fn of(context: &mut Context, shot: &Shot) -> Result<Self, Failure> {
        let integrals = shot.integrals()?;
        let options = EnhanceOptions { bits: Some(BITS), ..Preset::find(PRESET)?.options };
        let task = context.record(|| Enhancement::new(&integrals, &ImageInfo::default(), None, &options, &[]))?;
        let outputs = context.run(STAGE, task.graph())?;
        let enhanced = task.finish(outputs)?;
        let picture = shot.picture.showing(&enhanced.image);
        let picture = picture.ok_or_else(|| Failure::input("the enhanced radiograph has another size"))?;
        Ok(Self { enhanced, picture, window: Window::new(0.0, f32::from(u16::MAX)) })
    }

    /// The result in 16 bits, with the detector's spacing.
    pub(super) fn image(&self) -> &Image {
        &self.enhanced.image
    }
}
