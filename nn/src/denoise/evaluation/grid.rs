use std::fmt::{self, Display};

use super::{Interval, Metric, Outcome, metric::Better};

/// A table for people: one row per method, the best entry of each column marked.
#[derive(Clone, Debug, PartialEq)]
pub struct Grid {
    /// What the numbers are.
    pub title: String,
    /// How to read them.
    pub note: String,
    /// Names of the columns; the first is that of the rows' names.
    pub columns: Vec<String>,
    /// As many entries as columns.
    pub rows: Vec<Vec<Entry>>,
}

/// One entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// Number with its interval.
    pub text: String,
    /// Whether no entry of the column is better.
    pub is_best: bool,
}

impl Entry {
    fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), is_best: false }
    }
}

/// `mean ± half`.
pub(super) fn plain(interval: &Interval, decimals: usize) -> String {
    let Interval { mean, half, .. } = interval;
    half.map_or_else(|| format!("{mean:.decimals$}"), |half| format!("{mean:.decimals$} ± {half:.decimals$}"))
}

/// The same with the sign of the mean.
pub(super) fn signed(interval: &Interval, decimals: usize) -> String {
    let sign = if interval.mean >= 0.0 { "+" } else { "" };
    format!("{sign}{}", plain(interval, decimals))
}

impl Outcome {
    /// All tables, in the order in which they are read.
    #[must_use]
    pub fn grids(&self) -> Vec<Grid> {
        let metrics =
            Metric::ALL.into_iter().filter(|metric| self.cells.iter().any(|c| c.measures.contains_key(metric)));
        let mut grids = Vec::new();
        for metric in metrics {
            grids.push(self.grid(metric));
            if matches!(metric, Metric::Psnr | Metric::Ssim | Metric::MsSsim) {
                grids.extend(self.differences(metric));
            }
        }
        grids.extend(self.matched_grid());
        grids.extend(self.seam_grid());
        grids.extend(self.verdict_grid());
        grids
    }

    fn by_method(
        &self,
        entry: impl Fn(&str, &str, super::NoiseKind) -> Option<Entry>,
    ) -> (Vec<String>, Vec<Vec<Entry>>) {
        let columns = std::iter::once("method".to_owned()).chain(self.conditions.iter().map(super::Condition::label));
        let row = |method: &String| {
            let entries: Vec<Option<Entry>> = self.conditions.iter().map(|c| entry(method, &c.dose, c.noise)).collect();
            let name = Entry::plain(method.as_str());
            let cells = entries.iter().cloned().map(|entry| entry.unwrap_or_else(|| Entry::plain("–")));
            entries.iter().any(Option::is_some).then(|| std::iter::once(name).chain(cells).collect())
        };
        (columns.collect(), self.methods.iter().filter_map(row).collect())
    }

    fn grid(&self, metric: Metric) -> Grid {
        let mean = |dose: &str, noise, method: &str| {
            self.measured(dose, noise, method, metric).map(|measured| measured.interval.mean)
        };
        let best = |dose: &str, noise| {
            let all = self.methods.iter().filter_map(|method| mean(dose, noise, method));
            match metric.better() {
                Better::Higher => all.reduce(f64::max),
                Better::Lower => all.reduce(f64::min),
                Better::Neither => None,
            }
        };
        let (columns, rows) = self.by_method(|method, dose, noise| {
            let measured = self.measured(dose, noise, method, metric)?;
            let is_best = best(dose, noise) == Some(measured.interval.mean);
            Some(Entry { text: plain(&measured.interval, metric.decimals()), is_best })
        });
        let count = self.cells.iter().filter_map(|c| c.measures.get(&metric)).map(|m| m.interval.count).max();
        let mut note = format!("Mean over {} images ± 95 % confidence interval (Student).", count.unwrap_or(0));
        note += match metric.better() {
            Better::Higher => " Higher is better.",
            Better::Lower => " Lower is better.",
            Better::Neither => "",
        };
        match metric {
            Metric::Cpbd => {
                let clean = self.clean_cpbd.map(|clean| plain(&clean, metric.decimals())).unwrap_or_default();
                note += &format!(" Clean images: {clean}. Noise raises it; nobody wins.");
            }
            Metric::FeatureDistance => {
                note += " By the built-in network of recipes/features.toml: 0 for equal images, at most 4.";
            }
            Metric::FalseStructure => {
                note += " Energy of the errors at the size of lesions over that of the noise: 1 of the noisy image.";
            }
            Metric::ContrastRecovery => note += " 1: inserts keep their contrast.",
            Metric::Seconds => note += &format!(" {}.", self.machine),
            _ => {}
        }
        Grid { title: metric.label().to_owned(), note, columns, rows }
    }

    fn differences(&self, metric: Metric) -> Option<Grid> {
        let baseline = self.baseline.as_ref()?;
        let (columns, rows) = self.by_method(|method, dose, noise| {
            let ahead = self.measured(dose, noise, method, metric)?.ahead?;
            (method != baseline).then(|| Entry::plain(signed(&ahead, metric.decimals())))
        });
        let note = "Mean of the differences on the same images ± 95 % confidence interval (Student).".to_owned();
        (!rows.is_empty()).then(|| Grid { title: format!("{}, less {baseline}", metric.label()), note, columns, rows })
    }

