//! Runs simple numeric queries over batches of numbers instead of value by value.
//!
//! A query can be such a [`Program`] if it takes one variable from a collection, filters by
//! comparisons, and gives a number computed from it. Whatever a batch cannot do as the evaluator
//! would (an overflow, a division by zero, a value that is not a number) is left to the evaluator:
//! the batch is taken back, and the query goes on row by row. So both ways always agree.

use std::sync::Arc;

use super::Cx;
use super::eval::eval;
use super::query::{Resumed, resume};
use crate::compile::plan::{Call, Expr, Pattern, Query, Slot, Step, Target};
use crate::diagnostic::{Error, Result};
use crate::syntax::ast::BinaryOp;
use crate::types::{Numbers, Source, Type, Value};

/// A query over batches of numbers.
pub struct Program {
    /// Where the variable's values come from.
    over: Expr,
    filters: Vec<Node>,
    output: Node,
    /// Whether the variable is declared so that integers become reals.
    real: bool,
    /// Whether it is declared to hold integers only.
    integer: bool,
}

/// An expression over a batch.
enum Node {
    /// The variable.
    Input,
    /// A variable that is the same for all rows.
    Given(Slot),
    Int(i64),
    Real(f64),
    Arith(BinaryOp, Box<[Node; 2]>),
    Compare(BinaryOp, Box<[Node; 2]>),
    And(Vec<Node>),
    Or(Vec<Node>),
    /// A function of one real.
    Function(fn(f64) -> f64, Box<Node>),
    ToReal(Box<Node>),
    /// Whether an integer is odd, or even.
    Odd(bool, Box<Node>),
}

/// The value of a node for a batch.
enum Column {
    Ints(Vec<i64>),
    Reals(Vec<f64>),
    Int(i64),
    Real(f64),
    Mask(Vec<bool>),
}

impl Program {
    /// The program that the query can be, if any.
    pub fn of(query: &Query) -> Option<Arc<Program>> {
        query
            .batch
            .get_or_init(|| compile(query).map(Arc::new))
            .clone()
    }

    /// The results for a batch of the variable's values; `None` if the evaluator has to make them.
    fn run(&self, batch: &Numbers, frame: &[Value]) -> Option<Numbers> {
        let mut input = match batch {
            Numbers::Ints(ints) if self.real => {
                Numbers::Reals(ints.iter().map(|i| *i as f64).collect())
            }
            Numbers::Reals(_) if self.integer => return None,
            other => other.clone(),
        };
        for filter in &self.filters {
            let Column::Mask(mask) = value(filter, &input, frame)? else {
                return None;
            };
            select(&mut input, &mask);
        }
        match value(&self.output, &input, frame)? {
            Column::Ints(ints) => Some(Numbers::Ints(ints)),
            Column::Reals(reals) => Some(Numbers::Reals(reals)),
            Column::Int(int) => Some(Numbers::Ints(vec![int; input.len()])),
            Column::Real(real) => Some(Numbers::Reals(vec![real; input.len()])),
            Column::Mask(_) => None,
        }
    }
}

fn compile(query: &Query) -> Option<Program> {
    let plain = query.order.is_empty() && query.group.is_none() && query.limit.is_none();
    if !plain || query.distinct || query.output.flatten {
        return None;
    }
    let (first, rest) = query.steps.split_first()?;
    let Step::Iterate {
        pattern: Pattern::Bind(slot, ty),
        over,
        ..
    } = first
    else {
        return None;
    };
    if !matches!(ty, Type::Number | Type::Integer | Type::Real | Type::Object) {
        return None;
    }
    let filter = |step: &Step| match step {
        Step::Filter(condition) => node(condition, *slot).filter(is_condition),
        _ => None,
    };
    let [output] = query.output.columns.as_slice() else {
        return None;
    };
    Some(Program {
        over: over.clone(),
        filters: rest.iter().map(filter).collect::<Option<_>>()?,
        output: node(output, *slot).filter(|node| !is_condition(node))?,
        real: *ty == Type::Real,
        integer: *ty == Type::Integer,
    })
}

fn is_condition(node: &Node) -> bool {
    matches!(
        node,
        Node::Compare(..) | Node::And(_) | Node::Or(_) | Node::Odd(..)
    )
}

