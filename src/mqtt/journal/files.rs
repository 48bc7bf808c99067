//! The files of a journal: no other user reads them, no symbolic link leads elsewhere, and no two
//! processes have one at a time.

use std::fs::{self, File, Metadata, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::text::diagnostic::{Error, Result};

/// Makes the folder of journals, where it is missing, for this user alone.
pub fn make_folder(folder: &Path) -> Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    let made = builder.create(folder);
    made.map_err(|e| fault(folder, "make the folder", e))
}

/// Opens a journal, or makes an empty one, and takes it for this process until the file is closed.
///
/// A journal is replaced by renaming another file into its place. Whoever opened it before that holds
/// the lock of a file that has lost its name; so after locking it is looked whether the name still
/// means the same file.
///
/// # Errors
///
/// It is in use, it is no ordinary file, or the system does not allow it.
pub fn claim(path: &Path) -> Result<File> {
    loop {
        let file = match fs::symlink_metadata(path) {
            Ok(found) if !found.is_file() => return Err(no_file(path)),
            Ok(_) => OpenOptions::new().read(true).write(true).open(path),
            Err(error) if error.kind() == ErrorKind::NotFound => create(path),
            Err(error) => Err(error),
        };
        let file = match file {
            Ok(file) => file,
            // It came or went meanwhile.
            Err(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::AlreadyExists) =>
            {
                continue;
            }
            Err(error) => return Err(fault(path, "open", error)),
        };
        lock(&file, path)?;
        let held = file.metadata().map_err(|e| fault(path, "look at", e))?;
        match fs::symlink_metadata(path) {
            Ok(named) if !named.is_file() => return Err(no_file(path)),
            Ok(named) if is_same(&held, &named) => return Ok(file),
            _ => {}
        }
    }
}

/// Makes the file that is to take the journal's place, locked. One that a killed process left is
/// removed. Whoever calls this has the journal itself.
pub fn replacement(path: &Path) -> Result<(PathBuf, File)> {
    let fresh = path.with_extension("new");
    let file = remove(&fresh).and_then(|()| create(&fresh));
    let file = file.map_err(|e| fault(&fresh, "make", e))?;
    lock(&file, &fresh)?;
    Ok((fresh, file))
}

/// Keeps a damaged journal under another name; gives that.
pub fn keep_damaged(path: &Path) -> Result<PathBuf> {
    let kept = path.with_extension("damaged");
    remove(&kept)
        // Not every file system has hard links.
        .and_then(|()| fs::hard_link(path, &kept).or_else(|_| fs::copy(path, &kept).map(drop)))
        .map_err(|e| fault(path, "keep a copy of", e))?;
    Ok(kept)
}

/// A new file that no other user can read.
fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

fn lock(file: &File, path: &Path) -> Result<()> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(Error::run(format!(
            "option persistence: {} is in use by another process or client",
            path.display()
        ))
        .help("every client needs a clientid of its own")),
        Err(TryLockError::Error(error)) => Err(fault(path, "lock", error)),
    }
}

#[cfg(unix)]
fn is_same(one: &Metadata, other: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

/// Elsewhere an open file keeps its name.
#[cfg(not(unix))]
fn is_same(_: &Metadata, _: &Metadata) -> bool {
    true
}

fn no_file(path: &Path) -> Error {
    Error::run(format!(
        "option persistence: {} is not an ordinary file",
        path.display()
    ))
    .help("a symbolic link is not followed: remove it, or name another folder")
}

pub fn fault(path: &Path, what: &str, error: io::Error) -> Error {
    Error::run(format!(
        "option persistence: cannot {what} {}: {error}",
        path.display()
    ))
}
