//! Plans: what the compiler makes and `run` runs. Data, not closures, so that they can be printed,
//! rewritten and run in batches.
//!
//! Variables are slots of a frame. A [`Query`] has a frame of its own, into which whoever opens it
//! puts a function's arguments (from slot 0) or captured variables of the query around it.

pub mod batch;
mod condition;
pub mod endless;
pub mod estimate;
pub mod explain;
pub mod join;
pub mod remap;
pub mod scalar;
mod statement;
mod table;
pub mod used;
pub mod uses;
pub mod walk;

use std::sync::Arc;

pub use self::condition::RowCondition;
pub use self::statement::{
    AssignmentTarget, CreatedObject, CursorName, FunctionUpdate, ObjectCreation, Procedure, Stmt,
};
pub use self::table::{InsertedColumn, InsertionRow, InsertionRows, RowChange, RowChangeKind};
use crate::model::function::FunctionBody;
use crate::model::memory::Operator;
use crate::model::native::AggregateKind;
use crate::model::{Function, Type, Value};
use crate::plan::batch::BatchProgram;
use crate::plan::join::Join;
use crate::plan::scalar::ScalarUnit;
use crate::syntax::ast::BinaryOp;
use crate::text::diagnostic::Span;

pub type Slot = usize;

/// An expression with at most one value.
#[derive(Clone)]
pub enum PlanExpr {
    Const(Value),
    Slot(Slot),
    /// The variable's value; no result where it is null.
    Known(Slot),
    /// A session variable, read when it is evaluated.
    Session(Arc<str>, Span),
    Call(Box<Call>),
    /// `+ - * / ^` and unary minus: numbers are computed on the spot, anything else is a call.
    Arith(BinaryOp, Box<Call>),
    Compare(BinaryOp, Box<[PlanExpr; 2]>),
    And(Vec<PlanExpr>),
    Or(Vec<PlanExpr>),
    Vector(Vec<PlanExpr>),
    Record(Vec<(PlanExpr, PlanExpr)>),
    Case {
        arms: Vec<(PlanExpr, PlanExpr)>,
        otherwise: Option<Box<PlanExpr>>,
    },
    /// The first, or the second where that fails: `try(expression, otherwise)`.
    Try(Box<[PlanExpr; 2]>),
    /// The value as one of the type; no result where it is none.
    Convert(Box<PlanExpr>, Type),
    /// A bag or stream.
    Sub(Box<Sub>),
    /// The rows of a query as a vector.
    Collect(Box<Sub>),
    /// All the elements of these together.
    Bag(Vec<PlanExpr>),
    /// The value, or null where there is none.
    OrNull(Box<PlanExpr>),
    /// The value as the only element of a bag; no value, no element. A collection is itself.
    Singleton(Box<PlanExpr>),
}

impl PlanExpr {
    /// The value, or null where there is none.
    pub fn or_null(self) -> PlanExpr {
        match self {
            PlanExpr::Known(slot) | PlanExpr::Slot(slot) => PlanExpr::Slot(slot),
            value @ (PlanExpr::Const(_) | PlanExpr::OrNull(_)) => value,
            value => PlanExpr::OrNull(Box::new(value)),
        }
    }
}

/// A query inside another: a bag or stream that remembers the variables around it.
#[derive(Clone)]
pub struct Sub {
    pub query: Arc<Query>,
    /// Slots around it, each with the slot of its own that gets the value when it is made.
    pub captures: Vec<(Slot, Slot)>,
    pub stream: bool,
}

/// A call of a function.
#[derive(Clone)]
pub struct Call {
    pub target: Target,
    pub args: Vec<PlanExpr>,
    pub span: Span,
}

#[derive(Clone)]
pub enum Target {
    /// Resolved by the compiler.
    One(Arc<Function>),
    /// Chosen among these by the arguments' types when called.
    Late(Arc<[Arc<Function>]>),
}

/// Rows of variable bindings made by steps, and what comes out of each.
#[derive(Clone)]
pub struct Query {
    /// The size of the frame.
    pub slots: usize,
    /// Names of the slots, for `explain` and messages.
    pub names: Vec<Arc<str>>,
    pub steps: Vec<Step>,
    pub output: QueryOutput,
    pub distinct: bool,
    pub order: Vec<Order>,
    /// Evaluated before the first row.
    pub limit: Option<PlanExpr>,
    /// How many results are passed over first; evaluated before the first row. The limit counts them.
    pub offset: Option<PlanExpr>,
    /// Variables that are the same for all rows, with their values; evaluated before all else.
    pub constants: Vec<(Slot, PlanExpr)>,
    pub group: Option<Group>,
    /// The type of one result.
    pub ty: Type,
    /// The query as a program over batches of rows, if it can be one.
    pub batch: Option<Arc<BatchProgram>>,
    /// The query as a program over plain numbers, if it is a function's body that can be one.
    pub scalar: Option<Arc<ScalarUnit>>,
    /// The query as it was before calls in it were replaced, if some were.
    pub traceable: Option<Traceable>,
    /// Where it stands in the source.
    pub span: Option<Span>,
}

