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
        return Err(Error::RowTooWide { pass: label.to_owned(), needed: across, limit: limits.workgroups.into() });
    }

    let mut row_cuts = Vec::new();
    let mut input_cuts = Vec::new();
    for read in reads {
        let buffer = read.buffer();
        match read {
            Read::Whole(_) => bindable(graph, buffer, parts[buffer].all_rows, &parts[buffer], limits)?,
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

    let inputs = domain.reduce.map_or(0, |r| u64::from(r.slices));
    let input_ranges = ranges(inputs, input_cuts);
    let order = domain.reduce.map_or(Order::Ascending, |r| r.order);
    // Every part of the inputs costs its share of the row; the dearest part sets the pace.
    let share = input_ranges.iter().map(|r| r.end - r.start).max().unwrap_or(0) as f64 / inputs.max(1) as f64;
    let row_operations = domain.row_operations * if inputs == 0 { 1.0 } else { share };
    let by_time = (limits.dispatch_operations / row_operations.max(1.0)).max(1.0) as u64;
    let by_count = u64::from(limits.workgroups) * u64::from(high);
    // Whole grains; whole workgroups too, unless the budget allows less than one.
    let grain = u64::from(domain.grain.max(1));
    let unit = if grain == 1 && by_time > u64::from(high) { u64::from(high) } else { grain };
    let rows = by_time.min(by_count);
    let rows = (rows - rows % unit).max(unit);

    let is_update = writes.iter().any(|w| w.is_update());
    let mut pieces = Vec::new();
    for segment in ranges(domain.extent.all_rows(), row_cuts) {
        let mut first = segment.start;
        while first < segment.end {
            let tile = first..segment.end.min(first + rows);
            first = tile.end;
            let sequence = input_sequence(&input_ranges, order);
            pieces.extend(sequence.into_iter().enumerate().map(|(index, (way, inputs))| Piece {
                rows: tile.clone(),
                inputs,
                way,
                resume: is_update || index > 0,
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

fn bindable(graph: &Graph<'_>, buffer: usize, rows: u64, parts: &Parts, limits: &Limits) -> Result<(), Error> {
    if parts.rows >= rows {
        return Ok(());
    }
    Err(Error::BindingLimit {
        buffer: graph.buffers[buffer].label.clone(),
        needed_bytes: rows * parts.row_words * WORD_BYTES,
        limit_bytes: limits.binding_bytes,
    })
}
