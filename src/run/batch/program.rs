//! What of a query can run in batches, and as what.

use std::sync::Arc;

use super::column::{Column, to_reals};
use super::evaluate::Node;
use super::fetch::Fetch;
use crate::model::function::Body;
use crate::model::native::BatchForm;
use crate::model::table::Table;
use crate::model::{Function, Type};
use crate::plan::{Call, Column as Of, Expr, Lookup, Pattern, Query, Slot, Step, Target};
use crate::syntax::ast::{BinaryOp, Many};

/// A query over batches of rows.
pub struct Program {
    pub origin: Origin,
    pub work: Vec<Work>,
    /// What comes out of each row; of a query that groups, its keys and what the aggregates take.
    pub outputs: Vec<Node>,
    /// Whether the only output is a number.
    pub numeric: bool,
}

/// Where the rows come from.
pub enum Origin {
    /// The elements of a collection, numbers.
    Elements(Expr, Declared),
    /// Vectors of numbers, so many of each.
    Vectors { over: Expr, width: usize },
    /// The objects of a type.
    Extent(Type),
    /// These columns of the rows of a stored function.
    Rows(Arc<Function>, Vec<usize>),
}

pub enum Work {
    Filter(Node),
    Fetch(Fetch),
    /// Adds a column.
    Compute(Node, Declared),
}

/// What the numbers of a column are declared to be.
#[derive(Clone, Copy)]
pub enum Declared {
    Any,
    Integer,
    Real,
}

impl Declared {
    fn of(ty: &Type) -> Option<Declared> {
        Some(match ty {
            Type::Number | Type::Object => Declared::Any,
            Type::Integer => Declared::Integer,
            Type::Real => Declared::Real,
            _ => return None,
        })
    }

    /// The column as it is declared; `None` if the evaluator has to see to it.
    pub fn column(self, column: Column) -> Option<Column> {
        match (self, column) {
            (Declared::Real, column) => to_reals(column),
            (Declared::Integer, Column::Reals(_) | Column::Real(_)) => None,
            (_, column) => Some(column),
        }
    }
}

impl Program {
    /// The program that the query can be, if any.
    pub fn of(query: &Query) -> Option<Arc<Program>> {
        query
            .batch
            .get_or_init(|| compile(query).map(Arc::new))
            .clone()
    }

    /// The table of every stored function that the program calls or looks up.
    pub fn functions(&self) -> impl Iterator<Item = &Arc<Function>> {
        self.work.iter().filter_map(|work| match work {
            Work::Fetch(fetch) => Some(&fetch.function),
            Work::Filter(_) | Work::Compute(..) => None,
        })
    }
}

fn compile(query: &Query) -> Option<Program> {
    let plain = query.limit.is_none() && !query.distinct && !query.output.flatten;
    if !plain || query.group.is_none() && !query.order.is_empty() {
        return None;
    }
    let (first, rest) = query.steps.split_first()?;
    let mut builder = Builder::default();
    let origin = builder.origin(first)?;
    for step in rest {
        builder.step(step)?;
    }
    let mut outputs = Vec::new();
    match &query.group {
        None => {
            for column in &query.output.columns {
                outputs.push(builder.node(column)?);
            }
        }
        Some(group) => {
            for (key, _) in &group.keys {
                outputs.push(builder.node(key)?);
            }
            // A row without what an aggregate takes belongs to its group all the same.
            builder.required = true;
            for aggregate in &group.aggregates {
                let argument = builder.node(&aggregate.argument)?;
                let counts = matches!(&aggregate.running, Some(running) if running.counts());
                outputs.push(match builder.kind(&argument) {
                    // Each object counts, whichever it is.
                    Kind::Object if counts => Node::Int(1),
                    _ => argument,
                });
            }
            if outputs.iter().any(|o| builder.kind(o) == Kind::Object) {
                return None;
            }
        }
    }
    if outputs.iter().any(Node::is_condition) {
        return None;
    }
    let numeric = query.group.is_none()
        && matches!(outputs.as_slice(), [one] if builder.kind(one) == Kind::Number);
    Some(Program {
        origin,
        work: builder.work,
        outputs,
        numeric,
    })
}

