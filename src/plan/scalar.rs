//! Functions of numbers as programs over plain numbers: what a derived function, or a procedure, can be
//! run as where all that it computes is numbers and conditions on them. Data only: `compile` makes
//! them, `run::scalar` runs them.

use std::sync::Arc;

use crate::model::{Function, Type};
use crate::plan::Slot;
use crate::syntax::ast::BinaryOp;

/// A function, and those that it calls.
pub struct ScalarUnit {
    /// The function itself is the first.
    pub functions: Vec<ScalarFunction>,
    /// All that the definitions call: where calls of one of them are to be printed, the evaluator has to
    /// run it.
    pub called: Vec<Arc<Function>>,
}

pub struct ScalarFunction {
    /// What the arguments are declared to be, which go into the first slots.
    pub params: Vec<NumberDeclared>,
    /// How many variables there are.
    pub slots: usize,
    pub body: ScalarBody,
}

pub enum ScalarBody {
    /// Variables that are computed first, then the result.
    Value {
        variables: Vec<(Slot, NumberDeclared, ScalarExpr)>,
        result: ScalarExpr,
        declared: NumberDeclared,
    },
    /// A predicate.
    Condition(ScalarCondition),
    /// A procedure, whose result is the first value that it returns.
    Statements {
        statement: ScalarStatement,
        declared: NumberDeclared,
    },
}

/// What a number is declared to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberDeclared {
    Any,
    Integer,
    Real,
}

impl NumberDeclared {
    /// `None` where the type is not one of numbers.
    pub fn of(ty: &Type) -> Option<NumberDeclared> {
        match ty {
            Type::Number => Some(NumberDeclared::Any),
            Type::Integer => Some(NumberDeclared::Integer),
            Type::Real => Some(NumberDeclared::Real),
            _ => None,
        }
    }
}

/// An expression whose value is a number.
pub enum ScalarExpr {
    Slot(Slot),
    Int(i64),
    Real(f64),
    Negated(Box<ScalarExpr>),
    Arith(BinaryOp, Box<[ScalarExpr; 2]>),
    /// A built-in function of one real.
    OfReal(fn(f64) -> f64, Box<ScalarExpr>),
    /// A function of the unit.
    Call(usize, Vec<ScalarExpr>),
    Case {
        arms: Vec<(ScalarCondition, ScalarExpr)>,
        otherwise: Box<ScalarExpr>,
    },
}

pub enum ScalarCondition {
    Compare(BinaryOp, Box<[ScalarExpr; 2]>),
    And(Vec<ScalarCondition>),
    Or(Vec<ScalarCondition>),
    /// A predicate of the unit.
    Call(usize, Vec<ScalarExpr>),
}

pub enum ScalarStatement {
    Assign(Slot, NumberDeclared, ScalarExpr),
    /// Takes a variable's value away.
    Clear(Slot),
    Block(Vec<ScalarStatement>),
    Case {
        arms: Vec<(ScalarCondition, ScalarStatement)>,
        otherwise: Option<Box<ScalarStatement>>,
    },
    While(ScalarCondition, Box<ScalarStatement>),
    Loop(Box<ScalarStatement>),
    Leave,
    Return(ScalarExpr),
}
