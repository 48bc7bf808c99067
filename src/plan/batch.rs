//! Programs over batches of rows: what a simple query can be run as instead of row by row. Data only:
//! `compile` makes them, `run::batch` runs them.

use std::sync::Arc;

use crate::model::{Function, Type, Value};
use crate::plan::{PlanExpr, Slot};
use crate::syntax::ast::BinaryOp;

/// A query over batches of rows.
pub struct BatchProgram {
    pub origin: BatchOrigin,
    pub work: Vec<BatchWork>,
    /// What comes out of each row; of a query that groups, its keys and what the aggregates take.
    pub outputs: Vec<BatchExpr>,
    /// What each output is declared to be, as far as it is known.
    pub types: Vec<Type>,
    /// Whether the only output is a number.
    pub numeric: bool,
    /// The functions that are called, each once: where calls of one of them are to be printed, the
    /// query has to run row by row.
    pub functions: Vec<Arc<Function>>,
}

/// Where the rows come from.
pub enum BatchOrigin {
    /// The elements of a collection, numbers.
    Elements(PlanExpr, NumbersDeclared),
    /// Vectors of numbers, so many of each.
    Vectors { over: PlanExpr, width: usize },
    /// The objects of a type.
    Extent(Type),
    /// These columns of the rows of a stored function.
    Rows(Arc<Function>, Vec<usize>),
}

/// What is done with a batch, one after the other.
pub enum BatchWork {
    /// Keeps the rows for which the condition holds.
    Filter(BatchExpr),
    Fetch(BatchFetch),
    /// Adds a column.
    Compute(BatchExpr, NumbersDeclared),
}

/// Puts each row of the batch together with each row of a stored function that has its key.
pub struct BatchFetch {
    pub function: Arc<Function>,
    /// The column that must equal the key.
    pub known: [usize; 1],
    pub key: BatchExpr,
    /// The columns that are added to the batch.
    pub columns: Vec<usize>,
    /// Whether a row that finds nothing needs the evaluator; otherwise it is left out.
    pub required: bool,
}

/// What the numbers of a column are declared to be.
#[derive(Clone, Copy)]
pub enum NumbersDeclared {
    Any,
    Integer,
    Real,
}

/// An expression over a batch.
pub enum BatchExpr {
    Column(usize),
    /// A variable that is the same for all rows.
    Given(Slot),
    Int(i64),
    Real(f64),
    Const(Value),
    Arith(BinaryOp, Box<[BatchExpr; 2]>),
    Compare(BinaryOp, Box<[BatchExpr; 2]>),
    And(Vec<BatchExpr>),
    Or(Vec<BatchExpr>),
    /// A function of one real.
    Function(fn(f64) -> f64, Box<BatchExpr>),
    ToReal(Box<BatchExpr>),
    /// Whether an integer is odd, or even.
    Odd(bool, Box<BatchExpr>),
}

impl BatchExpr {
    pub fn is_condition(&self) -> bool {
        matches!(
            self,
            BatchExpr::Compare(..) | BatchExpr::And(_) | BatchExpr::Or(_) | BatchExpr::Odd(..)
        )
    }
}
