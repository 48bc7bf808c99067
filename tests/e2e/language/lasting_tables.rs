//! Tables that are in a database: what goes into them, what comes out in the next session, what is wrong
//! with files, locks and disks, and that nothing is lost by it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use rusqlite::Connection;
use tempfile::TempDir;

use crate::support::osql::{Output, osql};
use crate::support::random::generator;
use crate::support::sandbox::Sandbox;
use crate::support::session::Db;
use crate::support::wait::wait_until;

fn folder() -> TempDir {
    TempDir::new().expect("a temporary folder")
}

/// A session with `F` in scripts for the folder.
struct Files {
    folder: TempDir,
    db: Db,
}

impl Files {
    fn new() -> Files {
        Files {
            folder: folder(),
            db: Db::new(),
        }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, script: &str) -> String {
        script.replace("F/", &format!("{}/", self.folder.path().display()))
    }

    #[track_caller]
    fn gives(&mut self, script: &str, lines: &str) -> &mut Files {
        let script = self.text(script);
        self.db.gives(&script, lines);
        self
    }

    #[track_caller]
    fn fails(&mut self, script: &str, texts: &[&str]) -> &mut Files {
        let script = self.text(script);
        self.db.fails(&script, texts);
        self
    }

    /// Another session, as after the end of the first.
    fn again(&mut self) -> &mut Files {
        self.db = Db::new();
        self
    }

    /// A session of the program itself.
    fn program(&self, script: &str) -> Output {
        osql().stdin(self.text(script)).run()
    }

    fn sqlite(&self, name: &str, script: &str) -> Connection {
        let connection = Connection::open(self.path(name)).expect("can be opened");
        connection.execute_batch(script).expect("SQLite takes it");
        connection
    }
}

#[test]
fn tables_are_there_in_the_next_process() {
    let files = Files::new();
    let first = files.program(
        "open_database('F/plant.db');
         create table Pump /* Pumps of the plant. */ (
           id Integer primary key, name varchar(6) default 'new', rpm Real, unique(name, rpm)) in plant;
         insert into Pump values (1, 'north', 900), (2, 'south', null);
         insert into Pump (id) values (3);",
    );
    first.expect_ok("\"plant\"\n2\n1\n");
    let second = files.program(
        "open_database('F/plant.db');
         select * from Pump;
         select p.id from Pump p where p.rpm > 100;
         insert into Pump (id) values (4);
         update Pump set rpm = id * 10 where rpm is null;
         delete from Pump where id = 1;
         select id, name, rpm from Pump order by id desc;
         doc('pump');",
    );
    second.expect_ok(
        "\"plant\"\n[1,\"north\",900.0]\n[2,\"south\",null]\n[3,\"new\",null]\n1\n1\n3\n1\n\
         [4,\"new\",40.0]\n[3,\"new\",30.0]\n[2,\"south\",20.0]\n\
         \"pump()->Bag of (Integer id, Charstring name, Real rpm)\nPumps of the plant.\"\n",
    );
}

