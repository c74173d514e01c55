use std::{ops::Range, sync::Arc};

use super::{
    Exposure, OpenBeam, PlacedNodule, Protocol, ProtocolError,
    hardening::{WaterCurve, water_per_mm},
    patient::Bodies,
    regions::Target,
    sections::{Collimator, FocalSpot},
};
use crate::{
    body::{Body, Inclusion},
    data::{Grid, Projections, Unit, Volume},
    engine::{Extent, Graph, Output, Outputs},
    geometry::{Geometry, Source, View},
    kernels::{detector::DetectorSettings, fdk::ramp::Window, pointwise::curve},
    parallel::*,
    physics::{GridFactors, Material, Quadrature, Spectrum},
    tasks::{Fdk, FdkOptions, Recorded, TaskError, WATER_PER_MM},
};

/// Thickness of water behind which a spectrum is shown, in millimetres.
const SHOWN_WATER_MM: f64 = 200.0;

/// A patient before a beam: all that the images of a case are made of.
#[derive(Clone, Debug)]
pub struct Case {
    protocol: Protocol,
    pub(super) seed: u64,
    /// Source and detector as they stand in the room, and as the body sees them.
    room: Geometry,
    pub(super) geometry: Geometry,
    pub(super) object: Object,
}

/// What the rays pass.
#[derive(Clone, Debug)]
pub(super) enum Object {
    /// Attenuation at one energy, without a beam.
    Plain(Volume),
    /// Materials in a beam.
    Irradiated(Box<Irradiated>),
}

/// A body and its beam.
#[derive(Clone, Debug)]
pub(super) struct Irradiated {
    pub(super) body: Body,
    /// The same in the larger voxels that are enough for scattered photons.
    pub(super) coarse: Option<Arc<Body>>,
    /// The same in voxels for dose, and what is asked for.
    pub(super) target: Option<Target>,
    /// What was put into it.
    pub(super) inclusions: Vec<Inclusion>,
    /// Nodules, put in or not; none where the protocol has no word of them.
    pub(super) nodules: Option<Vec<PlacedNodule>>,
    pub(super) open: OpenBeam,
    /// First and second moment of the signal behind the body's materials, over those of the open beam.
    pub(super) mean: Quadrature,
    pub(super) squares: Quadrature,
    /// The signal behind water alone.
    water: Quadrature,
    /// Mean and variance of the signal of a pixel in the detector's middle in the open beam, in keV and keV².
    pub(super) central: [f64; 2],
}

/// An image of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// Counts as the detector reads them out, or its signals over that of the open beam where it reads none; not without a detector.
    Raw,
    /// Line integrals after the correction with flat and dark fields.
    Integrals,
    /// Mean signal of photons that were not scattered, in keV.
    Primary,
    /// Mean signal of scattered photons, in keV.
    Scatter,
    /// Path through each material, in mm.
    Thickness,
    /// Path through what was put into the body, in mm: its mask, projected.
    Inserts,
}

/// Scattered radiation of a case's views, on few pixels that cover the detector.
#[derive(Clone, Debug, PartialEq)]
pub struct ScatterMap {
    /// Columns and rows.
    pub size: [usize; 2],
    /// Mean signal for a pixel of the detector, over that of the open beam in the middle: views one behind the other, row by row.
    pub values: Vec<f32>,
    /// Variance over mean of that signal, over that of the open beam.
    pub quantum: f64,
    /// Shares of primary and scattered signal that the grid lets pass.
    pub grid: Option<GridFactors>,
    /// What is known of it where photons were followed one by one.
    pub followed: Option<FollowedScatter>,
}

/// Errors and kinds of scatter, of photons that were followed one by one.
#[derive(Clone, Debug, PartialEq)]
pub struct FollowedScatter {
    /// Standard errors of the map's values, in their unit and order: those that are left of the errors of single pixels, which are
    /// independent, behind the Gaussian that the map was smoothed with. What the Gaussian does to scatter itself is not among them.
    pub errors: Vec<f32>,
    /// Standard error of a pixel of the map over the mean: root of the mean square, of the view with the largest.
    pub error: f64,
    /// Shares of the scattered signal, mean over the detector and without the grid, of photons that were scattered once incoherently, once
    /// coherently, and more than once.
    pub shares: [f64; 3],
}

