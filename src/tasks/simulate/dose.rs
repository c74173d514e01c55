//! Energy that a body absorbs, and its dose.

use super::{
    AreaKind, Case, Measured,
    case::{Irradiated, Object},
    photons::{Beamlet, follow},
    regions::{Area, Target},
};
use crate::{
    data::{Unit, Volume},
    engine::{Control, Device},
    kernels::transport::{Tables, Tally},
    parallel::*,
    physics::JOULES_PER_KEV,
    tasks::{Task, TaskError},
};

/// Dose of a case: runs on a device.
pub struct DoseTask<'a> {
    case: &'a Case,
    irradiated: &'a Irradiated,
    target: &'a Target,
    tables: Tables,
    photons: u64,
}

/// Absorbed dose of a body.
#[derive(Clone, Debug, PartialEq)]
pub struct Dose {
    /// Mean dose of blocks of the body's voxels, in mGy, in the CT's own coordinates; 0 where there is nothing.
    ///
    /// A block is one voxel of the protocol's size, unless there are too many: then it is a cube of voxels.
    pub blocks: Volume,
    /// Standard error of each block's, in mGy.
    pub errors: Volume,
    /// The whole body.
    pub body: Absorbed,
    /// Labels by their names that the body has, then the protocol's boxes.
    pub areas: Vec<(AreaKind, String, Absorbed)>,
}

/// What a part of a body absorbs in an exposure of all views.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Absorbed {
    /// Its mass, in g.
    pub mass_g: f64,
    /// Its mean dose, in mGy.
    pub mean_mgy: f64,
    /// Standard error of the mean dose, in mGy.
    pub error_mgy: f64,
    /// Its energy, in mJ.
    pub energy_mj: f64,
    /// The same for each photon that is sent into the field, in eV.
    pub ev_per_photon: f64,
}

impl Dose {
    /// Its numbers for the whole body.
    #[must_use]
    pub fn results(&self) -> [Measured; 5] {
        let measured = |name, value, unit, meaning| Measured { name, value, unit, meaning };
        let Absorbed { mass_g, mean_mgy, error_mgy, energy_mj, ev_per_photon } = self.body;
        [
            measured("mean_dose_mgy", mean_mgy, "mGy", "of the whole body"),
            measured("mean_dose_error_mgy", error_mgy, "mGy", "its standard error"),
            measured("absorbed_energy_mj", energy_mj, "mJ", "in the whole body"),
            measured("absorbed_ev_per_photon", ev_per_photon, "eV", "of each photon sent into the field"),
            measured("mass_kg", mass_g / 1000.0, "kg", "of the body"),
        ]
    }
}

/// Energy of an exposure and its variance, in keV and keV².
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    energy_kev: f64,
    variance: f64,
}

impl Sum {
    /// Adds what some regions got of photons that stand for `photons` of an exposure.
    fn add(&mut self, tally: &Tally, regions: impl IntoIterator<Item = u32>, photons: f64) {
        let of_one = tally.regions_ev(regions.into_iter().map(|region| region as usize));
        self.energy_kev += of_one.mean / 1000.0 * photons;
        self.variance += (of_one.error / 1000.0 * photons).powi(2);
    }

    /// What a mass absorbs, of an exposure of so many photons.
    fn absorbed(self, mass_g: f64, photons: f64) -> Absorbed {
        let mgy = |kev: f64| if mass_g > 0.0 { kev * JOULES_PER_KEV / mass_g * 1e6 } else { 0.0 };
        Absorbed {
            mass_g,
            mean_mgy: mgy(self.energy_kev),
            error_mgy: mgy(self.variance.sqrt()),
            energy_mj: self.energy_kev * JOULES_PER_KEV * 1e3,
            ev_per_photon: self.energy_kev * 1000.0 / photons,
        }
    }
}

/// Sums of an exposure.
struct Sums {
    photons: f64,
    blocks: Vec<Sum>,
    areas: Vec<Sum>,
    body: Sum,
}

impl Sums {
    fn new(target: &Target) -> Self {
        let none = Sum::default();
        Self {
            photons: 0.0,
            blocks: vec![none; target.blocks.len()],
            areas: vec![none; target.areas.len()],
            body: none,
        }
    }

