//! Queries: calls, conditions, nesting, aggregates, groups, order, quantifiers.

use crate::support::session::Db;
use crate::support::table::each_row;

/// A crew: who they are, what they earn, who is whose friend and child.
fn crew() -> Db {
    Db::of(
        "create type Person;
         create function name(Person) -> Charstring as stored;
         create function age(Person) -> Integer as stored;
         create function income(Person) -> Number as stored;
         create function home(Person) -> Charstring as stored;
         create function friends(Person) -> Bag of Person as stored;
         create function parents(Person) -> Bag of Person as stored;
         create function parents2(Person) -> (Person mother, Person father) as stored;
         create Person(name, age, income, home) instances
           :ada ('Ada', 61, 4000, 'Visby'), :bo ('Bo', 60, 2500, 'Visby'),
           :cia ('Cia', 35, 3000, 'Lund'), :dan ('Dan', 12, 0, 'Lund'),
           :eva ('Eva', 35, 3000, 'Visby');
         set friends(:cia) = bag(:eva, :bo);
         add friends(:eva) = :cia;
         set parents(:cia) = bag(:ada, :bo);
         add parents(:dan) = :cia;
         set parents2(:cia) = (:ada, :bo);",
    )
}

#[test]
fn operators_are_functions() {
    let mut db = crew();
    db.gives("(income(:ada) + income(:bo)) * 0.5;", "3250.0");
    db.gives("times(plus(income(:ada),income(:bo)),0.5);", "3250.0");
    db.does("set :i = income(:ada);").gives(":i;", "4000");
}

#[test]
fn bags_are_kept_in_variables() {
    let mut db = crew();
    db.does("set :p = parents(:cia);");
    db.gives(
        "name(in(:p)); count(:p); name(:p);",
        "\"Ada\"\n\"Bo\"\n2\n\"Ada\"\n\"Bo\"",
    );
}

#[test]
fn objects_are_selected_by_condition() {
    let mut db = crew();
    db.gives(
        "select name(p) from Person p where age(p) > 30 and income(p) < 3000;",
        "\"Bo\"",
    );
    db.gives(
        "select name(p), income(p) from Person p where income(p) > 3000;",
        "[\"Ada\",4000]",
    );
    db.gives(
        "select name(p) from Person p where home(p) = 'Visby' and name(p) = 'Eva';",
        "\"Eva\"",
    );
    db.gives(
        "select name(p) from Person p where age(p) < 20 or income(p) > 3500;",
        "\"Ada\"\n\"Dan\"",
    );
    db.gives(
        "select name(p) from Person p where 'Lund' != home(p) and 1 + age(p) <= 61;",
        "\"Bo\"\n\"Eva\"",
    );
    db.gives(
        "select name(p) from Person p where count(friends(p)) < 2 and count(friends(p)) > 0;",
        "\"Eva\"",
    );
}

#[test]
fn what_holds_in_two_ways_is_given_once() {
    let mut db = crew();
    db.gives_bag(
        "select name(p) from Person p where home(p) = 'Lund' or age(p) = 35;",
        "\"Cia\"\n\"Dan\"\n\"Eva\"",
    );
    db.gives(
        "select x from Integer x where x = 1 or x = 2 or x = 1;",
        "1\n2",
    );
}

#[test]
fn distinct_removes_duplicates() {
    let mut db = crew();
    db.gives(
        "select home(p) from Person p where age(p) = 35 or age(p) > 59;",
        "\"Visby\"\n\"Visby\"\n\"Lund\"\n\"Visby\"",
    );
    db.gives(
        "select distinct home(p) from Person p;",
        "\"Visby\"\n\"Lund\"",
    );
    db.gives(
        "count(select distinct age(p), income(p) from Person p);",
        "4",
    );
}

