use std::{borrow::Cow, marker::PhantomData};

use bytemuck::Pod;

use super::{Buffer, Extent, Kernel, Output, buffer::WORD_BYTES};

/// How a pass reads a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    /// All of it, whatever part of the output is computed: tables.
    Whole(usize),
    /// The rows that correspond one to one to the output's rows.
    Rows(usize),
    /// The slices that correspond one to one to the output's slices, whatever their rows.
    Slices(usize),
    /// The slices over which the kernel sums.
    Inputs(usize),
    /// The rows around the one that corresponds to an output row: stencils, pyramids, strips.
    Window(usize, Window),
}

/// Which rows of a buffer of one slice an output row needs.
///
/// ```text
/// output row o reads rows first + ⌊o·n/d⌋ to last + ⌊o·n/d⌋, both included
/// ```
/// where n is `numerator` and d `denominator`. Rows beyond an end of the buffer count as the row at that end; whatever a
/// kernel reads in their place must lie in the window, as rows mirrored within the reach of a stencil do.
///
/// Buffer and domain have one slice. A buffer larger than a binding may be in several parts: a dispatch then binds one
/// of them, or a copy of just the rows it needs, so a shader must find every row with `bound_row`. The rows that one
/// output row needs (one grain of rows, if the domain has grains) must fit a binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Rows of the buffer for every `denominator` output rows.
    pub numerator: u32,
    /// See `numerator`.
    pub denominator: u32,
    /// First row needed, relative to the corresponding one.
    pub first: i32,
    /// Last row needed, relative to the corresponding one.
    pub last: i32,
}

impl Window {
    /// Window of a stencil that reaches `reach` rows up and down.
    #[must_use]
    pub fn around(reach: u32) -> Self {
        let reach = reach as i32;
        Self { numerator: 1, denominator: 1, first: -reach, last: reach }
    }
}

impl Read {
    pub(crate) fn buffer(self) -> usize {
        match self {
            Self::Whole(b) | Self::Rows(b) | Self::Slices(b) | Self::Inputs(b) | Self::Window(b, _) => b,
        }
    }
}

/// How a pass writes a buffer; always row by row with the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Write {
    /// Every element is written; what was there is gone.
    Replace(usize),
    /// The result is added to what is there.
    Update(usize),
}

impl Write {
    pub(crate) fn buffer(self) -> usize {
        match self {
            Self::Replace(b) | Self::Update(b) => b,
        }
    }

    pub(crate) fn is_update(self) -> bool {
        matches!(self, Self::Update(_))
    }
}

impl<T> Buffer<T> {
    /// Read all of it, whatever part of the output is computed.
    #[must_use]
    pub fn whole(self) -> Read {
        Read::Whole(self.id)
    }

    /// Read the rows that correspond to the output's rows.
    #[must_use]
    pub fn rows(self) -> Read {
        Read::Rows(self.id)
    }

    /// Read the slices that correspond to the output's slices.
    #[must_use]
    pub fn slices(self) -> Read {
        Read::Slices(self.id)
    }

    /// Read the slices over which the kernel sums.
    #[must_use]
    pub fn inputs(self) -> Read {
        Read::Inputs(self.id)
    }

    /// Read the rows around the one that corresponds to an output row.
    #[must_use]
    pub fn window(self, window: Window) -> Read {
        Read::Window(self.id, window)
    }

    /// Write every element.
    #[must_use]
    pub fn replace(self) -> Write {
        Write::Replace(self.id)
    }

    /// Add to what is there.
    #[must_use]
    pub fn update(self) -> Write {
        Write::Update(self.id)
    }
}

pub(crate) struct BufferInfo {
    pub(crate) label: String,
    pub(crate) extent: Extent,
    /// Words of one row.
    pub(crate) row_words: u64,
}

impl BufferInfo {
    pub(crate) fn words(&self) -> u64 {
        self.extent.all_rows() * self.row_words
    }

    pub(crate) fn slice_words(&self) -> u64 {
        u64::from(self.extent.rows) * self.row_words
    }
}

pub(crate) struct OutputInfo {
    pub(crate) label: String,
    pub(crate) words: usize,
}

pub(crate) enum Action<'a> {
    Upload { data: Cow<'a, [u32]>, to: usize },
    Clear { buffer: usize },
    Copy { from: usize, to: usize },
    Compute { kernel: Box<dyn Kernel + 'a>, reads: Vec<Read>, writes: Vec<Write> },
    Download { from: usize, output: usize, first_word: usize },
}

pub(crate) struct Pass<'a> {
    pub(crate) label: String,
    pub(crate) action: Action<'a>,
}

/// Recorded computation: virtual buffers and the passes that fill them.
///
/// Passes run in the order recorded; lifetimes follow from what they read and write. Data that are uploaded are
/// borrowed for the graph's life, never copied while recording.
#[derive(Default)]
pub struct Graph<'a> {
    pub(crate) buffers: Vec<BufferInfo>,
    pub(crate) outputs: Vec<OutputInfo>,
    pub(crate) passes: Vec<Pass<'a>>,
}

