//! Nodules of a case: drawn, placed in the lungs, put in or not.

use glam::DVec3;

use super::{Case, NoduleKind, Nodules, ProtocolError, case::Object};
use crate::{
    body::{
        Amount, Body, BodyError, COVERAGE_STEPS, Clearance, Form, Insert, MOST_FALLOFF, MOST_ROUGHNESS, MOST_SPICULES,
        Nodule, NoduleLook, Places, Position,
    },
    data::{Unit, Volume},
    phantom::random::Random,
    physics::Material,
    tasks::TaskError,
};

/// Labels of the streams that nodules and their places are drawn from.
const LOOKS: u64 = 4;
const PLACES: u64 = 5;
/// Room around nodules that touch nothing, and between all. Lungs are full of small vessels, of which 3 % of a ball may be.
const CLEARANCE: Clearance = Clearance { edge_mm: 2.0, between_mm: 5.0, own_share: 0.97 };
/// Share of a touching nodule, taken for a ball, that lies beyond the lung.
const TOUCHING_SHARE: f64 = 0.1;
/// Most nodules of a case.
const MOST_COUNT: usize = 1000;
/// Smallest and largest diameter, in millimetres.
const DIAMETERS_MM: [f64; 2] = [0.5, 100.0];
/// Least coverage at which a voxel belongs to a nodule.
const LEAST: u8 = COVERAGE_STEPS / 2;

/// A nodule of a case.
#[derive(Clone, Debug, PartialEq)]
pub struct PlacedNodule {
    /// Its centre, in the frame of the reconstruction, in millimetres.
    pub centre_mm: DVec3,
    /// Diameter of the ball of the same volume, spicules left aside, in millimetres.
    pub diameter_mm: f64,
    /// Its kind.
    pub kind: NoduleKind,
    /// Standard deviation of the logarithm of its radius.
    pub roughness: f64,
    /// Number of its spicules.
    pub spicules: usize,
    /// Whether it touches a vessel, the pleura or what else is no lung.
    pub touching: bool,
    /// Whether it was put in.
    pub shown: bool,
    /// Its shape, in the body's own frame.
    nodule: Nodule,
}

impl Nodules {
    pub(super) fn check(&self) -> Result<(), ProtocolError> {
        let wrong = |field: &str, allowed: String, got: String| {
            Err(ProtocolError::value(&format!("patient.nodules.{field}"), allowed, got))
        };
        let Self { count, diameter_mm, touching, roughness, spiculated, spicules, kinds, region_g_cm3, .. } = self;
        if *count > MOST_COUNT {
            return wrong("count", format!("0 to {MOST_COUNT}"), count.to_string());
        }
        let pairs = [
            ("diameter_mm", *diameter_mm, DIAMETERS_MM),
            ("roughness", *roughness, [0.0, MOST_ROUGHNESS]),
            ("spicules", spicules.map(|count| count as f64), [0.0, MOST_SPICULES as f64]),
            ("region_g_cm3", *region_g_cm3, [0.0, 25.0]),
        ];
        for (field, [low, high], [least, most]) in pairs {
            if !(least <= low && low <= high && high <= most) {
                let allowed = format!("the smallest and the largest within {least} to {most}");
                return wrong(field, allowed, format!("[{low}, {high}]"));
            }
        }
        for (field, share) in [("touching", touching), ("spiculated", spiculated)] {
            if !(0.0..=1.0).contains(share) {
                return wrong(field, "0 to 1".to_owned(), share.to_string());
            }
        }
        for (at, kind) in kinds.iter().enumerate() {
            kind.check(&format!("kinds[{at}]"))?;
        }
        match kinds.iter().map(|kind| kind.share).sum::<f64>() > 0.0 {
            true => Ok(()),
            false => wrong("kinds", "at least one kind of a share above 0".to_owned(), "none".to_owned()),
        }
    }

