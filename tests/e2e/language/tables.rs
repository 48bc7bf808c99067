//! Tables: the statements of SQL, one after the other, with what they give.

use crate::support::session::Db;

/// Pumps in halls; one pump has no hall, one no name, and one hall no pump.
fn plant() -> Db {
    let mut db = Db::new();
    db.gives(
        "create table Hall (hall Integer primary key, city Charstring not null);
         create table Pump (id Integer primary key, name varchar(10), hall Integer, rpm Real default 100,
                            unique(name, hall));
         insert into Hall values (1, 'Oslo'), (2, 'Rome'), (3, 'Lima');
         insert into Pump values (10, 'north', 1, 900), (11, 'south', 1, 750), (12, 'east', 2, null);
         insert into Pump (id, name) values (13, 'west');
         insert into Pump (hall, id) values (2, 14);",
        "3\n3\n1\n1",
    );
    db
}

#[test]
fn comments_and_signs_of_sql() {
    let mut db = Db::new();
    db.gives("1 --2\n;", "1");
    db.gives(
        "-- a comment\n1 <> 2; 'a' || 'b' || 1; [1] || [2];",
        "true\n\"ab1\"\n[1,2]",
    );
    db.gives(
        "not 1 = 2; 'sensor/1' like 'sensor/_'; 'a*' like 'a%'; 'ab' not like 'a_';",
        "true\ntrue\ntrue",
    );
    db.gives(
        "select x from Integer x where x in [1,2,3,4,5] and x not in (2,3) and x between 1 and 4;",
        "1\n4",
    );
    db.gives("case 2 when 1 then 'one' when 2 then 'two' end;", "\"two\"");
    db.gives(
        "coalesce(null, 3); nullif(1, 1); nullif(1, 2);",
        "3\nnull\n1",
    );
}

#[test]
fn rows_are_inserted_and_read() {
    let mut db = plant();
    db.gives("insert into Hall values (4, 'Kiel'), (5, 'Bonn');", "2");
    db.gives(
        "select * from Hall where hall > 3 order by hall;",
        "[4,\"Kiel\"]\n[5,\"Bonn\"]",
    );
    db.gives(
        "select h from Hall h where h.hall = 1;",
        "{\"hall\":1,\"city\":\"Oslo\"}",
    );
    db.gives("select city from Hall where hall = 2;", "\"Rome\"");
    db.gives("select count(*) from Pump;", "5");
    db.gives(
        "select p.name, p.rpm from Pump p where p.id = 13;",
        "[\"west\",100.0]",
    );
    db.gives("select Pump.id from Pump where name is null;", "14");
    db.gives(
        "select p from Pump p where id = 14;",
        "{\"id\":14,\"name\":null,\"hall\":2,\"rpm\":100.0}",
    );
    db.gives(
        "select count.name from Pump count where count.id = 10;",
        "\"north\"",
    );
}

#[test]
fn null_has_no_value() {
    let mut db = plant();
    db.gives("select id from Pump where hall = null;", "");
    db.gives("select id from Pump where hall <> 1 order by id;", "12\n14");
    db.gives(
        "select id from Pump where not (hall = 1) order by id;",
        "12\n14",
    );
    db.gives("select id from Pump where hall is null;", "13");
    db.gives(
        "select id from Pump where rpm is not null and rpm < 200 order by id;",
        "13\n14",
    );
    db.gives(
        "select id, rpm + 1 from Pump where hall = 2 order by id;",
        "[12,null]\n[14,101.0]",
    );
    db.gives(
        "select id, hall = 1 from Pump order by id;",
        "[10,true]\n[11,true]\n[12,false]\n[13,null]\n[14,false]",
    );
    db.gives(
        "select count(*), count(rpm), sum(rpm), min(hall) from Pump;",
        "[5,4,1850.0,1]",
    );
    db.gives(
        "select hall, count(*) from Pump group by hall order by hall;",
        "[null,1]\n[1,2]\n[2,2]",
    );
    db.gives(
        "select coalesce(name, 'none') from Pump where id > 12 order by id;",
        "\"west\"\n\"none\"",
    );
    db.gives(
        "select sum(rpm), count(*), max(rpm) from Pump where id > 99;",
        "[null,0,null]",
    );
}

