use std::{
    collections::BTreeMap,
    fmt::{self, Display, Formatter},
};

use kerma::{
    body::lungs,
    data::Volume,
    metrics::froc::{Mark, Nodule},
    tasks::detect::{BlobOptions, blobs, candidates},
};
use serde::{Serialize, Serializer};

use super::super::Segmenter;
use crate::{
    Error,
    volumes::{Input, Region},
};

/// Least probability of a voxel of a candidate: low, so that the curve reaches many false marks.
pub const CANDIDATE: f64 = 0.2;

/// Kinds of volume that nodules are looked for in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The body itself, in HU.
    Ct,
    /// Its reconstruction from few angles, brought to HU by one gain and one offset.
    Fdk,
    /// The same, improved by networks.
    Improved,
}

/// One body: what is looked at and what is there.
pub struct Case {
    /// Name.
    pub name: String,
    /// The body, in HU.
    pub truth: Volume,
    /// What was reconstructed of it, in its own unit, on a grid that may be another one.
    pub reconstruction: Option<Volume>,
    /// Nodules.
    pub nodules: Vec<Nodule>,
}

/// A detector on a kind of volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell {
    /// Differences of Gaussians within the lungs of a CT.
    Blobs,
    /// The network of one kind on volumes of another.
    Network {
        /// What it was trained on.
        trained: Kind,
        /// What it sees.
        seen: Kind,
    },
    /// The network that learned nodules of other bodies, on the kind it was trained on.
    Control,
}

/// Networks that are compared.
pub struct Detectors {
    networks: BTreeMap<Kind, Segmenter>,
    control: Option<Segmenter>,
}

impl Case {
    fn reconstructed(&self) -> Result<&Volume, Error> {
        self.reconstruction.as_ref().ok_or_else(|| Error::Recipe(format!("{}: has no reconstruction", self.name)))
    }
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Ct, Self::Fdk, Self::Improved];

    fn of(segmenter: &Segmenter) -> Self {
        match (segmenter.model().card().recipe.data.volume, segmenter.before()) {
            (Input::Truth, _) => Self::Ct,
            (Input::Reconstruction, None) => Self::Fdk,
            (Input::Reconstruction, Some(_)) => Self::Improved,
        }
    }
}

impl Display for Kind {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ct => "CT",
            Self::Fdk => "FDK",
            Self::Improved => "DL-CT",
        })
    }
}

impl Display for Cell {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Blobs => f.write_str("blobs on CT"),
            Self::Network { trained, seen } => write!(f, "{trained} network on {seen}"),
            Self::Control => f.write_str("shuffled labels"),
        }
    }
}

impl Serialize for Cell {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl Detectors {
    /// Networks, each for a kind of its own, and one that cannot have learned anything.
    ///
    /// # Errors
    /// [`Error::Recipe`] when two networks are for one kind.
    pub fn new(networks: Vec<Segmenter>, control: Option<Segmenter>) -> Result<Self, Error> {
        let mut of_kind = BTreeMap::new();
        for network in networks {
            let kind = Kind::of(&network);
            if of_kind.insert(kind, network).is_some() {
                return Err(Error::Recipe(format!("models must have one network for {kind}")));
            }
        }
        Ok(Self { networks: of_kind, control })
    }

    /// All detectors on all kinds of volume that the networks know, in the order of [`marks`](Self::marks).
    #[must_use]
    pub fn cells(&self) -> Vec<Cell> {
        let kinds = || self.networks.keys().copied();
        let networks = kinds().flat_map(|trained| kinds().map(move |seen| Cell::Network { trained, seen }));
        let control = self.control.is_some().then_some(Cell::Control);
        std::iter::once(Cell::Blobs).chain(control).chain(networks).collect()
    }

    /// Least probability of the marks of a cell at its operating point: that of the network's card. One network keeps its own
    /// whatever it sees.
    #[must_use]
    pub fn threshold(&self, cell: Cell) -> Option<f64> {
        match cell {
            Cell::Blobs => None,
            Cell::Control => self.control.as_ref().map(Segmenter::threshold),
            Cell::Network { trained, .. } => self.networks.get(&trained).map(Segmenter::threshold),
        }
    }

    /// Marks of every cell on a body.
    ///
    /// # Errors
    /// What the networks say; [`Error::Image`] when a volume is in another unit or the body has no lungs.
    pub fn marks(&self, case: &Case) -> Result<Vec<Vec<Mark>>, Error> {
        let (seen, lungs) = (self.seen(case)?, lungs(&case.truth).map_err(|e| Error::Image(e.to_string()))?);
        self.cells().into_iter().map(|cell| self.found(cell, case, &seen, &lungs)).collect()
    }

    /// The kinds of volume of a body, in HU.
    fn seen(&self, case: &Case) -> Result<BTreeMap<Kind, Volume>, Error> {
        let mut seen = BTreeMap::new();
        for (kind, network) in &self.networks {
            let volume = match (kind, network.before()) {
                (Kind::Improved, Some(before)) => before.run(case.reconstructed()?, &mut |_| Ok(()))?,
                (Kind::Fdk, _) => network.calibrated(case.reconstructed()?)?,
                _ => case.truth.clone(),
            };
            seen.insert(*kind, volume);
        }
        Ok(seen)
    }

    fn found(
        &self,
        cell: Cell,
        case: &Case,
        seen: &BTreeMap<Kind, Volume>,
        lungs: &Volume,
    ) -> Result<Vec<Mark>, Error> {
        let said = |e: &dyn Display| Error::Image(e.to_string());
        let (network, volume) = match cell {
            Cell::Blobs => {
                // Beyond the lungs nothing is a blob.
                let region = Region::about(lungs, lungs.grid());
                let (ct, lungs) = (region.cut(&case.truth)?, region.cut(lungs)?);
                return blobs(&ct, &lungs, &BlobOptions::default()).map_err(|e| said(&e));
            }
            Cell::Control => (self.control.as_ref(), Some(&case.truth)),
            Cell::Network { trained, seen: kind } => (self.networks.get(&trained), seen.get(&kind)),
        };
        let (Some(network), Some(volume)) = (network, volume) else { return Ok(Vec::new()) };
        let probability = network.run_on_hu(volume, lungs, &mut |_| Ok(()))?;
        Ok(candidates(&probability, CANDIDATE).map_err(|e| said(&e))?.marks)
    }
}
