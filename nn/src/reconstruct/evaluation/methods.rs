use kerma::{
    data::{Grid, Image, Projections, Sample, Unit, Volume},
    engine::{self, Control},
    geometry::Scan,
    kernels::fdk::ramp::Window,
    metrics::{self, Form},
    tasks::{
        Fdk, FdkOptions, Task as _, WATER_PER_MM,
        iterative::{Algorithm, Iterative, IterativeOptions},
    },
};
use serde::Serialize;

use super::{
    super::{Body, DataOptions, Reconstructor, data::noisy},
    Recipe,
};
use crate::{Error, training::Draws};

/// Range of values for similarities: from air to bone of 1000 HU.
const RANGE_HU: f64 = 2000.0;
/// What is more than this is body: half of lung.
const BODY_PER_MM: f32 = 0.0025;

/// A way from projections to a slice.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Method {
    /// Filtered back-projection.
    Fdk {
        /// Window, by its name.
        window: (&'static str, Window),
        /// Where it ends, relative to the Nyquist frequency.
        cutoff: f64,
    },
    /// Total variation, values not below 0.
    FistaTv {
        /// Its weight.
        weight_per_mm: f64,
    },
    /// The network.
    Network,
    /// The network whose operators have their views in another order.
    Control,
}

/// What is measured of one method on one body.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Figures {
    /// Root mean square error within the body, in HU.
    pub rmse_hu: f64,
    /// Structural similarity of the slice.
    pub ssim: f64,
}

/// Test bodies, networks, and what the other methods try.
pub struct Evaluation {
    recipe: Recipe,
    network: Reconstructor,
    control: Reconstructor,
    bodies: Vec<Body>,
    scan: Scan,
    grid: Grid,
    photons: f64,
}

impl Method {
    /// Its name, with its window or weight.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Fdk { window: (name, _), cutoff } => format!("filtered back-projection, {name} to {cutoff}"),
            Self::FistaTv { weight_per_mm } => format!("FISTA-TV, {weight_per_mm}/mm"),
            Self::Network => "Learned Primal-Dual".to_owned(),
            Self::Control => "control: operators shuffled".to_owned(),
        }
    }
}

impl Evaluation {
    /// An evaluation of two models of one scan; its test bodies are drawn here.
    ///
    /// # Errors
    /// [`Error::Recipe`] when the models are of different scans, or the test bodies those of a training.
    pub fn new(recipe: Recipe, network: Reconstructor, control: Reconstructor) -> Result<Self, Error> {
        let (own, other) = (&network.model().card().recipe, &control.model().card().recipe);
        if (&own.scan, &own.grid, own.data.photons) != (&other.scan, &other.grid, other.data.photons) {
            return Err(Error::Recipe("model and control must be of one scan, grid and number of photons".to_owned()));
        }
        if [own, other].iter().any(|trained| trained.data.seed == recipe.bodies_seed) {
            let seed = recipe.bodies_seed;
            return Err(Error::Recipe(format!("bodies_seed must be another one than the training's, got {seed}")));
        }
        let (scan, grid, photons) = (own.scan.clone(), own.grid()?, own.data.photons);
        let data = DataOptions { seed: recipe.bodies_seed, bodies: recipe.bodies, photons };
        data.check()?;
        let bodies = Body::all(&data, &own.geometry()?, &grid)?;
        Ok(Self { recipe, network, control, bodies, scan, grid, photons })
    }

    /// Number of bodies.
    #[must_use]
    pub fn count(&self) -> usize {
        self.bodies.len()
    }

    /// All methods: every window at every end, every weight, the networks.
    #[must_use]
    pub fn methods(&self) -> Vec<Method> {
        let windows = Window::NAMES.into_iter();
        let fdk =
            windows.flat_map(|window| self.recipe.cutoffs.iter().map(move |&cutoff| Method::Fdk { window, cutoff }));
        let variation = self.recipe.weights_per_mm.iter().map(|&weight_per_mm| Method::FistaTv { weight_per_mm });
        fdk.chain(variation).chain([Method::Network, Method::Control]).collect()
    }

    /// What is measured of every method on one body, and its slice there in HU; the truth comes last.
    ///
    /// # Errors
    /// What the methods and the device say.
    pub async fn measure(&self, number: usize, engine: &engine::Device) -> Result<(Vec<Figures>, Vec<Volume>), Error> {
        let (body, geometry) = (&self.bodies[number], self.network.model().card().recipe.geometry()?);
        let stack = [geometry.views().len(), geometry.detector()[0]];
        let seed = Draws::new(self.recipe.seed, number as u64).bits();
        let measured = noisy(&body.integrals, stack, self.photons, seed, engine).await?;
        let said = |e: kerma::data::DataError| Error::Image(e.to_string());
        let unit = Unit::LineIntegral;
        let projections =
            Projections::new(stack[0], geometry.detector(), geometry.pitch_mm(), unit, measured).map_err(said)?;
        let truth = Volume::new(self.grid, Unit::PerMillimetre, body.truth.clone()).map_err(said)?;
        let (mut figures, mut slices) = (Vec::new(), Vec::new());
        for method in self.methods() {
            let slice = self.reconstructed(method, &projections, engine).await?;
            figures.push(compared(&truth, &slice)?);
            slices.push(slice.to_hounsfield(WATER_PER_MM.into()));
        }
        slices.push(truth.to_hounsfield(WATER_PER_MM.into()));
        Ok((figures, slices))
    }

    async fn reconstructed(
        &self,
        method: Method,
        projections: &Projections,
        engine: &engine::Device,
    ) -> Result<Volume, Error> {
        let control = Control::default();
        match method {
            Method::Fdk { window: (_, window), cutoff } => {
                let options = FdkOptions { window, cutoff, ..FdkOptions::default() };
                Ok(Fdk::new(projections, &self.scan, &self.grid, options)?.run(engine, &control).await?)
            }
            Method::FistaTv { weight_per_mm } => {
                let iterations = self.recipe.iterations;
                let algorithm = Algorithm::FistaTv { weight_per_mm };
                let options =
                    IterativeOptions { iterations, bounds: [0.0, f32::MAX], ..IterativeOptions::new(algorithm) };
                let geometry = self.network.model().card().recipe.geometry()?;
                let task = Iterative::new(projections, &geometry, &self.grid, options)?;
                Ok(task.run(engine, &control).await?.volume)
            }
            Method::Network => self.network.run(projections),
            Method::Control => self.control.run(projections),
        }
    }
}

fn compared(truth: &Volume, slice: &Volume) -> Result<Figures, Error> {
    let (mut square, mut count) = (0.0, 0.0);
    for (truth, value) in truth.values().iter().zip(slice.values()).filter(|(truth, _)| **truth > BODY_PER_MM) {
        (square, count) = (square + (f64::from(*truth) - f64::from(*value)).powi(2), count + 1.0);
    }
    let per_hu = f64::from(WATER_PER_MM) / 1000.0;
    let image = |volume: &Volume| {
        let [nx, ny, _] = volume.grid().size();
        let values = volume.values().to_vec();
        Image::new([nx, ny], None, Sample::Float, Unit::Arbitrary, values).map_err(|e| Error::Image(e.to_string()))
    };
    let ssim = metrics::ssim(&image(truth)?, &image(slice)?, RANGE_HU * per_hu, Form::Wang);
    let ssim = ssim.map_err(|e| Error::Image(e.to_string()))?;
    Ok(Figures { rmse_hu: (square / f64::max(count, 1.0)).sqrt() / per_hu, ssim })
}
