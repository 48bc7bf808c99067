//! How an argument fits a parameter: what the choice among [`super::overloads`] compares.

use crate::model::conversion::converted;
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
    /// As the value that it is: the resolvent that is chosen by it says the rest.
    AsFound,
}

/// How near an argument is to a parameter; the smaller, the nearer. Nearness is ordered, never
/// added up: no number of small distances is as much as one large.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Nearness {
    pub way: Way,
    pub exactness: Exactness,
}

/// The ways of an argument into a parameter, nearest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// A single value for a single value, a bag for a bag, a stream for a stream.
    AsItIs,
    /// A bag or stream for a single value, which each element can be.
    EachElement,
    /// A bag for a stream, or a stream for a bag.
    OtherCollection,
    /// A bag or stream for a single value, which some element may not be.
    SomeElements,
    /// A single value as the only element of a bag.
    OnlyElementOfBag,
    /// A single value as the only element of a stream.
    OnlyElementOfStream,
}

/// What happens to the values on their way, nearest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exactness {
    /// Every value is one of the parameter's type.
    Same,
    /// A number is converted: an integer to a real, a whole real to an integer.
    Converted,
    /// It is not known: a null, or elements that are checked when they come.
    Unknown,
}

/// How an argument fits a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fit {
    pub nearness: Nearness,
    pub mode: Mode,
    /// Whether every value of the argument's type fits; else it has to be seen when called.
    pub sure: bool,
}

impl Fit {
    fn new(way: Way, mode: Mode, (exactness, sure): (Exactness, bool)) -> Fit {
        Fit {
            nearness: Nearness { way, exactness },
            mode,
            sure,
        }
    }
}

/// How an argument of type `arg` fits `param`; `None` if no value of it ever can.
pub fn fit(arg: &Type, param: &Type) -> Option<Fit> {
    let whole = |way, elements: Option<_>| Some(Fit::new(way, Mode::Whole, elements?));
    match (arg, param) {
        (Type::Bag(a), Type::Bag(p)) | (Type::Stream(a), Type::Stream(p)) => {
            whole(Way::AsItIs, elements(a, p))
        }
        (Type::Stream(a), Type::Bag(p)) | (Type::Bag(a), Type::Stream(p)) => {
            whole(Way::OtherCollection, elements(a, p))
        }
        (Type::Object, Type::Bag(_) | Type::Stream(_)) => {
            whole(Way::AsItIs, Some((Exactness::Same, false)))
        }
        (a, Type::Bag(p)) => whole(Way::OnlyElementOfBag, single(a, p)),
        (a, Type::Stream(p)) => whole(Way::OnlyElementOfStream, single(a, p)),
        (Type::Bag(a) | Type::Stream(a), p) => {
            let (exactness, sure) = single(a, p)?;
            let way = if sure {
                Way::EachElement
            } else {
                Way::SomeElements
            };
            Some(Fit::new(way, Mode::Lift, (exactness, sure)))
        }
        (a, p) => Some(Fit::new(Way::AsItIs, Mode::Plain, single(a, p)?)),
    }
}

/// How a value fits `param`; `None` if it does not.
pub fn fit_value(value: &Value, param: &Type) -> Option<Fit> {
    let seen = |value: &Value, ty: &Type| match converted(value, ty)? {
        None => Some((Exactness::Same, true)),
        Some(_) => Some((Exactness::Converted, true)),
    };
    match (value, param) {
        (Value::Bag(c), _) => fit(&Type::bag(c.element_type()), param),
        (Value::Stream(c), _) => fit(&Type::stream(c.element_type()), param),
        (Value::Null, Type::Object) => {
            Some(Fit::new(Way::AsItIs, Mode::Plain, (Exactness::Same, true)))
        }
        (Value::Null, _) => {
            let unknown = (Exactness::Unknown, false);
            Some(match param {
                Type::Bag(_) => Fit::new(Way::OnlyElementOfBag, Mode::Whole, unknown),
                Type::Stream(_) => Fit::new(Way::OnlyElementOfStream, Mode::Whole, unknown),
                _ => Fit::new(Way::AsItIs, Mode::Plain, unknown),
            })
        }
        (_, Type::Bag(of)) => Some(Fit::new(
            Way::OnlyElementOfBag,
            Mode::Whole,
            seen(value, of)?,
        )),
        (_, Type::Stream(of)) => Some(Fit::new(
            Way::OnlyElementOfStream,
            Mode::Whole,
            seen(value, of)?,
        )),
        _ => Some(Fit::new(Way::AsItIs, Mode::Plain, seen(value, param)?)),
    }
}

/// How the elements of a collection fit where `param` is declared. What is not known passes: each
/// element is checked when it is used.
fn elements(arg: &Type, param: &Type) -> Option<(Exactness, bool)> {
    if arg.is_collection() || param.is_collection() {
        return Some((Exactness::Same, true));
    }
    if *arg == Type::Object && *param != Type::Object {
        return Some((Exactness::Unknown, true));
    }
    let (exactness, sure) = single(arg, param)?;
    let exactness = if sure { exactness } else { Exactness::Unknown };
    Some((exactness, true))
}

/// How a single value of type `arg` fits where `param` is declared, and whether every one does.
fn single(arg: &Type, param: &Type) -> Option<(Exactness, bool)> {
    use Exactness::{Converted, Same};
    if arg == param {
        return Some((Same, true));
    }
    match (arg, param) {
        (Type::Vector(_), Type::Vector(p)) | (Type::Timeval(_), Type::Timeval(p))
            if **p == Type::Object =>
        {
            Some((Same, true))
        }
        (Type::Vector(a), Type::Vector(_)) | (Type::Timeval(a), Type::Timeval(_))
            if **a == Type::Object =>
        {
            Some((Same, false))
        }
        (Type::Vector(a), Type::Vector(p)) | (Type::Timeval(a), Type::Timeval(p)) => {
            match (a.is_collection(), p.is_collection()) {
                (true, true) => Some((Same, true)),
                (false, false) => single(a, p),
                _ => None,
            }
        }
        (Type::Tuple(columns), Type::Vector(p)) => columns
            .iter()
            .map(|column| single(column, p))
            .try_fold((Same, true), |all, column| {
                let (exactness, sure) = column?;
                Some((exactness.max(all.0), sure && all.1))
            }),
        (Type::Vector(_), Type::Tuple(_)) => Some((Same, false)),
        (Type::Integer | Type::Number, Type::Real) => Some((Converted, true)),
        (Type::Real, Type::Integer) => Some((Converted, false)),
        (Type::User(a), Type::User(p)) if !a.is_subtype_of(p) => {
            a.overlaps(p).then_some((Same, false))
        }
        _ if arg.is_subtype_of(param) => Some((Same, true)),
        // A value of the wider type may be one of the narrower.
        _ if param.is_subtype_of(arg) => Some((Same, false)),
        _ => None,
    }
}

/// The types that values of type `ty` have, where they are few and fit parameters differently.
pub fn cases(ty: &Type) -> Vec<Type> {
    let of = |inner: &Type, outer: fn(Type) -> Type| {
        let mut all: Vec<Type> = cases(inner).into_iter().map(outer).collect();
        if all.len() > 1 {
            all.push(ty.clone());
        }
        all
    };
    match ty {
        Type::Number => vec![Type::Integer, Type::Real],
        Type::Vector(inner) => of(inner, Type::vector),
        Type::Bag(inner) => of(inner, Type::bag),
        Type::Stream(inner) => of(inner, Type::stream),
        other => vec![other.clone()],
    }
}