impl ScatterMap {
    pub(super) fn extent(&self, views: usize) -> Extent {
        Extent::new(views, self.size[1], self.size[0])
    }

    pub(super) fn views(&self, views: Range<usize>) -> &[f32] {
        let pixels = self.size[0] * self.size[1];
        &self.values[views.start * pixels..views.end * pixels]
    }
}

impl Part {
    /// All parts.
    pub const ALL: [Self; 6] =
        [Self::Raw, Self::Integrals, Self::Primary, Self::Scatter, Self::Thickness, Self::Inserts];

    /// Name, which is that of its file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Integrals => "integrals",
            Self::Primary => "primary",
            Self::Scatter => "scatter",
            Self::Thickness => "thickness",
            Self::Inserts => "inserts",
        }
    }

    /// Unit of its values.
    #[must_use]
    pub fn unit(self) -> Unit {
        match self {
            Self::Raw => Unit::Counts,
            Self::Integrals => Unit::LineIntegral,
            Self::Primary | Self::Scatter => Unit::Kiloelectronvolt,
            Self::Thickness | Self::Inserts => Unit::Millimetre,
        }
    }
}

impl Case {
    /// The case of a CT in Hounsfield units, or of none where the protocol names a phantom; what is random in it depends on `seed`
    /// alone.
    ///
    /// # Errors
    /// [`TaskError`] when the CT or the protocol cannot be used.
    pub fn new(protocol: &Protocol, ct: impl Into<Option<Volume>>, seed: u64) -> Result<Self, TaskError> {
        let room = protocol.geometry.build()?;
        let prepared = protocol.patient.prepared(ct.into())?;
        let geometry = protocol.patient.position.seen_by_patient(&room)?;
        geometry.outside(prepared.grid())?;
        let object = match &protocol.beam {
            None => Object::Plain(prepared.into_volume()?),
            Some(beam) => {
                let layer = protocol.detector.as_ref().map(DetectorSettings::layer).transpose()?;
                let weighting = protocol.detector.as_ref().map(|detector| detector.converter.weighting);
                let open = OpenBeam::new(beam, protocol.grid.as_ref(), layer.as_ref().zip(weighting), &room)?;
                let coarse_mm = protocol.scatter.map(|scatter| scatter.voxel_mm);
                let bodies = protocol.patient.bodies(&prepared, coarse_mm, protocol.dose.as_ref(), seed)?;
                drop(prepared);
                Object::Irradiated(Box::new(Irradiated::new(bodies, open, &room)?))
            }
        };
        Ok(Self { protocol: protocol.clone(), seed, room, geometry, object })
    }

    /// The protocol.
    #[must_use]
    pub fn protocol(&self) -> &Protocol {
        &self.protocol
    }

    /// Source and detector as they stand in the room.
    #[must_use]
    pub fn room(&self) -> &Geometry {
        &self.room
    }

    /// Number of the body's materials; none without a beam.
    #[must_use]
    pub fn materials(&self) -> usize {
        match &self.object {
            Object::Plain(_) => 0,
            Object::Irradiated(irradiated) => irradiated.body.materials().len(),
        }
    }

    /// The same case with its first view alone.
    ///
    /// # Errors
    /// [`TaskError`]; none for a case that was made.
    pub fn first_view(&self) -> Result<Self, TaskError> {
        let first = |geometry: &Geometry| Geometry::new(geometry.detector(), geometry.views()[..1].to_vec());
        Ok(Self { room: first(&self.room)?, geometry: first(&self.geometry)?, ..self.clone() })
    }

