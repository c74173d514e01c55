//! Numeric self-test: expressions whose rounding tier P rests on, computed by an adapter and by Rust.

use super::{Block, Control, Device, Error, Extent, Graph, Numerics, Plan, arithmetic};

/// Inputs per expression.
const COUNT: usize = 4096;

crate::kernel! {
    /// Expressions of every input triple, of which there are so many.
    struct Expressions { count: u32 }
    shader engine/selftest, Pinned, [64, 1];
    reads inputs: whole of f32;
    writes results[_, count]: u32;
    operations 1.0;
}

/// One expression in words and in Rust.
type Expression = (&'static str, fn(f32, f32, f32) -> f32);

/// Expressions that must agree for tier P to hold, in the order of the shader's cases.
const REQUIRED: &[Expression] = &[
    ("a+b", |a, b, _| a + b),
    ("a-b", |a, b, _| a - b),
    ("a*b", |a, b, _| a * b),
    ("reciprocal", |a, _, _| arithmetic::reciprocal(a)),
    ("1/sqrt", |a, _, _| arithmetic::inverse_square_root(a)),
    ("log", |a, _, _| arithmetic::log(a)),
    ("exp", |a, _, _| arithmetic::exp(a)),
    ("floor", |a, _, _| (a * 16.0).floor()),
    ("ceil", |a, _, _| (a * 16.0).ceil()),
    ("trunc", |a, _, _| (a * 16.0 - 8.0).trunc()),
    ("min", |a, b, _| a.min(b)),
    ("max", |a, b, _| a.max(b)),
    ("i32", |a, _, _| ((a * 4096.0) as i32 - 2048) as f32),
    ("u32", |a, _, _| ((a * 4096.0) as u32) as f32),
    ("pin(a*b)+c", |a, b, c| a * b + c),
    ("pin(a*b)-c", |a, b, c| a * b - c),
    ("c-pin(a*b)", |a, b, c| c - a * b),
    ("pin(a*c)+pin(b*c)", |a, b, c| a * c + b * c),
    ("pin(a+b)-a", |a, b, _| (a + b) - a),
    ("two-sum error", |a, b, _| {
        let s = a + b;
        let t = s - a;
        (a - (s - t)) + (b - t)
    }),
    ("two literals *", |a, _, _| (a * 0.1) * 0.3),
    ("two literals +", |a, _, _| (a + 0.1) + 0.3),
    ("lerp", |a, b, c| a + c * (b - a)),
    ("Horner", |a, b, c| (a * b + c) * b + a),
    ("sum of 16 products", |a, b, c| {
        let mut sum = 0.0;
        for i in 0..16 {
            sum += a * (b + i as f32 * c);
        }
        sum
    }),
    ("sum of squares", |a, b, c| a * a + b * b + c * c),
    ("round, halves too", |a, _, _| ((a * 64.0) as i32 as f32 * 0.5).round_ties_even()),
];

/// Expressions without pins that show what an adapter does on its own.
const OBSERVED: &[Expression] = &[
    ("a*b+c", |a, b, c| a * b + c),
    ("a*c+b*c", |a, b, c| a * c + b * c),
    ("(a+b)-a", |a, b, _| (a + b) - a),
    ("fma(a,b,c)", |a, b, c| a * b + c),
    ("a/b", |a, b, _| a / b),
    ("1/a", |a, _, _| 1.0 / a),
    ("sqrt", |a, _, _| a.sqrt()),
    ("1/(1/a)", |a, _, _| 1.0 / (1.0 / a)),
    ("a/7", |a, _, _| a / 7.0),
];

/// Whether tier P holds on an adapter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Pinned kernels give the bits of their twins.
    Pinned,
    /// Some expression differs, or pins are switched off: pinned kernels are only within tolerance.
    Tolerance,
}

/// How one expression fared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// The expression.
    pub name: &'static str,
    /// Inputs for which the adapter's bits differ from Rust's.
    pub differing: usize,
    /// Whether tier P depends on it.
    pub required: bool,
}

