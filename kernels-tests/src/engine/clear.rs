//! A buffer is filled, cleared and added to, so that what was there before would show.

use kerma::{engine::Tier, kernels::pointwise::scale_add};

use super::{SHAPES, noise};
use crate::{Case, Narrow};

pub(crate) fn cases() -> Vec<Case> {
    SHAPES
        .map(|(shape, binding_bytes)| {
            let case = Case::named("engine.clear", Tier::Exact, format!("{shape:?}"), noise(shape), |inputs, graph| {
                let values = graph.upload("case.values", inputs.0, &inputs.1);
                let cleared = graph.buffer("case.cleared", inputs.0);
                graph.copy(values, cleared);
                graph.clear(cleared);
                scale_add::record(graph, 1.0, values, 1.0, cleared);
            });
            match binding_bytes {
                Some(bytes) => case.narrowed(Narrow::binding(bytes)),
                None => case,
            }
        })
        .into()
}
