//! Functions called by the names that they have in other languages.

use crate::support::session::Db;

/// A call as a newcomer writes it, and words that the answer must have.
const MISTAKES: &[(&str, &str)] = &[
    ("len('abc')", "length(s)"),
    ("strlen('abc')", "length(s)"),
    ("CHAR_LENGTH('abc')", "length(s)"),
    ("substr('abc',1,2)", "section(x, "),
    ("substring('abc',1,2)", "section(x, "),
    ("mid('abc',1,2)", "section(x, "),
    ("ucase('a')", "upper(s)"),
    ("toUpperCase('a')", "upper(s)"),
    ("ascii_downcase('a')", "lower(s)"),
    ("strip(' a ')", "trim(s)"),
    ("contains('abc','b')", "like(s, '*part*')"),
    ("startswith('abc','a')", "like(s, 'beginning*')"),
    ("ends_with('abc','c')", "like(s, '*end')"),
    ("indexOf('abc','c')", "locate(part, s)"),
    ("charindex('c','abc')", "locate(part, s)"),
    ("regexp_like('abc','b')", "regex_match(s, pattern)"),
    ("regexp_extract('abc','b')", "regex_groups(s, pattern)"),
    ("gsub('a','b','c')", "regex_replace(s, "),
    ("sprintf('%d',1)", "format('{}"),
    ("int('12')", "aton(s)"),
    ("parseInt('12')", "aton(s)"),
    ("parseFloat('1.5')", "aton(s)"),
    ("to_number('1')", "aton(s)"),
    ("ceil(1.5)", "ceiling(x)"),
    ("log(2)", "ln(x)"),
    ("pow(2,3)", "x ^ y"),
    ("random()", "frand(bound)"),
    ("greatest(1,2)", "max(bag(a, b))"),
    ("str(1)", "ntoa(x)"),
    ("to_string(1)", "stringify(x)"),
    ("dumps({'a':1})", "json:stringify(x)"),
    ("json_parse('{}')", "json:unstringify(s)"),
    ("fromjson('{}')", "json:unstringify(s)"),
    ("type(1)", "typeof(x)"),
    ("keys({'a':1})", "r[k] = v"),
    ("isnull(1)", "x is null"),
    ("iif(true,1,2)", "case when condition"),
    ("date('2026-01-31')", "parse_iso_timestamp(s)"),
    ("current_timestamp()", "now()"),
    ("strftime('%Y',1)", "stringify(t)"),
    ("unnest([1,2])", "x in v"),
    ("explode([1,2])", "x in v"),
    ("stddev(bag(1,2))", "stdev(b)"),
    ("percentile(bag(1,2),90)", "median(b)"),
    ("array_agg(bag(1,2))", "vectorof(b)"),
    ("string_agg(bag('a','b'),',')", "concatagg(b)"),
    ("map(#'sin',[1])", "select f(x)"),
    ("filter(#'sin',[1])", "condition"),
    ("sorted(bag(2,1))", "order by x"),
    ("generate_series(1,3)", "iota(from, to)"),
    ("tumble(siota(1,9),3)", "winagg(stream, size, stride)"),
    ("moving_average(siota(1,9),3)", "winagg(stream, size, 1)"),
    ("lag(siota(1,9))", "winagg(stream, 2, 1)"),
    ("derivative(siota(1,9))", "w[2] - w[1]"),
    ("console:log('x')", "print(x)"),
];

#[test]
fn a_name_from_elsewhere_leads_to_ours() {
    let mut db = Db::new();
    for (call, words) in MISTAKES {
        db.fails(&format!("{call};"), &["unknown function", words]);
    }
    db.fails(
        "functionnamed('strlen');",
        &["there is no function 'strlen'", "length(s)"],
    );
}

#[test]
fn a_function_of_ones_own_may_have_such_a_name() {
    Db::of("create function len(Charstring s) -> Integer as length(s);").gives("len('abc');", "3");
}
