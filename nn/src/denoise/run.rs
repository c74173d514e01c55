use burn::tensor::{Device, Tensor, TensorData};
use kerma::{
    data::Image,
    engine::{self, Control, Extent, Graph, Progress},
    kernels::noise::{Stream, normal},
    noise::PoissonGaussian,
};

use super::{Axis, DenoiseOptions, Sampler, scale::Scale};
use crate::{
    Error, Model,
    diffusion::{Chain, Level, Prediction, Step},
    filled,
    networks::Unet,
};

/// A trained network ready to denoise.
pub struct Denoiser<'a> {
    model: &'a Model,
    way: Way,
    engine: &'a engine::Device,
    device: Device,
}

/// How a network's output becomes an image.
enum Way {
    /// Down a chain, from the level of the image's noise.
    Chain(Chain, Prediction),
    /// At once: the output is what is to be taken off.
    Direct,
}

/// Smallest tile that memory makes of a larger one.
const SMALLEST_TILE: usize = 64;

/// A denoised image, and how it came about.
#[derive(Clone, Debug)]
pub struct Denoised {
    /// The image, in the units of the noisy one.
    pub image: Image,
    /// The noise that was assumed; none where there was none to remove.
    pub noise: Option<PoissonGaussian>,
    /// Deviation of the noise on the network's scale of −1 … 1, times the strength.
    pub sigma: f64,
    /// The step t* of the chain at which the image entered.
    pub start: Option<usize>,
    /// Evaluations of the network for each pixel; 0 where the image is returned as it is.
    pub steps: usize,
    /// Tiles of the image.
    pub tiles: usize,
    /// Rows and columns of a tile, smaller than asked for where memory or image are.
    pub tile: usize,
}

impl<'a> Denoiser<'a> {
    /// A denoiser with its tensors on `device`; fresh noise is drawn by `engine`.
    #[must_use]
    pub fn new(model: &'a Model, engine: &'a engine::Device, device: Device) -> Self {
        let way = match &model.card().recipe.diffusion {
            Some(options) => Way::Chain(Chain::new(options.schedule, options.steps), options.prediction),
            None => Way::Direct,
        };
        Self { model, way, engine, device }
    }

    /// Denoises an image.
    ///
    /// Tiles that do not fit into the device's memory, by the plan or by what the device says, are halved.
    ///
    /// # Errors
    /// [`Error::Options`] for options out of range, [`Error::Image`] for values that are not finite, [`Error::Noise`] when
    /// the noise is to be estimated and cannot be, [`Error::Memory`] when the smallest tiles do not fit, and what the
    /// device says.
    pub async fn run(&self, image: &Image, options: &DenoiseOptions, control: &Control<'_>) -> Result<Denoised, Error> {
        options.check()?;
        check_finite(image)?;
        let multiple = self.model.card().recipe.network.multiple();
        // No tile is larger than the image needs.
        let needed = image.size()[0].max(image.size()[1]).next_multiple_of(multiple);
        let tile = options.tile.min(needed).next_multiple_of(multiple);
        let mut options = DenoiseOptions { tile, overlap: options.overlap.min(tile / 2), ..options.clone() };
        loop {
            let needed = self.planned_bytes(image.size(), options.tile);
            let budget = self.engine.limits().memory_bytes;
            let reason = if needed > budget {
                format!("{needed} bytes are needed, {budget} may be used")
            } else {
                match self.attempt(image, &options, control).await {
                    Err(Error::Tensor(reason)) => reason,
                    done => return done,
                }
            };
            let smaller = options.tile / 2;
            if smaller < SMALLEST_TILE {
                return Err(Error::Memory { tile: options.tile, reason });
            }
            let smaller = smaller.next_multiple_of(multiple);
            options = DenoiseOptions { tile: smaller, overlap: options.overlap.min(smaller / 4), ..options };
        }
    }

