//! A running program: where its rows come from, batch by batch.

use std::sync::Arc;

use super::BatchResults;
use super::evaluate::{Batch, Scope};
use super::join::{self, JoinInner};
use crate::catalog::Catalog;
use crate::catalog::objects::ObjectScan;
use crate::host::traced::Traced;
use crate::model::BatchColumn;
use crate::model::collection::{BATCH, Bytes, FieldBatch, Iter};
use crate::model::failed::Turns;
use crate::model::function::FunctionBody;
use crate::model::size::position;
use crate::model::table::Scan;
use crate::model::{Cx, Record, Source, Value};
use crate::plan::PlanExpr;
use crate::plan::batch::{BatchOrigin, BatchProgram, BatchWork};
use crate::run::eval::eval;
use crate::run::lookup::LookupRows;
use crate::run::pipeline::{Cursor, ElementsTaken};
use crate::text::diagnostic::Result;

/// What the results of a program are wanted for.
#[derive(Clone, Copy, PartialEq)]
pub enum ResultUse {
    /// Only how many there are; there need not be columns.
    Number,
    Columns,
    /// Columns of values: none of objects, which have only their numbers.
    Values,
}

/// What comes next of a running program.
pub enum Fed {
    Columns(BatchResults),
    /// A batch that cannot be computed: the first step of the query over its rows, for the evaluator.
    Rows(Cursor),
    /// All that is left does not come in batches: the first step of the query over it.
    Rest(Cursor),
    /// What comes next arrives over time, and was not asked for.
    Live,
}

/// Of so few elements the rows are made in less time than columns of them.
const FEW: u64 = 16;

/// A running program.
pub struct Feed {
    pub(super) program: Arc<BatchProgram>,
    input: FeedInput,
    /// The inner sides of the program's joins.
    joins: Vec<JoinInner>,
    /// How many rows are taken at once: few where each becomes many.
    size: usize,
    /// How many elements that arrive over time may be taken at once, where they may. Those that are
    /// taken are dealt with.
    pub(super) most_arrivals: Option<usize>,
}

enum FeedInput {
    Elements(Again),
    Objects(ObjectScan),
    Rows(Scan),
    /// The rest was given away, or is not wanted. Of a stream it is known how many elements the batches
    /// before the latest had.
    Ended(Option<u64>),
}

impl Feed {
    /// Starts a program, or gives `None` where it must not run as one.
    pub fn open(program: &Arc<BatchProgram>, frame: &[Value], cx: &Cx) -> Result<Option<Feed>> {
        if program.functions.iter().any(|f| Traced::prints(f, cx)) {
            return Ok(None);
        }
        let input = match &program.origin {
            BatchOrigin::Elements(over, _)
            | BatchOrigin::Vectors { over, .. }
            | BatchOrigin::Fields { over, .. } => FeedInput::Elements(Again::of(over, frame, cx)?),
            BatchOrigin::Extent(ty) => match Catalog::of(cx).types_within(ty) {
                Some(types) => FeedInput::Objects(Catalog::of(cx).objects.scan(&types)),
                None => return Ok(None),
            },
            BatchOrigin::Rows(function, _) => match &function.body {
                FunctionBody::Stored(table) => FeedInput::Rows(table.scan()),
                _ => return Ok(None),
            },
        };
        let joins = program.work.iter();
        let joins = joins.filter(|work| matches!(work, BatchWork::Join(_)));
        let joins: Vec<JoinInner> = joins.map(|_| JoinInner::default()).collect();
        Ok(Some(Feed {
            program: program.clone(),
            input,
            size: if joins.is_empty() { BATCH } else { FIRST },
            most_arrivals: Some(BATCH),
            joins,
        }))
    }

