//! A value of the language.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, LazyLock};

use num_complex::Complex64;

use crate::model::array::ArrayParts;
use crate::model::collection::{Collection, Elements, FromFn, HeldBag};
use crate::model::{Array, Function, Object, Record, Timeval, Type, number};
use crate::syntax::ast::Literal;

/// A value of the language. Cloning is cheap: whatever is large is shared.
#[derive(Clone)]
pub enum Value {
    /// A value that is not there.
    Null,
    Bool(bool),
    Int(i64),
    Real(f64),
    Complex(Box<Complex64>),
    Str(Arc<str>),
    Binary(Arc<[u8]>),
    /// Also the tuples of a `select` with several results.
    Vector(Arc<[Value]>),
    /// Numbers of one format, packed.
    Array(Arc<Array>),
    Record(Arc<Record>),
    /// A point in time, with or without a value that it stamps.
    Time(Arc<Timeval>),
    Bag(Arc<dyn Collection>),
    Stream(Arc<dyn Collection>),
    Function(Arc<Function>),
    Type(Type),
    /// What functions are about: its name.
    Topic(Arc<str>),
    Object(Arc<Object>),
}

impl Value {
    pub fn str(text: impl AsRef<str>) -> Value {
        Value::Str(Arc::from(text.as_ref()))
    }

    pub fn binary(bytes: impl AsRef<[u8]>) -> Value {
        Value::Binary(Arc::from(bytes.as_ref()))
    }

    pub fn vector(elements: impl IntoIterator<Item = Value>) -> Value {
        Value::Vector(elements.into_iter().collect())
    }

    pub fn array(array: Array) -> Value {
        Value::Array(Arc::new(array))
    }

    pub fn record(record: Record) -> Value {
        Value::Record(Arc::new(record))
    }

    pub fn complex(c: Complex64) -> Value {
        Value::Complex(Box::new(c))
    }

    /// A bag of these elements, held in memory.
    pub fn bag(elements: Vec<Value>) -> Value {
        Value::Bag(Arc::new(HeldBag::new(elements)))
    }

    /// A bag that `open` starts anew each time it is read.
    pub fn bag_from<F>(open: F) -> Value
    where
        F: Fn(&crate::model::Cx) -> crate::text::diagnostic::Result<Box<dyn crate::model::Source>>
            + Send
            + Sync
            + 'static,
    {
        Value::Bag(Arc::new(FromFn(open)))
    }

    /// A stream that `open` starts anew each time it is read.
    pub fn stream_from<F>(open: F) -> Value
    where
        F: Fn(&crate::model::Cx) -> crate::text::diagnostic::Result<Box<dyn crate::model::Source>>
            + Send
            + Sync
            + 'static,
    {
        Value::Stream(Arc::new(FromFn(open)))
    }

    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    /// Whether the value stands for many: a bag or a stream.
    pub fn is_collection(&self) -> bool {
        matches!(self, Value::Bag(_) | Value::Stream(_))
    }

    /// The bag or stream that this is.
    pub fn collection(&self) -> Option<&Arc<dyn Collection>> {
        match self {
            Value::Bag(c) | Value::Stream(c) => Some(c),
            _ => None,
        }
    }

    /// The elements of a bag, stream or vector as they come; any other value is its only element.
    pub fn elements(
        &self,
        cx: &crate::model::Cx,
    ) -> crate::text::diagnostic::Result<Box<dyn crate::model::Source>> {
        match self {
            Value::Bag(c) | Value::Stream(c) => c.open(cx),
            Value::Vector(v) => Ok(Box::new(Elements::new(v.clone()))),
            Value::Array(a) => Ok(Box::new(ArrayParts::new(a.clone()))),
            other => Ok(Box::new(Elements::new([other.clone()].into()))),
        }
    }

    /// The number as a real, where it is one.
    pub fn as_real(&self) -> Option<f64> {
        match self {
            Value::Int(i) => Some(*i as f64),
            Value::Real(r) => Some(*r),
            _ => None,
        }
    }

