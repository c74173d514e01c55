use std::fmt;

use kerma::engine::{Device, Tier, Verdict as Numbers};
use serde::Serialize;

use crate::Difference;

/// What came of a kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Every value has the bits of the CPU twin.
    BitsEqual,
    /// Bits differ, on an adapter or in a mode in which they may, by less than the kernel's tolerance.
    WithinTolerance,
    /// Values differ that must not, or the device refused.
    Failed,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::BitsEqual => "bits equal",
            Self::WithinTolerance => "within tolerance",
            Self::Failed => "FAILED",
        })
    }
}

/// All cases of one kernel.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct KernelReport {
    /// Name of the shader.
    pub kernel: &'static str,
    /// Letter of the tier: E, P or T.
    pub tier: char,
    /// Number of cases.
    pub cases: usize,
    /// Values compared.
    pub values: u64,
    /// Values whose bits differ.
    pub differing: u64,
    /// Largest difference, in units in the last place.
    pub worst_ulp: u32,
    /// Largest difference relative to the largest magnitude of its buffer, which is what tolerances bound.
    pub worst_of_peak: f64,
    /// The worst of its cases.
    pub verdict: Verdict,
}

impl KernelReport {
    pub(crate) fn new(kernel: &'static str, tier: Tier) -> Self {
        let tier = tier.letter();
        let verdict = Verdict::BitsEqual;
        Self { kernel, tier, cases: 0, values: 0, differing: 0, worst_ulp: 0, worst_of_peak: 0.0, verdict }
    }

    pub(crate) fn add(&mut self, difference: &Difference, verdict: Verdict) {
        self.values += difference.values;
        self.differing += difference.differing;
        self.worst_ulp = self.worst_ulp.max(difference.worst_ulp);
        self.worst_of_peak = self.worst_of_peak.max(difference.worst_of_peak);
        self.verdict = self.verdict.max(verdict);
    }
}

/// One pass that differs where it must not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// Name of the shader.
    pub kernel: &'static str,
    /// Name of the case.
    pub case: String,
    /// `pass: buffer`; empty when the whole case could not be run.
    pub pass: String,
    /// How the values differ, or what the device said.
    pub reason: String,
}

/// What a device made of the suite.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// Name of the adapter; "CPU" for the CPU backend.
    pub adapter: String,
    /// Driver and its version.
    pub driver: String,
    /// `pinned` or `fast`.
    pub numerics: String,
    /// The numeric self-test, in one line.
    pub self_test: String,
    /// Whether the self-test found that tier P holds.
    pub pinned: bool,
    /// Per kernel.
    pub kernels: Vec<KernelReport>,
    /// What failed, in detail.
    pub failures: Vec<Failure>,
    /// Wall time, in seconds.
    pub seconds: f64,
}

impl Report {
    pub(crate) fn new(device: &Device, kernels: Vec<KernelReport>, failures: Vec<Failure>, seconds: f64) -> Self {
        let (adapter, driver) = match device.adapter() {
            Some(summary) => (summary.name.clone(), summary.driver.clone()),
            None => ("CPU".to_owned(), String::new()),
        };
        Self {
            adapter,
            driver,
            numerics: device.numerics().to_string(),
            self_test: device.self_test().summary(),
            pinned: device.self_test().verdict() == Numbers::Pinned,
            kernels,
            failures,
            seconds,
        }
    }

    /// Whether nothing failed; a report without cases has proven nothing and did not pass.
    #[must_use]
    pub fn passed(&self) -> bool {
        !self.kernels.is_empty() && self.kernels.iter().all(|k| k.verdict != Verdict::Failed)
    }
}

/// The report as a table.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} {}", self.adapter, self.driver)?;
        writeln!(f, "numerics {}, self-test: {}", self.numerics, self.self_test)?;
        writeln!(f)?;
        let width = self.kernels.iter().map(|k| k.kernel.len()).max().unwrap_or(0).max("kernel".len());
        writeln!(
            f,
            "{:width$}  tier  {:>5}  {:>10}  {:>9}  {:>10}  {:>7}  verdict",
            "kernel", "cases", "values", "differing", "worst ULP", "of peak"
        )?;
        for k in &self.kernels {
            writeln!(
                f,
                "{:width$}  {:<4}  {:>5}  {:>10}  {:>9}  {:>10}  {:>7.0e}  {}",
                k.kernel, k.tier, k.cases, k.values, k.differing, k.worst_ulp, k.worst_of_peak, k.verdict
            )?;
        }
        for failure in &self.failures {
            let Failure { kernel, case, pass, reason } = failure;
            write!(f, "\nFAILED {kernel}, {case}")?;
            if !pass.is_empty() {
                write!(f, ", {pass}")?;
            }
            write!(f, ": {reason}")?;
        }
        if !self.failures.is_empty() {
            writeln!(f)?;
        }
        let failed = self.kernels.iter().filter(|k| k.verdict == Verdict::Failed).count();
        writeln!(f, "\n{} kernels, {failed} failed, {:.1} s", self.kernels.len(), self.seconds)
    }
}
