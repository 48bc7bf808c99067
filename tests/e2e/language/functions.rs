//! Functions of every kind, and which one a call means.

use crate::support::session::Db;

fn family() -> Db {
    Db::of(
        "create type Person;
         create function name(Person p) -> Charstring key as stored;
         create function born(Person) -> Integer as stored;
         create function children(Person p) -> Bag of Person c as stored;
         create function marriages(Person p) -> Bag of (Person spouse, Integer year) as stored;
         create Person(name, born) instances :a ('Ada', 1950), :b ('Bo', 1948), :c ('Cia', 1975), :d ('Dan', 2001);
         set children(:a) = :c; set children(:b) = :c; set children(:c) = :d;
         set marriages(:a) = (:b, 1972);
         create function parents(Person c) -> Bag of Person p as select p from Person p where c in children(p);
         create function grandparents(Person c) -> Bag of Person as parents(parents(c));",
    )
}

#[test]
fn derived_functions_invert_stored_ones() {
    let mut db = family();
    db.gives("name(parents(:c));", "\"Ada\"\n\"Bo\"");
    db.gives("name(grandparents(:d));", "\"Ada\"\n\"Bo\"");
    db.gives(
        "select name(p) from Person p where born(p) < 1980 and some(children(p)) order by name(p);",
        "\"Ada\"\n\"Bo\"\n\"Cia\"",
    );
}

#[test]
fn predicates_are_functions() {
    let mut db = family();
    db.does(
        "create function old(Person p) -> Boolean as born(p) < 1960;
             create function young(Person p) -> Boolean as select true where born(p) > 2000;",
    );
    db.gives("old(:a); old(:d); young(:d);", "true\ntrue");
    db.gives(
        "select name(p) from Person p where old(p);",
        "\"Ada\"\n\"Bo\"",
    );
    db.gives("select name(p) from Person p where young(p);", "\"Dan\"");
}

#[test]
fn result_variables_need_no_declaration() {
    let mut db = family();
    db.does("create function oldchildren(Person p) -> Bag of (Person f) as select f where born(f) < 1980 and f in children(p);");
    db.gives("name(oldchildren(:a));", "\"Cia\"");
    db.does("create function elder(Person p) -> Person as select f from Person f where born(f) < 1980 and p in children(f);");
    db.gives("name(elder(:c));", "\"Ada\"\n\"Bo\"");
}

#[test]
fn aggregates_of_ones_own() {
    let mut db = family();
    db.does("create function myavg(Bag of Number x) -> Number as sum(x)/count(x);");
    db.gives(
        "myavg(bag(1,2,6)); myavg(select born(p) from Person p);",
        "3.0\n1968.5",
    );
    db.gives(
        "select myavg(born(grandparents(q))) from Person q where name(q) = 'Dan';",
        "1949.0",
    );
}

#[test]
fn tuple_results_are_bound_in_parentheses() {
    let mut db = family();
    db.gives("select name(s), y from Person s, Integer y, Person p where (s,y) in marriages(p) and name(p) = 'Ada';", "[\"Bo\",1972]");
    db.gives("count(marriages(:a)); count(marriages(:b));", "1\n0");
}

#[test]
fn overloads_are_chosen_by_type() {
    let mut db = family();
    db.does(
        "create function less(Number i, Number j) -> Boolean as i < j;
             create function less(Charstring s, Charstring t) -> Boolean as s < t;
             create function younger(Person p, Person q) -> Boolean as less(born(q), born(p));
             create function nameordered(Person p, Person q) -> Boolean as less(name(p), name(q));",
    );
    db.gives(
        "younger(:c,:a); nameordered(:a,:b); nameordered(:b,:a); less(1,2.5);",
        "true\ntrue\ntrue",
    );
    db.gives(
        "resolvents('less');",
        "#'number.number.less->boolean'\n#'charstring.charstring.less->boolean'",
    );
    db.gives("number.number.less->boolean(1,2);", "true");
    db.fails(
        "less(1,'a');",
        &[
            "'less' does not take (Integer, Charstring)",
            "less(Number i, Number j)->Boolean",
        ],
    );
}

