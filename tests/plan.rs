//! What a plan says before anything runs: order, lifetimes, peak memory, and what cannot be.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use kerma::{
    data::{Grid, Projections, Unit, Volume},
    engine::{self, Block, Buffer, Device, Domain, Error, Extent, Graph, Kernel, Limits, Plan, Shader, Sums},
    geometry::{Geometry, Scan},
    kernels::{
        Mask, Pixels,
        clahe::{self, Clahe},
        fdk::ramp::{self, RampFilter, Window},
        histogram,
        mask::{across, combine, expand, morphology::Spread},
        pointwise::{fill, lookup, scale_add, transmission},
        project::siddon,
    },
    tasks::{Fdk, FdkOptions, Projection, Recorded},
};

fn scan() -> Scan {
    Scan::from_toml(
        "kind = \"cone-circular\"\nsource_isocentre_mm = 300.0\nsource_detector_mm = 450.0\nviews = 8\n\
         detector = [24, 16]\npitch_mm = [2.0, 2.0]\n",
    )
    .unwrap()
}

fn geometry() -> Geometry {
    scan().build().unwrap()
}

fn grid() -> Grid {
    "16x12x10@2x2x2".parse().unwrap()
}

/// Both forms of a plan, for a snapshot.
fn printed(plan: &Plan<'_, '_>) -> String {
    format!("{plan}\n{}", plan.to_graphviz())
}

#[test]
fn a_reconstruction_is_planned_as_recorded() {
    let projections = Projections::new(8, [24, 16], [2.0, 2.0], Unit::LineIntegral, vec![0.0; 8 * 24 * 16]).unwrap();
    let task = Fdk::new(&projections, &scan(), &grid(), FdkOptions::default()).unwrap();
    insta::assert_snapshot!("fdk", printed(&Plan::new(task.graph(), Limits::portable()).unwrap()));
    insta::assert_snapshot!("fdk_host", printed(&Plan::new(task.graph(), Limits::host(u64::MAX)).unwrap()));
}

#[test]
fn a_volume_beyond_the_binding_limit_is_projected_in_slabs() {
    let volume = Volume::zeros(grid(), Unit::Hounsfield);
    let task = Projection::new(&volume, &geometry()).unwrap();
    // Three of the ten slices fit; slabs are walked up for ascending rays, then down for the others.
    let limits = Limits { binding_bytes: 3 * 16 * 12 * 4, ..Limits::portable() };
    insta::assert_snapshot!("projection_in_slabs", printed(&Plan::new(task.graph(), limits).unwrap()));
}

fn values(graph: &mut Graph<'_>, count: usize) -> Buffer<f32> {
    fill::record(graph, Extent::table(count), 1.0)
}

#[test]
fn passes_that_nobody_reads_are_dropped() {
    let mut graph = Graph::new();
    let x = values(&mut graph, 10);
    let unread = transmission::record(&mut graph, x);
    graph.clear(unread);
    let overwritten = graph.buffer("test.overwritten", Extent::table(10));
    graph.clear(overwritten);
    graph.copy(x, overwritten);
    graph.result(overwritten);
    let plan = Plan::new(&graph, Limits::portable()).unwrap();
    // The transmission, its clearing, and the clearing before the copy.
    assert_eq!((plan.dropped_count(), plan.dispatch_count()), (3, 1));
}

#[test]
fn an_update_keeps_what_it_adds_to() {
    let geometry = geometry();
    let mut graph = Graph::new();
    let volume = fill::record(&mut graph, Extent::new(10, 12, 16), 0.1);
    let integrals = fill::record(&mut graph, Extent::new(8, 16, 24), 1.0);
    siddon::record(&mut graph, &geometry, &grid(), volume, integrals.update());
    graph.result(integrals);
    assert_eq!(Plan::new(&graph, Limits::portable()).unwrap().dropped_count(), 0);
}

#[test]
fn buffers_whose_lives_do_not_overlap_share_memory() {
    let mut graph = Graph::new();
    let mut last = values(&mut graph, 1000);
    for _ in 0..6 {
        last = transmission::record(&mut graph, last);
    }
    graph.result(last);
    let plan = Plan::new(&graph, Limits::portable()).unwrap();
    assert_eq!(plan.peak_bytes().device, 2 * 4000, "{plan}");
    // On the host the last buffer becomes the output, so that it cannot be an old one.
    let plan = Plan::new(&graph, Limits::host(u64::MAX)).unwrap();
    assert_eq!(plan.peak_bytes().host, 2 * 4000, "{plan}");
}

