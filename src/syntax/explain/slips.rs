//! Known mistakes, such as a missing bracket, each with what to do.

use super::{Scene, foreign, shorten};
use crate::syntax::blocks::{BlockMark, BlockWords};
use crate::syntax::keywords::{KEYWORDS, begins_statement};
use crate::syntax::lexer::{Lexeme, LexemeKind};
use crate::text::diagnostic::{self, Error};

/// The error for the known mistake that explains the fault, if there is one. The surest explanations
/// are tried first.
pub fn find(scene: &Scene<'_>) -> Option<Error> {
    open_comment(scene)
        .or_else(|| open_string(scene))
        .or_else(|| quote_in_string(scene))
        .or_else(|| open_loop(scene))
        .or_else(|| stray_closer(scene))
        .or_else(|| open_bracket(scene))
        .or_else(|| declared_value(scene))
        .or_else(|| foreign::find(scene))
        .or_else(|| misspelt_statement(scene))
        .or_else(|| missing_semicolon(scene))
        .or_else(|| missing_parentheses(scene))
}

fn open_comment(scene: &Scene<'_>) -> Option<Error> {
    let lexeme = scene.found.filter(|t| t.kind == LexemeKind::OpenComment)?;
    let mut mark = scene.span(lexeme);
    mark.end = mark.start + 2;
    Some(
        Error::syntax("this comment is never closed")
            .at(&mark)
            .help("close it with */"),
    )
}

fn open_string(scene: &Scene<'_>) -> Option<Error> {
    let lexeme = scene.found.filter(|t| t.kind == LexemeKind::OpenString)?;
    let mut mark = scene.span(lexeme);
    mark.end = mark.start + 1;
    let quote = &scene.text(lexeme)[..1];
    let error = Error::syntax("this string is never closed")
        .at(&mark)
        .label("opened here")
        .help(format!("close it with another {quote}"));
    Some(match quote {
        "\"" => error.help("a backslash before a quote makes the quote part of the string"),
        _ => error,
    })
}

/// `declare Integer i = 5`: a declaration gives no value. And `declare Integer i` outside of a
/// procedure: only session variables are declared there.
fn declared_value(scene: &Scene<'_>) -> Option<Error> {
    let (name, before) = scene
        .found
        .filter(|t| t.kind == LexemeKind::Word)
        .and_then(|name| {
            Some((name, &scene.source.text[name.end..])).filter(|_| !scene.before.is_empty())
        })?;
    let is_sign = |c: char| c == '=';
    let starts = scene
        .before
        .iter()
        .rposition(|t| matches!(scene.text(*t), ";" | "{" | "}"))
        .map_or(0, |at| at + 1);
    let declares = scene.before.get(starts).copied()?;
    if !scene.text(declares).eq_ignore_ascii_case("declare")
        || !before.trim_start().starts_with(is_sign)
    {
        return None;
    }
    let written = scene.text(name);
    Some(
        Error::syntax("a declaration gives no value")
            .at(&scene.span(name))
            .help(format!(
                "in a procedure: declare … {written}; set {written} = …;"
            ))
            .help(format!(
                "outside of one, a session variable: set :{written} = …;"
            )),
    )
}

/// `'it's'`: the quote inside ends the string.
fn quote_in_string(scene: &Scene<'_>) -> Option<Error> {
    let string = *scene.before.last()?;
    let found = scene.found?;
    let touches = string.kind == LexemeKind::String && string.end == found.start;
    (touches && found.kind == LexemeKind::Word).then(|| {
        Error::syntax("the string ends here")
            .at(&scene.span(Lexeme {
                start: string.end - 1,
                ..string
            }))
            .help("to have this quote inside, write \"it's\" or \"say \\\"yes\\\"\"")
    })
}

/// A loop that is still open where the statement or the block around it ends.
fn open_loop(scene: &Scene<'_>) -> Option<Error> {
    let closes = |t: Lexeme| scene.text(t) == "}";
    if !scene.is_at_end() && !scene.found.is_some_and(closes) {
        return None;
    }
    let mut words = BlockWords::default();
    let mut open: Vec<Lexeme> = Vec::new();
    for lexeme in &scene.before {
        match words.take(*lexeme, &scene.source.text) {
            Some(BlockMark::OpensStatements | BlockMark::OpensChoice) => open.push(*lexeme),
            Some(BlockMark::Closes) => drop(open.pop()),
            None => {}
        }
    }
    let innermost = *open.last()?;
    let word = scene.text(innermost).to_lowercase();
    (word != "case").then(|| {
        Error::syntax(format!("missing 'end {word}'"))
            .at(&scene.span(innermost))
            .label("this loop is never closed")
    })
}

/// Brackets that are open where the fault is.
pub(super) fn open_brackets(scene: &Scene<'_>) -> Vec<Lexeme> {
    let mut open = Vec::new();
    for lexeme in &scene.before {
        match lexeme.kind {
            LexemeKind::OpenBracket => open.push(*lexeme),
            LexemeKind::CloseBracket => {
                open.pop();
            }
            _ => {}
        }
    }
    open
}

fn closer(opener: &str) -> &'static str {
    match opener {
        "(" => ")",
        "[" => "]",
        _ => "}",
    }
}

