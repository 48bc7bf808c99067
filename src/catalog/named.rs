//! Functions by the text of their names: `#'number.number.plus->number'`, `functionnamed("plus")`.

use std::sync::Arc;

use crate::catalog::{Catalog, foreign_names};
use crate::model::Function;
use crate::text::diagnostic::{Error, Result, nearest};

/// The function with that name: a resolvent by its full name; by a generic name, its only resolvent,
/// or the generic function if it has several.
pub fn find(catalog: &Catalog, text: &str) -> Result<Arc<Function>> {
    let text = text.to_lowercase();
    if let Some(resolvent) = by_resolvent_name(catalog, &text)? {
        return Ok(resolvent);
    }
    let resolvents = catalog.functions.resolvents(&text)?;
    match &*resolvents {
        [only] => Ok(only.clone()),
        _ => catalog
            .functions
            .generic(&text)?
            .ok_or_else(|| unknown(catalog, &text)),
    }
}

/// The function that a functional constant stands for: the name must be that of one resolvent, or of one
/// beside those for arrays, which do for their elements what it does.
pub fn functional(catalog: &Catalog, text: &str) -> Result<Arc<Function>> {
    let function = find(catalog, text)?;
    if !function.is_generic() {
        return Ok(function);
    }
    let resolvents = catalog.functions.resolvents(function.name())?;
    let (of_arrays, others): (Vec<_>, Vec<_>) =
        resolvents.iter().partition(|f| f.signature.takes_array());
    if let [only] = others.as_slice() {
        return Ok((*only).clone());
    }
    let error = Error::compile(format!(
        "'{text}' is overloaded: name one of its resolvents"
    ));
    let error = others
        .into_iter()
        .chain(of_arrays)
        .take(6)
        .fold(error, |e, f| e.help(format!("#'{f}'")));
    Err(error.help(format!(
        "or functionnamed(\"{text}\"), which chooses when it is called"
    )))
}

fn by_resolvent_name(catalog: &Catalog, text: &str) -> Result<Option<Arc<Function>>> {
    let Some((left, _)) = text.split_once("->") else {
        return Ok(None);
    };
    let generic = left.rsplit_once('.').map_or(left, |(_, name)| name);
    let resolvents = catalog.functions.resolvents(generic)?;
    Ok(resolvents
        .iter()
        .find(|f| f.signature.resolvent_name() == text)
        .cloned())
}

/// The error for a function that does not exist.
pub fn unknown(catalog: &Catalog, name: &str) -> Error {
    let error = Error::run(format!("there is no function '{name}'"));
    if let Some(help) = foreign_names::replacement(name) {
        return error.help(help);
    }
    let names = catalog.functions.names();
    match nearest(name, names.iter().map(|n| &**n)) {
        Some(near) => error.help(format!("did you mean '{near}'?")),
        None => error,
    }
}
