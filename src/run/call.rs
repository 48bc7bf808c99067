//! Calls functions.

use std::borrow::Borrow;
use std::sync::Arc;

use super::query::SubCollection;
use crate::catalog::Catalog;
use crate::catalog::overloads::{Selection, ambiguous_values, best};
use crate::compile;
use crate::host::Host;
use crate::host::failed;
use crate::host::traced::Traced;
use crate::model::conversion::converted;
use crate::model::function::{FunctionBody, Param, View};
use crate::model::native::Native;
use crate::model::table::Table;
use crate::model::{Args, Collection, Cx, Function, Source, Type, Value, nesting, print};
use crate::plan::{Query, ResultCollections, Target};
use crate::run::table_rows::TableRows;
use crate::run::{declared, element, procedure, query, scalar};
use crate::syntax::ast::Many;
use crate::text::diagnostic::{Error, Result, Span, shortened};

/// Calls the target with these arguments; an error is marked at `span`.
pub fn target(target: &Target, args: Vec<Value>, span: &Span, cx: &Cx) -> Result<Option<Value>> {
    let called = match target {
        Target::One(f) => function(f, args, cx),
        Target::Late(candidates) => late(candidates, args, cx),
    };
    called.map_err(|error| error.at(span))
}

/// Calls the resolvent that the arguments mean.
pub fn late(candidates: &Arc<[Arc<Function>]>, args: Vec<Value>, cx: &Cx) -> Result<Option<Value>> {
    let chosen = best(candidates, &args);
    let meant = match &chosen {
        Selection::One(one) => std::slice::from_ref(one),
        Selection::Ambiguous(several) => several,
        Selection::Nothing => &[],
    };
    if let Some(i) = lifted(meant, &args) {
        // Each element may mean another one.
        return Ok(Some(lift(Target::Late(candidates.clone()), args, i)));
    }
    match chosen {
        Selection::One(one) => function(one, args, cx),
        _ if args.iter().any(Value::is_null) => Ok(None),
        Selection::Ambiguous(several) => Err(ambiguous_values(several[0].name(), &several)),
        Selection::Nothing => Err(mismatch(candidates, &types_of(&args))),
    }
}

/// The resolvent of a generic function that is called for these arguments; any other function itself.
pub fn resolvent(f: &Arc<Function>, args: &[Value], cx: &Cx) -> Result<Arc<Function>> {
    if !f.is_generic() {
        return Ok(f.clone());
    }
    let candidates = Catalog::of(cx).functions.resolvents(f.name())?;
    resolvent_among(&candidates, args).cloned()
}

/// The resolvent that is meant with these arguments; an only one is, whatever they are.
pub fn resolvent_among<'f>(
    candidates: &'f [Arc<Function>],
    args: &[Value],
) -> Result<&'f Arc<Function>> {
    if let [only] = candidates {
        return Ok(only);
    }
    match best(candidates, args) {
        Selection::One(one) => Ok(one),
        Selection::Ambiguous(several) => Err(ambiguous_values(several[0].name(), &several)),
        Selection::Nothing => Err(mismatch(candidates, &types_of(args))),
    }
}

/// The argument that all of these resolvents take element by element.
fn lifted(meant: &[&Arc<Function>], args: &[Value]) -> Option<usize> {
    let single = |f: &&Arc<Function>, i: usize| !f.signature.params[i].ty.is_collection();
    (0..args.len())
        .filter(|_| !meant.is_empty())
        .find(|i| args[*i].is_collection() && meant.iter().all(|f| single(f, *i)))
}

fn types_of(args: &[Value]) -> Vec<Type> {
    args.iter().map(Type::of).collect()
}

