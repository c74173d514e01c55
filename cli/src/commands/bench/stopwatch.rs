use std::time::Duration;

use kerma::engine::{Control, Device, Graph, Plan};
use serde::Serialize;

use crate::{failure::Failure, interrupt};

/// Median times of a graph on a device, in seconds.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Times {
    /// Wall time, transfers included.
    pub(super) total: f64,
    /// Time of the passes alone: on a GPU by its own clock, and `None` if it has none.
    ///
    /// The CPU backend transfers nothing, so both times are the same there.
    pub(super) passes: Option<f64>,
}

/// Runs a graph once to warm up and `runs` times to be timed.
pub(super) fn measure(device: &Device, graph: &Graph<'_>, runs: u32) -> Result<Times, Failure> {
    let plan = Plan::new(graph, device.limits())?;
    let control = Control { is_cancelled: &interrupt::is_asked, ..Control::default() };
    let once = || -> Result<_, Failure> {
        let outputs = interrupt::orderly(|| Ok(pollster::block_on(device.run(&plan, &control))?))?;
        interrupt::check()?;
        Ok(outputs.report)
    };
    once()?;
    let reports = (0..runs).map(|_| once()).collect::<Result<Vec<_>, _>>()?;
    let total = median(reports.iter().map(|report| report.total).collect());
    let passes = match device.adapter() {
        None => Some(total),
        Some(_) if reports.iter().any(|report| report.passes.is_empty()) => None,
        Some(_) => Some(median(reports.iter().map(|r| r.passes.iter().map(|pass| pass.time).sum()).collect())),
    };
    Ok(Times { total, passes })
}

/// Middle of the sorted times, the lower of two.
fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times.get((times.len().max(1) - 1) / 2).map_or(0.0, Duration::as_secs_f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn median_is_the_middle() {
        let seconds = |all: &[u64]| median(all.iter().copied().map(Duration::from_secs).collect());
        assert_eq!([seconds(&[5]), seconds(&[9, 1, 3]), seconds(&[4, 2])], [5.0, 3.0, 2.0]);
    }
}
