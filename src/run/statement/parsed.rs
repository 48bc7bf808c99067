//! Parsing that can be stopped. The parser cannot be, and long texts take it seconds.

use std::sync::Arc;
use std::thread;

use crate::model::Cx;
use crate::model::context::STACK_SIZE;
use crate::syntax::ast::Statement;
use crate::syntax::statement;
use crate::text::diagnostic::{Error, Result, SourceText};
use crate::text::wait::{Received, Token, queue};

/// The longest text that the parser takes less than a moment for.
const SHORT: usize = 1 << 16;

/// The longest text of a statement: the parser takes some fifty times as much memory.
const LONGEST: usize = 1 << 24;

/// The statement in `source`; nothing for a blank text. A long one is parsed on a thread of its own, which
/// is left to itself when the token of `cx` stops: it ends by itself soon.
pub fn parsed(cx: &Cx, source: &Arc<SourceText>) -> Result<Option<Statement>> {
    let length = source.text.len();
    if length <= SHORT {
        return statement(source);
    }
    if length > LONGEST {
        return Err(Error::syntax(format!(
            "a statement cannot have more than {LONGEST} bytes, this one has {length}"
        ))
        .help("read large data from a file: csv:file_stream, json:file_stream, readlines"));
    }
    let (sender, receiver) = queue(1);
    let source = source.clone();
    thread::Builder::new()
        .name("parser".to_owned())
        .stack_size(STACK_SIZE)
        .spawn(move || sender.send(statement(&source), &Token::new()))
        .map_err(|error| Error::run(format!("no thread can be started to parse: {error}")))?;
    match receiver.recv(None, &cx.token)? {
        Received::Item(parsed) => parsed,
        Received::End | Received::Late => Err(Error::run("the statement could not be parsed")),
    }
}
