//! The functions whose calls are printed.

use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use super::Host;
use crate::model::{Cx, Function};
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

    /// Whether calls of this function are printed in the session that `cx` belongs to. Costs one look
    /// at a number where nothing was ever traced: even finding the session would take a noticeable
    /// part of the time of an addition.
    #[inline]
    pub fn prints(function: &Function, cx: &Cx) -> bool {
        IN_USE.load(Ordering::Relaxed) && Host::of(cx).traced.has(function)
    }

    fn has(&self, function: &Function) -> bool {
        self.any.load(Ordering::Relaxed) && lock(&self.names).contains(&**function.name())
    }
}
