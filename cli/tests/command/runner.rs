use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use tempfile::TempDir;

/// A small cone-beam scan: 12 views of 16 x 8 pixels, which see a volume of about 160 mm.
pub(crate) const SCAN: &str = "\
kind = \"cone-circular\"
source_isocentre_mm = 500.0
source_detector_mm = 800.0
views = 12
start_deg = 0.0
arc_deg = 360.0
detector = [16, 8]
pitch_mm = [20.0, 20.0]
offset_mm = [0.0, 0.0]
";

/// A grid that [`SCAN`] sees.
pub(crate) const GRID: &str = "10x10x4@16x16x16";

/// A folder in which the command runs.
pub(crate) struct Room {
    folder: TempDir,
}

impl Room {
    pub(crate) fn new() -> Self {
        Self { folder: TempDir::new().unwrap() }
    }

    /// A room with `scan.toml`, `volume.nii` and `stack.nrrd` that fit together.
    pub(crate) fn furnished() -> Self {
        let room = Self::new();
        room.put("scan.toml", SCAN);
        room.done(&["phantom", "spheres", "--grid", GRID, "--out", "volume.nii"]);
        room.done(&["project", "volume.nii", "--geometry", "scan.toml", "--out", "stack.nrrd"]);
        room
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn put(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(name), content).unwrap();
    }

    pub(crate) fn bytes(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    /// Names and contents of all files, to see whether a command left any trace.
    pub(crate) fn contents(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let entries = fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().path());
        let mut files: Vec<_> = entries.map(|p| (p.clone(), fs::read(&p).unwrap_or_default())).collect();
        files.sort();
        files
    }

    /// The command in this folder, on a machine without a GPU.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kerma"));
        command.current_dir(self.folder.path()).args(args).env("VK_DRIVER_FILES", nowhere());
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// Runs what must succeed on the CPU backend, without a word on standard error; returns standard output.
    pub(crate) fn done(&self, args: &[&str]) -> String {
        let output = self.run(&[args, &["--device", "cpu"]].concat());
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), error.as_str()), (Some(0), ""), "{args:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs what must be refused: exit code 2, nothing written, and one line that holds every one of `words`.
    pub(crate) fn refused(&self, args: &[&str], words: &[&str]) {
        let before = self.contents();
        let output = self.run(&[args, &["--device", "cpu"]].concat());
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}: {error}");
        assert!(output.stdout.is_empty(), "{args:?}");
        assert!(error.starts_with("kerma: ") && error.lines().count() == 1, "{args:?}: {error}");
        for word in words {
            assert!(error.contains(word), "{args:?}: {error:?} lacks {word:?}");
        }
        assert!(self.contents() == before, "{args:?} left something behind");
    }
}

/// A file of real data, from the folder `KERMA_TEST_DATA` or that beside the checkout; a missing one is named and skips its test.
pub(crate) fn real(name: &str) -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    let path = std::env::var_os("KERMA_TEST_DATA").map_or_else(beside, PathBuf::from).join(name);
    if path.exists() {
        return Some(path);
    }
    println!("ABSENT {name}");
    None
}

fn nowhere() -> &'static Path {
    Path::new("/nonexistent/driver.json")
}
