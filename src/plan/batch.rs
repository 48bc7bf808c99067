//! Programs over batches of rows: what a simple query can be run as instead of row by row. Data only:
//! `compile` makes them, `run::batch` runs them.

use std::sync::Arc;

use crate::model::native::{BatchForm, FieldsOfTexts};
use crate::model::{Function, Type, Value};
use crate::plan::join::Join;
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
    /// The functions that are called, each once: where calls of one of them are to be printed, the
    /// query has to run row by row.
    pub functions: Vec<Arc<Function>>,
}

/// Where the rows come from.
pub enum BatchOrigin {
    /// The elements of a collection.
    Elements(PlanExpr, ColumnDeclared),
    /// Vectors, with what each place in them is declared to be.
    Vectors {
        over: PlanExpr,
        declared: Vec<ColumnDeclared>,
    },
    /// Records or vectors of which only the fields with these keys, or at these positions, are wanted.
    Fields { over: PlanExpr, keys: Vec<Value> },
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
    Join(BatchJoin),
    Fields(BatchFields),
    /// Adds a column.
    Compute(BatchExpr, ColumnDeclared),
    /// The same, but rows whose value is not of the declared type are left out.
    Bind(BatchExpr, ColumnDeclared),
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

/// Adds columns for some fields of the records that texts hold.
pub struct BatchFields {
    /// The texts, or binaries that hold them.
    pub texts: BatchExpr,
    pub keys: Vec<Value>,
    pub read: FieldsOfTexts,
}

/// Puts each row of the batch together with each row of the inner side of a join that it meets.
pub struct BatchJoin {
    pub join: Arc<Join>,
    /// The outer side of the keys that rows are found by.
    pub keys: Vec<BatchExpr>,
}

/// What the values of a column are declared to be.
#[derive(Clone)]
pub enum ColumnDeclared {
    /// Numbers of any kind.
    Numbers,
    Integers,
    Reals,
    /// Values of the type as they are.
    Values(Type),
}

impl ColumnDeclared {
    /// What a variable of the type, or a parameter, takes; `None` for collections.
    pub fn of(ty: &Type) -> Option<ColumnDeclared> {
        Some(match ty {
            Type::Number => ColumnDeclared::Numbers,
            Type::Integer => ColumnDeclared::Integers,
            Type::Real => ColumnDeclared::Reals,
            Type::Bag(_) | Type::Stream(_) => return None,
            other => ColumnDeclared::Values(other.clone()),
        })
    }
}

/// An expression over a batch.
pub enum BatchExpr {
    Column(usize),
    /// The same, of which no value may be null.
    Known(usize),
    /// A variable that is the same for all rows.
    Given(Slot),
    Int(i64),
    Real(f64),
    Const(Value),
    Arith(BinaryOp, Box<[BatchExpr; 2]>),
    Compare(BinaryOp, Box<[BatchExpr; 2]>),
    And(Vec<BatchExpr>),
    Or(Vec<BatchExpr>),
    /// The first result whose condition holds.
    Case {
        arms: Vec<(BatchExpr, BatchExpr)>,
        otherwise: Box<BatchExpr>,
    },
    /// A function over its arguments' columns, which gives values of the type.
    Function {
        form: BatchForm,
        /// With what each is declared to be.
        args: Vec<(BatchExpr, ColumnDeclared)>,
        ty: Type,
    },
    /// Computed by the evaluator, row by row.
    Evaluated(Box<EvaluatedExpr>),
}

/// An expression that the evaluator computes for each row of a batch. It has no state, so that it may
/// be computed once more where the batch has to be given up.
pub struct EvaluatedExpr {
    pub expr: PlanExpr,
    /// The variables that it uses, with their columns and the types of these.
    pub variables: Vec<(Slot, usize, Type)>,
    /// Whether it is asked whether it holds, and not for its value.
    pub condition: bool,
}

impl BatchExpr {
    /// Whether it has a value for each row, and nothing has to be computed.
    pub fn is_at_hand(&self) -> bool {
        use BatchExpr::{Const, Int, Real};
        matches!(self, Const(_) | Int(_) | Real(_))
    }

    pub fn is_condition(&self) -> bool {
        match self {
            BatchExpr::Compare(..) | BatchExpr::And(_) | BatchExpr::Or(_) => true,
            BatchExpr::Function { form, .. } => form.is_condition(),
            BatchExpr::Evaluated(evaluated) => evaluated.condition,
            _ => false,
        }
    }
}
