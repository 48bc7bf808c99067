//! Everything that a session's queries share.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use rand::SeedableRng;
use rand::rngs::StdRng;

use super::Variables;
use crate::flow::Flows;
use crate::functions::debugging::Traced;
use crate::functions::library::Library;
use crate::functions::topic::Topics;
use crate::jobs::Jobs;
use crate::mqtt;
use crate::store::{Store, Undo, UserType};
use crate::text::console::Console;
use crate::text::diagnostic::Result;
use crate::types::{Type, Value};

/// Everything that queries share: functions, variables, objects, MQTT clients.
pub struct World {
    pub home: PathBuf,
    pub console: Arc<Console>,
    pub library: Library,
    pub store: Store,
    pub variables: Variables,
    pub mqtt: mqtt::Clients,
    pub flows: Arc<Flows>,
    pub jobs: Jobs,
    /// The statement that runs now, or ran last.
    pub statement: Mutex<Arc<str>>,
    /// Where random numbers come from; `rand_seed` makes them repeat.
    pub rng: Mutex<StdRng>,
    /// The folders to which `popd` goes back, the nearest last.
    pub folders: Mutex<Vec<PathBuf>>,
    /// The functions whose calls are printed.
    pub traced: Traced,
    /// The topics that users have made.
    pub topics: Topics,
    /// When the session began.
    pub started: Instant,
}

impl World {
    pub fn new(home: PathBuf, console: Console) -> World {
        let console = Arc::new(console);
        let notices = console.clone();
        World {
            home,
            mqtt: mqtt::Clients::new(move |line| notices.post(&format!("{line}\n"))),
            console,
            flows: Arc::default(),
            jobs: Jobs::default(),
            statement: Mutex::new("".into()),
            library: Library::default(),
            store: Store::default(),
            variables: Variables::default(),
            traced: Traced::default(),
            topics: Topics::default(),
            started: Instant::now(),
            rng: Mutex::new(StdRng::from_os_rng()),
            folders: Mutex::default(),
        }
    }

    /// The objects of a type, those of its subtypes included.
    pub fn extent(&self, ty: &Type) -> Result<Vec<Value>> {
        let types = &self.store.types;
        if let Some(within) = self.types_within(ty) {
            return Ok(self.objects(within));
        }
        Ok(match ty {
            Type::Type => types
                .all()
                .into_iter()
                .map(|t| Value::Type(Type::User(t)))
                .collect(),
            Type::Topic => self.topics.all().into_iter().map(Value::Topic).collect(),
            Type::Function => {
                let mut functions = Vec::new();
                for name in self.library.names() {
                    let resolvents = self.library.resolvents(&name)?;
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
            Type::User(user) => Some(self.store.types.with_subtypes(user)),
            Type::Userobject => Some(self.store.types.all()),
            _ => None,
        }
    }

    fn objects(&self, types: Vec<Arc<UserType>>) -> Vec<Value> {
        let mut objects: Vec<_> = types
            .iter()
            .flat_map(|t| self.store.objects.of(t))
            .map(Value::Object)
            .collect();
        objects.sort();
        objects
    }

    /// Undoes all changes since the last commit.
    pub fn rollback(&self) -> Result<()> {
        self.undo(0);
        Ok(())
    }

    /// Undoes the changes since the journal stood at `mark`.
    pub fn undo(&self, mark: usize) {
        for change in self.store.journal.since(mark) {
            self.undo_one(change);
        }
    }

    fn undo_one(&self, change: Undo) {
        match change {
            Undo::Inserted(table, row) => {
                table.remove(&row);
            }
            // What was there before fits again.
            Undo::Removed(table, row) => drop(table.insert(&row)),
            Undo::Created(object) => {
                self.store.objects.delete(&object);
            }
            Undo::Deleted(object) => self.store.objects.put_back(&object),
            Undo::CreatedType(ty) => {
                self.store.types.remove(&ty);
                self.library.changed();
            }
            Undo::DeletedType(ty) => {
                self.store.types.insert(ty);
                self.library.changed();
            }
            // A function that could be looked up once can be again.
            Undo::Defined(_, Some(replaced)) => drop(self.library.define(replaced)),
            Undo::Defined(function, None) => drop(self.library.remove(&function)),
            Undo::DeletedFunction(function) => drop(self.library.define(function)),
        }
    }

    /// What happens after each statement: its changes are final, unless that was turned off.
    pub fn end_of_statement(&self) {
        if self.store.journal.auto_commit() {
            self.store.commit();
        }
    }
}