    /// Bytes of the device that denoising an image in such tiles takes at most.
    #[must_use]
    pub fn planned_bytes(&self, [columns, rows]: [usize; 2], tile: usize) -> u64 {
        /// The image, its present state, the estimate, its bands being joined, and fresh noise.
        const IMAGES: usize = 5;
        let network = &self.model.card().recipe.network;
        (IMAGES * columns.max(tile) * rows.max(tile) * size_of::<f32>()) as u64 + network.activation_bytes(tile)
    }

    async fn attempt(&self, image: &Image, options: &DenoiseOptions, control: &Control<'_>) -> Result<Denoised, Error> {
        let unchanged =
            || Denoised { image: image.clone(), noise: None, sigma: 0.0, start: None, steps: 0, tiles: 0, tile: 0 };
        if options.strength == 0.0 {
            return Ok(unchanged());
        }
        let scale = match self.way {
            Way::Chain(..) => Scale::new(image, options.noise)?,
            Way::Direct => Scale::plain(image, options.range),
        };
        let Some(scale) = scale else { return Ok(unchanged()) };
        let sigma = options.strength * scale.sigma();
        let levels = match &self.way {
            Way::Chain(chain, _) => chain.way_down(sigma, options.sampler.steps()),
            Way::Direct => vec![Level::CLEAN; 2],
        };
        let padded = Padded::new(image, scale.forward(image), options);
        let [columns, rows] = padded.size;
        let values = TensorData::new(padded.values.clone(), [1, 1, rows, columns]);
        let mut x = Tensor::<4>::from_data(values, &self.device) * levels[0].signal();
        for (index, pair) in levels.windows(2).enumerate() {
            let (from, to) = (pair[0], pair[1]);
            let estimate = self.estimate(&x, from, &padded, control, [index, levels.len() - 1])?;
            let step = match (&self.way, options.sampler) {
                (Way::Direct, _) => Step { image: options.strength, present: 1.0 - options.strength, fresh: 0.0 },
                (_, Sampler::OneStep) => Step::posterior(from, Level::CLEAN),
                (_, Sampler::Ddim { eta, .. }) => Step::implicit(from, to, eta),
                (_, Sampler::Ddpm { .. }) => Step::posterior(from, to),
            };
            x = estimate * step.image + x * step.present;
            if step.fresh > 0.0 {
                x = x + self.normals(padded.size, options.seed, index).await? * step.fresh;
            }
        }
        let values = x.try_into_data().map_err(|e| Error::Tensor(e.to_string()))?;
        let values = values.try_to_vec::<f32>().map_err(|e| Error::Tensor(e.to_string()))?;
        let start = match &self.way {
            Way::Chain(chain, _) => chain.start(sigma),
            Way::Direct => None,
        };
        Ok(Denoised {
            image: scale.inverse(padded.cropped(&values, image.size()), image)?,
            noise: matches!(self.way, Way::Chain(..)).then(|| scale.model()),
            sigma,
            start,
            steps: levels.len() - 1,
            tiles: padded.across.starts().len() * padded.down.starts().len(),
            tile: padded.tile,
        })
    }

