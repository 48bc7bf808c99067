//! What was typed, from one start to the next.

use std::fs;
use std::io;
use std::path::PathBuf;

use rustyline::error::ReadlineError;

use super::Prompt;
use crate::host::user_folder;

/// The history's file; none where it cannot be kept.
pub struct History(Option<PathBuf>);

impl History {
    /// Reads what was typed in earlier starts.
    pub fn open(prompt: &mut Prompt) -> History {
        let folder = user_folder::state();
        if fs::create_dir_all(&folder).is_err() {
            return History(None);
        }
        let file = folder.join("history");
        History(match prompt.load_history(&file) {
            Ok(()) => Some(file),
            Err(ReadlineError::Io(e)) if e.kind() == io::ErrorKind::NotFound => Some(file),
            Err(_) => None,
        })
    }

    /// Adds an entry, and at once to the file: the program may be killed, and others may run beside it.
    pub fn add(&self, prompt: &mut Prompt, entry: &str) {
        let added = prompt.add_history_entry(entry.trim_end()).unwrap_or(false);
        if let (true, Some(file)) = (added, &self.0) {
            // An error, such as a full disk, must not keep anybody from working.
            let _ = prompt.append_history(file);
        }
    }
}
