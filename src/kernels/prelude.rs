//! What nearly every kernel names.

pub(crate) use super::{Mask, Pixels, pixels::WORD_PIXELS};
pub(crate) use crate::{
    engine::{
        Block, Buffer, Domain, Extent, Graph, Order, Window, Write,
        arithmetic::{exp, inverse_square_root, log, reciprocal},
    },
    kernel, shader_struct,
    vectorised::{LANES, Lanes, gather, vectorised},
};
