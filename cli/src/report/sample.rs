//! A whole page from made-up data, with every kind of block; `KERMA_SAMPLE_REPORT=FILE` keeps it to be looked at.

use glam::DVec3;
use kerma::{
    data::{Grid, Projections, Unit, Volume},
    geometry::{Geometry, Source, View},
};

use super::{Accuracy, Chart, Figure, Panel, Report, Section, Summary, Table, bytes, seconds, significant};
use crate::pictures::{Plane, Slice, Window, profile};

/// Semi-axes, centre and µ of ellipsoids that pass for a chest, in mm and mm⁻¹.
const BODY: [([f64; 3], [f64; 3], f64); 8] = [
    ([165.0, 105.0, 400.0], [0.0, 0.0, 0.0], 0.020),
    ([62.0, 78.0, 130.0], [80.0, 8.0, 15.0], -0.0145),
    ([56.0, 76.0, 125.0], [-84.0, 8.0, 15.0], -0.0145),
    ([46.0, 36.0, 52.0], [-28.0, 34.0, -30.0], 0.012),
    ([20.0, 22.0, 400.0], [0.0, -72.0, 0.0], 0.018),
    ([10.0, 10.0, 400.0], [14.0, -40.0, 0.0], 0.002),
    ([7.0, 7.0, 7.0], [90.0, 20.0, 40.0], 0.015),
    ([70.0, 60.0, 45.0], [85.0, 10.0, -135.0], 0.010),
];

fn inside(point: DVec3, [axes, centre, _]: [DVec3; 3]) -> bool {
    ((point - centre) / axes).length_squared() <= 1.0
}

/// The chest; `blur` and `noise` make it look reconstructed.
fn chest(grid: Grid, blur: f64, noise: f64) -> Volume {
    let mut state = 1_u32;
    let [nx, ny, nz] = grid.size();
    let mut values = Vec::with_capacity(grid.voxel_count());
    for k in 0..nz {
        for j in 0..ny {
            for i in 0..nx {
                let at = grid.world_mm(DVec3::new(i as f64, j as f64, k as f64));
                let mut value = 0.0;
                for (axes, centre, mu) in BODY {
                    let (axes, centre) = (DVec3::from_array(axes), DVec3::from_array(centre));
                    let radius = ((at - centre) / axes).length();
                    let edge = (1.0 - radius) * axes.min_element() / blur.max(1e-3);
                    value += mu
                        * if inside(at, [axes, centre, DVec3::ZERO]) {
                            (0.5 + edge).min(1.0)
                        } else {
                            (0.5 + edge).max(0.0)
                        };
                }
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                values.push((value + noise * (f64::from(state >> 8) / f64::from(1 << 24) - 0.5)) as f32);
            }
        }
    }
    Volume::new(grid, Unit::PerMillimetre, values).unwrap()
}

fn point_view(source: DVec3, detector_centre: DVec3, u: DVec3, v: DVec3) -> View {
    View { source: Source::Point(source), detector_centre, u_step: 2.0 * u, v_step: 2.0 * v }
}

fn circular(rows: usize) -> Geometry {
    let pose = |k: u32| {
        let (sin, cos) = (2.0 * f64::from(k)).to_radians().sin_cos();
        let out = DVec3::new(sin, -cos, 0.0);
        point_view(1000.0 * out, -500.0 * out, DVec3::new(cos, sin, 0.0), DVec3::Z)
    };
    Geometry::new([280, rows], (0..180).map(pose).collect()).unwrap()
}

fn tomosynthesis() -> Geometry {
    let pose = |k: i32| {
        let source = DVec3::new(0.0, -1700.0, 18.0 * f64::from(k));
        point_view(source, DVec3::new(0.0, 150.0, 0.0), DVec3::X, DVec3::Z)
    };
    Geometry::new([220, 220], (-30..=30).map(pose).collect()).unwrap()
}

/// Line integrals by plain marching: good enough to look at.
fn project(volume: &Volume, geometry: &Geometry) -> Projections {
    const STEPS: usize = 140;
    const REACH_MM: f64 = 220.0;
    let detector = geometry.detector();
    let mut values = Vec::with_capacity(geometry.value_count());
    for view in geometry.views() {
        for pixel in 0..detector[0] * detector[1] {
            let (from, direction) = view.ray(detector, (pixel % detector[0]) as f64, (pixel / detector[0]) as f64);
            let [start, end] = [-REACH_MM, REACH_MM].map(|t| from + direction * (from.length() + t));
            let mean = profile(volume, start, end, STEPS).iter().map(|p| p[1]).sum::<f64>() / STEPS as f64;
            values.push((mean * 2.0 * REACH_MM) as f32);
        }
    }
    Projections::new(geometry.views().len(), detector, geometry.pitch_mm(), Unit::LineIntegral, values).unwrap()
}