/// What can be done with the values of a column.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Number,
    Object,
    /// They can be compared.
    Other,
}

fn kind(ty: &Type) -> Option<Kind> {
    match ty {
        Type::Number | Type::Integer | Type::Real => Some(Kind::Number),
        Type::User(_) | Type::Userobject => Some(Kind::Object),
        Type::Bag(_) | Type::Stream(_) => None,
        _ => Some(Kind::Other),
    }
}

#[derive(Default)]
struct Builder {
    /// The columns that there are by now, with the variables that they stand for.
    columns: Vec<(Option<Slot>, Type)>,
    work: Vec<Work>,
    /// Calls of stored functions that have a column: the function, its argument's column, its own.
    calls: Vec<(Arc<Function>, usize, usize)>,
    /// Whether a row may not be left out because something has no value.
    required: bool,
    /// Whether the expression may be left out for some rows, so that nothing may be fetched for it.
    optional: bool,
}

impl Builder {
    fn origin(&mut self, step: &Step) -> Option<Origin> {
        match step {
            Step::Iterate {
                pattern: Pattern::Bind(slot, ty),
                over,
                ..
            } => {
                self.columns.push((Some(*slot), Type::Number));
                Some(Origin::Elements(over.clone(), Declared::of(ty)?))
            }
            Step::Iterate {
                pattern: Pattern::Vector(parts),
                over,
                ..
            } => {
                for part in parts {
                    let Pattern::Bind(slot, Type::Object | Type::Number) = part else {
                        return None;
                    };
                    self.columns.push((Some(*slot), Type::Number));
                }
                Some(Origin::Vectors {
                    over: over.clone(),
                    width: parts.len(),
                })
            }
            Step::Extent { slot, ty } => {
                self.columns.push((Some(*slot), ty.clone()));
                Some(Origin::Extent(ty.clone()))
            }
            Step::Lookup(lookup) if lookup.known.is_empty() => {
                let columns = self.copies(lookup)?;
                Some(Origin::Rows(lookup.function.clone(), columns))
            }
            _ => None,
        }
    }

    /// Makes columns for what a lookup copies; gives their places in its rows.
    fn copies(&mut self, lookup: &Lookup) -> Option<Vec<usize>> {
        let Body::Stored(table) = &lookup.function.body else {
            return None;
        };
        let copies = lookup.copies.as_ref()?;
        for (at, slot) in copies {
            let ty = &table.types()[*at];
            kind(ty)?;
            self.columns.push((Some(*slot), ty.clone()));
        }
        Some(copies.iter().map(|(at, _)| *at).collect())
    }

    fn step(&mut self, step: &Step) -> Option<()> {
        match step {
            Step::Filter(condition) => {
                let condition = self.node(condition).filter(Node::is_condition)?;
                self.work.push(Work::Filter(condition));
            }
            Step::Let(Pattern::Bind(slot, ty) | Pattern::Solution(slot, ty), value) => {
                let value = self.node(value).filter(|value| !value.is_condition())?;
                let declared = Declared::of(ty)?;
                if self.kind(&value) != Kind::Number {
                    return None;
                }
                self.columns.push((Some(*slot), Type::Number));
                self.work.push(Work::Compute(value, declared));
            }
            Step::Lookup(lookup) => {
                let [known] = lookup.known.as_slice() else {
                    return None;
                };
                let Of::Known(key) = &lookup.columns[*known] else {
                    return None;
                };
                let key = self.node(key).filter(|key| !key.is_condition())?;
                let columns = self.copies(lookup)?;
                self.work.push(Work::Fetch(Fetch {
                    function: lookup.function.clone(),
                    known: [*known],
                    key,
                    columns,
                    required: false,
                }));
            }
            _ => return None,
        }
        Some(())
    }

    fn kind(&self, node: &Node) -> Kind {
        match node {
            Node::Column(at) => kind(&self.columns[*at].1).unwrap_or(Kind::Other),
            Node::Const(_) => Kind::Other,
            _ => Kind::Number,
        }
    }

