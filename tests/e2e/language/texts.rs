//! Text: regular expressions, values put into text, white space taken away.

use std::time::{Duration, Instant};

use crate::support::session::Db;

/// A session that has run a script, whatever that printed.
fn of(script: &str) -> Db {
    let mut db = Db::new();
    let printed = db.run(script);
    assert!(!printed.contains("error"), "{printed}");
    db
}

#[test]
fn a_regular_expression_filters_and_takes_apart() {
    let mut db = of("create table t(topic Charstring);
         insert into t values ('site/7/temp'),('site/12/temp'),('hall/x');");
    db.gives(
        r"select topic from t where regex_match(topic,'^\w+/\d{2}/');
          select regex_replace(topic,'(\w+)/(\d+)','$2@$1') from t;
          select regex_groups(topic,'^(\w+)/(\d+)') from t;
          count(select s from Charstring s, Integer i
                where i in iota(1,5000) and s = 'room ' + i and regex_match(s,'[05]$'));
          regex_match('Größe 5','^\w+ \d$');
          regex_groups('ab','(x)?(b)');",
        r#""site/12/temp"
           "7@site/temp"
           "12@site/temp"
           "hall/x"
           ["site","7"]
           ["site","12"]
           null
           1000
           true
           [null,"b"]"#,
    );
    db.fails(
        "regex_match('a','*a');",
        &["is no regular expression", "any characters are .*"],
    );
    db.fails("regex_replace('a','(a)','$2');", &["there is no group $2"]);
    // Where it fails, the place is shown as for any function.
    db.fails(
        "select regex_match(topic,topic + '(') from t;",
        &["is no regular expression: unclosed group"],
    );
}

/// Batches and the evaluator give the same, whatever the texts and patterns are.
#[test]
fn columns_are_matched_as_single_texts() {
    let mut db = of(
        "create function alone(Charstring s, Charstring p) -> Charstring as
           { return ntoa(case when regex_match(s,p) then 1 else 0 end) + regex_replace(s,p,'<$0>'); };",
    );
    for pattern in ["[0-9]+", "^a", "", "(b|1)+$", "\\W", "ö?5"] {
        let batch = db.run(&format!(
            "select ntoa(case when regex_match(s,'{pattern}') then 1 else 0 end) + regex_replace(s,'{pattern}','<$0>')
             from Charstring s, Integer i where i in iota(1,300) and s = 'aö-' + i + 'b';"
        ));
        let single = db.run(&format!(
            "select alone(s,'{pattern}') from Charstring s, Integer i where i in iota(1,300) and s = 'aö-' + i + 'b';"
        ));
        assert_eq!(batch, single, "{pattern}");
        assert_eq!(batch.lines().count(), 300, "{pattern}");
    }
}

#[test]
fn a_search_of_a_long_text_is_stopped() {
    let mut db = Db::with_timeout(Some(Duration::from_millis(300)));
    db.does("set :s = concatagg(select 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' from Integer i where i in iota(1,200000));");
    let begun = Instant::now();
    db.fails(r"regex_groups(:s,'(a|aa|aaa|aaaa)*');", &["time"]);
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );
    db.gives("1+1;", "2");
}

#[test]
fn values_are_put_into_text() {
    let mut db =
        of("create table t(room Charstring, c Real); insert into t values ('hall',21.25);");
    db.gives(
        "select format('{} is {:.1f}°',room,c) from t;
         format('{} {} {}',[1,'a'],{'k':null},true);
         format('{3}{2}{1}','a','b','c');
         format('{}{}{}{}{}{}{}{}',1,2,3,4,5,6,7,8);
         format('no values',null);
         format('{}',null);",
        "\"hall is 21.2°\"
         \"[1,\\\"a\\\"] {\\\"k\\\":null} true\"
         \"cba\"
         \"12345678\"
         \"no values\"
         \"null\"",
    );
    db.fails(
        "format('{} and {}','a');",
        &["asks for value 2", "there is one value"],
    );
    db.fails(
        "format('{name}','a');",
        &["names no value", "format('{}', name)"],
    );
    db.fails("format('{0}','a');", &["positions count from 1"]);
}

#[test]
fn white_space_is_taken_away() {
    Db::new().gives(
        r#"trim("\t a b \n"); ltrim('  a '); rtrim('  a ') + '|'; trim('x','xaxx');
           select trim(s) from Charstring s where s in bag(' a','b ');"#,
        r#""a b"
           "a "
           "  a|"
           "a"
           "a"
           "b""#,
    );
}
