//! The functions that a plan calls, looks up or updates.

use std::sync::Arc;

use crate::model::Function;
use crate::plan::{Aggregate, Call, Column, Expr, Pattern, Procedure, Query, Step, Stmt, Target};

/// The functions of a query and of the queries inside it, some of them more than once.
pub fn of_query(query: &Query) -> Vec<Arc<Function>> {
    let mut uses = Uses(vec![]);
    uses.query(query);
    uses.0
}

/// The functions of a procedure's body, some of them more than once.
pub fn of_procedure(procedure: &Procedure) -> Vec<Arc<Function>> {
    let mut uses = Uses(vec![]);
    uses.statement(&procedure.body);
    uses.0
}

struct Uses(Vec<Arc<Function>>);

impl Uses {
    fn query(&mut self, query: &Query) {
        self.steps(&query.steps);
        self.exprs(&query.output.columns);
        query.order.iter().for_each(|order| self.expr(&order.key));
        query.limit.iter().for_each(|limit| self.expr(limit));
        let Some(group) = &query.group else { return };
        group.keys.iter().for_each(|(key, _)| self.expr(key));
        for Aggregate { argument, call, .. } in &group.aggregates {
            self.expr(argument);
            self.expr(call);
        }
    }

    fn steps(&mut self, steps: &[Step]) {
        for step in steps {
            match step {
                Step::Filter(condition) => self.expr(condition),
                Step::Let(pattern, value) => {
                    self.pattern(pattern);
                    self.expr(value);
                }
                Step::Iterate { pattern, over, .. } => {
                    self.pattern(pattern);
                    self.expr(over);
                }
                Step::Index { base, .. } => self.expr(base),
                Step::Extent { .. } => {}
                Step::Lookup(lookup) => {
                    self.0.push(lookup.function.clone());
                    for column in &lookup.columns {
                        match column {
                            Column::Known(value) => self.expr(value),
                            Column::Bind(pattern) => self.pattern(pattern),
                        }
                    }
                }
                Step::Alternatives(branches) => branches.iter().for_each(|b| self.steps(b)),
            }
        }
    }

    fn pattern(&mut self, pattern: &Pattern) {
        match pattern {
            Pattern::Equal(value) => self.expr(value),
            Pattern::Vector(elements) => elements.iter().for_each(|e| self.pattern(e)),
            Pattern::Bind(..) | Pattern::Solution(..) | Pattern::Any => {}
        }
    }

    fn exprs(&mut self, list: &[Expr]) {
        list.iter().for_each(|expr| self.expr(expr));
    }

    fn expr(&mut self, expr: &Expr) {
        match expr {
            Expr::Const(_) | Expr::Slot(_) | Expr::Known(_) | Expr::Session(..) => {}
            Expr::Call(call) | Expr::Arith(_, call) => self.call(call),
            Expr::Compare(_, sides) => self.exprs(&**sides),
            Expr::And(list) | Expr::Or(list) | Expr::Vector(list) | Expr::Bag(list) => {
                self.exprs(list);
            }
            Expr::Record(fields) => fields.iter().for_each(|(key, value)| {
                self.expr(key);
                self.expr(value);
            }),
            Expr::Case { arms, otherwise } => {
                arms.iter().for_each(|(condition, value)| {
                    self.expr(condition);
                    self.expr(value);
                });
                otherwise.iter().for_each(|value| self.expr(value));
            }
            Expr::Convert(value, _) | Expr::Singleton(value) => self.expr(value),
            Expr::Sub(sub) | Expr::Collect(sub) => self.query(&sub.query),
            Expr::Member { needle, haystack } => {
                self.expr(needle);
                self.expr(haystack);
            }
        }
    }

    fn call(&mut self, call: &Call) {
        match &call.target {
            Target::One(function) => self.0.push(function.clone()),
            Target::Late(candidates) => self.0.extend(candidates.iter().cloned()),
        }
        self.exprs(&call.args);
    }

    fn statement(&mut self, statement: &Stmt) {
        match statement {
            Stmt::Run(sub) | Stmt::Return(Some(sub)) | Stmt::OpenCursor(_, sub) => {
                self.query(&sub.query);
            }
            Stmt::Assign(_, value) | Stmt::DeleteObject(value, _) => self.expr(value),
            Stmt::Block(body) => body.iter().for_each(|s| self.statement(s)),
            Stmt::ForEach { rows, body, .. } => {
                self.query(&rows.query);
                self.statement(body);
            }
            Stmt::Case { arms, otherwise } => {
                arms.iter().for_each(|(condition, body)| {
                    self.expr(condition);
                    self.statement(body);
                });
                otherwise.iter().for_each(|body| self.statement(body));
            }
            Stmt::While { condition, body } => {
                self.expr(condition);
                self.statement(body);
            }
            Stmt::Loop(body) => self.statement(body),
            Stmt::CreateObjects(create) => {
                for (function, value) in create.instances.iter().flat_map(|i| &i.values) {
                    self.0.push(function.clone());
                    self.expr(value);
                }
            }
            Stmt::Update(update) => {
                self.0.extend(update.functions.iter().cloned());
                self.query(&update.rows.query);
            }
            Stmt::Return(None)
            | Stmt::Leave
            | Stmt::FetchCursor(..)
            | Stmt::CloseCursor(_)
            | Stmt::Commit
            | Stmt::Rollback => {}
        }
    }
}
