//! From a CT, a label map or a phantom to the body that stands in the beam.

use std::{ops::RangeInclusive, sync::Arc};

use glam::DVec3;

use super::{
    DoseSection, PlacedNodule, ProtocolError,
    regions::{Organs, Target},
    sections::{Bone, FormSection, HabitusKind, InsertSection, LabelMap, Padding, Patient, PhantomSection, Slices},
};
use crate::{
    body::{
        Amount, Body, Calibration, Form, Inclusion, Insert, Labels, MAX_POINTS, coarsen, interpolate_slices,
        pad_slices, seeded_places,
    },
    data::{Grid, Volume},
    phantom::{self, Habitus, Phantom},
    physics::Material,
    tasks::TaskError,
};

/// What a patient is made from, as it stands at the isocentre.
pub(super) enum Prepared {
    /// A CT or a label map, and where the isocentre is in its own coordinates.
    Volume { volume: Volume, isocentre_mm: DVec3 },
    /// A phantom about the isocentre.
    Phantom(Shapes),
}

/// Shapes about the isocentre, stretched along the axes, and how they are sampled.
pub(super) struct Shapes {
    phantom: Phantom,
    scale: DVec3,
    points: usize,
    /// Of the body, not of the shapes before they are stretched.
    grid: Grid,
}

impl Shapes {
    fn new(phantom: Phantom, scale: [f64; 3], voxel_mm: f64, points: usize) -> Result<Self, TaskError> {
        let scale = DVec3::from_array(scale);
        let size = phantom.grid_of(voxel_mm / scale)?.size();
        Ok(Self { phantom, scale, points, grid: Grid::centred(size, [voxel_mm; 3])? })
    }

    /// A grid of the body as the shapes see it before they are stretched.
    fn unstretched(&self, grid: &Grid) -> Result<Grid, TaskError> {
        Ok(Grid::centred(grid.size(), (grid.spacing_mm() / self.scale).to_array())?)
    }

    /// The body, in voxels of `spacing_mm` where that is said.
    fn body(&self, spacing_mm: Option<f64>) -> Result<Body, TaskError> {
        let grid = match spacing_mm {
            Some(side) => Grid::centred(self.phantom.grid_of(side / self.scale)?.size(), [side; 3])?,
            None => self.grid,
        };
        Ok(Body::from_phantom(&self.phantom, &self.unstretched(&grid)?, self.points)?.with_grid(grid)?)
    }

    /// Attenuation at the phantom's one energy.
    fn volume(&self) -> Result<Volume, TaskError> {
        Ok(self.phantom.voxelise(&self.unstretched(&self.grid)?, self.points).with_grid(self.grid)?)
    }
}

impl Prepared {
    pub(super) fn grid(&self) -> &Grid {
        match self {
            Self::Volume { volume, .. } => volume.grid(),
            Self::Phantom(shapes) => &shapes.grid,
        }
    }

    fn isocentre_mm(&self) -> DVec3 {
        match self {
            Self::Volume { isocentre_mm, .. } => *isocentre_mm,
            Self::Phantom(_) => DVec3::ZERO,
        }
    }

    /// CT numbers, or a phantom's attenuation at its one energy.
    pub(super) fn into_volume(self) -> Result<Volume, TaskError> {
        match self {
            Self::Volume { volume, .. } => Ok(volume),
            Self::Phantom(shapes) => shapes.volume(),
        }
    }
}

/// A body, the same in larger voxels for photons that are scattered and for dose, if it was asked for, and what was put into it.
pub(super) struct Bodies {
    pub(super) body: Body,
    pub(super) coarse: Option<Arc<Body>>,
    pub(super) target: Option<Target>,
    pub(super) inclusions: Vec<Inclusion>,
    pub(super) nodules: Option<Vec<PlacedNodule>>,
}

impl Patient {
    /// What cannot be said of a phantom, or of one together with what is for CTs.
    pub(super) fn check_phantom(&self) -> Result<(), ProtocolError> {
        let Some(PhantomSection { name, habitus, voxel_mm, points, .. }) = &self.phantom else { return Ok(()) };
        if !phantom::NAMES.contains(&name.as_str()) {
            let allowed = format!("one of {}", phantom::NAMES.join(", "));
            return Err(ProtocolError::value("patient.phantom.name", allowed, format!("\"{name}\"")));
        }
        if *habitus != HabitusKind::Standard && name != "chest" {
            return Err(ProtocolError::value(
                "patient.phantom.habitus",
                "\"standard\" but for the chest",
                format!("\"{name}\""),
            ));
        }
        if !PHANTOM_VOXEL_MM.contains(voxel_mm) {
            let allowed = format!("{} to {} mm", PHANTOM_VOXEL_MM.start(), PHANTOM_VOXEL_MM.end());
            return Err(ProtocolError::value("patient.phantom.voxel_mm", allowed, voxel_mm));
        }
        if !(1..=MAX_POINTS).contains(points) {
            return Err(ProtocolError::value("patient.phantom.points", format!("1 to {MAX_POINTS}"), points));
        }
        let of_cts = [("patient.labels", self.labels.is_some()), ("patient.air_water_hu", self.air_water_hu.is_some())];
        match of_cts.iter().find(|(_, is_there)| *is_there) {
            Some((field, _)) => Err(ProtocolError::value(field, "absent beside patient.phantom", "both")),
            None => Ok(()),
        }
    }

