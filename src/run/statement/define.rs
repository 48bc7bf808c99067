//! Statements that define and delete types and functions.

use std::sync::Arc;

use crate::catalog::tables::table_of;
use crate::catalog::undo::Undo;
use crate::catalog::{Catalog, signature};
use crate::compile;
use crate::model::function::{Compiled, FunctionBody, Signature};
use crate::model::table::Table;
use crate::model::{Function, Type, UserType};
use crate::syntax::ast::{self, CreateFunction, FunctionName, Name};
use crate::text::diagnostic::{Error, Result, nearest};

/// Creates a type under `supertypes`, all of them users' own.
pub fn create_type(catalog: &Catalog, name: &Name, supertypes: &[Name]) -> Result<()> {
    let written = name.span.text();
    if Type::named(&name.text).is_some() || catalog.types.get(&name.text).is_some() {
        let message = format!("there is a type '{written}' already");
        return Err(Error::compile(message).at(&name.span));
    }
    if catalog.rows_named(&name.text).is_some() {
        let message = format!("there is a table '{written}'");
        return Err(Error::compile(message)
            .at(&name.span)
            .help("give the type another name: a from clause could not tell them apart"));
    }
    let mut above = Vec::new();
    for supertype in supertypes {
        let ty = signature::named(supertype, &catalog.types)?;
        if !matches!(ty, Type::User(_) | Type::Userobject) {
            let message = format!("a type cannot be created under the built-in type {ty}");
            return Err(Error::compile(message).at(&supertype.span));
        }
        above.push(ty);
    }
    let ty = Arc::new(UserType::new(written, above));
    catalog.types.insert(ty.clone());
    catalog.undo_log.record(Undo::CreatedType(ty));
    catalog.functions.changed();
    Ok(())
}

/// Deletes a type with its subtypes, their objects, and the functions that speak of them.
pub fn delete_type(catalog: &Catalog, name: &Name) -> Result<()> {
    if let Some(built_in) = Type::named(&name.text) {
        let message = format!("the built-in type {built_in} cannot be deleted");
        return Err(Error::compile(message).at(&name.span));
    }
    let Some(ty) = catalog.types.get(&name.text) else {
        let names = catalog.types.names();
        let error = Error::compile(format!("there is no type '{}' to delete", name.span.text()));
        return Err(match nearest(&name.text, names.iter().map(|n| &**n)) {
            Some(near) => error.at(&name.span).help(format!("did you mean '{near}'?")),
            None => error.at(&name.span),
        });
    };
    let gone = catalog.types.with_subtypes(&ty);
    for ty in &gone {
        for object in catalog.objects.of(ty) {
            catalog.objects.delete(&object);
            catalog.undo_log.record(Undo::Deleted(object));
        }
    }
    let speaks_of = |f: &Arc<Function>| {
        let columns = f.signature.params.iter().chain(&f.signature.columns);
        columns
            .into_iter()
            .any(|c| gone.iter().any(|ty| mentions(&c.ty, ty)))
    };
    for function in catalog
        .functions
        .user_functions()
        .iter()
        .filter(|f| speaks_of(f))
    {
        forget_function(catalog, function)?;
    }
    for ty in gone {
        catalog.types.remove(&ty);
        catalog.undo_log.record(Undo::DeletedType(ty));
    }
    catalog.functions.changed();
    Ok(())
}

fn mentions(ty: &Type, user: &Arc<UserType>) -> bool {
    match ty {
        Type::User(other) => other == user,
        Type::Bag(of) | Type::Stream(of) | Type::Vector(of) | Type::Timeval(of) => {
            mentions(of, user)
        }
        Type::Tuple(types) => types.iter().any(|ty| mentions(ty, user)),
        _ => false,
    }
}

