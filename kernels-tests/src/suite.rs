use std::{collections::BTreeMap, time::Instant};

use kerma::engine::{Control, Device, Error, Graph, Limits, Output, Plan, Progress, Tier, Verdict as Numbers};

use crate::{
    Case, Difference, Failure, KernelReport, Report, Tolerance, Verdict, beam, clahe, detector, engine, fdk, fourier,
    histogram, mask, noise, pointwise, project, pyramid, statistics, tasks, threshold, transport, variation,
};

/// Every case, in the order of the rooms.
#[must_use]
pub fn cases() -> Vec<Case> {
    [
        engine::cases(),
        project::cases(),
        fdk::cases(),
        fourier::cases(),
        beam::cases(),
        clahe::cases(),
        detector::cases(),
        histogram::cases(),
        mask::cases(),
        noise::cases(),
        pointwise::cases(),
        pyramid::cases(),
        statistics::cases(),
        threshold::cases(),
        transport::cases(),
        variation::cases(),
        tasks::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Runs every case whose kernel's name contains `filter` on the device and on the CPU.
///
/// `progress` hears of every case before it runs.
#[must_use]
pub fn run(device: &Device, filter: Option<&str>, progress: &dyn Fn(Progress<'_>)) -> Report {
    let chosen: Vec<Case> = cases().into_iter().filter(|c| filter.is_none_or(|f| c.kernel.contains(f))).collect();
    run_cases(device, &chosen, progress)
}

/// Runs the given cases on the device and on the CPU.
#[must_use]
pub fn run_cases(device: &Device, cases: &[Case], progress: &dyn Fn(Progress<'_>)) -> Report {
    let start = Instant::now();
    let is_pinned = device.self_test().verdict() == Numbers::Pinned;
    let mut kernels: BTreeMap<usize, KernelReport> = BTreeMap::new();
    let mut failures = Vec::new();
    for (index, case) in cases.iter().enumerate() {
        progress(Progress { pass: case.kernel, fraction: index as f64 / cases.len() as f64 });
        // Kernels stay in the order in which their first cases stand.
        let place = cases.iter().position(|c| c.kernel == case.kernel).unwrap_or(index);
        let row = kernels.entry(place).or_insert_with(|| KernelReport::new(case.kernel, case.tier));
        row.cases += 1;
        match compared(device, case) {
            Ok(passes) => {
                for (pass, place, difference) in passes {
                    let verdict = judged(case, &difference, is_pinned || place == Place::CpuInParts);
                    row.add(&difference, verdict);
                    if verdict == Verdict::Failed {
                        let reason = format!("{place}: {}", described(&difference));
                        failures.push(Failure { kernel: case.kernel, case: case.name.clone(), pass, reason });
                    }
                }
            }
            Err(error) => {
                row.verdict = Verdict::Failed;
                let (case, reason) = (case.name.clone(), error.to_string());
                failures.push(Failure { kernel: row.kernel, case, pass: String::new(), reason });
            }
        }
    }
    progress(Progress { pass: "done", fraction: 1.0 });
    Report::new(device, kernels.into_values().collect(), failures, start.elapsed().as_secs_f64())
}

/// Where a case ran that is held against the undivided run on the CPU.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Device,
    CpuInParts,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Device => "on the device",
            Self::CpuInParts => "on the CPU, divided",
        })
    }
}

/// What every pass wrote, compared with the CPU.
fn compared(device: &Device, case: &Case) -> Result<Vec<(String, Place, Difference)>, Error> {
    let mut graph = case.graph();
    let taps = graph.tap();
    let cpu = Device::cpu();
    let wanted = outputs(&cpu, &graph, &taps, cpu.limits())?;
    let limits = |device: &Device| case.narrow.map_or(device.limits(), |n| n.of(device.limits()));
    let mut runs = vec![(Place::Device, outputs(device, &graph, &taps, limits(device))?)];
    if case.narrow.is_some() {
        runs.push((Place::CpuInParts, outputs(&cpu, &graph, &taps, limits(&cpu))?));
    }
    let mut found = Vec::new();
    for (place, got) in runs {
        for (((pass, _), wanted), got) in taps.iter().zip(&wanted).zip(&got) {
            found.push((pass.clone(), place, Difference::between(wanted, got)));
        }
    }
    Ok(found)
}

fn outputs(
    device: &Device,
    graph: &Graph<'_>,
    taps: &[(String, Output<u32>)],
    limits: Limits,
) -> Result<Vec<Vec<u32>>, Error> {
    let plan = Plan::new(graph, limits)?;
    let mut outputs = pollster::block_on(device.run(&plan, &Control::default()))?;
    taps.iter().map(|(_, output)| outputs.take(*output)).collect()
}

fn judged(case: &Case, difference: &Difference, is_pinned: bool) -> Verdict {
    if difference.is_none() {
        return Verdict::BitsEqual;
    }
    let is_loose = case.tier == Tier::Tolerance || (case.tier == Tier::Pinned && !is_pinned);
    if is_loose && (case.is_knife_edge || difference.is_within(Tolerance::of(case.kernel))) {
        Verdict::WithinTolerance
    } else {
        Verdict::Failed
    }
}

fn described(difference: &Difference) -> String {
    let Difference { values, differing, worst_ulp, worst_of_peak, first, .. } = difference;
    format!(
        "{differing} of {values} values differ, the worst by {worst_ulp} ULP ({worst_of_peak:.1e} of the peak), the \
         first at index {}",
        first.unwrap_or(0)
    )
}
