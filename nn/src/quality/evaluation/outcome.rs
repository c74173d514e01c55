use std::fmt::Write as _;

use kerma::metrics::{Bootstrap, Estimate};
use serde::Serialize;

use super::{
    super::Quantity,
    Figures,
    figures::{BINS, distances},
};
use crate::{
    Error, Statement,
    improve::evaluation::Cell,
    statement::{shown, table, tables, word_below},
};

/// Draws of the intervals.
const DRAWS: usize = 2000;
/// Places of the methods that need no network, and of the networks.
const ANALYTIC: usize = 1;
const VALUE: usize = 2;
const CLASSES: usize = 3;
const SHUFFLED: usize = 4;
/// Largest mean error of the angle, in degrees, on phantoms and on real bodies.
const ANGLE_DEG: f64 = 2.0;
const REAL_ANGLE_DEG: f64 = 4.0;
/// Largest median error of ln µ.
const LN_QUANTA: f64 = 0.1;
/// Largest mean error of the exponent, and what it may be relative to that of the baseline.
const EXPONENT: f64 = 0.07;
const EXPONENT_RATIO: f64 = 0.5;
/// Difference of balanced accuracies that is none, and what its interval must lie within.
const SAME: f64 = 0.03;
const SAME_INTERVAL: f64 = 0.05;
/// Largest difference of a mirrored angle from the opposite, in degrees.
const ODD_DEG: f64 = 1.0;
/// How far above chance the balanced accuracy of shuffled labels may reach.
const CHANCE: f64 = 0.1;

/// What was measured for one quantity, by body and method.
pub struct Part {
    /// The quantity.
    pub quantity: Quantity,
    /// Methods, as [`Evaluation::names`](super::Evaluation::names) has them: value and classes first of the networks.
    pub names: Vec<String>,
    /// Test bodies.
    pub bodies: Vec<Vec<Figures>>,
    /// Real bodies.
    pub real: Vec<Vec<Figures>>,
}

/// What was measured of one method, over all bodies.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// Quantity.
    pub quantity: Quantity,
    /// Method.
    pub name: String,
    /// Error, of noise the median, of others the mean; none where only classes are told.
    pub error: Option<Cell>,
    /// Balanced accuracy of the classes.
    pub accuracy: Cell,
    /// Share of the images whose class is right, by distance to the nearest limit, and their number.
    pub by_distance: [(Option<f64>, usize); BINS],
    /// Error where bones are bright, and where they are dark.
    pub by_polarity: [Option<f64>; 2],
    /// Error on real bodies, its mean with the sign, and balanced accuracy there.
    pub real: Option<[Option<f64>; 3]>,
}

/// The result of an evaluation.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// Test bodies.
    pub bodies: usize,
    /// Real bodies.
    pub real: usize,
    /// Methods of all quantities.
    pub rows: Vec<Row>,
    /// Bars and claims.
    pub statements: Vec<Statement>,
}

/// Values of the methods on the bodies of a part.
struct Values<'a> {
    part: &'a Part,
    bootstrap: Bootstrap,
}