fn node(expr: &Expr, input: Slot) -> Option<Node> {
    let conditions = |list: &[Expr]| {
        let nodes: Option<Vec<Node>> = list.iter().map(|e| node(e, input)).collect();
        nodes.filter(|nodes| nodes.iter().all(is_condition))
    };
    match expr {
        Expr::Const(Value::Int(int)) => Some(Node::Int(*int)),
        Expr::Const(Value::Real(real)) => Some(Node::Real(*real)),
        Expr::Slot(slot) if *slot == input => Some(Node::Input),
        Expr::Slot(slot) => Some(Node::Given(*slot)),
        Expr::Arith(op, call) => {
            let [left, right] = call.args.as_slice() else {
                return None;
            };
            use BinaryOp::{Div, Minus, Plus, Times};
            matches!(op, Plus | Minus | Times | Div)
                .then(|| Some(Node::Arith(*op, pair(left, right, input)?)))?
        }
        Expr::Compare(op, sides) => {
            let sides = pair(&sides[0], &sides[1], input)?;
            let numeric = !sides.iter().any(is_condition);
            numeric.then_some(Node::Compare(*op, sides))
        }
        Expr::And(list) => conditions(list).map(Node::And),
        Expr::Or(list) => conditions(list).map(Node::Or),
        Expr::Call(call) => function(call, input),
        _ => None,
    }
}

fn pair(left: &Expr, right: &Expr, input: Slot) -> Option<Box<[Node; 2]>> {
    Some(Box::new([node(left, input)?, node(right, input)?]))
}

/// The built-in functions that have a form over batches.
fn function(call: &Call, input: Slot) -> Option<Node> {
    let (Target::One(function), [argument]) = (&call.target, call.args.as_slice()) else {
        return None;
    };
    function.topic?;
    let of_number = matches!(function.signature.params[0].ty, Type::Number | Type::Real);
    if !of_number {
        return None;
    }
    let argument = Box::new(node(argument, input)?);
    Some(match &**function.name() {
        "sqrt" => Node::Function(f64::sqrt, argument),
        "sin" => Node::Function(f64::sin, argument),
        "cos" => Node::Function(f64::cos, argument),
        "atan" => Node::Function(f64::atan, argument),
        "exp" => Node::Function(f64::exp, argument),
        "real" => Node::ToReal(argument),
        "odd" => Node::Odd(true, argument),
        "even" => Node::Odd(false, argument),
        _ => return None,
    })
}

fn value(node: &Node, input: &Numbers, frame: &[Value]) -> Option<Column> {
    match node {
        Node::Input => Some(match input {
            Numbers::Ints(ints) => Column::Ints(ints.clone()),
            Numbers::Reals(reals) => Column::Reals(reals.clone()),
        }),
        Node::Given(slot) => match frame.get(*slot)? {
            Value::Int(int) => Some(Column::Int(*int)),
            Value::Real(real) => Some(Column::Real(*real)),
            _ => None,
        },
        Node::Int(int) => Some(Column::Int(*int)),
        Node::Real(real) => Some(Column::Real(*real)),
        Node::Arith(op, sides) => arithmetic(
            *op,
            value(&sides[0], input, frame)?,
            value(&sides[1], input, frame)?,
        ),
        Node::Compare(op, sides) => {
            let (left, right) = (
                value(&sides[0], input, frame)?,
                value(&sides[1], input, frame)?,
            );
            compare(*op, left, right, input.len()).map(Column::Mask)
        }
        Node::And(list) => fold(list, input, frame, |a, b| a & b),
        Node::Or(list) => fold(list, input, frame, |a, b| a | b),
        Node::Function(f, argument) => apply(*f, value(argument, input, frame)?),
        Node::ToReal(argument) => to_reals(value(argument, input, frame)?),
        Node::Odd(odd, argument) => match value(argument, input, frame)? {
            Column::Ints(ints) => Some(Column::Mask(
                ints.iter().map(|i| (i & 1 == 1) == *odd).collect(),
            )),
            _ => None,
        },
    }
}

/// Keeps the numbers whose place in the mask is true.
fn select(numbers: &mut Numbers, mask: &[bool]) {
    fn keep<T: Copy>(list: &mut Vec<T>, mask: &[bool]) {
        // Written to each place in turn and moved on only if kept: no branch to mispredict.
        let mut kept = 0;
        for (at, keep) in mask.iter().enumerate() {
            list[kept] = list[at];
            kept += usize::from(*keep);
        }
        list.truncate(kept);
    }
    match numbers {
        Numbers::Ints(ints) => keep(ints, mask),
        Numbers::Reals(reals) => keep(reals, mask),
    }
}