    /// A phantom; the chest with the nodules of the protocol alone, where it has any, and of the habitus that is asked for.
    fn shapes(&self, section: &PhantomSection) -> Result<Shapes, TaskError> {
        let PhantomSection { name, seed, habitus, voxel_mm, points } = section;
        if name != "chest" {
            return Shapes::new(phantom::by_name(name, *seed)?, [1.0; 3], *voxel_mm, *points);
        }
        let standard = Habitus::standard();
        let mut habitus = match habitus {
            HabitusKind::Standard => standard,
            // Arms, and what hangs on them, are beyond the box of the trunk.
            HabitusKind::Varied => {
                Habitus { arms: standard.arms, half_box_mm: standard.half_box_mm, lines: 0, ..Habitus::seeded(*seed) }
            }
        };
        if self.nodules.is_some() {
            habitus.nodules = [0.0; 2];
        }
        Shapes::new(phantom::chest_of(&habitus, *seed)?, habitus.scale, *voxel_mm, *points)
    }

    /// The CT cleaned, continued and interpolated, as far as it is asked for, with the middle of what is left at the isocentre; or the
    /// phantom.
    pub(super) fn prepared(&self, ct: Option<Volume>) -> Result<Prepared, TaskError> {
        let ct = match (ct, &self.phantom) {
            (Some(ct), None) => ct,
            (None, Some(section)) => return Ok(Prepared::Phantom(self.shapes(section)?)),
            (Some(_), Some(section)) => {
                return Err(ProtocolError::value("patient.phantom", "absent beside a CT", &section.name).into());
            }
            (None, None) => return Err(ProtocolError::value("patient.phantom", "there without a CT", "none").into()),
        };
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
        Ok(Prepared::Volume { volume: ct, isocentre_mm })
    }