#[test]
fn values_of_all_types_come_out_as_they_went_in() {
    let mut files = Files::new();
    files.gives(
        "open_database('F/v.db');
         create table V (i Integer, r Real, n Number, s Charstring, b Boolean, y Binary, t Timeval,
                         v Vector of Number, d Record, a Array, c Complex, o Object) in v;",
        "\"v\"",
    );
    let rows = "insert into V values
         (9223372036854775807, 0.1, 1.0, \"a'b\\n\", true, binary('00ff'), |2026-01-31T12:00:00.000001Z|,
          [1,2.0,null], {'a': [1,{'@b': null}]}, array('f32',[[1,2],[3,4.5]]), complex(1,2), 'osql:1'),
         (-1, 3, 7, '', false, null, null, [], {}, array([1,2]), null, {'x': |1969-12-31T23:59:59Z|}),
         (0, inf, nan, '7', null, null, ts(|2026-01-01T00:00:00Z|, [1,'x']), null, null, null, null, true);";
    let all = "select * from V;";
    let mut memory = Db::new();
    memory.run(
        "create table V (i Integer, r Real, n Number, s Charstring, b Boolean, y Binary, t Timeval,
                         v Vector of Number, d Record, a Array, c Complex, o Object);",
    );
    let made = memory.run(rows);
    let wanted = memory.run(all);
    assert!(
        !made.contains("error") && wanted.lines().count() == 3,
        "{made}{wanted}"
    );
    files.gives(rows, &made).gives(all, &wanted);
    files
        .again()
        .gives("open_database('F/v.db');", "\"v\"")
        .gives(all, &wanted);
    // And they are found by their values.
    for (condition, count) in [
        ("i = 9223372036854775807", 1),
        ("r = 3", 1),
        ("n = 1", 1),
        ("s = '7'", 1),
        ("b = true", 1),
        ("t = |2026-01-31T12:00:00.000001Z|", 1),
        ("v = []", 1),
        ("o = true", 1),
        ("o = 'osql:1'", 1),
        ("o = 1", 0),
        ("s = 7", 0),
    ] {
        let query = format!("select count(*) from V where {condition};");
        assert_eq!(memory.run(&query), format!("{count}\n"), "{condition}");
        files.gives(&query, &count.to_string());
    }
    // SQLite's own functions read them.
    let read: (String, i64, f64) = files
        .sqlite("v.db", "")
        .query_row(
            "SELECT strftime('%H:%M', t), json_array_length(v), json_extract(d, '$.a[0]') FROM V WHERE i > 0",
            [],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
        .expect("a row");
    assert_eq!(read, ("12:00".into(), 3, 1.0));
}

#[test]
fn what_cannot_outlive_the_session_is_refused() {
    let mut files = Files::new();
    files
        .gives("open_database('F/x.db'); create type Person; create Person instances :p; create table T (o Object) in x;", "\"x\"")
        .fails("create table P (p Person) in x;", &["a column of a database cannot hold a Person"])
        .fails("create table F (f Function) in x;", &["cannot hold a Function"])
        .fails("create table U (v Vector, unique(v)) in x;", &["v is Vector", "cannot be unique or indexed"])
        .fails("insert into T values (1), (:p);", &["a Person cannot be kept in a database"])
        .fails("insert into T values (#'sin');", &["cannot be kept in a database"])
        .gives("select count(*) from T;", "0");
}

#[test]
fn a_statement_that_fails_leaves_nothing_behind() {
    let mut files = Files::new();
    files
        .gives(
            "open_database('F/p.db'); create table T (a Integer primary key, b Integer not null) in p;
             create table M (a Integer);
             insert into T values (1, 1);",
            "\"p\"\n1",
        )
        .fails("insert into T values (2, 2), (1, 3);", &["t has a row with a = 1 already", "unique(a)"])
        .fails("insert into T values (2, 2), (3, null);", &["b is not null"])
        .fails("insert into T values (2, 2), (3, 'x');", &["b is Integer, and cannot be \"x\""])
        .fails("insert into T values (2);", &["1 value for 2 columns"])
        .fails("insert into T (a, c) values (2, 2);", &["no column 'c'"])
        .fails("create table T (a Integer) in p;", &["there is a table 'T' in p already"])
        .gives("create table if not exists T (x Integer) in p;", "")
        .fails("create index i on T(nothing);", &["no column 'nothing'"])
        // Both kinds of tables go back.
        .gives(
            "create function f(Integer x) -> Integer as {
               insert into T values (x, x); insert into M values (x); return 1 / (x - 7); };",
            "",
        )
        .fails("select f(x) from Integer x where x in bag(5, 6, 7);", &[])
        .gives("select * from T; select * from M;", "[1,1]")
        .gives("auto_commit(false); insert into T values (2, 2); insert into M values (2);", "1\n1")
        .fails("insert into T values (3, 3), (2, 2);", &["a = 2 already"])
        .gives("select count(*) from T; rollback; select count(*) from T; select count(*) from M;", "2\n1\n0")
        .gives("insert into T values (3, 3); commit; auto_commit(true); select a from T;", "1\ntrue\n1\n3")
        .gives("update T set a = a + 2;", "2")
        .gives("select a from T;", "3\n5")
        // Rows that are equal go one by one.
        .gives("create table E (a Integer unique) in p; insert into E values (null), (null), (1);", "3")
        .gives("delete from E where a is null; select count(*) from E;", "2\n1")
        .gives("drop table T cascade; drop table E;", "")
        .again()
        .gives("open_database('F/p.db'); databases()['tables'];", "\"p\"\n[]");
}

