//! What newcomers type out of habit: from SQL, Flink, InfluxQL, Python, JavaScript, jq and the shell. Each
//! answer says what is wrong and names the form that is meant, and that form runs.

use crate::support::session::Db;

struct Mistake {
    typed: &'static str,
    /// What the answer says is wrong.
    says: &'static str,
    /// The right form, as the answer names it.
    names: &'static str,
    /// That form, and what it gives.
    runs: &'static str,
    gives: &'static str,
}

const fn mistake(
    typed: &'static str,
    says: &'static str,
    names: &'static str,
    runs: &'static str,
    gives: &'static str,
) -> Mistake {
    Mistake {
        typed,
        says,
        names,
        runs,
        gives,
    }
}

/// What the statements use.
const WORLD: &str = "
    set :r = {'temp': 20}; set :t = 7; set :v = [1,2,3]; set :n = 1;
    create table sensor(room Charstring, temp Real);
    insert into sensor values ('hall',20.5),('attic',null);";

/// A broker and a client of it, for those that are about topics.
const BROKER: &str = "
    set :b = mqtt:start_broker({});
    mqtt:register_client('client', {'connection': :b['connection']});
    publish(streamof({'temp': 20}), 'client:home/a', {'retained': true});";

const MISTAKES: &[Mistake] = &[
    // Comparisons and conditions
    mistake(
        "select r['v'] from Record r where r in bag({'v':'12'},{'v':'7'}) and r['v'] > 10;",
        "the string \"12\" is compared with the number 10 by its kind",
        "aton(s)",
        "select r['v'] from Record r where r in bag({'v':'12'},{'v':'7'}) and aton(r['v']) > 10;",
        "\"12\"",
    ),
    mistake(
        "select x from Integer x where x in iota(1,9) and x == 3;",
        "unexpected '=='",
        "equality is written =",
        "select x from Integer x where x in iota(1,9) and x = 3;",
        "3",
    ),
    mistake(
        "select x from Integer x where x in iota(1,9) && x < 2;",
        "unexpected '&&'",
        "write `and`",
        "select x from Integer x where x in iota(1,9) and x < 2;",
        "1",
    ),
    mistake(
        "select x from Integer x where x in iota(1,9) and (x = 1 || x = 3);",
        "|| joins texts",
        "write or",
        "select x from Integer x where x in iota(1,9) and (x = 1 or x = 3);",
        "1\n3",
    ),
    mistake(
        "select x from Integer x where x in iota(1,2) and ((x = 1) || (x = 3));",
        "|| joins texts",
        "write or",
        "select x from Integer x where x in iota(1,2) and ((x = 1) or (x = 3));",
        "1",
    ),
    mistake(
        "select x from Integer x where x in iota(1,3) and !(x = 1);",
        "unexpected '!'",
        "not …",
        "select x from Integer x where x in iota(1,3) and not (x = 1);",
        "2\n3",
    ),
    mistake(
        "select room from sensor where temp = null;",
        "nothing is equal to null",
        "x is null",
        "select room from sensor where temp is null;",
        "\"attic\"",
    ),
    mistake(
        "select room from sensor where null != temp;",
        "nothing is equal to null",
        "x is not null",
        "select room from sensor where temp is not null;",
        "\"hall\"",
    ),
    mistake(
        "'2020-01-01T00:00:00Z' < now();",
        "a string is compared with a time",
        "parse_iso_timestamp(s)",
        "parse_iso_timestamp('2020-01-01T00:00:00Z') < now();",
        "true",
    ),
    // Strings
    mistake(
        "select \"room\" from sensor;",
        "this is a text, though there is a column of that name",
        "without quotes: room",
        "select room from sensor;",
        "\"hall\"\n\"attic\"",
    ),
    mistake(
        "f\"room {:n}\";",
        "no letter stands before a string",
        "format('{} is {:.1f}', name, x)",
        "format('{} is {:.1f}', 'hall', 20.55);",
        "\"hall is 20.6\"",
    ),
    mistake(
        "regex_match('room 12', \"\\d+\");",
        "\\d is just d between double quotes",
        "'\\d+'",
        "regex_match('room 12', '\\d+');",
        "true",
    ),
    mistake(
        "'abc;",
        "this string is never closed",
        "close it with another '",
        "'abc';",
        "\"abc\"",
    ),
    mistake(
        "'it's';",
        "the string ends here",
        "\"it's\"",
        "\"it's\";",
        "\"it's\"",
    ),
    mistake(
        "'abc'.upper();",
        "unexpected '.'",
        "upper('abc')",
        "upper('abc');",
        "\"ABC\"",
    ),
    mistake(
        "substr('abc',0,2);",
        "unknown function 'substr'",
        "section(x, first position, last position), counted from 1",
        "section('abc',1,2);",
        "\"ab\"",
    ),
    mistake(
        "section('abc',0,2);",
        "positions count from 1",
        "the first is at 1",
        "section('abc',1,2);",
        "\"ab\"",
    ),
    mistake(
        "len('abc');",
        "unknown function 'len'",
        "length(s)",
        "length('abc');",
        "3",
    ),
    // Queries
    mistake(
        "select count(x) from Integer x where x in iota(1,9);",
        "count(x) is about one value",
        "count(select x from …)",
        "count(select x from Integer x where x in iota(1,9));",
        "9",
    ),
    mistake(
        "select x; from Integer x where x in iota(1,2);",
        "'from' begins no statement",
        "one ';' at its end: select … from … where …;",
        "select x from Integer x where x in iota(1,2);",
        "1\n2",
    ),
    mistake(
        "select x from Integer x where x in iota(1,9) and x < t;",
        "unknown variable 't'",
        "':t'",
        "count(select x from Integer x where x in iota(1,9) and x < :t);",
        "6",
    ),
    mistake(
        "select x from iota(1,2) x;",
        "what iota(…) gives is gone through in where",
        "select x from Object x where x in iota(…)",
        "select x from Object x where x in iota(1,2);",
        "1\n2",
    ),
    mistake(
        "select x from x in iota(1,2);",
        "a variable is declared with its type",
        "from Object x where x in …",
        "select x from Object x where x in iota(1,2);",
        "1\n2",
    ),
    mistake(
        "select x from Integer x where x in iota(1,9) limit 2, 3;",
        "unexpected ','",
        "limit 3 offset 2",
        "select x from Integer x where x in iota(1,9) limit 3 offset 2;",
        "3\n4\n5",
    ),
    mistake(
        "select top 2 x from Integer x where x in iota(1,9);",
        "unexpected '2'",
        "select … limit 2",
        "select x from Integer x where x in iota(1,9) limit 2;",
        "1\n2",
    ),
    mistake(
        "[x * 2 for x in range(3)];",
        "unexpected 'for'",
        "select vector of x * 2 from Integer x where x in …",
        "select vector of x * 2 from Integer x where x in range(3);",
        "[2,4,6]",
    ),
    mistake(
        "select x from Integer x where x in iota(1,2) order by x descending;",
        "unexpected 'descending'",
        "write desc",
        "select x from Integer x where x in iota(1,2) order by x desc;",
        "2\n1",
    ),
    // Records, vectors and times
    mistake(
        ":r.temp;",
        "unexpected '.'",
        ":r['temp']",
        ":r['temp'];",
        "20",
    ),
    mistake(
        "select r->>'temp' from Record r where r in bag(:r);",
        "unexpected '->'",
        "r['key']",
        "select r['temp'] from Record r where r in bag(:r);",
        "20",
    ),
    mistake(
        "{temp: 20};",
        "unknown variable 'temp'",
        "{'temp': …}",
        "{'temp': 20};",
        "{\"temp\":20}",
    ),
    mistake(
        ":v[0];",
        "positions count from 1",
        "the first is at 1",
        ":v[1];",
        "1",
    ),
    mistake(
        "now() - 1h;",
        "there is no unit in 1h",
        "write 3600",
        "now() - 3600 < now();",
        "true",
    ),
    mistake(
        "now() - interval '90' minute;",
        "a duration is a number of seconds",
        "write 5400",
        "now() - 5400 < now();",
        "true",
    ),
    // Groups and windows
    mistake(
        "select mean(v) from Number v where v in siota(1,9) group by time(1m);",
        "there is no unit in 1m",
        "group by …, window(60)",
        "select k, sum(v) from Integer k, Timeval of Integer e, Integer v \
         where e in streamof(bag(ts(0,1),ts(10,2),ts(70,3))) and v = value(e) and k = 1 group by k, window(60);",
        "[1,3]\n[1,3]",
    ),
    mistake(
        "select sum(v) from Number v where v in siota(1,9) group by tumble(ts, interval '1' minute);",
        "a duration is a number of seconds",
        "group by …, window(60)",
        "select k, sum(v) from Integer k, Timeval of Integer e, Integer v \
         where e in streamof(bag(ts(0,1),ts(10,2),ts(70,3))) and v = value(e) and k = 1 group by k, window(60);",
        "[1,3]\n[1,3]",
    ),
    mistake(
        "select room, mean(temp) over (partition by room) from sensor;",
        "unexpected 'over'",
        "group by …",
        "select room, mean(temp) from sensor group by room order by room limit 1 offset 1;",
        "[\"hall\",20.5]",
    ),
    // Statements of other languages
    mistake(
        "# a comment\n1+1;",
        "'#' begins no comment",
        "a comment begins with //",
        "// a comment\n1+1;",
        "2",
    ),
    mistake(
        "7 // 2;\n1+1;",
        "the ';' is part of the comment that // begins",
        "floor(x / y)",
        "floor(7 / 2);",
        "3",
    ),
    mistake(
        "1 + 1\n2 + 2;",
        "missing ';' before '2'",
        "end the statement before it with ';'",
        "1 + 1;\n2 + 2;",
        "2\n4",
    ),
    mistake("sum(bag(1,2);", "missing ')'", "')'", "sum(bag(1,2));", "3"),
    mistake(
        "print 'hello';",
        "'print' begins no statement",
        "print(x)",
        "print('hello') = 'x';",
        "\"hello\"",
    ),
    mistake(
        "import math;",
        "'import' begins no statement",
        "nothing is imported",
        "sqrt(4);",
        "2.0",
    ),
    mistake(
        "x = 5;",
        "unknown variable 'x'",
        "set :x = …",
        "set :x = 5; :x;",
        "5",
    ),
    mistake(
        "let x = 5;",
        "'let' begins no statement",
        "set :x = 1",
        "set :x = 1; :x;",
        "1",
    ),
    mistake(
        ":n += 1;",
        "unexpected '+='",
        "set :n = :n + …",
        "set :n = :n + 1; :n;",
        "2",
    ),
    mistake(
        "1 > 0 ? 'a' : 'b';",
        "unexpected '?'",
        "case when … then … else … end",
        "case when 1 > 0 then 'a' else 'b' end;",
        "\"a\"",
    ),
    mistake("None;", "unknown variable 'None'", "null", "null;", "null"),
    mistake(
        "'5'::integer;",
        "unexpected ':'",
        "cast(x as Integer)",
        "cast(5.0 as Integer);",
        "5",
    ),
    mistake(
        "create function f(x integer) returns integer as x + 1;",
        "expected '->', not 'returns'",
        "create function f(Integer x) -> Integer as x + 1",
        "create function f(Integer x) -> Integer as x + 1; f(1);",
        "2",
    ),
    mistake(
        "def f(x): return x + 1;",
        "'def' begins no statement",
        "create function f(Number x) -> Number as x + 1",
        "create function f(Number x) -> Number as x + 1; f(1);",
        "2",
    ),
    mistake(
        ".payload | fromjson | .temp;",
        "unexpected '.'",
        "json:unstringify(s)",
        "json:unstringify('{\"temp\":20}')['temp'];",
        "20",
    ),
    mistake(
        "quit();",
        "unknown function 'quit'",
        "have no parentheses",
        "1; quit;",
        "1",
    ),
    mistake(
        "create stream s (room varchar) with (kafka_topic='x');",
        "'create stream' begins no statement",
        "create function f() -> Stream of Number as select stream of …",
        "create function f() -> Stream of Number as select stream of x from Number x where x in siota(1,2); f();",
        "1\n2",
    ),
];