/// Result of the self-test of one device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelfTest {
    /// Per expression, required ones first; empty for the CPU backend, which is the reference.
    pub probes: Vec<Probe>,
    /// Inputs per expression.
    pub inputs: usize,
}

impl SelfTest {
    pub(crate) fn of_the_reference() -> Self {
        Self { probes: Vec::new(), inputs: 0 }
    }

    /// Whether tier P holds.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        if self.probes.iter().any(|p| p.required && p.differing > 0) { Verdict::Tolerance } else { Verdict::Pinned }
    }

    /// The verdict in one line, with what failed and what the adapter rewrites when it is not pinned.
    #[must_use]
    pub fn summary(&self) -> String {
        let names = |required: bool| {
            let chosen = self.probes.iter().filter(|p| p.required == required && p.differing > 0);
            chosen.map(|p| p.name).collect::<Vec<_>>().join(", ")
        };
        if self.probes.is_empty() {
            return "reference".to_owned();
        }
        let required = self.probes.iter().filter(|p| p.required).count();
        let mut text = match self.verdict() {
            Verdict::Pinned => format!("pinned holds ({required} of {required} expressions)"),
            Verdict::Tolerance => format!("pinned does not hold: {}", names(true)),
        };
        let rewritten = names(false);
        if !rewritten.is_empty() {
            text.push_str(&format!("; rewrites unpinned {rewritten}"));
        }
        text
    }
}

fn twin(_: &Expressions, block: &Block, inputs: &[f32], results: &mut [u32]) {
    for (row, results) in block.rows.clone().zip(results.chunks_exact_mut(COUNT)) {
        let (_, expression) = REQUIRED.iter().chain(OBSERVED).nth(row).copied().unwrap_or(REQUIRED[0]);
        for (result, abc) in results.iter_mut().zip(inputs.chunks_exact(3)) {
            *result = expression(abc[0], abc[1], abc[2]).to_bits();
        }
    }
}

/// Numbers in [0.03, 1), of many different exponents and mantissas; Weyl sequences, the same on every machine.
fn inputs() -> Vec<f32> {
    const STEPS: [u32; 3] = [0x9E37_79B9, 0x85EB_CA6B, 0xC2B2_AE35];
    (0..COUNT as u32)
        .flat_map(|i| STEPS.map(|step| (i + 1).wrapping_mul(step)))
        .map(|bits| 0.03 + (bits >> 8) as f32 / (1 << 24) as f32 * 0.97)
        .collect()
}

pub(crate) async fn run(device: &Device) -> Result<SelfTest, Error> {
    let inputs = inputs();
    let mut graph = Graph::new();
    let table = graph.upload("selftest.inputs", Extent::table(inputs.len()), &inputs);
    let results = graph.buffer::<u32>("selftest.results", Extent::new(1, REQUIRED.len() + OBSERVED.len(), COUNT));
    Expressions { count: COUNT as u32 }.compute(&mut graph, "selftest", table, results);
    let output = graph.result(results);

    let run = async |device: &Device| -> Result<Vec<u32>, Error> {
        let plan = Plan::new(&graph, device.limits())?;
        device.run(&plan, &Control::default()).await?.take(output)
    };
    let wanted = run(&Device::cpu()).await?;
    let got = run(device).await?;
    let is_fast = device.numerics() == Numerics::Fast;
    let probe = |(k, (name, _)): (usize, &Expression)| {
        let range = k * COUNT..(k + 1) * COUNT;
        let differing = wanted[range.clone()].iter().zip(&got[range]).filter(|(w, g)| !same(**w, **g)).count();
        Probe { name, differing, required: k < REQUIRED.len() }
    };
    let mut probes: Vec<Probe> = REQUIRED.iter().chain(OBSERVED).enumerate().map(probe).collect();
    if is_fast {
        probes.push(Probe { name: "pins switched off", differing: COUNT, required: true });
    }
    Ok(SelfTest { probes, inputs: COUNT })
}

/// Equal bits, the sign of zero aside.
fn same(a: u32, b: u32) -> bool {
    a == b || (a | b) == 0x8000_0000
}
