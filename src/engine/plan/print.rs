//! A plan as text and as Graphviz.

use std::fmt::{self, Write as _};

use super::{
    super::{Graph, buffer::WORD_BYTES, graph::Action},
    Plan, Step, liveness,
};

/// The schedule, one pass per line, then the memory.
impl fmt::Display for Plan<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} passes, {} dropped, {} dispatches",
            self.steps.len(),
            self.dropped_count(),
            self.dispatch_count()
        )?;
        for (index, step) in self.steps.iter().enumerate() {
            writeln!(f, "{index:>4}  {}", line(self, step))?;
        }
        writeln!(f, "{} allocations", self.allocations.len())?;
        for (index, allocation) in self.allocations.iter().enumerate() {
            let tenants: Vec<&str> = self.tenants(index).collect();
            let kept = if allocation.is_kept { ", kept by the session" } else { "" };
            writeln!(f, "{index:>4}  {}  {}{kept}", bytes(allocation.bytes()), tenants.join(", "))?;
        }
        if !self.limits.host_memory {
            let count = self.submission_count();
            let plural = if count == 1 { "submission" } else { "submissions" };
            writeln!(f, "{count} {plural}, staging {}", bytes(self.staging_bytes()))?;
        }
        let peak = self.peak_bytes();
        writeln!(f, "peak: host {}, device {}", bytes(peak.host), bytes(peak.device))
    }
}

impl Plan<'_, '_> {
    /// The schedule as a Graphviz digraph: passes are boxes, buffers are arrows.
    #[must_use]
    pub fn to_graphviz(&self) -> String {
        let mut text = String::from("digraph plan {\n  rankdir=TB;\n  node [shape=box, fontname=\"sans-serif\"];\n");
        let mut writer = vec![None; self.graph.buffers.len()];
        for (index, step) in self.steps.iter().enumerate() {
            let pass = &self.graph.passes[step.pass];
            let label = line(self, step).replace('"', "'");
            let _ = writeln!(text, "  p{index} [label=\"{label}\"];");
            for buffer in liveness::inputs(pass) {
                if let Some(from) = writer[buffer] {
                    let info = &self.graph.buffers[buffer];
                    let size = bytes(info.words() * WORD_BYTES);
                    let _ = writeln!(text, "  p{from} -> p{index} [label=\"{} {size}\"];", info.label);
                }
            }
            for (buffer, _) in liveness::results(pass) {
                writer[buffer] = Some(index);
            }
        }
        text.push_str("}\n");
        text
    }
}

fn line(plan: &Plan<'_, '_>, step: &Step) -> String {
    let graph = plan.graph;
    let pass = &graph.passes[step.pass];
    let name = |buffer: usize| graph.buffers[buffer].label.as_str();
    match &pass.action {
        Action::Upload { data, to } => {
            format!("upload {} {}", shape(graph, *to), bytes(data.len() as u64 * WORD_BYTES))
        }
        Action::Input { to } => format!("input {}", shape(graph, *to)),
        Action::Clear { buffer } => format!("clear {}", name(*buffer)),
        Action::Copy { from, to } => format!("copy {} -> {}", name(*from), name(*to)),
        Action::Download { from, output, .. } => {
            let verb = if step.moves { "hand over" } else { "download" };
            format!("{verb} {} -> {}", name(*from), graph.outputs[*output].label)
        }
        Action::Compute { kernel, reads, writes, .. } => {
            let reads: Vec<&str> = reads.iter().map(|r| name(r.buffer())).collect();
            let writes: Vec<String> = writes
                .iter()
                .map(|w| format!("{}{}", if w.is_added() { "+" } else { "" }, shape(graph, w.buffer())))
                .collect();
            let count = step.pieces.len();
            let plural = if count == 1 { "dispatch" } else { "dispatches" };
            let (reads, writes) = (reads.join(", "), writes.join(", "));
            let stitched = match plan.scratch.map_or(0, |_| step.pieces.iter().filter(|p| p.is_stitched()).count()) {
                0 => String::new(),
                stitched => format!(", {stitched} stitched"),
            };
            format!("{} [{}]: {reads} -> {writes}, {count} {plural}{stitched}", pass.label, kernel.shader().name)
        }
    }
}

fn shape(graph: &Graph<'_>, buffer: usize) -> String {
    let info = &graph.buffers[buffer];
    let e = info.extent;
    format!("{} [{}x{}x{}]", info.label, e.slices, e.rows, e.columns)
}

fn bytes(count: u64) -> String {
    const UNITS: [&str; 4] = ["B", "KiB", "MiB", "GiB"];
    let mut value = count as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{count} B") } else { format!("{value:.1} {}", UNITS[unit]) }
}
