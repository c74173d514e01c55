use super::{Body, BodyError, cleaning::check_ct, voxels::CHUNK};
use crate::{data::Volume, parallel::*, physics::Material};

/// CT number of empty space: µ = 0.
pub const NOTHING_HU: i32 = -1000;
/// Largest CT number: what 12 bits hold with the usual offset of −1024. What is above counts as this.
pub const MOST_HU: i32 = 3071;
/// Effective energy of CT at 120 kV unless said, in keV: the mean of such a beam is 62 keV before the body and 77 keV behind
/// 300 mm of water, by kerma's own tube behind 7 mm of aluminium.
pub const EFFECTIVE_ENERGY_KEV: f64 = 70.0;

/// A mixture that has one CT number.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Its materials, each with its mass in the mixture's volume, in g/cm³; their sum is the density of the mixture.
    pub parts: Vec<(Material, f64)>,
}

impl Node {
    /// A material at a density of its own, in g/cm³.
    #[must_use]
    pub fn of(material: Material, density_g_cm3: f64) -> Self {
        Self { parts: vec![(material, density_g_cm3)] }
    }

    /// µ at an energy, in mm⁻¹.
    fn attenuation_per_mm(&self, energy_kev: f64) -> Result<f64, BodyError> {
        self.parts.iter().try_fold(0.0, |sum, (material, density)| {
            Ok(sum + material.attenuation_per_mm(energy_kev)? * density / material.density_g_cm3())
        })
    }
}

/// What tissue has which CT number.
///
/// ```text
/// HU = 1000·(µ(E)/µ_water(E) − 1)        f(HU) = f_a + (f_b − f_a)·(HU − HU_a)/(HU_b − HU_a)
/// ```
/// where E is the effective energy of the CT beam, µ that of the mixture of a [`Node`], and f the fractions of materials (as [`Body`] has
/// them) of the nodes a and b on both sides. A voxel between two nodes is part the one and part the other by volume, so that µ at E
/// is that of the CT number exactly. The first node is nothing at all (−1000 HU); beyond the last, its mixture becomes denser.
/// CT numbers count as whole ones, each of which is a composition.
#[derive(Clone, Debug)]
pub struct Calibration {
    energy_kev: f64,
    materials: Vec<Material>,
    /// CT numbers of the nodes, ascending.
    node_hu: Vec<f64>,
    compositions: Vec<f32>,
    /// Factor and summand that make CT numbers of the measured ones.
    scale: [f64; 2],
}

impl Calibration {
    /// That of body tissues of ICRU Report 44: air, lung (0.26 to 0.8 g/cm³), adipose tissue (0.92 to 0.95), muscle for all soft tissue,
    /// spongiosa and cortical bone.
    ///
    /// # Errors
    /// [`BodyError`] for an energy outside 5 to 150 keV or one at which the tissues' CT numbers do not ascend.
    pub fn of_tissues(energy_kev: f64) -> Result<Self, BodyError> {
        let node = |(name, density): (&str, f64)| Ok(Node::of(Material::by_name(name)?, density));
        let nodes: Result<Vec<_>, BodyError> = TISSUES.into_iter().map(node).collect();
        Self::new(energy_kev, &nodes?)
    }

    /// That of nodes of one's own, by ascending CT number; −1000 HU, which is nothing, goes without saying.
    ///
    /// # Errors
    /// [`BodyError`] when there is no node, a density is not positive, the CT numbers at this energy do not ascend from above −1000,
    /// or the energy is outside 5 to 150 keV.
    pub fn new(energy_kev: f64, nodes: &[Node]) -> Result<Self, BodyError> {
        let water = Material::by_name("water")?.attenuation_per_mm(energy_kev)?;
        let mut materials: Vec<Material> = Vec::new();
        for (material, density) in nodes.iter().flat_map(|node| &node.parts) {
            if !(*density > 0.0 && density.is_finite()) {
                let what = format!("density of {} in a node", material.name());
                return Err(BodyError::value(what, "positive", format!("{density} g/cm³")));
            }
            if !materials.contains(material) {
                materials.push(material.clone());
            }
        }
        if materials.is_empty() {
            return Err(BodyError::value("the number of nodes", "1 or more", "0"));
        }
        let mut node_hu = vec![f64::from(NOTHING_HU)];
        let mut rows = vec![vec![0.0; materials.len()]];
        for node in nodes {
            let hu = 1000.0 * (node.attenuation_per_mm(energy_kev)? / water - 1.0);
            if let Some(before) = node_hu.last().filter(|before| hu <= **before) {
                let names: Vec<_> = node.parts.iter().map(|(material, _)| material.name()).collect();
                let what = format!("CT number of {} at {energy_kev} keV", names.join(" and "));
                return Err(BodyError::value(
                    what,
                    format!("above {before:.1} HU of the node before"),
                    format!("{hu:.1} HU"),
                ));
            }
            let fraction = |of: &Material| {
                let parts = node.parts.iter().filter(|(material, _)| material == of);
                parts.map(|(material, density)| density / material.density_g_cm3()).sum::<f64>()
            };
            node_hu.push(hu);
            rows.push(materials.iter().map(fraction).collect());
        }
        let mut compositions = Vec::with_capacity((MOST_HU - NOTHING_HU + 1) as usize * materials.len());
        for hu in (NOTHING_HU..=MOST_HU).map(f64::from) {
            let b = node_hu.partition_point(|&node| node < hu).max(1);
            let (low, high, along) = match node_hu.get(b) {
                Some(node) => (&rows[b - 1], &rows[b], (hu - node_hu[b - 1]) / (node - node_hu[b - 1])),
                // µ and so all fractions grow in proportion to HU + 1000.
                None => (&rows[0], &rows[b - 1], (hu - node_hu[0]) / (node_hu[b - 1] - node_hu[0])),
            };
            compositions.extend(low.iter().zip(high).map(|(low, high)| (low + (high - low) * along) as f32));
        }
        Ok(Self { energy_kev, materials, node_hu, compositions, scale: [1.0, 0.0] })
    }

