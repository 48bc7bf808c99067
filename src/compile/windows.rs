//! Queries that do nothing with windows but aggregate them are rewritten so that the windows are not made:
//! `for each v in winagg(s,n,k)`, `give mean(v), max(v)` becomes `for each [a,b] in
//! sliding(s,n,k,["mean","max"])`, `give a, b`.
//!
//! So are aggregates of a field of the records in a window, `mean(select r["t"] from Record r where r in
//! v)`, and windows by time: `for each w in twinagg(s,n,k)`, `let v = value(w)`, `give timestamp(w),
//! mean(v)` becomes `for each [w,a] in sliding_time(s,n,k,["mean"])`, `give timestamp(w), a`.

use std::sync::Arc;

use crate::catalog::Catalog;
use crate::compile::fields::field_of;
use crate::model::native::{AggregateKind, Stamp, WindowAggregates};
use crate::model::{Function, Type, Value};
use crate::plan::used::mentions;
use crate::plan::walk::{Visitor, VisitorMut};
use crate::plan::{Call, Pattern, PlanExpr, Query, Slot, Step, Sub, Target};

/// The query with every step rewritten that makes windows only to aggregate them, and the aggregates
/// that it does not call any more; `None` if there is no such step.
pub fn slide(query: &Query, catalog: &Catalog) -> Option<(Query, Vec<Arc<Function>>)> {
    let mut slid: Option<Query> = None;
    let mut replaced = Vec::new();
    for at in 0..query.steps.len() {
        let current = slid.as_ref().unwrap_or(query);
        let Some(windows) = Windows::of(current, at) else {
            continue;
        };
        let uses = windows.uses(current);
        if uses.functions.is_empty() || !windows.has_no_other_use(current, &uses) {
            continue;
        }
        let Some(sliding) = windows.aggregating(catalog) else {
            continue;
        };
        let mut rewritten = current.clone();
        windows.rewrite(&mut rewritten, at, &sliding);
        slid = Some(rewritten);
        replaced.extend(uses.functions);
    }
    slid.map(|slid| (slid, replaced))
}

/// Windows that a step makes.
struct Windows {
    aggregates: WindowAggregates,
    /// How many arguments the call that makes them has.
    arguments: usize,
    /// The variable that each window is, stamped or not.
    whole: Slot,
    /// The variable that the elements of a stamped window are, and the step that binds it.
    elements: Option<(Slot, usize)>,
}

/// What a query does with windows.
#[derive(Default)]
struct WindowUses {
    /// The aggregates, one for each call.
    functions: Vec<Arc<Function>>,
    /// How often the time alone of a stamped window is asked for.
    times: usize,
    /// How often its elements are.
    values: usize,
}

impl Windows {
    /// The windows that a step makes, if it is a call that does so.
    fn of(query: &Query, at: usize) -> Option<Windows> {
        let Step::Iterate {
            pattern: Pattern::Bind(whole, ty),
            over: PlanExpr::Call(call),
            ..
        } = query.steps.get(at)?
        else {
            return None;
        };
        let Target::One(function) = &call.target else {
            return None;
        };
        let aggregates = function.native()?.window_aggregates?;
        let (whole, arguments) = (*whole, call.args.len());
        if !aggregates.stamped {
            let fits = is_any_vector(ty, call.args.first()?);
            return fits.then_some(Windows {
                aggregates,
                arguments,
                whole,
                elements: None,
            });
        }
        if !matches!(ty, Type::Timeval(_) | Type::Object) {
            return None;
        }
        let bound = query
            .steps
            .iter()
            .enumerate()
            .find_map(|(at, step)| match step {
                Step::Let(Pattern::Bind(slot, ty), value)
                    if stamp_of(value, whole) == Some(Stamp::Value) =>
                {
                    Some((*slot, ty, at))
                }
                _ => None,
            });
        let elements = match bound {
            Some((_, ty, _)) if !is_any_vector(ty, &PlanExpr::Const(Value::Null)) => return None,
            Some((slot, _, at)) => Some((slot, at)),
            None => None,
        };
        Some(Windows {
            aggregates,
            arguments,
            whole,
            elements,
        })
    }

