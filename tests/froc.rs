//! Free-response ROC against an independent count by the rules of LUNA16: `tests/froc/reference.py` made the files.
#![expect(clippy::unwrap_used, reason = "a test may fail by a panic")]

use std::ops::Range;

use kerma::{
    glam::DVec3,
    metrics::froc::{Bootstrap, Criterion, Detections, Mark, Measure, Nodule, RATES, Scan},
};

const TRUTH: &str = include_str!("froc/truth.csv");
const EXCLUDED: &str = include_str!("froc/excluded.csv");
const SCANS: &str = include_str!("froc/scans.csv");
const MARKS: &str = include_str!("froc/marks.csv");
const EXPECTED: &str = include_str!("froc/expected.csv");

const THRESHOLD: f64 = 0.5;
const TOLERANCE: f64 = 1e-6;
/// Diameter of an excluded finding of which the files have none.
const UNKNOWN_DIAMETER_MM: f64 = 10.0;

/// Name of the scan and the numbers of each line after the heading.
fn rows(text: &str) -> impl Iterator<Item = (&str, Vec<f64>)> {
    text.lines().skip(1).map(|line| {
        let (name, numbers) = line.split_once(',').unwrap();
        (name, numbers.split(',').map(|number| number.parse().unwrap()).collect())
    })
}

fn scans() -> Vec<Scan> {
    let of = |name: &str| {
        let nodules = |text, is_excluded| {
            rows(text).filter(|row| row.0 == name).map(move |(_, n)| Nodule {
                centre_mm: DVec3::from_slice(&n),
                diameter_mm: if n[3] < 0.0 { UNKNOWN_DIAMETER_MM } else { n[3] },
                is_excluded,
            })
        };
        let marks = rows(MARKS).filter(|row| row.0 == name);
        let mark = |n: Vec<f64>| Mark { position_mm: DVec3::from_slice(&n), score: n[4], diameter_mm: Some(n[3]) };
        Scan {
            nodules: nodules(TRUTH, false).chain(nodules(EXCLUDED, true)).collect(),
            marks: marks.map(|(_, n)| mark(n)).collect(),
        }
    };
    SCANS.lines().map(of).collect()
}

fn expected(name: &str) -> f64 {
    let line = EXPECTED.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(','));
    line.unwrap().parse().unwrap()
}

fn detections(scans: Vec<Scan>, criterion: Criterion, sizes: Range<f64>) -> Detections {
    let scans: Vec<Scan> = scans.into_iter().map(|scan| scan.of_sizes(sizes.clone())).collect();
    Detections::new(&scans, criterion).unwrap()
}

/// Largest difference from the expected numbers of a set.
fn deviation(of: &Detections, set: &str) -> f64 {
    let bootstrap = Bootstrap { seed: 0, draws: 40 };
    let froc = of.froc(&bootstrap).unwrap();
    let value = |measure| of.estimate(measure, &bootstrap).unwrap().value;
    let counts = of.counts(f64::NEG_INFINITY);
    let mut got: Vec<(String, f64)> =
        RATES.iter().zip(froc.sensitivities).map(|(rate, s)| (rate.to_string(), s.value)).collect();
    got.extend([
        ("cpm".to_owned(), froc.cpm.value),
        ("sensitivity".to_owned(), value(Measure::Sensitivity { threshold: THRESHOLD })),
        ("precision".to_owned(), value(Measure::Precision { threshold: THRESHOLD })),
        ("bias".to_owned(), value(Measure::SizeBias { threshold: THRESHOLD })),
        ("nodules".to_owned(), counts.nodules as f64),
        ("missed".to_owned(), (counts.nodules - counts.hits) as f64),
        ("false".to_owned(), counts.false_marks as f64),
    ]);
    got.iter().map(|(name, got)| (got - expected(&format!("{set}.{name}"))).abs()).fold(0.0, f64::max)
}

#[test]
fn every_number_is_that_of_the_independent_count() {
    for (set, criterion, sizes) in [
        ("sphere", Criterion::Sphere, 0.0..f64::INFINITY),
        ("in-plane", Criterion::InPlane { depth_mm: 24.0 }, 0.0..f64::INFINITY),
        ("small", Criterion::Sphere, 4.0..8.0),
        ("large", Criterion::Sphere, 8.0..17.0),
    ] {
        let found = deviation(&detections(scans(), criterion, sizes), set);
        assert!(found < TOLERANCE, "{set}: {found:e}");
    }
}

#[test]
fn the_order_of_marks_is_nothing_and_every_other_change_shows() {
    let all = 0.0..f64::INFINITY;
    let of = |scans| deviation(&detections(scans, Criterion::Sphere, all.clone()), "sphere");
    let mut scans_reversed = scans();
    scans_reversed.iter_mut().for_each(|scan| scan.marks.reverse());
    assert!(of(scans_reversed) < TOLERANCE);

    let without = |change: &dyn Fn(&mut Scan)| {
        let mut scans = scans();
        scans.iter_mut().for_each(change);
        of(scans)
    };
    let counted = without(&|scan| scan.nodules.retain(|nodule| !nodule.is_excluded));
    let surface = without(&|scan| {
        let on_it = |mark: &&mut Mark| mark.position_mm == DVec3::new(153.0, 4.0, 0.0);
        scan.marks.iter_mut().filter(on_it).for_each(|mark| mark.position_mm.y = 3.99);
    });
    let empty = without(&|scan| {
        if scan.nodules.iter().all(|nodule| nodule.is_excluded) {
            scan.marks.clear();
        }
    });
    let moved = without(&|scan| {
        let on_the_right = |nodule: &&mut Nodule| nodule.centre_mm.x == 150.0;
        scan.nodules.iter_mut().filter(on_the_right).for_each(|nodule| nodule.centre_mm.x = 0.0);
    });
    for (change, found) in [("excluded", counted), ("surface", surface), ("empty", empty), ("moved", moved)] {
        assert!(found > 1e-3, "{change}: {found}");
    }
}
