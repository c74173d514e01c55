//! The Vulkan drivers of the tests: lavapipe and SwiftShader, software on which kernels are compared with their twins, and
//! RADV, whose compiler for AMD's hardware needs none of it.
//!
//! A driver is known by its ICD file, the JSON in which the Vulkan loader finds the driver's library. The files of the
//! software drivers are given to the loader at once, so that one process sees both adapters.

use std::env;
use std::env::consts::ARCH;
use std::ffi::OsString;
use std::fs;
use std::path::{self, Path, PathBuf};

use crate::apt;
use crate::run::Result;

const LAVAPIPE_VARIABLE: &str = "KERMA_LAVAPIPE_ICD";
const SWIFTSHADER_VARIABLE: &str = "KERMA_SWIFTSHADER_ICD";
const RADV_VARIABLE: &str = "KERMA_RADV_ICD";

const MESA_FOLDERS: [&str; 3] = ["/etc/vulkan/icd.d", "/usr/local/share/vulkan/icd.d", "/usr/share/vulkan/icd.d"];
const MESA_PACKAGES: [&str; 2] = ["mesa-vulkan-drivers", "libvulkan1"];

/// The Debian package that holds SwiftShader, and where in it: a browser's 30 MB, of which two files are kept.
const SWIFTSHADER_PACKAGE: &str = "chromium-common";
const SWIFTSHADER_FOLDER: &str = "/usr/lib/chromium";
const SWIFTSHADER_LIBRARY: &str = "libvk_swiftshader.so";
const SWIFTSHADER_ICD: &str = "vk_swiftshader_icd.json";

const LAVAPIPE_ADVICE: &str = "\
lavapipe or the Vulkan loader is missing. Install both:
  Debian, Ubuntu  apt-get install mesa-vulkan-drivers libvulkan1
  Fedora          dnf install mesa-vulkan-drivers vulkan-loader
  Arch            pacman -S vulkan-swrast vulkan-icd-loader
  macOS           brew install mesa vulkan-loader
  Windows         a build of Mesa for Windows with lavapipe
and, where it is not found by itself, set KERMA_LAVAPIPE_ICD to the path of its lvp_icd*.json.";

const SWIFTSHADER_ADVICE: &str = "\
SwiftShader is missing. Chromium, Chrome and Electron bring it along:
set KERMA_SWIFTSHADER_ICD to the path of their vk_swiftshader_icd.json, with the library beside it.";

const RADV_ADVICE: &str = "\
RADV, Mesa's driver for AMD hardware, is missing; the hardware itself is not needed. Install it:
  Debian, Ubuntu  apt-get install mesa-vulkan-drivers
  Fedora          dnf install mesa-vulkan-drivers
  Arch            pacman -S vulkan-radeon
and, where it is not found by itself, set KERMA_RADV_ICD to the path of its radeon_icd*.json.";

/// The ICD files of the drivers.
pub(crate) struct Drivers {
    lavapipe: PathBuf,
    swiftshader: PathBuf,
    /// There is one on Linux only.
    radv: Option<PathBuf>,
}

impl Drivers {
    /// Takes what the environment names, else what is installed, else what Debian's packages offer.
    pub(crate) fn find_or_install(target: &Path) -> Result<Self> {
        let lavapipe = mesa("lvp_icd", LAVAPIPE_VARIABLE, LAVAPIPE_ADVICE)?;
        let swiftshader = swiftshader(&target.join("swiftshader"))?;
        let radv = cfg!(target_os = "linux").then(|| mesa("radeon_icd", RADV_VARIABLE, RADV_ADVICE)).transpose()?;
        let drivers = Self { lavapipe, swiftshader, radv };
        eprintln!("xtask: lavapipe at {}", drivers.lavapipe.display());
        eprintln!("xtask: SwiftShader at {}", drivers.swiftshader.display());
        if let Some(radv) = &drivers.radv {
            eprintln!("xtask: RADV at {}", radv.display());
        }
        Ok(drivers)
    }

    /// What the tests have to be told. A required adapter that is absent fails them.
    pub(crate) fn environment(&self, target: &Path) -> Result<Vec<(&'static str, OsString)>> {
        let both = env::join_paths([&self.lavapipe, &self.swiftshader])
            .map_err(|error| format!("cannot list the ICD files: {error}"))?;
        let required = if self.radv.is_some() { "lavapipe,swiftshader,radv" } else { "lavapipe,swiftshader" };
        let mut variables = vec![
            (LAVAPIPE_VARIABLE, self.lavapipe.clone().into()),
            (SWIFTSHADER_VARIABLE, self.swiftshader.clone().into()),
            ("KERMA_REQUIRE_ADAPTERS", required.into()),
            ("VK_DRIVER_FILES", both.clone()),
            // The same under its old name, for loaders before 1.3.207.
            ("VK_ICD_FILENAMES", both),
        ];
        variables.extend(self.radv.iter().map(|radv| (RADV_VARIABLE, radv.into())));
        // Mesa complains about its absence on every start.
        if env::var_os("XDG_RUNTIME_DIR").is_none() {
            variables.push(("XDG_RUNTIME_DIR", new_folder(&target.join("runtime"))?.into()));
        }
        Ok(variables)
    }
}

