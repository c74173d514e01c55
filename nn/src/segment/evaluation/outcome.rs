use kerma::metrics::{
    Comparison, Estimate, MetricError, Verdict,
    froc::{Bootstrap, Criterion, CurvePoint, Detections, Mark, Measure, Nodule, Scan},
};
use serde::Serialize;

use super::{Cell, Kind};
use crate::{
    Error, Statement,
    statement::{shown, table, tables, word, word_below},
};

/// Draws of the intervals, as LUNA16's.
const DRAWS: usize = 1000;
/// Diameters of the columns of sensitivities, in mm; the first and the last nodules lie a little outside.
const BINS_MM: [[f64; 2]; 4] = [[3.5, 6.0], [6.0, 8.0], [8.0, 12.0], [12.0, 20.5]];
/// Diameters of small nodules.
const SMALL_MM: [f64; 2] = [3.5, 8.0];
/// Least CPM of the network of CT on CT.
const CPM: f64 = 0.7;
/// Most CPM of a network that cannot have learned anything.
const CHANCE: f64 = 0.05;
/// Most median error of diameters on CT, in mm.
const BIAS_MM: f64 = 0.5;

/// What was found in one body.
#[derive(Clone, Debug)]
pub struct Body {
    /// Nodules.
    pub nodules: Vec<Nodule>,
    /// Marks by cell.
    pub marks: Vec<Vec<Mark>>,
}

/// What was measured of one cell.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// Detector and kind of volume.
    pub cell: Cell,
    /// Least score at the operating point; none for detectors without one.
    pub threshold: Option<f64>,
    /// Values, by the names of columns, as they are shown.
    pub values: Vec<String>,
    /// False marks per scan and sensitivity.
    pub curve: Vec<[f64; 2]>,
}

/// The result of an evaluation.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// Names of the columns.
    pub columns: Vec<String>,
    /// Bodies.
    pub bodies: usize,
    /// Nodules.
    pub nodules: usize,
    /// Cells.
    pub rows: Vec<Row>,
    /// Real bodies: their number, and rows without curves.
    pub real: Option<(usize, Vec<Row>)>,
    /// Bars and claims.
    pub statements: Vec<Statement>,
}

/// What is counted of a cell on a set of bodies.
struct Counted {
    cell: Cell,
    threshold: Option<f64>,
    sphere: Detections,
    plane: Detections,
    /// By [`BINS_MM`]; none where no nodule is of such a diameter.
    bins: Vec<Option<Detections>>,
    small: Option<Detections>,
}

impl Outcome {
    /// What bodies say of cells, each with the least score of its operating point.
    ///
    /// # Errors
    /// [`Error::Image`] when no body has a nodule.
    pub fn new(
        cells: &[(Cell, Option<f64>)],
        bodies: &[Body],
        real: &[Body],
        depth_mm: f64,
        seed: u64,
    ) -> Result<Self, Error> {
        let bootstrap = Bootstrap { seed, draws: DRAWS };
        let counted = counted(cells, bodies, depth_mm)?;
        let rows = counted.iter().map(|counted| counted.row(&bootstrap)).collect::<Result<_, Error>>()?;
        let real = match real.iter().any(|body| !body.nodules.is_empty()) {
            true => {
                let of_real = self::counted(cells, real, depth_mm)?;
                Some((real.len(), of_real.iter().map(|counted| counted.row(&bootstrap)).collect::<Result<_, Error>>()?))
            }
            false => None,
        };
        let bins = BINS_MM.iter().map(|[low, high]| format!("sensitivity, {}–{} mm", low.ceil(), high.floor()));
        let columns = ["CPM", "CPM in the plane", "sensitivity", "precision", "false marks a scan"].map(str::to_owned);
        Ok(Self {
            columns: columns.into_iter().chain(bins).chain(["size bias, mm".to_owned()]).collect(),
            bodies: bodies.len(),
            nodules: bodies.iter().map(|body| body.nodules.len()).sum(),
            rows,
            real,
            statements: statements(&counted, &bootstrap)?,
        })
    }

    /// The tables.
    #[must_use]
    pub fn markdown(&self) -> String {
        let heading = format!(
            "{} bodies with {} nodules; intervals of 95 % over bodies. Sensitivity, precision and size at the threshold of each \
             network's card.\n\n",
            self.bodies, self.nodules
        );
        let real = self.real.as_ref().map(|(count, rows)| (*count, self.table(rows)));
        tables(heading + &self.table(&self.rows), real, &self.statements)
    }

