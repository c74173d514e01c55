//! From a CT, or a label map, to the body that stands in the beam.

use std::sync::Arc;

use glam::DVec3;

use super::{
    DoseSection, ProtocolError,
    regions::{Organs, Target},
    sections::{Bone, FormSection, InsertSection, LabelMap, Padding, Patient, Slices},
};
use crate::{
    body::{
        Amount, Body, Calibration, Form, Inclusion, Insert, Labels, coarsen, interpolate_slices, pad_slices,
        seeded_places,
    },
    data::{Grid, Volume},
    physics::Material,
    tasks::TaskError,
};

/// A CT as it stands at the isocentre, and where that is in its own coordinates.
pub(super) struct Prepared {
    pub(super) ct: Volume,
    pub(super) isocentre_mm: DVec3,
}

/// A body, the same in larger voxels for photons that are scattered and for dose, if it was asked for, and what was put into it.
pub(super) struct Bodies {
    pub(super) body: Body,
    pub(super) coarse: Option<Arc<Body>>,
    pub(super) target: Option<Target>,
    pub(super) inclusions: Vec<Inclusion>,
}

impl Patient {
    /// The CT cleaned, continued and interpolated, as far as it is asked for, with the middle of what is left at the isocentre.
    pub(super) fn prepared(&self, ct: Volume) -> Result<Prepared, TaskError> {
        let ct = match &self.cleaning {
            Some(cleaning) => cleaning.apply(&ct)?,
            None => ct,
        };
        // What is added to the ends moves nothing.
        let isocentre_mm = ct.grid().centre_mm();
        let grid = ct.grid().with_centre(DVec3::ZERO);
        let ct = ct.with_grid(grid)?;
        let ct = match self.padding {
            Some(Padding { inferior_mm, superior_mm }) => pad_slices(&ct, inferior_mm, superior_mm)?,
            None => ct,
        };
        let ct = match self.slices {
            Some(Slices { spacing_mm }) => interpolate_slices(&ct, spacing_mm)?,
            None => ct,
        };
        Ok(Prepared { ct, isocentre_mm })
    }

    /// The body, with labels and inserts, one of voxels of `coarse_mm` for photons that are scattered, and one for dose.
    pub(super) fn bodies(
        &self,
        prepared: &Prepared,
        coarse_mm: Option<f64>,
        dose: Option<&DoseSection>,
        seed: u64,
    ) -> Result<Bodies, TaskError> {
        let Prepared { ct, isocentre_mm } = prepared;
        let tissues = self.tissues(*isocentre_mm)?;
        let mut body = tissues.body(ct)?;
        let inserts = self.placed(&body, *isocentre_mm, seed)?;
        let inclusions = inserts.iter().map(|insert| insert.put(&mut body)).collect::<Result<_, _>>()?;
        let larger = |spacing_mm: f64| -> Result<Arc<Body>, TaskError> {
            let mut larger = match &tissues {
                // A mean of labels is none.
                Tissues::Labelled(_) => return Ok(Arc::new(body.clone())),
                Tissues::Calibrated { .. } => tissues.body(&coarsen(ct, spacing_mm)?)?,
            };
            for insert in &inserts {
                insert.put(&mut larger)?;
            }
            Ok(Arc::new(larger))
        };
        let coarse = coarse_mm.map(larger).transpose()?;
        let target = match dose {
            None => None,
            Some(dose) => {
                let body = match &coarse {
                    Some(coarse) if coarse_mm == Some(dose.voxel_mm) => Arc::clone(coarse),
                    _ => larger(dose.voxel_mm)?,
                };
                let organs = tissues.organs(body.grid(), ct)?;
                Some(Target::new(body, &organs, &dose.boxes, *isocentre_mm)?)
            }
        };
        Ok(Bodies { body, coarse, target, inclusions })
    }

    fn tissues(&self, isocentre_mm: DVec3) -> Result<Tissues, TaskError> {
        let labels = match &self.labels {
            None => None,
            Some(LabelMap { materials, map: None }) => return Ok(Tissues::Labelled(read_labels(materials)?)),
            Some(LabelMap { materials, map: Some(map) }) => {
                let map = read_map(map)?;
                let grid = map.grid().with_centre(map.grid().centre_mm() - isocentre_mm);
                Some((read_labels(materials)?, map.with_grid(grid)?))
            }
        };
        let calibration = Calibration::of_tissues(self.effective_kev)?;
        let calibration = match self.air_water_hu {
            Some([air, water]) => calibration.measured(air, water)?,
            None => calibration,
        };
        Ok(Tissues::Calibrated { calibration: Box::new(calibration), labels, bone: self.bone })
    }

