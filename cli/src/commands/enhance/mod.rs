mod options;
mod outputs;
mod page;

use std::path::{Path, PathBuf};

use clap::Args;
use kerma::{
    data::{DisplayRange, Image, ImageInfo, Sample, Trend},
    engine::PassTime,
    io::{DicomAttributes, read_image, write_bytes, write_image, write_image_with},
    tasks::{
        Recorded, TaskError,
        enhance::{Enhanced, Enhancement, GivenMask, Preset, Stage},
    },
};
use serde_json::{Value, json};

use self::{
    options::{Instructions, Step},
    outputs::Files,
};
use crate::{
    context::Context,
    dicom::{self, DicomArgs},
    failure::Failure,
};

#[cfg(feature = "nn")]
pub(super) use self::options::ResponseFlag;

const EXAMPLES: &str = "\
Examples:
  kerma enhance chest.dcm --preset chest --out chest.png --report chest.html
  kerma enhance chest-15bit.dcm --preset chest --bits 8 --out chest.png
  kerma enhance chest.dcm --preset chest --out enhanced.dcm --keep-identity
  kerma enhance raw.tif --preset abdomen --response linear --keep mask,clahe --out better.tif
  kerma enhance hand.png --preset my-hand.toml --mask hand-mask.png --out better.png
  kerma enhance hand.png --only clahe --tiles 8x8 --clip 2.0 --out hand-clahe.png
  kerma enhance hand.png --only laplacian --levels 3 --gains 1.5,1.2,1.0 --containment 3 --out hand-sharp.png
  kerma enhance hand.png --only triangle --out hand-mask.png

Images: .png (8, 16 bit), .tif (8, 16, 32 bit float), .dcm (Digital X-Ray), .npy. The extension decides; DICOM is read
under any name. Dense matter comes out bright (MONOCHROME2), direct exposure dark; spacing stays as it is, and so
does the bit depth without --bits.
--keep writes what is computed on the way beside the result: prepared, mask, clahe, band1 … band12, laplacian.";

/// Arguments of `kerma enhance`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct EnhanceArgs {
    #[command(flatten)]
    inputs: EnhanceInputs,
    /// Image to write; with --only triangle the mask
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Also write a self-contained page with before and after, histograms, foreground, stages and times
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,
    #[command(flatten)]
    dicom: DicomArgs,
}

/// What is enhanced, and how.
#[derive(Args, Debug)]
pub(crate) struct EnhanceInputs {
    /// Radiograph
    image: PathBuf,
    #[command(flatten)]
    recipe: Instructions,
    /// Foreground made elsewhere, an image of the same size: what is not 0
    #[arg(long, value_name = "FILE")]
    mask: Option<PathBuf>,
    /// Also write what is computed on the way
    #[arg(long, value_name = "STAGE,…", value_delimiter = ',', value_parser = stage)]
    keep: Vec<Stage>,
}

fn stage(text: &str) -> Result<Stage, String> {
    text.parse().map_err(|error: TaskError| error.to_string())
}

/// Inputs that have been read.
pub(super) struct Loaded<'i> {
    inputs: &'i EnhanceInputs,
    preset: Preset,
    image: Image,
    info: ImageInfo,
    mask: Option<GivenMask>,
}

impl EnhanceInputs {
    /// Reads the files; flags and preset first.
    pub(super) fn load(&self, context: &mut Context) -> Result<Loaded<'_>, Failure> {
        let preset = self.recipe.preset(self.mask.is_some())?;
        self.read(preset, context)
    }

    fn read(&self, preset: Preset, context: &mut Context) -> Result<Loaded<'_>, Failure> {
        let (image, info) = context.read_image(&self.image)?;
        let mask = self.mask.as_deref().map(|path| given_mask(path, &image, context)).transpose()?;
        Ok(Loaded { inputs: self, preset, image, info, mask })
    }

    fn paths(&self) -> Vec<&Path> {
        let preset = self.recipe.preset.as_deref().map(Path::new);
        [Some(self.image.as_path()), self.mask.as_deref(), preset].into_iter().flatten().collect()
    }

    /// Stages to be written beside the result, each once.
    fn kept(&self) -> Vec<Stage> {
        let mut kept = self.keep.clone();
        kept.sort_unstable();
        kept.dedup();
        kept
    }
}

