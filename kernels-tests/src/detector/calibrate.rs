use kerma::{
    engine::{Extent, Graph},
    kernels::detector::calibrate::{SHADER, record},
};

use super::correct::gains;
use crate::{Case, Narrow, Seeded};

struct Inputs {
    extent: Extent,
    gains: Vec<f32>,
    dark: Vec<f32>,
    flat: Vec<f32>,
}

fn recorded<'a>(inputs: &'a Inputs, graph: &mut Graph<'a>) {
    let [gains, dark, flat] = [("gains", &inputs.gains), ("dark", &inputs.dark), ("flat", &inputs.flat)]
        .map(|(name, values)| graph.upload(format!("case.{name}"), inputs.extent, values));
    record(graph, gains, [dark, flat], 12.5);
}

fn case(name: &str, rows: usize, columns: usize) -> Case {
    let count = rows * columns;
    let mut seeded = Seeded::new(count as u64);
    let dark = seeded.values(count, 190.0, 210.0);
    let mut flat = seeded.values(count, 190.0, 14_000.0);
    // Pixels that the beam does not meet.
    flat.iter_mut().step_by(19).for_each(|value| *value = 200.0);
    let inputs = Inputs { extent: Extent::new(1, rows, columns), gains: gains(count), dark, flat };
    Case::new(&SHADER, format!("{columns}x{rows}{name}"), inputs, recorded)
}

pub(crate) fn cases() -> Vec<Case> {
    vec![
        case("", 1, 1),
        case("", 67, 129),
        case(", parts", 67, 129).narrowed(Narrow::binding(20 * 129 * 4)),
        case(", dispatches", 67, 129).narrowed(Narrow::dispatch(1e5)),
    ]
}
