//! Where the result and the kept images go.

use std::path::{Path, PathBuf};

use kerma::{data::Sample, io::check_image_output, tasks::enhance::Stage};

use crate::{failure::Failure, inputs};

/// The output and the files beside it.
pub(super) struct Files<'a> {
    out: &'a Path,
    inputs: Vec<&'a Path>,
}

impl<'a> Files<'a> {
    /// Checks what can be checked before anything is read: that --out could take some image, the
    /// page its text, and that neither is an input.
    pub(super) fn new(out: &'a Path, page: Option<&Path>, inputs: Vec<&'a Path>) -> Result<Self, Failure> {
        let files = Self { out, inputs };
        files.check(out, Sample::Unsigned { bits: 8 })?;
        if let Some(page) = page {
            inputs::check_page(page, &files.inputs)?;
        }
        Ok(files)
    }

    /// Checks that every file could be written, the result with the image's samples.
    pub(super) fn check_all(&self, kept: &[Stage], result: Sample, image: Sample) -> Result<(), Failure> {
        self.check(self.out, result)?;
        kept.iter().try_for_each(|&stage| self.check(&self.beside(stage, image), sample_of(stage, image)))
    }

    /// The file of a kept image: `chest.mask.png` beside `chest.png`; TIFF where values are no whole numbers.
    pub(super) fn beside(&self, stage: Stage, image: Sample) -> PathBuf {
        let extension = if sample_of(stage, image) == Sample::Float { "tif" } else { "png" };
        let stem = self.out.file_stem().unwrap_or_default().to_string_lossy();
        self.out.with_file_name(format!("{stem}.{stage}.{extension}"))
    }

    fn check(&self, path: &Path, sample: Sample) -> Result<(), Failure> {
        check_image_output(path, sample)?;
        inputs::keep(&self.inputs, path)
    }
}

/// How the values of a stage are stored.
fn sample_of(stage: Stage, image: Sample) -> Sample {
    match stage {
        Stage::Mask => Sample::Unsigned { bits: 8 },
        Stage::Band(_) => Sample::Float,
        Stage::Prepared | Stage::Clahe | Stage::Laplacian => image,
    }
}
