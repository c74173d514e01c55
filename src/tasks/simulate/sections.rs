//! The tables of a protocol that are not the geometry and not the detector.

use std::{fmt, path::PathBuf};

use serde::{Deserialize, Serialize};

use crate::{
    body::{self, Cleaning, Position},
    data::Grid,
};

/// How a CT, or a phantom in its place, becomes a body, and where it stands.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Patient {
    /// Built-in phantom in place of a CT. Cleaning, slices and padding are for CTs and leave it as it is.
    pub phantom: Option<PhantomSection>,
    /// Effective energy of the CT that is given, in keV: at it, the body attenuates as the CT numbers say.
    pub effective_kev: f64,
    /// CT numbers that the scanner gives air and water, where they are not −1000 and 0.
    pub air_water_hu: Option<[f64; 2]>,
    /// What stands where bone is.
    pub bone: Bone,
    /// Removal of all that is not the patient.
    pub cleaning: Option<Cleaning>,
    /// Interpolation between thick slices.
    pub slices: Option<Slices>,
    /// Continuation beyond the ends of the scan.
    pub padding: Option<Padding>,
    /// What labels of a map are made of.
    pub labels: Option<LabelMap>,
    /// What is put into the body.
    pub inserts: Vec<InsertSection>,
    /// Nodules of the lungs, drawn by the case's seed; the chest phantom then has none of its own.
    pub nodules: Option<Nodules>,
    /// Turn and shift.
    pub position: Position,
}

/// A built-in phantom, sampled on voxels; its origin is the isocentre.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct PhantomSection {
    /// Its name, one of [`NAMES`](crate::phantom::NAMES).
    pub name: String,
    /// Variant of a phantom that is drawn at random.
    #[serde(default)]
    pub seed: u64,
    /// Size and build of a chest.
    #[serde(default)]
    pub habitus: HabitusKind,
    /// Side of a voxel, in millimetres.
    #[serde(default = "phantom_voxel_mm")]
    pub voxel_mm: f64,
    /// Points along each axis of a voxel that a surface crosses.
    #[serde(default = "phantom_points")]
    pub points: usize,
}

/// Which chests a seed gives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum HabitusKind {
    /// Of one size and wall; heart, domes, ribs and vessels differ.
    #[default]
    Standard,
    /// Also 0.8 to 1.15 of that size along each axis, slim to stout, with and without breasts, breathing in deeper or less.
    Varied,
}

impl fmt::Display for PhantomSection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Phantom {}, seed {}", self.name, self.seed)
    }
}

fn phantom_voxel_mm() -> f64 {
    1.5
}

fn phantom_points() -> usize {
    3
}

/// What stands where bone is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Bone {
    /// Bone.
    #[default]
    Bone,
    /// As much soft tissue, by volume: of a pair of images, the one without bones.
    SoftTissue,
}

/// Interpolation between slices that are thicker than this.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Slices {
    /// Largest distance between slices of the body, in millimetres.
    pub spacing_mm: f64,
}

/// Continuation of the end slices along the patient's axis.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Padding {
    /// How far towards the feet, in millimetres.
    pub inferior_mm: f64,
    /// How far towards the head, in millimetres.
    pub superior_mm: f64,
}

/// A label map and its materials.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct LabelMap {
    /// File of materials, in TOML: [`Labels`](crate::body::Labels).
    pub materials: PathBuf,
    /// Label map beside the CT, which says what its labels are made of where it has any; without one, what is given in place of a CT is
    /// a label map.
    pub map: Option<PathBuf>,
}

/// Something put into the body.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct InsertSection {
    /// What it looks like.
    pub form: FormSection,
    /// What it is made of.
    #[serde(default = "insert_material")]
    pub material: String,
    /// Density in place of what is there, in g/cm³; or a contrast.
    pub density_g_cm3: Option<f64>,
    /// CT number that it adds to what is there.
    pub contrast_hu: Option<f64>,
    /// Width of its margin, in millimetres.
    #[serde(default)]
    pub softness_mm: f64,
}

fn insert_material() -> String {
    "soft-tissue".to_owned()
}

/// Where an insert is, in the CT's or the phantom's own coordinates.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum FormSection {
    /// A ball, such as a nodule.
    Ball {
        /// Its centre; without one it is drawn by the seed.
        centre_mm: Option<[f64; 3]>,
        /// Its diameter.
        diameter_mm: f64,
        /// Densities of the tissue within which its centre is drawn, in g/cm³: the lungs unless said.
        #[serde(default = "lung_g_cm3")]
        region_g_cm3: [f64; 2],
    },
    /// A flat cylinder.
    Disc {
        /// Its centre.
        centre_mm: [f64; 3],
        /// The direction of its axis.
        axis: [f64; 3],
        /// Its diameter.
        diameter_mm: f64,
        /// Its extent along the axis.
        thickness_mm: f64,
    },
    /// All points near a straight line.
    Wire {
        /// Its one end.
        from_mm: [f64; 3],
        /// Its other end.
        to_mm: [f64; 3],
        /// Its diameter.
        diameter_mm: f64,
    },
}

