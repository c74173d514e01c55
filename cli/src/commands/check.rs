use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

use clap::Args;
use kerma::data::{Image, ImageInfo, Unit};
use kerma_nn::{
    Error, beside,
    quality::{Assessment, Assessor, Quantity, Scale},
    shipped_assessor,
};
use serde_json::{Value, json};

use super::enhance::ResponseFlag;
use crate::{context::Context, failure::Failure, summary::counted};

const EXAMPLES: &str = "\
Examples:
  kerma check chest.dcm
  kerma check raw.tif --response linear --json
  kerma check chest.dcm --rotation models/my-rotation.safetensors

Tells the quanta of a pixel at the median grey, the exponent g of the display u^(e^g), above 0 too dark, and the angle of a chest about
its long axis. Warns, with exit code 1, of less than 1360 quanta (in pixels of 0.8 mm a solid nodule of 5 mm has three times the noise
then), of more than 0.2 and of more than 5 degrees. Images: .png, .tif, .npy, .dcm, at least 128 x 128 pixels, head up, the patient's
left at the right. Not for diagnosis.";

/// Arguments of `kerma check`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CheckArgs {
    /// Chest radiograph
    radiograph: PathBuf,
    /// Trained network for noise [default: the one that is built in, as of the two others]
    #[arg(long, value_name = "MODEL")]
    noise: Option<PathBuf>,
    /// Trained network for contrast
    #[arg(long, value_name = "MODEL")]
    contrast: Option<PathBuf>,
    /// Trained network for rotation
    #[arg(long, value_name = "MODEL")]
    rotation: Option<PathBuf>,
    /// Whether values are proportional to the exposure (linear) or to its logarithm [default: auto, as the file says, else log]
    #[arg(long, value_enum, value_name = "RESPONSE")]
    response: Option<ResponseFlag>,
}

/// What is told of a quantity.
struct Line {
    quantity: Quantity,
    assessment: Assessment,
    /// What nine of ten answers err less by.
    error: Option<f64>,
    model: Value,
}

/// Runs `kerma check`.
pub(crate) fn run(args: &CheckArgs, context: &mut Context) -> Result<(), Failure> {
    let (image, info) = context.read_image(&args.radiograph)?;
    let scale = scale(args.response, &image, &info);
    let (mut lines, mut text) = (Vec::new(), String::new());
    for quantity in Quantity::ALL {
        let assessor = args.assessor(quantity, context)?;
        if (quantity, scale) == (Quantity::Noise, Scale::Display) {
            let _ = writeln!(
                text,
                "noise      none: pixels are not proportional to the exposure; if they are, say --response linear"
            );
            context.measure(quantity.name(), Value::Null);
            continue;
        }
        let line = line(&assessor, &image, scale, &args.radiograph, context)?;
        let _ = writeln!(text, "{}", line.text());
        context.measure(quantity.name(), line.object());
        lines.push(line);
    }
    let warnings: Vec<String> = lines.iter().filter_map(Line::warning).collect();
    context.measure("warnings", &warnings);
    if [&args.noise, &args.contrast, &args.rotation].into_iter().any(Option::is_none) {
        context.note(
            "the built-in networks learned from simulated chests alone; in a patient's CT they told half of a turn",
        );
    }
    context.answer(text)?;
    match warnings.is_empty() {
        true => Ok(()),
        false => {
            let count = counted(warnings.len(), "warning");
            Err(Failure::Check(format!("{}: {count}: {}", args.radiograph.display(), warnings.join("; "))))
        }
    }
}

impl CheckArgs {
    /// The network of a flag, or the one that is built in.
    fn assessor(&self, quantity: Quantity, context: &mut Context) -> Result<Assessor, Failure> {
        let path = match quantity {
            Quantity::Noise => &self.noise,
            Quantity::Contrast => &self.contrast,
            Quantity::Rotation => &self.rotation,
        };
        let device = beside(context.device()?)?;
        context.read(|| match path {
            Some(path) => Assessor::load(path, quantity, &device),
            None => shipped_assessor(quantity, &device),
        })
    }
}

/// What the pixels are: as the flag says, or the file.
fn scale(response: Option<ResponseFlag>, image: &Image, info: &ImageInfo) -> Scale {
    let is_signal = matches!(image.unit(), Unit::Transmission | Unit::Counts | Unit::Kiloelectronvolt);
    match response {
        Some(ResponseFlag::Linear) => Scale::Exposure,
        Some(ResponseFlag::Log) => Scale::Display,
        Some(ResponseFlag::Auto) | None if info.linear || is_signal => Scale::Exposure,
        Some(ResponseFlag::Auto) | None => Scale::Display,
    }
}

fn line(assessor: &Assessor, image: &Image, scale: Scale, path: &Path, context: &mut Context) -> Result<Line, Failure> {
    let card = assessor.model().card();
    let quantity = card.recipe.quantity;
    let assessment = context.drive(quantity.name(), |_, _| {
        assessor.run(image, scale).map_err(|error| match error {
            Error::Image(_) => Failure::from(error).in_file(path),
            error => error.into(),
        })
    })?;
    let model = json!({ "name": card.recipe.name, "sha256": card.sha256 });
    Ok(Line { quantity, assessment, error: assessor.error(), model })
}

impl Line {
    /// What people read.
    fn text(&self) -> String {
        let told = match (self.quantity, self.assessment.value) {
            (_, None) => "a class alone".to_owned(),
            (Quantity::Noise, Some(ln)) => format!("{:.0} quanta per pixel at the median grey", ln.exp()),
            (Quantity::Contrast, Some(g)) => format!("g = {g:.2}, exponent {:.2} of the display", g.exp()),
            (Quantity::Rotation, Some(angle)) => format!("{angle:.1} degrees, positive to the patient's left"),
        };
        let error = self.error.map_or_else(String::new, |error| match self.quantity {
            Quantity::Noise => format!(", within {:.0} % for nine of ten", 100.0 * (error.exp() - 1.0)),
            Quantity::Contrast => format!(", within {error:.2} for nine of ten"),
            Quantity::Rotation => format!(", within {error:.1} degrees for nine of ten"),
        });
        let verdict = match (self.quantity.fault(self.assessment.class), self.is_near()) {
            (Some(fault), true) => format!("WARNING: {fault}, but near the limit"),
            (Some(fault), false) => format!("WARNING: {fault}"),
            (None, true) => "ok, but near the limit".to_owned(),
            (None, false) => "ok".to_owned(),
        };
        format!("{:<10} {told}{error}: {verdict}", self.quantity.name())
    }

    /// Whether the error may change the class.
    fn is_near(&self) -> bool {
        self.assessment.value.zip(self.error).is_some_and(|(value, error)| self.quantity.distance(value) < error)
    }

    fn warning(&self) -> Option<String> {
        let fault = self.quantity.fault(self.assessment.class)?;
        Some(format!("{}: {fault}", self.quantity.name()))
    }

    /// What scripts read.
    fn object(&self) -> Value {
        let unit = match self.quantity {
            Quantity::Noise => "ln of the quanta per pixel at the median grey",
            Quantity::Contrast => "ln of the display's exponent",
            Quantity::Rotation => "degrees",
        };
        json!({
            "value": self.assessment.value,
            "unit": unit,
            "limits": self.quantity.limits(),
            "error_90": self.error,
            "is_near_limit": self.is_near(),
            "warning": self.quantity.fault(self.assessment.class),
            "model": self.model,
        })
    }
}
