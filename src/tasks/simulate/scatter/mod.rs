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
    Case, FollowedScatter, ScatterMap, ScatterModel,
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
        let part = |part: usize| -> Result<ScatterMap, TaskError> {
            let map = self.fast.with_factors(Factors::only(part)).map(view, room.detector(), size)?;
            let values = map.iter().map(|signal| (signal[0] * pixel_mm2) as f32).collect();
            Ok(ScatterMap { size, values, quantum: 1.0, grid: None, followed: None })
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
        let of = |k: usize| followed.signals.iter().map(|signal| (signal[k] * pixel_mm2) as f32).collect();
        let (values, errors, error) = (of(0), of(1), relative_error(&followed.signals));
        let followed = Some(FollowedScatter { errors, error, shares: shares(followed.by_class) });
        Ok(Some(ScatterMap { size, values, quantum: 1.0, grid: None, followed }))
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

    /// Photons of a view, without the grid.
    async fn followed(
        &self,
        device: &Device,
        control: &Control<'_>,
        (number, view): (usize, &View),
        size: [usize; 2],
    ) -> Result<Option<Followed>, TaskError> {
        let Some((tables, photons)) = &self.photons else { return Ok(None) };
        let detector = self.case.room().detector();
        let beamlet = Beamlet::of(self.irradiated, view, detector, self.case.collimator())?;
        let signals = self.irradiated.open.moments_without_grid().iter().map(|moments| moments[0]).collect();
        let plane = beamlet.plane(size, by_energy(&beamlet.source.spectrum, signals));
        let histories = (self.case.seed, number as u64 * photons, *photons);
        let (mut sums, mut by_class) = (vec![[0.0; 2]; size[0] * size[1]], [0.0; 3]);
        let take = |tally: &Tally, count: u32| {
            for (sum, class) in by_class.iter_mut().zip(Class::SCATTER) {
                *sum += tally.image(&[class]).iter().map(|pixel| pixel.mean).sum::<f64>() * f64::from(count);
            }
            for (sum, estimate) in sums.iter_mut().zip(tally.image(&Class::SCATTER)) {
                sum[0] += estimate.mean * f64::from(count);
                sum[1] += (estimate.error * f64::from(count)).powi(2);
            }
        };
        let share = 1.0 / self.case.room().views().len() as f64;
        let of_all = [number as f64 * share, share];
        follow(device, control, tables, &beamlet, Some(&plane), histories, of_all, take).await?;
        let pixel_mm2 =
            view.u_step.cross(view.v_step).length() * (detector[0] * detector[1]) as f64 / (size[0] * size[1]) as f64;
        let scale = beamlet.photons / *photons as f64 / pixel_mm2;
        let signals = sums.iter().map(|[sum, squares]| [scale * sum, scale * squares.sqrt()]).collect();
        Ok(Some(Followed { signals, by_class: by_class.map(|sum| scale * sum) }))
    }
}

