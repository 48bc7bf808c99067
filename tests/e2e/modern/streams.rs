//! Streams and times as today's programs use them.

use crate::support::session::Db;

#[test]
fn lists_are_streams_and_bags() {
    let mut db = Db::new();
    db.gives(
        "set :s = stream 1, 2+3, 'a'; :s; :s;",
        "1\n5\n\"a\"\n1\n5\n\"a\"",
    );
    db.gives(
        "rsum(:s);",
        "1.0\n6.0\nerror: element 3 of the stream of rsum: rsum wants numbers, not \"a\" at `rsum(:s)`",
    );
    db.gives("values 1, 2;", "1\n2");
    db.gives("count((values 1, 2, 3));", "3");
    db.gives(
        "set :t = stream ts(|2024-01-01T00:00:00Z|,1), ts(|2024-01-01T00:00:01Z|,2); value(:t);",
        "1\n2",
    );
    db.does("create function three() -> Stream as stream 1, 2, 3;");
    db.gives("vectorof(three());", "[1,2,3]");
    // They stay names.
    db.gives(
        "select stream from Integer stream where stream in range(2) and stream > 1;",
        "2",
    );
    db.gives(
        "select values - 1 from Integer values where values in range(2);",
        "0\n1",
    );
    db.gives(
        "select values + 1 from Vector values where values = [1] order by values;",
        "[2]",
    );
}

#[test]
fn folds() {
    let mut db = Db::of(
        "create function my_operator(real a, real b) -> real as 5*a*b + 10;
         create function longer(Charstring a, Charstring b) -> Charstring as case when length(b) > length(a) then b else a end;
         create function zero() -> Integer as 0;
         create function add(Number state, Number x) -> Number as state + x;
         create function half(Number state) -> Number as state / 2;",
    );
    db.gives("reduce([1,2,3,4], 'my_operator');", "6210.0");
    db.gives("reduce([1,2,3,4], functionnamed('plus'));", "10");
    db.gives("reduce([], functionnamed('plus'));", "");
    db.gives("reduce([], functionnamed('plus'), 7);", "7");
    db.gives("reduce([5], functionnamed('plus'));", "5");
    db.gives("reduce(bag('a','ccc','bb'), 'longer');", "\"ccc\"");
    db.gives("reduce(siota(1,4), functionnamed('times'));", "1\n2\n6\n24");
    db.gives("reduce(siota(1,3), 'plus', 100);", "101\n103\n106");
    db.gives(
        "rmax(stream 1, 3, 2, 5); rmin(stream 3, 1, 2);",
        "1\n3\n3\n5\n3\n1\n1",
    );
    db.gives(
        "fnoagg(siota(1,4), #'zero', #'add', #'half');",
        "0.5\n1.5\n3.0\n5.0",
    );
    db.gives(
        "fnoagg(siota(1,6), #'zero', #'add', #'half', 2, 3);",
        "1.5\n4.5",
    );
    db.gives(
        "avg(range(4)); avg([1,2]); forall(bag(true,1)); forall(bag(true,false)); forall(bag());",
        "2.5\n1.5\ntrue\ntrue",
    );
    db.fails(
        "reduce(['a',1], functionnamed('minus'));",
        &["'minus' does not take (Charstring, Integer)"],
    );
    db.fails(
        "fnoagg(siota(1,2), #'half', #'add', #'half');",
        &["'half' does not take 0 arguments"],
    );
}

#[test]
fn windows_by_count_begin_with_the_first_element() {
    let mut db = Db::new();
    db.gives("winagg(siota(1,10),1,5);", "[1]\n[6]");
    db.gives("winagg(siota(1,10),2,4);", "[1,2]\n[5,6]\n[9,10]");
    db.gives("winagg(siota(1,4),3,1);", "[1,2,3]\n[2,3,4]");
    // The same where the windows are not made.
    db.gives(
        "select sum(w) from Vector w where w in winagg(siota(1,10),2,4);",
        "3\n11\n19",
    );
}

const STAMPED: &str = "set :s = stream ts(|2024-01-01T00:00:00Z|,1), ts(|2024-01-01T00:00:01Z|,2),
    ts(|2024-01-01T00:00:02.500Z|,3), ts(|2024-01-01T00:00:04Z|,4);";

#[test]
fn windows_by_time_give_the_last_one_too() {
    let mut db = Db::of(STAMPED);
    db.gives(
        "twinagg(:s,2,2);",
        "ts(|2024-01-01T00:00:02.000Z|,[1,2])
         ts(|2024-01-01T00:00:04.000Z|,[3])
         ts(|2024-01-01T00:00:06.000Z|,[4])",
    );
    db.gives(
        "first(twinagg(:s,2,2,true));",
        "ts(|2024-01-01T00:00:02.000Z|,[ts(|2024-01-01T00:00:00.000Z|,1),ts(|2024-01-01T00:00:01.000Z|,2)])",
    );
    db.gives("count(twinagg(streamof(bag()),2,2));", "0");
    db.does(
        "create function even_value(Timeval tv) -> Boolean as mod(value(tv),2) = 0;
             create function at_least(Timeval tv, Vector a) -> Boolean as value(tv) >= a[1];",
    );
    db.gives(
        "twinagg(:s,2,#'even_value');",
        "ts(|2024-01-01T00:00:01.000Z|,[1,2])\nts(|2024-01-01T00:00:04.000Z|,[3,4])",
    );
    db.gives(
        "twinagg(:s,1.5,true,#'even_value');",
        "ts(|2024-01-01T00:00:01.000Z|,[ts(|2024-01-01T00:00:00.000Z|,1),ts(|2024-01-01T00:00:01.000Z|,2)])
         ts(|2024-01-01T00:00:04.000Z|,[ts(|2024-01-01T00:00:04.000Z|,4)])",
    );
    db.gives("value(twinagg(:s,9,false,#'at_least',[4]));", "[1,2,3,4]");
}

