use super::{
    Figure, Table, compare,
    number::{bytes, seconds},
    svg::escape,
};

/// The page's look; inlined so that the file stands alone.
const STYLE: &str = include_str!("style.css");
/// Nothing is loaded but the pictures within the page, and nothing is run.
const POLICY: &str = "default-src 'none'; img-src data:; style-src 'unsafe-inline'";

/// Where and how a run was computed, what it took and needed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Summary {
    /// `cpu` or `gpu`.
    pub(crate) device: String,
    /// Name of the adapter or processor.
    pub(crate) adapter: String,
    /// Driver and its version.
    pub(crate) driver: String,
    /// `pinned` or `fast`.
    pub(crate) numerics: String,
    /// Verdict of the device's numeric self-test.
    pub(crate) self_test: String,
    /// Seconds spent reading, planning, running and writing; `None` where not measured.
    pub(crate) read_seconds: Option<f64>,
    pub(crate) plan_seconds: Option<f64>,
    pub(crate) run_seconds: Option<f64>,
    pub(crate) write_seconds: Option<f64>,
    /// Peak memory of host and device; `None` where not measured.
    pub(crate) peak_host_bytes: Option<u64>,
    pub(crate) peak_device_bytes: Option<u64>,
}

/// A chapter of the page.
#[derive(Clone, Debug)]
pub(crate) struct Section {
    title: String,
    blocks: Vec<Block>,
}

#[derive(Clone, Debug)]
enum Block {
    Text(String),
    Figure(Figure),
    Table(Table),
    Notes(Vec<String>),
}

/// The page.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    title: String,
    lead: String,
    summary: Option<Summary>,
    sections: Vec<Section>,
}

impl Section {
    /// Section without content.
    pub(crate) fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), blocks: Vec::new() }
    }

    /// Adds a paragraph.
    #[must_use]
    pub(crate) fn text(self, text: impl Into<String>) -> Self {
        self.with(Block::Text(text.into()))
    }

    /// Adds a figure.
    #[must_use]
    pub(crate) fn figure(self, figure: Figure) -> Self {
        self.with(Block::Figure(figure))
    }

    /// Adds a table.
    #[must_use]
    pub(crate) fn table(self, table: Table) -> Self {
        self.with(Block::Table(table))
    }

    /// Adds a list of remarks, set apart from the text.
    #[must_use]
    pub(crate) fn notes<S: Into<String>>(self, notes: impl IntoIterator<Item = S>) -> Self {
        self.with(Block::Notes(notes.into_iter().map(Into::into).collect()))
    }

    fn with(mut self, block: Block) -> Self {
        self.blocks.push(block);
        self
    }

    fn html(&self, number: usize) -> String {
        let blocks: String = self.blocks.iter().map(Block::html).collect();
        let title = escape(&self.title);
        format!(
            "<section id=\"section-{number}\" aria-labelledby=\"heading-{number}\">\n\
             <h2 id=\"heading-{number}\">{title}</h2>\n{blocks}</section>\n"
        )
    }
}

impl Block {
    fn html(&self) -> String {
        let block = match self {
            Self::Text(text) => format!("<p>{}</p>", escape(text)),
            Self::Figure(figure) => figure.html(),
            Self::Table(table) => table.html(),
            Self::Notes(notes) => {
                let items: String = notes.iter().map(|note| format!("<li>{}</li>", escape(note))).collect();
                format!("<ul class=\"notes\">{items}</ul>")
            }
        };
        block + "\n"
    }
}

impl Report {
    /// Page without sections; `lead` says in a sentence or two what was done.
    pub(crate) fn new(title: impl Into<String>, lead: impl Into<String>) -> Self {
        Self { title: title.into(), lead: lead.into(), summary: None, sections: Vec::new() }
    }

    /// Sets the summary below the title.
    #[must_use]
    pub(crate) fn summary(mut self, summary: Summary) -> Self {
        self.summary = Some(summary);
        self
    }

