//! Controls: what the suite must refuse.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod adapters;

use std::sync::{Arc, LazyLock};

use adapters::{Software, opened};
use kerma::{
    data::Grid,
    engine::{
        Access, Block, Control, Device, Domain, Extent, Graph, Kernel, Numerics, Plan, Shader, Storage, StructText,
        Sums, Tier,
    },
    geometry::{Geometry, Scan},
    kernels::project::{rays::view_rays, siddon},
    shader_struct,
};
use kerma_kernels_tests::{Case, Report, Seeded, Verdict, run_cases};

/// Numbers per control.
const COUNT: usize = 10_000;

fn report(adapter: Software, case: Case) -> Option<Report> {
    let device = opened(adapter, Numerics::Pinned)?;
    assert_eq!(device.self_test().summary().split(';').next(), Some("pinned holds (27 of 27 expressions)"));
    Some(run_cases(&device, &[case], &|_| {}))
}

shader_struct! {
    /// Parameters of the products.
    struct Count {
        /// Number of values.
        count: u32,
    }
}

const fn storage(name: &'static str) -> Storage {
    Storage { name, element: "f32", access: Access::Rows }
}

/// Text of x·z + y·z with the given sum.
macro_rules! products_shader {
    ($name:literal, $sum:literal) => {
        Shader {
            name: $name,
            tier: Tier::Pinned,
            source: concat!(
                "@compute @workgroup_size(WORKGROUP_WIDE, WORKGROUP_HIGH)
                 fn main(@builtin(global_invocation_id) id: vec3<u32>) {
                     if (id.x >= params.count || id.y >= tile.row_count) { return; }
                     let at = (tile.first_row + id.y) * params.count + id.x;
                     let x = xs[at];
                     let y = ys[at];
                     let z = zs[at];
                     results[at] = ",
                $sum,
                ";\n}\n"
            ),
            structs: &[StructText::of::<Count>()],
            reads: &[storage("xs"), storage("ys"), storage("zs")],
            writes: &[storage("results")],
            workgroup: [64, 1, 1],
        }
    };
}

static PINNED: Shader = products_shader!("control.pinned", "pin(x * z) + pin(y * z)");
static UNPINNED: Shader = products_shader!("control.unpinned", "x * z + y * z");

/// x·z + y·z, with a twin that gets the lowest bit of one value wrong if asked to.
struct Products {
    shader: &'static Shader,
    params: Count,
    wrong: Option<usize>,
}

impl Products {
    fn new(shader: &'static Shader, wrong: Option<usize>) -> Self {
        Self { shader, params: Count { count: COUNT as u32 }, wrong }
    }
}

impl Kernel for Products {
    fn shader(&self) -> &'static Shader {
        self.shader
    }

    fn params(&self) -> &[u8] {
        bytemuck::bytes_of(&self.params)
    }

    fn domain(&self, output: Extent) -> Domain {
        Domain::rows(output, COUNT as f64)
    }

    fn twin(&self, _: &Block, reads: &[&[u32]], writes: &mut [&mut [u32]], _: &[Sums<'_>]) {
        for (index, result) in writes[0].iter_mut().enumerate() {
            let [x, y, z] = [0, 1, 2].map(|r| f32::from_bits(reads[r][index]));
            *result = (x * z + y * z).to_bits() ^ u32::from(self.wrong == Some(index));
        }
    }
}

/// Inputs, the shader, and the value whose twin is wrong.
type ProductInputs = ([Vec<f32>; 3], &'static Shader, Option<usize>);

fn products(shader: &'static Shader, wrong: Option<usize>) -> Case {
    let inputs = [1, 2, 3].map(|seed| Seeded::new(seed).values(COUNT, -1.0, 1.0));
    let record: for<'a> fn(&'a ProductInputs, &mut Graph<'a>) = |(inputs, shader, wrong), graph| {
        let reads = inputs.each_ref().map(|v| graph.upload("control.input", Extent::table(COUNT), v).rows());
        let result = graph.buffer::<f32>("control.result", Extent::table(COUNT));
        graph.compute("control", Products::new(shader, *wrong), reads, [result.replace()]);
    };
    Case::new(shader, "control", (inputs, shader, wrong), record)
}

#[test]
fn a_pinned_kernel_passes() {
    for adapter in [Software::Lavapipe, Software::SwiftShader] {
        let Some(report) = report(adapter, products(&PINNED, None)) else { continue };
        assert!(report.passed() && report.kernels[0].verdict == Verdict::BitsEqual, "{report}");
    }
}

#[test]
fn its_unpinned_copy_fails() {
    for adapter in [Software::Lavapipe, Software::SwiftShader] {
        let Some(report) = report(adapter, products(&UNPINNED, None)) else { continue };
        assert!(!report.passed() && report.kernels[0].differing > 0, "{report}");
    }
}

#[test]
fn a_twin_with_one_wrong_bit_fails() {
    for adapter in [Software::Lavapipe, Software::SwiftShader] {
        let Some(report) = report(adapter, products(&PINNED, Some(17))) else { continue };
        let kernel = &report.kernels[0];
        assert_eq!((kernel.differing, kernel.worst_ulp, kernel.verdict), (1, 1, Verdict::Failed));
        assert!(report.failures[0].reason.ends_with("the first at index 17"), "{report}");
    }
}

#[test]
fn a_shader_that_does_not_compile_fails_its_case_only() {
    static BROKEN: Shader = products_shader!("control.broken", "x * undeclared");
    let Some(device) = opened(Software::Lavapipe, Numerics::Pinned) else { return };
    let report = run_cases(&device, &[products(&BROKEN, None), products(&PINNED, None)], &|_| {});
    assert_eq!(report.kernels.iter().map(|k| k.verdict).collect::<Vec<_>>(), [Verdict::Failed, Verdict::BitsEqual]);
    assert!(report.failures[0].reason.contains("undeclared"), "{report}");
}

/// The rule for rays in faces as it is, and the other way round.
const RULE: &str = "floor(along + a.fraction)";
const WRONG_RULE: &str = "(ceil(along + a.fraction) - 1.0)";

/// Siddon's shader in which a ray in a voxel face belongs to the voxel on the negative side.
static WRONG_FACES: LazyLock<Shader> = LazyLock::new(|| {
    let source = siddon::SHADER.source.replace(RULE, WRONG_RULE);
    assert_ne!(source, siddon::SHADER.source, "the rule is written otherwise now: this control is void");
    Shader { name: "control.faces", source: String::leak(source), ..siddon_shader() }
});
static RIGHT_FACES: LazyLock<Shader> = LazyLock::new(|| Shader { name: "control.right_faces", ..siddon_shader() });

fn siddon_shader() -> Shader {
    let Shader { name, tier, source, structs, reads, writes, workgroup } = siddon::SHADER;
    Shader { name, tier, source, structs, reads, writes, workgroup }
}

/// A copy of the projector whose twin repeats what the true twin gave.
struct Copied {
    shader: &'static Shader,
    original: Box<dyn Kernel>,
    wanted: Arc<Vec<u32>>,
}

impl Kernel for Copied {
    fn shader(&self) -> &'static Shader {
        self.shader
    }

    fn params(&self) -> &[u8] {
        self.original.params()
    }

    fn domain(&self, output: Extent) -> Domain {
        self.original.domain(output)
    }

    fn twin(&self, block: &Block, _: &[&[u32]], writes: &mut [&mut [u32]], _: &[Sums<'_>]) {
        let columns = writes[0].len() / block.rows.len();
        writes[0].copy_from_slice(&self.wanted[block.rows.start * columns..block.rows.end * columns]);
    }
}

struct FaceInputs {
    shader: &'static Shader,
    geometry: Geometry,
    grid: Grid,
    volume: Vec<f32>,
    wanted: Arc<Vec<u32>>,
}

/// Rays along the axes of a grid, half of them in faces, whose twin is right.
fn faces(shader: &'static Shader) -> Case {
    let scan = "kind = \"parallel\"\nviews = 4\narc_deg = 270.0\ndetector = [31, 33]\npitch_mm = [1.0, 1.0]\n";
    let geometry = Scan::from_toml(scan).unwrap().build().unwrap();
    let grid: Grid = "16x16x16@2x2x2".parse().unwrap();
    let volume = Seeded::new(5).values(grid.voxel_count(), 0.0, 1.0);
    let wanted = {
        let mut graph = Graph::new();
        let uploaded = graph.upload("control.volume", Extent::new(16, 16, 16), &volume);
        let integrals = graph.buffer::<u32>("control.integrals", Extent::new(4, 33, 31));
        siddon::record(&mut graph, &geometry, &grid, uploaded, integrals.replace());
        let output = graph.result(integrals);
        let cpu = Device::cpu();
        let plan = Plan::new(&graph, cpu.limits()).unwrap();
        pollster::block_on(cpu.run(&plan, &Control::default())).unwrap().take(output).unwrap()
    };
    let inputs = FaceInputs { shader, geometry, grid, volume, wanted: Arc::new(wanted) };
    let record: for<'a> fn(&'a FaceInputs, &mut Graph<'a>) = |inputs, graph| {
        let volume = graph.upload("control.volume", Extent::new(16, 16, 16), &inputs.volume);
        let views = graph.upload_table("control.views", &view_rays(&inputs.geometry, &inputs.grid));
        let integrals = graph.buffer::<f32>("control.integrals", Extent::new(4, 33, 31));
        let original = Box::new(siddon::kernel(&inputs.geometry, &inputs.grid));
        let kernel = Copied { shader: inputs.shader, original, wanted: inputs.wanted.clone() };
        graph.compute("control", kernel, [views.whole(), volume.inputs()], [integrals.replace()]);
    };
    Case::new(shader, "rays in faces", inputs, record)
}

#[test]
fn rays_in_faces_that_go_to_the_wrong_voxel_fail() {
    for adapter in [Software::Lavapipe, Software::SwiftShader] {
        let Some(right) = report(adapter, faces(&RIGHT_FACES)) else { continue };
        assert!(right.passed(), "{right}");
        let Some(wrong) = report(adapter, faces(&WRONG_FACES)) else { continue };
        assert!(!wrong.passed(), "{wrong}");
        // Only rays in faces: a quarter of them lies in no face at all.
        assert!(wrong.kernels[0].differing < wrong.kernels[0].values * 3 / 4, "{wrong}");
    }
}
