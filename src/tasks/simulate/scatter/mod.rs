//! Scattered radiation of a case. Formulas, fit and errors: `docs/methods/scatter.md`.
//!
//! ```text
//!        ┌ groups: energies        ┐
//! body ──┤ cells: large voxels     ├── orders of scattering ── last flight ── map
//!        └ beam: what is scattered ┘        collided             through the grid
//! ```

mod cells;
mod fast;
mod flight;
mod groups;
mod orders;

use super::{
    Case, ScatterMap, ScatterModel,
    case::{Irradiated, Object, source_detector_mm},
    photons::{Beamlet, by_energy, follow},
    sections::Scatter,
};
use crate::{
    engine::{Control, Device},
    geometry::View,
    kernels::transport::{Class, Tables, Tally},
    physics::GridFactors,
    tasks::{Task, TaskError},
};
use fast::{Factors, Fast};
use flight::Signal;

/// Least side of a pixel of the fast model, in millimetres: two thirds of its cells'.
const FAST_PIXEL_MM: f64 = 16.0;
/// Standard error of a pixel of the map, over its value, to which photons that are followed one by one are smoothed.
const TARGET_ERROR: f64 = 0.01;
/// How far source and detector move between views of the fast model, over the source's distance from the body: those in between are
/// interpolated.
const APART: f64 = 0.07;
/// Widest Gaussian that they are smoothed by, in pixels of the map.
const WIDEST: f64 = 3.0;

/// The scattered radiation of a case: runs on a device, view by view.
pub struct ScatterTask<'a> {
    case: &'a Case,
    irradiated: &'a Irradiated,
    settings: Scatter,
    fast: Fast<'a>,
    photons: Option<(Tables, u64)>,
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
        let fast = Fast::new(irradiated, &self.geometry.views()[0], self.collimator())?;
        let photons = match (settings.model, &irradiated.coarse) {
            (ScatterModel::MonteCarlo, Some(coarse)) => {
                Some((Tables::new(coarse, None)?, settings.photons.unwrap_or(1)))
            }
            _ => None,
        };
        Ok(Some(ScatterTask { case: self, irradiated, settings, fast, photons }))
    }
}

