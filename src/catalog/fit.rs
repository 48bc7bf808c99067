//! How well an argument's type fits a parameter's: what overload resolution decides by.

use crate::model::{Type, Value};

/// How an argument reaches its parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// As it is, converted if need be.
    Plain,
    /// As a whole collection; a single value becomes the only element of one.
    Whole,
    /// Element by element.
    Lift,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fit {
    /// The smaller, the better.
    pub cost: u32,
    pub mode: Mode,
    /// Whether every value of the argument's type fits; else it has to be seen when called.
    pub sure: bool,
}

/// A step up among the types.
const STEP: u32 = 10;
/// Nothing is known of a collection's elements.
const UNKNOWN: u32 = 1;
const LIFT: u32 = 50;
const OTHER_COLLECTION: u32 = 100;
const SINGLETON: u32 = 200;

/// How `arg` fits `param`; `None` if no value of it ever can.
pub fn fit(arg: &Type, param: &Type) -> Option<Fit> {
    let whole = |cost, sure| {
        Some(Fit {
            cost,
            mode: Mode::Whole,
            sure,
        })
    };
    match (arg, param) {
        (Type::Bag(a), Type::Bag(p)) | (Type::Stream(a), Type::Stream(p)) => {
            elements(a, p).and_then(|cost| whole(cost, true))
        }
        (Type::Stream(a), Type::Bag(p)) | (Type::Bag(a), Type::Stream(p)) => {
            elements(a, p).and_then(|cost| whole(OTHER_COLLECTION + cost, true))
        }
        (Type::Object, Type::Bag(_) | Type::Stream(_)) => whole(2, false),
        (a, Type::Bag(p)) => elements(a, p).and_then(|cost| whole(SINGLETON + cost, true)),
        (a, Type::Stream(p)) => elements(a, p).and_then(|cost| whole(SINGLETON + 1 + cost, true)),
        (Type::Bag(a) | Type::Stream(a), p) => single(a, p).map(|(cost, sure)| Fit {
            cost: LIFT + cost,
            mode: Mode::Lift,
            sure,
        }),
        (a, p) => single(a, p).map(|(cost, sure)| Fit {
            cost,
            mode: Mode::Plain,
            sure,
        }),
    }
}

/// The cost of a collection's elements being of type `arg` where `param` is declared. What is not
/// known passes: each element is checked when it is used.
fn elements(arg: &Type, param: &Type) -> Option<u32> {
    if arg.is_collection() || param.is_collection() {
        return Some(u32::from(arg != param));
    }
    if *arg == Type::Object && *param != Type::Object {
        return Some(UNKNOWN);
    }
    single(arg, param).map(|(cost, _)| cost)
}

/// Cost and sureness of a single value of type `arg` where `param` is declared.
fn single(arg: &Type, param: &Type) -> Option<(u32, bool)> {
    if arg == param {
        return Some((0, true));
    }
    // A vector may have streams as elements.
    if let (Type::Vector(a), Type::Vector(p)) = (arg, param)
        && a.is_collection()
        && **p == Type::Object
    {
        return Some((1, true));
    }
    if let (Type::Vector(a), Type::Vector(p)) = (arg, param)
        && **a == Type::Object
        && p.is_collection()
    {
        return Some((20, false));
    }
    if let (Type::Vector(a), Type::Vector(p)) | (Type::Timeval(a), Type::Timeval(p)) = (arg, param)
    {
        if **p == Type::Object {
            return Some((STEP + 1, true));
        }
        if **a == Type::Object && p.is_collection() {
            return Some((STEP - 1, false));
        }
        // Whatever is inside fits better than a vector of anything.
        return single(a, p).map(|(cost, sure)| {
            let sure = sure || **p != Type::vector(Type::Number);
            ((cost + 1).min(STEP - 1), sure)
        });
    }
    if let (Type::Tuple(_), Type::Vector(p)) = (arg, param) {
        return Some((1, **p == Type::Object));
    }
    if arg.is_subtype_of(param) {
        return Some((STEP * distance(arg, param), true));
    }
    match (arg, param) {
        (Type::Integer | Type::Number, Type::Real) => Some((5, true)),
        // Only if it is whole: whatever takes any real goes before.
        (Type::Real, Type::Integer) => Some((4 * STEP, false)),
        // A wider type may hold a value of the narrower one.
        _ if param.is_subtype_of(arg) => Some((STEP * distance(param, arg), false)),
        _ => None,
    }
}

/// How many steps up from `sub` to `sup`.
fn distance(sub: &Type, sup: &Type) -> u32 {
    if sub == sup {
        return 0;
    }
    let up = sub.supertypes();
    let steps = up
        .iter()
        .filter(|t| t.is_subtype_of(sup))
        .map(|t| 1 + distance(t, sup));
    steps.min().unwrap_or(9)
}

/// The type of a value as overload resolution sees it: of a vector, whether it is one of vectors.
pub fn type_of(value: &Value) -> Type {
    match value {
        // An empty vector may be one of anything.
        Value::Vector(v) if v.is_empty() => Type::vector(Type::Object),
        Value::Vector(v) if v.iter().all(|e| e.as_real().is_some()) => Type::vector(Type::Number),
        Value::Vector(v) => {
            let joined = v.iter().map(type_of).reduce(|a, b| a.join(&b));
            Type::vector(joined.unwrap_or(Type::Object))
        }
        other => other.type_of(),
    }
}