/// Calls a function. A generic one chooses a resolvent by the arguments.
pub fn function(f: &Arc<Function>, mut args: Vec<Value>, cx: &Cx) -> Result<Option<Value>> {
    if f.is_generic() {
        return late(&Catalog::of(cx).functions.resolvents(f.name())?, args, cx);
    }
    if args.len() != f.arity() {
        return Err(mismatch(std::slice::from_ref(f), &types_of(&args)));
    }
    for (i, param) in f.signature.params.iter().enumerate() {
        if args[i].is_collection() && !param.ty.is_collection() {
            let stream = matches!(args[i], Value::Stream(_));
            if stream && let Some(error) = f.needs_one_number(i) {
                return Err(error);
            }
            return Ok(Some(lift(Target::One(f.clone()), args, i)));
        }
        let given = match f.native() {
            Some(_) => convert_native(&args[i], param),
            None => convert(&args[i], param),
        };
        match given {
            Some(Some(converted)) => args[i] = converted,
            Some(None) if args[i].is_collection() && f.native().is_none() => {
                let given = std::mem::replace(&mut args[i], Value::Null);
                args[i] = declared::argument(f, i, given);
            }
            Some(None) => {}
            None if args[i].is_null() => return Ok(None),
            None => return Err(wrong_argument(f, &args[i], param)),
        }
    }
    let depth = cx.enter()?;
    if depth.is_time_to_look() && f.is_user() {
        args.iter().try_for_each(nesting::check)?;
    }
    if Traced::prints(f, cx) {
        return traced(f, args, cx);
    }
    body(f, args, cx)
}

/// Calls a function, and prints what goes in and what comes out.
fn traced(f: &Arc<Function>, args: Vec<Value>, cx: &Cx) -> Result<Option<Value>> {
    let name = f.name();
    let given: Vec<_> = args.iter().map(short).collect();
    Host::of(cx).print(&format!("{name}({})\n", given.join(",")))?;
    let result = body(f, args, cx)?;
    let text = result.as_ref().map_or_else(|| "nothing".to_owned(), short);
    Host::of(cx).print(&format!("{name} => {text}\n"))?;
    Ok(result)
}

/// Calls a stored function with the arguments where they are.
pub fn stored_of(
    f: &Arc<Function>,
    table: &Table,
    args: &[&Value],
    cx: &Cx,
) -> Result<Option<Value>> {
    let params = &f.signature.params;
    let fits = |(arg, param): (&&Value, &Param)| {
        !arg.is_collection() && matches!(convert(arg, param), Some(None))
    };
    if args.iter().zip(params).all(fits) && !Traced::prints(f, cx) {
        return stored(f, table, args, cx);
    }
    function(f, args.iter().map(|arg| (*arg).clone()).collect(), cx)
}

/// Calls a native function with the arguments in place.
pub fn native(
    f: &Arc<Function>,
    native: &Native,
    args: &mut [Value],
    cx: &Cx,
) -> Result<Option<Value>> {
    let lifted = |(arg, param): (&Value, &Param)| arg.is_collection() && !param.ty.is_collection();
    let params = &f.signature.params;
    if args.iter().zip(params).any(lifted) || Traced::prints(f, cx) {
        return function(f, args.to_vec(), cx);
    }
    for (arg, param) in args.iter_mut().zip(params) {
        match convert_native(arg, param) {
            Some(Some(converted)) => *arg = converted,
            Some(None) => {}
            None if arg.is_null() => return Ok(None),
            None => return Err(wrong_argument(f, arg, param)),
        }
    }
    run_native(f, native, args, cx)
}

fn run_native(f: &Function, native: &Native, args: &[Value], cx: &Cx) -> Result<Option<Value>> {
    Ok(as_declared(f, (native.code)(cx, Args(args))?))
}

/// A predicate that does not hold has no result; a false that was read is a value.
fn as_declared(f: &Function, result: Option<Value>) -> Option<Value> {
    result.filter(|value| {
        !matches!(value, Value::Bool(false)) || f.signature.columns[0].ty != Type::Boolean
    })
}

/// The result of a query or procedure, as its signature says.
fn of_user(f: &Arc<Function>, result: Option<Value>) -> Result<Option<Value>> {
    let value = as_declared(f, result);
    value.map(|value| declared::result(f, value)).transpose()
}

/// The argument as the parameter wants it: `Some(None)` if it is so already, `None` if it cannot be.
fn convert(value: &Value, param: &Param) -> Option<Option<Value>> {
    match (value, &param.ty) {
        (Value::Null, Type::Bag(_)) => Some(Some(Value::bag(vec![]))),
        (value, ty) => converted(value, ty),
    }
}

