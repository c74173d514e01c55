//! Divides a pass into dispatches that respect parts, workgroup counts and the time budget.

use std::ops::Range;

use super::{
    super::{Domain, Error, Graph, Limits, Order, Read, Shader, Way, Window, Write, buffer::WORD_BYTES},
    Parts, Piece, binding,
};

pub(super) fn pieces(
    graph: &Graph<'_>,
    label: &str,
    (shader, domain): (&Shader, &Domain),
    reads: &[Read],
    writes: &[Write],
    parts: &[Parts],
    limits: &Limits,
) -> Result<Vec<Piece>, Error> {
    let ([wide, high, _], slab) = (shader.workgroup, domain.slab_rows(shader));
    let in_slices = slab.is_some();
    let across = u64::from(domain.extent.columns.div_ceil(wide));
    let down = if in_slices { u64::from(domain.extent.rows.div_ceil(high)) } else { 0 };
    if across.max(down) > u64::from(limits.workgroups) {
        let (needed, limit) = (across.max(down), limits.workgroups.into());
        return Err(Error::WorkgroupLimit { pass: label.to_owned(), needed, limit });
    }

    let all_rows = domain.extent.all_rows();
    let grain = u64::from(if in_slices { domain.extent.rows } else { domain.grain.max(1) });
    // Rows that a layer of workgroups covers.
    let high = slab.unwrap_or(high.into());
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
            Read::Inputs(_, reach) => {
                let rows = u64::from(graph.buffers[buffer].extent.rows);
                bindable(graph, buffer, rows, &parts[buffer], limits)?;
                let (window, slices) = (Window::around(*reach), parts[buffer].in_slices(rows));
                input_cuts.extend(window.cuts(1, &slices).filter(|&slice| slice < slices.all_rows));
            }
            Read::Anywhere(_, bindings) => {
                let (slices, bindings) = (graph.buffers[buffer].extent.slices, u64::from(*bindings));
                if parts[buffer].count() as u64 > bindings {
                    let rows = u64::from(graph.buffers[buffer].extent.rows);
                    let needed = (u64::from(slices).div_ceil(bindings.max(1)) * rows).max(parts[buffer].rows + 1);
                    return Err(beyond_a_binding(graph, buffer, needed, limits));
                }
            }
        }
    }
    for write in writes {
        match write.rows() {
            Some(buffer) => row_cuts.extend(parts[buffer].cuts()),
            None => bindable(graph, write.buffer(), parts[write.buffer()].all_rows, &parts[write.buffer()], limits)?,
        }
    }
    for buffer in reads.iter().map(|r| r.buffer()).chain(writes.iter().map(|w| w.buffer())) {
        bindable(graph, buffer, 1, &parts[buffer], limits)?;
    }
    let is_between_grains = |row: u64| (row % u64::from(domain.extent.rows)).is_multiple_of(grain);
    let by_row = reads.iter().filter(|r| matches!(r, Read::Rows(_))).map(|r| r.buffer());
    for buffer in writes.iter().filter_map(|w| w.rows()).chain(by_row) {
        if !parts[buffer].cuts().all(is_between_grains) {
            bindable(graph, buffer, u64::from(domain.extent.rows), &parts[buffer], limits)?;
        }
    }

    let inputs = domain.reduce.map_or(0, |r| u64::from(r.slices));
    // Whole workgroups that own slices are never started for less; they take fewer inputs at a time instead.
    let least = if in_slices && inputs > 0 { high.min(all_rows) } else { grain };
    let longest = inputs as f64 * limits.dispatch_operations / (domain.row_operations * least as f64).max(1.0);
    input_cuts.extend((1..).map(|n| n * longest.max(1.0) as u64).take_while(|&cut| in_slices && cut < inputs));
    let input_ranges = fitting(graph, reads, ranges(inputs, input_cuts), parts, limits)?;
    let order = domain.reduce.map_or(Order::Ascending, |r| r.order);
    // Every part of the inputs costs its share of the row; the dearest part sets the pace.
    let share = input_ranges.iter().map(|r| r.end - r.start).max().unwrap_or(0) as f64 / inputs.max(1) as f64;
    let row_operations = domain.row_operations * if inputs == 0 { 1.0 } else { share };
    let by_time = (limits.dispatch_operations / row_operations.max(1.0)).max(1.0) as u64;
    let by_count = u64::from(limits.workgroups) * high;
    // Whole grains; whole workgroups too, unless the budget allows less than one.
    let unit =
        if (grain == 1 && by_time > high) || (in_slices && (inputs > 0 || by_time > high)) { high } else { grain };
    let rows = by_time.min(by_count);
    let rows = (rows - rows % unit).max(unit);
    if rows > by_count {
        return Err(Error::WorkgroupLimit {
            pass: label.to_owned(),
            needed: rows.div_ceil(high),
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
                bindings: binding::bindings(graph, domain, (reads, writes), parts, &tile, &inputs),
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

/// Ranges of input slices divided further, so that the slices around each fit a binding.
fn fitting(
    graph: &Graph<'_>,
    reads: &[Read],
    ranges: Vec<Range<u64>>,
    parts: &[Parts],
    limits: &Limits,
) -> Result<Vec<Range<u64>>, Error> {
    let mut fitting = Vec::with_capacity(ranges.len());
    for range in ranges {
        let mut first = range.start;
        while first < range.end {
            let mut end = range.end;
            for read in reads {
                let Read::Inputs(buffer, reach) = *read else { continue };
                let rows = u64::from(graph.buffers[buffer.index].extent.rows);
                let (window, slices) = (Window::around(reach), parts[buffer.index].in_slices(rows));
                end = end.min(window.end_of_fit(first, &slices));
                if end <= first {
                    let needed = window.most_rows(slices.all_rows, 1, &slices) * rows;
                    return Err(beyond_a_binding(graph, buffer.index, needed, limits));
                }
            }
            fitting.push(first..end);
            first = end;
        }
    }
    Ok(fitting)
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
    use crate::engine::{Extent, Reduce, Tier};

    static SHADER: Shader = Shader {
        name: "test.sum",
        tier: Tier::Pinned,
        source: "",
        structs: &[],
        reads: &[],
        writes: &[],
        workgroup: [16, 4, 1],
    };

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
            let domain = Domain { extent, grain, block: 1, reduce, row_operations: 100.0 };
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
                &graph, "sum", (&SHADER, &domain), &[input.inputs()], &[output.replace()], &parts, &limits,
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
            let domain = Domain { extent, grain, block: 1, reduce: None, row_operations: 100.0 };
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
                pieces(&graph, "windows", (&SHADER, &domain), &reads, &[output.replace()], &parts, &limits);

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

        #[test]
        fn sums_over_whole_layers_take_fewer_inputs_where_time_is_short(
            (slices, rows, columns) in (1_u32..30, 1_u32..6, 1_u32..20),
            (inputs, operations, part_slices) in (1_u32..40, 1.0..2e4_f64, 1_u64..40),
        ) {
            const DEEP: u32 = 6;
            static LAYERS: Shader = Shader { workgroup: [16, 4, DEEP], name: "test.layers", ..SHADER };
            let extent = Extent { slices, rows, columns };
            let domain = Domain::rows(extent, 10.0 * f64::from(inputs)).over(inputs, Order::Ascending);
            let mut graph = Graph::new();
            let input = graph.buffer::<f32>("input", Extent { slices: inputs, rows: 1, columns: 1 });
            let output = graph.buffer::<f32>("output", extent);
            let limits = Limits {
                binding_bytes: part_slices * u64::from(rows * columns) * WORD_BYTES,
                dispatch_operations: operations,
                ..Limits::portable()
            };
            let parts = placement::parts(&graph, &limits);
            let found =
                pieces(&graph, "sum", (&LAYERS, &domain), &[input.inputs()], &[output.replace()], &parts, &limits).unwrap();
            let mut taken = vec![0; extent.all_rows() as usize];
            let layer = u64::from(DEEP * rows);
            let is_end = |row: u64| row == extent.all_rows() || parts[output.entry.index].cuts().any(|cut| cut == row);
            for piece in &found {
                let count = piece.rows.end - piece.rows.start;
                prop_assert!(count.is_multiple_of(layer) || is_end(piece.rows.end), "{piece:?}");
                let taken_inputs = piece.inputs.end - piece.inputs.start;
                let cost = 10.0 * f64::from(taken_inputs) * count as f64;
                prop_assert!(cost <= operations || (count <= layer && taken_inputs == 1), "{piece:?} of {operations}");
                for row in piece.rows.clone() {
                    let next = &mut taken[row as usize];
                    prop_assert_eq!(piece.inputs.start, *next);
                    *next = piece.inputs.end;
                }
            }
            prop_assert!(taken.iter().all(|next| *next == inputs));
        }

        #[test]
        fn every_input_finds_the_slices_around_it(
            (slices, rows, columns, reach) in (1_u32..30, 1_u32..4, 1_u32..5, 0_u32..6),
            (part_slices, both_ways) in (1_u64..20, any::<bool>()),
        ) {
            let order = if both_ways { Order::BothWays } else { Order::Ascending };
            let extent = Extent { slices: 1, rows: 1, columns: 1 };
            let domain = Domain { reduce: Some(Reduce { slices, order }), ..Domain::rows(extent, 1.0) };
            let mut graph = Graph::new();
            let input = graph.buffer::<f32>("input", Extent { slices, rows, columns });
            let output = graph.buffer::<f32>("output", extent);
            let limits = Limits {
                binding_bytes: part_slices * u64::from(rows * columns) * WORD_BYTES,
                ..Limits::portable()
            };
            let parts = placement::parts(&graph, &limits);
            let reads = [input.inputs_around(reach)];
            let planned = pieces(&graph, "slab", (&SHADER, &domain), &reads, &[output.replace()], &parts, &limits);
            let around = |slice: u32| {
                u64::from(slice.saturating_sub(reach))..u64::from((slice + reach + 1).min(slices))
            };
            if (0..slices).map(around).any(|slices| slices.end - slices.start > part_slices) {
                let refused_with_both_numbers = matches!(
                    planned,
                    Err(Error::BindingLimit { needed_bytes, limit_bytes, .. }) if needed_bytes > limit_bytes
                );
                prop_assert!(refused_with_both_numbers, "{planned:?}");
                return Ok(());
            }
            let planned = planned.unwrap();
            let mut taken = [Vec::new(), Vec::new()];
            for piece in &planned {
                for (descending, taken) in taken.iter_mut().enumerate() {
                    if piece.way.includes(descending == 1) {
                        taken.push(piece.inputs.clone());
                    }
                }
                let bound = &piece.bindings[0];
                let input = &parts[bound.buffer];
                let held = match bound.memory {
                    Memory::Part(part) => part as u64 * input.rows..input.all_rows.min((part as u64 + 1) * input.rows),
                    Memory::Stitch { rows, .. } => bound.first_row..bound.first_row + rows,
                };
                prop_assert!((held.end - held.start) * input.row_words * WORD_BYTES <= limits.binding_bytes);
                prop_assert_eq!(held.start, bound.first_row);
                for slice in piece.inputs.clone().map(around) {
                    let needed = slice.start * u64::from(rows)..slice.end * u64::from(rows);
                    prop_assert!(held.start <= needed.start && needed.end <= held.end, "{piece:?}");
                }
            }
            let [up, down] = taken.map(|taken| taken.into_iter().flatten().collect::<Vec<u32>>());
            prop_assert!(up.iter().copied().eq(0..slices));
            if both_ways && planned.len() > 1 {
                // Ranges come from the last to the first; within each the kernel goes backwards.
                let mut sorted = down.clone();
                sorted.sort_unstable();
                prop_assert!(sorted.into_iter().eq(0..slices));
            }
        }

        #[test]
        fn dispatches_in_three_dimensions_take_whole_slices(
            (slices, rows, columns) in (1_u32..40, 1_u32..30, 1_u32..40),
            (part_slices, workgroups, operations) in (1_u64..20, 3_u32..10, 1.0..5e3_f64),
        ) {
            static BLOCKS: Shader = Shader { workgroup: [16, 4, 6], name: "test.blocks", ..SHADER };
            let extent = Extent { slices, rows, columns };
            let mut graph = Graph::new();
            let output = graph.buffer::<f32>("output", extent);
            let binding_bytes = part_slices * u64::from(rows * columns) * WORD_BYTES;
            let limits =
                Limits { binding_bytes, workgroups, dispatch_operations: operations, ..Limits::portable() };
            let parts = placement::parts(&graph, &limits);
            let domain = Domain::rows(extent, 10.0);
            let planned = pieces(&graph, "blocks", (&BLOCKS, &domain), &[], &[output.replace()], &parts, &limits);
            let across = columns.div_ceil(16).max(rows.div_ceil(4));
            if across > workgroups {
                let needed = across.into();
                let pass = "blocks".to_owned();
                prop_assert_eq!(planned, Err(Error::WorkgroupLimit { pass, needed, limit: workgroups.into() }));
                return Ok(());
            }
            let mut next = 0;
            for piece in planned.unwrap() {
                prop_assert_eq!(piece.rows.start, next);
                prop_assert!(piece.rows.end > next && piece.rows.end % u64::from(rows) == 0);
                next = piece.rows.end;
                let taken = (piece.rows.end - piece.rows.start) / u64::from(rows);
                prop_assert!(taken.div_ceil(6) <= u64::from(workgroups));
                prop_assert!(taken == 1 || piece.operations <= operations);
                let written = &parts[output.entry.index];
                prop_assert_eq!(written.of_row(piece.rows.start), written.of_row(piece.rows.end - 1));
            }
            prop_assert_eq!(next, extent.all_rows());
        }

        #[test]
        fn every_row_is_in_one_binding_of_those_that_reach_anywhere(
            (slices, rows, columns) in (1_u32..30, 1_u32..5, 1_u32..5),
            (part_rows, count) in (1_u64..60, 1_u32..6),
        ) {
            let mut graph = Graph::new();
            let volume = graph.buffer::<f32>("volume", Extent { slices, rows, columns });
            let output = graph.buffer::<f32>("output", Extent::table(1));
            let limits = Limits { binding_bytes: part_rows * u64::from(columns) * WORD_BYTES, ..Limits::portable() };
            let parts = placement::parts(&graph, &limits);
            let domain = Domain::rows(Extent::table(1), 1.0);
            let reads = [volume.anywhere(count)];
            let planned = pieces(&graph, "walk", (&SHADER, &domain), &reads, &[output.replace()], &parts, &limits);
            let input = &parts[volume.entry.index];
            if input.count() > count as usize {
                let refused_with_both_numbers = matches!(
                    planned,
                    Err(Error::BindingLimit { needed_bytes, limit_bytes, .. }) if needed_bytes > limit_bytes
                );
                prop_assert!(refused_with_both_numbers, "{planned:?}");
                return Ok(());
            }
            let planned = planned.unwrap();
            let bound = &planned[0].bindings[..count as usize];
            for row in 0..input.all_rows {
                // As the generated function finds it: the last binding that begins at the row or before.
                let found = bound.iter().rev().find(|binding| row >= binding.first_row).unwrap();
                let Memory::Part(part) = found.memory else { panic!("stitched") };
                prop_assert_eq!((part, found.first_row), (input.of_row(row), part as u64 * input.rows));
            }
        }

        #[test]
        fn sums_are_bound_whole_or_refused(sums in 1_usize..100, fitting in 1_u64..100, rows in 1_u32..50) {
            let mut graph = Graph::new();
            let counts = graph.buffer::<u64>("counts", Extent::table(sums));
            let limits = Limits { binding_bytes: fitting * 2 * WORD_BYTES, dispatch_operations: 40.0, ..Limits::portable() };
            let parts = placement::parts(&graph, &limits);
            let domain = Domain::rows(Extent { slices: 1, rows, columns: 1 }, 10.0);
            let planned = pieces(&graph, "sums", (&SHADER, &domain), &[], &[counts.accumulate()], &parts, &limits);
            if sums as u64 > fitting {
                let (needed_bytes, limit_bytes) = (sums as u64 * 8, limits.binding_bytes);
                prop_assert_eq!(planned, Err(Error::BindingLimit { buffer: "counts".into(), needed_bytes, limit_bytes }));
                return Ok(());
            }
            let planned = planned.unwrap();
            prop_assert!(planned.iter().all(|piece| piece.bindings[0].memory == Memory::Part(0)));
            prop_assert_eq!(planned.iter().map(|piece| piece.rows.end - piece.rows.start).sum::<u64>(), u64::from(rows));
        }
    }
}
