//! A folder of files: written beside its place, and there only when it is complete.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use kerma::io::IoError;
use tempfile::{Builder, TempDir};

use crate::{context::Context, failure::Failure, interrupt};

/// A folder on its way.
pub(crate) struct Draft {
    target: PathBuf,
    staging: TempDir,
}

impl Draft {
    /// Begins a folder. Only one that is not there, that is empty or that `is_ours` is replaced.
    pub(crate) fn new(target: &Path, is_ours: impl Fn(&Path) -> bool) -> Result<Self, Failure> {
        let refused = |why: String| Failure::input(format!("{}: {why}", target.display()));
        if target.exists() && !is_ours(target) {
            let is_empty = fs::read_dir(target).map_err(|error| refused(error.to_string()))?.next().is_none();
            if !is_empty {
                return Err(refused("is a folder that no run has made, and not empty; name another".to_owned()));
            }
        }
        let above = target.parent().filter(|path| !path.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::create_dir_all(above).map_err(|error| refused(format!("cannot make its folder: {error}")))?;
        let staging = Builder::new().prefix(".kerma-").tempdir_in(above);
        let staging = staging.map_err(|error| refused(format!("cannot write into {}: {error}", above.display())))?;
        Ok(Self { target: target.to_owned(), staging })
    }

    /// Writes a file of the folder; gives the place where it is until the folder is complete.
    pub(crate) fn put(
        &self,
        context: &mut Context,
        name: &str,
        writer: impl FnOnce(&Path) -> Result<(), IoError>,
    ) -> Result<PathBuf, Failure> {
        let draft = self.staging.path().join(name);
        context.write_draft(&draft, &self.target.join(name), writer)?;
        Ok(draft)
    }

    /// Gives the folder its name.
    pub(crate) fn publish(self) -> Result<(), Failure> {
        interrupt::check()?;
        let refused = |error| Failure::input(format!("{}: cannot be put in its place: {error}", self.target.display()));
        let staged = self.staging.keep();
        let publish = || -> io::Result<()> {
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt as _;
                // Temporary folders are private; this one is as any other.
                fs::set_permissions(&staged, fs::Permissions::from_mode(0o755))?;
            }
            if self.target.exists() {
                let former = staged.with_extension("former");
                fs::rename(&self.target, &former)?;
                fs::rename(&staged, &self.target)?;
                return fs::remove_dir_all(former);
            }
            fs::rename(&staged, &self.target)
        };
        publish().map_err(refused)
    }
}
