//! Pest's pairs made into the abstract syntax.

mod commands;
mod expressions;
mod functions;
mod selects;
mod tables;

pub use functions::of_anything;

use std::iter::Peekable;
use std::sync::Arc;

use pest::iterators::{Pair, Pairs};

use super::ast::{FunctionName, Name, Statement, Variable};
use super::grammar::Rule;
use crate::text::diagnostic::{Error, Result, SourceText, Span};

/// The tree of a whole `statement`; `None` if it is empty.
pub fn statement(source: &Arc<SourceText>, pair: Pair<'_, Rule>) -> Result<Option<Statement>> {
    let builder = Builder { source };
    match builder.parts(pair).next() {
        Some(command) => builder.command(command).map(Some),
        None => Ok(None),
    }
}

/// Builds the tree of one source.
struct Builder<'s> {
    source: &'s Arc<SourceText>,
}

impl Builder<'_> {
    fn parts<'i>(&self, pair: Pair<'i, Rule>) -> Parts<'i> {
        let span = pair.as_span();
        Parts {
            pairs: pair.into_inner().peekable(),
            end: span.end(),
        }
    }

    /// Where `pair` stands, without the blanks and comments that pest counts to its end.
    fn span(&self, pair: &Pair<'_, Rule>) -> Span {
        Span::new(self.source, pair.as_span().start(), end(pair))
    }

    fn name(&self, pair: &Pair<'_, Rule>) -> Name {
        Name {
            text: pair.as_str().to_lowercase().into(),
            span: self.span(pair),
        }
    }

    fn variable(&self, pair: &Pair<'_, Rule>) -> Variable {
        let mut name = self.name(pair);
        if pair.as_rule() == Rule::session_variable {
            name.text = name.text.trim_start_matches(':').into();
            name.span.start += 1;
            return Variable::Session(name);
        }
        Variable::Local(name)
    }

    fn function_name(&self, pair: Pair<'_, Rule>) -> FunctionName {
        let start = pair.as_span().start();
        let text = pair.as_str();
        let (head, results) = match text.split_once("->") {
            Some((head, results)) => (head, Some((results, start + head.len() + 2))),
            None => (text, None),
        };
        let mut types = self.dotted(head, start);
        let name = types.pop().unwrap_or_else(|| self.name(&pair));
        FunctionName {
            name,
            argument_types: types,
            result_types: results.map(|(text, at)| self.dotted(text, at)),
        }
    }

    /// The names between the dots of `text`, which stands at `start`.
    fn dotted(&self, text: &str, start: usize) -> Vec<Name> {
        let mut at = start;
        text.split('.')
            .map(|part| {
                let span = Span::new(self.source, at, at + part.len());
                at += part.len() + 1;
                Name {
                    text: part.to_lowercase().into(),
                    span,
                }
            })
            .collect()
    }
}

/// Where the last part of `pair` that is no blank or comment ends.
fn end(pair: &Pair<'_, Rule>) -> usize {
    let mut last = pair.clone();
    loop {
        let end = last.as_span().end();
        match last.into_inner().next_back() {
            Some(inner) => last = inner,
            None => return end,
        }
    }
}

/// The parts of a rule that carry meaning, in order.
struct Parts<'i> {
    pairs: Peekable<Pairs<'i, Rule>>,
    end: usize,
}

impl<'i> Parts<'i> {
    fn skip_noise(&mut self) {
        while self.pairs.next_if(|p| is_noise(p.as_rule())).is_some() {}
    }

    fn peek(&mut self) -> Option<Rule> {
        self.skip_noise();
        self.pairs.peek().map(Pair::as_rule)
    }

    /// The next part if it is one of `rule`.
    fn next_if(&mut self, rule: Rule) -> Option<Pair<'i, Rule>> {
        self.skip_noise();
        self.pairs.next_if(|p| p.as_rule() == rule)
    }

    /// Whether the next part is one of `rule`; it is taken then.
    fn has(&mut self, rule: Rule) -> bool {
        self.next_if(rule).is_some()
    }

    /// The next part, which the grammar promises.
    fn need(&mut self, source: &Arc<SourceText>) -> Result<Pair<'i, Rule>> {
        self.next().ok_or_else(|| {
            Error::syntax("something is missing here").at(&Span::new(source, self.end, self.end))
        })
    }
}

impl<'i> Iterator for Parts<'i> {
    type Item = Pair<'i, Rule>;

    fn next(&mut self) -> Option<Pair<'i, Rule>> {
        self.skip_noise();
        self.pairs.next()
    }
}

/// Keywords and punctuation, which the tree needs no more: the rule that they stand in says it all.
fn is_noise(rule: Rule) -> bool {
    use Rule::*;
    matches!(
        rule,
        AND | all_rows_word
            | AS
            | ATTACH
            | ASC
            | BETWEEN
            | BY
            | CASE
            | CAST
            | CHECK
            | CLOSE
            | CREATE
            | DECLARE
            | DEFAULT
            | DELETE
            | DETACH
            | DO
            | DROP_WORD
            | EACH
            | ELSE
            | END
            | EXISTS
            | FETCH
            | FOR
            | FOREIGN
            | FROM
            | FUNCTION
            | GROUP
            | HAVING
            | IF
            | IN
            | INDEX
            | INSERT
            | INSTANCES
            | INTO
            | INVERSE
            | IS
            | LEAVE
            | LIMIT
            | LOOP
            | NONKEY
            | NULL
            | OF
            | OFFSET
            | ON
            | OPEN
            | ORDER
            | RETURN
            | SELECT
            | PRIMARY
            | STREAM
            | SET
            | TABLE
            | THEN
            | TYPE
            | UNDER
            | UPDATE
            | VALIDATE
            | VALUES
            | USING
            | WHEN
            | WHERE
            | WHILE
            | stream_word
            | values_word
            | close_paren
            | close_list
            | close_bracket
            | close_brace
            | close_block
            | becomes
            | yields
            | arrow
            | colon
            | EOI
    )
}
