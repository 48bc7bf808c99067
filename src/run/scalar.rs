//! Runs functions of numbers over plain numbers ([`crate::plan::scalar`]). Where something is not as
//! most often (an overflow, a variable without a value, a result that is not of the declared type)
//! there is no result, and the evaluator runs the function again: it has done nothing but compute.

use std::cmp::Ordering;

use crate::host::traced::Traced;
use crate::model::{Cx, Value, number};
use crate::plan::scalar::{
    NumberDeclared, ScalarBody, ScalarCondition, ScalarExpr, ScalarFunction, ScalarStatement,
    ScalarUnit,
};
use crate::syntax::ast::BinaryOp;

/// How many calls and turns of loops are made between two looks for a stop.
const STEPS: u32 = 1 << 14;

/// What a call came to: a value, or none where a predicate does not hold. `None` where the evaluator has
/// to make it.
pub fn run(unit: &ScalarUnit, args: &[Value], cx: &Cx) -> Option<Option<Value>> {
    if unit.called.iter().any(|f| Traced::prints(f, cx)) {
        return None;
    }
    let function = &unit.functions[0];
    let mut machine = Machine {
        unit,
        cx,
        slots: Vec::with_capacity(64),
        calls_left: cx.calls_left(),
        steps_left: STEPS,
    };
    for (arg, declared) in args.iter().zip(&function.params) {
        let number = match arg {
            Value::Int(int) => Number::Int(*int),
            Value::Real(real) => Number::Real(*real),
            _ => return None,
        };
        machine.slots.push(number.declared(*declared)?);
    }
    match machine.call(function, 0)? {
        Outcome::Number(Number::Int(int)) => Some(Some(Value::Int(int))),
        Outcome::Number(Number::Real(real)) => Some(Some(Value::Real(real))),
        Outcome::Number(Number::Missing) => None,
        Outcome::Holds(holds) => Some(holds.then_some(Value::Bool(true))),
    }
}

#[derive(Clone, Copy)]
enum Number {
    Int(i64),
    Real(f64),
    /// A variable without a value.
    Missing,
}

impl Number {
    fn declared(self, declared: NumberDeclared) -> Option<Number> {
        match (declared, self) {
            (NumberDeclared::Any | NumberDeclared::Integer, Number::Int(_))
            | (NumberDeclared::Any | NumberDeclared::Real, Number::Real(_)) => Some(self),
            (NumberDeclared::Integer, Number::Real(real)) => number::whole(real).map(Number::Int),
            (NumberDeclared::Real, Number::Int(int)) => Some(Number::Real(int as f64)),
            (_, Number::Missing) => None,
        }
    }

    fn real(self) -> Option<f64> {
        match self {
            Number::Int(int) => Some(int as f64),
            Number::Real(real) => Some(real),
            Number::Missing => None,
        }
    }
}

enum Outcome {
    Number(Number),
    Holds(bool),
}

/// How a statement ended.
#[derive(PartialEq)]
enum Flow {
    On,
    Leave,
}

struct Machine<'a> {
    unit: &'a ScalarUnit,
    cx: &'a Cx,
    /// The variables of all calls that run, those of the latest last.
    slots: Vec<Number>,
    /// How many calls deeper it may go.
    calls_left: usize,
    steps_left: u32,
}

