use crate::{
    body::Body,
    data::Grid,
    parallel::*,
    physics::{Attenuation, ENERGY_RANGE_KEV, Material, PhysicsError, ScatterAngles},
};

/// Most regions that voxels may be told apart by: their sums, 16 of 64 bits each, take 64 MiB, half of what every device binds at once.
pub const MAX_REGIONS: usize = 1 << 19;

/// Energies of the coefficients' table lie 2⁶ eV apart.
pub(super) const NODE_BITS: u32 = 6;
/// Number of the first of them, in steps from 0 eV; the last is that above 150 keV.
pub(super) const FIRST_NODE: u32 = 5_000 >> NODE_BITS;
/// Number of energies of the coefficients' table.
pub(super) const NODE_COUNT: u32 = ((150_000 + (1 << NODE_BITS) - 1) >> NODE_BITS) - FIRST_NODE + 1;

/// Energies of the angles' tables: eight in every octave, each the upper bits of an energy as an `f32`, from 4096 eV on.
pub(super) const ANGLE_SHIFT: u32 = 20;
/// Upper bits of 4096 eV.
pub(super) const FIRST_ANGLE_NODE: u32 = 4096_f32.to_bits() >> ANGLE_SHIFT;
/// Five octaves to 131 keV, and 147 and 164 keV.
pub(super) const ANGLE_NODES: u32 = 8 * 5 + 3;
/// Cosines of one table: at equal steps of the share from 0 to 1.
pub(super) const COSINES: u32 = 257;

/// A body made ready for photons: its voxels with their regions, and what its materials do to photons of 5 to 150 keV.
///
/// The word of a voxel holds the number of its composition in as many bits as the body's compositions need, and above them its region.
///
/// One list of numbers, of which the kernel knows where its parts begin:
///
/// ```text
/// by energy      1/µ_max (mm); µ_m/µ_max for each material m; for each m the shares of absorption, and of absorption or Compton
/// by composition f_m for each material m
/// by process     Compton, then Rayleigh; by material, by energy of the angles: cosines
/// ```
/// where µ_max is the largest µ = Σ f_m·µ_m of the compositions that occur. Every value holds for its energy alone: a photon takes
/// one of the two energies around its own at random, so that an edge of absorption is met by both sides' majorants.
#[derive(Clone, Debug)]
pub struct Tables {
    pub(super) grid: Grid,
    pub(super) voxels: Vec<u32>,
    /// Bits of a voxel's word that hold its composition; the others hold its region.
    pub(super) composition_bits: u32,
    pub(super) material_count: u32,
    pub(super) region_count: u32,
    pub(super) numbers: Vec<f32>,
    pub(super) fractions_at: u32,
    pub(super) cosines_at: u32,
}

impl Tables {
    /// Tables of a body. `regions`, one for each voxel, tell apart what absorbed energy is asked for; without them all is region 0.
    ///
    /// # Errors
    /// [`PhysicsError`]; none for energies from 5 to 150 keV, which these are.
    ///
    /// # Panics
    /// When there are not as many regions as voxels, or one of [`Tables::most_regions`] or more.
    pub fn new(body: &Body, regions: Option<&[u32]>) -> Result<Self, PhysicsError> {
        let materials = body.materials();
        let compositions: Vec<&[f32]> = body.compositions().chunks_exact(materials.len()).collect();
        let composition_bits = composition_bits(compositions.len());
        let mut voxels = body.voxels().to_vec();
        let mut occurs = vec![false; compositions.len()];
        voxels.iter().for_each(|&number| occurs[number as usize] = true);
        let mut region_count = 1;
        if let Some(regions) = regions {
            assert_eq!(regions.len(), voxels.len(), "every voxel has a region");
            region_count = regions.iter().fold(0, |most, &region| most.max(region as usize)) + 1;
            let most = Self::most_regions(body);
            assert!(region_count <= most, "there are at most {most} regions");
            for (voxel, region) in voxels.iter_mut().zip(regions) {
                *voxel |= *region << composition_bits;
            }
        }
        let occurring: Vec<&[f32]> =
            compositions.iter().zip(&occurs).filter(|(_, occurs)| **occurs).map(|(row, _)| *row).collect();
        let mut numbers = Vec::new();
        for node in 0..NODE_COUNT {
            numbers.extend(coefficients(materials, &occurring, node)?);
        }
        let fractions_at = numbers.len() as u32;
        numbers.extend(body.compositions());
        let cosines_at = numbers.len() as u32;
        for angles in [ScatterAngles::incoherent, ScatterAngles::coherent] {
            for material in materials {
                let tables: Vec<Result<Vec<f64>, PhysicsError>> = (0..ANGLE_NODES)
                    .into_par_iter()
                    .map(|node| Ok(angles(material, angle_node_kev(node))?.cosines(COSINES as usize)))
                    .collect();
                for table in tables {
                    numbers.extend(table?.iter().map(|&cosine| cosine as f32));
                }
            }
        }
        Ok(Self {
            grid: *body.grid(),
            voxels,
            composition_bits,
            material_count: materials.len() as u32,
            region_count: region_count as u32,
            numbers,
            fractions_at,
            cosines_at,
        })
    }

    /// Most regions that the voxels of a body may be told apart by: [`MAX_REGIONS`], or fewer beside very many compositions.
    #[must_use]
    pub fn most_regions(body: &Body) -> usize {
        let bits = composition_bits(body.compositions().len() / body.materials().len());
        MAX_REGIONS.min(1_usize.checked_shl(32 - bits).unwrap_or(MAX_REGIONS))
    }

