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
pub const KEYWORDS: [Keyword; 103] = [
    leading("add"),
    inner("all"),
    inner("and"),
    inner("array"),
    inner("as"),
    inner("asc"),
    leading("attach"),
    inner("bag"),
    inner("between"),
    inner("by"),
    inner("cascade"),
    leading("case"),
    inner("cast"),
    inner("character"),
    inner("check"),
    leading("close"),
    leading("commit"),
    leading("create"),
    inner("cross"),
    inner("database"),
    leading("declare"),
    inner("default"),
    leading("delete"),
    inner("desc"),
    leading("detach"),
    inner("distinct"),
    inner("do"),
    inner("double"),
    leading("drop"),
    inner("each"),
    inner("else"),
    inner("end"),
    inner("except"),
    inner("exists"),
    leading("exit"),
    inner("false"),
    leading("fetch"),
    leading("for"),
    inner("foreign"),
    inner("from"),
    inner("full"),
    inner("function"),
    inner("group"),
    inner("having"),
    inner("if"),
    inner("in"),
    inner("index"),
    inner("inf"),
    inner("inner"),
    leading("insert"),
    inner("instances"),
    inner("intersect"),
    inner("into"),
    inner("inverse"),
    inner("is"),
    inner("join"),
    inner("key"),
    leading("leave"),
    inner("left"),
    inner("like"),
    inner("limit"),
    leading("loop"),
    inner("nan"),
    inner("natural"),
    inner("nonkey"),
    inner("not"),
    inner("null"),
    inner("of"),
    inner("offset"),
    inner("on"),
    leading("open"),
    inner("or"),
    inner("order"),
    inner("outer"),
    inner("precision"),
    inner("primary"),
    leading("quit"),
    leading("remove"),
    leading("return"),
    inner("right"),
    leading("rollback"),
    leading("select"),
    leading("set"),
    inner("stored"),
    inner("stream"),
    inner("table"),
    inner("then"),
    inner("timeval"),
    inner("true"),
    inner("type"),
    inner("under"),
    inner("union"),
    inner("unique"),
    leading("update"),
    inner("using"),
    leading("validate"),
    inner("values"),
    inner("varying"),
    inner("vector"),
    inner("view"),
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
