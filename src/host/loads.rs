//! Which files are being executed, and which models have been loaded.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use crate::text::diagnostic::{Error, Result};
use crate::text::wait::lock;

/// The files and models of a session.
#[derive(Default)]
pub struct Loads {
    /// The folders of the files that are being executed, the innermost last.
    folders: Mutex<Vec<PathBuf>>,
    /// The models that are being loaded, the innermost last.
    loading: Mutex<Vec<Arc<str>>>,
    /// The models that have been loaded, each with the text that was.
    loaded: Mutex<HashMap<Arc<str>, Arc<str>>>,
}

/// A file that is being executed, until dropped.
pub struct ExecutingFile<'a>(&'a Loads);

impl Drop for ExecutingFile<'_> {
    fn drop(&mut self) {
        lock(&self.0.folders).pop();
    }
}

/// A model that is being loaded, until dropped.
pub struct LoadingModel<'a>(&'a Loads);

impl Drop for LoadingModel<'_> {
    fn drop(&mut self) {
        lock(&self.0.loading).pop();
    }
}

impl Loads {
    /// Where a file is that is asked for: beside the file that is being executed, if it is there.
    pub fn find(&self, file: &Path) -> PathBuf {
        let folders = lock(&self.folders);
        let beside = folders.last().map(|folder| folder.join(file));
        match beside.filter(|beside| beside.is_file()) {
            Some(beside) if file.is_relative() => beside,
            _ => file.to_owned(),
        }
    }

    /// The file is executed from now on.
    pub fn execute(&self, file: &Path) -> ExecutingFile<'_> {
        let folder = file.parent().unwrap_or(Path::new("")).to_owned();
        // Whatever changes the working folder meanwhile.
        let folder = std::path::absolute(&folder).unwrap_or(folder);
        lock(&self.folders).push(folder);
        ExecutingFile(self)
    }

    /// The model is loaded from now on. An error if it is already.
    pub fn load_model(&self, name: &str) -> Result<LoadingModel<'_>> {
        let mut loading = lock(&self.loading);
        if let Some(first) = loading.iter().position(|other| &**other == name) {
            let mut circle: Vec<&str> = loading[first..].iter().map(|name| &**name).collect();
            circle.push(name);
            let circle = circle.join(", which loads ");
            return Err(Error::run(format!(
                "the model '{name}' loads itself: {circle}"
            )));
        }
        loading.push(name.into());
        Ok(LoadingModel(self))
    }

    /// Whether the model has been loaded with this text.
    pub fn is_loaded(&self, name: &str, text: &str) -> bool {
        lock(&self.loaded)
            .get(name)
            .is_some_and(|loaded| &**loaded == text)
    }

    /// The model has been loaded.
    pub fn remember(&self, name: &str, text: &str) {
        lock(&self.loaded).insert(name.into(), text.into());
    }

    /// The names of the models that have been loaded, sorted.
    pub fn names(&self) -> Vec<Arc<str>> {
        let mut names: Vec<_> = lock(&self.loaded).keys().cloned().collect();
        names.sort();
        names
    }
}
