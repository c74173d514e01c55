//! What a command reports when it is done.

use std::{path::Path, time::Duration};

use kerma::engine::{Counts, Device, PeakBytes};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::report;

/// Stages shorter than this, in seconds, are not worth a word to people.
const SHORTEST_SHOWN_S: f64 = 5e-5;

/// The object that `--json` prints.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Summary {
    /// `cpu`, `gpu`: where plans ran.
    pub(crate) device: String,
    /// Name of the adapter.
    pub(crate) adapter: String,
    /// Driver and its version.
    pub(crate) driver: String,
    /// `pinned` or `fast`.
    pub(crate) numerics: String,
    /// Wall time by stage.
    pub(crate) seconds: Seconds,
    /// Largest memory of any plan.
    pub(crate) peak_bytes: Peak,
    /// What passed between host and device.
    pub(crate) queue: Queue,
    /// Files written.
    pub(crate) outputs: Vec<String>,
    /// What the command measured.
    #[serde(flatten)]
    pub(crate) measured: Map<String, Value>,
}

/// Wall time by stage, in seconds.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Seconds {
    pub(crate) read: f64,
    pub(crate) plan: f64,
    pub(crate) run: f64,
    pub(crate) write: f64,
}

/// Memory at the fullest moment, in bytes.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Peak {
    pub(crate) host: u64,
    pub(crate) device: u64,
}

/// Submissions to a device's queue, how often it was asked how far it has come, and the host memory between the two.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Queue {
    pub(crate) submissions: u64,
    pub(crate) polls: u64,
    pub(crate) staging_bytes: u64,
}

impl Summary {
    /// Summary of a command that has not run yet; without a GPU the work is the CPU backend's.
    pub(crate) fn new() -> Self {
        let mut summary = Self::default();
        summary.set_devices(&[Device::cpu()]);
        summary
    }

    pub(crate) fn set_devices(&mut self, devices: &[Device]) {
        if let Some(first) = devices.first() {
            self.numerics = first.numerics().to_string();
        }
        let all = |of: fn(&Device) -> String| devices.iter().map(of).collect::<Vec<_>>().join(", ");
        self.device = all(|device| if device.adapter().is_some() { "gpu" } else { "cpu" }.to_owned());
        self.adapter = all(|device| match device.adapter() {
            Some(adapter) => adapter.name.clone(),
            None => format!("CPU backend, {} threads", std::thread::available_parallelism().map_or(1, usize::from)),
        });
        self.driver = all(|device| match device.adapter() {
            Some(adapter) => format!("{} {}", adapter.backend, adapter.driver),
            None => concat!("kerma ", env!("CARGO_PKG_VERSION")).to_owned(),
        });
    }

    /// The same for a report's page; times of 0 are no times.
    pub(crate) fn for_page(&self, self_test: String) -> report::Summary {
        let Seconds { read, plan, run, write } = self.seconds;
        let known = |seconds: f64| (seconds > 0.0).then_some(seconds);
        report::Summary {
            device: self.device.clone(),
            adapter: self.adapter.clone(),
            driver: self.driver.clone(),
            numerics: self.numerics.clone(),
            self_test,
            read_seconds: known(read),
            plan_seconds: known(plan),
            run_seconds: known(run),
            write_seconds: known(write),
            peak_host_bytes: Some(self.peak_bytes.host).filter(|bytes| *bytes > 0),
            peak_device_bytes: Some(self.peak_bytes.device).filter(|bytes| *bytes > 0),
        }
    }

    pub(crate) fn raise_peak(&mut self, peak: PeakBytes) {
        self.peak_bytes.host = self.peak_bytes.host.max(peak.host);
        self.peak_bytes.device = self.peak_bytes.device.max(peak.device);
    }

    /// Adds what a run counted; staging is that of the plan that needs most.
    pub(crate) fn add_queue(&mut self, counts: Counts, staging_bytes: u64) {
        self.queue.submissions += counts.submissions;
        self.queue.polls += counts.polls;
        self.queue.staging_bytes = self.queue.staging_bytes.max(staging_bytes);
    }

    pub(crate) fn add_output(&mut self, path: &Path) {
        self.outputs.push(path.display().to_string());
    }

    /// Where the work was done, how long it took and what it needed, on one line.
    pub(crate) fn line(&self) -> String {
        let Seconds { read, plan, run, write } = self.seconds;
        let stages: Vec<String> = [("read", read), ("plan", plan), ("run", run), ("write", write)]
            .into_iter()
            .filter(|(_, seconds)| *seconds >= SHORTEST_SHOWN_S)
            .map(|(stage, seconds)| format!("{stage} {}", duration_text(Duration::from_secs_f64(seconds))))
            .collect();
        let place = if self.device == "cpu" { &self.device } else { &self.adapter };
        let Peak { host, device } = self.peak_bytes;
        let mut line = format!("{place}: {}", stages.join(", "));
        // Not every command knows.
        if host > 0 {
            line.push_str(&format!("; peak host {}", bytes_text(host)));
        }
        if device > 0 {
            line.push_str(&format!(", device {}", bytes_text(device)));
        }
        line
    }
}

/// A number of things for people.
pub(crate) fn counted(count: usize, thing: &str) -> String {
    format!("{count} {thing}{}", if count == 1 { "" } else { "s" })
}

/// A number of bytes for people.
pub(crate) fn bytes_text(count: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let steps = (count.max(1).ilog2() / 10).min(UNITS.len() as u32 - 1);
    let value = count as f64 / f64::from(1024_u32).powi(steps as i32);
    if steps == 0 { format!("{count} B") } else { format!("{value:.1} {}", UNITS[steps as usize]) }
}

/// A time for people: three digits or so.
pub(crate) fn duration_text(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    match seconds {
        s if s < 1.0 => format!("{:.1} ms", s * 1e3),
        s if s < 100.0 => format!("{s:.2} s"),
        s => format!("{} min {:02.0} s", (s / 60.0).floor(), s % 60.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_for_people() {
        assert_eq!((counted(1, "view"), counted(2, "view")), ("1 view".to_owned(), "2 views".to_owned()));
        assert_eq!(bytes_text(0), "0 B");
        assert_eq!(bytes_text(1023), "1023 B");
        assert_eq!(bytes_text(3 << 29), "1.5 GiB");
        assert_eq!(duration_text(Duration::from_micros(1500)), "1.5 ms");
        assert_eq!(duration_text(Duration::from_secs(185)), "3 min 05 s");
    }

    #[test]
    fn the_object_has_the_keys_that_scripts_depend_on() {
        let mut summary = Summary::new();
        summary.measured.insert("voxels".to_owned(), 8.into());
        let object = serde_json::to_value(summary).unwrap();
        for key in ["device", "adapter", "driver", "numerics", "seconds", "peak_bytes", "outputs", "voxels"] {
            assert!(object.get(key).is_some(), "{key}");
        }
    }
}
