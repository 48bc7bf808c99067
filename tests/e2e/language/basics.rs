//! Statements, names, variables, constants, expressions, collections.

use crate::support::session::Db;

#[test]
fn names_are_the_same_in_any_case() {
    Db::of("create function Twice(Integer N) -> Integer as n * 2;")
        .gives("TWICE(4); twice(5); Sqrt(9);", "8\n10\n3.0");
    Db::of("set :MyRate = 2;").gives(":myrate; :MYRATE + 1;", "2\n3");
}

#[test]
fn session_variables_are_declared_and_set() {
    let mut db = Db::of("declare Integer :i, Real :x3; set :x3 = 2.3; set :i = 2 + sqrt(4);");
    db.gives(":x3; :i;", "2.3\n4");
    db.fails("set :i = 'three';", &["':i' is declared Integer"]);
    db.gives(":i;", "4");
    db.fails(":j;", &["':j' has no value", "did you mean ':i'?"]);
}

#[test]
fn constants_read_as_they_are_written() {
    Db::new().gives(
        "123; -123; 1.2; -1.0; 2.3E2; -2.4e-21; true; null;",
        "123\n-123\n1.2\n-1.0\n230.0\n-2.4e-21\ntrue\nnull",
    );
}

#[test]
fn strings_take_both_quotes() {
    Db::new().gives(
        r#""A string"; 'A string'; 'A string with "'; "A string with \" and '"; 'ab"\' = "ab\"\\"; "a'\"b";"#,
        r#""A string"
        "A string"
        "A string with \""
        "A string with \" and '"
        true
        "a'\"b""#,
    );
}

#[test]
fn comments_stand_anywhere_between_words() {
    Db::new().gives("1 /* one */ + /* and\n two */ 2; // three\n", "3");
}

#[test]
fn a_predicate_gives_true_or_nothing() {
    let mut db = Db::new();
    db.gives("1<2 or 3<2;", "true").gives("1<2 and 3<2;", "");
    db.gives("1<2 and 1>3;", "").gives("'a' < 'b';", "true");
    db.gives("1 + 2 < 3 + 4; \"a\" + 1;", "true\n\"a1\"");
    // and binds tighter than or
    db.gives("3<2 and 4>3 or 5>2;", "true")
        .gives("3<2 and (4>3 or 5>2);", "");
}

#[test]
fn any_two_objects_compare() {
    let mut db = Db::new();
    db.gives(
        "1 = 1.0; 'a' != 1; [1,2] < [1,3]; 1 = '1';",
        "true\ntrue\ntrue",
    );
    db.gives(
        "{'a':1} = {'a':1}; null = null; [1,null] = [1,null];",
        "true\ntrue\ntrue",
    );
}

#[test]
fn false_is_nothing_in_a_query_and_data_elsewhere() {
    let mut db = Db::new();
    db.gives("select x from Integer x where x in range(3) and false;", "");
    db.gives(
        "{'on': false}; [true,false];",
        "{\"on\":false}\n[true,false]",
    );
}

#[test]
fn collections_are_constructed() {
    let mut db = Db::of("set :x = 5; set :a = 16;");
    db.gives("bag(1,2,3);", "1\n2\n3")
        .gives("bag(1,:x+2);", "1\n7");
    db.gives(
        "[1,2,3]; [[1,2],[3,4]]; [1,'n',1+sqrt(:a)];",
        "[1,2,3]\n[[1,2],[3,4]]\n[1,\"n\",5.0]",
    );
    db.gives(
        r#"{"id":1,"name":"Kim","age":32}; {};"#,
        r#"{"id":1,"name":"Kim","age":32}
        {}"#,
    );
}

#[test]
fn elements_are_reached_by_position_and_key() {
    let mut db = Db::of("set :v = [1,2,3]; set :r = {'Greeting':'hej','To':{'name':'Tove'}};");
    db.gives(":v; :v[3]; :v[4];", "[1,2,3]\n3");
    db.gives(
        ":r['Greeting']; :r['To']['name']; :r['none'];",
        "\"hej\"\n\"Tove\"\nnull",
    );
    db.gives("[[1,2],[3,4]][2,1];", "3");
}

#[test]
fn bags_stay_descriptions_until_they_are_read() {
    let mut db = Db::of("set :big = range(1,1000000000000); set :some = bag(3,4);");
    db.gives(
        "first(:big); count(:some); in(:some); some(:big);",
        "1\n2\n3\n4\ntrue",
    );
}

#[test]
fn aggregates_take_whole_bags() {
    Db::new().gives(
        "count(range(3)); sum(bag(1,2,2)); mean([1,2]); count(range(0)); max(bag(1.5,2)); min([3,1]);",
        "3\n5\n1.5\n0\n2\n1",
    );
}
