//! Values as values of a type.

use std::sync::Arc;

use super::{Type, Value, number};

/// `value` as one of type `ty`: whole reals as integers, integers as reals, elements of vectors
/// likewise; `None` if it is none.
pub fn conform(value: &Value, ty: &Type) -> Option<Value> {
    Some(converted(value, ty)?.unwrap_or_else(|| value.clone()))
}

/// What `value` has to become to be one of type `ty`: `Some(None)` if it is one as it stands, `None`
/// if it cannot be. A null is one of `Object` alone, but may stand in a vector of anything.
#[inline]
pub fn converted(value: &Value, ty: &Type) -> Option<Option<Value>> {
    // Each call of a function and each variable that is bound asks this: the usual answers come first.
    match (value, ty) {
        (Value::Int(_), Type::Integer | Type::Number)
        | (Value::Real(_), Type::Real | Type::Number)
        | (Value::Str(_), Type::Charstring)
        | (_, Type::Object) => Some(None),
        (value, ty) => converted_otherwise(value, ty),
    }
}

fn converted_otherwise(value: &Value, ty: &Type) -> Option<Option<Value>> {
    let fits = match (value, ty) {
        (Value::Object(object), Type::User(ty)) => object.user_type().is_subtype_of(ty),
        (Value::Real(r), Type::Integer) => return Some(Some(Value::Int(number::whole(*r)?))),
        (Value::Int(i), Type::Real) => return Some(Some(Value::Real(*i as f64))),
        (Value::Vector(elements), Type::Vector(of)) => return vector(elements, of),
        (Value::Vector(elements), Type::Tuple(types)) => return tuple(elements, types),
        (Value::Time(_), Type::Timeval(_)) => true,
        (Value::Bag(_), Type::Bag(_)) | (Value::Stream(_), Type::Stream(_)) => true,
        (Value::Bag(c), Type::Stream(_)) => return Some(Some(Value::Stream(c.clone()))),
        (Value::Stream(c), Type::Bag(_)) => return Some(Some(Value::Bag(c.clone()))),
        (Value::Null, _) => false,
        (_, Type::Bag(of)) => return Some(Some(Value::bag(vec![conform(value, of)?]))),
        (_, Type::Stream(of)) => {
            let only = vec![conform(value, of)?];
            return Some(Some(Value::Stream(Arc::new(only))));
        }
        (value, ty) => value.type_of().is_subtype_of(ty),
    };
    fits.then_some(None)
}

fn vector(elements: &[Value], of: &Type) -> Option<Option<Value>> {
    if *of == Type::Object {
        return Some(None);
    }
    all(elements, |_| of)
}

fn tuple(elements: &[Value], types: &[Type]) -> Option<Option<Value>> {
    if elements.len() != types.len() {
        return None;
    }
    all(elements, |i| &types[i])
}

/// The elements, each as one of its type. They are copied only where one has to be converted.
fn all<'t>(elements: &[Value], ty: impl Fn(usize) -> &'t Type) -> Option<Option<Value>> {
    let mut changed: Option<Vec<Value>> = None;
    for (i, element) in elements.iter().enumerate() {
        if element.is_null() {
            continue;
        }
        if let Some(element) = converted(element, ty(i))? {
            changed.get_or_insert_with(|| elements.to_vec())[i] = element;
        }
    }
    Some(changed.map(Value::vector))
}