#[test]
fn peak_memory_counts_what_is_held_at_once() {
    let data = vec![1.0_f32; 500];
    let mut graph = Graph::new();
    let x = graph.upload("test.x", Extent::table(500), &data);
    let y = transmission::record(&mut graph, x);
    let sum = scale_add::record(&mut graph, 1.0, x, 1.0, y);
    graph.result(sum);
    let device = Plan::new(&graph, Limits::portable()).unwrap().peak_bytes();
    // One staging buffer each way, as large as what passes through it.
    assert_eq!((device.device, device.host), (3 * 2000, 2 * 2000 + 2 * 2000));
    // The upload is borrowed, the output handed over.
    let host = Plan::new(&graph, Limits::host(u64::MAX)).unwrap().peak_bytes();
    assert_eq!((host.device, host.host), (0, 3 * 2000));
}

/// The error of planning what `record` records under `limits`.
fn refusal(limits: Limits, record: impl for<'a> FnOnce(&mut Graph<'a>)) -> Error {
    let mut graph = Graph::new();
    record(&mut graph);
    Plan::new(&graph, limits).err().unwrap()
}

#[test]
fn graphs_that_cannot_be_are_refused_by_name() {
    let portable = Limits::portable();
    let error = refusal(portable, |graph| {
        let never = graph.buffer::<f32>("test.never", Extent::table(3));
        transmission::record(graph, never);
    });
    let wanted = Error::ReadBeforeWrite { pass: "transmission".into(), buffer: "test.never".into() };
    assert_eq!(error, wanted);

    let error = refusal(portable, |graph| {
        let x = values(graph, 3);
        graph.compute("in place", Unbound, [x.rows(), x.rows()], [x.replace()]);
    });
    assert_eq!(error, Error::NamedTwice { pass: "in place".into(), buffer: "fill.filled".into() });

    let error = refusal(portable, |graph| {
        graph.upload("test.short", Extent::table(4), &[0.0_f32; 3]);
    });
    assert_eq!(error, Error::BufferSize { buffer: "test.short".into(), needed: 4, got: 3 });

    let error = refusal(portable, |graph| {
        let (from, to) = (values(graph, 3), graph.buffer("test.other", Extent::table(5)));
        graph.copy(from, to);
    });
    assert_eq!(error, Error::BufferSize { buffer: "test.other".into(), needed: 5, got: 3 });

    let error = refusal(portable, |graph| {
        let x = values(graph, 3);
        let output = graph.output("test.output", 4);
        graph.download(x, output, 2);
    });
    assert_eq!(error, Error::BufferSize { buffer: "test.output".into(), needed: 5, got: 4 });

    let error = refusal(portable, |graph| {
        let volume = fill::record(graph, Extent::new(9, 12, 16), 0.0);
        let integrals = graph.buffer::<f32>("test.integrals", Extent::new(8, 16, 24));
        siddon::record(graph, &geometry(), &grid(), volume, integrals.replace());
    });
    assert_eq!(error, Error::BufferSize { buffer: "fill.filled".into(), needed: 10, got: 9 });
}

struct Unbound;

