//! Walks every shader without a GPU: it is valid, translates everywhere, and says what its descriptor says.

#![expect(clippy::panic, clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod lint;

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

use kerma::{
    engine::{Kind, NoopPipelines, Numerics, Shader, StructText, Tier, Tile},
    kernels::shaders,
};
use naga::{
    AddressSpace, Module, ShaderStage, StorageAccess, TypeInner, back, front,
    proc::{BoundsCheckPolicies, Layouter},
    valid::{Capabilities, ModuleInfo, ValidationFlags, Validator},
};

/// Workgroup memory that every device has, in bytes.
const WORKGROUP_BYTES: u32 = 16 << 10;
/// Invocations of a workgroup that every device can run.
const WORKGROUP_INVOCATIONS: u32 = 256;
/// Part of the self-test that holds forbidden expressions on purpose, to report what adapters make of them.
const OBSERVED: (&str, &str) = ("engine.selftest", "expression");

fn parsed(name: &str, text: &str) -> (Module, ModuleInfo) {
    let module = front::wgsl::parse_str(text).unwrap_or_else(|e| panic!("{name}: {}", e.emit_to_string(text)));
    let info = Validator::new(ValidationFlags::all(), Capabilities::empty()).validate(&module);
    (module, info.unwrap_or_else(|e| panic!("{name}: {}", e.emit_to_string(text))))
}

