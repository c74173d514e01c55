use kerma::engine::Tier;

use super::{SHAPES, noise};
use crate::{Case, Narrow};

pub(crate) fn cases() -> Vec<Case> {
    SHAPES
        .map(|(shape, binding_bytes)| {
            let case = Case::named("engine.copy", Tier::Exact, format!("{shape:?}"), noise(shape), |inputs, graph| {
                let from = graph.upload("case.values", inputs.0, &inputs.1);
                let to = graph.buffer("case.copy", inputs.0);
                graph.copy(from, to);
            });
            match binding_bytes {
                Some(bytes) => case.narrowed(Narrow::binding(bytes)),
                None => case,
            }
        })
        .into()
}
