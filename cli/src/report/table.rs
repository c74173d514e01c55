use super::{number::seconds, svg::escape};

/// A table with a caption and a header.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    caption: String,
    note: String,
    columns: Vec<String>,
    rows: Vec<Vec<Cell>>,
}

#[derive(Clone, Debug)]
enum Cell {
    Text(String),
    /// Part of a whole, 0 to 1, drawn as a bar.
    Share(f64),
    /// Whether a bar is met; `None` where there is none to meet.
    Verdict(Option<bool>),
}

/// One measure of accuracy.
#[derive(Clone, Debug)]
pub(crate) struct Accuracy {
    /// What was measured, for instance "RMS error in the heart".
    pub(crate) measure: String,
    /// The value with its unit.
    pub(crate) value: String,
    /// The value it has to reach, or what the number means.
    pub(crate) bar: String,
    /// Whether it does; `None` when it is for information only.
    pub(crate) met: Option<bool>,
}

impl Table {
    /// Table without rows.
    pub(crate) fn new<const N: usize>(caption: impl Into<String>, columns: [&str; N]) -> Self {
        Self::of(caption, columns.map(String::from).to_vec(), Vec::new())
    }

    /// Table of texts with any number of columns.
    pub(crate) fn of(caption: impl Into<String>, columns: Vec<String>, rows: Vec<Vec<String>>) -> Self {
        let rows = rows.into_iter().map(|row| row.into_iter().map(Cell::Text).collect()).collect();
        Self { caption: caption.into(), note: String::new(), columns, rows }
    }

    /// How to read the numbers, below the caption.
    #[cfg(feature = "nn")]
    #[must_use]
    pub(crate) fn note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }

    /// Adds a row of texts; a column whose every cell begins with a digit or a sign is set to the right.
    #[must_use]
    pub(crate) fn row<const N: usize>(mut self, cells: [&str; N]) -> Self {
        self.rows.push(cells.map(|c| Cell::Text(c.into())).to_vec());
        self
    }

    /// Measure, value, bar and verdict of each accuracy.
    pub(crate) fn accuracy(caption: impl Into<String>, measures: impl IntoIterator<Item = Accuracy>) -> Self {
        let row =
            |m: Accuracy| vec![Cell::Text(m.measure), Cell::Text(m.value), Cell::Text(m.bar), Cell::Verdict(m.met)];
        let rows = measures.into_iter().map(row).collect();
        Self { rows, ..Self::new(caption, ["Measure", "Value", "Bar or meaning", "Verdict"]) }
    }

    /// Seconds of each stage, their share of the whole as a bar, and the sum.
    pub(crate) fn timing<S: Into<String>>(
        caption: impl Into<String>,
        stages: impl IntoIterator<Item = (S, f64)>,
    ) -> Self {
        let stages: Vec<(String, f64)> = stages.into_iter().map(|(stage, s)| (stage.into(), s)).collect();
        let total: f64 = stages.iter().map(|(_, s)| s).sum();
        let row = |(stage, s): (String, f64)| vec![Cell::Text(stage), Cell::Text(seconds(s)), Cell::Share(s / total)];
        let mut rows: Vec<_> = stages.into_iter().map(row).collect();
        rows.push(vec![Cell::Text("All".into()), Cell::Text(seconds(total)), Cell::Text(String::new())]);
        Self { rows, ..Self::new(caption, ["Stage", "Time", "Share"]) }
    }

    fn is_numeric(&self, column: usize) -> bool {
        let numbers = || {
            self.rows.iter().filter_map(|row| row.get(column)).map(|cell| matches!(cell, Cell::Text(t) if is_number(t)))
        };
        column > 0 && !self.rows.is_empty() && numbers().all(|number| number)
    }

    pub(super) fn html(&self) -> String {
        let numeric: Vec<bool> = (0..self.columns.len()).map(|column| self.is_numeric(column)).collect();
        let class = |column: usize| if numeric.get(column) == Some(&true) { " class=\"number\"" } else { "" };
        let names = self.columns.iter().enumerate();
        let head: String = names.map(|(n, c)| format!("<th scope=\"col\"{}>{}</th>", class(n), escape(c))).collect();
        let rows: String = self.rows.iter().map(|row| row_html(row, &class)).collect();
        let note = if self.note.is_empty() { String::new() } else { format!("<span>{}</span>", escape(&self.note)) };
        format!(
            "<div class=\"table\"><table><caption>{}{note}</caption><thead><tr>{head}</tr></thead>\
             <tbody>{rows}</tbody></table></div>",
            escape(&self.caption)
        )
    }
}