#[test]
fn indexes_find_rows_and_stay() {
    let mut files = Files::new();
    files.gives(
        "open_database('F/i.db'); create table T (id Integer primary key, hall Integer, name Charstring) in i;
         insert into T select x, floor(x / 10.0), 'n' + mod(x, 7) from Integer x where x in iota(1,1000);
         create index by_hall on T (hall, name);
         create table Outside (hall Integer); insert into Outside values (3), (99), (1000);",
        "\"i\"\n1000\n3",
    );
    let checks = [
        ("select count(*) from T where hall = 3;", "10"),
        (
            "select t.id from T t where t.hall = 3 and t.name = 'n2';",
            "30\n37",
        ),
        ("select t.id from T t where t.id = 500;", "500"),
        (
            "select count(*) from T t, Outside o where t.hall = o.hall;",
            "20",
        ),
        (
            "select count(*) from T t, T s where t.name = s.name and t.hall = 3;",
            "1429",
        ),
        (
            "select o.hall, t.id from Outside o left join T t on t.id = o.hall;",
            "[3,3]\n[99,99]\n[1000,1000]",
        ),
    ];
    for (query, lines) in checks {
        files.gives(query, lines);
    }
    let plan = files
        .db
        .run("explain(select t.id from T t where t.hall = 3);");
    assert!(plan.contains("index lookup t where hall"), "{plan}");
    files.fails(
        "create unique index u on T(hall);",
        &["t has several rows with hall = 0"],
    );
    files.again().gives("open_database('F/i.db');", "\"i\"");
    for (query, lines) in &checks[..3] {
        files.gives(query, lines);
    }
    let plan = files
        .db
        .run("explain(select t.id from T t where t.hall = 3);");
    assert!(plan.contains("index lookup t where hall"), "{plan}");
    files.gives("drop index by_hall;", "");
    let plan = files
        .db
        .run("explain(select t.id from T t where t.hall = 3);");
    assert!(!plan.contains("index lookup"), "{plan}");
}

#[test]
fn a_file_of_another_program_is_read_and_written() {
    let mut files = Files::new();
    files.sqlite(
        "x.db",
        "CREATE TABLE \"Order Line\" (id INTEGER PRIMARY KEY, \"unit price\" REAL, what TEXT COLLATE NOCASE, n INTEGER DEFAULT 1);
         INSERT INTO \"Order Line\" VALUES (1, 2.5, 'Bolt', 3), (2, NULL, 'nut', 'many'), (3, 7, X'00FF', NULL);
         CREATE TABLE k (a TEXT PRIMARY KEY, b) WITHOUT ROWID;
         INSERT INTO k VALUES ('y', 1), ('x', 2.0);
         CREATE VIEW dear AS SELECT id FROM \"Order Line\" WHERE \"unit price\" > 3;
         CREATE INDEX by_what ON \"Order Line\" (what);",
    );
    files
        .gives(
            "attach 'F/x.db' as shop; select * from order_line;",
            "[1,2.5,\"Bolt\",3]\n[2,null,\"nut\",\"many\"]\n[3,7.0,binary(\"00ff\"),null]",
        )
        // SQLite would find Bolt, too; = tells capitals apart.
        .gives("select id from order_line where what = 'bolt'; select id from order_line where what = 'Bolt';", "1")
        .gives("select unit_price * 2 from order_line where id = 1;", "5.0")
        .gives("select id from shop.dear; select a from k where b = 2;", "3\n\"x\"")
        .gives("insert into order_line (what) values ('screw'); select * from order_line where id = 4;", "1\n[4,null,\"screw\",1]")
        .gives("update order_line set n = 9 where what = 'nut'; select n from order_line where id = 2;", "1\n9")
        .gives("delete from order_line where id = 3; insert into k values ('z', null);", "1\n1")
        .fails("delete from k where a = 'x';", &["the rows of k cannot be changed", "WITHOUT ROWID"])
        .fails("insert into k values ('x', 1);", &["k has a row with a = \"x\" already"])
        .gives("detach shop;", "")
        .fails("select * from k;", &["there is no table 'k'"]);
    let left: i64 = files
        .sqlite("x.db", "")
        .query_row("SELECT count(*) FROM \"Order Line\"", [], |row| row.get(0))
        .expect("a number");
    assert_eq!(left, 3);
}

