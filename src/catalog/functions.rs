//! All functions by name: the built-in ones, declared when they are first asked for, and the user's.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use crate::catalog::declaration::{BuiltInDeclaration, BuiltIns};
use crate::catalog::elsewhere::elsewhere;
use crate::catalog::types::Types;
use crate::catalog::{foreign_names, signature};
use crate::model::function::{Compiled, Function, FunctionBody};
use crate::syntax::ast::{self, CreateFunction, StatementKind};
use crate::syntax::{foreign_function, statement};
use crate::text::diagnostic::{Error, Result, SourceText, nearest};
use crate::text::wait::lock;

/// All functions by name.
pub struct Functions {
    built_ins: &'static BuiltIns,
    state: Mutex<HashMap<Arc<str>, Arc<Entry>>>,
    epoch: AtomicU64,
}

/// One generic function.
struct Entry {
    generic: Arc<Function>,
    resolvents: Arc<[Arc<Function>]>,
}

impl Functions {
    /// The built-in functions alone.
    pub fn new(built_ins: &'static BuiltIns) -> Functions {
        Functions {
            built_ins,
            state: Mutex::default(),
            epoch: AtomicU64::default(),
        }
    }

    /// A number that changes whenever a definition does.
    pub fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    /// Says that a definition has changed: what was compiled before is compiled anew when used.
    pub fn changed(&self) {
        self.epoch.fetch_add(1, Ordering::AcqRel);
    }

    /// The resolvents of `name` (lower case); empty if there is no such function.
    pub fn resolvents(&self, name: &str) -> Result<Arc<[Arc<Function>]>> {
        Ok(self
            .entry(name)?
            .map_or_else(|| Arc::from([]), |e| e.resolvents.clone()))
    }

    /// The generic function `name` (lower case).
    pub fn generic(&self, name: &str) -> Result<Option<Arc<Function>>> {
        Ok(self.entry(name)?.map(|e| e.generic.clone()))
    }

    fn entry(&self, name: &str) -> Result<Option<Arc<Entry>>> {
        let mut state = lock(&self.state);
        if let Some(entry) = state.get(name) {
            return Ok((!entry.resolvents.is_empty()).then(|| entry.clone()));
        }
        let declarations = self.built_ins.declared(name);
        if declarations.is_empty() {
            return Ok(None);
        }
        let resolvents = declarations
            .iter()
            .map(|declaration| built_in(declaration, self.built_ins))
            .collect::<Result<Vec<_>>>()?;
        let entry = Arc::new(Entry {
            generic: Arc::new(Function::generic(name)),
            resolvents: resolvents.into(),
        });
        state.insert(name.into(), entry.clone());
        Ok(Some(entry))
    }

    /// Adds a resolvent, in place of one with the same arguments, which is given back.
    pub fn define(&self, function: Arc<Function>) -> Result<Option<Arc<Function>>> {
        let name = function.name().clone();
        let old = self.entry(&name)?;
        let mut resolvents = old
            .as_ref()
            .map_or_else(Vec::new, |e| e.resolvents.to_vec());
        let same = |f: &Arc<Function>| f.signature.same_arguments(&function.signature);
        let replaced = match resolvents.iter().position(same) {
            Some(at) => Some(std::mem::replace(&mut resolvents[at], function)),
            None => {
                resolvents.push(function);
                None
            }
        };
        self.put(&name, resolvents);
        Ok(replaced)
    }

    /// Takes a resolvent away.
    pub fn remove(&self, function: &Arc<Function>) -> Result<()> {
        let mut resolvents = self.resolvents(function.name())?.to_vec();
        resolvents.retain(|f| f.id() != function.id());
        self.put(function.name(), resolvents);
        Ok(())
    }

    fn put(&self, name: &str, resolvents: Vec<Arc<Function>>) {
        let mut state = lock(&self.state);
        let generic = state
            .get(name)
            .map_or_else(|| Arc::new(Function::generic(name)), |e| e.generic.clone());
        let resolvents = resolvents.into();
        state.insert(
            name.into(),
            Arc::new(Entry {
                generic,
                resolvents,
            }),
        );
        drop(state);
        self.changed();
    }

    /// The names of all functions, sorted.
    pub fn names(&self) -> Vec<Arc<str>> {
        let mut names: Vec<Arc<str>> = self
            .built_ins
            .declarations
            .iter()
            .map(|d| d.name.into())
            .collect();
        let state = lock(&self.state);
        names.extend(state.keys().cloned());
        names.retain(|n| state.get(n).is_none_or(|e| !e.resolvents.is_empty()));
        drop(state);
        names.sort();
        names.dedup();
        names
    }