    /// Adds a section.
    #[must_use]
    pub(crate) fn section(mut self, section: Section) -> Self {
        self.sections.push(section);
        self
    }

    /// The whole page, ready to be written to a file.
    pub(crate) fn to_html(&self) -> String {
        let (title, lead) = (escape(&self.title), escape(&self.lead));
        let numbered = || self.sections.iter().zip(1..);
        let contents: String =
            numbered().map(|(s, n)| format!("<li><a href=\"#section-{n}\">{}</a></li>", escape(&s.title))).collect();
        let sections: String = numbered().map(|(section, number)| section.html(number)).collect();
        let summary = self.summary.as_ref().map(Summary::html).unwrap_or_default();
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
             <meta name=\"generator\" content=\"kerma {version}\">\n\
             <title>{title}</title>\n<style>\n{STYLE}{compare}</style>\n</head>\n<body>\n\
             <header>\n<h1>{title}</h1>\n<p class=\"lead\">{lead}</p>\n{summary}\
             <nav aria-label=\"Contents\"><ol>{contents}</ol></nav>\n</header>\n\
             <main>\n{sections}</main>\n\
             <footer><p>Made by kerma {version}.</p></footer>\n</body>\n</html>\n",
            compare = compare::style(),
            version = env!("CARGO_PKG_VERSION"),
        )
    }
}

impl Summary {
    fn html(&self) -> String {
        let time = |s: Option<f64>| s.map_or_else(String::new, seconds);
        let size = |b: Option<u64>| b.map_or_else(String::new, bytes);
        let machine = [
            ("Device", self.device.clone()),
            ("Adapter", self.adapter.clone()),
            ("Driver", self.driver.clone()),
            ("Numerics", self.numerics.clone()),
            ("Self-test", self.self_test.clone()),
        ];
        let cost = [
            ("Read", time(self.read_seconds)),
            ("Plan", time(self.plan_seconds)),
            ("Run", time(self.run_seconds)),
            ("Write", time(self.write_seconds)),
            ("Peak memory, host", size(self.peak_host_bytes)),
            ("Peak memory, device", size(self.peak_device_bytes)),
        ];
        format!("<div class=\"summary\">{}{}</div>\n", entries_html(&machine), entries_html(&cost))
    }
}

/// A row of named values; those not known are left out.
fn entries_html(entries: &[(&str, String)]) -> String {
    let known = entries.iter().filter(|(_, value)| !value.is_empty());
    let items: String = known.map(|(name, v)| format!("<div><dt>{name}</dt><dd>{}</dd></div>", escape(v))).collect();
    if items.is_empty() { items } else { format!("<dl>{items}</dl>") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Chart, Panel};

    #[test]
    fn page_is_escaped_and_fetches_nothing() {
        let hostile = "<script src=\"https://example.org\">";
        let figure = Figure::new(hostile).panel(Panel::chart(hostile, Chart::new(hostile, hostile)).alt(hostile));
        let summary = Summary { adapter: hostile.into(), run_seconds: Some(1.5), ..Summary::default() };
        let section = Section::new(hostile).text(hostile).figure(figure).notes([hostile]);
        let html = Report::new(hostile, hostile).summary(summary).section(section).to_html();
        assert!(!html.contains("<script"));
        for fetch in ["src=\"", "href=\"http", "url(", "@import"] {
            assert!(!html.contains(fetch), "{fetch}");
        }
        assert!(html.contains("<dt>Run</dt><dd>1.5 s</dd>") && !html.contains("<dt>Driver</dt>"));
    }

    #[test]
    fn contents_lead_to_the_sections() {
        let html = Report::new("t", "l").section(Section::new("A")).section(Section::new("B")).to_html();
        assert!(html.contains("href=\"#section-2\">B</a>") && html.contains("<section id=\"section-2\""));
    }
}