fn given_mask(path: &Path, image: &Image, context: &mut Context) -> Result<GivenMask, Failure> {
    let (mask, _) = context.read(|| read_image(path))?;
    GivenMask::new(&mask, image).map_err(|error| Failure::from(error).in_file(path))
}

impl Loaded<'_> {
    /// Records the task.
    pub(super) fn record(&self) -> Result<Enhancement<'_>, Failure> {
        self.record_keeping(&self.inputs.kept())
    }

    fn record_keeping(&self, keep: &[Stage]) -> Result<Enhancement<'_>, Failure> {
        Enhancement::new(&self.image, &self.info, self.mask.as_ref(), &self.preset.options, keep)
            .map_err(|error| self.blame(error))
    }

    /// What a DICOM file of the result states: the whole chain makes dense matter bright, a step leaves the values their way round.
    fn attributes(&self, source: DicomAttributes, enhanced: &Enhanced, is_mask: bool) -> DicomAttributes {
        let whole = ImageInfo { intensity: Some(Trend::Falling), ..ImageInfo::default() };
        let info = if self.inputs.recipe.only.is_some() { self.info } else { whole };
        let levels = f64::from(1_u32 << enhanced.image_bits);
        let window = (!is_mask).then_some(DisplayRange { centre: levels / 2.0, width: levels });
        DicomAttributes { info: ImageInfo { window, ..info }, derivation: "kerma enhance".to_owned(), ..source }
    }

    /// The stages that a page shows.
    fn shown(&self) -> Vec<Stage> {
        let bands = self.preset.options.laplacian.as_ref().map_or(0, |laplacian| laplacian.gains.len());
        let clahe = self.preset.options.clahe.as_ref().map(|_| Stage::Clahe);
        let bands = (1..=bands).map(|number| Stage::Band(number as u8));
        [Stage::Prepared].into_iter().chain(clahe).chain(bands).collect()
    }

    /// Name of the preset or of the step.
    fn recipe(&self) -> String {
        let Instructions { preset, only, .. } = &self.inputs.recipe;
        preset.clone().or_else(|| only.map(options::name_of)).unwrap_or_default()
    }

    fn blame(&self, error: TaskError) -> Failure {
        match &error {
            TaskError::Data(_) => Failure::from(error).in_file(&self.inputs.image),
            _ => error.into(),
        }
    }
}

/// Runs `kerma enhance`.
pub(crate) fn run(args: &EnhanceArgs, context: &mut Context) -> Result<(), Failure> {
    let inputs = &args.inputs;
    let preset = inputs.recipe.preset(inputs.mask.is_some())?;
    let files = Files::new(&args.out, args.report.as_deref(), inputs.paths())?;
    let attributes = args.dicom.attributes(&inputs.image, &args.out, context)?;
    let mut loaded = inputs.read(preset, context)?;
    let (is_mask, kept) = (inputs.recipe.only == Some(Step::Triangle), inputs.kept());
    let sample = loaded.image.sample();
    let result_bits = if is_mask { Some(8) } else { loaded.preset.options.bits };
    files.check_all(&kept, result_bits.map_or(sample, |bits| Sample::Unsigned { bits }), sample)?;
    loaded.image = args.dicom.spaced(loaded.image, &inputs.image, &args.out)?;

    let mut wanted = kept.clone();
    if args.report.is_some() {
        wanted.extend(loaded.shown());
    }
    let task = context.record(|| loaded.record_keeping(&wanted))?;
    remark(&loaded, &task, context);
    let outputs = context.run("the enhancement", task.graph())?;
    let passes = outputs.report.passes.clone();
    let enhanced = task.finish(outputs).map_err(|error| loaded.blame(error))?;
    if let Some(level) = enhanced.rejected_threshold {
        context.note(&format!(
            "the threshold {level} lies within the object: no direct exposure is seen, and all above the lowest level is \
             foreground"
        ));
    }
    if let Some([left, top, right, bottom]) = enhanced.field {
        context.note(&format!(
            "the exposed field goes from column {left} to {} and from row {top} to {}; the rest is black (--collimation=off to \
             keep it)",
            right - 1,
            bottom - 1
        ));
    }
    match (enhanced.mask_share == Some(0.0), &loaded.mask) {
        (true, Some(_)) => context.note("no pixel is foreground: the steps take the whole image"),
        (true, None) if loaded.preset.options.clahe.is_some() => {
            context.note("no pixel is foreground: local contrast stays as it is");
        }
        _ => {}
    }
    for (stage, image) in enhanced.kept.iter().filter(|(stage, _)| kept.contains(stage)) {
        context.write(&files.beside(*stage, sample), |out| write_image(out, image))?;
    }
    let result = enhanced.mask.as_ref().filter(|_| is_mask).unwrap_or(&enhanced.image);
    let attributes = loaded.attributes(attributes, &enhanced, is_mask);
    context.write(&args.out, |out| write_image_with(out, result, &attributes))?;
    dicom::remark(&attributes, &args.out, context);

    if let Some(path) = &args.report {
        let html = page_of(&loaded, &enhanced, result, &passes, context)?;
        context.write(path, |path| write_bytes(path, html.as_bytes()))?;
    }
    measure(&enhanced, &passes, context);
    context.finish(&headline(&args.out, &loaded, &enhanced))
}