    /// What comes of the next rows; `None` at the end.
    pub fn next(&mut self, wanted: ResultUse, frame: &[Value], cx: &Cx) -> Result<Option<Fed>> {
        cx.token.check()?;
        if let Some(first) = self.few() {
            return Ok(Some(Fed::Rest(first)));
        }
        if self.joins.iter().any(JoinInner::has_refused) {
            return Ok(self.rest());
        }
        let (program, joins, size) = (&self.program, &mut self.joins, &mut self.size);
        let most = *size;
        let mut made = |batch: Option<Batch>| {
            let made = program.run(batch?, wanted, joins, Scope { frame, cx });
            if made.is_none() {
                joins.iter_mut().for_each(JoinInner::note_failure);
            }
            let results = made?;
            if !joins.is_empty() {
                *size = next_size(most, results.rows);
            }
            if wanted != ResultUse::Values {
                return Some(Fed::Columns(results));
            }
            results.with_objects(program, cx).map(Fed::Columns)
        };
        let fed = match &mut self.input {
            FeedInput::Ended(_) => return Ok(None),
            FeedInput::Elements(input) => {
                let batch = match input.batch(&program.origin, most, self.most_arrivals, cx)? {
                    Taking::Batch(batch) => batch,
                    Taking::Live => return Ok(Some(Fed::Live)),
                    Taking::Nothing => return Ok(self.rest()),
                };
                made(batch)
                    .unwrap_or_else(|| Fed::Rows(Cursor::Source(input.again(&program.origin))))
            }
            FeedInput::Objects(scan) => {
                let numbers = scan.numbers(&Catalog::of(cx).objects, most);
                if numbers.is_empty() {
                    return Ok(None);
                }
                let columns = vec![BatchColumn::Objects(numbers.clone())];
                let batch = Batch::new(columns, numbers.len());
                made(Some(batch)).unwrap_or_else(|| {
                    let objects = scan.numbered(&Catalog::of(cx).objects, &numbers);
                    let objects: Vec<Value> = objects.into_iter().map(Value::Object).collect();
                    Fed::Rows(Cursor::Objects(objects.into_iter()))
                })
            }
            FeedInput::Rows(scan) => {
                let rows = scan.some(most);
                if rows.is_empty() {
                    return Ok(None);
                }
                made(columns_of(&rows, &program.origin))
                    .unwrap_or_else(|| Fed::Rows(Cursor::Rows(LookupRows::of(&rows))))
            }
        };
        Ok(Some(fed))
    }

    /// The first step of the query where there are so few elements that batches are not worth their
    /// while. They are given away with it.
    pub fn few(&mut self) -> Option<Cursor> {
        if !matches!(&self.input, FeedInput::Elements(again) if again.few) {
            return None;
        }
        match self.rest() {
            Some(Fed::Rest(first)) => Some(first),
            _ => None,
        }
    }

    /// What is left, without batches.
    fn rest(&mut self) -> Option<Fed> {
        match std::mem::replace(&mut self.input, FeedInput::Ended(None)) {
            FeedInput::Elements(input) => {
                Some(Fed::Rest(Cursor::Source(input.rest(&self.program.origin))))
            }
            FeedInput::Objects(scan) => Some(Fed::Rest(Cursor::Extent(scan))),
            FeedInput::Rows(scan) => Some(Fed::Rest(Cursor::Rows(LookupRows::All(scan)))),
            FeedInput::Ended(_) => None,
        }
    }

    /// Stops what is behind the latest batch.
    pub(super) fn end(&mut self) {
        if let FeedInput::Elements(input) = &self.input
            && let (Some(turns), Some(last)) = (&input.turns, input.latest.checked_sub(1))
        {
            turns.turn_to(last as usize);
        }
        self.input = FeedInput::Ended(self.elements_before());
    }

    /// Whose turn it is among the elements of the latest batch, where they arrive over time.
    pub(super) fn turns(&self) -> Option<Arc<Turns>> {
        match &self.input {
            FeedInput::Elements(input) => input.turns.clone(),
            _ => None,
        }
    }

    /// How many elements of a stream the batches before the latest had; `None` where the rows are not
    /// made of a stream.
    pub(super) fn elements_before(&self) -> Option<u64> {
        match &self.input {
            FeedInput::Elements(again) if again.stream => Some(again.before),
            FeedInput::Ended(before) => *before,
            _ => None,
        }
    }

    /// The stream that the rows are made of.
    pub(super) fn over(&self) -> Option<&PlanExpr> {
        match &self.program.origin {
            BatchOrigin::Elements(over, _)
            | BatchOrigin::Vectors { over, .. }
            | BatchOrigin::Fields { over, .. } => Some(over),
            _ => None,
        }
    }

    /// Whether the rows are made of elements that arrive over time.
    pub(super) fn is_live(&self) -> bool {
        matches!(&self.input, FeedInput::Elements(again) if again.input.is_live())
    }
}

/// How many rows a program with joins takes at first.
const FIRST: usize = 16;

/// How many rows a program with joins takes next, after `taken` rows have become `made`.
fn next_size(taken: usize, made: usize) -> usize {
    match made {
        _ if made > join::MOST / 2 => (taken / 2).max(1),
        _ if made < join::MOST / 8 => BATCH.min(taken * 4),
        _ => taken,
    }
}