    /// The number as an integer; a real that is whole passes.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Value::Int(i) => Some(*i),
            Value::Real(r) => number::whole(*r),
            _ => None,
        }
    }

    /// A string of one character. Those of ASCII take no memory of their own.
    pub fn character(c: char) -> Value {
        static ASCII: LazyLock<Vec<Arc<str>>> = LazyLock::new(|| {
            let text = |byte: u8| char::from(byte).to_string().into();
            (0..128).map(text).collect()
        });
        match ASCII.get(c as usize) {
            Some(known) => Value::Str(known.clone()),
            None => Value::str(c.encode_utf8(&mut [0; 4])),
        }
    }

    /// Whether reading the value again gives the same, as long as nothing that is stored changes. A bag
    /// may be made anew, and otherwise, whenever it is read.
    pub fn is_repeatable(&self, cx: &crate::model::Cx) -> bool {
        match self {
            Value::Bag(bag) => bag.is_repeatable(cx),
            // Which elements there are is not known before they come.
            Value::Stream(_) => false,
            // It may be called.
            Value::Function(_) => false,
            Value::Vector(elements) => elements.iter().all(|e| e.is_repeatable(cx)),
            Value::Record(record) => record.iter().all(|(_, v)| v.is_repeatable(cx)),
            _ => true,
        }
    }

    /// How many steps it takes at most, or nearly, to compare or hash the value, for
    /// [`crate::text::stoppable`].
    pub fn steps(&self) -> usize {
        1 + match self {
            Value::Vector(elements) => elements.len(),
            Value::Array(array) => array.count(),
            Value::Record(record) => 4 * record.len(),
            Value::Str(text) => text.len() / 16,
            Value::Binary(bytes) => bytes.len() / 16,
            Value::Bag(bag) => bag.as_slice().map_or(0, <[Value]>::len),
            _ => 0,
        }
    }

    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::Str(s) => Some(s),
            _ => None,
        }
    }

    /// The most specific type of the value.
    pub fn type_of(&self) -> Type {
        match self {
            Value::Null => Type::Object,
            Value::Bool(_) => Type::Boolean,
            Value::Int(_) => Type::Integer,
            Value::Real(_) => Type::Real,
            Value::Complex(_) => Type::Complex,
            Value::Str(_) => Type::Charstring,
            Value::Binary(_) => Type::Binary,
            Value::Vector(_) => Type::vector(Type::Object),
            Value::Array(array) => Type::Array(Some(array.format())),
            Value::Record(_) => Type::Record,
            Value::Time(_) => Type::timeval(Type::Object),
            Value::Bag(_) => Type::bag(Type::Object),
            Value::Stream(_) => Type::stream(Type::Object),
            Value::Function(_) => Type::Function,
            Value::Type(_) => Type::Type,
            Value::Topic(_) => Type::Topic,
            Value::Object(o) => o.type_of(),
        }
    }

    /// Where values of this kind stand among those of other kinds when they are sorted together.
    fn rank(&self) -> u8 {
        match self {
            Value::Null => 0,
            Value::Bool(_) => 1,
            Value::Int(_) | Value::Real(_) => 2,
            Value::Complex(_) => 3,
            Value::Time(_) => 4,
            Value::Str(_) => 5,
            Value::Binary(_) => 6,
            Value::Vector(_) => 7,
            Value::Array(_) => 8,
            Value::Record(_) => 9,
            Value::Type(_) => 10,
            Value::Topic(_) => 11,
            Value::Function(_) => 12,
            Value::Object(_) => 13,
            Value::Bag(_) => 14,
            Value::Stream(_) => 15,
        }
    }
}

