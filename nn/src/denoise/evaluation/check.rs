use serde::{Deserialize, Serialize};

use super::{Metric, NoiseKind, Outcome, Recipe, metric::Better};

/// What must hold of an outcome.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Check {
    /// One method is better than another in the mean over the images.
    Ahead {
        /// Name of the better method.
        method: String,
        /// Name of the other one.
        of: String,
        /// Name of the dose.
        dose: String,
        /// Kind of the noise.
        noise: NoiseKind,
        /// In all of these.
        metrics: Vec<Metric>,
        /// Whether the whole interval of the paired difference must be on the better side, not its mean alone.
        #[serde(default)]
        certain: bool,
    },
    /// A mean lies within bounds.
    Within {
        /// Name of the method.
        method: String,
        /// Name of the dose.
        dose: String,
        /// Kind of the noise.
        noise: NoiseKind,
        /// What is measured.
        metric: Metric,
        /// Lower bound.
        at_least: Option<f64>,
        /// Upper bound.
        at_most: Option<f64>,
    },
    /// No other start of the chain is better by more, at any dose.
    Matched {
        /// Bound, in decibels.
        at_most_db: f64,
    },
    /// No line of the tiles stands out by more, of any method.
    Seams {
        /// Bound, in decibels.
        at_most_db: f64,
    },
}

/// What became of a check.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verdict {
    /// What must hold.
    pub check: String,
    /// What was found.
    pub found: String,
    /// Whether it holds.
    pub holds: bool,
}

impl Check {
    pub(super) fn fault(&self, recipe: &Recipe) -> Option<String> {
        let place = |methods: &[&String], dose: &String, noise: NoiseKind| {
            let method = methods.iter().find(|name| recipe.method(name).is_none());
            let unknown = method.map(|name| format!("no method has the name \"{name}\""));
            let dose = (!recipe.doses.contains_key(dose)).then(|| format!("no dose has the name \"{dose}\""));
            let noise = (!recipe.noise.contains(&noise)).then(|| "its kind of noise is not among \"noise\"".to_owned());
            unknown.or(dose).or(noise)
        };
        match self {
            Self::Ahead { method, of, dose, noise, metrics, .. } => {
                let unranked = metrics.iter().find(|metric| metric.better() == Better::Neither);
                place(&[method, of], dose, *noise)
                    .or_else(|| unranked.map(|metric| format!("{} ranks no method", name_of(*metric))))
                    .or_else(|| metrics.is_empty().then(|| "metrics must name at least one".to_owned()))
            }
            Self::Within { method, dose, noise, at_least, at_most, .. } => {
                let unbound = at_least.is_none() && at_most.is_none();
                place(&[method], dose, *noise)
                    .or_else(|| unbound.then(|| "needs \"at_least\" or \"at_most\"".to_owned()))
            }
            Self::Matched { .. } => recipe.matched.is_none().then(|| "needs a table [matched]".to_owned()),
            Self::Seams { .. } => recipe.seams.is_none().then(|| "needs a table [seams]".to_owned()),
        }
    }

    /// Judges an outcome; a metric with several parts has a verdict for each. What was not measured does not hold.
    pub(super) fn judge(&self, outcome: &Outcome) -> Vec<Verdict> {
        match self {
            Self::Ahead { method, of, dose, noise, metrics, certain } => {
                let judge = |metric: &Metric| {
                    let how = if *certain { "with its whole interval" } else { "in the mean" };
                    let check = format!(
                        "{method} is ahead of {of} in {} at {dose} dose, {} noise, {how}",
                        metric.label(),
                        noise.name()
                    );
                    let measured = |name| outcome.measured(dose, *noise, name, *metric);
                    let difference = measured(method).zip(measured(of)).and_then(|(a, b)| a.less(b));
                    let Some(difference) = difference else { return unmeasured(check) };
                    let (mean, worst) = match metric.better() {
                        Better::Lower => (-difference.mean, -difference.high()),
                        _ => (difference.mean, difference.low()),
                    };
                    let found = format!("difference {}", super::grid::signed(&difference, metric.decimals()));
                    Verdict {
                        check,
                        found,
                        holds: if *certain { worst > 0.0 && difference.half.is_some() } else { mean > 0.0 },
                    }
                };
                metrics.iter().map(judge).collect()
            }
            Self::Within { method, dose, noise, metric, at_least, at_most } => {
                let bound = |word: &str, bound: Option<f64>| bound.map(|b| format!("{word} {b}"));
                let bounds = [bound("at least", *at_least), bound("at most", *at_most)];
                let check = format!(
                    "{} of {method} is {} at {dose} dose, {} noise",
                    metric.label(),
                    bounds.into_iter().flatten().collect::<Vec<_>>().join(" and "),
                    noise.name()
                );
                let Some(measured) = outcome.measured(dose, *noise, method, *metric) else {
                    return vec![unmeasured(check)];
                };
                let mean = measured.interval.mean;
                let holds = at_least.is_none_or(|bound| mean >= bound) && at_most.is_none_or(|bound| mean <= bound);
                vec![Verdict { check, found: super::grid::plain(&measured.interval, metric.decimals()), holds }]
            }
            Self::Matched { at_most_db } => {
                let largest = outcome.matched.iter().map(|dose| dose.gap.mean).reduce(f64::max);
                vec![limit("no other start of the chain is better by more than", *at_most_db, largest)]
            }
            Self::Seams { at_most_db } => {
                let largest = outcome.seams.iter().map(|line| line.difference_db).reduce(f64::max);
                vec![limit("no line of the tiles stands out by more than", *at_most_db, largest)]
            }
        }
    }
}

fn limit(what: &str, bound: f64, found: Option<f64>) -> Verdict {
    let check = format!("{what} {bound} dB");
    match found {
        Some(found) => Verdict { check, found: format!("at most {found:.3} dB"), holds: found <= bound },
        None => unmeasured(check),
    }
}

fn unmeasured(check: String) -> Verdict {
    Verdict { check, found: "not measured".to_owned(), holds: false }
}

/// Name of a metric in recipes.
fn name_of(metric: Metric) -> String {
    serde_json::to_value(metric).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

impl NoiseKind {
    /// Name in tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Gaussian => "Gaussian",
            Self::Poisson => "Poisson",
        }
    }
}
