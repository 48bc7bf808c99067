//! Forms that people know from SQL: what stands in for null, `%`, types with a length, views that go,
//! defaults of tables that SQLite has made.

use rusqlite::Connection;
use tempfile::TempDir;

use crate::support::session::Db;

/// A session that has run a script, whatever that printed.
fn of(script: &str) -> Db {
    let mut db = Db::new();
    let printed = db.run(script);
    assert!(!printed.contains("error"), "{printed}");
    db
}

#[test]
fn what_is_absent_is_stood_in_for_everywhere() {
    let mut db = of("create table t(a Integer, s Charstring);
         insert into t values (1,'x'),(2,null);
         create function level(Object o) -> Integer as stored;
         create function shown(Object o) -> Object as coalesce(level(o),0);
         set level('a') = 5;");
    for (query, result) in [
        ("coalesce(null,2);", "2"),
        ("coalesce(null,null,3);", "3"),
        ("nvl(null,1);", "1"),
        ("ifnull(4,1);", "4"),
        ("nullif(4,4);", "null"),
        ("nullif(4,1);", "4"),
        // Absent is not null, and is stood in for too.
        ("nvl({'a':1}['b'],0);", "0"),
        ("shown('a');", "5"),
        ("shown('b');", "0"),
        (
            "select coalesce(r['v'],-1) from Record r where r in bag({'v':1},{},{'v':null});",
            "1\n-1\n-1",
        ),
        (
            "select coalesce(s,'none') from t order by a;",
            "\"x\"\n\"none\"",
        ),
        ("select a from t where coalesce(s,'none') = 'none';", "2"),
        ("select nvl(s,a) from t order by a;", "\"x\"\n2"),
        // What stands behind is evaluated only where it is needed.
        ("coalesce(1,1/0);", "1"),
        ("call(#'coalesce',null,8);", "8"),
    ] {
        db.gives(query, result);
    }
    db.fails("coalesce(1);", &["coalesce takes 2 or more arguments"]);
    db.fails("nvl(1,2,3);", &["nvl takes 2 arguments"]);
    let said = db.run("doc('coalesce');");
    assert!(
        said.contains("The first of its arguments that has a value"),
        "{said}"
    );
    // A function of one's own is that.
    db.does("create function nvl(Integer a, Integer b) -> Integer as a + b;");
    db.gives("nvl(2,3);", "5");
}

#[test]
fn the_remainder_is_an_operator() {
    let mut db = of("create table t(a Integer); insert into t values (7),(8),(-7);");
    for (query, result) in [
        ("7 % 3;", "1"),
        ("-7 % 3;", "-1"),
        ("7.5 % 2;", "1.5"),
        ("2 + 7 % 4 * 2;", "8"),
        ("-7 % 2 ^ 2;", "-3.0"),
        ("select a % 2 = 0 from t;", "false\ntrue\nfalse"),
        ("select a from t where a % 2 = 0;", "8"),
        (
            "select x % 3, count(*) from Integer x where x in iota(1,7) group by x % 3 order by x % 3;",
            "[0,2]\n[1,3]\n[2,2]",
        ),
    ] {
        db.gives(query, result);
    }
    assert!(db.run("doc('%');").contains("`x % y`"));
    db.fails("7 % 0;", &["division by zero"]);
    db.fails("7 % 'a';", &["mod"]);
}

#[test]
fn a_type_may_have_a_length() {
    let mut db = of("create table t(a Real, s Charstring); insert into t values (2.75,'abcdef');");
    db.gives(
        "cast('abc' as varchar(2)); cast(2 as double precision); cast(3 as decimal(10,2));
         select cast(s as varchar(3)), cast(a as character varying(1)) from t;",
        "\"abc\"
         2.0
         3
         [\"abcdef\",\"2.75\"]",
    );
    db.fails("cast('abc' as varchar(2.5));", &["a whole number"]);
}

#[test]
fn a_view_goes_though_another_uses_it() {
    let mut db = of("create table t(a Integer);
         insert into t values (1),(2);
         create view v as select a from t;
         create view w as select a + 1 as b from v;
         create function f() -> Bag of Integer as select b from w;
         drop view v;");
    db.fails("select * from w;", &["there is no table 'v'"]);
    db.fails("f();", &["there is no table 'v'"]);
    // Deleting something else does not take what cannot be compiled now with it.
    db.does("create function g() -> Integer as 1; delete function g;");
    db.does("create view v as select a * 10 as a from t;");
    db.gives("select * from w; f();", "11\n21\n11\n21");
    // Rolled back, it is there again.
    db.run("auto_commit(false);");
    db.does("drop view v; rollback;");
    db.gives("select * from w;", "11\n21");
    db.does("drop view v cascade;");
    db.fails("select * from w;", &["there is no table 'w'"]);
    db.does("create view v as select a from t;");
    db.fails(
        "drop table t;",
        &["'t' is used by v", "drop table t cascade"],
    );
}

#[test]
fn defaults_of_sqlite_are_what_sqlite_makes_of_them() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("other.db");
    let connection = Connection::open(&path).expect("opens");
    connection
        .execute_batch(
            "create table t(
               id integer primary key,
               made text default CURRENT_TIMESTAMP,
               day text not null default (date('now')),
               code text default (lower(hex(randomblob(4)))),
               name text default 'it''s \\ \"it\"',
               rpm real default 1.5,
               n default (1 + 2),
               absent text default null);",
        )
        .expect("creates");
    let before: String = connection
        .query_row("select datetime('now')", [], |row| row.get(0))
        .expect("a time");
    let mut db = of(&format!(
        "open_database('{}'); insert into t(id) values (1),(2); commit;",
        path.display()
    ));
    db.gives(
        "select name, rpm, n, absent from t where id = 1;",
        r#"["it's \\ \"it\"",1.5,3,null]"#,
    );
    let read = |column: &str, id: i64| -> String {
        let sql = format!("select {column} from t where id = {id}");
        connection
            .query_row(&sql, [], |row| row.get(0))
            .expect("is there")
    };
    // In the form of SQLite, so that its own rows and ours sort together.
    assert!(read("made", 1) >= before, "{}", read("made", 1));
    assert_eq!(read("made", 1).len(), 19);
    assert_eq!(read("day", 1), before[..10]);
    assert_eq!(read("code", 1).len(), 8);
    assert_ne!(read("code", 1), read("code", 2));
    db.fails(
        "sql:default('no_such(1)');",
        &["SQLite cannot evaluate no_such(1)"],
    );
}