impl Kernel for Unbound {
    fn shader(&self) -> &'static Shader {
        &scale_add::SHADER
    }
    fn params(&self) -> &[u8] {
        &[0; 12]
    }
    fn domain(&self, output: Extent) -> Domain {
        Domain::rows(output, 3.0)
    }
    fn twin(&self, _: &Block, _: &[&[u32]], _: &mut [&mut [u32]], _: &[Sums<'_>]) {}
}

#[test]
fn a_pass_names_as_many_buffers_as_its_shader_binds() {
    let error = refusal(Limits::portable(), |graph| {
        let x = values(graph, 3);
        let y = graph.buffer::<f32>("test.y", Extent::table(3));
        graph.compute("unbound", Unbound, [x.rows()], [y.replace()]);
    });
    assert_eq!(error, Error::BindingCount { pass: "unbound".into(), expected: 3, got: 2 });
}

#[test]
fn limits_that_cannot_be_met_are_named_with_both_numbers() {
    let projection = |graph: &mut Graph<'_>| {
        let volume = fill::record(graph, Extent::new(10, 12, 16), 0.0);
        let integrals = graph.buffer::<f32>("test.integrals", Extent::new(8, 16, 24));
        siddon::record(graph, &geometry(), &grid(), volume, integrals.replace());
        graph.result(integrals);
    };
    // A slice of the volume takes 768 bytes, and rays may go anywhere in it.
    let error = refusal(Limits { binding_bytes: 700, ..Limits::portable() }, projection);
    let Error::BindingLimit { needed_bytes, limit_bytes, .. } = error else { panic!("{error}") };
    assert!(needed_bytes > limit_bytes && limit_bytes == 700);

    let error = refusal(Limits { memory_bytes: 10_000, ..Limits::portable() }, projection);
    let Error::MemoryBudget { needed_bytes, budget_bytes } = error else { panic!("{error}") };
    assert!(needed_bytes > 10_000 && budget_bytes == 10_000);
    // Just enough is enough.
    let mut graph = Graph::new();
    projection(&mut graph);
    assert!(Plan::new(&graph, Limits { memory_bytes: needed_bytes, ..Limits::portable() }).is_ok());
    assert!(Plan::new(&graph, Limits { memory_bytes: needed_bytes - 1, ..Limits::portable() }).is_err());

    let error = refusal(Limits { workgroups: 3, ..Limits::portable() }, |graph| {
        let x = values(graph, 64 * 4);
        graph.result(x);
    });
    assert_eq!(error, Error::WorkgroupLimit { pass: "fill".into(), needed: 4, limit: 3 });
}

/// A stencil over an image, in name only, computed so many rows at a time.
struct Stencil {
    grain: u32,
}

impl Kernel for Stencil {
    fn shader(&self) -> &'static Shader {
        &transmission::SHADER
    }
    fn params(&self) -> &[u8] {
        &[0; 4]
    }
    fn domain(&self, output: Extent) -> Domain {
        Domain { grain: self.grain, ..Domain::rows(output, 5.0) }
    }
    fn twin(&self, _: &Block, _: &[&[u32]], _: &mut [&mut [u32]], _: &[Sums<'_>]) {}
}

/// Images of 64 columns, every one from the one before through a window.
fn stencils(graph: &mut Graph<'_>, extent: Extent, windows: &[(&str, u32, engine::Window)]) {
    let mut image = fill::record(graph, extent, 1.0);
    for &(name, rows, window) in windows {
        let extent = Extent { rows, ..extent };
        let next = graph.buffer(format!("test.{name}"), extent);
        graph.compute(name, Stencil { grain: 1 }, [image.window(window)], [next.replace()]);
        image = next;
    }
    graph.result(image);
}

#[test]
fn rows_whose_windows_cross_parts_are_stitched_together() {
    let mut graph = Graph::new();
    let half = engine::Window { numerator: 2, denominator: 1, first: -2, last: 2 };
    let twice = engine::Window { numerator: 1, denominator: 2, first: 0, last: 1 };
    let steps = [("blur", 1000, engine::Window::around(2)), ("halve", 500, half), ("double", 1000, twice)];
    stencils(&mut graph, Extent::new(1, 1000, 64), &steps);
    let row_bytes = 64 * 4;
    let limits = Limits { binding_bytes: 300 * row_bytes, ..Limits::portable() };
    let plan = Plan::new(&graph, limits).unwrap();
    insta::assert_snapshot!("stitched_windows", printed(&plan));
    // Two images and a half; two rows of the halved image whose windows cross between parts need seven.
    assert_eq!(plan.peak_bytes().device, (1000 + 1000 + 500 + 7) * row_bytes);
    let just_enough = Limits { memory_bytes: plan.peak_bytes().device, ..limits };
    assert!(Plan::new(&graph, just_enough).is_ok());
    let scratch_is_missing = Limits { memory_bytes: plan.peak_bytes().device - 1, ..limits };
    assert!(matches!(Plan::new(&graph, scratch_is_missing), Err(Error::MemoryBudget { .. })));
    // Twins see whole buffers.
    let host = Plan::new(&graph, Limits { binding_bytes: limits.binding_bytes, ..Limits::host(u64::MAX) }).unwrap();
    assert_eq!(host.peak_bytes(), Plan::new(&graph, Limits::host(u64::MAX)).unwrap().peak_bytes());
    assert!(!host.to_string().contains("stitched"), "{host}");
}

#[test]
fn windows_that_cannot_be_are_refused() {
    let limits = Limits { binding_bytes: 10 * 64 * 4, ..Limits::portable() };
    let blur = |reach| {
        move |graph: &mut Graph<'_>| {
            let steps = [("blur", 100, engine::Window::around(reach))];
            stencils(graph, Extent::new(1, 100, 64), &steps);
        }
    };
    // Eleven rows, of which ten fit.
    let error = refusal(limits, blur(5));
    let (needed_bytes, limit_bytes) = (11 * 64 * 4, 10 * 64 * 4);
    assert_eq!(error, Error::BindingLimit { buffer: "fill.filled".into(), needed_bytes, limit_bytes });
    let mut graph = Graph::new();
    blur(4)(&mut graph);
    assert!(Plan::new(&graph, limits).is_ok());

    let around = engine::Window::around(1);
    for window in [engine::Window { denominator: 0, ..around }, engine::Window { first: 2, ..around }] {
        let error = refusal(limits, |graph| stencils(graph, Extent::new(1, 9, 64), &[("blur", 9, window)]));
        assert_eq!(error, Error::EmptyWindow { pass: "blur".into(), buffer: "fill.filled".into() });
    }
    // Rows over several slices correspond one to one, or not at all.
    let mut graph = Graph::new();
    stencils(&mut graph, Extent::new(3, 9, 64), &[("blur", 9, around)]);
    assert!(Plan::new(&graph, limits).is_ok());
    let halved = engine::Window { numerator: 2, ..around };
    let error = refusal(limits, |graph| stencils(graph, Extent::new(3, 9, 64), &[("blur", 9, halved)]));
    assert_eq!(error, Error::BufferSize { buffer: "fill.filled".into(), needed: 1, got: 3 });
}