/// Says what is not plain about the image.
fn remark(loaded: &Loaded<'_>, task: &Enhancement<'_>, context: &Context) {
    let path = loaded.inputs.image.display();
    if let Sample::Unsigned { bits } = loaded.image.sample()
        && task.bits() < bits
    {
        context.note(&format!("{path}: values need {} of {bits} bits; the steps reckon with those", task.bits()));
    }
    if loaded.inputs.recipe.only.is_some() && loaded.info.inverted {
        context.note(&format!("{path}: its smallest value is the brightest; --only leaves the values that way round"));
    }
}

fn measure(enhanced: &Enhanced, passes: &[PassTime], context: &mut Context) {
    let passes: Vec<Value> = passes
        .iter()
        .map(|PassTime { pass, time }| json!({ "pass": pass, "milliseconds": time.as_secs_f64() * 1e3 }))
        .collect();
    context.measure("threshold", enhanced.threshold);
    context.measure("threshold_value", enhanced.threshold_value);
    context.measure("rejected_threshold", enhanced.rejected_threshold);
    context.measure("bits", enhanced.bits);
    context.measure("field", enhanced.field);
    context.measure("mask_share", enhanced.mask_share);
    context.measure("band_noise", &enhanced.band_noise);
    context.measure("passes", passes);
}

/// The page of `--report`.
fn page_of(
    loaded: &Loaded<'_>,
    enhanced: &Enhanced,
    result: &Image,
    passes: &[PassTime],
    context: &Context,
) -> Result<String, Failure> {
    let kept = |wanted: Stage| enhanced.kept.iter().find(|(stage, _)| *stage == wanted).map(|(_, image)| image);
    let name = loaded.inputs.image.file_name().unwrap_or_default().to_string_lossy();
    let stages = enhanced.kept.iter().filter(|(stage, _)| !matches!(stage, Stage::Prepared | Stage::Mask));
    let run = page::Run {
        name: &name,
        recipe: &loaded.recipe(),
        description: &loaded.preset.description,
        before: kept(Stage::Prepared).unwrap_or(&loaded.image),
        after: result,
        mask: enhanced.mask.as_ref(),
        mask_share: enhanced.mask_share,
        threshold: enhanced.threshold,
        rejected_threshold: enhanced.rejected_threshold,
        is_tidied: loaded.inputs.recipe.only.is_none(),
        bits: enhanced.bits,
        after_bits: if loaded.inputs.recipe.only == Some(Step::Triangle) { 8 } else { enhanced.image_bits },
        band_noise: &enhanced.band_noise,
        kept: stages.map(|(stage, image)| (stage.to_string(), image)).collect(),
        passes: passes.iter().map(|p| (p.pass.as_str(), p.time.as_secs_f64() * 1e3)).collect(),
        summary: context.summary().for_page(context.device()?.self_test().summary()),
    };
    Ok(page::report(&run).to_html())
}

fn headline(out: &Path, loaded: &Loaded<'_>, enhanced: &Enhanced) -> String {
    let [columns, rows] = enhanced.image.size();
    let what = loaded.recipe();
    let threshold = enhanced.threshold_value.map_or_else(String::new, |value| format!(", threshold {value}"));
    let share = enhanced.mask_share.map_or_else(String::new, |s| format!(", {:.1} % foreground", 100.0 * s));
    format!("{}: {columns}x{rows}, {what}{threshold}{share}", out.display())
}