#[test]
fn tables_of_two_databases_are_told_apart() {
    let mut files = Files::new();
    files
        .gives(
            "open_database('F/a.db'); open_database('F/b.db');
             create table T (x Integer) in a; create table b.T (x Integer);
             insert into a.T values (1); insert into b.T values (2), (3);
             select * from a.T; select * from b.T;
             select T.x, u.x from a.T, b.T u where T.x + 1 = u.x;
             update b.T set x = 5 where x = 3; delete from b.T r where r.x = 2; select x from b.T;",
            "\"a\"\n\"b\"\n1\n2\n1\n2\n3\n[1,2]\n1\n1\n5",
        )
        .gives(
            "create table M (x Integer); create table a.M (x Integer); insert into a.M values (9);
                select * from M; select x from a.M;",
            "1\n9",
        )
        .fails("select * from c.T;", &["there is no table 'c.T'"])
        .fails(
            "create table X (a Integer) in c;",
            &["there is no database 'c'"],
        )
        .fails(
            "create table a.X (a Integer) in b;",
            &["cannot be in a and in b"],
        )
        .fails(
            "open_database('F/b.db', {'name': 'c'});",
            &["is open already, as b"],
        )
        .fails(
            "open_database('F/other.db', {'name': 'b'});",
            &["there is a database b already"],
        )
        .fails("close_database('c');", &["there is no database 'c'"]);
}

#[test]
fn what_another_program_commits_is_seen() {
    let mut files = Files::new();
    files.gives(
        "open_database('F/s.db'); create table T (x Integer) in s; insert into T values (1);
         create function all() -> Bag of Integer as select x from T;",
        "\"s\"\n1",
    );
    let other = files.sqlite("s.db", "INSERT INTO T VALUES (2)");
    files.gives("all();", "1\n2");
    other
        .execute_batch("CREATE TABLE late (y INTEGER); INSERT INTO late VALUES (7)")
        .expect("made");
    files
        .gives("open_database('F/s.db'); select y from late;", "\"s\"\n7")
        .gives("all();", "1\n2");
    other.execute_batch("DROP TABLE late").expect("dropped");
    files.fails(
        "select y from late;",
        &["the database s has changed", "no such table"],
    );
}

#[test]
fn a_stream_is_committed_in_groups() {
    let files = Files::new();
    let script = files.text(
        "open_database('F/g.db', {'rows': 10, 'seconds': 1000});
         create table T (x Integer) in g;
         insert into T select stream of x from Integer x where x in iota(1,25) and (x < 25 or sleep(1000) = 0);",
    );
    let running = osql().stdin(script).spawn();
    let count = || -> i64 {
        let read = Connection::open(files.path("g.db")).and_then(|connection| {
            connection.query_row("SELECT count(*) FROM T", [], |row| row.get(0))
        });
        read.unwrap_or(0)
    };
    wait_until("two groups", || count() == 20);
    running.signal("KILL");
    drop(running);
    assert_eq!(count(), 20);
    // At the end of a stream all is there.
    let ended = files.program(
        "open_database('F/g.db'); insert into T select stream of x from Integer x where x in iota(1,7);",
    );
    ended.expect_ok("\"g\"\n7\n");
    assert_eq!(count(), 27);
    // What fails undoes its own group alone.
    let failed = files.program(
        "open_database('F/g.db', {'rows': 10}); insert into T select stream of 7 / (15 - x) - 7 / (15 - x) + x from Integer x where x in iota(1,20);",
    );
    assert!(failed.stderr.contains("error"), "{failed:?}");
    assert_eq!(count(), 37);
}

