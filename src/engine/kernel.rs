use std::ops::Range;

use super::{Extent, Sums, structs::StructText};

/// Storage buffers that a kernel may bind: what every WebGPU device allows, and what [`super::Tile`] has room for.
pub(crate) const STORAGE_BINDINGS: usize = 8;

/// How closely a kernel's results are promised to agree between devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    /// Integer work: the same bits everywhere.
    Exact,
    /// The same bits wherever the adapter passes the numeric self-test.
    Pinned,
    /// Within a stated bound of an f64 oracle.
    Tolerance,
}

impl Tier {
    /// One-letter name used in reports.
    #[must_use]
    pub fn letter(self) -> char {
        match self {
            Self::Exact => 'E',
            Self::Pinned => 'P',
            Self::Tolerance => 'T',
        }
    }
}

/// Storage buffer of a shader, by name.
#[derive(Clone, Copy, Debug)]
pub struct Storage {
    /// Name, the same in the shader and in the declaration of the kernel.
    pub name: &'static str,
    /// Type of an element in WGSL.
    pub element: &'static str,
    /// What may be addressed, and how.
    pub access: Access,
}

/// How invocations reach the elements of a storage buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Rows of the part or copy that is bound, at `NAME_row(row)`.
    Rows,
    /// Any element of a buffer in up to so many bindings, as `NAME_at(row, column, columns)`; `columns` elements make a row.
    Anywhere(u32),
    /// Sums of 64 bits, by `NAME_add(index, amount)`.
    Sums,
}

/// Text of one compute shader and what it binds.
///
/// Bindings of group 0: 0 = `tile` (uniform, [`super::Tile`]), 1 = `params` (uniform), then the storage buffers read,
/// then those written, in the order in which passes name them. The entry point is `main`. Declarations of all of them are
/// generated, and functions to reach their elements ([`Access`]). Rows are counted over all slices.
#[derive(Debug)]
pub struct Shader {
    /// Name, `room.stem`, as in `project.siddon`.
    pub name: &'static str,
    /// Promise of the kernel.
    pub tier: Tier,
    /// WGSL without what is generated: the shader's own file, then files it shares with others.
    pub source: &'static str,
    /// Shared structs whose WGSL text is put in front, the parameter struct first.
    pub structs: &'static [StructText],
    /// Storage buffers read.
    pub reads: &'static [Storage],
    /// Storage buffers written.
    pub writes: &'static [Storage],
    /// Columns, rows and slices of the output that one workgroup covers. With one slice, rows are counted over all slices and
    /// dispatches have two dimensions; with more, a dispatch takes whole slices and has three.
    pub workgroup: [u32; 3],
}

impl Shader {
    /// Storage bindings in order: whether each is only read.
    pub fn storage(&self) -> impl Iterator<Item = bool> {
        let count = |storage: &Storage| match storage.access {
            Access::Anywhere(bindings) => bindings as usize,
            Access::Rows | Access::Sums => 1,
        };
        let all = self.reads.iter().map(|s| (s, true)).chain(self.writes.iter().map(|s| (s, false)));
        all.flat_map(move |(storage, is_read)| std::iter::repeat_n(is_read, count(storage)))
    }
}

/// Order in which a kernel may go through its input slices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// First to last.
    Ascending,
    /// First to last for the outputs that are ascending (bit 0 of `way`), then last to first for the others (bit 1).
    BothWays,
}

/// Sum over the slices of the inputs that a pass reads with [`super::Read::Inputs`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reduce {
    /// Number of input slices.
    pub slices: u32,
    /// Order in which they must be taken.
    pub order: Order,
}

/// What a pass computes: its outputs, row by row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Domain {
    /// Rows of the outputs; `columns` is the number of invocations of a row.
    pub extent: Extent,
    /// Rows that are computed together: work is divided at multiples of it, counted from the first row of a slice.
    pub grain: u32,
    /// Rows that a twin takes at once where there are so many, for what they share; nothing is divided by it.
    pub block: u32,
    /// Sum over input slices, if the kernel has one.
    pub reduce: Option<Reduce>,
    /// Rough count of arithmetic operations for one output row over all inputs.
    pub row_operations: f64,
}

impl Domain {
    /// Rows that need nothing but themselves and the tables.
    #[must_use]
    pub fn rows(extent: Extent, row_operations: f64) -> Self {
        Self { extent, grain: 1, block: 1, reduce: None, row_operations }
    }

    /// The same, as a sum over so many input slices, taken in an order.
    #[must_use]
    pub fn over(self, slices: u32, order: Order) -> Self {
        Self { reduce: Some(Reduce { slices, order }), ..self }
    }

    /// The same, of which a twin takes so many rows at once.
    #[must_use]
    pub fn in_blocks(self, block: u32) -> Self {
        Self { block, ..self }
    }

    /// Rows of the slices that a workgroup of several covers, which are computed together; none where it covers rows alone.
    pub(crate) fn slab_rows(&self, shader: &Shader) -> Option<u64> {
        let [.., deep] = shader.workgroup;
        (deep > 1).then(|| u64::from(deep) * u64::from(self.extent.rows))
    }

    /// As many rows, each computed by `groups` workgroups of `wide` invocations.
    #[must_use]
    pub fn groups(rows: u32, groups: u32, wide: u32, row_operations: f64) -> Self {
        Self::rows(Extent { slices: 1, rows, columns: groups * wide }, row_operations)
    }
}

/// Which orders take part in a tile of a kernel with [`Order::BothWays`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Both: nothing is split.
    Both,
    /// Only outputs that take their inputs first to last.
    Ascending,
    /// Only outputs that take their inputs last to first.
    Descending,
}

impl Way {
    /// Bits as the shader sees them.
    #[must_use]
    pub fn bits(self) -> u32 {
        match self {
            Self::Ascending => 1,
            Self::Descending => 2,
            Self::Both => 3,
        }
    }

    /// Whether outputs of this direction take part.
    #[must_use]
    pub fn includes(self, descending: bool) -> bool {
        self.bits() & if descending { 2 } else { 1 } != 0
    }
}

/// Part of a pass that one call of a twin computes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Output rows, counted over all slices.
    pub rows: Range<usize>,
    /// Input slices to sum over.
    pub inputs: Range<usize>,
    /// Which orders take part.
    pub way: Way,
    /// Whether the output already holds a partial result to be continued.
    pub resume: bool,
}

/// One computation in its two forms: a shader and the CPU twin with the same bits.
pub trait Kernel: Send + Sync {
    /// The shader.
    fn shader(&self) -> &'static Shader;

    /// Bytes of the parameter struct.
    fn params(&self) -> &[u8];

    /// What the pass computes; `output` is the extent of the first buffer that it writes.
    fn domain(&self, output: Extent) -> Domain;

    /// Rows per slice and words per row that each buffer must have, in binding order; 0 stands for any number.
    ///
    /// An empty list leaves buffers unchecked but for the rows and slices that they share with the domain.
    fn shapes(&self) -> Vec<[u32; 2]> {
        Vec::new()
    }

    /// Computes `block.rows` on the CPU.
    ///
    /// Buffers come in binding order, as words. Those read with [`super::Read::Rows`] and those written hold just the rows of
    /// the block, those read with [`super::Read::Inputs`] its input slices and their neighbours as far as there are any, and
    /// all others are whole. `sums` are the buffers that the pass accumulates in.
    fn twin(&self, block: &Block, reads: &[&[u32]], writes: &mut [&mut [u32]], sums: &[Sums<'_>]);
}
