use std::ops::Range;

use super::{
    Case, Part, ScatterMap,
    case::{Irradiated, Object},
};
use crate::{
    body::COVERAGE_STEPS,
    data::{Projections, Unit},
    engine::{Buffer, Extent, Graph, Output, Outputs, Shared},
    geometry::{Geometry, Source, View},
    kernels::{
        beam::{enlarge, signal},
        detector::{Chain, DetectorSettings, Open, Recorded as Read},
        pointwise::{line_integral, multiply, scale_add},
        project::{Projector, Sampling, Thicknesses},
    },
    parallel::*,
    tasks::{Projection, Recorded, TaskError, batch::batches},
};

/// The images of a case, view by view: recorded, to be planned and run.
pub struct Exposure<'a> {
    graph: Graph<'a>,
    geometry: &'a Geometry,
    /// Names of the materials.
    materials: Vec<String>,
    outputs: Vec<(Part, Output<f32>)>,
    /// Signal of the open beam in the detector's middle.
    unit_kev: f32,
    /// Whether raw images are digits, and not signals over the open beam's.
    is_read_out: bool,
}

/// Most pixels along a side of the map of the open beam.
const OPEN_PIXELS: usize = 64;
/// Least transmission of which a logarithm is taken without a detector.
const FLOOR: f32 = 1e-9;

/// Images of a case.
#[derive(Clone, Debug, PartialEq)]
pub struct Exposed {
    images: Vec<(Part, String, Projections)>,
}

impl Exposed {
    /// The images, with names for their files.
    pub fn named(&self) -> impl Iterator<Item = (Part, &str, &Projections)> {
        self.images.iter().map(|(part, name, stack)| (*part, name.as_str(), stack))
    }

    /// The image of a part, the first material's where there are several; none where it was not asked for, or is not there.
    #[must_use]
    pub fn stack(&self, part: Part) -> Option<&Projections> {
        self.images.iter().find(|image| image.0 == part).map(|image| &image.2)
    }
}

impl Case {
    /// The detector, for images of so many columns and rows of the beam's middle or of a whole `field`; none where there is none.
    pub(super) fn chain(
        &self,
        irradiated: &Irradiated,
        graph: &mut Graph<'_>,
        size: [usize; 2],
        field: Option<[Buffer<f32>; 2]>,
    ) -> Result<Option<Chain>, TaskError> {
        let Some(settings) = &self.protocol().detector else { return Ok(None) };
        let settings = DetectorSettings { seed: settings.seed ^ self.seed, ..settings.clone() };
        let [mean, variance] = irradiated.central;
        let pixels = f64::from(settings.binning * settings.binning);
        let open = Open { size: size.map(|n| n as u32), quanta: mean * mean / variance / pixels, field };
        Ok(Some(Chain::new(graph, &settings, &open)?))
    }
}

impl<'a> Exposure<'a> {
    pub(super) fn new(case: &'a Case, scatter: Option<&'a ScatterMap>, parts: &[Part]) -> Result<Self, TaskError> {
        let geometry = &case.geometry;
        match &case.object {
            Object::Plain(volume) => {
                let mut graph = Graph::new();
                let integrals = Projection::record(&mut graph, Sampling::Siddon, volume, geometry)?;
                let is_asked = parts.contains(&Part::Integrals);
                let outputs = is_asked.then_some((Part::Integrals, integrals)).into_iter().collect();
                Ok(Self { graph, geometry, materials: Vec::new(), outputs, unit_kev: 1.0, is_read_out: false })
            }
            Object::Irradiated(irradiated) => Self::irradiated(case, irradiated, scatter, parts),
        }
    }