#[test]
fn predicates_are_results() {
    let mut db = crew();
    db.gives("select age(:dan) < 20 and home(:dan) = 'Lund';", "true");
    db.gives("select age(:ada) < 20;", "");
    db.gives(
        "select age(p) < 20 from Person p where home(p) = 'Lund';",
        "true",
    );
}

#[test]
fn functions_are_applied_to_each_element() {
    let mut db = crew();
    db.gives_bag(
        "select name(friends(p)) from Person p where name(p) = 'Cia';",
        "\"Eva\"\n\"Bo\"",
    );
    db.gives("name(parents(parents(:dan)));", "\"Ada\"\n\"Bo\"");
    db.gives("age(parents(:cia)) + 1;", "62\n61");
    db.gives(
        "count(friends(:cia)); sum(income(friends(:cia)));",
        "2\n5500",
    );
    db.gives("sqrt(bag(4,9)) + bag(1,2);", "3.0\n4.0\n4.0\n5.0");
}

#[test]
fn in_takes_elements_of_bags_subqueries_and_vectors() {
    let mut db = crew();
    db.gives(
        "select name(p) from Person p, Person q where p in friends(q) and name(q) = 'Eva';",
        "\"Cia\"",
    );
    db.gives(
        "select name(p), count(b) from Bag of Person b, Person p
          where b = (select p from Person p where age(p) > 50) and p in b;",
        "[\"Ada\",2]\n[\"Bo\",2]",
    );
    db.gives(
        "select n from Integer n where n in (select age(p) from Person p) and n < 40;",
        "35\n12\n35",
    );
    db.gives(
        "1 in [1,2]; 3 in [1,2]; 2 in bag(2); 2 in range(100000); some(2 in range(1000000000));",
        "true\ntrue\ntrue\ntrue",
    );
    db.gives(
        "select x from Object x where x in [1,'a',[2]];",
        "1\n\"a\"\n[2]",
    );
    db.gives(
        "select b from Integer b where b in binary('01ff');",
        "1\n255",
    );
}

#[test]
fn tuples_are_taken_apart() {
    let mut db = crew();
    db.gives(
        "select name(m), name(f) from Person m, Person f, Person p where (m,f) = parents2(p);",
        "[\"Ada\",\"Bo\"]",
    );
    db.does("set (:m,:f) = parents2(:cia);")
        .gives("name(:m); name(:f);", "\"Ada\"\n\"Bo\"");
    db.gives(
        "select name(p) from Person p where parents2(p) = (:ada,:bo);",
        "\"Cia\"",
    );
}

#[test]
fn into_sets_variables_to_the_first_row() {
    let mut db = crew();
    db.does("select p into :e from Person p where name(p) = 'Eva';")
        .gives("name(:e);", "\"Eva\"");
    db.does(
        "select name(p), age(p) into :n, :a from Person p where home(p) = 'Lund' order by age(p);",
    );
    db.gives(":n; :a;", "\"Dan\"\n12");
    db.does("set :r = (select p from Person p where name(p) = 'Eva');");
    db.gives(
        "select name(p) from Person p where p in :r; name(in(:r));",
        "\"Eva\"\n\"Eva\"",
    );
}

#[test]
fn aggregates_over_subqueries() {
    let mut db = crew();
    db.gives("mean(select income(p) from Person p);", "2500.0");
    db.gives("sum(select income(p) from Person p) + 10;", "12510");
    db.gives(
        "select sum(b), mean(b), count(b) from Bag of Number b where b = (select income(p) from Person p);",
        "[12500,2500.0,5]",
    );
    db.gives(
        "select name(p) from Person p where income(p) = max(select income(q) from Person q);",
        "\"Ada\"",
    );
    db.gives(
        "select name(p), count(select q from Person q where age(q) < age(p)) from Person p where home(p) = 'Lund';",
        "[\"Cia\",1]\n[\"Dan\",0]",
    );
}