#[test]
fn rows_are_joined() {
    let mut db = plant();
    let inner = "[\"north\",\"Oslo\"]\n[\"south\",\"Oslo\"]\n[\"east\",\"Rome\"]\n[null,\"Rome\"]";
    db.gives_bag(
        "select p.name, h.city from Pump p, Hall h where p.hall = h.hall;",
        inner,
    );
    db.gives_bag(
        "select name, city from Pump p join Hall h on p.hall = h.hall;",
        inner,
    );
    db.gives_bag(
        "select name, city from Hall h inner join Pump p on h.hall = p.hall;",
        inner,
    );
    db.gives(
        "select h.city, p.id from Hall h left join Pump p on p.hall = h.hall and p.rpm > 700 order by city, p.id;",
        "[\"Lima\",null]\n[\"Oslo\",10]\n[\"Oslo\",11]\n[\"Rome\",null]",
    );
    db.gives(
        "select h.city from Hall h left join Pump p on p.hall = h.hall where p.id is null;",
        "\"Lima\"",
    );
    db.gives("select count(*) from Hall cross join Pump;", "15");
    db.gives(
        "select a.id, b.id from Pump a, Pump b where a.hall = b.hall and a.id < b.id order by 1;",
        "[10,11]\n[12,14]",
    );
}

#[test]
fn rows_are_grouped_ordered_and_limited() {
    let mut db = plant();
    db.gives(
        "select hall, count(*) as n, avg(rpm) from Pump where hall is not null group by hall having count(*) > 1 and avg(rpm) > 100 order by n desc, hall;",
        "[1,2,825.0]",
    );
    db.gives(
        "select distinct hall from Pump where hall is not null order by hall desc;",
        "2\n1",
    );
    db.gives(
        "select id from Pump order by id limit 2 offset 1;",
        "11\n12",
    );
    db.gives("select id from Pump order by id desc offset 3;", "11\n10");
    db.gives(
        "select count(distinct hall), count(distinct rpm) from Pump;",
        "[2,3]",
    );
    db.gives(
        "select id * 2 as double from Pump order by double desc limit 1;",
        "28",
    );
    db.gives("select case when rpm > 500 then 'fast' else 'slow' end as speed, count(*) from Pump group by speed order by 1;", "[\"fast\",2]\n[\"slow\",3]");
    db.gives("select max(id) from Pump having count(*) > 9;", "");
}

#[test]
fn queries_stand_inside_queries() {
    let mut db = plant();
    db.gives(
        "select city from Hall where hall in (select hall from Pump) order by city;",
        "\"Oslo\"\n\"Rome\"",
    );
    db.gives(
        "select city from Hall where hall not in (select hall from Pump);",
        "",
    );
    db.gives(
        "select city from Hall where hall not in (select hall from Pump where hall is not null);",
        "\"Lima\"",
    );
    db.gives(
        "select city from Hall h where not exists (select 1 from Pump p where p.hall = h.hall);",
        "\"Lima\"",
    );
    db.gives("select city from Hall h where exists (select * from Pump where Pump.hall = h.hall and rpm > 800);", "\"Oslo\"");
    db.gives(
        "select id from Pump where rpm = (select max(rpm) from Pump);",
        "10",
    );
    db.gives("select city, (select count(*) from Pump p where p.hall = h.hall) from Hall h order by city;", "[\"Lima\",0]\n[\"Oslo\",2]\n[\"Rome\",2]");
    db.gives("select city, (select p.name from Pump p where p.hall = h.hall and rpm > 800) from Hall h order by city;", "[\"Lima\",null]\n[\"Oslo\",\"north\"]\n[\"Rome\",null]");
    db.gives(
        "select n from (select hall, count(*) as n from Pump group by hall) x where x.hall = 1;",
        "2",
    );
    db.gives(
        "select id from Pump where id in (10, 12, 12, 99) order by id;",
        "10\n12",
    );
    db.gives(
        "select id from Pump where hall not in (1, 3) order by id;",
        "12\n14",
    );
    db.gives(
        "select id from Pump where id not between 11 and 13 order by id;",
        "10\n14",
    );
    db.gives(
        "select id from Pump where name like '_o%' order by id;",
        "10\n11",
    );
    db.gives(
        "select id from Pump where name not like '%st' order by id;",
        "10\n11",
    );
}

