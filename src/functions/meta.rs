//! The types and functions themselves, as data.

use std::sync::Arc;

use indexmap::IndexSet;

use crate::catalog::{Catalog, named, signature};
use crate::compile;
use crate::compile::{names, stateful};
use crate::model::function::FunctionBody;
use crate::model::native::{Native, Natives};
use crate::model::{Args, Cx, Function, Type, Value};
use crate::syntax::ast;
use crate::text::diagnostic::{Error, Result, nearest};

pub const NATIVES: Natives = &[
    Native::new("allfunctions", allfunctions),
    Native::new("functions_of", |cx, a| {
        let ty = type_argument(cx, a, 0)?;
        let speaks_of = |f: &Function| {
            let columns = f.signature.params.iter().chain(&f.signature.columns);
            columns.into_iter().any(|c| c.ty == ty)
        };
        some_functions(cx, speaks_of)
    }),
    Native::new("methods", |cx, a| {
        let ty = type_argument(cx, a, 0)?;
        some_functions(cx, |f| matches!(&*f.signature.params, [p] if p.ty == ty))
    }),
    Native::new("allobjects", |cx, _| {
        Ok(Some(Value::bag(Catalog::of(cx).extent(&Type::Userobject)?)))
    }),
    Native::new("extent", |cx, a| {
        let ty = type_argument(cx, a, 0)?;
        Ok(Some(Value::bag(Catalog::of(cx).extent(&ty)?)))
    }),
    Native::new("rows", rows).quotes_functions(),
    Native::new("alltypes", |cx, _| Ok(types(all_types(cx)))),
    Native::new("usertypes", |cx, _| {
        let users = Catalog::of(cx).types.all();
        Ok(types(users.into_iter().map(Type::User)))
    }),
    Native::new("usertype", |cx, a| {
        let ty = type_argument(cx, a, 0)?;
        Ok(Some(Value::Bool(matches!(ty, Type::User(_)))))
    }),
    Native::new("typenamed", |cx, a| {
        Ok(type_named(cx, a.str(0)?).map(Value::Type))
    }),
    Native::new("thetype", |cx, a| {
        type_argument(cx, a, 0).map(|ty| Some(Value::Type(ty)))
    }),
    Native::new("type_name", |cx, a| {
        let ty = type_argument(cx, a, 0)?;
        Ok(Some(Value::str(ty.to_string())))
    }),
    Native::new("type_source", type_source),
    Native::new("typeof", |_, a| Ok(Some(Value::Type(a.value(0).type_of())))),
    Native::new("supertypes", |cx, a| {
        Ok(types(type_argument(cx, a, 0)?.supertypes()))
    }),
    Native::new("allsupertypes", |cx, a| {
        Ok(types(above(&type_argument(cx, a, 0)?)))
    }),
    Native::new("subtypes", |cx, a| {
        let ty = type_argument(cx, a, 0)?;
        let all = all_types(cx).into_iter();
        Ok(types(all.filter(|t| t.supertypes().contains(&ty))))
    }),
    Native::new("allsubtypes", |cx, a| {
        let ty = type_argument(cx, a, 0)?;
        let all = all_types(cx).into_iter();
        Ok(types(all.filter(|t| *t != ty && above(t).contains(&ty))))
    }),
    Native::new("root_type", |cx, a| {
        let root = match type_argument(cx, a, 0)? {
            Type::Vector(_) => Type::vector(Type::Object),
            Type::Array(_) => Type::Array(None),
            Type::Bag(_) => Type::bag(Type::Object),
            Type::Stream(_) => Type::stream(Type::Object),
            Type::Timeval(_) => Type::timeval(Type::Object),
            other => other,
        };
        Ok(Some(Value::Type(root)))
    }),
    Native::new("userobject", |_, a| {
        Ok(Some(Value::Bool(matches!(a.value(0), Value::Object(_)))))
    }),
    Native::new("functionnamed", |cx, a| {
        named::find(Catalog::of(cx), a.str(0)?).map(|f| Some(Value::Function(f)))
    }),
    Native::new("theresolvent", |cx, a| {
        named::functional(Catalog::of(cx), a.str(0)?).map(|f| Some(Value::Function(f)))
    }),
    Native::new("resolvents_named", |cx, a| {
        resolvents(cx, &named::find(Catalog::of(cx), a.str(0)?)?)
    }),
    Native::new("resolvents", |cx, a| resolvents(cx, a.function(0)?)).quotes_functions(),
    Native::new("generic", |cx, a| {
        let generic = Catalog::of(cx).functions.generic(a.function(0)?.name())?;
        Ok(generic.map(Value::Function))
    })
    .quotes_functions(),
    Native::new("generic_name", |_, a| {
        Ok(Some(Value::str(a.function(0)?.name())))
    })
    .quotes_functions(),
    Native::new("arity", |_, a| {
        let function = a.function(0)?;
        Ok((!function.is_generic()).then(|| Value::Int(function.arity() as i64)))
    })
    .quotes_functions(),
    Native::new("width", |_, a| {
        let function = a.function(0)?;
        let width = function.signature.columns.len() as i64;
        Ok((!function.is_generic()).then_some(Value::Int(width)))
    })
    .quotes_functions(),
    Native::new("argument_types", |_, a| {
        let params = &a.function(0)?.signature.params;
        Ok(Some(Value::vector(
            params.iter().map(|p| Value::Type(p.ty.clone())),
        )))
    })
    .quotes_functions(),
    Native::new("result_types", |_, a| {
        let columns = &a.function(0)?.signature.columns;
        Ok(Some(Value::vector(
            columns.iter().map(|c| Value::Type(c.ty.clone())),
        )))
    })
    .quotes_functions(),
    Native::new("kind", |_, a| Ok(Some(Value::str(kind(a.function(0)?))))).quotes_functions(),
    Native::new("stateful", is_stateful).quotes_functions(),
    Native::new("userfunction", |_, a| {
        Ok(Some(Value::Bool(a.function(0)?.is_user())))
    })
    .quotes_functions(),
    Native::new("userfunctions", |cx, _| {
        Ok(functions(Catalog::of(cx).functions.user_functions()))
    }),
    Native::new("calls", |cx, a| Ok(functions(called(cx, a.function(0)?)?))).quotes_functions(),
    Native::new("calledby", |cx, a| {
        Ok(functions(callers(cx, a.function(0)?)?))
    })
    .quotes_functions(),
    Native::new("calls_somehow", |cx, a| {
        closure(a.function(0)?, |f| called(cx, f))
    })
    .quotes_functions(),
    Native::new("calledby_somehow", |cx, a| {
        closure(a.function(0)?, |f| callers(cx, f))
    })
    .quotes_functions(),
    Native::new("thetbr", thetbr).quotes_functions(),
];

