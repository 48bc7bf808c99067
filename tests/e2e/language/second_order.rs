//! Functions over functions.

use crate::support::session::Db;

#[test]
fn functions_are_applied() {
    let mut db = Db::of(
        "create function limits(Charstring) -> (Number, Number) as stored; set limits('t') = (10, 20);",
    );
    db.gives("apply(functionnamed('plus'),[1,3.4]);", "[4.4]");
    db.gives("apply(#'mod',[4,3]);", "[1]");
    db.gives("apply(#'number.number.plus->number',[2,3.5]);", "[5.5]");
    db.gives(
        "apply(functionnamed('range'),[1,3]); apply(#'limits',['t']);",
        "[1]\n[2]\n[3]\n[10,20]",
    );
    db.fails(
        "apply(#'plus',[2,3.5]);",
        &["'plus' is overloaded", "number.number.plus->number"],
    );
    db.fails("functionnamed('plsu');", &["no function 'plsu'", "'plus'"]);
}

#[test]
fn functions_are_called() {
    let mut db = Db::new();
    db.gives(
        "call(#'sin', 0); call(functionnamed('plus'), 1, 2); call(#'sa_home') = sa_home();",
        "0.0\n3\ntrue",
    );
    db.gives("mapvector(#'sqrt', [1,4,9]);", "[1.0,2.0,3.0]");
    db.gives(
        "aggv(bag([1,10],[2,20],[3,30]), functionnamed('sum'));",
        "[6,60]",
    );
}

#[test]
fn text_is_evaluated() {
    let mut db = Db::new();
    db.gives("eval('1+2;'); eval('range(2)'); evalv('1+2'); evalv('select i, i*i from Integer i where i in range(2)');",
        "3\n1\n2\n[3]\n[1,1]\n[2,4]");
    db.does("eval('create function two() -> Integer as 2;');")
        .gives("two();", "2");
    db.fails("eval('1 +');", &["error"]);
}

fn graph() -> Db {
    Db::of("create function arcsto(Integer node) -> Bag of Integer n as stored;
        set arcsto(1) = bag(2,3); set arcsto(2) = bag(4,5); set arcsto(5) = bag(1);
        create function arcstod(Integer node, Integer d) -> Bag of (Integer,Integer) as select arcsto(node), 1+d;
        create function tree(Integer n) -> Bag of Integer as stored;
        set tree(1) = bag(2,3); set tree(2) = bag(4,5);")
}

#[test]
fn closures_visit_each_node_once() {
    let mut db = graph();
    db.gives_bag("tclose(#'arcsto', 1);", "1\n3\n2\n5\n4");
    db.gives_bag(
        "select f from Integer f where 1 in tclose(#'arcsto', f);",
        "1\n5\n2",
    );
    db.gives_bag(
        "tclose(#'arcstod', 1, 0);",
        "[1,0]\n[3,1]\n[2,1]\n[5,2]\n[4,2]",
    );
    db.gives_bag("tclosed(#'arcsto', 1, 1);", "[1,0]\n[2,1]\n[3,1]");
    db.gives("count(tclose(#'arcsto', 4));", "1");
}

#[test]
fn trees_are_traversed_depth_first() {
    graph().gives("traverse(#'tree', 1);", "1\n2\n4\n5\n3");
}

#[test]
fn a_circle_is_traversed_until_stopped() {
    graph().gives("count(first_n(traverse(#'arcsto', 1), 1000));", "1000");
}

#[test]
fn iteration_ends_at_a_fixpoint_a_null_or_a_depth() {
    let mut db = Db::of(
        "create function halve(Number x) -> Number as case when x > 1 then x / 2 else x end;
        create function down(Integer x) -> Integer as select x - 1 where x > 3;
        create function up(Integer x) -> Integer as x + 1;
        create function upto(Integer x, Integer p) -> Integer as select x + 1 where x < p;",
    );
    db.gives(
        "iterate(#'halve', 100, 8); iterate(#'down', 100, 10); iterate(#'up', 5, 0);",
        "1.0\n3\n5",
    );
    db.gives("iterate(#'upto', 100, 1, 7);", "7");
}

#[test]
fn the_function_that_is_called_decides_what_becomes_of_a_bag() {
    let mut db = Db::of("set :total = functionnamed('sum');");
    db.gives("call(#'bag.sum->number', bag(4,5,6));", "15");
    db.gives("call(:total, bag(4,5,6)); call(:total, [4,5]);", "15\n9");
    db.gives(
        "call(functionnamed('count'), (select i from Integer i where i in range(9)));",
        "9",
    );
    db.gives_bag("call(#'sqrt', bag(4,9));", "2.0\n3.0");
    db.gives_bag("call(functionnamed('plus'), bag(1,2), 10);", "11\n12");
    db.gives_bag(
        "call(functionnamed('plus'), bag('a',2), 10);",
        "\"a10\"\n12",
    );
    db.gives(
        "select call(f, bag(3,5)) from Function f where f in bag(#'bag.max->object', #'bag.sum->number');",
        "5\n8",
    );
    db.gives("count(call(functionnamed('range'), 3));", "3");
    db.gives("callv(#'bag.sum->number', [7]);", "7");
    db.does("create function over(Function f, Bag b) -> Object as call(f, b);");
    db.gives(
        "over(#'bag.sum->number', range(3)); over(#'sqrt', bag(4,9));",
        "6\n2.0\n3.0",
    );
    db.gives(
        "call(functionnamed('winagg'), streamof(range(4)), 2, 2);",
        "[1,2]\n[3,4]",
    );
    db.gives(
        "select i, call(f, range(i)) from Function f, Integer i where f in bag(functionnamed('sum')) and i in range(2);",
        "[1,1]\n[2,3]",
    );
    db.fails(
        "call('sum', bag(1,2));",
        &["'call' does not take (Charstring, Bag of Integer)"],
    );
    db.fails(
        "call(#'sqrt', 1, 2);",
        &["'sqrt' does not take 2 arguments"],
    );
}
