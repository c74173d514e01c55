//! Paths through materials against sums over sorted crossings in double precision, and against line integrals to the bit.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use glam::DVec3;
use kerma::{
    body::Body,
    data::{Grid, Unit, Volume},
    engine::{Control, Device, Extent, Graph, Limits, Plan},
    geometry::{Geometry, Scan, Source, View},
    kernels::project::{Thicknesses, siddon},
    physics::Material,
};
use kerma_kernels_tests::{
    Narrow, mixed_body,
    oracle::{self, Error},
};

/// Images of each material, `[material][view][row][column]`.
fn thicknesses(body: &Body, geometry: &Geometry, limits: Limits) -> Vec<Vec<f32>> {
    let (materials, [columns, _]) = (body.materials().len(), geometry.detector());
    let mut graph = Graph::new();
    let uploaded = Thicknesses::new(&mut graph, body);
    let thickness = graph.buffer::<f32>("thickness", uploaded.extent(geometry));
    uploaded.record(&mut graph, geometry, thickness.replace());
    let output = graph.result(thickness);
    let values: Vec<f32> = ran(&graph, limits).take(output).unwrap();
    (0..materials)
        .map(|m| values.chunks_exact(columns).skip(m).step_by(materials).flatten().copied().collect())
        .collect()
}

fn ran(graph: &Graph<'_>, limits: Limits) -> kerma::engine::Outputs {
    let plan = Plan::new(graph, limits).unwrap();
    pollster::block_on(Device::cpu().run(&plan, &Control::default())).unwrap()
}

fn line_integrals(volume: &Volume, geometry: &Geometry) -> Vec<f32> {
    let (grid, [columns, rows]) = (volume.grid(), geometry.detector());
    let [nx, ny, nz] = grid.size();
    let mut graph = Graph::new();
    let uploaded = graph.upload("volume", Extent::new(nz, ny, nx), volume.values());
    let integrals = graph.buffer::<f32>("integrals", Extent::new(geometry.views().len(), rows, columns));
    siddon::record(&mut graph, geometry, grid, uploaded, integrals.replace());
    let output = graph.result(integrals);
    ran(&graph, Device::cpu().limits()).take(output).unwrap()
}

