//! What the detector receives of the beam where nothing stands in it.
//!
//! ```text
//! O(i, j) = A·cos β·Σ_E Φ(E; x, y, z)·exp(−µ_air·r)·q(E, β)·T_g(E; x, y)
//! ```
//! where Φ is the tube's fluence (photons per mm² across the ray, bin and exposure), which falls with the square of the distance r and
//! towards the anode, A·cos β the pixel's area across the ray, q what an absorbed photon gives the detector and T_g the grid's
//! transmission. O varies slowly over the detector: it is computed at the 9 × 9 points of a polynomial of degree 8 in u and v
//! through Chebyshev's points.

use std::f64::consts::PI;

use glam::DVec3;

use super::{
    ProtocolError,
    sections::{Beam, GridSection, Side},
};
use crate::{
    geometry::{Geometry, Source, View},
    physics::{self, Detector, Layer, Material, Moments, PhysicsError, Spectrum, Tube, Weighting},
    tasks::TaskError,
};

/// Points along each side of the detector.
const POINTS: usize = 9;
/// Cosines of the ray's angle to the detector's normal for which responses are computed; quadratic between them.
const COSINES: usize = 3;
/// Where spectra without a tube are stated.
const METRE_MM: f64 = 1000.0;

/// The beam, the grid and the detector's response to photons.
#[derive(Clone, Debug)]
pub struct OpenBeam {
    emission: Emission,
    /// Without heel effect, the central ray's spectrum everywhere.
    heel: Option<Side>,
    mas: f64,
    air: Option<Material>,
    grid: Option<physics::Grid>,
    responses: Responses,
}

#[derive(Clone, Debug)]
enum Emission {
    Tube(Tube),
    /// Photons per mm² and mAs at 1 m.
    Stated(Spectrum),
}

/// First and second moments of what a photon gives the detector, in keV and keV², by bin and cosine.
#[derive(Clone, Debug)]
struct Responses {
    cosines: [f64; COSINES],
    moments: Vec<[Moments; COSINES]>,
}

impl OpenBeam {
    /// Beam of a protocol's tables; `detector` absorbs everything where there is none.
    ///
    /// # Errors
    /// [`TaskError`] for values outside the physics' tables, or fields that contradict each other.
    pub fn new(
        beam: &Beam,
        grid: Option<&GridSection>,
        detector: Option<(&Detector, Weighting)>,
        geometry: &Geometry,
    ) -> Result<Self, TaskError> {
        let layers: Result<Vec<Layer>, PhysicsError> = beam.filter.iter().map(|text| Layer::parse(text, &[])).collect();
        let layers = layers?;
        let emission = match (beam.kvp, &beam.spectrum) {
            (Some(kvp), None) => Emission::Tube(Tube::new(kvp, beam.anode_deg, layers)?),
            (None, Some(path)) => {
                let attenuated = |beam: Spectrum, layer: &Layer| beam.attenuated(&layer.material, layer.thickness_mm);
                Emission::Stated(layers.iter().try_fold(read_spectrum(path)?, attenuated)?)
            }
            _ => return Err(ProtocolError::value("beam", "of either kvp or spectrum", "both or none").into()),
        };
        if !(beam.mas > 0.0 && beam.mas.is_finite()) {
            return Err(ProtocolError::value("beam.mas", "positive and finite", beam.mas).into());
        }
        if beam.heel.is_some() && matches!(emission, Emission::Stated(_)) {
            return Err(ProtocolError::value("beam.heel", "absent with beam.spectrum", "a heel effect").into());
        }
        let air = beam.air.map(|_| Material::by_name("air")).transpose()?;
        let grid = grid.map(GridSection::grid).transpose()?;
        let energies = emission.central()?.energies_kev().to_vec();
        let responses = Responses::new(&energies, detector, steepest(geometry))?;
        Ok(Self { emission, heel: beam.heel.map(|heel| heel.cathode), mas: beam.mas, air, grid, responses })
    }

    /// Spectrum that reaches a point of the central ray at a distance from the source, in photons per mm² and exposure.
    ///
    /// # Errors
    /// [`PhysicsError`]; none at a positive distance.
    pub fn central_spectrum(&self, distance_mm: f64) -> Result<Spectrum, PhysicsError> {
        let spectrum = self.emission.central()?.scaled(self.mas * (METRE_MM / distance_mm).powi(2));
        match &self.air {
            Some(air) => spectrum.attenuated(air, distance_mm),
            None => Ok(spectrum),
        }
    }

