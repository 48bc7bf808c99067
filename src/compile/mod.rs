//! From the abstract syntax to plans: names, types, overloads, the order of a query's conditions.
//! Compiles; runs nothing.
//!
//! [`Compiler`] holds a stack of frames, one for each query that is being compiled. An expression is
//! compiled into the topmost frame; where a function of single values meets a bag or stream, a step
//! that iterates over it is added to the frame, and the call works on each element (Daplex
//! semantics). What needs a whole collection is compiled in a frame of its own.

mod action;
mod apply;
mod batch;
mod call;
mod counted;
mod expr;
mod facts;
pub mod fields;
mod frame;
mod generate;
mod group;
mod group_window;
mod inverse;
mod join;
pub mod likely_wrong;
mod lookup;
mod multiplicity;
pub mod names;
mod narrow;
mod place;
mod planner;
mod procedure;
mod query;
mod repeatable;
pub mod rows;
mod scalar;
mod selects;
mod solve;
pub mod stateful;
mod unfold;
mod unnest;
mod windows;

use std::sync::Arc;

use crate::catalog::{Catalog, fit};
use crate::model::function::{FunctionBody, Signature};
use crate::model::{Function, Type};
use crate::plan::{Procedure, Query, Stmt, uses};
use crate::syntax::ast::{self, CreateFunction, Many};
use crate::text::diagnostic::{Error, Result};
use frame::{Fragment, Frame};
use query::Draft;
use selects::Selects;

pub use inverse::{inverse_of, updatable};
pub use repeatable::is_repeatable;

/// Where the text that is compiled stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum CodePlace {
    /// At the top: session variables are known and fixed for the statement.
    Statement,
    /// In a block or loop at the top: session variables change while it runs.
    Script,
    /// In a function: there are no session variables.
    Function,
}

/// Compiles one statement or one function.
pub struct Compiler<'a> {
    catalog: &'a Catalog,
    place: CodePlace,
    frames: Vec<Frame>,
    /// Functions that are being compiled further out: calls of them rely on their signatures.
    open: Vec<u64>,
    /// The selects that were compiled so far: each is compiled once, however often it is asked for.
    selects: Selects,
    /// The session variables that the statement itself has assigned so far, with their types. They
    /// are in scope for the rest of it, before those of the session.
    assigned: Vec<(Arc<str>, Type)>,
}