    fn table(&self, rows: &[Row]) -> String {
        let columns = std::iter::once("detector").chain(self.columns.iter().map(String::as_str));
        table(&columns.collect::<Vec<_>>(), rows.iter().map(Row::texts))
    }
}

impl Row {
    /// Its cell, and its values as they are shown.
    #[must_use]
    pub fn texts(&self) -> Vec<String> {
        std::iter::once(self.cell.to_string()).chain(self.values.iter().cloned()).collect()
    }
}

fn counted(cells: &[(Cell, Option<f64>)], bodies: &[Body], depth_mm: f64) -> Result<Vec<Counted>, Error> {
    let count = |(index, (cell, threshold)): (usize, &(Cell, Option<f64>))| {
        let scan = |body: &Body| Scan { nodules: body.nodules.clone(), marks: body.marks[index].clone() };
        let scans: Vec<Scan> = bodies.iter().map(scan).collect();
        Ok(Counted {
            cell: *cell,
            threshold: *threshold,
            sphere: Detections::new(&scans, Criterion::Sphere).map_err(said)?,
            plane: Detections::new(&scans, Criterion::InPlane { depth_mm }).map_err(said)?,
            bins: BINS_MM.iter().map(|bin| of_diameters(&scans, *bin)).collect(),
            small: of_diameters(&scans, SMALL_MM),
        })
    };
    cells.iter().enumerate().map(count).collect()
}

/// Nodules of some diameters alone; marks on others are ignored.
fn of_diameters(scans: &[Scan], [low, high]: [f64; 2]) -> Option<Detections> {
    let scans: Vec<Scan> = scans.iter().map(|scan| scan.clone().of_sizes(low..high)).collect();
    Detections::new(&scans, Criterion::Sphere).ok()
}

impl Counted {
    fn row(&self, bootstrap: &Bootstrap) -> Result<Row, Error> {
        let nothing = || "–".to_owned();
        let cpm = |of: &Detections| Ok::<_, Error>(shown(of.froc(bootstrap).map_err(said)?.cpm, 3));
        let mut values = vec![cpm(&self.sphere)?, cpm(&self.plane)?];
        let at = |of: &Detections, measure: fn(f64) -> Measure, digits: usize| {
            self.threshold
                .and_then(|threshold| of.estimate(measure(threshold), bootstrap).ok())
                .map_or_else(nothing, |estimate| shown(estimate, digits))
        };
        values.push(at(&self.sphere, |threshold| Measure::Sensitivity { threshold }, 2));
        values.push(at(&self.sphere, |threshold| Measure::Precision { threshold }, 2));
        values.push(self.threshold.map_or_else(nothing, |threshold| {
            let counts = self.sphere.counts(threshold);
            format!("{:.2}", counts.false_marks as f64 / counts.scans as f64)
        }));
        for bin in &self.bins {
            let of_bin = |of: &Detections| at(of, |threshold| Measure::Sensitivity { threshold }, 2);
            values.push(bin.as_ref().map_or_else(nothing, of_bin));
        }
        values.push(at(&self.sphere, |threshold| Measure::SizeBias { threshold }, 2));
        let point = |point: CurvePoint| [point.false_per_scan, point.sensitivity];
        let curve = self.sphere.curve().into_iter().map(point).collect();
        Ok(Row { cell: self.cell, threshold: self.threshold, values, curve })
    }
}

/// Cells by what they are.
struct Cells<'a> {
    all: &'a [Counted],
    bootstrap: &'a Bootstrap,
}

impl<'a> Cells<'a> {
    fn get(&self, cell: Cell) -> Option<&'a Counted> {
        self.all.iter().find(|counted| counted.cell == cell)
    }

    fn network(&self, trained: Kind, seen: Kind) -> Option<&'a Counted> {
        self.get(Cell::Network { trained, seen })
    }

    /// One detector's measure less another's; none where one of them has no value.
    fn difference(&self, [one, other]: [&Detections; 2], measures: [Measure; 2]) -> Result<Option<Comparison>, Error> {
        match one.compare(other, measures, self.bootstrap) {
            Ok(comparison) => Ok(Some(comparison)),
            Err(MetricError::Undefined { .. }) => Ok(None),
            Err(error) => Err(said(error)),
        }
    }
}