    fn irradiated(
        case: &'a Case,
        irradiated: &'a Irradiated,
        scatter: Option<&'a ScatterMap>,
        parts: &[Part],
    ) -> Result<Self, TaskError> {
        let geometry = &case.geometry;
        let [columns, rows] = geometry.detector();
        let materials: Vec<String> = irradiated.body.materials().iter().map(|m| m.name().to_owned()).collect();
        let mut graph = Graph::new();
        let thicknesses = Thicknesses::new(&mut graph, &irradiated.body);
        let is_there = |part: &&Part| match part {
            Part::Raw => case.protocol().detector.is_some(),
            Part::Scatter => scatter.is_some(),
            Part::Inserts => !irradiated.inclusions.is_empty(),
            _ => true,
        };
        let length = |part: Part| geometry.value_count() * if part == Part::Thickness { materials.len() } else { 1 };
        let asked = parts.iter().filter(is_there);
        let outputs: Vec<_> = asked.map(|part| (*part, graph.output(part.name(), length(*part)))).collect();
        let inserts = outputs.iter().any(|(part, _)| *part == Part::Inserts).then(|| {
            let grid = irradiated.body.grid();
            let mut coverage = vec![0.0_f32; grid.voxel_count()];
            for inclusion in &irradiated.inclusions {
                inclusion.voxels.iter().for_each(|(at, covered)| coverage[*at] = coverage[*at].max(share(*covered)));
            }
            let [nx, ny, nz] = grid.size();
            let volume = graph.upload_shared("simulate.inserts", Extent::new(nz, ny, nx), Shared::new(coverage));
            Projector::new(&mut graph, Sampling::Siddon, geometry, grid, volume)
        });
        let opening = Opening::new(case, irradiated)?;
        let field = case.protocol().detector.as_ref().map(|_| opening.field(&mut graph, geometry.detector()));
        let chain = case.chain(irradiated, &mut graph, geometry.detector(), field.map(|flat| [flat, flat]))?;
        for batch in batches(geometry, columns * rows * materials.len(), usize::MAX)? {
            let open = opening.of_views(&mut graph, batch.views.clone(), geometry.detector());
            let seen = irradiate(&mut graph, case, irradiated, &thicknesses, &batch.geometry)?;
            let [primary, squares] =
                [seen.mean, seen.squares].map(|transmission| multiply::record(&mut graph, open, transmission));
            let (signal, spread, scattered) = match scatter {
                Some(map) => {
                    let extent = map.extent(batch.views.len());
                    let coarse = graph.upload("simulate.scatter", extent, map.views(batch.views.clone()));
                    let fine = enlarge::record(&mut graph, coarse, geometry.detector());
                    let signal = scale_add::record(&mut graph, 1.0, primary, 1.0, fine);
                    let spread = scale_add::record(&mut graph, 1.0, squares, map.quantum as f32, fine);
                    (signal, spread, Some(fine))
                }
                None => (primary, squares, None),
            };
            let first_view = batch.views.start as u32;
            let (raw, integrals) = match &chain {
                Some(chain) => {
                    let Read { raw, integrals } = chain.record(&mut graph, signal, Some(spread), first_view);
                    (raw, opening.levelled(&mut graph, batch.views.clone(), geometry.detector(), integrals))
                }
                None => {
                    let [behind, open] = [signal, open].map(|signal| line_integral::record(&mut graph, FLOOR, signal));
                    (signal, scale_add::record(&mut graph, 1.0, behind, -1.0, open))
                }
            };
            let first = batch.elements().start;
            for (part, output) in &outputs {
                let (image, times) = match part {
                    Part::Primary => (primary, 1),
                    Part::Scatter => (scattered.unwrap_or(primary), 1),
                    Part::Thickness => (seen.thickness, materials.len()),
                    Part::Inserts => {
                        let path = graph.buffer("simulate.path", Extent::new(batch.views.len(), rows, columns));
                        if let Some(projector) = &inserts {
                            projector.record(&mut graph, &batch.geometry, path);
                        }
                        (path, 1)
                    }
                    Part::Raw => (raw, 1),
                    Part::Integrals => (integrals, 1),
                };
                graph.download(image, *output, first * times);
            }
        }
        let unit_kev = irradiated.central[0] as f32;
        let is_read_out = case.protocol().detector.as_ref().is_some_and(|detector| detector.readout.enabled);
        Ok(Self { graph, geometry, materials, outputs, unit_kev, is_read_out })
    }
}

/// Coverage of a voxel, 0 to 1.
fn share(covered: u8) -> f32 {
    f32::from(covered) / f32::from(COVERAGE_STEPS)
}

/// The open beam on few pixels that cover the detector, over its signal in the middle.
struct Opening {
    size: [usize; 2],
    /// View by view.
    views: Vec<Vec<f32>>,
    /// That of the flat image, which a site takes in the place of the middle view.
    flat: Vec<f32>,
    /// Share of each pixel of the detector that the collimator's blades leave open.
    field: Option<Vec<f32>>,
}

