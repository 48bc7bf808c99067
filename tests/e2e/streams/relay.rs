//! A relay through a broker: one publishes, a query adds 10 and republishes, a third reads.

use crate::support::mosquitto::Mosquitto;
use crate::support::osql::osql;
use crate::support::session::Db;
use crate::support::table::each_row;

const COUNT: usize = 1000;

fn client(broker: &Mosquitto, qos: usize) -> String {
    format!(
        "set :c = mqtt:register_client('b',{{'connection':'{}','qos':{qos}}});",
        broker.url("tcp")
    )
}

const ADD: &str = "select Stream of json:unstringify(charstring(b)) + 10
                     from Binary b where b in subscribe('b:in')";

const READ: &str = "select Stream of json:unstringify(charstring(b))
                      from Binary b where b in subscribe('b:out')";

/// By default mosquitto sends 20 messages before it waits for acknowledgements and queues the rest;
/// 2.0.11 then sends a new one before the queued ones if that comes just when there is room, as the
/// packet identifiers in its log show.
const IN_ORDER: &str = "log_type all\nmax_inflight_messages 0";

#[test]
fn all_three_inside_one_merge() {
    let broker = Mosquitto::start(IN_ORDER);
    each_row(0..3, |qos| {
        let mut db = Db::of(&client(&broker, qos));
        // Endless: whatever the first is that the other two get, the rest follows without a gap.
        db.gives(
            &format!(
                "set :add = ({ADD}); set :read = ({READ});
                 set :numbers = (select Stream of v[3] from Vector v
                    where v in streams:pivot([streamof(sink(publish(diota(0.0005,1,1000000000),'b:in'))),
                                              streamof(sink(publish(:add,'b:out'))), :read])
                      and v[3] > 10);
                 set :v = vectorof(first_n(:numbers, {COUNT}));
                 select min(steps), max(steps)
                   from Bag steps where steps = (select :v[i+1] - :v[i] from Integer i
                                                  where i in iota(1,{COUNT}-1));"
            ),
            "[1,1]",
        );
        // The streams are stopped, and their subscriptions given up.
        db.does("mqtt:unregister_client('b') = 'x';");
    });
}

#[test]
fn in_three_processes() {
    let broker = Mosquitto::start(IN_ORDER);
    each_row(0..3, |qos| {
        let register = client(&broker, qos);
        let mut reader = osql().statements(&format!(
            "{register} set :v = vectorof(first_n(({READ}),{COUNT})); :v = vectorof(siota(11,{}));", COUNT + 10
        )).spawn();
        let relay = osql()
            .statements(&format!(
                "{register} sink(first_n(publish(({ADD}),'b:out'),{COUNT}));"
            ))
            .spawn();
        broker.wait_for_subscriptions(2 * (qos + 1));
        osql()
            .statements(&format!(
                "{register} sink(publish(siota(1,{COUNT}),'b:in'));"
            ))
            .run()
            .expect_ok("");
        reader.wait().expect_ok("true\n");
        relay.finish().expect_ok("");
    });
}
