use super::{
    Case, Part, ScatterMap,
    case::{Irradiated, Object},
    stub::Thicknesses,
};
use crate::{
    data::Projections,
    engine::{Buffer, Extent, Graph, Output, Outputs, Shared},
    geometry::{Geometry, Source, View},
    kernels::{
        beam::{enlarge, signal},
        pointwise::{line_integral, multiply, scale_add},
    },
    tasks::{Projection, Recorded, TaskError, batch::batches},
};

/// The images of a case, view by view: recorded, to be planned and run.
pub struct Exposure<'a> {
    graph: Graph<'a>,
    geometry: &'a Geometry,
    /// Names of the materials.
    materials: Vec<String>,
    outputs: Vec<(Part, Output<f32>)>,
}

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

impl<'a> Exposure<'a> {
    pub(super) fn new(
        case: &'a Case,
        seed: u64,
        scatter: Option<&'a ScatterMap>,
        parts: &[Part],
    ) -> Result<Self, TaskError> {
        let geometry = &case.geometry;
        match &case.object {
            Object::Plain(volume) => {
                let mut graph = Graph::new();
                let integrals = Projection::record(&mut graph, volume, geometry)?;
                let is_asked = parts.contains(&Part::Integrals);
                let outputs = is_asked.then_some((Part::Integrals, integrals)).into_iter().collect();
                Ok(Self { graph, geometry, materials: Vec::new(), outputs })
            }
            Object::Irradiated(irradiated) => Self::irradiated(case, irradiated, seed, scatter, parts),
        }
    }

    fn irradiated(
        case: &'a Case,
        irradiated: &'a Irradiated,
        _seed: u64,
        scatter: Option<&'a ScatterMap>,
        parts: &[Part],
    ) -> Result<Self, TaskError> {
        let geometry = &case.geometry;
        let [columns, rows] = geometry.detector();
        let materials: Vec<String> = irradiated.body.materials().iter().map(|m| m.name().to_owned()).collect();
        let mut graph = Graph::new();
        let thicknesses = Thicknesses::new(&mut graph, geometry, &irradiated.body);
        let is_there = |part: &&Part| **part != Part::Scatter || scatter.is_some();
        let length = |part: Part| geometry.value_count() * if part == Part::Thickness { materials.len() } else { 1 };
        let asked = parts.iter().filter(is_there);
        let outputs: Vec<_> = asked.map(|part| (*part, graph.output(part.name(), length(*part)))).collect();
        for batch in batches(geometry, columns * rows * materials.len())? {
            let views = batch.views.len();
            let extent = Extent::new(views, rows, columns);
            let mut open = Vec::with_capacity(views * rows * columns);
            let mut quantum_kev = 0.0;
            for view in &case.room().views()[batch.views.clone()] {
                let signal = irradiated.open.signal(view, geometry.detector())?;
                quantum_kev = signal.quantum_kev;
                open.extend(signal.mean_kev);
            }
            let open = graph.upload_shared("simulate.open", extent, Shared::new(open));
            let Irradiation { thickness, mean, squares } =
                irradiate(&mut graph, case, irradiated, &thicknesses, &batch.geometry);
            let primary = multiply::record(&mut graph, open, mean);
            // Both moments of the open beam differ by a factor, the energy of its quantum; the noise is drawn in units of it.
            let spread = multiply::record(&mut graph, open, squares);
            let (signal, spread, scattered) = match scatter {
                Some(map) => {
                    let coarse = graph.upload("simulate.scatter", map.extent(views), map.views(batch.views.clone()));
                    let fine = enlarge::record(&mut graph, coarse, geometry.detector());
                    let signal = scale_add::record(&mut graph, 1.0, primary, 1.0, fine);
                    let share = (map.quantum_kev / quantum_kev) as f32;
                    (signal, scale_add::record(&mut graph, 1.0, spread, share, fine), Some(fine))
                }
                None => (primary, spread, None),
            };
            let _ = (signal, spread);
            let first = batch.elements().start;
            for (part, output) in &outputs {
                let (image, times) = match part {
                    Part::Primary => (Some(primary), 1),
                    Part::Scatter => (scattered, 1),
                    Part::Thickness => (Some(thickness), materials.len()),
                    Part::Raw => (None, 1),
                    Part::Integrals => (Some(line_integral::record(&mut graph, 1e-6, mean)), 1),
                };
                if let Some(image) = image {
                    graph.download(image, *output, first * times);
                }
            }
        }
        Ok(Self { graph, geometry, materials, outputs })
    }
}

impl Recorded for Exposure<'_> {
    type Result = Exposed;

    fn graph(&self) -> &Graph<'_> {
        &self.graph
    }

    fn finish(&self, mut outputs: Outputs) -> Result<Exposed, TaskError> {
        let (views, detector) = (self.geometry.views().len(), self.geometry.detector());
        let stack =
            |part: Part, values| Projections::new(views, detector, self.geometry.pitch_mm(), part.unit(), values);
        let mut images = Vec::new();
        for (part, output) in &self.outputs {
            let values = outputs.take(*output)?;
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
) -> Irradiation {
    let spot = case.focal_spot();
    let share = 1.0 / spot.len() as f32;
    let mut sources = spot.iter().map(|shift| {
        let thickness = thicknesses.record(graph, &shifted(geometry, *shift));
        let mean = signal::record(graph, &irradiated.mean, thickness);
        let squares = signal::record(graph, &irradiated.squares, thickness);
        Irradiation { thickness, mean, squares }
    });
    let first = sources.next().unwrap_or_else(|| unreachable!("a focal spot has a source"));
    let others: Vec<Irradiation> = sources.collect();
    others.into_iter().enumerate().fold(first, |sum, (index, other)| {
        // The first source comes with its own share.
        let own = if index == 0 { share } else { 1.0 };
        Irradiation {
            thickness: sum.thickness,
            mean: scale_add::record(graph, own, sum.mean, share, other.mean),
            squares: scale_add::record(graph, own, sum.squares, share, other.squares),
        }
    })
}

/// The views from a source beside the middle of the focal spot.
fn shifted(geometry: &Geometry, [along_u, along_v]: [f64; 2]) -> Geometry {
    if along_u == 0.0 && along_v == 0.0 {
        return geometry.clone();
    }
    let views = geometry.views().iter().map(|view| {
        let Source::Point(source) = view.source else { return *view };
        let shift = along_u * view.u_step.normalize() + along_v * view.v_step.normalize();
        View { source: Source::Point(source + shift), ..*view }
    });
    Geometry::new(geometry.detector(), views.collect()).unwrap_or_else(|_| geometry.clone())
}
