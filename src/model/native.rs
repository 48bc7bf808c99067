//! Functions written in Rust: the rows of the topics' tables.

use super::{Args, BatchColumn, Cx, Value};
use crate::text::diagnostic::Result;
use crate::text::stoppable::Looks;

/// The Rust of a built-in function, declared in OSQL by `as foreign 'topic:name'`.
///
/// Overload resolution has seen to it that the arguments fit the declared types: a `Real` is a
/// [`Value::Real`], an `Integer` a [`Value::Int`] (whole reals have been converted), a `Bag` a
/// [`Value::Bag`]; an `Object`, `Number` or `Vector` may be any value of that type. A null is passed
/// only to arguments declared `Object`; elsewhere it makes the result empty without a call.
///
/// Gives `None` for no result; a `Boolean` that is false is no result as well. A bag or stream is
/// given as one value, opened by whoever reads it.
pub type NativeCode = fn(&Cx, Args) -> Result<Option<Value>>;

/// The Rust of a function that changes the value of a variable: it is given the value, and the
/// arguments behind the variable.
pub type ChangeCode = fn(&Cx, &mut Value, Args) -> Result<()>;

/// A topic's functions.
pub type Natives = &'static [Native];

/// A row of a topic's table: a function and all that compiling and running must know of it. Whoever
/// asks reads it here; nothing asks for a function by its name.
pub struct Native {
    /// The name in the `foreign` clause of its declarations.
    pub name: &'static str,
    pub code: NativeCode,
    pub volatility: Volatility,
    /// Whether it is called for nothing but what it does, so that what it gives is no answer: the name that
    /// it was given, or that it went well. A pipe does not get it.
    pub only_acts: bool,
    /// Whether the stream that it gives has elements that arrive over time.
    pub live: bool,
    /// Whether it gives nothing before the collection that it takes has ended. Aggregates do so anyway.
    pub needs_end: bool,
    /// Whether it reads files. They stay as they are as long as a query over finite data runs; one over
    /// what arrives over time sees that they change.
    pub reads_files: bool,
    /// Whether it calls the functions that it is given, so that their state is its own.
    pub calls_functions: bool,
    pub call_form: CallForm,
    /// How it changes a variable, where it does: [`CallForm::ChangesVariable`].
    pub change: Option<ChangeCode>,
    /// Its form over columns, where it has one.
    pub batch: Option<BatchForm>,
    /// The aggregate that it is, where it is one that needs no element twice.
    pub aggregate: Option<AggregateKind>,
    /// For a function that reads records or vectors: the function of the same name that takes the same
    /// arguments, and keys or positions in a vector behind them, and need give no other fields. A
    /// vector's elements stay at their positions.
    pub fields: Option<&'static str>,
    /// Whether it is such a function, and gives a stream whose elements come by
    /// [`Source::fields`](super::Source::fields).
    pub streams_fields: bool,
    /// For a function that reads a record from the text in its first argument: how the fields with some
    /// keys are read from a column of such texts, or of binaries that hold them.
    pub fields_of_texts: Option<FieldsOfTexts>,
    /// Whether it gives the text that the bytes of a binary are.
    pub is_text_of_binary: bool,
    /// Whether it gives the field of a record, or the element of a vector, that its second argument names.
    pub gives_field: bool,
    /// Which arguments, counted from 0, are positions, which count from 1.
    pub positions: &'static [usize],
    /// Which part of a stamped value it gives, where it does nothing else.
    pub stamp: Option<Stamp>,
    /// For a function that makes windows of a stream: what computes aggregates over these windows
    /// without making them.
    pub window_aggregates: Option<WindowAggregates>,
    /// The names of the options that its record of options may have.
    pub options: &'static [&'static str],
    /// How many elements it gives, as far as that is known before it is called, for plans that people
    /// read. Without it, as many as the collection that it takes has.
    pub rows: Option<fn(RowsOf) -> Option<f64>>,
}

/// What is known of a call before it runs: the arguments that are constants, and how many elements the
/// first collection among the arguments has.
#[derive(Clone, Copy)]
pub struct RowsOf<'a> {
    pub values: &'a [Option<Value>],
    pub taken: Option<f64>,
}

