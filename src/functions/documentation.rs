//! What the library says of itself.

use std::sync::Arc;

use crate::catalog::{Catalog, named};
use crate::compile;
use crate::model::like::matches;
use crate::model::native::{CallForm, Native, Natives};
use crate::model::{Args, Cx, Function, Value};
use crate::plan::explain::explain as plan_text;
use crate::run::statement::parsed;
use crate::syntax::ast::{BinaryOp, StatementKind};
use crate::text::diagnostic::{Error, Result, SourceText};
use crate::text::stoppable::Looks;

pub const NATIVES: Natives = &[
    Native::new("doc", doc).quotes_functions(),
    Native::new("apropos", apropos),
    Native::new("signature", signature).quotes_functions(),
    Native::new("sourcecode", sourcecode).quotes_functions(),
    Native::new("name", name).quotes_functions(),
    Native::new("explain", explain).call_form(CallForm::Planned),
];

/// The operators that call functions.
const OPERATORS: [(&str, BinaryOp); 11] = [
    ("+", BinaryOp::Plus),
    ("-", BinaryOp::Minus),
    ("*", BinaryOp::Times),
    ("/", BinaryOp::Div),
    ("%", BinaryOp::Mod),
    ("^", BinaryOp::Power),
    (".+", BinaryOp::ElemPlus),
    (".-", BinaryOp::ElemMinus),
    (".*", BinaryOp::ElemTimes),
    ("./", BinaryOp::ElemDiv),
    (".^", BinaryOp::ElemPower),
];

/// The resolvents that the first argument names or is.
fn resolvents(cx: &Cx, args: Args) -> Result<Vec<Arc<Function>>> {
    let catalog = Catalog::of(cx);
    if let Value::Str(sign) = args.value(0)
        && let Some((_, op)) = OPERATORS.iter().find(|(operator, _)| *operator == &**sign)
    {
        return Ok(catalog.functions.resolvents(op.function_name())?.to_vec());
    }
    let function = match args.value(0) {
        Value::Function(f) => f.clone(),
        // A name may have an underscore, which is a pattern's mark as well.
        _ => match (named::find(catalog, args.str(0)?), args.str(0)?) {
            (Ok(function), _) => function,
            (Err(_), pattern) if pattern.contains(['%', '_']) => return like(cx, pattern),
            (Err(error), _) => return Err(error),
        },
    };
    if function.is_generic() {
        return Ok(Catalog::of(cx)
            .functions
            .resolvents(function.name())?
            .to_vec());
    }
    Ok(vec![function])
}

/// The resolvents of all functions whose names are like a pattern of SQL, in any case: `%` stands for any
/// characters, `_` for one.
fn like(cx: &Cx, pattern: &str) -> Result<Vec<Arc<Function>>> {
    let pattern: String = pattern
        .to_lowercase()
        .chars()
        .map(|c| match c {
            '%' => "*".to_owned(),
            '_' => "?".to_owned(),
            '*' | '?' | '[' | '\\' => format!("\\{c}"),
            c => c.to_string(),
        })
        .collect();
    let functions = &Catalog::of(cx).functions;
    let looks = cx.token.looks();
    let mut found = Vec::new();
    for name in functions.names() {
        if matches(&name, &pattern, &looks)? {
            found.extend(functions.resolvents(&name)?.iter().cloned());
        }
    }
    Ok(found)
}

fn each(cx: &Cx, args: Args, text: impl Fn(&Function) -> String) -> Result<Option<Value>> {
    let texts = resolvents(cx, args)?
        .iter()
        .map(|f| Value::str(text(f)))
        .collect();
    Ok(Some(Value::bag(texts)))
}

fn doc(cx: &Cx, args: Args) -> Result<Option<Value>> {
    each(cx, args, described)
}

/// The signature of a function and, on lines of their own, its documentation.
pub fn described(function: &Function) -> String {
    match &*function.doc {
        "" => function.signature.to_string(),
        doc => format!("{}\n{doc}", function.signature),
    }
}

/// What a function's declaration says of it.
pub struct DocumentedFunction {
    pub signature: String,
    /// The documentation without its examples.
    pub text: String,
    /// Expressions and what they give.
    pub examples: Vec<(String, String)>,
}

/// Takes the documentation of a function apart.
pub fn documented(function: &Function) -> DocumentedFunction {
    let mut parts = function.doc.split("Example:");
    let text = parts.next().unwrap_or_default().trim_end().to_owned();
    let examples = parts.filter_map(|example| {
        let (expression, result) = example.split_once("=>")?;
        Some((expression.trim().to_owned(), result.trim().to_owned()))
    });
    DocumentedFunction {
        signature: function.signature.to_string(),
        text,
        examples: examples.collect(),
    }
}

/// A function's documentation without its examples.
fn documentation_text(function: &Function) -> &str {
    function.doc.split("Example:").next().unwrap_or_default()
}

/// The first line of a function's documentation.
pub fn summary(function: &Function) -> String {
    documentation_text(function)
        .lines()
        .next()
        .unwrap_or_default()
        .trim()
        .to_owned()
}

/// The functions that have to do with a word, the most likely first: those of that name, those whose names
/// begin with it, those whose names hold it, those whose documentation holds it.
pub fn about(catalog: &Catalog, word: &str, looks: &Looks) -> Result<Vec<Arc<Function>>> {
    let word = word.to_lowercase();
    let mut found: Vec<(usize, Arc<Function>)> = Vec::new();
    for name in catalog.functions.names() {
        let by_name = match &*name {
            name if name == word => Some(0),
            name if name.starts_with(&word) => Some(1),
            name if name.contains(&word) => Some(2),
            _ => None,
        };
        for function in catalog.functions.resolvents(&name)?.iter() {
            looks.step()?;
            let by_doc = || {
                let text = documentation_text(function).to_lowercase();
                text.contains(&word).then_some(3)
            };
            if let Some(rank) = by_name.or_else(by_doc) {
                found.push((rank, function.clone()));
            }
        }
    }
    // Stable: within a rank they stay in the order of their names.
    found.sort_by_key(|(rank, _)| *rank);
    Ok(found.into_iter().map(|(_, function)| function).collect())
}

fn apropos(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let found = about(Catalog::of(cx), args.str(0)?, &cx.token.looks())?;
    Ok(Some(Value::bag(
        found.into_iter().map(Value::Function).collect(),
    )))
}

fn signature(cx: &Cx, args: Args) -> Result<Option<Value>> {
    each(cx, args, |f| f.signature.to_string())
}

fn sourcecode(cx: &Cx, args: Args) -> Result<Option<Value>> {
    each(cx, args, |f| format!("{};", f.source))
}

fn name(_: &Cx, args: Args) -> Result<Option<Value>> {
    Ok(Some(Value::str(args.function(0)?.name())))
}

fn explain(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let source = SourceText::new("<explain>", args.str(0)?);
    match parsed(cx, &source)?.map(|s| s.kind) {
        Some(StatementKind::Query(query)) => {
            let catalog = Catalog::of(cx);
            let plan = plan_text(&compile::query(catalog, &query)?, catalog);
            Ok(Some(Value::bag(plan.lines().map(Value::str).collect())))
        }
        _ => Err(Error::run("only a query has a plan").help("give explain a query as a string")),
    }
}
