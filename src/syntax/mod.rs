//! Text in, abstract syntax out. Knows nothing of functions: what a name means is for `compile`.

pub mod ast;
pub mod parse;
pub mod split;

pub use parse::statement;
pub use split::Splitter;