#[test]
fn a_row_wider_than_a_binding_is_refused_even_alone() {
    let error = refusal(Limits { binding_bytes: 1024, ..Limits::portable() }, |graph| {
        let x = values(graph, 257);
        graph.result(x);
    });
    assert_eq!(error, Error::BindingLimit { buffer: "fill.filled".into(), needed_bytes: 4 * 257, limit_bytes: 1024 });
}

#[test]
fn rows_that_belong_together_are_neither_cut_nor_dispatched_beyond_the_limit() {
    let ramp = |graph: &mut Graph<'_>| {
        let rows = fill::record(graph, Extent::new(1, 9, 16), 0.0);
        let filter = RampFilter { pitch_mm: 1.0, window: Window::RamLak, cutoff: 1.0, profile: None };
        let tables = ramp::Tables::record(graph, &filter, 16);
        let filtered = ramp::record(graph, &tables, rows);
        graph.result(filtered);
    };
    // The view of 576 bytes does not fit, and rows are filtered in pairs.
    let error = refusal(Limits { binding_bytes: 512, ..Limits::portable() }, ramp);
    assert_eq!(error, Error::BindingLimit { buffer: "ramp.filtered".into(), needed_bytes: 576, limit_bytes: 512 });
    // Neither may the rows be cut that are read, though what is written fits: seven of nine, in pairs.
    let error = refusal(Limits { binding_bytes: 7 * 64, ..Limits::portable() }, |graph| {
        let rows = fill::record(graph, Extent::new(1, 9, 16), 0.0);
        let narrow = graph.buffer::<f32>("test.narrow", Extent::new(1, 9, 4));
        graph.compute("pairs", Stencil { grain: 2 }, [rows.rows()], [narrow.replace()]);
        graph.result(narrow);
    });
    assert_eq!(error, Error::BindingLimit { buffer: "fill.filled".into(), needed_bytes: 576, limit_bytes: 7 * 64 });
    let error = refusal(Limits { workgroups: 8, ..Limits::portable() }, ramp);
    assert_eq!(error, Error::WorkgroupLimit { pass: "ramp".into(), needed: 9, limit: 8 });
}

#[test]
fn buffers_of_another_shape_than_the_kernel_expects_are_refused() {
    let portable = Limits::portable();
    let error = refusal(portable, |graph| {
        let x = fill::record(graph, Extent::new(2, 3, 5), 1.0);
        let y = fill::record(graph, Extent::new(2, 3, 4), 1.0);
        scale_add::record(graph, 1.0, x, 1.0, y);
    });
    assert_eq!(error, Error::BufferSize { buffer: "fill.filled".into(), needed: 5, got: 4 });

    let error = refusal(portable, |graph| {
        let x = fill::record(graph, Extent::new(2, 3, 5), 1.0);
        let y = graph.buffer::<f32>("test.y", Extent::new(3, 2, 5));
        graph.copy(x, y);
    });
    assert_eq!(error, Error::BufferSize { buffer: "test.y".into(), needed: 3, got: 2 });

    let error = refusal(portable, |graph| {
        fill::record(graph, Extent::new(0, 3, 5), 1.0);
    });
    assert_eq!(error, Error::Extent { buffer: "fill.filled".into(), slices: 0, rows: 3, columns: 5 });
}

