//! What can be kept instead of being computed anew: it has no state, and reads nothing that may change
//! while a query runs, beside stored functions and objects, whose changes are counted
//! ([`crate::catalog::undo::UndoLog::count`]). Files are taken not to change while a query over finite
//! data runs.
//!
//! What variables and constants hold is not looked at here: it may be a bag that is made anew whenever
//! it is read. [`Value::is_repeatable`](crate::model::Value::is_repeatable) says so where they have
//! their values.

use std::sync::Arc;

use super::stateful::may_change;
use crate::catalog::Catalog;
use crate::model::{Cx, Function, Type, Value};
use crate::plan::walk::Visitor;
use crate::plan::{PlanExpr, Query, Step, Sub, Target};

/// Whether the query gives the same whenever it is run with the same variables.
pub fn is_repeatable(query: &Query, cx: &Cx) -> bool {
    let mut search = Search::new(Catalog::of(cx), true);
    search.query(query);
    search.repeatable && search.constants.iter().all(|c| c.is_repeatable(cx))
}

/// Looks at pieces of a plan, one after the other.
pub(super) struct Search<'a> {
    catalog: &'a Catalog,
    /// Whether files may change meanwhile.
    files_change: bool,
    /// The functions that were looked at and have no state.
    known: Vec<u64>,
    /// Whether all pieces so far give the same whenever they are run with the same variables.
    pub repeatable: bool,
    /// The constants among them that may be collections, or have some in them.
    pub constants: Vec<Value>,
}

impl Search<'_> {
    pub fn new(catalog: &Catalog, files_change: bool) -> Search<'_> {
        Search {
            catalog,
            files_change,
            known: vec![],
            repeatable: true,
            constants: vec![],
        }
    }

    fn call(&mut self, target: &Target, args: &[PlanExpr]) {
        let functions = match target {
            Target::One(function) => std::slice::from_ref(function),
            Target::Late(candidates) => candidates,
        };
        for function in functions {
            self.repeatable = self.repeatable
                && self.is_stateless(function)
                && self.are_given_functions_known(function, args);
        }
    }

    fn is_stateless(&mut self, function: &Arc<Function>) -> bool {
        if self.known.contains(&function.id()) {
            return true;
        }
        // What cannot be looked into is not called either.
        let changes = may_change(self.catalog, function, self.files_change);
        let stateless = changes.is_ok_and(|changes| !changes);
        if stateless {
            self.known.push(function.id());
        }
        stateless
    }

    /// Whether the functions that `function` calls because they are given to it stand in the text.
    fn are_given_functions_known(&self, function: &Function, args: &[PlanExpr]) -> bool {
        let params = &function.signature.params;
        let is_constant =
            |arg: Option<&PlanExpr>| matches!(arg, Some(PlanExpr::Const(Value::Function(_))));
        let mut given = params.iter().enumerate();
        given.all(|(i, param)| param.ty != Type::Function || is_constant(args.get(i)))
    }
}

impl Visitor for Search<'_> {
    fn expr(&mut self, expr: &PlanExpr) {
        if !self.repeatable {
            return;
        }
        match expr {
            PlanExpr::Session(..) => self.repeatable = false,
            PlanExpr::Const(Value::Function(function)) => {
                self.repeatable = self.is_stateless(function);
            }
            PlanExpr::Const(
                value @ (Value::Bag(_) | Value::Stream(_) | Value::Vector(_) | Value::Record(_)),
            ) => self.constants.push(value.clone()),
            PlanExpr::Call(call) | PlanExpr::Arith(_, call) => self.call(&call.target, &call.args),
            _ => {}
        }
        self.walk_expr(expr);
    }

    fn step(&mut self, step: &Step) {
        match step {
            // Whether it is one of files, the call says.
            Step::Iterate {
                stream: true, over, ..
            } if self.files_change || !matches!(over, PlanExpr::Call(_)) => {
                self.repeatable = false;
            }
            Step::Act(_) => self.repeatable = false,
            // There are others whose changes are not counted.
            Step::Extent { ty, .. } if !matches!(ty, Type::User(_) | Type::Userobject) => {
                self.repeatable = false;
            }
            _ => {}
        }
        self.walk_step(step);
    }

    fn sub(&mut self, sub: &Sub) {
        self.query(&sub.query);
    }
}
