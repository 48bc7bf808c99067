//! `validate 'name' check a => b`: tests written in the language itself.

use std::sync::Arc;

use crate::catalog::Catalog;
use crate::compile;
use crate::host::Host;
use crate::model::memory::{Collecting, Operator};
use crate::model::{Cx, Value, print};
use crate::run::query;
use crate::syntax::ast::{Expr, Validate};
use crate::text::diagnostic::{Error, Result};
use crate::text::stoppable::{self, Looks};

/// Runs the checks and prints what came of them. An error if one differed.
pub fn run(cx: &Cx, validate: &Validate) -> Result<()> {
    let mut different = Vec::new();
    for (actual, expected) in &validate.checks {
        let (got, wanted) = (results(cx, actual)?, results(cx, expected)?);
        if !same_bag(&got, &wanted, &cx.token.looks())? {
            different.push((actual, got, wanted));
        }
    }
    let name = &validate.name;
    let Some((at, got, wanted)) = different.first() else {
        return Host::of(cx).print(&format!("[Testing {name} ... OK]\n"));
    };
    Host::of(cx).print(&format!("[Testing {name} ... FAILED]\n"))?;
    let failed = different.len();
    let checks = validate.checks.len();
    Err(
        Error::run(format!("{failed} of {checks} checks of '{name}' failed"))
            .at(&at.span)
            .label(format!("gives {}", list(got)))
            .help(format!("expected {}", list(wanted))),
    )
}

fn results(cx: &Cx, expr: &Expr) -> Result<Vec<Value>> {
    let plan = Arc::new(compile::query(Catalog::of(cx), expr)?);
    let mut source = query::open(&plan, vec![], cx)?;
    let mut results = Collecting::new(Operator::at("'validate'", Some(&expr.span)));
    while let Some(value) = source.next(cx)? {
        results.push(value, &cx.memory)?;
    }
    Ok(results.into_values())
}

/// Whether both have the same elements as often, in any order.
fn same_bag(a: &[Value], b: &[Value], looks: &Looks) -> Result<bool> {
    let sorted = |values: &[Value]| {
        let mut values = values.to_vec();
        stoppable::sort_by(&mut values, looks, Value::steps, Value::cmp)?;
        Ok(values)
    };
    Ok(a.len() == b.len() && sorted(a)? == sorted(b)?)
}

fn list(values: &[Value]) -> String {
    /// How many bytes of results are shown.
    const SHOWN: usize = 10_000;
    match values {
        [] => "nothing".to_owned(),
        [one] => print::beginning(one, SHOWN),
        several => print::beginning(&Value::bag(several.to_vec()), SHOWN),
    }
}