/// A closing bracket that nothing has opened.
fn stray_closer(scene: &Scene<'_>) -> Option<Error> {
    let found = scene.found.filter(|t| t.kind == LexemeKind::CloseBracket)?;
    if !open_brackets(scene).is_empty() {
        return None;
    }
    let text = scene.text(found);
    let opener = match text {
        ")" => "(",
        "]" => "[",
        _ => "{",
    };
    Some(Error::syntax(format!("there is no '{opener}' for this '{text}'")).at(&scene.span(found)))
}

/// A bracket that is still open where the statement ends or another bracket closes.
fn open_bracket(scene: &Scene<'_>) -> Option<Error> {
    let opener = *open_brackets(scene).last()?;
    let text = scene.text(opener);
    let close = closer(text);
    let is_complete = match scene.found {
        None => true,
        // Also in a block, where a semicolon does not end the statement.
        Some(lexeme) if lexeme.kind == LexemeKind::Semicolon => true,
        Some(lexeme) if lexeme.kind == LexemeKind::CloseBracket => scene.text(lexeme) != close,
        Some(lexeme) if begins_clause(scene, opener, lexeme) => true,
        Some(lexeme) => scene.begins_line(lexeme) && begins_statement(scene.text(lexeme)),
    };
    // Otherwise, as in `f(1,)`, an argument is missing rather than the parenthesis.
    is_complete.then(|| {
        let mut error = Error::syntax(format!("missing '{close}'"))
            .at(&scene.span(opener))
            .label("opened here, never closed");
        if let Some(lexeme) = scene.found.filter(|t| t.kind == LexemeKind::CloseBracket) {
            let found = scene.text(lexeme);
            error = error.help(format!(
                "it should be closed before the '{found}' that follows"
            ));
        }
        error
    })
}

/// `select name(p from Person p`: a clause of the select around the bracket begins.
fn begins_clause(scene: &Scene<'_>, opener: Lexeme, found: Lexeme) -> bool {
    let is = |lexeme: &Lexeme, words: &[&str]| {
        words
            .iter()
            .any(|word| scene.text(*lexeme).eq_ignore_ascii_case(word))
    };
    let inside = scene.before.iter().filter(|t| t.start > opener.start);
    is(&found, &["from", "where", "into"])
        && !inside.clone().any(|t| is(t, &["select"]))
        && inside.count() > 0
}

/// `selct name(p) …`: a word that begins no statement, followed by what cannot follow a name.
fn misspelt_statement(scene: &Scene<'_>) -> Option<Error> {
    let [first] = scene.before[..] else {
        return None;
    };
    let follows = scene.found?.kind;
    if first.kind != LexemeKind::Word
        || !matches!(
            follows,
            LexemeKind::Word
                | LexemeKind::String
                | LexemeKind::OpenString
                | LexemeKind::Time
                | LexemeKind::Sign
                | LexemeKind::Number
        )
    {
        return None;
    }
    let word = scene.text(first);
    if begins_statement(word) {
        return None;
    }
    let error = Error::syntax(format!("'{word}' begins no statement")).at(&scene.span(first));
    let leading = KEYWORDS.iter().filter(|k| k.begins_statement);
    Some(match diagnostic::nearest(word, leading.map(|k| k.text)) {
        Some(near) => error.help(format!("did you mean '{near}'?")),
        None if scene.begins_line(scene.found?) => {
            error.help("if it is a statement of its own, end it with ';'")
        }
        None => error.help("to call a function, put its arguments in parentheses: f(x, y)"),
    })
}

/// The next line begins another statement, or what could be one where the statement before is complete.
fn missing_semicolon(scene: &Scene<'_>) -> Option<Error> {
    let found = scene.found?;
    let is_another = || {
        let word = found.kind == LexemeKind::Word;
        word && begins_statement(scene.text(found))
            || scene.is_complete && open_brackets(scene).is_empty()
    };
    let last = *scene.before.last()?;
    let begins = if last.kind == LexemeKind::Semicolon {
        return Some(
            Error::syntax("only one statement at a time")
                .at(&scene.span(found))
                .label("a second one begins here"),
        );
    } else {
        scene.begins_line(found) && is_another()
    };
    begins.then(|| {
        let error = Error::syntax(format!("missing ';' before {}", shorten(scene.text(found))))
            .at(&scene.place())
            .label("another statement begins here");
        let between = &scene.source.text[last.end..found.start];
        match between.split_once("//") {
            Some((_, comment)) if comment.contains(';') => error
                .help("the ';' is part of the comment that // begins")
                .help("a whole quotient is floor(x / y), or divide(x, y) with the remainder"),
            _ => error.help("end the statement before it with ';'"),
        }
    })
}

/// `mqtt:clients` without its parentheses.
fn missing_parentheses(scene: &Scene<'_>) -> Option<Error> {
    let name = *scene.before.last()?;
    let text = scene.text(name);
    (name.kind == LexemeKind::Word && text.contains(':')).then(|| {
        Error::syntax(format!("'{text}' is the name of a function"))
            .at(&scene.span(name))
            .help(format!("to call it, write {text}(…)"))
    })
}