    fn node(&mut self, expr: &Expr) -> Option<Node> {
        use crate::model::Value::{Int, Real};
        match expr {
            Expr::Const(Int(int)) => Some(Node::Int(*int)),
            Expr::Const(Real(real)) => Some(Node::Real(*real)),
            Expr::Const(value) if !value.is_collection() => Some(Node::Const(value.clone())),
            Expr::Slot(slot) | Expr::Known(slot) => {
                let mut columns = self.columns.iter();
                Some(match columns.position(|(of, _)| *of == Some(*slot)) {
                    Some(column) => {
                        let number = kind(&self.columns[column].1) == Some(Kind::Number);
                        if matches!(expr, Expr::Known(_)) && !number {
                            return None;
                        }
                        Node::Column(column)
                    }
                    None if matches!(expr, Expr::Known(_)) => return None,
                    None => Node::Given(*slot),
                })
            }
            Expr::Arith(op, call) => {
                let [left, right] = call.args.as_slice() else {
                    return None;
                };
                use BinaryOp::{Div, Minus, Plus, Times};
                matches!(op, Plus | Minus | Times | Div)
                    .then(|| Some(Node::Arith(*op, self.pair(left, right)?)))?
            }
            Expr::Compare(op, sides) => {
                let sides = self.pair(&sides[0], &sides[1])?;
                let plain = !sides.iter().any(Node::is_condition);
                plain.then_some(Node::Compare(*op, sides))
            }
            Expr::And(list) => self.conditions(list).map(Node::And),
            Expr::Or(list) => {
                let optional = std::mem::replace(&mut self.optional, true);
                let conditions = self.conditions(list);
                self.optional = optional;
                conditions.map(Node::Or)
            }
            Expr::Call(call) => self.call(call),
            _ => None,
        }
    }

    fn conditions(&mut self, list: &[Expr]) -> Option<Vec<Node>> {
        let nodes: Option<Vec<Node>> = list.iter().map(|e| self.node(e)).collect();
        nodes.filter(|nodes| nodes.iter().all(Node::is_condition))
    }

    fn pair(&mut self, left: &Expr, right: &Expr) -> Option<Box<[Node; 2]>> {
        Some(Box::new([self.node(left)?, self.node(right)?]))
    }

    fn call(&mut self, call: &Call) -> Option<Node> {
        let (Target::One(function), [argument]) = (&call.target, call.args.as_slice()) else {
            return None;
        };
        let argument = self.node(argument)?;
        match &function.body {
            Body::Stored(table) => self.stored(function, table, argument),
            _ => self.native(function, argument),
        }
    }

    /// A call of a stored function with one value: its values become a column.
    fn stored(&mut self, function: &Arc<Function>, table: &Table, key: Node) -> Option<Node> {
        let Node::Column(of) = key else {
            return None;
        };
        let known =
            |call: &&(Arc<Function>, usize, usize)| Arc::ptr_eq(&call.0, function) && call.1 == of;
        if let Some((_, _, column)) = self.calls.iter().find(known) {
            return Some(Node::Column(*column));
        }
        let one = function.signature.many == Many::One && table.is_unique_by_arguments();
        let [_, result] = table.types() else {
            return None;
        };
        // Another kind of argument would be converted, or be an error.
        let (wanted, given) = (&function.signature.params[0].ty, &self.columns[of].1);
        let fits = match kind(wanted)? {
            Kind::Other => wanted == given,
            plain => kind(given) == Some(plain),
        };
        if !one || !fits || self.optional {
            return None;
        }
        kind(result)?;
        self.columns.push((None, result.clone()));
        let column = self.columns.len() - 1;
        self.calls.push((function.clone(), of, column));
        self.work.push(Work::Fetch(Fetch {
            function: function.clone(),
            known: [0],
            key,
            columns: vec![1],
            required: self.required,
        }));
        Some(Node::Column(column))
    }

    /// The built-in functions that have a form over batches.
    fn native(&mut self, function: &Function, argument: Node) -> Option<Node> {
        let form = function.native()?.batch?;
        if self.kind(&argument) != Kind::Number {
            return None;
        }
        let argument = Box::new(argument);
        Some(match form {
            BatchForm::OfReal(f) => Node::Function(f, argument),
            BatchForm::ToReal => Node::ToReal(argument),
            BatchForm::Parity { odd } => Node::Odd(odd, argument),
        })
    }
}