    /// The nodules of a seed, one after another where the body has lung.
    pub(super) fn placed(&self, body: &Body, position: &Position, seed: u64) -> Result<Vec<PlacedNodule>, TaskError> {
        let mut random = Random::of(seed, &[PLACES]);
        let mut places = Places::new(body, self.region_g_cm3, CLEARANCE);
        let mut all = Vec::new();
        for number in 0..self.count {
            let (look, kind, touching, shape) = self.drawn(seed, number as u64);
            let nodule = Nodule::new(DVec3::ZERO, &look, shape)?;
            let place = match touching {
                true => {
                    let radii = [look.diameter_mm / 2.0, nodule.widest_mm()];
                    places.draw_touching(radii, TOUCHING_SHARE, &mut random)?
                }
                false => places.draw(nodule.widest_mm(), &mut random)?,
            };
            let NoduleLook { diameter_mm, roughness, spicules, .. } = look;
            let (centre_mm, shown) = (position.room_mm(place), self.shown);
            let (kind, nodule) = (kind.clone(), nodule.at(place));
            all.push(PlacedNodule { centre_mm, diameter_mm, kind, roughness, spicules, touching, shown, nodule });
        }
        Ok(all)
    }

    /// Look, kind, whether it touches, and the seed of the shape of one nodule: of no other's.
    fn drawn(&self, seed: u64, number: u64) -> (NoduleLook, &NoduleKind, bool, u64) {
        let mut random = Random::of(seed, &[LOOKS, number]);
        let mut within = |[low, high]: [f64; 2]| random.within(low, high);
        let diameter_mm = within(self.diameter_mm.map(f64::ln)).exp().clamp(self.diameter_mm[0], self.diameter_mm[1]);
        let roughness = within(self.roughness);
        let (touching, spiculated) = (within([0.0, 1.0]) < self.touching, within([0.0, 1.0]) < self.spiculated);
        let [least, most] = self.spicules;
        let spicules = within([least as f64, most as f64 + 1.0]) as usize;
        let kind = self.kind(within([0.0, 1.0]));
        let spicules = if spiculated && kind.falloff == 0.0 { spicules } else { 0 };
        (NoduleLook { diameter_mm, roughness, spicules, falloff: kind.falloff }, kind, touching, random.bits())
    }

    /// The kind at a part of the sum of all shares; there is one.
    fn kind(&self, part: f64) -> &NoduleKind {
        let mut left = part * self.kinds.iter().map(|kind| kind.share).sum::<f64>();
        let reached = |kind: &&NoduleKind| {
            left -= kind.share;
            left < 0.0
        };
        self.kinds.iter().find(reached).unwrap_or(&self.kinds[self.kinds.len() - 1])
    }
}

impl NoduleKind {
    fn check(&self, at: &str) -> Result<(), ProtocolError> {
        let wrong = |field: &str, allowed: &str, got: String| {
            Err(ProtocolError::value(&format!("patient.nodules.{at}{field}"), allowed, got))
        };
        if !(self.share >= 0.0 && self.share.is_finite()) {
            return wrong(".share", "0 or more", self.share.to_string());
        }
        if !(0.0..=MOST_FALLOFF).contains(&self.falloff) {
            return wrong(".falloff", &format!("0 to {MOST_FALLOFF}"), self.falloff.to_string());
        }
        match (self.hu, self.contrast_hu) {
            (Some(hu), None) if hu > -1000.0 && hu <= 3000.0 => Ok(()),
            (Some(hu), None) => wrong(".hu", "above -1000 and at most 3000 HU", hu.to_string()),
            (None, Some(hu)) if hu > 0.0 && hu <= 3000.0 => Ok(()),
            (None, Some(hu)) => wrong(".contrast_hu", "above 0 and at most 3000 HU", hu.to_string()),
            (both, _) => {
                let got = if both.is_some() { "both" } else { "none" };
                wrong("", "of one of hu and contrast_hu", got.to_owned())
            }
        }
    }
}

