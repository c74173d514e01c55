use super::{fdk, histogram, mask, pointwise, project, pyramid, statistics, threshold};
use crate::engine::{SELF_TEST_SHADER, Shader};

/// Every shader of kerma, for tests and tools that walk them all.
#[must_use]
pub fn shaders() -> Vec<&'static Shader> {
    vec![
        &SELF_TEST_SHADER,
        &project::siddon::SHADER,
        &fdk::weight::SHADER,
        &fdk::ramp::SHADER,
        &fdk::backproject::SHADER,
        &histogram::count::SHADER,
        &histogram::merge::SHADER,
        &mask::above::SHADER,
        &mask::across::SHADER,
        &mask::down::SHADER,
        &mask::reduce::SHADER,
        &mask::expand::SHADER,
        &mask::combine::SHADER,
        &mask::rectangle::SHADER,
        &mask::labels::SHADER,
        &mask::tally::SHADER,
        &mask::select::SHADER,
        &mask::step_right::SHADER,
        &mask::step_down::SHADER,
        &mask::borders::SHADER,
        &pointwise::attenuation::SHADER,
        &pointwise::fill::SHADER,
        &pointwise::line_integral::SHADER,
        &pointwise::lookup::SHADER,
        &pointwise::quantise::SHADER,
        &pointwise::scale_add::SHADER,
        &pointwise::stretch::SHADER,
        &pointwise::transmission::SHADER,
        &pointwise::widen::SHADER,
        &pointwise::window_level::SHADER,
        &pyramid::reduce::SHADER,
        &pyramid::band::SHADER,
        &pyramid::collapse::SHADER,
        &pyramid::noise::SHADER,
        &pyramid::median::SHADER,
        &pyramid::blend::SHADER,
        &statistics::rows::SHADER,
        &statistics::merge::SHADER,
        &threshold::rank::SHADER,
        &threshold::triangle::SHADER,
    ]
}
