//! The local database: types, objects and stored functions, and the journal that undoes changes.

mod hashed;
mod index;
mod journal;
mod numbered;
mod objects;
mod rows;
mod table;
mod types;

pub use journal::{Journal, Undo};
pub use objects::{Object, ObjectScan, Objects};
pub use table::{Access, Key, Row, Scan, Table};
pub use types::{Types, UserType};

/// Types, objects, and what has changed since the last commit. Stored functions hold their own rows.
#[derive(Default)]
pub struct Store {
    pub types: Types,
    pub objects: Objects,
    pub journal: Journal,
}

impl Store {
    /// Makes all changes since the last commit final.
    pub fn commit(&self) {
        self.journal.forget();
    }
}