impl PlacedNodule {
    /// The nodule of a material whose CT numbers are those of an energy.
    pub(super) fn insert(&self, material: &str, energy_kev: f64) -> Result<Insert, BodyError> {
        let material = Material::by_name(material)?;
        let amount = match (self.kind.hu, self.kind.contrast_hu) {
            (None, Some(hu)) => Amount::Contrast { hu, energy_kev },
            (hu, _) => {
                let water = Material::by_name("water")?.attenuation_per_mm(energy_kev)?;
                let fraction =
                    (1.0 + hu.unwrap_or_default() / 1000.0) * water / material.attenuation_per_mm(energy_kev)?;
                Amount::Density(fraction * material.density_g_cm3())
            }
        };
        Ok(Insert { form: Form::Nodule(Box::new(self.nodule.clone())), material, amount, softness_mm: 0.0 })
    }
}

impl Case {
    /// The nodules that the protocol asks for, put in or not; nothing where it has no word of them.
    #[must_use]
    pub fn nodules(&self) -> Option<&[PlacedNodule]> {
        match &self.object {
            Object::Plain(_) => None,
            Object::Irradiated(irradiated) => irradiated.nodules.as_deref(),
        }
    }

    /// Numbers of the nodules that were put in, from 1 in the order of [`Self::nodules`], and 0 elsewhere, on the grid of the
    /// [truth](Self::truth): that of a voxel of which a nodule covers half, up to its surface, or more of it than of any other.
    ///
    /// # Errors
    /// [`TaskError`] when the protocol has no such grid.
    pub fn nodule_numbers(&self) -> Result<Option<Volume>, TaskError> {
        let Some(nodules) = self.nodules() else { return Ok(None) };
        let on = self.truth_grid_seen()?;
        let mut numbers = Volume::zeros(self.truth_grid()?, Unit::Arbitrary);
        for (number, of) in nodules.iter().enumerate().filter(|(_, of)| of.shown) {
            let whole = of.insert("water", self.protocol().patient.effective_kev)?;
            let covered = Insert { form: Form::Nodule(Box::new(of.nodule.filled())), ..whole }.inclusion(&on).voxels;
            let most = covered.iter().map(|(_, share)| *share).max().unwrap_or(0).min(LEAST);
            for (at, _) in covered.iter().filter(|(_, share)| *share >= most) {
                numbers.values_mut()[*at] = number as f32 + 1.0;
            }
        }
        Ok(Some(numbers))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::simulate::ProtocolText;

    /// A radiograph of a chest, with eight nodules.
    const CHEST: &str = "\
        [geometry]\nkind = 'radiograph'\nsource_isocentre_mm = 900\nsource_detector_mm = 1200\n\
        detector = [32, 32]\npitch_mm = [12.0, 12.0]\n[beam]\nkvp = 100\nmas = 0.1\n\
        [reconstruction]\ngrid = '120x80x120@3x3x3'\n\
        [patient]\nphantom = { name = 'chest', seed = 3, voxel_mm = 3 }\n\
        [patient.nodules]\ncount = 8\ndiameter_mm = [6.0, 20.0]\n";

    fn case(text: &str, seed: u64) -> Result<Case, TaskError> {
        Case::new(&ProtocolText::from_toml(text)?.draw(seed)?, None, seed)
    }

    /// Share of the voxels within a radius of a point that are lung.
    fn lung_share(truth: &Volume, centre_mm: DVec3, radius_mm: f64) -> f64 {
        let grid = truth.grid();
        let [nx, ny, _] = grid.size();
        let place = |at: usize| DVec3::new((at % nx) as f64, (at / nx % ny) as f64, (at / nx / ny) as f64);
        let near = |(at, _): &(usize, &f32)| grid.world_mm(place(*at)).distance(centre_mm) <= radius_mm;
        let all: Vec<f32> = truth.values().iter().enumerate().filter(near).map(|(_, hu)| *hu).collect();
        all.iter().filter(|hu| (-900.0..-400.0).contains(*hu)).count() as f64 / all.len() as f64
    }

    #[test]
    fn nodules_lie_in_lung_apart_and_touch_as_they_should() {
        // Voxels of the truth are those of the body.
        let chest = CHEST.replace("voxel_mm = 3", "voxel_mm = 2").replace("120x80x120@3x3x3", "180x120x180@2x2x2");
        let chest = chest.replace("[6.0, 20.0]", "[12.0, 20.0]");
        for (touching, wanted) in [(0.0, false), (1.0, true)] {
            let case = case(&format!("{chest}touching = {touching}\nshown = false\n"), 7).unwrap();
            let (truth, nodules) = (case.truth().unwrap(), case.nodules().unwrap());
            assert_eq!(nodules.len(), 8);
            for (number, nodule) in nodules.iter().enumerate() {
                let radius_mm = nodule.diameter_mm / 2.0 + if wanted { 1.0 } else { 0.0 };
                let share = lung_share(&truth, nodule.centre_mm, radius_mm);
                // Of those that touch, a tenth and more lies beyond the lung.
                assert_eq!((nodule.touching, share < 0.94), (wanted, wanted), "{share} of {nodule:?}");
                assert!(share > 0.5, "{share} of {nodule:?}");
                for other in &nodules[..number] {
                    let room =
                        nodule.centre_mm.distance(other.centre_mm) - (nodule.diameter_mm + other.diameter_mm) / 2.0;
                    assert!(room >= CLEARANCE.between_mm, "{room} mm between {nodule:?} and {other:?}");
                }
            }
        }
    }

    #[test]
    fn what_is_drawn_follows_from_the_seed_alone() {
        let nodules = |more: &str, seed| case(&format!("{CHEST}{more}"), seed).unwrap().nodules().unwrap().to_vec();
        let [first, other] = [7, 8].map(|seed| nodules("", seed));
        assert_eq!(first, nodules("", 7));
        assert!(first.iter().zip(&other).all(|(a, b)| a.diameter_mm != b.diameter_mm && a.centre_mm != b.centre_mm));
        // Fewer are the first of more, and those that are not put in are at the same places.
        let fewer = case(&CHEST.replace("count = 8", "count = 3"), 7).unwrap();
        assert_eq!(fewer.nodules().unwrap(), &first[..3]);
        let hidden = nodules("shown = false\n", 7);
        assert!(first.iter().zip(&hidden).all(|(a, b)| a.centre_mm == b.centre_mm && a.shown && !b.shown));
        assert!(first.iter().all(|nodule| (6.0..=20.0).contains(&nodule.diameter_mm)));
    }

    #[test]
    fn the_truth_has_them_and_the_one_without_has_none() {
        let kinds = "roughness = [0.0, 0.1]\ndiameter_mm = [16.0, 20.0]\ntouching = 0\nkinds = [{ name = 'a', hu = 100 }, \
            { name = 'b', contrast_hu = 370, falloff = 0.5 }]\n";
        let text = CHEST.replace("diameter_mm = [6.0, 20.0]\n", kinds).replace("count = 8", "count = 4");
        let turned = "[patient.position]\nroll_deg = 90\nshift_mm = [0.0, 10.0, 5.0]\n";
        let with = case(&format!("{text}{turned}"), 2).unwrap();
        let without = case(&format!("{text}shown = false\n{turned}"), 2).unwrap();
        let (after, before) = (with.truth().unwrap(), without.truth().unwrap());
        let numbers = with.nodule_numbers().unwrap().unwrap();
        assert_eq!(without.nodule_numbers().unwrap().unwrap().values().iter().fold(0.0, |a, b| b.max(a)), 0.0);
        for (number, nodule) in with.nodules().unwrap().iter().enumerate() {
            let at = numbers.grid().index_of(nodule.centre_mm).round().as_usizevec3();
            let at = (at.z * 80 + at.y) * 120 + at.x;
            assert_eq!(numbers.values()[at], number as f32 + 1.0);
            let want = nodule.kind.hu.unwrap_or_else(|| f64::from(before.values()[at]) + 370.0);
            // The middle of a fading one is as dense at its centre alone.
            let below = want - f64::from(after.values()[at]);
            assert!(
                (-2.0..if nodule.kind.hu.is_some() { 2.0 } else { 40.0 }).contains(&below),
                "{below} HU, {nodule:?}"
            );
            let count = numbers.values().iter().filter(|of| **of == number as f32 + 1.0).count() as f64;
            let want = std::f64::consts::PI / 6.0 * nodule.diameter_mm.powi(3) / 27.0;
            assert!((count / want - 1.0).abs() < 0.1, "{count} voxels instead of {want}");
        }
        // The rest of the body is the same, and so are its nodules: none of its own.
        let is_same = |((a, b), of): ((&f32, &f32), &f32)| *of > 0.0 || (a - b).abs() < 1e-3;
        let pairs = after.values().iter().zip(before.values()).zip(numbers.values());
        let same = pairs.clone().filter(|pair| is_same(*pair)).count();
        assert!(same as f64 > 0.99 * after.values().len() as f64 && same < after.values().len());
    }

    #[test]
    fn small_nodules_have_the_voxel_of_which_they_cover_most() {
        let text = CHEST.replace("[6.0, 20.0]", "[2.0, 2.5]").replace("count = 8", "count = 5");
        let numbers = case(&text, 4).unwrap().nodule_numbers().unwrap().unwrap();
        for number in 1..=5 {
            assert!(numbers.values().contains(&(number as f32)), "no voxel of {number}");
        }
    }

    #[test]
    fn the_chest_has_no_nodules_of_its_own_beside_those_of_the_protocol() {
        let none = CHEST.replace("count = 8", "count = 0");
        let own = none.split("[patient.nodules]").next().unwrap();
        let [none, own] = [&none, own].map(|text| case(text, 1).unwrap());
        assert!(own.nodules().is_none() && own.nodule_numbers().unwrap().is_none());
        let (a, b) = (none.truth().unwrap(), own.truth().unwrap());
        let more = a.values().iter().zip(b.values()).filter(|(a, b)| **b > **a + 500.0).count();
        assert!(more > 10, "{more} voxels");
        // Soft tissue in place of blood is not quite as dense.
        assert!(a.values().iter().zip(b.values()).all(|(a, b)| *b > *a - 30.0));
    }

    #[test]
    fn what_cannot_be_drawn_is_refused_in_one_line() {
        let refused = |more: &str| {
            let text = CHEST.replace("diameter_mm = [6.0, 20.0]\n", more);
            ProtocolText::from_toml(&text).unwrap().draw(1).unwrap_err().to_string()
        };
        assert!(refused("diameter_mm = [9.0, 6.0]\n").starts_with(
            "patient.nodules.diameter_mm must be the smallest and the largest within 0.5 to 100, got [9, 6]"
        ));
        assert_eq!(refused("touching = 1.5\n"), "patient.nodules.touching must be 0 to 1, got 1.5");
        assert!(refused("roughness = [0.1, 0.9]\n").contains("within 0 to 0.5"));
        assert!(refused("kinds = []\n").starts_with("patient.nodules.kinds must be at least one kind"));
        let kind = |fields: &str| refused(&format!("kinds = [{{ name = 'a'{fields} }}]\n"));
        assert_eq!(kind(""), "patient.nodules.kinds[0] must be of one of hu and contrast_hu, got none");
        assert!(kind(", hu = 1, contrast_hu = 1").ends_with("got both"));
        assert!(kind(", contrast_hu = -5").contains("kinds[0].contrast_hu must be above 0"));
        let text = CHEST.replace("[beam]\nkvp = 100\nmas = 0.1\n", "");
        let message = ProtocolText::from_toml(&text).unwrap().draw(1).unwrap_err().to_string();
        assert!(message.starts_with("patient.nodules must be absent or not enabled without a beam"), "{message}");
        let full = case(&CHEST.replace("[6.0, 20.0]", "[90.0, 95.0]"), 1).unwrap_err().to_string();
        assert!(full.starts_with("no place for insert"), "{full}");
    }
}
