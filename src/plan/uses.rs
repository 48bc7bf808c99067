//! The functions that a plan calls, looks up or updates.

use std::sync::Arc;

use crate::model::Function;
use crate::plan::walk::Visitor;
use crate::plan::{PlanExpr, Procedure, Query, Step, Stmt, Sub, Target};

/// The functions of a query and of the queries inside it, some of them more than once.
pub fn of_query(query: &Query) -> Vec<Arc<Function>> {
    let mut uses = Uses(vec![]);
    uses.query(query);
    uses.0
}

/// The functions of these steps and expressions, some of them more than once.
pub fn of_pieces<'p>(
    steps: &[Step],
    exprs: impl Iterator<Item = &'p PlanExpr>,
) -> Vec<Arc<Function>> {
    let mut uses = Uses(vec![]);
    steps.iter().for_each(|step| uses.step(step));
    exprs.for_each(|expr| uses.expr(expr));
    uses.0
}

/// The functions of a procedure's body, some of them more than once.
pub fn of_procedure(procedure: &Procedure) -> Vec<Arc<Function>> {
    let mut uses = Uses(vec![]);
    uses.statement(&procedure.body);
    uses.0
}

struct Uses(Vec<Arc<Function>>);

impl Visitor for Uses {
    fn expr(&mut self, expr: &PlanExpr) {
        if let PlanExpr::Call(call) | PlanExpr::Arith(_, call) = expr {
            match &call.target {
                Target::One(function) => self.0.push(function.clone()),
                Target::Late(candidates) => self.0.extend(candidates.iter().cloned()),
            }
        }
        self.walk_expr(expr);
    }

    fn step(&mut self, step: &Step) {
        if let Step::Lookup(lookup) = step {
            self.0.push(lookup.function.clone());
        }
        self.walk_step(step);
    }

    fn sub(&mut self, sub: &Sub) {
        self.query(&sub.query);
    }

    fn statement(&mut self, statement: &Stmt) {
        match statement {
            Stmt::CreateObjects(create) => {
                let values = create.instances.iter().flat_map(|i| &i.values);
                self.0.extend(values.map(|(function, _)| function.clone()));
            }
            Stmt::ChangeRows(change, _) => self.0.push(change.function.clone()),
            Stmt::Update(update) => self.0.extend(update.functions.iter().cloned()),
            _ => {}
        }
        self.walk_statement(statement);
    }
}
