use std::{
    borrow::Cow,
    marker::PhantomData,
    sync::atomic::{AtomicU64, Ordering},
};

use bytemuck::Pod;

use super::{
    Buffer, Domain, Error, Extent, Input, Kept, Kernel, Output, Shared,
    buffer::{Entry, KeptEntry},
    words::{Words, words_of},
};

/// How a pass reads a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    /// All of it, whatever part of the output is computed: tables.
    Whole(Entry),
    /// The rows that correspond one to one to the output's rows.
    Rows(Entry),
    /// The slices that correspond one to one to the output's slices, whatever their rows.
    Slices(Entry),
    /// The slices over which the kernel sums, and so many slices before and behind each: interpolation between slices. Slices
    /// beyond an end of the buffer are not there, and no kernel may read them.
    Inputs(Entry, u32),
    /// Any element, from any invocation, of a buffer in up to so many parts: a volume that does not fit one binding. Each part
    /// takes a binding of its own; the shader finds elements with the generated function `NAME_at(row, column, columns)`.
    Anywhere(Entry, u32),
    /// The rows around the one that corresponds to an output row: stencils, pyramids, strips.
    Window(Entry, Window),
}

/// Which rows of a buffer an output row needs.
///
/// ```text
/// output row o reads rows first + ⌊o·n/d⌋ to last + ⌊o·n/d⌋, both included
/// ```
/// where n is `numerator` and d `denominator`. Rows beyond an end of the buffer count as the row at that end; whatever a
/// kernel reads in their place must lie in the window, as rows mirrored within the reach of a stencil do.
///
/// Buffer and domain have one slice; or rows are counted over all slices, as many in the buffer as in the domain and one for each
/// (n = d), so that a row's neighbours in a volume are those before and behind it and those a slice away. A buffer larger than a
/// binding may be in several parts: a dispatch then binds one of them, or a copy of just the rows it needs, so a shader must find
/// every row with `NAME_row`. The rows that one output row needs (one grain of rows, if the domain has grains) must fit a binding.
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
    fn entry(self) -> Entry {
        match self {
            Self::Whole(b) | Self::Rows(b) | Self::Slices(b) | Self::Inputs(b, _) | Self::Anywhere(b, _) => b,
            Self::Window(b, _) => b,
        }
    }

    pub(crate) fn buffer(self) -> usize {
        self.entry().index
    }
}

/// How a pass writes a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Write {
    /// Every element is written, row by row with the output; what was there is gone.
    Replace(Entry),
    /// The result is added to what is there, row by row with the output.
    Update(Entry),
    /// Any invocation may add to any sum ([`super::Sums`]); the buffer fits one binding.
    Accumulate(Entry),
}

impl Write {
    fn entry(self) -> Entry {
        match self {
            Self::Replace(b) | Self::Update(b) | Self::Accumulate(b) => b,
        }
    }

    pub(crate) fn buffer(self) -> usize {
        self.entry().index
    }

    pub(crate) fn is_update(self) -> bool {
        matches!(self, Self::Update(_))
    }

    /// Whether what was there still counts.
    pub(crate) fn is_added(self) -> bool {
        matches!(self, Self::Update(_) | Self::Accumulate(_))
    }

    /// The buffer that is written row by row with the output.
    pub(crate) fn rows(self) -> Option<usize> {
        match self {
            Self::Replace(b) | Self::Update(b) => Some(b.index),
            Self::Accumulate(_) => None,
        }
    }
}

impl<T> Buffer<T> {
    /// Read all of it, whatever part of the output is computed.
    #[must_use]
    pub fn whole(self) -> Read {
        Read::Whole(self.entry)
    }

    /// Read the rows that correspond to the output's rows.
    #[must_use]
    pub fn rows(self) -> Read {
        Read::Rows(self.entry)
    }

    /// Read the slices that correspond to the output's slices.
    #[must_use]
    pub fn slices(self) -> Read {
        Read::Slices(self.entry)
    }

    /// Read the slices over which the kernel sums.
    #[must_use]
    pub fn inputs(self) -> Read {
        self.inputs_around(0)
    }

    /// Read the slices over which the kernel sums, and `reach` slices before and behind each of them.
    #[must_use]
    pub fn inputs_around(self, reach: u32) -> Read {
        Read::Inputs(self.entry, reach)
    }

