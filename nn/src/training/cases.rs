use std::{
    collections::VecDeque,
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use crate::Error;

/// What `kerma simulate` leaves in every folder of a case, as its last file.
const RECORD: &str = "run.json";

/// How a case is read from its folder.
type Read<T> = Box<dyn Fn(&Path) -> Result<Kept<T>, Error>>;

/// Cases on disk, read when they are needed and kept as far as memory goes.
pub struct Cases<T> {
    folders: Vec<PathBuf>,
    read: Read<T>,
    budget_bytes: u64,
    /// Those in memory, the one that was needed last at the end.
    kept: Mutex<VecDeque<(usize, Kept<T>)>>,
}

/// A case in memory, and the bytes it takes.
pub struct Kept<T> {
    /// What was read.
    pub case: Arc<T>,
    /// Bytes of memory.
    pub bytes: u64,
}

impl<T> Clone for Kept<T> {
    fn clone(&self) -> Self {
        Self { case: Arc::clone(&self.case), bytes: self.bytes }
    }
}

impl<T> Cases<T> {
    /// All cases of folders: those that are one, and those that hold some, in the order of their names.
    ///
    /// # Errors
    /// [`Error::File`] when a folder cannot be read, [`Error::Recipe`] when it holds no case.
    pub fn find(
        folders: &[PathBuf],
        budget_bytes: u64,
        read: impl Fn(&Path) -> Result<Kept<T>, Error> + 'static,
    ) -> Result<Self, Error> {
        let mut found = Vec::new();
        for folder in folders {
            let cases = cases(folder).map_err(|source| Error::File { path: folder.clone(), source })?;
            if cases.is_empty() {
                return Err(Error::Recipe(format!("{}: holds no case of kerma simulate", folder.display())));
            }
            found.extend(cases);
        }
        let kept = Mutex::new(VecDeque::new());
        Ok(Self { folders: found, read: Box::new(read), budget_bytes, kept })
    }

    /// Number of cases.
    #[must_use]
    pub fn count(&self) -> usize {
        self.folders.len()
    }

    /// Folders of the cases.
    #[must_use]
    pub fn folders(&self) -> &[PathBuf] {
        &self.folders
    }

    /// A case, from memory or from disk: the same either way.
    ///
    /// # Errors
    /// What reading says.
    pub fn get(&self, index: usize) -> Result<Arc<T>, Error> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = kept.iter().position(|(known, _)| *known == index)
            && let Some(found) = kept.remove(place)
        {
            let case = Arc::clone(&found.1.case);
            kept.push_back(found);
            return Ok(case);
        }
        let read = (self.read)(&self.folders[index])?;
        let case = Arc::clone(&read.case);
        kept.push_back((index, read));
        while kept.len() > 1 && kept.iter().map(|(_, kept)| kept.bytes).sum::<u64>() > self.budget_bytes {
            kept.pop_front();
        }
        Ok(case)
    }
}

/// Folders of cases: this one, or those in it, in order.
///
/// # Errors
/// When a folder cannot be read.
pub fn cases(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let is_case = |path: &Path| path.join(RECORD).is_file();
    if is_case(folder) {
        return Ok(vec![folder.to_owned()]);
    }
    let entries: io::Result<Vec<PathBuf>> = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect();
    let mut cases: Vec<PathBuf> = entries?.into_iter().filter(|path| is_case(path)).collect();
    cases.sort();
    Ok(cases)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use super::*;

    /// Three cases of 10 bytes each, and in which order they are read.
    fn three(budget: u64) -> (tempfile::TempDir, Cases<String>, Rc<RefCell<Vec<String>>>) {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b", "a", "c"] {
            fs::create_dir(folder.path().join(name)).unwrap();
            fs::write(folder.path().join(name).join(RECORD), "{}").unwrap();
        }
        fs::create_dir(folder.path().join("no-case")).unwrap();
        let order = Rc::new(RefCell::new(Vec::new()));
        let seen = Rc::clone(&order);
        let read = move |path: &Path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            seen.borrow_mut().push(name.clone());
            Ok(Kept { case: Arc::new(name), bytes: 10 })
        };
        let cases = Cases::find(&[folder.path().to_owned()], budget, read).unwrap();
        (folder, cases, order)
    }

    #[test]
    fn cases_are_read_once_where_memory_holds_them() {
        let wanted = [0, 1, 2, 0, 1, 2, 0];
        for (budget, reads) in [(30, 3), (20, 7), (1, 7)] {
            let (_folder, cases, order) = three(budget);
            let got: Vec<String> = wanted.iter().map(|i| cases.get(*i).unwrap().to_string()).collect();
            assert_eq!(got, ["a", "b", "c", "a", "b", "c", "a"], "{budget}");
            assert_eq!(order.borrow().len(), reads, "{budget}");
        }
    }

    #[test]
    fn a_folder_without_cases_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let read = |_: &Path| Ok(Kept { case: Arc::new(()), bytes: 0 });
        let message = Cases::find(&[folder.path().to_owned()], 1, read).err().unwrap().to_string();
        assert!(message.ends_with("holds no case of kerma simulate"), "{message}");
        let missing = folder.path().join("missing");
        assert!(matches!(Cases::find(&[missing], 1, read).err().unwrap(), Error::File { .. }));
    }
}
