use std::fmt::{self, Display};

use serde_json::{Map, Value, json};

use crate::context::Context;

/// Names of the columns: the image that is the truth, and the one that is judged.
const COLUMNS: [&str; 2] = ["reference", "image"];

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
    /// The convention.
    how: String,
    /// For the reference and for the image, or for the pair in the place of the image.
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
    /// A number about both images.
    pub(super) fn pair(&mut self, key: &str, label: &str, how: &str, value: &f64, text: impl FnOnce(&f64) -> String) {
        self.put(key, label, how, 1, value, text);
    }

    /// A number about one image.
    pub(super) fn put(
        &mut self,
        key: &str,
        label: &str,
        how: &str,
        column: usize,
        value: &f64,
        text: impl FnOnce(&f64) -> String,
    ) {
        self.set(key, label, how, column, Cell { text: text(value), value: json!(value), reason: None });
    }

    /// A number that there is not, and why.
    pub(super) fn lacking(&mut self, key: &str, label: &str, how: &str, column: usize, reason: &str) {
        let text = format!("not defined ({reason})");
        self.set(key, label, how, column, Cell { text, value: Value::Null, reason: Some(reason.to_owned()) });
    }

    fn set(&mut self, key: &str, label: &str, how: &str, column: usize, cell: Cell) {
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
            let cell = |column: usize| cells[column].as_ref().map(|cell| &cell.value);
            match (cell(0), cell(1)) {
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

impl Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts: Vec<[String; 3]> = self
            .rows
            .iter()
            .map(|row| {
                let [reference, image] = [0, 1].map(|column| row.cells[column].as_ref().map_or("", |cell| &cell.text));
                let values = match reference {
                    "" => image.to_owned(),
                    _ => format!("{reference} -> {image}"),
                };
                [row.label.clone(), values, row.how.clone()]
            })
            .collect();
        let width = |column: usize| texts.iter().map(|cells| cells[column].chars().count()).max().unwrap_or(0);
        let [labels, values] = [width(0), width(1)];
        for [label, value, how] in &texts {
            writeln!(f, "  {label:labels$}  {value:values$}  {how}")?;
        }
        Ok(())
    }
}
