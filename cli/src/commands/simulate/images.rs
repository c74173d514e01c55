//! The images of a case, computed and not yet written.

use kerma::{
    data::{Projections, Volume},
    tasks::{
        Recorded, Redundancy, Task,
        simulate::{Case, Exposed, Measured, Part, ScatterMap},
    },
};

use crate::{context::Context, failure::Failure};

/// Images of a case, and what was made of them and measured in them.
pub(in crate::commands) struct Simulated {
    pub(in crate::commands) exposed: Exposed,
    pub(in crate::commands) scatter: Option<ScatterMap>,
    /// In mm⁻¹, and whether these are attenuation coefficients and no mere contrasts.
    pub(in crate::commands) reconstruction: Option<(Volume, bool)>,
    pub(in crate::commands) results: Vec<Measured>,
}

impl Simulated {
    pub(in crate::commands) fn of(case: &Case, parts: &[Part], context: &mut Context) -> Result<Self, Failure> {
        let scatter = match case.scatter()? {
            Some(task) => {
                Some(context.drive("scatter", |device, control| Ok(pollster::block_on(task.run(device, control))?))?)
            }
            None => None,
        };
        let exposed = {
            let task = context.record(|| case.exposure(scatter.as_ref(), parts))?;
            let outputs = context.run("exposure", task.graph())?;
            task.finish(outputs)?
        };
        let reconstruction = match exposed.stack(Part::Integrals) {
            Some(integrals) => reconstruct(case, integrals, context)?,
            None => None,
        };
        let results = case.results(&exposed, scatter.as_ref())?;
        Ok(Self { exposed, scatter, reconstruction, results })
    }
}

fn reconstruct(case: &Case, integrals: &Projections, context: &mut Context) -> Result<Option<(Volume, bool)>, Failure> {
    let Some(task) = context.record(|| case.straightened(integrals))? else { return Ok(None) };
    let outputs = context.run("beam hardening", task.graph())?;
    let straight = task.finish(outputs)?;
    let task = context.record(|| case.reconstruction(straight))?;
    let outputs = context.run("reconstruction", task.graph())?;
    Ok(Some((task.finish(outputs)?, task.redundancy() != Redundancy::LimitedArc)))
}