    /// The function that computes aggregates over them, without making them.
    fn aggregating(&self, catalog: &Catalog) -> Option<Arc<Function>> {
        let resolvents = catalog
            .functions
            .resolvents(self.aggregates.function)
            .ok()?;
        // A user may have added resolvents of that name.
        let fits = |f: &&Arc<Function>| f.native().is_some() && f.arity() == self.arguments + 1;
        resolvents.iter().find(fits).cloned()
    }

    /// Whether the expression is the elements of a window.
    fn are_elements(&self, expr: &PlanExpr) -> bool {
        match expr {
            PlanExpr::Slot(slot) | PlanExpr::Known(slot) if self.aggregates.stamped => {
                self.elements.is_some_and(|(elements, _)| elements == *slot)
            }
            PlanExpr::Slot(slot) => *slot == self.whole,
            expr => self.aggregates.stamped && stamp_of(expr, self.whole) == Some(Stamp::Value),
        }
    }

    /// The aggregate that `expr` computes of a window, if it does nothing else.
    fn aggregate_of<'e>(&self, expr: &'e PlanExpr) -> Option<(&'e Arc<Function>, Value)> {
        let PlanExpr::Call(call) = expr else {
            return None;
        };
        let functions: &[Arc<Function>] = match &call.target {
            Target::One(function) => std::slice::from_ref(function),
            Target::Late(functions) => functions,
        };
        let [argument] = call.args.as_slice() else {
            return None;
        };
        let first = functions.first()?;
        let name = Value::Str(first.name().clone());
        let takes = |of: fn(&Type) -> bool| {
            functions.iter().all(|f| {
                f.native().is_some_and(|native| native.aggregate.is_some())
                    && matches!(&*f.signature.params, [only] if of(&only.ty))
            })
        };
        if self.are_elements(argument) {
            let over_vectors = takes(|ty| matches!(ty, Type::Vector(_)));
            return over_vectors.then_some((first, name));
        }
        let PlanExpr::Sub(sub) = argument else {
            return None;
        };
        // How many there are depends on which of them have the field.
        let kind = first.native()?.aggregate?;
        let over_bags = takes(|ty| matches!(ty, Type::Bag(_)));
        if kind == AggregateKind::Count || !over_bags {
            return None;
        }
        let key = self.field_of_each(sub)?;
        Some((first, Value::vector([name, key])))
    }

    /// The key of the field that a query gives of each record in a window, if it does nothing else.
    fn field_of_each(&self, sub: &Sub) -> Option<Value> {
        let [(outer, inner)] = sub.captures.as_slice() else {
            return None;
        };
        let query = &sub.query;
        let is_plain = self.are_elements(&PlanExpr::Slot(*outer))
            && !query.distinct
            && !query.is_collected()
            && query.limit.is_none()
            && !sub.stream;
        let (
            [
                Step::Iterate {
                    pattern: Pattern::Bind(record, Type::Record),
                    over: PlanExpr::Slot(over) | PlanExpr::Known(over),
                    ..
                },
            ],
            [only],
        ) = (query.steps.as_slice(), query.output.columns.as_slice())
        else {
            return None;
        };
        let (slot, key) = field_of(only)?;
        let is_field = over == inner && slot == *record && matches!(key, Value::Str(_));
        (is_plain && is_field).then(|| key.clone())
    }

    fn uses(&self, query: &Query) -> WindowUses {
        let mut uses = UsesOfWindows {
            windows: self,
            found: WindowUses::default(),
        };
        uses.query(query);
        uses.found
    }

    /// Whether the windows are mentioned by nothing but these uses, and what binds them.
    fn has_no_other_use(&self, query: &Query, uses: &WindowUses) -> bool {
        let mentions = mentions(query);
        let aggregated = uses.functions.len();
        match self.elements {
            // The binding of the elements is a use of the window.
            Some((elements, _)) => {
                mentions[elements] == aggregated + 1 && mentions[self.whole] == uses.times + 2
            }
            None if self.aggregates.stamped => {
                uses.values == aggregated && mentions[self.whole] == uses.times + uses.values + 1
            }
            None => mentions[self.whole] == aggregated + 1,
        }
    }

    fn rewrite(&self, query: &mut Query, at: usize, sliding: &Arc<Function>) {
        let first = query.slots;
        let mut replacement = Replacement {
            windows: self,
            first,
            aggregates: vec![],
        };
        replacement.query(query);
        let aggregates = replacement.aggregates;
        query.slots += aggregates.len();
        let name = |aggregate: &Value| -> Arc<str> {
            let name = match aggregate {
                Value::Vector(parts) => parts[0].as_str(),
                name => name.as_str(),
            };
            name.unwrap_or_default().into()
        };
        query.names.extend(aggregates.iter().map(name));
        if let Step::Iterate { pattern, over, .. } = &mut query.steps[at]
            && let PlanExpr::Call(call) = over
        {
            let stamp = self.aggregates.stamped.then_some(self.whole);
            let time = Type::timeval(Type::Object);
            let stamp = stamp.map(|slot| Pattern::Bind(slot, time));
            let results = 0..aggregates.len();
            let bind = |i| Pattern::Bind(first + i, Type::Object);
            *pattern = Pattern::Vector(stamp.into_iter().chain(results.map(bind)).collect());
            let mut args = std::mem::take(&mut call.args);
            args.push(PlanExpr::Const(Value::vector(aggregates)));
            *over = PlanExpr::Call(Box::new(Call {
                target: Target::One(sliding.clone()),
                args,
                span: call.span.clone(),
            }));
        }
        if let Some((_, step)) = self.elements {
            query.steps.remove(step);
        }
    }
}