    /// The network's estimate of the clean image behind `x`, tile by tile.
    fn estimate(
        &self,
        x: &Tensor<4>,
        level: Level,
        padded: &Padded,
        control: &Control<'_>,
        [step, steps]: [usize; 2],
    ) -> Result<Tensor<4>, Error> {
        let network: &Unet = self.model.network();
        let [across, down] = [&padded.across, &padded.down];
        let [columns, tile] = [padded.size[0], padded.tile];
        let line = |weights: Vec<f32>| Tensor::<1>::from_floats(weights.as_slice(), &self.device);
        let mut parts: Vec<Tensor<4>> = Vec::new();
        let mut carried: Option<Tensor<4>> = None;
        for (row, top) in down.starts().iter().enumerate() {
            let mut band = Tensor::<4>::zeros([1, 1, tile, columns], &self.device);
            for (column, left) in across.starts().iter().enumerate() {
                if (control.is_cancelled)() {
                    return Err(engine::Error::Cancelled.into());
                }
                let noisy = x.clone().slice([0..1, 0..1, *top..top + tile, *left..left + tile]);
                let clean = match &self.way {
                    Way::Chain(_, prediction) => {
                        let ln_sigma = Tensor::<1>::from_floats([level.sigma().ln() as f32], &self.device);
                        let output = network.forward(noisy.clone(), Some(ln_sigma));
                        prediction.to_image(level, noisy, output)
                    }
                    Way::Direct => noisy.clone() - network.forward(noisy, None),
                };
                let weighted = clean * line(across.weights(column)).reshape([1, 1, 1, tile]);
                let place = [0..1, 0..1, 0..tile, *left..left + tile];
                band = band.clone().slice_assign(place.clone(), band.slice(place) + weighted);
                let done = (step * down.starts().len() + row) * across.starts().len() + column + 1;
                let all = steps * down.starts().len() * across.starts().len();
                (control.progress)(Progress { pass: "denoise", fraction: done as f64 / all as f64 });
            }
            band = band * line(down.weights(row)).reshape([1, 1, tile, 1]);
            if let Some(carried) = carried.take() {
                let shared = carried.dims()[2];
                let both = band.clone().slice([0..1, 0..1, 0..shared, 0..columns]) + carried;
                band = Tensor::cat(vec![both, band.slice([0..1, 0..1, shared..tile, 0..columns])], 2);
            }
            match down.starts().get(row + 1) {
                Some(next) => {
                    parts.push(band.clone().slice([0..1, 0..1, 0..next - top, 0..columns]));
                    carried = Some(band.slice([0..1, 0..1, next - top..tile, 0..columns]));
                }
                None => parts.push(band),
            }
        }
        Ok(Tensor::cat(parts, 2))
    }

    /// Standard normals of one step; those of a pixel depend on the seed, the step and its place in the image alone.
    async fn normals(&self, [columns, rows]: [usize; 2], seed: u64, step: usize) -> Result<Tensor<4>, Error> {
        let mut graph = Graph::new();
        let noise = normal::record(&mut graph, Extent::new(1, rows, columns), &Stream::new(seed, step as u32));
        let output = graph.output("denoise.noise", rows * columns);
        graph.download(noise, output, 0);
        filled(&graph, output, [1, 1, rows, columns], self.engine, &self.device).await
    }
}

fn check_finite(image: &Image) -> Result<(), Error> {
    let Some(index) = image.values().iter().position(|v| !v.is_finite()) else { return Ok(()) };
    let (column, row) = (index % image.size()[0], index / image.size()[0]);
    let value = image.values()[index];
    Err(Error::Image(format!("image values must be finite, got {value} at column {column}, row {row}")))
}

/// Values of an image with its edges mirrored outwards until tiles fit.
struct Padded {
    values: Vec<f32>,
    size: [usize; 2],
    tile: usize,
    across: Axis,
    down: Axis,
}

impl Padded {
    fn new(image: &Image, values: Vec<f32>, &DenoiseOptions { tile, overlap, .. }: &DenoiseOptions) -> Self {
        let size = image.size();
        let padded = size.map(|length| length.max(tile));
        let mirrored = |at: usize, length: usize| {
            let period = 2 * length.max(2) - 2;
            let at = at % period;
            if length == 1 { 0 } else { at.min(period - at) }
        };
        let [columns, rows] = padded;
        let values = (0..rows * columns)
            .map(|i| values[mirrored(i / columns, size[1]) * size[0] + mirrored(i % columns, size[0])])
            .collect();
        Self {
            values,
            size: padded,
            tile,
            across: Axis::new(columns, tile, overlap),
            down: Axis::new(rows, tile, overlap),
        }
    }

    fn cropped(&self, values: &[f32], [columns, rows]: [usize; 2]) -> Vec<f32> {
        values.chunks(self.size[0]).take(rows).flat_map(|row| &row[..columns]).copied().collect()
    }
}
