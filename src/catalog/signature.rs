//! Types and signatures as they are written, made into types and signatures.

use crate::catalog::types::Types;
use crate::model::Type;
use crate::model::array::ArrayFormat;
use crate::model::function::{Param, Signature};
use crate::syntax::ast::{CreateFunction, Name, Parameter, TypeKind, TypeSpec};
use crate::text::diagnostic::{Error, Result, nearest};

/// The names of the built-in types.
pub const BUILT_IN: &[&str] = &[
    "object",
    "literal",
    "number",
    "integer",
    "real",
    "complex",
    "boolean",
    "charstring",
    "binary",
    "record",
    "function",
    "type",
    "topic",
    "timeval",
    "vector",
    "matrix",
    "array",
    "bag",
    "stream",
    "userobject",
];

/// The type that a name stands for.
pub fn named(name: &Name, types: &Types) -> Result<Type> {
    if let Some(ty) = Type::named(&name.text) {
        return Ok(ty);
    }
    if let Some(user) = types.get(&name.text) {
        return Ok(Type::User(user));
    }
    let error = Error::compile(format!("unknown type '{}'", name.span.text())).at(&name.span);
    let users = types.names();
    let known = BUILT_IN.iter().copied().chain(users.iter().map(|n| &**n));
    Err(match nearest(&name.text, known) {
        Some(near) => error.help(format!("did you mean '{near}'?")),
        None => error.help("`create type Name;` makes a type of your own"),
    })
}

/// The type that is written.
pub fn of(spec: &TypeSpec, types: &Types) -> Result<Type> {
    Ok(match &spec.kind {
        TypeKind::Named(name) => named(name, types)?,
        TypeKind::Bag(inner) => Type::bag(of(inner, types)?),
        TypeKind::Vector(inner) => Type::vector(of(inner, types)?),
        TypeKind::Stream(inner) => Type::stream(of(inner, types)?),
        TypeKind::Timeval(inner) => Type::timeval(of(inner, types)?),
        TypeKind::Array(format) => Type::Array(Some(array_format(format)?)),
        TypeKind::Tuple(columns) => {
            let columns = columns.iter().map(|c| of(&c.ty, types));
            Type::Tuple(columns.collect::<Result<_>>()?)
        }
    })
}

fn array_format(name: &Name) -> Result<ArrayFormat> {
    if let Some(format) = ArrayFormat::named(&name.text) {
        return Ok(format);
    }
    let all: Vec<_> = ArrayFormat::ALL.map(ArrayFormat::name).into();
    let written = name.span.text();
    let message = format!("an array has elements of a format, which '{written}' is not");
    let formats = format!("the formats are {}", all.join(", "));
    Err(Error::compile(message).at(&name.span).help(formats))
}

/// The signature of a definition.
pub fn resolve(definition: &CreateFunction, types: &Types) -> Result<Signature> {
    let params = |list: &[Parameter]| {
        list.iter()
            .map(|p| param(p, types))
            .collect::<Result<Vec<_>>>()
    };
    let signature = Signature {
        name: definition.name.text.clone(),
        params: params(&definition.parameters)?,
        many: definition.result.many,
        columns: params(&definition.result.columns)?,
    };
    unique_names(definition)?;
    Ok(signature)
}

fn param(parameter: &Parameter, types: &Types) -> Result<Param> {
    Ok(Param {
        name: parameter.name.as_ref().map(|n| n.text.clone()),
        ty: of(&parameter.ty, types)?,
        key: parameter.key,
    })
}

fn unique_names(definition: &CreateFunction) -> Result<()> {
    let parameters = definition.parameters.iter();
    let all = parameters
        .chain(&definition.result.columns)
        .filter_map(|p| p.name.as_ref());
    let mut seen: Vec<&str> = Vec::new();
    for name in all {
        if seen.contains(&&*name.text) {
            let message = format!("'{}' is declared twice", name.span.text());
            return Err(Error::compile(message).at(&name.span));
        }
        seen.push(&name.text);
    }
    Ok(())
}