/// The same for a function in Rust, which looks at the elements of vectors itself.
fn convert_native(value: &Value, param: &Param) -> Option<Option<Value>> {
    match (value, &param.ty) {
        (Value::Vector(_), Type::Vector(_)) => Some(None),
        _ => convert(value, param),
    }
}

fn body(f: &Arc<Function>, args: Vec<Value>, cx: &Cx) -> Result<Option<Value>> {
    match &f.body {
        FunctionBody::Native(native) => run_native(f, native, &args, cx),
        FunctionBody::Derived(..) => {
            let query = compile::derived(Catalog::of(cx), f)?;
            if let Some(result) = query
                .scalar
                .as_ref()
                .and_then(|u| scalar::run(u, &args, cx))
            {
                return Ok(result);
            }
            of_user(f, derived(f, &query, args, cx)?)
        }
        FunctionBody::Stored(table) => stored(f, table, &args, cx),
        FunctionBody::Inverse(view) => inverse(f, view, args, cx),
        FunctionBody::Procedure(..) => of_user(f, procedure::call(f, args, cx)?),
        FunctionBody::Generic => Ok(None),
    }
}

fn derived(f: &Function, query: &Arc<Query>, args: Vec<Value>, cx: &Cx) -> Result<Option<Value>> {
    let given: Vec<_> = args.into_iter().enumerate().collect();
    if f.signature.many == Many::One && query.is_single() {
        return query::single(query, given, cx);
    }
    if f.signature.many == Many::One
        && query.is_one_row()
        && query.output.collections == ResultCollections::Unknown
    {
        return query::single(query, given, cx).map(|value| Some(one_or_many(value)));
    }
    let collection = Arc::new(SubCollection {
        query: query.clone(),
        given,
    });
    Ok(Some(match f.signature.many {
        Many::Stream => Value::Stream(collection),
        Many::One | Many::Bag => Value::Bag(collection),
    }))
}

/// The result of a function of which it is not known whether it gives a collection, for callers that
/// take it for one and for such that do not: a value is itself.
fn one_or_many(value: Option<Value>) -> Value {
    match value {
        None => Value::bag(vec![]),
        // As a collection it would be taken apart.
        Some(vector @ Value::Vector(_)) => Value::bag(vec![vector]),
        Some(Value::Stream(elements)) => Value::Bag(elements),
        Some(value) => value,
    }
}

fn stored<V: Borrow<Value>>(
    f: &Arc<Function>,
    table: &Table,
    args: &[V],
    cx: &Cx,
) -> Result<Option<Value>> {
    if table.lasting().is_some() {
        return Ok(Some(Value::Bag(Arc::new(TableRows(f.clone())))));
    }
    let found = table.find(table.arguments(), args, &cx.token)?;
    let mut results = found.iter().map(|row| match &row[args.len()..] {
        [one] => one.clone(),
        several => Value::vector(several.to_vec()),
    });
    if f.signature.many == Many::One && table.is_unique_by_arguments() {
        return Ok(results.next());
    }
    Ok(Some(Value::bag(results.collect())))
}

fn inverse(f: &Function, view: &View, args: Vec<Value>, cx: &Cx) -> Result<Option<Value>> {
    let mut known: Vec<Option<Value>> = args.into_iter().map(Some).collect();
    known.resize(f.arity() + f.signature.columns.len(), None);
    let Some(table) = view.table() else {
        return Ok(None);
    };
    let known = view.rearranged(&known, Some(Value::Bool(true)));
    let rows = table.lookup(&known, &cx.token)?;
    let mut results = rows.iter().map(|row| view.results(f.arity(), row));
    if f.signature.many == Many::One && view.is_unique(f.arity()) {
        return Ok(results.next());
    }
    Ok(Some(Value::bag(results.collect())))
}

/// What is called applied to each element of argument `at`, a bag or stream.
fn lift(target: Target, args: Vec<Value>, at: usize) -> Value {
    let stream = matches!(args[at], Value::Stream(_));
    let lifted = Arc::new(Lifted { target, args, at });
    if stream {
        Value::Stream(lifted)
    } else {
        Value::Bag(lifted)
    }
}