    /// Spectrum on the central ray at the detector, without the patient and behind 200 mm of water; none without a beam.
    ///
    /// # Errors
    /// [`TaskError`]; none for a case that was made.
    pub fn spectra(&self) -> Result<Option<(Spectrum, Spectrum)>, TaskError> {
        let Object::Irradiated(irradiated) = &self.object else { return Ok(None) };
        let before = irradiated.open.central_spectrum(source_detector_mm(&self.room.views()[0])?)?;
        let behind = before.clone().attenuated(&Material::by_name("water")?, SHOWN_WATER_MM)?;
        Ok(Some((before, behind)))
    }

    /// Mean and variance of the signal of a pixel in the detector's middle in the open beam, in keV and keV².
    ///
    /// # Errors
    /// [`ProtocolError`] without a beam.
    pub fn central_signal(&self) -> Result<[f64; 2], TaskError> {
        match &self.object {
            Object::Plain(_) => Err(ProtocolError::value("beam", "part of the protocol", "none").into()),
            Object::Irradiated(irradiated) => Ok(irradiated.central),
        }
    }

    /// Standard errors of a scatter map at its own pixels, in keV for a pixel of the detector, as the image of scatter has it; nothing
    /// where no photons were followed.
    ///
    /// # Errors
    /// [`TaskError`]; none for a map of this case.
    pub fn scatter_errors(&self, scatter: &ScatterMap) -> Result<Option<Projections>, TaskError> {
        let Some(followed) = &scatter.followed else { return Ok(None) };
        let [unit_kev, _] = self.central_signal()?;
        let ([columns, rows], [u_mm, v_mm]) = (self.room.detector(), self.room.pitch_mm());
        let pitch_mm = [u_mm * columns as f64 / scatter.size[0] as f64, v_mm * rows as f64 / scatter.size[1] as f64];
        let values = followed.errors.iter().map(|error| error * unit_kev as f32).collect();
        let views = self.room.views().len();
        Ok(Some(Projections::new(views, scatter.size, pitch_mm, Unit::Kiloelectronvolt, values)?))
    }

    /// Records the images `parts`; `scatter` is what scattered photons add.
    ///
    /// # Errors
    /// [`TaskError`] when the images cannot be made.
    pub fn exposure<'a>(&'a self, scatter: Option<&'a ScatterMap>, parts: &[Part]) -> Result<Exposure<'a>, TaskError> {
        Exposure::new(self, scatter, parts)
    }

