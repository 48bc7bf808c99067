//! How many rows the steps of a plan make, estimated before it runs. The estimates are for people who
//! read plans; nothing that runs depends on them.
//!
//! The rules, in one place:
//!
//! - What is known is taken as it is: the number of objects of a type, of rows of a stored function, of
//!   elements of a bag that is held, of a generator whose bounds are constants. A file has as many rows
//!   as fit its size ([`Native::rows`](crate::model::native::Native::rows) has the rule of each
//!   function). A function of one's own has as many as its body.
//! - A function of many results has as many as the bag or stream that it takes, and [`UNKNOWN`] if it
//!   takes none. So has anything else that is not known.
//! - A filter by `=` keeps a tenth of the rows, one by `!=` nine tenths, one by `<` and the like a third,
//!   any other a third. `and` multiplies, `or` adds.
//! - An equality join keeps of all pairs one for each row of the larger side; a join by comparison a third
//!   of all pairs. A lookup by a key finds one row, one by other known columns a tenth of the rows for
//!   each column.
//! - There are a tenth as many groups as rows, and half of the rows are distinct. A limit is a limit.
//! - What arrives over time has no number, nor has anything made of it, until a limit.

use std::collections::HashMap;
use std::sync::Arc;

use crate::model::function::FunctionBody;
use crate::model::native::RowsOf;
use crate::model::{Function, Type, Value};
use crate::plan::join::Join;
use crate::plan::{Call, Lookup, Pattern, PlanExpr, Query, Slot, Step, Sub, Target};
use crate::syntax::ast::BinaryOp;

/// How many elements there are where nothing is known of them.
pub const UNKNOWN: f64 = 1000.0;

/// How deep functions of one's own are looked into.
const DEEPEST: usize = 8;

/// What is known of what is defined.
pub trait Facts {
    /// How many objects of the type there are.
    fn extent(&self, ty: &Type) -> Option<u64>;

    /// The body of a derived function.
    fn body(&self, function: &Function) -> Option<Arc<Query>>;

    /// The value of a session variable.
    fn variable(&self, name: &str) -> Option<Value>;
}

/// A number of rows; nothing for what arrives over time.
pub type EstimatedRows = Option<f64>;

/// Estimates the steps of one query, one after the other.
#[derive(Clone)]
pub struct Estimate<'f> {
    facts: &'f dyn Facts,
    depth: usize,
    /// The variables whose values are known before the query runs.
    known: HashMap<Slot, Value>,
    /// How many rows the steps so far make.
    pub rows: EstimatedRows,
}

impl<'f> Estimate<'f> {
    /// Before the first step.
    pub fn new(facts: &'f dyn Facts) -> Estimate<'f> {
        Estimate {
            facts,
            depth: 0,
            known: HashMap::new(),
            rows: Some(1.0),
        }
    }

    /// The same before the first of some steps within others, of which the variables are known.
    pub fn inner(&self) -> Estimate<'f> {
        Estimate {
            rows: Some(1.0),
            ..self.clone()
        }
    }

    /// Goes over steps.
    pub fn steps(&mut self, steps: &[Step]) {
        steps.iter().for_each(|step| self.step(step));
    }

    /// Goes over a step.
    pub fn step(&mut self, step: &Step) {
        match step {
            Step::Filter(condition) => self.filter(condition),
            Step::Let(pattern, value) => {
                if let (Pattern::Bind(slot, _), Some(value)) = (pattern, self.value(value)) {
                    self.known.insert(*slot, value);
                }
            }
            Step::Iterate { over, pattern, .. } => {
                self.multiply(self.elements(over));
                if matches!(pattern, Pattern::Equal(_)) {
                    self.multiply(Some(0.1));
                }
            }
            Step::Solve(_) | Step::Act(_) => {}
            Step::Index { .. } => self.multiply(Some(10.0)),
            Step::Extent { ty, .. } => {
                let objects = self.facts.extent(ty).map_or(UNKNOWN, |count| count as f64);
                self.multiply(Some(objects));
            }
            Step::Lookup(lookup) => self.multiply(Some(found(lookup))),
            Step::Join(join) => {
                let mut inner = self.inner();
                inner.steps(&join.inner);
                self.join(join, inner.rows);
            }
            Step::Alternatives { branches, .. } => {
                let branches = branches.each_ref().map(|branch| {
                    let mut inner = self.inner();
                    inner.steps(branch);
                    inner.rows
                });
                self.either(branches);
            }
            Step::Optional { steps, .. } => {
                let mut inner = self.inner();
                inner.steps(steps);
                // There is one at least.
                self.multiply(inner.rows.map(|rows| rows.max(1.0)));
            }
        }
    }

