//! What nearly every kernel names.

pub(crate) use super::{Mask, Pixels};
pub(crate) use crate::{
    engine::{Block, Buffer, Domain, Extent, Graph, Order, Reduce, Window, Write},
    kernel, shader_struct,
    vectorised::{LANES, Lanes, gather, vectorised},
};
