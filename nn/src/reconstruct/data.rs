use glam::{DQuat, DVec3};
use kerma::{
    data::Grid,
    engine::{self, Control, Extent, Graph, Plan},
    geometry::{Geometry, Source, View},
    kernels::{
        noise::{Stream, quanta},
        pointwise::{line_integral, transmission},
    },
    phantom::{Habitus, Phantom, Shape, chest_of},
    tasks::{TaskError, WATER_PER_MM},
};
use rayon::prelude::*;

use super::{DataOptions, Physics, Recipe};
use crate::{Error, training::Draws};

/// Heights above and below the middle of a chest between which slices lie.
const REACH_MM: f64 = 120.0;
/// Number of ellipses, at least and less than; their semi-axes and values, relative to water.
const ELLIPSES: [f64; 2] = [4.0, 10.0];
const SEMI_MM: [f64; 2] = [4.0, 25.0];
const VALUES: [f64; 2] = [0.3, 2.0];
/// Half the width and depth of the box in which their centres lie, as far as the body does.
const BOX_MM: [f64; 2] = [170.0, 110.0];
/// Places that are tried for an ellipse before it lies where the last of them was.
const TRIES: usize = 64;
/// Points along an axis of a voxel that a surface crosses.
const POINTS: usize = 5;
/// Photons that a ray which none has passed counts as, so that its line integral is finite.
const LEAST_PHOTONS: f64 = 0.5;

/// One slice of a body.
#[derive(Clone, Debug, PartialEq)]
pub struct Body {
    /// µ in 1/mm, `[y][x]`: means over voxels.
    pub truth: Vec<f32>,
    /// Exact line integrals, `[view][u]`.
    pub integrals: Vec<f32>,
}

/// Slices that a network learns from, and the operators that it is given.
pub struct Bodies {
    bodies: Vec<Body>,
    physics: Physics,
    stack: [usize; 2],
}

/// Scans and truths of one step, one body behind the other.
pub(super) struct Batch {
    pub(super) integrals: Vec<f32>,
    pub(super) truths: Vec<f32>,
}

impl Bodies {
    /// Draws the bodies of a recipe, each from its number and the data's seed.
    ///
    /// # Errors
    /// [`Error::Recipe`] when scan or grid cannot be built; what the device says.
    pub fn draw(recipe: &Recipe, engine: &engine::Device) -> Result<Self, Error> {
        let (geometry, physics) = (recipe.geometry()?, Physics::new(recipe, engine)?);
        let bodies = Body::all(&recipe.data, &geometry, &recipe.grid()?)?;
        Ok(Self { bodies, physics, stack: [geometry.views().len(), geometry.detector()[0]] })
    }

    /// Number of bodies.
    #[must_use]
    pub fn count(&self) -> usize {
        self.bodies.len()
    }

    /// The operators that the network is given.
    #[must_use]
    pub fn physics(&self) -> &Physics {
        &self.physics
    }

    /// Views and pixels of a scan.
    pub(super) fn stack(&self) -> [usize; 2] {
        self.stack
    }

    /// Bodies of step `step`, scanned with noise of its own.
    pub(super) async fn batch(&self, recipe: &Recipe, step: usize, engine: &engine::Device) -> Result<Batch, Error> {
        let mut draws = Draws::new(recipe.seed, step as u64);
        let chosen = (0..recipe.training.batch).map(|_| &self.bodies[draws.below(self.bodies.len())]);
        let (integrals, truths): (Vec<&[f32]>, Vec<&[f32]>) =
            chosen.map(|body| (&body.integrals[..], &body.truth[..])).unzip();
        let clean = integrals.concat();
        let integrals = noisy(&clean, self.stack, recipe.data.photons, draws.bits(), engine).await?;
        Ok(Batch { integrals, truths: truths.concat() })
    }
}

/// Scans with the noise of their photons, several behind each other.
///
/// ```text
/// p = −ln(max(Poisson(n·exp(−p)), ½)/n)
/// ```
pub(super) async fn noisy(
    integrals: &[f32],
    [views, pixels]: [usize; 2],
    photons: f64,
    seed: u64,
    engine: &engine::Device,
) -> Result<Vec<f32>, Error> {
    let scans = integrals.len() / (views * pixels);
    let mut graph = Graph::new();
    let clean = graph.upload("scan.integrals", Extent::new(scans, views, pixels), integrals);
    let passed = transmission::record(&mut graph, clean);
    let quanta = quanta::Quanta { photons: Some(photons as f32), electronic_sigma: 0.0 };
    let counted = quanta::record(&mut graph, passed, &quanta, &Stream::new(seed, 0));
    let noisy = line_integral::record(&mut graph, (LEAST_PHOTONS / photons) as f32, counted);
    let output = graph.result(noisy);
    let plan = Plan::new(&graph, engine.limits())?;
    Ok(engine.run(&plan, &Control::default()).await?.take(output)?)
}

impl Body {
    /// Bodies in the order of their numbers.
    ///
    /// # Errors
    /// [`Error::Task`] when there are more pixels than a stack may hold.
    pub fn all(data: &DataOptions, geometry: &Geometry, grid: &Grid) -> Result<Vec<Self>, Error> {
        (0..data.bodies).into_par_iter().map(|number| Self::drawn(data.seed, number, geometry, grid)).collect()
    }

    /// A slice of a chest with ellipses in it, scanned in `geometry`.
    fn drawn(seed: u64, number: usize, geometry: &Geometry, grid: &Grid) -> Result<Self, Error> {
        let mut draws = Draws::new(seed, number as u64);
        let chest = chest_of(&Habitus::standard(), draws.bits()).map_err(TaskError::from)?;
        let height = DVec3::Z * within(&mut draws, [-REACH_MM, REACH_MM]);
        let mut parts = chest.parts().to_vec();
        for _ in 0..within(&mut draws, ELLIPSES) as usize {
            let mut place = || {
                let [x, y] = BOX_MM.map(|half| within(&mut draws, [-half, half]));
                DVec3::new(x, y, 0.0) + height
            };
            let mut centre = place();
            for _ in 1..TRIES {
                if chest.value_at(centre) > 0.0 {
                    break;
                }
                centre = place();
            }
            let semi = DVec3::from_array([0; 3].map(|_| within(&mut draws, SEMI_MM)));
            let turn = DQuat::from_rotation_z(within(&mut draws, [0.0, std::f64::consts::PI]));
            let value = f64::from(WATER_PER_MM) * within(&mut draws, VALUES);
            parts.push((Shape::ellipsoid(centre, semi, turn).map_err(TaskError::from)?, value));
        }
        let phantom = Phantom::new(chest.rule(), parts);
        let raised = geometry.views().iter().map(|view| raised(view, height)).collect();
        let geometry = Geometry::new(geometry.detector(), raised).map_err(TaskError::from)?;
        let truth = phantom.voxelise(&grid.with_centre(grid.centre_mm() + height), POINTS).into_values();
        let integrals = phantom.project(&geometry).map_err(TaskError::from)?.into_values();
        Ok(Self { truth, integrals })
    }
}

fn within(draws: &mut Draws, [low, high]: [f64; 2]) -> f64 {
    low + (high - low) * draws.unit()
}

/// A view of what lies higher.
fn raised(view: &View, height: DVec3) -> View {
    let source = match view.source {
        Source::Point(place) => Source::Point(place + height),
        direction => direction,
    };
    View { source, detector_centre: view.detector_centre + height, ..*view }
}
