use std::fmt::{self, Display};

use serde_json::{Map, Value, json};

use crate::context::Context;

/// Names of the columns: the image that is the truth, and the one that is judged.
const COLUMNS: [&str; 2] = ["reference", "image"];
/// Column of what both images tell together; that of the reference stays empty.
pub(super) const PAIR: usize = 1;
/// Longest text to whose width the column of values grows; longer ones stand out.
const WIDEST: usize = 40;

/// What a line of the table is about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line<'a> {
    /// Name for scripts.
    pub(super) key: &'a str,
    /// Name for people.
    pub(super) label: &'a str,
    /// The convention.
    pub(super) how: &'a str,
}

/// What was measured, a line each.
#[derive(Debug, Default)]
pub(super) struct Table {
    rows: Vec<Row>,
    attachments: Map<String, Value>,
}

#[derive(Debug)]
struct Row {
    key: String,
    label: String,
    how: String,
    cells: [Option<Cell>; 2],
}

#[derive(Debug)]
struct Cell {
    text: String,
    /// Null where there is no number, or an infinite one.
    value: Value,
    /// Why there is no number.
    reason: Option<String>,
}

impl Table {
    /// A number, and what people read.
    pub(super) fn put(&mut self, line: Line<'_>, column: usize, value: f64, text: impl FnOnce(f64) -> String) {
        self.set(line, column, Cell { text: text(value), value: json!(value), reason: None });
    }

    /// A number that there is not, and why.
    pub(super) fn lacking(&mut self, line: Line<'_>, column: usize, reason: &str) {
        let text = format!("not defined ({reason})");
        self.set(line, column, Cell { text, value: Value::Null, reason: Some(reason.to_owned()) });
    }

    fn set(&mut self, Line { key, label, how }: Line<'_>, column: usize, cell: Cell) {
        let index = self.rows.iter().position(|row| row.key == key).unwrap_or_else(|| {
            let [key, label, how] = [key, label, how].map(str::to_owned);
            self.rows.push(Row { key, label, how, cells: [None, None] });
            self.rows.len() - 1
        });
        self.rows[index].cells[column] = Some(cell);
    }

    /// More than a number, for scripts alone.
    pub(super) fn attach(&mut self, key: &str, column: usize, value: Value) {
        let entry = self.attachments.entry(key).or_insert_with(|| json!({}));
        entry[COLUMNS[column]] = value;
    }

    /// Adds everything to the summary.
    pub(super) fn measure(&self, context: &mut Context) {
        let mut undefined = Map::new();
        for Row { key, cells, .. } in &self.rows {
            let value = |column: usize| cells[column].as_ref().map(|cell| &cell.value);
            match (value(0), value(1)) {
                (None, value) => context.measure(key, value),
                (reference, image) => context.measure(key, json!({ COLUMNS[0]: reference, COLUMNS[1]: image })),
            }
            let reason = cells.iter().flatten().find_map(|cell| cell.reason.as_ref());
            undefined.extend(reason.map(|reason| (key.clone(), json!(reason))));
        }
        context.measure("undefined", undefined);
        for (key, value) in &self.attachments {
            context.measure(key, value);
        }
    }
}

impl Row {
    /// One value, or those of both images.
    fn values(&self) -> String {
        match &self.cells {
            [Some(reference), Some(image)] if reference.reason.is_some() && reference.text == image.text => {
                image.text.clone()
            }
            [Some(reference), Some(image)] => format!("{} -> {}", reference.text, image.text),
            [one, other] => one.as_ref().or(other.as_ref()).map_or_else(String::new, |cell| cell.text.clone()),
        }
    }
}

impl Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows: Vec<(&Row, String)> = self.rows.iter().map(|row| (row, row.values())).collect();
        let width = |lengths: &mut dyn Iterator<Item = usize>| lengths.filter(|&n| n <= WIDEST).max().unwrap_or(0);
        let labels = width(&mut rows.iter().map(|(row, _)| row.label.len()));
        let values = width(&mut rows.iter().map(|(_, values)| values.len()));
        for (Row { label, how, .. }, text) in &rows {
            writeln!(f, "  {label:labels$}  {text:values$}  {how}")?;
        }
        Ok(())
    }
}
