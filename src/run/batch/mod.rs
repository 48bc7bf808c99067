//! Runs simple queries over batches of rows instead of row by row.
//!
//! A query can be such a [`Program`] if it takes numbers from a collection, objects from an extent or
//! rows from a stored function, looks up more in stored functions, filters by comparisons, and gives
//! numbers or objects. Whatever a batch cannot do as the evaluator would (an overflow, a division by
//! zero, a value that is not a number) is left to the evaluator: the batch is taken back, and the
//! query goes on row by row. So both ways always agree.

mod column;
mod evaluate;
mod fetch;
mod program;

use crate::catalog::Catalog;
use crate::host::Host;
pub use column::Column;
pub use program::Program;
use std::sync::Arc;

use super::eval::eval;
use super::lookup::Rows;
use super::query::{Cursor, Taken, resume};
use crate::catalog::objects::ObjectScan;
use crate::model::collection::BATCH;
use crate::model::function::Body;
use crate::model::table::Scan;
use crate::model::{Cx, Numbers, Source, Value};
use crate::plan::{Expr, Query};
use crate::text::diagnostic::{Error, Result};
use evaluate::Batch;
use program::{Origin, Work};

impl Program {
    /// The outputs for a batch of rows, and their number; `None` if the evaluator has to make them.
    fn run(&self, mut batch: Batch, frame: &[Value]) -> Option<(Vec<Column>, usize)> {
        for work in &self.work {
            match work {
                Work::Filter(condition) => {
                    let Column::Mask(mask) = condition.value(&batch, frame)? else {
                        return None;
                    };
                    batch.keep(&mask);
                }
                Work::Fetch(fetch) => fetch.run(&mut batch, frame)?,
                Work::Compute(node, declared) => {
                    let column = declared.column(node.value(&batch, frame)?)?;
                    batch.columns.push(column);
                }
            }
        }
        let outputs = self.outputs.iter().map(|node| node.value(&batch, frame));
        let outputs = outputs.collect::<Option<Vec<Column>>>()?;
        let as_expected = !self.numeric || outputs.iter().all(Column::is_numbers);
        as_expected.then_some((outputs, batch.rows))
    }
}

/// A program under way: batches as long as it can, and then what is left for the evaluator.
pub struct Feed {
    program: Arc<Program>,
    input: Input,
    /// Whether a batch had to be taken back.
    ended: bool,
}

enum Input {
    /// What was taken from the collection and has to be done row by row stands before the rest.
    Elements(Again),
    Objects(ObjectScan),
    Rows(Scan),
}

impl Feed {
    /// Starts a program, or gives `None` where it must not run as one.
    pub fn open(program: &Arc<Program>, frame: &[Value], cx: &Cx) -> Result<Option<Feed>> {
        if program.functions().any(|f| Host::of(cx).traced.has(f)) {
            return Ok(None);
        }
        let input = match &program.origin {
            Origin::Elements(over, _) | Origin::Vectors { over, .. } => {
                Input::Elements(Again::of(over, frame, cx)?)
            }
            Origin::Extent(ty) => match Catalog::of(cx).types_within(ty) {
                Some(types) => Input::Objects(Catalog::of(cx).objects.scan(&types)),
                None => return Ok(None),
            },
            Origin::Rows(function, _) => match &function.body {
                Body::Stored(table) => Input::Rows(table.scan()),
                _ => return Ok(None),
            },
        };
        Ok(Some(Feed {
            program: program.clone(),
            input,
            ended: false,
        }))
    }