    /// The same for a CT that measures these numbers for air and for water, and so has another offset and slope (two-point
    /// calibration).
    ///
    /// # Errors
    /// [`BodyError`] unless both are finite and water is above air.
    pub fn measured(self, air_hu: f64, water_hu: f64) -> Result<Self, BodyError> {
        if !(air_hu.is_finite() && water_hu.is_finite() && air_hu < water_hu) {
            let got = format!("{air_hu} HU and {water_hu} HU");
            return Err(BodyError::value("CT numbers of air and water", "finite and ascending", got));
        }
        let of = |name| Material::by_name(name)?.attenuation_per_mm(self.energy_kev);
        let air = 1000.0 * (of("air")? / of("water")? - 1.0);
        let slope = -air / (water_hu - air_hu);
        Ok(Self { scale: [slope, -slope * water_hu], ..self })
    }

    /// Effective energy of the CT beam, in keV.
    #[must_use]
    pub fn energy_kev(&self) -> f64 {
        self.energy_kev
    }

    /// The materials, in the order of the nodes.
    #[must_use]
    pub fn materials(&self) -> &[Material] {
        &self.materials
    }

    /// CT numbers of the nodes, that of nothing first.
    #[must_use]
    pub fn node_hu(&self) -> &[f64] {
        &self.node_hu
    }

    /// Fractions of the materials at a whole CT number, which is cut to −1000 to 3071 HU.
    #[must_use]
    pub fn fractions(&self, hu: i32) -> &[f32] {
        let row = (hu.clamp(NOTHING_HU, MOST_HU) - NOTHING_HU) as usize * self.materials.len();
        &self.compositions[row..row + self.materials.len()]
    }

    /// The body that a CT shows: composition HU + 1000 for each voxel, its CT number rounded to the nearest whole one.
    ///
    /// # Errors
    /// [`BodyError`] when the volume is in a unit other than HU, or holds what is not a number.
    pub fn body(&self, ct: &Volume) -> Result<Body, BodyError> {
        check_ct(ct)?;
        let [slope, offset] = self.scale.map(|number| number as f32);
        // Above the smallest number, so that one rounding to the nearest is a truncation.
        let offset = offset - NOTHING_HU as f32 + 0.5;
        let most = (MOST_HU - NOTHING_HU) as f32;
        let number = |hu: &f32| (hu * slope + offset).clamp(0.0, most) as u32;
        let mut voxels = vec![0; ct.values().len()];
        voxels.par_chunks_mut(CHUNK).zip(ct.values().par_chunks(CHUNK)).for_each(|(voxels, values)| {
            voxels.iter_mut().zip(values).for_each(|(voxel, hu)| *voxel = number(hu));
        });
        Ok(Body::new(*ct.grid(), self.materials.clone(), self.compositions.clone(), voxels)?)
    }
}