#[test]
fn selects_are_put_together() {
    let mut db = plant();
    db.gives(
        "select hall from Hall union select hall from Pump where hall is not null order by hall;",
        "1\n2\n3",
    );
    db.gives("select id from Pump where id < 12 union all select hall from Hall order by id desc limit 3;", "11\n10\n3");
    db.gives_bag("select hall from Hall except select hall from Pump;", "3");
    db.gives_bag(
        "select hall from Hall intersect select hall from Pump;",
        "1\n2",
    );
    db.gives("select hall, 'h' as what from Hall where hall = 1 union select id, 'p' from Pump where id = 10 order by what desc;", "[10,\"p\"]\n[1,\"h\"]");
}

#[test]
fn rows_are_changed() {
    let mut db = plant();
    db.gives(
        "update Pump set rpm = rpm + 1, name = upper(name) where hall = 1;",
        "2",
    );
    db.gives(
        "select name, rpm from Pump where hall = 1 order by id;",
        "[\"NORTH\",901.0]\n[\"SOUTH\",751.0]",
    );
    db.gives(
        "update Pump p set hall = (select max(h.hall) from Hall h) where p.hall is null;",
        "1",
    );
    db.gives("select hall from Pump where id = 13;", "3");
    // Keys may pass over each other.
    db.gives("update Hall set hall = hall + 1;", "3");
    db.gives("select hall from Hall order by hall;", "2\n3\n4");
    db.gives("delete from Pump where rpm > 900;", "1");
    db.gives(
        "delete from Pump p where p.hall in (select hall from Hall where city = 'Oslo');",
        "2",
    );
    db.gives("delete from Pump;", "2");
    db.gives("select count(*) from Pump;", "0");
}

#[test]
fn changes_are_undone() {
    let mut db = plant();
    db.does("auto_commit(false); commit;");
    db.gives(
        "delete from Pump; update Hall set city = 'x'; drop table Pump; create table T(a Integer);",
        "5\n3",
    );
    db.does("rollback;");
    db.gives("select count(*) from Pump;", "5");
    db.gives(
        "select city from Hall order by hall;",
        "\"Oslo\"\n\"Rome\"\n\"Lima\"",
    );
    db.fails("select * from T;", &["there is no table 'T'"]);
}

#[test]
fn what_fails_leaves_nothing() {
    let mut db = plant();
    db.fails(
        "insert into Hall values (7, 'a'), (8, 'b'), (1, 'c');",
        &["hall has a row with hall = 1 already"],
    );
    db.fails(
        "update Hall set hall = 5;",
        &["hall has a row with hall = 5 already"],
    );
    db.fails(
        "insert into Hall values (9, null);",
        &["city is not null, and has no value here"],
    );
    db.fails(
        "insert into Hall values (9);",
        &["1 value for 2 columns of Hall"],
    );
    db.fails(
        "insert into Hall values ('x', 'y');",
        &["hall is Integer, and cannot be \"x\""],
    );
    db.fails(
        "insert into Hall (hall, town) values (9, 'y');",
        &["Hall has no column 'town'"],
    );
    db.fails(
        "insert into Pump (id, name) values (9, 'a name too long');",
        &["name has 10 characters at the most"],
    );
    db.fails(
        "insert into Hall select id, name from Pump;",
        &["city is not null, and has no value here"],
    );
    db.gives(
        "select * from Hall order by hall;",
        "[1,\"Oslo\"]\n[2,\"Rome\"]\n[3,\"Lima\"]",
    );
    db.fails(
        "create table Hall (a Integer);",
        &["there is a table 'Hall' already"],
    );
    db.fails(
        "create table T (a Integer, a Real);",
        &["the column 'a' is defined twice"],
    );
    db.fails("create table T (a Intger);", &["unknown type 'Intger'"]);
    db.fails("drop table Hal;", &["there is no table 'Hal'"]);
    db.fails(
        "insert into Hall valeus (1, 'Oslo');",
        &["unknown function 'valeus'", "did you mean 'values'?"],
    );
    db.fails("select citi from Hall;", &["unknown variable 'citi'"]);
    db.fails("select h.citi from Hall h;", &["h has no column 'citi'"]);
    db.fails(
        "select hall from Hall, Pump;",
        &["'hall' is a column of several rows"],
    );
    db.fails("select x.hall from Hall h;", &["there is no row 'x' here"]);
    db.fails("select * from Hall, Hall;", &["'Hall' is declared twice"]);
    db.fails("create type Hall;", &["there is a table 'Hall'"]);
    db.fails(
        "create function hall() -> Bag of (Integer a, Integer b) as stored;",
        &["there is a table 'hall'"],
    );
    // Several pumps may have no name in a hall.
    db.gives("insert into Pump (id, hall) values (20, 2), (21, 2);", "2");
    db.does("drop table if exists Hal; create table if not exists Hall (a Integer);");
}

