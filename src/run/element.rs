//! Which element of which stream an error is about.
//!
//! Whoever takes elements from a stream may fail on one of them: a condition of a query, a function
//! applied to each, an operator over streams. Calls of built-in functions are watched here, for all of
//! them alike: what is taken from a stream is counted on the way in, and an error that comes out while
//! the input goes on is about the element taken last. Queries count what they take themselves
//! ([`blame`]).

use std::sync::Arc;

use crate::host::failed;
use crate::model::collection::{Arrivals, FieldBatch};
use crate::model::counter::ElementCounter;
use crate::model::plot::PlotRequest;
use crate::model::{BatchColumn, Collection, Cx, Function, Numbers, Source, Type, Value};
use crate::plan::{PlanExpr, Query};
use crate::text::diagnostic::{Error, Kind, Result, Span, shortened};

/// `error` with the element that it is about: number `count`, from 1, of the stream named `stream`.
pub fn blame(error: Error, count: u64, stream: &str) -> Error {
    if error.kind() == Kind::Stopped || error.is_about_no_element() || count == 0 {
        return error;
    }
    error.context(format_args!("element {count} of {stream}"))
}

/// The error, said to be about the element `count` of the stream that a step goes through.
pub fn blame_of(error: Error, count: u64, over: &PlanExpr, names: &[Arc<str>]) -> Error {
    let name = name(over, names);
    blame(error, count, name.as_deref().unwrap_or("the stream"))
}

/// What a message calls the stream that `expr` is: as it is written. `names` are those of the slots.
pub fn name(expr: &PlanExpr, names: &[Arc<str>]) -> Option<String> {
    match expr {
        PlanExpr::Call(call) | PlanExpr::Arith(_, call) if !call.span.is_built_in() => {
            Some(one_line(call.span.text()))
        }
        PlanExpr::Session(name, _) => Some(format!(":{name}")),
        PlanExpr::Slot(slot) | PlanExpr::Known(slot) => {
            names.get(*slot).map(|name| name.to_string())
        }
        PlanExpr::Convert(inner, _) | PlanExpr::OrNull(inner) | PlanExpr::Singleton(inner) => {
            self::name(inner, names)
        }
        PlanExpr::Sub(sub) => only_column(&sub.query).and_then(|e| self::name(e, &sub.query.names)),
        _ => None,
    }
}

/// The expression that a query without steps is.
fn only_column(query: &Query) -> Option<&PlanExpr> {
    match query.output.columns.as_slice() {
        [only] if query.steps.is_empty() => Some(only),
        _ => None,
    }
}

/// A piece of the source in one line, cut where it is long.
fn one_line(text: &str) -> String {
    shortened(text.split_whitespace().collect::<Vec<_>>().join(" "), 60)
}

/// Calls a built-in function, by `call`, with what errors say of its stream: those of the call, and
/// those of the stream that it gives when that runs. `written` are the arguments as they stand in the
/// plan.
pub fn call(
    function: &Function,
    args: &mut [Value],
    written: &[PlanExpr],
    span: &Span,
    cx: &Cx,
    call: impl FnOnce(&mut [Value], &Cx) -> Result<Option<Value>>,
) -> Result<Option<Value>> {
    let input = only_stream(function, args);
    let site = Site {
        live: function.native().is_some_and(|native| native.live),
        span: span.clone(),
        stream: input
            .and_then(|at| name(written.get(at)?, &[]))
            .unwrap_or_else(|| format!("the stream of {}", called(function, span))),
    };
    let given = input.and_then(|at| watch(&mut args[at]));
    let counter = Arc::new(ElementCounter::default());
    let result =
        call(args, &cx.counting(counter.clone())).map_err(|error| site.explain(error, &counter))?;
    let same = |c: &Arc<dyn Collection>| {
        let watched = given.as_ref().map(|(watched, _)| watched);
        watched.is_some_and(|watched| Arc::ptr_eq(c, watched))
    };
    Ok(result.map(|result| match (result, given.as_ref()) {
        // What the function passes on as it is needs nobody to watch it.
        (Value::Stream(c), Some((_, original))) if same(&c) => Value::Stream(original.clone()),
        (Value::Bag(c), Some((_, original))) if same(&c) => Value::Bag(original.clone()),
        // What is known to the last element does not fail.
        (Value::Stream(c), _) if c.known_len().is_none() => Value::Stream(output(c, site)),
        (Value::Bag(c), Some(_)) if c.known_len().is_none() => Value::Bag(output(c, site)),
        (result, _) => result,
    }))
}

