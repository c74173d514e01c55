use std::fmt;

use super::{
    Material, PhysicsError, Spectrum,
    anode::{Emission, KVP_RANGE, TAKE_OFF_RANGE_DEG},
    spectrum::check_thickness,
};

/// Smallest and largest anode angle, in degrees.
pub const ANODE_ANGLE_RANGE_DEG: [f64; 2] = [5.0, 25.0];
/// Distance at which the table has the fluence, in millimetres.
const METRE_MM: f64 = 1000.0;

/// A plate that stands in the beam, perpendicular to the central ray.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// What it is made of.
    pub material: Material,
    /// Its thickness, in millimetres.
    pub thickness_mm: f64,
}

impl Layer {
    /// Layer of a text such as `al:2.5`: a material by its name (see [`Material::find`]), and millimetres.
    ///
    /// # Errors
    /// [`PhysicsError`] for another form, an unknown material, or a thickness that is negative.
    pub fn parse(text: &str, own: &[Material]) -> Result<Self, PhysicsError> {
        let form = || PhysicsError::value("layer", "MATERIAL:MM, such as al:2.5", format!("\"{text}\""));
        let (name, thickness) = text.split_once(':').ok_or_else(form)?;
        let layer = Self { material: Material::find(name, own)?, thickness_mm: thickness.parse().map_err(|_| form())? };
        check_thickness(&layer.material, layer.thickness_mm)?;
        Ok(layer)
    }

    /// Layers whose thicknesses can be.
    pub(super) fn check(layers: &[Self]) -> Result<(), PhysicsError> {
        layers.iter().try_for_each(|layer| check_thickness(&layer.material, layer.thickness_mm))
    }

    /// Line integral of a ray perpendicular to layers that lie one behind the other.
    pub(super) fn depth(layers: &[Self], energy_kev: f64) -> Result<f64, PhysicsError> {
        layers
            .iter()
            .try_fold(0.0, |sum, layer| Ok(sum + layer.material.attenuation_per_mm(energy_kev)? * layer.thickness_mm))
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} mm {}", self.thickness_mm, self.material.name())
    }
}

/// An X-ray tube with a tungsten anode, constant voltage and a filter.
///
/// ```text
///           anode                         z: along the central ray, away from the focal spot
///          ╱ angle α                      x: perpendicular to it, towards the cathode
///  ───────╱· · · · cathode                take-off angle of a ray: asin(sin(α + atan(x/z))·√(x² + z²)/r)
///         ↓ z   → x
/// ```
/// Emission is that of spekpy 2.5.4 (model "casim": A. Omar, P. Andreo, G. Poludniowski, *Med. Phys.* 47:4763 and 47:4005, 2020), tabulated
/// for 40 to 150 kV and rays of 0.5° to 34° to the anode's surface. It depends on that angle alone, within 0.3 % in any bin. Air
/// is no part of it: it is a layer of the filter where it matters.
#[derive(Clone, Debug, PartialEq)]
pub struct Tube {
    kvp: f64,
    anode_angle_deg: f64,
    filter: Vec<Layer>,
}

impl Tube {
    /// Tube of a voltage of 40 to 150 kV, an anode angle of 5° to 25° between the central ray and the anode's surface, and a filter of
    /// any layers.
    ///
    /// # Errors
    /// [`PhysicsError::Value`] outside those ranges, or for a thickness that is negative.
    pub fn new(kvp: f64, anode_angle_deg: f64, filter: Vec<Layer>) -> Result<Self, PhysicsError> {
        let within = |what: &str, [low, high]: [f64; 2], unit: &str, got: f64| match (low..=high).contains(&got) {
            true => Ok(()),
            false => Err(PhysicsError::value(what, format!("{low} to {high}{unit}"), format!("{got}{unit}"))),
        };
        within("tube voltage", KVP_RANGE, " kV", kvp)?;
        within("anode angle", ANODE_ANGLE_RANGE_DEG, "°", anode_angle_deg)?;
        Layer::check(&filter)?;
        Ok(Self { kvp, anode_angle_deg, filter })
    }

    /// Tube voltage, in kV.
    #[must_use]
    pub fn kvp(&self) -> f64 {
        self.kvp
    }

    /// Angle between the central ray and the anode's surface, in degrees.
    #[must_use]
    pub fn anode_angle_deg(&self) -> f64 {
        self.anode_angle_deg
    }

    /// Layers of the filter.
    #[must_use]
    pub fn filter(&self) -> &[Layer] {
        &self.filter
    }

    /// Spectrum on the central ray at 1 m, in photons per mm² and mAs. Bins of 1 keV lie between whole energies from 5 keV on, so that
    /// centres are 5.5, 6.5, … keV; the last ends at the tube voltage.
    ///
    /// # Errors
    /// [`PhysicsError`]; none for a tube that was made.
    pub fn spectrum(&self) -> Result<Spectrum, PhysicsError> {
        self.spectrum_at([0.0, 0.0, METRE_MM])
    }

    /// Spectrum at a point, in photons per mm² (perpendicular to the ray) and mAs: heel effect, oblique paths through the
    /// filter and the inverse square of the distance. x points to the cathode, z along the central ray, the focal spot is the origin.
    ///
    /// # Errors
    /// [`PhysicsError::Value`] for a point that is not before the tube, or beyond the anode's cut-off.
    pub fn spectrum_at(&self, [x_mm, y_mm, z_mm]: [f64; 3]) -> Result<Spectrum, PhysicsError> {
        let place = || format!("({x_mm}, {y_mm}, {z_mm}) mm");
        let distance_mm = (x_mm * x_mm + y_mm * y_mm + z_mm * z_mm).sqrt();
        if !(z_mm > 0.0 && distance_mm.is_finite()) {
            return Err(PhysicsError::value("point in the beam", "before the tube, z above 0", place()));
        }
        let in_plane_rad = self.anode_angle_deg.to_radians() + x_mm.atan2(z_mm);
        let take_off_rad = (in_plane_rad.sin() * x_mm.hypot(z_mm) / distance_mm).asin();
        // Rounding of the angles at the ends of the range.
        const SLACK_DEG: f64 = 1e-9;
        let [low, high] = TAKE_OFF_RANGE_DEG;
        if !(low - SLACK_DEG..=high + SLACK_DEG).contains(&take_off_rad.to_degrees()) {
            let what = format!("angle between the anode's surface and the ray to {}", place());
            let allowed = format!("{low}° to {high}°, below which the anode cuts off");
            return Err(PhysicsError::value(what, allowed, format!("{:.2}°", take_off_rad.to_degrees())));
        }
        let (energies, photons) = Emission::new(self.kvp, take_off_rad).bins();
        let spectrum = Spectrum::new(energies, photons)?.scaled((METRE_MM / distance_mm).powi(2));
        let oblique = distance_mm / z_mm;
        self.filter
            .iter()
            .try_fold(spectrum, |spectrum, layer| spectrum.attenuated(&layer.material, layer.thickness_mm * oblique))
    }
}
