//! The collection that a program's rows are made of: it is read in batches, and can give the elements of
//! its latest batch once more, one by one.

use std::sync::Arc;

use super::feed::ArrivalUse;
use super::optional::common;
use super::row_cursor::RowOrigin;
use super::rows::{Batch, with_fields};
use crate::catalog::Catalog;
use crate::model::collection::{BATCH, Bytes, FieldBatch, Iter};
use crate::model::failed::Turns;
use crate::model::{BatchColumn, Cx, Source, Value};
use crate::plan::PlanExpr;
use crate::plan::batch::{BatchOrigin, ColumnUse};
use crate::run::eval::eval;
use crate::run::pipeline::ElementsTaken;
use crate::text::diagnostic::Result;

/// Of so few elements the rows are made in less time than columns of them.
const FEW: u64 = 16;

/// What comes of taking a batch.
pub enum Taking {
    /// Nothing inside where the elements are not what the program wants.
    Batch(Option<Batch>),
    /// They do not come in columns, and others were not asked for.
    Later,
    /// All that is left has to be pulled.
    Nothing,
}

/// A collection that is read in batches and can give the elements of its latest batch once more.
pub struct Again {
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
    /// Whose turn it is among them, where they arrived over time.
    turns: Option<Arc<dyn Turns>>,
    /// Whether the elements do not come in columns: they are pulled, or taken as they arrive.
    has_no_columns: bool,
    stream: bool,
    /// Whether there are few elements in all.
    few: bool,
}

impl Again {
    pub fn of(over: &PlanExpr, frame: &[Value], cx: &Cx) -> Result<Again> {
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
            has_no_columns: false,
            stream,
            few: elements.is_some_and(|elements| elements <= FEW),
        })
    }

    /// The next elements, as many as the input gives at once, or `most` where that is less than a batch.
    /// Those of the batch before are dealt with.
    pub fn batch(
        &mut self,
        origin: &BatchOrigin,
        most: usize,
        arrivals: ArrivalUse,
        cx: &Cx,
    ) -> Result<Taking> {
        if let Some(turns) = &self.turns {
            turns.end();
        }
        self.before += std::mem::take(&mut self.latest);
        if self.ahead.is_empty() {
            if self.before > 0 && self.is_live() {
                Catalog::of(cx).between_elements()?;
            }
            let taken = match origin {
                _ if self.has_no_columns => None,
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
            self.ahead = match (taken, arrivals) {
                (Some(taken), _) => taken,
                (None, ArrivalUse::Later) => {
                    self.has_no_columns = true;
                    return Ok(Taking::Later);
                }
                (None, ArrivalUse::Together(limit))
                    if matches!(origin, BatchOrigin::Elements(..)) =>
                {
                    self.has_no_columns = true;
                    self.taken = Vec::new();
                    let Some(arrivals) = self.input.arrivals(most.min(limit), cx)? else {
                        return Ok(Taking::Nothing);
                    };
                    self.turns = Some(arrivals.turns);
                    vec![arrivals.column]
                }
                (None, _) => return Ok(Taking::Nothing),
            };
        }
        Catalog::of(cx).begin_element();
        let length = self.ahead.first().map_or(0, BatchColumn::len);
        self.taken = if most < BATCH.min(length) {
            let split = |column: &mut BatchColumn| column.split_first(most);
            self.ahead.iter_mut().map(split).collect()
        } else {
            std::mem::take(&mut self.ahead)
        };
        self.latest = self.taken.first().map_or(0, BatchColumn::len) as u64;
        let counted = self.stream || self.turns.is_some();
        Ok(Taking::Batch(wanted(&self.taken, origin, counted)))
    }

    /// Whether there are few elements in all.
    pub fn few(&self) -> bool {
        self.few
    }

    pub fn is_stream(&self) -> bool {
        self.stream
    }

    /// How many elements the batches before the latest had.
    pub fn before(&self) -> u64 {
        self.before
    }

    /// Whether the elements arrive over time.
    pub fn is_live(&self) -> bool {
        self.input.is_live()
    }

    /// Whose turn it is among the elements of the latest batch, where they arrived over time.
    pub fn turns(&self) -> Option<&Arc<dyn Turns>> {
        self.turns.as_ref()
    }

    pub fn row_origin(&self) -> RowOrigin {
        RowOrigin {
            before: self.before,
            is_live: self.input.is_live(),
            turns: self.turns.clone(),
        }
    }

    /// The elements of the latest batch, one by one. Of records and vectors they have the wanted fields.
    pub fn again(&mut self, origin: &BatchOrigin) -> ElementsTaken {
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
    pub fn rest(self, origin: &BatchOrigin) -> ElementsTaken {
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
            let row = |at: usize| with_fields(keys.iter(), columns.iter().map(|c| c[at].clone()));
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

/// What was taken as the batch that the program wants: the elements that match what the variables are
/// declared to be.
fn wanted(taken: &[BatchColumn], origin: &BatchOrigin, stream: bool) -> Option<Batch> {
    let rows = taken.first().map_or(0, BatchColumn::len);
    let mut batch = Batch::new(taken.to_vec(), rows).counted(stream);
    let declared = match origin {
        BatchOrigin::Fields { .. } => return Some(batch),
        BatchOrigin::Elements(_, declared) => std::slice::from_ref(declared),
        BatchOrigin::Vectors { declared, .. } => declared,
        _ => return None,
    };
    if taken.len() != declared.len() {
        return None;
    }
    for (declared, column) in declared.iter().zip(&mut batch.columns) {
        *column = declared.as_declared(column.clone(), rows, ColumnUse::Variable)?;
    }
    if let Some(mask) = common(&batch.columns) {
        batch.keep(&mask);
    }
    Some(batch)
}

/// Elements that were taken out of an input.
struct Taken {
    elements: Iter<std::vec::IntoIter<Value>>,
    /// How many of them were given.
    count: usize,
    /// Whose turn it is among them, where they arrived over time.
    turns: Option<Arc<dyn Turns>>,
    /// Whether the input is live.
    live: bool,
}

impl Source for Taken {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        let element = self.elements.next(cx)?;
        if let (Some(turns), Some(_)) = (&self.turns, &element) {
            cx.latest_origin.turn_to(turns, self.count);
            self.count += 1;
        }
        Ok(element)
    }

    fn is_live(&self) -> bool {
        self.live
    }
}