#[test]
fn counts_that_32_bits_do_not_hold_are_refused_wherever_they_stand() {
    const BEYOND: usize = 1 << 32;
    for (slices, rows, columns) in [(BEYOND, 1, 1), (1, BEYOND + 7, 1), (1, 1, usize::MAX), (1 << 16, 1 << 16, 1)] {
        let error = refusal(Limits::host(u64::MAX), |graph| {
            let x = graph.buffer::<f32>("test.beyond", Extent::new(slices, rows, columns));
            graph.clear(x);
            graph.result(x);
        });
        assert!(matches!(&error, Error::Extent { buffer, .. } if buffer == "test.beyond"), "{error}");
        let largest = u32::MAX - 1;
        assert!(error.to_string().contains(&format!("1 to {largest} slices, rows and columns")), "{error}");
    }
    // The control: one less in all.
    let mut graph = Graph::new();
    let x = graph.buffer::<f32>("test.largest", Extent::new(1, u32::MAX as usize - 1, 1));
    graph.clear(x);
    graph.result(x);
    assert!(Plan::new(&graph, Limits::host(u64::MAX)).is_ok());
}

#[test]
fn a_mask_of_another_size_is_refused() {
    let error = refusal(Limits::portable(), |graph| {
        let pixels = Pixels::new(graph, "test.pixels", [64, 32], 8);
        graph.clear(pixels.buffer());
        let mask = Mask::new(graph, "test.mask", [64, 31]);
        graph.clear(mask.buffer);
        let counts = histogram::record(graph, pixels, Some(mask), &histogram::Tiles::whole([64, 32]));
        graph.result(counts);
    });
    assert_eq!(error, Error::BufferSize { buffer: "test.mask".into(), needed: 32, got: 31 });
}

/// The CPU backend takes what is written out of its memory, and found nothing there to read.
#[test]
fn a_buffer_is_not_copied_onto_itself() {
    let error = refusal(Limits::host(u64::MAX), |graph| {
        let x = values(graph, 3);
        graph.copy(x, x);
        graph.result(x);
    });
    assert_eq!(error, Error::NamedTwice { pass: "fill.filled".into(), buffer: "fill.filled".into() });
}