impl ScatterTask<'_> {
    /// The fast model's parts of the first view's map, without what they are multiplied by: photons that are scattered once, incoherently and
    /// coherently, and more than once. For the program that fits those factors.
    ///
    /// # Errors
    /// [`TaskError`] as the task itself.
    #[doc(hidden)]
    pub fn parts(&self) -> Result<[ScatterMap; 3], TaskError> {
        let (size, room) = (self.size(), self.case.room());
        let view = &self.case.geometry.views()[0];
        let pixel_mm2 = view.u_step.cross(view.v_step).length() / self.irradiated.central[0];
        let part = |part: usize| {
            let map = self.fast.with_factors(Factors::only(part)).map(view, room.detector(), size)?;
            let values = map.iter().map(|signal| (signal[0] * pixel_mm2) as f32).collect();
            Ok(ScatterMap { size, values, quantum: 1.0, grid: None, error: None })
        };
        Ok([part(0)?, part(1)?, part(2)?])
    }

    /// Photons followed one by one through the first view, without the grid and not smoothed: what the factors are fitted to. Nothing where
    /// the protocol asks for the fast model.
    ///
    /// # Errors
    /// [`TaskError`] as the task itself.
    #[doc(hidden)]
    pub async fn truth(&self, device: &Device, control: &Control<'_>) -> Result<Option<ScatterMap>, TaskError> {
        let (size, view) = (self.size(), &self.case.geometry.views()[0]);
        let Some(followed) = self.followed(device, control, (0, view), size).await? else { return Ok(None) };
        let pixel_mm2 = view.u_step.cross(view.v_step).length() / self.irradiated.central[0];
        let values = followed.iter().map(|[signal, _]| (signal * pixel_mm2) as f32).collect();
        Ok(Some(ScatterMap { size, values, quantum: 1.0, grid: None, error: Some(relative_error(&followed)) }))
    }

    /// Columns and rows of the map.
    fn size(&self) -> [usize; 2] {
        let room = self.case.room();
        let pixel_mm = match self.photons {
            Some(_) => self.settings.pixel_mm,
            None => self.settings.pixel_mm.max(FAST_PIXEL_MM),
        };
        let [[columns, rows], [u_mm, v_mm]] = [room.detector().map(|n| n as f64), room.pitch_mm()];
        [columns * u_mm, rows * v_mm].map(|side| ((side / pixel_mm).round() as usize).max(1))
    }

    /// Signals of all views by the fast model: that of views so far apart that it changes little between them, and straight between them.
    fn maps(&self, control: &Control<'_>, size: [usize; 2]) -> Result<Vec<Vec<Signal>>, TaskError> {
        let (views, detector) = (self.case.geometry.views(), self.case.room().detector());
        let apart = APART * source_detector_mm(&views[0])?;
        let is_near = |a: &View, b: &View| {
            let moved = [a.ray([1, 1], 0.0, 0.0).0 - b.ray([1, 1], 0.0, 0.0).0, a.detector_centre - b.detector_centre];
            moved.iter().all(|by| by.length() <= apart)
        };
        let mut maps: Vec<Vec<Signal>> = vec![self.fast.map(&views[0], detector, size)?];
        while maps.len() < views.len() {
            control.step("last flight", maps.len(), views.len())?;
            let first = maps.len() - 1;
            let near = views[first + 1..].iter().take_while(|view| is_near(&views[first], view)).count().max(1);
            let (before, after) = (maps[first].clone(), self.fast.map(&views[first + near], detector, size)?);
            for step in 1..near {
                let share = step as f64 / near as f64;
                let between = |(a, b): (&Signal, &Signal)| [0, 1, 2].map(|k| a[k] + share * (b[k] - a[k]));
                maps.push(before.iter().zip(&after).map(between).collect());
            }
            maps.push(after);
        }
        Ok(maps)
    }

    /// Signal of a view without the grid, per mm², and its standard error.
    async fn followed(
        &self,
        device: &Device,
        control: &Control<'_>,
        (number, view): (usize, &View),
        size: [usize; 2],
    ) -> Result<Option<Vec<[f64; 2]>>, TaskError> {
        let Some((tables, photons)) = &self.photons else { return Ok(None) };
        let detector = self.case.room().detector();
        let beamlet = Beamlet::of(self.irradiated, view, detector, self.case.collimator())?;
        let signals = self.irradiated.open.moments_without_grid().iter().map(|moments| moments[0]).collect();
        let plane = beamlet.plane(size, by_energy(&beamlet.source.spectrum, signals));
        let histories = (self.case.seed, number as u64 * photons, *photons);
        let mut sums = vec![[0.0; 2]; size[0] * size[1]];
        let take = |tally: &Tally, count: u32| {
            for (sum, estimate) in sums.iter_mut().zip(tally.image(&Class::SCATTER)) {
                sum[0] += estimate.mean * f64::from(count);
                sum[1] += (estimate.error * f64::from(count)).powi(2);
            }
        };
        let share = 1.0 / self.case.room().views().len() as f64;
        let of_all = [number as f64 * share, share];
        follow(device, control, tables, &beamlet, Some(&plane), histories, of_all, take).await?;
        let pixel_mm2 = view.u_step.cross(view.v_step).length() * (detector[0] * detector[1]) as f64
            / (size[0] * size[1]) as f64;
        let scale = beamlet.photons / *photons as f64 / pixel_mm2;
        Ok(Some(sums.iter().map(|[sum, squares]| [scale * sum, scale * squares.sqrt()]).collect()))
    }
}

