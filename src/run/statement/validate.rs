//! `validate 'name' check a => b`: tests written in the language itself.
//!
//! Both sides of a check are queries; it holds if they have the same results, as often, in any order.
//! A null alone is as good as no result, and reals may differ by rounding. An error is the result
//! `["*error*", message, null]`, so that one can be expected; where it is not, the check fails and the next
//! one is made.

mod difference;
mod nearly;

use std::sync::Arc;

use crate::catalog::Catalog;
use crate::compile;
use crate::host::Host;
use crate::model::memory::{Collecting, Operator};
use crate::model::{Cx, Value};
use crate::run::query;
use crate::syntax::ast::{Expr, Validate};
use crate::text::diagnostic::{Error, Kind, Result};
use difference::Difference;

/// What stands first in the result that an error is.
const ERROR: &str = "*error*";

/// Runs the checks and prints what came of them. An error if one differed.
pub fn run(cx: &Cx, validate: &Validate) -> Result<()> {
    let mut differences = Vec::new();
    for (actual, expected) in &validate.checks {
        let (got, wanted) = (results(cx, actual)?, results(cx, expected)?);
        let looks = cx.token.looks();
        let (got, wanted) = nearly::unmatched(got, wanted, &looks)?;
        if !got.is_empty() || !wanted.is_empty() {
            differences.push(Difference::new(actual, got, wanted));
        }
    }
    let (name, host) = (&validate.name, Host::of(cx));
    host.validations.count(differences.is_empty());
    let Some(first) = differences.first() else {
        return host.print(&format!("[Testing {name} ... OK]\n"));
    };
    host.print(&format!("[Testing {name} ... FAILED]\n"))?;
    let (failed, checks) = (differences.len(), validate.checks.len());
    let error = Error::run(format!("{failed} of {checks} checks of '{name}' failed"));
    let error = first.explain(error.at(&first.check));
    Err(differences[1..].iter().fold(error, Difference::list))
}

/// What a query gives. A null alone is no result.
fn results(cx: &Cx, expr: &Expr) -> Result<Vec<Value>> {
    match all(cx, expr) {
        Ok(results) if matches!(results.as_slice(), [Value::Null]) => Ok(vec![]),
        Ok(results) => Ok(results),
        Err(error) if error.kind() == Kind::Stopped => Err(error),
        Err(error) => {
            let message = Value::str(error.message());
            Ok(vec![Value::vector([ERROR.into(), message, Value::Null])])
        }
    }
}

fn all(cx: &Cx, expr: &Expr) -> Result<Vec<Value>> {
    let plan = Arc::new(compile::query(Catalog::of(cx), expr)?);
    let mut source = query::open(&plan, vec![], cx)?;
    let mut results = Collecting::new(Operator::at("'validate'", Some(&expr.span)));
    while let Some(value) = source.next(cx)? {
        results.push(value, &cx.memory)?;
    }
    Ok(results.into_values())
}
