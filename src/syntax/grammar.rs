//! The parser that pest derives from `grammar/osql.pest`; one [`Rule`] per named rule.

#[derive(pest_derive::Parser)]
#[grammar = "../grammar/osql.pest"]
pub(super) struct Grammar;
