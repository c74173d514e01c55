use std::marker::PhantomData;

/// Bytes of one word, the unit in which the engine counts: every element type is a multiple of it.
pub(crate) const WORD_BYTES: u64 = 4;

/// Shape of a buffer: `slices` × `rows` × `columns` elements, columns fastest.
///
/// Slices are the grain at which a buffer may be spread over several allocations; rows are the grain at which work
/// is divided. A volume is `[z][y][x]`, a projection stack `[view][v][u]`, a table one slice of one row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// Number of slices.
    pub slices: u32,
    /// Rows of one slice.
    pub rows: u32,
    /// Elements of one row.
    pub columns: u32,
}

impl Extent {
    /// Extent from its three counts. One that 32 bits do not hold becomes `u32::MAX`, which no plan accepts.
    #[must_use]
    pub fn new(slices: usize, rows: usize, columns: usize) -> Self {
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Self { slices: count(slices), rows: count(rows), columns: count(columns) }
    }

    /// One row: a table.
    #[must_use]
    pub fn table(columns: usize) -> Self {
        Self::new(1, 1, columns)
    }

    /// Number of elements.
    #[must_use]
    pub fn elements(&self) -> u64 {
        self.all_rows() * u64::from(self.columns)
    }

    /// Rows of all slices.
    #[must_use]
    pub fn all_rows(&self) -> u64 {
        u64::from(self.slices) * u64::from(self.rows)
    }
}

/// Number of a buffer or of an output, and the graph in which it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    pub(crate) graph: u64,
    pub(crate) index: usize,
}

/// Virtual buffer of a graph; memory is found for it when the graph is planned.
#[derive(Debug)]
pub struct Buffer<T> {
    pub(crate) entry: Entry,
    pub(crate) element: PhantomData<fn() -> T>,
}

/// Host array that a graph fills by downloads.
#[derive(Debug)]
pub struct Output<T> {
    pub(crate) entry: Entry,
    pub(crate) element: PhantomData<fn() -> T>,
}

/// Buffer of a graph that the host fills anew for every run.
#[derive(Debug)]
pub struct Input<T> {
    pub(crate) entry: Entry,
    pub(crate) element: PhantomData<fn() -> T>,
}

impl<T> Input<T> {
    /// The buffer that is filled.
    #[must_use]
    pub fn buffer(self) -> Buffer<T> {
        Buffer { entry: self.entry, element: PhantomData }
    }
}

/// Number of a kept buffer, and the session that holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KeptEntry {
    pub(crate) session: u64,
    pub(crate) index: usize,
}

/// Buffer that outlives runs; a [`super::Session`] holds its memory, graphs import it.
#[derive(Debug)]
pub struct Kept<T> {
    pub(crate) entry: KeptEntry,
    pub(crate) extent: Extent,
    pub(crate) element: PhantomData<fn() -> T>,
}

impl<T> Kept<T> {
    /// Its extent.
    #[must_use]
    pub fn extent(self) -> Extent {
        self.extent
    }
}

// Derived impls would ask for `T: Clone`; handles are copies whatever they point to.
impl<T> Clone for Buffer<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Buffer<T> {}
impl<T> Clone for Output<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Output<T> {}
impl<T> Clone for Input<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Input<T> {}
impl<T> Clone for Kept<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Kept<T> {}
