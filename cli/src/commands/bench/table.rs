use std::{fmt::Write as _, time::Duration};

use serde::Serialize;

use super::{
    path::{HotPath, Size},
    stopwatch::Times,
};
use crate::summary::duration_text;

/// One hot path on both devices.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    path: &'static str,
    label: String,
    unit: &'static str,
    cpu: Speed,
    gpu: Option<Speed>,
}

/// Times and throughput on one device.
#[derive(Debug, Serialize)]
struct Speed {
    seconds: Times,
    /// Transfers included.
    throughput: f64,
    /// Nanoseconds of one ray, pixel or update, transfers included.
    nanoseconds: f64,
    /// Transfers excluded.
    passes_throughput: Option<f64>,
}

impl Row {
    pub(super) fn new(path: HotPath, size: Size, cpu: Times, gpu: Option<Times>) -> Self {
        let (unit, many) = path.unit();
        let work = path.work(size);
        let speed = |seconds: Times| Speed {
            seconds,
            throughput: work / many / seconds.total,
            nanoseconds: 1e9 * seconds.total / work,
            passes_throughput: seconds.passes.map(|passes| work / many / passes),
        };
        Self { path: path.name(), label: path.label(size), unit, cpu: speed(cpu), gpu: gpu.map(speed) }
    }

    fn cells(&self) -> Vec<String> {
        let time = |seconds: f64| duration_text(Duration::from_secs_f64(seconds));
        let none = || "-".to_owned();
        let mut cells = vec![
            self.label.clone(),
            self.unit.to_owned(),
            time(self.cpu.seconds.total),
            speed_text(self.cpu.throughput),
            speed_text(self.cpu.nanoseconds),
        ];
        if let Some(gpu) = &self.gpu {
            cells.extend([
                time(gpu.seconds.total),
                speed_text(gpu.throughput),
                speed_text(gpu.nanoseconds),
                gpu.seconds.passes.map_or_else(none, time),
                gpu.passes_throughput.map_or_else(none, speed_text),
                format!("{:.1}x", self.cpu.seconds.total / gpu.seconds.total),
            ]);
        }
        cells
    }
}

/// Three significant digits or so.
fn speed_text(speed: f64) -> String {
    match speed {
        s if s < 10.0 => format!("{s:.2}"),
        s if s < 100.0 => format!("{s:.1}"),
        s => format!("{s:.0}"),
    }
}

/// The rows as a table for people.
pub(super) fn text(rows: &[Row], adapter: Option<&str>) -> String {
    let titles: &[&str] = match adapter {
        Some(_) => {
            &["path", "unit", "CPU", "speed", "ns each", "GPU", "speed", "ns each", "no transfers", "speed", "gain"]
        }
        None => &["path", "unit", "CPU", "speed", "ns each"],
    };
    let mut lines: Vec<Vec<String>> = vec![titles.iter().map(|title| (*title).to_owned()).collect()];
    lines.extend(rows.iter().map(Row::cells));
    let widths: Vec<usize> = (0..titles.len())
        .map(|column| {
            lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
        })
        .collect();
    let mut text = adapter.map_or_else(String::new, |name| format!("GPU: {name}\n"));
    for line in &lines {
        let cells = line.iter().zip(&widths).enumerate().map(|(column, (cell, &width))| match column {
            0 | 1 => format!("{cell:<width$}"),
            _ => format!("{cell:>width$}"),
        });
        let _ = writeln!(text, "{}", cells.collect::<Vec<_>>().join("  ").trim_end());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_with_and_without_a_gpu() {
        let times = |total| Times { total, passes: Some(total / 2.0) };
        let row = Row::new(HotPath::Fdk, Size::SMALL, times(2.0), Some(times(0.5)));
        let table = text(&[row], Some("Card"));
        let want = "\
GPU: Card
path                 unit            CPU  speed  ns each       GPU  speed  ns each  no transfers  speed  gain
fdk 180×192² → 128³  G updates/s  2.00 s   0.19     5.30  500.0 ms   0.75     1.32      250.0 ms   1.51  4.0x
";
        assert_eq!(table, want);
        let row = Row::new(HotPath::Fdk, Size::SMALL, times(2.0), None);
        assert_eq!(text(&[row], None).lines().nth(1), Some("fdk 180×192² → 128³  G updates/s  2.00 s   0.19     5.30"));
    }
}