    /// Read any element from any invocation, through up to so many bindings.
    #[must_use]
    pub fn anywhere(self, bindings: u32) -> Read {
        Read::Anywhere(self.entry, bindings)
    }

    /// Read the rows around the one that corresponds to an output row.
    #[must_use]
    pub fn window(self, window: Window) -> Read {
        Read::Window(self.entry, window)
    }

    /// Write every element.
    #[must_use]
    pub fn replace(self) -> Write {
        Write::Replace(self.entry)
    }

    /// Add to what is there.
    #[must_use]
    pub fn update(self) -> Write {
        Write::Update(self.entry)
    }
}

impl<T> From<Buffer<T>> for Write {
    fn from(buffer: Buffer<T>) -> Self {
        buffer.replace()
    }
}

/// What a kernel of [`kernel!`](crate::kernel) writes elements of type `T` to: anything that is a [`Write`], which is there
/// already, or the label of a new buffer.
///
/// A new buffer has the rows and columns that the kernel declares. Its slices, and its rows where any number is declared, are
/// those of what the output goes along with: the first input that is read by rows, or else by slices, or else by windows. If
/// there is none, it has one slice, and its rows must be declared.
pub trait Target<T> {
    /// What is given back: what was there, or the new buffer.
    type Written: Copy + Into<Write>;

    /// The target of so many rows and columns, 0 for any number, of a pass with these inputs.
    fn written(self, graph: &mut Graph<'_>, shape: [u32; 2], reads: &[Read]) -> Self::Written;
}

impl<T, W: Copy + Into<Write>> Target<T> for W {
    type Written = W;

    fn written(self, _: &mut Graph<'_>, _: [u32; 2], _: &[Read]) -> W {
        self
    }
}

impl<T: Pod> Target<T> for &str {
    type Written = Buffer<T>;

    fn written(self, graph: &mut Graph<'_>, [rows, columns]: [u32; 2], reads: &[Read]) -> Buffer<T> {
        let first = |is_it: fn(&Read) -> bool| reads.iter().copied().find(is_it);
        let along = first(|read| matches!(read, Read::Rows(_)))
            .or_else(|| first(|read| matches!(read, Read::Slices(_))))
            .or_else(|| first(|read| matches!(read, Read::Window(..))))
            .map_or(Extent { slices: 1, rows: 0, columns: 0 }, |read| graph.extent_of(read.entry()));
        let rows = if rows == 0 { along.rows } else { rows };
        graph.buffer(self, Extent { rows, columns, ..along })
    }
}

impl Buffer<u64> {
    /// Add to sums; begin with [`Graph::clear`].
    #[must_use]
    pub fn accumulate(self) -> Write {
        Write::Accumulate(self.entry)
    }
}

pub(crate) struct BufferInfo {
    pub(crate) label: String,
    pub(crate) extent: Extent,
    /// Words of one row.
    pub(crate) row_words: u64,
    /// The buffer of a session that this one is.
    pub(crate) kept: Option<KeptEntry>,
}

impl BufferInfo {
    pub(crate) fn of<T: Pod>(label: String, extent: Extent) -> Self {
        Self { label, extent, row_words: u64::from(extent.columns) * words_of::<T>(), kept: None }
    }

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

/// A buffer that takes the place of a kept one when a run ends, whose memory it gets in exchange.
pub(crate) struct Keep {
    pub(crate) from: usize,
    /// The import.
    pub(crate) to: usize,
}

pub(crate) enum Action<'a> {
    Upload { data: Words<'a>, to: usize },
    Input { to: usize },
    Clear { buffer: usize },
    Copy { from: usize, to: usize },
    Compute { kernel: Box<dyn Kernel + 'a>, domain: Domain, reads: Vec<Read>, writes: Vec<Write> },
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
///
/// Recording never fails. What is wrong with a pass as it is recorded, buffers of another graph or parameters that do not
/// go together ([`Graph::refuse`]), is kept, and [`super::Plan::new`] gives the first of it as an error.
pub struct Graph<'a> {
    /// Told apart from all other graphs of the process, so that their buffers are.
    pub(crate) id: u64,
    pub(crate) buffers: Vec<BufferInfo>,
    pub(crate) outputs: Vec<OutputInfo>,
    pub(crate) passes: Vec<Pass<'a>>,
    pub(crate) keeps: Vec<Keep>,
    pub(crate) refusal: Option<Error>,
}

impl Default for Graph<'_> {
    fn default() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let id = COUNT.fetch_add(1, Ordering::Relaxed);
        let (buffers, outputs, passes) = (Vec::new(), Vec::new(), Vec::new());
        Self { id, buffers, outputs, passes, keeps: Vec::new(), refusal: None }
    }
}

impl<'a> Graph<'a> {
    /// Empty graph.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// New buffer; `label` reads `stage.purpose` and is its name in errors and traces.
    pub fn buffer<T: Pod>(&mut self, label: impl Into<String>, extent: Extent) -> Buffer<T> {
        let index = self.buffers.len();
        self.buffers.push(BufferInfo::of::<T>(label.into(), extent));
        self.named(index)
    }