/// The nodes of [`Calibration::of_tissues`] with their densities in g/cm³. Schneider, Bortfeld and Schlegel (*Phys. Med. Biol.* 45:459,
/// 2000) take tissue for lung up to −120 HU; here fat goes down to 0.92 g/cm³, its density in ICRP Publication 23, and mixes with
/// lung from there to −200 HU, so that fat in a noisy CT stays fat.
const TISSUES: [(&str, f64); 8] = [
    ("air", 0.001_204_79),
    ("lung", 0.26),
    ("lung", 0.80),
    ("adipose", 0.92),
    ("adipose", 0.95),
    ("muscle", 1.05),
    ("trabecular-bone", 1.18),
    ("cortical-bone", 1.92),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        data::{Grid, Unit},
        physics::{Layer, Tube},
    };

    fn standard() -> Calibration {
        Calibration::of_tissues(EFFECTIVE_ENERGY_KEV).unwrap()
    }

    fn density(calibration: &Calibration, hu: i32) -> f64 {
        let parts = calibration.fractions(hu).iter().zip(calibration.materials());
        parts.map(|(&f, material)| f64::from(f) * material.density_g_cm3()).sum()
    }

    #[test]
    fn every_ct_number_gives_its_attenuation_back_at_any_effective_energy() {
        for energy in [60.0, EFFECTIVE_ENERGY_KEV, 85.0] {
            let calibration = Calibration::of_tissues(energy).unwrap();
            let water = Material::by_name("water").unwrap().attenuation_per_mm(energy).unwrap();
            let mu: Vec<f64> = calibration.materials().iter().map(|m| m.attenuation_per_mm(energy).unwrap()).collect();
            for hu in NOTHING_HU..=MOST_HU {
                let got: f64 = calibration.fractions(hu).iter().zip(&mu).map(|(&f, mu)| f64::from(f) * mu).sum();
                let got = 1000.0 * (got / water - 1.0);
                assert!((got - f64::from(hu)).abs() < 1e-3, "{got} HU, want {hu}");
            }
        }
    }

    #[test]
    fn densities_ascend_and_are_those_of_published_curves() {
        let calibration = standard();
        let all: Vec<f64> = (NOTHING_HU..=MOST_HU).map(|hu| density(&calibration, hu)).collect();
        assert!(all.windows(2).all(|pair| pair[0] < pair[1]));
        // Schneider et al. 2000, equations 19 to 23: linear from 0.00121 at −1000 to 0.93 at −98; 1.018 + 0.893e-3·H from −98
        // to 14; 1.03 to 23; 1.003 + 1.169e-3·H to 100; 1.017 + 0.592e-3·H above. Theirs are a scanner's of 120 kV.
        let published = |hu: i32| match f64::from(hu) {
            h if h < -98.0 => 0.00121 + (0.93 - 0.00121) * (h + 1000.0) / 902.0,
            h if h < 14.0 => 1.018 + 0.893e-3 * h,
            h if h < 23.0 => 1.03,
            h if h < 100.0 => 1.003 + 1.169e-3 * h,
            h => 1.017 + 0.592e-3 * h,
        };
        for hu in [-900, -750, -500, -200, -90, -50, 0, 40, 60, 200, 400, 800, 1200, 1500] {
            let (got, want) = (density(&calibration, hu), published(hu));
            assert!((got - want).abs() < 0.03, "{hu} HU: {got} g/cm³, published {want}");
        }
        assert!((density(&calibration, -750) - 0.25).abs() < 0.01);
    }

    #[test]
    fn the_usual_effective_energy_lies_between_the_means_of_a_ct_beam() {
        let filter = vec![Layer::parse("al:7", &[]).unwrap()];
        let entering = Tube::new(120.0, 7.0, filter).unwrap().spectrum().unwrap();
        let water = Material::by_name("water").unwrap();
        let leaving = entering.clone().attenuated(&water, 300.0).unwrap();
        let [low, high] = [entering, leaving].map(|spectrum| spectrum.mean_energy_kev());
        assert!(low < EFFECTIVE_ENERGY_KEV && EFFECTIVE_ENERGY_KEV < high, "{low} and {high} keV");
    }

    #[test]
    fn two_points_move_and_stretch_the_scale() {
        let grid = Grid::centred([4, 1, 1], [1.0; 3]).unwrap();
        let ct = |values: [f32; 4]| Volume::new(grid, Unit::Hounsfield, values.to_vec()).unwrap();
        let plain = standard().body(&ct([-999.0, 0.0, 40.4, 1e6])).unwrap();
        assert_eq!(plain.voxels(), [1, 1000, 1040, 4071]);
        assert_eq!(standard().body(&ct([-2048.0, -1000.4, -999.6, -0.5])).unwrap().voxels(), [0, 0, 0, 1000]);
        // Air at −940 instead of −999, water at 20 instead of 0.
        let moved = standard().measured(-940.0, 20.0).unwrap().body(&ct([-940.0, 20.0, 116.1, -1000.0])).unwrap();
        assert_eq!(moved.voxels(), [1, 1000, 1100, 0]);
    }

    #[test]
    fn calibrations_that_cannot_be_are_refused_in_one_line() {
        let material = |name| Material::by_name(name).unwrap();
        let refused = |nodes: &[Node]| Calibration::new(70.0, nodes).unwrap_err().to_string();
        assert_eq!(refused(&[]), "the number of nodes must be 1 or more, got 0");
        let turned = [Node::of(material("muscle"), 1.05), Node::of(material("adipose"), 0.95)];
        let message = refused(&turned);
        assert!(message.starts_with("CT number of adipose at 70 keV must be above 4"), "{message}");
        assert!(refused(&[Node::of(material("muscle"), -1.0)]).ends_with("must be positive, got -1 g/cm³"));
        assert!(standard().measured(0.0, -1000.0).unwrap_err().to_string().contains("finite and ascending"));
        assert!(Calibration::of_tissues(200.0).unwrap_err().to_string().contains("5 to 150 keV"));
        let grid = Grid::centred([1; 3], [1.0; 3]).unwrap();
        let volume = |unit, value| Volume::new(grid, unit, vec![value]).unwrap();
        let message = standard().body(&volume(Unit::PerMillimetre, 0.02)).unwrap_err().to_string();
        assert_eq!(message, "a CT volume must be in HU, got mm⁻¹");
        assert!(standard().body(&volume(Unit::Hounsfield, f32::NAN)).is_err());
    }
}
