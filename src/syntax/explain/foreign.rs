//! The syntax of other languages, each with what is written here: statements, signs and words of SQL,
//! Flink, InfluxQL, Python, JavaScript, jq and the shell.

use super::slips::open_brackets;
use super::{Scene, shorten};
use crate::syntax::lexer::{Lexeme, LexemeKind};
use crate::text::diagnostic::Error;

/// The error for something of another language that explains the fault, if there is such.
pub(super) fn find(scene: &Scene<'_>) -> Option<Error> {
    hash_comment(scene)
        .or_else(|| lettered_string(scene))
        .or_else(|| duration(scene))
        .or_else(|| read_from(scene))
        .or_else(|| sign(scene))
        .or_else(|| statement(scene))
        .or_else(|| word(scene))
}

/// How the messages of a topic are read, as one query.
const MESSAGES: &str = "messages are read by select r from Record r, Binary b where b in \
                        subscribe('client:home/#') and r = json:unstringify(charstring(b))";

/// How a function is made, for those who know another way.
const FUNCTION: &str = "write create function f(Number x) -> Number as x + 1";

/// `# comment`
fn hash_comment(scene: &Scene<'_>) -> Option<Error> {
    let last = scene.before.last().copied();
    let mark = last
        .into_iter()
        .chain(scene.found)
        .find(|t| scene.text(*t) == "#")?;
    let is_wildcard = |before: &[Lexeme]| matches!(before, [.., path, hash] if scene.text(*hash) == "#" && hash.start == path.end);
    if is_wildcard(&scene.before) {
        return Some(
            Error::syntax("a topic is a string")
                .at(&scene.span(mark))
                .help("write subscribe('client:home/#'), with quotes"),
        );
    }
    Some(
        Error::syntax("'#' begins no comment")
            .at(&scene.span(mark))
            .help("a comment begins with // or --, or stands between /* and */"),
    )
}

/// `f'{x}'` and `r'\d'`: a letter directly before a string.
fn lettered_string(scene: &Scene<'_>) -> Option<Error> {
    let string = scene.found.filter(|t| t.kind == LexemeKind::String)?;
    let letter = scene.before.last().filter(|t| t.end == string.start)?;
    let help = match scene.text(*letter) {
        "f" | "F" => "values are put into text by format('{} is {:.1f}', name, x)",
        "r" | "R" => "between single quotes a backslash is one: '\\d+'",
        "b" | "B" => "bytes are binary('68656c6c6f'), in hexadecimal digits",
        _ => return None,
    };
    Some(
        Error::syntax("no letter stands before a string")
            .at(&scene.span(*letter))
            .help(help),
    )
}

/// `1h`, `interval '1' hour` and `date '2026-01-31'`.
fn duration(scene: &Scene<'_>) -> Option<Error> {
    let found = scene.found?;
    let last = *scene.before.last()?;
    let word = scene.text(last).to_lowercase();
    let mut unit = scene.text(found).to_owned();
    let error = match last.kind {
        LexemeKind::Number if last.end == found.start && found.kind == LexemeKind::Word => {
            Error::syntax(format!("there is no unit in {word}{unit}"))
                .at(&scene.span(last).to(&scene.span(found)))
                .help(in_seconds(&word, &unit))
        }
        LexemeKind::Word if matches!(word.as_str(), "date" | "timestamp" | "datetime" | "time") => {
            if found.kind != LexemeKind::String {
                return None;
            }
            return Some(
                Error::syntax(format!("unexpected {}", shorten(&unit)))
                    .at(&scene.span(found))
                    .help("a time is written |2026-01-31T12:00:00Z|, a string becomes one by parse_iso_timestamp(s)"),
            );
        }
        LexemeKind::Word if word == "interval" => {
            let quoted = unit.trim_matches(['\'', '"']).to_owned();
            let (number, named) = quoted.split_once(' ').unwrap_or((&quoted, ""));
            let number = number.to_owned();
            unit = match named {
                "" => scene
                    .behind()
                    .next()
                    .map_or("", |t| scene.text(t))
                    .to_owned(),
                named => named.to_owned(),
            };
            Error::syntax("a duration is a number of seconds")
                .at(&scene.span(last))
                .help(in_seconds(&number, &unit))
        }
        _ => return None,
    };
    let groups = |t: &Lexeme| scene.text(*t).eq_ignore_ascii_case("group");
    Some(match scene.before.iter().any(groups) {
        true => error.help("groups of each minute come from group by …, window(60)"),
        false => error,
    })
}

