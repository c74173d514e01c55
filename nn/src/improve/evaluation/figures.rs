use std::collections::BTreeMap;

use kerma::{
    body::Cleaning,
    data::{Unit, Volume},
    metrics::{
        Form, MetricError,
        volumes::{
            Affine, AffineSums, FalseMassLimits, Paired, Plane, Sphere, artefact_spread, discontinuity, false_mass,
            mass_recovery, nodule_contrast, psnr, ssim,
        },
    },
};
use serde::Serialize;

use super::super::Improver;
use crate::Error;

/// Range of values for signal-to-noise ratios and similarities: from air to bone of 400 HU.
const RANGE_HU: f64 = 1400.0;
/// What exceeds the truth by so much, and is as large as a nodule of 6 mm, is a false mass.
const FALSE_MASS: FalseMassLimits = FalseMassLimits { excess_hu: 200.0, least_mm3: 113.0 };

/// One body: reconstruction and truth. Where it has nodules, the same without them, and where they are.
pub struct Case {
    /// Name.
    pub name: String,
    /// Reconstruction and truth.
    pub body: [Volume; 2],
    /// The same without nodules.
    pub twin: Option<[Volume; 2]>,
    /// Nodules.
    pub nodules: Vec<Sphere>,
}

/// What is measured of one method on one body.
#[derive(Clone, Debug, Serialize)]
pub struct Figures {
    /// Peak signal-to-noise ratio, in dB.
    pub psnr_db: f64,
    /// Structural similarity of axial, coronal and sagittal slices.
    pub ssim: [f64; 3],
    /// Second differences across axial, coronal and sagittal slices, relative to those of the truth.
    pub discontinuity: [f64; 3],
    /// False masses in the body without nodules.
    pub false_masses: Option<usize>,
    /// Of each nodule.
    pub nodules: Vec<NoduleFigures>,
}

/// What is measured of one nodule.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct NoduleFigures {
    /// Its diameter.
    pub diameter_mm: f64,
    /// Share of its mass that is recovered.
    pub mass: f64,
    /// Full width at half maximum of its artefact along the depth, where it falls to a half on both sides.
    pub spread_mm: Option<f64>,
    /// Its contrast relative to the noise of its surroundings.
    pub contrast_to_noise: Option<f64>,
}

/// A way from a reconstruction to a volume in HU.
enum Method<'a> {
    /// The same value everywhere.
    Constant(f64),
    /// One gain and one offset for all bodies.
    Calibrated(Affine),
    /// The best gain and offset of each volume, by its truth.
    BestCalibrated,
    /// The mean of networks' outputs.
    Networks(&'a [Improver]),
}

/// Methods and what the training bodies say.
pub struct Evaluation {
    variants: Vec<(String, Vec<Improver>)>,
    affine: Affine,
    constant_hu: f64,
}

impl Evaluation {
    /// An evaluation of variants, calibrated on cases of the trainings.
    ///
    /// # Errors
    /// What reading them says; [`Error::Image`] when no gain fits.
    pub fn new(
        variants: Vec<(String, Vec<Improver>)>,
        training: impl IntoIterator<Item = Result<Case, Error>>,
    ) -> Result<Self, Error> {
        let (mut sums, mut hu, mut count) = (AffineSums::default(), 0.0, 0.0);
        for case in training {
            let [reconstruction, truth] = case?.body;
            let mask = mask(&truth)?;
            sums.add(&truth, &reconstruction, &mask).map_err(said)?;
            for (value, _) in truth.values().iter().zip(mask.values()).filter(|(_, inside)| **inside > 0.5) {
                (hu, count) = (hu + f64::from(*value), count + 1.0);
            }
        }
        Ok(Self { variants, affine: sums.fit().map_err(said)?, constant_hu: hu / count })
    }

