//! The abstract syntax of OSQL. Names are in lower case; their spans hold them as they were typed.

mod tables;

use std::sync::Arc;

pub use self::tables::{
    AttachDatabase, ColumnDefinition, CreateIndex, CreateTable, CreateView, DeleteRows, DropIndex,
    DropTable, Insert, InsertedRow, InsertedRows, TableContent, UpdateRows,
};
use crate::text::diagnostic::Span;

/// A name in lower case, as OSQL's names do not tell cases apart.
#[derive(Clone, Debug)]
pub struct Name {
    pub text: Arc<str>,
    pub span: Span,
}

/// A variable: local (`x`) or of the session (`:x`). The name is without the colon.
#[derive(Clone, Debug)]
pub enum Variable {
    Local(Name),
    Session(Name),
}

/// A type as it is written.
#[derive(Clone, Debug)]
pub struct TypeSpec {
    pub kind: TypeKind,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub enum TypeKind {
    Named(Name),
    Bag(Box<TypeSpec>),
    Vector(Box<TypeSpec>),
    Stream(Box<TypeSpec>),
    Timeval(Box<TypeSpec>),
    /// `Array of F32`: the name of the format.
    Array(Name),
    /// `(Charstring name, Number income)`: several results together.
    Tuple(Vec<Parameter>),
}

/// An argument or a result in a signature.
#[derive(Clone, Debug)]
pub struct Parameter {
    pub ty: TypeSpec,
    pub name: Option<Name>,
    pub key: bool,
}

/// `Integer i` in a `from` clause, a `for each` or a block's `declare`.
#[derive(Clone, Debug)]
pub struct Declaration {
    pub ty: TypeSpec,
    pub name: Name,
}

#[derive(Clone, Debug)]
pub struct Expr {
    pub kind: ExprKind,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub enum ExprKind {
    Literal(Literal),
    Variable(Variable),
    Call {
        function: FunctionName,
        args: Vec<Expr>,
    },
    Unary {
        op: UnaryOp,
        arg: Box<Expr>,
    },
    Binary {
        op: BinaryOp,
        /// Where the operator itself stands.
        op_span: Span,
        left: Box<Expr>,
        right: Box<Expr>,
    },
    Vector(Vec<Expr>),
    /// `bag(a, b, …)`: the elements, and those of bags among them.
    Bag(Vec<Expr>),
    /// Keys with values; a key is any expression, usually a string.
    Record(Vec<(Expr, Expr)>),
    /// `(a, b)`; has two elements at least.
    Tuple(Vec<Expr>),
    /// `v[i]`, `m[i,j]`, `r['key']`.
    Index {
        base: Box<Expr>,
        indices: Vec<Expr>,
    },
    Case {
        arms: Vec<(Expr, Expr)>,
        otherwise: Option<Box<Expr>>,
    },
    Cast {
        value: Box<Expr>,
        ty: TypeSpec,
    },
    Select(Box<Select>),
    /// `select … union select …`
    Combined(Box<Combined>),
    /// `*` or `t.*` among the results of a select, `*` in `count(*)`.
    AllColumns(Option<Name>),
    /// `#'name'`
    Functional(Name),
}

impl Expr {
    /// Whether it is a condition by its form.
    pub fn is_condition(&self) -> bool {
        use BinaryOp::{And, Eq, Ge, Gt, In, Le, Like, Lt, Ne, Or};
        match &self.kind {
            ExprKind::Unary { op, .. } => {
                matches!(op, UnaryOp::Not | UnaryOp::IsNull | UnaryOp::IsNotNull)
            }
            ExprKind::Binary { op, .. } => {
                matches!(op, And | Or | Eq | Ne | Lt | Le | Gt | Ge | In | Like)
            }
            ExprKind::Call { function, args } => {
                &*function.name.text == "exists"
                    && matches!(args.as_slice(), [arg] if matches!(arg.kind, ExprKind::Select(_)))
            }
            _ => false,
        }
    }
}

/// A value that stands in the text itself.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    Null,
    Bool(bool),
    Int(i64),
    Real(f64),
    Str(Arc<str>),
    /// A point in time, `|2022-05-12T00:00:00.3Z|`, in microseconds since 1970-01-01T00:00:00Z.
    Time(i64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnaryOp {
    Minus,
    Not,
    IsNull,
    IsNotNull,
    /// Each value once: `count(distinct x)`.
    Distinct,
    /// The value, or null where there is none. Nobody can write it.
    OrNull,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinaryOp {
    Or,
    And,
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    In,
    Like,
    Plus,
    /// `||`: text behind text
    JoinText,
    Minus,
    Times,
    Div,
    /// `%`: what is left of a division
    Mod,
    Power,
    /// `.+ .- .* ./ .^`: element by element
    ElemPlus,
    ElemMinus,
    ElemTimes,
    ElemDiv,
    ElemPower,
}

impl BinaryOp {
    /// The name of the function that the operator calls, or the operator itself where it calls none.
    pub fn function_name(self) -> &'static str {
        match self {
            BinaryOp::Plus | BinaryOp::ElemPlus => "plus",
            BinaryOp::Minus | BinaryOp::ElemMinus => "minus",
            BinaryOp::Times => "times",
            BinaryOp::Div => "div",
            BinaryOp::Mod => "mod",
            BinaryOp::Power => "power",
            BinaryOp::ElemTimes => "elemtimes",
            BinaryOp::ElemDiv => "elemdiv",
            BinaryOp::ElemPower => "elempower",
            BinaryOp::JoinText => "concat",
            BinaryOp::In => "in",
            BinaryOp::Like => "sql:like",
            BinaryOp::Or => "or",
            BinaryOp::And => "and",
            BinaryOp::Eq => "=",
            BinaryOp::Ne => "!=",
            BinaryOp::Lt => "<",
            BinaryOp::Le => "<=",
            BinaryOp::Gt => ">",
            BinaryOp::Ge => ">=",
        }
    }
}

/// A function's name, generic (`plus`) or that of one resolvent (`number.number.plus->number`).
#[derive(Clone, Debug)]
pub struct FunctionName {
    /// The generic name, with its namespace: `mqtt:register_client`.
    pub name: Name,
    /// The types before the name of a resolvent: `["person"]` in `person.name->charstring`.
    pub argument_types: Vec<Name>,
    /// The types behind its arrow; `None` for a generic name.
    pub result_types: Option<Vec<Name>>,
}

/// What a `select` makes of its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SelectKind {
    Bag,
    Vector,
    Array,
    Stream,
}

#[derive(Clone, Debug)]
pub struct Select {
    pub kind: SelectKind,
    pub distinct: bool,
    /// May be empty only in a function whose result variables name it.
    pub items: Vec<Expr>,
    /// The names that `as` gives to the items, one place for each.
    pub names: Vec<Option<Name>>,
    pub into: Vec<Variable>,
    pub from: Vec<FromItem>,
    pub filter: Option<Expr>,
    pub group_by: Vec<Expr>,
    pub having: Option<Expr>,
    pub order_by: Vec<OrderKey>,
    pub limit: Option<Expr>,
    pub offset: Option<Expr>,
    /// Whether it is in the form that is compiled; what follows is found out then.
    pub is_prepared: bool,
    /// Whether it is about rows of tables, so that SQL's rules hold.
    pub of_rows: bool,
    /// Whether rows are put together without `group by`, by aggregates.
    pub grouped: bool,
    /// What is the same for all rows, computed before the first.
    pub constants: Vec<(Name, Expr)>,
    /// The names of the columns of its results where each is a row by itself.
    pub row_names: Vec<Arc<str>>,
    pub span: Span,
}

impl Select {
    /// `select items from …`, with nothing else.
    pub fn plain(items: Vec<Expr>, from: Vec<FromItem>, span: Span) -> Select {
        Select {
            kind: SelectKind::Bag,
            distinct: false,
            names: vec![None; items.len()],
            items,
            into: vec![],
            from,
            filter: None,
            group_by: vec![],
            having: None,
            order_by: vec![],
            limit: None,
            offset: None,
            is_prepared: false,
            of_rows: false,
            grouped: false,
            constants: vec![],
            row_names: vec![],
            span,
        }
    }
}

/// `Integer i`, `T t` or `(select …) t` in a `from` clause.
#[derive(Clone, Debug)]
pub struct FromItem {
    pub source: FromSource,
    /// The variable, or the name of the row; a table without one has its own name.
    pub name: Name,
    /// Whether the name is written beside the type or the table.
    pub is_named: bool,
    pub joined: Joined,
}

impl From<&Declaration> for FromItem {
    fn from(declaration: &Declaration) -> FromItem {
        FromItem {
            source: FromSource::Named(declaration.ty.clone()),
            name: declaration.name.clone(),
            is_named: true,
            joined: Joined::Inner(None),
        }
    }
}

#[derive(Clone, Debug)]
pub enum FromSource {
    /// A type, or the name of a table.
    Named(TypeSpec),
    Selected(Expr),
    /// Rows that are put together before they are joined with others.
    Together(Box<RowJoin>),
}

/// How an item of a `from` clause is put together with those before it.
#[derive(Clone, Debug)]
pub enum Joined {
    /// With each row: a comma, or `join` with a condition.
    Inner(Option<Expr>),
    /// With each row for which the condition holds, or else with nulls.
    Left(Expr),
}

/// `t natural join u`, `(t, u) full join v on …`
#[derive(Clone, Debug)]
pub struct RowJoin {
    pub kind: JoinKind,
    pub left: Vec<FromItem>,
    pub right: Vec<FromItem>,
    pub condition: JoinCondition,
    /// Where the word `join` stands.
    pub span: Span,
}

/// Of which side each row is there, with nulls where it meets none of the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinKind {
    Inner,
    Left,
    Right,
    Full,
}

#[derive(Clone, Debug)]
pub enum JoinCondition {
    /// Each row meets each.
    Always,
    On(Expr),
    /// Columns of these names are equal, and one column.
    Using(Vec<Name>),
    /// The same for all names that both sides have.
    Natural,
}

/// Rows of two selects together.
#[derive(Clone, Debug)]
pub struct Combined {
    pub operator: SetOperator,
    /// Whether rows count: `union all`.
    pub all: bool,
    pub left: Expr,
    pub right: Expr,
    pub order_by: Vec<OrderKey>,
    pub limit: Option<Expr>,
    pub offset: Option<Expr>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetOperator {
    Union,
    Intersect,
    Except,
}

#[derive(Clone, Debug)]
pub struct OrderKey {
    pub expr: Expr,
    pub descending: bool,
}

/// A statement, with its source without the closing semicolon.
#[derive(Clone, Debug)]
pub struct Statement {
    pub kind: StatementKind,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub enum StatementKind {
    Query(Expr),
    /// `set :x = e`, `set x = e` in a procedure, `set (:a, :b) = e`.
    Assign {
        targets: Vec<Variable>,
        value: Expr,
    },
    /// `declare Integer :i, Real :x`
    DeclareSession(Vec<Declaration>),
    CreateType {
        name: Name,
        supertypes: Vec<Name>,
    },
    DeleteType(Name),
    CreateObjects(CreateObjects),
    /// `delete :p`
    DeleteObject(Variable),
    CreateFunction(Box<CreateFunction>),
    DeleteFunction(FunctionName),
    CreateTable(Box<CreateTable>),
    Attach(AttachDatabase),
    Detach(Name),
    CreateView(Box<CreateView>),
    DropTable(DropTable),
    CreateIndex(CreateIndex),
    DropIndex(DropIndex),
    Insert(Box<Insert>),
    DeleteRows(Box<DeleteRows>),
    UpdateRows(Box<UpdateRows>),
    Update(Box<Update>),
    ForEach(Box<ForEach>),
    Commit,
    Rollback,
    Validate(Validate),
    Quit,
    /// `< 'file.osql'`
    Load(Expr),
    Block(Block),
    Return(Option<Expr>),
    Case {
        arms: Vec<(Expr, Statement)>,
        otherwise: Option<Box<Statement>>,
    },
    While {
        condition: Expr,
        body: Vec<Statement>,
    },
    Loop(Vec<Statement>),
    Leave,
    /// `open c for select …`
    OpenCursor {
        cursor: Variable,
        query: Expr,
    },
    /// `fetch c into x, y`
    FetchCursor {
        cursor: Variable,
        into: Vec<Variable>,
    },
    CloseCursor(Variable),
}

/// `create T(f, g) instances :a (1, 2), (3, 4)`
#[derive(Clone, Debug)]
pub struct CreateObjects {
    pub ty: Name,
    pub attributes: Vec<FunctionName>,
    pub instances: Vec<Instance>,
}

#[derive(Clone, Debug)]
pub struct Instance {
    pub variable: Option<Variable>,
    pub values: Vec<Expr>,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct CreateFunction {
    pub name: Name,
    pub parameters: Vec<Parameter>,
    pub result: ResultSpec,
    /// The text of the comment between the signature and `as`, without its marks and indentation.
    pub comment: Option<String>,
    pub body: Body,
    /// From the name to the end of the result.
    pub signature: Span,
    pub span: Span,
}

/// What a function gives: `Bag of (Charstring nm, Number inc)` is many rows of two columns.
#[derive(Clone, Debug)]
pub struct ResultSpec {
    pub many: Many,
    /// More than one: a tuple.
    pub columns: Vec<Parameter>,
}

/// How many results a function gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Many {
    One,
    Bag,
    Stream,
}

#[derive(Clone, Debug)]
pub enum Body {
    /// No body, or `as stored`.
    Stored,
    Query(Expr),
    Procedure(Statement),
    /// `as foreign 'string:upper'`
    Foreign(Arc<str>),
    /// `as inverse of name`
    InverseOf(FunctionName),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpdateOp {
    Set,
    Add,
    Remove,
}

/// `set f(x) = y from … where …`
#[derive(Clone, Debug)]
pub struct Update {
    pub op: UpdateOp,
    pub function: FunctionName,
    pub args: Vec<Expr>,
    pub value: Expr,
    pub from: Vec<FromItem>,
    pub filter: Option<Expr>,
}

#[derive(Clone, Debug)]
pub struct ForEach {
    pub from: Vec<Declaration>,
    pub filter: Option<Expr>,
    pub body: Statement,
}

/// `{ declare …; statement; … }`
#[derive(Clone, Debug)]
pub struct Block {
    pub declarations: Vec<Declaration>,
    pub body: Vec<Statement>,
}

/// `validate 'name' check a => b check c => d`
#[derive(Clone, Debug)]
pub struct Validate {
    pub name: Arc<str>,
    pub checks: Vec<(Expr, Expr)>,
}