#[test]
fn a_live_stream_is_committed_after_a_while_and_when_it_is_stopped() {
    let files = Files::new();
    let count = || -> i64 {
        let read = Connection::open(files.path("l.db")).and_then(|connection| {
            connection.query_row("SELECT count(*) FROM T", [], |row| row.get(0))
        });
        read.unwrap_or(0)
    };
    let ended = files.program(
        "open_database('F/l.db', {'seconds': 1000}); create table T (x Integer) in l;
         create function keep(Number x) -> Integer as insert into T values (round(x));
         select keep(x) from Number x where x in heartbeat(0.001) limit 5;",
    );
    assert!(ended.stderr.is_empty(), "{ended:?}");
    assert_eq!(count(), 5);
    // What a stop finds between two elements stays.
    let mut waits = osql()
        .stdin(files.text(
            "open_database('F/l.db', {'seconds': 1000});
             create function keep(Number x) -> Integer as insert into T values (round(x));
             select keep(x) from Number x where x in heartbeat(1000);\n",
        ))
        .spawn();
    waits.stdout.wait_lines(2);
    assert_eq!(count(), 5);
    waits.signal("INT");
    waits.close_stdin();
    waits.wait();
    assert_eq!(count(), 6);
    let after = osql()
        .stdin(files.text(
            "open_database('F/l.db', {'seconds': 0.05});
             create function keep(Number x) -> Integer as insert into T values (round(x));
             select keep(x) from Number x where x in heartbeat(1000);\n",
        ))
        .spawn();
    wait_until("a commit while nothing comes", || count() == 7);
    drop(after);
}

#[test]
fn a_file_that_is_no_database_is_refused() {
    let mut files = Files::new();
    fs::write(
        files.path("text.db"),
        "this is a text, and long enough to be looked at: ".repeat(100),
    )
    .expect("written");
    let before = fs::read(files.path("text.db")).expect("read");
    files
        .fails(
            "open_database('F/text.db');",
            &["text.db is no SQLite database"],
        )
        .fails(
            "attach 'F/text.db' as t;",
            &["is no SQLite database", "at `attach"],
        )
        .fails(
            "open_database('F/none/x.db');",
            &["there is no folder", "none"],
        )
        .fails(
            "open_database('F/x.db', {'create': false});",
            &["there is no database"],
        )
        .fails("open_database('');", &["a database needs a file"])
        .fails("open_database(':memory:');", &["a database needs a file"])
        .fails(
            "open_database('F/1 x.db');",
            &["is no name of a database", "'name'"],
        )
        .fails("open_database('F/x.db', {'buzy': 1});", &["busy"])
        .fails("open_database('F/x.db', {'rows': 0});", &["rows"])
        .gives(
            "open_database('F/1 x.db', {'name': 'x'}); databases()['name'];",
            "\"x\"\n\"x\"",
        );
    fs::create_dir(files.path("folder.db")).expect("made");
    files.fails(
        "open_database('F/folder.db');",
        &["is a folder, not a database"],
    );
    assert_eq!(fs::read(files.path("text.db")).expect("read"), before);
}

#[test]
fn a_damaged_file_is_said_to_be_so() {
    let mut files = Files::new();
    files.gives(
        "open_database('F/d.db'); create table T (x Integer, s Charstring) in d;
         insert into T select x, 'some text that takes room ' + x from Integer x where x in iota(1,2000);
         close_database('d');",
        "\"d\"\n2000\n\"d\"",
    );
    let mut bytes = fs::read(files.path("d.db")).expect("read");
    let mut random = generator(0);
    let first = 4 * 4096;
    for byte in bytes.iter_mut().skip(first) {
        *byte = random.next() as u8;
    }
    fs::write(files.path("d.db"), bytes).expect("written");
    files
        .gives("open_database('F/d.db');", "\"d\"")
        .fails("select count(s) from T;", &["d.db is damaged"]);
}

