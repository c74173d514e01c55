//! Photons through small bodies: one and several materials and energies, tilted, with regions, with and without a detector, divided.

use glam::{DMat3, DVec3};
use kerma::{
    body::Body,
    data::Grid,
    engine::Graph,
    kernels::transport::{
        DetectorPlane, Source, Tables,
        photons::{Histories, SHADER, record},
    },
    physics::{Material, Spectrum},
};

use crate::{Case, Narrow, Seeded, inputs::known_good};

struct Inputs {
    tables: Tables,
    source: Source,
    detector: Option<DetectorPlane>,
    histories: Histories,
}

fn recorded<'a>(inputs: &'a Inputs, graph: &mut Graph<'a>) {
    let Inputs { tables, source, detector, histories } = inputs;
    record(graph, tables, source, detector.as_ref(), *histories);
}

/// A body of mixtures of materials, turned about x by an angle, with some regions.
fn tables(size: [usize; 3], spacing_mm: [f64; 3], tilt: f64, materials: &[&str], regions: usize) -> Tables {
    let grid = known_good(Grid::new(size, spacing_mm, [-20.0, -31.0, -17.0], DMat3::from_rotation_x(tilt)));
    let mut seeded = Seeded::new(size[0] as u64);
    let mut compositions = vec![0.0; materials.len()];
    compositions.extend(seeded.values(3 * materials.len(), 0.0, 0.7));
    let numbers = seeded.values(grid.voxel_count(), 0.0, 3.999);
    let voxels = numbers.iter().map(|number| *number as u32).collect();
    let materials = materials.iter().map(|name| known_good(Material::by_name(name))).collect();
    let body = known_good(Body::new(grid, materials, compositions, voxels));
    let regions: Vec<u32> = (0..body.voxels().len()).map(|i| (i * 7 % regions) as u32).collect();
    known_good(Tables::new(&body, Some(&regions)))
}

fn inputs_of(tables: Tables, energies: &[f64], size: Option<[u32; 2]>, first: u64, count: u32) -> Inputs {
    let spectrum = known_good(Spectrum::new(energies.to_vec(), energies.to_vec()));
    let source = Source {
        position_mm: DVec3::new(3.0, -400.0, 5.0),
        corner_mm: DVec3::new(-60.0, 100.0, -50.0),
        edges_mm: [DVec3::new(120.0, 0.0, 1.0), DVec3::new(0.0, 10.0, 100.0)],
        blades: Vec::new(),
        spectrum,
    };
    let detector = size.map(|size| {
        let steps =
            [DVec3::new(200.0 / f64::from(size[0]), 0.0, 0.0), DVec3::new(0.0, 0.0, 200.0 / f64::from(size[1]))];
        DetectorPlane::new(DVec3::new(-100.0, 120.0, -100.0), steps, size, |kev| kev)
    });
    let histories = Histories { seed: 7, first, count };
    Inputs { tables, source, detector, histories }
}

fn case(name: &str, tables: Tables, energies: &[f64], size: Option<[u32; 2]>, first: u64, count: u32) -> Case {
    Case::new(&SHADER, name, inputs_of(tables, energies, size, first, count), recorded).on_a_knife_edge()
}

/// The detector gets what is expected.
fn expected(inputs: Inputs, name: &str) -> Case {
    let detector = inputs.detector.map(DetectorPlane::of_expected);
    Case::new(&SHADER, name, Inputs { detector, ..inputs }, recorded).on_a_knife_edge()
}

/// The field is a polygon.
fn bladed(mut inputs: Inputs, name: &str) -> Case {
    inputs.source.blades = vec![[0.1, 0.0], [1.2, 0.3], [0.7, 1.0], [0.5, 0.4], [0.0, 0.9]];
    Case::new(&SHADER, name, inputs, recorded).on_a_knife_edge()
}

pub(crate) fn cases() -> Vec<Case> {
    const BEAM: [f64; 5] = [7.0, 20.0, 33.2, 60.0, 140.0];
    let water = || tables([9, 8, 7], [5.0, 6.0, 7.0], 0.0, &["water"], 1);
    // Larger than the tables, which must fit a binding.
    let large = || tables([48, 40, 40], [2.0, 2.0, 2.0], -0.3, &["adipose"], 3);
    let mixed = || tables([21, 18, 15], [3.0, 3.5, 2.5], 0.4, &["water", "cortical-bone", "I"], 9);
    vec![
        case("one photon", water(), &[60.0], Some([1, 1]), 0, 1),
        case("one energy, one material", water(), &[60.0], Some([20, 10]), 0, 5_000),
        case("five energies, three materials, tilted", mixed(), &BEAM, Some([17, 31]), (1 << 32) - 1_000, 5_000),
        expected(inputs_of(water(), &[60.0], Some([20, 10]), 0, 3_000), "what is expected, one material"),
        expected(inputs_of(mixed(), &BEAM, Some([17, 31]), 99, 3_000), "what is expected, three materials"),
        bladed(inputs_of(mixed(), &BEAM, Some([17, 31]), 7, 3_000), "blades with five corners"),
        case("no detector", mixed(), &BEAM, None, 0, 2_000),
        case("voxels in parts", large(), &BEAM, Some([4, 3]), 5, 2_000).narrowed(Narrow::binding(20 * 48 * 40 * 4)),
        case("short dispatches", mixed(), &BEAM, Some([4, 3]), 5, 5_000).narrowed(Narrow::dispatch(2e7)),
    ]
}
