use super::super::{
    Domain, Error, Extent, Graph, Kernel, Read, Write,
    graph::{Action, BufferInfo, Pass},
    kernel::STORAGE_BINDINGS,
};

/// Buffers a pass reads, those it updates included.
pub(super) fn inputs<'p>(pass: &'p Pass<'_>) -> Box<dyn Iterator<Item = usize> + 'p> {
    match &pass.action {
        Action::Upload { .. } | Action::Input { .. } | Action::Clear { .. } => Box::new(std::iter::empty()),
        Action::Copy { from, .. } | Action::Download { from, .. } => Box::new(std::iter::once(*from)),
        Action::Compute { reads, writes, .. } => {
            Box::new(reads.iter().map(|r| r.buffer()).chain(writes.iter().filter(|w| w.is_added()).map(|w| w.buffer())))
        }
    }
}

/// Buffers a pass writes, each with whether everything that was there is replaced.
pub(super) fn results<'p>(pass: &'p Pass<'_>) -> Box<dyn Iterator<Item = (usize, bool)> + 'p> {
    match &pass.action {
        Action::Upload { to, .. } | Action::Input { to } | Action::Copy { to, .. } => {
            Box::new(std::iter::once((*to, true)))
        }
        Action::Clear { buffer } => Box::new(std::iter::once((*buffer, true))),
        Action::Compute { writes, .. } => Box::new(writes.iter().map(|w| (w.buffer(), !w.is_added()))),
        Action::Download { .. } => Box::new(std::iter::empty()),
    }
}

/// Checks everything about a graph that does not depend on a device.
pub(super) fn check(graph: &Graph<'_>) -> Result<(), Error> {
    if let Some(refusal) = &graph.refusal {
        return Err(refusal.clone());
    }
    for info in &graph.buffers {
        check_extent(&info.label, info.extent)?;
    }
    let mut written: Vec<bool> = graph.buffers.iter().map(|info| info.kept.is_some()).collect();
    for pass in &graph.passes {
        for buffer in inputs(pass) {
            if !written[buffer] {
                let buffer = graph.buffers[buffer].label.clone();
                return Err(Error::ReadBeforeWrite { pass: pass.label.clone(), buffer });
            }
        }
        check_sizes(graph, pass)?;
        for (buffer, _) in results(pass) {
            written[buffer] = true;
        }
    }
    check_keeps(graph, &written)
}

/// Checks that a buffer has something of everything, and no more than can be counted.
pub(crate) fn check_extent(label: &str, extent: Extent) -> Result<(), Error> {
    let Extent { slices, rows, columns } = extent;
    let counts = [slices.into(), rows.into(), columns.into(), extent.all_rows()];
    if counts.iter().all(|count| (1..u64::from(u32::MAX)).contains(count)) {
        return Ok(());
    }
    Err(Error::Extent { buffer: label.to_owned(), slices, rows, columns })
}

/// What is kept must have been written, be of the kept buffer's shape, and be neither an import nor kept twice.
fn check_keeps(graph: &Graph<'_>, written: &[bool]) -> Result<(), Error> {
    for (index, keep) in graph.keeps.iter().enumerate() {
        let (from, to) = (&graph.buffers[keep.from], &graph.buffers[keep.to]);
        if !written[keep.from] {
            return Err(Error::ReadBeforeWrite { pass: "keep".to_owned(), buffer: from.label.clone() });
        }
        same_shape(from, to)?;
        let is_again = graph.keeps[..index].iter().any(|other| other.from == keep.from || other.to == keep.to);
        if from.kept.is_some() || is_again {
            return Err(Error::NamedTwice { pass: "keep".to_owned(), buffer: from.label.clone() });
        }
    }
    Ok(())
}

fn same_shape(from: &BufferInfo, to: &BufferInfo) -> Result<(), Error> {
    let shape = |b: &BufferInfo| [b.extent.slices.into(), b.extent.rows.into(), b.row_words];
    match shape(to).into_iter().zip(shape(from)).find(|(needed, got)| needed != got) {
        None => Ok(()),
        Some((needed, got)) => Err(Error::BufferSize { buffer: to.label.clone(), needed, got }),
    }
}

