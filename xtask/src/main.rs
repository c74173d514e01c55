//! `cargo xtask`: set-up and checks of the workspace.

fn main() {}