#[test]
fn tables_are_made_of_queries() {
    let mut db = plant();
    db.does("create table Fast as select id, name as called, rpm * 2 as twice from Pump where rpm > 500;");
    db.gives(
        "select * from Fast order by id;",
        "[10,\"north\",1800.0]\n[11,\"south\",1500.0]",
    );
    db.gives(
        "insert into Fast select id, name, rpm from Pump where id = 13;",
        "1",
    );
    db.does("create view Slow as select p.id, h.city from Pump p left join Hall h on p.hall = h.hall where rpm < 500;");
    db.gives(
        "select * from Slow order by id;",
        "[13,null]\n[14,\"Rome\"]",
    );
    db.gives(
        "select f.called, s.city from Fast f left join Slow s on s.id = f.id where s.id = 13;",
        "[\"west\",null]",
    );
    db.fails(
        "insert into Slow values (1, 'x');",
        &["'Slow' is a view, not a table"],
    );
    db.fails("drop table Pump;", &["'Pump' is used by slow"]);
    db.does("drop table Pump cascade;");
    db.fails("select * from Slow;", &["there is no table 'Slow'"]);
    db.does("drop table Fast;");
}

#[test]
fn rows_meet_everything_else() {
    let mut db = plant();
    db.does(
        "create type Person; create function name(Person) -> Charstring as stored;
         create function works(Person) -> Integer as stored;
         create Person (name, works) instances :eve ('Eve', 1), :sam ('Sam', 3);
         create function twice(Number x) -> Number as 2 * x;
         create function pumps(Integer h) -> Bag of Charstring as select name from Pump where hall = h;
         create function add_hall(Integer h, Charstring c) -> Integer as insert into Hall values (h, c);",
    );
    db.gives(
        "select name(p), city from Person p, Hall where works(p) = hall order by city;",
        "[\"Sam\",\"Lima\"]\n[\"Eve\",\"Oslo\"]",
    );
    db.gives(
        "select id, twice(rpm) from Pump where twice(rpm) > 1600;",
        "[10,1800.0]",
    );
    db.gives_bag("pumps(1);", "\"north\"\n\"south\"");
    db.gives(
        "select i, city from Hall, Integer i where i in [2,3,4] and i = hall order by i;",
        "[2,\"Rome\"]\n[3,\"Lima\"]",
    );
    db.gives(
        "select extract(select city from Integer i, Hall h where i in siota(1,3) and h.hall = i);",
        "\"Oslo\"\n\"Rome\"\n\"Lima\"",
    );
    db.gives(
        "select add_hall(i, 'new') from Integer i where i in siota(20, 22);",
        "1\n1\n1",
    );
    db.gives("select count(*) from Hall where city = 'new';", "3");
    db.gives("add_hall(30, 'one');", "1");
    db.gives(
        "for each Hall h where h.hall > 21 { print(h); };",
        "{\"hall\":22,\"city\":\"new\"}\n{\"hall\":30,\"city\":\"one\"}",
    );
}

#[test]
fn tables_are_documented() {
    let mut db = Db::of("create table Hall /* Halls of the plant. */ (hall Integer, city text);");
    db.gives(
        "doc('hall');",
        "\"hall()->Bag of (Integer hall, Charstring city)\\nHalls of the plant.\"",
    );
    db.gives(
        "sourcecode('hall');",
        "\"create table Hall /* Halls of the plant. */ (hall Integer, city text);\"",
    );
}

