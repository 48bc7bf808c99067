//! Lowers functions of numbers to programs over plain numbers ([`crate::plan::scalar`]), where they
//! compute nothing else: built-in arithmetic, comparisons, `case`, calls of such functions, of
//! themselves among them, and in procedures variables that are numbers.

use std::sync::Arc;

use crate::catalog::Catalog;
use crate::compile::procedure::returns_many;
use crate::model::function::{FunctionBody, Signature};
use crate::model::native::BatchForm;
use crate::model::{Function, Type, Value};
use crate::plan::scalar::{
    NumberDeclared, ScalarBody, ScalarCondition, ScalarExpr, ScalarFunction, ScalarStatement,
    ScalarUnit,
};
use crate::plan::{
    AssignmentTarget, Call, Pattern, PlanExpr, Procedure, Query, Slot, Step, Stmt, Sub, Target,
};
use crate::syntax::ast::{self, BinaryOp, Many};

/// The program of a derived function whose body is this query.
pub fn of_query(catalog: &Catalog, function: &Function, query: &Query) -> Option<ScalarUnit> {
    let mut builder = Builder::new(catalog, function);
    let lowered = builder.query(&function.signature, query)?;
    builder.finish(lowered)
}

/// The program of a procedure.
pub fn of_procedure(
    catalog: &Catalog,
    function: &Function,
    procedure: &Procedure,
) -> Option<ScalarUnit> {
    let mut builder = Builder::new(catalog, function);
    let lowered = builder.procedure(function, procedure)?;
    builder.finish(lowered)
}

struct Builder<'c> {
    catalog: &'c Catalog,
    /// The functions of the unit by their numbers; nothing yet for those that are being lowered.
    functions: Vec<(u64, Option<ScalarFunction>)>,
    called: Vec<Arc<Function>>,
    /// The variables of a query inside a procedure, each with the procedure's own.
    captured: Option<Vec<(Slot, Slot)>>,
}

