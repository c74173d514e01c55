use kerma::metrics::{Bootstrap, Estimate, Verdict};
use serde::Serialize;

use super::{Figures, NoduleFigures};
use crate::{
    Error, Statement,
    statement::{shown, table, tables, word, word_below},
};

/// Draws of the intervals.
const DRAWS: usize = 2000;
/// Diameters of the columns of mass recovery, in mm.
const SMALL_MM: [f64; 2] = [4.0, 10.0];
const LARGE_MM: [f64; 2] = [10.0, 20.5];
/// Diameters of the nodules whose artefact is measured along the depth.
const SPREAD_MM: [f64; 2] = [8.0, 12.0];
/// What every variant must gain over the calibrated reconstruction.
const GAIN_DB: f64 = 2.0;
/// How much rougher a network of slices is said to be across them than within.
const ROUGHER: f64 = 1.2;
/// Share of the mass of large nodules that one variant must recover.
const RECOVERED: f64 = 0.6;
/// Width of the artefact that one variant must reach, relative to the calibrated reconstruction.
const NARROWER: f64 = 0.75;
/// Networks of slices, by the axis across these: z, y, x.
const SLICED: [&str; 3] = ["2DAx", "2DCor", "2DSag"];
/// Place of the calibrated reconstruction among the methods, and of the first variant.
const CALIBRATED: usize = 1;
const FIRST_VARIANT: usize = 3;

/// A mean over bodies, and its interval of 95 % where there are two bodies or more.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Cell {
    /// Mean.
    pub mean: f64,
    /// From the 2.5th to the 97.5th percentile of the bootstrap's means.
    pub interval: Option<[f64; 2]>,
    /// Bodies that have a value.
    pub bodies: usize,
}

/// What was measured of one method, over all bodies.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// Method.
    pub name: String,
    /// Values by the names of columns; none where no body has one.
    pub cells: Vec<Option<Cell>>,
}

/// The result of an evaluation.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// Names of the columns.
    pub columns: Vec<&'static str>,
    /// Bodies.
    pub bodies: usize,
    /// Nodules.
    pub nodules: usize,
    /// Methods.
    pub rows: Vec<Row>,
    /// Real bodies, their number and what was measured of them.
    pub real: Option<(usize, Vec<Row>)>,
    /// Bars and claims.
    pub statements: Vec<Statement>,
}

