//! Sums of 64 bits that many invocations add to, with carries between their words all the time.

use kerma::{
    engine::{Block, Domain, Extent, FixedPoint, Graph, Sums},
    kernel,
};

use crate::{Case, Narrow, Seeded};

kernel! {
    /// Counts and fixed-point sums of values by what their bits say.
    struct Scatter {
        /// Values per row, number of rows, sums of each kind.
        columns, row_count, bins: u32,
        /// Units of the fixed point in 1.
        scale: f32,
    }
    shader engine/sums, Exact, [32, 4];
    reads values[_, columns]: rows of f32;
    sums counts[1, bins], energy[1, bins];
    domain |_| Domain::rows(Extent { slices: 1, rows: row_count, columns }, f64::from(columns) * 20.0);
}

fn twin(kernel: &Scatter, _: &Block, values: &[f32], counts: Sums<'_>, energy: Sums<'_>) {
    for value in values {
        let bin = (value.to_bits() >> 3) % kernel.bins;
        counts.add(bin as usize, u32::MAX - (bin & 7));
        energy.add(bin as usize, (value * kernel.scale + 0.5) as u32);
    }
}

struct Inputs {
    extent: Extent,
    values: Vec<f32>,
    bins: u32,
}

fn recorded<'a>(inputs: &'a Inputs, graph: &mut Graph<'a>) {
    let Extent { rows: row_count, columns, .. } = inputs.extent;
    let values = graph.upload("case.values", inputs.extent, &inputs.values);
    let [counts, energy] = ["case.counts", "case.energy"].map(|label| {
        let sums = graph.buffer::<u64>(label, Extent::table(inputs.bins as usize));
        graph.clear(sums);
        sums
    });
    let scale = FixedPoint::new(inputs.extent.elements(), 1.0).scale();
    Scatter { columns, row_count, bins: inputs.bins, scale }.compute(graph, "sums", values, counts, energy);
}

pub(crate) fn cases() -> Vec<Case> {
    let case = |rows: usize, columns: usize, bins: u32| {
        let extent = Extent::new(1, rows, columns);
        let values = Seeded::new(bins.into()).values(rows * columns, 0.0, 1.0);
        Case::new(&SHADER, format!("{} values, {bins} sums", rows * columns), Inputs { extent, values, bins }, recorded)
    };
    vec![
        case(1, 1, 1),
        case(40, 1000, 1),
        case(40, 1000, 3),
        case(40, 1000, 64),
        case(7, 129, 1000),
        case(40, 1000, 64).narrowed(Narrow::binding(3 * 4000)),
        case(40, 1000, 64).narrowed(Narrow::dispatch(4.0 * 20_000.0)),
    ]
}
