//! Runs procedural statements.

mod each;
mod returned;

use std::sync::Arc;

use crate::catalog::Catalog;
use crate::compile;
use crate::host::{Host, SessionCursor};
use crate::model::context::CursorTokens;
use crate::model::conversion::conform;
use crate::model::memory::{Collecting, Operator};
use crate::model::{Cx, Function, Source, Value, nesting};
use crate::plan::{AssignmentTarget, CursorName, Procedure, Slot, Stmt, Sub};
use crate::run::eval::{captured, eval, holds};
use crate::run::{action, query, rows, scalar, update};
use crate::syntax::ast::Many;
use crate::text::diagnostic::{Error, Result, Span};
use crate::text::wait::lock;
use each::EachRows;

/// Calls a procedural function: its results are what its `return` statements gave. A stream of them is
/// produced while it is read.
pub fn call(f: &Arc<Function>, args: Vec<Value>, cx: &Cx) -> Result<Option<Value>> {
    let procedure = compile::procedural(Catalog::of(cx), f)?;
    if f.signature.many == Many::Stream {
        return Ok(Some(returned::stream(procedure, args, f.name())));
    }
    if let Some(result) = procedure
        .scalar
        .as_ref()
        .and_then(|u| scalar::run(u, &args, cx))
    {
        return Ok(result);
    }
    let results = run(&procedure, args, cx)?;
    Ok(match f.signature.many {
        Many::One if !compile::returns_many(f) => results.into_iter().next(),
        Many::One | Many::Bag | Many::Stream => Some(Value::bag(results)),
    })
}

/// Runs a procedure with its arguments in the first slots; gives what it returned.
pub fn run(procedure: &Procedure, args: Vec<Value>, cx: &Cx) -> Result<Vec<Value>> {
    let mut results = Collecting::new(Operator::named("what a procedure returns"));
    let mut keep = |value| results.push(value, &cx.memory);
    run_into(procedure, args, &mut keep, cx)?;
    Ok(results.into_values())
}

/// Runs a procedure; `give` is called with each value as it is returned, and ends the procedure by an
/// error.
fn run_into(
    procedure: &Procedure,
    args: Vec<Value>,
    give: &mut dyn FnMut(Value) -> Result<()>,
    cx: &Cx,
) -> Result<()> {
    let mut frame = vec![Value::Null; procedure.slots];
    for (slot, value) in frame.iter_mut().zip(args) {
        *slot = value;
    }
    let mut running = Running {
        cx,
        frame,
        give,
        cursors: Vec::new(),
    };
    running.statement(&procedure.body)?;
    Ok(())
}

/// How a statement ended.
#[derive(PartialEq)]
enum Flow {
    On,
    Leave,
}

struct Running<'a> {
    cx: &'a Cx,
    frame: Vec<Value>,
    give: &'a mut dyn FnMut(Value) -> Result<()>,
    cursors: Vec<(Slot, Box<dyn Source>)>,
}