#[test]
fn results_are_ordered_and_limited() {
    let mut db = crew();
    db.gives(
        "select name(p), income(p) from Person p order by income(p) desc, name(p) limit 3;",
        "[\"Ada\",4000]\n[\"Cia\",3000]\n[\"Eva\",3000]",
    );
    db.gives(
        "select income(p) from Person p order by name(p) desc;",
        "3000\n0\n3000\n2500\n4000",
    );
    db.does("set :k = 1;").gives(
        "select name(p) from Person p order by age(p) limit :k+1;",
        "\"Dan\"\n\"Cia\"",
    );
    db.gives("select name(p) from Person p limit 0;", "");
    db.fails(
        "select p from Person p limit 'two';",
        &["a limit is one number"],
    );
}

#[test]
fn rows_are_grouped() {
    let mut db = crew();
    db.gives_bag(
        "select home(p), sum(income(p)) from Person p where age(p) > 20 group by home(p);",
        "[\"Visby\",9500]\n[\"Lund\",3000]",
    );
    db.gives_bag(
        "select sum(income(p)) from Person p group by home(p);",
        "9500\n3000",
    );
    db.gives_bag(
        "select home(p), age(p), count(p) from Person p group by home(p), age(p);",
        "[\"Visby\",61,1]\n[\"Visby\",60,1]\n[\"Lund\",35,1]\n[\"Lund\",12,1]\n[\"Visby\",35,1]",
    );
    db.gives("select home(p), sum(income(p)) / count(p) + 1 from Person p group by home(p) order by sum(income(p)) desc;",
        "[\"Visby\",3167.6666666666665]\n[\"Lund\",1501.0]");
    db.gives(
        "select home(p), count(p) from Person p group by home(p) order by count(p) limit 1;",
        "[\"Lund\",2]",
    );
    db.fails(
        "select name(p), sum(income(p)) from Person p group by home(p);",
        &["'p' differs from row to row of a group at `p`"],
    );
    db.gives("select upper(home(p)), max(income(p)) - min(income(p)) from Person p group by upper(home(p)) order by upper(home(p));",
        "[\"LUND\",3000]\n[\"VISBY\",1500]");
}

#[test]
fn without_groups_an_aggregate_is_over_each_value() {
    let mut db = crew();
    db.gives(
        "select name(p), sum(income(p)) from Person p where home(p) = 'Lund';",
        "[\"Cia\",3000]\n[\"Dan\",0]",
    );
}

#[test]
fn quantifiers_ask_whether_there_is_any() {
    let mut db = crew();
    db.gives(
        "select name(p) from Person p where some(parents(p));",
        "\"Cia\"\n\"Dan\"",
    );
    db.gives(
        "select name(p) from Person p where notany(parents(p));",
        "\"Ada\"\n\"Bo\"\n\"Eva\"",
    );
    db.gives("select name(p) from Person p where notany(select q from Person q where q in parents(p) and age(q) > 50);",
        "\"Ada\"\n\"Bo\"\n\"Dan\"\n\"Eva\"");
    db.gives(
        "select i from Integer i where i in range(5) and some(i<3 or i>4);",
        "1\n2\n5",
    );
    db.gives(
        "select i from Integer i where i in range(5) and notany(i<3 or i>4);",
        "3\n4",
    );
    db.gives(
        "some(iota(1,1000000000000)); notany(iota(1,1000000000000));",
        "true",
    );
}

#[test]
fn negation_by_a_select_without_from() {
    crew().gives(
        "select name(p) from Person p where notany(select true where age(p) > 20);",
        "\"Dan\"",
    );
}

#[test]
fn stored_functions_are_found_from_their_results() {
    let mut db = Db::of(
        "create function const(Charstring c) -> Real as stored;
        set const('pi') = 3.1416; set const('e') = 2.7183; set const('phi') = 1.618;",
    );
    db.gives_bag(
        "select c, const(c) from Charstring c where round(const(c)) = 3;",
        "[\"pi\",3.1416]\n[\"e\",2.7183]",
    );
    db.gives(
        "select c from Charstring c where const(c) = 1.618;",
        "\"phi\"",
    );
    db.gives_bag(
        "select c from Charstring c where const(c) > 2;",
        "\"pi\"\n\"e\"",
    );
}