impl Values<'_> {
    fn of(&self, method: usize, value: impl Fn(&Figures) -> Option<f64>) -> Vec<f64> {
        self.part.bodies.iter().filter_map(|methods| value(methods.get(method)?)).collect()
    }

    /// Mean of `one` less that of `other`.
    fn difference(&self, one: &[f64], other: &[f64]) -> Result<Estimate, Error> {
        Ok(self.bootstrap.compare(one, other).map_err(|e| Error::Image(e.to_string()))?.difference)
    }

    fn cell(&self, values: &[f64]) -> Result<Cell, Error> {
        let Estimate { value: mean, interval } = self.difference(values, &vec![0.0; values.len()])?;
        Ok(Cell { mean, interval, bodies: values.len() })
    }

    fn row(&self, method: usize, name: &str) -> Result<Row, Error> {
        let errors = self.of(method, |f| f.error);
        let by_distance = std::array::from_fn(|bin| {
            let [images, right] = [0, 1].map(|which| {
                self.part.bodies.iter().map(|methods| methods[method].by_distance[bin][which]).sum::<usize>()
            });
            ((images > 0).then(|| right as f64 / images as f64), images)
        });
        let by_polarity = [0, 1].map(|polarity| mean(&self.of(method, |f| f.by_polarity[polarity])));
        let real = |value: fn(&Figures) -> Option<f64>| {
            mean(&self.part.real.iter().filter_map(|methods| value(&methods[method])).collect::<Vec<_>>())
        };
        Ok(Row {
            quantity: self.part.quantity,
            name: name.to_owned(),
            error: if errors.is_empty() { None } else { Some(self.cell(&errors)?) },
            accuracy: self.cell(&self.of(method, |f| Some(f.accuracy)))?,
            by_distance,
            by_polarity,
            real: (!self.part.real.is_empty())
                .then(|| [real(|f| f.error), real(|f| f.bias), real(|f| Some(f.accuracy))]),
        })
    }

    /// Bars of the value network's errors.
    fn errors(&self) -> Result<Vec<Statement>, Error> {
        let of = |method| self.of(method, |f| f.error);
        let (network, analytic) = (of(VALUE), of(ANALYTIC));
        let zero = vec![0.0; network.len()];
        let at_most = |text: String, estimate: Estimate, bar: f64, digits: usize| Statement {
            text,
            verdict: word_below(estimate.against(bar)),
            found: shown(estimate, digits),
            is_bar: true,
        };
        let error = self.difference(&network, &zero)?;
        Ok(match self.part.quantity {
            Quantity::Noise => {
                let difference = self.difference(&network, &analytic)?;
                let text = "noise: error below that of the noise fit".to_owned();
                vec![
                    at_most(format!("noise: median error of ln µ at most {LN_QUANTA}"), error, LN_QUANTA, 3),
                    at_most(text, difference, 0.0, 3),
                ]
            }
            Quantity::Contrast => {
                let share: Vec<f64> = analytic.iter().map(|error| EXPONENT_RATIO * error).collect();
                let difference = self.difference(&network, &share)?;
                let text = "contrast: error at most half of that of mean and entropy".to_owned();
                vec![
                    at_most(format!("contrast: mean error of g at most {EXPONENT}"), error, EXPONENT, 3),
                    at_most(text, difference, 0.0, 3),
                ]
            }
            Quantity::Rotation => {
                let text = format!("rotation: mean error at most {ANGLE_DEG}° on phantoms");
                let mut bars = vec![at_most(text, error, ANGLE_DEG, 2)];
                bars.extend(self.real_angle());
                let odd = self.of(VALUE, |f| f.mirrored).into_iter().fold(0.0, f64::max);
                bars.push(Statement {
                    text: format!("rotation: mirror images have the opposite angle within {ODD_DEG}°"),
                    verdict: if odd <= ODD_DEG { "yes" } else { "no" },
                    found: format!("largest difference {odd:.5}°, by construction"),
                    is_bar: true,
                });
                bars
            }
        })
    }

    /// The error of the angle on real bodies, of which one has no interval.
    fn real_angle(&self) -> Option<Statement> {
        let real = &self.part.real;
        let error = mean(&real.iter().filter_map(|methods| methods.get(VALUE)?.error).collect::<Vec<_>>())?;
        let bias = mean(&real.iter().filter_map(|methods| methods.get(VALUE)?.bias).collect::<Vec<_>>())?;
        Some(Statement {
            text: format!("rotation: mean error at most {REAL_ANGLE_DEG}° on a real body"),
            verdict: if error <= REAL_ANGLE_DEG { "yes" } else { "no" },
            found: format!("{error:.2}°, with the sign {bias:.2}°; n = {}, no interval", real.len()),
            is_bar: true,
        })
    }

    /// Whether it is the same to set limits on answers or on truths.
    fn same(&self) -> Result<Statement, Error> {
        let of = |method| self.of(method, |f: &Figures| Some(f.accuracy));
        let difference = self.difference(&of(VALUE), &of(CLASSES))?;
        let verdict = match difference.interval {
            Some([low, high]) if low > -SAME_INTERVAL && high < SAME_INTERVAL && difference.value.abs() < SAME => "yes",
            Some([low, high]) if low > SAME || high < -SAME => "no",
            _ => "undecided",
        };
        let (name, percent) = (self.part.quantity.name(), 100.0 * SAME);
        Ok(Statement {
            text: format!("{name}: values with limits and classes are alike, within {percent:.0} points"),
            verdict,
            found: format!("difference of balanced accuracies {}", shown(difference, 3)),
            is_bar: false,
        })
    }

    /// Whether nothing was learned from shuffled labels.
    fn chance(&self) -> Result<Option<Statement>, Error> {
        let shuffled = self.of(SHUFFLED, |f| Some(f.accuracy));
        if shuffled.is_empty() {
            return Ok(None);
        }
        let chance = 1.0 / self.part.quantity.classes() as f64;
        let above = self.difference(&shuffled, &vec![chance; shuffled.len()])?;
        Ok(Some(Statement {
            text: format!("{}: shuffled labels are at most {CHANCE} above chance", self.part.quantity.name()),
            verdict: word_below(above.against(CHANCE)),
            found: format!("balanced accuracy less {chance:.2}: {}", shown(above, 3)),
            is_bar: true,
        }))
    }
}