fn row_html<'a>(row: &[Cell], class: &impl Fn(usize) -> &'a str) -> String {
    let mut html = String::from("<tr>");
    for (index, cell) in row.iter().enumerate() {
        html += &match (index, cell) {
            (0, Cell::Text(text)) => format!("<th scope=\"row\">{}</th>", escape(text)),
            (column, Cell::Text(text)) => format!("<td{}>{}</td>", class(column), escape(text)),
            (_, Cell::Share(share)) => {
                let percent = if share.is_finite() { (share * 100.0).clamp(0.0, 100.0) } else { 0.0 };
                format!(
                    "<td class=\"share\"><span style=\"width:{percent:.1}%\"></span> {}</td>",
                    percent_text(percent)
                )
            }
            (_, Cell::Verdict(Some(true))) => "<td class=\"met\">✓ met</td>".into(),
            (_, Cell::Verdict(Some(false))) => "<td class=\"missed\">✗ missed</td>".into(),
            (_, Cell::Verdict(None)) => "<td class=\"muted\">for information</td>".into(),
        };
    }
    html + "</tr>"
}

fn percent_text(percent: f64) -> String {
    if percent > 0.0 && percent < 1.0 { "below 1 %".into() } else { format!("{percent:.0} %") }
}

/// Whether a cell is a number, starred or not, or the dash of one that is missing.
fn is_number(text: &str) -> bool {
    let text = text.trim_start_matches(['★', ' ']);
    text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '−' | '+' | '±' | '-' | '–' | '<'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timing_shares_sum_up() {
        let html = Table::timing("Time", [("Project", 0.3), ("Filter <1>", 0.1)]).html();
        for part in ["width:75.0%", "400 ms", "Filter &lt;1&gt;", "<th scope=\"row\">Project</th>"] {
            assert!(html.contains(part), "{part} is missing");
        }
        assert!(Table::timing("Nothing", [("idle", 0.0)]).html().contains("width:0.0%"));
    }

    #[test]
    fn verdicts_are_words_not_only_colours() {
        let measure = |met| Accuracy { measure: "RMS".into(), value: "0.1 %".into(), bar: "0.5 %".into(), met };
        let html = Table::accuracy("Accuracy", [Some(true), Some(false), None].map(measure)).html();
        assert!(html.contains("✓ met") && html.contains("✗ missed") && html.contains("for information"));
        assert_eq!(html.matches("<td class=\"number\">").count(), 6);
    }

    #[test]
    fn starred_and_missing_numbers_are_set_to_the_right() {
        let column = |cell: &str| Table::new("t", ["name", "value"]).row(["a", cell]).row(["b", "0.5"]).html();
        for cell in ["★ 12.5 ± 0.1", "–", "−3"] {
            assert!(column(cell).contains("<th scope=\"col\" class=\"number\">value</th>"), "{cell}");
        }
        assert!(!column("★ none").contains("class=\"number\""));
    }

    #[test]
    fn plain_rows_are_escaped() {
        let html = Table::new("Files & sizes", ["File"]).row(["<x>"]).html();
        assert!(html.contains("Files &amp; sizes") && html.contains("&lt;x&gt;"));
    }
}