/// What a call says it calls: a plan may have put another function in its place.
fn called<'a>(function: &'a Function, span: &'a Span) -> &'a str {
    match span.text().split_once('(') {
        Some((name, _)) if !span.is_built_in() && !name.is_empty() => name.trim_end(),
        _ => function.name(),
    }
}

/// Whether a call with these arguments is worth watching.
pub fn concerns(function: &Function, args: &[Value]) -> bool {
    matches!(function.signature.columns.as_slice(), [one] if one.ty.is_collection())
        || function.signature.many == crate::syntax::ast::Many::Stream
        || args.iter().any(|arg| matches!(arg, Value::Stream(_)))
}

/// The only argument that is a stream.
fn only_stream(function: &Function, args: &[Value]) -> Option<usize> {
    let is_stream = |at: &usize| match &args[*at] {
        Value::Stream(_) => true,
        Value::Bag(_) => {
            let param = function.signature.params.get(*at);
            param.is_some_and(|param| matches!(param.ty, Type::Stream(_)))
        }
        _ => false,
    };
    let mut streams = (0..args.len()).filter(is_stream);
    let first = streams.next();
    first.filter(|_| streams.next().is_none())
}

/// Puts a watched collection in the place of `value`; gives that and the original.
fn watch(value: &mut Value) -> Option<(Arc<dyn Collection>, Arc<dyn Collection>)> {
    let original = value.collection()?.clone();
    let watched: Arc<dyn Collection> = Arc::new(Input(original.clone()));
    *value = match value {
        Value::Bag(_) => Value::Bag(watched.clone()),
        _ => Value::Stream(watched.clone()),
    };
    Some((watched, original))
}

fn output(collection: Arc<dyn Collection>, site: Site) -> Arc<dyn Collection> {
    Arc::new(Output {
        collection,
        site: Arc::new(site),
    })
}

/// Where a function was called, and what its stream is called.
struct Site {
    /// Whether the function's own elements arrive over time.
    live: bool,
    span: Span,
    stream: String,
}

impl Site {
    fn explain(&self, error: Error, counter: &ElementCounter) -> Error {
        self.explain_at(error, counter.latest())
    }

    /// The same, where the element that is being worked on is known to be that of this number.
    fn explain_at(&self, error: Error, latest: Option<u64>) -> Error {
        if error.kind() == Kind::Stopped {
            return error;
        }
        blame(error, latest.unwrap_or(0), &self.stream).at(&self.span)
    }
}

/// A stream on its way into a function: counts for whoever watches the call.
struct Input(Arc<dyn Collection>);

impl Collection for Input {
    fn open(&self, cx: &Cx) -> Result<Box<dyn Source>> {
        let (counter, cx) = cx.without_counter();
        let Some(counter) = counter else {
            return self.0.open(&cx);
        };
        counter.restart();
        let source = self.0.open(&cx).inspect_err(|_| counter.end())?;
        Ok(Box::new(InputRun {
            source,
            counter,
            begun: false,
        }))
    }

    fn as_slice(&self) -> Option<&[Value]> {
        self.0.as_slice()
    }

    fn known_len(&self) -> Option<u64> {
        self.0.known_len()
    }
}

struct InputRun {
    source: Box<dyn Source>,
    counter: Arc<ElementCounter>,
    /// Whether the first element has come.
    begun: bool,
}

impl InputRun {
    /// Counts a batch, whose elements `size` tells.
    fn count<T>(&self, batch: Result<Option<T>>, size: impl Fn(&T) -> usize) -> Result<Option<T>> {
        match &batch {
            Ok(Some(batch)) => {
                self.counter.batch(size(batch));
                self.counter.set_live(self.source.is_live());
            }
            Ok(None) => self.counter.single(),
            Err(_) => self.counter.end(),
        }
        batch
    }
}