    /// Records the correction of beam hardening, or nothing but a copy where the protocol has none; nothing where it reconstructs nothing.
    ///
    /// # Errors
    /// [`TaskError`]; none for the line integrals of this case.
    pub fn straightened<'a>(&self, integrals: &'a Projections) -> Result<Option<Straightened<'a>>, TaskError> {
        let Some(reconstruction) = &self.protocol.reconstruction else { return Ok(None) };
        let curve = match (&self.object, reconstruction.water_correction) {
            (Object::Irradiated(irradiated), Some(_)) => Some(WaterCurve::new(&irradiated.water)),
            _ => None,
        };
        Ok(Some(Straightened::new(integrals, curve.as_ref())))
    }

    /// Records the reconstruction of line integrals that were [straightened](Self::straightened).
    ///
    /// # Errors
    /// [`TaskError`] when the protocol has none, or the scan cannot be reconstructed.
    pub fn reconstruction(&self, straight: Projections) -> Result<Fdk<'static>, TaskError> {
        let Some(reconstruction) = &self.protocol.reconstruction else {
            return Err(ProtocolError::value("reconstruction", "part of the protocol", "none").into());
        };
        let window = match &reconstruction.window {
            None => Window::default(),
            Some(name) => {
                let found = Window::NAMES.into_iter().find(|(known, _)| known == name);
                let allowed = || Window::NAMES.map(|(name, _)| name).join(", ");
                found
                    .ok_or_else(|| {
                        ProtocolError::value("reconstruction.window", format!("one of {}", allowed()), name)
                    })?
                    .1
            }
        };
        let options = FdkOptions {
            window,
            cutoff: reconstruction.cutoff,
            margin: reconstruction.margin,
            slice_mm: reconstruction.slice_mm,
        };
        Fdk::new(straight, &self.protocol.geometry, &reconstruction.grid, options)
    }

    /// A reconstruction in mm⁻¹ as CT numbers: 0 for water as the beam sees it.
    ///
    /// # Errors
    /// [`TaskError`]; none for a reconstruction.
    pub fn hounsfield(&self, reconstruction: Volume) -> Result<Volume, TaskError> {
        let water = match &self.object {
            Object::Plain(_) => f64::from(WATER_PER_MM),
            Object::Irradiated(irradiated) => water_per_mm(&irradiated.water),
        } as f32;
        let grid = *reconstruction.grid();
        let mut values = reconstruction.into_values();
        values.iter_mut().for_each(|value| *value = (*value / water - 1.0) * 1000.0);
        Ok(Volume::new(grid, Unit::Hounsfield, values)?)
    }

    /// Distance from the first view's source at which its central ray enters the body's box, in millimetres; that of the detector where
    /// it does not.
    pub(super) fn entrance_mm(&self) -> f64 {
        let (view, grid) = (&self.geometry.views()[0], self.grid());
        let Source::Point(source) = view.source else { return 0.0 };
        let distance = (view.detector_centre - source).length();
        let from = grid.index_of(source);
        let step = (grid.index_of(view.detector_centre) - from) / distance;
        let [mut enters, mut leaves] = [0.0, distance];
        for axis in 0..3 {
            let faces = [-0.5, grid.size()[axis] as f64 - 0.5].map(|face| (face - from[axis]) / step[axis]);
            // A ray along the faces has infinities here, or what is not a number on a face itself, which changes nothing.
            enters = faces[0].min(faces[1]).max(enters);
            leaves = faces[0].max(faces[1]).min(leaves);
        }
        if enters < leaves { enters } else { distance }
    }

    /// Blades of the collimator.
    pub(super) fn collimator(&self) -> Option<&Collimator> {
        self.protocol.beam.as_ref().and_then(|beam| beam.collimator.as_ref())
    }

    fn grid(&self) -> &Grid {
        match &self.object {
            Object::Plain(volume) => volume.grid(),
            Object::Irradiated(irradiated) => irradiated.body.grid(),
        }
    }

    /// Sources of the focal spot, by their shifts from its middle in units of its view's directions along u and v, in millimetres.
    pub(super) fn focal_spot(&self) -> Vec<[f64; 2]> {
        let Some(FocalSpot { size_mm, samples }) = self.protocol.focal_spot else { return vec![[0.0; 2]] };
        let place = |axis: usize, k: usize| ((k as f64 + 0.5) / samples[axis] as f64 - 0.5) * size_mm[axis];
        (0..samples[1]).flat_map(|v| (0..samples[0]).map(move |u| [place(0, u), place(1, v)])).collect()
    }
}

impl Irradiated {
    fn new(bodies: Bodies, open: OpenBeam, room: &Geometry) -> Result<Self, TaskError> {
        let Bodies { body, coarse, target, inclusions, nodules } = bodies;
        let spectrum = open.central_spectrum(source_detector_mm(&room.views()[0])?)?;
        let moments = open.central_moments()?;
        let [first, second]: [Vec<f64>; 2] = [0, 1].map(|k| moments.iter().map(|moments| moments[k]).collect());
        let longest = longest_mm(&body);
        let water = Quadrature::of_bins(&spectrum, &first, &[Material::by_name("water")?])?;
        let reduced = |response: &[f64]| -> Result<Quadrature, TaskError> {
            Ok(Quadrature::of_bins(&spectrum, response, body.materials())?.reduced(&longest)?.0)
        };
        let both: Vec<_> = [&first, &second].into_par_iter().map(|response| reduced(response)).collect();
        let both: Result<Vec<Quadrature>, TaskError> = both.into_iter().collect();
        let [mean, squares] = both?.try_into().unwrap_or_else(|_| unreachable!("two responses"));
        let central = open.central_signal(&room.views()[0])?;
        Ok(Self { mean, squares, water, central, open, body, coarse, target, inclusions, nodules })
    }
}