#[test]
fn a_file_of_a_newer_osql_is_left_alone() {
    let mut files = Files::new();
    files.gives(
        "open_database('F/n.db'); create table T (x Integer) in n; close_database('n');",
        "\"n\"\n\"n\"",
    );
    files.sqlite("n.db", "UPDATE osql_tables SET format = 2");
    files.fails(
        "open_database('F/n.db');",
        &["written by a newer osql", "format 2"],
    );
    files.sqlite("n.db", "UPDATE osql_tables SET format = 1; ALTER TABLE T ADD COLUMN more TEXT; ALTER TABLE T RENAME COLUMN x TO y");
    files.gives(
        "open_database('F/n.db'); insert into T values (1, 'a'); select t from T t;",
        "\"n\"\n1\n{\"y\":1,\"more\":\"a\"}",
    );
}

#[test]
fn a_lock_is_waited_for_and_then_said() {
    let mut files = Files::new();
    files.gives(
        "open_database('F/b.db', {'busy': 0.2}); create table T (x Integer) in b;",
        "\"b\"",
    );
    let other = files.sqlite("b.db", "BEGIN IMMEDIATE; INSERT INTO T VALUES (1)");
    files
        .fails(
            "insert into T values (2);",
            &[
                "the database b",
                "is locked by another program",
                "0.2 seconds",
            ],
        )
        // Who reads is not held up.
        .gives("select count(*) from T;", "0");
    other.execute_batch("COMMIT").expect("committed");
    files.gives("insert into T values (2); select x from T;", "1\n1\n2");
    // Ctrl-C and --timeout end the wait.
    other.execute_batch("BEGIN IMMEDIATE").expect("begun");
    let stopped = osql()
        .args(["--timeout", "0.2"])
        .stdin(files.text("open_database('F/b.db', {'busy': 1000}); insert into T values (3);"))
        .run();
    stopped.expect_error(1, "the query ran longer than 0.2 seconds");
    // One that lets go in time.
    let waits = osql()
        .stdin(files.text("open_database('F/b.db'); insert into T values (4);"))
        .spawn();
    waits.stdout.wait_line("b");
    other.execute_batch("COMMIT").expect("committed");
    waits.finish().expect_ok("\"b\"\n1\n");
}

#[test]
fn a_file_that_can_only_be_read_is_read() {
    let mut files = Files::new();
    files.gives(
        "open_database('F/r.db'); create table T (x Integer) in r; insert into T values (1); close_database('r');",
        "\"r\"\n1\n\"r\"",
    );
    files
        .gives("open_database('F/r.db', {'readonly': true}); select x from T; databases()['readonly'];", "\"r\"\n1\ntrue")
        .fails("insert into T values (2);", &["the database r", "can only be read"])
        .fails("create table U (x Integer) in r;", &["can only be read"])
        .fails("drop table T;", &["can only be read"])
        .gives("select x from T; close_database('r');", "1\n\"r\"");
    // As a user who may not write.
    let folder = files.folder.path().to_owned();
    let may = |mode| fs::set_permissions(&folder, fs::Permissions::from_mode(mode)).expect("set");
    fs::set_permissions(files.path("r.db"), fs::Permissions::from_mode(0o444)).expect("set");
    may(0o555);
    let output = as_nobody(&files.text(
        "open_database('F/r.db'); select x from T; insert into T values (2); open_database('F/new.db');",
    ));
    may(0o755);
    if let Some(output) = output {
        assert!(output.contains("\"r\"\n1\n"), "{output}");
        assert!(output.contains("can only be read"), "{output}");
        assert!(output.contains("new.db cannot be created"), "{output}");
    }
}

/// What the program prints for a user who owns nothing, where a test may become one.
fn as_nobody(script: &str) -> Option<String> {
    let program = env!("CARGO_BIN_EXE_osql");
    let try_it = |program: &str| {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups", program]);
        command.current_dir("/");
        command
    };
    // The program may stand where nobody can go.
    let can = try_it(program).arg("--version").output().ok()?;
    if !can.status.success() {
        return None;
    }
    let output = try_it(program)
        .args(["-o", script])
        .env("HOME", "/nonexistent")
        .stdin(Stdio::null())
        .output()
        .ok()?;
    Some(
        String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr),
    )
}

