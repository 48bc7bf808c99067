//! What the library says of itself.

use std::sync::Arc;

use crate::catalog::{Catalog, named};
use crate::compile;
use crate::model::native::{CallForm, Native, Natives};
use crate::model::{Args, Cx, Function, Value};
use crate::plan::explain::explain as plan_text;
use crate::run::statement::parsed;
use crate::syntax::ast::StatementKind;
use crate::text::diagnostic::{Error, Result, SourceText};

pub const NATIVES: Natives = &[
    Native::new("doc", doc).quotes_functions(),
    Native::new("apropos", apropos),
    Native::new("signature", signature).quotes_functions(),
    Native::new("sourcecode", sourcecode).quotes_functions(),
    Native::new("name", name).quotes_functions(),
    Native::new("explain", explain).call_form(CallForm::Planned),
];

/// The resolvents that the first argument names or is.
fn resolvents(cx: &Cx, args: Args) -> Result<Vec<Arc<Function>>> {
    let function = match args.value(0) {
        Value::Function(f) => f.clone(),
        _ => named::find(Catalog::of(cx), args.str(0)?)?,
    };
    if function.is_generic() {
        return Ok(Catalog::of(cx)
            .functions
            .resolvents(function.name())?
            .to_vec());
    }
    Ok(vec![function])
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

fn apropos(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let part = args.str(0)?.to_lowercase();
    let names = Catalog::of(cx)
        .functions
        .names()
        .into_iter()
        .filter(|n| n.contains(&part));
    let functions = names.map(|name| Ok(Catalog::of(cx).functions.resolvents(&name)?.to_vec()));
    let functions: Vec<Vec<_>> = functions.collect::<Result<_>>()?;
    Ok(Some(Value::bag(
        functions
            .into_iter()
            .flatten()
            .map(Value::Function)
            .collect(),
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