/// Longest path through each material: the body's diagonal at its densest.
fn longest_mm(body: &Body) -> Vec<f64> {
    let diagonal = body.grid().extent_mm().length();
    let materials = body.materials().len();
    let mut densest = vec![0.0_f32; materials];
    for row in body.compositions().chunks_exact(materials) {
        densest.iter_mut().zip(row).for_each(|(most, fraction)| *most = most.max(*fraction));
    }
    densest.into_iter().map(|fraction| f64::from(fraction) * diagonal).collect()
}

pub(super) fn source_detector_mm(view: &View) -> Result<f64, TaskError> {
    match view.source {
        Source::Point(source) => Ok((view.detector_centre - source).length()),
        Source::Direction(_) => Err(ProtocolError::value("geometry", "one with a focal spot", "parallel rays").into()),
    }
}

/// Line integrals corrected for beam hardening: recorded.
pub struct Straightened<'a> {
    graph: Graph<'a>,
    integrals: &'a Projections,
    output: Output<f32>,
}

impl<'a> Straightened<'a> {
    fn new(integrals: &'a Projections, water: Option<&WaterCurve>) -> Self {
        let [columns, rows] = integrals.detector();
        let mut graph = Graph::new();
        let extent = Extent::new(integrals.views(), rows, columns);
        let values = graph.upload("simulate.integrals", extent, integrals.values());
        let values = match water {
            Some(WaterCurve { points, step }) => curve::record(&mut graph, points, *step, values),
            None => values,
        };
        let output = graph.result(values);
        Self { graph, integrals, output }
    }
}