/// Those whose right form needs a broker.
const ABOUT_TOPICS: &[Mistake] = &[
    mistake(
        "subscribe('home/#');",
        "looks like an MQTT topic, and says no client",
        "'client:home/#'",
        "first(subscribe('client:home/#'));",
        "binary(\"7b2274656d70223a32307d\")",
    ),
    mistake(
        "subscribe(home/#);",
        "a topic is a string",
        "subscribe('client:home/#')",
        "first(subscribe('client:home/#'));",
        "binary(\"7b2274656d70223a32307d\")",
    ),
    mistake(
        "select * from \"home/#\";",
        "a topic is no table",
        "select r from Record r, Binary b where b in subscribe('client:home/#') and r = json:unstringify(charstring(b))",
        "select r from Record r, Binary b where b in subscribe('client:home/#') and r = json:unstringify(charstring(b)) limit 1;",
        "{\"temp\":20}",
    ),
    mistake(
        "select * from subscribe('home/#');",
        "what subscribe(…) gives is gone through in where",
        "select r from Record r, Binary b where b in subscribe('client:home/#') and r = json:unstringify(charstring(b))",
        "select r from Record r, Binary b where b in subscribe('client:home/#') and r = json:unstringify(charstring(b)) limit 1;",
        "{\"temp\":20}",
    ),
    mistake(
        "mosquitto_sub -h localhost -t 'home/#';",
        "'mosquitto_sub' begins no statement",
        "subscribe('client:home/#')",
        "first(subscribe('client:home/#'));",
        "binary(\"7b2274656d70223a32307d\")",
    ),
    mistake(
        "publish('home/b', 20);",
        "'publish' does not take (Charstring, Integer)",
        "the other way round they fit",
        "publish(20, 'client:home/b');",
        "20",
    ),
];

