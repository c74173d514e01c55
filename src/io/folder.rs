//! A folder of files that appears under its name only when it is complete.

use std::{
    ffi::OsStr,
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use tempfile::{Builder, TempDir};

use super::{
    IoError,
    atomic::{bare, folder_of, is_cancelled, refusal},
    volume::VolumeFormat,
};

/// A folder on its way, beside its place. One that is dropped leaves nothing behind and does not touch an older folder.
pub(super) struct FolderDraft {
    path: PathBuf,
    target: PathBuf,
    staging: TempDir,
}

/// Whether a path names a folder for slices: by its end, or because one is there whose name is none of a file.
pub(super) fn is_folder(path: &Path) -> bool {
    let ends = |text: &OsStr| text.to_string_lossy().ends_with(std::path::is_separator);
    ends(path.as_os_str()) || path.is_dir() && VolumeFormat::of_path(path).is_none()
}

impl FolderDraft {
    /// Begins a folder. Only one that is not there, that is empty or that `is_ours` is replaced.
    pub(super) fn create(path: &Path, is_ours: impl Fn(&Path) -> bool) -> Result<Self, IoError> {
        // Of a link, the folder that it points to is meant; without the separator at its end otherwise.
        let target = fs::canonicalize(path).unwrap_or_else(|_| path.components().collect());
        let refused = |got: &str| IoError::Field {
            path: path.to_owned(),
            field: "output".to_owned(),
            got: got.to_owned(),
            allowed: "a folder that is new, empty or of slices that kerma wrote".to_owned(),
        };
        if target.is_dir() {
            let listed = fs::read_dir(&target).and_then(|mut entries| entries.next().transpose());
            let is_empty = listed.map_err(|source| system(path, "list", &source))?.is_none();
            if !is_empty && !is_ours(&target) {
                return Err(refused("one that holds other files"));
            }
        } else if target.exists() {
            return Err(refused("a file"));
        }
        let mut builder = Builder::new();
        builder.prefix(".kerma-").suffix(".part");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // As for any new folder: the process's umask takes away what it must.
            builder.permissions(fs::Permissions::from_mode(0o777));
        }
        let staging = builder.tempdir_in(folder_of(path, &target)?);
        let staging = staging.map_err(|error| system(path, "create a folder beside it", &error))?;
        Ok(Self { path: path.to_owned(), target, staging })
    }

    /// Its name, for messages.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a file of the folder.
    pub(super) fn put(&self, name: &str, bytes: &[u8]) -> Result<(), IoError> {
        if is_cancelled() {
            return Err(IoError::Cancelled { path: self.path.clone() });
        }
        let write = || -> io::Result<()> {
            let mut file = File::create(self.staging.path().join(name))?;
            file.write_all(bytes)?;
            file.sync_all()
        };
        write().map_err(|error| refusal(&self.path, bare(&error)))
    }

    /// A file without a name for what is not yet in order; it is gone when it is closed.
    pub(super) fn scratch(&self) -> Result<File, IoError> {
        tempfile::tempfile_in(self.staging.path())
            .map_err(|error| system(&self.path, "create a file beside it", &error))
    }

    /// Gives the complete folder its name.
    pub(super) fn publish(self) -> Result<(), IoError> {
        if is_cancelled() {
            return Err(IoError::Cancelled { path: self.path });
        }
        let Self { path, target, staging } = self;
        let former = staging.path().with_extension("former");
        let replace = || -> io::Result<()> {
            let is_there = target.exists();
            if is_there {
                fs::rename(&target, &former)?;
            }
            fs::rename(staging.path(), &target).inspect_err(|_| {
                if is_there {
                    let _ = fs::rename(&former, &target);
                }
            })?;
            if is_there { fs::remove_dir_all(&former) } else { Ok(()) }
        };
        let done = replace();
        // What was renamed is no longer there to be removed.
        if done.is_ok() {
            let _ = staging.keep();
        }
        done.map_err(|error| system(&path, "write", &error))
    }
}

fn system(path: &Path, action: &'static str, error: &io::Error) -> IoError {
    IoError::System { path: path.to_owned(), action, source: bare(error) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_new_empty_and_own_folders_are_written() {
        let room = tempfile::tempdir().unwrap();
        let path = room.path().join("a");
        let write = |is_ours: bool| {
            let draft = FolderDraft::create(&path, |_| is_ours)?;
            draft.put("file", b"bytes")?;
            draft.publish()
        };
        write(false).unwrap();
        assert!(write(false).unwrap_err().to_string().contains("got one that holds other files"));
        write(true).unwrap();
        fs::remove_file(path.join("file")).unwrap();
        write(false).unwrap();
        assert_eq!(fs::read(path.join("file")).unwrap(), b"bytes");
        assert_eq!(fs::read_dir(room.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_not_published_leaves_nothing() {
        let room = tempfile::tempdir().unwrap();
        let path = room.path().join("a/");
        assert!(is_folder(&path) && is_folder(room.path()) && !is_folder(&room.path().join("a")));
        assert!(is_folder(Path::new("a.nii/")) && !is_folder(Path::new("a.nii")));
        let draft = FolderDraft::create(&path, |_| false).unwrap();
        draft.put("file", b"bytes").unwrap();
        drop(draft);
        assert_eq!(fs::read_dir(room.path()).unwrap().count(), 0);
        let message = FolderDraft::create(&room.path().join("no/a"), |_| false).err().unwrap().to_string();
        assert!(message.ends_with("no does not exist"), "{message}");
        fs::write(room.path().join("a"), b"").unwrap();
        assert!(FolderDraft::create(&path, |_| true).err().unwrap().to_string().ends_with("got a file"));
    }
}