fn statements(all: &[Counted], bootstrap: &Bootstrap) -> Result<Vec<Statement>, Error> {
    let cells = Cells { all, bootstrap };
    let mut statements = Vec::new();
    if let Some(ct) = cells.network(Kind::Ct, Kind::Ct) {
        statements.extend(of_ct(&cells, ct)?);
    }
    if let Some(improved) = cells.network(Kind::Improved, Kind::Improved) {
        statements.extend(bias(&cells, improved, "DL-CT network on DL-CT: diameters are too small", |bias| {
            word_below(bias.against(0.0))
        }));
    }
    if let Some(control) = cells.get(Cell::Control) {
        let cpm = control.sphere.froc(bootstrap).map_err(said)?.cpm;
        let verdict = if cpm.value < CHANCE { "yes" } else { "no" };
        let text = format!("shuffled labels: CPM below {CHANCE}");
        statements.push(Statement { text, verdict, found: shown(cpm, 3), is_bar: true });
    }
    statements.extend(claims(&cells)?);
    Ok(statements)
}

/// Bars of the network of CT on CT.
fn of_ct(cells: &Cells<'_>, ct: &Counted) -> Result<Vec<Statement>, Error> {
    let cpm = ct.sphere.froc(cells.bootstrap).map_err(said)?.cpm;
    let verdict = if cpm.value >= CPM { "yes" } else { "no" };
    let text = format!("CT network on CT: CPM of {CPM} or more");
    let mut statements = vec![Statement { text, verdict, found: shown(cpm, 3), is_bar: true }];
    if let Some(blobs) = cells.get(Cell::Blobs)
        && let Some(comparison) = cells.difference([&ct.sphere, &blobs.sphere], [Measure::Cpm; 2])?
    {
        statements.push(Statement {
            text: "CT network on CT: CPM above that of blobs".to_owned(),
            verdict: word(comparison.verdict),
            found: format!("difference {}", shown(comparison.difference, 3)),
            is_bar: true,
        });
    }
    let text = format!("CT network on CT: median error of diameters at most {BIAS_MM} mm");
    statements.extend(bias(cells, ct, &text, |bias| if bias.value.abs() <= BIAS_MM { "yes" } else { "no" }));
    Ok(statements)
}

fn bias(cells: &Cells<'_>, of: &Counted, text: &str, verdict: fn(&Estimate) -> &'static str) -> Option<Statement> {
    let measure = Measure::SizeBias { threshold: of.threshold? };
    let (verdict, found) = match of.sphere.estimate(measure, cells.bootstrap) {
        Ok(estimate) => (verdict(&estimate), format!("{} mm", shown(estimate, 2))),
        Err(error) => ("no", error.to_string()),
    };
    Some(Statement { text: text.to_owned(), verdict, found, is_bar: true })
}

/// What is said of a network of CT that sees tomosynthesis made more like CT, each at the threshold of its card.
fn claims(cells: &Cells<'_>) -> Result<Vec<Statement>, Error> {
    let Some(cross) = cells.network(Kind::Ct, Kind::Improved) else { return Ok(Vec::new()) };
    let sensitivity: At = |threshold| Measure::Sensitivity { threshold };
    let precision: At = |threshold| Measure::Precision { threshold };
    let mut claims = Vec::new();
    let mut say = |text: &str, detections: Option<[&Detections; 2]>, theirs: Option<f64>, at: At, words: Words| {
        let (Some(detections), Some(own), Some(theirs)) = (detections, cross.threshold, theirs) else { return Ok(()) };
        let (verdict, found) = match cells.difference(detections, [at(own), at(theirs)])? {
            Some(Comparison { difference, verdict }) => {
                (words(verdict), format!("difference {}", shown(difference, 3)))
            }
            None => ("undecided", "not defined: a detector has no mark".to_owned()),
        };
        claims.push(Statement { text: text.to_owned(), verdict, found, is_bar: false });
        Ok::<(), Error>(())
    };
    if let Some(ct) = cells.network(Kind::Ct, Kind::Ct) {
        let both = Some([&cross.sphere, &ct.sphere]);
        say("CT network: more precise on DL-CT than on CT", both, ct.threshold, precision, word)?;
        say("CT network: less sensitive on DL-CT than on CT", both, ct.threshold, sensitivity, word_below)?;
    }
    if let Some(fdk) = cells.network(Kind::Fdk, Kind::Fdk) {
        let text = "CT network on DL-CT: more sensitive for 4 to 8 mm than the FDK network on FDK";
        let small = cross.small.as_ref().zip(fdk.small.as_ref()).map(|(one, other)| [one, other]);
        say(text, small, fdk.threshold, sensitivity, word)?;
    }
    Ok(claims)
}