impl Builder<'_> {
    fn new<'c>(catalog: &'c Catalog, function: &Function) -> Builder<'c> {
        Builder {
            catalog,
            functions: vec![(function.id(), None)],
            called: vec![],
            captured: None,
        }
    }

    fn finish(mut self, first: ScalarFunction) -> Option<ScalarUnit> {
        self.functions[0].1 = Some(first);
        let functions = self.functions.into_iter().map(|(_, lowered)| lowered);
        Some(ScalarUnit {
            functions: functions.collect::<Option<_>>()?,
            called: self.called,
        })
    }

    fn query(&mut self, signature: &Signature, query: &Query) -> Option<ScalarFunction> {
        let plain = query.is_single() && query.limit.is_none() && !query.distinct;
        let ([only], true) = (query.output.columns.as_slice(), plain) else {
            return None;
        };
        let mut variables = Vec::with_capacity(query.steps.len());
        for step in &query.steps {
            let Step::Let(Pattern::Bind(slot, ty), value) = step else {
                return None;
            };
            variables.push((*slot, NumberDeclared::of(ty)?, self.expr(value)?));
        }
        let body = match result_type(signature)? {
            Type::Boolean if variables.is_empty() => ScalarBody::Condition(self.condition(only)?),
            ty => ScalarBody::Value {
                variables,
                result: self.expr(only)?,
                declared: NumberDeclared::of(ty)?,
            },
        };
        Some(ScalarFunction {
            params: params(signature)?,
            slots: query.slots,
            body,
        })
    }

    fn procedure(&mut self, function: &Function, procedure: &Procedure) -> Option<ScalarFunction> {
        let FunctionBody::Procedure(definition, _) = &function.body else {
            return None;
        };
        let ast::Body::Procedure(written) = &definition.body else {
            return None;
        };
        if returns_many(written, false) {
            return None;
        }
        let declared = NumberDeclared::of(result_type(&function.signature)?)?;
        Some(ScalarFunction {
            params: params(&function.signature)?,
            slots: procedure.slots,
            body: ScalarBody::Statements {
                statement: self.statement(&procedure.body)?,
                declared,
            },
        })
    }

    fn statement(&mut self, statement: &Stmt) -> Option<ScalarStatement> {
        Some(match statement {
            Stmt::Assign(places, value) => {
                let [AssignmentTarget::Slot(slot, ty)] = places.as_slice() else {
                    return None;
                };
                let declared = NumberDeclared::of(ty)?;
                match value {
                    PlanExpr::Const(Value::Null) => ScalarStatement::Clear(*slot),
                    value => ScalarStatement::Assign(*slot, declared, self.expr(value)?),
                }
            }
            Stmt::Block(statements) => {
                let lowered = statements.iter().map(|s| self.statement(s));
                ScalarStatement::Block(lowered.collect::<Option<_>>()?)
            }
            Stmt::Case { arms, otherwise } => {
                let mut lowered = Vec::with_capacity(arms.len());
                for (condition, body) in arms {
                    lowered.push((self.condition(condition)?, self.statement(body)?));
                }
                let otherwise = match otherwise {
                    Some(otherwise) => Some(Box::new(self.statement(otherwise)?)),
                    None => None,
                };
                ScalarStatement::Case {
                    arms: lowered,
                    otherwise,
                }
            }
            Stmt::While { condition, body } => {
                let body = self.statement(body)?;
                ScalarStatement::While(self.condition(condition)?, Box::new(body))
            }
            Stmt::Loop(body) => ScalarStatement::Loop(Box::new(self.statement(body)?)),
            Stmt::Leave => ScalarStatement::Leave,
            Stmt::Return(Some(sub)) => ScalarStatement::Return(self.returned(sub)?),
            _ => return None,
        })
    }

    /// The one value that a query returns.
    fn returned(&mut self, sub: &Sub) -> Option<ScalarExpr> {
        let query = &*sub.query;
        let plain = query.steps.is_empty() && query.limit.is_none() && query.group.is_none();
        let ([only], true) = (query.output.columns.as_slice(), plain) else {
            return None;
        };
        let inside = sub.captures.iter().map(|(outer, inner)| (*inner, *outer));
        let before = self.captured.replace(inside.collect());
        let lowered = self.expr(only);
        self.captured = before;
        lowered
    }

    fn slot(&self, slot: Slot) -> Option<Slot> {
        match &self.captured {
            None => Some(slot),
            Some(captured) => {
                let found = captured.iter().find(|(inner, _)| *inner == slot);
                found.map(|(_, outer)| *outer)
            }
        }
    }

    fn expr(&mut self, expr: &PlanExpr) -> Option<ScalarExpr> {
        Some(match expr {
            PlanExpr::Const(Value::Int(int)) => ScalarExpr::Int(*int),
            PlanExpr::Const(Value::Real(real)) => ScalarExpr::Real(*real),
            PlanExpr::Slot(slot) | PlanExpr::Known(slot) => ScalarExpr::Slot(self.slot(*slot)?),
            PlanExpr::Arith(op, call) => self.arithmetic(*op, call)?,
            PlanExpr::Case {
                arms,
                otherwise: Some(otherwise),
            } => {
                let mut lowered = Vec::with_capacity(arms.len());
                for (condition, result) in arms {
                    lowered.push((self.condition(condition)?, self.expr(result)?));
                }
                ScalarExpr::Case {
                    arms: lowered,
                    otherwise: Box::new(self.expr(otherwise)?),
                }
            }
            PlanExpr::Call(call) => {
                let (function, mut args) = self.call(call)?;
                match function.native() {
                    Some(native) => {
                        let Some(BatchForm::OfReal(f)) = native.batch else {
                            return None;
                        };
                        ScalarExpr::OfReal(f, Box::new(args.pop()?))
                    }
                    None => {
                        NumberDeclared::of(result_type(&function.signature)?)?;
                        ScalarExpr::Call(self.function(&function)?, args)
                    }
                }
            }
            _ => return None,
        })
    }

    fn condition(&mut self, expr: &PlanExpr) -> Option<ScalarCondition> {
        Some(match expr {
            PlanExpr::Compare(op, sides) => {
                let sides = [self.expr(&sides[0])?, self.expr(&sides[1])?];
                ScalarCondition::Compare(*op, Box::new(sides))
            }
            PlanExpr::And(list) => ScalarCondition::And(self.conditions(list)?),
            PlanExpr::Or(list) => ScalarCondition::Or(self.conditions(list)?),
            PlanExpr::Call(call) => {
                let (function, args) = self.call(call)?;
                if *result_type(&function.signature)? != Type::Boolean {
                    return None;
                }
                ScalarCondition::Call(self.function(&function)?, args)
            }
            _ => return None,
        })
    }

    fn conditions(&mut self, list: &[PlanExpr]) -> Option<Vec<ScalarCondition>> {
        list.iter().map(|one| self.condition(one)).collect()
    }

    fn arithmetic(&mut self, op: BinaryOp, call: &Call) -> Option<ScalarExpr> {
        use BinaryOp::{Div, Minus, Plus, Times};
        let targets = match &call.target {
            Target::One(function) => std::slice::from_ref(function),
            Target::Late(functions) => functions,
        };
        // What users define for other types is not called with numbers.
        self.called.extend(targets.iter().cloned());
        match (op, call.args.as_slice()) {
            (Minus, [only]) => Some(ScalarExpr::Negated(Box::new(self.expr(only)?))),
            (Plus | Minus | Times | Div, [left, right]) => {
                let sides = [self.expr(left)?, self.expr(right)?];
                Some(ScalarExpr::Arith(op, Box::new(sides)))
            }
            _ => None,
        }
    }

    /// The function that is called, and its arguments.
    fn call(&mut self, call: &Call) -> Option<(Arc<Function>, Vec<ScalarExpr>)> {
        let Target::One(function) = &call.target else {
            return None;
        };
        if call.args.len() != function.arity() {
            return None;
        }
        self.called.push(function.clone());
        let args = call.args.iter().map(|arg| self.expr(arg));
        Some((function.clone(), args.collect::<Option<_>>()?))
    }

    /// The number that a user's function has in the unit.
    fn function(&mut self, function: &Arc<Function>) -> Option<usize> {
        let id = function.id();
        if let Some(at) = self.functions.iter().position(|(of, _)| *of == id) {
            return Some(at);
        }
        let at = self.functions.len();
        self.functions.push((id, None));
        let outside = self.captured.take();
        let epoch = self.catalog.functions.epoch();
        let lowered = match &function.body {
            FunctionBody::Derived(_, compiled) => {
                let query: Arc<Query> = compiled.get(epoch)?;
                self.query(&function.signature, &query)
            }
            FunctionBody::Procedure(_, compiled) => {
                let procedure: Arc<Procedure> = compiled.get(epoch)?;
                self.procedure(function, &procedure)
            }
            _ => None,
        };
        self.captured = outside;
        self.functions[at].1 = Some(lowered?);
        Some(at)
    }
}

fn params(signature: &Signature) -> Option<Vec<NumberDeclared>> {
    let params = signature.params.iter();
    params.map(|param| NumberDeclared::of(&param.ty)).collect()
}

/// The type of the one result.
fn result_type(signature: &Signature) -> Option<&Type> {
    match signature.columns.as_slice() {
        [only] if signature.many == Many::One => Some(&only.ty),
        _ => None,
    }
}