fn fold(
    list: &[Node],
    input: &Numbers,
    frame: &[Value],
    join: fn(bool, bool) -> bool,
) -> Option<Column> {
    let mut so_far: Option<Vec<bool>> = None;
    for condition in list {
        let Column::Mask(mask) = value(condition, input, frame)? else {
            return None;
        };
        so_far = Some(match so_far {
            Some(mut so_far) => {
                so_far
                    .iter_mut()
                    .zip(mask)
                    .for_each(|(a, b)| *a = join(*a, b));
                so_far
            }
            None => mask,
        });
    }
    so_far.map(Column::Mask)
}

fn to_reals(column: Column) -> Option<Column> {
    Some(match column {
        Column::Ints(ints) => Column::Reals(ints.into_iter().map(|i| i as f64).collect()),
        Column::Int(int) => Column::Real(int as f64),
        Column::Mask(_) => return None,
        reals => reals,
    })
}

/// Applies a function of reals; where it is not defined, that is for the evaluator to say.
fn apply(f: fn(f64) -> f64, column: Column) -> Option<Column> {
    match to_reals(column)? {
        Column::Reals(mut reals) => {
            let mut undefined = false;
            for real in &mut reals {
                let result = f(*real);
                undefined |= result.is_nan();
                *real = result;
            }
            (!undefined).then_some(Column::Reals(reals))
        }
        Column::Real(real) => Some(f(real)).filter(|r| !r.is_nan()).map(Column::Real),
        _ => None,
    }
}

fn arithmetic(op: BinaryOp, left: Column, right: Column) -> Option<Column> {
    use Column::{Int, Ints, Mask, Real, Reals};
    match (left, right) {
        (Mask(_), _) | (_, Mask(_)) => None,
        (left @ (Ints(_) | Int(_)), right @ (Ints(_) | Int(_))) if op != BinaryOp::Div => {
            integers(op, left, right)
        }
        (left, right) => match (to_reals(left)?, to_reals(right)?) {
            (Reals(mut a), Reals(b)) => {
                let mut ok = true;
                for (a, b) in a.iter_mut().zip(b) {
                    *a = real(op, *a, b, &mut ok);
                }
                ok.then_some(Reals(a))
            }
            (Reals(mut a), Real(b)) => {
                let mut ok = true;
                a.iter_mut().for_each(|a| *a = real(op, *a, b, &mut ok));
                ok.then_some(Reals(a))
            }
            (Real(a), Reals(mut b)) => {
                let mut ok = true;
                b.iter_mut().for_each(|b| *b = real(op, a, *b, &mut ok));
                ok.then_some(Reals(b))
            }
            (Real(a), Real(b)) => {
                let mut ok = true;
                let result = real(op, a, b, &mut ok);
                ok.then_some(Real(result))
            }
            _ => None,
        },
    }
}

#[inline]
fn real(op: BinaryOp, a: f64, b: f64, ok: &mut bool) -> f64 {
    match op {
        BinaryOp::Plus => a + b,
        BinaryOp::Minus => a - b,
        BinaryOp::Times => a * b,
        _ => {
            *ok &= b != 0.0;
            a / b
        }
    }
}

/// Integers are checked: an overflow is for the evaluator to say.
fn integers(op: BinaryOp, left: Column, right: Column) -> Option<Column> {
    use Column::{Int, Ints};
    let combine = |a: i64, b: i64| match op {
        BinaryOp::Plus => a.overflowing_add(b),
        BinaryOp::Minus => a.overflowing_sub(b),
        _ => a.overflowing_mul(b),
    };
    let mut overflow = false;
    let mut step = |a: i64, b: i64| {
        let (result, over) = combine(a, b);
        overflow |= over;
        result
    };
    let result = match (left, right) {
        (Ints(mut a), Ints(b)) => {
            a.iter_mut().zip(b).for_each(|(a, b)| *a = step(*a, b));
            Ints(a)
        }
        (Ints(mut a), Int(b)) => {
            a.iter_mut().for_each(|a| *a = step(*a, b));
            Ints(a)
        }
        (Int(a), Ints(mut b)) => {
            b.iter_mut().for_each(|b| *b = step(a, *b));
            Ints(b)
        }
        (Int(a), Int(b)) => Int(step(a, b)),
        _ => return None,
    };
    (!overflow).then_some(result)
}