/// Ten thousand rows, each in a statement of its own or all in one.
const ROWS: &str = "insert into T select x, 'some text that takes room ' + x from Integer x where x in iota(1,10000);";

#[test]
fn a_full_file_loses_nothing() {
    let mut files = Files::new();
    files
        .gives(
            "open_database('F/f.db', {'max-size': 100000}); create table T (x Integer, s Charstring) in f;
             create table M (x Integer); insert into T values (1, 'one'); insert into M values (1);",
            "\"f\"\n1\n1",
        )
        .fails(ROWS, &["there is no room left for the database f"])
        .gives("select * from T; select * from M;", "[1,\"one\"]\n1")
        .gives("insert into T values (2, 'two'); select x from T;", "1\n1\n2")
        .again()
        .gives("open_database('F/f.db'); select x from T;", "\"f\"\n1\n2");
}

#[test]
fn a_full_disk_loses_nothing() {
    let sandbox = Sandbox::new();
    let folder = folder();
    let path = folder.path().display().to_string();
    let mounted = sandbox
        .command("mount")
        .args(["-t", "tmpfs", "-o", "size=256k", "tmpfs", &path])
        .status()
        .expect("mount runs");
    assert!(mounted.success());
    let run = |script: &str| {
        let output = sandbox
            .command(env!("CARGO_BIN_EXE_osql"))
            .args(["-o", &script.replace("F/", &format!("{path}/"))])
            .stdin(Stdio::null())
            .output()
            .expect("osql runs");
        String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr)
    };
    let filled = run(&format!(
        "open_database('F/f.db'); create table T (x Integer, s Charstring) in f; insert into T values (1, 'one');
         {ROWS}
         select x from T;"
    ));
    assert!(
        filled.contains("no room left") || filled.contains("cannot be read or written"),
        "{filled}"
    );
    assert!(filled.starts_with("\"f\"\n1\n1\nerror"), "{filled}");
    let kept = run("open_database('F/f.db'); select * from T;");
    assert_eq!(kept, "\"f\"\n[1,\"one\"]\n");
}

#[test]
fn a_database_that_is_closed_while_a_query_reads_it() {
    let mut files = Files::new();
    files
        .gives(
            "open_database('F/c.db'); create table T (x Integer) in c;
             insert into T select x from Integer x where x in iota(1,5000);",
            "\"c\"\n5000",
        )
        .gives("open :c for select x from T; fetch :c into :x; :x;", "1")
        .gives("close_database('c');", "\"c\"")
        .fails(
            &"fetch :c into :x;\n".repeat(1100),
            &["the database c has been closed"],
        )
        .gives(
            "open_database('F/c.db'); select count(*) from T;",
            "\"c\"\n5000",
        );
    files
        .gives("auto_commit(false); insert into T values (0);", "1")
        .fails(
            "close_database('c');",
            &["has changes that are not committed"],
        )
        .gives(
            "rollback; close_database('c'); auto_commit(true);",
            "\"c\"\ntrue",
        );
}

#[test]
fn a_table_larger_than_the_memory_that_a_query_may_have() {
    let folder = folder();
    let open = format!("open_database('{}/m.db');", folder.path().display());
    let mut db = Db::with_memory(1 << 19);
    db.gives(
        &format!(
            "{open} create table T (x Integer, s Charstring) in m;
             insert into T select stream of x, 'some text that takes room, some text that takes room, some more ' + x
               from Integer x where x in iota(1,8000);
             select count(*), max(x) from T;
             select count(s) from T where x > 4000;"
        ),
        "\"m\"\n8000\n[8000,8000]\n4000",
    );
    // What is written may stand in the log beside the file.
    let bytes = |name: &str| fs::metadata(folder.path().join(name)).map_or(0, |file| file.len());
    assert!(bytes("m.db") + bytes("m.db-wal") > 1 << 19);
}