    /// Names of the methods, baselines first: the constant, both calibrations, the variants.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let baselines = ["constant", "FDK, calibrated", "FDK, best affine of each"].map(str::to_owned);
        baselines.into_iter().chain(self.variants.iter().map(|(name, _)| name.clone())).collect()
    }

    /// What is measured of every method on a body, and its output there.
    ///
    /// # Errors
    /// What the networks say; [`Error::Image`] when volumes do not fit each other.
    pub fn measure(&self, case: &Case) -> Result<Vec<(Figures, Volume)>, Error> {
        let baselines = [Method::Constant(self.constant_hu), Method::Calibrated(self.affine), Method::BestCalibrated];
        let networks = self.variants.iter().map(|(_, improvers)| Method::Networks(improvers));
        let (mut known, mut known_twin) = (BTreeMap::new(), BTreeMap::new());
        let mask = mask(&case.body[1])?;
        let mut measured = Vec::new();
        for method in baselines.into_iter().chain(networks) {
            let output = method.output(&case.body, &mask, &mut known)?;
            let twin = case.twin.as_ref().map(|twin| method.output(twin, &mask, &mut known_twin)).transpose()?;
            measured.push((figures(case, &mask, &output, twin.as_ref())?, output));
        }
        Ok(measured)
    }
}

impl Method<'_> {
    fn output(
        &self,
        [reconstruction, truth]: &[Volume; 2],
        mask: &Volume,
        known: &mut BTreeMap<String, Volume>,
    ) -> Result<Volume, Error> {
        match self {
            Self::Constant(hu) => {
                let values = vec![*hu as f32; truth.values().len()];
                Volume::new(*truth.grid(), Unit::Hounsfield, values).map_err(|e| Error::Image(e.to_string()))
            }
            Self::Calibrated(affine) => Ok(affine.apply(reconstruction)),
            Self::BestCalibrated => {
                Ok(Affine::of_body(truth, reconstruction, mask).map_err(said)?.apply(reconstruction))
            }
            Self::Networks(improvers) => {
                let mut sum: Option<Volume> = None;
                for improver in *improvers {
                    let output = improver.run_sharing(reconstruction, known)?;
                    match &mut sum {
                        None => sum = Some(output),
                        Some(sum) => sum.values_mut().iter_mut().zip(output.values()).for_each(|(s, v)| *s += v),
                    }
                }
                let mut mean = sum.ok_or_else(|| Error::Options("a variant must have a model".to_owned()))?;
                mean.values_mut().iter_mut().for_each(|value| *value /= improvers.len() as f32);
                Ok(mean)
            }
        }
    }
}

fn figures(case: &Case, mask: &Volume, output: &Volume, twin: Option<&Volume>) -> Result<Figures, Error> {
    let truth = &case.body[1];
    let planes = |f: &dyn Fn(Plane) -> Result<f64, MetricError>| -> Result<[f64; 3], Error> {
        let [a, b, c] = Plane::ALL.map(f);
        Ok([a.map_err(said)?, b.map_err(said)?, c.map_err(said)?])
    };
    let false_masses = match (&case.twin, twin) {
        (Some([_, truth]), Some(output)) => Some(false_mass(truth, output, mask, FALSE_MASS).map_err(said)?.count),
        _ => None,
    };
    let mut nodules = Vec::new();
    if let (Some([_, truth_twin]), Some(twin)) = (&case.twin, twin) {
        let (truths, outputs) = (Paired { with: truth, without: truth_twin }, Paired { with: output, without: twin });
        for nodule in &case.nodules {
            nodules.push(NoduleFigures {
                diameter_mm: nodule.diameter_mm,
                mass: mass_recovery(truths, outputs, *nodule).map_err(said)?,
                // A method that shows nothing of a nodule has no width and no contrast of it.
                spread_mm: artefact_spread(outputs, *nodule).ok().and_then(|spread| spread.fwhm_mm),
                contrast_to_noise: nodule_contrast(output, *nodule, mask).ok().map(|contrast| contrast.cnr),
            });
        }
    }
    Ok(Figures {
        psnr_db: psnr(truth, output, mask, RANGE_HU).map_err(said)?,
        ssim: planes(&|plane| ssim(truth, output, mask, plane, RANGE_HU, Form::Wang))?,
        discontinuity: planes(&|plane| discontinuity(truth, output, mask, plane))?,
        false_masses,
        nodules,
    })
}

fn mask(truth: &Volume) -> Result<Volume, Error> {
    Cleaning::BARE.body_mask(truth).map_err(|e| Error::Image(e.to_string()))
}

fn said(error: MetricError) -> Error {
    Error::Image(error.to_string())
}
