use std::cell::Cell as Counter;

use kerma::engine::{self, Control, Progress};

use super::scene::Scene;
use crate::{Error, perceptual::FeatureDistance};

/// What all tests work with.
pub(super) struct Bench<'a> {
    pub(super) scenes: &'a [Scene],
    pub(super) seed: u64,
    pub(super) engine: &'a engine::Device,
    pub(super) control: &'a Control<'a>,
    pub(super) features: FeatureDistance,
    /// Images denoised so far, and all there are to be.
    pub(super) done: Counter<usize>,
    pub(super) all: usize,
}

/// Which test asks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Table,
    Matched,
    Seams,
}

impl Bench<'_> {
    /// Says what comes next, and stops here when asked to.
    pub(super) fn tell(&mut self, kind: Kind, what: &str) -> Result<(), Error> {
        if (self.control.is_cancelled)() {
            return Err(engine::Error::Cancelled.into());
        }
        let test = match kind {
            Kind::Table => "table",
            Kind::Matched => "matched start",
            Kind::Seams => "seams",
        };
        let fraction = self.done.get() as f64 / self.all.max(1) as f64;
        (self.control.progress)(Progress { pass: &format!("{test}: {what}"), fraction });
        self.done.set(self.done.get() + 1);
        Ok(())
    }
}