fn functions(functions: impl IntoIterator<Item = Arc<Function>>) -> Option<Value> {
    Some(Value::bag(
        functions.into_iter().map(Value::Function).collect(),
    ))
}

fn types(types: impl IntoIterator<Item = Type>) -> Option<Value> {
    Some(Value::bag(types.into_iter().map(Value::Type).collect()))
}

/// The type that argument `i` is or names; an error if there is none of that name.
pub fn type_argument(cx: &Cx, args: Args, i: usize) -> Result<Type> {
    if let Value::Type(ty) = args.value(i) {
        return Ok(ty.clone());
    }
    let name = args.str(i)?;
    type_named(cx, name).ok_or_else(|| {
        let error = Error::run(format!("there is no type '{name}'"));
        let known: Vec<String> = all_types(cx).iter().map(Type::to_string).collect();
        match nearest(name, known.iter().map(String::as_str)) {
            Some(near) => error.help(format!("did you mean '{near}'?")),
            None => error,
        }
    })
}

fn type_named(cx: &Cx, name: &str) -> Option<Type> {
    Type::named(name).or_else(|| Catalog::of(cx).types.get(name).map(Type::User))
}

/// The built-in types without what they are made of, then the users'.
fn all_types(cx: &Cx) -> Vec<Type> {
    let built_in = signature::BUILT_IN
        .iter()
        .filter_map(|name| Type::named(name));
    let users = Catalog::of(cx).types.all().into_iter().map(Type::User);
    built_in
        .filter(|ty| *ty != Type::matrix())
        .chain(users)
        .collect()
}

/// All types above, level by level.
fn above(ty: &Type) -> Vec<Type> {
    let mut found = IndexSet::new();
    let mut level = ty.supertypes();
    while !level.is_empty() {
        let next = level.iter().flat_map(Type::supertypes).collect();
        for ty in level {
            // A type that is reached in two ways is above both.
            found.shift_remove(&ty);
            found.insert(ty);
        }
        level = next;
    }
    found.into_iter().collect()
}

fn type_source(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let Type::User(user) = type_argument(cx, args, 0)? else {
        return Ok(None);
    };
    let above: Vec<String> = user.supertypes().iter().map(Type::to_string).collect();
    let (name, above) = (user.name(), above.join(", "));
    Ok(Some(Value::str(format!(
        "create type {name} under {above};"
    ))))
}

fn every_function(cx: &Cx) -> Result<Vec<Arc<Function>>> {
    let names = Catalog::of(cx).functions.names();
    let functions = names
        .iter()
        .map(|name| Catalog::of(cx).functions.resolvents(name));
    let functions = functions.collect::<Result<Vec<_>>>()?;
    Ok(functions
        .iter()
        .flat_map(|all| all.iter().cloned())
        .collect())
}

fn allfunctions(cx: &Cx, _: Args) -> Result<Option<Value>> {
    Ok(functions(every_function(cx)?))
}

fn some_functions(cx: &Cx, wanted: impl Fn(&Function) -> bool) -> Result<Option<Value>> {
    let mut all = every_function(cx)?;
    all.retain(|f| wanted(f));
    Ok(functions(all))
}

fn resolvents(cx: &Cx, function: &Arc<Function>) -> Result<Option<Value>> {
    let all = Catalog::of(cx).functions.resolvents(function.name())?;
    Ok(functions(all.iter().cloned()))
}

