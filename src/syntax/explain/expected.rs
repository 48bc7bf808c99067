//! Says which words, signs or parts could have stood at the place of a syntax error.

use crate::syntax::grammar::Rule;
use crate::syntax::lexer::Lexeme;
use crate::text::diagnostic;

/// What the grammar's rules that were tried at the fault stand for, without repetition; first what
/// helps a person most.
///
/// `before` are the lexemes that were understood.
pub fn words<'t>(
    rules: &[Rule],
    before: &[Lexeme],
    text: impl Fn(Lexeme) -> &'t str,
) -> Vec<String> {
    let mut found: Vec<(u8, String)> = rules.iter().filter_map(|rule| word(*rule)).collect();
    found.sort();
    found.dedup();
    let has_expression = found.iter().any(|(_, word)| word == "an expression");
    let best = found.first().map_or(rank::END, |(r, _)| *r);
    let mut words: Vec<String> = found
        .into_iter()
        .filter(|(r, word)| match *r {
            rank::STEP | rank::OPERATOR => best >= *r,
            rank::PART => !(has_expression && begins_expression(word)),
            _ => true,
        })
        .map(|(_, word)| word)
        .collect();
    if before.is_empty() {
        words = vec!["a statement".to_owned()];
    }
    if words.is_empty() {
        words.push(match before.last() {
            Some(lexeme) => format!("something else after '{}'", text(*lexeme)),
            None => "a statement".to_owned(),
        });
    }
    words
}

/// Whether an expression can begin with `word`, so that "an expression" says it already.
fn begins_expression(word: &str) -> bool {
    matches!(
        word,
        "a string" | "a variable" | "'select'" | "'case'" | "'cast'" | "the name of a function"
    ) || word.starts_with("a session variable")
}

/// Ranks of what could have stood there: what helps a person most comes first.
mod rank {
    pub const PART: u8 = 0;
    pub const CLAUSE: u8 = 1;
    pub const CLOSER: u8 = 6;
    pub const STEP: u8 = 7;
    pub const OPERATOR: u8 = 8;
    pub const END: u8 = 9;
}

/// What `rule` stands for in a message, with its rank; `None` where it would not help.
fn word(rule: Rule) -> Option<(u8, String)> {
    use Rule::*;
    let (r, word) = match rule {
        expr | selects | column_of_row | call | paren | vector | record | cast | case
        | functional | query_step | negative | constant | number | time | items => {
            (rank::PART, "an expression")
        }
        string => (rank::PART, "a string"),
        variable | local_name | parameter_name | column_name => (rank::PART, "a variable"),
        session_variable | session_declaration => (rank::PART, "a session variable such as ':x'"),
        from_item | selected_rows | declaration | r#type | collection | columns | column
        | parameter | row | result => (rank::PART, "a type"),
        type_name => (rank::PART, "the name of a type"),
        new_name | function_name | resolvent | spaced_name => {
            (rank::PART, "the name of a function")
        }
        signature => (rank::PART, "the name of a function"),
        instance => (rank::PART, "an object such as ':p' or '(1,2)'"),
        parameters | arguments | attributes => (rank::PART, "'('"),
        arrow => (rank::PART, "'->'"),
        becomes => (rank::PART, "'='"),
        yields => (rank::PART, "'=>'"),
        colon => (rank::PART, "':'"),
        arm | step_arm => (rank::PART, "'when'"),
        check => (rank::PART, "'check'"),
        body => (rank::PART, "'as'"),
        inverse => (rank::PART, "'inverse of'"),
        foreign => (rank::PART, "'foreign'"),
        from => (rank::CLAUSE, "'from'"),
        where_clause => (rank::CLAUSE + 1, "'where'"),
        group_by => (rank::CLAUSE + 2, "'group by'"),
        order_by => (rank::CLAUSE + 2, "'order by'"),
        limit => (rank::CLAUSE + 3, "'limit'"),
        into => (rank::CLAUSE + 4, "'into'"),
        otherwise | step_else => (rank::CLAUSE, "'else'"),
        close_paren | close_list => (rank::CLOSER, "',' or ')'"),
        close_bracket => (rank::CLOSER, "',' or ']'"),
        close_brace => (rank::CLOSER, "',' or '}'"),
        close_block => (rank::CLOSER, "';' or '}'"),
        EOI => (rank::END, "the end of the statement"),
        or | and | equal | not_equal | at_most | at_least | less | greater | within | add
        | join_text | like | not_like | not_within | null_test | between | subtract | multiply
        | divide | modulo | power | each_add | each_subtract | each_multiply | each_divide
        | each_power | minus_sign => (rank::OPERATOR, "an operator"),
        row_name => (rank::PART, "a variable"),
        table_name => (rank::PART, "the name of a table"),
        index_name => (rank::PART, "the name of an index"),
        column_id | table_column => (rank::PART, "a column"),
        table_columns | column_names | index_columns | inserted_row => (rank::PART, "'('"),
        column_type | long_type => (rank::PART, "a type"),
        subscript | distinct | select_kind | membership | having | offset | joined_item | join
        | set_operator | item_name | all_columns | all_rows | each_once | if_absent
        | if_present | type_length | column_rule | chosen_by | negation => return None,
        other => return keyword(other),
    };
    Some((r, word.to_owned()))
}

