use glam::DVec3;

use super::{
    Case, ScatterMap, ScatterModel,
    case::{Irradiated, Object, source_detector_mm},
    sections::Scatter,
};
use crate::{
    engine::{Control, Device, Graph, Plan, Progress},
    geometry::{Source, View},
    kernels::transport::{
        self, Class, DetectorPlane, Tables,
        photons::{self, Histories},
    },
    physics::Spectrum,
    tasks::{Task, TaskError},
};

/// Most photons of one run on a device.
const RUN: u64 = 1 << 24;
/// Steps along each side of the field over which its solid angle is summed.
const STEPS: usize = 64;

/// The scattered radiation of a case: runs on a device, view by view.
pub struct ScatterTask<'a> {
    case: &'a Case,
    irradiated: &'a Irradiated,
    settings: Scatter,
    tables: Tables,
    photons: u64,
}

impl Case {
    /// The scattered radiation of the case's views, where the protocol has any.
    ///
    /// # Errors
    /// [`TaskError`] when it cannot be computed.
    pub fn scatter(&self) -> Result<Option<ScatterTask<'_>>, TaskError> {
        let (Object::Irradiated(irradiated), Some(settings)) = (&self.object, self.protocol().scatter) else {
            return Ok(None);
        };
        let Some(coarse) = &irradiated.coarse else { return Ok(None) };
        let tables = Tables::new(coarse, None)?;
        let photons = match settings.model {
            ScatterModel::MonteCarlo => settings.photons.unwrap_or(1),
            ScatterModel::Fast => 1 << 20,
        };
        Ok(Some(ScatterTask { case: self, irradiated, settings, tables, photons }))
    }
}

impl ScatterTask<'_> {
    /// Response to a photon of an energy: between bins as between their centres.
    fn response(&self, spectrum: &Spectrum) -> Result<impl Fn(f64) -> f64, TaskError> {
        let energies = spectrum.energies_kev().to_vec();
        let signals: Vec<f64> = self.irradiated.open.central_moments()?.iter().map(|moments| moments[0]).collect();
        Ok(move |energy_kev: f64| {
            let above = energies.partition_point(|bin| *bin < energy_kev).clamp(1, energies.len() - 1);
            let [low, high] = [energies[above - 1], energies[above]];
            let share = ((energy_kev - low) / (high - low)).clamp(0.0, 1.0);
            signals[above - 1] + share * (signals[above] - signals[above - 1])
        })
    }

    /// Columns and rows of the map.
    fn size(&self) -> [usize; 2] {
        let room = self.case.room();
        let [columns, rows] = room.detector();
        let [u_mm, v_mm] = room.pitch_mm();
        [(columns, u_mm), (rows, v_mm)]
            .map(|(n, mm)| ((n as f64 * mm / self.settings.pixel_mm).round() as usize).max(1))
    }
}

impl Task for ScatterTask<'_> {
    type Result = ScatterMap;

    async fn run(&self, device: &Device, control: &Control<'_>) -> Result<ScatterMap, TaskError> {
        let size = self.size();
        let mut values = Vec::new();
        let views = self.case.geometry.views();
        for (number, view) in views.iter().enumerate() {
            let Source::Point(source_mm) = view.source else { continue };
            let spectrum = self.irradiated.open.central_spectrum(source_detector_mm(view)?)?;
            let field = Field::of(view, self.case.room().detector());
            let source = transport::Source {
                position_mm: source_mm,
                corner_mm: field.corner_mm,
                edges_mm: field.edges_mm,
                spectrum: spectrum.clone(),
            };
            let steps = [0, 1].map(|axis| field.edges_mm[axis] / size[axis] as f64);
            let response = self.response(&spectrum)?;
            let plane = DetectorPlane::new(field.corner_mm, steps, size.map(|n| n as u32), response);
            let mut sums = vec![0.0; size[0] * size[1]];
            let runs = self.photons.div_ceil(RUN);
            for run in 0..runs {
                let first = number as u64 * self.photons + run * RUN;
                let count = RUN.min(self.photons - run * RUN) as u32;
                let mut graph = Graph::new();
                let histories = Histories { seed: self.case.seed, first, count };
                let recorded = photons::record(&mut graph, &self.tables, &source, Some(&plane), histories);
                let output = recorded.result(&mut graph);
                let plan = Plan::new(&graph, device.limits())?;
                let done = (number as u64 * runs + run) as f64 / (views.len() as u64 * runs) as f64;
                let progress = |progress: Progress<'_>| {
                    let fraction = done + progress.fraction / (views.len() as u64 * runs) as f64;
                    (control.progress)(Progress { fraction, ..progress });
                };
                let control = Control { progress: &progress, is_cancelled: control.is_cancelled };
                let mut outputs = device.run(&plan, &control).await?;
                let tally = recorded.tally(outputs.take(output)?);
                for (sum, estimate) in sums.iter_mut().zip(tally.image(&Class::SCATTER)) {
                    *sum += estimate.mean * f64::from(count);
                }
            }
            // From one photon on a pixel of the map to all photons on one of the detector's, over the open beam's.
            let photons = spectrum.total_per_mm2() * field.solid_angle(source_mm) * source_detector_mm(view)?.powi(2);
            let [columns, rows] = self.case.room().detector();
            let pixels = (columns * rows) as f64 / (size[0] * size[1]) as f64;
            let scale = photons / self.photons as f64 / pixels / self.irradiated.central[0];
            values.extend(sums.iter().map(|sum| (sum * scale) as f32));
        }
        Ok(ScatterMap { size, values, quantum: 1.0 })
    }
}

/// The part of the detector's plane that the beam fills.
struct Field {
    corner_mm: DVec3,
    edges_mm: [DVec3; 2],
}

impl Field {
    fn of(view: &View, detector: [usize; 2]) -> Self {
        let [columns, rows] = detector.map(|n| n as f64);
        let edges_mm = [columns * view.u_step, rows * view.v_step];
        Self { corner_mm: view.detector_centre - 0.5 * (edges_mm[0] + edges_mm[1]), edges_mm }
    }

    /// Solid angle as seen from a point.
    fn solid_angle(&self, from_mm: DVec3) -> f64 {
        let [u, v] = self.edges_mm;
        let area = u.cross(v) / (STEPS * STEPS) as f64;
        let place = |k: usize| (k as f64 + 0.5) / STEPS as f64;
        let part = |i: usize, j: usize| {
            let ray = self.corner_mm + place(i) * u + place(j) * v - from_mm;
            (ray.dot(area) / ray.length().powi(3)).abs()
        };
        (0..STEPS).map(|j| (0..STEPS).map(|i| part(i, j)).sum::<f64>()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn solid_angle_of_a_square_is_that_of_the_formula() {
        // 4·asin(a²/(a² + d²)) for a square of half the side a at the distance d.
        let field =
            Field { corner_mm: DVec3::new(-200.0, -200.0, 1000.0), edges_mm: [400.0 * DVec3::X, 400.0 * DVec3::Y] };
        let want = 4.0 * (200.0_f64.powi(2) / (200.0_f64.powi(2) + 1000.0_f64.powi(2))).asin();
        assert!((field.solid_angle(DVec3::ZERO) / want - 1.0).abs() < 1e-4);
    }
}
