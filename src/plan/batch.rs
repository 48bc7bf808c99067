//! Programs over batches of rows: what a simple query can be run as instead of row by row. Data only:
//! `compile` makes them, `run::batch` runs them.

use std::sync::Arc;

use crate::model::native::{BatchForm, FieldsOfTexts};
use crate::model::{Function, Type, Value};
use crate::plan::join::Join;
use crate::plan::{PlanExpr, Slot, Step};
use crate::syntax::ast::BinaryOp;
use crate::text::diagnostic::Span;

/// A query over batches of rows.
pub struct BatchProgram {
    /// The steps before the source, which make one row at the most and have no state: the evaluator does
    /// them once.
    pub lead: Vec<Step>,
    pub origin: BatchOrigin,
    pub work: Vec<BatchWork>,
    /// What comes out of each row; of a query that groups, its keys and what the aggregates take.
    pub outputs: Vec<BatchExpr>,
    /// So many of the outputs, the first, a row has to have; without them nothing comes of it.
    pub required: usize,
    /// What each output is declared to be, as far as it is known.
    pub types: Vec<Type>,
    /// The functions that are called, each once: where calls of one of them are to be printed, the
    /// query has to run row by row.
    pub functions: Vec<Arc<Function>>,
    /// Variables that are the same for all rows and are read by what the evaluator computes. It may be
    /// computed once more, so that they must not be collections that are otherwise then.
    pub given: Vec<Slot>,
    /// Where the query goes on row by row.
    pub tail: Option<BatchTail>,
    /// Which steps of the query the evaluator does, at least in part, in the midst of the batches.
    pub evaluated: Vec<usize>,
    /// Whether results are given while rows are still being made, so that a batch in which the evaluator
    /// takes its time must be small.
    pub gives_at_once: bool,
}

impl BatchProgram {
    /// Whether the evaluator has a part in batches whose results somebody may wait for.
    pub fn takes_its_time(&self) -> bool {
        self.gives_at_once && !self.evaluated.is_empty()
    }
}

/// The rest of a query behind its batches: steps, and its results. They go row by row.
pub struct BatchTail {
    /// The first of these steps.
    pub step: usize,
    /// What they use of the rows.
    pub variables: Vec<BatchVariable>,
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
    /// `or`: the rows of two branches, with columns for the variables that both bind.
    Alternatives {
        branches: Box<[BatchSource; 2]>,
        bound: Vec<BatchVariable>,
    },
}

/// A branch that begins with a source of its own.
pub struct BatchSource {
    pub program: Arc<BatchProgram>,
    /// The same as steps.
    pub steps: Arc<[Step]>,
}

/// What is done with a batch, one after the other.
pub enum BatchWork {
    /// Keeps the rows for which the condition holds, which is written there.
    Filter(BatchExpr, Option<Span>),
    /// Keeps the rows that have a value in all of these columns.
    Require(Vec<usize>),
    Fetch(BatchFetch),
    Join(BatchJoin),
    Alternatives(BatchAlternatives),
    Optional(BatchOptional),
    Rows(BatchRowSteps),
    Fields(BatchFields),
    /// Adds a column.
    Compute(BatchExpr, ColumnDeclared, ColumnUse),
    /// Adds the column of a variable; rows without a value for it are left out.
    Bind(BatchExpr, ColumnDeclared),
}

/// What becomes of values that are not of the declared type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnUse {
    /// An argument is converted. Without it there is no call, and null is none.
    Argument,
    /// A variable is bound to what equals the value; there is nothing to be bound to otherwise.
    Variable,
    /// A result is converted, or is null.
    Result,
}

/// Puts each row of the batch together with each row of a stored function that has its key.
pub struct BatchFetch {
    pub function: Arc<Function>,
    /// The column that must equal the key.
    pub known: [usize; 1],
    pub key: BatchExpr,
    /// The columns that are added to the batch.
    pub columns: Vec<usize>,
    /// Where the function is called: what its argument is declared to be. Each row stays then, one that
    /// finds nothing without a value.
    pub called: Option<ColumnDeclared>,
}

/// Adds columns for some fields of the records that texts hold.
pub struct BatchFields {
    /// The column of the texts, or of binaries that hold them.
    pub text: usize,
    pub keys: Vec<Value>,
    pub read: FieldsOfTexts,
}

/// Puts each row of the batch together with each row of the inner side of a join that it meets.
pub struct BatchJoin {
    pub join: Arc<Join>,
    /// The outer side of the keys that rows are found by.
    pub keys: Vec<BatchExpr>,
}

/// `or`: puts in the place of each row those that the branches make of it.
pub struct BatchAlternatives {
    pub branches: [BatchBranch; 2],
}

/// A left join: puts in the place of each row those that the branch makes of it, or, where it makes none,
/// one in which its variables are null.
pub struct BatchOptional {
    pub branch: BatchBranch,
}

pub struct BatchBranch {
    pub work: Vec<BatchWork>,
    /// The columns behind the branch of the variables that both bind.
    pub columns: Vec<usize>,
}

/// Steps that the evaluator does row by row, and that have no state, so that they may be done once more
/// where the batch has to be given up.
pub struct BatchRowSteps {
    pub steps: Vec<Step>,
    pub variables: Vec<BatchVariable>,
    /// The variables that they bind and that get columns.
    pub bound: Vec<Slot>,
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
    /// The result of the first arm whose condition holds.
    Case {
        arms: Vec<(BatchExpr, BatchExpr)>,
        otherwise: Option<Box<BatchExpr>>,
    },
    /// The value, where all of these columns have one.
    Needing(Vec<usize>, Box<BatchExpr>),
    /// The value, or null where there is none.
    OrNull(Box<BatchExpr>),
    /// One, where the expression has a value.
    Counted(Box<BatchExpr>),
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
    pub variables: Vec<BatchVariable>,
    /// Whether it is asked whether it holds, and not for its value.
    pub condition: bool,
    /// The type of its value, as far as it is known.
    pub ty: Type,
}

/// A variable that what goes row by row uses, and what it has in each row of the batch.
#[derive(Clone)]
pub struct BatchVariable {
    pub slot: Slot,
    pub columns: VariableColumns,
}

#[derive(Clone)]
pub enum VariableColumns {
    /// A column of values of the type.
    Whole(usize, Type),
    /// A record's values by key, or a vector's by position, with their columns. Nothing else of it is
    /// used.
    Fields(Vec<(Value, usize)>),
}

impl BatchExpr {
    /// Whether it has a value for each row, and nothing has to be computed.
    pub fn is_at_hand(&self) -> bool {
        use BatchExpr::{Const, Int, Real};
        matches!(self, Const(_) | Int(_) | Real(_))
    }

    /// Whether nothing has to be computed for it.
    pub fn is_plain(&self) -> bool {
        use BatchExpr::{Column, Given, Known};
        self.is_at_hand() || matches!(self, Column(_) | Known(_) | Given(_))
    }

    pub fn is_condition(&self) -> bool {
        match self {
            BatchExpr::Compare(..) | BatchExpr::And(_) | BatchExpr::Or(_) => true,
            BatchExpr::Function { form, .. } => form.is_condition(),
            BatchExpr::Needing(_, value) => value.is_condition(),
            BatchExpr::Evaluated(evaluated) => evaluated.condition,
            _ => false,
        }
    }
}
