//! Procedural functions.

use std::time::Duration;

use crate::support::session::Db;

fn people() -> Db {
    Db::of(
        "create type Person; create function name(Person) -> Charstring as stored;
        create function income(Person) -> Number as stored;
        create Person(name, income) instances :a ('Ada', 4000), :b ('Bo', 2000), :c ('Cia', 500);",
    )
}

#[test]
fn a_constructor_makes_objects() {
    let mut db = people();
    db.does(
        "create function hire(Charstring nm, Integer inc) -> Person p
        as { create Person instances p; set name(p) = nm; set income(p) = inc; return p; };
        set :d = hire('Dan', 3500);",
    );
    db.gives(
        "name(:d); income(:d); count(select p from Person p);",
        "\"Dan\"\n3500\n4",
    );
}

#[test]
fn each_row_is_visited() {
    let mut db = people();
    db.does("create function flatten(Integer top) -> Boolean
        as for each Person p where income(p) > top set income(p) = income(p) - (income(p) - top) / 2;");
    db.gives(
        "flatten(1000); income(:a); income(:b); income(:c);",
        "2500.0\n1500.0\n500",
    );
}

#[test]
fn return_in_a_loop_gives_many() {
    let mut db = people();
    db.does("create function raise_all(Integer inc, Integer over) -> Integer old
        as for each Person p, Integer i where i > over and i = income(p) { return i; set income(p) = i + inc; };");
    db.gives_bag("raise_all(10, 1000);", "4000\n2000");
    db.gives("income(:a); income(:b); income(:c);", "4010\n2010\n500");
}

#[test]
fn without_return_there_is_no_result() {
    people()
        .does("create function quiet() -> Boolean as { declare Integer i; set i = 1; }; quiet();");
}

#[test]
fn loops_and_choices() {
    let mut db = Db::of("create function sumto(Integer n) -> Integer
          as { declare Integer i, Integer s; set i = 0; set s = 0;
               while i < n do set i = i + 1; set s = s + i; end while; return s; };
        create function collatz(Integer n) -> Bag of Integer
          as { declare Integer i; set i = n;
               loop return i;
                    case when i = 1 then leave end;
                    case when odd(i) then set i = 3 * i + 1; else set i = i / 2; end;
               end loop; };
        create function kind(Integer n) -> Charstring
          as { case when n < 0 then return 'negative'; when n = 0 then return 'zero'; else return 'positive'; end; };");
    db.gives("sumto(10); collatz(6);", "55\n6\n3\n10\n5\n16\n8\n4\n2\n1");
    db.gives(
        "kind(-1); kind(0); kind(5);",
        "\"negative\"\n\"zero\"\n\"positive\"",
    );
}

#[test]
fn variables_take_query_results() {
    let mut db = people();
    db.does("create function richest() -> Charstring
        as { declare Charstring n, Number i;
             select name(p), income(p) into n, i from Person p order by income(p) desc;
             return n + ' ' + i; };
        create function total() -> Number as { declare Number t; set t = sum(select income(p) from Person p); return t; };");
    db.gives("richest(); total();", "\"Ada 4000\"\n6500");
}

#[test]
fn cursors_are_opened_fetched_and_closed() {
    people().gives(
        "create function two() -> Bag of Charstring
        as { declare Charstring n; open c for (select name(p) from Person p order by name(p));
             fetch c into n; return n; fetch c into n; return n; close c; };
        two();",
        "\"Ada\"\n\"Bo\"",
    );
}

#[test]
fn statements_stand_at_the_top() {
    let mut db = people();
    db.does("for each Person p where income(p) < 1000 set income(p) = 1000;")
        .gives("income(:c);", "1000");
    db.does("{ declare Integer i; set i = 3; set income(:c) = i; };")
        .gives("income(:c);", "3");
    db.does("set :i = 0; { while :i < 3 do set :i = :i + 1; end while; };")
        .gives(":i;", "3");
}

#[test]
fn procedures_call_procedures() {
    let mut db = people();
    db.does("create function pay(Person p, Number x) -> Number as { set income(p) = income(p) + x; return income(p); };
        create function pay_all(Number x) -> Bag of Number as { for each Person p { return pay(p, x); }; };");
    db.gives_bag("pay_all(1);", "4001\n2001\n501");
}

#[test]
fn state_keeps_its_order() {
    let mut db = Db::of(
        "create function counter() -> Integer as stored; set counter() = 0;
        create function next() -> Integer as { set counter() = counter() + 1; return counter(); };",
    );
    db.gives(
        "select a, b from Integer a, Integer b where a = next() and b = next();",
        "[1,2]",
    );
    db.gives(
        "stateful(#'next'); stateful(#'sin'); stateful(#'now');",
        "true\ntrue",
    );
}

#[test]
fn a_failed_procedure_changes_nothing() {
    let mut db = people();
    db.does(
        "create function break_it() -> Boolean as { set income(:x) = 1; };"
            .replace(":x", "cast(first(allobjects()) as Person)")
            .as_str(),
    );
    db.does("create function half() -> Boolean as { for each Person p { set income(p) = 0; }; error('no'); };");
    db.fails("half();", &["no"]);
    db.gives("sum(select income(p) from Person p);", "6500");
}

#[test]
fn functions_cannot_use_session_variables() {
    people().fails(
        "create function f() -> Object as :a;",
        &["cannot use session variables"],
    );
}

#[test]
fn loops_and_choices_stand_at_the_top_without_braces() {
    let mut db = Db::of("set :i = 0;");
    db.does("while :i < 3 do set :i = :i + 1; end while;")
        .gives(":i;", "3");
    db.does("loop set :i = :i - 1; case when :i = 1 then leave; end; end loop;")
        .gives(":i;", "1");
    db.does("case when :i = 1 then set :j = 'one'; when :i = 2 then set :j = 'two'; else set :j = 'many'; end;")
        .gives(":j;", "\"one\"");
    db.does("set :i = 5; case when :i = 1 then set :j = 'one'; else { set :j = 'many'; set :i = 0; }; end;")
        .gives(":j; :i;", "\"many\"\n0");
    db.does("for each Integer k where k in range(3) while :i < k do set :i = :i + 1; end while;")
        .gives(":i;", "3");
    db.gives(
        "case when :i = 3 then 'three' else 'another' end;",
        "\"three\"",
    );
}

#[test]
fn a_block_hides_what_is_around_it_and_ends_with_its_variables() {
    let mut db = Db::new();
    db.does("{ declare Integer x; set x = 1; { declare Integer x; set x = 2; }; set :y = x; };")
        .gives(":y;", "1");
    db.does(
        "create function f(Integer x) -> Bag of Integer as
           { { declare Charstring x; set x = 'inner'; }; return x;
             case when x > 0 then { declare Integer x; set x = 7; return x; }; end; return x+1; };
         create function fresh() -> Bag of Integer as
           { declare Integer n; set n = 0;
             while n < 3 do
               { declare Integer x; case when x = n-1 then return 99; end; set x = n; set n = n+1; };
             end while;
             return n; };",
    );
    db.gives("f(1);", "1\n7\n2");
    // Where a block begins, its variables have no value, however often it does.
    db.gives("fresh();", "3");
    db.fails(
        "{ { declare Integer x; set x = 1; }; set :y = x; };",
        &["unknown variable 'x'"],
    );
    db.fails(
        "{ declare Integer x, Real x; set x = 1; };",
        &["'x' is declared already"],
    );
}

#[test]
fn a_cursor_of_the_session_goes_on_in_later_statements() {
    let mut db = Db::new();
    db.does("open :c for range(5); fetch :c into :x;")
        .gives(":x;", "1");
    db.does("fetch :c into :x; { fetch :c into :x; fetch :c into :x; };")
        .gives(":x;", "4");
    db.does("open :other for bag('a'); fetch :other into :y; fetch :c into :x;")
        .gives(":x; :y;", "5\n\"a\"");
    db.does("fetch :c into :x;").gives(":x;", "null");
    db.does("open :c for bag(7); fetch :c into :x;")
        .gives(":x;", "7");
    db.does("close :c;")
        .fails("fetch :c into :x;", &["the cursor is not open"]);
    // A function has its own.
    db.does("create function own() -> Integer as { declare Integer x; open c for range(3); fetch c into x; return x; };");
    db.gives("own(); own();", "1\n1");
}

/// A statement's time is over with the statement; what its cursor reads goes on.
#[test]
fn a_cursor_of_the_session_outlives_the_time_of_its_statement() {
    let mut db = Db::with_timeout(Some(Duration::from_secs(1)));
    db.does(
        "create function steps() -> Stream of Integer as { return 1; return 2; return 3; };
         open :merged for merge(siota(1,2),siota(1,2));
         open :steps for steps();
         open :timed for timeout(siota(1,9),3600);
         open :section for streams:time_section(merge(siota(1,5),siota(1,5)),0,3600);
         open :beat for heartbeat(3600);
         open :busy for select x from Integer x where x in natural_numbers() and x < 0;
         fetch :merged into :a; fetch :steps into :b; fetch :timed into :c; fetch :section into :d;
         fetch :beat into :e;",
    );
    // Whoever fetches has a time of his own; the cursor stays open.
    for waiting in ["fetch :beat into :e;", "fetch :busy into :f;"] {
        db.fails(waiting, &["the query ran longer than 1 seconds"]);
    }
    db.does(
        "fetch :merged into :a2; fetch :merged into :a3; fetch :merged into :a4;
         fetch :steps into :b2; fetch :steps into :b3;
         fetch :timed into :c2; fetch :section into :d2;",
    );
    db.gives(
        ":a + :a2 + :a3 + :a4; [:b,:b2,:b3]; [:c,:c2]; :d + :d2 > 1;",
        "6\n[1,2,3]\n[1,2]\ntrue",
    );
    let statement = "fetch :beat into :e;";
    let stopper = db.stop_when_it_runs(statement);
    db.fails(statement, &["stopped by the test"]);
    stopper.join().expect("it was running");
    db.interrupt().resume();
    db.does("fetch :merged into :a5; close :merged; close :busy; close :beat;");
    db.gives(":a5;", "null");
}

#[test]
fn a_procedure_gives_its_stream_as_it_returns() {
    let mut db = Db::of(
        "create function p() -> Stream of Integer as { return 1; return 2; return count(natural_numbers()); };
         create function kept() -> Integer as stored;
         create function steps() -> Stream of Integer as
           { set kept() = 1; return 1; set kept() = 2; return 2; set kept() = 3; return 3; set kept() = 4; return 4; };",
    );
    // The procedure never ends.
    db.gives("first_n(p(),2);", "1\n2");
    db.gives("vectorof(steps());", "[1,2,3,4]");
    // It runs no further than one value ahead of its reader.
    db.gives("first_n(steps(),1); kept() < 4;", "1\ntrue");
}

#[test]
fn a_declaration_gives_no_value() {
    let mut db = Db::new();
    for statement in [
        "declare Integer i = 5;",
        "create function f() -> Integer as { declare Integer i = 5; return i; };",
    ] {
        db.fails(
            statement,
            &["a declaration gives no value", "set i = …;", "set :i = …;"],
        );
    }
}

#[test]
fn empty_braces_are_a_procedure_where_no_record_is_meant() {
    let mut db = Db::of(
        "create function nothing() -> Integer as { };
         create function none(Integer i) -> Bag of Charstring as {};
         create function record() -> Record as { };",
    );
    db.gives("nothing(); none(1); record();", "{}");
    db.gives("count(bag(nothing()));", "0");
}
