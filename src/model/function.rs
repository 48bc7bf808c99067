//! Functions as objects: generic ones, and the resolvents behind them.

use std::any::Any;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use super::native::Native;
use crate::model::table::Table;
use crate::model::{Type, Value};
use crate::syntax::ast::{CreateFunction, Many};
use crate::text::diagnostic::Error;
use crate::text::wait::lock;

/// An argument or a result column of a function.
#[derive(Clone, Debug)]
pub struct Param {
    pub name: Option<Arc<str>>,
    pub ty: Type,
    /// Whether each value occurs at most once in a stored function.
    pub key: bool,
}

/// What goes into a function and what comes out.
#[derive(Clone, Debug)]
pub struct Signature {
    /// The generic name in lower case, with its namespace.
    pub name: Arc<str>,
    pub params: Vec<Param>,
    pub many: Many,
    /// More than one: the results are tuples. Never empty.
    pub columns: Vec<Param>,
}

impl Signature {
    /// The type of one result.
    pub fn row_type(&self) -> Type {
        match self.columns.as_slice() {
            [one] => one.ty.clone(),
            several => Type::Tuple(several.iter().map(|c| c.ty.clone()).collect()),
        }
    }

    /// The type of a call: a bag or stream where there are many results.
    pub fn result_type(&self) -> Type {
        match self.many {
            Many::One => self.row_type(),
            Many::Bag => Type::bag(self.row_type()),
            Many::Stream => Type::stream(self.row_type()),
        }
    }

    /// The name that tells this resolvent from the others: `person.name->charstring`.
    pub fn resolvent_name(&self) -> String {
        let mut name = String::new();
        for param in &self.params {
            name.push_str(&bare(&param.ty));
            name.push('.');
        }
        name.push_str(&self.name);
        name.push_str("->");
        let columns: Vec<_> = self.columns.iter().map(|c| bare(&c.ty)).collect();
        name + &columns.join(".")
    }

    /// Whether an argument is an array: such a resolvent does for elements what others do for numbers.
    pub fn takes_array(&self) -> bool {
        self.params
            .iter()
            .any(|param| matches!(param.ty, Type::Array(_)))
    }

    pub fn same_arguments(&self, other: &Signature) -> bool {
        self.params.len() == other.params.len()
            && self
                .params
                .iter()
                .zip(&other.params)
                .all(|(a, b)| a.ty == b.ty)
    }
}

/// A type's name without its `of` part, in lower case.
fn bare(ty: &Type) -> String {
    let name = ty.to_string().to_lowercase();
    match name.split_once(" of ") {
        Some((outer, _)) => outer.to_owned(),
        None => name,
    }
}

impl Signature {
    /// Whether what the function gives is a stream.
    pub fn gives_stream(&self) -> bool {
        self.many == Many::Stream
            || matches!(&*self.columns, [one] if matches!(one.ty, Type::Stream(_)))
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |params: &[Param]| {
            let one = |p: &Param| match &p.name {
                Some(name) => format!("{} {name}", p.ty),
                None => p.ty.to_string(),
            };
            params.iter().map(one).collect::<Vec<_>>().join(", ")
        };
        write!(f, "{}({})->", self.name, list(&self.params))?;
        match self.many {
            Many::One => {}
            Many::Bag => f.write_str("Bag of ")?,
            Many::Stream => f.write_str("Stream of ")?,
        }
        match self.columns.as_slice() {
            [one] => write!(f, "{}", one.ty),
            several => write!(f, "({})", list(several)),
        }
    }
}

/// What a function does when it is called.
pub enum FunctionBody {
    /// A generic function: one of its resolvents does it, chosen by the arguments.
    Generic,
    Native(&'static Native),
    /// A query, compiled when it is first called and again when definitions have changed.
    Derived(Arc<CreateFunction>, Compiled),
    Procedure(Arc<CreateFunction>, Compiled),
    Stored(Arc<Table>),
    /// The rows of a stored function with its columns in other places.
    Inverse(View),
}

/// How the columns of a function, arguments then results, stand in the rows of a stored one.
#[derive(Clone)]
pub struct View {
    pub stored: Arc<Function>,
    /// For each column of the stored function the column of this one; nothing for the `true` of a
    /// predicate.
    pub columns: Vec<Option<usize>>,
}

impl View {
    /// The table of the stored function.
    pub fn table(&self) -> Option<&Arc<Table>> {
        match &self.stored.body {
            FunctionBody::Stored(table) => Some(table),
            _ => None,
        }
    }

    /// Whether the first `arity` columns, the arguments, determine the row.
    pub fn is_unique(&self, arity: usize) -> bool {
        let known = |column: &Option<usize>| column.is_none_or(|c| c < arity);
        let known: Vec<usize> = (0..self.columns.len())
            .filter(|i| known(&self.columns[*i]))
            .collect();
        self.table().is_some_and(|table| table.is_unique_by(&known))
    }

    /// The stored function's columns out of this one's.
    pub fn rearranged<T: Clone>(&self, own: &[T], yes: T) -> Vec<T> {
        let column = |c: &Option<usize>| c.and_then(|c| own.get(c)).unwrap_or(&yes).clone();
        self.columns.iter().map(column).collect()
    }

