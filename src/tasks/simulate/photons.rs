//! Photons of a view, as they are followed one by one.

use glam::DVec3;

use super::{
    ProtocolError,
    case::{Irradiated, source_detector_mm},
    sections::Collimator,
};
use crate::{
    engine::{Control, Device, Graph, Plan, Progress},
    geometry::{Source, View},
    kernels::transport::{
        self, DetectorPlane, MOST_SPREAD, Tables, Tally,
        photons::{self, Histories},
    },
    physics::{
        Spectrum,
        table::{lerp, place},
    },
    tasks::TaskError,
};

/// Most photons of one run on a device.
const RUN: u64 = 1 << 24;
/// Steps along each side of the field over which its solid angle is summed.
const STEPS: usize = 64;
/// The same where a polygon divides it: the solid angle is within 10⁻³.
const BLADED_STEPS: usize = 512;

/// The beam of a view: where its photons start, and how many an exposure has.
pub(super) struct Beamlet {
    pub(super) source: transport::Source,
    /// Photons of an exposure.
    pub(super) photons: f64,
    /// Corner and edges of the detector.
    corner_mm: DVec3,
    edges_mm: [DVec3; 2],
}

impl Beamlet {
    /// Beam of a view, as the body sees it, on a detector of so many columns and rows, as far as the collimator leaves it
    /// open.
    pub(super) fn of(
        irradiated: &Irradiated,
        view: &View,
        detector: [usize; 2],
        collimator: Option<&Collimator>,
    ) -> Result<Self, TaskError> {
        let distance_mm = source_detector_mm(view)?;
        let spectrum = irradiated.open.central_spectrum(distance_mm)?;
        let Source::Point(position_mm) = view.source else { unreachable!("the distance is that of a focal spot") };
        let [columns, rows] = detector.map(|n| n as f64);
        let edges_mm = [columns * view.u_step, rows * view.v_step];
        let corner_mm = view.detector_centre - 0.5 * (edges_mm[0] + edges_mm[1]);
        let (mut field_corner_mm, mut field_edges_mm, mut blades) = (corner_mm, edges_mm, Vec::new());
        if let Some(collimator) = collimator {
            let [middle, half] = collimator.bounds(edges_mm.map(|edge| 0.5 * edge.length()));
            let axes = edges_mm.map(DVec3::normalize);
            field_edges_mm = [0, 1].map(|axis| 2.0 * half[axis] * axes[axis]);
            field_corner_mm = view.detector_centre + middle[0] * axes[0] + middle[1] * axes[1]
                - 0.5 * (field_edges_mm[0] + field_edges_mm[1]);
            blades = collimator.corners_within(middle, half);
        }
        let source =
            transport::Source { position_mm, corner_mm: field_corner_mm, edges_mm: field_edges_mm, blades, spectrum };
        let photons = source.spectrum.total_per_mm2() * solid_angle(&source) * distance_mm.powi(2);
        let spread = source.spread();
        if spread > MOST_SPREAD {
            let allowed =
                format!("a beam whose corners are at most {MOST_SPREAD} times as far away as its middle, for photons");
            return Err(ProtocolError::value("geometry", allowed, format!("{spread:.2}")).into());
        }
        Ok(Self { source, photons, corner_mm, edges_mm })
    }

    /// The detector's plane behind it, in `size` pixels.
    pub(super) fn plane(&self, size: [usize; 2], response: impl Fn(f64) -> f64) -> DetectorPlane {
        let steps_mm = [0, 1].map(|axis| self.edges_mm[axis] / size[axis] as f64);
        DetectorPlane::new(self.corner_mm, steps_mm, size.map(|n| n as u32), response).of_expected()
    }
}

