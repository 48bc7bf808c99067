//! Vector queries.

use crate::support::session::Db;

#[test]
fn vectors_are_constructed_of_any_objects() {
    Db::new().gives("[1,sqrt(4),3]; [];", "[1,2.0,3]\n[]");
}

#[test]
fn a_vector_per_row_and_a_tuple_per_row() {
    let mut db = Db::of(
        "create type Pump; create function name(Pump) -> Charstring as stored;
         create function rpm(Pump) -> Integer as stored;
         create Pump(name, rpm) instances ('north', 900), ('south', 750);",
    );
    db.gives(
        "select [name(p),rpm(p)] from Pump p where name(p) = 'north';",
        "[\"north\",900]",
    );
    db.gives(
        "select name(p), rpm(p) from Pump p where name(p) = 'south';",
        "[\"south\",750]",
    );
}

#[test]
fn select_vector_keeps_an_order() {
    let mut db = Db::new();
    db.gives(
        "select vector of i*2 from Integer i where i in [3,1,2] order by i;",
        "[2,4,6]",
    );
    db.gives(
        "select Vector of i*2 from Integer i where i = [1,2,3] order by i;",
        "[2,4,6]",
    );
    db.gives(
        "select vector of i from Number i where i in range(-4,5) order by i;",
        "[-4,-3,-2,-1,0,1,2,3,4,5]",
    );
    db.gives(
        "select vector of i from Integer i where i in bag(3,1,2);",
        "[3,1,2]",
    );
    db.gives(
        "select vector of i from Integer i where i in range(5) order by i desc limit 2;",
        "[5,4]",
    );
    db.gives(
        "sum(select vector of i from Integer i where i in range(4));",
        "10",
    );
}

#[test]
fn equations_are_solved() {
    let mut db = Db::new();
    db.gives("select l from Number l where [1,2] - l = [11,12];", "-10");
    db.gives("select l from Number l where [1,3] - l = [11,12];", "");
    db.gives(
        "select l from Vector of Number l where [1,2] - l = [11,12];",
        "[-10,-10]",
    );
    db.gives("select x from Number x where 2 * x + 1 = 7;", "3.0");
    db.gives("select x from Number x where 3 - x = 5;", "-2");
    db.gives("select x from Number x where -x = 5;", "-5");
}

#[test]
fn positions_are_variables() {
    let mut db = Db::new();
    db.gives(
        "select a[1] + a[2] from Vector of Number a where a = [1,2,3];",
        "3",
    );
    db.gives(
        "select vector of a[i] from Vector a, Integer i where a[i] != 2 and a = [1,2,3] order by i;",
        "[1,3]",
    );
    db.does("set :u = [1,2,3]; set :v = [4,5,6];");
    db.gives(
        "select vector of :u[i] * :v[i] from Integer i order by i;",
        "[4,10,18]",
    );
}

#[test]
fn the_positions_of_the_greatest_are_found() {
    let mut db = Db::new();
    let query = |v: &str, f: &str| {
        format!("select i from Integer i, Vector v where v = {v} and v[i] = {f}(v);")
    };
    db.gives(&query("[4,3,9,1,8,5]", "max"), "3");
    db.gives(&query("[4,3,9,1,8,5]", "min"), "4");
    db.gives(&query("[4,3,9,1,9,5]", "max"), "3\n5");
}

#[test]
fn vectors_compute_as_wholes_and_by_element() {
    Db::new().gives(
        "[1,4,3,2]+[1,5,6,7]; [1,4,3,2]-[0,2,3,4]+1; [1,2,3,4]*[5,6,7,8]; [1,2,3,4].*[5,6,7,8];
         5*[1,2]; [1,2,3].^2; dim([1,3,2]); median([1,4,2,3]);
         [[1,2],[3,4]]*[[2,3],[6,7]]; [[1,2],[3,4]].*[[2,3],[6,7]];",
        "[2,9,9,9]
         [2,3,1,-1]
         70
         [5,12,21,32]
         [5,10]
         [1.0,4.0,9.0]
         3
         2.5
         [[14,17],[30,37]]
         [[2,6],[18,28]]",
    );
}

#[test]
fn a_distance_is_a_function_over_vectors() {
    Db::of(
        "create function dist(Vector v, Vector w) -> Real
           /* How far `v` is from `w` */
           as sqrt(sum((v - w) .^ 2));",
    )
    .gives("dist([1,1],[4,5]); euclid([1,1],[4,5]);", "5.0\n5.0");
}

#[test]
fn vector_patterns_take_vectors_apart() {
    let mut db = Db::of("set :s = bag([1,'a'],[2,'b'],[1,'c'],[9]);");
    db.gives(
        "select v from Integer k, Charstring v where [k,v] in :s and k = 1;",
        "\"a\"\n\"c\"",
    );
    db.gives("select k from Integer k where [k,'b'] in :s;", "2");
    db.gives(
        "select k, v from Integer k, Charstring v where [k,v] = [7,'x'];",
        "[7,\"x\"]",
    );
    db.gives(
        "select a, b, c from Object a, Object b, Object c where [a,[b,c]] = [1,[2,3]];",
        "[1,2,3]",
    );
}
