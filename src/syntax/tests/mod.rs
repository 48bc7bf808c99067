//! What the syntax as a whole does: trees of statements, errors, limits.

mod errors;
mod examples;
mod limits;
mod trees;