    /// The results out of a row of the stored function.
    pub fn results(&self, arity: usize, row: &[Value]) -> Value {
        let width = self
            .columns
            .iter()
            .flatten()
            .filter(|c| **c >= arity)
            .count();
        let result = |i: usize| {
            let at = self.columns.iter().position(|c| *c == Some(arity + i));
            at.map_or(Value::Null, |at| row[at].clone())
        };
        match width {
            1 => result(0),
            several => Value::vector((0..several).map(result)),
        }
    }
}

/// What the compiler made of a definition, and the state of the catalog that it was made in. The
/// model does not know plans, so it keeps them by their type alone.
#[derive(Default)]
pub struct Compiled(Mutex<Option<(u64, Arc<dyn Any + Send + Sync>)>>);

impl Compiled {
    /// The compiled form, if it was made in the catalog's state `epoch`.
    pub fn get<T: Any + Send + Sync>(&self, epoch: u64) -> Option<Arc<T>> {
        let compiled = lock(&self.0);
        let (made, plan) = compiled.as_ref()?;
        if *made != epoch {
            return None;
        }
        plan.clone().downcast().ok()
    }

    /// Keeps the form that was compiled in the catalog's state `epoch`.
    pub fn set<T: Any + Send + Sync>(&self, epoch: u64, plan: Arc<T>) {
        *lock(&self.0) = Some((epoch, plan));
    }
}

/// A function: a generic one, or one of its resolvents.
pub struct Function {
    id: u64,
    pub signature: Signature,
    pub body: FunctionBody,
    /// The documentation comment, or nothing.
    pub doc: Arc<str>,
    /// The definition as it was written.
    pub source: Arc<str>,
    /// The topic of a built-in function.
    pub topic: Option<&'static str>,
}

static NEXT_ID: AtomicU64 = AtomicU64::new(1);

impl Function {
    /// A resolvent defined by `definition`.
    pub fn new(
        signature: Signature,
        body: FunctionBody,
        definition: &CreateFunction,
        topic: Option<&'static str>,
    ) -> Function {
        Function {
            id: NEXT_ID.fetch_add(1, Relaxed),
            signature,
            body,
            doc: definition.comment.clone().unwrap_or_default().into(),
            source: definition.span.text().into(),
            topic,
        }
    }

    /// A table.
    pub fn table(signature: Signature, table: Table, doc: Option<&str>, source: &str) -> Function {
        Function {
            id: NEXT_ID.fetch_add(1, Relaxed),
            signature,
            body: FunctionBody::Stored(Arc::new(table)),
            doc: doc.unwrap_or_default().into(),
            source: source.into(),
            topic: None,
        }
    }

    /// The generic function of that name.
    pub fn generic(name: &str) -> Function {
        Function {
            id: NEXT_ID.fetch_add(1, Relaxed),
            signature: Signature {
                name: name.into(),
                params: vec![],
                many: Many::One,
                columns: vec![Param {
                    name: None,
                    ty: Type::Object,
                    key: false,
                }],
            },
            body: FunctionBody::Generic,
            doc: "".into(),
            source: "".into(),
            topic: None,
        }
    }

    pub fn name(&self) -> &Arc<str> {
        &self.signature.name
    }

    pub fn id(&self) -> u64 {
        self.id
    }

    /// The error for a stream as argument `i`, where the function is an operator over streams that must
    /// know a number to begin: it cannot be applied to each element of the one for all of the other.
    pub fn needs_one_number(&self, i: usize) -> Option<Error> {
        let params = &self.signature.params;
        let param = params.get(i)?;
        let number = matches!(param.ty, Type::Number | Type::Real | Type::Integer);
        let operator = params.iter().any(|p| matches!(p.ty, Type::Stream(_)));
        if self.is_user() || !number || !operator {
            return None;
        }
        let name = param.name.as_deref().unwrap_or("number");
        let message = format!(
            "'{}' must know its argument '{name}' to begin: one number, not a stream",
            self.name()
        );
        Some(
            Error::run(message)
                .help("first(s) is the first element of a stream")
                .help(format!("it is {}", self.signature)),
        )
    }

    /// Its row, where it is written in Rust.
    pub fn native(&self) -> Option<&'static Native> {
        match self.body {
            FunctionBody::Native(native) => Some(native),
            _ => None,
        }
    }

    pub fn arity(&self) -> usize {
        self.signature.params.len()
    }

    pub fn is_generic(&self) -> bool {
        matches!(self.body, FunctionBody::Generic)
    }

    /// Whether a user defined it.
    pub fn is_user(&self) -> bool {
        self.topic.is_none() && !self.is_generic()
    }
}

impl fmt::Display for Function {
    /// The generic name, or the name of the resolvent.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_generic() {
            f.write_str(self.name())
        } else {
            f.write_str(&self.signature.resolvent_name())
        }
    }
}

impl Ord for Function {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.name(), self.id).cmp(&(other.name(), other.id))
    }
}

impl PartialOrd for Function {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Function {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for Function {}

impl Hash for Function {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id.hash(state);
    }
}
