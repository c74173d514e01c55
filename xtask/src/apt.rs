//! Debian's and Ubuntu's packages: installed, or only downloaded and unpacked.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::run::{Result, output};

/// Whether this machine is Debian or descends from it.
pub(crate) fn is_at_home() -> bool {
    fs::read_to_string("/etc/os-release").is_ok_and(|text| descends_from_debian(&text))
}

/// Installs packages, as root or through sudo.
pub(crate) fn install(packages: &[&str]) -> Result<()> {
    eprintln!("xtask: installing {}", packages.join(" "));
    let words = ["apt-get", "install", "--yes", "--no-install-recommends"];
    with_current_lists(|| output(as_root()?.args(words).args(OPTIONS).args(packages)))
}

/// Downloads a package into `folder`, which must be empty, and unpacks it there; nothing is installed.
pub(crate) fn unpack(package: &str, folder: &Path) -> Result<()> {
    eprintln!("xtask: downloading {package}");
    with_current_lists(|| {
        output(Command::new("apt-get").args(["download", package]).args(OPTIONS).current_dir(folder))
    })?;
    let files = fs::read_dir(folder).map_err(|error| format!("cannot list {}: {error}", folder.display()))?;
    let mut archives =
        files.flatten().map(|file| file.path()).filter(|path| path.extension().is_some_and(|e| e == "deb"));
    let archive = archives.next().ok_or_else(|| format!("apt-get left no {package} in {}", folder.display()))?;
    output(Command::new("dpkg").arg("-x").arg(archive).arg(folder)).map(drop)
}

/// A busy package manager is waited for, a broken connection tried again.
const OPTIONS: [&str; 4] = ["-o", "DPkg::Lock::Timeout=120", "-o", "Acquire::Retries=3"];

/// Bare machines come without package lists, and old lists name files that are gone: either shows as a failure.
fn with_current_lists(step: impl Fn() -> Result<String>) -> Result<()> {
    if step().is_ok() {
        return Ok(());
    }
    eprintln!("xtask: updating the package lists");
    output(as_root()?.args(["apt-get", "update"]).args(OPTIONS))?;
    step().map(drop)
}

/// A command that gives root's rights, and no questions asked, to the words that follow.
fn as_root() -> Result<Command> {
    let is_root = output(Command::new("id").arg("-u"))?.trim() == "0";
    let mut command = Command::new(if is_root { "env" } else { "sudo" });
    command.args(if is_root { None } else { Some("env") }).arg("DEBIAN_FRONTEND=noninteractive");
    Ok(command)
}

fn descends_from_debian(os_release: &str) -> bool {
    os_release
        .lines()
        .filter_map(|line| line.split_once('='))
        .filter(|(key, _)| ["ID", "ID_LIKE"].contains(key))
        .any(|(_, value)| value.trim_matches(['"', '\'']).split_whitespace().any(|name| name == "debian"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debian_and_its_descendants_are_known() {
        assert!(descends_from_debian("PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nID=debian\n"));
        assert!(descends_from_debian("ID=ubuntu\nID_LIKE=debian\n"));
        assert!(descends_from_debian("ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n"));
    }

    #[test]
    fn other_systems_are_not_debian() {
        assert!(!descends_from_debian("ID=fedora\nHOME_URL=\"https://example.org/?ID=debian\"\n"));
        assert!(!descends_from_debian("ID=\"debianish\"\nVARIANT_ID=debian\n"));
        assert!(!descends_from_debian(""));
    }
}
