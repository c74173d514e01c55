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
    /// The device's memory does not hold the work, with the smallest tiles.
    #[error("the device has too little memory even for tiles of {tile} pixels: {reason}")]
    Memory {
        /// Rows and columns of the smallest tile.
        tile: usize,
        /// What the device says.
        reason: String,
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
