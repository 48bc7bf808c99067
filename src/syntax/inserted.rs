//! Reads `insert into T (a, b) values (1, 'x'), (2, null)` without the grammar.
//!
//! Data comes in such statements, millions of rows of it, and where a row has nothing but literals
//! the grammar took most of the time. A test compares what both make of random statements.

use std::sync::Arc;

use super::ast::{
    Expr, ExprKind, Insert, InsertedRow, InsertedRows, Literal, Name, Statement, StatementKind,
};
use super::keywords::KEYWORDS;
use super::lexer::{Lexeme, LexemeKind};
use super::literal;
use super::reader::LexemeReader;
use crate::text::diagnostic::SourceText;

/// An insertion of literals. `None` for any other statement, and for whatever is not understood here:
/// the grammar reads that, or says what is wrong with it.
pub fn inserted_literals(source: &Arc<SourceText>) -> Option<Statement> {
    if !begins_with_insert(&source.text) {
        return None;
    }
    let mut reader = LexemeReader::new(source);
    let statement = reader.insertion()?;
    while reader.taken(";").is_some() {}
    reader.next().is_none().then_some(statement)
}

/// A statement with a comment before it is left to the grammar.
fn begins_with_insert(text: &str) -> bool {
    let word = text.trim_ascii_start().as_bytes().get(.."insert".len());
    word.is_some_and(|word| word.eq_ignore_ascii_case(b"insert"))
}

impl LexemeReader<'_> {
    fn insertion(&mut self) -> Option<Statement> {
        let start = self.next()?.start;
        self.taken("insert")?;
        self.taken("into")?;
        let table = self.table_or_column()?;
        let columns = match self.is("(") {
            true => self.in_brackets(LexemeReader::table_or_column)?,
            false => vec![],
        };
        self.taken("values")?;
        let mut rows = vec![self.row()?];
        while self.taken(",").is_some() {
            rows.push(self.row()?);
        }
        let insert = Insert {
            table,
            columns,
            rows: InsertedRows::Values(rows),
        };
        Some(Statement {
            kind: StatementKind::Insert(Box::new(insert)),
            span: self.since(start),
        })
    }

    /// A name without a namespace that is no keyword.
    fn table_or_column(&mut self) -> Option<Name> {
        let name = self.name()?;
        let is_keyword = KEYWORDS.binary_search_by(|k| k.text.cmp(&name.text));
        (is_keyword.is_err() && !name.text.contains(':')).then_some(name)
    }

    fn row(&mut self) -> Option<InsertedRow> {
        let start = self.next()?.start;
        let values = self.in_brackets(LexemeReader::literal)?;
        let span = self.since(start);
        Some(InsertedRow { values, span })
    }

    /// One or more of what `read` reads, with commas between them, in brackets.
    fn in_brackets<T>(&mut self, read: impl Fn(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        self.taken("(")?;
        let mut items = vec![read(self)?];
        while self.taken(",").is_some() {
            items.push(read(self)?);
        }
        self.taken(")").map(|()| items)
    }

    fn literal(&mut self) -> Option<Expr> {
        let first = self.next()?;
        let literal = match self.is("-") {
            true => self.negative(first)?,
            false => self.plain(first)?,
        };
        Some(Expr {
            kind: ExprKind::Literal(literal),
            span: self.since(first.start),
        })
    }

    /// A minus directly before a number is part of it.
    fn negative(&mut self, minus: Lexeme) -> Option<Literal> {
        self.skip(1);
        let number = self.next_if(|next| next.start == minus.end)?;
        let text = &self.source.text[minus.start..number.end];
        let is_number = number.kind == LexemeKind::Number || is_infinite(self.text(number));
        is_number.then(|| literal::number(text).ok())?
    }

    fn plain(&mut self, lexeme: Lexeme) -> Option<Literal> {
        self.skip(1);
        let text = self.text(lexeme);
        match lexeme.kind {
            LexemeKind::Number => literal::number(text).ok(),
            LexemeKind::String => Some(Literal::Str(literal::string(text).ok()?.into())),
            LexemeKind::Time => literal::time(text).ok(),
            LexemeKind::Word if is_infinite(text) => literal::number(text).ok(),
            LexemeKind::Word => is_constant(text).then(|| literal::constant(text)),
            _ => None,
        }
    }
}

/// Real numbers that are words.
fn is_infinite(word: &str) -> bool {
    is_one_of(word, &["inf", "nan"])
}

fn is_constant(word: &str) -> bool {
    is_one_of(word, &["true", "false", "null"])
}

fn is_one_of(word: &str, words: &[&str]) -> bool {
    words.iter().any(|w| w.eq_ignore_ascii_case(word))
}
