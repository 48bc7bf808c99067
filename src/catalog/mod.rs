//! Everything that is defined: functions and their overloads, types, objects, session variables, topics,
//! and the log that undoes changes of all of them. It is all that compiling needs. Uses `text`, `syntax`
//! and `model`.

pub mod databases;
pub mod declaration;
pub mod elsewhere;
pub mod fit;
mod foreign_names;
pub mod functions;
pub mod named;
pub mod notes;
pub mod objects;
pub mod overloads;
pub mod signature;
pub mod tables;
pub mod topics;
pub mod types;
pub mod undo;
pub mod variables;

use std::sync::Arc;

use crate::model::{Cx, Type, UserType, Value};
use crate::mqtt::ReceiptHold;
use crate::text::diagnostic::Result;
use databases::Databases;
use declaration::BuiltIns;
use functions::Functions;
use notes::Notes;
use objects::Objects;
use topics::Topics;
use types::Types;
use undo::{Undo, UndoLog};
use variables::Variables;

/// What a session has defined, beside what is built in.
pub struct Catalog {
    pub functions: Functions,
    pub types: Types,
    pub objects: Objects,
    pub variables: Variables,
    pub topics: Topics,
    pub undo_log: UndoLog,
    pub notes: Notes,
    pub databases: Databases,
}

impl Catalog {
    /// A catalog of the built-in functions alone.
    pub fn new(built_ins: &'static BuiltIns) -> Catalog {
        Catalog {
            functions: Functions::new(built_ins),
            types: Types::default(),
            objects: Objects::default(),
            variables: Variables::default(),
            topics: Topics::new(built_ins),
            undo_log: UndoLog::default(),
            notes: Notes::default(),
            databases: Databases::default(),
        }
    }

    /// The same, where acknowledgements are held back until what was made of messages is committed.
    pub fn holding(self, receipts: Arc<ReceiptHold>) -> Catalog {
        Catalog {
            databases: Databases::new(receipts),
            ..self
        }
    }

    /// The catalog that a call runs in.
    #[inline]
    pub fn of(cx: &Cx) -> &Catalog {
        let catalog = cx.surroundings().catalog().downcast_ref();
        catalog.expect("a session's surroundings give a Catalog")
    }

    /// The objects of a type, those of its subtypes included.
    pub fn extent(&self, ty: &Type) -> Result<Vec<Value>> {
        if let Some(within) = self.types_within(ty) {
            return Ok(self.objects_of(&within));
        }
        Ok(match ty {
            Type::Type => {
                let types = self.types.all().into_iter();
                types.map(|t| Value::Type(Type::User(t))).collect()
            }
            Type::Topic => self.topics.all().into_iter().map(Value::Topic).collect(),
            Type::Function => {
                let mut functions = Vec::new();
                for name in self.functions.names() {
                    let resolvents = self.functions.resolvents(&name)?;
                    functions.extend(resolvents.iter().cloned().map(Value::Function));
                }
                functions
            }
            _ => vec![],
        })
    }

    /// The types whose objects are those of `ty`, if its values are users' objects.
    pub fn types_within(&self, ty: &Type) -> Option<Vec<Arc<UserType>>> {
        match ty {
            Type::User(user) => Some(self.types.with_subtypes(user)),
            Type::Userobject => Some(self.types.all()),
            _ => None,
        }
    }

    fn objects_of(&self, types: &[Arc<UserType>]) -> Vec<Value> {
        let mut objects: Vec<_> = types
            .iter()
            .flat_map(|t| self.objects.of(t))
            .map(Value::Object)
            .collect();
        objects.sort();
        objects
    }

    /// Undoes all changes since the last commit.
    pub fn rollback(&self) {
        self.undo(0);
    }

    /// Undoes the changes since the log stood at `mark`.
    pub fn undo(&self, mark: usize) {
        for change in self.undo_log.since(mark) {
            self.undo_one(change);
            self.undo_log.count_one();
        }
        if self.undo_log.is_empty() {
            self.rolled_back();
        }
    }

    /// How many changes there have been, those of other programs in databases among them: what was read
    /// is still so as long as this stays.
    pub fn changes(&self) -> u64 {
        let others = self.databases.changes_of_others();
        self.undo_log.count().wrapping_add(others)
    }

    fn undo_one(&self, change: Undo) {
        match change {
            Undo::Inserted(table, first, count) => table.take_back(first..first + count),
            Undo::Removed(table, place, row) => table.put_back(place, &row),
            Undo::Replaced(table, place, row) => {
                table.take_back(place..place + 1);
                table.put_back(place, &row);
            }
            Undo::InDatabase(database, savepoint) => database.rollback_to(savepoint),
            Undo::CreatedIndex(table, index) => table.forget_index(&index),
            Undo::DroppedIndex(table, index) => table.put_back_index(index),
            Undo::Created(object) => {
                self.objects.delete(&object);
            }
            Undo::Deleted(object) => self.objects.put_back(&object),
            Undo::CreatedType(ty) => {
                self.types.remove(&ty);
                self.functions.changed();
            }
            Undo::DeletedType(ty) => {
                self.types.insert(ty);
                self.functions.changed();
            }
            // A function that could be looked up once can be again.
            Undo::Defined(_, Some(replaced)) => drop(self.functions.define(replaced)),
            Undo::Defined(function, None) => drop(self.functions.remove(&function)),
            Undo::DeletedFunction(function) => drop(self.functions.define(function)),
        }
    }

    /// What happens after each statement: its changes are final, unless that was turned off.
    pub fn end_of_statement(&self) -> Result<()> {
        match self.undo_log.auto_commit() {
            true => self.commit(),
            false => Ok(()),
        }
    }
}