    /// Both sides of an `or`, which make so many rows of one.
    pub fn either(&mut self, [one, other]: [EstimatedRows; 2]) {
        self.multiply(one.zip(other).map(|(one, other)| one + other));
    }

    /// A join with an inner side of so many rows, and its other conditions.
    pub fn join(&mut self, join: &Join, inner: EstimatedRows) {
        self.found_by(join, inner);
        join.others().for_each(|condition| self.filter(condition));
    }

    /// The pairs of a join that its keys find.
    pub fn found_by(&mut self, join: &Join, inner: EstimatedRows) {
        let (Some(outer), Some(inner)) = (self.rows, inner) else {
            self.rows = None;
            return;
        };
        self.rows = Some(match (join.finding(), join.is_equation()) {
            ([], _) => outer * inner,
            (_, true) => outer * inner / outer.max(inner).max(1.0),
            (_, false) => outer * inner / 3.0,
        });
    }

    /// A condition that the rows have to meet.
    pub fn filter(&mut self, condition: &PlanExpr) {
        self.multiply(Some(kept(condition)));
    }

    /// What is collected and given behind the steps of a query.
    pub fn results(&mut self, query: &Query) {
        self.group(query);
        if let Some(group) = &query.group {
            self.steps(&group.after);
        }
        self.distinct(query);
        self.limit(query);
        self.taken_apart(query);
    }

    /// Results that are bags or streams are taken element by element.
    pub fn taken_apart(&mut self, query: &Query) {
        if query.output.flattens()
            && let [only] = query.output.columns.as_slice()
        {
            self.multiply(self.elements(only));
        }
    }

    /// The groups of the rows.
    pub fn group(&mut self, query: &Query) {
        let Some(group) = &query.group else { return };
        self.rows = self.rows.map(|rows| match group.keys.as_slice() {
            [] => 1.0,
            _ => tenths(rows, 1),
        });
    }

    pub fn distinct(&mut self, query: &Query) {
        if query.distinct {
            self.multiply(Some(0.5));
        }
    }

    pub fn limit(&mut self, query: &Query) {
        let Some(limit) = &query.limit else { return };
        let limit = self.value(limit).and_then(|limit| limit.as_real());
        self.rows = match (self.rows, limit) {
            (Some(rows), Some(limit)) => Some(rows.min(limit)),
            (rows, limit) => rows.or(limit),
        };
    }

    fn multiply(&mut self, by: EstimatedRows) {
        self.rows = self.rows.zip(by).map(|(rows, by)| rows * by);
    }

    /// How many elements a value has that is taken apart.
    fn elements(&self, expr: &PlanExpr) -> EstimatedRows {
        if let Some(value) = self.value(expr) {
            return Some(match &value {
                Value::Vector(vector) => vector.len() as f64,
                Value::Binary(bytes) => bytes.len() as f64,
                Value::Bag(bag) | Value::Stream(bag) => {
                    bag.known_len().map_or(UNKNOWN, |length| length as f64)
                }
                _ => 1.0,
            });
        }
        match expr {
            PlanExpr::Call(call) => self.call(call),
            PlanExpr::Sub(sub) | PlanExpr::Collect(sub) => self.sub(sub),
            PlanExpr::Bag(parts) => {
                let parts = parts.iter().map(|part| self.elements(part));
                parts.sum()
            }
            PlanExpr::Vector(elements) => Some(elements.len() as f64),
            PlanExpr::Singleton(value) | PlanExpr::Convert(value, _) => self.elements(value),
            PlanExpr::Try(both) => self.elements(&both[0]),
            PlanExpr::Case { arms, .. } => match arms.first() {
                Some((_, first)) => self.elements(first),
                None => Some(UNKNOWN),
            },
            PlanExpr::Slot(_) | PlanExpr::Known(_) | PlanExpr::Session(..) => Some(UNKNOWN),
            _ => Some(1.0),
        }
    }

    fn sub(&self, sub: &Sub) -> EstimatedRows {
        let captured = sub.captures.iter();
        let known = captured.filter_map(|(out, own)| Some((*own, self.known.get(out)?.clone())));
        self.query(&sub.query, known.collect())
    }

    /// How many results a query within has, of whose variables these are known.
    fn query(&self, query: &Query, known: HashMap<Slot, Value>) -> EstimatedRows {
        if self.depth >= DEEPEST {
            return Some(UNKNOWN);
        }
        let mut within = Estimate {
            facts: self.facts,
            depth: self.depth + 1,
            known,
            rows: Some(1.0),
        };
        within.steps(&query.steps);
        within.results(query);
        within.rows
    }