/// The wanted columns of rows of a stored function.
fn columns_of(rows: &[&[Value]], origin: &BatchOrigin) -> Option<Batch> {
    let BatchOrigin::Rows(_, columns) = origin else {
        return None;
    };
    let column = |at: &usize| BatchColumn::of(rows.iter().map(|row| &row[*at]));
    let columns = columns.iter().map(column).collect::<Option<_>>()?;
    Some(Batch::new(columns, rows.len()))
}

/// What comes of taking a batch.
enum Taking {
    /// Nothing inside where it is not what the program wants.
    Batch(Option<Batch>),
    /// Elements arrive over time, or have to be pulled.
    Live,
    /// There is none.
    Nothing,
}

/// A collection that is read in batches and can give the elements of its latest batch once more.
struct Again {
    input: Box<dyn Source>,
    /// The elements, or the columns of vectors or of wanted fields, that were taken and are not in a batch
    /// yet.
    ahead: Vec<BatchColumn>,
    /// The latest batch of them.
    taken: Vec<BatchColumn>,
    /// The elements of the latest batch, where they do not come in such columns.
    apart: Vec<Value>,
    /// How many elements the batches before the latest had.
    before: u64,
    /// How many the latest has.
    latest: u64,
    /// Whose turn it is among them, where they arrive over time.
    turns: Option<Arc<Turns>>,
    /// Whether the elements have to be pulled, or taken as they arrive.
    is_pulled: bool,
    stream: bool,
    /// Whether there are few elements in all.
    few: bool,
}

impl Again {
    fn of(over: &PlanExpr, frame: &[Value], cx: &Cx) -> Result<Again> {
        let over = eval(over, frame, cx)?;
        let stream = matches!(over, Some(Value::Stream(_)));
        let elements = match &over {
            Some(Value::Bag(c) | Value::Stream(c)) => c.known_len(),
            Some(Value::Vector(vector)) => Some(vector.len() as u64),
            _ => None,
        };
        let input = match over {
            Some(Value::Binary(bytes)) => Box::new(Bytes::new(bytes)),
            Some(value) => value.elements(cx)?,
            None => Value::bag(vec![]).elements(cx)?,
        };
        Ok(Again {
            input,
            ahead: Vec::new(),
            taken: Vec::new(),
            apart: Vec::new(),
            before: 0,
            latest: 0,
            turns: None,
            is_pulled: false,
            stream,
            few: elements.is_some_and(|elements| elements <= FEW),
        })
    }

    /// The next elements, as many as the input gives at once, or `most` where that is less than a batch;
    /// of those that arrive over time as many as are allowed.
    fn batch(
        &mut self,
        origin: &BatchOrigin,
        most: usize,
        most_arrivals: Option<usize>,
        cx: &Cx,
    ) -> Result<Taking> {
        self.before += std::mem::take(&mut self.latest);
        if self.ahead.is_empty() {
            // What has to be pulled once is not asked for columns again.
            let taken = match origin {
                _ if self.is_pulled => None,
                BatchOrigin::Vectors { .. } => self.input.columns(cx)?,
                BatchOrigin::Fields { .. } => match self.input.fields(cx)? {
                    Some(FieldBatch::Elements(elements)) => {
                        self.latest = elements.len() as u64;
                        self.apart = elements;
                        return Ok(Taking::Batch(None));
                    }
                    batch => batch.map(FieldBatch::columns),
                },
                _ => self.input.column(cx)?.map(|column| vec![column]),
            };
            self.is_pulled = taken.is_none();
            self.ahead = match (taken, origin) {
                (Some(taken), _) => taken,
                (None, BatchOrigin::Elements(..)) => {
                    let Some(most_arrivals) = most_arrivals else {
                        return Ok(Taking::Live);
                    };
                    let most = most.min(most_arrivals);
                    let Some(arrivals) = self.input.arrivals(most, cx)? else {
                        return Ok(Taking::Nothing);
                    };
                    self.turns = Some(arrivals.turns);
                    vec![arrivals.column]
                }
                _ => return Ok(Taking::Nothing),
            };
        }
        let length = self.ahead.first().map_or(0, BatchColumn::len);
        self.taken = if most < BATCH.min(length) {
            let split = |column: &mut BatchColumn| column.split_first(most);
            self.ahead.iter_mut().map(split).collect()
        } else {
            std::mem::take(&mut self.ahead)
        };
        self.latest = self.taken.first().map_or(0, BatchColumn::len) as u64;
        let wanted = wanted(&self.taken, origin);
        let is_counted = self.stream || self.turns.is_some();
        let batch = wanted.map(|batch| batch.counted(is_counted));
        Ok(Taking::Batch(batch))
    }

