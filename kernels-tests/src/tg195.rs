//! Case 2 of AAPM Report 195 (I. Sechopoulos et al., *Monte Carlo reference data sets for imaging research*, 2015): a block of soft tissue in a
//! radiographic beam at 0°, and the energy that it and nine cubes in it absorb, as four Monte Carlo programs found it.

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

/// Centres of the cubes from the body's, in cm, and the energy absorbed in each, in eV for each photon sent: AAPM Report 195
/// (I. Sechopoulos et al., 2015), case 2 with 56.4 keV at 0°, mean of four Monte Carlo programs.
pub const CUBES: [([f64; 3], f64); 9] = [
    ([0.0, -15.0, 0.0], 27.0105),
    ([-15.0, 0.0, 0.0], 27.0031),
    ([0.0, 0.0, 0.0], 36.6674),
    ([15.0, 0.0, 0.0], 27.0083),
    ([0.0, 15.0, 0.0], 27.0080),
    ([0.0, 0.0, -6.0], 72.8588),
    ([0.0, 0.0, -3.0], 53.3451),
    ([0.0, 0.0, 3.0], 23.8321),
    ([0.0, 0.0, 6.0], 14.5952),
];
/// The same for the whole body.
pub const BODY_EV: f64 = 33_171.4;

/// Case 2: voxels of 30 × 30 × 5 mm, at whose faces body and cubes end. Regions: 0 air, 1 body, from 2 on the cubes.
#[must_use]
pub fn case_2() -> Tables {
    let grid = known_good(Grid::new([21, 21, 360], [30.0, 30.0, 5.0], [-300.0, -300.0, 2.5], DMat3::IDENTITY));
    let (mut voxels, mut regions) = (Vec::new(), Vec::new());
    for index in 0..grid.voxel_count() {
        let at = grid.world_mm(DVec3::new((index % 21) as f64, (index / 21 % 21) as f64, (index / 441) as f64)) / 10.0;
        let from_centre = at - DVec3::Z * 165.0;
        let is_within = |half: DVec3, centre: DVec3| (from_centre - centre).abs().cmplt(half).all();
        let is_tissue = is_within(DVec3::new(19.5, 19.5, 10.0), DVec3::ZERO);
        let cube = CUBES.iter().position(|(centre, _)| is_within(DVec3::splat(1.5), DVec3::from_array(*centre)));
        voxels.push(if is_tissue { 1 } else { 2 });
        regions.push(cube.map_or(u32::from(is_tissue), |cube| cube as u32 + 2));
    }
    let body = known_good(Body::new(grid, tissue_and_air().to_vec(), vec![0.0, 0.0, 1.0, 0.0, 0.0, 1.0], voxels));
    known_good(Tables::new(&body, Some(&regions)))
}

/// Its source: a point 180 cm above a field of 39 × 39 cm.
#[must_use]
pub fn source(spectrum: Spectrum) -> Source {
    Source {
        position_mm: DVec3::ZERO,
        corner_mm: DVec3::new(-195.0, -195.0, 1800.0),
        edges_mm: [DVec3::X * 390.0, DVec3::Y * 390.0],
        spectrum,
    }
}

/// Energy absorbed in the body, and in each of the cubes, in eV for each photon sent.
#[must_use]
pub fn body_and_cubes(tally: &Tally) -> (Estimate, Vec<Estimate>) {
    let cubes = (2..11).map(|region| tally.region_ev(region)).collect();
    (tally.regions_ev(1..11), cubes)
}
