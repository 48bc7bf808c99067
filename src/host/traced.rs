//! The functions whose calls are printed.

use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::model::Function;
use crate::text::wait::lock;

/// Whether any function was ever traced in this process.
static IN_USE: AtomicBool = AtomicBool::new(false);

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
        if on {
            IN_USE.store(true, Ordering::Relaxed);
        }
        self.any.store(!names.is_empty(), Ordering::Relaxed);
    }

    /// Whether calls of some function are or were printed in some session of this process. For what is
    /// computed so fast that even finding the session would take a noticeable part of the time.
    #[inline]
    pub fn is_in_use() -> bool {
        IN_USE.load(Ordering::Relaxed)
    }

    /// Whether calls of this function are printed. Costs next to nothing where none are.
    pub fn has(&self, function: &Function) -> bool {
        self.any.load(Ordering::Relaxed) && lock(&self.names).contains(&**function.name())
    }
}
