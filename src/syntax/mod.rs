//! Text in, abstract syntax out. Knows nothing of functions: what a name means is for `compile`.
//!
//! May use `text` only.
//!
//! - [`lexer`] cuts text into words, literals, signs, blanks and comments; [`keywords`] lists the
//!   words that mean something;
//! - [`split`] cuts running text into statements, by its lexemes;
//! - [`plot`] reads what says that results are to be shown as a plot;
//! - [`parse`] makes one statement's text into [`ast`], by `grammar/osql.pest`;
//! - [`foreign_function`] does so without the grammar for the declarations of built-in functions,
//!   and `inserted` for insertions of literals.

pub mod ast;
mod blocks;
mod build;
mod explain;
mod foreign;
mod grammar;
mod inserted;
pub mod keywords;
pub mod lexer;
pub mod literal;
mod nesting;
pub mod parse;
pub mod plot;
mod reader;
pub mod split;
#[cfg(test)]
mod tests;
pub mod time;

pub use foreign::foreign_function;
pub use parse::statement;
pub use split::Splitter;
#[cfg(test)]
pub use tests::text_of_pieces;