impl Outcome {
    /// Means, intervals, bars and claims.
    ///
    /// # Errors
    /// [`Error::Image`] when there is no body.
    pub fn new(parts: &[Part], seed: u64) -> Result<Self, Error> {
        let (mut rows, mut statements) = (Vec::new(), Vec::new());
        for part in parts {
            let values = Values { part, bootstrap: Bootstrap { seed, draws: DRAWS } };
            for (method, name) in part.names.iter().enumerate() {
                rows.push(values.row(method, name)?);
            }
            statements.extend(values.errors()?);
            statements.push(values.same()?);
            statements.extend(values.chance()?);
        }
        let most = |count: fn(&Part) -> usize| parts.iter().map(count).max().unwrap_or(0);
        Ok(Self { bodies: most(|part| part.bodies.len()), real: most(|part| part.real.len()), rows, statements })
    }

    /// Names of the table's columns.
    #[must_use]
    pub fn columns() -> [&'static str; 8] {
        [
            "quantity, method",
            "error",
            "balanced accuracy",
            "accuracy by distance to the nearest limit",
            "error, bright and dark bones",
            "error on real bodies",
            "error there with its sign",
            "balanced accuracy there",
        ]
    }

    /// The tables.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut text = format!("Means over {} bodies, and intervals of 95 % over bodies.", self.bodies);
        if self.real > 0 {
            let _ =
                write!(text, " Real bodies: n = {}{}.", self.real, if self.real == 1 { ", no interval" } else { "" });
        }
        text.push_str("\n\n");
        text + &tables(table(&Self::columns(), self.rows.iter().map(Row::texts)), None, &self.statements)
    }
}

