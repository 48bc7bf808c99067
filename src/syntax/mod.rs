//! Text in, abstract syntax out. Knows nothing of functions: what a name means is for `compile`.
//!
//! - [`split`] cuts running text into statements;
//! - [`parse`] makes one statement's text into [`ast`], by `grammar/osql.pest`.

pub mod ast;
mod build;
mod explain;
mod literal;
mod nesting;
pub mod parse;
mod scan;
pub mod split;
#[cfg(test)]
mod tests;
pub mod time;
mod words;

pub use parse::statement;
pub use split::Splitter;