fn compare(op: BinaryOp, left: Column, right: Column, rows: usize) -> Option<Vec<bool>> {
    use Column::{Int, Ints, Real, Reals};
    Some(match (left, right) {
        (Ints(a), Ints(b)) => mask(op, a.into_iter().zip(b)),
        (Ints(a), Int(b)) => mask(op, a.into_iter().map(|a| (a, b))),
        (Int(a), Ints(b)) => mask(op, b.into_iter().map(|b| (a, b))),
        (Int(a), Int(b)) => mask(op, std::iter::repeat_n((a, b), rows)),
        (Reals(a), Reals(b)) => reals(op, a.into_iter().zip(b).collect())?,
        (Reals(a), Real(b)) => reals(op, a.into_iter().map(|a| (a, b)).collect())?,
        (Real(a), Reals(b)) => reals(op, b.into_iter().map(|b| (a, b)).collect())?,
        (Real(a), Real(b)) => reals(op, vec![(a, b); rows])?,
        // Integers against reals are compared exactly, by the evaluator, where a real cannot hold
        // them; where it can, as reals.
        (left, right) if exact(&left) && exact(&right) => {
            return compare(op, to_reals(left)?, to_reals(right)?, rows);
        }
        _ => return None,
    })
}

/// Whether every number is one that a real holds exactly.
fn exact(column: &Column) -> bool {
    let fits = |i: &i64| i.unsigned_abs() <= 1 << 53;
    match column {
        Column::Ints(ints) => ints.iter().all(fits),
        Column::Int(int) => fits(int),
        Column::Mask(_) => false,
        Column::Reals(_) | Column::Real(_) => true,
    }
}

fn mask<T: PartialOrd>(op: BinaryOp, pairs: impl Iterator<Item = (T, T)>) -> Vec<bool> {
    match op {
        BinaryOp::Eq => pairs.map(|(a, b)| a == b).collect(),
        BinaryOp::Ne => pairs.map(|(a, b)| a != b).collect(),
        BinaryOp::Lt => pairs.map(|(a, b)| a < b).collect(),
        BinaryOp::Le => pairs.map(|(a, b)| a <= b).collect(),
        BinaryOp::Gt => pairs.map(|(a, b)| a > b).collect(),
        _ => pairs.map(|(a, b)| a >= b).collect(),
    }
}

/// Not-a-number has its own place in the evaluator's order.
fn reals(op: BinaryOp, pairs: Vec<(f64, f64)>) -> Option<Vec<bool>> {
    let numbers = pairs.iter().all(|(a, b)| !a.is_nan() && !b.is_nan());
    numbers.then(|| mask(op, pairs.into_iter()))
}

/// Starts a query that is a program.
pub fn open(
    query: &Arc<Query>,
    program: Arc<Program>,
    frame: Vec<Value>,
    cx: &Cx,
) -> Result<Box<dyn Source>> {
    // A query may be made of itself without end, as a function may call itself.
    let _depth = cx.enter()?;
    let over = eval(&program.over, &frame, cx)?;
    let stream = matches!(over, Some(Value::Stream(_)));
    let input = match over {
        Some(Value::Binary(bytes)) => {
            let bytes = bytes.iter().map(|b| Value::Int(i64::from(*b)));
            Value::bag(bytes.collect()).elements(cx)?
        }
        Some(value) => value.elements(cx)?,
        None => Value::bag(vec![]).elements(cx)?,
    };
    Ok(Box::new(BatchRun {
        query: query.clone(),
        program,
        frame,
        input: Some(input),
        taken: 0,
        stream,
        taken_back: Vec::new(),
        rows: None,
    }))
}

/// A query that gives batches as long as it can, and rows from there on.
struct BatchRun {
    query: Arc<Query>,
    program: Arc<Program>,
    frame: Vec<Value>,
    input: Option<Box<dyn Source>>,
    /// How many elements the batches had so far.
    taken: u64,
    stream: bool,
    /// What was taken from the input and has to be done row by row.
    taken_back: Vec<Value>,
    rows: Option<Box<dyn Source>>,
}