/// What a duration of another language is here.
fn in_seconds(number: &str, unit: &str) -> String {
    let seconds = match unit.to_lowercase().trim_end_matches('s') {
        // Seconds and milliseconds.
        "" | "second" | "sec" => 1.0,
        "m" if unit.eq_ignore_ascii_case("ms") => 0.001,
        "milli" | "millisecond" => 0.001,
        "m" | "min" | "minute" => 60.0,
        "h" | "hour" => 3600.0,
        "d" | "day" => 86400.0,
        "w" | "week" => 604_800.0,
        _ => return "a duration is a number of seconds: an hour is 3600".to_owned(),
    };
    match number.parse::<f64>() {
        Ok(number) => format!(
            "write {}: durations are numbers of seconds",
            number * seconds
        ),
        Err(_) => "a duration is a number of seconds: an hour is 3600".to_owned(),
    }
}

/// `select * from "home/#"`, `select x from iota(1,3)`, `select x from x in b`: what stands behind `from`.
fn read_from(scene: &Scene<'_>) -> Option<Error> {
    let found = scene.found?;
    let is = |t: &Lexeme, word: &str| scene.text(*t).eq_ignore_ascii_case(word);
    let from = scene.before.iter().rposition(|t| is(t, "from"))?;
    let between = &scene.before[from + 1..];
    if !scene.before[..from].iter().any(|t| is(t, "select")) {
        return None;
    }
    let error = |message: String| Error::syntax(message).at(&scene.span(found));
    match (between, scene.text(found)) {
        ([], text) if found.kind == LexemeKind::String && text.contains(['/', '#', '+', ':']) => {
            Some(error("a topic is no table".to_owned()).help(MESSAGES))
        }
        ([], text) if found.kind == LexemeKind::String => Some(
            error("the name of a table has no quotes".to_owned())
                .help(format!("write from {}", text.trim_matches(['\'', '"']))),
        ),
        ([_], "/") => Some(error("a topic is no table".to_owned()).help(MESSAGES)),
        ([name], "(") if name.kind == LexemeKind::Word => {
            let name = scene.text(*name);
            let error = error(format!("what {name}(…) gives is gone through in where"));
            Some(match name.to_lowercase().contains("subscribe") {
                true => error.help(MESSAGES),
                false => error.help(format!("write select x from Object x where x in {name}(…)")),
            })
        }
        ([name], "in") => {
            let name = scene.text(*name);
            let error = error("a variable is declared with its type".to_owned());
            Some(error.help(format!("write from Object {name} where {name} in …")))
        }
        _ => None,
    }
}

/// Signs of other languages.
fn sign(scene: &Scene<'_>) -> Option<Error> {
    let found = scene.found?;
    let last = scene.before.last().copied();
    let sign = scene.text(found);
    if found.kind != LexemeKind::Sign && !matches!(sign, "=" | ":" | "|" | ",") {
        return assigned_sum(scene);
    }
    let touches =
        |before: &str| last.is_some_and(|t| scene.text(t) == before && t.end == found.start);
    let help = match sign {
        "==" => "equality is written =, as in x = 1".to_owned(),
        "=" if touches("=") || touches("==") => "equality is written =, as in x = 1".to_owned(),
        "=" if ["+", "-", "*", "/"].iter().any(|sign| touches(sign)) => return assigned_sum(scene),
        "&&" => "write `and`".to_owned(),
        "=<" => "write <=".to_owned(),
        ":=" => "assign with set: set :x = 1".to_owned(),
        "**" => "powers are written with ^, as in 2^10".to_owned(),
        "!" => "negation is written not …, or != between two values".to_owned(),
        "." => return field(scene, found),
        "->" | "->>" => "a field of a record is r['key']".to_owned(),
        "=>" => FUNCTION.to_owned(),
        "?" => "write case when … then … else … end".to_owned(),
        ":" if scene.source.text[found.end..].starts_with(':') => {
            "a conversion is written cast(x as Integer)".to_owned()
        }
        "|" => "write f(x) for x | f".to_owned(),
        "," => return limited(scene, found),
        "@" | "$" | "`" | "\\" | "&" | "~" => "it has no meaning in OSQL".to_owned(),
        _ => return None,
    };
    Some(
        Error::syntax(format!("unexpected '{sign}'"))
            .at(&scene.span(found))
            .help(help),
    )
}