impl RowsOf<'_> {
    /// The argument as a real, where it is a number that is known.
    pub fn number(&self, i: usize) -> Option<f64> {
        self.values.get(i)?.as_ref()?.as_real()
    }

    /// From one argument to another, both included, but not more than what is taken.
    pub fn between(&self, from: usize, to: usize) -> Option<f64> {
        let count = (self.number(to)? - self.number(from)? + 1.0).max(0.0);
        Some(self.taken.map_or(count, |taken| taken.min(count)))
    }

    /// As many as an argument says, but not more than what is taken.
    pub fn at_most(&self, i: usize) -> Option<f64> {
        let count = self.number(i)?;
        Some(self.taken.map_or(count, |taken| taken.min(count)))
    }

    /// So many bytes make a row: how many rows the file has that an argument names.
    pub fn of_file(&self, i: usize, bytes_of_row: f64) -> Option<f64> {
        let name = self.values.get(i)?.as_ref()?.as_str()?;
        let bytes = std::fs::metadata(name).ok()?.len() as f64;
        Some((bytes / bytes_of_row).ceil())
    }
}

/// The parts of a stamped value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stamp {
    /// The time without the value.
    Time,
    Value,
}

/// What computes aggregates over windows without making them: a function that takes the same arguments and
/// then the aggregates. It gives vectors of their results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowAggregates {
    pub function: &'static str,
    /// Whether the windows are stamped; the end of each stands before its results then.
    pub stamped: bool,
}

/// What a call depends on beside its arguments, and what it changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Volatility {
    /// The same arguments give the same result as long as a statement runs.
    Immutable,
    /// Results differ from call to call: with time, chance, or what goes on outside.
    Volatile,
    /// It is called for what it does: it changes objects, files, clients, flows, the console.
    Acting,
}

/// How the compiler treats the arguments of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallForm {
    /// They are evaluated, and the function is called with their values.
    Ordinary,
    /// Where the first argument fails, the second is the result: `try(expression, otherwise)`. The
    /// second is evaluated only then.
    Guarded,
    /// An argument that is a query is not run: the function is about its plan, `explain(select …)`.
    Planned,
    /// The first argument is a variable that the call changes, `setf(:b,1,255)`: the function is given
    /// the name of a session variable. The variable of a procedure, and in `_do` that of a query, is
    /// changed where it is, by [`Native::change`].
    ChangesVariable,
    /// A condition that gives a variable a value, its second argument: `_assign(variable, expression)`.
    AssignsVariable,
    /// A condition that holds once its argument has been evaluated for all values that the variables can
    /// have which only it uses: `_do(expression)`.
    EvaluatesForAll,
    /// A key of `group by` that says into which windows of time rows fall: `window(size)`.
    GroupWindow(GroupWindowForm),
    /// The beginning or the end of a group's window.
    WindowBound { end: bool },
    /// The first argument is a function that the others are given to: `call(f,x)` is a call of `f` with
    /// `x`. The function `with_vector` does the same with the arguments in a vector, where it is not
    /// known which function it will be, and bags among the arguments have to stay whole.
    Applies { with_vector: &'static str },
    /// The first argument is a function that is applied again and again to what it gives, from the
    /// second on. Where that is not known, it is each of the nodes that the function `nodes` gives.
    TransitiveClosure { nodes: &'static str },
}

/// How a key of `group by` makes windows of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupWindowForm {
    /// Whether the first argument is the time of a row; else it is found by the row's variables.
    pub explicit_time: bool,
    /// Whether a gap in time ends a window; else windows have a size.
    pub gap: bool,
}

/// How a function is computed over columns. Where a row has no result, or the function fails on it, the
/// whole has none, and the evaluator takes the rows one by one.
#[derive(Clone, Copy)]
pub enum BatchForm {
    /// A function of one real.
    OfReal(fn(f64) -> f64),
    /// Its results.
    Column(fn(BatchArgs) -> Option<BatchColumn>),
    /// For each row, whether it holds.
    Condition(fn(BatchArgs) -> Option<Vec<bool>>),
}

/// The arguments of a function for a batch of rows, each a column of the declared type: a number declared
/// real is one. Integers are not made of reals, a batch that has such is left to the evaluator.
#[derive(Clone, Copy)]
pub struct BatchArgs<'a> {
    pub columns: &'a [BatchColumn],
    pub rows: usize,
    /// What is asked now and then whether to stop.
    pub looks: &'a Looks<'a>,
}

/// The fields with the given keys of the records that a column of texts holds, a column for each key. `None`
/// where one of the texts is no record, as the evaluator has to say what is wrong with it.
pub type FieldsOfTexts = fn(BatchArgs, keys: &[Value]) -> Option<Vec<BatchColumn>>;

impl BatchForm {
    pub fn is_condition(self) -> bool {
        matches!(self, BatchForm::Condition(_))
    }
}

/// The aggregates that take their elements one by one. `run::aggregate` computes them, over bags,
/// groups and windows alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AggregateKind {
    /// The number of elements, nulls included.
    Count,
    Sum,
    Mean,
    /// The sample standard deviation.
    Stdev,
    Min,
    Max,
}

