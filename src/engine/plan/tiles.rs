//! Divides a pass into dispatches that respect parts, workgroup counts and the time budget.

use std::ops::Range;

use super::{
    super::{Error, Graph, Kernel, Limits, Order, Read, Way, Write, buffer::WORD_BYTES},
    Parts, Piece, binding,
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

    let all_rows = domain.extent.all_rows();
    let grain = u64::from(domain.grain.max(1));
    let mut row_cuts = Vec::new();
    let mut input_cuts = Vec::new();
    for read in reads {
        let buffer = read.buffer();
        match read {
            Read::Whole(_) => bindable(graph, buffer, parts[buffer].all_rows, &parts[buffer], limits)?,
            Read::Rows(_) => row_cuts.extend(parts[buffer].cuts()),
            Read::Window(_, window) => {
                row_cuts.extend(window.cuts(grain, &parts[buffer]).filter(|&row| row < all_rows));
            }
            Read::Slices(_) => {
                let rows = u64::from(graph.buffers[buffer].extent.rows);
                bindable(graph, buffer, rows, &parts[buffer], limits)?;
                let out_rows = u64::from(domain.extent.rows);
                row_cuts.extend(parts[buffer].cuts().map(|row| row / rows.max(1) * out_rows));
            }
            Read::Inputs(_) => {
                let rows = u64::from(graph.buffers[buffer].extent.rows);
                bindable(graph, buffer, rows, &parts[buffer], limits)?;
                input_cuts.extend(parts[buffer].cuts().map(|row| row / rows.max(1)));
            }
        }
    }
    for write in writes {
        row_cuts.extend(parts[write.buffer()].cuts());
    }
    for buffer in reads.iter().map(|r| r.buffer()).chain(writes.iter().map(|w| w.buffer())) {
        bindable(graph, buffer, 1, &parts[buffer], limits)?;
    }
    let is_between_grains = |row: u64| (row % u64::from(domain.extent.rows)).is_multiple_of(grain);
    let by_row = reads.iter().filter(|r| matches!(r, Read::Rows(_))).map(|r| r.buffer());
    for buffer in writes.iter().map(|w| w.buffer()).chain(by_row) {
        if !parts[buffer].cuts().all(is_between_grains) {
            bindable(graph, buffer, u64::from(domain.extent.rows), &parts[buffer], limits)?;
        }
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
    for segment in ranges(all_rows, row_cuts) {
        let mut first = segment.start;
        while first < segment.end {
            let mut tile = first..segment.end.min(first + rows);
            for read in reads {
                let Read::Window(buffer, window) = read else { continue };
                let end = window.end_of_fit(first, &parts[buffer.index]);
                if end < tile.end {
                    tile.end = end - end % grain;
                }
                if tile.end <= first {
                    let needed = window.most_rows(all_rows, grain, &parts[buffer.index]);
                    return Err(beyond_a_binding(graph, buffer.index, needed, limits));
                }
            }
            first = tile.end;
            let sequence = input_sequence(&input_ranges, order);
            let operations = row_operations * (tile.end - tile.start) as f64;
            pieces.extend(sequence.into_iter().enumerate().map(|(index, (way, inputs))| Piece {
                bindings: binding::bindings(graph, &domain, (reads, writes), parts, &tile, &inputs),
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

/// `0..end` divided at the cuts.
fn ranges(end: u64, mut cuts: Vec<u64>) -> Vec<Range<u64>> {
    cuts.extend([0, end]);
    cuts.sort_unstable();
    cuts.dedup();
    cuts.windows(2).map(|w| w[0]..w[1]).collect()
}

/// Checks that `rows` rows can be bound at once: that they fit a binding and no part ends among them.
fn bindable(graph: &Graph<'_>, buffer: usize, rows: u64, parts: &Parts, limits: &Limits) -> Result<(), Error> {
    let fits = parts.rows >= rows && rows * parts.row_words * WORD_BYTES <= limits.binding_bytes;
    if fits { Ok(()) } else { Err(beyond_a_binding(graph, buffer, rows, limits)) }
}

/// So many rows of a buffer do not fit a binding.
fn beyond_a_binding(graph: &Graph<'_>, buffer: usize, rows: u64, limits: &Limits) -> Error {
    let info = &graph.buffers[buffer];
    let needed_bytes = rows * info.row_words * WORD_BYTES;
    Error::BindingLimit { buffer: info.label.clone(), needed_bytes, limit_bytes: limits.binding_bytes }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{
        super::{Memory, placement},
        *,
    };
    use crate::engine::{Block, Domain, Extent, Reduce, Shader, Tier, Window};

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
                prop_assert_eq!(parts[output.entry.index].of_row(first), parts[output.entry.index].of_row(last));
                let (first, last) = (u64::from(piece.inputs.start), u64::from(piece.inputs.end) - 1);
                prop_assert_eq!(parts[input.entry.index].of_row(first), parts[input.entry.index].of_row(last));
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

        #[test]
        fn every_row_finds_its_windows_in_one_part_or_stitched_together(
            (rows, grain, columns) in (1_u32..150, 1_u32..4, 1_u32..5),
            inputs in prop::array::uniform2((1_u32..300, 1_u32..5)),
            ratios in prop::array::uniform2((0_u32..4, 1_u32..4)),
            reaches in prop::array::uniform2((-30_i32..30, 0_i32..30)),
            (binding_words, operations) in (12_u64..400, 100.0..5e3_f64),
        ) {
            let windows = [0, 1].map(|i| {
                let ((numerator, denominator), (first, more)) = (ratios[i], reaches[i]);
                Window { numerator, denominator, first, last: first + more }
            });
            let extent = Extent { slices: 1, rows, columns };
            let domain = Domain { extent, grain, reduce: None, row_operations: 100.0 };
            let mut graph = Graph::new();
            let read = inputs.map(|(rows, columns)| graph.buffer::<u32>("input", Extent { slices: 1, rows, columns }));
            let output = graph.buffer::<u32>("output", extent);
            let limits = Limits {
                binding_bytes: WORD_BYTES * binding_words,
                dispatch_operations: operations,
                ..Limits::portable()
            };
            let parts = placement::parts(&graph, &limits);
            let reads = [0, 1].map(|i| read[i].window(windows[i]));
            let planned =
                pieces(&graph, "windows", &Sum(domain), &reads, &[output.replace()], &parts, &limits);

            // What a run of output rows needs, by definition.
            let needed = |i: usize, outputs: Range<u64>| {
                let (Window { numerator, denominator, first, last }, all) = (windows[i], i64::from(inputs[i].0));
                let at = |o: u64, offset: i32| {
                    let place = o as i64 * i64::from(numerator) / i64::from(denominator) + i64::from(offset);
                    place.clamp(0, all - 1) as u64
                };
                at(outputs.start, first)..at(outputs.end - 1, last) + 1
            };
            let grains = |outputs: Range<u64>| {
                let (step, end) = (grain as usize, outputs.end);
                outputs.step_by(step).map(move |first| first..end.min(first + u64::from(grain)))
            };
            let is_cut_within_a_grain = parts[output.entry.index].cuts().any(|row| !row.is_multiple_of(grain.into()));
            let does_not_fit = [0, 1].into_iter().any(|i| {
                let fit = parts[read[i].entry.index].rows;
                grains(0..rows.into()).map(|g| needed(i, g)).any(|rows| rows.end - rows.start > fit)
            });
            if is_cut_within_a_grain || does_not_fit {
                let refused_with_both_numbers = matches!(
                    planned,
                    Err(Error::BindingLimit { needed_bytes, limit_bytes, .. }) if needed_bytes > limit_bytes
                );
                prop_assert!(refused_with_both_numbers, "{planned:?}");
                return Ok(());
            }

            let planned = planned.unwrap();
            let scratch = binding::scratch_words(planned.iter(), &parts);
            let mut next = 0;
            for piece in &planned {
                prop_assert!(piece.rows.start == next && piece.rows.end > next);
                prop_assert!(next.is_multiple_of(grain.into()));
                next = piece.rows.end;
                let mut used = Vec::new();
                for (i, bound) in piece.bindings[..2].iter().enumerate() {
                    let input = &parts[read[i].entry.index];
                    let held = match bound.memory {
                        Memory::Part(part) => {
                            prop_assert_eq!(bound.first_row, part as u64 * input.rows);
                            bound.first_row..bound.first_row + input.words(part) / input.row_words
                        }
                        Memory::Stitch { scratch: place, rows } => {
                            prop_assert!(rows <= input.rows && rows * input.row_words <= scratch[place]);
                            prop_assert!(!used.contains(&place));
                            used.push(place);
                            // No grain is stitched that one part would have served.
                            for rows in grains(piece.rows.clone()).map(|g| needed(i, g)) {
                                prop_assert!(input.of_row(rows.start) < input.of_row(rows.end - 1));
                            }
                            bound.first_row..bound.first_row + rows
                        }
                    };
                    for row in piece.rows.clone() {
                        let rows = needed(i, row..row + 1);
                        prop_assert!(held.start <= rows.start && rows.end <= held.end, "{piece:?}");
                    }
                }
                let written = &parts[output.entry.index];
                prop_assert_eq!(piece.bindings[2].memory, Memory::Part(written.of_row(piece.rows.start)));
                prop_assert_eq!(written.of_row(piece.rows.start), written.of_row(piece.rows.end - 1));
            }
            prop_assert_eq!(next, u64::from(rows));
        }
    }
}
