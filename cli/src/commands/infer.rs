use std::path::{Path, PathBuf};

use clap::Args;
use kerma::{
    data::{Unit, Volume},
    engine::{self, PeakBytes, Progress},
    io::{DicomAttributes, check_output, write_volume, write_volume_with},
};
use kerma_nn::{
    Error, beside, improve::Improver, reconstruct::Reconstructor, segment::Segmenter, shipped_improver, task_of_model,
    training::Task,
};

use super::denoise::{self, DenoiseArgs};
use crate::{context::Context, dicom::DicomArgs, failure::Failure, inputs, summary::bytes_text};

const EXAMPLES: &str = "\
Examples:
  kerma infer models/tomosynthesis-coronal.safetensors sweep/reconstruction.nii.gz --out like-ct.nii.gz
  kerma infer models/nodules-ct.safetensors chest.nii.gz --out probability.nii.gz
  kerma infer my-denoiser.safetensors chest.tif --out calm.tif
  kerma infer models/primal-dual.safetensors integrals.npy --out slice.nii.gz

What comes out is decided by the model's task: denoise takes an image to an image, improve a reconstruction to a volume in HU, segment a
volume to the probability of a nodule in each voxel, reconstruct the line integrals of the model's own scan to a slice in 1/mm.
Models that come before one are read from its folder.";

/// Arguments of `kerma infer`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct InferArgs {
    /// Trained network, as kerma train writes it
    model: PathBuf,
    /// Image, volume or projections
    input: PathBuf,
    /// File to write, or of a volume a folder for DICOM slices, DIR/
    #[arg(long, value_name = "FILE|DIR/")]
    out: PathBuf,
    #[command(flatten)]
    dicom: DicomArgs,
}

/// Runs `kerma infer`.
pub(crate) fn run(args: &InferArgs, context: &mut Context) -> Result<(), Failure> {
    let InferArgs { model, input, out, dicom } = args;
    match context.read(|| task_of_model(model))? {
        Task::Denoise => denoise::run(&DenoiseArgs::usual(input, model, out, *dicom)?, context),
        Task::Improve => {
            check_output(out)?;
            inputs::keep(&[input, model], out)?;
            let attributes = derived(dicom.volume(input, out, context)?);
            let volume = context.read_volume(input, None)?;
            let improved = improved(&volume, Some(model), input, context)?;
            context.write(out, |path| write_volume_with(path, &improved, &attributes))?;
            context.finish(&format!("{}: {}, improved", out.display(), improved.grid()))
        }
        Task::Assess => {
            Err(Failure::input("tells a quantity of radiographs and writes no file; kerma check runs it")
                .in_file(model))
        }
        Task::Reconstruct => {
            check_output(out)?;
            inputs::keep(&[input, model], out)?;
            let device = beside(context.device()?)?;
            let engine = context.device()?.clone();
            let reconstructor = context.read(|| Reconstructor::load(model, &engine, &device))?;
            let pitch_mm = reconstructor.model().card().recipe.geometry()?.pitch_mm();
            let projections = inputs::stack(input, pitch_mm, context)?;
            let run = || reconstructor.run(&projections).map_err(|e| Failure::from(e).in_file(input));
            let slice = context.compute(run)?;
            context.write(out, |path| write_volume(path, &slice))?;
            context.finish(&format!("{}: {}, in mm⁻¹", out.display(), slice.grid()))
        }
        Task::Segment => {
            check_output(out)?;
            inputs::keep(&[input, model], out)?;
            let attributes = derived(dicom.volume(input, out, context)?);
            let device = beside(context.device()?)?;
            let segmenter = context.read(|| Segmenter::load(model, &device))?;
            let volume = volume_for(&segmenter, input, context)?;
            let probability = probabilities(&segmenter, &volume, input, context)?;
            context.write(out, |path| write_volume_with(path, &probability, &attributes))?;
            context.finish(&format!("{}: {}, probabilities of nodules", out.display(), probability.grid()))
        }
    }
}

fn derived(source: DicomAttributes) -> DicomAttributes {
    DicomAttributes { derivation: "kerma infer".to_owned(), ..source }
}

/// A volume that comes from a file, improved by a model and those before it, or by those that are built in.
pub(super) fn improved(
    volume: &Volume,
    model: Option<&Path>,
    source: &Path,
    context: &mut Context,
) -> Result<Volume, Failure> {
    let device = beside(context.device()?)?;
    let improver = context.read(|| match model {
        Some(path) => Improver::load(path, &device),
        None => shipped_improver(&device),
    })?;
    if let Some([x, y, z]) = improver.own_grid(volume) {
        context
            .note(&format!("the network knows voxels of {x} x {y} x {z} mm: what it adds is interpolated from these"));
    }
    let bytes = improver.planned_bytes(volume);
    let improved = through("improving", bytes, source, context, |tell| improver.run(volume, tell))?;
    if model.is_none() {
        context.note("the built-in network learned from sweeps of 30 degrees of simulated chests alone");
    }
    Ok(improved)
}

/// A volume as a segmenter knows it, from a file.
pub(super) fn volume_for(segmenter: &Segmenter, path: &Path, context: &mut Context) -> Result<Volume, Failure> {
    match segmenter.unit() == Unit::Hounsfield.to_string() {
        true => inputs::ct(path, context),
        false => context.read_volume(path, None),
    }
}

/// The probability of a nodule in each voxel of a volume that comes from a file.
pub(super) fn probabilities(
    segmenter: &Segmenter,
    volume: &Volume,
    source: &Path,
    context: &mut Context,
) -> Result<Volume, Failure> {
    if let Some([x, y, z]) = segmenter.own_grid(volume) {
        context.note(&format!(
            "the network knows voxels of {x} x {y} x {z} mm: probabilities are interpolated from these"
        ));
    }
    let bytes = segmenter.planned_bytes(volume);
    through("searching", bytes, source, context, |tell| segmenter.run(volume, tell))
}

/// What a network makes of a volume, under a progress bar.
fn through(
    what: &str,
    bytes: u64,
    source: &Path,
    context: &mut Context,
    run: impl FnOnce(&mut dyn FnMut(f64) -> Result<(), Error>) -> Result<Volume, Error>,
) -> Result<Volume, Failure> {
    let budget = context.available_bytes();
    if bytes > budget {
        let [needed, free] = [bytes, budget].map(bytes_text);
        return Err(Failure::input(format!("{what} needs {needed} of memory, {free} are free")));
    }
    let peak = match context.device()?.adapter() {
        Some(_) => PeakBytes { host: 0, device: bytes },
        None => PeakBytes { host: bytes, device: 0 },
    };
    context.raise_peak(peak);
    context.drive(what, |_, control| {
        let mut tell = |fraction: f64| {
            if (control.is_cancelled)() {
                return Err(Error::from(engine::Error::Cancelled));
            }
            (control.progress)(Progress { pass: "slices", fraction });
            Ok(())
        };
        run(&mut tell).map_err(|error| match error {
            Error::Image(_) => Failure::from(error).in_file(source),
            error => error.into(),
        })
    })
}