    /// The outputs of the next rows and the number of those; `None` at the end, or where the
    /// evaluator has to go on with [`Feed::rest`].
    pub fn next(&mut self, frame: &[Value], cx: &Cx) -> Result<Option<(Vec<Column>, usize)>> {
        if self.ended {
            return Ok(None);
        }
        cx.token.check()?;
        let results = match &mut self.input {
            Input::Elements(input) => {
                let Some(batch) = input.batch(&self.program.origin, cx)? else {
                    return Ok(None);
                };
                batch.and_then(|batch| self.program.run(batch, frame))
            }
            Input::Objects(scan) => {
                let before = scan.mark();
                let objects = scan.numbers(&Catalog::of(cx).objects, BATCH);
                if objects.is_empty() {
                    return Ok(None);
                }
                let rows = objects.len();
                let columns = vec![Column::Objects(objects)];
                let results = self.program.run(Batch { columns, rows }, frame);
                if results.is_none() {
                    scan.back(before);
                }
                results
            }
            Input::Rows(scan) => {
                let before = scan.mark();
                let batch = rows(scan, &self.program.origin);
                if batch.as_ref().is_some_and(|batch| batch.rows == 0) {
                    return Ok(None);
                }
                let results = batch.and_then(|batch| self.program.run(batch, frame));
                if results.is_none() {
                    scan.back(before);
                }
                results
            }
        };
        match (&results, &mut self.input) {
            (Some(_), Input::Elements(input)) => input.done(),
            (Some(_), _) => {}
            (None, _) => self.ended = true,
        }
        Ok(results)
    }

    /// The first step of the query, where the evaluator has to go on.
    pub fn rest(self) -> Cursor {
        match self.input {
            Input::Elements(input) => {
                let vectors = matches!(self.program.origin, Origin::Vectors { .. });
                Cursor::Source(input.rest(vectors))
            }
            Input::Objects(scan) => Cursor::Extent(scan),
            Input::Rows(scan) => Cursor::Rows(Rows::All(scan)),
        }
    }
}

/// The wanted columns of the next rows of a stored function.
fn rows(scan: &mut Scan, origin: &Origin) -> Option<Batch> {
    let Origin::Rows(_, columns) = origin else {
        return None;
    };
    let rows = scan.some(BATCH);
    let column = |at: &usize| Column::of(rows.iter().map(|row| &row[*at]));
    Some(Batch {
        columns: columns.iter().map(column).collect::<Option<_>>()?,
        rows: rows.len(),
    })
}

/// A collection of which a batch may be taken back.
struct Again {
    input: Box<dyn Source>,
    /// The batch that is under way: numbers, or the columns of vectors.
    taken: Vec<Numbers>,
    /// How many elements the batches before had.
    count: u64,
    stream: bool,
}

impl Again {
    fn of(over: &Expr, frame: &[Value], cx: &Cx) -> Result<Again> {
        let over = eval(over, frame, cx)?;
        let stream = matches!(over, Some(Value::Stream(_)));
        let input = match over {
            Some(Value::Binary(bytes)) => {
                let bytes = bytes.iter().map(|b| Value::Int(i64::from(*b)));
                Value::bag(bytes.collect()).elements(cx)?
            }
            Some(value) => value.elements(cx)?,
            None => Value::bag(vec![]).elements(cx)?,
        };
        Ok(Again {
            input,
            taken: Vec::new(),
            count: 0,
            stream,
        })
    }

    /// The next elements; nothing inside where they are not what the program wants.
    fn batch(&mut self, origin: &Origin, cx: &Cx) -> Result<Option<Option<Batch>>> {
        let taken = match origin {
            Origin::Vectors { .. } => self.input.columns(cx)?,
            _ => self.input.numbers(cx)?.map(|numbers| vec![numbers]),
        };
        let Some(taken) = taken else {
            return Ok(None);
        };
        self.taken = taken;
        Ok(Some(wanted(&self.taken, origin)))
    }

    /// The batch that is under way is dealt with.
    fn done(&mut self) {
        self.count += self.taken.first().map_or(0, Numbers::len) as u64;
        self.taken.clear();
    }

    /// The elements from the batch that is under way on.
    fn rest(self, vectors: bool) -> Taken {
        let mut columns = self.taken.into_iter().map(Numbers::values);
        let before: Vec<Value> = if vectors {
            let columns: Vec<Vec<Value>> = columns.collect();
            let rows = columns.first().map_or(0, Vec::len);
            let row = |at: usize| Value::vector(columns.iter().map(|column| column[at].clone()));
            (0..rows).map(row).collect()
        } else {
            columns.next().unwrap_or_default()
        };
        Taken {
            source: Box::new(Rest {
                before: before.into_iter(),
                input: self.input,
            }),
            count: self.count,
            stream: self.stream,
        }
    }
}