fn page() -> Report {
    let grid = Grid::centred([136, 96, 80], [2.7, 2.7, 4.0]).unwrap();
    let (truth, result) = (chest(grid, 0.5, 0.0), chest(grid, 7.0, 0.002));
    let point = DVec3::new(90.0, 20.0, 40.0);
    let window = Window::new(0.0, 0.035);
    let cut = |volume: &Volume| Slice::of_volume(volume, Plane::Axial, point);
    let line = [DVec3::new(-180.0, 20.0, 40.0), DVec3::new(180.0, 20.0, 40.0)];
    let along = |volume: &Volume| {
        profile(volume, line[0], line[1], 300).into_iter().map(|[d, v]| [d - 180.0, v]).collect::<Vec<_>>()
    };
    let pose = point_view(DVec3::new(0.0, -1600.0, 0.0), DVec3::new(0.0, 200.0, 0.0), DVec3::X, DVec3::Z);
    let single = Geometry::new([200, 190], vec![pose]).unwrap();
    let taken = project(&truth, &single);
    let fan = project(&truth, &circular(1));
    let image = Slice::of_view(&taken, &single, 0).unwrap();
    let bone = Window::covering(&image, 0.01);
    let residual = (0..30).map(|n| [f64::from(n), 0.4 * (-0.35 * f64::from(n)).exp() + 2e-4]).collect();

    let input = Section::new("The chest that goes in")
        .text("Attenuation coefficients at 70 keV. Everything below is computed from this volume alone.")
        .figure(
            Figure::new("Three planes through the nodule in the right lung, in radiological convention.")
                .panels(Panel::planes(&truth, point, window)),
        );
    let scanners = Section::new("Scanners").figure(
        Figure::new("Where source and detector stand.")
            .panel(Panel::scanner("Cone-beam CT", &circular(220), Some(&grid)))
            .panel(Panel::scanner("Tomosynthesis", &tomosynthesis(), Some(&grid))),
    );
    let radiograph = Section::new("Radiograph")
        .figure(
            Figure::new("Posterior–anterior projection, bone white.")
                .panel(Panel::grey("Radiograph", image.clone(), bone).alt("Chest radiograph with a nodule"))
                .panel(Panel::scanner("How it was taken", &single, Some(&grid))),
        )
        .figure(
            Figure::new("The same as transmission would show it, and a sinogram.")
                .panel(Panel::grey("Bone black", image, bone.inverted()))
                .panel(Panel::grey(
                    "Sinogram: one detector row, views downwards",
                    Slice::sinogram(&fan, 0).unwrap(),
                    bone,
                )),
        );
    let difference = cut(&result).minus(&cut(&truth)).unwrap();
    let reconstruction = Section::new("Reconstruction")
        .figure(
            Figure::new(
                "The axial slice, its reconstruction and what separates them. The dashed line is that of the profile.",
            )
            .panel(Panel::grey("Reference", cut(&truth), window).line_mm(line[0], line[1]))
            .panel(Panel::grey("FDK", cut(&result), window).pixelated())
            .panel(Panel::errors("FDK − reference", difference, 0.005)),
        )
        .figure(
            Figure::new("Profile through the nodule, and the course of an iterative reconstruction.")
                .panel(Panel::chart(
                    "Profile",
                    Chart::new("x in mm", "µ in mm⁻¹").line("reference", along(&truth)).line("FDK", along(&result)),
                ))
                .panel(Panel::chart(
                    "Convergence",
                    Chart::new("iteration", "relative residual").line("SIRT", residual).logarithmic(),
                )),
        )
        .table(Table::accuracy(
            "Accuracy against the phantom",
            [
                Accuracy {
                    measure: "Mean µ in the heart".into(),
                    value: "0.0319 mm⁻¹".into(),
                    bar: "0.0320 ± 0.5 %".into(),
                    met: Some(true),
                },
                Accuracy {
                    measure: "RMS error".into(),
                    value: significant(0.00161, 2) + " mm⁻¹",
                    bar: "below 0.001 mm⁻¹".into(),
                    met: Some(false),
                },
                Accuracy { measure: "SSIM".into(), value: "0.93".into(), bar: "1 is identical".into(), met: None },
            ],
        ));
    let cost = Section::new("Time and memory")
        .table(Table::timing(
            "Time per stage",
            [("Project 180 views", 0.812), ("Filter", 0.041), ("Back-project", 1.304), ("Enhance", 0.0093)],
        ))
        .table(Table::new("Largest buffers", ["Buffer", "Size", "Life"]).row([
            "fdk.volume",
            &bytes(4_177_920),
            &seconds(1.3),
        ]));
    let notes = Section::new("What to keep in mind").notes([
        "This is not a diagnostic tool.",
        "Cone-beam artefacts above and below the central plane are expected of a circular scan.",
    ]);
    Report::new("From a chest CT to radiograph, tomosynthesis and back", "A sample of every kind of drawing.")
        .summary(Summary {
            device: "gpu".into(),
            adapter: "Imaginary Adapter 9000".into(),
            driver: "vulkan 1.3.289".into(),
            numerics: "pinned".into(),
            self_test: "passed, 31 of 31".into(),
            read_seconds: Some(0.021),
            plan_seconds: Some(0.0007),
            run_seconds: Some(2.17),
            write_seconds: None,
            peak_host_bytes: Some(412 << 20),
            peak_device_bytes: Some(1 << 30),
        })
        .section(input)
        .section(scanners)
        .section(radiograph)
        .section(reconstruction)
        .section(cost)
        .section(notes)
}

#[test]
fn whole_page_holds_every_picture_and_states_every_window() {
    let html = page().to_html();
    assert_eq!(html.matches("<figure>").count(), 6);
    // Nine slices and the error map's colour bar.
    assert_eq!(html.matches("data:image/png;base64,").count(), 10);
    assert_eq!(html.matches("black 0, white 0.035 mm⁻¹</span>").count(), 5);
    assert_eq!(html.matches("role=\"img\" aria-label=").count(), html.matches("<svg").count());
    if let Some(path) = std::env::var_os("KERMA_SAMPLE_REPORT") {
        std::fs::write(path, html).unwrap();
    }
}
