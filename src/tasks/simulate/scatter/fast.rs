//! Scattered radiation by the transport of photons through large cells. Formulas, fit and errors: `docs/methods/scatter.md`.

use glam::DVec3;

use super::{
    cells::{BLOCKS, Cells},
    flight::{Rays, Scene, Signal},
    groups::{Band, GROUPS, Groups},
    orders::{collided, harmonics, scattered},
};
use crate::{
    geometry::{Source, View},
    parallel::*,
    physics::{self, PhysicsError},
    tasks::{
        TaskError,
        simulate::{
            OpenBeam, ProtocolError,
            case::{Irradiated, source_detector_mm},
            photons::by_energy,
            sections::Collimator,
        },
    },
};

/// A body ready for the fast model.
#[derive(Clone)]
pub(super) struct Fast<'a> {
    groups: Groups,
    cells: Cells,
    response: [Band; 2],
    distance_mm: f64,
    grid: Option<&'a physics::Grid>,
    collimator: Option<&'a Collimator>,
    factors: Factors,
}

/// What the fast model's parts are multiplied by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Factors {
    compton: f32,
    coherent: f32,
    multiple: f32,
}

impl Factors {
    /// One part alone.
    pub(super) fn only(part: usize) -> Self {
        let [compton, coherent, multiple] = [0, 1, 2].map(|of| if of == part { 1.0 } else { 0.0 });
        Self { compton, coherent, multiple }
    }

    /// All as fitted to photons followed one by one.
    fn fitted() -> Result<Self, ProtocolError> {
        #[derive(serde::Deserialize)]
        struct Fitted {
            factor: f32,
        }
        let Fitted { factor } = toml::from_str(include_str!("../../../../assets/physics/scatter.toml"))
            .map_err(|error| ProtocolError::Toml(error.message().to_owned()))?;
        Ok(Self { compton: factor, coherent: factor, multiple: factor })
    }
}

impl<'a> Fast<'a> {
    pub(super) fn new(
        irradiated: &'a Irradiated,
        view: &View,
        collimator: Option<&'a Collimator>,
    ) -> Result<Self, TaskError> {
        let body = irradiated.coarse.as_deref().unwrap_or(&irradiated.body);
        let open: &OpenBeam = &irradiated.open;
        let distance_mm = source_detector_mm(view)?;
        let spectrum = open.central_spectrum(distance_mm)?;
        let groups = Groups::new(&spectrum)?;
        let cells = Cells::new(body, &groups)?;
        let moments = open.moments_without_grid();
        let response = [0, 1].map(|k| {
            let of = by_energy(&spectrum, moments.iter().map(|moments| moments[k]).collect());
            groups.kev.map(|kev| of(kev) as f32)
        });
        Ok(Self { groups, cells, response, distance_mm, grid: open.grid(), collimator, factors: Factors::fitted()? })
    }

    /// The same with other factors.
    pub(super) fn with_factors(&self, factors: Factors) -> Self {
        Self { factors, ..self.clone() }
    }

    /// The signal of a view on `size` pixels that cover a detector.
    pub(super) fn map(&self, view: &View, detector: [usize; 2], size: [usize; 2]) -> Result<Vec<Signal>, TaskError> {
        let Source::Point(source_mm) = view.source else {
            return Err(ProtocolError::value("geometry", "one with a focal spot", "parallel rays").into());
        };
        let cells = &self.cells;
        let source = cells.place(source_mm);
        let beam: Vec<[Band; 2]> = (0..cells.count())
            .into_par_iter()
            .map(|cell| match cells.optics[cell].is_empty {
                true => [[0.0; GROUPS]; 2],
                false => self.once(cell, source, view, detector),
            })
            .collect();
        let first = beam.par_iter().enumerate().map(|(cell, [compton, coherent])| {
            let direction = (cells.middle(cell) - source).normalize();
            let along = harmonics(direction.as_vec3().to_array()).map(|share| compton.map(|photons| share * photons));
            let mut first = scattered(&self.groups, &[1.0; GROUPS], &along);
            for group in 0..GROUPS {
                first[0][group] += (1.0 - self.groups.forward[group] as f32) * coherent[group];
            }
            first
        });
        let again = collided(cells, &self.groups, first.collect());
        let Factors { compton, coherent, multiple } = self.factors;
        let again = again.par_iter().zip(cells.optics.par_iter()).map(|(flux, optics)| {
            let source = scattered(&self.groups, &optics.compton, flux);
            source.map(|of| of.map(|value| multiple * value))
        });
        let once = beam.iter().map(|parts| {
            let times = |part: usize, factor: f32| parts[part].map(|photons| factor * photons);
            [times(0, compton), times(1, coherent)]
        });
        let (once, again) = (once.collect(), again.collect());
        let scene = Scene { cells, groups: &self.groups, source, once, again, response: self.response };
        let normal = view.u_step.cross(view.v_step).normalize();
        let normal = normal * normal.dot(source_mm - view.detector_centre).signum();
        let rays = self.rays(view, source_mm, normal)?;
        let [normal, columns] = [normal, view.u_step.normalize()].map(|direction| cells.along_axes(direction));
        let signals = (0..size[0] * size[1]).into_par_iter().map(|pixel| {
            let place =
                |number: usize, axis: usize| (number as f64 + 0.5) * detector[axis] as f64 / size[axis] as f64 - 0.5;
            let pixel = view.pixel_mm(detector, place(pixel % size[0], 0), place(pixel / size[0], 1));
            scene.signal(&rays, cells.place(pixel), normal, columns)
        });
        Ok(signals.collect())
    }