/// Nodules that are drawn and put into the lungs: rough balls ([`Nodule`](crate::body::Nodule)).
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Nodules {
    /// How many there are.
    pub count: usize,
    /// Smallest and largest diameter in millimetres, of the ball of the same volume; all ratios are drawn as often.
    pub diameter_mm: [f64; 2],
    /// Share of those that touch a vessel, the pleura or what else is no lung.
    pub touching: f64,
    /// Smallest and largest standard deviation of the logarithm of the radius.
    pub roughness: [f64; 2],
    /// Share of those with spicules, of the kinds that do not fade.
    pub spiculated: f64,
    /// Least and most spicules of these.
    pub spicules: [usize; 2],
    /// What they are like.
    pub kinds: Vec<NoduleKind>,
    /// Densities of the tissue in which they lie, in g/cm³: the lungs unless said.
    pub region_g_cm3: [f64; 2],
    /// Whether they are put in. Where they are not, all else is as if they were: of a pair of images, the one without nodules.
    pub shown: bool,
}

/// A kind of nodule: its CT number, or what it adds to that of the lung.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct NoduleKind {
    /// What it is called.
    pub name: String,
    /// How often it is drawn, relative to the other kinds.
    #[serde(default = "one")]
    pub share: f64,
    /// CT number of its middle, in place of what was there.
    pub hu: Option<f64>,
    /// CT number that its middle adds to what is there.
    pub contrast_hu: Option<f64>,
    /// The power n of its fall-off (1 − ρ²)ⁿ towards the surface.
    #[serde(default)]
    pub falloff: f64,
}

impl Default for Nodules {
    /// A solid, a part-solid and a ground-glass kind. Nodules of X. Xie et al., Eur. Radiol. 23:139 (2013) had 100, −630 and −800 HU in a
    /// phantom with lungs of air: the last two add 370 and 200 HU.
    fn default() -> Self {
        let kind = |name: &str, share, hu, contrast_hu, falloff| {
            let name = name.to_owned();
            NoduleKind { name, share, hu, contrast_hu, falloff }
        };
        let kinds = vec![
            kind("solid", 2.0, Some(100.0), None, 0.0),
            kind("part-solid", 1.0, None, Some(370.0), 0.5),
            kind("ground-glass", 1.0, None, Some(200.0), 1.5),
        ];
        Self {
            count: 0,
            diameter_mm: [4.0, 20.0],
            touching: 0.25,
            roughness: [0.1, 0.25],
            spiculated: 0.25,
            spicules: [3, 12],
            kinds,
            region_g_cm3: lung_g_cm3(),
            shown: true,
        }
    }
}

fn lung_g_cm3() -> [f64; 2] {
    [0.05, 0.6]
}

/// The X-ray beam.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Beam {
    /// Tube voltage, in kV; or a spectrum.
    pub kvp: Option<f64>,
    /// Angle between the central ray and the anode, in degrees.
    #[serde(default = "anode_deg")]
    pub anode_deg: f64,
    /// Layers of the filter, such as `al:2.5`.
    #[serde(default)]
    pub filter: Vec<String>,
    /// Spectrum in place of the tube's: CSV of energy in keV and photons per mm² and mAs at 1 m.
    pub spectrum: Option<PathBuf>,
    /// Tube load of one view, in mAs.
    pub mas: f64,
    /// Whether air weakens the beam between source and detector.
    #[serde(default)]
    pub air: Option<Air>,
    /// Heel effect.
    pub heel: Option<Heel>,
    /// Blades of the collimator; without them, the beam is as large as the detector.
    pub collimator: Option<Collimator>,
}

fn anode_deg() -> f64 {
    12.0
}

/// Dry air between source and detector.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Air {}

/// The anode's own absorption, which differs between its sides.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Heel {
    /// Where on the detector the tube's cathode lies.
    pub cathode: Side,
}

/// A side of the detector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub enum Side {
    /// Along +u.
    #[serde(rename = "+u")]
    PlusU,
    /// Along −u.
    #[serde(rename = "-u")]
    MinusU,
    /// Along +v.
    #[serde(rename = "+v")]
    PlusV,
    /// Along −v.
    #[serde(rename = "-v")]
    MinusV,
}