    /// New buffer filled with borrowed host data; what does not lie at a whole word of memory is copied.
    pub fn upload<T: Pod>(&mut self, label: impl Into<String>, extent: Extent, data: &'a [T]) -> Buffer<T> {
        self.upload_words(label.into(), extent, Words::borrowed(data))
    }

    /// New buffer filled with host data that the graph shares, so that it borrows nothing.
    pub fn upload_shared<T: Pod>(&mut self, label: impl Into<String>, extent: Extent, data: Shared<T>) -> Buffer<T> {
        self.upload_words(label.into(), extent, data.into())
    }

    /// New buffer filled with host data that the graph keeps: tables computed while recording.
    pub fn upload_table<T: Pod>(&mut self, label: impl Into<String>, data: &[T]) -> Buffer<T> {
        let words: Vec<u32> = bytemuck::pod_collect_to_vec(data);
        self.upload_words(label.into(), Extent::table(data.len()), Words::Plain(Cow::Owned(words)))
    }

    /// New buffer that [`super::Inputs`] fill anew for every run.
    pub fn input<T: Pod>(&mut self, label: impl Into<String>, extent: Extent) -> Input<T> {
        let label = label.into();
        let Buffer { entry, element } = self.buffer(label.clone(), extent);
        self.push(label, Action::Input { to: entry.index });
        Input { entry, element }
    }

    /// A session's buffer as one of this graph's: it begins a run with what it holds, and what passes write to it stays.
    pub fn import<T: Pod>(&mut self, kept: Kept<T>) -> Buffer<T> {
        if let Some((index, _)) = self.imports().find(|(_, entry)| *entry == kept.entry) {
            return self.named(index);
        }
        let buffer = self.buffer(format!("kept.{}", kept.entry.index), kept.extent);
        self.buffers[buffer.entry.index].kept = Some(kept.entry);
        buffer
    }

    /// Makes `buffer` what the session's `kept` holds after a run, without a copy: the two exchange their memory.
    ///
    /// The graph may import `kept` too, and reads in it what was there before the run.
    pub fn keep<T: Pod>(&mut self, buffer: Buffer<T>, kept: Kept<T>) {
        let Some(from) = self.own("keep", buffer.entry) else { return };
        let to = self.import(kept).entry.index;
        self.keeps.push(Keep { from, to });
    }

    /// Fills a buffer with borrowed host data, in place of what it held.
    pub(crate) fn overwrite<T: Pod>(&mut self, buffer: Buffer<T>, data: &'a [T]) {
        let words = Words::borrowed(data);
        let index = buffer.entry.index;
        self.push(self.buffers[index].label.clone(), Action::Upload { data: words, to: index });
    }

    /// Imported buffers, each with what it is in its session.
    pub(crate) fn imports(&self) -> impl Iterator<Item = (usize, KeptEntry)> {
        self.buffers.iter().enumerate().filter_map(|(index, info)| info.kept.map(|entry| (index, entry)))
    }

    fn upload_words<T: Pod>(&mut self, label: String, extent: Extent, data: Words<'a>) -> Buffer<T> {
        let buffer = self.buffer(label.clone(), extent);
        self.push(label, Action::Upload { data, to: buffer.entry.index });
        buffer
    }

    /// Sets every element to zero.
    pub fn clear<T>(&mut self, buffer: Buffer<T>) {
        let Some(buffer) = self.own("clear", buffer.entry) else { return };
        self.push(self.buffers[buffer].label.clone(), Action::Clear { buffer });
    }