    /// First and second moments of the signal of a photon of each bin of [`Self::central_spectrum`], on the central ray and behind the grid.
    ///
    /// # Errors
    /// [`PhysicsError`]; none for a beam that was made.
    pub fn central_moments(&self) -> Result<Vec<[f64; 2]>, PhysicsError> {
        let energies = self.emission.central()?.energies_kev().to_vec();
        let weakened = |(&energy_kev, moments): (&f64, [f64; 2])| {
            let passed = match &self.grid {
                Some(grid) => grid.transmission(energy_kev, [0.0, 0.0, 1.0])?,
                None => 1.0,
            };
            Ok(moments.map(|moment| passed * moment))
        };
        energies.iter().zip(self.moments_without_grid()).map(weakened).collect()
    }

    /// The same without the grid.
    #[must_use]
    pub fn moments_without_grid(&self) -> Vec<[f64; 2]> {
        let central = |moments: &[Moments; COSINES]| {
            let last = moments[COSINES - 1];
            [last.signal, last.signal_squared]
        };
        self.responses.moments.iter().map(central).collect()
    }

    /// The grid.
    #[must_use]
    pub fn grid(&self) -> Option<&physics::Grid> {
        self.grid.as_ref()
    }

    /// Mean and variance of the signal of a pixel in the detector's middle, in keV and keV².
    ///
    /// # Errors
    /// As [`Self::signal`].
    pub fn central_signal(&self, view: &View) -> Result<[f64; 2], TaskError> {
        Ok(self.moments_at(&Frame::new(view)?, view.detector_centre)?)
    }

    /// Mean signal of pixels of a view's detector in units of `unit_kev`, row by row, at the middles of `size` fields that cover it.
    ///
    /// # Errors
    /// [`TaskError`] where the anode cuts the beam off, or the source is not a point.
    pub fn signal(
        &self,
        view: &View,
        detector: [usize; 2],
        size: [usize; 2],
        unit_kev: f64,
    ) -> Result<Vec<f32>, TaskError> {
        let frame = Frame::new(view)?;
        let [columns, rows] = size;
        let points: [f64; POINTS] = std::array::from_fn(|k| (PI * (k as f64 + 0.5) / POINTS as f64).cos());
        let half = detector.map(|n| n as f64 / 2.0);
        let mut values = [[0.0; POINTS]; POINTS];
        for (row, v) in values.iter_mut().zip(points) {
            for (value, u) in row.iter_mut().zip(points) {
                let pixel = view.detector_centre + u * half[0] * view.u_step + v * half[1] * view.v_step;
                *value = self.moments_at(&frame, pixel)?[0] / unit_kev;
            }
        }
        let basis = |count: usize| -> Vec<[f64; POINTS]> {
            (0..count).map(|i| lagrange(&points, (2.0 * i as f64 + 1.0) / count as f64 - 1.0)).collect()
        };
        let (across, down) = (basis(columns), basis(rows));
        let mut signal = Vec::with_capacity(columns * rows);
        for row in &down {
            let line: [f64; POINTS] = std::array::from_fn(|k| (0..POINTS).map(|j| row[j] * values[j][k]).sum());
            signal.extend(
                across
                    .iter()
                    .map(|weights| weights.iter().zip(&line).map(|(weight, value)| weight * value).sum::<f64>() as f32),
            );
        }
        Ok(signal)
    }

    /// Air kerma at a point, in mGy and exposure, without what scatters back.
    ///
    /// # Errors
    /// [`PhysicsError`] where the anode cuts the beam off.
    pub fn air_kerma_mgy(&self, view: &View, point: DVec3) -> Result<f64, TaskError> {
        let frame = Frame::new(view)?;
        Ok(self.spectrum_at(&frame, point)?.air_kerma_mgy()?)
    }

    /// Spectrum at a point, across the ray to it.
    fn spectrum_at(&self, frame: &Frame, point: DVec3) -> Result<Spectrum, PhysicsError> {
        let [x, y, z] = frame.place(self.heel, point);
        let distance = (x * x + y * y + z * z).sqrt();
        let spectrum = match (&self.emission, self.heel) {
            (Emission::Tube(tube), Some(_)) => tube.spectrum_at([x, y, z])?,
            (emission, _) => emission.central()?.scaled((METRE_MM / distance).powi(2)),
        };
        let spectrum = spectrum.scaled(self.mas);
        match &self.air {
            Some(air) => spectrum.attenuated(air, distance),
            None => Ok(spectrum),
        }
    }