/// Blades of the collimator.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Collimator {
    /// Corners of the field in the detector's plane along u and v, in millimetres from its centre, in order.
    pub corners_mm: Vec<[f64; 2]>,
}

/// Scattered radiation.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Scatter {
    /// How it is computed.
    pub model: ScatterModel,
    /// Photons of a Monte Carlo simulation, for each view.
    pub photons: Option<u64>,
    /// Side of a pixel of the scatter map, in millimetres; the fast model has 16 at least.
    #[serde(default = "scatter_pixel_mm")]
    pub pixel_mm: f64,
    /// Side of a voxel of the body in which photons are scattered, in millimetres.
    #[serde(default = "scatter_voxel_mm")]
    pub voxel_mm: f64,
}

fn scatter_pixel_mm() -> f64 {
    8.0
}

fn scatter_voxel_mm() -> f64 {
    4.0
}

/// How scattered radiation is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ScatterModel {
    /// Transport through large cells, without noise.
    Fast,
    /// Photon by photon.
    MonteCarlo,
}

/// Energy that the body absorbs, photon by photon.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct DoseSection {
    /// Photons of all views together.
    pub photons: u64,
    /// Side of a voxel of the body, in millimetres.
    #[serde(default = "scatter_voxel_mm")]
    pub voxel_mm: f64,
    /// Boxes of which the dose is asked for; they may overlap labels and each other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub boxes: Vec<BoxSection>,
}

/// A box along the axes of the CT's own coordinates: all voxels of the body whose centres lie in it.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct BoxSection {
    /// What it is called.
    pub name: String,
    /// Its corner of the smallest coordinates.
    pub from_mm: [f64; 3],
    /// Its corner of the largest coordinates, which no longer belongs to it.
    pub to_mm: [f64; 3],
}

/// Anti-scatter grid in front of the detector.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct GridSection {
    /// Height of the strips over the width between them.
    pub ratio: f64,
    /// Strips in a centimetre.
    pub lines_per_cm: f64,
    /// Thickness of a strip, in millimetres.
    pub strip_mm: f64,
    /// Material of the strips.
    #[serde(default = "strip")]
    pub strip: String,
    /// Material between them.
    #[serde(default = "interspace")]
    pub interspace: String,
    /// Covers, front and back together, such as `Al:0.2`.
    #[serde(default)]
    pub covers: Vec<String>,
    /// Distance of the line to which the strips point, in millimetres; without it they are parallel.
    pub focus_mm: Option<f64>,
}

fn strip() -> String {
    "Pb".to_owned()
}

fn interspace() -> String {
    "Al".to_owned()
}

/// Size of the focal spot: the mean over sources spread evenly over a rectangle across the central ray.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct FocalSpot {
    /// Sides along u and v, in millimetres.
    pub size_mm: [f64; 2],
    /// Sources along u and v.
    pub samples: [usize; 2],
}

/// Volume to reconstruct from the corrected projections.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Reconstruction {
    /// Voxels, as `NXxNYxNZ@SXxSYxSZ`.
    #[serde(with = "grid_text")]
    pub grid: Grid,
    /// Window of the ramp filter.
    #[serde(default)]
    pub window: Option<String>,
    /// Frequency at which the window ends, relative to the Nyquist frequency.
    #[serde(default = "one")]
    pub cutoff: f64,
    /// Continuation of rows, as a share of their length.
    #[serde(default)]
    pub margin: f64,
    /// Thickness of the slices of a tomosynthesis, in millimetres.
    pub slice_mm: Option<f64>,
    /// Correction of beam hardening for water, from the spectrum.
    pub water_correction: Option<WaterCorrection>,
}

/// What a perfect CT of the body would show.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Truth {
    /// Voxels, as `NXxNYxNZ@SXxSYxSZ`.
    #[serde(with = "grid_text")]
    pub grid: Grid,
}

fn one() -> f64 {
    1.0
}

/// Correction of beam hardening: the line integral of so much water at one energy that attenuates the beam as much.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct WaterCorrection {}

impl Default for Patient {
    fn default() -> Self {
        Self {
            phantom: None,
            effective_kev: body::EFFECTIVE_ENERGY_KEV,
            air_water_hu: None,
            bone: Bone::Bone,
            cleaning: None,
            slices: None,
            padding: None,
            labels: None,
            inserts: Vec::new(),
            nodules: None,
            position: Position::default(),
        }
    }
}

mod grid_text {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use crate::data::Grid;

    pub(super) fn serialize<S: Serializer>(grid: &Grid, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&grid.to_string())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Grid, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}