/// `x += 1` and `x++`
fn assigned_sum(scene: &Scene<'_>) -> Option<Error> {
    let is_sign = |t: &Lexeme| matches!(scene.text(*t), "+" | "-" | "*" | "/");
    let [variable @ .., operator] = scene.before.as_slice() else {
        return None;
    };
    let is_increment = scene.is_at_end()
        && variable
            .last()
            .is_some_and(|t| is_sign(t) && t.end == operator.start);
    let is_assigned = scene.found_text() == "=";
    if !is_sign(operator) || !is_assigned && !is_increment {
        return None;
    }
    let first = variable.iter().filter(|t| !is_sign(t));
    let name: String = first.map(|t| scene.text(*t)).collect();
    let name = name.trim_start_matches(':');
    let (sign, added) = match is_increment {
        true => (scene.text(*operator), "1"),
        false => (scene.text(*operator), "…"),
    };
    Some(
        Error::syntax(format!(
            "unexpected '{sign}{}'",
            if is_increment { sign } else { "=" }
        ))
        .at(&scene.span(*operator))
        .help(format!("write set :{name} = :{name} {sign} {added}")),
    )
}

/// `r.temp`, `'a'.upper()` and `.payload`.
fn field(scene: &Scene<'_>, point: Lexeme) -> Option<Error> {
    let error = Error::syntax("unexpected '.'").at(&scene.span(point));
    let mut behind = scene.behind();
    let name = behind.next().filter(|t| t.kind == LexemeKind::Word);
    let name = name.map_or("key", |t| scene.text(t));
    let is_called = behind.next().is_some_and(|t| scene.text(t) == "(");
    let Some(last) = scene.before.last() else {
        return Some(
            error
                .help(format!("a field of a record is r['{name}']"))
                .help("JSON in a string becomes a record by json:unstringify(s)"),
        );
    };
    let before = scene.before.get(scene.before.len().wrapping_sub(2));
    let owner = match (before.map(|t| scene.text(*t)), last.kind) {
        (Some(":"), LexemeKind::Word) => format!(":{}", scene.text(*last)),
        (_, LexemeKind::Word | LexemeKind::String) => scene.text(*last).to_owned(),
        (_, _) if scene.text(*last).starts_with(':') => scene.text(*last).to_owned(),
        _ => "x".to_owned(),
    };
    let is_text = last.kind == LexemeKind::String;
    Some(match is_called || is_text {
        true => error.help(format!(
            "a function is called with its arguments: {name}({owner})"
        )),
        false => error.help(format!(
            "a field of a record is {owner}['{name}'], an element of a vector is {owner}[1]"
        )),
    })
}

/// `limit 2, 3`
fn limited(scene: &Scene<'_>, comma: Lexeme) -> Option<Error> {
    let [.., limit, skipped] = scene.before.as_slice() else {
        return None;
    };
    let most = scene.behind().next()?;
    scene.text(*limit).eq_ignore_ascii_case("limit").then(|| {
        Error::syntax("unexpected ','")
            .at(&scene.span(comma))
            .help(format!(
                "write limit {} offset {}",
                scene.text(most),
                scene.text(*skipped)
            ))
    })
}