impl Source for BatchRun {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        if let Some(input) = self.input.take() {
            let before = std::mem::take(&mut self.taken_back).into_iter();
            let frame = std::mem::take(&mut self.frame);
            self.rows = Some(resume(
                &self.query,
                frame,
                Resumed {
                    source: Box::new(Again { before, input }),
                    taken: self.taken,
                    stream: self.stream,
                },
            ));
        }
        self.rows.as_mut().map_or(Ok(None), |rows| rows.next(cx))
    }

    fn numbers(&mut self, cx: &Cx) -> Result<Option<Numbers>> {
        let Some(input) = self.input.as_mut().filter(|_| self.taken_back.is_empty()) else {
            return Ok(None);
        };
        let _depth = cx.enter()?;
        let Some(batch) = input.numbers(cx)? else {
            return Ok(None);
        };
        let results = self.program.run(&batch, &self.frame);
        match results {
            Some(_) => self.taken += batch.len() as u64,
            None => self.taken_back = batch.values(),
        }
        Ok(results)
    }

    fn explain(&self, error: Error) -> Error {
        match &self.rows {
            Some(rows) => rows.explain(error),
            None => error,
        }
    }
}

/// An input with elements before it that had been taken out.
struct Again {
    before: std::vec::IntoIter<Value>,
    input: Box<dyn Source>,
}

impl Source for Again {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        match self.before.next() {
            Some(value) => Ok(Some(value)),
            None => self.input.next(cx),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compile;
    use crate::functions::testing::cx;
    use crate::run::query;
    use crate::syntax::ast::StatementKind;
    use crate::syntax::statement;

    fn plan(text: &str, cx: &Cx) -> Arc<Query> {
        let source = crate::diagnostic::Source::new("test", text);
        let parsed = statement(&source).expect("parses").expect("a statement");
        let StatementKind::Query(expr) = parsed.kind else {
            panic!("{text} is a query")
        };
        Arc::new(compile::query(&cx.world, &expr).expect("compiles"))
    }

    /// All results, or the error, made in batches where that is asked for; and how many were.
    fn results(plan: &Arc<Query>, cx: &Cx, batches: bool) -> (Vec<String>, usize) {
        let mut source = query::open(plan, vec![], cx).expect("opens");
        let mut results = Vec::new();
        let mut batched = 0;
        while batches && let Some(batch) = source.numbers(cx).expect("batches do not fail") {
            batched += batch.len();
            results.extend(batch.values().iter().map(Value::to_string));
        }
        loop {
            match source.next(cx) {
                Ok(Some(value)) => results.push(value.to_string()),
                Ok(None) => return (results, batched),
                Err(error) => {
                    results.push(error.to_string());
                    return (results, batched);
                }
            }
        }
    }

    #[test]
    fn batches_and_rows_agree() {
        let cx = cx();
        // The number of results that are made in batches shows that they are tried at all.
        for (text, expected) in [
            ("select x from Integer x where x in iota(1,3000)", 3000),
            (
                "select sqrt(x) from Integer x where x in iota(1,3000) and odd(x)",
                1500,
            ),
            (
                "select x*2-1 from Number x where x in iota(-5,5) and x/2 > -1 and x != 3",
                6,
            ),
            (
                "select x+0.5 from Real x where x in iota(1,10) and (x < 3 or x >= 9)",
                4,
            ),
            (
                "select sin(x)*real(x) from Integer x where x in siota(1,2000)",
                2000,
            ),
            (
                "select x*9100000000000000 from Integer x where x in iota(1,2000)",
                0,
            ),
            (
                "select 1/(x-1500) from Integer x where x in iota(1,2000)",
                1024,
            ),
            (
                "select sqrt(1500-x) from Integer x where x in iota(1,2000)",
                1024,
            ),
            (
                "select x from Real x where x in iota(9007199254740990,9007199254740999)",
                10,
            ),
            (
                "select x from Integer x where x in iota(1,10) and x < 9.5e18",
                10,
            ),
            ("select 7 from Integer x where x in iota(1,3)", 3),
        ] {
            let plan = plan(text, &cx);
            let (rows, _) = results(&plan, &cx, false);
            let (both, batched) = results(&plan, &cx, true);
            assert_eq!(both, rows, "{text}");
            assert_eq!(batched, expected, "{text}");
        }
    }
}
