//! Values as values of a type.

use std::sync::Arc;

use super::{Type, Value, number};

/// `value` as one of type `ty`: whole reals as integers, integers as reals; `None` if it is none.
pub fn conform(value: &Value, ty: &Type) -> Option<Value> {
    let fits = match (value, ty) {
        (_, Type::Object) => true,
        (Value::Int(_) | Value::Real(_), Type::Number) => true,
        (Value::Object(object), Type::User(ty)) if object.user_type() == ty => true,
        (Value::Int(_), Type::Integer) => true,
        (Value::Real(r), Type::Integer) => {
            return number::whole(*r).map(Value::Int);
        }
        (Value::Real(_), Type::Real) => true,
        (Value::Int(i), Type::Real) => return Some(Value::Real(*i as f64)),
        (Value::Vector(_), Type::Vector(_) | Type::Tuple(_)) => true,
        (Value::Time(_), Type::Timeval(_)) => true,
        (Value::Bag(_), Type::Bag(_)) | (Value::Stream(_), Type::Stream(_)) => true,
        (Value::Bag(c), Type::Stream(_)) => return Some(Value::Stream(c.clone())),
        (Value::Stream(c), Type::Bag(_)) => return Some(Value::Bag(c.clone())),
        (Value::Null, _) => false,
        (_, Type::Bag(_)) => return Some(Value::bag(vec![value.clone()])),
        (_, Type::Stream(_)) => return Some(Value::Stream(Arc::new(vec![value.clone()]))),
        (value, ty) => value.type_of().is_subtype_of(ty),
    };
    fits.then(|| value.clone())
}