/// Follows `count` photons from number `first` on, in runs, and gives each run's tally to `take` with its number of photons. `done` and
/// `share` say how much of the whole work comes before and is this.
#[expect(clippy::too_many_arguments, reason = "what a run of photons needs")]
pub(super) async fn follow(
    device: &Device,
    control: &Control<'_>,
    tables: &Tables,
    beamlet: &Beamlet,
    plane: Option<&DetectorPlane>,
    histories: (u64, u64, u64),
    [done, share]: [f64; 2],
    mut take: impl FnMut(&Tally, u32),
) -> Result<(), TaskError> {
    let (seed, first, count) = histories;
    let runs = count.div_ceil(RUN);
    for run in 0..runs {
        let of_run = RUN.min(count - run * RUN) as u32;
        let mut graph = Graph::new();
        let histories = Histories { seed, first: first + run * RUN, count: of_run };
        let recorded = photons::record(&mut graph, tables, &beamlet.source, plane, histories);
        let output = recorded.result(&mut graph);
        let plan = Plan::new(&graph, device.limits())?;
        let before = done + share * run as f64 / runs as f64;
        let progress = |progress: Progress<'_>| {
            let fraction = before + share * progress.fraction / runs as f64;
            (control.progress)(Progress { fraction, ..progress });
        };
        let mut outputs =
            device.run(&plan, &Control { progress: &progress, is_cancelled: control.is_cancelled }).await?;
        take(&recorded.tally(outputs.take(output)?), of_run);
    }
    Ok(())
}

/// A function of the energy, linear between a spectrum's bins.
pub(super) fn by_energy(spectrum: &Spectrum, values: Vec<f64>) -> impl Fn(f64) -> f64 {
    let energies = spectrum.energies_kev().to_vec();
    move |energy_kev: f64| {
        // A line has one energy.
        if energies.len() < 2 {
            return values[0];
        }
        let (low, share) = place(&energies, energy_kev);
        lerp(values[low], values[low + 1], share.clamp(0.0, 1.0))
    }
}

/// Solid angle of what the blades leave open of a field.
fn solid_angle(source: &transport::Source) -> f64 {
    let steps = if source.blades.is_empty() { STEPS } else { BLADED_STEPS };
    let [u, v] = source.edges_mm;
    let area = u.cross(v) / (steps * steps) as f64;
    let place = |k: usize| (k as f64 + 0.5) / steps as f64;
    let part = |i: usize, j: usize| {
        if !source.is_open([place(i), place(j)]) {
            return 0.0;
        }
        let ray = source.corner_mm + place(i) * u + place(j) * v - source.position_mm;
        (ray.dot(area) / ray.length().powi(3)).abs()
    };
    (0..steps).map(|j| (0..steps).map(|i| part(i, j)).sum::<f64>()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_between_bins_lie_on_lines_and_a_single_bin_has_one() {
        let at = |energies: &[f64], values: &[f64], kev| {
            by_energy(&Spectrum::new(energies.to_vec(), vec![1.0; energies.len()]).unwrap(), values.to_vec())(kev)
        };
        let of_three = |kev| at(&[20.0, 30.0, 50.0], &[1.0, 3.0, 4.0], kev);
        assert_eq!([5.0, 20.0, 25.0, 30.0, 40.0, 90.0].map(of_three), [1.0, 1.0, 2.0, 3.0, 3.5, 4.0]);
        assert_eq!([5.0, 60.0, 90.0].map(|kev| at(&[60.0], &[7.0], kev)), [7.0; 3]);
    }

    #[test]
    fn solid_angle_of_a_square_is_that_of_the_formula_and_half_as_large_behind_blades() {
        let mut source = transport::Source {
            position_mm: DVec3::ZERO,
            corner_mm: DVec3::new(-200.0, -200.0, 1000.0),
            edges_mm: [400.0 * DVec3::X, 400.0 * DVec3::Y],
            blades: Vec::new(),
            spectrum: Spectrum::new(vec![60.0], vec![1.0]).unwrap(),
        };
        // 4·asin(a²/(a² + d²)) for a square of half the side a at the distance d.
        let want = 4.0 * (200.0_f64.powi(2) / (200.0_f64.powi(2) + 1000.0_f64.powi(2))).asin();
        let got = solid_angle(&source);
        assert!((got / want - 1.0).abs() < 1e-4, "{got} {want}");
        source.blades = vec![[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]];
        let got = solid_angle(&source);
        assert!((got / want - 0.5).abs() < 1e-3, "{got} {want}");
    }
}
