//! Energy that a body absorbs, and its dose.

use super::{
    Case, Measured,
    case::{Irradiated, Object},
    photons::{Beamlet, follow},
};
use crate::{
    body::Body,
    data::{Grid, Unit, Volume},
    engine::{Control, Device},
    kernels::transport::{MAX_REGIONS, Tables, Tally},
    physics::JOULES_PER_KEV,
    tasks::{Task, TaskError},
};

/// Dose of a case: runs on a device.
pub struct DoseTask<'a> {
    case: &'a Case,
    irradiated: &'a Irradiated,
    tables: Tables,
    blocks: Blocks,
    photons: u64,
}

/// Absorbed dose of a body.
#[derive(Clone, Debug, PartialEq)]
pub struct Dose {
    /// Mean dose of blocks of the body's voxels, in mGy; 0 where there is nothing.
    pub blocks: Volume,
    /// Standard error of each block's, in mGy.
    pub errors: Volume,
    /// Mean dose of the whole body, in mGy.
    pub mean_mgy: f64,
    /// Energy absorbed in the whole body, in mJ.
    pub absorbed_mj: f64,
    /// Mass of the body, in g.
    pub mass_g: f64,
}

impl Dose {
    /// Its numbers for the whole body.
    #[must_use]
    pub fn results(&self) -> [Measured; 3] {
        [
            Measured { name: "mean_dose_mgy", value: self.mean_mgy, unit: "mGy", meaning: "of the whole body" },
            Measured { name: "absorbed_energy_mj", value: self.absorbed_mj, unit: "mJ", meaning: "in the whole body" },
            Measured { name: "mass_kg", value: self.mass_g / 1000.0, unit: "kg", meaning: "of the body" },
        ]
    }
}

/// Blocks of voxels, so many that each can be told apart.
struct Blocks {
    grid: Grid,
    regions: Vec<u16>,
    mass_g: Vec<f64>,
}

impl Blocks {
    fn of(body: &Body) -> Result<Self, TaskError> {
        let grid = body.grid();
        let size = grid.size();
        let mut side = 1;
        let count = |side: usize| size.map(|n| n.div_ceil(side)).iter().product::<usize>();
        while count(side) > MAX_REGIONS {
            side += 1;
        }
        let [wide, high, deep] = size.map(|n| n.div_ceil(side));
        let spacing = (grid.spacing_mm() * side as f64).to_array();
        let first = grid.world_mm(glam::DVec3::splat((side as f64 - 1.0) / 2.0)).to_array();
        let blocks = Grid::new([wide, high, deep], spacing, first, grid.orientation())?;
        let voxel_cm3 = grid.spacing_mm().element_product() / 1000.0;
        let densities = body.densities_g_cm3();
        let mut mass_g = vec![0.0; blocks.voxel_count()];
        let [nx, ny, _] = size;
        let regions = body.voxels().iter().enumerate().map(|(at, number)| {
            let [x, y, z] = [at % nx, at / nx % ny, at / nx / ny].map(|n| n / side);
            let region = (z * high + y) * wide + x;
            mass_g[region] += densities[*number as usize] * voxel_cm3;
            region as u16
        });
        let regions = regions.collect();
        Ok(Self { grid: blocks, regions, mass_g })
    }
}

impl Case {
    /// The dose of the case, where its protocol asks for it.
    ///
    /// # Errors
    /// [`TaskError`] when it cannot be computed.
    pub fn dose(&self) -> Result<Option<DoseTask<'_>>, TaskError> {
        let (Object::Irradiated(irradiated), Some(settings)) = (&self.object, self.protocol().dose) else {
            return Ok(None);
        };
        let Some(coarse) = &irradiated.coarse else { return Ok(None) };
        let blocks = Blocks::of(coarse)?;
        let tables = Tables::new(coarse, Some(&blocks.regions))?;
        Ok(Some(DoseTask { case: self, irradiated, tables, blocks, photons: settings.photons }))
    }
}

impl Task for DoseTask<'_> {
    type Result = Dose;

    async fn run(&self, device: &Device, control: &Control<'_>) -> Result<Dose, TaskError> {
        let views = self.case.geometry.views();
        let detector = self.case.room().detector();
        let of_view = self.photons.div_ceil(views.len() as u64);
        let share = 1.0 / views.len() as f64;
        let regions = self.blocks.mass_g.len();
        // Energies and their variances, in keV of an exposure.
        let (mut energy_kev, mut variance) = (vec![0.0; regions], vec![0.0; regions]);
        for (number, view) in views.iter().enumerate() {
            let beamlet = Beamlet::of(self.irradiated, view, detector, self.case.collimator())?;
            let histories = (self.case.seed, number as u64 * of_view, of_view);
            let take = |tally: &Tally, count: u32| {
                // A run stands for its share of the exposure.
                let photons = beamlet.photons * f64::from(count) / of_view as f64;
                for region in 0..self.tables.region_count() {
                    let estimate = tally.region_ev(region);
                    energy_kev[region] += estimate.mean / 1000.0 * photons;
                    variance[region] += (estimate.error / 1000.0 * photons).powi(2);
                }
            };
            let done = number as f64 * share;
            follow(device, control, &self.tables, &beamlet, None, histories, [done, share], take).await?;
        }
        let Blocks { grid, mass_g, .. } = &self.blocks;
        let mgy = |kev: f64, mass_g: f64| if mass_g > 0.0 { kev * JOULES_PER_KEV / mass_g * 1e6 } else { 0.0 };
        let volume = |values: &mut dyn Iterator<Item = f64>| {
            Volume::new(*grid, Unit::Milligray, values.map(|value| value as f32).collect())
        };
        let blocks = volume(&mut energy_kev.iter().zip(mass_g).map(|(kev, mass)| mgy(*kev, *mass)))?;
        let errors = volume(&mut variance.iter().zip(mass_g).map(|(kev2, mass)| mgy(kev2.sqrt(), *mass)))?;
        let (absorbed, mass_g) = (energy_kev.iter().sum::<f64>(), mass_g.iter().sum::<f64>());
        let absorbed_mj = absorbed * JOULES_PER_KEV * 1e3;
        Ok(Dose { blocks, errors, mean_mgy: mgy(absorbed, mass_g), absorbed_mj, mass_g })
    }
}