    /// First and second moments of the signal of the pixel at a point.
    fn moments_at(&self, frame: &Frame, pixel: DVec3) -> Result<[f64; 2], PhysicsError> {
        let spectrum = self.spectrum_at(frame, pixel)?;
        let ray = (pixel - frame.source).normalize();
        let cosine = ray.dot(frame.normal);
        let weights = lagrange(&self.responses.cosines, cosine);
        let direction = [ray.dot(frame.u), ray.dot(frame.v), cosine];
        let across = (pixel - frame.centre).dot(frame.u);
        let mut sums = [0.0; 2];
        let bins = spectrum.energies_kev().iter().zip(spectrum.fluence_per_mm2()).zip(&self.responses.moments);
        for ((&energy_kev, fluence), moments) in bins {
            let passed = match &self.grid {
                Some(grid) => grid.transmission_at(energy_kev, direction, across)?,
                None => 1.0,
            };
            let area = fluence * passed * cosine * frame.pixel_mm2;
            let sum = |of: fn(&Moments) -> f64| moments.iter().zip(weights).map(|(m, w)| w * of(m)).sum::<f64>();
            sums[0] += area * sum(|m| m.signal);
            sums[1] += area * sum(|m| m.signal_squared);
        }
        Ok(sums)
    }
}

#[cfg(feature = "io")]
fn read_spectrum(path: &std::path::Path) -> Result<Spectrum, TaskError> {
    Ok(Spectrum::read(path)?)
}

#[cfg(not(feature = "io"))]
fn read_spectrum(path: &std::path::Path) -> Result<Spectrum, TaskError> {
    Err(ProtocolError::value("beam.spectrum", "absent without the feature io", path.display()).into())
}

impl Emission {
    /// On the central ray at 1 m, in photons per mm² and mAs.
    fn central(&self) -> Result<Spectrum, PhysicsError> {
        match self {
            Self::Tube(tube) => tube.spectrum(),
            Self::Stated(spectrum) => Ok(spectrum.clone()),
        }
    }
}

impl Responses {
    fn new(
        energies_kev: &[f64],
        detector: Option<(&Detector, Weighting)>,
        steepest: f64,
    ) -> Result<Self, PhysicsError> {
        let cosines = [steepest, (1.0 + steepest) / 2.0, 1.0];
        let moments = energies_kev.iter().map(|&energy_kev| {
            let mut of_cosines = [Moments::default(); COSINES];
            for (moments, cosine) in of_cosines.iter_mut().zip(cosines) {
                *moments = match detector {
                    Some((detector, weighting)) => detector.moments(energy_kev, cosine, weighting)?,
                    None => {
                        let signal_squared = energy_kev * energy_kev;
                        Moments { incident: 1.0, interacting: 1.0, signal: energy_kev, signal_squared }
                    }
                };
            }
            Ok(of_cosines)
        });
        Ok(Self { cosines, moments: moments.collect::<Result<_, PhysicsError>>()? })
    }
}

/// Least cosine of a ray's angle to the detector's normal, slightly less so that points differ.
fn steepest(geometry: &Geometry) -> f64 {
    let [columns, rows] = geometry.detector().map(|n| n as f64);
    let mut least: f64 = 0.999;
    for view in geometry.views() {
        let normal = view.u_step.cross(view.v_step).normalize();
        for (i, j) in [(-0.5, -0.5), (columns, -0.5), (-0.5, rows), (columns, rows)] {
            least = least.min(view.ray(geometry.detector(), i, j).1.dot(normal).abs());
        }
    }
    least
}

/// Weights of Lagrange's polynomial through `points` at `at`.
fn lagrange<const N: usize>(points: &[f64; N], at: f64) -> [f64; N] {
    std::array::from_fn(|k| {
        let others = points.iter().enumerate().filter(|(j, _)| *j != k);
        others.map(|(_, other)| (at - other) / (points[k] - other)).product()
    })
}

/// Directions at the source and on the detector.
struct Frame {
    source: DVec3,
    centre: DVec3,
    /// Unit vectors along the detector's columns and rows, and from the source's side through it.
    u: DVec3,
    v: DVec3,
    normal: DVec3,
    pixel_mm2: f64,
}

impl Frame {
    fn new(view: &View) -> Result<Self, TaskError> {
        let Source::Point(source) = view.source else {
            return Err(
                ProtocolError::value("geometry", "one with a focal spot, to have a beam", "parallel rays").into()
            );
        };
        let across = view.u_step.cross(view.v_step);
        let towards = view.detector_centre - source;
        let normal = across.normalize() * across.dot(towards).signum();
        let (u, v) = (view.u_step.normalize(), view.v_step.normalize());
        Ok(Self { source, centre: view.detector_centre, u, v, normal, pixel_mm2: across.length() })
    }