impl Source for InputRun {
    fn is_live(&self) -> bool {
        self.source.is_live()
    }

    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        let element = self.source.next(cx);
        match element {
            Ok(Some(_)) => {
                self.counter.one_more();
                if !self.begun {
                    self.begun = true;
                    self.counter.set_live(self.source.is_live());
                }
            }
            _ => self.counter.end(),
        }
        element
    }

    fn numbers(&mut self, cx: &Cx) -> Result<Option<Numbers>> {
        let batch = self.source.numbers(cx);
        self.count(batch, Numbers::len)
    }

    fn column(&mut self, cx: &Cx) -> Result<Option<BatchColumn>> {
        let batch = self.source.column(cx);
        self.count(batch, BatchColumn::len)
    }

    fn columns(&mut self, cx: &Cx) -> Result<Option<Vec<BatchColumn>>> {
        let batch = self.source.columns(cx);
        self.count(batch, |columns| columns.first().map_or(0, BatchColumn::len))
    }

    fn fields(&mut self, cx: &Cx) -> Result<Option<FieldBatch>> {
        let batch = self.source.fields(cx);
        self.count(batch, FieldBatch::len)
    }

    fn arrivals(&mut self, most: usize, cx: &Cx) -> Result<Option<Arrivals>> {
        let batch = self.source.arrivals(most, cx);
        self.count(batch, |arrivals| arrivals.column.len())
    }

    fn skip(&mut self, cx: &Cx) -> Result<Option<usize>> {
        let batch = self.source.skip(cx);
        self.count(batch, |size| *size)
    }
}

/// What a function gives: errors say where it was called, and on which element they came.
struct Output {
    collection: Arc<dyn Collection>,
    site: Arc<Site>,
}

impl Collection for Output {
    fn open(&self, cx: &Cx) -> Result<Box<dyn Source>> {
        let counter = Arc::new(ElementCounter::default());
        let source = self
            .collection
            .open(&cx.counting(counter.clone()))
            .map_err(|error| self.site.explain(error, &counter))?;
        Ok(Box::new(OutputRun {
            source,
            counter,
            site: self.site.clone(),
            failed_at: 0,
        }))
    }

    fn as_slice(&self) -> Option<&[Value]> {
        self.collection.as_slice()
    }

    fn known_len(&self) -> Option<u64> {
        self.collection.known_len()
    }
}

struct OutputRun {
    source: Box<dyn Source>,
    counter: Arc<ElementCounter>,
    site: Arc<Site>,
    /// The number of the latest element that was set aside, from 1.
    failed_at: u64,
}

impl OutputRun {
    fn explained(&self, error: Error) -> Error {
        let latest = self.counter.latest().or_else(|| self.source.taken());
        self.site.explain_at(error, latest)
    }

    /// Sets the input's latest element aside, where `error` is about it and the input is live. An
    /// operator that fails again on the same element would do so for ever.
    fn set_aside(&mut self, error: Error, cx: &Cx) -> Result<()> {
        let latest = self.counter.latest().or_else(|| self.source.taken());
        let latest = latest.unwrap_or(0);
        let explained = self.explained(error);
        if latest <= self.failed_at || !self.counter.is_live() {
            return Err(explained);
        }
        self.failed_at = latest;
        failed::set_aside(explained, cx)
    }
}

impl Source for OutputRun {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        loop {
            match self.source.next(cx) {
                Ok(element) => return Ok(element),
                Err(error) => self.set_aside(error, cx)?,
            }
        }
    }

    fn is_live(&self) -> bool {
        self.site.live || self.counter.is_live() || self.source.is_live()
    }

    fn plot(&self) -> Option<&Arc<PlotRequest>> {
        self.source.plot()
    }

    fn numbers(&mut self, cx: &Cx) -> Result<Option<Numbers>> {
        let batch = self.source.numbers(cx);
        batch.map_err(|error| self.explained(error))
    }

    fn column(&mut self, cx: &Cx) -> Result<Option<BatchColumn>> {
        let batch = self.source.column(cx);
        batch.map_err(|error| self.explained(error))
    }

    fn columns(&mut self, cx: &Cx) -> Result<Option<Vec<BatchColumn>>> {
        let batch = self.source.columns(cx);
        batch.map_err(|error| self.explained(error))
    }

    fn fields(&mut self, cx: &Cx) -> Result<Option<FieldBatch>> {
        let batch = self.source.fields(cx);
        batch.map_err(|error| self.explained(error))
    }

    fn arrivals(&mut self, most: usize, cx: &Cx) -> Result<Option<Arrivals>> {
        let batch = self.source.arrivals(most, cx);
        batch.map_err(|error| self.explained(error))
    }

    fn skip(&mut self, cx: &Cx) -> Result<Option<usize>> {
        let skipped = self.source.skip(cx);
        skipped.map_err(|error| self.explained(error))
    }
}
