//! Case 2 of AAPM Report 195 (I. Sechopoulos et al., *Monte Carlo reference data sets for imaging research*, 2015): a block of soft tissue in
//! four radiographic beams, and the energy that it and nine cubes in it absorb, as four Monte Carlo programs found it.

use glam::{DMat3, DVec3};
use kerma::{
    body::Body,
    data::Grid,
    kernels::transport::{Estimate, Source, Tables, Tally},
    physics::{Element, Material, Spectrum},
};

use crate::inputs::known_good;

fn material(name: &str, density_g_cm3: f64, percent: &[(&str, f64)]) -> Material {
    let composition = percent.iter().map(|(symbol, p)| (known_good(Element::from_symbol(symbol)), p / 100.0));
    known_good(Material::new(name, density_g_cm3, composition))
}

/// Soft tissue and air of the report.
#[must_use]
pub fn tissue_and_air() -> [Material; 2] {
    const TISSUE: [(&str, f64); 9] = [
        ("H", 10.5),
        ("C", 25.6),
        ("N", 2.7),
        ("O", 60.2),
        ("Na", 0.1),
        ("P", 0.2),
        ("S", 0.3),
        ("Cl", 0.2),
        ("K", 0.2),
    ];
    const AIR: [(&str, f64); 4] = [("C", 0.0124), ("N", 75.5268), ("O", 23.1781), ("Ar", 1.2827)];
    [material("soft tissue", 1.03, &TISSUE), material("air", 0.001_205, &AIR)]
}

/// Centres of the cubes from the body's, in cm.
pub const CENTRES: [[f64; 3]; 9] = [
    [0.0, -15.0, 0.0],
    [-15.0, 0.0, 0.0],
    [0.0, 0.0, 0.0],
    [15.0, 0.0, 0.0],
    [0.0, 15.0, 0.0],
    [0.0, 0.0, -6.0],
    [0.0, 0.0, -3.0],
    [0.0, 0.0, 3.0],
    [0.0, 0.0, 6.0],
];

/// A beam, and the energy absorbed in eV for each photon sent: mean of four Monte Carlo programs.
#[derive(Clone, Copy, Debug)]
pub struct Beam {
    /// What it is.
    pub name: &'static str,
    /// CSV of energies and relative numbers of photons.
    spectrum: &'static str,
    /// How far the source lies from the body's axis, in mm: at 15°, 1800 mm above the field.
    aside_mm: f64,
    /// In the whole body.
    pub body_ev: f64,
    /// In each of the cubes.
    pub cubes_ev: [f64; 9],
}

const MONO: &str = "energy_kev,fluence\n56.4,1";
const POLY: &str = include_str!("../../assets/physics/tg195/120kvp-w.csv");
/// 1800 mm · tan 15°.
const ASIDE_MM: f64 = 482.308_546_376_021_7;

/// The beams. The first is what a short run is held to.
pub const BEAMS: [Beam; 4] = [
    Beam {
        name: "56.4 keV, 0°",
        spectrum: MONO,
        aside_mm: 0.0,
        body_ev: 33_171.4,
        cubes_ev: [27.0105, 27.0031, 36.6674, 27.0083, 27.0080, 72.8588, 53.3451, 23.8321, 14.5952],
    },
    Beam {
        name: "56.4 keV, 15°",
        spectrum: MONO,
        aside_mm: ASIDE_MM,
        body_ev: 30_883.825,
        cubes_ev: [33.0808, 25.4753, 34.6257, 25.5054, 9.7907, 70.8050, 51.0616, 22.2765, 13.5443],
    },
    Beam {
        name: "120 kV, 0°",
        spectrum: POLY,
        aside_mm: 0.0,
        body_ev: 33_125.975,
        cubes_ev: [24.9682, 24.9503, 33.5210, 24.9559, 24.9661, 72.7011, 49.9880, 21.7295, 13.4818],
    },
    Beam {
        name: "120 kV, 15°",
        spectrum: POLY,
        aside_mm: ASIDE_MM,
        body_ev: 30_923.125,
        cubes_ev: [30.3499, 23.5177, 31.6385, 23.5156, 8.8987, 70.5268, 47.7389, 20.3143, 12.5093],
    },
];

/// Case 2: voxels of 30 × 30 × 5 mm, at whose faces body and cubes end, and air as far as the source of a tilted beam. Regions: 0 air,
/// 1 body, from 2 on the cubes.
#[must_use]
pub fn case_2() -> Tables {
    let grid = known_good(Grid::new([21, 35, 360], [30.0, 30.0, 5.0], [-300.0, -510.0, 2.5], DMat3::IDENTITY));
    let (mut voxels, mut regions) = (Vec::new(), Vec::new());
    for index in 0..grid.voxel_count() {
        let at =
            grid.world_mm(DVec3::new((index % 21) as f64, (index / 21 % 35) as f64, (index / (21 * 35)) as f64)) / 10.0;
        let from_centre = at - DVec3::Z * 165.0;
        let is_within = |half: DVec3, centre: DVec3| (from_centre - centre).abs().cmplt(half).all();
        let is_tissue = is_within(DVec3::new(19.5, 19.5, 10.0), DVec3::ZERO);
        let cube = CENTRES.iter().position(|centre| is_within(DVec3::splat(1.5), DVec3::from_array(*centre)));
        voxels.push(if is_tissue { 1 } else { 2 });
        regions.push(cube.map_or(u32::from(is_tissue), |cube| cube as u32 + 2));
    }
    let body = known_good(Body::new(grid, tissue_and_air().to_vec(), vec![0.0, 0.0, 1.0, 0.0, 0.0, 1.0], voxels));
    known_good(Tables::new(&body, Some(&regions)))
}

impl Beam {
    /// Its source: a point 180 cm above a field of 39 × 39 cm.
    #[must_use]
    pub fn source(&self) -> Source {
        Source {
            position_mm: DVec3::new(0.0, -self.aside_mm, 0.0),
            corner_mm: DVec3::new(-195.0, -195.0, 1800.0),
            edges_mm: [DVec3::X * 390.0, DVec3::Y * 390.0],
            blades: Vec::new(),
            spectrum: known_good(Spectrum::from_csv(self.spectrum)),
        }
    }
}

/// Energy absorbed in the body, and in each of the cubes, in eV for each photon sent.
#[must_use]
pub fn body_and_cubes(tally: &Tally) -> (Estimate, Vec<Estimate>) {
    let cubes = (2..11).map(|region| tally.region_ev(region)).collect();
    (tally.regions_ev(1..11), cubes)
}
