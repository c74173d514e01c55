//! Windows over two buffers in one, two, three and many parts, under several ratios of their rows to the output's.

use kerma::{
    engine::{Block, Domain, Extent, Graph, Window},
    kernel, shader_struct,
};

use crate::{Case, Narrow, Seeded};

shader_struct! {
    /// A window as numbers.
    struct Reach {
        /// Input rows for every `denominator` output rows.
        numerator, denominator: i32,
        /// First and last row, relative to the corresponding one.
        first, last: i32,
    }
}

kernel! {
    /// Sum over the rows of two windows, every row with another weight.
    struct WindowSum {
        /// Windows of the first and of the second buffer.
        near, far: Reach,
        /// Columns of all buffers, rows of the first and of the second; rows that are computed together.
        columns, near_rows, far_rows, grain: u32,
    }
    shader engine/window, Exact, [32, 4];
    structs Reach;
    reads one[near_rows, columns]: window(near.window()) of u32, other[far_rows, columns]: window(far.window()) of u32;
    writes sums[_, columns]: u32;
    domain |output| Domain { grain, ..Domain::rows(output, 20.0 * f64::from(columns)) };
}

impl Reach {
    fn of(window: Window) -> Self {
        let Window { numerator, denominator, first, last } = window;
        Self { numerator: numerator as i32, denominator: denominator as i32, first, last }
    }

    fn window(self) -> Window {
        let Self { numerator, denominator, first, last } = self;
        Window { numerator: numerator as u32, denominator: denominator as u32, first, last }
    }
}

fn twin(kernel: &WindowSum, block: &Block, one: &[u32], other: &[u32], sums: &mut [u32]) {
    let columns = kernel.columns as usize;
    for (row, sums) in block.rows.clone().zip(sums.chunks_exact_mut(columns)) {
        sums.fill(0);
        let windows = [(kernel.near, kernel.near_rows, one, 3_u32), (kernel.far, kernel.far_rows, other, 5)];
        for (Reach { numerator, denominator, first, last }, rows, values, weight) in windows {
            let corresponding = (row * numerator as usize / denominator as usize) as i32;
            for offset in first..=last {
                let taken = (corresponding + offset).clamp(0, rows as i32 - 1) as usize;
                for (sum, value) in sums.iter_mut().zip(&values[taken * columns..]) {
                    *sum = sum.wrapping_mul(weight).wrapping_add(*value);
                }
            }
        }
    }
}

struct Inputs {
    windows: [Window; 2],
    extents: [Extent; 2],
    values: [Vec<u32>; 2],
    rows: u32,
    grain: u32,
}

fn recorded<'a>(inputs: &'a Inputs, graph: &mut Graph<'a>) {
    let [near, far] = inputs.windows.map(Reach::of);
    let [one, other] = inputs.extents;
    let (columns, near_rows, far_rows) = (one.columns, one.rows, other.rows);
    let a = graph.upload("case.one", one, &inputs.values[0]);
    let b = graph.upload("case.other", other, &inputs.values[1]);
    let sums = graph.buffer::<u32>("case.sums", Extent { rows: inputs.rows, ..one });
    let kernel = WindowSum { near, far, columns, near_rows, far_rows, grain: inputs.grain };
    kernel.compute(graph, "window", a, b, sums);
}

/// Rows of a case; its columns are `COLUMNS`.
const ROWS: u32 = 120;
const COLUMNS: u32 = 37;

fn case(name: &str, windows: [Window; 2], rows: u32, grain: u32, part_rows: Option<u64>) -> Case {
    // As many rows as the output corresponds to, and a little less: the last windows reach beyond.
    let needed = |w: &Window| (u64::from(rows) * u64::from(w.numerator) / u64::from(w.denominator)).max(1) as u32;
    let extents = windows.each_ref().map(|w| Extent { slices: 1, rows: needed(w), columns: COLUMNS });
    let values = extents.map(|e| {
        let values = Seeded::new(e.elements()).values(e.elements() as usize, 0.0, 1e9);
        values.into_iter().map(|v| v as u32).collect()
    });
    let parts = part_rows.map_or_else(|| "whole".to_owned(), |rows| format!("parts of {rows} rows"));
    let inputs = Inputs { windows, extents, values, rows, grain };
    let case = Case::new(&SHADER, format!("{name}, {parts}"), inputs, recorded);
    match part_rows {
        Some(rows) => case.narrowed(Narrow::binding(rows * u64::from(COLUMNS) * 4)),
        None => case,
    }
}

pub(crate) fn cases() -> Vec<Case> {
    let window = |numerator, denominator, first, last| Window { numerator, denominator, first, last };
    let same = window(1, 1, -2, 2);
    let mut cases = vec![case("one row", [same; 2], 1, 1, None), case("one row", [same; 2], 1, 1, Some(1))];
    for (name, windows, grain) in [
        ("1/1", [same, window(1, 1, 3, 6)], 1),
        ("2/1 and 1/2", [window(2, 1, -2, 2), window(1, 2, -1, 2)], 1),
        ("7/3 and 3/8, in fours", [window(7, 3, -1, 3), window(3, 8, 0, 1)], 4),
        ("far back and ahead", [window(1, 1, -15, -9), window(1, 1, -8, 15)], 1),
    ] {
        // The output is cut at whole grains.
        for part_rows in [None, Some(24), Some(60), Some(100)] {
            cases.push(case(name, windows, ROWS, grain, part_rows));
        }
    }
    // Windows as large as a part: every row but those of one place in a part is stitched by itself.
    cases.push(case("as large as a part", [window(1, 1, -2, 2), window(1, 1, -2, 2)], 31, 1, Some(5)));
    cases
}
