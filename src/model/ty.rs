//! Types, and which is a subtype of which.

use std::fmt;
use std::sync::Arc;

use crate::model::array::ArrayFormat;
use crate::model::{UserType, Value};

/// The type of a value, a variable, an argument or a result.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Type {
    /// Any single value.
    Object,
    /// Any value that can be written down: not an object of a user's type.
    Literal,
    Number,
    Integer,
    Real,
    Complex,
    Boolean,
    Charstring,
    Binary,
    Record,
    Function,
    /// The type of types.
    Type,
    Topic,
    /// A point in time, or a value of the inner type with a time stamp.
    Timeval(Arc<Type>),
    Vector(Arc<Type>),
    /// Packed numbers, of the format if there is one.
    Array(Option<ArrayFormat>),
    Bag(Arc<Type>),
    Stream(Arc<Type>),
    /// Several results together.
    Tuple(Arc<[Type]>),
    /// The root of the types that users create.
    Userobject,
    User(Arc<UserType>),
}

impl Type {
    pub fn timeval(of: Type) -> Type {
        Type::Timeval(Arc::new(of))
    }

    pub fn vector(of: Type) -> Type {
        Type::Vector(Arc::new(of))
    }

    pub fn bag(of: Type) -> Type {
        Type::Bag(Arc::new(of))
    }

    pub fn stream(of: Type) -> Type {
        Type::Stream(Arc::new(of))
    }

    pub fn matrix() -> Type {
        Type::vector(Type::vector(Type::Number))
    }

    /// The built-in type of that name, in any case, without its `of` part.
    pub fn named(name: &str) -> Option<Type> {
        Some(match name.to_ascii_lowercase().as_str() {
            "object" => Type::Object,
            "literal" => Type::Literal,
            "number" => Type::Number,
            "integer" => Type::Integer,
            "real" => Type::Real,
            "complex" => Type::Complex,
            "boolean" => Type::Boolean,
            "charstring" => Type::Charstring,
            "binary" => Type::Binary,
            "record" => Type::Record,
            "function" => Type::Function,
            "type" => Type::Type,
            "topic" => Type::Topic,
            "timeval" => Type::timeval(Type::Object),
            "vector" => Type::vector(Type::Object),
            "matrix" => Type::matrix(),
            "array" => Type::Array(None),
            "bag" => Type::bag(Type::Object),
            "stream" => Type::stream(Type::Object),
            "userobject" => Type::Userobject,
            _ => return None,
        })
    }

    /// The type that a name of SQL, in lower case, stands for where OSQL has none of that name.
    pub fn named_in_sql(name: &str) -> Option<Type> {
        Some(match name {
            "int" | "bigint" | "smallint" | "tinyint" => Type::Integer,
            "float" | "double" | "double precision" => Type::Real,
            "numeric" | "decimal" => Type::Number,
            "varchar" | "char" | "character" | "character varying" | "text" => Type::Charstring,
            "bool" => Type::Boolean,
            "blob" => Type::Binary,
            "timestamp" | "datetime" => Type::timeval(Type::Object),
            _ => return None,
        })
    }

    /// The type of a value with that of its elements, where they are at hand: of a vector, whether it
    /// is one of numbers or of vectors.
    pub fn of(value: &Value) -> Type {
        match value {
            // An empty vector may be one of anything.
            Value::Vector(v) if v.is_empty() => Type::vector(Type::Object),
            Value::Vector(v) if v.iter().all(|e| e.as_real().is_some()) => {
                Type::vector(Type::Number)
            }
            Value::Vector(v) => Type::vector(Type::of_all(v)),
            other => other.type_of(),
        }
    }

    /// A type that all these values are of.
    pub fn of_all(values: &[Value]) -> Type {
        let Some((first, rest)) = values.split_first() else {
            return Type::Object;
        };
        let mut joined = Type::of(first);
        for value in rest {
            match (&joined, value) {
                (Type::Object, _) => break,
                // Most vectors are long and of one type.
                (Type::Integer | Type::Number, Value::Int(_))
                | (Type::Real | Type::Number, Value::Real(_))
                | (Type::Charstring, Value::Str(_)) => continue,
                _ => {}
            }
            joined = joined.join(&Type::of(value));
        }
        joined
    }

