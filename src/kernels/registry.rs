use super::{
    beam, clahe, detector, fdk, fourier, histogram, mask, noise, pointwise, project, pyramid, statistics, threshold,
    transport, variation,
};
use crate::engine::{SELF_TEST_SHADER, Shader};

/// Every shader of kerma, for tests and tools that walk them all.
#[must_use]
pub fn shaders() -> Vec<&'static Shader> {
    let rooms = [
        project::SHADERS,
        fdk::SHADERS,
        fourier::SHADERS,
        beam::SHADERS,
        detector::SHADERS,
        histogram::SHADERS,
        mask::SHADERS,
        noise::SHADERS,
        pointwise::SHADERS,
        pyramid::SHADERS,
        statistics::SHADERS,
        threshold::SHADERS,
        transport::SHADERS,
        variation::SHADERS,
        clahe::SHADERS,
    ];
    std::iter::once(&SELF_TEST_SHADER).chain(rooms.into_iter().flatten().copied()).collect()
}
