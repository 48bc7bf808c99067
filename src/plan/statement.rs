//! Statements of procedures as plans.

use std::sync::Arc;

use super::{PlanExpr, RowChange, Slot, Sub, VariableChange};
use crate::model::{Function, Type};
use crate::plan::scalar::ScalarUnit;
use crate::syntax::ast::UpdateOp;
use crate::text::diagnostic::Span;

/// The body of a procedural function.
pub struct Procedure {
    pub slots: usize,
    pub body: Stmt,
    /// The procedure as a program over plain numbers, if it can be one.
    pub scalar: Option<Arc<ScalarUnit>>,
}

/// A statement that runs.
pub enum Stmt {
    /// A query, run to its end for what it does.
    Run(Sub),
    Change(VariableChange),
    Assign(Vec<AssignmentTarget>, PlanExpr),
    Block(Vec<Stmt>),
    ForEach {
        rows: Sub,
        into: Vec<Slot>,
        body: Box<Stmt>,
    },
    Case {
        arms: Vec<(PlanExpr, Stmt)>,
        otherwise: Option<Box<Stmt>>,
    },
    While {
        condition: PlanExpr,
        body: Box<Stmt>,
    },
    Loop(Box<Stmt>),
    Leave,
    Return(Option<Sub>),
    CreateObjects(ObjectCreation),
    DeleteObject(PlanExpr, Span),
    Update(FunctionUpdate),
    /// Changes rows of a table; whether it gives their number.
    ChangeRows(RowChange, bool),
    OpenCursor(CursorName, Sub),
    FetchCursor(CursorName, Vec<AssignmentTarget>, Span),
    CloseCursor(CursorName),
    Commit,
    Rollback,
}

/// Which cursor is meant: one of the procedure, or one of the session, which outlives the statement
/// that opens it.
#[derive(Clone, PartialEq)]
pub enum CursorName {
    Slot(Slot),
    Session(Arc<str>),
}

/// Where an assignment goes.
#[derive(Clone)]
pub enum AssignmentTarget {
    Slot(Slot, Type),
    Session(Arc<str>),
}

pub struct ObjectCreation {
    pub ty: Type,
    pub instances: Vec<CreatedObject>,
}

pub struct CreatedObject {
    pub place: Option<AssignmentTarget>,
    /// The attribute functions with their initial values.
    pub values: Vec<(Arc<Function>, PlanExpr)>,
    pub span: Span,
}

/// `set f(x) = y`: each row of the query is the arguments, then the value.
pub struct FunctionUpdate {
    pub op: UpdateOp,
    /// The functions that can be meant, the best first; which one, each row's arguments decide.
    pub functions: Arc<[Arc<Function>]>,
    pub rows: Sub,
    /// Arguments whose values are set even if there is no row of them, to nothing then.
    pub arguments: Option<Sub>,
    pub span: Span,
}
