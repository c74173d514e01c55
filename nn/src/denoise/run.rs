use burn::tensor::{Device, Tensor, TensorData};
use kerma::{
    data::Image,
    engine::{self, Control, Extent, Graph, Progress},
    kernels::noise::{Stream, normal},
};

use super::{
    DenoiseOptions, Denoised, Sampler, Unchanged,
    layout::{Layout, Weights},
    memory::Memory,
    scale::Scale,
};
use crate::{
    Error,
    denoise::{Model, training::Method},
    diffusion::{Chain, Level, Prediction, Step},
    filled,
    networks::Unet,
    tensors,
};

/// A trained network ready to denoise.
pub struct Denoiser<'a> {
    model: &'a Model,
    way: Decoding,
    engine: &'a engine::Device,
    device: Device,
}

/// How a network's output becomes an image.
enum Decoding {
    /// Down a chain, from the level of the image's noise.
    Chain(Chain, Prediction),
    /// At once: the output is what is to be taken off.
    Direct,
}

/// Pixels of the tiles that the network is given at once, where options do not say. On the CPU fewer leave cores waiting for
/// each other, and more leave the caches; a GPU has more cores to fill.
const PIXELS_AT_ONCE_CPU: usize = 256 * 256;
const PIXELS_AT_ONCE_GPU: usize = 512 * 512;

impl<'a> Denoiser<'a> {
    /// A denoiser with its tensors on `device`; fresh noise is drawn by `engine`.
    ///
    /// # Errors
    /// [`Error::Options`] when the model was trained for something else.
    pub fn new(model: &'a Model, engine: &'a engine::Device, device: Device) -> Result<Self, Error> {
        let recipe = &model.card().recipe;
        let way = match (recipe.method, &recipe.diffusion) {
            (Method::Diffusion, Some(options)) => {
                Decoding::Chain(Chain::new(options.schedule, options.steps), options.prediction)
            }
            (Method::Regression | Method::Neighbor2neighbor | Method::Adversarial, None) => Decoding::Direct,
            (method, _) => {
                let name = &recipe.name;
                return Err(Error::Options(format!("\"{name}\" is no denoiser, but a model of {method:?}")));
            }
        };
        Ok(Self { model, way, engine, device })
    }

    /// Denoises an image.
    ///
    /// Where the device's memory does not hold the work, by the plan or by what the device says, fewer tiles are
    /// evaluated at once; where it does not hold one, tiles are halved.
    ///
    /// # Errors
    /// [`Error::Options`] for options out of range, [`Error::Image`] for values that are not finite, [`Error::Noise`] when
    /// the noise is to be estimated and cannot be, [`Error::MemoryBudget`] when the smallest tiles do not fit into the
    /// budget, [`Error::OutOfMemory`] when the device fails even with these, and what the device says.
    pub async fn run(&self, image: &Image, options: &DenoiseOptions, control: &Control<'_>) -> Result<Denoised, Error> {
        options.check()?;
        check_finite(image)?;
        if options.strength == 0.0 {
            return Ok(Denoised::unchanged(image, Unchanged::Strength));
        }
        let scale = match self.way {
            Decoding::Chain(..) => Scale::new(image, options.noise, options.strength)?,
            Decoding::Direct => Scale::plain(image, options.range),
        };
        let scale = match scale {
            Ok(scale) => scale,
            Err(reason) => return Ok(Denoised::unchanged(image, reason)),
        };
        let multiple = self.model.card().recipe.network.multiple();
        // No tile is larger than the image needs.
        let needed = image.size()[0].max(image.size()[1]).next_multiple_of(multiple);
        let tile = options.tile.min(needed).next_multiple_of(multiple);
        let whole = DenoiseOptions { tile, overlap: options.overlap.min(tile / 2), ..options.clone() };
        let at_once = if self.device == Device::flex() { PIXELS_AT_ONCE_CPU } else { PIXELS_AT_ONCE_GPU };
        let memory = Memory {
            budget: self.engine.limits().memory_bytes,
            bytes: &|tile, batch| self.planned_bytes(image.size(), tile, batch),
            most: &|tile| at_once / tile.pow(2),
            multiple,
        };
        memory
            .attempt(image.size(), whole, async |layout| self.attempt(image, &scale, layout, options, control).await)
            .await
    }

    /// Bytes of the device that denoising an image takes at most, in such tiles, so many at once.
    #[must_use]
    pub fn planned_bytes(&self, [columns, rows]: [usize; 2], tile: usize, batch: usize) -> u64 {
        /// The image, its present state, the estimate, its bands being joined, and fresh noise.
        const IMAGES: usize = 5;
        /// What the network is given, what it puts out, the estimate made of these, and that weighted.
        const TILES: usize = 4;
        let network = &self.model.card().recipe.network;
        let values = IMAGES * columns.max(tile) * rows.max(tile) + TILES * batch * tile * tile;
        (values * size_of::<f32>()) as u64 + batch as u64 * network.activation_bytes(tile)
    }