fn check_sizes(graph: &Graph<'_>, pass: &Pass<'_>) -> Result<(), Error> {
    let exactly = |buffer: usize, got: u64| {
        let info = &graph.buffers[buffer];
        let needed = info.words();
        if needed == got { Ok(()) } else { Err(Error::BufferSize { buffer: info.label.clone(), needed, got }) }
    };
    match &pass.action {
        Action::Upload { data, to } => exactly(*to, data.len() as u64),
        Action::Input { .. } | Action::Clear { .. } => Ok(()),
        Action::Copy { from, to } if from == to => {
            let buffer = graph.buffers[*to].label.clone();
            Err(Error::NamedTwice { pass: pass.label.clone(), buffer })
        }
        Action::Copy { from, to } => same_shape(&graph.buffers[*from], &graph.buffers[*to]),
        Action::Download { from, output, first_word } => {
            let output = &graph.outputs[*output];
            let needed = *first_word as u64 + graph.buffers[*from].words();
            let got = output.words as u64;
            if needed <= got { Ok(()) } else { Err(Error::BufferSize { buffer: output.label.clone(), needed, got }) }
        }
        Action::Compute { kernel, domain, reads, writes } => {
            let shader = kernel.shader();
            let (expected, got) = (shader.reads.len() + shader.writes.len(), reads.len() + writes.len());
            if shader.reads.len() != reads.len() || shader.writes.len() != writes.len() {
                return Err(Error::BindingCount { pass: pass.label.clone(), expected, got });
            }
            let bindings = shader.storage().count();
            if bindings > STORAGE_BINDINGS {
                return Err(Error::BindingCount {
                    pass: pass.label.clone(),
                    expected: STORAGE_BINDINGS,
                    got: bindings,
                });
            }
            if writes.iter().any(|w| w.is_update()) && !writes.iter().all(|w| w.is_added()) {
                return Err(Error::MixedWrites { pass: pass.label.clone() });
            }
            // What is only read may be read twice.
            let mut read_or_written: Vec<usize> = reads.iter().map(|r| r.buffer()).collect();
            for write in writes.iter().map(|w| w.buffer()) {
                if read_or_written.contains(&write) {
                    let buffer = graph.buffers[write].label.clone();
                    return Err(Error::NamedTwice { pass: pass.label.clone(), buffer });
                }
                read_or_written.push(write);
            }
            for read in reads {
                if let Read::Window(buffer, window) = read
                    && (window.denominator == 0 || window.first > window.last)
                {
                    let buffer = graph.buffers[buffer.index].label.clone();
                    return Err(Error::EmptyWindow { pass: pass.label.clone(), buffer });
                }
            }
            check_rows(graph, kernel.as_ref(), domain, reads, writes)
        }
    }
}

/// Buffers taken row by row must have the rows of the domain, summed ones its input slices.
fn check_rows(
    graph: &Graph<'_>,
    kernel: &dyn Kernel,
    domain: &Domain,
    reads: &[Read],
    writes: &[Write],
) -> Result<(), Error> {
    let mismatch = |buffer: usize, needed: u64, got: u64| {
        let buffer = graph.buffers[buffer].label.clone();
        Err(Error::BufferSize { buffer, needed, got })
    };
    let by_row = reads.iter().filter_map(|r| match r {
        Read::Rows(b) => Some(b.index),
        Read::Whole(_) | Read::Window(..) | Read::Slices(_) | Read::Inputs(..) | Read::Anywhere(..) => None,
    });
    for buffer in by_row.chain(writes.iter().filter_map(|w| w.rows())) {
        let (needed, got) = (domain.extent.all_rows(), graph.buffers[buffer].extent.all_rows());
        if needed != got {
            return mismatch(buffer, needed, got);
        }
    }
    let buffers = reads.iter().map(|r| r.buffer()).chain(writes.iter().map(|w| w.buffer()));
    for (buffer, [rows, row_words]) in buffers.zip(kernel.shapes()) {
        let info = &graph.buffers[buffer];
        for (needed, got) in [(rows.into(), u64::from(info.extent.rows)), (row_words.into(), info.row_words)] {
            if needed != 0 && needed != got {
                return mismatch(buffer, needed, got);
            }
        }
    }
    for read in reads {
        let (buffer, needed) = match read {
            Read::Whole(_) | Read::Rows(_) | Read::Anywhere(..) => continue,
            // Windows of several slices count rows over all of them, one for every output row.
            Read::Window(b, window) if domain.extent.slices != 1 => {
                if window.numerator != window.denominator {
                    return mismatch(b.index, 1, domain.extent.slices.into());
                }
                let (needed, got) = (domain.extent.all_rows(), graph.buffers[b.index].extent.all_rows());
                if needed != got {
                    return mismatch(b.index, needed, got);
                }
                (b.index, domain.extent.slices)
            }
            Read::Window(b, _) => (b.index, 1),
            Read::Slices(b) => (b.index, domain.extent.slices),
            Read::Inputs(b, _) => (b.index, domain.reduce.map_or(0, |r| r.slices)),
        };
        let got = graph.buffers[buffer].extent.slices;
        if needed != got {
            return mismatch(buffer, needed.into(), got.into());
        }
    }
    Ok(())
}

/// Passes whose results reach a download or a kept buffer, in recorded order.
pub(super) fn live_passes(graph: &Graph<'_>) -> Vec<usize> {
    let mut wanted: Vec<bool> = graph.buffers.iter().map(|info| info.kept.is_some()).collect();
    for keep in &graph.keeps {
        // What the import holds at the end of a run gives way.
        (wanted[keep.from], wanted[keep.to]) = (true, false);
    }
    let mut live = Vec::new();
    for (index, pass) in graph.passes.iter().enumerate().rev() {
        let is_download = matches!(pass.action, Action::Download { .. });
        if !is_download && !results(pass).any(|(buffer, _)| wanted[buffer]) {
            continue;
        }
        for (buffer, replaced) in results(pass) {
            if replaced {
                wanted[buffer] = false;
            }
        }
        for buffer in inputs(pass) {
            wanted[buffer] = true;
        }
        live.push(index);
    }
    live.reverse();
    live
}