impl Recorded for Straightened<'_> {
    type Result = Projections;

    fn graph(&self) -> &Graph<'_> {
        &self.graph
    }

    fn finish(&self, mut outputs: Outputs) -> Result<Projections, TaskError> {
        let integrals = self.integrals;
        let values = outputs.take(self.output)?;
        Ok(Projections::new(integrals.views(), integrals.detector(), integrals.pitch_mm(), Unit::LineIntegral, values)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        engine::{Control, Device, Plan},
        phantom::by_name,
        tasks::simulate::{Exposed, ProtocolText},
    };

    fn run<T: Recorded>(task: &T) -> T::Result {
        let device = Device::cpu();
        let plan = Plan::new(task.graph(), device.limits()).unwrap();
        let outputs = pollster::block_on(device.run(&plan, &Control::default())).unwrap();
        task.finish(outputs).unwrap()
    }

    /// Water cylinder of 200 mm in a cone beam of 120 kV, without scatter and noise.
    const CYLINDER: &str = "\
        [geometry]\nkind = 'cone-circular'\nsource_isocentre_mm = 1000\nsource_detector_mm = 1500\nviews = 720\n\
        detector = [160, 5]\npitch_mm = [2.4, 2.4]\n\
        [beam]\nkvp = 120\nfilter = ['al:7.0']\nmas = 0.5\n\
        [reconstruction]\ngrid = '96x96x1@2.4x2.4x2.4'\nwindow = 'hann'\n";

    /// CT numbers of the cylinder by their distance from its axis, in mm.
    fn cylinder(more: &str) -> Vec<(f64, f32)> {
        let protocol = ProtocolText::from_toml(&format!("{CYLINDER}{more}")).unwrap().draw(1).unwrap();
        let grid = Grid::centred([220, 220, 5], [1.0, 1.0, 4.0]).unwrap();
        let body = Body::from_phantom(&by_name("water-cylinder", 0).unwrap(), &grid, 4).unwrap();
        let room = protocol.geometry.build().unwrap();
        let open = OpenBeam::new(protocol.beam.as_ref().unwrap(), None, None, &room).unwrap();
        let bodies = Bodies { body, coarse: None, target: None, inclusions: Vec::new(), nodules: None };
        let irradiated = Irradiated::new(bodies, open, &room).unwrap();
        let object = Object::Irradiated(Box::new(irradiated));
        let case = Case { protocol, seed: 1, geometry: room.clone(), room, object };
        let exposed = run(&case.exposure(None, &[Part::Integrals]).unwrap());
        let straight = run(&case.straightened(exposed.stack(Part::Integrals).unwrap()).unwrap().unwrap());
        let volume = case.hounsfield(run(&case.reconstruction(straight).unwrap())).unwrap();
        let distance = |at: usize| [at % 96, at / 96].map(|k| (k as f64 - 47.5) * 2.4);
        let by_distance = |(at, value): (usize, &f32)| (f64::hypot(distance(at)[0], distance(at)[1]), *value);
        volume.values().iter().enumerate().map(by_distance).collect()
    }

    #[test]
    #[cfg_attr(not(feature = "parallel"), ignore = "takes a minute on one thread")]
    fn water_has_the_ct_number_0_when_the_beams_hardening_is_corrected() {
        let worst = |values: &[(f64, f32)]| {
            values.iter().filter(|(mm, _)| *mm < 90.0).map(|(_, hu)| hu.abs()).fold(0.0, f32::max)
        };
        let corrected = worst(&cylinder("[reconstruction.water_correction]\n"));
        assert!(corrected < 5.0, "{corrected} HU");
        // A control: without the correction there is cupping.
        let cupped = cylinder("");
        let mean = |from: f64, to: f64| {
            let ring: Vec<f32> =
                cupped.iter().filter(|(mm, _)| (from..to).contains(mm)).map(|(_, value)| *value).collect();
            ring.iter().sum::<f32>() / ring.len() as f32
        };
        let cupping = mean(80.0, 90.0) - mean(0.0, 20.0);
        assert!(cupping > 10.0, "{cupping} HU");
    }

    /// A radiograph of a phantom in a cone beam.
    const PHANTOM: &str = "\
        [geometry]\nkind = 'radiograph'\nsource_isocentre_mm = 900\nsource_detector_mm = 1100\n\
        detector = [64, 48]\npitch_mm = [5.0, 6.0]\n[beam]\nkvp = 100\nmas = 0.1\n";

    #[test]
    fn a_water_cylinder_is_as_thick_as_its_shape() {
        let text = format!("{PHANTOM}[patient]\nphantom = {{ name = 'water-cylinder', voxel_mm = 2.5, points = 4 }}\n");
        let protocol = ProtocolText::from_toml(&text).unwrap().draw(1).unwrap();
        let case = Case::new(&protocol, None, 1).unwrap();
        let exposed = run(&case.exposure(None, &[Part::Thickness]).unwrap());
        let exact = by_name("water-cylinder", 0).unwrap().project(case.room()).unwrap();
        let exact = exact.values().iter().map(|integral| f64::from(*integral) / crate::phantom::tissue::WATER);
        let pairs: Vec<(f64, f64)> =
            exposed.stack(Part::Thickness).unwrap().values().iter().map(|mm| f64::from(*mm)).zip(exact).collect();
        let through: Vec<_> = pairs.iter().filter(|(_, exact)| *exact > 20.0).collect();
        assert!(through.len() > 1000 && through.iter().any(|(_, exact)| *exact > 190.0));
        let mean = through.iter().map(|(mm, exact)| mm - exact).sum::<f64>() / through.len() as f64;
        assert!(mean.abs() < 0.05, "{mean} mm");
        // A ray along the mantle has a chord of up to √(8·100·1.25) mm in the voxels that the surface crosses.
        let worst = pairs.iter().map(|(mm, exact)| (mm - exact).abs()).fold(0.0, f64::max);
        assert!(worst < 32.0, "{worst} mm");
        let rms = (through.iter().map(|(mm, exact)| (mm - exact).powi(2)).sum::<f64>() / through.len() as f64).sqrt();
        assert!(rms < 1.0, "{rms} mm");
    }

    #[test]
    fn phantoms_have_inserts_scatter_and_bones_to_be_taken_out() {
        let case = |more: &str| {
            let text = format!("{PHANTOM}[scatter]\nmodel = 'fast'\nvoxel_mm = 12\n[patient]\n{more}");
            Case::new(&ProtocolText::from_toml(&text).unwrap().draw(5).unwrap(), None, 5)
        };
        let chest = "phantom = { name = 'chest', seed = { from = 1, to = 1000 }, voxel_mm = 6 }\n";
        let images = |more: &str| {
            let case = case(&format!("{chest}{more}")).unwrap();
            let scatter = case.scatter().unwrap().unwrap();
            let map =
                pollster::block_on(crate::tasks::Task::run(&scatter, &Device::cpu(), &Control::default())).unwrap();
            assert!(map.values.iter().all(|value| *value > 0.0));
            let parts = [Part::Integrals, Part::Inserts, Part::Thickness];
            run(&case.exposure(Some(&map), &parts).unwrap())
        };
        let bone = |exposed: &Exposed| {
            let of_bone = exposed.named().filter(|(_, name, _)| name.ends_with("-bone"));
            of_bone.flat_map(|(.., stack)| stack.values()).fold(0.0_f32, |most, mm| most.max(*mm))
        };
        let whole = images("inserts = [{ form = { ball = { diameter_mm = 20 } }, density_g_cm3 = 1.05 }]\n");
        let widest = whole.stack(Part::Inserts).unwrap().values().iter().copied().fold(0.0, f32::max);
        assert!((15.0..22.0).contains(&widest) && bone(&whole) > 20.0, "{widest} mm, {} mm", bone(&whole));
        assert_eq!(bone(&images("bone = 'soft-tissue'\n")), 0.0);
        let refused = |more: &str| case(more).unwrap_err().to_string();
        assert_eq!(refused(""), "patient.phantom must be there without a CT, got none");
        let grid = Grid::centred([2, 2, 2], [10.0; 3]).unwrap();
        let text = format!("{PHANTOM}[patient]\n{chest}");
        let protocol = ProtocolText::from_toml(&text).unwrap().draw(5).unwrap();
        let both = Case::new(&protocol, Volume::zeros(grid, Unit::Hounsfield), 1).unwrap_err().to_string();
        assert_eq!(both, "patient.phantom must be absent beside a CT, got chest");
    }

    /// A radiograph of soft tissue with a bone at the patient's left.
    const RADIOGRAPH: &str = "\
        [geometry]\nkind = 'radiograph'\nsource_isocentre_mm = 900\nsource_detector_mm = 1000\n\
        detector = [40, 16]\npitch_mm = [4.0, 4.0]\n\
        [beam]\nkvp = 100\nfilter = ['al:3.0']\nmas = 0.05\n\
        [detector]\npitch_mm = 1.0\nbinning = 4\n";

    #[test]
    fn soft_tissue_in_place_of_bone_leaves_the_noise_elsewhere_as_it_is() {
        let raw = |bone: &str, seed: u64| {
            let text = format!("{RADIOGRAPH}[patient]\nbone = '{bone}'\n");
            let protocol = ProtocolText::from_toml(&text).unwrap().draw(1).unwrap();
            let grid = Grid::centred([40, 10, 20], [4.0, 10.0, 4.0]).unwrap();
            let hu = |at: usize| if (30..34).contains(&(at % 40)) { 900.0 } else { 40.0 };
            let ct = Volume::new(grid, Unit::Hounsfield, (0..8000).map(hu).collect()).unwrap();
            let case = Case::new(&protocol, ct, seed).unwrap();
            run(&case.exposure(None, &[Part::Raw]).unwrap()).stack(Part::Raw).unwrap().values().to_vec()
        };
        let (with, without, other) = (raw("bone", 1), raw("soft-tissue", 1), raw("bone", 2));
        // Where the rays pass no bone, on the side away from it; where they do.
        let worst = |a: &[f32], b: &[f32], columns: Range<usize>| {
            let in_columns =
                |(at, pair): (usize, (&f32, &f32))| columns.contains(&(at % 40)).then(|| (pair.0 - pair.1).abs());
            a.iter().zip(b).enumerate().filter_map(in_columns).fold(0.0, f32::max)
        };
        let [beside, behind, drawn] =
            [worst(&with, &without, 4..20), worst(&with, &without, 30..34), worst(&with, &other, 4..20)];
        assert!(beside < 0.1 * drawn && drawn < behind, "{beside}, {drawn}, {behind} counts");
    }
}