impl Row {
    /// Its cells as they are shown.
    #[must_use]
    pub fn texts(&self) -> Vec<String> {
        let (digits, unit) = match self.quantity {
            Quantity::Noise => (3, ""),
            Quantity::Contrast => (3, ""),
            Quantity::Rotation => (2, "°"),
        };
        let cell = |cell: Cell, digits: usize| shown(Estimate { value: cell.mean, interval: cell.interval }, digits);
        let number = |value: Option<f64>| value.map_or("–".to_owned(), |value| format!("{value:.digits$}{unit}"));
        let ends = distances(self.quantity);
        let share = |(bin, (share, images)): (usize, &(Option<f64>, usize))| {
            let bound = match ends.get(bin) {
                Some(end) => format!("below {end}{unit}"),
                None => "beyond".to_owned(),
            };
            share.map(|share| format!("{bound}: {share:.2} of {images}"))
        };
        let shares: Vec<String> = self.by_distance.iter().enumerate().filter_map(share).collect();
        let real = |which: usize| self.real.and_then(|real| real[which]);
        vec![
            format!("{}, {}", self.quantity.name(), self.name),
            self.error.map_or("–".to_owned(), |error| cell(error, digits) + unit),
            cell(self.accuracy, 2),
            shares.join("; "),
            self.by_polarity.map(number).join(", "),
            number(real(0)),
            number(real(1)),
            real(2).map_or("–".to_owned(), |accuracy| format!("{accuracy:.2}")),
        ]
    }
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten bodies, on which the methods err by so much and recognise such a share of the classes.
    fn part(quantity: Quantity, methods: &[(f64, f64)]) -> Part {
        let figures = |body: usize, (error, accuracy): &(f64, f64)| Figures {
            error: Some(error * (1.0 + body as f64 / 100.0)),
            bias: Some(0.0),
            by_polarity: [Some(*error); 2],
            accuracy: accuracy + body as f64 / 1000.0,
            by_distance: [[4, 3]; BINS],
            mirrored: Some(1e-5),
        };
        let bodies = (0..10).map(|body| methods.iter().map(|method| figures(body, method)).collect());
        let names = (0..methods.len()).map(|method| format!("method {method}")).collect();
        Part { quantity, names, bodies: bodies.collect(), real: vec![methods.iter().map(|m| figures(0, m)).collect()] }
    }

    fn verdicts(quantity: Quantity, methods: &[(f64, f64)]) -> Vec<&'static str> {
        let outcome = Outcome::new(&[part(quantity, methods)], 1).unwrap();
        outcome.statements.iter().map(|statement| statement.verdict).collect()
    }

    #[test]
    fn bars_are_held_to_the_interval() {
        let good = [(15.0, 0.33), (5.0, 0.5), (1.5, 0.8), (1.5, 0.81), (15.0, 0.33)];
        assert_eq!(verdicts(Quantity::Rotation, &good), ["yes", "yes", "yes", "yes", "yes"]);
        let mut bad = good;
        (bad[2], bad[4]) = ((5.0, 0.5), (9.0, 0.6));
        assert_eq!(verdicts(Quantity::Rotation, &bad), ["no", "no", "yes", "no", "no"]);
        bad[2].0 = 1.92;
        assert_eq!(verdicts(Quantity::Rotation, &bad)[0], "undecided");
        let noise = [(1.3, 0.5), (0.05, 0.9), (0.06, 0.9), (0.0, 0.86)];
        assert_eq!(verdicts(Quantity::Noise, &noise), ["yes", "no", "no"]);
        let contrast = [(0.35, 0.33), (0.1, 0.5), (0.06, 0.9), (0.0, 0.9)];
        assert_eq!(verdicts(Quantity::Contrast, &contrast), ["yes", "no", "yes"]);
    }

    #[test]
    fn claims_decide_nothing_and_bars_do() {
        let good = [(15.0, 0.33), (5.0, 0.5), (1.5, 0.5), (1.5, 0.8)];
        let outcome = |methods: &[(f64, f64)]| Outcome::new(&[part(Quantity::Rotation, methods)], 1).unwrap();
        assert!(outcome(&good).statements.iter().any(|s| !s.is_bar && s.verdict == "no"));
        assert!(Statement::all_hold(&outcome(&good).statements));
        let mut bad = good;
        bad[2].0 = 3.0;
        assert!(!Statement::all_hold(&outcome(&bad).statements));
        let text = outcome(&bad).markdown();
        assert!(text.contains("| rotation, method 2 | 3.14 (3.08 to 3.19)° |"), "{text}");
        assert!(text.contains("below 1°: 0.75 of 40") && text.contains("n = 1, no interval"), "{text}");
    }
}
