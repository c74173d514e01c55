//! Cases of the projectors.

mod axial;
mod joseph;
mod joseph_adjoint;
mod joseph_axial;
mod joseph_axial_adjoint;
mod lines;
mod planes;
mod reorder;
mod restore;
mod samples;
mod siddon;
mod siddon_adjoint;
mod thickness;
mod trilinear;
mod trilinear_adjoint;
mod weigh;

use crate::Case;

pub(crate) fn cases() -> Vec<Case> {
    let kernels = [
        siddon::cases(),
        reorder::cases(),
        axial::cases(),
        thickness::cases(),
        lines::cases(),
        joseph::cases(),
        joseph_adjoint::cases(),
        joseph_axial::cases(),
        weigh::cases(),
        joseph_axial_adjoint::cases(),
        restore::cases(),
        samples::cases(),
        trilinear::cases(),
        trilinear_adjoint::cases(),
        planes::cases(),
        siddon_adjoint::cases(),
    ];
    kernels.into_iter().flatten().collect()
}
