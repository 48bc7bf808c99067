//! One statement's text made into abstract syntax: pest reads it by `grammar/osql.pest`, `build`
//! turns pest's pairs into the tree, `explain` says in words what pest did not understand.

use std::sync::Arc;

use pest::Parser;

use super::ast::Statement;
use super::grammar::{Grammar, Rule};
use super::inserted::inserted_literals;
use super::{build, explain, nesting};
use crate::text::diagnostic::{Error, Result, SourceText};

/// Longer statements are refused: places in them would not fit a span.
const MAX_BYTES: usize = 1 << 30;

/// Parses one statement, with or without its closing semicolon; `None` for blank space and comments.
///
/// # Errors
///
/// What is not OSQL, with the place marked and what would have been OSQL there.
pub fn statement(source: &Arc<SourceText>) -> Result<Option<Statement>> {
    if source.text.len() > MAX_BYTES {
        return Err(Error::syntax("a statement may not be longer than 1 GiB"));
    }
    match inserted_literals(source) {
        Some(statement) => Ok(Some(statement)),
        None => by_grammar(source),
    }
}

/// Parses one statement by the grammar, as [`statement`] does.
pub(super) fn by_grammar(source: &Arc<SourceText>) -> Result<Option<Statement>> {
    nesting::check(source)?;
    let mut pairs = Grammar::parse(Rule::statement, &source.text)
        .map_err(|fault| explain::explain(source, &fault))?;
    match pairs.next() {
        Some(pair) => build::statement(source, pair),
        None => Ok(None),
    }
}
