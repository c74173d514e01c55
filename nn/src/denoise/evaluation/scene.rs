use kerma::{
    data::{Image, Sample, Unit, Volume},
    engine::{Control, Device, Extent, Graph, Plan},
    kernels::noise::{Stream, quanta},
    noise::PoissonGaussian,
    tasks::radiographs::{Curve, Radiographs, insert, inserts},
};

use super::{Condition, NoiseKind, Recipe};
use crate::{
    Error,
    denoise::{Noise, training::EVEN_SIGNAL},
};

/// A held-out image: line integrals, and how they are displayed.
pub(super) struct Scene {
    pub(super) name: String,
    integrals: Image,
    curve: Curve,
    pub(super) clean: Image,
}

impl Scene {
    /// All images of a recipe.
    pub(super) async fn all(
        recipe: &Recipe,
        volumes: Vec<Volume>,
        device: &Device,
        control: &Control<'_>,
        mut progress: impl FnMut(usize, usize),
    ) -> Result<Vec<Self>, Error> {
        let phantoms = recipe.images.count;
        let bodies = phantoms + volumes.len() * recipe.bodies_per_volume;
        let radiographs = Radiographs::new(recipe.images.clone(), volumes)?;
        let mut scenes = Vec::new();
        for body in 0..bodies {
            for (view, integrals) in radiographs.draw(device, control, body).await?.into_iter().enumerate() {
                let kind = if body < phantoms { "phantom" } else { "CT body" };
                let number = if body < phantoms { body } else { body - phantoms };
                let name = format!("{kind} {}, view {}", number + 1, view + 1);
                let curve = Curve::standard(&integrals);
                let clean = curve.apply(&integrals);
                scenes.push(Self { name, integrals, curve, clean });
            }
            progress(body + 1, bodies);
        }
        Ok(scenes)
    }

    /// The clean image with up to `count` inserts, displayed by the same curve.
    pub(super) fn with_inserts(&self, seed: u64, count: usize) -> Result<Image, Error> {
        let mut integrals = self.integrals.clone();
        for ball in inserts(seed, count, integrals.size()) {
            integrals = insert(&integrals, &ball)?;
        }
        Ok(self.curve.apply(&integrals))
    }
}

/// `clean` with the noise of a condition; the same stream gives the same noise of the same values.
pub(super) async fn noisy(
    clean: &Image,
    condition: &Condition,
    stream: Stream,
    device: &Device,
) -> Result<Image, Error> {
    let [columns, rows] = clean.size();
    let mut graph = Graph::new();
    let mean = graph.upload("evaluate.clean", Extent::new(1, rows, columns), clean.values());
    let noisy = quanta::record(&mut graph, mean, &condition.noise.quanta(condition.quanta), &stream);
    let output = graph.output("evaluate.noisy", rows * columns);
    graph.download(noisy, output, 0);
    let plan = Plan::new(&graph, device.limits())?;
    let values = device.run(&plan, &Control::default()).await?.take(output)?;
    Image::new(clean.size(), clean.spacing_mm(), Sample::Float, Unit::Arbitrary, values)
        .map_err(|e| Error::Image(e.to_string()))
}

/// The noise of a condition, for methods that are told.
pub(super) fn truth(condition: &Condition) -> Noise {
    match condition.noise {
        NoiseKind::Gaussian => Noise::Gaussian((EVEN_SIGNAL / condition.quanta).sqrt()),
        NoiseKind::Poisson => Noise::PoissonGaussian(PoissonGaussian { gain: 1.0 / condition.quanta, offset: 0.0 }),
    }
}