/// A column: its name, how many digits are shown, and its value on a body.
type Column = (&'static str, usize, fn(&Figures) -> Option<f64>);

const COLUMNS: [Column; 12] = [
    ("PSNR, dB", 2, |f| Some(f.psnr_db)),
    ("SSIM axial", 3, |f| Some(f.ssim[0])),
    ("SSIM coronal", 3, |f| Some(f.ssim[1])),
    ("SSIM sagittal", 3, |f| Some(f.ssim[2])),
    ("discontinuity z", 2, |f| Some(f.discontinuity[0])),
    ("discontinuity y", 2, |f| Some(f.discontinuity[1])),
    ("discontinuity x", 2, |f| Some(f.discontinuity[2])),
    ("mass, 4–10 mm", 2, |f| mean_of(f, SMALL_MM, |n| Some(n.mass))),
    ("mass, 10–20 mm", 2, |f| mean_of(f, LARGE_MM, |n| Some(n.mass))),
    ("depth FWHM of 8–12 mm, mm", 1, |f| mean_of(f, SPREAD_MM, |n| n.spread_mm)),
    ("CNR, 10–20 mm", 1, |f| mean_of(f, LARGE_MM, |n| n.contrast_to_noise)),
    ("false masses", 1, |f| f.false_masses.map(|count| count as f64)),
];

/// Places of the columns that bars and claims are about; up to `SIMILARITIES` they are those that every variant must gain in.
const PSNR: usize = 0;
const SIMILARITIES: usize = 4;
/// Of that along z; y and x follow.
const DISCONTINUITY: usize = 4;
const LARGE_MASS: usize = 8;
const SPREAD: usize = 9;

/// Mean over the nodules of a body whose diameter lies in a range; none where there is none.
fn mean_of(figures: &Figures, [low, high]: [f64; 2], value: fn(&NoduleFigures) -> Option<f64>) -> Option<f64> {
    let is_meant = |nodule: &&NoduleFigures| (low..high).contains(&nodule.diameter_mm);
    let values: Vec<f64> = figures.nodules.iter().filter(is_meant).filter_map(value).collect();
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// Values of one column: by method, by body.
struct Values<'a> {
    bodies: &'a [Vec<Figures>],
    bootstrap: Bootstrap,
}

impl Values<'_> {
    fn of(&self, method: usize, value: fn(&Figures) -> Option<f64>) -> Vec<Option<f64>> {
        self.bodies.iter().map(|methods| value(&methods[method])).collect()
    }

    /// Mean of `one` less `factor` times `other`, over the bodies that have both.
    fn difference(&self, one: &[Option<f64>], other: &[Option<f64>], factor: f64) -> Result<Option<Estimate>, Error> {
        let both = one.iter().zip(other).filter_map(|(one, other)| Some((((*one)?), (*other)? * factor)));
        let (one, other): (Vec<f64>, Vec<f64>) = both.unzip();
        if one.is_empty() {
            return Ok(None);
        }
        let compared = self.bootstrap.compare(&one, &other).map_err(|e| Error::Image(e.to_string()))?;
        Ok(Some(compared.difference))
    }

    fn rows(&self, names: &[String]) -> Result<Vec<Row>, Error> {
        let row = |(method, name): (usize, &String)| {
            let cell = |(_, _, value): &Column| {
                let values = self.of(method, *value);
                let bodies = values.iter().flatten().count();
                let zeros = vec![Some(0.0); values.len()];
                let estimate = self.difference(&values, &zeros, 1.0)?;
                Ok(estimate.map(|Estimate { value: mean, interval }| Cell { mean, interval, bodies }))
            };
            Ok(Row { name: name.clone(), cells: COLUMNS.iter().map(cell).collect::<Result<_, Error>>()? })
        };
        names.iter().enumerate().map(row).collect()
    }
}

impl Row {
    /// Its name, and its cells as they are shown.
    #[must_use]
    pub fn texts(&self) -> Vec<String> {
        let cell = |(cell, (_, digits, _)): (&Option<Cell>, Column)| match cell {
            None => "–".to_owned(),
            Some(Cell { mean, interval: None, .. }) => format!("{mean:.digits$}"),
            Some(Cell { mean, interval: Some([low, high]), .. }) => {
                format!("{mean:.digits$} ({low:.digits$} to {high:.digits$})")
            }
        };
        std::iter::once(self.name.clone()).chain(self.cells.iter().zip(COLUMNS).map(cell)).collect()
    }
}

impl Outcome {
    /// Means, intervals, bars and claims from what was measured, by body and method; methods are those of
    /// [`Evaluation::names`](super::Evaluation::names).
    ///
    /// # Errors
    /// [`Error::Image`] when there is no body.
    pub fn new(names: &[String], bodies: &[Vec<Figures>], real: &[Vec<Figures>], seed: u64) -> Result<Self, Error> {
        let values = Values { bodies, bootstrap: Bootstrap { seed, draws: DRAWS } };
        let rows = values.rows(names)?;
        let on_real = Values { bodies: real, ..values };
        let real = (!real.is_empty()).then(|| Ok::<_, Error>((real.len(), on_real.rows(names)?))).transpose()?;
        let mut statements = Vec::new();
        for (method, name) in names.iter().enumerate().skip(FIRST_VARIANT) {
            statements.extend(gains(&values, method, name)?);
            statements.extend(roughness(&values, method, name)?);
        }
        statements.extend(best(&values, names, &rows));
        statements.extend(compared(&values, names)?);
        if let Some((count, real)) = &real {
            statements.extend(transfers(names, &rows, real, *count));
        }
        let nodules = bodies.iter().filter_map(|methods| methods.first()).map(|first| first.nodules.len()).sum();
        let columns = COLUMNS.iter().map(|(name, ..)| *name).collect();
        Ok(Self { columns, bodies: bodies.len(), nodules, rows, real, statements })
    }