/// A query that still makes the calls which another form of it does without. It runs in the place
/// of that form while one of these calls is to be printed.
#[derive(Clone)]
pub struct Traceable {
    /// The functions that the other form does not call.
    pub replaced: Vec<Arc<Function>>,
    pub query: Arc<Query>,
}

impl Query {
    /// Whether the results come from a stream, and end with it.
    pub fn is_stream(&self) -> bool {
        fn from_stream(step: &Step) -> bool {
            match step {
                Step::Iterate { stream, .. } => *stream,
                Step::Join(join) => join.inner.iter().any(from_stream),
                _ => false,
            }
        }
        let is_stream = |expr: &PlanExpr| match expr {
            PlanExpr::Sub(sub) => sub.stream,
            PlanExpr::Call(call) => match &call.target {
                Target::One(function) => function.signature.gives_stream(),
                Target::Late(functions) => functions.iter().all(|f| f.signature.gives_stream()),
            },
            _ => false,
        };
        if let Some(window) = self.window() {
            return window.rows.query.is_stream();
        }
        self.steps.iter().any(from_stream)
            || self.output.flattens() && self.output.columns.iter().any(is_stream)
    }

    /// One of the operators that hold what comes of its rows.
    pub fn operator<'a>(&'a self, name: &'a str) -> Operator<'a> {
        Operator::at(name, self.span.as_ref())
    }

    /// The step that makes the rows of its batches, where it has such.
    pub fn batch_source(&self) -> usize {
        self.batch.as_ref().map_or(0, |program| program.lead.len())
    }

    /// Whether all rows are needed before the first result.
    pub fn is_collected(&self) -> bool {
        (!self.order.is_empty() || self.group.is_some()) && self.window().is_none()
    }

    /// The windows that the rows are grouped by, where they are.
    pub fn window(&self) -> Option<&GroupWindow> {
        self.group.as_ref()?.window.as_deref()
    }

    /// Whether no more of what is collected are wanted than a limit allows, as each is one result.
    pub fn keeps_first(&self) -> bool {
        !self.distinct && !self.output.flattens()
    }

    /// For each key of `order by` which column holds it where results are kept to be sorted: the column
    /// of the result that it is, or one behind those of the results.
    pub fn key_columns(&self) -> Vec<usize> {
        let mut own = self.output.columns.len()..;
        let mut column = |order: &Order| {
            let of_result = (0..self.output.columns.len()).find(|at| self.is_key(*at, order));
            of_result.or_else(|| own.next()).unwrap_or_default()
        };
        self.order.iter().map(&mut column).collect()
    }

    /// What is kept of each row that is collected: its results, and the keys that are not among them.
    pub fn columns_collected(&self) -> impl Iterator<Item = &PlanExpr> {
        let width = self.output.columns.len();
        let keys = self.order.iter().zip(self.key_columns());
        let own = keys.filter(move |(_, column)| *column >= width);
        self.output
            .columns
            .iter()
            .chain(own.map(|(order, _)| &order.key))
    }

    /// Whether a result is the variable that is the key, a single value by its type.
    fn is_key(&self, result: usize, order: &Order) -> bool {
        use PlanExpr::{Known, Slot};
        let ty = match &self.ty {
            Type::Tuple(types) => types.get(result),
            ty => Some(ty),
        };
        let is_single = matches!(
            ty,
            Some(Type::Number | Type::Integer | Type::Real | Type::Charstring | Type::Boolean)
        );
        let (Slot(result) | Known(result)) = &self.output.columns[result] else {
            return false;
        };
        is_single && matches!(&order.key, Slot(key) | Known(key) if key == result)
    }

    /// Whether results come as contributions to groups, some of which a row may lack.
    pub fn has_contributions(&self) -> bool {
        matches!(
            self.output.collections,
            ResultCollections::Contributions { .. }
        )
    }

    /// Whether the results are made of one row at the most.
    pub fn is_one_row(&self) -> bool {
        self.group.is_none() && !self.steps.iter().any(Step::is_many)
    }

    /// Whether there is at most one result, whatever the data.
    pub fn is_single(&self) -> bool {
        self.is_one_row() && !self.output.flattens()
    }
}

#[derive(Clone)]
pub struct QueryOutput {
    /// More than one: each result is a tuple, as a vector.
    pub columns: Vec<PlanExpr>,
    /// What becomes of a bag or stream that comes out.
    pub collections: ResultCollections,
}