    /// Adds a run, which stands for `photons` of an exposure.
    fn add(&mut self, target: &Target, tally: &Tally, photons: f64) {
        self.photons += photons;
        let blocks = self.blocks.par_iter_mut().zip(target.blocks.par_iter());
        blocks.filter(|(_, regions)| !regions.is_empty()).for_each(|(sum, regions)| {
            sum.add(tally, regions.clone(), photons);
        });
        for (sum, area) in self.areas.iter_mut().zip(&target.areas) {
            sum.add(tally, area.regions.iter().copied(), photons);
        }
        self.body.add(tally, 0..target.mass_g.len() as u32, photons);
    }

    fn dose(&self, target: &Target) -> Result<Dose, TaskError> {
        let Self { photons, blocks, areas, body } = self;
        let mass_g = |regions: &mut dyn Iterator<Item = u32>| regions.map(|at| target.mass_g[at as usize]).sum::<f64>();
        let of_blocks = blocks.iter().zip(&target.blocks);
        let of_blocks = of_blocks.map(|(sum, regions)| sum.absorbed(mass_g(&mut regions.clone()), *photons));
        let (doses, errors) = of_blocks.map(|block| (block.mean_mgy as f32, block.error_mgy as f32)).unzip();
        let of_area = |(sum, area): (&Sum, &Area)| {
            let absorbed = sum.absorbed(mass_g(&mut area.regions.iter().copied()), *photons);
            (area.kind, area.name.clone(), absorbed)
        };
        Ok(Dose {
            blocks: Volume::new(target.grid, Unit::Milligray, doses)?,
            errors: Volume::new(target.grid, Unit::Milligray, errors)?,
            body: body.absorbed(target.mass_g.iter().sum(), *photons),
            areas: areas.iter().zip(&target.areas).map(of_area).collect(),
        })
    }
}

impl Case {
    /// The dose of the case, where its protocol asks for it.
    ///
    /// # Errors
    /// [`TaskError`] when it cannot be computed.
    pub fn dose(&self) -> Result<Option<DoseTask<'_>>, TaskError> {
        let (Object::Irradiated(irradiated), Some(settings)) = (&self.object, &self.protocol().dose) else {
            return Ok(None);
        };
        let Some(target) = &irradiated.target else { return Ok(None) };
        let tables = Tables::new(&target.body, Some(&target.regions))?;
        Ok(Some(DoseTask { case: self, irradiated, target, tables, photons: settings.photons }))
    }
}