    fn matched_grid(&self) -> Option<Grid> {
        let row = |dose: &super::MatchedDose| {
            [
                format!("{:.0}, {}", dose.quanta, dose.noise.name()),
                format!("{:.1}", dose.start),
                plain(&dose.psnr, 2),
                format!("{:.2}", dose.best),
                signed(&dose.gap, 3),
            ]
            .map(Entry::plain)
            .to_vec()
        };
        (!self.matched.is_empty()).then(|| Grid {
            title: "Matched start t*".to_owned(),
            note: "PSNR in dB when the chain is entered at the level of the estimated noise, and how much better the best \
                   of the factors tried is."
                .to_owned(),
            columns: ["dose, noise", "t*", "PSNR", "best factor", "gap"].map(str::to_owned).to_vec(),
            rows: self.matched.iter().map(row).collect(),
        })
    }

    fn seam_grid(&self) -> Option<Grid> {
        let row = |line: &super::SeamLine| {
            [
                line.method.clone(),
                format!("{} dose, {}", line.dose, line.noise.name()),
                format!("{} px every {:.1} px", line.tile, line.period_px),
                format!("{:.2}", line.difference_db),
                format!("{:.2}", line.error_db),
            ]
            .map(Entry::plain)
            .to_vec()
        };
        (!self.seams.is_empty()).then(|| Grid {
            title: "Seams of tiles".to_owned(),
            note: "Strongest spectral line at the tiles' distance over the frequencies beside it, in dB.".to_owned(),
            columns: ["method", "noise", "tiles", "denoised − noisy", "denoised − clean"].map(str::to_owned).to_vec(),
            rows: self.seams.iter().map(row).collect(),
        })
    }

    fn verdict_grid(&self) -> Option<Grid> {
        let row = |verdict: &super::Verdict| {
            let holds = if verdict.holds { "holds" } else { "FAILS" };
            [verdict.check.as_str(), verdict.found.as_str(), holds].map(Entry::plain).to_vec()
        };
        (!self.verdicts.is_empty()).then(|| Grid {
            title: "Checks".to_owned(),
            note: String::new(),
            columns: ["check", "found", "verdict"].map(str::to_owned).to_vec(),
            rows: self.verdicts.iter().map(row).collect(),
        })
    }

    /// What was evaluated, in a sentence.
    #[must_use]
    pub fn lead(&self) -> String {
        let [columns, rows] = self.size;
        format!(
            "{} held-out images of {columns} × {rows} pixels (bodies of seed {}), noise of seed {}",
            self.images.len(),
            self.image_seed,
            self.seed
        )
    }
}

impl Grid {
    /// The table in Markdown, the best of each column in bold.
    #[must_use]
    pub fn markdown(&self) -> String {
        let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
        let bold = |entry: &Entry| {
            let text = entry.text.replace('|', "\\|");
            if entry.is_best { format!("**{text}**") } else { text }
        };
        let mut text = format!("## {}\n", self.title);
        if !self.note.is_empty() {
            text += &format!("{}\n", self.note);
        }
        text += "\n";
        text += &line(self.columns.clone());
        text += &line(vec!["---".to_owned(); self.columns.len()]);
        text.extend(self.rows.iter().map(|row| line(row.iter().map(bold).collect())));
        text
    }
}

impl Display for Grid {
    /// Columns of even width; a star marks the best.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let starred = |entry: &Entry| format!("{}{}", entry.text, if entry.is_best { " *" } else { "" });
        let rows: Vec<Vec<String>> = std::iter::once(self.columns.clone())
            .chain(self.rows.iter().map(|row| row.iter().map(starred).collect()))
            .collect();
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..self.columns.len()).map(width).collect();
        writeln!(f, "{}", self.title)?;
        for row in &rows {
            let cells: Vec<String> = row.iter().zip(&widths).map(|(text, width)| format!("{text:width$}")).collect();
            writeln!(f, "  {}", cells.join("  ").trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid() -> Grid {
        let row = |name: &str, text: &str, is_best| vec![Entry::plain(name), Entry { text: text.to_owned(), is_best }];
        let columns = ["method", "low dose"].map(str::to_owned).to_vec();
        let rows = vec![row("noisy", "20.10 ± 0.20", false), row("BM3D", "31.00 ± 0.25", true)];
        Grid { title: "PSNR (dB)".to_owned(), note: "Means.".to_owned(), columns, rows }
    }

    #[test]
    fn the_best_is_bold_in_markdown_and_starred_in_text() {
        let markdown = "## PSNR (dB)\nMeans.\n\n| method | low dose |\n| --- | --- |\n| noisy | 20.10 ± 0.20 |\n\
                        | BM3D | **31.00 ± 0.25** |\n";
        assert_eq!(grid().markdown(), markdown);
        let text = "PSNR (dB)\n  method  low dose\n  noisy   20.10 ± 0.20\n  BM3D    31.00 ± 0.25 *\n";
        assert_eq!(grid().to_string(), text);
    }

    #[test]
    fn intervals_are_printed_with_their_halves() {
        let interval = |mean, half| Interval { mean, half, count: 3 };
        assert_eq!(signed(&interval(-1.25, Some(0.5)), 2), "-1.25 ± 0.50");
        assert_eq!(signed(&interval(1.25, None), 1), "+1.2");
    }
}
