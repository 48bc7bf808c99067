//! Executes statements.

use crate::catalog::Catalog;
use crate::host::Host;
mod results;
mod validate;

use std::path::Path;
use std::sync::Arc;

use crate::catalog::signature;
use crate::catalog::undo::Undo;
use crate::compile;
use crate::model::function::{Body, Compiled, Signature};
use crate::model::table::Table;
use crate::model::{Cx, Function, Type, UserType, Value};
use crate::run::{procedure, query};
use crate::syntax::ast::{
    self, CreateFunction, ExprKind, FunctionName, Name, StatementKind, Variable,
};
use crate::syntax::{Splitter, statement};
use crate::text::diagnostic::{Error, Result, SourceText, nearest};
pub use results::{Outcome, Results};

/// Executes one statement. What it changed is undone if it fails.
pub fn execute(cx: &Cx, source: &Arc<SourceText>) -> Result<Outcome> {
    let Some(statement) = statement(source)? else {
        return Ok(Outcome::Done);
    };
    let mark = Catalog::of(cx).undo_log.mark();
    // Its rows stop it when they are dropped, and nothing beside it.
    let cx = &cx.with_token(cx.token.child());
    let outcome = run(cx, &statement, mark);
    match &outcome {
        Err(_) => Catalog::of(cx).undo(mark),
        // Rows end the statement when they are dropped.
        Ok(Outcome::Results(_)) => {}
        Ok(_) => Catalog::of(cx).end_of_statement(),
    }
    outcome
}

/// Executes a statement as a part of the one that runs; gives its results, and whether they are
/// tuples. A query's results are produced when they are read.
pub fn execute_within(cx: &Cx, source: &Arc<SourceText>) -> Result<(Value, bool)> {
    let Some(statement) = statement(source)? else {
        return Ok((Value::bag(vec![]), false));
    };
    if let StatementKind::Query(expr) = &statement.kind
        && !matches!(&expr.kind, ExprKind::Select(select) if !select.into.is_empty())
    {
        let query = Arc::new(compile::query(Catalog::of(cx), expr)?);
        let tuples = query.output.columns.len() > 1 || matches!(query.ty, Type::Tuple(_));
        let given = vec![];
        return Ok((
            Value::Bag(Arc::new(query::SubCollection { query, given })),
            tuples,
        ));
    }
    let mark = Catalog::of(cx).undo_log.mark();
    let mut results = Vec::new();
    if let Outcome::Results(mut rows) = run(&cx.with_token(cx.token.child()), &statement, mark)? {
        rows.within = true;
        results = rows.by_ref().collect::<Result<_>>()?;
    }
    Ok((Value::bag(results), false))
}

fn run(cx: &Cx, statement: &ast::Statement, mark: usize) -> Result<Outcome> {
    let catalog = Catalog::of(cx);
    match &statement.kind {
        StatementKind::Query(expr) => return rows(cx, expr, mark),
        StatementKind::Assign { targets, value } => assign(cx, targets, value)?,
        StatementKind::DeclareSession(declarations) => {
            for declaration in declarations {
                let ty = signature::of(&declaration.ty, &catalog.types)?;
                catalog.variables.declare(&declaration.name.text, ty);
            }
        }
        StatementKind::CreateType { name, supertypes } => create_type(catalog, name, supertypes)?,
        StatementKind::DeleteType(name) => delete_type(catalog, name)?,
        StatementKind::CreateFunction(definition) => create_function(catalog, definition)?,
        StatementKind::DeleteFunction(name) => delete_function(catalog, name)?,
        StatementKind::Commit => catalog.commit(),
        StatementKind::Rollback => catalog.rollback(),
        StatementKind::Validate(validate) => validate::run(cx, validate)?,
        StatementKind::Quit => return Ok(Outcome::Quit),
        StatementKind::Load(file) => {
            let plan = Arc::new(compile::value(catalog, file)?);
            let file = query::single(&plan, vec![], cx)?;
            let Some(Value::Str(file)) = file else {
                return Err(Error::run("a file's name is a string").at(&statement.span));
            };
            load(cx, Path::new(&*file), true).map_err(|e| e.at(&statement.span))?;
        }
        _ => {
            let plan = compile::statement(catalog, statement)?;
            let results = procedure::run(&plan, vec![], cx)?;
            if !results.is_empty() {
                let results = Value::bag(results).elements(cx)?;
                return Ok(Outcome::Results(Results::new(results, cx.clone(), mark)));
            }
        }
    }
    Ok(Outcome::Done)
}

fn rows(cx: &Cx, expr: &ast::Expr, mark: usize) -> Result<Outcome> {
    if let ExprKind::Select(select) = &expr.kind
        && !select.into.is_empty()
    {
        let mut plain = (**select).clone();
        let targets = std::mem::take(&mut plain.into);
        let kind = ExprKind::Select(Box::new(plain));
        let plan = Arc::new(compile::query(
            Catalog::of(cx),
            &ast::Expr {
                kind,
                span: expr.span.clone(),
            },
        )?);
        let ty = plan.ty.clone();
        let first = query::open(&plan, vec![], cx)?.next(cx)?;
        put(
            Catalog::of(cx),
            &targets,
            first.unwrap_or(Value::Null),
            Some(ty),
        )?;
        return Ok(Outcome::Done);
    }
    let plan = Arc::new(compile::query(Catalog::of(cx), expr)?);
    let source = query::open(&plan, vec![], cx)?;
    let results = Results::new(source, cx.clone(), mark);
    Ok(Outcome::Results(results.of_stream(plan.is_stream())))
}