    /// The elements of the latest batch, one by one. Of records and vectors they have the wanted fields.
    fn again(&mut self, origin: &BatchOrigin) -> ElementsTaken {
        let apart = std::mem::take(&mut self.apart);
        let elements = match apart.is_empty() {
            true => elements(std::mem::take(&mut self.taken), origin),
            false => apart,
        };
        ElementsTaken {
            source: Box::new(Taken {
                elements: Iter(elements.into_iter()),
                count: 0,
                turns: self.turns.clone(),
                live: self.input.is_live(),
            }),
            count: self.before,
            stream: self.stream,
        }
    }

    /// The elements behind the latest batch.
    fn rest(self, origin: &BatchOrigin) -> ElementsTaken {
        let count = self.before + self.latest;
        let source: Box<dyn Source> = if self.ahead.is_empty() {
            self.input
        } else {
            Box::new(Chained {
                before: elements(self.ahead, origin).into_iter(),
                input: self.input,
            })
        };
        ElementsTaken {
            source,
            count,
            stream: self.stream,
        }
    }
}

/// What was taken in columns, one by one. Of records and vectors they have the wanted fields.
fn elements(taken: Vec<BatchColumn>, origin: &BatchOrigin) -> Vec<Value> {
    let mut columns: Vec<_> = taken.into_iter().map(BatchColumn::values).collect();
    let rows = columns.first().map_or(0, Vec::len);
    match origin {
        BatchOrigin::Vectors { .. } => {
            let row = |at: usize| Value::vector(columns.iter().map(|c| c[at].clone()));
            (0..rows).map(row).collect()
        }
        BatchOrigin::Fields { keys, .. } => {
            let row = |at: usize| with_fields(keys, columns.iter().map(|c| c[at].clone()));
            (0..rows).map(row).collect()
        }
        _ => columns.pop().unwrap_or_default(),
    }
}

/// Elements that were taken out of an input, and then the rest of it.
struct Chained {
    before: std::vec::IntoIter<Value>,
    input: Box<dyn Source>,
}

impl Source for Chained {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        match self.before.next() {
            Some(value) => Ok(Some(value)),
            None => self.input.next(cx),
        }
    }

    fn is_live(&self) -> bool {
        self.input.is_live()
    }
}

/// What was taken as the batch that the program wants.
fn wanted(taken: &[BatchColumn], origin: &BatchOrigin) -> Option<Batch> {
    let rows = taken.first().map_or(0, BatchColumn::len);
    let declared = match origin {
        BatchOrigin::Fields { .. } => return Some(Batch::new(taken.to_vec(), rows)),
        BatchOrigin::Elements(_, declared) => std::slice::from_ref(declared),
        BatchOrigin::Vectors { declared, .. } => declared,
        _ => return None,
    };
    if taken.len() != declared.len() {
        return None;
    }
    let columns = declared.iter().zip(taken);
    let columns = columns.map(|(declared, column)| declared.column(column.clone()));
    let columns = columns.collect::<Option<Vec<BatchColumn>>>()?;
    Some(Batch::new(columns, rows))
}

/// A record, or a vector, with these values for these keys, or at these positions.
fn with_fields(keys: &[Value], values: impl Iterator<Item = Value>) -> Value {
    let mut record = Record::with_capacity(keys.len());
    let mut vector = Vec::new();
    for (key, value) in keys.iter().zip(values) {
        match key {
            Value::Str(key) => record.put(key.clone(), value),
            key => {
                let place = key.as_int().and_then(position).unwrap_or_default();
                vector.resize(vector.len().max(place + 1), Value::Null);
                vector[place] = value;
            }
        }
    }
    match keys.first() {
        Some(Value::Str(_)) => Value::record(record),
        _ => Value::vector(vector),
    }
}

/// Elements that were taken out of an input.
struct Taken {
    elements: Iter<std::vec::IntoIter<Value>>,
    /// How many of them were given.
    count: usize,
    /// Whose turn it is among them, where they arrive over time.
    turns: Option<Arc<Turns>>,
    /// Whether the input is live.
    live: bool,
}

impl Source for Taken {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        if let Some(turns) = &self.turns {
            turns.turn_to(self.count);
            self.count += 1;
        }
        self.elements.next(cx)
    }

    fn is_live(&self) -> bool {
        self.live
    }
}
