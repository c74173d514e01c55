use thiserror::Error;

/// What can go wrong between recording a graph and holding its results, grouped by whose fault it is.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum Error {
    // The caller's parameter.
    /// A buffer's extent does not match the data or the kernel that uses it.
    #[error("buffer {buffer}: its shape does not fit, {needed} needed, {got} given")]
    BufferSize {
        /// Label of the buffer.
        buffer: String,
        /// Slices, rows or words that the use asks for.
        needed: u64,
        /// How many there are.
        got: u64,
    },
    /// A pass reads a buffer that nothing has written.
    #[error("pass {pass}: buffer {buffer} is read before anything was written to it")]
    ReadBeforeWrite {
        /// Label of the pass.
        pass: String,
        /// Label of the buffer.
        buffer: String,
    },
    /// A buffer is empty, or has more slices, rows or columns than can be counted.
    #[error("buffer {buffer}: must have 1 to {max} slices, rows and columns, and rows in all, got {slices} × {rows} × {columns}", max = u32::MAX - 1)]
    Extent {
        /// Label of the buffer.
        buffer: String,
        /// Slices.
        slices: u32,
        /// Rows of a slice.
        rows: u32,
        /// Elements of a row.
        columns: u32,
    },
    /// A buffer or an output of another graph was named.
    #[error("{place}: a buffer or output of another graph was named")]
    OtherGraph {
        /// The pass, or what else it was named for.
        place: String,
    },
    /// A kept buffer, a prepared plan or a run of another session, perhaps one that was closed, was named.
    #[error("{place}: it belongs to another session, which may be closed")]
    OtherSession {
        /// The kept buffer, or what else was named.
        place: String,
    },
    /// A run was begun without data for one of the graph's inputs.
    #[error("input {input}: no data were given for it")]
    MissingInput {
        /// Label of the input.
        input: String,
    },
    /// A pass was recorded with parameters that do not go together.
    #[error("pass {pass}: {reason}")]
    Precondition {
        /// Name of the pass.
        pass: String,
        /// What is at odds.
        reason: String,
    },
    /// A pass replaces one of its outputs and updates another.
    #[error("pass {pass}: outputs must all be replaced or all be updated")]
    MixedWrites {
        /// Label of the pass.
        pass: String,
    },
    /// A pass writes a buffer that it reads, or writes one twice.
    #[error("pass {pass}: buffer {buffer} is written and named twice")]
    NamedTwice {
        /// Label of the pass.
        pass: String,
        /// Label of the buffer.
        buffer: String,
    },
    /// A pass reads a buffer through a window without rows, or whose ratio divides by zero.
    #[error("pass {pass}: the window of buffer {buffer} must have first <= last and a denominator above 0")]
    EmptyWindow {
        /// Label of the pass.
        pass: String,
        /// Label of the buffer.
        buffer: String,
    },
    /// A pass names more or other buffers than its shader has bindings.
    #[error("pass {pass}: the shader has {expected} storage bindings, {got} were given")]
    BindingCount {
        /// Label of the pass.
        pass: String,
        /// Bindings of the shader.
        expected: usize,
        /// Buffers given.
        got: usize,
    },
    /// A plan was made for another device, whose limits are wider.
    #[error("the plan was made for wider limits than those of this device")]
    OtherLimits,
    /// An output cannot be copied into memory outside the engine.
    #[error("output {output} cannot be exported: {reason}")]
    Export {
        /// Label of the output.
        output: String,
        /// What is wrong.
        reason: String,
    },
    /// The device asked for is not there.
    #[error("no device {asked}: {available}")]
    NoDevice {
        /// What was asked for.
        asked: String,
        /// What there is, in words.
        available: String,
    },

    // A limit or a budget.
    /// What a dispatch needs of a buffer at the least is larger than what the device can bind.
    #[error("buffer {buffer}: {needed_bytes} bytes must be bound at once, the device allows {limit_bytes}")]
    BindingLimit {
        /// Label of the buffer.
        buffer: String,
        /// Bytes of the smallest indivisible part.
        needed_bytes: u64,
        /// What the device allows.
        limit_bytes: u64,
    },
    /// A plan, or all that a session holds, needs more memory than the budget.
    #[error("{needed_bytes} bytes are needed on the device, the budget is {budget_bytes}")]
    MemoryBudget {
        /// Peak of the plan, or sum of the session.
        needed_bytes: u64,
        /// The budget.
        budget_bytes: u64,
    },
    /// More must be dispatched at once than the device can: a very wide row, or rows that belong together.
    #[error("pass {pass}: {needed} workgroups must be dispatched at once, the device allows {limit}")]
    WorkgroupLimit {
        /// Label of the pass.
        pass: String,
        /// Workgroups needed.
        needed: u64,
        /// What the device allows.
        limit: u64,
    },

    // An unsupported or failing device.
    /// The device lacks something that kerma cannot do without.
    #[error("device {adapter} is not usable: {reason}")]
    Unsupported {
        /// Name of the adapter.
        adapter: String,
        /// What is missing.
        reason: String,
    },
    /// A shader or pipeline was refused by the driver.
    #[error("shader {shader} was refused: {reason}")]
    Shader {
        /// Name of the shader.
        shader: String,
        /// The driver's or validator's words.
        reason: String,
    },
    /// The device ran out of memory although the plan was within the budget.
    #[error("the device is out of memory at {place}")]
    OutOfMemory {
        /// Pass or buffer that failed.
        place: String,
    },
    /// The device stopped: driver reset, unplugged, or watchdog.
    #[error("the device was lost: {reason}; the same graph can be run again on a new device")]
    DeviceLost {
        /// The driver's words.
        reason: String,
    },
    /// A validation error of the graphics interface: a defect in kerma, never a user's.
    #[error("internal device error at {place}: {reason}")]
    Internal {
        /// Pass or buffer that failed.
        place: String,
        /// The validator's words.
        reason: String,
    },

    // Nobody's fault.
    /// The caller asked to stop.
    #[error("cancelled")]
    Cancelled,
}

impl Error {
    /// Whether the device, rather than the request, is to blame.
    #[must_use]
    pub fn is_device_failure(&self) -> bool {
        matches!(
            self,
            Self::Unsupported { .. }
                | Self::Shader { .. }
                | Self::OutOfMemory { .. }
                | Self::DeviceLost { .. }
                | Self::Internal { .. }
        )
    }
}