impl Task for ScatterTask<'_> {
    type Result = ScatterMap;

    async fn run(&self, device: &Device, control: &Control<'_>) -> Result<ScatterMap, TaskError> {
        let size = self.size();
        let views = self.case.geometry.views();
        let (mut values, mut sums, mut errors) = (Vec::new(), [0.0; 3], Vec::new());
        let maps = self.maps(control, size)?;
        for ((number, view), map) in views.iter().enumerate().zip(&maps) {
            let pixel_mm2 = view.u_step.cross(view.v_step).length() / self.irradiated.central[0];
            let open = match self.followed(device, control, (number, view), size).await? {
                Some(followed) => {
                    let (smooth, error) = smoothed(map, &followed, size);
                    errors.push(error);
                    smooth
                }
                None => map.iter().map(|signal| signal[0]).collect(),
            };
            for (signal, open) in map.iter().zip(open) {
                // What the grid does to it is the fast model's.
                let by_map = if signal[0] > 0.0 { open / signal[0] } else { 0.0 };
                values.push((signal[1] * by_map * pixel_mm2) as f32);
                sums.iter_mut().zip(signal).for_each(|(sum, part)| *sum += part * by_map);
            }
        }
        let [mean, variance] = self.irradiated.central;
        let quantum = if sums[1] > 0.0 { sums[2] / sums[1] / (variance / mean) } else { 1.0 };
        let open = &self.irradiated.open;
        let grid = match open.grid() {
            Some(grid) if sums[0] > 0.0 => {
                let spectrum = open.central_spectrum(source_detector_mm(&self.case.room().views()[0])?)?;
                let signals = open.moments_without_grid().iter().map(|moments| moments[0]).collect();
                let primary = grid.primary_transmission(&spectrum, by_energy(&spectrum, signals))?;
                Some(GridFactors { primary, scatter: sums[1] / sums[0] })
            }
            _ => None,
        };
        let error = errors.iter().copied().reduce(f64::max);
        Ok(ScatterMap { size, values, quantum, grid, error })
    }
}

/// Signals of photons that were followed, smoothed as far as their errors ask for, and the standard error that is left, over the value:
/// root of the mean square over the pixels. What is smoothed is the ratio to the fast model, which differs little between neighbours.
fn smoothed(map: &[Signal], followed: &[[f64; 2]], size: [usize; 2]) -> (Vec<f64>, f64) {
    let values: Vec<f64> = followed.iter().map(|[value, _]| *value).collect();
    let error = relative_error(followed);
    // Through a Gaussian of σ, errors that are independent fall to 1/(2·√π·σ).
    let root = 2.0 * std::f64::consts::PI.sqrt();
    let sigma = (error / TARGET_ERROR / root).min(WIDEST);
    if sigma * root <= 1.0 {
        return (values, error);
    }
    let fast: Vec<f64> = map.iter().map(|signal| signal[0]).collect();
    let [above, below] = [&values, &fast].map(|of| gaussian(of, size, sigma));
    let ratio = |((above, below), fast): ((&f64, &f64), &f64)| if *below > 0.0 { fast * above / below } else { 0.0 };
    (above.iter().zip(&below).zip(&fast).map(ratio).collect(), error / (root * sigma))
}

/// Root of the mean square of the pixels' standard errors over the mean; 0 where nothing arrives.
fn relative_error(followed: &[[f64; 2]]) -> f64 {
    let [sum, squares] = followed.iter().fold([0.0; 2], |[sum, squares], [value, error]| [sum + value, squares + error * error]);
    if sum > 0.0 { (squares * followed.len() as f64).sqrt() / sum } else { 0.0 }
}

/// An image through a Gaussian, cut off at the rim alike for all images.
fn gaussian(image: &[f64], [columns, rows]: [usize; 2], sigma: f64) -> Vec<f64> {
    let reach = (4.0 * sigma).ceil() as usize;
    let weight = |from: usize, to: usize| (-0.5 * (from.abs_diff(to) as f64 / sigma).powi(2)).exp();
    let near = |at: usize, count: usize| at.saturating_sub(reach)..count.min(at + reach + 1);
    let across: Vec<f64> = (0..columns * rows)
        .map(|pixel| {
            let [i, j] = [pixel % columns, pixel / columns];
            near(i, columns).map(|k| weight(i, k) * image[j * columns + k]).sum()
        })
        .collect();
    (0..columns * rows)
        .map(|pixel| {
            let [i, j] = [pixel % columns, pixel / columns];
            near(j, rows).map(|k| weight(j, k) * across[k * columns + i]).sum()
        })
        .collect()
}