#[test]
fn divisors_and_primes() {
    let mut db = Db::new();
    db.gives("select d from Integer d, Integer n where d in range(2,ceiling(n/2)) and 0 = mod(n,d) and n = 12;", "2\n3\n4\n6");
    db.does(
        "create function divisors(Integer n) -> Bag of Integer
               as select d from Integer d where d in range(2,ceiling(n/2)) and 0 = mod(n,d);",
    );
    db.gives("divisors(143);", "11\n13");
    db.gives(
        "select n from Integer n where n in [197,143,2] and notany(divisors(n));",
        "197\n2",
    );
    db.gives(
        "select i from Integer i where i in range(10,15) and odd(i);",
        "11\n13\n15",
    );
}

#[test]
fn case_computes_by_condition() {
    let mut db = Db::of(
        "create function signum(Real x) -> Integer
        as case when x > 0 then 1 when x = 0 then 0 else -1 end;",
    );
    db.gives("signum(2.5); signum(0); signum(-3);", "1\n0\n-1");
    db.gives("select case when x <= -40 then 'frost' when x < 0 then 'cold' when x < 18 then 'cool' else 'warm' end
                from Real x where x in 20*range(-2,1);",
        "\"frost\"\n\"cold\"\n\"cool\"\n\"warm\"");
    db.gives(
        "case when false then 1 end; case when 1 > 2 then 1 else 3 end;",
        "3",
    );
}

#[test]
fn a_nested_select_sees_the_variables_around() {
    crew().gives(
        "select name(p), vectorize(select name(q) from Person q where q in friends(p) order by name(q)) from Person p
          where some(friends(p)) order by name(p);",
        "[\"Cia\",[\"Bo\",\"Eva\"]]\n[\"Eva\",[\"Cia\"]]",
    );
}

#[test]
fn a_join_over_two_extents() {
    crew().gives(
        "select name(p), name(q) from Person p, Person q where home(p) = home(q) and age(p) < age(q) order by name(p), name(q);",
        "[\"Bo\",\"Ada\"]\n[\"Dan\",\"Cia\"]\n[\"Eva\",\"Ada\"]\n[\"Eva\",\"Bo\"]",
    );
}

#[test]
fn a_bag_variable_holds_what_it_is_set_to() {
    let mut db = Db::of(
        "create type Valve; create function name(Valve) -> Charstring as stored;
         create Valve (name) instances ('in'), ('out');",
    );
    db.gives_bag(
        "select name(v), count(b) from Bag of Integer b, Valve v where b = (select w from Valve w) and v in b;",
        "[\"in\",2]\n[\"out\",2]",
    );
}

#[test]
fn the_first_of_what_is_sorted_are_those_of_the_whole() {
    let mut db = Db::new();
    let keys = [
        "mod(i*7919,101)",
        "mod(i*7919,101), mod(i,7) desc",
        "mod(i*31,5) desc",
        "-i",
        "case when mod(i,3) = 0 then null else mod(i*17,1009) end, i",
    ];
    let rows = keys
        .iter()
        .flat_map(|key| [1, 37, 1500, 20_000].map(|most| (*key, most)));
    each_row(rows, |(key, most)| {
        let query =
            format!("select i, mod(i,11) from Integer i where i in iota(1,9000) order by {key}");
        db.gives(
            &format!(
                "(select vector of [r] from Vector r where r in ({query} limit {most})) =
                 (select vector of [r] from Vector r where r in first_n(({query}),{most}));"
            ),
            "true",
        );
    });
    // Where a result is not a row, all rows are needed.
    db.gives(
        "select distinct mod(i,3) from Integer i where i in iota(1,9000) order by i desc limit 2;",
        "0\n2",
    );
}
