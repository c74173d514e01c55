//! Independent formulations in `f64`, sharing no code and no method with the kernels they are held against.
