//! The whole chain, from means and variances to line integrals.

use kerma::{
    engine::{Extent, Graph, Tier},
    kernels::detector::{Chain, DetectorSettings, Open},
};

use crate::{Case, Seeded, inputs::known_good};

struct Inputs {
    settings: DetectorSettings,
    extent: Extent,
    means: Vec<f32>,
    variances: Vec<f32>,
}

fn recorded<'a>(inputs: &'a Inputs, graph: &mut Graph<'a>) {
    let Extent { rows, columns, .. } = inputs.extent;
    let open = Open { size: [columns, rows], quanta: 3000.0, field: None };
    let chain = known_good(Chain::new(graph, &inputs.settings, &open));
    let means = graph.upload("case.means", inputs.extent, &inputs.means);
    let variances = graph.upload("case.variances", inputs.extent, &inputs.variances);
    chain.record(graph, means, Some(variances), 11);
}

fn case(name: &str, toml: &str) -> Case {
    let extent = Extent::new(3, 50, 98);
    let mut seeded = Seeded::new(1);
    let means = seeded.values(extent.elements() as usize, 0.001, 1.0);
    let variances = means.iter().map(|mean| mean * seeded.between(1.0, 1.4) as f32).collect();
    let settings = known_good(DetectorSettings::from_toml(toml));
    // Halves are rounded either way, and counts are whole.
    Case::named("detector.chain", Tier::Pinned, name, Inputs { settings, extent, means, variances }, recorded)
        .on_a_knife_edge()
}

pub(crate) fn cases() -> Vec<Case> {
    vec![
        case("all of it", "seed = 5\n[pattern]\nbad_pixel_fraction = 0.01"),
        case("bins", "seed = 5\nbinning = 2\nimages = 'native'\n[readout]\nbits = 14\ngain_counts = 12000.0"),
    ]
}