struct Lifted {
    target: Target,
    args: Vec<Value>,
    at: usize,
}

impl Collection for Lifted {
    fn open(&self, cx: &Cx) -> Result<Box<dyn Source>> {
        Ok(Box::new(LiftedRun {
            elements: self.args[self.at].elements(cx)?,
            target: self.target.clone(),
            args: self.args.clone(),
            at: self.at,
            inner: None,
            stream: matches!(self.args[self.at], Value::Stream(_)),
            taken: 0,
        }))
    }
}

struct LiftedRun {
    elements: Box<dyn Source>,
    target: Target,
    args: Vec<Value>,
    at: usize,
    inner: Option<Box<dyn Source>>,
    stream: bool,
    taken: u64,
}

impl LiftedRun {
    fn explain(&self, error: Error) -> Error {
        if !self.stream {
            return error;
        }
        let name = match &self.target {
            Target::One(f) => f.name(),
            Target::Late(candidates) => candidates[0].name(),
        };
        let stream = format!("the stream of {name}");
        element::blame(error, self.taken, &stream)
    }
}

impl Source for LiftedRun {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        // What the function gives may be made of further calls.
        let _depth = cx.enter()?;
        loop {
            if let Some(inner) = &mut self.inner {
                match inner.next(cx) {
                    Ok(None) => self.inner = None,
                    Ok(value) => return Ok(value),
                    Err(error) => {
                        self.inner = None;
                        self.set_aside(error, cx)?;
                    }
                }
                continue;
            }
            // One element may take long, and whoever pulls may want many.
            cx.token.check()?;
            if self.taken > 0 && self.elements.is_live() {
                Catalog::of(cx).between_elements()?;
            }
            let Some(element) = self.elements.next(cx)? else {
                return Ok(None);
            };
            Catalog::of(cx).begin_element();
            self.taken += 1;
            match self.apply(element, cx) {
                Ok(Some(value)) => return Ok(Some(value)),
                Ok(None) => {}
                Err(error) => self.set_aside(error, cx)?,
            }
        }
    }

    fn is_live(&self) -> bool {
        self.elements.is_live()
    }
}

impl LiftedRun {
    /// The result for an element; `None` where there is none, or where it is a collection, which
    /// becomes `inner`.
    fn apply(&mut self, element: Value, cx: &Cx) -> Result<Option<Value>> {
        self.args[self.at] = element;
        let args = self.args.clone();
        let result = match &self.target {
            Target::One(f) => function(f, args, cx),
            Target::Late(candidates) => late(candidates, args, cx),
        }?;
        match result {
            Some(value) if value.is_collection() => {
                self.inner = Some(value.elements(cx)?);
                Ok(None)
            }
            result => Ok(result),
        }
    }

    /// Leaves the latest element out, where it is one of a live stream.
    fn set_aside(&self, error: Error, cx: &Cx) -> Result<()> {
        let error = self.explain(error);
        if self.elements.is_live() {
            failed::set_aside(error, cx)
        } else {
            Err(error)
        }
    }
}

fn wrong_argument(f: &Function, value: &Value, param: &Param) -> Error {
    let name = param
        .name
        .as_ref()
        .map(|n| format!(" '{n}'"))
        .unwrap_or_default();
    let message = format!(
        "'{}' wants its argument{name} to be {}, not {}",
        f.name(),
        param.ty,
        short(value)
    );
    Error::run(message).help(format!("it is {}", f.signature))
}

/// A value for a message: cut where it is long.
pub fn short(value: &Value) -> String {
    // A character has four bytes at most.
    shortened(print::beginning(value, 4 * 60), 60)
}

fn mismatch(candidates: &[Arc<Function>], types: &[Type]) -> Error {
    let name = candidates.first().map_or("?", |f| f.name());
    let types = types
        .iter()
        .map(Type::to_string)
        .collect::<Vec<_>>()
        .join(", ");
    let error = Error::run(format!("'{name}' does not take ({types})"));
    candidates
        .iter()
        .take(6)
        .fold(error, |e, f| e.help(format!("it is {}", f.signature)))
}