const STAFF: &str = "create type Person;
    create type Employee under Person;
    create type Manager under Employee;
    create function nm(Person) -> Charstring as stored;
    create function bonus(Manager) -> Integer as stored;
    create function income(Employee) -> Integer as stored;";

#[test]
fn late_binding_asks_the_object() {
    let mut db = Db::of(STAFF);
    db.does(
        "create function income(Manager m) -> Integer i
               as select income(e) + bonus(m) from Employee e where e = m;
             create Employee(nm, income) instances :e ('Eli', 100);
             create Manager(nm, bonus) instances :m ('Mia', 50);
             set employee.income->integer(:m) = 200;
             create function gross() -> Bag of Integer as select income(p) from Employee p;",
    );
    db.gives_bag("gross();", "100\n250");
    db.gives("income(:m); income(:e);", "250\n100");
}

#[test]
fn a_cast_chooses_the_resolvent() {
    let mut db = Db::of(STAFF);
    db.does(
        "create function income(Manager m) -> Integer i as income(cast(m as Employee)) + bonus(m);
             create Manager(nm, bonus) instances :m ('Mia', 50);
             set employee.income->integer(:m) = 200;",
    );
    db.gives("income(:m);", "250");
    db.gives("income(cast(:m as Employee));", "200");
    db.gives(
        "cast(1.0 as Integer); cast(3 as Real); cast('x' as Integer);",
        "1\n3.0",
    );
}

#[test]
fn deleting_a_function_deletes_its_callers() {
    let mut db = family();
    db.does(
        "create function first_child(Person p) -> Person as first(children(p));
             delete function children;",
    );
    db.fails("first_child(:a);", &["unknown function 'first_child'"]);
    db.fails("children(:a);", &["unknown function 'children'"]);
    db.fails("parents(:a);", &["unknown function 'parents'"]);
    db.gives("born(:a);", "1950");
}

