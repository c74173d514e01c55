//! Counts the lines of a kernel that are not mathematics.
//!
//! Of every file in `src/kernels` that declares a kernel, its top-level items are taken (the sources are formatted, so an
//! item ends where a line closes it without indentation). Scaffold are imports, the kernel's declaration in all its parts
//! and the function that records it. Functions that the twin or the tables of `record` are computed with, constants, types of
//! the user's and tests are not. Blank lines and comments count nowhere.

use std::{fs, path::Path};

use crate::run::Result;

/// Code lines of one file.
#[derive(Default)]
struct Count {
    file: String,
    imports: usize,
    declaration: usize,
    record: usize,
    all: usize,
}

impl Count {
    fn scaffold(&self) -> usize {
        self.imports + self.declaration + self.record
    }
}

/// Prints the count of every kernel, the median and the largest.
pub(crate) fn print(folder: &Path) -> Result<()> {
    let mut counts = Vec::new();
    walk(folder, &mut counts)?;
    counts.sort_by(|a, b| a.file.cmp(&b.file));
    println!("{:<32} {:>7} {:>11} {:>6} {:>8} {:>5}", "kernel", "imports", "declaration", "record", "scaffold", "all");
    for count in &counts {
        let Count { file, imports, declaration, record, all } = count;
        let file = file.trim_start_matches("src/kernels/");
        println!("{file:<32} {imports:>7} {declaration:>11} {record:>6} {:>8} {all:>5}", count.scaffold());
    }
    let median = |of: fn(&Count) -> usize| {
        let mut values: Vec<usize> = counts.iter().map(of).collect();
        values.sort_unstable();
        (values.get(values.len() / 2).copied().unwrap_or(0), values.last().copied().unwrap_or(0))
    };
    for (name, (median, most)) in [
        ("declaration", median(|c| c.declaration)),
        ("imports and declaration", median(|c| c.imports + c.declaration)),
        ("scaffold", median(Count::scaffold)),
    ] {
        println!("{name}: median {median}, most {most}");
    }
    let [scaffold, all] = [Count::scaffold, |c: &Count| c.all].map(|of| counts.iter().map(of).sum::<usize>());
    println!("{} kernels: {scaffold} of {all} lines are scaffold", counts.len());
    Ok(())
}

fn walk(folder: &Path, counts: &mut Vec<Count>) -> Result<()> {
    let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.is_dir() {
            walk(&path, counts)?;
        } else {
            let text = fs::read_to_string(&path).map_err(failed)?;
            counts.extend(counted(&text).map(|count| Count { file: path.display().to_string(), ..count }));
        }
    }
    Ok(())
}

/// Counts one file; none if it declares no kernel.
fn counted(text: &str) -> Option<Count> {
    let items = items(text);
    // The type of the kernel, where it is written out.
    let kernel = items.iter().find_map(|item| item[0].strip_prefix("impl Kernel for ")?.split([' ', '<']).next());
    let mut count = Count::default();
    let mut is_kernel = kernel.is_some();
    for item in &items {
        let first =
            item[0].trim_start_matches("pub(super) ").trim_start_matches("pub(crate) ").trim_start_matches("pub ");
        let lines = item.len();
        let is_type = |name: &str| first.strip_prefix("struct ").is_some_and(|rest| rest.starts_with(name));
        count.all += lines;
        if first.starts_with("use ") {
            count.imports += lines;
        } else if first.starts_with("kernel! {") {
            is_kernel = true;
            count.declaration += lines;
        } else if first.starts_with("impl Kernel for ") {
            count.declaration += lines - twin_lines(item);
        } else if first.starts_with("shader_struct! {")
            || first.starts_with("static SHADER")
            || kernel.is_some_and(is_type)
        {
            count.declaration += lines;
            // A shader that shares its kernel with others of the room.
            is_kernel |= first.starts_with("static SHADER");
        } else if first.starts_with("fn record") {
            count.record += lines;
        }
    }
    is_kernel.then_some(count)
}

/// Lines of the twin in an implementation that is written out.
fn twin_lines(item: &[&str]) -> usize {
    let Some(start) = item.iter().position(|line| line.starts_with("    fn twin(")) else { return 0 };
    let end = item[start..].iter().position(|line| *line == "    }").unwrap_or(0);
    end + 1
}

/// Top-level items as their code lines, without tests.
fn items(text: &str) -> Vec<Vec<&str>> {
    let text = text.split("\n#[cfg(test)]").next().unwrap_or_default();
    let mut items: Vec<Vec<&str>> = Vec::new();
    let mut is_open = false;
    for line in text.lines().filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with("//")) {
        if is_open {
            items.last_mut().into_iter().for_each(|item| item.push(line));
        } else {
            items.push(vec![line]);
        }
        let is_indented = line.starts_with(' ');
        let closes = line.ends_with('}') || line.ends_with(';');
        let is_attribute = line.starts_with("#[");
        is_open = is_indented || !closes || (is_open && is_attribute);
    }
    items
}