impl Native {
    /// A function that is nothing but its code: the same arguments give the same result. Functions
    /// among the arguments are called.
    pub const fn new(name: &'static str, code: NativeCode) -> Native {
        Native {
            name,
            code,
            volatility: Volatility::Immutable,
            only_acts: false,
            live: false,
            needs_end: false,
            reads_files: false,
            calls_functions: true,
            call_form: CallForm::Ordinary,
            change: None,
            batch: None,
            aggregate: None,
            fields: None,
            streams_fields: false,
            fields_of_texts: None,
            is_text_of_binary: false,
            gives_field: false,
            positions: &[],
            stamp: None,
            window_aggregates: None,
            options: &[],
            rows: None,
        }
    }

    /// The same, whose results differ from call to call.
    pub const fn volatile(mut self) -> Native {
        self.volatility = Volatility::Volatile;
        self
    }

    /// The same, called for what it does.
    pub const fn acting(mut self) -> Native {
        self.volatility = Volatility::Acting;
        self
    }

    /// The same, called for what it does, and for no answer.
    pub const fn only_acting(mut self) -> Native {
        self.only_acts = true;
        self.acting()
    }

    /// The same, whose stream has elements that arrive over time.
    pub const fn live(mut self) -> Native {
        self.live = true;
        self
    }

    /// The same, which gives nothing before the collection that it takes has ended.
    pub const fn needs_end(mut self) -> Native {
        self.needs_end = true;
        self
    }

    /// The same, which reads files.
    pub const fn reads_files(mut self) -> Native {
        self.reads_files = true;
        self
    }

    /// The same, which looks at the functions that it is given and does not call them.
    pub const fn quotes_functions(mut self) -> Native {
        self.calls_functions = false;
        self
    }

    /// The same, whose arguments the compiler treats so.
    pub const fn call_form(mut self, form: CallForm) -> Native {
        self.call_form = form;
        self
    }

    /// The same, which changes the variable that is its first argument.
    pub const fn changing_variable(mut self, change: ChangeCode) -> Native {
        self.call_form = CallForm::ChangesVariable;
        self.change = Some(change);
        self
    }

    /// The same, which can be computed over columns.
    pub const fn batch(mut self, form: BatchForm) -> Native {
        self.batch = Some(form);
        self
    }

    /// The same, which is this aggregate.
    pub const fn aggregate(mut self, kind: AggregateKind) -> Native {
        self.aggregate = Some(kind);
        self
    }

    /// The same, of whose records or vectors the function `name` gives some fields only.
    pub const fn fields(mut self, name: &'static str) -> Native {
        self.fields = Some(name);
        self
    }

    /// The same, which gives a stream of some fields only.
    pub const fn streaming_fields(mut self) -> Native {
        self.streams_fields = true;
        self
    }

    /// The same, which reads records from texts, whose fields can be read so.
    pub const fn fields_of_texts(mut self, read: FieldsOfTexts) -> Native {
        self.fields_of_texts = Some(read);
        self
    }

    /// The same, which gives the text that the bytes of a binary are.
    pub const fn text_of_binary(mut self) -> Native {
        self.is_text_of_binary = true;
        self
    }

    /// The same, which gives a field of its first argument.
    pub const fn giving_field(mut self) -> Native {
        self.gives_field = true;
        self
    }

    /// The same, of whose arguments these are positions.
    pub const fn positions(mut self, positions: &'static [usize]) -> Native {
        self.positions = positions;
        self
    }

    /// The same, which takes a record of options with these names.
    pub const fn options(mut self, names: &'static [&'static str]) -> Native {
        self.options = names;
        self
    }

    /// The same, which gives so many elements.
    pub const fn rows(mut self, rows: fn(RowsOf) -> Option<f64>) -> Native {
        self.rows = Some(rows);
        self
    }

    /// The same, which gives that part of a stamped value.
    pub const fn giving_stamp(mut self, stamp: Stamp) -> Native {
        self.stamp = Some(stamp);
        self
    }

    /// The same, which makes windows, over which the function `name` aggregates.
    pub const fn window_aggregates(mut self, name: &'static str) -> Native {
        self.window_aggregates = Some(WindowAggregates {
            function: name,
            stamped: false,
        });
        self
    }

    /// The same, which makes stamped windows.
    pub const fn stamped_window_aggregates(mut self, name: &'static str) -> Native {
        self.window_aggregates = Some(WindowAggregates {
            function: name,
            stamped: true,
        });
        self
    }
}
