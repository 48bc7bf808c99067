//! What has state: its results, or the state of the world, differ from call to call, so that it must be
//! evaluated as often as it is written, and in the written order.
//!
//! A call has state if the function says so in its row, if its definition has, or if it calls a
//! function that it is given and that has. What a function is given is followed through definitions;
//! where it is not known, it is taken to have state.

use std::sync::Arc;

use super::names::{children, parts};
use crate::catalog::{Catalog, named};
use crate::model::function::{FunctionBody, Signature};
use crate::model::native::Volatility;
use crate::model::{Function, Type};
use crate::syntax::ast::{self, Expr, ExprKind, Many, Name, Variable};
use crate::text::diagnostic::Result;

/// Whether evaluating `expr` has state: it takes elements from a stream, or calls what has state.
pub fn is_stateful(catalog: &Catalog, expr: &Expr) -> Result<bool> {
    Search::new(catalog).expr(expr, &Given::default())
}

/// Whether calling `function` has state, whatever functions it is given.
pub fn has_state(catalog: &Catalog, function: &Arc<Function>) -> Result<bool> {
    let arguments = vec![Argument::Value; function.arity()];
    Search::new(catalog).call(function, arguments)
}

/// Whether what a call of `function` gives may change while a query runs, whatever functions it is given:
/// it has state, or reads what may change. Files may only if `files_change`; a stream of what they have
/// is data like any other then.
pub fn may_change(catalog: &Catalog, function: &Arc<Function>, files_change: bool) -> Result<bool> {
    let arguments = vec![Argument::Value; function.arity()];
    let mut search = Search::new(catalog);
    search.files = match files_change {
        true => Files::Change,
        false => Files::Data,
    };
    search.call(function, arguments)
}

/// What reading files is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Files {
    /// It has no state, but a stream of what they have, as any, does.
    Streams,
    Data,
    Change,
}

/// What is known of an argument.
#[derive(Clone, PartialEq, Eq)]
enum Argument {
    /// One of these functions.
    Functions(Vec<u64>),
    /// It may be a function, but which is not known.
    Unknown,
    /// Not looked at, or no function.
    Value,
}

/// The parameters of the definition that is looked at, with what they are given.
#[derive(Default)]
struct Given(Vec<(Arc<str>, Argument)>);

impl Given {
    fn of(signature: &Signature, arguments: Vec<Argument>) -> Given {
        let names = signature.params.iter().map(|p| p.name.clone());
        let known = names.zip(arguments);
        Given(known.filter_map(|(name, arg)| Some((name?, arg))).collect())
    }

    fn get(&self, name: &Name) -> Argument {
        let found = self.0.iter().find(|(known, _)| *known == name.text);
        found.map_or(Argument::Unknown, |(_, argument)| argument.clone())
    }
}

struct Search<'a> {
    catalog: &'a Catalog,
    /// The calls that have been looked at, or are being: what calls itself adds nothing.
    seen: Vec<(u64, Vec<Argument>)>,
    /// The functions that arguments stand for.
    functions: Vec<Arc<Function>>,
    files: Files,
}

impl Search<'_> {
    fn new(catalog: &Catalog) -> Search<'_> {
        Search {
            catalog,
            seen: Vec::new(),
            functions: Vec::new(),
            files: Files::Streams,
        }
    }

    fn expr(&mut self, expr: &Expr, given: &Given) -> Result<bool> {
        if let ExprKind::Call { function, args } = &expr.kind {
            let mut arguments = Vec::with_capacity(args.len());
            for arg in args {
                arguments.push(self.argument(arg, given)?);
            }
            let resolvents = self.catalog.functions.resolvents(&function.name.text)?;
            for resolvent in resolvents.iter().filter(|f| may_take(f, &arguments)) {
                if self.call(resolvent, arguments.clone())? {
                    return Ok(true);
                }
            }
        }
        let below = match &expr.kind {
            ExprKind::Select(select) => parts(select),
            _ => children(expr),
        };
        for child in below {
            if self.expr(child, given)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Which functions an argument may be.
    fn argument(&mut self, arg: &Expr, given: &Given) -> Result<Argument> {
        let function = match &arg.kind {
            ExprKind::Functional(name) => named::find(self.catalog, &name.text)?,
            ExprKind::Variable(Variable::Local(name)) => return Ok(given.get(name)),
            _ => return Ok(Argument::Unknown),
        };
        let functions = if function.is_generic() {
            self.catalog.functions.resolvents(function.name())?.to_vec()
        } else {
            vec![function]
        };
        let ids = functions.iter().map(|f| f.id()).collect();
        self.functions.extend(functions);
        Ok(Argument::Functions(ids))
    }

    fn call(&mut self, function: &Arc<Function>, mut arguments: Vec<Argument>) -> Result<bool> {
        if function.signature.many == Many::Stream && !self.may_be_file(function) {
            return Ok(true);
        }
        for (argument, param) in arguments.iter_mut().zip(&function.signature.params) {
            if param.ty != Type::Function {
                *argument = Argument::Value;
            }
        }
        let call = (function.id(), arguments);
        if self.seen.contains(&call) {
            return Ok(false);
        }
        self.seen.push(call.clone());
        let (_, arguments) = call;
        match &function.body {
            FunctionBody::Native(native) => {
                let changes = native.reads_files && self.files == Files::Change;
                if native.volatility != Volatility::Immutable || changes {
                    return Ok(true);
                }
                if !native.calls_functions {
                    return Ok(false);
                }
                self.any_has_state(&arguments)
            }
            FunctionBody::Procedure(..) => Ok(true),
            FunctionBody::Derived(definition, _) => match &definition.body {
                ast::Body::Query(query) => {
                    self.expr(query, &Given::of(&function.signature, arguments))
                }
                _ => Ok(false),
            },
            FunctionBody::Generic | FunctionBody::Stored(_) | FunctionBody::Inverse(_) => Ok(false),
        }
    }

    /// Whether a function that gives a stream gives what is in a file, or its definition has to be looked
    /// at to tell.
    fn may_be_file(&self, function: &Function) -> bool {
        let may_be = match &function.body {
            FunctionBody::Native(native) => native.reads_files,
            FunctionBody::Derived(..) => true,
            _ => false,
        };
        may_be && self.files == Files::Data
    }

    /// Whether a function among the arguments has state.
    fn any_has_state(&mut self, arguments: &[Argument]) -> Result<bool> {
        for argument in arguments {
            match argument {
                Argument::Value => {}
                Argument::Unknown => return Ok(true),
                Argument::Functions(ids) => {
                    for id in ids {
                        let found = self.functions.iter().find(|f| f.id() == *id).cloned();
                        let Some(function) = found else {
                            return Ok(true);
                        };
                        let unknown = vec![Argument::Unknown; function.arity()];
                        if self.call(&function, unknown)? {
                            return Ok(true);
                        }
                    }
                }
            }
        }
        Ok(false)
    }
}

/// Whether a call with these arguments can be one of `function`.
fn may_take(function: &Function, arguments: &[Argument]) -> bool {
    let params = &function.signature.params;
    let takes = |(argument, ty): (&Argument, &Type)| match argument {
        Argument::Functions(_) => matches!(ty, Type::Function | Type::Object),
        Argument::Unknown | Argument::Value => true,
    };
    params.len() == arguments.len()
        && arguments
            .iter()
            .zip(params.iter().map(|p| &p.ty))
            .all(takes)
}
