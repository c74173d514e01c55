use std::ops::Range;

use super::{Extent, structs::StructText};

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

/// Text of one compute shader and what it binds.
///
/// Bindings of group 0: 0 = `tile` (uniform, [`super::Tile`]), 1 = `params` (uniform), then the storage buffers read,
/// then those written, in the order in which passes name them. The entry point is `main`.
#[derive(Debug)]
pub struct Shader {
    /// Name, `room.stem`, as in `project.siddon`.
    pub name: &'static str,
    /// Promise of the kernel.
    pub tier: Tier,
    /// WGSL without the generated structs: the shader's own file, then files it shares with others.
    pub source: &'static str,
    /// Shared structs whose WGSL text is put in front, the parameter struct first.
    pub structs: &'static [StructText],
    /// Number of storage buffers read.
    pub reads: usize,
    /// Number of storage buffers written.
    pub writes: usize,
    /// Columns and rows of the output that one workgroup covers.
    pub workgroup: [u32; 2],
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

impl Domain {
    /// Rows that need nothing but themselves and the tables.
    #[must_use]
    pub fn rows(extent: Extent, row_operations: f64) -> Self {
        Self { extent, grain: 1, reduce: None, row_operations }
    }
}

/// What a pass computes: its outputs, row by row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Domain {
    /// Rows of the outputs; `columns` is the number of invocations of a row.
    pub extent: Extent,
    /// Rows that are computed together: work is divided at multiples of it, counted from the first row of a slice.
    pub grain: u32,
    /// Sum over input slices, if the kernel has one.
    pub reduce: Option<Reduce>,
    /// Rough count of arithmetic operations for one output row over all inputs.
    pub row_operations: f64,
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

    /// What the pass computes.
    fn domain(&self) -> Domain;

    /// Rows per slice and words per row that each buffer must have, in binding order; 0 stands for any number.
    ///
    /// An empty list leaves buffers unchecked but for the rows and slices that they share with the domain.
    fn shapes(&self) -> Vec<[u32; 2]> {
        Vec::new()
    }

    /// Computes `block.rows` on the CPU.
    ///
    /// `reads` are whole buffers in binding order, as words; each of `writes` holds just the rows of the block.
    fn twin(&self, block: &Block, reads: &[&[u32]], writes: &mut [&mut [u32]]);
}