    /// The body, with labels and inserts, one of voxels of `coarse_mm` for photons that are scattered, and one for dose.
    pub(super) fn bodies(
        &self,
        prepared: &Prepared,
        coarse_mm: Option<f64>,
        dose: Option<&DoseSection>,
        seed: u64,
    ) -> Result<Bodies, TaskError> {
        let isocentre_mm = prepared.isocentre_mm();
        let tissues = self.tissues(prepared)?;
        let mut body = tissues.body(None)?;
        let mut inserts = self.placed(&body, isocentre_mm, seed)?;
        let mut inclusions = Vec::new();
        for insert in &inserts {
            inclusions.push(insert.put(&mut body)?);
        }
        // Beside what was put in before.
        let nodules = match &self.nodules {
            Some(nodules) => Some(nodules.placed(&body, &self.position, seed)?),
            None => None,
        };
        for nodule in nodules.iter().flatten().filter(|nodule| nodule.shown) {
            let insert = nodule.insert(SOFT_TISSUE, self.effective_kev)?;
            inclusions.push(insert.put(&mut body)?);
            inserts.push(insert);
        }
        let larger = |spacing_mm: f64| -> Result<Arc<Body>, TaskError> {
            let mut larger = tissues.body(Some(spacing_mm))?;
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
                let organs = tissues.organs(body.grid())?;
                Some(Target::new(body, &organs, &dose.boxes, isocentre_mm)?)
            }
        };
        Ok(Bodies { body, coarse, target, inclusions, nodules })
    }

    fn tissues<'a>(&self, prepared: &'a Prepared) -> Result<Tissues<'a>, TaskError> {
        let (volume, isocentre_mm) = match prepared {
            Prepared::Volume { volume, isocentre_mm } => (volume, *isocentre_mm),
            Prepared::Phantom(shapes) => return Ok(Tissues::Shapes { shapes, bone: self.bone }),
        };
        let labels = match &self.labels {
            None => None,
            Some(LabelMap { materials, map: None }) => {
                return Ok(Tissues::Labelled { volume, labels: read_labels(materials)? });
            }
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
        Ok(Tissues::Calibrated { volume, calibration: Box::new(calibration), labels, bone: self.bone })
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

/// Sides of a phantom's voxels: finer ones are many, in coarser ones little is left of a chest.
const PHANTOM_VOXEL_MM: RangeInclusive<f64> = 0.5..=20.0;

/// Bone by its names.
const BONE: [&str; 2] = ["trabecular-bone", "cortical-bone"];
/// All soft tissue, as the calibration of CT numbers has it.
const SOFT_TISSUE: &str = "muscle";

impl Bone {
    /// The body with its bone, or with what stands for it.
    fn stands_in(self, body: Body) -> Result<Body, TaskError> {
        let has_bone = body.materials().iter().any(|material| BONE.contains(&material.name()));
        match self {
            Self::SoftTissue if has_bone => Ok(body.replaced(&BONE, SOFT_TISSUE)?),
            _ => Ok(body),
        }
    }
}

/// What the patient is made of, wherever one looks.
enum Tissues<'a> {
    /// CT numbers, and labels that come before them.
    Calibrated { volume: &'a Volume, calibration: Box<Calibration>, labels: Option<(Labels, Volume)>, bone: Bone },
    /// Labels.
    Labelled { volume: &'a Volume, labels: Labels },
    /// A phantom's shapes.
    Shapes { shapes: &'a Shapes, bone: Bone },
}

impl Tissues<'_> {
    /// The labels at the centres of a grid's voxels.
    fn organs(&self, grid: &Grid) -> Result<Organs, TaskError> {
        let (labels, map) = match self {
            Self::Labelled { volume, labels } => (labels, *volume),
            Self::Calibrated { labels: Some((labels, map)), .. } => (labels, map),
            Self::Calibrated { labels: None, .. } | Self::Shapes { .. } => return Ok(Organs::default()),
        };
        let names = labels.list().iter().map(|label| label.name.clone()).collect();
        Ok(Organs { names, of_voxels: labels.places(grid, map)? })
    }

    /// The body, in voxels of about `spacing_mm` where that is said.
    fn body(&self, spacing_mm: Option<f64>) -> Result<Body, TaskError> {
        match self {
            // A mean of labels is none.
            Self::Labelled { volume, labels } => Ok(labels.body(volume)?),
            Self::Calibrated { volume, calibration, labels, bone } => {
                let body = match spacing_mm {
                    Some(spacing_mm) => calibration.body(&coarsen(volume, spacing_mm)?)?,
                    None => calibration.body(volume)?,
                };
                let body = match labels {
                    Some((labels, map)) => labels.over(body, map)?,
                    None => body,
                };
                bone.stands_in(body)
            }
            Self::Shapes { shapes, bone } => bone.stands_in(shapes.body(spacing_mm)?),
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

#[cfg(test)]
mod tests {
    use crate::tasks::simulate::ProtocolText;

    fn grid_and_mass(fields: &[&str], spacing_mm: Option<f64>) -> ([usize; 3], f64) {
        let mut text = ProtocolText::find("chest-tomosynthesis").unwrap();
        for field in [&["patient.phantom.name=\"chest\"", "patient.phantom.voxel_mm=6.0"], fields].concat() {
            let (path, value) = field.split_once('=').unwrap();
            text.set(path, value).unwrap();
        }
        let patient = text.draw(1).unwrap().patient;
        let prepared = patient.prepared(None).unwrap();
        let body = patient.tissues(&prepared).unwrap().body(spacing_mm).unwrap();
        let voxel = body.grid().spacing_mm().element_product() / 1000.0;
        let densities = body.densities_g_cm3();
        let sum: f64 = body.voxels().iter().map(|&number| densities[number as usize]).sum();
        (body.grid().size(), sum * voxel)
    }

    /// The same body in voxels of any size; the control: bodies of other seeds have other masses.
    #[test]
    fn varied_chests_differ_in_size_and_keep_their_mass_in_larger_voxels() {
        let varied = |seed: &str, spacing| {
            grid_and_mass(&["patient.phantom.habitus=\"varied\"", &format!("patient.phantom.seed={seed}")], spacing)
        };
        let (standard, _) = grid_and_mass(&[], None);
        let sizes: Vec<[usize; 3]> = ["1", "2", "3"].map(|seed| varied(seed, None).0).to_vec();
        assert!(sizes.iter().all(|size| *size != standard) && sizes[0] != sizes[1], "{standard:?} {sizes:?}");
        let ((_, fine), (_, coarse)) = (varied("1", None), varied("1", Some(9.0)));
        assert!((coarse / fine - 1.0).abs() < 0.01, "{fine} {coarse}");
        let others = ["2", "3", "4"].map(|seed| varied(seed, None).1);
        assert!(others.iter().any(|other| (other / fine - 1.0).abs() > 0.02), "{fine} {others:?}");
    }

    #[test]
    fn other_phantoms_have_one_habitus() {
        let mut text = ProtocolText::find("chest-tomosynthesis").unwrap();
        text.set("patient.phantom.name", "\"spheres\"").unwrap();
        text.set("patient.phantom.habitus", "\"varied\"").unwrap();
        let message = text.draw(1).unwrap_err().to_string();
        assert!(message.contains("patient.phantom.habitus") && message.contains("spheres"), "{message}");
    }
}
