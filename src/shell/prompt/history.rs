//! What was typed, from one start to the next.

use std::fs;
use std::io;
use std::path::PathBuf;

use rustyline::error::ReadlineError;

use super::Prompt;
use crate::host::user_folder;

/// Longer entries are not remembered: they were pasted, and would come again at each start.
const LONGEST_ENTRY: usize = 1 << 16;

/// The history's file; none where it cannot be kept.
pub struct History(Option<PathBuf>);

impl History {
    /// Reads what was typed in earlier starts. Where no more can be written there, it says why, and what is
    /// typed lasts as long as the program.
    pub fn open(prompt: &mut Prompt) -> (History, Option<String>) {
        let Some(folder) = user_folder::state() else {
            return (History(None), None);
        };
        let file = folder.join("history");
        let unkept = |why: String| {
            let notice = format!("the history is not kept: {}: {why}\n", file.display());
            (History(None), Some(notice))
        };
        match prompt.load_history(&file) {
            Ok(()) => {}
            Err(ReadlineError::Io(e)) if e.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return unkept(error.to_string()),
        }
        let writable = fs::create_dir_all(&folder)
            .and_then(|()| fs::OpenOptions::new().append(true).create(true).open(&file));
        match writable {
            Ok(_) => (History(Some(file)), None),
            Err(error) => unkept(error.to_string()),
        }
    }

    /// Adds an entry, and at once to the file: the program may be killed, and others may run beside it.
    pub fn add(&self, prompt: &mut Prompt, entry: &str) {
        if entry.len() > LONGEST_ENTRY {
            return;
        }
        let added = prompt.add_history_entry(entry.trim_end()).unwrap_or(false);
        if let (true, Some(file)) = (added, &self.0) {
            // An error, such as a full disk, must not keep anybody from working.
            let _ = prompt.append_history(file);
        }
    }
}
