use std::{
    fs,
    path::{Path, PathBuf},
};

use kerma::io::{IoError, check_output, write_bytes, write_image, write_volume};

use super::{
    Results,
    tomosynthesis::DEPTHS_MM,
    views::{ERROR_HU, FOCUS_MM, contrast, coronal, square, undrawn, wide},
};
use crate::{
    context::Context,
    failure::Failure,
    pictures::{Diverging, Plane, Raster, Slice},
    report::significant,
};

/// The page, written last: where it stands, all the rest does.
pub(super) const PAGE: &str = "report.html";
/// The reconstruction of the cone-beam scan.
const VOLUME: &str = "cone-beam.nii.gz";

/// The folder that takes all outputs. It is made when the first file is written, so that a run cut short leaves none.
pub(super) struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Checks that the folder is there or can be made, and that files can be written in it.
    pub(super) fn new(path: &Path) -> Result<Self, Failure> {
        let nearest = path.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("."));
        if !nearest.is_dir() {
            let refused = format!("{}: outputs need a folder, {} is a file", path.display(), nearest.display());
            return Err(Failure::input(refused));
        }
        check_output(nearest.join(VOLUME))?;
        Ok(Self { path: path.to_owned() })
    }

    fn make(&self) -> Result<(), Failure> {
        let refused = |error| Failure::input(format!("{}: cannot make the folder: {error}", self.path.display()));
        fs::create_dir_all(&self.path).map_err(refused)
    }

    /// Where a file goes.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    fn bytes(&self, context: &mut Context, name: &str, bytes: &[u8]) -> Result<(), Failure> {
        context.write(&self.file(name), |path| write_bytes(path, bytes))
    }

    /// Writes the page.
    pub(super) fn page(&self, context: &mut Context, html: &str) -> Result<(), Failure> {
        self.bytes(context, PAGE, html.as_bytes())
    }

    /// Writes everything but the page; every file appears whole or not at all.
    pub(super) fn fill(&self, context: &mut Context, results: &Results) -> Result<(), Failure> {
        self.make()?;
        let Results { shot, cone_beam, tomosynthesis, .. } = results;
        let (picture, integrals) = (shot.image()?, shot.integrals()?);
        context.write::<IoError>(&self.file("radiograph.png"), |path| write_image(path, &picture))?;
        context.write::<IoError>(&self.file("radiograph-integrals.tiff"), |path| write_image(path, &integrals))?;

        for plane in Plane::ALL {
            let name = plane.name().to_lowercase();
            let slice = Slice::of_volume(&cone_beam.result, plane, FOCUS_MM);
            let grey = square(&slice, Raster::grey(&slice, wide())).png16().map_err(undrawn)?;
            self.bytes(context, &format!("cone-beam-{name}.png"), &grey)?;
            let reference = Slice::of_volume(&cone_beam.reference, plane, FOCUS_MM);
            let Some(errors) = slice.minus(&reference) else { continue };
            let colour =
                square(&errors, Raster::diverging(&errors, Diverging::new(ERROR_HU))).png8().map_err(undrawn)?;
            self.bytes(context, &format!("cone-beam-{name}-error.png"), &colour)?;
        }
        context.write::<IoError>(&self.file(VOLUME), |path| write_volume(path, &cone_beam.result))?;

        for depth_mm in DEPTHS_MM {
            let slice = coronal(&tomosynthesis.result, depth_mm);
            let grey = square(&slice, Raster::grey(&slice, contrast(&slice))).png16().map_err(undrawn)?;
            self.bytes(context, &slice_name(depth_mm), &grey)?;
        }
        context
            .write::<IoError>(&self.file("tomosynthesis.nii.gz"), |path| write_volume(path, &tomosynthesis.result))?;

        for (name, acquisition) in results.acquisitions() {
            let text = acquisition.scan.to_toml()?;
            self.bytes(context, &format!("{name}.toml"), text.as_bytes())?;
        }
        Ok(())
    }
}

/// Name of the picture of one slice, by its distance from the isocentre.
pub(super) fn slice_name(depth_mm: f64) -> String {
    let side = if depth_mm < 0.0 { "posterior" } else { "anterior" };
    format!("tomosynthesis-{}mm-{side}.png", significant(depth_mm.abs(), 4))
}
