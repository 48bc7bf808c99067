//! Functions as values.
use std::fmt;

/// A function: a generic one, or one of its resolvents.
#[derive(PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Function {
    name: String,
}

impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}
