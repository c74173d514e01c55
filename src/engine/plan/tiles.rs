//! Divides a pass into dispatches that respect parts, workgroup counts and the time budget.

use std::ops::Range;

use super::{
    super::{Error, Graph, Kernel, Limits, Order, Read, Way, Write, buffer::WORD_BYTES},
    Parts, Piece,
};

pub(super) fn pieces(
    graph: &Graph<'_>,
    label: &str,
    kernel: &dyn Kernel,
    reads: &[Read],
    writes: &[Write],
    parts: &[Parts],
    limits: &Limits,
) -> Result<Vec<Piece>, Error> {
    let domain = kernel.domain();
    let [wide, high] = kernel.shader().workgroup;
    let across = u64::from(domain.extent.columns.div_ceil(wide));
    if across > u64::from(limits.workgroups) {
        return Err(Error::WorkgroupLimit { pass: label.to_owned(), needed: across, limit: limits.workgroups.into() });
    }

    let mut row_cuts = Vec::new();
    let mut input_cuts = Vec::new();
    for read in reads {
        let buffer = read.buffer();
        match read {
            Read::Whole(_) | Read::Window(..) => {
                bindable(graph, buffer, parts[buffer].all_rows, &parts[buffer], limits)?
            }
            Read::Rows(_) => row_cuts.extend(cuts(&parts[buffer])),
            Read::Slices(_) => {
                let rows = u64::from(graph.buffers[buffer].extent.rows);
                bindable(graph, buffer, rows, &parts[buffer], limits)?;
                let out_rows = u64::from(domain.extent.rows);
                row_cuts.extend(cuts(&parts[buffer]).map(|row| row / rows.max(1) * out_rows));
            }
            Read::Inputs(_) => {
                let rows = u64::from(graph.buffers[buffer].extent.rows);
                bindable(graph, buffer, rows, &parts[buffer], limits)?;
                input_cuts.extend(cuts(&parts[buffer]).map(|row| row / rows.max(1)));
            }
        }
    }
    for write in writes {
        row_cuts.extend(cuts(&parts[write.buffer()]));
    }
    for buffer in reads.iter().map(|r| r.buffer()).chain(writes.iter().map(|w| w.buffer())) {
        bindable(graph, buffer, 1, &parts[buffer], limits)?;
    }
    let grain = u64::from(domain.grain.max(1));
    let is_between_grains = |row: u64| (row % u64::from(domain.extent.rows)).is_multiple_of(grain);
    if let Some(write) = writes.first()
        && !row_cuts.iter().all(|&row| is_between_grains(row))
    {
        bindable(graph, write.buffer(), u64::from(domain.extent.rows), &parts[write.buffer()], limits)?;
    }

    let inputs = domain.reduce.map_or(0, |r| u64::from(r.slices));
    let input_ranges = ranges(inputs, input_cuts);
    let order = domain.reduce.map_or(Order::Ascending, |r| r.order);
    // Every part of the inputs costs its share of the row; the dearest part sets the pace.
    let share = input_ranges.iter().map(|r| r.end - r.start).max().unwrap_or(0) as f64 / inputs.max(1) as f64;
    let row_operations = domain.row_operations * if inputs == 0 { 1.0 } else { share };
    let by_time = (limits.dispatch_operations / row_operations.max(1.0)).max(1.0) as u64;
    let by_count = u64::from(limits.workgroups) * u64::from(high);
    // Whole grains; whole workgroups too, unless the budget allows less than one.
    let unit = if grain == 1 && by_time > u64::from(high) { u64::from(high) } else { grain };
    let rows = by_time.min(by_count);
    let rows = (rows - rows % unit).max(unit);
    if rows > by_count {
        return Err(Error::WorkgroupLimit {
            pass: label.to_owned(),
            needed: rows.div_ceil(high.into()),
            limit: limits.workgroups.into(),
        });
    }

    let is_update = writes.iter().any(|w| w.is_update());
    let mut pieces = Vec::new();
    for segment in ranges(domain.extent.all_rows(), row_cuts) {
        let mut first = segment.start;
        while first < segment.end {
            let tile = first..segment.end.min(first + rows);
            first = tile.end;
            let sequence = input_sequence(&input_ranges, order);
            let operations = row_operations * (tile.end - tile.start) as f64;
            pieces.extend(sequence.into_iter().enumerate().map(|(index, (way, inputs))| Piece {
                rows: tile.clone(),
                inputs,
                way,
                resume: is_update || index > 0,
                operations,
            }));
        }
    }
    Ok(pieces)
}

fn input_sequence(ranges: &[Range<u64>], order: Order) -> Vec<(Way, Range<u32>)> {
    let narrow = |r: &Range<u64>| r.start as u32..r.end as u32;
    match (ranges, order) {
        ([], _) => vec![(Way::Both, 0..0)],
        ([all], _) => vec![(Way::Both, narrow(all))],
        (many, Order::Ascending) => many.iter().map(|r| (Way::Both, narrow(r))).collect(),
        (many, Order::BothWays) => {
            let up = many.iter().map(|r| (Way::Ascending, narrow(r)));
            up.chain(many.iter().rev().map(|r| (Way::Descending, narrow(r)))).collect()
        }
    }
}

