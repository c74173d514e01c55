//! The `kerma` command.

#[cfg_attr(not(test), expect(dead_code, unused_imports, reason = "the demo command is the first to draw pictures"))]
mod pictures;
#[cfg_attr(not(test), expect(dead_code, unused_imports, reason = "the demo command is the first to write a report"))]
mod report;

fn main() {}