    /// The tables.
    #[must_use]
    pub fn markdown(&self) -> String {
        let (bodies, nodules) = (self.bodies, self.nodules);
        let heading =
            format!("Means over {bodies} bodies with {nodules} nodules, and intervals of 95 % over bodies.\n\n");
        let real = self.real.as_ref().map(|(count, rows)| (*count, self.table(rows)));
        tables(heading + &self.table(&self.rows), real, &self.statements)
    }

    fn table(&self, rows: &[Row]) -> String {
        table(&[&["method"], &self.columns[..]].concat(), rows.iter().map(Row::texts))
    }
}

/// A variant against the calibrated reconstruction.
fn gains(values: &Values<'_>, method: usize, name: &str) -> Result<Vec<Statement>, Error> {
    let mut statements = Vec::new();
    for (column, (what, digits, value)) in COLUMNS.iter().enumerate().take(SIMILARITIES) {
        let difference = values.difference(&values.of(method, *value), &values.of(CALIBRATED, *value), 1.0)?;
        let bar = if column == PSNR { GAIN_DB } else { 0.0 };
        if let Some(difference) = difference {
            let text = format!("{name}: {what} more than {bar} above the calibrated FDK");
            let (verdict, found) = (word(difference.against(bar)), shown(difference, *digits));
            statements.push(Statement { text, verdict, found, is_bar: true });
        }
    }
    Ok(statements)
}

/// Whether a network of slices is rougher across its slices than along either of their sides.
fn roughness(values: &Values<'_>, method: usize, name: &str) -> Result<Option<Statement>, Error> {
    let Some(across) = SLICED.iter().position(|sliced| *sliced == name) else { return Ok(None) };
    let of = |axis: usize| values.of(method, COLUMNS[DISCONTINUITY + axis].2);
    let within: Vec<Option<f64>> =
        of((across + 1) % 3).into_iter().zip(of((across + 2) % 3)).map(|(one, other)| Some(one?.max(other?))).collect();
    let Some(difference) = values.difference(&of(across), &within, ROUGHER)? else { return Ok(None) };
    let text = format!("{name}: discontinuity across its slices {ROUGHER} × that within");
    let found = format!("excess {}", shown(difference, 2));
    Ok(Some(Statement { text, verdict: word(difference.against(0.0)), found, is_bar: false }))
}