/// 1 for an answer that says what is wrong, and 1 for a right form that it names and that runs.
fn mark(mistake: &Mistake, world: &[&str]) -> (u32, String) {
    let session = || {
        let mut db = Db::with_notes();
        for script in world {
            db.run(script);
        }
        db
    };
    let answer = session().run(mistake.typed);
    let given = session().run(mistake.runs);
    let runs = given.trim() == mistake.gives && answer.contains(mistake.names);
    let mark = u32::from(answer.contains(mistake.says)) + u32::from(runs);
    (
        mark,
        format!("{}\n{answer}\n{}\n{given}", mistake.typed, mistake.runs),
    )
}

fn all_are_answered(mistakes: &[Mistake], world: &[&str]) -> u32 {
    let marks: Vec<(u32, String)> = mistakes.iter().map(|m| mark(m, world)).collect();
    let poor: Vec<&String> = marks.iter().filter(|m| m.0 < 2).map(|m| &m.1).collect();
    assert!(
        poor.is_empty(),
        "{}",
        poor.iter()
            .map(|p| format!("---- {p}\n"))
            .collect::<String>()
    );
    marks.iter().map(|m| m.0).sum()
}

#[test]
fn habits_are_answered_with_the_right_form() {
    assert_eq!(
        all_are_answered(MISTAKES, &[WORLD]),
        2 * MISTAKES.len() as u32
    );
    assert!(MISTAKES.len() + ABOUT_TOPICS.len() >= 40);
}

