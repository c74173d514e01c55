use std::{
    fs, io,
    path::{Path, PathBuf},
};

use kerma::{
    data::{ImageInfo, Trend},
    io::{DicomAttributes, IoError, check_output, write_bytes, write_image, write_image_with, write_volume},
};
use tempfile::{Builder, TempDir};

use super::{
    Results,
    physics::Physics,
    radiograph::{developed, integrals},
    tomosynthesis::DEPTHS_MM,
    views::{ERROR_HU, FOCUS_MM, contrast, coronal, square, undrawn, wide},
};
use crate::{
    context::Context,
    dicom::oriented,
    failure::Failure,
    interrupt,
    pictures::{Diverging, Plane, Raster, Slice, Window},
    report::significant,
};

/// The page, written last: where it stands, all the rest does.
pub(super) const PAGE: &str = "report.html";
/// The reconstruction of the cone-beam scan.
const VOLUME: &str = "cone-beam.nii.gz";

/// The folder that takes all outputs.
pub(super) struct Folder {
    path: PathBuf,
    /// The folder itself, or the nearest one above it that is there.
    nearest: PathBuf,
}

impl Folder {
    /// Checks that the folder is there or can be made, and that files can be written in it.
    pub(super) fn new(path: &Path) -> Result<Self, Failure> {
        let nearest = path.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("."));
        let refused = |why: String| Failure::input(format!("{}: {why}", path.display()));
        if !nearest.is_dir() {
            return Err(refused(format!("outputs need a folder, {} is a file", nearest.display())));
        }
        check_output(nearest.join(VOLUME)).map_err(|error| match error {
            IoError::System { source, .. } => refused(format!("cannot write into {}: {source}", nearest.display())),
            error => error.into(),
        })?;
        Ok(Self { path: path.to_owned(), nearest: nearest.to_owned() })
    }

    /// Where a file goes.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Begins to write its files.
    pub(super) fn draft(&self) -> Result<Draft<'_>, Failure> {
        let staging = Builder::new().prefix(".kerma-").tempdir_in(&self.nearest);
        let staging = staging.map_err(|error| self.refused(&error.kind().into()))?;
        Ok(Draft { folder: self, staging, names: Vec::new() })
    }

    fn refused(&self, error: &io::Error) -> Failure {
        Failure::input(format!("{}: cannot write into the folder: {error}", self.path.display()))
    }
}

/// The files of a folder until all are written: a run cut short leaves the folder as it was.
pub(super) struct Draft<'f> {
    folder: &'f Folder,
    staging: TempDir,
    names: Vec<String>,
}

