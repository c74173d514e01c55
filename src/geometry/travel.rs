use glam::DVec3;
use serde::{Deserialize, Serialize};

/// World axis along which the source of a tomosynthesis scan moves.
///
/// The beam's centre runs along +y.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Travel {
    /// From the patient's left to the right.
    X,
    /// From inferior to superior, the way of chest tomosynthesis.
    #[default]
    Z,
}

impl Travel {
    /// Unit vector of the travel.
    #[must_use]
    pub fn direction(self) -> DVec3 {
        match self {
            Self::X => DVec3::X,
            Self::Z => DVec3::Z,
        }
    }

    /// Axis through the isocentre about which the source turns counter-clockwise.
    #[must_use]
    pub fn axis(self) -> DVec3 {
        // At the centre of the sweep the source stands at −y, and axis × (−y) is the direction of travel.
        DVec3::NEG_Y.cross(self.direction())
    }
}
