//! The `kerma` command.

fn main() {}
