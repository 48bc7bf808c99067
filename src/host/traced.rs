//! The functions whose calls are printed.

use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::model::Function;
use crate::text::wait::lock;

/// The functions whose calls are printed, by name.
#[derive(Default)]
pub struct Traced {
    names: Mutex<HashSet<String>>,
    any: AtomicBool,
}

impl Traced {
    /// Says whether calls of the function of that generic name are printed.
    pub fn set(&self, name: &str, on: bool) {
        let mut names = lock(&self.names);
        if on {
            names.insert(name.to_owned());
        } else {
            names.remove(name);
        }
        self.any.store(!names.is_empty(), Ordering::Relaxed);
    }

    /// Whether calls of this function are printed. Costs next to nothing where none are.
    pub fn has(&self, function: &Function) -> bool {
        self.any.load(Ordering::Relaxed) && lock(&self.names).contains(&**function.name())
    }
}