/// What is said of the variants together.
fn best(values: &Values<'_>, names: &[String], rows: &[Row]) -> Vec<Statement> {
    let mut statements = Vec::new();
    let mean = |row: &Row, column: usize| row.cells[column].map(|cell| cell.mean);
    let variants = &rows[FIRST_VARIANT.min(rows.len())..];
    let largest = |column: usize| {
        variants.iter().filter_map(|row| Some((row, mean(row, column)?))).max_by(|a, b| a.1.total_cmp(&b.1))
    };
    if let Some((row, found)) = largest(LARGE_MASS) {
        let fdk = mean(&rows[CALIBRATED], LARGE_MASS).unwrap_or(f64::NAN);
        statements.push(Statement {
            text: format!("one variant recovers {RECOVERED} of the mass of nodules of 10 mm and more"),
            verdict: if found >= RECOVERED { "yes" } else { "no" },
            found: format!("{}: {found:.2}; calibrated FDK: {fdk:.2}", row.name),
            is_bar: true,
        });
    }
    // Widths: fewer are better.
    let narrowest = variants.iter().enumerate().filter_map(|(index, row)| Some((index, mean(row, SPREAD)?)));
    if let Some((index, _)) = narrowest.min_by(|a, b| a.1.total_cmp(&b.1)) {
        let value = COLUMNS[SPREAD].2;
        let (one, other) = (values.of(FIRST_VARIANT + index, value), values.of(CALIBRATED, value));
        if let Ok(Some(excess)) = values.difference(&one, &other, NARROWER) {
            statements.push(Statement {
                text: format!(
                    "{}: artefact along the depth at most {NARROWER} × that of the calibrated FDK",
                    variants[index].name
                ),
                verdict: word_below(excess.against(0.0)),
                found: format!("excess {} mm", shown(excess, 1)),
                is_bar: true,
            });
        }
    }
    let patches = names.iter().position(|name| name == "3D-P-U");
    if let (Some(patches), Some((row, _))) = (patches, largest(PSNR)) {
        let second = variants
            .iter()
            .filter(|row| row.name != "3D-P-U")
            .filter_map(|row| mean(row, PSNR))
            .fold(f64::MIN, f64::max);
        let rival = variants.iter().find(|row| row.name != "3D-P-U" && mean(row, PSNR) == Some(second));
        let rival = rival.and_then(|row| names.iter().position(|name| *name == row.name));
        let psnr = COLUMNS[PSNR].2;
        if let Some(rival) = rival
            && let Ok(Some(difference)) = values.difference(&values.of(patches, psnr), &values.of(rival, psnr), 1.0)
        {
            statements.push(Statement {
                text: "3D-P-U has the best PSNR".to_owned(),
                verdict: word(difference.against(0.0)),
                found: format!("best: {}; 3D-P-U against {}: {} dB", row.name, names[rival], shown(difference, 2)),
                is_bar: false,
            });
        }
    }
    statements
}

/// What is said of some variants against others.
fn compared(values: &Values<'_>, names: &[String]) -> Result<Vec<Statement>, Error> {
    let mut statements = Vec::new();
    let mut claim = |[one, other]: [&str; 2], column: usize, text: String, word: fn(Verdict) -> &'static str| {
        let [one, other] = [one, other].map(|name| names.iter().position(|known| known == name));
        let (Some(one), Some(other)) = (one, other) else { return Ok(()) };
        let (_, _, value) = COLUMNS[column];
        if let Some(difference) = values.difference(&values.of(one, value), &values.of(other, value), 1.0)? {
            let (verdict, found) = (word(difference.against(0.0)), format!("difference {}", shown(difference, 2)));
            statements.push(Statement { text, verdict, found, is_bar: false });
        }
        Ok::<_, Error>(())
    };
    for other in ["Ax2Cor", "Cor2Ax"] {
        let text = format!("Sag2Ax recovers more mass of nodules of 10 mm and more than {other}");
        claim(["Sag2Ax", other], LARGE_MASS, text, word)?;
    }
    for (axis, sliced) in SLICED.into_iter().enumerate() {
        let text = format!("2.5D: less discontinuity across the slices of {sliced} than {sliced} has");
        claim(["2.5D", sliced], DISCONTINUITY + axis, text, word_below)?;
    }
    Ok(statements)
}

/// Whether half of a variant's gain is there on real bodies.
fn transfers(names: &[String], rows: &[Row], real: &[Row], count: usize) -> Vec<Statement> {
    let gain = |rows: &[Row], method: usize| Some(rows[method].cells[PSNR]?.mean - rows[CALIBRATED].cells[PSNR]?.mean);
    let statement = |method: usize| {
        let (simulated, real) = (gain(rows, method)?, gain(real, method)?);
        Some(Statement {
            text: format!("{}: half of its gain on real bodies", names[method]),
            verdict: if real >= simulated / 2.0 { "yes" } else { "no" },
            found: format!(
                "{real:.2} dB of {simulated:.2} dB, n = {count}{}",
                if count == 1 { ", no interval" } else { "" }
            ),
            is_bar: false,
        })
    };
    (FIRST_VARIANT..names.len()).filter_map(statement).collect()
}