    fn call(&self, call: &Call) -> EstimatedRows {
        let Target::One(function) = &call.target else {
            return Some(UNKNOWN);
        };
        let values: Vec<Option<Value>> = call.args.iter().map(|arg| self.value(arg)).collect();
        match &function.body {
            FunctionBody::Native(native) => {
                if native.live {
                    return None;
                }
                let is_many = |at: &usize| {
                    let param = function.signature.params.get(*at);
                    param.is_some_and(|param| param.ty.is_collection())
                };
                let taken = (0..call.args.len()).find(is_many);
                let taken = taken.map(|at| self.elements(&call.args[at]));
                if taken == Some(None) {
                    return None;
                }
                let taken = taken.flatten();
                if !function.signature.result_type().is_collection() {
                    return Some(1.0);
                }
                let rule = native.rows.and_then(|rows| {
                    rows(RowsOf {
                        values: &values,
                        taken,
                    })
                });
                rule.or(taken).or(Some(UNKNOWN))
            }
            FunctionBody::Stored(table) => {
                let rows = table.len() as f64;
                Some(match table.is_unique_by_arguments() {
                    true => 1.0_f64.min(rows),
                    false => tenths(rows, table.arity()),
                })
            }
            FunctionBody::Derived(..) => match self.facts.body(function) {
                Some(body) => {
                    let known = values.into_iter().enumerate();
                    let known = known.filter_map(|(slot, value)| Some((slot, value?)));
                    self.query(&body, known.collect())
                }
                None => Some(UNKNOWN),
            },
            _ => Some(UNKNOWN),
        }
    }

    /// The value of an expression, where it is known before the query runs.
    fn value(&self, expr: &PlanExpr) -> Option<Value> {
        match expr {
            PlanExpr::Const(value) => Some(value.clone()),
            PlanExpr::Slot(slot) | PlanExpr::Known(slot) => self.known.get(slot).cloned(),
            PlanExpr::Session(name, _) => self.facts.variable(name),
            PlanExpr::Arith(op, call) => {
                let real = |at: usize| self.value(call.args.get(at)?)?.as_real();
                let (left, right) = (real(0)?, real(1)?);
                Some(Value::Real(match op {
                    BinaryOp::Plus => left + right,
                    BinaryOp::Minus => left - right,
                    BinaryOp::Times => left * right,
                    BinaryOp::Div => left / right,
                    BinaryOp::Power => left.powf(right),
                    _ => return None,
                }))
            }
            _ => None,
        }
    }
}

/// How much of the rows a condition keeps.
fn kept(condition: &PlanExpr) -> f64 {
    match condition {
        PlanExpr::Compare(BinaryOp::Eq, _) => 0.1,
        PlanExpr::Compare(BinaryOp::Ne, _) => 0.9,
        PlanExpr::And(list) => list.iter().map(kept).product(),
        PlanExpr::Or(list) => list.iter().map(kept).sum::<f64>().min(1.0),
        _ => 1.0 / 3.0,
    }
}

/// How many rows a lookup finds.
fn found(lookup: &Lookup) -> f64 {
    let FunctionBody::Stored(table) = &lookup.function.body else {
        return UNKNOWN;
    };
    let rows = table.len() as f64;
    match lookup.unique {
        true => rows.min(1.0),
        false => tenths(rows, lookup.known.len() + lookup.narrowing.iter().len()),
    }
}

/// A tenth of the rows, so many times, but one if there is one.
fn tenths(rows: f64, times: usize) -> f64 {
    let kept = rows * 0.1_f64.powi(times as i32);
    kept.max(rows.min(1.0))
}

/// A number of rows as it is shown, `~1,230`: three digits of what is not small.
pub fn shown(rows: f64) -> String {
    let rows = rows.max(0.0).round();
    let digits = if rows < 1000.0 {
        0
    } else {
        rows.log10() as i32 - 2
    };
    let unit = 10_f64.powi(digits);
    let rounded = ((rows / unit).round() * unit).min(1e18) as u64;
    format!("~{}", with_separators(rounded))
}

/// A number with a comma between each three digits.
pub fn with_separators(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_shown_with_three_digits() {
        let shown = [0.0, 0.4, 9.0, 999.0, 1000.0, 33_333.3, 1_234_567.0, 1e9].map(shown);
        let expected = [
            "~0",
            "~0",
            "~9",
            "~999",
            "~1,000",
            "~33,300",
            "~1,230,000",
            "~1,000,000,000",
        ];
        assert_eq!(shown, expected);
    }
}