/// Whether all vectors of what a stream gives are of the type as they are.
fn is_any_vector(ty: &Type, stream: &PlanExpr) -> bool {
    let of = match ty {
        Type::Object => return true,
        Type::Vector(of) => of,
        _ => return false,
    };
    let element = match stream {
        PlanExpr::Sub(sub) => Some(sub.query.ty.clone()),
        PlanExpr::Call(call) => match &call.target {
            Target::One(function) => Some(function.signature.result_type().element_of_collection()),
            Target::Late(_) => None,
        },
        _ => None,
    };
    // What is no number is seen to where it comes.
    matches!(**of, Type::Object | Type::Number | Type::Record) || element.is_some_and(|e| e == **of)
}

/// Which part of the stamped value `whole` the expression asks for, if it does nothing else.
fn stamp_of(expr: &PlanExpr, whole: Slot) -> Option<Stamp> {
    let PlanExpr::Call(call) = expr else {
        return None;
    };
    let Target::One(function) = &call.target else {
        return None;
    };
    match call.args.as_slice() {
        [PlanExpr::Slot(slot) | PlanExpr::Known(slot)] if *slot == whole => {
            function.native()?.stamp
        }
        _ => None,
    }
}

/// Collects what is done with windows.
struct UsesOfWindows<'w> {
    windows: &'w Windows,
    found: WindowUses,
}

impl Visitor for UsesOfWindows<'_> {
    fn expr(&mut self, expr: &PlanExpr) {
        if let Some((function, _)) = self.windows.aggregate_of(expr) {
            self.found.functions.push(function.clone());
        }
        match stamp_of(expr, self.windows.whole) {
            Some(Stamp::Time) => self.found.times += 1,
            Some(Stamp::Value) => self.found.values += 1,
            None => {}
        }
        self.walk_expr(expr);
    }
}

/// Puts a variable in the place of each aggregate of a window: those from `first` on, one for each
/// aggregate.
struct Replacement<'w> {
    windows: &'w Windows,
    first: Slot,
    aggregates: Vec<Value>,
}

impl VisitorMut for Replacement<'_> {
    fn expr(&mut self, expr: &mut PlanExpr) {
        let Some((_, aggregate)) = self.windows.aggregate_of(expr) else {
            return self.walk_expr(expr);
        };
        let known = self.aggregates.iter().position(|a| *a == aggregate);
        let place = known.unwrap_or_else(|| {
            self.aggregates.push(aggregate);
            self.aggregates.len() - 1
        });
        *expr = PlanExpr::Known(self.first + place);
    }
}