impl Opening {
    fn new(case: &Case, irradiated: &Irradiated) -> Result<Self, TaskError> {
        let room = case.room();
        let size = room.detector().map(|n| n.min(OPEN_PIXELS));
        let signal = |view| irradiated.open.signal(view, room.detector(), size, irradiated.central[0]);
        let views: Vec<_> = room.views().par_iter().map(signal).collect();
        let views: Vec<Vec<f32>> = views.into_iter().collect::<Result<_, _>>()?;
        let flat = views[views.len() / 2].clone();
        let field = case.collimator().map(|blades| blades.coverage(room.detector(), room.pitch_mm()));
        Ok(Self { size, views, flat, field })
    }

    /// Maps of few pixels on the detector.
    fn enlarged(&self, graph: &mut Graph<'_>, label: &str, maps: Vec<f32>, detector: [usize; 2]) -> Buffer<f32> {
        let [columns, rows] = self.size;
        let extent = Extent::new(maps.len() / (columns * rows), rows, columns);
        let coarse = graph.upload_shared(label, extent, Shared::new(maps));
        enlarge::record(graph, coarse, detector)
    }

    /// The beam of views, where the collimator's blades let it through.
    fn of_views(&self, graph: &mut Graph<'_>, views: Range<usize>, detector: [usize; 2]) -> Buffer<f32> {
        let count = views.len();
        let open = self.enlarged(graph, "simulate.open", self.views[views].concat(), detector);
        match &self.field {
            Some(field) => {
                let extent = Extent::new(count, detector[1], detector[0]);
                let field = graph.upload_shared("simulate.field", extent, Shared::new(field.repeat(count)));
                multiply::record(graph, open, field)
            }
            None => open,
        }
    }

    fn field(&self, graph: &mut Graph<'_>, detector: [usize; 2]) -> Buffer<f32> {
        self.enlarged(graph, "simulate.flat", self.flat.clone(), detector)
    }

    /// Line integrals against the open beam of their own view instead of the flat image's.
    fn levelled(
        &self,
        graph: &mut Graph<'_>,
        views: Range<usize>,
        detector: [usize; 2],
        integrals: Buffer<f32>,
    ) -> Buffer<f32> {
        if self.views.iter().all(|view| *view == self.flat) {
            return integrals;
        }
        let ratio = |(own, flat): (&f32, &f32)| (f64::from(*own) / f64::from(*flat)).ln() as f32;
        let levels = self.views[views].iter().flat_map(|view| view.iter().zip(&self.flat).map(ratio)).collect();
        let levels = self.enlarged(graph, "simulate.levels", levels, detector);
        scale_add::record(graph, 1.0, integrals, 1.0, levels)
    }
}

impl Recorded for Exposure<'_> {
    type Result = Exposed;

    fn graph(&self) -> &Graph<'_> {
        &self.graph
    }

    fn finish(&self, mut outputs: Outputs) -> Result<Exposed, TaskError> {
        let (views, detector) = (self.geometry.views().len(), self.geometry.detector());
        let stack = |part: Part, values| {
            let unit = match part {
                Part::Raw if !self.is_read_out => Unit::Transmission,
                part => part.unit(),
            };
            Projections::new(views, detector, self.geometry.pitch_mm(), unit, values)
        };
        let mut images = Vec::new();
        for (part, output) in &self.outputs {
            let mut values = outputs.take(*output)?;
            if matches!(part, Part::Primary | Part::Scatter) {
                values.iter_mut().for_each(|value| *value *= self.unit_kev);
            }
            if *part != Part::Thickness {
                images.push((*part, part.name().to_owned(), stack(*part, values)?));
                continue;
            }
            // Rows of materials lie one behind the other.
            for (material, name) in self.materials.iter().enumerate() {
                let rows = values.chunks_exact(detector[0]).skip(material).step_by(self.materials.len());
                let of_material = rows.flatten().copied().collect();
                images.push((*part, format!("{}-{name}", part.name()), stack(*part, of_material)?));
            }
        }
        Ok(Exposed { images })
    }
}

/// What the object leaves of the beam, over the open beam, and what of it stands in the way.
struct Irradiation {
    /// Path through each material on the way from the middle of the focal spot, or its first source.
    thickness: Buffer<f32>,
    /// Mean over the focal spot of the signal, and of its second moment.
    mean: Buffer<f32>,
    squares: Buffer<f32>,
}