    /// Regions: one more than the largest.
    #[must_use]
    pub fn region_count(&self) -> usize {
        self.region_count as usize
    }
}

/// Bits that the numbers of so many compositions need.
fn composition_bits(compositions: usize) -> u32 {
    (compositions - 1).checked_ilog2().map_or(0, |last| last + 1)
}

/// Energy of a node of the coefficients' table.
pub(super) fn node_kev(node: u32) -> f64 {
    in_range(f64::from((FIRST_NODE + node) << NODE_BITS) / 1000.0)
}

/// Energy of a node of the angles' tables.
fn angle_node_kev(node: u32) -> f64 {
    in_range(f64::from(f32::from_bits((FIRST_ANGLE_NODE + node) << ANGLE_SHIFT)) / 1000.0)
}

/// Nodes beyond the tables of physics stand for their ends.
fn in_range(energy_kev: f64) -> f64 {
    let [least, most] = ENERGY_RANGE_KEV;
    energy_kev.clamp(least, most)
}

/// Row of the coefficients' table.
fn coefficients(materials: &[Material], occurring: &[&[f32]], node: u32) -> Result<Vec<f32>, PhysicsError> {
    let energy_kev = node_kev(node);
    let by_material: Vec<Attenuation> =
        materials.iter().map(|material| material.attenuation(energy_kev)).collect::<Result<_, _>>()?;
    // cm²/g to 1/mm.
    let per_mm: Vec<f64> =
        by_material.iter().zip(materials).map(|(of, m)| of.total_cm2_g() * m.density_g_cm3() / 10.0).collect();
    let total = |row: &&[f32]| row.iter().zip(&per_mm).map(|(f, per_mm)| f64::from(*f) * per_mm).sum::<f64>();
    let largest = occurring.iter().map(total).fold(0.0, f64::max);
    // Where there is nothing at all, photons fly far.
    let majorant = if largest > 0.0 { largest } else { LEAST_PER_MM };
    let mut row = vec![(1.0 / majorant) as f32];
    row.extend(per_mm.iter().map(|per_mm| (per_mm / majorant) as f32));
    for of in &by_material {
        let absorbed = of.photoelectric_cm2_g / of.total_cm2_g();
        row.extend([absorbed as f32, (absorbed + of.incoherent_cm2_g / of.total_cm2_g()) as f32]);
    }
    Ok(row)
}

/// Majorant of empty space, 1/mm.
const LEAST_PER_MM: f64 = 1e-6;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_hold_all_energies() {
        assert_eq!(((150_000 + 63) >> NODE_BITS) - FIRST_NODE, NODE_COUNT - 1);
        assert_eq!([node_kev(0), node_kev(NODE_COUNT - 1)], ENERGY_RANGE_KEV);
        for (energy, spare) in [(5_000_f32, 0), (5_000.0, 255), (150_000.0, 0), (150_000.0, 255)] {
            let node = ((energy.to_bits() >> (ANGLE_SHIFT - 8)) + spare) >> 8;
            assert!((FIRST_ANGLE_NODE..FIRST_ANGLE_NODE + ANGLE_NODES).contains(&node), "{energy}: {node}");
        }
    }

    #[test]
    fn a_voxels_word_holds_as_many_regions_as_its_compositions_leave_bits_for() {
        let bits = [1, 2, 3, 4, 5, 4096, 4097, (1 << 20) + 1].map(composition_bits);
        assert_eq!(bits, [0, 1, 2, 2, 3, 12, 13, 21]);
        let body = |compositions: usize| {
            let grid = Grid::centred([2, 1, 1], [1.0; 3]).unwrap();
            let water = Material::by_name("water").unwrap();
            let last = compositions as u32 - 1;
            Body::new(grid, vec![water], (0..compositions).map(|n| n as f32 / 1e7).collect(), vec![last; 2]).unwrap()
        };
        assert_eq!([1, 5, 1 << 13].map(|count| Tables::most_regions(&body(count))), [MAX_REGIONS; 3]);
        for (count, most, word) in [(1 << 13, 1 << 19, u32::MAX), ((1 << 13) + 1, 1 << 18, 0xffff_e000)] {
            let body = body(count);
            assert_eq!(Tables::most_regions(&body), most);
            let tables = |region| Tables::new(&body, Some(&[0, region]));
            let last = tables(most as u32 - 1).unwrap();
            assert_eq!((last.voxels, last.region_count as usize), (vec![count as u32 - 1, word], most));
            assert!(std::panic::catch_unwind(|| tables(most as u32)).is_err(), "the control: a region too many");
        }
    }

    #[test]
    fn the_majorant_is_that_of_the_densest_composition_that_occurs() {
        let materials = [Material::by_name("water").unwrap(), Material::by_name("cortical-bone").unwrap()];
        let row = coefficients(&materials, &[&[0.0, 0.0], &[0.5, 0.5], &[1.0, 0.0]], 800).unwrap();
        let [water, bone] = [0, 1].map(|m| materials[m].attenuation_per_mm(node_kev(800)).unwrap());
        assert!((f64::from(row[0]) * 0.5 * (water + bone) - 1.0).abs() < 1e-6);
        assert!((f64::from(row[2]) / f64::from(row[1]) / (bone / water) - 1.0).abs() < 1e-6);
        assert!(row[3] < row[4] && row[4] < 1.0 && row[5] > row[3]);
    }
}