impl Draft<'_> {
    /// Gives all files their names in the folder, in the order in which they were written.
    pub(super) fn publish(self) -> Result<(), Failure> {
        interrupt::check()?;
        let refused = |error| self.folder.refused(&error);
        fs::create_dir_all(&self.folder.path).map_err(refused)?;
        for name in &self.names {
            fs::rename(self.staging.path().join(name), self.folder.file(name)).map_err(refused)?;
        }
        Ok(())
    }

    fn put(
        &mut self,
        context: &mut Context,
        name: &str,
        writer: impl FnOnce(&Path) -> Result<(), IoError>,
    ) -> Result<(), Failure> {
        context.write_draft(&self.staging.path().join(name), &self.folder.file(name), writer)?;
        self.names.push(name.to_owned());
        Ok(())
    }

    fn bytes(&mut self, context: &mut Context, name: &str, bytes: &[u8]) -> Result<(), Failure> {
        self.put(context, name, |path| write_bytes(path, bytes))
    }

    /// Writes the page.
    pub(super) fn page(&mut self, context: &mut Context, html: &str) -> Result<(), Failure> {
        self.bytes(context, PAGE, html.as_bytes())
    }

    /// Writes everything but the page.
    pub(super) fn fill(&mut self, context: &mut Context, results: &Results) -> Result<(), Failure> {
        let Results { shot, clarified, cone_beam, tomosynthesis, .. } = results;
        let (picture, integrals) = (shot.image()?, shot.integrals()?);
        self.put(context, "radiograph.png", |path| write_image(path, &picture))?;
        self.put(context, "radiograph-enhanced.png", |path| write_image(path, clarified.image()))?;
        #[cfg(feature = "nn")]
        {
            let low_dose = &results.low_dose;
            let [noisy, denoised] = [&low_dose.noisy, &low_dose.denoised].map(|slice| shot.developed(slice));
            let [noisy, denoised] = [noisy?, denoised?];
            self.put(context, "radiograph-low-dose.png", |path| write_image(path, &noisy))?;
            self.put(context, "radiograph-denoised.png", |path| write_image(path, &denoised))?;
        }
        self.put(context, "radiograph-integrals.tiff", |path| write_image(path, &integrals))?;

        for plane in Plane::ALL {
            let name = plane.name().to_lowercase();
            let slice = Slice::of_volume(&cone_beam.result, plane, FOCUS_MM);
            self.grey(context, &format!("cone-beam-{name}.png"), &slice, wide())?;
            let reference = Slice::of_volume(&cone_beam.reference, plane, FOCUS_MM);
            let Some(errors) = slice.minus(&reference) else { continue };
            let colour =
                square(&errors, Raster::diverging(&errors, Diverging::new(ERROR_HU))).png8().map_err(undrawn)?;
            self.bytes(context, &format!("cone-beam-{name}-error.png"), &colour)?;
        }
        self.put(context, VOLUME, |path| write_volume(path, &cone_beam.result))?;

        for depth_mm in DEPTHS_MM {
            let slice = coronal(&tomosynthesis.result, depth_mm);
            self.grey(context, &slice_name(depth_mm), &slice, contrast(&slice))?;
        }
        self.put(context, "tomosynthesis.nii.gz", |path| write_volume(path, &tomosynthesis.result))?;

        for (name, acquisition) in results.acquisitions() {
            let text = acquisition.scan.to_toml()?;
            self.bytes(context, &format!("{name}.toml"), text.as_bytes())?;
        }
        results.physics.as_ref().map_or(Ok(()), |physics| self.physics(context, physics))
    }

    /// Writes the radiograph, before and after enhancement, as DICOM files.
    pub(super) fn dicom(&mut self, context: &mut Context, results: &Results) -> Result<(), Failure> {
        let Results { shot, clarified, .. } = results;
        let info = ImageInfo { intensity: Some(Trend::Falling), ..ImageInfo::default() };
        let derivation = "kerma demo".to_owned();
        let attributes = DicomAttributes { simulated: true, info, derivation, ..DicomAttributes::default() };
        let attributes = oriented(attributes, &shot.picture);
        for (name, image) in [("radiograph.dcm", &shot.image()?), ("radiograph-enhanced.dcm", clarified.image())] {
            self.put(context, name, |path| write_image_with(path, image, &attributes))?;
        }
        Ok(())
    }

    /// Writes the scans with their physics.
    fn physics(&mut self, context: &mut Context, physics: &Physics) -> Result<(), Failure> {
        let (picture, integrals) = (developed(&physics.picture, physics.window)?, integrals(&physics.picture)?);
        self.put(context, "physics-radiograph.png", |path| write_image(path, &picture))?;
        self.put(context, "physics-radiograph-integrals.tiff", |path| write_image(path, &integrals))?;
        for plane in Plane::ALL {
            let slice = Slice::of_volume(&physics.ct, plane, FOCUS_MM);
            self.grey(context, &format!("physics-cone-beam-{}.png", plane.name().to_lowercase()), &slice, wide())?;
        }
        self.put(context, "physics-cone-beam.nii.gz", |path| write_volume(path, &physics.ct))?;
        for depth_mm in DEPTHS_MM {
            let slice = coronal(&physics.contrasts, depth_mm);
            self.grey(context, &format!("physics-{}", slice_name(depth_mm)), &slice, contrast(&slice))?;
        }
        self.put(context, "physics-tomosynthesis.nii.gz", |path| write_volume(path, &physics.contrasts))
    }

    fn grey(&mut self, context: &mut Context, name: &str, slice: &Slice, window: Window) -> Result<(), Failure> {
        let grey = square(slice, Raster::grey(slice, window)).png16().map_err(undrawn)?;
        self.bytes(context, name, &grey)
    }
}

/// Name of the picture of one slice, by its distance from the isocentre.
pub(super) fn slice_name(depth_mm: f64) -> String {
    let side = if depth_mm < 0.0 { "posterior" } else { "anterior" };
    format!("tomosynthesis-{}mm-{side}.png", significant(depth_mm.abs(), 4))
}