fn irradiate(
    graph: &mut Graph<'_>,
    case: &Case,
    irradiated: &Irradiated,
    thicknesses: &Thicknesses,
    geometry: &Geometry,
) -> Result<Irradiation, TaskError> {
    let spot = case.focal_spot();
    let share = 1.0 / spot.len() as f32;
    let of_source = |graph: &mut Graph<'_>, shift: [f64; 2]| -> Result<Irradiation, TaskError> {
        let seen = shifted(geometry, shift)?;
        let thickness = graph.buffer("simulate.thickness", thicknesses.extent(&seen));
        thicknesses.record(graph, &seen, thickness.replace());
        let [mean, squares] =
            [&irradiated.mean, &irradiated.squares].map(|quadrature| signal::record(graph, quadrature, thickness));
        Ok(Irradiation { thickness, mean, squares })
    };
    let mut sum = of_source(graph, spot[0])?;
    for (index, shift) in spot[1..].iter().enumerate() {
        let other = of_source(graph, *shift)?;
        // The first source comes with its own share.
        let own = if index == 0 { share } else { 1.0 };
        sum.mean = scale_add::record(graph, own, sum.mean, share, other.mean);
        sum.squares = scale_add::record(graph, own, sum.squares, share, other.squares);
    }
    Ok(sum)
}