    /// The functions that users defined.
    pub fn user_functions(&self) -> Vec<Arc<Function>> {
        let state = lock(&self.state);
        let all = state.values().flat_map(|e| e.resolvents.iter());
        let mut user: Vec<_> = all.filter(|f| f.is_user()).cloned().collect();
        user.sort();
        user
    }

    /// The functions that a written name stands for: all resolvents of a generic name, or the one
    /// that a resolvent's name names.
    pub fn named(&self, name: &ast::FunctionName) -> Result<Arc<[Arc<Function>]>> {
        let all = self.resolvents(&name.name.text)?;
        if all.is_empty() {
            return Err(self.unknown(&name.name));
        }
        if name.result_types.is_none() && name.argument_types.is_empty() {
            return Ok(all);
        }
        let wanted = written(name);
        let matching = |f: &&Arc<Function>| {
            let full = f.signature.resolvent_name();
            match name.result_types {
                Some(_) => full == wanted,
                None => full.starts_with(&(wanted.clone() + "->")),
            }
        };
        match all.iter().find(matching) {
            Some(one) => Ok([one.clone()].into()),
            None => Err(all.iter().fold(
                Error::compile(format!("no resolvent is called '{wanted}'")).at(&name.name.span),
                |error, f| error.help(format!("there is {f}")),
            )),
        }
    }

    /// The error for a function that does not exist.
    pub fn unknown(&self, name: &ast::Name) -> Error {
        let error = Error::compile(format!("unknown function '{}'", name.text)).at(&name.span);
        if let Some(elsewhere) = elsewhere(&name.text) {
            let message = format!("'{}' is about {}", name.text, elsewhere.about);
            return Error::compile(message)
                .at(&name.span)
                .help(elsewhere.instead);
        }
        if let Some(help) = foreign_names::replacement(&name.text) {
            return error.help(help);
        }
        let names = self.names();
        // `selct (1)` looks like a call.
        let known = names.iter().map(|n| &**n).chain(["select"]);
        match nearest(&name.text, known) {
            Some(near) => error.help(format!("did you mean '{near}'?")),
            None => error.help("apropos('text') lists the functions with that text in their names"),
        }
    }
}

/// A resolvent's name as [`crate::model::function::Signature::resolvent_name`] writes it.
fn written(name: &ast::FunctionName) -> String {
    let join = |names: &[ast::Name]| names.iter().map(|n| &*n.text).collect::<Vec<_>>().join(".");
    let mut text = join(&name.argument_types);
    if !text.is_empty() {
        text.push('.');
    }
    text.push_str(&name.name.text);
    if let Some(results) = &name.result_types {
        text.push_str("->");
        text.push_str(&join(results));
    }
    text
}

/// The function that a declaration in the built-in table declares.
fn built_in(declaration: &BuiltInDeclaration, built_ins: &BuiltIns) -> Result<Arc<Function>> {
    let source = SourceText::built_in(declaration.file, declaration.text, declaration.line);
    let definition = match foreign_function(&source) {
        Some(definition) => Box::new(definition),
        None => match statement(&source)?.map(|s| s.kind) {
            Some(StatementKind::CreateFunction(definition)) => definition,
            _ => {
                let message = format!("'{}' is declared badly", declaration.name);
                return Err(Error::run(message));
            }
        },
    };
    // Built-in functions speak of built-in types only.
    let signature = signature::resolve(&definition, &Types::default())?;
    let body = built_in_body(&definition, built_ins)?;
    let topic = Some(declaration.topic);
    Ok(Arc::new(Function::new(signature, body, &definition, topic)))
}

fn built_in_body(definition: &CreateFunction, built_ins: &BuiltIns) -> Result<FunctionBody> {
    match &definition.body {
        ast::Body::Foreign(key) => (built_ins.native)(key)
            .map(FunctionBody::Native)
            .ok_or_else(|| Error::run(format!("no built-in code for '{key}'"))),
        ast::Body::Query(_) => Ok(FunctionBody::Derived(
            Arc::new(definition.clone()),
            Compiled::default(),
        )),
        _ => Err(Error::run(format!(
            "'{}' is declared badly",
            definition.name.text
        ))),
    }
}