/// What was taken as the batch that the program wants.
fn wanted(taken: &[Numbers], origin: &Origin) -> Option<Batch> {
    let columns: Vec<Column> = match (origin, taken) {
        (Origin::Elements(_, declared), [numbers]) => {
            vec![declared.column(numbers.clone().into())?]
        }
        (Origin::Vectors { width, .. }, columns) if columns.len() != *width => return None,
        (_, columns) => columns.iter().cloned().map(Column::from).collect(),
    };
    Some(Batch {
        columns,
        rows: taken.first().map_or(0, Numbers::len),
    })
}

/// An input with elements before it that had been taken out.
struct Rest {
    before: std::vec::IntoIter<Value>,
    input: Box<dyn Source>,
}

impl Source for Rest {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        match self.before.next() {
            Some(value) => Ok(Some(value)),
            None => self.input.next(cx),
        }
    }
}

/// Starts a query that is a program.
pub fn open(query: &Arc<Query>, feed: Feed, frame: Vec<Value>) -> Box<dyn Source> {
    Box::new(BatchRun {
        query: query.clone(),
        frame,
        feed: Some(feed),
        rows: None,
    })
}

/// A query that gives batches as long as it can, and rows from there on.
struct BatchRun {
    query: Arc<Query>,
    frame: Vec<Value>,
    feed: Option<Feed>,
    rows: Option<Box<dyn Source>>,
}

impl BatchRun {
    fn batch(&mut self, cx: &Cx) -> Result<Option<(Vec<Column>, usize)>> {
        let Some(feed) = &mut self.feed else {
            return Ok(None);
        };
        // A query may be made of itself without end, as a function may call itself.
        let _depth = cx.enter()?;
        feed.next(&self.frame, cx)
    }
}

impl Source for BatchRun {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        if let Some(feed) = self.feed.take() {
            let frame = std::mem::take(&mut self.frame);
            self.rows = Some(resume(&self.query, frame, feed.rest()));
        }
        self.rows.as_mut().map_or(Ok(None), |rows| rows.next(cx))
    }

    fn numbers(&mut self, cx: &Cx) -> Result<Option<Numbers>> {
        if !self.feed.as_ref().is_some_and(|feed| feed.program.numeric) {
            return Ok(None);
        }
        let Some((columns, rows)) = self.batch(cx)? else {
            return Ok(None);
        };
        let mut columns = columns.into_iter();
        Ok(columns.next().and_then(|column| column.numbers(rows)))
    }

    fn skip(&mut self, cx: &Cx) -> Result<Option<usize>> {
        Ok(self.batch(cx)?.map(|(_, rows)| rows))
    }

    fn explain(&self, error: Error) -> Error {
        match &self.rows {
            Some(rows) => rows.explain(error),
            None => error,
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
        let source = crate::text::diagnostic::SourceText::new("test", text);
        let parsed = statement(&source).expect("parses").expect("a statement");
        let StatementKind::Query(expr) = parsed.kind else {
            panic!("{text} is a query")
        };
        Arc::new(compile::query(Catalog::of(cx), &expr).expect("compiles"))
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
            ("mean(winagg(siota(1,3000),100,1))", 2901),
            (
                "select sum(w)*2-mean(w) from Vector w where w in winagg(siota(1,3000),7,2)",
                1497,
            ),
            (
                "mean(winagg((select stream of x/4 from Integer x where x in siota(1,2000)),9,1))",
                1992,
            ),
            ("stdev(winagg(siota(1,20),1,1))", 0),
            (
                "sum(winagg((select stream of x*4000000000000000 from Integer x \
                 where x in siota(1,2000)),3,1))",
                767,
            ),
            ("sum(winagg(siota(1,9),20,1))", 0),
            ("stdev(winagg(siota(1,3000),5,3))", 999),
            ("dim(winagg(siota(1,3000),2000,7))", 143),
            (
                "sum(winagg((select stream of sin(x) from Integer x where x in siota(1,2000)),1500,1))",
                501,
            ),
            // Windows go on over what is left to the evaluator.
            (
                "mean(winagg((select stream of x*9000000000000000 from Integer x \
                 where x in siota(1,2000)),3,1))",
                1022,
            ),
        ] {
            let plan = plan(text, &cx);
            let (rows, _) = results(&plan, &cx, false);
            let (both, batched) = results(&plan, &cx, true);
            assert_eq!(both, rows, "{text}");
            assert_eq!(batched, expected, "{text}");
        }
    }
}
