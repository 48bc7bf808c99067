//! The user's editor, for what is longer than a line.

use std::env;
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::Command;

use crate::text::diagnostic::{Error, Result};

/// Lets the user edit a text; gives what it is afterwards.
pub fn edit_text(text: &str) -> Result<String> {
    let path = env::temp_dir().join(format!("osql-edit-{}.osql", std::process::id()));
    let edited = written(&path, text)
        .map_err(|e| Error::run(format!("cannot write {}: {e}", path.display())))
        .and_then(|()| edit_file(&path))
        .and_then(|()| {
            fs::read_to_string(&path)
                .map_err(|e| Error::run(format!("cannot read {}: {e}", path.display())))
        });
    let _ = fs::remove_file(&path);
    edited
}

/// Only this user may read what is edited, and nobody can have put a link in its place.
fn written(path: &Path, text: &str) -> io::Result<()> {
    let _ = fs::remove_file(path);
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(text.as_bytes())
}

/// Lets the user edit a file. The variables name a program with its arguments, as they do everywhere.
pub fn edit_file(path: &Path) -> Result<()> {
    let wanted = ["VISUAL", "EDITOR"]
        .into_iter()
        .filter_map(|name| env::var(name).ok());
    let editor = wanted.into_iter().find(|text| !text.trim().is_empty());
    let editor = editor.unwrap_or_else(|| "vi".to_owned());
    let status = Command::new("sh")
        .args(["-c", &format!("{editor} \"$1\""), "sh"])
        .arg(path)
        .status()
        .map_err(|e| Error::run(format!("cannot start the editor '{editor}': {e}")))?;
    match status.success() {
        true => Ok(()),
        false => Err(
            Error::run(format!("the editor '{editor}' failed: {status}"))
                .help("VISUAL or EDITOR in the environment says which editor to use"),
        ),
    }
}