impl Machine<'_> {
    /// Runs a function whose arguments stand in the slots from `base` on.
    fn call(&mut self, function: &ScalarFunction, base: usize) -> Option<Outcome> {
        self.step()?;
        self.calls_left = self.calls_left.checked_sub(1)?;
        self.slots.resize(base + function.slots, Number::Missing);
        let outcome = match &function.body {
            ScalarBody::Value {
                variables,
                result,
                declared,
            } => {
                for (slot, declared, value) in variables {
                    let value = self.value(value, base)?.declared(*declared)?;
                    self.slots[base + *slot] = value;
                }
                Outcome::Number(self.value(result, base)?.declared(*declared)?)
            }
            ScalarBody::Condition(condition) => Outcome::Holds(self.holds(condition, base)?),
            ScalarBody::Statements {
                statement,
                declared,
            } => {
                let mut returned = None;
                self.statement(statement, base, &mut returned)?;
                Outcome::Number(returned?.declared(*declared)?)
            }
        };
        self.slots.truncate(base);
        self.calls_left += 1;
        Some(outcome)
    }

    /// Counts a call or a turn of a loop.
    fn step(&mut self) -> Option<()> {
        self.steps_left -= 1;
        if self.steps_left == 0 {
            self.steps_left = STEPS;
            // The evaluator says what stopped it.
            self.cx.token.check().ok()?;
        }
        Some(())
    }

    fn call_number(&mut self, at: usize, args: &[ScalarExpr], base: usize) -> Option<Outcome> {
        let unit = self.unit;
        let function = &unit.functions[at];
        // Arguments are computed behind the variables that are in use, where other calls leave nothing.
        let inside = self.slots.len();
        for (arg, declared) in args.iter().zip(&function.params) {
            let value = self.value(arg, base)?.declared(*declared)?;
            self.slots.push(value);
        }
        self.call(function, inside)
    }

    fn value(&mut self, expr: &ScalarExpr, base: usize) -> Option<Number> {
        match expr {
            ScalarExpr::Slot(slot) => match self.slots[base + *slot] {
                Number::Missing => None,
                number => Some(number),
            },
            ScalarExpr::Int(int) => Some(Number::Int(*int)),
            ScalarExpr::Real(real) => Some(Number::Real(*real)),
            ScalarExpr::Negated(inner) => match self.value(inner, base)? {
                Number::Int(int) => int.checked_neg().map(Number::Int),
                Number::Real(real) => Some(Number::Real(-real)),
                Number::Missing => None,
            },
            ScalarExpr::Arith(op, sides) => {
                let left = self.value(&sides[0], base)?;
                arithmetic(*op, left, self.value(&sides[1], base)?)
            }
            ScalarExpr::OfReal(f, inner) => {
                let result = f(self.value(inner, base)?.real()?);
                (!result.is_nan()).then_some(Number::Real(result))
            }
            ScalarExpr::Call(at, args) => match self.call_number(*at, args, base)? {
                Outcome::Number(number) => Some(number),
                Outcome::Holds(_) => None,
            },
            ScalarExpr::Case { arms, otherwise } => {
                for (condition, result) in arms {
                    if self.holds(condition, base)? {
                        return self.value(result, base);
                    }
                }
                self.value(otherwise, base)
            }
        }
    }

    fn holds(&mut self, condition: &ScalarCondition, base: usize) -> Option<bool> {
        match condition {
            ScalarCondition::Compare(op, sides) => {
                let left = self.value(&sides[0], base)?;
                compare(*op, left, self.value(&sides[1], base)?)
            }
            ScalarCondition::And(list) => {
                for one in list {
                    if !self.holds(one, base)? {
                        return Some(false);
                    }
                }
                Some(true)
            }
            ScalarCondition::Or(list) => {
                for one in list {
                    if self.holds(one, base)? {
                        return Some(true);
                    }
                }
                Some(false)
            }
            ScalarCondition::Call(at, args) => match self.call_number(*at, args, base)? {
                Outcome::Holds(holds) => Some(holds),
                Outcome::Number(_) => None,
            },
        }
    }

    /// Runs a statement; the first value that is returned goes into `returned`.
    fn statement(
        &mut self,
        statement: &ScalarStatement,
        base: usize,
        returned: &mut Option<Number>,
    ) -> Option<Flow> {
        match statement {
            ScalarStatement::Assign(slot, declared, value) => {
                let value = self.value(value, base)?.declared(*declared)?;
                self.slots[base + *slot] = value;
            }
            ScalarStatement::Clear(slot) => self.slots[base + *slot] = Number::Missing,
            ScalarStatement::Block(statements) => {
                for statement in statements {
                    if self.statement(statement, base, returned)? == Flow::Leave {
                        return Some(Flow::Leave);
                    }
                }
            }
            ScalarStatement::Case { arms, otherwise } => {
                for (condition, body) in arms {
                    if self.holds(condition, base)? {
                        return self.statement(body, base, returned);
                    }
                }
                if let Some(otherwise) = otherwise {
                    return self.statement(otherwise, base, returned);
                }
            }
            ScalarStatement::While(condition, body) => {
                while self.holds(condition, base)? {
                    self.step()?;
                    if self.statement(body, base, returned)? == Flow::Leave {
                        break;
                    }
                }
            }
            ScalarStatement::Loop(body) => {
                while self.statement(body, base, returned)? == Flow::On {
                    self.step()?;
                }
            }
            ScalarStatement::Leave => return Some(Flow::Leave),
            ScalarStatement::Return(value) => {
                let value = self.value(value, base)?;
                returned.get_or_insert(value);
            }
        }
        Some(Flow::On)
    }
}

#[inline]
fn arithmetic(op: BinaryOp, left: Number, right: Number) -> Option<Number> {
    if let (Number::Int(a), Number::Int(b)) = (left, right)
        && op != BinaryOp::Div
    {
        let result = match op {
            BinaryOp::Plus => a.checked_add(b),
            BinaryOp::Minus => a.checked_sub(b),
            _ => a.checked_mul(b),
        };
        return result.map(Number::Int);
    }
    let (a, b) = (left.real()?, right.real()?);
    let result = match op {
        BinaryOp::Plus => a + b,
        BinaryOp::Minus => a - b,
        BinaryOp::Times => a * b,
        _ if b == 0.0 => return None,
        _ => a / b,
    };
    Some(Number::Real(result))
}

/// Compares by amount, exactly.
#[inline]
fn compare(op: BinaryOp, left: Number, right: Number) -> Option<bool> {
    let order = match (left, right) {
        (Number::Int(a), Number::Int(b)) => a.cmp(&b),
        (Number::Real(a), Number::Real(b)) => number::cmp_reals(a, b),
        (Number::Int(a), Number::Real(b)) => number::cmp_int_real(a, b),
        (Number::Real(a), Number::Int(b)) => number::cmp_int_real(b, a).reverse(),
        _ => return None,
    };
    Some(match op {
        BinaryOp::Eq => order == Ordering::Equal,
        BinaryOp::Ne => order != Ordering::Equal,
        BinaryOp::Lt => order == Ordering::Less,
        BinaryOp::Le => order != Ordering::Greater,
        BinaryOp::Gt => order == Ordering::Greater,
        BinaryOp::Ge => order != Ordering::Less,
        _ => return None,
    })
}