fn each(mut check: impl FnMut(&'static Shader, &Module, &ModuleInfo)) {
    for shader in shaders() {
        for numerics in [Numerics::Pinned, Numerics::Fast] {
            for kind in [Kind::Discrete, Kind::Software] {
                let (module, info) = parsed(shader.name, &shader.wgsl(numerics, kind));
                check(shader, &module, &info);
            }
        }
    }
}

#[test]
fn every_shader_translates_to_every_language() {
    each(|shader, module, info| {
        let name = shader.name;
        let entry = || "main".to_owned();
        let options = back::spv::PipelineOptions { shader_stage: ShaderStage::Compute, entry_point: entry() };
        let spirv = back::spv::write_vec(module, info, &back::spv::Options::default(), Some(&options));
        assert!(!spirv.unwrap_or_else(|e| panic!("{name}: SPIR-V: {e}")).is_empty());

        let (options, pipeline) = (back::msl::Options::default(), back::msl::PipelineOptions::default());
        let metal = back::msl::write_string(module, info, &options, &pipeline);
        assert!(metal.unwrap_or_else(|e| panic!("{name}: MSL: {e}")).0.contains("kernel void"));

        let (mut text, options) = (String::new(), back::hlsl::Options::default());
        let pipeline = back::hlsl::PipelineOptions::default();
        let written = back::hlsl::Writer::new(&mut text, &options, &pipeline).write(module, info, None);
        assert!(written.is_ok(), "{name}: HLSL: {:?}", written.err());
        assert!(text.contains("numthreads"), "{name}");

        let (mut text, options) = (String::new(), back::glsl::Options::default());
        let pipeline =
            back::glsl::PipelineOptions { shader_stage: ShaderStage::Compute, entry_point: entry(), multiview: None };
        let writer =
            back::glsl::Writer::new(&mut text, module, info, &options, &pipeline, BoundsCheckPolicies::default());
        let written = writer.and_then(|mut w| w.write());
        assert!(written.is_ok(), "{name}: GLSL: {:?}", written.err());
        assert!(text.starts_with("#version 310 es"), "{name}");
    });
}

#[test]
fn shared_structs_have_one_layout_on_both_sides() {
    each(|shader, module, _| {
        let mut layouter = Layouter::default();
        layouter.update(module.to_ctx()).unwrap_or_else(|e| panic!("{}: {e}", shader.name));
        let tile = StructText::of::<Tile>();
        for shared in shader.structs.iter().chain([&tile]) {
            let found = module.types.iter().find(|(_, t)| t.name.as_deref() == Some(shared.name));
            let Some((handle, ty)) = found else { panic!("{}: no struct {}", shader.name, shared.name) };
            let TypeInner::Struct { members, .. } = &ty.inner else { panic!("{} is no struct", shared.name) };
            assert_eq!(layouter[handle].size as usize, shared.size, "{}: size of {}", shader.name, shared.name);
            let got: Vec<_> = members.iter().map(|m| (m.name.as_deref(), m.offset as usize)).collect();
            let want: Vec<_> = shared.fields.iter().map(|f| (Some(f.name), f.offset)).collect();
            assert_eq!(got, want, "{}: fields of {}", shader.name, shared.name);
        }
    });
}

#[test]
fn entry_points_and_bindings_are_those_of_the_descriptor() {
    each(|shader, module, _| {
        let name = shader.name;
        let [entry] = &module.entry_points[..] else { panic!("{name}: not exactly one entry point") };
        assert_eq!((entry.name.as_str(), entry.stage), ("main", ShaderStage::Compute), "{name}");
        // An invocation may own several columns or rows, never a part of one.
        let [wide, high, deep] = entry.workgroup_size;
        assert!(shader.workgroup[0].is_multiple_of(wide), "{name}: {wide} invocations along {}", shader.workgroup[0]);
        assert!(shader.workgroup[1].is_multiple_of(high), "{name}: {high} invocations along {}", shader.workgroup[1]);
        assert!(shader.workgroup[2].is_multiple_of(deep), "{name}: {deep} invocations along {}", shader.workgroup[2]);
        assert!(wide * high * deep <= WORKGROUP_INVOCATIONS, "{name}");

        let mut bindings = HashMap::new();
        for (_, global) in module.global_variables.iter() {
            let Some(binding) = global.binding else { continue };
            assert_eq!(binding.group, 0, "{name}");
            assert!(bindings.insert(binding.binding, global).is_none(), "{name}: binding {} twice", binding.binding);
        }
        let storage: Vec<bool> = shader.storage().collect();
        assert_eq!(bindings.len(), 2 + storage.len(), "{name}: number of bindings");
        for (binding, struct_name) in [(0, "Tile"), (1, shader.structs[0].name)] {
            let global = bindings[&binding];
            assert_eq!(global.space, AddressSpace::Uniform, "{name}: binding {binding}");
            assert_eq!(module.types[global.ty].name.as_deref(), Some(struct_name), "{name}: binding {binding}");
        }
        for (index, is_read) in storage.into_iter().enumerate() {
            let access = if is_read { StorageAccess::LOAD } else { StorageAccess::LOAD | StorageAccess::STORE };
            let global = bindings[&(2 + index as u32)];
            assert_eq!(global.space, AddressSpace::Storage { access }, "{name}: binding {}", 2 + index);
        }
    });
}

#[test]
fn workgroup_memory_is_what_every_device_has() {
    each(|shader, module, _| {
        let mut layouter = Layouter::default();
        layouter.update(module.to_ctx()).unwrap();
        let shared = module.global_variables.iter().filter(|(_, g)| g.space == AddressSpace::WorkGroup);
        let bytes: u32 = shared.map(|(_, g)| layouter[g.ty].size).sum();
        assert!(bytes <= WORKGROUP_BYTES, "{}: {bytes} bytes of workgroup memory", shader.name);
    });
}

#[test]
fn every_pipeline_builds_under_portable_limits() {
    let pipelines = NoopPipelines::new().unwrap();
    for shader in shaders() {
        for numerics in [Numerics::Pinned, Numerics::Fast] {
            for kind in [Kind::Discrete, Kind::Software] {
                pipelines.check(shader, numerics, kind).unwrap_or_else(|e| panic!("{e}"));
            }
        }
    }
}

#[test]
fn a_pipeline_that_cannot_be_is_refused_in_words() {
    static BROKEN: Shader = Shader {
        name: "control.broken",
        tier: Tier::Pinned,
        source: "@compute @workgroup_size(512) fn main() {}",
        structs: &[StructText::of::<Tile>()],
        reads: &[],
        writes: &[],
        workgroup: [512, 1, 1],
    };
    let error = NoopPipelines::new().unwrap().check(&BROKEN, Numerics::Pinned, Kind::Discrete).unwrap_err().to_string();
    assert!(error.starts_with("shader control.broken was refused: "), "{error}");
}

#[test]
fn every_file_is_a_registered_shader_or_a_part_of_one() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shaders");
    let files = wgsl_files(&root);
    assert!(files.len() >= shaders().len());
    let own = |shader: &Shader| root.join(format!("{}.wgsl", shader.name.replace('.', "/")));
    let registered: Vec<PathBuf> = shaders().into_iter().map(own).collect();
    let shared: Vec<String> =
        files.iter().filter(|file| !registered.contains(file)).map(|file| fs::read_to_string(file).unwrap()).collect();
    for (shader, path) in shaders().into_iter().zip(&registered) {
        let text = fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        // The shader's own file comes first, whole files that it shares with others after it.
        let mut rest = shader.source.strip_prefix(&text);
        while let Some(more) = rest.filter(|more| !more.is_empty()) {
            rest = shared.iter().find_map(|part| more.strip_prefix(part));
        }
        assert_eq!(rest, Some(""), "{}", shader.name);
    }
    let texts: Vec<String> =
        shaders().iter().flat_map(|s| [Numerics::Pinned, Numerics::Fast].map(|n| s.wgsl(n, Kind::Discrete))).collect();
    for file in files {
        let part = fs::read_to_string(&file).unwrap();
        assert!(texts.iter().any(|t| t.contains(&part)), "{} belongs to no shader", file.display());
    }
}