/// The fractions of a material.
fn fractions(body: &Body, material: usize) -> Volume {
    let count = body.materials().len();
    let of_voxel = |number: &u32| body.compositions()[*number as usize * count + material];
    Volume::new(*body.grid(), Unit::PerMillimetre, body.voxels().iter().map(of_voxel).collect()).unwrap()
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

/// A box of water with an ellipsoid of bone in it, half of whose outermost voxels are water.
fn water_and_bone() -> Body {
    let grid: Grid = "60x50x70@2.1x2.3x1.9".parse().unwrap();
    let [nx, ny, nz] = grid.size();
    let mut voxels = Vec::new();
    for (z, y, x) in (0..nz).flat_map(|z| (0..ny).flat_map(move |y| (0..nx).map(move |x| (z, y, x)))) {
        let place = grid.world_mm(DVec3::new(x as f64, y as f64, z as f64));
        let radius = (place / DVec3::new(20.0, 30.0, 40.0)).length();
        let is_in_box = place.abs().cmple(DVec3::new(50.0, 45.0, 55.0)).all();
        voxels.push(if radius < 0.95 {
            3
        } else if radius < 1.0 {
            2
        } else {
            u32::from(is_in_box)
        });
    }
    let materials = ["water", "cortical-bone"].map(|name| Material::by_name(name).unwrap());
    let compositions = vec![0.0, 0.0, 1.0, 0.0, 0.5, 0.5, 0.0, 1.0];
    Body::new(grid, materials.into(), compositions, voxels).unwrap()
}

fn cone(views: usize, detector: [usize; 2], pitch_mm: [f64; 2]) -> Geometry {
    let scan = format!(
        "kind = \"cone-circular\"\nsource_isocentre_mm = 600.0\nsource_detector_mm = 900.0\nviews = {views}\n\
         start_deg = 3.0\ndetector = {detector:?}\npitch_mm = {pitch_mm:?}\n"
    );
    Scan::from_toml(&scan).unwrap().build().unwrap()
}

/// Rays aslant to all axes.
fn tilted() -> Geometry {
    let view = View {
        source: Source::Point(DVec3::new(250.0, -310.0, 190.0)),
        detector_centre: DVec3::new(-110.0, 120.0, -90.0),
        u_step: DVec3::new(1.9, 1.4, 0.4),
        v_step: DVec3::new(-0.7, 0.9, 2.2),
    };
    Geometry::new([75, 83], vec![view]).unwrap()
}

/// RMS error of paths in single precision over their RMS.
const RMS: f64 = 1e-6;
/// Largest error over the longest path.
const WORST: f64 = 1e-5;

#[test]
fn paths_through_water_and_bone_are_right() {
    let body = water_and_bone();
    let limits = Device::cpu().limits();
    for (name, geometry) in [("cone", cone(3, [90, 96], [2.1, 2.3])), ("tilted", tilted())] {
        for (material, found) in thicknesses(&body, &geometry, limits).iter().enumerate() {
            let error = Error::of(found, &oracle::project(&fractions(&body, material), &geometry));
            println!("{name}, material {material}: {error:?}");
            assert!(error.relative_rms <= RMS && error.worst_of_peak <= WORST, "{name}: {error:?}");
        }
    }
    // Control: the other material's paths are not these.
    let geometry = cone(1, [90, 96], [2.1, 2.3]);
    let found = thicknesses(&body, &geometry, limits);
    assert!(Error::of(&found[0], &oracle::project(&fractions(&body, 1), &geometry)).relative_rms > 0.1);
}

#[test]
fn each_material_has_the_bits_of_its_line_integrals() {
    for materials in [1, 4, 5, 8, 9] {
        let body = mixed_body("45x41x83@1.8x1.7x1.3".parse().unwrap(), materials);
        for geometry in [tilted(), cone(2, [41, 53], [3.3, 4.1])] {
            let found = thicknesses(&body, &geometry, Device::cpu().limits());
            for (material, found) in found.iter().enumerate() {
                let wanted = line_integrals(&fractions(&body, material), &geometry);
                assert!(bits(found) == bits(&wanted), "{materials} materials, material {material}");
            }
        }
    }
}

#[test]
fn the_path_through_a_body_of_one_material_is_that_through_ones() {
    let grid: Grid = "45x41x37@1.8x1.7x2.3".parse().unwrap();
    let ones = Volume::new(grid, Unit::PerMillimetre, vec![1.0; grid.voxel_count()]).unwrap();
    // Two compositions that are alike, in turns.
    let mut voxels: Vec<u32> = (0..grid.voxel_count() as u32).map(|n| 1 + n % 2).collect();
    let body = |voxels: &[u32]| {
        let water = Material::by_name("water").unwrap();
        Body::new(grid, vec![water], vec![0.0, 1.0, 1.0], voxels.to_vec()).unwrap()
    };
    let whole = body(&voxels);
    let [nx, ny, nz] = grid.size();
    voxels[(nz / 2 * ny + ny / 2) * nx + nx / 2] = 0;
    let holed = body(&voxels);
    for geometry in [tilted(), cone(2, [61, 73], [2.2, 2.1])] {
        let wanted = bits(&line_integrals(&ones, &geometry));
        let found = |body| bits(&thicknesses(body, &geometry, Device::cpu().limits())[0]);
        assert!(found(&whole) == wanted);
        // Control: one voxel is missing.
        assert!(found(&holed) != wanted);
    }
}

#[test]
fn slabs_and_batches_of_views_change_no_bit() {
    let body = mixed_body("45x41x83@1.8x1.7x1.3".parse().unwrap(), 6);
    let limits = Device::cpu().limits();
    let narrow = Narrow::binding(3 * 45 * 41 * 4 + 75 * 83 * 6 * 4).of(limits);
    for geometry in [tilted(), cone(5, [61, 73], [2.2, 2.1])] {
        let whole = thicknesses(&body, &geometry, limits);
        assert!(thicknesses(&body, &geometry, narrow) == whole);
        let batches = geometry.views().chunks(2).map(|views| {
            let part = Geometry::new(geometry.detector(), views.to_vec()).unwrap();
            thicknesses(&body, &part, limits)
        });
        let mut joined = vec![Vec::new(); 6];
        for batch in batches {
            joined.iter_mut().zip(batch).for_each(|(all, part)| all.extend(part));
        }
        assert!(joined == whole);
    }
}
