//! Named flows inside the process.

use crate::support::session::Db;

#[test]
fn what_is_published_reaches_all_who_subscribe() {
    let mut db = Db::new();
    // Without subscribers the stream just passes.
    db.gives("vectorof(publish(siota(1,3),'alone'));", "[1,2,3]");
    db.gives("flows();", "");
    // Two subscribers and a publisher in one query: from when it began, each gets every element.
    db.gives(
        "set :beats = (select Stream of i from Integer i where i in diota(0.002,1,100000));
         set :all = streams:zip([subscribe('f'), subscribe('f'), publish(:beats,'f')]);
         set :rows = vectorof(first_n(:all,20));
         count(unique(select v[1]-v[2] from Vector v where v in :rows));
         select :rows[20][i]-:rows[1][i] from Integer i where i in iota(1,3);",
        "1\n19\n19\n19",
    );
    db.gives("flows();", "");
}

#[test]
fn a_slow_subscriber_loses_nothing() {
    // Consecutive numbers: none is missing, though the queue was full many times.
    Db::new().gives(
        "set :job = background(publish(siota(1,1000000000000),'f'));
         unique(select v[2] - v[1] from Vector v where v in winagg(subscribe('f'),2,1)
            and sleep(0.0001) >= 0 limit 3000);
         stop(:job);",
        "1\n1",
    );
}

#[test]
fn a_named_flow_runs_in_the_background() {
    let mut db = Db::new();
    db.gives("name_flow(heartbeat(0.001),'beat');", "\"beat\"");
    db.gives(
        "count(first_n(flow_named('beat'),5)); count(first_n(subscribe('beat'),5));",
        "5\n5",
    );
    db.gives(
        "select f['name'], f['publishers'], f['published'] >= 10 from Record f where f in flows();",
        "[\"beat\",1,true]",
    );
    db.gives(
        "count(jobs()); drop_flow('beat'); count(jobs()); flows();",
        "1\n\"beat\"\n0",
    );
    db.fails("drop_flow('beat');", &["there is no flow 'beat'"]);
    db.does("set :n = name_flow(heartbeat(9),'beat');");
    db.fails("drop_flow('beta');", &["did you mean 'beat'?"]);
}

#[test]
fn a_dropped_flow_ends_its_subscriptions() {
    Db::new().gives(
        "set :j = background(merge(streamof(select drop_flow('f') from Number x
             where x in diota(0.02,1,1) and sleep(0.1) > 0), heartbeat(3600)));
         set :k = background(publish(heartbeat(0.005),'f'));
         count(subscribe('f')) > 3;",
        "true",
    );
}

#[test]
fn single_values_are_emitted() {
    let mut db = Db::new();
    db.gives("emit_on_flow(42,'f');", "42");
    db.gives(
        "set :j = background(sample_stream(emit_on_flow({'a':1},'g'),0.005));
         first(subscribe('g'));",
        "{\"a\":1}",
    );
}

#[test]
fn flows_are_merged() {
    Db::new().gives(
        "set :a = background(publish(streamof(sample_stream('a',0.002)),'fa'));
         set :b = background(publish(streamof(sample_stream('b',0.002)),'fb'));
         count(unique(extract(first_n(subscribe:merge(['fa','fb']),200))));",
        "2",
    );
}

#[test]
fn names_that_lead_nowhere() {
    let mut db = Db::new();
    db.fails(
        "publish(siota(1,2),'nobody:topic');",
        &["there is no mqtt client named `nobody`"],
    );
    db.fails("subscribe('nobody:topic');", &["nobody"]);
    db.fails("subscribe('');", &["a flow needs a name"]);
    db.fails(
        "publish(siota(1,2),'f',{'qos':1});",
        &["has no option 'qos'"],
    );
    db.fails("name_flow(siota(1,2),'nobody:topic');", &["nobody"]);
    db.fails(
        "subscribe:merge(['a',3]);",
        &["a flow's name is a string, not 3"],
    );
}