/// One of Mesa's drivers, by how the name of its ICD file begins.
fn mesa(stem: &str, variable: &str, advice: &str) -> Result<PathBuf> {
    let names = [format!("{stem}.{ARCH}.json"), format!("{stem}.json")];
    let places = MESA_FOLDERS.iter().flat_map(|folder| names.iter().map(|name| Path::new(folder).join(name)));
    settle(variable, &places.collect::<Vec<_>>(), || apt::install(&MESA_PACKAGES), advice)
}

fn swiftshader(kept: &Path) -> Result<PathBuf> {
    let places = [kept, Path::new(SWIFTSHADER_FOLDER)].map(|folder| folder.join(SWIFTSHADER_ICD));
    settle(SWIFTSHADER_VARIABLE, &places, || fetch_swiftshader(kept), SWIFTSHADER_ADVICE)
}

/// The ICD file that the variable names, else the first that is in place, on Debian after `install` if need be.
fn settle(variable: &str, places: &[PathBuf], install: impl FnOnce() -> Result<()>, advice: &str) -> Result<PathBuf> {
    if let Some(named) = env::var_os(variable) {
        let icd = path::absolute(&named).ok().filter(|icd| is_usable(icd));
        return icd.ok_or_else(|| format!("{variable} is {named:?}: no ICD file, or its library is missing"));
    }
    let in_place = || places.iter().find(|icd| is_usable(icd) && has_loader()).cloned();
    if in_place().is_none() && apt::is_at_home() {
        install().map_err(|error| format!("{error}\n{advice}"))?;
    }
    in_place().ok_or_else(|| advice.into())
}

fn fetch_swiftshader(kept: &Path) -> Result<()> {
    let unpacked = kept.join("package");
    // Left-overs of an interrupted run would be taken for the package.
    fs::remove_dir_all(&unpacked).ok();
    new_folder(&unpacked)?;
    let outcome = apt::unpack(SWIFTSHADER_PACKAGE, &unpacked).and_then(|()| {
        let source = unpacked.join(SWIFTSHADER_FOLDER.trim_start_matches('/'));
        // The ICD file last: where it lies, the library is complete.
        [SWIFTSHADER_LIBRARY, SWIFTSHADER_ICD].iter().try_for_each(|name| {
            let copied = fs::copy(source.join(name), kept.join(name));
            copied.map(drop).map_err(|error| format!("cannot take {name} from {SWIFTSHADER_PACKAGE}: {error}"))
        })
    });
    fs::remove_dir_all(&unpacked).ok();
    outcome
}

fn new_folder(folder: &Path) -> Result<PathBuf> {
    let made = fs::create_dir_all(folder).and_then(|()| folder.canonicalize());
    made.map_err(|error| format!("cannot make {}: {error}", folder.display()))
}

/// Linux only: elsewhere the loader comes with the driver or the system.
fn has_loader() -> bool {
    let system =
        [format!("/usr/lib/{ARCH}-linux-gnu"), "/usr/lib64".into(), "/usr/lib".into(), "/usr/local/lib".into()];
    let own = env::var_os("LD_LIBRARY_PATH").unwrap_or_default();
    let mut folders = system.iter().map(PathBuf::from).chain(env::split_paths(&own));
    cfg!(not(target_os = "linux")) || folders.any(|folder| folder.join("libvulkan.so.1").exists())
}

fn is_usable(icd: &Path) -> bool {
    let library = fs::read_to_string(icd).ok().and_then(|json| library_path(icd, &json));
    // A bare name is the dynamic loader's to find.
    library.is_some_and(|library| library.components().count() == 1 || library.exists())
}

/// The driver's library: a path counts from the ICD file's folder, a bare name stays one.
fn library_path(icd: &Path, json: &str) -> Option<PathBuf> {
    let (_, rest) = json.split_once("\"library_path\"")?;
    let (text, _) = rest.trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?.split_once('"')?;
    let name = text.replace("\\/", "/").replace("\\\\", "\\");
    if name.contains(['/', '\\']) { Some(icd.parent()?.join(name)) } else { Some(name.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn library(json: &str) -> Option<PathBuf> {
        library_path(Path::new("/opt/icd.d/driver.json"), json)
    }

    #[test]
    fn a_relative_library_counts_from_the_icd_file() {
        let json = r#"{"file_format_version": "1.0.0", "ICD": {"library_path": "./libvk_swiftshader.so"}}"#;
        assert_eq!(library(json), Some("/opt/icd.d/libvk_swiftshader.so".into()));
        assert_eq!(library(r#"{"library_path":"..\/lib\/a.so"}"#), Some("/opt/icd.d/../lib/a.so".into()));
    }

    #[test]
    fn an_absolute_or_bare_library_stays_as_it_is() {
        let json = "{\n  \"ICD\": {\n    \"library_path\" :\n \"/usr/lib/libvulkan_lvp.so\"\n  }\n}";
        assert_eq!(library(json), Some("/usr/lib/libvulkan_lvp.so".into()));
        assert_eq!(library(r#"{"library_path": "libvulkan_lvp.so"}"#), Some("libvulkan_lvp.so".into()));
    }

    #[test]
    fn other_files_name_no_library() {
        assert_eq!(library(""), None);
        assert_eq!(library(r#"{"library_path": 3}"#), None);
        assert!(!is_usable(Path::new("/nowhere/driver.json")));
    }
}