impl Running<'_> {
    fn statement(&mut self, statement: &Stmt) -> Result<Flow> {
        self.cx.token.check()?;
        match statement {
            Stmt::Run(sub) => {
                let mut rows = self.open(sub)?;
                while rows.next(self.cx)?.is_some() {}
            }
            Stmt::Change(change) => action::change(change, &mut self.frame, self.cx)?,
            Stmt::Assign(places, value) => {
                let value = eval(value, &self.frame, self.cx)?;
                self.assign(places, value)?;
            }
            Stmt::Block(statements) => {
                for statement in statements {
                    if self.statement(statement)? == Flow::Leave {
                        return Ok(Flow::Leave);
                    }
                }
            }
            Stmt::ForEach { rows, into, body } => self.for_each(rows, into, body)?,
            Stmt::Case { arms, otherwise } => {
                for (condition, body) in arms {
                    if holds(condition, &self.frame, self.cx)? {
                        return self.statement(body);
                    }
                }
                if let Some(otherwise) = otherwise {
                    return self.statement(otherwise);
                }
            }
            Stmt::While { condition, body } => {
                while holds(condition, &self.frame, self.cx)? {
                    if self.statement(body)? == Flow::Leave {
                        break;
                    }
                }
            }
            Stmt::Loop(body) => while self.statement(body)? == Flow::On {},
            Stmt::Leave => return Ok(Flow::Leave),
            Stmt::Return(Some(sub)) => {
                let mut rows = self.open(sub)?;
                while let Some(value) = rows.next(self.cx)? {
                    (self.give)(value)?;
                }
            }
            Stmt::Return(None) => {}
            Stmt::CreateObjects(create) => {
                for instance in &create.instances {
                    let object = update::create(create, instance, &self.frame, self.cx)?;
                    if let Some(place) = &instance.place {
                        self.put(place, object)?;
                    }
                }
            }
            Stmt::DeleteObject(object, span) => {
                let object = eval(object, &self.frame, self.cx)?;
                update::delete(object, self.cx).map_err(|error| error.at(span))?;
            }
            Stmt::Update(change) => {
                if let Some(done) = update::update_one(change, &self.frame, self.cx) {
                    done.map_err(|error| error.at(&change.span))?;
                    return Ok(Flow::On);
                }
                let rows = self.open(&change.rows)?;
                let arguments = change.arguments.as_ref();
                let arguments = arguments.map(|sub| self.open(sub)).transpose()?;
                update::update(change, rows, arguments, self.cx).map_err(|e| e.at(&change.span))?;
            }
            Stmt::ChangeRows(change, counted) => {
                let number = rows::change(change, &self.frame, self.cx)
                    .map_err(|error| error.at(&change.span))?;
                if *counted {
                    (self.give)(Value::Int(number as i64))?;
                }
            }
            Stmt::OpenCursor(cursor, sub) => self.open_cursor(cursor, sub)?,
            Stmt::FetchCursor(cursor, places, span) => self.fetch(cursor, places, span)?,
            Stmt::CloseCursor(cursor) => self.close_cursor(cursor),
            Stmt::Commit => Catalog::of(self.cx).commit()?,
            Stmt::Rollback => Catalog::of(self.cx).rollback(),
        }
        Ok(Flow::On)
    }

    fn open(&self, sub: &Sub) -> Result<Box<dyn Source>> {
        query::open(&sub.query, captured(sub, &self.frame), self.cx)
    }

    fn for_each(&mut self, rows: &Sub, into: &[Slot], body: &Stmt) -> Result<()> {
        // The body may change what the rows are taken from: they are all taken first, unless they
        // come from a stream.
        if !rows
            .query
            .steps
            .iter()
            .any(|step| matches!(step, crate::plan::Step::Iterate { stream: true, .. }))
        {
            let each = rows.query.operator("'for each'");
            let mut source = self.open(rows)?;
            let rows = EachRows::collect(&mut *source, into.len(), each, self.cx)?;
            drop(source);
            for row in 0..rows.len() {
                rows.bind(row, |variable, value| self.frame[into[variable]] = value);
                if self.statement(body)? == Flow::Leave {
                    break;
                }
            }
            return Ok(());
        }
        let mut live = self.open(rows)?;
        while let Some(row) = live.next(self.cx)? {
            self.bind(into, row);
            let ran = self.statement(body);
            if ran.map_err(|error| live.explain(error))? == Flow::Leave {
                break;
            }
        }
        Ok(())
    }

    fn bind(&mut self, into: &[Slot], row: Value) {
        match (into, row) {
            ([only], value) => self.frame[*only] = value,
            (several, Value::Vector(values)) => {
                for (slot, value) in several.iter().zip(values.iter()) {
                    self.frame[*slot] = value.clone();
                }
            }
            _ => {}
        }
    }

    fn assign(&mut self, places: &[AssignmentTarget], value: Option<Value>) -> Result<()> {
        let value = value.unwrap_or(Value::Null);
        if let [place] = places {
            return self.put(place, value);
        }
        for (i, place) in places.iter().enumerate() {
            let part = match &value {
                Value::Vector(parts) if parts.len() == places.len() => parts[i].clone(),
                Value::Null => Value::Null,
                other => {
                    let message = format!("{} variables, but one value: {other}", places.len());
                    return Err(Error::run(message));
                }
            };
            self.put(place, part)?;
        }
        Ok(())
    }

    fn put(&mut self, place: &AssignmentTarget, value: Value) -> Result<()> {
        nesting::check(&value)?;
        match place {
            AssignmentTarget::Session(name) => {
                Catalog::of(self.cx).variables.set(name, value, None)
            }
            AssignmentTarget::Slot(slot, ty) => {
                self.frame[*slot] = match value {
                    Value::Null => Value::Null,
                    value => conform(&value, ty).ok_or_else(|| {
                        Error::run(format!("the variable is declared {ty}, not for {value}"))
                    })?,
                };
                Ok(())
            }
        }
    }

    fn fetch(
        &mut self,
        cursor: &CursorName,
        places: &[AssignmentTarget],
        span: &Span,
    ) -> Result<()> {
        let row = match cursor {
            CursorName::Slot(slot) => self.fetch_own(*slot),
            CursorName::Session(name) => self.fetch_of_session(name),
        };
        match row {
            Some(row) => self.assign(places, row?),
            None => Err(Error::run("the cursor is not open").at(span)),
        }
    }

    /// The next row of a cursor of this procedure; `None` if it is not open.
    fn fetch_own(&mut self, slot: Slot) -> Option<Result<Option<Value>>> {
        let at = self.cursors.iter().position(|(open, _)| *open == slot)?;
        Some(self.cursors[at].1.next(self.cx))
    }

    /// The next row of a cursor of the session; `None` if it is not open.
    fn fetch_of_session(&self, name: &Arc<str>) -> Option<Result<Option<Value>>> {
        let cursors = &Host::of(self.cx).cursors;
        // Taken out meanwhile: what it reads may fetch from it, too.
        let mut cursor = lock(cursors).remove(name)?;
        let row = cursor.rows.next(&self.cx.within_cursor(&cursor.tokens));
        lock(cursors).insert(name.clone(), cursor);
        Some(row)
    }

    fn open_cursor(&mut self, cursor: &CursorName, sub: &Sub) -> Result<()> {
        match cursor {
            CursorName::Slot(slot) => {
                let rows = self.open(sub)?;
                self.close_cursor(cursor);
                self.cursors.push((*slot, rows));
            }
            CursorName::Session(name) => {
                let tokens = CursorTokens::new(self.cx.token.apart());
                let cx = self.cx.within_cursor(&tokens);
                let rows = query::open(&sub.query, captured(sub, &self.frame), &cx)?;
                let cursor = SessionCursor { rows, tokens };
                let replaced = lock(&Host::of(self.cx).cursors).insert(name.clone(), cursor);
                // Its threads end here, and not under the lock.
                drop(replaced);
            }
        }
        Ok(())
    }

    fn close_cursor(&mut self, cursor: &CursorName) {
        match cursor {
            CursorName::Slot(slot) => self.cursors.retain(|(open, _)| open != slot),
            CursorName::Session(name) => {
                let closed = lock(&Host::of(self.cx).cursors).remove(name);
                drop(closed);
            }
        }
    }
}