fn rows(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let function = args.function(0)?;
    let stored: Vec<_> = if function.is_generic() {
        Catalog::of(cx)
            .functions
            .resolvents(function.name())?
            .to_vec()
    } else {
        vec![function.clone()]
    };
    let mut rows = Vec::new();
    for function in stored {
        let FunctionBody::Stored(table) = &function.body else {
            return Err(Error::run(format!("{} is not stored", function.signature)));
        };
        rows.extend(table.all(&cx.token)?.into_iter().map(Value::Vector));
    }
    Ok(Some(Value::bag(rows)))
}

fn kind(function: &Function) -> &'static str {
    match function.body {
        FunctionBody::Generic => "overloaded",
        FunctionBody::Native(_) => "foreign",
        FunctionBody::Derived(..) => "derived",
        FunctionBody::Procedure(..) => "procedure",
        FunctionBody::Stored(_) => "stored",
        FunctionBody::Inverse(_) => "inverse",
    }
}

fn is_stateful(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let function = args.function(0)?;
    let mut any = false;
    if function.is_generic() {
        for resolvent in Catalog::of(cx)
            .functions
            .resolvents(function.name())?
            .iter()
        {
            any |= stateful::has_state(Catalog::of(cx), resolvent)?;
        }
    } else {
        any = stateful::has_state(Catalog::of(cx), function)?;
    }
    Ok(Some(Value::Bool(any)))
}

/// The names of the functions that a definition calls.
fn called_names(function: &Function) -> Vec<Arc<str>> {
    let (FunctionBody::Derived(definition, _) | FunctionBody::Procedure(definition, _)) =
        &function.body
    else {
        return vec![];
    };
    match &definition.body {
        ast::Body::Query(query) => names::called(query),
        ast::Body::Procedure(statement) => names::called_in(statement),
        _ => vec![],
    }
}

/// What a definition calls: of a name with several resolvents those that can be meant, or the generic
/// function where that cannot be told. What a generic function calls, its resolvents do.
fn called(cx: &Cx, function: &Arc<Function>) -> Result<Vec<Arc<Function>>> {
    let mut found = IndexSet::new();
    if function.is_generic() {
        for resolvent in Catalog::of(cx)
            .functions
            .resolvents(function.name())?
            .iter()
        {
            found.extend(called(cx, resolvent)?);
        }
        return Ok(found.into_iter().collect());
    }
    let names: IndexSet<_> = called_names(function).into_iter().collect();
    // What an update changes may stand in the plan as a copy.
    let used: IndexSet<_> = compile::used_by(Catalog::of(cx), function)?
        .iter()
        .map(|f| f.signature.resolvent_name())
        .collect();
    for name in names {
        let all = Catalog::of(cx).functions.resolvents(&name)?;
        if let [only] = &*all {
            found.insert(only.clone());
            continue;
        }
        let before = found.len();
        let meant = all
            .iter()
            .filter(|f| used.contains(&f.signature.resolvent_name()));
        found.extend(meant.cloned());
        if found.len() == before {
            found.extend(Catalog::of(cx).functions.generic(&name)?);
        }
    }
    if let FunctionBody::Inverse(view) = &function.body {
        found.insert(view.stored.clone());
    }
    Ok(found.into_iter().collect())
}

fn callers(cx: &Cx, function: &Arc<Function>) -> Result<Vec<Arc<Function>>> {
    let mut callers = Vec::new();
    for caller in every_function(cx)? {
        if !called_names(&caller).contains(function.name()) {
            continue;
        }
        let same =
            |f: &Arc<Function>| f == function || f.is_generic() && f.name() == function.name();
        if function.is_generic() || called(cx, &caller)?.iter().any(same) {
            callers.push(caller);
        }
    }
    Ok(callers)
}

/// What is reached from a function step by step, without itself unless it is reached again.
fn closure(
    function: &Arc<Function>,
    step: impl Fn(&Arc<Function>) -> Result<Vec<Arc<Function>>>,
) -> Result<Option<Value>> {
    let mut found: IndexSet<Arc<Function>> = IndexSet::new();
    let mut waiting = step(function)?;
    while let Some(next) = waiting.pop() {
        if found.insert(next.clone()) {
            waiting.extend(step(&next)?);
        }
    }
    Ok(functions(found))
}

fn thetbr(_: &Cx, args: Args) -> Result<Option<Value>> {
    let (function, pattern) = (args.function(0)?, args.str(1)?);
    let (arity, columns) = (function.arity(), function.signature.columns.len());
    if pattern.len() != arity + columns || !pattern.bytes().all(|b| matches!(b, b'b' | b'f')) {
        return Err(
            Error::run(format!("'{pattern}' does not fit {}", function.signature))
                .help("write b (known) or f (wanted) for each argument, then for each result"),
        );
    }
    let known_arguments = pattern.bytes().take(arity).all(|b| b == b'b');
    if !known_arguments
        && !matches!(
            function.body,
            FunctionBody::Stored(_) | FunctionBody::Inverse(_)
        )
    {
        return Err(Error::run(format!(
            "{} cannot be run with the pattern '{pattern}'",
            function.signature
        ))
        .help("only stored functions run backwards"));
    }
    Ok(Some(Value::Function(function.clone())))
}