/// Numbers of buffers count in their own graph: one of another graph named whatever had the same number here, or nothing.
#[test]
fn what_belongs_to_another_graph_is_refused_wherever_it_is_named() {
    let mut other = Graph::new();
    let foreign: Vec<Buffer<f32>> = (0..4).map(|_| values(&mut other, 3)).collect();
    let foreign_output = other.result(foreign[0]);
    // Of a number that exists here too, and of one that does not.
    for foreign in [foreign[0], foreign[3]] {
        type Use = fn(&mut Graph<'_>, Buffer<f32>, Buffer<f32>);
        let uses: [(&str, Use); 7] = [
            ("clear", |graph, _, foreign| graph.clear(foreign)),
            ("copy", |graph, own, foreign| graph.copy(own, foreign)),
            ("copy", |graph, own, foreign| graph.copy(foreign, own)),
            ("download", |graph, _, foreign| {
                graph.result(foreign);
            }),
            ("download", |graph, _, foreign| {
                let output = graph.output("test.output", 3);
                graph.download(foreign, output, 0);
            }),
            ("transmission", |graph, _, foreign| {
                transmission::record(graph, foreign);
            }),
            ("in place", |graph, own, foreign| {
                graph.compute("in place", Unbound, [own.rows(), own.rows()], [foreign.replace()]);
            }),
        ];
        for (place, named) in uses {
            let error = refusal(Limits::portable(), |graph| {
                let own = values(graph, 3);
                named(graph, own, foreign);
                graph.result(own);
            });
            assert_eq!(error, Error::OtherGraph { place: place.into() });
        }
    }
    let error = refusal(Limits::portable(), |graph| {
        let own = values(graph, 3);
        graph.download(own, foreign_output, 0);
    });
    assert_eq!(error, Error::OtherGraph { place: "download".into() });
}

#[test]
fn parameters_that_do_not_go_together_are_refused_when_planned() {
    let pixels = |graph: &mut Graph<'_>, size: [u32; 2], bits: u8| {
        let buffer = graph.buffer("test.pixels", Pixels::extent(size));
        graph.clear(buffer);
        Pixels::of(graph, buffer, size, bits)
    };
    let mask = |graph: &mut Graph<'_>, size: [u32; 2]| {
        let mask = Mask::new(graph, "test.mask", size);
        graph.clear(mask.buffer);
        mask
    };
    type Use<'u> = &'u dyn Fn(&mut Graph<'_>);
    let uses: [(&str, &str, Use<'_>); 11] = [
        ("pixels", "pixels must have 1 to 16 bits, got 0", &|graph| {
            pixels(graph, [8, 8], 0);
        }),
        ("pixels", "pixels must have 1 to 16 bits, got 33", &|graph| {
            pixels(graph, [8, 8], 33);
        }),
        ("pixels", "8 × 9 pixels cannot be in 1 × 8 × 4 words", &|graph| {
            let pixels = pixels(graph, [8, 8], 8);
            Pixels::of(graph, pixels.buffer(), [8, 9], 8);
        }),
        ("clahe", "number of tiles must be 1 to 1024 across and down, got 0 × 8", &|graph| {
            let pixels = pixels(graph, [8, 8], 8);
            clahe::record(graph, pixels, None, &Clahe { tiles: [0, 8], ..Clahe::default() });
        }),
        ("combine", "masks must have one size, got 8 × 8 and 40 × 8 pixels", &|graph| {
            let (left, right) = (mask(graph, [8, 8]), mask(graph, [40, 8]));
            combine::and(graph, left, right);
        }),
        ("combine", "masks must have one size, got 8 × 8 and 9 × 8 pixels", &|graph| {
            let (left, right) = (mask(graph, [8, 8]), mask(graph, [9, 8]));
            combine::or(graph, left, right);
        }),
        ("spread", "radius must be 0 to 31 pixels in one pass, got 32", &|graph| {
            let mask = mask(graph, [8, 8]);
            across::record(graph, mask, Spread::Dilate, 32);
        }),
        ("expand", "8 × 8 pixels cannot become 17 × 8 by a factor of 2", &|graph| {
            let mask = mask(graph, [8, 8]);
            expand::record(graph, mask, 2, [17, 8]);
        }),
        ("expand", "8 × 8 pixels cannot become 8 × 8 by a factor of 0", &|graph| {
            let mask = mask(graph, [8, 8]);
            expand::record(graph, mask, 0, [8, 8]);
        }),
        ("lookup", "the table must have 256 entries in one row, got 128", &|graph| {
            let pixels = pixels(graph, [8, 8], 8);
            let table = graph.upload_table("test.table", &[[0_u16; 2]; 64]);
            lookup::record(graph, pixels, table, 8);
        }),
        ("ramp", "tables must be for rows of 16 columns, got those for 15", &|graph| {
            let rows = fill::record(graph, Extent::new(1, 9, 16), 0.0);
            let filter = RampFilter { pitch_mm: 1.0, window: Window::RamLak, cutoff: 1.0, profile: None };
            let tables = ramp::Tables::record(graph, &filter, 15);
            ramp::record(graph, &tables, rows);
        }),
    ];
    for (pass, reason, record) in uses {
        let error = refusal(Limits::portable(), record);
        assert_eq!(error, Error::Precondition { pass: pass.into(), reason: reason.into() });
    }
    let error = refusal(Limits::portable(), |graph| {
        let pixels = pixels(graph, [8, 8], 8);
        histogram::count::record(graph, pixels, None, &histogram::Tiles::whole([8, 7]));
    });
    let reason = "tiles of 8 × 7 pixels are not those of 8 × 8 pixels".into();
    assert_eq!(error, Error::Precondition { pass: "count".into(), reason });
}

#[test]
fn a_plan_of_another_device_is_refused() {
    let mut graph = Graph::new();
    let x = values(&mut graph, 3);
    graph.result(x);
    let plan = Plan::new(&graph, Limits::portable()).unwrap();
    let found = pollster::block_on(Device::cpu().run(&plan, &engine::Control::default()));
    assert_eq!(found.unwrap_err(), Error::OtherLimits);
}