/// What becomes of results that are bags or streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResultCollections {
    /// They stay whole.
    Whole,
    /// They are taken apart into their elements. Whether there are such, only running tells.
    Unknown,
    /// They are taken apart, and there are such.
    Elements,
    /// They stay whole. A row has the first `required` columns. What stands behind may have no value: it
    /// is a variable, or a `Singleton` of one value at the most.
    Contributions { required: usize },
}

impl QueryOutput {
    /// Whether a bag or stream that comes out is taken apart into its elements.
    pub fn flattens(&self) -> bool {
        use ResultCollections::{Elements, Unknown};
        matches!(self.collections, Unknown | Elements)
    }

    /// How many columns a row must have; those behind may have no value.
    pub fn required(&self) -> usize {
        match self.collections {
            ResultCollections::Contributions { required } => required,
            _ => self.columns.len(),
        }
    }
}

#[derive(Clone)]
pub struct Order {
    pub key: PlanExpr,
    pub descending: bool,
}

/// Rows put together by key; the output then sees only the slots of the keys and the aggregates.
#[derive(Clone)]
pub struct Group {
    /// The windows of time that the rows fall into, where each window has groups of its own.
    pub window: Option<Box<GroupWindow>>,
    pub keys: Vec<(PlanExpr, Slot)>,
    pub aggregates: Vec<GroupAggregate>,
    /// What makes rows of each group: bags among the results are taken element by element.
    pub after: Vec<Step>,
    /// Whether there is a group even if there are no rows, as there are no keys to tell groups by.
    pub always: bool,
}

/// Windows of time over the rows of a query.
#[derive(Clone)]
pub struct GroupWindow {
    /// Whether a gap ends a window; else it has a size.
    pub gap: bool,
    /// The gap; or size, stride and how late a row may come, as far as they are given. In seconds, evaluated
    /// before the first row.
    pub sizes: Vec<PlanExpr>,
    /// Gives for each row its keys, its time, and what it contributes to each aggregate.
    pub rows: Sub,
    pub time: RowTime,
    /// Whether the rows are made of what arrives over time, as far as the text says.
    pub live: bool,
    /// Where the bounds of a group's window are.
    pub start: Slot,
    pub end: Slot,
    pub span: Span,
}

/// In which columns a row has its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowTime {
    /// One, without which there is no row.
    Column,
    /// One for each of [`TIME_FIELDS`], the fields of a record. The first that is there and not null counts.
    Fields,
}

/// What a record calls its time.
pub const TIME_FIELDS: [&str; 3] = ["time", "timestamp", "ts"];

impl RowTime {
    /// How many columns there are.
    pub fn columns(self) -> usize {
        match self {
            RowTime::Column => 1,
            RowTime::Fields => TIME_FIELDS.len(),
        }
    }
}

/// An aggregate over the rows of a group.
#[derive(Clone)]
pub struct GroupAggregate {
    /// What each row contributes.
    pub argument: PlanExpr,
    /// Whether that is a bag, whose elements are contributed.
    pub elements: bool,
    /// Whether a group without a result of it is left out; otherwise the result is null.
    pub required: bool,
    /// The slot in which `call` finds the bag of contributions.
    pub bag: Slot,
    pub call: PlanExpr,
    /// What computes the call without the bag, where that can be.
    pub running: Option<IncrementalAggregate>,
    pub result: Slot,
}

/// An aggregate that takes what each row contributes as it comes.
#[derive(Clone)]
pub struct IncrementalAggregate {
    pub kind: AggregateKind,
    pub function: Arc<Function>,
    pub span: Span,
}

impl IncrementalAggregate {
    /// Whether only the number of contributions matters.
    pub fn counts(&self) -> bool {
        self.kind == AggregateKind::Count
    }
}

/// One step of a query: each binds variables or filters, for each row of the steps before it.
#[derive(Clone)]
pub enum Step {
    Filter(RowCondition),
    Let(Pattern, PlanExpr),
    /// Each element of a bag, stream, vector or binary.
    Iterate {
        pattern: Pattern,
        over: PlanExpr,
        stream: bool,
    },
    /// Binds the unknown of an equation to what solves it.
    Solve(Box<Equation>),
    /// Each position of a vector, or key of a record, that is of the type.
    Index {
        base: PlanExpr,
        position: Slot,
        ty: Type,
    },
    /// Each object of a type.
    Extent {
        slot: Slot,
        ty: Type,
    },
    /// Each row of a stored function whose known columns equal the given values.
    Lookup(Lookup),
    /// Each row of other steps for which conditions hold.
    Join(Box<Join>),
    /// `or`: each row that one of the two makes, as often as the one that makes it more often.
    Alternatives {
        branches: Box<[Vec<Step>; 2]>,
        /// The variables that tell the rows apart: those that both branches bind.
        bound: Vec<Slot>,
    },
    /// Something that is done, after which there is one row: `_do(…)`.
    Act(Box<ActionStep>),
    /// Each row that the steps make of the row before; where they make none, one in which the variables
    /// that they bind are null.
    Optional {
        steps: Vec<Step>,
        bound: Vec<Slot>,
    },
}