/// The keyword that `rule` stands for: its name in capitals. The other rules, with names in lower case,
/// are statements and parts of them.
fn keyword(rule: Rule) -> Option<(u8, String)> {
    let name = format!("{rule:?}");
    if name.contains(|c: char| c.is_lowercase()) {
        return Some((rank::STEP, "a statement".to_owned()));
    }
    use Rule::*;
    let (r, word) = match rule {
        // They may stand nearly everywhere and would hide the rest.
        KEY | NONKEY | ASC | DESC | ALL | AS | ON | CASCADE | HAVING | OFFSET => return None,
        INSERT | UPDATE | DROP_WORD | CREATE | DECLARE | DELETE | SET | FOR | WHILE | LOOP
        | ATTACH | DETACH | OPEN | FETCH | CLOSE | VALIDATE | QUIT | EXIT | COMMIT | ROLLBACK
        | LEAVE | RETURN => {
            return Some((rank::STEP, "a statement".to_owned()));
        }
        FROM => (rank::CLAUSE, name),
        WHERE => (rank::CLAUSE + 1, name),
        GROUP => (rank::CLAUSE + 2, "group by".to_owned()),
        ORDER => (rank::CLAUSE + 2, "order by".to_owned()),
        LIMIT => (rank::CLAUSE + 3, name),
        INTO => (rank::CLAUSE + 4, name),
        _ => (rank::PART, name),
    };
    Some((r, format!("'{}'", word.to_lowercase())))
}

/// `a`, `a or b`, `a, b or c`; at most six of them.
pub fn list(words: &[String]) -> String {
    let shown = &words[..words.len().min(6)];
    match shown {
        [] => "something else".to_owned(),
        [only] => only.clone(),
        [most @ .., last] => {
            let most = most.join(", ").replace(" or ", ", ");
            format!("{most} or {last}")
        }
    }
}

/// The expected keyword that `found` is most likely a misspelling of.
pub fn nearest(found: &str, expected: &[String]) -> Option<String> {
    let keywords = expected
        .iter()
        .filter(|word| word.starts_with('\'') && word.len() > 4)
        .map(|word| word.trim_matches('\''));
    diagnostic::nearest(found, keywords).map(|keyword| format!("'{keyword}'"))
}

/// Whether `rule` ends a part of a statement: a bracket, or the end itself.
pub fn is_end(rule: &Rule) -> bool {
    use Rule::*;
    matches!(
        rule,
        EOI | close_paren | close_list | close_bracket | close_brace | close_block
    )
}
