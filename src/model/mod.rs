//! What exists in the language: values and their types, numbers, records, times, bags and streams,
//! functions with their signatures, the rows of stored functions, objects, and the context that a call
//! runs in. Uses `text`, and of `syntax` the definitions that functions keep.

pub mod args;
pub mod array;
pub mod collection;
pub mod column;
pub mod context;
pub mod conversion;
pub mod counter;
pub mod csv;
pub mod csv_row;
pub mod exact;
pub mod failed;
pub mod function;
pub mod hex;
pub mod json;
pub mod json_fields;
pub mod json_scanner;
pub mod like;
pub mod memory;
pub mod native;
pub mod nesting;
pub mod number;
pub mod object;
pub mod plot;
pub mod print;
pub mod real_sum;
pub mod record;
pub mod remarks;
pub mod row_counts;
pub mod shared_strings;
pub mod size;
pub mod table;
pub mod time;
pub mod ty;
pub mod user_type;
pub mod value;

pub use args::Args;
pub use array::Array;
pub use collection::{Collection, Numbers, Source};
pub use column::BatchColumn;
pub use context::Cx;
pub use function::Function;
pub use object::Object;
pub use real_sum::RealSum;
pub use record::Record;
pub use time::Timeval;
pub use ty::Type;
pub use user_type::UserType;
pub use value::Value;
