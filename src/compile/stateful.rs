//! Which functions have state: their results, or the state of the catalog, differ from call to call.

use std::sync::Arc;

use super::names::{children, parts};
use crate::catalog::Catalog;
use crate::model::Function;
use crate::model::function::Body;
use crate::syntax::ast::{self, Expr, ExprKind, Many};
use crate::text::diagnostic::Result;

/// Built-in functions with state, by name.
const STATEFUL: &[&str] = &[
    "json:request",
    "setf",
    "rand",
    "frand",
    "rand_seed",
    "now",
    "rnow",
    "clock",
    "sleep",
    "print",
    "publish",
    "subscribe",
    "utc_time",
    "local_time",
    "local_utc_time",
    "ts",
    "emit_on_flow",
    "createobject",
    "deleteobject",
    "delete_objects",
    "addfunction",
    "remfunction",
    "setfunction",
    "dropfunction",
    "auto_commit",
    "clear_function",
    "write_file",
    "write_filepath",
    "writelines",
    "csv:write_file",
    "json:write_file",
    "cd",
    "pushd",
    "popd",
    "create_folder",
    "load_osql",
    "loadsystem",
    "eval",
    "evalv",
    "call",
    "callv",
    "apply",
    "trace",
    "untrace",
    "name_flow",
    "drop_flow",
    "mqtt:register_client",
    "mqtt:unregister_client",
    "mqtt:start_broker",
    "mqtt:stop_broker",
    "background",
    "stop",
    "sink",
    "create_topic",
    "add_topic",
    "current_topics",
];

/// Whether evaluating `expr` has state: it takes elements from a stream, or calls what has state.
pub fn is_stateful(catalog: &Catalog, expr: &Expr) -> Result<bool> {
    visit(catalog, expr, &mut Vec::new())
}

/// Whether calling `function` has state.
pub fn has_state(catalog: &Catalog, function: &Arc<Function>) -> Result<bool> {
    called(catalog, function, &mut Vec::new())
}

fn visit(catalog: &Catalog, expr: &Expr, seen: &mut Vec<u64>) -> Result<bool> {
    if let ExprKind::Call { function, .. } = &expr.kind {
        let name = &*function.name.text;
        if name != "bag" {
            for resolvent in catalog.functions.resolvents(name)?.iter() {
                if called(catalog, resolvent, seen)? {
                    return Ok(true);
                }
            }
        }
    }
    let below = match &expr.kind {
        ExprKind::Select(select) => parts(select),
        _ => children(expr),
    };
    for child in below {
        if visit(catalog, child, seen)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn called(catalog: &Catalog, function: &Arc<Function>, seen: &mut Vec<u64>) -> Result<bool> {
    if function.signature.many == Many::Stream {
        return Ok(true);
    }
    if seen.contains(&function.id()) {
        return Ok(false);
    }
    seen.push(function.id());
    match &function.body {
        Body::Native(_) => Ok(STATEFUL.contains(&&**function.name())),
        Body::Procedure(..) => Ok(true),
        Body::Derived(definition, _) => match &definition.body {
            ast::Body::Query(query) => visit(catalog, query, seen),
            _ => Ok(false),
        },
        Body::Generic | Body::Stored(_) | Body::Inverse(_) => Ok(false),
    }
}