#[test]
fn times_are_numbers_where_numbers_are_declared() {
    let mut db = Db::of("set :v = [|2024-01-01T00:00:00.250Z|,'a',7];");
    db.gives("ts(1.5,'x');", "ts(|1970-01-01T00:00:01.500Z|,\"x\")");
    db.gives("ts(0,[1]);", "ts(|1970-01-01T00:00:00.000Z|,[1])");
    db.gives("select t from Real t where t = :v[1];", "1704067200.25");
    db.gives(
        "select ts(t,n) from Real t, Charstring s, Number n where [t,s,n] = :v;",
        "ts(|2024-01-01T00:00:00.250Z|,7)",
    );
    db.gives(
        "select t from Number t, Vector w where w in vstream([:v]) and t = w[1];",
        "1704067200.25",
    );
    db.gives(
        "select t from Timeval t where t = :v[1];",
        "|2024-01-01T00:00:00.250Z|",
    );
    db.gives("select t from Integer t where t = :v[1];", "");
    db.gives(
        "parse_iso_timestamp('2024-07-01');",
        "|2024-07-01T00:00:00.000Z|",
    );
    db.gives("|2024-07-01|;", "|2024-07-01T00:00:00.000Z|");
    db.fails("parse_iso_timestamp('2024-13-01');", &["2024-13-01"]);
}

#[test]
fn groups_come_in_the_order_of_their_keys() {
    let mut db = Db::new();
    db.gives(
        "select k, count(k) from Charstring k where k in bag('b','a','c','a') group by k;",
        "[\"a\",2]\n[\"b\",1]\n[\"c\",1]",
    );
    db.gives(
        "select mod(i,3), sum(i) from Integer i where i in range(6) group by mod(i,3);",
        "[0,9]\n[1,5]\n[2,7]",
    );
    db.gives(
        "select x, y, count(1) from Integer x, Charstring y where [x,y] in bag([2,'a'],[1,'b'],[1,'a'],[2,'a']) group by x, y;",
        "[1,\"a\",1]\n[1,\"b\",1]\n[2,\"a\",2]",
    );
    db.gives("select vector of k, mean(v) from Charstring k, Real v where [k,v] in bag(['t',1],['s',2],['t',3]) group by k;", "[[\"s\",2.0],[\"t\",2.0]]");
    db.gives(
        "select x from Object x where x in bag('a',2,null,1.5) group by x;",
        "null\n1.5\n2\n\"a\"",
    );
}

#[test]
fn names_of_today() {
    let mut db = Db::new();
    db.gives("flatten(stream [1,2], [3]);", "1\n2\n3");
    db.gives("remove_null(stream 1, null, 2);", "1\n2");
    db.gives("pivot([siota(1,2)],[9]);", "[1]\n[2]");
    db.gives(
        "pivot_events(['a','b'],[0,1],stream [|2024-01-01T00:00:00Z|,'b',7], [|2024-01-01T00:00:01Z|,'a',8]);",
        "ts(|2024-01-01T00:00:00.000Z|,[0,7])\nts(|2024-01-01T00:00:01.000Z|,[8,7])",
    );
    db.fails(
        "pivot_events(['a'],[],stream [1,'a',1]);",
        &["a value to begin with for each key: 1 keys, 0 values"],
    );
    db.gives(
        "concat(siota(1,2),siota(5,6)); skip(siota(1,3),2); section(siota(1,9),2,3);",
        "1\n2\n5\n6\n3\n2\n3",
    );
    db.gives("changed((stream [1,7], [1,8], [2,8]),[1]);", "[1,7]\n[2,8]");
    db.gives(
        "count(doc('_tan%')) > 0; count(signature('%log10')); signature('atan_');",
        "true\n2\n\"atan2(Real y, Real x)->Real\"",
    );
    db.gives(
        "select s from Charstring s where s in signature('^');",
        "\"power(Real base, Real power)->Real\"",
    );
    db.gives(
        "count(signature('+')) > 5; signature('.^') = signature('elempower');",
        "true\ntrue\ntrue\ntrue",
    );
}

#[test]
fn a_flow_keeps_its_latest_element() {
    let mut db = Db::new();
    db.gives("publish(siota(1,3),'late');", "1\n2\n3");
    db.gives("first(subscribe('late'));", "3");
    db.gives(
        "emit_on_flow('x','late'); first(subscribe('late'));",
        "\"x\"\n\"x\"",
    );
    db.gives("flows();", "");
    db.gives("publish:define('weights', 1000, true, true); select f['name'] from Record f where f in flows();", "\"weights\"\n\"weights\"");
    db.gives("drop_flow('weights'); flows();", "\"weights\"");
    db.gives(
        "post_statement('publish(siota(1,2),\"posted\")') > 0;",
        "true",
    );
    db.fails(
        "post_statement('set :x = 1');",
        &["post_statement runs one query"],
    );
    db.fails(
        "subscribe('weights@server');",
        &["names a flow of another peer", "'client:topic'"],
    );
}

#[test]
fn what_is_not_here_names_what_is() {
    let mut db = Db::new();
    for name in [
        "listen()",
        "listening_edges()",
        "edge_cq('q')",
        "models:deploy(['e'],'m')",
        "federation:connect('a')",
    ] {
        db.fails(&format!("{name};"), &["does not"]);
    }
    db.fails(
        "listen();",
        &["federations of peers", "mqtt:register_client"],
    );
    db.fails("models:deploy(['e'],'m');", &["copy the model's folder"]);
}