#[test]
fn unique_columns_are_indexes() {
    let mut db = plant();
    db.gives(
        "explain(select name from Pump where id = 10);",
        "\"let pump.id = 10\"\n\"key lookup pump where id = pump.id -> pump.name (5 rows, so few that they are looked through)  ~1 row\"\n\"give pump.name\"",
    );
}

#[test]
fn indexes_have_names() {
    let mut db = plant();
    db.does("create index by_name on Pump (name desc); create unique index if not exists by_id on Pump (id);");
    db.does("create unique index if not exists by_id on Pump (rpm);");
    db.gives(
        "explain(select rpm from Pump where name = 'north');",
        r#""let pump.name = \"north\""
           "index lookup pump where name = pump.name -> pump.rpm (5 rows, indexed)  ~1 row"
           "give pump.rpm row by row  ~1 row""#,
    );
    db.gives("select id from Pump where name = 'north';", "10");
    db.gives("update Pump set name = 'far north' where id = 10;", "1");
    db.gives("select id from Pump where name = 'far north';", "10");
    db.gives("select count(*) from Pump where name = 'north';", "0");
    db.fails(
        "create index by_name on Hall (city);",
        &[
            "there is an index 'by_name' already, of pump",
            "drop index by_name",
        ],
    );
    db.fails(
        "create index i on Pump (nam);",
        &["pump has no column 'nam'", "did you mean 'name'?"],
    );
    db.fails(
        "create index i on Pomp (name);",
        &["there is no table 'Pomp'", "did you mean 'pump'?"],
    );
    db.fails(
        "drop index by_nam;",
        &["there is no index 'by_nam'", "did you mean 'by_name'?"],
    );
    db.does("drop index by_name; drop index if exists by_name;");
    db.gives("select id from Pump where name = 'far north';", "10");
}

#[test]
fn a_unique_index_is_kept_by_what_comes_later() {
    let mut db = Db::of("create table T (a Integer, b text);");
    db.gives(
        "insert into T values (1, 'x'), (1, 'y'), (null, 'z'), (null, 'z');",
        "4",
    );
    db.fails(
        "create unique index i on T (a);",
        &["t has several rows with a = 1"],
    );
    db.does("create unique index i on T (b, a);");
    db.fails(
        "insert into T values (2, 'x'), (1, 'y');",
        &[
            "t has a row with a = 1 and b = \"y\" already",
            "the index i says",
        ],
    );
    db.fails("update T set b = 'y' where a = 1;", &["the index i says"]);
    db.gives("select count(*) from T;", "4");
    db.gives("insert into T values (2, 'x'), (null, 'z');", "2");
    db.does("auto_commit(false); commit;");
    db.does("drop index i;");
    db.gives("insert into T values (1, 'x');", "1");
    db.does("rollback;");
    db.fails("insert into T values (1, 'x');", &["the index i says"]);
    db.does("drop index i; commit;");
    db.gives("insert into T values (1, 'x');", "1");
}

#[test]
fn what_is_in_no_row_is_found_by_hash() {
    let mut db = plant();
    let plan = db.run("explain(select city from Hall where hall not in (select hall from Pump where hall is not null));");
    assert!(plan.contains("hash join on member"), "{plan}");
    db.gives(
        "select city from Hall where hall not in (select hall from Pump where hall is not null);",
        "\"Lima\"",
    );
    // Of a null nobody knows whether it differs.
    db.gives(
        "select city from Hall where hall not in (select hall from Pump);",
        "",
    );
    db.gives(
        "select id from Pump where hall not in (select hall from Hall where city <> 'Rome') order by id;",
        "12\n14",
    );
    db.gives(
        "select count(*) from Pump where hall not in (select hall from Hall where city = 'Bern');",
        "5",
    );
    db.gives(
        "delete from Pump where hall not in (select hall from Hall where hall < 2) and rpm is not null;",
        "1",
    );
    db.gives("select id from Pump order by id;", "10\n11\n12\n13");
}
