//! Where source and detector stand, view by view; named geometries are constructors of those views.

mod error;
mod view;

pub use error::GeometryError;
pub use view::{Geometry, Source, View};