    /// A point in the tube's frame: towards the cathode, across it, along the ray to the detector's middle.
    fn place(&self, cathode: Option<Side>, point: DVec3) -> [f64; 3] {
        let axis = (self.centre - self.source).normalize();
        let side = match cathode {
            Some(Side::PlusU) | None => self.u,
            Some(Side::MinusU) => -self.u,
            Some(Side::PlusV) => self.v,
            Some(Side::MinusV) => -self.v,
        };
        let x = (side - side.dot(axis) * axis).normalize();
        let ray = point - self.source;
        [ray.dot(x), ray.dot(axis.cross(x)), ray.dot(axis)]
    }
}

impl GridSection {
    /// The grid.
    ///
    /// # Errors
    /// [`PhysicsError`] for an unknown material, or a number that no grid has.
    pub fn grid(&self) -> Result<physics::Grid, PhysicsError> {
        let grid = physics::Grid::new(self.ratio, self.lines_per_cm, self.strip_mm)?;
        let grid = grid.with_strips(Material::find(&self.strip, &[])?);
        let grid = grid.with_interspace(Material::find(&self.interspace, &[])?);
        let covers: Result<Vec<Layer>, _> = self.covers.iter().map(|text| Layer::parse(text, &[])).collect();
        let grid = grid.with_covers(covers?)?;
        match self.focus_mm {
            Some(focus_mm) => grid.focused_at(focus_mm),
            None => Ok(grid),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Scan;

    const BEAM: &str = "kvp = 120\nfilter = ['al:3']\nmas = 2.0\nair = {}\nheel = { cathode = '+v' }";

    fn geometry(pixels: usize) -> Geometry {
        let pitch = 430.0 / pixels as f64;
        let scan = format!(
            "kind = 'radiograph'\nsource_isocentre_mm = 1600\nsource_detector_mm = 1800\n\
             detector = [{pixels}, {pixels}]\npitch_mm = [{pitch}, {pitch}]"
        );
        Scan::from_toml(&scan).unwrap().build().unwrap()
    }

    #[test]
    fn the_polynomial_is_the_sum_over_bins_at_every_pixel() {
        let geometry = geometry(41);
        let beam: Beam = toml::from_str(BEAM).unwrap();
        let grid: GridSection =
            toml::from_str("ratio = 10\nlines_per_cm = 40\nstrip_mm = 0.05\nfocus_mm = 1800").unwrap();
        let layer = Detector::new(physics::Converter::CaesiumIodide, 0.6, 0.8).unwrap();
        let open = OpenBeam::new(&beam, Some(&grid), Some((&layer, Weighting::Energy)), &geometry).unwrap();
        let view = &geometry.views()[0];
        let signal = open.signal(view, geometry.detector(), geometry.detector(), 1.0).unwrap();
        let frame = Frame::new(view).unwrap();
        for (i, j) in [(0, 0), (40, 0), (3, 17), (20, 20), (40, 40), (11, 33)] {
            let [want, _] = open.moments_at(&frame, view.pixel_mm([41, 41], i as f64, j as f64)).unwrap();
            let got = f64::from(signal[j * 41 + i]);
            // The emission's table is linear between its angles, a polynomial is not.
            assert!((got / want - 1.0).abs() < 5e-4, "({i}, {j}): {got} {want}");
        }
        // The side of the anode gets less.
        assert!(signal[20] < 0.93 * signal[40 * 41 + 20]);
    }

    #[test]
    fn signal_is_linear_in_the_load_and_falls_with_the_square_of_the_distance() {
        let geometry = geometry(3);
        let view = geometry.views()[0];
        let beam =
            |load: f64| -> Beam { toml::from_str(&format!("kvp = 80\nfilter = ['al:3']\nmas = {load}")).unwrap() };
        let at = |load: f64, point: DVec3| {
            let open = OpenBeam::new(&beam(load), None, None, &geometry).unwrap();
            open.air_kerma_mgy(&view, point).unwrap()
        };
        let (near, far) = (DVec3::new(0.0, -600.0, 0.0), DVec3::new(0.0, 400.0, 0.0));
        assert!((at(3.0, near) / at(1.0, near) - 3.0).abs() < 1e-12);
        assert!((at(1.0, near) / at(1.0, far) - 4.0).abs() < 1e-12);
    }

    #[test]
    fn a_detector_beyond_the_cut_off_is_refused() {
        let mut beam: Beam = toml::from_str(BEAM).unwrap();
        beam.anode_deg = 6.0;
        let geometry = geometry(3);
        let open = OpenBeam::new(&beam, None, None, &geometry).unwrap();
        let message = open.signal(&geometry.views()[0], [3, 3], [3, 3], 1.0).unwrap_err().to_string();
        assert!(message.contains("below which the anode cuts off"), "{message}");
    }
}
