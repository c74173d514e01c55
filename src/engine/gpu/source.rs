//! Puts a shader together: generated structs, the bindings every kernel has, the pin, the kernel's own text.

use super::super::{Access, Kind, Numerics, Shader, Storage, Tile, structs::StructText};

const PIN: &str = include_str!("../../../shaders/engine/pin.wgsl");
const PIN_FAST: &str = include_str!("../../../shaders/engine/pin_fast.wgsl");

const ARITHMETIC: &str = include_str!("../../../shaders/engine/arithmetic.wgsl");

/// Invocations of a workgroup that works on one row together. A GPU hides memory behind many; a driver that computes on
/// the CPU runs them one vector after the other, and pays for every barrier where there are several.
fn group_invocations(kind: Kind) -> u32 {
    if kind == Kind::Software { 8 } else { 256 }
}

impl Shader {
    /// Complete WGSL text for a kind of adapter; the bits of the results are the same for every kind.
    #[must_use]
    pub fn wgsl(&self, numerics: Numerics, kind: Kind) -> String {
        let pin = match numerics {
            Numerics::Pinned => PIN,
            Numerics::Fast => PIN_FAST,
        };
        let mut text = StructText::of::<Tile>().wgsl();
        for shared in self.structs {
            text.push_str(&shared.wgsl());
        }
        let [wide, high, deep] = self.workgroup;
        text.push_str(&format!(
            "const WORKGROUP_WIDE = {wide}u;\nconst WORKGROUP_HIGH = {high}u;\nconst WORKGROUP_DEEP = {deep}u;\n"
        ));
        text.push_str(&format!("const GROUP_INVOCATIONS = {}u;\n", group_invocations(kind)));
        text.push_str(&self.bindings());
        text.push_str(pin);
        text.push_str(ARITHMETIC);
        text.push_str(self.source);
        text
    }

    /// Declarations of what is bound, and where the rows of each buffer stand in it.
    fn bindings(&self) -> String {
        let mut text = "@group(0) @binding(0) var<uniform> tile: Tile;\n".to_owned();
        if let Some(params) = self.structs.first() {
            text.push_str(&format!("@group(0) @binding(1) var<uniform> params: {};\n", params.name));
        }
        let reads = self.reads.iter().map(|storage| (storage, "read"));
        let writes = self.writes.iter().map(|storage| (storage, "read_write"));
        let mut index = 0;
        for (Storage { name, element, access }, mode) in reads.chain(writes) {
            let mut declare = |name: &str, element: &str| {
                let binding = 2 + index;
                text.push_str(&format!(
                    "@group(0) @binding({binding}) var<storage, {mode}> {name}: array<{element}>;\n"
                ));
                index += 1;
                base(index - 1)
            };
            let functions = match access {
                Access::Rows => {
                    let base = declare(name, element);
                    format!("fn {name}_row(row: u32) -> u32 {{ return row - {base}; }}\n")
                }
                Access::Anywhere(bindings) => {
                    let parts = (0..*bindings).map(|part| {
                        let name = format!("{name}_{part}");
                        (declare(&name, element), name)
                    });
                    // Bindings without a part begin beyond the last row.
                    let find = |(base, name): (String, String)| {
                        format!("    if (row >= {base}) {{ return {name}[(row - {base}) * columns + column]; }}\n")
                    };
                    let finds: Vec<String> = parts.map(find).collect();
                    let finds: String = finds.into_iter().rev().collect();
                    let head = format!("fn {name}_at(row: u32, column: u32, columns: u32) -> {element}");
                    format!("{head} {{\n{finds}    return {element}();\n}}\n")
                }
                Access::Sums => {
                    declare(name, "atomic<u32>");
                    format!(
                        "fn {name}_add(index: u32, amount: u32) {{\n    \
                             let before = atomicAdd(&{name}[2u * index], amount);\n    \
                             if (before + amount < before) {{ atomicAdd(&{name}[2u * index + 1u], 1u); }}\n}}\n"
                    )
                }
            };
            text.push_str(&functions);
        }
        text
    }
}

/// Row at which what a binding sees begins.
fn base(index: usize) -> String {
    format!("tile.base[{}u][{}u]", index / 4, index % 4)
}
