//! Quality of an enhancement, measured on radiographs whose truth is known in closed form.
//!
//! - [`Scene`] makes the radiographs: smooth anatomy, inserts of known contrast, noise of known strength.
//! - [`insert_contrast`] and [`noise`] say what became of inserts and of the noise.
//! - [`seam_db`] looks for the tiles in what was changed, [`leak`] for the background in the foreground, and
//!   [`overshoot_percent`] for ringing at the collimator's edge.
//!
//! Every measure is a plain formula in `f64` and shares nothing with the kernels it judges.

mod contrast;
mod leak;
mod overshoot;
mod scene;
mod seam;

pub use contrast::{Contrast, insert_contrast, noise};
pub use leak::leak;
pub use overshoot::overshoot_percent;
pub use scene::{Flat, Insert, Scene, Surrounding};
pub use seam::seam_db;