/// What is done for each row of other steps.
#[derive(Clone)]
pub struct ActionStep {
    pub steps: Vec<Step>,
    pub action: RowAction,
}

#[derive(Clone)]
pub enum RowAction {
    Evaluate(PlanExpr),
    Change(VariableChange),
}

/// A change of the value in a variable: `setf(a,i,v)`.
#[derive(Clone)]
pub struct VariableChange {
    pub slot: Slot,
    /// Says how, in its row.
    pub function: Arc<Function>,
    /// The arguments behind the variable.
    pub args: Vec<PlanExpr>,
    pub span: Span,
}

impl Step {
    /// Whether the step can make more than one row of one.
    pub fn is_many(&self) -> bool {
        match self {
            Step::Filter(_) | Step::Let(..) | Step::Solve(_) | Step::Act(_) => false,
            Step::Lookup(lookup) => !lookup.unique,
            _ => true,
        }
    }
}

/// A condition that operations on one unknown come to a value, to be solved for the unknown.
#[derive(Clone)]
pub struct Equation {
    pub unknown: Slot,
    /// What the unknown is declared to be.
    pub ty: Type,
    pub value: PlanExpr,
    /// The operations on the unknown, the outermost first.
    pub operations: Vec<UnknownOperation>,
    /// The whole condition as it is written, with the unknown in its slot.
    pub condition: PlanExpr,
    /// Where the unknown stands in it.
    pub span: Span,
}

/// An operation of which one side is, or holds, the unknown of an equation.
#[derive(Clone)]
pub enum UnknownOperation {
    /// `-unknown`
    Negation,
    /// `unknown op operand`
    OnLeft(BinaryOp, PlanExpr),
    /// `operand op unknown`
    OnRight(BinaryOp, PlanExpr),
}

/// Access to the rows of a stored function: its arguments, then its results.
#[derive(Clone)]
pub struct Lookup {
    pub function: Arc<Function>,
    pub columns: Vec<LookupColumn>,
    /// The columns that must equal something.
    pub known: Vec<usize>,
    /// Whether at most one row can match.
    pub unique: bool,
    /// Whether rows that are equal in the columns that it binds are one: it only says which values the
    /// variables can have.
    pub distinct: bool,
    /// Where all rows are wanted: which of them the filters after it can let through.
    pub narrowing: Option<Narrowing>,
    /// The columns that go into variables as they are, if each row found matches.
    pub copies: Option<Vec<(usize, Slot)>>,
}

impl Lookup {
    /// Access to the rows of `function`, a stored one.
    pub fn new(function: Arc<Function>, columns: Vec<LookupColumn>) -> Lookup {
        let known = |i: &usize| matches!(columns[*i], LookupColumn::Known(_));
        let known: Vec<usize> = (0..columns.len()).filter(known).collect();
        let unique =
            matches!(&function.body, FunctionBody::Stored(table) if table.is_unique_by(&known));
        Lookup {
            function,
            columns,
            known,
            unique,
            distinct: false,
            narrowing: None,
            copies: None,
        }
    }

    /// Whether no two rows are equal in what they are looked up by and what goes into variables.
    pub fn tells_rows_apart(&self) -> bool {
        let tells = |i: &usize| {
            let column = &self.columns[*i];
            matches!(
                column,
                LookupColumn::Known(_) | LookupColumn::Bind(Pattern::Bind(..) | Pattern::Equal(_))
            )
        };
        let told: Vec<usize> = (0..self.columns.len()).filter(tells).collect();
        matches!(&self.function.body, FunctionBody::Stored(table) if table.is_unique_by(&told))
    }
}

/// An equation that a filter after a scan tests. It leaves rows out only where it would find that it
/// does not hold.
#[derive(Clone)]
pub struct Narrowing {
    /// The column of integers that is its unknown.
    pub column: usize,
    pub value: PlanExpr,
    /// The operations on the unknown, the outermost first.
    pub operations: Vec<UnknownOperation>,
}

#[derive(Clone)]
pub enum LookupColumn {
    /// Must equal this.
    Known(PlanExpr),
    Bind(Pattern),
}

/// What a value is matched against, binding variables.
#[derive(Clone)]
pub enum Pattern {
    /// Binds a variable of the type to what equals the value; a value of another type does not match,
    /// nor an integer that no real equals where the type is `Real`.
    Bind(Slot, Type),
    /// Must equal this.
    Equal(PlanExpr),
    /// A vector of that many elements, each matching.
    Vector(Vec<Pattern>),
    Any,
}