/// A total order over all values: numbers by amount whatever their type, strings by code point,
/// vectors element by element; values of different kinds by kind.
impl Ord for Value {
    fn cmp(&self, other: &Self) -> Ordering {
        use Value::*;
        match (self, other) {
            (Int(a), Int(b)) => a.cmp(b),
            (Real(a), Real(b)) => number::cmp_reals(*a, *b),
            (Int(a), Real(b)) => number::cmp_int_real(*a, *b),
            (Real(a), Int(b)) => number::cmp_int_real(*b, *a).reverse(),
            (Bool(a), Bool(b)) => a.cmp(b),
            (Complex(a), Complex(b)) => {
                number::cmp_reals(a.re, b.re).then(number::cmp_reals(a.im, b.im))
            }
            (Str(a), Str(b)) => a.cmp(b),
            (Binary(a), Binary(b)) => a.cmp(b),
            // What is one is not walked: it may be large.
            (Vector(a), Vector(b)) if Arc::ptr_eq(a, b) => Ordering::Equal,
            (Record(a), Record(b)) if Arc::ptr_eq(a, b) => Ordering::Equal,
            (Array(a), Array(b)) if Arc::ptr_eq(a, b) => Ordering::Equal,
            (Vector(a), Vector(b)) => a.cmp(b),
            (Array(a), Array(b)) => a.cmp(b),
            (Record(a), Record(b)) => a.cmp(b),
            (Time(a), Time(b)) => a.cmp(b),
            (Topic(a), Topic(b)) => a.cmp(b),
            (Type(a), Type(b)) => a.to_string().cmp(&b.to_string()),
            (Function(a), Function(b)) => a.cmp(b),
            (Object(a), Object(b)) => a.id().cmp(&b.id()),
            (Bag(a), Bag(b)) => match (a.as_slice(), b.as_slice()) {
                (Some(a), Some(b)) => a.cmp(b),
                _ => address(a).cmp(&address(b)),
            },
            (Stream(a), Stream(b)) => address(a).cmp(&address(b)),
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

fn address(collection: &Arc<dyn Collection>) -> usize {
    Arc::as_ptr(collection).cast::<()>() as usize
}

impl PartialOrd for Value {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Value {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        // What indexes are looked up by most, first.
        match (self, other) {
            (Value::Object(a), Value::Object(b)) => Arc::ptr_eq(a, b) || a.id() == b.id(),
            (Value::Int(a), Value::Int(b)) => a == b,
            _ => self.cmp(other) == Ordering::Equal,
        }
    }
}

impl Eq for Value {}

impl Hash for Value {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.rank().hash(state);
        match self {
            Value::Null | Value::Stream(_) | Value::Bag(_) => {}
            Value::Bool(b) => b.hash(state),
            Value::Int(i) => i.hash(state),
            Value::Real(r) => hash_real(*r, state),
            Value::Complex(c) => {
                hash_real(c.re, state);
                hash_real(c.im, state);
            }
            Value::Str(s) => s.hash(state),
            Value::Binary(b) => b.hash(state),
            Value::Vector(v) => v.hash(state),
            Value::Array(a) => a.hash(state),
            Value::Record(r) => r.hash(state),
            Value::Time(t) => t.hash(state),
            Value::Function(f) => f.hash(state),
            Value::Type(t) => t.to_string().hash(state),
            Value::Topic(name) => name.hash(state),
            Value::Object(o) => o.id().hash(state),
        }
    }
}

/// Reals that are equal, or equal an integer, hash alike.
fn hash_real<H: Hasher>(real: f64, state: &mut H) {
    match number::whole(real) {
        Some(i) => i.hash(state),
        // All that is not a number is equal.
        None if real.is_nan() => f64::NAN.to_bits().hash(state),
        None => real.to_bits().hash(state),
    }
}

impl From<&Literal> for Value {
    fn from(literal: &Literal) -> Value {
        match literal {
            Literal::Null => Value::Null,
            Literal::Bool(truth) => Value::Bool(*truth),
            Literal::Int(i) => Value::Int(*i),
            Literal::Real(r) => Value::Real(*r),
            Literal::Str(text) => Value::Str(text.clone()),
            Literal::Time(micros) => Value::Time(Timeval::at(*micros).into()),
        }
    }
}

impl From<i64> for Value {
    fn from(i: i64) -> Value {
        Value::Int(i)
    }
}

impl From<f64> for Value {
    fn from(r: f64) -> Value {
        Value::Real(r)
    }
}

impl From<bool> for Value {
    fn from(b: bool) -> Value {
        Value::Bool(b)
    }
}

impl From<&str> for Value {
    fn from(s: &str) -> Value {
        Value::str(s)
    }
}

impl From<String> for Value {
    fn from(s: String) -> Value {
        Value::str(s)
    }
}