    /// Inserts, those without a place where the seed puts them.
    fn placed(&self, body: &Body, isocentre_mm: DVec3, seed: u64) -> Result<Vec<Insert>, TaskError> {
        let drawn = |section: &&InsertSection| matches!(section.form, FormSection::Ball { centre_mm: None, .. });
        let mut regions: Vec<([f64; 2], Vec<f64>)> = Vec::new();
        for section in self.inserts.iter().filter(drawn) {
            if let FormSection::Ball { diameter_mm, region_g_cm3, .. } = section.form {
                match regions.iter_mut().find(|(region, _)| *region == region_g_cm3) {
                    Some((_, diameters)) => diameters.push(diameter_mm),
                    None => regions.push((region_g_cm3, vec![diameter_mm])),
                }
            }
        }
        let mut places = Vec::new();
        for (region, diameters) in regions {
            let found = seeded_places(body, region, &diameters, seed)?;
            places.push((region, found.into_iter()));
        }
        let own = |point: [f64; 3]| DVec3::from_array(point) - isocentre_mm;
        let insert = |section: &InsertSection| {
            let form = match section.form {
                FormSection::Ball { centre_mm: Some(centre), diameter_mm, .. } => {
                    Form::Ball { centre_mm: own(centre), diameter_mm }
                }
                FormSection::Ball { centre_mm: None, diameter_mm, region_g_cm3 } => {
                    let place = places.iter_mut().find(|(region, _)| *region == region_g_cm3);
                    let centre_mm = place.and_then(|(_, places)| places.next()).unwrap_or_default();
                    Form::Ball { centre_mm, diameter_mm }
                }
                FormSection::Disc { centre_mm, axis, diameter_mm, thickness_mm } => {
                    let (centre_mm, axis) = (own(centre_mm), DVec3::from_array(axis));
                    Form::Disc { centre_mm, axis, diameter_mm, thickness_mm }
                }
                FormSection::Wire { from_mm, to_mm, diameter_mm } => {
                    Form::Wire { from_mm: own(from_mm), to_mm: own(to_mm), diameter_mm }
                }
            };
            let amount = match (section.density_g_cm3, section.contrast_hu) {
                (Some(density), None) => Amount::Density(density),
                (None, Some(hu)) => Amount::Contrast { hu, energy_kev: self.effective_kev },
                _ => {
                    let allowed = "of one of density_g_cm3 and contrast_hu";
                    return Err(ProtocolError::value("patient.inserts", allowed, "both or none").into());
                }
            };
            let material = Material::find(&section.material, &[])?;
            Ok(Insert { form, material, amount, softness_mm: section.softness_mm })
        };
        self.inserts.iter().map(insert).collect()
    }
}

/// Bone by its names.
const BONE: [&str; 2] = ["trabecular-bone", "cortical-bone"];
/// All soft tissue, as the calibration of CT numbers has it.
const SOFT_TISSUE: &str = "muscle";

/// What a volume's values mean.
enum Tissues {
    /// CT numbers, and labels that come before them.
    Calibrated { calibration: Box<Calibration>, labels: Option<(Labels, Volume)>, bone: Bone },
    /// Labels.
    Labelled(Labels),
}

impl Tissues {
    /// The labels at the centres of a grid's voxels; `volume` is what the body was made of.
    fn organs(&self, grid: &Grid, volume: &Volume) -> Result<Organs, TaskError> {
        let (labels, map) = match self {
            Self::Labelled(labels) => (labels, volume),
            Self::Calibrated { labels: Some((labels, map)), .. } => (labels, map),
            Self::Calibrated { labels: None, .. } => return Ok(Organs::default()),
        };
        let names = labels.list().iter().map(|label| label.name.clone()).collect();
        Ok(Organs { names, of_voxels: labels.places(grid, map)? })
    }

    fn body(&self, volume: &Volume) -> Result<Body, TaskError> {
        match self {
            Self::Labelled(labels) => Ok(labels.body(volume)?),
            Self::Calibrated { calibration, labels, bone } => {
                let body = calibration.body(volume)?;
                let body = match labels {
                    Some((labels, map)) => labels.over(body, map)?,
                    None => body,
                };
                match bone {
                    Bone::Bone => Ok(body),
                    Bone::SoftTissue => Ok(body.replaced(&BONE, SOFT_TISSUE)?),
                }
            }
        }
    }
}

#[cfg(feature = "io")]
fn read_labels(path: &std::path::Path) -> Result<Labels, TaskError> {
    Ok(Labels::read(path)?)
}

#[cfg(feature = "io")]
fn read_map(path: &std::path::Path) -> Result<Volume, TaskError> {
    crate::io::read_volume(path, None)
        .map_err(|error| ProtocolError::value("patient.labels.map", "a label map", error).into())
}

#[cfg(not(feature = "io"))]
fn read_labels(path: &std::path::Path) -> Result<Labels, TaskError> {
    Err(ProtocolError::value("patient.labels", "absent without the feature io", path.display()).into())
}

#[cfg(not(feature = "io"))]
fn read_map(path: &std::path::Path) -> Result<Volume, TaskError> {
    Err(ProtocolError::value("patient.labels", "absent without the feature io", path.display()).into())
}
