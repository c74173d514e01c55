use kerma::{
    data::{Image, Sample, Unit},
    engine::{Extent, Graph},
    kernels::{
        noise::{
            Stream,
            quanta::{self, Quanta},
        },
        pointwise::{line_integral, transmission},
    },
    noise::PoissonGaussian,
};
use kerma_nn::{
    SHIPPED, beside,
    denoise::{DenoiseOptions, Denoised, Denoiser, Noise},
    shipped,
};

use super::radiograph::Shot;
use crate::{context::Context, failure::Failure, pictures::Slice};

/// Name of the stage in the account.
pub(super) const STAGE: &str = "denoising";
/// The network that denoises.
pub(super) const MODEL: &str = SHIPPED;
/// Quanta per pixel in the open beam: some tens behind the body, a hundredth of what a usual radiograph has.
pub(super) const PHOTONS: f32 = 2000.0;
/// Counts that stand for none in the logarithm.
const LEAST_COUNT: f32 = 0.5;
/// Seed of the noise.
const SEED: u64 = 7;

/// The radiograph taken with few quanta, and what a network makes of it.
pub(super) struct LowDose {
    /// Line integrals of the noisy signal, where the radiograph's picture lies.
    pub(super) noisy: Slice,
    /// Line integrals of the denoised signal.
    pub(super) denoised: Slice,
    /// RMS difference from the radiograph's line integrals where the picture shows tissue, before and after.
    pub(super) errors: [f64; 2],
    /// Step of the chain at which the image entered.
    pub(super) start: Option<usize>,
}

impl LowDose {
    /// Draws the quanta that the detector counts, and denoises its signal.
    ///
    /// The gain of a photon counter is known, 1/n; so nothing has to be estimated.
    pub(super) fn of(context: &mut Context, shot: &Shot) -> Result<Self, Failure> {
        let integrals = shot.integrals()?;
        let noisy = expose(context, &integrals)?;
        let tensors = beside(context.device()?)?;
        let model = shipped(&tensors)?;
        let gain = f64::from(1.0 / PHOTONS);
        let noise = Noise::PoissonGaussian(PoissonGaussian { gain, offset: 0.0 });
        let options = DenoiseOptions { noise, ..DenoiseOptions::default() };
        let Denoised { image, start, .. } = context.drive(STAGE, |engine, control| {
            let denoiser = Denoiser::new(&model, engine, tensors.clone())?;
            Ok(pollster::block_on(denoiser.run(&noisy, &options, control))?)
        })?;
        let [noisy, denoised] = [noisy, image].map(|image| logarithm(context, &image));
        let [noisy, denoised] = [noisy?, denoised?];
        let error = |image: &Image| {
            let pairs = image.values().iter().zip(integrals.values());
            let shown: Vec<f64> = pairs
                .filter(|(_, truth)| shot.window.brightness(**truth) > 0.0)
                .map(|(got, truth)| f64::from(got - truth).powi(2))
                .collect();
            (shown.iter().sum::<f64>() / shown.len().max(1) as f64).sqrt()
        };
        let errors = [&noisy, &denoised].map(error);
        let slice = |image: &Image| {
            let slice = shot.picture.showing(image);
            slice.ok_or_else(|| Failure::input("the denoised radiograph has another size"))
        };
        Ok(Self { errors, start, noisy: slice(&noisy)?, denoised: slice(&denoised)? })
    }
}

/// The signal relative to the open beam with its quanta drawn.
fn expose(context: &mut Context, integrals: &Image) -> Result<Image, Failure> {
    let [columns, rows] = integrals.size();
    let mut graph = Graph::new();
    let uploaded = graph.upload("low dose.integrals", Extent::new(1, rows, columns), integrals.values());
    let signal = transmission::record(&mut graph, uploaded);
    let quanta = Quanta { photons: Some(PHOTONS), electronic_sigma: 0.0 };
    let noisy = quanta::record(&mut graph, signal, &quanta, &Stream::new(SEED, 0));
    let output = graph.result(noisy);
    let values = context.run("low dose", &graph)?.take(output)?;
    Ok(Image::new(integrals.size(), integrals.spacing_mm(), Sample::Float, Unit::Transmission, values)?)
}

/// −ln of a signal.
fn logarithm(context: &mut Context, signal: &Image) -> Result<Image, Failure> {
    let [columns, rows] = signal.size();
    let mut graph = Graph::new();
    let uploaded = graph.upload("low dose.signal", Extent::new(1, rows, columns), signal.values());
    let integrals = line_integral::record(&mut graph, LEAST_COUNT / PHOTONS, uploaded);
    let output = graph.result(integrals);
    let values = context.run("logarithm", &graph)?.take(output)?;
    Ok(Image::new(signal.size(), signal.spacing_mm(), Sample::Float, Unit::LineIntegral, values)?)
}
