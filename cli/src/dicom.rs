//! What commands say of the DICOM files that they write.

use std::path::Path;

use clap::Args;
use kerma::{
    data::Image,
    io::{DicomAttributes, writes_dicom},
};

use crate::{context::Context, failure::Failure, pictures::Slice};

/// Flags of commands that write DICOM files of what they read.
#[derive(Args, Clone, Copy, Debug, Default)]
#[command(next_help_heading = "DICOM files")]
pub(crate) struct DicomArgs {
    /// Copy the patient's name, number, birth date and sex and the study from a DICOM input; they are left out otherwise
    #[arg(long)]
    keep_identity: bool,
    /// Distances between columns and between rows in mm, of a radiograph that states none: DICOM needs them
    #[arg(long, value_name = "SX[xSY]", value_parser = spacing)]
    pixel_mm: Option<[f64; 2]>,
}

fn spacing(text: &str) -> Result<[f64; 2], String> {
    let (x, y) = text.split_once('x').unwrap_or((text, text));
    match [x, y].map(str::parse::<f64>) {
        [Ok(x), Ok(y)] if x > 0.0 && y > 0.0 && x.is_finite() && y.is_finite() => Ok([x, y]),
        _ => Err(format!("must be one or two numbers above 0, SX or SXxSY, got {text}")),
    }
}

impl DicomArgs {
    /// What the output states besides its values, as far as the input knows; nothing where it becomes no DICOM file.
    pub(crate) fn attributes(
        self,
        source: &Path,
        out: &Path,
        context: &mut Context,
    ) -> Result<DicomAttributes, Failure> {
        let refused = |path: &Path| Err(Failure::input("is no DICOM file, which --keep-identity needs").in_file(path));
        if !writes_dicom(out) {
            return if self.keep_identity { refused(out) } else { Ok(DicomAttributes::default()) };
        }
        let series = context.options().series;
        match context.read(|| DicomAttributes::of_source(source, series, self.keep_identity))? {
            None if self.keep_identity => refused(source),
            attributes => Ok(attributes.unwrap_or_default()),
        }
    }

    /// The same of a volume, which states the distances of its voxels.
    #[cfg(feature = "nn")]
    pub(crate) fn volume(self, source: &Path, out: &Path, context: &mut Context) -> Result<DicomAttributes, Failure> {
        match self.pixel_mm {
            Some(_) => Err(Failure::input("--pixel-mm is for radiographs: leave it out")),
            None => self.attributes(source, out, context),
        }
    }

    /// The radiograph with the spacing that it needs.
    pub(crate) fn spaced(self, image: Image, source: &Path, out: &Path) -> Result<Image, Failure> {
        let refused = |why: String| Err(Failure::input(why).in_file(source));
        match (image.spacing_mm(), self.pixel_mm) {
            (Some(_), Some(_)) => refused("states the distances of its pixels: leave --pixel-mm out".to_owned()),
            (None, None) if writes_dicom(out) => refused(format!(
                "does not state the distances of its pixels, which {} needs; say them with --pixel-mm",
                out.display()
            )),
            (None, Some(spacing)) => Ok(image.with_spacing_mm(spacing)?),
            _ => Ok(image),
        }
    }
}

/// Says that a radiograph was written which does not say how the patient lies in it.
pub(crate) fn remark(attributes: &DicomAttributes, out: &Path, context: &Context) {
    if writes_dicom(out) && !attributes.states_orientation() {
        context.note(&format!(
            "{}: the input does not say how the patient lies in the picture, so that PatientOrientation is empty",
            out.display()
        ));
    }
}

/// With the letters of a picture's right and lower edge, of which DICOM calls two head and foot.
pub(crate) fn oriented(attributes: DicomAttributes, slice: &Slice) -> DicomAttributes {
    let [_, right, _, down] = slice.edge_letters().map(|letter| {
        Some(match letter? {
            'S' => "H",
            'I' => "F",
            'L' => "L",
            'R' => "R",
            'A' => "A",
            _ => "P",
        })
    });
    match right.zip(down) {
        Some((right, down)) => attributes.with_orientation([right, down]),
        None => attributes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spacings_are_one_or_two_numbers() {
        assert_eq!((spacing("0.143"), spacing("0.1x0.2")), (Ok([0.143; 2]), Ok([0.1, 0.2])));
        for wrong in ["", "0", "-1", "1x", "1x2x3", "inf", "NaN"] {
            assert!(spacing(wrong).is_err(), "{wrong}");
        }
    }
}
