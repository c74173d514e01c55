use thiserror::Error;

/// A phantom or a shape that cannot exist; always the caller's parameter.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum PhantomError {
    /// No built-in phantom has this name.
    #[error("no phantom is called \"{name}\"; there are: {allowed}")]
    UnknownName {
        /// The name given.
        name: String,
        /// The names that exist, separated by commas.
        allowed: String,
    },
    /// A length of a shape is zero, negative or not finite.
    #[error("{shape} {field} must be positive, got {got} mm")]
    Size {
        /// Which shape.
        shape: &'static str,
        /// Which of its lengths.
        field: &'static str,
        /// The length given, in millimetres.
        got: f64,
    },
    /// A position or rotation of a shape holds NaN or infinity, or a rotation is zero and so none at all.
    #[error("{shape} {field} must be finite")]
    NotFinite {
        /// Which shape.
        shape: &'static str,
        /// Which of its parameters.
        field: &'static str,
    },
    /// A vector that should point somewhere has no length.
    #[error("{shape} {field} must not have zero length")]
    NoDirection {
        /// Which shape.
        shape: &'static str,
        /// Which of its parameters.
        field: &'static str,
    },
}