impl Task for ScatterTask<'_> {
    type Result = ScatterMap;

    async fn run(&self, device: &Device, control: &Control<'_>) -> Result<ScatterMap, TaskError> {
        let size = self.size();
        let views = self.case.geometry.views();
        let (mut values, mut sums) = (Vec::new(), [0.0; 3]);
        let (mut errors, mut error, mut by_class) = (Vec::new(), 0.0_f64, [0.0; 3]);
        let maps = self.maps(control, size)?;
        for ((number, view), map) in views.iter().enumerate().zip(&maps) {
            let pixel_mm2 = view.u_step.cross(view.v_step).length() / self.irradiated.central[0];
            let open = match self.followed(device, control, (number, view), size).await? {
                Some(followed) => {
                    by_class.iter_mut().zip(followed.by_class).for_each(|(sum, more)| *sum += more);
                    let smooth = smoothed(map, &followed.signals, size);
                    error = error.max(relative_error(&smooth));
                    smooth
                }
                None => map.iter().map(|signal| [signal[0], 0.0]).collect(),
            };
            for (signal, [open, error]) in map.iter().zip(open) {
                // What the grid does to it is the fast model's.
                let by_map = if signal[0] > 0.0 { open / signal[0] } else { 0.0 };
                values.push((signal[1] * by_map * pixel_mm2) as f32);
                let by_error = if signal[0] > 0.0 { error / signal[0] } else { 0.0 };
                errors.push((signal[1] * by_error * pixel_mm2) as f32);
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
        let followed = self.photons.is_some().then(|| FollowedScatter { errors, error, shares: shares(by_class) });
        Ok(ScatterMap { size, values, quantum, grid, followed })
    }
}

/// What photons of a view gave that were followed.
struct Followed {
    /// Signal of each pixel of the map, per mm², and its standard error.
    signals: Vec<[f64; 2]>,
    /// Sums over the pixels by what happened, in the order of [`Class::SCATTER`].
    by_class: [f64; 3],
}

/// Shares of a sum; of nothing, none.
fn shares(parts: [f64; 3]) -> [f64; 3] {
    let sum: f64 = parts.iter().sum();
    parts.map(|part| if sum > 0.0 { part / sum } else { 0.0 })
}

/// Signals of photons that were followed, and their standard errors, smoothed as far as the errors ask for. What is smoothed is the
/// difference from the fast model, which is small and differs little between neighbours; errors are independent.
fn smoothed(map: &[Signal], followed: &[[f64; 2]], size: [usize; 2]) -> Vec<[f64; 2]> {
    // Through a Gaussian of σ, errors that are independent fall to 1/(2·√π·σ).
    let root = 2.0 * std::f64::consts::PI.sqrt();
    let sigma = (relative_error(followed) / TARGET_ERROR / root).min(WIDEST);
    if sigma * root <= 1.0 {
        return followed.to_vec();
    }
    let differences: Vec<f64> = followed.iter().zip(map).map(|([value, _], signal)| value - signal[0]).collect();
    let variances: Vec<f64> = followed.iter().map(|[_, error]| error * error).collect();
    let smooth = gaussian(&differences, size, sigma, 1);
    let left = gaussian(&variances, size, sigma, 2);
    let pixel = |((by, variance), signal): ((&f64, &f64), &Signal)| [(signal[0] + by).max(0.0), variance.sqrt()];
    smooth.iter().zip(&left).zip(map).map(pixel).collect()
}

/// Root of the mean square of the pixels' standard errors over the mean; 0 where nothing arrives.
fn relative_error(followed: &[[f64; 2]]) -> f64 {
    let [sum, squares] =
        followed.iter().fold([0.0; 2], |[sum, squares], [value, error]| [sum + value, squares + error * error]);
    if sum > 0.0 { (squares * followed.len() as f64).sqrt() / sum } else { 0.0 }
}

/// An image through a Gaussian, which is cut off and scaled at the rim, with its weights to a power: 1 for values, 2 for variances of
/// independent ones.
fn gaussian(image: &[f64], [columns, rows]: [usize; 2], sigma: f64, power: i32) -> Vec<f64> {
    let reach = (4.0 * sigma).ceil() as usize;
    let mean = |at: usize, count: usize, of: &dyn Fn(usize) -> f64| {
        let weight = |to: usize| (-0.5 * (at.abs_diff(to) as f64 / sigma).powi(2)).exp();
        let near = at.saturating_sub(reach)..count.min(at + reach + 1);
        let sum: f64 = near.clone().map(weight).sum();
        near.map(|to| weight(to).powi(power) * of(to)).sum::<f64>() / sum.powi(power)
    };
    let pixels = || (0..columns * rows).map(|pixel| [pixel % columns, pixel / columns]);
    let across: Vec<f64> = pixels().map(|[i, j]| mean(i, columns, &|k| image[j * columns + k])).collect();
    pixels().map(|[i, j]| mean(j, rows, &|k| across[k * columns + i])).collect()
}

#[cfg(test)]
mod tests {
    use std::f64::consts::PI;

    use super::*;
    use crate::{
        data::{Grid, Unit, Volume},
        phantom::random::Random,
        physics::{self, Material, Photon, ScatterAngles, Spectrum},
        tasks::simulate::ProtocolText,
    };

    /// Depth of a block of water before a detector of 400 mm, and distances of its middle.
    const DEPTH_MM: f64 = 200.0;
    const SIDE_MM: f64 = 320.0;
    const SOURCE_MM: f64 = 1000.0;
    const DETECTOR_MM: f64 = 150.0;

    fn block(more: &str, model: &str) -> Case {
        let text = format!(
            "[geometry]\nkind = 'radiograph'\nsource_isocentre_mm = {SOURCE_MM}\nsource_detector_mm = {}\n\
             detector = [200, 200]\npitch_mm = [2.0, 2.0]\n\
             [beam]\nkvp = 100\nfilter = ['al:3']\nmas = 1.0\n{more}\n[scatter]\npixel_mm = 20.0\n{model}",
            SOURCE_MM + DETECTOR_MM
        );
        let grid = Grid::centred([80, 50, 80], [4.0; 3]).unwrap();
        let ct = Volume::new(grid, Unit::Hounsfield, vec![0.0; grid.voxel_count()]).unwrap();
        Case::new(&ProtocolText::from_toml(&text).unwrap().draw(1).unwrap(), ct, 1).unwrap()
    }

    fn run(case: &Case) -> ScatterMap {
        let task = case.scatter().unwrap().unwrap();
        pollster::block_on(task.run(&Device::cpu(), &Control::default())).unwrap()
    }

    fn mean(values: &[f32]) -> f64 {
        values.iter().map(|value| f64::from(*value)).sum::<f64>() / values.len() as f64
    }

    #[test]
    #[cfg_attr(not(feature = "parallel"), ignore = "takes a minute on one thread")]
    fn the_fast_model_is_near_photons_followed_one_by_one() {
        let case = block("", "model = 'monte-carlo'\nphotons = 3000000");
        let task = case.scatter().unwrap().unwrap();
        let truth = pollster::block_on(task.truth(&Device::cpu(), &Control::default())).unwrap().unwrap();
        let fast = run(&block("", "model = 'fast'"));
        assert_eq!(fast.size, truth.size);
        let (got, want) = (mean(&fast.values), mean(&truth.values));
        assert!((got / want - 1.0).abs() < 0.04, "{got} {want}");
        let squares = fast.values.iter().zip(&truth.values).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>();
        let rms = (squares / fast.values.len() as f64).sqrt() / want;
        // The noise of the truth is none of the model's errors.
        let noise = truth.followed.as_ref().unwrap().error;
        assert!((rms * rms - noise * noise).max(0.0).sqrt() < 0.08, "{rms} {noise}");
        // Smoothed photons are the truth with less noise.
        let smooth = run(&case);
        assert!(
            smooth.followed.as_ref().unwrap().error < 0.6 * truth.followed.as_ref().unwrap().error,
            "{:?} {:?}",
            smooth.followed,
            truth.followed
        );
        assert!((mean(&smooth.values) / want - 1.0).abs() < 0.01);
        let followed = smooth.followed.unwrap();
        assert!((mean(&followed.errors) / mean(&smooth.values) / followed.error - 1.0).abs() < 0.2);
        // Most of what leaves 200 mm of water was scattered more than once.
        assert!((followed.shares.iter().sum::<f64>() - 1.0).abs() < 1e-12 && followed.shares[2] > 0.5);
        // Scattered photons have lost energy, but the block has hardened the beam: about the open beam's, which are the unit.
        assert!((0.95..1.05).contains(&fast.quantum), "{}", fast.quantum);
    }

    #[test]
    fn errors_behind_the_gaussian_are_those_of_independent_pixels() {
        let (size, sigma, images) = ([9, 7], 1.3, 600);
        let errors: Vec<f64> = (0..63).map(|at| 1.0 + f64::from(at % 9)).collect();
        let mut random = Random::new(3);
        let mut squares = vec![0.0; 63];
        for _ in 0..images {
            // Even between −√3 and √3 errors.
            let image: Vec<f64> = errors.iter().map(|error| error * 3_f64.sqrt() * random.within(-1.0, 1.0)).collect();
            let smooth = gaussian(&image, size, sigma, 1);
            squares.iter_mut().zip(smooth).for_each(|(sum, value)| *sum += value * value / f64::from(images));
        }
        let variances: Vec<f64> = errors.iter().map(|error| error * error).collect();
        let worst = |power: i32| {
            let want = gaussian(&variances, size, sigma, power);
            squares.iter().zip(want).map(|(got, want)| (got / want - 1.0).abs()).fold(0.0, f64::max)
        };
        // Four standard errors of a variance of so many.
        let allowed = 4.0 * (2.0 / f64::from(images)).sqrt();
        assert!(worst(2) < allowed, "{}", worst(2));
        assert!(worst(1) > allowed, "the control: variances smoothed as values are");
    }

    #[test]
    #[cfg_attr(not(feature = "parallel"), ignore = "takes a minute on one thread")]
    fn less_field_scatters_less_and_only_through_the_field() {
        let narrow = "collimator = { corners_mm = [[-40.0, -40.0], [40.0, -40.0], [40.0, 40.0], [-40.0, 40.0]] }";
        let [wide, fast, truth] = [
            block("", "model = 'fast'"),
            block(narrow, "model = 'fast'"),
            block(narrow, "model = 'monte-carlo'\nphotons = 300000"),
        ]
        .map(|case| mean(&run(&case).values));
        assert!(fast < 0.2 * wide, "{fast} {wide}");
        assert!((fast / truth - 1.0).abs() < 0.06, "{fast} {truth}");
    }

    #[test]
    #[cfg_attr(not(feature = "parallel"), ignore = "takes a minute on one thread")]
    fn a_grid_lets_scatter_pass_by_directions() {
        let grid = "[grid]\nratio = 10\nlines_per_cm = 40\nstrip_mm = 0.05\nfocus_mm = 1150";
        let factors = run(&block(grid, "model = 'fast'")).grid.unwrap();
        assert!((0.6..0.78).contains(&factors.primary), "{factors:?}");
        let spectrum = match &block("", "model = 'fast'").object {
            Object::Irradiated(irradiated) => irradiated.open.central_spectrum(SOURCE_MM + DETECTOR_MM).unwrap(),
            Object::Plain(_) => unreachable!("there is a beam"),
        };
        let photons = followed(&spectrum, 400_000);
        let grid = physics::Grid::new(10.0, 40.0, 0.05).unwrap().focused_at(SOURCE_MM + DETECTOR_MM).unwrap();
        let [mut passed, mut all] = [0.0; 2];
        for (Photon { direction, energy_kev, weight }, across) in photons {
            passed += weight * grid.transmission_at(energy_kev, direction, across).unwrap();
            all += weight;
        }
        let want = passed / all;
        assert!((factors.scatter / want - 1.0).abs() < 0.08, "{factors:?} {want}");
    }

    /// Scattered photons that reach the detector, weighted by their energy, and where across the strips: each followed through the block by
    /// free paths of its own, without voxels, nodes of energies or f32.
    fn followed(spectrum: &Spectrum, count: usize) -> Vec<(Photon, f64)> {
        let water = Material::by_name("water").unwrap();
        let energies: Vec<f64> = (0..25).map(|step| 5.0 + 4.0 * f64::from(step)).collect();
        let of = |energy: &f64| water.attenuation(*energy).unwrap();
        let tables: Vec<_> = energies.iter().map(of).collect();
        let angles: Vec<[ScatterAngles; 2]> = energies
            .iter()
            .map(|&energy| [ScatterAngles::incoherent, ScatterAngles::coherent].map(|of| of(&water, energy).unwrap()))
            .collect();
        let mut random = Random::new(7);
        let total = spectrum.total_per_mm2();
        let mut arrived = Vec::new();
        for _ in 0..count {
            let mut share = random.within(0.0, total);
            let mut bins = spectrum.energies_kev().iter().zip(spectrum.fluence_per_mm2());
            let mut energy = loop {
                let (energy, fluence) = bins.next().unwrap();
                share -= fluence;
                if share <= 0.0 || *energy + 1.0 > *spectrum.energies_kev().last().unwrap() {
                    break *energy;
                }
            };
            // x across the strips, y along them, z from the source.
            let to = [random.within(-200.0, 200.0), random.within(-200.0, 200.0), SOURCE_MM + DETECTOR_MM];
            let length = to.iter().map(|x| x * x).sum::<f64>().sqrt();
            if random.within(0.0, 1.0) > (to[2] / length).powi(3) {
                continue;
            }
            let mut direction = to.map(|x| x / length);
            let mut place = direction.map(|x| x / direction[2] * (SOURCE_MM - 0.5 * DEPTH_MM));
            let mut scatterings = 0;
            let is_inside = |place: &[f64; 3]| {
                place[0].abs() <= 0.5 * SIDE_MM
                    && place[1].abs() <= 0.5 * SIDE_MM
                    && (place[2] - SOURCE_MM).abs() <= 0.5 * DEPTH_MM
            };
            let ended = loop {
                let at = ((((energy - 5.0) / 4.0) + random.within(0.0, 1.0)) as usize).min(energies.len() - 1);
                let of = &tables[at];
                let path = -10.0 * random.within(1e-12, 1.0).ln() / of.total_cm2_g();
                let next: [f64; 3] = std::array::from_fn(|k| place[k] + path * direction[k]);
                if !is_inside(&next) {
                    break false;
                }
                place = next;
                let which = random.within(0.0, of.total_cm2_g());
                if which < of.photoelectric_cm2_g {
                    break true;
                }
                let is_compton = which < of.photoelectric_cm2_g + of.incoherent_cm2_g;
                let cosine = angles[at][usize::from(!is_compton)].cosine_at(random.within(0.0, 1.0));
                if is_compton {
                    energy *= physics::klein_nishina::energy_ratio(energy, cosine);
                }
                if energy < 6.0 {
                    break true;
                }
                let azimuth = random.within(0.0, 2.0 * PI);
                let old = glam::DVec3::from_array(direction);
                let first = old.any_orthonormal_vector();
                let around = azimuth.cos() * first + azimuth.sin() * old.cross(first);
                direction = (cosine * old + (1.0 - cosine * cosine).sqrt() * around).normalize().to_array();
                scatterings += 1;
            };
            if ended || scatterings == 0 || direction[2] < 1e-3 {
                continue;
            }
            let left = (SOURCE_MM + DETECTOR_MM - place[2]) / direction[2];
            let hit = [0, 1].map(|k| place[k] + left * direction[k]);
            if hit.iter().all(|x| x.abs() < 200.0) {
                arrived.push((Photon { direction, energy_kev: energy, weight: energy }, hit[0]));
            }
        }
        assert!(arrived.len() > 10_000, "{}", arrived.len());
        arrived
    }
}