#[test]
fn habits_about_topics_are_answered() {
    assert_eq!(
        all_are_answered(ABOUT_TOPICS, &[BROKER]),
        2 * ABOUT_TOPICS.len() as u32
    );
}

#[test]
fn a_field_that_no_message_has_is_noted() {
    let query = |key: &str| {
        format!(
            "select r['{key}'] from Record r, Binary b \
             where b in timeout(subscribe('client:home/#'),3) and r = json:unstringify(charstring(b)) \
             and r['{key}'] > 0 limit 25;"
        )
    };
    let publish = |db: &mut Db| {
        db.run(
            "set :b = mqtt:start_broker({});
             mqtt:register_client('client', {'connection': :b['connection']});
             create function beat() -> Stream of Record as
               select stream of {'temp': i, 'room': 'hall'} from Integer i, Number n
               where n in heartbeat(0.02) and i = integer(n * 50) + 1;
             background(publish(beat(),'client:home/a'));",
        );
    };
    let mut db = Db::with_notes();
    publish(&mut db);
    let answer = db.run(&query("tempp"));
    assert!(
        answer.contains("no message has a field \"tempp\", of 20 so far"),
        "{answer}"
    );
    assert!(answer.contains("did you mean \"temp\"?"), "{answer}");
    assert!(answer.contains("they have \"temp\", \"room\""), "{answer}");
    assert_eq!(answer.matches("no message has").count(), 1, "{answer}");
    let answer = db.run(&query("temp"));
    assert!(!answer.contains("no message has"), "{answer}");
    assert_eq!(answer.lines().count(), 25, "{answer}");
}