/// `set :x = …`: a bag or stream is kept as what it is, not run; a call that is declared to give one
/// value is, and gives it.
fn assign(cx: &Cx, targets: &[Variable], value: &ast::Expr) -> Result<()> {
    let plan = Arc::new(compile::value(Catalog::of(cx), value)?);
    let result = query::single(&plan, vec![], cx)?.unwrap_or(Value::Null);
    let one = targets.len() > 1 || declared_single(Catalog::of(cx), value)?;
    let (result, ty) = match result {
        Value::Bag(bag) if one => {
            let mut elements = bag.open(cx)?;
            let first = elements.next(cx)?;
            match (first, elements.next(cx)?) {
                (Some(first), None) => (first, None),
                (None, _) => (Value::Null, None),
                _ => (Value::Bag(bag), None),
            }
        }
        value => (value, Some(plan.ty.clone())),
    };
    put(Catalog::of(cx), targets, result, ty).map_err(|error| error.at(&value.span))
}

fn declared_single(catalog: &Catalog, value: &ast::Expr) -> Result<bool> {
    let ExprKind::Call { function, .. } = &value.kind else {
        return Ok(false);
    };
    let resolvents = catalog.functions.resolvents(&function.name.text)?;
    let single = |f: &Arc<Function>| {
        f.signature.many == ast::Many::One && !f.signature.columns[0].ty.is_collection()
    };
    Ok(!resolvents.is_empty() && resolvents.iter().all(|f| f.is_user() && single(f)))
}

fn put(catalog: &Catalog, targets: &[Variable], value: Value, ty: Option<Type>) -> Result<()> {
    let part = |i: usize| match &value {
        _ if targets.len() == 1 => Ok(value.clone()),
        Value::Vector(parts) if parts.len() == targets.len() => Ok(parts[i].clone()),
        Value::Null => Ok(Value::Null),
        other => Err(Error::run(format!(
            "{} variables, but one value: {other}",
            targets.len()
        ))),
    };
    for (i, target) in targets.iter().enumerate() {
        let Variable::Session(name) = target else {
            let (Variable::Local(name) | Variable::Session(name)) = target;
            return Err(Error::compile(format!(
                "'{}' is not a session variable",
                name.span.text()
            ))
            .at(&name.span)
            .help(format!(
                "session variables have a colon: `set :{} = …`",
                name.text
            )));
        };
        let ty = ty.clone().filter(|_| targets.len() == 1);
        catalog.variables.set(&name.text, part(i)?, ty)?;
    }
    Ok(())
}

fn create_type(catalog: &Catalog, name: &Name, supertypes: &[Name]) -> Result<()> {
    let written = name.span.text();
    if Type::named(&name.text).is_some() || catalog.types.get(&name.text).is_some() {
        let message = format!("there is a type '{written}' already");
        return Err(Error::compile(message).at(&name.span));
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
fn delete_type(catalog: &Catalog, name: &Name) -> Result<()> {
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

fn create_function(catalog: &Catalog, definition: &CreateFunction) -> Result<()> {
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
    let body = body(catalog, definition, &signature)?;
    let function = Arc::new(Function::new(signature, body, definition, None));
    let replaced = catalog.functions.define(function.clone())?;
    catalog
        .undo_log
        .record(Undo::Defined(function.clone(), replaced));
    catalog.topics.defined(&function);
    compile::check(catalog, &function)
}

fn body(catalog: &Catalog, definition: &CreateFunction, signature: &Signature) -> Result<Body> {
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
            Body::Stored(Arc::new(Table::new(signature)))
        }
        ast::Body::Query(_) => Body::Derived(Arc::new(definition.clone()), Compiled::default()),
        ast::Body::Procedure(_) => {
            Body::Procedure(Arc::new(definition.clone()), Compiled::default())
        }
        ast::Body::Foreign(_) => {
            return Err(Error::compile(
                "foreign functions are built in; they cannot be created here",
            )
            .at(&definition.signature));
        }
        ast::Body::InverseOf(name) => {
            Body::Inverse(compile::inverse_of(&inverted(catalog, name, signature)?))
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
        matches!(f.body, Body::Stored(_))
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

fn delete_function(catalog: &Catalog, name: &FunctionName) -> Result<()> {
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
fn forget_function(catalog: &Catalog, function: &Arc<Function>) -> Result<()> {
    if catalog
        .functions
        .resolvents(function.name())?
        .iter()
        .all(|f| f.id() != function.id())
    {
        return Ok(());
    }
    catalog.functions.remove(function)?;
    catalog
        .undo_log
        .record(Undo::DeletedFunction(function.clone()));
    for caller in catalog.functions.user_functions() {
        if compile::check(catalog, &caller).is_err() {
            forget_function(catalog, &caller)?;
        }
    }
    Ok(())
}

/// Executes all statements of a file, up to the first that fails. `show` prints their results.
pub fn load(cx: &Cx, file: &Path, show: bool) -> Result<()> {
    let name = file.display().to_string();
    let text = std::fs::read_to_string(file)
        .map_err(|error| Error::run(format!("{name} cannot be read: {error}")))?;
    let _depth = cx.enter()?;
    let mut splitter = Splitter::new(&name);
    splitter.push(&text);
    loop {
        let Some(next) = splitter.next_statement().or_else(|| splitter.finish()) else {
            return Ok(());
        };
        match execute(cx, &next)? {
            Outcome::Results(rows) => {
                for row in rows {
                    let row = row?;
                    if show {
                        Host::of(cx).print(&format!("{row}\n"))?;
                    }
                }
            }
            Outcome::Done => {}
            Outcome::Quit => return Ok(()),
        }
    }
}