/// A measure at a threshold.
type At = fn(f64) -> Measure;
/// Words for a verdict.
type Words = fn(Verdict) -> &'static str;

fn said(error: MetricError) -> Error {
    Error::Image(error.to_string())
}

#[cfg(test)]
mod tests {
    use kerma::glam::DVec3;

    use super::*;

    const CT: Cell = Cell::Network { trained: Kind::Ct, seen: Kind::Ct };

    /// Twelve bodies with nodules of 5 and 10 mm: one cell finds both and takes them for 0.2 mm more, the others the large one only;
    /// blobs have nine false marks besides, the control nothing else.
    fn bodies() -> Vec<Body> {
        let at = |x: f64| DVec3::new(x, 0.0, 0.0);
        let nodule = |x, diameter_mm| Nodule { centre_mm: at(x), diameter_mm, is_excluded: false };
        let mark = |x, score, mm: f64| Mark { position_mm: at(x), score, diameter_mm: Some(mm + 0.2) };
        let body = |i: usize| Body {
            nodules: vec![nodule(0.0, 5.0), nodule(50.0, 10.0)],
            marks: vec![
                (0..9).map(|k| mark(100.0 + f64::from(k), 0.9, 5.0)).chain([mark(50.0, 0.5, 10.0)]).collect(),
                vec![mark(200.0, 0.9, 5.0)],
                vec![mark(0.0, 0.9, 5.0), mark(50.0, if i == 0 { 0.3 } else { 0.8 }, 10.0)],
            ],
        };
        (0..12).map(body).collect()
    }

    fn outcome(cells: [Cell; 3]) -> Outcome {
        let cells = cells.map(|cell| (cell, (cell != Cell::Blobs).then_some(0.5)));
        Outcome::new(&cells, &bodies(), &[], 40.0, 1).unwrap()
    }

    #[test]
    fn a_good_network_meets_its_bars_and_a_bad_one_does_not() {
        let good = outcome([Cell::Blobs, Cell::Control, CT]);
        assert!(Statement::all_hold(&good.statements), "{:?}", good.statements);
        assert_eq!((good.bodies, good.nodules, good.rows.len()), (12, 24, 3));
        let column = |name: &str| good.columns.iter().position(|column| column == name).unwrap();
        let text = |name: &str| good.rows[2].values[column(name)].split(' ').next().unwrap().to_owned();
        // One of the twelve large nodules has a score below the threshold.
        assert_eq!([text("sensitivity, 4–6 mm"), text("sensitivity, 8–12 mm")], ["1.00", "0.92"]);
        assert_eq!([text("size bias, mm"), text("sensitivity, 12–20 mm")], ["0.20", "–"]);
        assert!(good.markdown().contains("| CT network on CT | 1.000"));

        // The same marks under other names.
        let bad = outcome([CT, Cell::Blobs, Cell::Control]);
        let verdicts: Vec<&str> = bad.statements.iter().map(|statement| statement.verdict).collect();
        assert_eq!(verdicts, ["no", "undecided", "yes", "no"], "{:?}", bad.statements);
    }

    #[test]
    fn claims_compare_networks_at_their_own_thresholds() {
        let cross = Cell::Network { trained: Kind::Ct, seen: Kind::Improved };
        let claims = |cells| {
            let outcome = outcome(cells);
            let claims = outcome.statements.into_iter().filter(|statement| !statement.is_bar);
            claims.map(|claim| claim.verdict).collect::<Vec<_>>()
        };
        // On DL-CT as the control: nothing found.
        assert_eq!(claims([Cell::Blobs, cross, CT]), ["no", "yes"]);
        assert_eq!(claims([Cell::Blobs, CT, cross]), ["yes", "no"]);
    }
}
