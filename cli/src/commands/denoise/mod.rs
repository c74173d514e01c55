mod options;
mod page;
mod remarks;

use std::path::{Path, PathBuf};

use clap::Args;
use kerma::{
    data::{Image, Sample},
    engine::PeakBytes,
    io::{DicomAttributes, check_image_output, write_bytes, write_image_with},
};
use kerma_nn::{
    Error, beside,
    denoise::{Denoised, Denoiser, Model, training::Recipe},
    shipped,
};
use serde_json::json;

use self::options::Settings;
use crate::{
    context::Context,
    dicom::{self, DicomArgs},
    failure::Failure,
    inputs,
    report::significant,
    summary::counted,
};

const EXAMPLES: &str = "\
Examples:
  kerma denoise chest.dcm --out chest.png --report chest.html
  kerma denoise raw.tif --strength 0.7 --out calm.tif
  kerma denoise raw.tif --noise poisson:0.8,25 --out calm.tif
  kerma denoise raw.tif --model my.safetensors --sampler ddpm --steps 50 --seed 3 --out drawn.tif

Images: .png (8, 16 bit), .tif (8, 16, 32 bit float), .dcm (Digital X-Ray), .npy. The extension decides; DICOM is read under any name.
Bit depth and spacing stay as they are. Other models are what kerma train writes. The noise is estimated from the image
and the chain entered at the step t* whose noise is the image's. Work on a detector's own values: pictures that were
processed for viewing have noise that no model of noise describes.";

/// Arguments of `kerma denoise`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DenoiseArgs {
    /// Radiograph
    image: PathBuf,
    /// Trained network; without it the built-in one, ddpm-x
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// Image to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    settings: Settings,
    /// Also write a self-contained page with before and after, what was taken off, and the noise
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,
    #[command(flatten)]
    dicom: DicomArgs,
}

impl DenoiseArgs {
    /// An image through a model, nothing said but of DICOM files.
    pub(super) fn usual(image: &Path, model: &Path, out: &Path, dicom: DicomArgs) -> Result<Self, Failure> {
        let (image, model, out) = (image.to_owned(), Some(model.to_owned()), out.to_owned());
        Ok(Self { image, model, out, settings: Settings::usual()?, report: None, dicom })
    }
}

/// Runs `kerma denoise`.
pub(crate) fn run(args: &DenoiseArgs, context: &mut Context) -> Result<(), Failure> {
    let options = args.settings.options()?;
    let sources: Vec<&Path> =
        [Some(&args.image), args.model.as_ref()].into_iter().flatten().map(PathBuf::as_path).collect();
    check_image_output(&args.out, Sample::Unsigned { bits: 8 })?;
    inputs::keep(&sources, &args.out)?;
    if let Some(page) = &args.report {
        inputs::check_page(page, &sources)?;
    }
    let attributes = args.dicom.attributes(&args.image, &args.out, context)?;
    let (image, info) = context.read_image(&args.image)?;
    check_image_output(&args.out, image.sample())?;
    let image = args.dicom.spaced(image, &args.image, &args.out)?;
    let tensors = beside(context.device()?)?;
    let model = context.read(|| match &args.model {
        Some(path) => Model::load(path, &tensors),
        None => shipped(&tensors),
    })?;
    let recipe = &model.card().recipe;
    args.settings.suit(recipe)?;

    let mut remarks = context.compute(|| remarks::of_image(&image));
    if info.inverted {
        remarks.push("its smallest value is the brightest; the values stay that way round".to_owned());
    }
    let (denoised, bytes) = context.drive("denoising", |engine, control| {
        let refused = |error: Error| match &args.model {
            Some(path) => Failure::from(error).in_file(path),
            None => error.into(),
        };
        let denoiser = Denoiser::new(&model, engine, tensors.clone()).map_err(refused)?;
        let denoised = pollster::block_on(denoiser.run(&image, &options, control));
        let denoised = denoised.map_err(|error| blame(error, &args.image))?;
        let planned = || denoiser.planned_bytes(image.size(), denoised.tile, denoised.batch);
        let bytes = if denoised.unchanged.is_some() { 0 } else { planned() };
        Ok((denoised, bytes))
    })?;
    account(&image, bytes, context)?;
    remarks.extend(remarks::of_result(&denoised, recipe));
    for remark in &remarks {
        context.note(&format!("{}: {remark}", args.image.display()));
    }

    let attributes = DicomAttributes { info, derivation: "kerma denoise".to_owned(), ..attributes };
    context.write(&args.out, |out| write_image_with(out, &denoised.image, &attributes))?;
    dicom::remark(&attributes, &args.out, context);
    if let Some(path) = &args.report {
        let name = args.image.file_name().unwrap_or_default().to_string_lossy();
        let run = page::Run {
            name: &name,
            is_dense_dark: info.grows_with_exposure(),
            before: &image,
            denoised: &denoised,
            card: model.card(),
            sampler: &args.settings.sampler(),
            options: &options,
            is_noise_given: args.settings.is_noise_given(),
            remarks: &remarks,
            summary: context.summary().for_page(context.device()?.self_test().summary()),
        };
        let html = page::report(&run).to_html();
        context.write(path, |path| write_bytes(path, html.as_bytes()))?;
    }
    measure(args, &image, &denoised, &model, context);
    context.measure("warnings", &remarks);
    context.finish(&headline(args, &image, &denoised, recipe))
}