    /// Photons of the beam that a cell scatters for the first time, per mm³: incoherently, with those that coherent scattering has left in
    /// the beam, and coherently.
    fn once(&self, cell: usize, source: DVec3, view: &View, detector: [usize; 2]) -> [Band; 2] {
        let cells = &self.cells;
        let mut paths = vec![0.0; cells.material_count()];
        let mut depths = vec![[0.0; 2]; self.groups.beam_count()];
        let mut sums = [[0.0; GROUPS]; 2];
        for block in 0..BLOCKS.pow(3) {
            let Some(scattering) = cells.scattering(cell, block) else { continue };
            let place = cells.middle_of_block(cell, block);
            if !self.is_lit(cells.world_mm(place), view, detector) {
                continue;
            }
            cells.depths(source, place, &mut paths, &mut depths);
            let spread = self.distance_mm.powi(2) / (place - source).length_squared() / BLOCKS.pow(3) as f64;
            for (step, (depths, photons)) in depths.iter().zip(&self.groups.beam_per_mm2).enumerate() {
                let (low, share) = self.groups.of_beam(step);
                for ((sum, scattering), depth) in sums.iter_mut().zip(&scattering).zip([depths[1], depths[0]]) {
                    let left = spread * photons * (-depth).exp();
                    sum[low] += (1.0 - share) * left * scattering[low];
                    sum[low + 1] += share * left * scattering[low + 1];
                }
            }
        }
        sums.map(|band| band.map(|value| value as f32))
    }

    /// Whether the beam reaches a place.
    fn is_lit(&self, place_mm: DVec3, view: &View, detector: [usize; 2]) -> bool {
        let Source::Point(source) = view.source else { return false };
        let (ray, across) = (place_mm - source, view.u_step.cross(view.v_step));
        let times = (view.detector_centre - source).dot(across) / ray.dot(across);
        let from_centre = source + times * ray - view.detector_centre;
        let [u, v] = [view.u_step, view.v_step].map(|step| from_centre.dot(step) / step.length());
        let half = [0, 1].map(|axis| 0.5 * detector[axis] as f64 * [view.u_step, view.v_step][axis].length());
        u.abs() <= half[0] && v.abs() <= half[1] && self.collimator.is_none_or(|blades| blades.holds([u, v]))
    }

    /// Rays with the grid's transmission as it is in the detector's middle.
    fn rays(&self, view: &View, source_mm: DVec3, normal: DVec3) -> Result<Rays, PhysicsError> {
        let Some(grid) = self.grid else { return Rays::new(|_, _| Ok(1.0)) };
        let u = view.u_step.normalize();
        let axis = (source_mm - view.detector_centre).normalize();
        let across = (u - u.dot(axis) * axis).normalize();
        let along = axis.cross(across);
        Rays::new(|group, [x, y, z]| {
            let flight = -(x * across + y * along + z * axis);
            let direction = [flight.dot(u), flight.dot(normal.cross(u)), -flight.dot(normal)];
            match direction[2] > FLAT {
                true => grid.transmission(self.groups.kev[group], direction),
                false => Ok(0.0),
            }
        })
    }
}

/// Cosine to the grid's normal of rays that do not pass it.
const FLAT: f64 = 1e-3;
