//! The slips that people make, and what to do about each.

use super::{Scene, shorten};
use crate::syntax::scan::{Kind, Token};
use crate::text::diagnostic::{self, Error};

/// The slip that explains the fault, if it is a known one; the surest first.
pub fn find(scene: &Scene<'_>) -> Option<Error> {
    open_comment(scene)
        .or_else(|| open_string(scene))
        .or_else(|| quote_in_string(scene))
        .or_else(|| open_loop(scene))
        .or_else(|| stray_closer(scene))
        .or_else(|| open_bracket(scene))
        .or_else(|| foreign_sign(scene))
        .or_else(|| foreign_statement(scene))
        .or_else(|| foreign_word(scene))
        .or_else(|| misspelt_statement(scene))
        .or_else(|| missing_semicolon(scene))
        .or_else(|| missing_parentheses(scene))
}

fn open_comment(scene: &Scene<'_>) -> Option<Error> {
    let token = scene.found.filter(|t| t.kind == Kind::OpenComment)?;
    let mut mark = scene.span(token);
    mark.end = mark.start + 2;
    Some(
        Error::syntax("this comment is never closed")
            .at(&mark)
            .help("close it with */"),
    )
}

fn open_string(scene: &Scene<'_>) -> Option<Error> {
    let token = scene.found.filter(|t| t.kind == Kind::Text(false))?;
    let mut mark = scene.span(token);
    mark.end = mark.start + 1;
    let quote = &scene.text(token)[..1];
    let error = Error::syntax("this string is never closed")
        .at(&mark)
        .label("opened here")
        .help(format!("close it with another {quote}"));
    Some(match quote {
        "\"" => error.help("a backslash before a quote makes the quote part of the string"),
        _ => error,
    })
}

/// `'it's'`: the quote inside ends the string.
fn quote_in_string(scene: &Scene<'_>) -> Option<Error> {
    let string = *scene.before.last()?;
    let found = scene.found?;
    let touches = string.kind == Kind::Text(true) && string.end == found.start;
    (touches && found.kind == Kind::Word).then(|| {
        Error::syntax("the string ends here")
            .at(&scene.span(Token {
                start: string.end - 1,
                ..string
            }))
            .help("to have this quote inside, write \"it's\" or \"say \\\"yes\\\"\"")
    })
}

