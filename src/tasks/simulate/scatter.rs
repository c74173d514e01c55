use super::{
    Case, ScatterMap, ScatterModel,
    case::{Irradiated, Object},
    photons::{Beamlet, by_energy, follow},
    sections::Scatter,
};
use crate::{
    engine::{Control, Device},
    kernels::transport::{Class, Tables},
    tasks::{Task, TaskError},
};

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
    /// Columns and rows of the map.
    fn size(&self) -> [usize; 2] {
        let room = self.case.room();
        let [[columns, rows], [u_mm, v_mm]] = [room.detector().map(|n| n as f64), room.pitch_mm()];
        [columns * u_mm, rows * v_mm].map(|side| ((side / self.settings.pixel_mm).round() as usize).max(1))
    }
}

impl Task for ScatterTask<'_> {
    type Result = ScatterMap;

    async fn run(&self, device: &Device, control: &Control<'_>) -> Result<ScatterMap, TaskError> {
        let (size, detector) = (self.size(), self.case.room().detector());
        let signals: Vec<f64> = self.irradiated.open.central_moments()?.iter().map(|moments| moments[0]).collect();
        let views = self.case.geometry.views();
        let share = 1.0 / views.len() as f64;
        let mut values = Vec::new();
        for (number, view) in views.iter().enumerate() {
            let beamlet = Beamlet::of(self.irradiated, view, detector)?;
            let plane = beamlet.plane(size, by_energy(&beamlet.source.spectrum, signals.clone()));
            let histories = (self.case.seed, number as u64 * self.photons, self.photons);
            let mut sums = vec![0.0; size[0] * size[1]];
            let take = |tally: &_, count: u32| add(&mut sums, tally, count);
            let done = number as f64 * share;
            follow(device, control, &self.tables, &beamlet, Some(&plane), histories, [done, share], take).await?;
            // From one photon on a pixel of the map to all photons on one of the detector's, over the open beam's.
            let pixels = (detector[0] * detector[1]) as f64 / (size[0] * size[1]) as f64;
            let scale = beamlet.photons / self.photons as f64 / pixels / self.irradiated.central[0];
            values.extend(sums.iter().map(|sum| (sum * scale) as f32));
        }
        Ok(ScatterMap { size, values, quantum: 1.0 })
    }
}

/// Adds a run's signal of scattered photons.
fn add(sums: &mut [f64], tally: &crate::kernels::transport::Tally, count: u32) {
    for (sum, estimate) in sums.iter_mut().zip(tally.image(&Class::SCATTER)) {
        *sum += estimate.mean * f64::from(count);
    }
}