/// The views from a source beside the middle of the focal spot.
fn shifted(geometry: &Geometry, [along_u, along_v]: [f64; 2]) -> Result<Geometry, TaskError> {
    if along_u == 0.0 && along_v == 0.0 {
        return Ok(geometry.clone());
    }
    let views = geometry.views().iter().map(|view| {
        let Source::Point(source) = view.source else { return *view };
        let shift = along_u * view.u_step.normalize() + along_v * view.v_step.normalize();
        View { source: Source::Point(source + shift), ..*view }
    });
    Ok(Geometry::new(geometry.detector(), views.collect())?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        data::{Grid, Volume},
        engine::{Control, Device},
        physics::{Layer, Material, Tube},
        tasks::{Task, simulate::ProtocolText},
    };

    const PROTOCOL: &str = "[geometry]\nkind = 'radiograph'\nsource_isocentre_mm = 1000\nsource_detector_mm = 1200\n\
                            detector = [9, 9]\npitch_mm = [0.5, 0.5]\n[beam]\nkvp = 110\nfilter = ['al:3']\nmas = 0.5\n";

    fn slab(hu: f32) -> Volume {
        let grid = Grid::centred([40, 20, 40], [5.0, 10.0, 5.0]).unwrap();
        Volume::new(grid, Unit::Hounsfield, vec![hu; grid.voxel_count()]).unwrap()
    }

    fn exposed(more: &str, ct: &Volume, scatter: Option<&ScatterMap>, parts: &[Part]) -> Exposed {
        let protocol = ProtocolText::from_toml(&format!("{PROTOCOL}{more}")).unwrap().draw(3).unwrap();
        let case = Case::new(&protocol, ct.clone(), 3).unwrap();
        let task = case.exposure(scatter, parts).unwrap();
        pollster::block_on(task.run(&Device::cpu(), &Control::default())).unwrap()
    }

    #[test]
    fn a_slab_weakens_the_beam_as_the_sum_over_all_bins_says() {
        // 200 mm of fat: −94 HU at 70 keV is adipose tissue and nothing else.
        let exposed = exposed("", &slab(-94.0), None, &[Part::Integrals, Part::Primary, Part::Thickness]);
        let spectrum = Tube::new(110.0, 12.0, vec![Layer::parse("al:3", &[]).unwrap()]).unwrap().spectrum().unwrap();
        let paths: Vec<(f64, Material)> = exposed
            .named()
            .filter(|(part, ..)| *part == Part::Thickness)
            .map(|(_, name, stack)| {
                let material = Material::by_name(name.trim_start_matches("thickness-")).unwrap();
                (f64::from(stack.values()[40]), material)
            })
            .collect();
        let [mut open, mut behind] = [0.0; 2];
        for (&energy_kev, photons) in spectrum.energies_kev().iter().zip(spectrum.fluence_per_mm2()) {
            let depth: f64 = paths.iter().map(|(mm, m)| mm * m.attenuation_per_mm(energy_kev).unwrap()).sum();
            open += photons * energy_kev;
            behind += photons * energy_kev * (-depth).exp();
        }
        let got = f64::from(exposed.stack(Part::Integrals).unwrap().values()[40]);
        assert!((got + (behind / open).ln()).abs() < 2e-4, "{got} {}", -(behind / open).ln());
        // 0.5 mAs at 1.2 m on 0.25 mm².
        let want = behind * 0.5 * (1000.0_f64 / 1200.0).powi(2) * 0.25;
        let primary = f64::from(exposed.stack(Part::Primary).unwrap().values()[40]);
        assert!((primary / want - 1.0).abs() < 3e-4, "{primary} {want}");
    }

    #[test]
    fn scatter_adds_to_the_signal_before_the_logarithm() {
        let map = ScatterMap { size: [1, 1], values: vec![0.3], quantum: 1.0, grid: None, followed: None };
        let with = exposed("", &slab(0.0), Some(&map), &[Part::Integrals, Part::Scatter, Part::Primary]);
        let without = exposed("", &slab(0.0), None, &[Part::Integrals]);
        let [with_p, without_p] = [&with, &without].map(|e| f64::from(e.stack(Part::Integrals).unwrap().values()[40]));
        assert!((with_p + ((-without_p).exp() + 0.3).ln()).abs() < 1e-5, "{with_p} {without_p}");
        let [scatter, primary] = [Part::Scatter, Part::Primary].map(|p| f64::from(with.stack(p).unwrap().values()[40]));
        assert!((scatter / primary / (0.3 * without_p.exp()) - 1.0).abs() < 1e-4);
    }

    #[test]
    fn raw_images_are_digits_where_there_is_a_read_out_signals_where_there_is_none_and_not_there_without_a_detector() {
        let detector = "[detector]\npitch_mm = 0.5\n";
        let raw = |more: &str| exposed(more, &slab(0.0), None, &[Part::Raw, Part::Integrals]).stack(Part::Raw).cloned();
        assert_eq!(raw(""), None);
        let counts = raw(detector).unwrap();
        assert!(counts.unit() == Unit::Counts && counts.values().iter().all(|count| count.fract() == 0.0));
        let signals = raw(&format!("{detector}[detector.readout]\nenabled = false\n")).unwrap();
        assert!(signals.unit() == Unit::Transmission && signals.values().iter().all(|signal| *signal < 0.1));
    }

    #[test]
    fn a_focal_spot_blurs_an_edge_and_keeps_what_is_even() {
        let mut half = slab(-1000.0);
        half.values_mut().iter_mut().enumerate().filter(|(at, _)| at % 40 >= 20).for_each(|(_, value)| *value = 0.0);
        let spot = "[focal_spot]\nsize_mm = [6.0, 6.0]\nsamples = [4, 1]\n";
        let [sharp, blurred] = ["", spot].map(|more| {
            let exposed = exposed(more, &half, None, &[Part::Integrals]);
            exposed.stack(Part::Integrals).unwrap().view_values(0)[36..45].to_vec()
        });
        let steps = |line: &[f32]| line.windows(2).filter(|pair| (pair[1] - pair[0]).abs() > 0.05).count();
        assert!(steps(&sharp) < steps(&blurred), "{sharp:?} {blurred:?}");
    }

    #[test]
    fn open_pixels_have_no_line_integral_in_any_view() {
        // A source that travels, a detector that stands still: beams differ from view to view.
        let travelling =
            PROTOCOL.replace("kind = 'radiograph'", "kind = 'tomosynthesis-linear'\nsweep_deg = 30\nviews = 3");
        let text = format!("{travelling}[beam.heel]\ncathode = '+v'\n[beam.air]\n[detector]\npitch_mm = 0.5\n");
        let quiet = ["quanta", "blur", "electronics", "pattern", "readout"];
        let text = quiet.iter().fold(text, |text, effect| format!("{text}[detector.{effect}]\nenabled = false\n"));
        let protocol = ProtocolText::from_toml(&text).unwrap().draw(3).unwrap();
        let case = Case::new(&protocol, slab(-1000.0), 3).unwrap();
        let task = case.exposure(None, &[Part::Integrals]).unwrap();
        let exposed = pollster::block_on(task.run(&Device::cpu(), &Control::default())).unwrap();
        let integrals = exposed.stack(Part::Integrals).unwrap().values();
        assert!(integrals.iter().all(|p| p.abs() < 2e-4), "{integrals:?}");
    }
}
