//! The declarations of the built-in functions, as the catalog reads them.

use crate::model::native::Native;

/// A function as declared in a topic's `.osql` file.
#[derive(Debug)]
pub struct BuiltInDeclaration {
    /// The generic name, in lower case, with its namespace: `json:stringify`.
    pub name: &'static str,
    /// The topic that it is documented under: `Binary_data`.
    pub topic: &'static str,
    /// The file that declares it, for messages.
    pub file: &'static str,
    /// The line of that file where `text` begins; counts from 1.
    pub line: usize,
    /// The statement, `create function …`, without its semicolon.
    pub text: &'static str,
}

/// Where the catalog finds the built-in functions: their declarations as text, by name, and their
/// Rust.
pub struct BuiltIns {
    /// All declarations, sorted by name; overloads in the order in which they are declared.
    pub declarations: &'static [BuiltInDeclaration],
    /// The Rust function that a declaration calls `'topic:name'` in its `foreign` clause.
    pub native: fn(&str) -> Option<&'static Native>,
}

impl BuiltIns {
    /// The declarations of `name` (lower case): all its overloads.
    pub fn declared(&self, name: &str) -> &'static [BuiltInDeclaration] {
        let start = self.declarations.partition_point(|d| d.name < name);
        let same = self.declarations[start..].partition_point(|d| d.name == name);
        &self.declarations[start..start + same]
    }
}