impl<'a> Graph<'a> {
    /// Empty graph.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// New buffer; `label` reads `stage.purpose` and is its name in errors and traces.
    pub fn buffer<T: Pod>(&mut self, label: impl Into<String>, extent: Extent) -> Buffer<T> {
        let id = self.buffers.len();
        let row_words = u64::from(extent.columns) * words_of::<T>();
        self.buffers.push(BufferInfo { label: label.into(), extent, row_words });
        Buffer { id, element: PhantomData }
    }

    /// New buffer filled with borrowed host data.
    pub fn upload<T: Pod>(&mut self, label: impl Into<String>, extent: Extent, data: &'a [T]) -> Buffer<T> {
        self.upload_words(label.into(), extent, Cow::Borrowed(bytemuck::cast_slice(data)))
    }

    /// New buffer filled with host data that the graph keeps: tables computed while recording.
    pub fn upload_table<T: Pod>(&mut self, label: impl Into<String>, data: &[T]) -> Buffer<T> {
        let words: Vec<u32> = bytemuck::cast_slice(data).to_vec();
        self.upload_words(label.into(), Extent::table(data.len()), Cow::Owned(words))
    }

    fn upload_words<T: Pod>(&mut self, label: String, extent: Extent, data: Cow<'a, [u32]>) -> Buffer<T> {
        let buffer = self.buffer(label.clone(), extent);
        self.push(label, Action::Upload { data, to: buffer.id });
        buffer
    }

    /// Sets every element to zero.
    pub fn clear<T>(&mut self, buffer: Buffer<T>) {
        let label = self.buffers[buffer.id].label.clone();
        self.push(label, Action::Clear { buffer: buffer.id });
    }

    /// Copies one buffer into another of the same extent.
    pub fn copy<T>(&mut self, from: Buffer<T>, to: Buffer<T>) {
        let label = self.buffers[to.id].label.clone();
        self.push(label, Action::Copy { from: from.id, to: to.id });
    }

    /// Computes `writes` from `reads`; both in the order of the shader's bindings.
    pub fn compute(
        &mut self,
        label: impl Into<String>,
        kernel: impl Kernel + 'a,
        reads: impl Into<Vec<Read>>,
        writes: impl Into<Vec<Write>>,
    ) {
        let action = Action::Compute { kernel: Box::new(kernel), reads: reads.into(), writes: writes.into() };
        self.push(label.into(), action);
    }

    /// New host array of `len` elements that downloads fill.
    pub fn output<T: Pod>(&mut self, label: impl Into<String>, len: usize) -> Output<T> {
        let id = self.outputs.len();
        self.outputs.push(OutputInfo { label: label.into(), words: len * words_of::<T>() as usize });
        Output { id, element: PhantomData }
    }

    /// Copies a whole buffer into an output, from element `first` on.
    pub fn download<T: Pod>(&mut self, from: Buffer<T>, output: Output<T>, first: usize) {
        let label = self.buffers[from.id].label.clone();
        let first_word = first * words_of::<T>() as usize;
        self.push(label, Action::Download { from: from.id, output: output.id, first_word });
    }

    /// Downloads a whole buffer into an output of its own.
    pub fn result<T: Pod>(&mut self, from: Buffer<T>) -> Output<T> {
        let info = &self.buffers[from.id];
        let (label, len) = (info.label.clone(), (info.words() / words_of::<T>()) as usize);
        let output = self.output(label, len);
        self.download(from, output, 0);
        output
    }

    /// Downloads what every pass on the device writes, right after it: for comparing devices pass by pass.
    ///
    /// Returns, in the order of the passes, `pass: buffer` and its words. Passes whose results nobody would have read
    /// take part too.
    pub fn tap(&mut self) -> Vec<(String, Output<u32>)> {
        let mut taps = Vec::new();
        for pass in std::mem::take(&mut self.passes) {
            let written: Vec<usize> = match &pass.action {
                Action::Clear { buffer } => vec![*buffer],
                Action::Copy { to, .. } => vec![*to],
                Action::Compute { writes, .. } => writes.iter().map(|w| w.buffer()).collect(),
                Action::Upload { .. } | Action::Download { .. } => Vec::new(),
            };
            let label = pass.label.clone();
            self.passes.push(pass);
            for id in written {
                let info = &self.buffers[id];
                let (buffer, words) = (info.label.clone(), info.words() as usize);
                let output = self.output(buffer.clone(), words);
                self.download(Buffer::<u32> { id, element: PhantomData }, output, 0);
                taps.push((format!("{label}: {buffer}"), output));
            }
        }
        taps
    }

    /// Extent of a buffer.
    #[must_use]
    pub fn extent<T>(&self, buffer: Buffer<T>) -> Extent {
        self.buffers[buffer.id].extent
    }

    fn push(&mut self, label: String, action: Action<'a>) {
        self.passes.push(Pass { label, action });
    }
}

/// Words of one element. Element types are shader types, whose sizes are multiples of a word.
fn words_of<T: Pod>() -> u64 {
    const { assert!(size_of::<T>() > 0 && size_of::<T>().is_multiple_of(WORD_BYTES as usize)) };
    size_of::<T>() as u64 / WORD_BYTES
}