fn wgsl_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(wgsl_files(&path));
        } else if path.extension().is_some_and(|e| e == "wgsl") {
            files.push(path);
        }
    }
    files
}

#[test]
fn pinned_shaders_hold_nothing_that_rounds_as_it_likes() {
    let mut found = Vec::new();
    for shader in shaders().into_iter().filter(|s| s.tier != Tier::Tolerance) {
        let (module, info) = parsed(shader.name, &shader.wgsl(Numerics::Pinned, Kind::Discrete));
        let exempt: &[&str] = if shader.name == OBSERVED.0 { &[OBSERVED.1] } else { &[] };
        found.extend(lint::lint(&module, &info, exempt).into_iter().map(|v| format!("{}: {v}", shader.name)));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// Functions of three numbers that the lint must refuse, with the reason it must give.
const BAD: [(&str, &str); 21] = [
    ("return a * b + c;", "product feeds"),
    ("return c - a * b;", "product feeds"),
    ("let p = a * b; return p + c;", "product feeds"),
    ("var p = a * b; p = p + c; return p;", "product feeds"),
    ("var p = c; p = a * b; return c - p;", "product feeds"),
    ("return -(a * b) + c;", "product feeds"),
    ("return (vec2<f32>(a, b) * c + vec2<f32>(b, c)).x;", "product feeds"),
    ("let v = vec2<f32>(a * b, c); return v.x + c;", "product feeds"),
    ("return product(a, b) + c;", "product feeds"),
    ("return sum(a * b, c);", "product feeds"),
    ("return (a + b) - a;", "own term"),
    ("let s = a + b; return b - s;", "own term"),
    ("return (a - b) + b;", "own term"),
    ("return a * 0.1 * 0.3;", "two literals"),
    ("return 0.3 + (a + 0.1);", "two literals"),
    ("return a / b;", "division"),
    ("return a % b;", "division"),
    ("return sqrt(a);", "sqrt is not exact"),
    ("return fma(a, b, c);", "fma is not exact"),
    ("return mix(a, b, c);", "mix is not exact"),
    ("return dot(vec2<f32>(a, b), vec2<f32>(b, c));", "dot is not exact"),
];

/// Their pinned forms, which it must let pass.
const GOOD: [&str; 10] = [
    "return pin(a * b) + c;",
    "let p = pin(a * b); return c - p;",
    "return pin(a + b) - a;",
    "let v = vec2<f32>(a * b, c); return v.y + c;",
    "return sum(pin(a * b), c);",
    "return pin(a * 0.1) * 0.3;",
    "return max(a * b, 0.0) + c;",
    "return a * b * c;",
    "return f32(i32(a) * 3 + 4) - b;",
    "return abs(floor(a)) - min(b, c);",
];

fn snippet(body: &str) -> String {
    format!(
        "@group(0) @binding(0) var<uniform> zero: u32;
         @group(0) @binding(1) var<storage, read_write> values: array<f32>;
         fn pin(x: f32) -> f32 {{ return bitcast<f32>(bitcast<u32>(x) ^ zero); }}
         fn product(x: f32, y: f32) -> f32 {{ return x * y; }}
         fn sum(x: f32, y: f32) -> f32 {{ return x + y; }}
         fn f(a: f32, b: f32, c: f32) -> f32 {{ {body} }}
         @compute @workgroup_size(1) fn main() {{ values[0] = f(values[1], values[2], values[3]); }}"
    )
}

#[test]
fn the_lint_refuses_what_it_must() {
    for (body, reason) in BAD {
        let (module, info) = parsed(body, &snippet(body));
        let found = lint::lint(&module, &info, &[]);
        assert!(found.iter().any(|f| f.contains(reason)), "{body} gave {found:?}");
    }
}

#[test]
fn the_lint_lets_pinned_forms_pass() {
    for body in GOOD {
        let (module, info) = parsed(body, &snippet(body));
        let found = lint::lint(&module, &info, &[]);
        assert!(found.is_empty(), "{body} gave {found:?}");
    }
}