impl Task for DoseTask<'_> {
    type Result = Dose;

    async fn run(&self, device: &Device, control: &Control<'_>) -> Result<Dose, TaskError> {
        let views = self.case.geometry.views();
        let detector = self.case.room().detector();
        let of_view = self.photons.div_ceil(views.len() as u64);
        let share = 1.0 / views.len() as f64;
        let mut sums = Sums::new(self.target);
        for (number, view) in views.iter().enumerate() {
            let beamlet = Beamlet::of(self.irradiated, view, detector, self.case.collimator())?;
            let histories = (self.case.seed, number as u64 * of_view, of_view);
            let take = |tally: &Tally, count: u32| {
                // A run stands for its share of the exposure.
                sums.add(self.target, tally, beamlet.photons * f64::from(count) / of_view as f64);
            };
            let done = number as f64 * share;
            follow(device, control, &self.tables, &beamlet, None, histories, [done, share], take).await?;
        }
        sums.dose(self.target)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use glam::DVec3;

    use super::*;
    use crate::{
        data::Grid,
        tasks::simulate::{ProtocolText, regions::Organs},
    };

    /// A box of water of 160 × 80 × 160 mm around x = 300 mm, in front of a source behind it.
    const PROTOCOL: &str = "\
        [geometry]\nkind = 'radiograph'\nsource_isocentre_mm = 900\nsource_detector_mm = 1000\n\
        detector = [20, 20]\npitch_mm = [10.0, 10.0]\n[beam]\nkvp = 100\nfilter = ['al:3.0']\nmas = 1.0\n\
        [dose]\nphotons = 40000\nvoxel_mm = 20\n";

    fn case(more: &str) -> Case {
        let grid = Grid::new([16, 8, 16], [10.0; 3], [225.0, -35.0, -75.0], glam::DMat3::IDENTITY).unwrap();
        let ct = Volume::new(grid, Unit::Hounsfield, vec![0.0; grid.voxel_count()]).unwrap();
        let protocol = ProtocolText::from_toml(&format!("{PROTOCOL}{more}")).unwrap().draw(1).unwrap();
        Case::new(&protocol, ct, 1).unwrap()
    }

    fn irradiated(case: &Case) -> &Irradiated {
        let Object::Irradiated(irradiated) = &case.object else { panic!("there is a beam") };
        irradiated
    }

    fn dose(case: &Case) -> Dose {
        pollster::block_on(case.dose().unwrap().unwrap().run(&Device::cpu(), &Control::default())).unwrap()
    }

    #[test]
    fn labels_and_boxes_have_the_energy_of_their_voxels() {
        let boxes = "boxes = [{ name = 'entrance', from_mm = [220, -40, -80], to_mm = [380, 0, 80] },\n\
                     { name = 'all', from_mm = [0, -100, -100], to_mm = [400, 100, 100] }]\n";
        let mut case = case(boxes);
        let target = irradiated(&case).target.clone().unwrap();
        // Two labels: the voxels of the smaller x and the others.
        let is_right = |at: usize| at % 8 >= 4;
        let of_voxels = (0..8 * 4 * 8).map(|at| 1 + u32::from(is_right(at))).collect();
        let organs = Organs { names: ["left", "right"].map(String::from).to_vec(), of_voxels };
        let sections = &case.protocol().dose.as_ref().unwrap().boxes;
        let labelled = Target::new(target.body, &organs, sections, DVec3::X * 300.0).unwrap();
        if let Object::Irradiated(irradiated) = &mut case.object {
            irradiated.target = Some(labelled);
        }
        let dose = dose(&case);
        let names: Vec<&str> = dose.areas.iter().map(|(_, name, _)| name.as_str()).collect();
        assert_eq!(names, ["left", "right", "entrance", "all"]);
        let [left, right, entrance, all] = [0, 1, 2, 3].map(|area| dose.areas[area].2);
        let near = |a: f64, b: f64| assert!((a / b - 1.0).abs() < 1e-6, "{a} {b}");
        near(left.energy_mj + right.energy_mj, dose.body.energy_mj);
        near(left.mass_g + right.mass_g, dose.body.mass_g);
        assert_eq!(all, dose.body);
        assert!((dose.body.mass_g / 2048.0 - 1.0).abs() < 0.05, "{}", dose.body.mass_g);
        // The mean over voxels, all of one mass; and in the CT's own coordinates the box is the half that the beam enters.
        assert_eq!(dose.blocks.grid().size(), [8, 4, 8]);
        assert!((dose.blocks.grid().centre_mm() - DVec3::X * 300.0).length() < 1e-9);
        let mean = |is_in: &dyn Fn(usize) -> bool| {
            let values = dose.blocks.values().iter().enumerate().filter(|(at, _)| is_in(*at));
            let (sum, count) = values.fold((0.0, 0), |(sum, count), (_, value)| (sum + f64::from(*value), count + 1));
            sum / f64::from(count)
        };
        near(mean(&|at| !is_right(at)), left.mean_mgy);
        near(mean(&is_right), right.mean_mgy);
        near(mean(&|at| at / 8 % 4 < 2), entrance.mean_mgy);
        assert!(entrance.mean_mgy > 1.3 * dose.body.mean_mgy, "the control: doses differ");
        // Photons that give one voxel energy have none left for others: the error of the sum is none of independent parts.
        let independent = left.error_mgy.hypot(right.error_mgy) / 2.0;
        assert!(dose.body.error_mgy < 0.9 * independent, "{} {independent}", dose.body.error_mgy);
    }

    #[test]
    fn voxels_are_those_of_the_dose_whatever_those_of_the_scatter() {
        let scatter = |voxel_mm: f64| format!("[scatter]\nmodel = 'fast'\nvoxel_mm = {voxel_mm}\n");
        let [other, same] = [40.0, 20.0].map(|voxel_mm| case(&scatter(voxel_mm)));
        let side_mm = |case: &Case| {
            let Irradiated { coarse, target, .. } = irradiated(case);
            [coarse.as_ref().unwrap(), &target.as_ref().unwrap().body].map(|body| body.grid().spacing_mm().x)
        };
        assert_eq!([side_mm(&other), side_mm(&same)], [[40.0, 20.0], [20.0, 20.0]]);
        let Irradiated { coarse, target, .. } = irradiated(&same);
        assert!(Arc::ptr_eq(coarse.as_ref().unwrap(), &target.as_ref().unwrap().body), "one body serves both");
        assert_eq!(dose(&other), dose(&same));
    }
}