/// Statements of other languages.
fn statement(scene: &Scene<'_>) -> Option<Error> {
    let mut all = scene.before.iter().copied().chain(scene.found);
    let first = all.next().filter(|t| t.kind == LexemeKind::Word)?;
    let second = all.next().map_or("", |t| scene.text(t));
    let (one, two) = (scene.text(first).to_lowercase(), second.to_lowercase());
    let help = match (one.as_str(), two.as_str()) {
        ("from" | "where" | "group" | "having" | "order" | "limit", _)
            if scene.before.is_empty() =>
        {
            "a query is one statement with one ';' at its end: select … from … where …;"
        }
        ("drop", "function" | "type") => "write delete function f or delete type T",
        ("alter", _) => "make another table of it: create table U as select … from T",
        ("create", "stream" | "source" | "continuous") => {
            "a topic needs no declaration: select b from Binary b where b in subscribe('client:topic'); \
             a name is given by create function f() -> Stream of Number as select stream of …"
        }
        ("create", "database" | "schema") => "a database is a file: open_database('plant.db')",
        ("create", "temp" | "temporary") => {
            "a table lasts as long as the session: create table t(…); with in plant it is in a database"
        }
        ("create", "procedure" | "or") => "write create function f(Number x) -> Number as { …; }",
        ("create", "function") => return function(scene),
        ("with", _) => "write create view v as select …, or select … from (select …) as v",
        ("explain", _) => "write explain(select …)",
        ("truncate", _) => "write delete from t",
        ("let" | "var" | "const", _) => "assign with set: set :x = 1",
        ("if", _) => "write case when … then … else … end",
        ("begin", _) => "a block is written { …; …; }",
        ("def" | "function" | "fn" | "func" | "lambda", _) => FUNCTION,
        ("import" | "include" | "require" | "source" | "using", _) => {
            "nothing is imported, all functions are there; a script is run by load_osql('file'), a model \
             by models:load('name')"
        }
        ("print" | "echo" | "puts" | "say", _) => "write the value itself, or print(x)",
        ("for", _) => "write for each Integer i where i in range(3) { …; }, or a select",
        ("show" | "describe" | "desc" | "use", _) => {
            "doc('name') says what is known of a name; userfunctions() and usertypes() are what you made, \
             and the tables among it"
        }
        ("mosquitto_sub" | "subscribe" | "sub" | "listen", _) => {
            "write subscribe('client:home/#'), where client is what mqtt:register_client(…) has named; in \
             the shell of the system it is osql sub mqtt://host 'home/#'"
        }
        ("mosquitto_pub" | "publish" | "pub", _) => {
            "write publish(20, 'client:home/temp'), where client is what mqtt:register_client(…) has named; \
             in the shell of the system it is osql pub mqtt://host home/temp 20"
        }
        _ => return None,
    };
    Some(
        Error::syntax(format!(
            "'{}' begins no statement of OSQL",
            written(scene, first, second)
        ))
        .at(&scene.span(first))
        .help(help),
    )
}

/// The words that a statement begins with: two where the first alone could begin one.
fn written(scene: &Scene<'_>, first: Lexeme, second: &str) -> String {
    let word = scene.text(first);
    match word.to_lowercase().as_str() {
        "create" | "drop" => format!("{word} {second}"),
        _ => word.to_owned(),
    }
}

/// `create function f(x integer) returns integer as …`: what a function gives is said otherwise.
fn function(scene: &Scene<'_>) -> Option<Error> {
    let found = scene.found?;
    let word = scene.text(found).to_lowercase();
    let says_result = scene.before.iter().any(|t| scene.text(*t) == "->");
    let closes = scene.before.last().is_some_and(|t| scene.text(*t) == ")");
    (!says_result
        && closes
        && matches!(word.as_str(), "returns" | "return" | "as" | ":" | "{" | "="))
    .then(|| {
        Error::syntax(format!("expected '->', not {}", shorten(scene.text(found))))
            .at(&scene.span(found))
            .help("write create function f(Integer x) -> Integer as x + 1")
    })
}

/// Words of other languages inside a statement.
fn word(scene: &Scene<'_>) -> Option<Error> {
    let found = scene.found?;
    let last = scene.before.last();
    if found.kind == LexemeKind::Number
        && last.is_some_and(|t| scene.text(*t).eq_ignore_ascii_case("top"))
    {
        let most = scene.text(found);
        return Some(
            Error::syntax(format!("unexpected '{most}'"))
                .at(&scene.span(found))
                .help(format!(
                    "write select … limit {most}, with the limit at the end"
                )),
        );
    }
    if found.kind != LexemeKind::Word {
        return None;
    }
    let word = scene.text(found).to_lowercase();
    let in_vector = || {
        open_brackets(scene)
            .last()
            .is_some_and(|t| scene.text(*t) == "[")
    };
    let help = match word.as_str() {
        "div" => "write /, or floor(x / y)",
        "mod" => "the remainder is x % y, or mod(x,y)",
        "xor" => "write x != y for two truths",
        "ilike" => "write like_i(s, 'a*'), where * stands for any characters",
        "rlike" | "regexp" | "similar" | "glob" | "match" => {
            "regular expressions are regex_match(s, 'a.*'), patterns with * are like(s, 'a*')"
        }
        "isnull" | "notnull" => "write x is null, or x is not null",
        "ascending" => "write asc",
        "descending" => "write desc",
        "over" => {
            "there are no windows over rows: totals are group by …, what goes on along a stream is \
             winagg(stream, size, stride)"
        }
        "for" if in_vector() => {
            "a vector of such values is select vector of x * 2 from Integer x where x in …"
        }
        "from" | "where" | "into" if scene.is_complete && in_select(scene) => {
            "the order is: select … into … from … where … group by … having … order by … limit …"
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
    let is_select = |t: &Lexeme| scene.text(*t).eq_ignore_ascii_case("select");
    scene.before.iter().rev().take(200).any(is_select)
}