/// A loop that is still open where the statement or the block around it ends.
fn open_loop(scene: &Scene<'_>) -> Option<Error> {
    let closes = |t: Token| t.kind == Kind::Close && scene.text(t) == "}";
    if !scene.is_at_end() && !scene.found.is_some_and(closes) {
        return None;
    }
    let mut open: Vec<Token> = Vec::new();
    let mut prior = String::new();
    let mut for_each = false;
    for token in &scene.before {
        let word = scene.text(*token).to_lowercase();
        let begins = matches!(
            &*prior,
            "" | ";" | "{" | "do" | "then" | "else" | "loop" | "as"
        );
        for_each |= prior == "for" && word == "each";
        match &*word {
            "end" => drop(open.pop()),
            "case" => open.push(*token),
            "while" | "loop" if prior != "end" && (begins || for_each) => open.push(*token),
            _ => {}
        }
        prior = word;
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
fn open_brackets(scene: &Scene<'_>) -> Vec<Token> {
    let mut open = Vec::new();
    for token in &scene.before {
        match token.kind {
            Kind::Open => open.push(*token),
            Kind::Close => {
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
    let found = scene.found.filter(|t| t.kind == Kind::Close)?;
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
        // Blocks hold semicolons.
        Some(token) if token.kind == Kind::Semicolon => true,
        Some(token) if token.kind == Kind::Close => scene.text(token) != close,
        Some(token) if begins_clause(scene, opener, token) => true,
        Some(token) => scene.begins_line(token) && is_leading_word(scene.text(token)),
    };
    // `f(1,` waits for an argument rather than for its parenthesis.
    is_complete.then(|| {
        let mut error = Error::syntax(format!("missing '{close}'"))
            .at(&scene.span(opener))
            .label("opened here, never closed");
        if let Some(token) = scene.found.filter(|t| t.kind == Kind::Close) {
            let found = scene.text(token);
            error = error.help(format!(
                "it should be closed before the '{found}' that follows"
            ));
        }
        error
    })
}

/// `select name(p from Person p`: a clause of the select around the bracket begins.
fn begins_clause(scene: &Scene<'_>, opener: Token, found: Token) -> bool {
    let is = |token: &Token, words: &[&str]| {
        words
            .iter()
            .any(|word| scene.text(*token).eq_ignore_ascii_case(word))
    };
    let inside = scene.before.iter().filter(|t| t.start > opener.start);
    is(&found, &["from", "where", "into"])
        && !inside.clone().any(|t| is(t, &["select"]))
        && inside.count() > 0
}

/// `select *`, and the like with `distinct` or other results before it.
fn selects_all(scene: &Scene<'_>) -> bool {
    let before = scene.before.last().map_or("", |token| scene.text(*token));
    ["select", "distinct", ","]
        .iter()
        .any(|word| word.eq_ignore_ascii_case(before))
}

/// Signs of other languages.
fn foreign_sign(scene: &Scene<'_>) -> Option<Error> {
    let found = scene.found.filter(|t| t.kind == Kind::Sign)?;
    let sign = scene.text(found);
    let help = match sign {
        "==" => "equality is written =, as in x = 1",
        "&&" => "write `and`",
        "||" => "write `or`; strings are joined with +",
        "<>" => "write != for \"is not equal\"",
        "=<" => "write <=",
        ":=" => "assign with set: set :x = 1",
        "**" => "powers are written with ^, as in 2^10",
        "!" => "negation is the function notany(…), or != between two values",
        "%" => "the remainder is mod(x,y)",
        "*" if selects_all(scene) => "name what to select: select name(p), age(p) from Person p",
        "." => "a field of a record is r['key'], an element of a vector is v[1]",
        "?" | "@" | "$" | "`" | "\\" | "&" | "~" => "it has no meaning in OSQL",
        _ => return None,
    };
    Some(
        Error::syntax(format!("unexpected '{sign}'"))
            .at(&scene.span(found))
            .help(help),
    )
}

/// Statements of SQL and other languages.
fn foreign_statement(scene: &Scene<'_>) -> Option<Error> {
    let first = *scene.before.first()?;
    let second = scene.before.get(1).copied().or(scene.found)?;
    let lower = |token| scene.text(token).to_lowercase();
    let help = match (lower(first).as_str(), lower(second).as_str()) {
        ("insert", "into") => {
            "objects are made with create Person(name) instances ('Eve'); facts are stored with set name(:p) = 'Eve'"
        }
        ("update", _) => "facts are changed with set f(x) = y from … where …",
        ("drop", "function" | "type") => "write delete function f or delete type T",
        ("drop", _) => "write delete function f, delete type T or delete :object",
        ("create", "table" | "view" | "index") => {
            "write create type T and functions over it; a view is a function with a query"
        }
        ("let" | "var" | "const", _) => "assign with set: set :x = 1",
        ("if", _) => "write case when … then … else … end",
        ("begin", _) => "a block is written { …; …; }",
        _ => return None,
    };
    Some(
        Error::syntax(format!(
            "'{}' begins no statement of OSQL",
            scene.text(first)
        ))
        .at(&scene.span(first))
        .help(help),
    )
}

/// Words of SQL and other languages inside a statement.
fn foreign_word(scene: &Scene<'_>) -> Option<Error> {
    let found = scene.found.filter(|t| t.kind == Kind::Word)?;
    let last = scene.before.last().map_or("", |t| scene.text(*t));
    let word = scene.text(found).to_lowercase();
    if last.eq_ignore_ascii_case("not") {
        let not = *scene.before.last()?;
        return Some(
            Error::syntax("there is no `not`")
                .at(&scene.span(not))
                .help("negation is a function: notany(x > 1)"),
        );
    }
    let help = match word.as_str() {
        "not" => "negation is a function: notany(x > 1)",
        "like" => "like is a function: like(x, 'a*')",
        "is" => "compare with =: x = null; some(…) and notany(…) ask whether there is a result",
        "between" => "write two comparisons: 1 <= x and x <= 5",
        "having" => "put the grouped select into another one and filter there",
        "join" | "inner" | "outer" | "cross" => {
            "name all variables in from and put the condition into where"
        }
        "union" => "write bag(…) of both, or a condition with or",
        "div" => "write /, or floor(x / y)",
        "mod" => "the remainder is mod(x,y)",
        "xor" => "write x != y for two truths",
        "as" if scene.is_complete && in_select(scene) => {
            "results have no names of their own; a record gives them: select {'name': x}"
        }
        "from" | "where" | "into" if scene.is_complete && in_select(scene) => {
            "the order is: select … into … from … where … group by … order by … limit …"
        }
        _ => return None,
    };
    Some(
        Error::syntax(format!("unexpected {}", shorten(scene.text(found))))
            .at(&scene.span(found))
            .help(help),
    )
}

fn in_select(scene: &Scene<'_>) -> bool {
    let is_select = |t: &Token| scene.text(*t).eq_ignore_ascii_case("select");
    scene.before.iter().rev().take(200).any(is_select)
}

/// Words that begin a statement.
const LEADING: [&str; 21] = [
    "select", "create", "delete", "set", "add", "remove", "declare", "for", "while", "loop",
    "return", "validate", "case", "commit", "rollback", "open", "fetch", "close", "quit", "exit",
    "leave",
];

fn is_leading_word(word: &str) -> bool {
    LEADING.iter().any(|w| w.eq_ignore_ascii_case(word))
}

/// `selct name(p) …`: a word that begins nothing, followed by what cannot follow a name.
fn misspelt_statement(scene: &Scene<'_>) -> Option<Error> {
    let [first] = scene.before[..] else {
        return None;
    };
    let follows = scene.found?.kind;
    if first.kind != Kind::Word
        || !matches!(
            follows,
            Kind::Word | Kind::Text(_) | Kind::Sign | Kind::Number
        )
    {
        return None;
    }
    let word = scene.text(first);
    if is_leading_word(word) {
        return None;
    }
    let error = Error::syntax(format!("'{word}' begins no statement")).at(&scene.span(first));
    Some(match diagnostic::nearest(word, LEADING) {
        Some(near) => error.help(format!("did you mean '{near}'?")),
        None if scene.begins_line(scene.found?) => {
            error.help("if it is a statement of its own, end it with ';'")
        }
        None => error.help("to call a function, put its arguments in parentheses: f(x, y)"),
    })
}

/// The next line begins another statement.
fn missing_semicolon(scene: &Scene<'_>) -> Option<Error> {
    let found = scene.found?;
    let last = *scene.before.last()?;
    let begins = if last.kind == Kind::Semicolon {
        return Some(
            Error::syntax("only one statement at a time")
                .at(&scene.span(found))
                .label("a second one begins here"),
        );
    } else {
        found.kind == Kind::Word && scene.begins_line(found) && is_leading_word(scene.text(found))
    };
    begins.then(|| {
        Error::syntax(format!("missing ';' before {}", shorten(scene.text(found))))
            .at(&scene.place())
            .label("another statement begins here")
            .help("end the statement before it with ';'")
    })
}

/// `mqtt:clients` without its parentheses.
fn missing_parentheses(scene: &Scene<'_>) -> Option<Error> {
    let [.., space, colon, name] = scene.before[..] else {
        return None;
    };
    let is_name = space.kind == Kind::Word
        && scene.text(colon) == ":"
        && name.kind == Kind::Word
        && space.end == colon.start
        && colon.end == name.start;
    is_name.then(|| {
        let whole = scene.span(space).to(&scene.span(name));
        let text = whole.text();
        Error::syntax(format!("'{text}' is the name of a function"))
            .at(&whole)
            .help(format!("to call it, write {text}(…)"))
    })
}
