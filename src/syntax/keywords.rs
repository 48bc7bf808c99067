//! The keywords of OSQL. A test compares them with those of the grammar.
//!
//! Most of them are keywords only where one can stand: a variable may be called `key` or `order`.

/// A word that the language gives a meaning.
#[derive(Debug)]
pub struct Keyword {
    /// In lower case.
    pub text: &'static str,
    /// Whether a statement can begin with it.
    pub begins_statement: bool,
}

const fn leading(text: &'static str) -> Keyword {
    Keyword {
        text,
        begins_statement: true,
    }
}

const fn inner(text: &'static str) -> Keyword {
    Keyword {
        text,
        begins_statement: false,
    }
}

/// All keywords, sorted.
pub const KEYWORDS: [Keyword; 64] = [
    leading("add"),
    inner("and"),
    inner("array"),
    inner("as"),
    inner("asc"),
    inner("bag"),
    inner("by"),
    leading("case"),
    inner("cast"),
    inner("check"),
    leading("close"),
    leading("commit"),
    leading("create"),
    leading("declare"),
    leading("delete"),
    inner("desc"),
    inner("distinct"),
    inner("do"),
    inner("each"),
    inner("else"),
    inner("end"),
    leading("exit"),
    inner("false"),
    leading("fetch"),
    leading("for"),
    inner("foreign"),
    inner("from"),
    inner("function"),
    inner("group"),
    inner("in"),
    inner("inf"),
    inner("instances"),
    inner("into"),
    inner("inverse"),
    inner("key"),
    leading("leave"),
    inner("limit"),
    leading("loop"),
    inner("nan"),
    inner("nonkey"),
    inner("null"),
    inner("of"),
    leading("open"),
    inner("or"),
    inner("order"),
    leading("quit"),
    leading("remove"),
    leading("return"),
    leading("rollback"),
    leading("select"),
    leading("set"),
    inner("stored"),
    inner("stream"),
    inner("then"),
    inner("timeval"),
    inner("true"),
    inner("type"),
    inner("under"),
    leading("validate"),
    inner("values"),
    inner("vector"),
    inner("when"),
    inner("where"),
    leading("while"),
];

/// The keyword that `word` is, in any case.
pub fn keyword(word: &str) -> Option<&'static Keyword> {
    let word = word.to_ascii_lowercase();
    let at = KEYWORDS.binary_search_by(|k| k.text.cmp(&word)).ok()?;
    Some(&KEYWORDS[at])
}

/// Whether `word` can begin a statement, in any case.
pub fn begins_statement(word: &str) -> bool {
    keyword(word).is_some_and(|k| k.begins_statement)
}
