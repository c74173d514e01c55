use std::{
    cell::Cell,
    fs,
    io::{self, BufWriter, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use tempfile::{Builder, NamedTempFile};

use super::IoError;

/// Buffer between the encoders and the file.
const BUFFER_BYTES: usize = 1 << 18;

thread_local! {
    static IS_CANCELLED: Cell<fn() -> bool> = const { Cell::new(|| false) };
}

/// Does work whose writing ends when `is_cancelled` says so: it is asked between chunks, and before a file gets its
/// name. Such a write fails with [`IoError::Cancelled`], the old file stays, and nothing else is left behind.
///
/// This holds for what the calling thread writes meanwhile.
pub fn cancellable<T>(is_cancelled: fn() -> bool, work: impl FnOnce() -> T) -> T {
    /// Restores the outer check for cancelling, even when the work panics.
    struct Outer(fn() -> bool);
    impl Drop for Outer {
        fn drop(&mut self) {
            IS_CANCELLED.set(self.0);
        }
    }
    let _outer = Outer(IS_CANCELLED.replace(is_cancelled));
    work()
}

pub(super) fn is_cancelled() -> bool {
    IS_CANCELLED.get()()
}

/// A temporary file that takes no more bytes once the work is cancelled.
pub(super) struct Part(NamedTempFile);

impl Write for Part {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Not `Interrupted`, which writers take as an invitation to try again.
        if is_cancelled() { Err(io::Error::other("cancelled")) } else { self.0.write(bytes) }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Seek for Part {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.0.seek(to)
    }
}

/// Checks that so many bytes are free where a file is to be written; where the system does not tell, nothing is said.
///
/// For callers with long work ahead. What another program writes meanwhile is not foreseen.
///
/// # Errors
/// [`IoError::Full`] when fewer are free.
pub fn check_room(path: impl AsRef<Path>, bytes: u64) -> Result<(), IoError> {
    let path = path.as_ref();
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.components().collect());
    match free_bytes(folder_of(path, &target)?) {
        Some(free) if free < bytes => Err(IoError::Full { path: path.to_owned(), bytes, free }),
        _ => Ok(()),
    }
}

#[cfg(target_os = "linux")]
fn free_bytes(folder: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    disk.f_bavail.checked_mul(disk.f_frsize)
}

#[cfg(not(target_os = "linux"))]
fn free_bytes(_: &Path) -> Option<u64> {
    None
}

/// A file that appears under its name only when it is complete.
///
/// It is written under a temporary name in the same folder; [`Draft::publish`] renames it. A draft that is dropped
/// leaves nothing behind and does not touch an older file of that name.
pub(super) struct Draft {
    path: PathBuf,
    target: PathBuf,
    writer: BufWriter<Part>,
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
        let folder = folder_of(path, &target)?;
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
            source: bare(&error),
        })?;
        Ok(Self { path: path.to_owned(), target, writer: BufWriter::with_capacity(BUFFER_BYTES, Part(file)) })
    }

    /// Where the bytes go.
    pub(super) fn writer(&mut self) -> &mut BufWriter<Part> {
        &mut self.writer
    }

    /// Gives complete files their names, one after the other, once all of them are on the disk.
    pub(super) fn publish<const N: usize>(drafts: [Self; N]) -> Result<(), IoError> {
        let mut complete = Vec::with_capacity(N);
        for Self { path, target, writer } in drafts {
            let part = writer.into_inner().map_err(|e| refusal(&path, e.into_error()))?;
            part.0.as_file().sync_all().map_err(|e| refusal(&path, e))?;
            if is_cancelled() {
                return Err(IoError::Cancelled { path });
            }
            complete.push((path, target, part.0));
        }
        for (path, target, file) in complete {
            file.persist(&target).map_err(|e| IoError::System { path, action: "write", source: e.error })?;
        }
        Ok(())
    }
}

/// The folder that takes what goes by `path` and really by `target`.
pub(super) fn folder_of<'p>(path: &Path, target: &'p Path) -> Result<&'p Path, IoError> {
    let folder = target.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match folder.is_dir() {
        true => Ok(folder),
        false => Err(IoError::NoFolder { path: path.to_owned(), folder: folder.to_owned() }),
    }
}

/// The system's answer alone: the error also names the temporary file, which is nobody's business.
pub(super) fn bare(error: &io::Error) -> io::Error {
    error.raw_os_error().map_or_else(|| error.kind().into(), io::Error::from_raw_os_error)
}

/// Why bytes could not be written.
pub(super) fn refusal(path: &Path, source: io::Error) -> IoError {
    let path = path.to_owned();
    if is_cancelled() { IoError::Cancelled { path } } else { IoError::System { path, action: "write", source } }
}

/// Writes one file through `fill`, all or nothing.
pub(super) fn write_file(
    path: &Path,
    fill: impl FnOnce(&mut BufWriter<Part>) -> io::Result<()>,
) -> Result<(), IoError> {
    let mut draft = Draft::create(path)?;
    fill(draft.writer()).and_then(|()| draft.writer().flush()).map_err(|e| refusal(path, e))?;
    Draft::publish([draft])
}

/// Writes a file of any kind, all or nothing: it appears under its name only when it is complete.
///
/// # Errors
/// [`IoError`] when the file cannot be written.
pub fn write_bytes(path: impl AsRef<Path>, bytes: &[u8]) -> Result<(), IoError> {
    write_file(path.as_ref(), |writer| writer.write_all(bytes))
}

/// Checks that a file could be written: the folder and the right to create a file in it.
///
/// For callers with long work ahead; nothing stays behind.
///
/// # Errors
/// What [`write_bytes`] would say.
pub fn check_file(path: impl AsRef<Path>) -> Result<(), IoError> {
    Draft::create(path.as_ref()).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_said_before_anything_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("large.nii");
        check_room(&path, 1).unwrap();
        let message = check_room(&path, u64::MAX).unwrap_err().to_string();
        assert!(message.contains("large.nii: 18446744073709551615 bytes will be written, but "), "{message}");
        assert!(matches!(check_room(folder.path().join("no/large.nii"), 1), Err(IoError::NoFolder { .. })));
    }

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
    fn cancelled_write_keeps_the_old_file_and_leaves_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("old.bin");
        fs::write(&path, b"old").unwrap();
        // Too few bytes to reach the disk before the end, and enough to do so.
        for bytes in [&b"new"[..], &vec![0; 2 * BUFFER_BYTES]] {
            let cancelled = cancellable(|| true, || write_bytes(&path, bytes));
            assert!(matches!(cancelled, Err(IoError::Cancelled { .. })));
            assert_eq!(fs::read(&path).unwrap(), b"old");
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        }
        write_bytes(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
    }

    #[test]
    fn folder_that_is_not_there_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("none").join("a.bin");
        let message = write_file(&path, |_| Ok(())).unwrap_err().to_string();
        assert!(message.starts_with(&path.display().to_string()), "{message}");
        assert!(message.ends_with("none does not exist"), "{message}");
        assert!(write_file(folder.path(), |_| Ok(())).unwrap_err().to_string().contains("a file name, got a folder"));
    }
}