    /// Copies one buffer into another of the same extent.
    pub fn copy<T>(&mut self, from: Buffer<T>, to: Buffer<T>) {
        let (Some(from), Some(to)) = (self.own("copy", from.entry), self.own("copy", to.entry)) else { return };
        self.push(self.buffers[to].label.clone(), Action::Copy { from, to });
    }

    /// Computes `writes` from `reads`; both in the order of the shader's bindings.
    pub fn compute(
        &mut self,
        label: impl Into<String>,
        kernel: impl Kernel + 'a,
        reads: impl Into<Vec<Read>>,
        writes: impl Into<Vec<Write>>,
    ) {
        let (label, reads, writes) = (label.into(), reads.into(), writes.into());
        let mut entries = reads.iter().map(|r| r.entry()).chain(writes.iter().map(|w| w.entry()));
        if entries.all(|entry| self.own(&label, entry).is_some()) {
            let output = writes.first().map_or(Extent::default(), |write| self.buffers[write.buffer()].extent);
            let domain = kernel.domain(output);
            self.push(label, Action::Compute { kernel: Box::new(kernel), domain, reads, writes });
        }
    }

    /// New host array of `len` elements that downloads fill.
    pub fn output<T: Pod>(&mut self, label: impl Into<String>, len: usize) -> Output<T> {
        let index = self.outputs.len();
        self.outputs.push(OutputInfo { label: label.into(), words: len * words_of::<T>() as usize });
        Output { entry: Entry { graph: self.id, index }, element: PhantomData }
    }

    /// Copies a whole buffer into an output, from element `first` on.
    pub fn download<T: Pod>(&mut self, from: Buffer<T>, output: Output<T>, first: usize) {
        let own = (self.own("download", from.entry), self.own("download", output.entry));
        let (Some(from), Some(output)) = own else { return };
        let first_word = first * words_of::<T>() as usize;
        self.push(self.buffers[from].label.clone(), Action::Download { from, output, first_word });
    }

    /// Downloads a whole buffer into an output of its own.
    pub fn result<T: Pod>(&mut self, from: Buffer<T>) -> Output<T> {
        let (label, words) = match self.own("download", from.entry) {
            Some(from) => (self.buffers[from].label.clone(), self.buffers[from].words()),
            None => (String::new(), 0),
        };
        let output = self.output(label, (words / words_of::<T>()) as usize);
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
                Action::Upload { .. } | Action::Input { .. } | Action::Download { .. } => Vec::new(),
            };
            let label = pass.label.clone();
            self.passes.push(pass);
            for index in written {
                let info = &self.buffers[index];
                let (buffer, words) = (info.label.clone(), info.words() as usize);
                let output = self.output(buffer.clone(), words);
                self.download(self.named(index), output, 0);
                taps.push((format!("{label}: {buffer}"), output));
            }
        }
        taps
    }

    /// Extent of a buffer; of one of another graph a single element, since whatever uses it is refused.
    #[must_use]
    pub fn extent<T>(&self, buffer: Buffer<T>) -> Extent {
        self.extent_of(buffer.entry)
    }

    fn extent_of(&self, Entry { graph, index }: Entry) -> Extent {
        if graph == self.id { self.buffers[index].extent } else { Extent::table(1) }
    }

    /// Makes this a graph that cannot be planned: for functions that record passes and find their parameters at odds.
    pub fn refuse(&mut self, pass: &str, reason: impl Into<String>) {
        self.keep_refusal(Error::Precondition { pass: pass.to_owned(), reason: reason.into() });
    }

    fn keep_refusal(&mut self, error: Error) {
        self.refusal.get_or_insert(error);
    }

    fn named<T>(&self, index: usize) -> Buffer<T> {
        Buffer { entry: Entry { graph: self.id, index }, element: PhantomData }
    }

    /// The index of what belongs to this graph.
    fn own(&mut self, pass: &str, entry: Entry) -> Option<usize> {
        if entry.graph == self.id {
            return Some(entry.index);
        }
        self.keep_refusal(Error::OtherGraph { place: pass.to_owned() });
        None
    }

    fn push(&mut self, label: String, action: Action<'a>) {
        self.passes.push(Pass { label, action });
    }
}
