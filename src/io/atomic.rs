use std::{
    fs,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use tempfile::{Builder, NamedTempFile};

use super::IoError;

/// Buffer between the encoders and the file.
const BUFFER_BYTES: usize = 1 << 18;

/// A file that appears under its name only when it is complete.
///
/// It is written under a temporary name in the same folder; [`Draft::publish`] renames it. A draft that is dropped
/// leaves nothing behind and does not touch an older file of that name.
pub(super) struct Draft {
    path: PathBuf,
    target: PathBuf,
    writer: BufWriter<NamedTempFile>,
}

impl Draft {
    pub(super) fn create(path: &Path) -> Result<Self, IoError> {
        // Renaming onto a link would replace the link; the file it points to is meant.
        let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        if target.is_dir() {
            return Err(IoError::Field {
                path: path.to_owned(),
                field: "output".to_owned(),
                got: "a folder".to_owned(),
                allowed: "a file name".to_owned(),
            });
        }
        let folder = target.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut builder = Builder::new();
        builder.prefix(".kerma-").suffix(".part");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // As for any new file: the process's umask takes away what it must.
            builder.permissions(fs::Permissions::from_mode(0o666));
        }
        let file = builder.tempfile_in(folder).map_err(|error| IoError::System {
            path: path.to_owned(),
            action: "create a file in its folder",
            // The system's answer alone: the error also names the temporary file, which is nobody's business.
            source: error.raw_os_error().map_or(error, io::Error::from_raw_os_error),
        })?;
        Ok(Self { path: path.to_owned(), target, writer: BufWriter::with_capacity(BUFFER_BYTES, file) })
    }

    /// Where the bytes go.
    pub(super) fn writer(&mut self) -> &mut BufWriter<NamedTempFile> {
        &mut self.writer
    }

    /// Gives the complete file its name.
    pub(super) fn publish(self) -> Result<(), IoError> {
        let Self { path, target, writer } = self;
        let refused = |source| IoError::System { path: path.clone(), action: "write", source };
        let file = writer.into_inner().map_err(|e| refused(e.into_error()))?;
        file.as_file().sync_all().map_err(refused)?;
        file.persist(&target).map_err(|e| refused(e.error))?;
        Ok(())
    }
}

/// Writes one file through `fill`, all or nothing.
pub(super) fn write_file(
    path: &Path,
    fill: impl FnOnce(&mut BufWriter<NamedTempFile>) -> io::Result<()>,
) -> Result<(), IoError> {
    let mut draft = Draft::create(path)?;
    fill(draft.writer()).and_then(|()| draft.writer().flush()).map_err(|source| IoError::System {
        path: path.to_owned(),
        action: "write",
        source,
    })?;
    draft.publish()
}

/// Writes a file of any kind, all or nothing: it appears under its name only when it is complete.
///
/// # Errors
/// [`IoError`] when the file cannot be written.
pub fn write_bytes(path: impl AsRef<Path>, bytes: &[u8]) -> Result<(), IoError> {
    write_file(path.as_ref(), |writer| writer.write_all(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failed_write_keeps_the_old_file_and_leaves_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("old.bin");
        fs::write(&path, b"old").unwrap();
        let failed = write_file(&path, |w| {
            w.write_all(b"half of the new")?;
            Err(io::Error::other("disk on fire"))
        });
        assert!(failed.unwrap_err().to_string().ends_with("cannot write: disk on fire"));
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        write_file(&path, |w| w.write_all(b"new")).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn folder_that_is_not_there_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("none").join("a.bin");
        let message = write_file(&path, |_| Ok(())).unwrap_err().to_string();
        assert!(message.starts_with(&path.display().to_string()), "{message}");
        assert!(message.contains("cannot create a file in its folder"), "{message}");
        assert!(write_file(folder.path(), |_| Ok(())).unwrap_err().to_string().contains("a file name, got a folder"));
    }
}
