//! What a value is, its type, and its printed and JSON forms.

pub mod collection;
pub mod exact;
pub mod json;
pub mod number;
pub mod print;
pub mod record;
pub mod time;
pub mod ty;
pub mod value;

pub use collection::{Collection, Numbers, Source};
pub use record::Record;
pub use time::Timeval;
pub use ty::Type;
pub use value::Value;
