//! Session variables.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use crate::model::conversion::conform;
use crate::model::{Type, Value, nesting};
use crate::text::diagnostic::{Error, Result};
use crate::text::wait::lock;

/// The session variables by name, without the colon, in lower case.
#[derive(Default)]
pub struct Variables(Mutex<BTreeMap<Arc<str>, Variable>>);

#[derive(Clone)]
struct Variable {
    value: Value,
    /// What is known of the value.
    ty: Type,
    /// What it was declared to be.
    declared: Option<Type>,
}

impl Variables {
    /// The value and what is known of its type.
    pub fn get(&self, name: &str) -> Option<(Value, Type)> {
        lock(&self.0)
            .get(name)
            .map(|v| (v.value.clone(), v.ty.clone()))
    }

    /// Sets a variable; `ty` says more of the value than it shows itself. An error if it is declared
    /// to be of another type.
    pub fn set(&self, name: &str, value: Value, ty: Option<Type>) -> Result<()> {
        nesting::check(&value)?;
        let mut variables = lock(&self.0);
        let declared = variables.get(name).and_then(|v| v.declared.clone());
        let value = match &declared {
            Some(declared) if !value.is_null() => conform(&value, declared).ok_or_else(|| {
                Error::run(format!("':{name}' is declared {declared}, not for {value}"))
            })?,
            _ => value,
        };
        let known = Type::of(&value);
        let ty = match (ty, &declared) {
            (Some(ty), _) if ty.is_subtype_of(&known) => ty,
            (_, Some(declared)) if declared.is_subtype_of(&known) => declared.clone(),
            _ => known,
        };
        variables.insert(
            name.into(),
            Variable {
                value,
                ty,
                declared,
            },
        );
        Ok(())
    }

    /// Changes the value of a variable, keeping its type. An error if there is no such variable.
    pub fn change<T>(&self, name: &str, change: impl FnOnce(&mut Value) -> Result<T>) -> Result<T> {
        match lock(&self.0).get_mut(name) {
            Some(variable) => change(&mut variable.value),
            None => Err(Error::run(format!("the variable ':{name}' has no value"))),
        }
    }

    /// Declares a variable to be of a type; it has no value until it is set.
    pub fn declare(&self, name: &str, ty: Type) {
        let variable = Variable {
            value: Value::Null,
            ty: ty.clone(),
            declared: Some(ty),
        };
        lock(&self.0).insert(name.into(), variable);
    }

    pub fn names(&self) -> Vec<Arc<str>> {
        lock(&self.0).keys().cloned().collect()
    }
}