impl<'a> Compiler<'a> {
    fn new(catalog: &'a Catalog, place: CodePlace, open: Vec<u64>) -> Compiler<'a> {
        Compiler {
            catalog,
            place,
            frames: vec![Frame::default()],
            open,
            selects: Selects::default(),
            assigned: vec![],
        }
    }
}

/// Compiles a query at the top.
pub fn query(catalog: &Catalog, expr: &ast::Expr) -> Result<Query> {
    let compiler = Compiler::new(catalog, CodePlace::Statement, vec![]);
    Ok(compiler.whole(expr, &[])?.finish(catalog))
}

/// Compiles an expression at the top whose value is to be kept: a collection stays one value.
pub fn value(catalog: &Catalog, expr: &ast::Expr) -> Result<Query> {
    let expr = &*rows::prepared(catalog, expr, vec![])?;
    let mut compiler = Compiler::new(catalog, CodePlace::Statement, vec![]);
    let (expr, ty) = compiler.as_value(expr)?;
    let frame = compiler.pop_frame();
    Ok(Draft::of_value(Fragment { frame, expr, ty }).finish(catalog))
}

/// Compiles a procedural statement at the top, an update for example.
pub fn statement(catalog: &Catalog, statement: &ast::Statement) -> Result<Procedure> {
    use ast::StatementKind as Kind;
    let loops = matches!(
        statement.kind,
        Kind::Block(_) | Kind::ForEach(_) | Kind::While { .. } | Kind::Loop(_) | Kind::Case { .. }
    );
    let place = if loops {
        CodePlace::Script
    } else {
        CodePlace::Statement
    };
    let mut compiler = Compiler::new(catalog, place, vec![]);
    let body = compiler.whole_statement(statement)?;
    Ok(compiler.finish_procedure(body))
}

/// The compiled body of a derived function; made anew when definitions have changed.
pub fn derived(catalog: &Catalog, function: &Function) -> Result<Arc<Query>> {
    body_of(catalog, function, &[])
}

fn body_of(catalog: &Catalog, function: &Function, open: &[u64]) -> Result<Arc<Query>> {
    let FunctionBody::Derived(definition, compiled) = &function.body else {
        return Err(Error::run(format!(
            "{} is not a derived function",
            function.signature
        )));
    };
    let epoch = catalog.functions.epoch();
    if let Some(plan) = compiled.get(epoch) {
        return Ok(plan);
    }
    let mut inside = open.to_vec();
    inside.push(function.id());
    let mut query = define(catalog, definition, &function.signature, inside)?;
    query.scalar = scalar::of_query(catalog, function, &query).map(Arc::new);
    let plan = Arc::new(query);
    compiled.set(epoch, plan.clone());
    Ok(plan)
}

fn define(
    catalog: &Catalog,
    definition: &CreateFunction,
    signature: &Signature,
    open: Vec<u64>,
) -> Result<Query> {
    let ast::Body::Query(body) = &definition.body else {
        return Err(Error::run("the function has no query").at(&definition.span));
    };
    let mut compiler = Compiler::new(catalog, CodePlace::Function, open);
    compiler.parameters(signature);
    let many = signature.many != Many::One;
    let mut draft = compiler.whole(body, &signature.columns)?;
    // A collection that is to be the one value of the function stays whole.
    if !many && signature.columns.iter().any(|c| c.ty.is_collection()) {
        draft = draft.kept_whole();
    }
    let query = draft.finish(catalog);
    check_result(&query, signature, definition)?;
    Ok(query)
}

/// The types of a definition's results must be able to be what its signature says.
fn check_result(query: &Query, signature: &Signature, definition: &CreateFunction) -> Result<()> {
    let declared = signature.row_type();
    if query.ty.is_collection() || fit::fit(&query.ty, &declared).is_some() {
        return Ok(());
    }
    let message = format!(
        "{} is declared to give {declared}, but its query gives {}",
        definition.name.span.text(),
        query.ty
    );
    Err(Error::compile(message).at(&definition.signature))
}

/// The compiled body of a procedural function.
pub fn procedural(catalog: &Catalog, function: &Function) -> Result<Arc<Procedure>> {
    let FunctionBody::Procedure(definition, compiled) = &function.body else {
        return Err(Error::run(format!(
            "{} is not a procedure",
            function.signature
        )));
    };
    let epoch = catalog.functions.epoch();
    if let Some(plan) = compiled.get(epoch) {
        return Ok(plan);
    }
    let ast::Body::Procedure(body) = &definition.body else {
        return Err(Error::run("the function has no body").at(&definition.span));
    };
    let mut compiler = Compiler::new(catalog, CodePlace::Function, vec![function.id()]);
    compiler.parameters(&function.signature);
    let body: Stmt = compiler.procedure_body(body, &function.signature)?;
    let mut procedure = compiler.finish_procedure(body);
    procedure.scalar = scalar::of_procedure(catalog, function, &procedure).map(Arc::new);
    let plan = Arc::new(procedure);
    compiled.set(epoch, plan.clone());
    Ok(plan)
}

/// Whether a function runs over plain numbers.
#[cfg(test)]
pub fn is_plain(catalog: &Catalog, function: &Function) -> bool {
    match &function.body {
        FunctionBody::Derived(..) => derived(catalog, function).is_ok_and(|q| q.scalar.is_some()),
        FunctionBody::Procedure(..) => {
            procedural(catalog, function).is_ok_and(|p| p.scalar.is_some())
        }
        _ => false,
    }
}

/// The functions that the definition of `function` calls, as it is compiled; none for one that is
/// no query and no procedure.
pub fn used_by(catalog: &Catalog, function: &Function) -> Result<Vec<Arc<Function>>> {
    Ok(match &function.body {
        FunctionBody::Derived(..) => uses::of_query(&*derived(catalog, function)?),
        FunctionBody::Procedure(..) => uses::of_procedure(&*procedural(catalog, function)?),
        _ => vec![],
    })
}

/// Compiles a new function's body, so that its errors are seen when it is created.
pub fn check(catalog: &Catalog, function: &Function) -> Result<()> {
    match &function.body {
        FunctionBody::Derived(..) => derived(catalog, function).map(|_| ()),
        FunctionBody::Procedure(..) => procedural(catalog, function).map(|_| ()),
        _ => Ok(()),
    }
}

/// The type of a call of `function`: many results where its query can have many, whatever its
/// signature says (the reference does not enforce single results either).
fn call_type(catalog: &Catalog, function: &Function, open: &[u64]) -> Result<Type> {
    let declared = function.signature.result_type();
    let one = function.signature.many == Many::One;
    match &function.body {
        FunctionBody::Derived(..)
            if one && !declared.is_collection() && !open.contains(&function.id()) =>
        {
            let plan = body_of(catalog, function, open)?;
            Ok(if plan.is_single() {
                declared
            } else {
                Type::bag(declared)
            })
        }
        FunctionBody::Stored(table) if one && !table.is_unique_by_arguments() => {
            Ok(Type::bag(declared))
        }
        FunctionBody::Inverse(view) if one && !view.is_unique(function.arity()) => {
            Ok(Type::bag(declared))
        }
        FunctionBody::Procedure(..) if one && returns_many(function) => Ok(Type::bag(declared)),
        _ => Ok(declared),
    }
}

/// Whether a procedure returns inside a loop, and so may return many values.
pub fn returns_many(function: &Function) -> bool {
    let FunctionBody::Procedure(definition, _) = &function.body else {
        return false;
    };
    match &definition.body {
        ast::Body::Procedure(body) => procedure::returns_many(body, false),
        _ => false,
    }
}
