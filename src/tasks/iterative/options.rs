use std::cmp::Ordering;

use super::super::{Backprojector, TaskError};
use crate::kernels::project::Sampling;

/// How a volume is found step by step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Algorithm {
    /// Simultaneous iterative reconstruction (SIRT); with several subsets of the views, OS-SART.
    ///
    /// ```text
    /// x ← x + λ·C·Aᵀ·R·(p − A·x)          R = 1/(A·1), C = 1/(Aᵀ·R·A·1)
    /// ```
    /// With [`Weights::Counts`] R is the share of the photons that come through, and the limit is the weighted least squares.
    Sirt {
        /// λ, above 0 and below 2.
        relaxation: f64,
    },
    /// Conjugate gradients of the normal equations (CGLS): least squares, in the fewest steps. The pair must be an exact adjoint.
    Cgls,
    /// Maximum likelihood by expectation maximisation (MLEM); with several subsets, OSEM. Never negative.
    ///
    /// ```text
    /// x ← x/(Aᵀ·1)·Aᵀ·(p/(A·x))
    /// ```
    Mlem,
    /// Least squares and total variation (FISTA-TV, Beck and Teboulle, SIAM J. Imaging Sci. 2 (2009) 183).
    ///
    /// ```text
    /// minimise  ½·Σ (p − A·x)² + weight·∫|∇x| dV
    /// ```
    FistaTv {
        /// Weight of the total variation, in 1/mm, above 0: line integrals have no unit, ∫|∇x| dV is in mm.
        weight_per_mm: f64,
    },
}

/// How rays are weighted in the sum of squares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Weights {
    /// All alike.
    #[default]
    Even,
    /// By the share of photons that come through, exp(−p): the inverse of the variance of a line integral, but for a factor.
    Counts,
}

/// Order in which subsets are used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SubsetOrder {
    /// Each next subset as far from the last ones as can be: bits of its number reversed.
    #[default]
    Apart,
    /// First to last.
    Ascending,
}

/// What an iterative reconstruction does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct IterativeOptions {
    /// How it finds the volume.
    pub algorithm: Algorithm,
    /// Times that all views are used.
    pub iterations: usize,
    /// How rays sample the volume.
    pub projector: Sampling,
    /// How voxels take from pixels.
    pub backprojector: Backprojector,
    /// Subsets of the views, each of every so-manieth view.
    pub subsets: usize,
    /// Order in which they are used.
    pub order: SubsetOrder,
    /// How rays count.
    pub weights: Weights,
    /// Values between which voxels are held, in 1/mm.
    pub bounds: [f32; 2],
    /// Residual, as a share of the norm of what was measured, at which to stop.
    pub stop_residual: Option<f64>,
    /// Share by which the residual must still fall from iteration to iteration, or else it stops.
    pub stop_change: Option<f64>,
}

/// Bounds that hold nothing.
pub(super) const FREE: [f32; 2] = [-f32::MAX, f32::MAX];

impl IterativeOptions {
    /// Ten iterations with Joseph's pair, no subsets, no bounds.
    #[must_use]
    pub fn new(algorithm: Algorithm) -> Self {
        Self {
            algorithm,
            iterations: 10,
            projector: Sampling::Joseph,
            backprojector: Backprojector::Joseph,
            subsets: 1,
            order: SubsetOrder::default(),
            weights: Weights::default(),
            bounds: FREE,
            stop_residual: None,
            stop_change: None,
        }
    }

    pub(super) fn check(&self, views: usize) -> Result<(), TaskError> {
        let range = |field, allowed, got| Err(TaskError::Range { field, allowed, got });
        let matched = match self.projector {
            Sampling::Joseph => Backprojector::Joseph,
            Sampling::Siddon => Backprojector::Siddon,
            Sampling::Trilinear => Backprojector::Trilinear,
        };
        let takes_bounds = matches!(self.algorithm, Algorithm::Sirt { .. } | Algorithm::FistaTv { .. });
        let takes_subsets = matches!(self.algorithm, Algorithm::Sirt { .. } | Algorithm::Mlem);
        match self.algorithm {
            Algorithm::Sirt { relaxation } if !(relaxation > 0.0 && relaxation < 2.0) => {
                return range("relaxation", "above 0 and below 2", relaxation);
            }
            Algorithm::FistaTv { weight_per_mm } if !(weight_per_mm > 0.0 && weight_per_mm.is_finite()) => {
                return range("weight of the total variation", "above 0 per mm", weight_per_mm);
            }
            Algorithm::Cgls if self.backprojector != matched => {
                return Err(TaskError::Method {
                    method: "conjugate gradients",
                    reason: "need the exact adjoint of their projector for the back-projection",
                });
            }
            _ => {}
        }
        if self.subsets == 0 || self.subsets > views {
            return range("subsets", "from 1 to the number of views", self.subsets as f64);
        }
        if self.subsets > 1 && !takes_subsets {
            return Err(TaskError::Method { method: "this algorithm", reason: "takes all views at once: no subsets" });
        }
        let [low, high] = self.bounds;
        if low.partial_cmp(&high) != Some(Ordering::Less) {
            return range("upper bound", "above the lower one", high.into());
        }
        if self.bounds != FREE && !takes_bounds {
            return Err(TaskError::Method { method: "this algorithm", reason: "takes no bounds" });
        }
        if self.weights == Weights::Counts && !matches!(self.algorithm, Algorithm::Sirt { .. }) {
            return Err(TaskError::Method { method: "this algorithm", reason: "takes no weights of rays" });
        }
        for (field, share) in [("residual to stop at", self.stop_residual), ("change to stop at", self.stop_change)] {
            if let Some(share) = share
                && !(0.0..1.0).contains(&share)
            {
                return range(field, "from 0 to below 1", share);
            }
        }
        Ok(())
    }

    /// Views of every subset, in the order in which they are used.
    pub(super) fn subsets(&self, views: usize) -> Vec<Vec<usize>> {
        let count = self.subsets;
        let bits = count.next_power_of_two().trailing_zeros();
        let reversed = |i: usize| if bits == 0 { 0 } else { i.reverse_bits() >> (usize::BITS - bits) };
        let order: Vec<usize> = match self.order {
            SubsetOrder::Ascending => (0..count).collect(),
            SubsetOrder::Apart => (0..1 << bits).map(reversed).filter(|&subset| subset < count).collect(),
        };
        order.into_iter().map(|first| (first..views).step_by(count).collect()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subsets_share_the_views_and_follow_apart() {
        let options = IterativeOptions { subsets: 6, ..IterativeOptions::new(Algorithm::Mlem) };
        let subsets = options.subsets(20);
        assert_eq!(subsets.iter().map(|views| views[0]).collect::<Vec<_>>(), [0, 4, 2, 1, 5, 3]);
        let mut all: Vec<usize> = subsets.concat();
        all.sort_unstable();
        assert_eq!(all, (0..20).collect::<Vec<_>>());
        assert_eq!(IterativeOptions::new(Algorithm::Mlem).subsets(3), [[0, 1, 2]]);
    }
}