/// First rows of all parts but the first.
fn cuts(parts: &Parts) -> impl Iterator<Item = u64> {
    let rows = parts.rows;
    (1..parts.count() as u64).map(move |part| part * rows)
}

/// `0..end` divided at the cuts.
fn ranges(end: u64, mut cuts: Vec<u64>) -> Vec<Range<u64>> {
    cuts.extend([0, end]);
    cuts.sort_unstable();
    cuts.dedup();
    cuts.windows(2).map(|w| w[0]..w[1]).collect()
}

/// Checks that `rows` rows can be bound at once: that they fit a binding and no part ends among them.
fn bindable(graph: &Graph<'_>, buffer: usize, rows: u64, parts: &Parts, limits: &Limits) -> Result<(), Error> {
    let needed_bytes = rows * parts.row_words * WORD_BYTES;
    if parts.rows >= rows && needed_bytes <= limits.binding_bytes {
        return Ok(());
    }
    let buffer = graph.buffers[buffer].label.clone();
    Err(Error::BindingLimit { buffer, needed_bytes, limit_bytes: limits.binding_bytes })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::placement, *};
    use crate::engine::{Block, Domain, Extent, Reduce, Shader, Tier};

    static SHADER: Shader = Shader {
        name: "test.sum",
        tier: Tier::Pinned,
        source: "",
        structs: &[],
        reads: 1,
        writes: 1,
        workgroup: [16, 4],
    };

    /// Sums input slices of one row into every output row.
    struct Sum(Domain);

    impl Kernel for Sum {
        fn shader(&self) -> &'static Shader {
            &SHADER
        }
        fn params(&self) -> &[u8] {
            &[]
        }
        fn domain(&self) -> Domain {
            self.0
        }
        fn twin(&self, _: &Block, _: &[&[u32]], _: &mut [&mut [u32]]) {}
    }

    proptest! {
        #[test]
        fn every_row_takes_every_input_once_in_order_within_one_part(
            (slices, grain, grains, columns) in (1_u32..5, 1_u32..4, 1_u32..8, 1_u32..40),
            (inputs, input_columns) in (1_u32..20, 1_u32..30),
            (parts_of, workgroups, operations) in (1_u64..8, 4_u32..20, 1.0..5e3_f64),
            both_ways in any::<bool>(),
        ) {
            let rows = grain * grains;
            let extent = Extent { slices, rows, columns };
            let order = if both_ways { Order::BothWays } else { Order::Ascending };
            let reduce = Some(Reduce { slices: inputs, order });
            let domain = Domain { extent, grain, reduce, row_operations: 100.0 };
            let mut graph = Graph::new();
            let input = graph.buffer::<f32>("input", Extent { slices: inputs, rows: 1, columns: input_columns });
            let output = graph.buffer::<f32>("output", extent);
            // At least a slice of either buffer fits, since grains do not cross parts.
            let slice_bytes = WORD_BYTES * u64::from(input_columns.max(rows * columns));
            let limits = Limits {
                binding_bytes: slice_bytes * parts_of,
                workgroups,
                dispatch_operations: operations,
                ..Limits::portable()
            };
            let parts = placement::parts(&graph, &limits);
            let found = pieces(
                &graph, "sum", &Sum(domain), &[input.inputs()], &[output.replace()], &parts, &limits,
            ).unwrap();

            // Per row: how often each input was taken by rays of either direction, and in which order.
            let mut up = vec![Vec::new(); extent.all_rows() as usize];
            let mut down = up.clone();
            let mut is_begun = vec![false; up.len()];
            for piece in &found {
                let count = piece.rows.end - piece.rows.start;
                prop_assert!(count > 0 && count.div_ceil(4) <= u64::from(workgroups).max(u64::from(grain)));
                prop_assert_eq!(piece.rows.start % u64::from(grain), 0);
                let (first, last) = (piece.rows.start, piece.rows.end - 1);
                prop_assert_eq!(parts[output.id].of_row(first), parts[output.id].of_row(last));
                let (first, last) = (u64::from(piece.inputs.start), u64::from(piece.inputs.end) - 1);
                prop_assert_eq!(parts[input.id].of_row(first), parts[input.id].of_row(last));
                for row in piece.rows.clone().map(|r| r as usize) {
                    prop_assert_eq!(piece.resume, is_begun[row]);
                    is_begun[row] = true;
                    if piece.way.includes(false) {
                        up[row].extend(piece.inputs.clone());
                    }
                    if piece.way.includes(true) {
                        down[row].extend(piece.inputs.clone().rev());
                    }
                }
            }
            for (up, down) in up.iter().zip(&down) {
                prop_assert!(up.iter().copied().eq(0..inputs));
                if both_ways {
                    prop_assert!(down.iter().copied().eq((0..inputs).rev()));
                }
            }
        }
    }
}
