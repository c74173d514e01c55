//! Raw images with single bad pixels, whole blocks of them, and none that is good.

use kerma::{
    engine::{Extent, Graph},
    kernels::detector::{
        correct::{SHADER, record},
        pattern::{DEAD, STUCK},
    },
};

use crate::{Case, Narrow, Seeded};

struct Inputs {
    extent: Extent,
    dark: Vec<f32>,
    factors: Vec<f32>,
    raw: Vec<f32>,
}

/// Gains of pixels, some of which are bad.
pub(super) fn gains(count: usize) -> Vec<f32> {
    let mut gains = Seeded::new(count as u64 + 1).values(count, 0.9, 1.1);
    gains.iter_mut().skip(3).step_by(37).for_each(|gain| *gain = DEAD);
    gains.iter_mut().skip(5).step_by(41).for_each(|gain| *gain = STUCK);
    gains
}

fn recorded<'a>(inputs: &'a Inputs, graph: &mut Graph<'a>) {
    let one = Extent { slices: 1, ..inputs.extent };
    let dark = graph.upload("case.dark", one, &inputs.dark);
    let factors = graph.upload("case.factors", one, &inputs.factors);
    let raw = graph.upload("case.raw", inputs.extent, &inputs.raw);
    record(graph, [dark, factors], raw, 1e-5);
}

fn case(name: &str, [slices, rows, columns]: [usize; 3], is_bad: fn(usize, usize) -> bool) -> Case {
    let extent = Extent::new(slices, rows, columns);
    let mut seeded = Seeded::new(extent.elements());
    let dark = seeded.values(rows * columns, 190.0, 210.0);
    let mut factors = seeded.values(rows * columns, 9e-5, 1.1e-4);
    for (place, factor) in factors.iter_mut().enumerate() {
        *factor = if is_bad(place % columns, place / columns) { 0.0 } else { *factor };
    }
    // Some below the dark image.
    let raw = seeded.values(extent.elements() as usize, 100.0, 12_000.0);
    let inputs = Inputs { extent, dark, factors, raw };
    Case::new(&SHADER, format!("{columns}x{rows}x{slices}, {name}"), inputs, recorded)
}

pub(crate) fn cases() -> Vec<Case> {
    let single = |x: usize, y: usize| (x + 7 * y).is_multiple_of(23);
    let blocks = |x: usize, y: usize| x % 20 < 7 && y % 20 < 9;
    vec![
        case("one", [1, 1, 1], |_, _| false),
        case("one, bad", [1, 1, 1], |_, _| true),
        case("good", [2, 17, 129], |_, _| false),
        case("single bad ones", [3, 67, 129], single),
        case("blocks", [2, 67, 129], blocks),
        case("all bad", [1, 33, 35], |_, _| true),
        case("parts", [5, 67, 129], single).narrowed(Narrow::binding(67 * 129 * 4)),
        case("dispatches", [2, 67, 129], single).narrowed(Narrow::dispatch(1e5)),
    ]
}