/// Creates a function, in place of one of the user's with the same arguments.
pub fn create_function(catalog: &Catalog, definition: &CreateFunction) -> Result<()> {
    let signature = signature::resolve(definition, &catalog.types)?;
    let existing = catalog.functions.resolvents(&signature.name)?;
    let taken = existing
        .iter()
        .find(|f| !f.is_user() && f.signature.same_arguments(&signature));
    if let Some(built_in) = taken {
        let message = format!("{} is built in and cannot be replaced", built_in.signature);
        return Err(Error::compile(message)
            .at(&definition.name.span)
            .help("give yours another name"));
    }
    let table = existing.iter().find(|f| table_of(f).is_some());
    if table.is_some_and(|table| table.signature.same_arguments(&signature)) {
        let message = format!("there is a table '{}'", definition.name.span.text());
        return Err(Error::compile(message)
            .at(&definition.name.span)
            .help("give the function another name, or drop the table"));
    }
    let body = body(catalog, definition, &signature)?;
    let function = Arc::new(Function::new(signature, body, definition, None));
    let replaced = catalog.functions.define(function.clone())?;
    catalog
        .undo_log
        .record(Undo::Defined(function.clone(), replaced));
    catalog.topics.defined(&function);
    compile::check(catalog, &function)
}

fn body(
    catalog: &Catalog,
    definition: &CreateFunction,
    signature: &Signature,
) -> Result<FunctionBody> {
    Ok(match &definition.body {
        ast::Body::Stored => {
            if let Some(param) = signature.params.iter().find(|p| p.ty.is_collection()) {
                let message = format!(
                    "a stored function cannot have an argument of type {}",
                    param.ty
                );
                return Err(Error::compile(message).at(&definition.signature));
            }
            if signature.many == ast::Many::Stream {
                return Err(Error::compile("a stored function cannot give a stream")
                    .at(&definition.signature)
                    .help("declare it 'Bag of'"));
            }
            FunctionBody::Stored(Arc::new(Table::new(signature)))
        }
        ast::Body::Query(_) => {
            FunctionBody::Derived(Arc::new(definition.clone()), Compiled::default())
        }
        ast::Body::Procedure(_) => {
            FunctionBody::Procedure(Arc::new(definition.clone()), Compiled::default())
        }
        ast::Body::Foreign(_) => {
            return Err(Error::compile(
                "foreign functions are built in; they cannot be created here",
            )
            .at(&definition.signature));
        }
        ast::Body::InverseOf(name) => {
            FunctionBody::Inverse(compile::inverse_of(&inverted(catalog, name, signature)?))
        }
    })
}

/// The stored function that `as inverse of name` names, for this signature.
fn inverted(
    catalog: &Catalog,
    name: &FunctionName,
    signature: &Signature,
) -> Result<Arc<Function>> {
    let all = catalog.functions.named(name)?;
    let fits = |f: &&Arc<Function>| {
        let ([param], [column]) = (&*f.signature.params, &*f.signature.columns) else {
            return false;
        };
        matches!(f.body, FunctionBody::Stored(_))
            && signature.params.len() == 1
            && signature.columns.len() == 1
            && signature.params[0].ty.is_subtype_of(&column.ty)
            && signature.columns[0].ty.is_subtype_of(&param.ty)
    };
    all.iter().find(fits).cloned().ok_or_else(|| {
        let error = Error::compile(format!(
            "no stored function '{}' goes the other way round",
            name.name.text
        ));
        all.iter().fold(error.at(&name.name.span), |e, f| {
            e.help(format!("there is {}", f.signature))
        })
    })
}

/// Deletes the functions that the name stands for, and those that call them.
pub fn delete_function(catalog: &Catalog, name: &FunctionName) -> Result<()> {
    let functions = catalog.functions.named(name)?;
    if let Some(built_in) = functions.iter().find(|f| !f.is_user()) {
        let message = format!("{} is built in and cannot be deleted", built_in.signature);
        return Err(Error::compile(message).at(&name.name.span));
    }
    for function in functions.iter() {
        forget_function(catalog, function)?;
    }
    Ok(())
}

/// Deletes a function and those that call it, which could not be compiled any more.
pub fn forget_function(catalog: &Catalog, function: &Arc<Function>) -> Result<()> {
    if catalog
        .functions
        .resolvents(function.name())?
        .iter()
        .all(|f| f.id() != function.id())
    {
        return Ok(());
    }
    // What could not be compiled before, as a view is gone that it uses, stays.
    let mut callers = catalog.functions.user_functions();
    callers.retain(|caller| compile::check(catalog, caller).is_ok());
    catalog.functions.remove(function)?;
    catalog
        .undo_log
        .record(Undo::DeletedFunction(function.clone()));
    for caller in callers {
        if caller.id() != function.id() && compile::check(catalog, &caller).is_err() {
            forget_function(catalog, &caller)?;
        }
    }
    Ok(())
}