    /// Whether values of the type stand for many.
    pub fn is_collection(&self) -> bool {
        matches!(self, Type::Bag(_) | Type::Stream(_))
    }

    /// The type of the elements of a bag, stream or vector; any other type is its own.
    pub fn element(&self) -> &Type {
        match self {
            Type::Bag(of) | Type::Stream(of) | Type::Vector(of) => of,
            other => other,
        }
    }

    /// The type of the elements of a bag or stream; any other type is its own.
    pub fn element_of_collection(&self) -> Type {
        match self {
            Type::Bag(of) | Type::Stream(of) => (**of).clone(),
            other => other.clone(),
        }
    }

    /// The types directly above, nearest first.
    pub fn supertypes(&self) -> Vec<Type> {
        match self {
            Type::Object => vec![],
            Type::Integer | Type::Real => vec![Type::Number],
            Type::Number
            | Type::Complex
            | Type::Boolean
            | Type::Charstring
            | Type::Binary
            | Type::Record
            | Type::Array(None)
            | Type::Timeval(_) => vec![Type::Literal],
            Type::Array(Some(_)) => vec![Type::Array(None)],
            Type::User(user) => user.supertypes(),
            Type::Vector(of) if **of != Type::Object => vec![Type::vector(Type::Object)],
            _ => vec![Type::Object],
        }
    }

    /// Whether every value of `self` is also one of `other`.
    pub fn is_subtype_of(&self, other: &Type) -> bool {
        if self == other {
            return true;
        }
        match (self, other) {
            (Type::Timeval(a), Type::Timeval(b))
            | (Type::Vector(a), Type::Vector(b))
            | (Type::Bag(a), Type::Bag(b))
            | (Type::Stream(a), Type::Stream(b)) => a.is_subtype_of(b),
            (Type::Tuple(a), Type::Tuple(b)) => {
                a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| a.is_subtype_of(b))
            }
            (Type::Tuple(_), Type::Vector(of)) => **of == Type::Object,
            (Type::Bag(_) | Type::Stream(_), Type::Object) => false,
            (Type::User(a), Type::User(b)) => a.is_subtype_of(b),
            _ => self.supertypes().iter().any(|t| t.is_subtype_of(other)),
        }
    }

    /// The smallest type here that covers both.
    pub fn join(&self, other: &Type) -> Type {
        if self.is_subtype_of(other) {
            return other.clone();
        }
        if other.is_subtype_of(self) {
            return self.clone();
        }
        match (self, other) {
            (Type::Vector(a), Type::Vector(b)) => Type::vector(a.join(b)),
            (Type::Bag(a), Type::Bag(b)) => Type::bag(a.join(b)),
            (Type::Stream(a), Type::Stream(b)) => Type::stream(a.join(b)),
            (Type::Integer | Type::Real, Type::Integer | Type::Real) => Type::Number,
            (Type::Array(_), Type::Array(_)) => Type::Array(None),
            _ => Type::Object,
        }
    }
}

impl fmt::Display for Type {
    /// As it is written in a signature.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |f: &mut fmt::Formatter<'_>, name: &str, of: &Type| match of {
            Type::Object => f.write_str(name),
            of => write!(f, "{name} of {of}"),
        };
        match self {
            Type::Timeval(t) => of(f, "Timeval", t),
            Type::Vector(t) => of(f, "Vector", t),
            Type::Array(Some(format)) => write!(f, "Array of {}", format.name()),
            Type::Bag(t) => of(f, "Bag", t),
            Type::Stream(t) => of(f, "Stream", t),
            Type::Tuple(types) => {
                let names: Vec<_> = types.iter().map(Type::to_string).collect();
                write!(f, "({})", names.join(","))
            }
            Type::User(user) => f.write_str(user.name()),
            other => f.write_str(match other {
                Type::Object => "Object",
                Type::Literal => "Literal",
                Type::Number => "Number",
                Type::Integer => "Integer",
                Type::Real => "Real",
                Type::Complex => "Complex",
                Type::Boolean => "Boolean",
                Type::Charstring => "Charstring",
                Type::Binary => "Binary",
                Type::Record => "Record",
                Type::Function => "Function",
                Type::Type => "Type",
                Type::Topic => "Topic",
                Type::Array(_) => "Array",
                _ => "Userobject",
            }),
        }
    }
}

impl fmt::Debug for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
