use std::path::PathBuf;

/// What goes wrong with learned systems.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A recipe that cannot be followed.
    #[error("recipe: {0}")]
    Recipe(String),
    /// A model file that cannot be used.
    #[error("{}: {reason}", path.display())]
    Model {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A file that cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// An option outside its range.
    #[error("{0}")]
    Options(String),
    /// The noise of an image cannot be told.
    #[error(transparent)]
    Noise(#[from] kerma::noise::NoiseError),
    /// An image that cannot be denoised.
    #[error("{0}")]
    Image(String),
    /// The smallest tiles need more memory than the budget.
    #[error("{needed_bytes} bytes are needed even for tiles of {tile} pixels, the budget is {budget_bytes}")]
    MemoryBudget {
        /// Rows and columns of the smallest tile.
        tile: usize,
        /// Bytes that denoising takes in such tiles.
        needed_bytes: u64,
        /// The budget.
        budget_bytes: u64,
    },
    /// The device fails with the smallest tiles although the plan was within the budget.
    #[error("the device failed even with tiles of {tile} pixels: {reason}")]
    OutOfMemory {
        /// Rows and columns of the smallest tile.
        tile: usize,
        /// What the device says.
        reason: String,
    },
    /// A tensor that an operator does not take.
    #[error("the operator takes {needed}, got {got}")]
    Shape {
        /// What it takes.
        needed: String,
        /// What it was given.
        got: String,
    },
    /// A tensor is larger than what the device binds at once.
    #[error("a tensor of {needed_bytes} bytes is needed, the device binds {limit_bytes} bytes at once")]
    Binding {
        /// Bytes of the tensor.
        needed_bytes: u64,
        /// The device's limit.
        limit_bytes: u64,
    },
    /// A training whose loss or gradients are no numbers any more.
    #[error("the {what} of step {step} is {value}; a smaller learning rate may help")]
    Diverged {
        /// The step, counted from 0.
        step: usize,
        /// What is no number.
        what: &'static str,
        /// What it is.
        value: f64,
    },
    /// The tensor library fails.
    #[error("the device failed: {0}")]
    Tensor(String),
    /// The engine fails.
    #[error(transparent)]
    Engine(#[from] kerma::engine::Error),
    /// A task of the engine fails.
    #[error(transparent)]
    Task(#[from] kerma::tasks::TaskError),
}

impl Error {
    /// Whether the device, rather than the request, is to blame.
    #[must_use]
    pub fn is_device_failure(&self) -> bool {
        match self {
            Self::OutOfMemory { .. } | Self::Tensor(_) => true,
            Self::Engine(error) | Self::Task(kerma::tasks::TaskError::Engine(error)) => error.is_device_failure(),
            _ => false,
        }
    }
}