/// Errors with the image's file in front where they are about it.
fn blame(error: Error, image: &Path) -> Failure {
    match error {
        Error::Noise(error) => Failure::input(format!("{error}; say it with --noise")).in_file(image),
        Error::Image(_) => Failure::from(error).in_file(image),
        error => error.into(),
    }
}

/// Adds what the work held at its fullest to the summary.
fn account(image: &Image, device: u64, context: &mut Context) -> Result<(), Failure> {
    /// The image, and what was made of it.
    const IMAGES: usize = 2;
    let host = (IMAGES * image.values().len() * size_of::<f32>()) as u64;
    let peak = match context.device()?.adapter() {
        Some(_) => PeakBytes { host, device },
        None => PeakBytes { host: host + device, device: 0 },
    };
    context.raise_peak(peak);
    Ok(())
}

fn mean(image: &Image) -> f64 {
    image.values().iter().map(|v| f64::from(*v)).sum::<f64>() / image.values().len() as f64
}

fn measure(args: &DenoiseArgs, image: &Image, denoised: &Denoised, model: &Model, context: &mut Context) {
    let card = model.card();
    context.measure("sigma", denoised.sigma);
    context.measure("gain", denoised.noise.map(|noise| noise.gain));
    context.measure("offset", denoised.noise.map(|noise| noise.offset));
    context.measure("noise_sigma", denoised.noise.map(|noise| noise.sigma_at(mean(image))));
    context.measure("noise_is_estimated", denoised.noise.map(|_| !args.settings.is_noise_given()));
    context.measure("start_step", denoised.start);
    context.measure("chain_steps", card.recipe.diffusion.as_ref().map(|diffusion| diffusion.steps));
    context.measure("sampler", args.settings.sampler());
    context.measure("strength", args.settings.strength);
    context.measure("steps", denoised.steps);
    context.measure("tiles", denoised.tiles);
    context.measure("tile", denoised.tile);
    context.measure("batch", denoised.batch);
    context.measure("model", json!({ "name": card.recipe.name, "sha256": card.sha256 }));
}

fn headline(args: &DenoiseArgs, image: &Image, denoised: &Denoised, recipe: &Recipe) -> String {
    let [columns, rows] = image.size();
    let mut line = format!("{}: {columns}x{rows}, {}", args.out.display(), recipe.name);
    if let Some(reason) = denoised.unchanged {
        return format!("{line}, as it was: {reason}");
    }
    if let Some(noise) = &denoised.noise {
        let source = if args.settings.is_noise_given() { "given" } else { "found" };
        line.push_str(&format!(", noise {} {source}", significant(noise.sigma_at(mean(image)), 3)));
    }
    if let (Some(start), Some(diffusion)) = (denoised.start, &recipe.diffusion) {
        line.push_str(&format!(", from step t* = {start} of {}", diffusion.steps));
    }
    let (steps, tiles) = (counted(denoised.steps, "step"), counted(denoised.tiles, "tile"));
    format!("{line}, {} in {steps}, {tiles}", args.settings.sampler())
}