#[test]
fn one_resolvent_is_deleted_by_its_name() {
    let mut db = Db::of("create function size(Integer x) -> Integer as x; create function size(Charstring s) -> Integer as 2;
                         delete function integer.size->integer;");
    db.gives("size('a');", "2")
        .fails("size(1);", &["'size' does not take (Integer)"]);
    db.fails("delete function sqrt;", &["built in"]);
    db.fails(
        "delete function siez;",
        &["unknown function 'siez'", "did you mean 'size'?"],
    );
}

#[test]
fn redefinition_reaches_the_callers() {
    let mut db = Db::of(
        "create function rate() -> Number as 2; create function twice(Number x) -> Number as rate() * x;",
    );
    db.gives("twice(5);", "10")
        .does("create function rate() -> Number as 3;")
        .gives("twice(5);", "15");
}

#[test]
fn functions_call_each_other() {
    let mut db = Db::of(
        "create function is_odd(Integer n) -> Boolean as false;
        create function is_even(Integer n) -> Boolean as n = 0 or n > 0 and is_odd(n - 1);
        create function is_odd(Integer n) -> Boolean as n > 0 and is_even(n - 1);",
    );
    db.gives("is_even(10); is_odd(7); is_even(7);", "true\ntrue");
}

#[test]
fn a_function_calls_itself() {
    let mut db = Db::of("create function fac(Integer n) -> Integer as case when n < 2 then 1 else n * fac(n-1) end;
        create function fib(Integer n) -> Integer as case when n < 2 then n else fib(n-1) + fib(n-2) end;");
    db.gives("fac(10); fib(15);", "3628800\n610");
}

#[test]
fn stored_functions_of_no_and_several_arguments() {
    let mut db = Db::of(
        "create function mypi() -> Real as stored; set mypi() = 3.14;
        create function distance(Charstring, Charstring) -> Number as stored;
        set distance('Lund','Malmö') = 20; set distance('Lund','Visby') = 390;",
    );
    db.gives(
        "mypi(); distance('Lund','Visby'); distance('Visby','Lund');",
        "3.14\n390",
    );
    db.gives(
        "select t from Charstring t where distance('Lund',t) < 100;",
        "\"Malmö\"",
    );
    db.gives(
        "select s, t from Charstring s, Charstring t where distance(s,t) = 390;",
        "[\"Lund\",\"Visby\"]",
    );
}

#[test]
fn boolean_functions_are_looked_up_in_both_directions() {
    let mut db = Db::of(
        "create function follows(Integer, Integer) -> Boolean as stored;
        set follows(1,2) = true; set follows(1,3) = true; set follows(2,3) = true;",
    );
    db.gives("follows(1,2); follows(2,1);", "true");
    db.gives("select y from Integer y where follows(1,y);", "2\n3");
    db.gives("select x from Integer x where follows(x,3);", "1\n2");
    db.gives(
        "select x, y from Integer x, Integer y where follows(x,y);",
        "[1,2]\n[1,3]\n[2,3]",
    );
}

#[test]
fn inverse_functions() {
    let mut db = family();
    db.does("create function named(Charstring n) -> Person as inverse of name;");
    db.gives("born(named('Cia')); named('Nobody');", "1975");
    db.does("set :x = named('Dan');").gives("born(:x);", "2001");
}

#[test]
fn constants_and_documentation_of_ones_own() {
    let mut db = Db::of(
        "create function ctof(Real c) -> Real /* `c` degrees Celsius in Fahrenheit */ as c * 9 / 5 + 32;",
    );
    db.gives("ctof(10); ctof(bag(0,100));", "50.0\n32.0\n212.0");
    db.gives(
        "doc('ctof');",
        "\"ctof(Real c)->Real\\n`c` degrees Celsius in Fahrenheit\"",
    );
    db.gives("sourcecode('ctof');", "\"create function ctof(Real c) -> Real /* `c` degrees Celsius in Fahrenheit */ as c * 9 / 5 + 32;\"");
}

#[test]
fn a_null_argument_gives_nothing() {
    let mut db = Db::of("create function inc(Integer x) -> Integer as x + 1;");
    db.gives("inc(null); sqrt(null); 1 + null; [1,null];", "[1,null]");
}

#[test]
fn a_function_knows_which_resolvents_it_calls() {
    let mut db = Db::of(
        "create type Tank; create type Boiler under Tank;
         create function level(Tank) -> Number as stored;
         create function level(Charstring name) -> Number as 1;
         create function level(Boiler b) -> Number as 2;
         create function fill(Tank t) -> Number as level(t) + level(t);
         create function named_level(Charstring n) -> Number as level(upper(n));
         create function empty(Boiler b) -> Boolean as { set level(cast(b as Tank)) = 0; };
         create function all_levels() -> Bag of Number as select level(b) from Boiler b;",
    );
    db.gives_bag(
        "calls(#'fill');",
        "#'tank.level->number'
         #'boiler.level->number'",
    );
    db.gives_bag(
        "calls(#'named_level');",
        "#'charstring.level->number'\n#'charstring.upper->charstring'",
    );
    db.gives("calls(#'empty');", "#'tank.level->number'");
    db.gives("calls(#'all_levels');", "#'boiler.level->number'");
    db.gives_bag(
        "calledby(#'tank.level->number');",
        "#'tank.fill->number'\n#'boiler.empty->boolean'",
    );
    db.gives(
        "calledby(#'charstring.level->number');",
        "#'charstring.named_level->number'",
    );
    // Of the generic function, all of them.
    db.gives_bag(
        "name(calledby(functionnamed('level')));",
        "\"all_levels\"\n\"empty\"\n\"fill\"\n\"named_level\"",
    );
    db.does("create function fill(Charstring n) -> Number as level(n);");
    db.gives_bag(
        "calls(functionnamed('fill'));",
        "#'tank.level->number'
         #'boiler.level->number'
         #'charstring.level->number'",
    );
}

#[test]
fn functions_that_call_each_other_are_declared_first() {
    let mut db = Db::new();
    let even = "create function is_even(Integer n) -> Boolean as case when n = 0 then true else is_odd(n - 1) end;";
    let odd = "create function is_odd(Integer n) -> Boolean as case when n = 0 then false else is_even(n - 1) end;";
    db.fails(
        even,
        &[
            "unknown function 'is_odd'",
            "declare it first: create function is_odd(",
        ],
    );
    // What failed is not there.
    db.fails("is_even(2);", &["unknown function 'is_even'"]);
    db.does(&format!(
        "create function is_odd(Integer n) -> Boolean; {even} {odd}"
    ));
    db.gives("is_even(10); is_even(7); is_odd(7);", "true\ntrue");
    db.fails("is_eve(1);", &["did you mean 'is_even'?"]);
}

#[test]
fn a_predicate_that_says_false_has_no_result() {
    let mut db = Db::of(
        "create function is_zero(Integer n) -> Boolean as case when n = 0 then true else false end;
         create function is_one(Integer n) -> Boolean as { return n = 1; };
         create function is_two(Integer n) -> Boolean as { case when n = 2 then return true; else return false; end; };",
    );
    db.gives("is_zero(0); is_zero(1);", "true");
    db.gives(
        "some(is_zero(1)); notany(is_zero(1)); notany(is_one(0)); notany(is_two(1));",
        "true\ntrue\ntrue",
    );
    db.gives(
        "select n from Integer n where n in range(0,2) and notany(is_zero(n));",
        "1\n2",
    );
    db.gives("is_zero(1) or is_two(2);", "true");
    // A false that was read stays one.
    db.gives("{'on': false}['on'];", "false");
}

#[test]
fn a_real_goes_where_reals_are_taken() {
    let mut db = Db::of(
        "create function kind(Integer x) -> Charstring as 'integer';
         create function kind(Number x) -> Charstring as 'number';
         create function sort(Integer x) -> Charstring as 'integer';
         create function sort(Object x) -> Charstring as 'object';
         create function only(Integer x) -> Integer as x + 1;
         set :r = 2.5;",
    );
    db.gives(
        "kind(1); kind(1.5); kind(2.0); kind(:r);",
        "\"integer\"\n\"number\"\n\"number\"\n\"number\"",
    );
    db.gives(
        "select kind(n) from Number n where n in [1, 2.5];",
        "\"integer\"\n\"number\"",
    );
    db.gives("call(functionnamed('kind'), 1.5);", "\"number\"");
    db.gives("sort(1); sort(1.5);", "\"integer\"\n\"object\"");
    db.gives("only(3.0);", "4");
    db.fails("only(3.5);", &["to be Integer, not 3.5"]);
}

/// Whether a call gives a collection is known only when it has run. One value is that value, where the
/// function calls itself too.
#[test]
fn a_function_of_any_object_calls_itself() {
    let mut db = Db::of(
        "create function same(Object x, Integer n) -> Object as
           case when n < 1 then x when same(x,n-1) = x then x else 'another' end;
         create function depth(Object x) -> Object as
           case when x < 1 then 0 else 1 + depth(x - 1) end;
         create function twice(Object x) -> Object as [x, x];
         create function some_of(Integer n) -> Object as case when n > 0 then bag(n, n) end;",
    );
    db.gives("same(0,0); same(0.5,3); same('a',2);", "0\n0.5\n\"a\"");
    db.gives("depth(3); depth(2.5) + 1; depth(0);", "3\n3\n0");
    // A vector is one value, a bag is its elements, and no value is no element.
    db.gives("count(twice(1)); twice(1) = [1, 1];", "1\ntrue");
    db.gives(
        "count(some_of(2)); count(some_of(0)); some_of(2) + 1;",
        "2\n0\n3\n3",
    );
}

#[test]
fn apropos_gives_the_likeliest_first() {
    let mut db = Db::of(
        "create function zorked() -> Number as 1;
         create function rezork() -> Number as 1;
         create function zork() -> Number as 1;
         create function litres() -> Number /* What a Zork moves. */ as 1;",
    );
    db.gives(
        "name(apropos('zork'));",
        "\"zork\"\n\"zorked\"\n\"rezork\"\n\"litres\"",
    );
    db.gives("apropos('zorked');", "#'zorked->number'");
    db.gives("count(apropos('no such thing'));", "0");
}