    /// Takes the noise off in the tiles of a layout.
    async fn attempt(
        &self,
        image: &Image,
        scale: &Scale,
        layout: &Layout,
        options: &DenoiseOptions,
        control: &Control<'_>,
    ) -> Result<Denoised, Error> {
        let sigma = scale.sigma();
        let levels = match &self.way {
            Decoding::Chain(chain, _) => chain.way_down(sigma, options.sampler.steps()),
            Decoding::Direct => vec![Level::CLEAN; 2],
        };
        let [columns, rows] = layout.size;
        let values = layout.padded(scale.forward(image), image.size());
        let values = TensorData::new(values, [1, 1, rows, columns]);
        let mut x = Tensor::<4>::from_data(values, &self.device) * levels[0].signal();
        let weights = layout.weights(&self.device);
        let (steps, tiles) = (levels.len() - 1, layout.tiles());
        let tell = |step: usize, done: usize| {
            if (control.is_cancelled)() {
                return Err(engine::Error::Cancelled.into());
            }
            let fraction = (step * tiles + done) as f64 / (steps * tiles) as f64;
            (control.progress)(Progress { pass: "denoise", fraction });
            Ok(())
        };
        for (index, pair) in levels.windows(2).enumerate() {
            let (from, to) = (pair[0], pair[1]);
            let estimate = self.estimate(&x, from, layout, &weights, &|done| tell(index, done))?;
            let step = match (&self.way, options.sampler) {
                (Decoding::Direct, _) => Step { image: options.strength, present: 1.0 - options.strength, fresh: 0.0 },
                (_, Sampler::OneStep) => Step::posterior(from, Level::CLEAN),
                (_, Sampler::Ddim { eta, .. }) => Step::implicit(from, to, eta),
                (_, Sampler::Ddpm { .. }) => Step::posterior(from, to),
            };
            x = estimate * step.image + x * step.present;
            if step.fresh > 0.0 {
                x = x + self.normals(layout.size, options.seed, index).await? * step.fresh;
            }
        }
        let values = tensors::values(x)?;
        let (start, is_told) = match &self.way {
            Decoding::Chain(chain, _) => (chain.start(sigma), true),
            Decoding::Direct => (None, false),
        };
        Ok(Denoised {
            image: scale.inverse(layout.cropped(values, image.size()), image)?,
            unchanged: None,
            noise: is_told.then(|| scale.model()),
            sigma: is_told.then_some(sigma),
            start,
            steps,
            tiles,
            tile: layout.tile,
            batch: layout.batch,
        })
    }

    /// The network's estimate of the clean image behind `x`, in batches of the tiles of a row; `tell` hears how many tiles
    /// are done.
    fn estimate(
        &self,
        x: &Tensor<4>,
        level: Level,
        layout: &Layout,
        weights: &Weights,
        tell: &impl Fn(usize) -> Result<(), Error>,
    ) -> Result<Tensor<4>, Error> {
        let (starts, down) = (layout.across.starts(), layout.down.starts());
        let (columns, tile) = (layout.size[0], layout.tile);
        let mut parts: Vec<Tensor<4>> = Vec::new();
        let mut carried: Option<Tensor<4>> = None;
        for (row, top) in down.iter().enumerate() {
            let mut band = Tensor::<4>::zeros([1, 1, tile, columns], &self.device);
            for (index, lefts) in starts.chunks(layout.batch).enumerate() {
                let first = index * layout.batch;
                tell(row * starts.len() + first)?;
                let cut = |left: &usize| x.clone().slice([0..1, 0..1, *top..top + tile, *left..left + tile]);
                let noisy = Tensor::cat(lefts.iter().map(cut).collect(), 0);
                let weighted = self.clean(noisy, level) * weights.across.clone().narrow(0, first, lefts.len());
                for (index, left) in lefts.iter().enumerate() {
                    let place = [0..1, 0..1, 0..tile, *left..left + tile];
                    let sum = band.clone().slice(place.clone()) + weighted.clone().narrow(0, index, 1);
                    band = band.slice_assign(place, sum);
                }
            }
            band = band * weights.down.clone().narrow(0, row, 1);
            if let Some(carried) = carried.take() {
                let shared = carried.dims()[2];
                let both = band.clone().slice([0..1, 0..1, 0..shared, 0..columns]) + carried;
                band = Tensor::cat(vec![both, band.slice([0..1, 0..1, shared..tile, 0..columns])], 2);
            }
            match down.get(row + 1) {
                Some(next) => {
                    parts.push(band.clone().slice([0..1, 0..1, 0..next - top, 0..columns]));
                    carried = Some(band.slice([0..1, 0..1, next - top..tile, 0..columns]));
                }
                None => parts.push(band),
            }
        }
        tell(layout.tiles())?;
        Ok(Tensor::cat(parts, 2))
    }

    /// The network's estimate of clean tiles, all of one level of noise: `[count, 1, tile, tile]`.
    fn clean(&self, noisy: Tensor<4>, level: Level) -> Tensor<4> {
        let network: &Unet = self.model.network();
        match &self.way {
            Decoding::Chain(_, prediction) => {
                let ln_sigma = Tensor::<1>::full([noisy.dims()[0]], level.sigma().ln() as f32, &self.device);
                let output = network.forward(noisy.clone(), Some(ln_sigma));
                prediction.to_image(level, noisy, output)
            }
            Decoding::Direct => noisy.clone() - network.forward(noisy, None),
        }
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
