//! Messages that go into a table of a database while the program is killed again and again: each one
//! that was published is in the table, and none twice.
//!
//! A message is acknowledged after the commit of its row. What was in the group that was being made when
//! the program was killed comes again; what was committed and not acknowledged yet comes again, too, and
//! is refused by the table's key.
//!
//! `KILLS` says how often it is killed, a few times if it is not set:
//! `KILLS=20 cargo test --test e2e delivery_database:: -- --nocapture`.

use std::path::Path;
use std::thread;

use rusqlite::{Connection, OpenFlags};

use crate::support::mosquitto::{Folder, Mosquitto};
use crate::support::osql::{Running, osql};
use crate::support::wait::{wait_for, wait_until};

/// Messages for each time that the program is killed.
const MESSAGES: usize = 1_000;

fn kills() -> usize {
    std::env::var("KILLS").map_or(3, |n| n.parse().expect("KILLS is a number"))
}

/// What keeps the messages. `insert` is the statement that does.
fn keeper(broker: &Mosquitto, file: &Path, qos: i64, insert: &str) -> Running {
    let script = format!(
        "open_database('{}', {{'name': 'log'}});
         create table if not exists Message (n Integer primary key, text Charstring) in log;
         mqtt:register_client('m', {{'connection': '{}', 'clientid': 'keeper', 'cleansession': false,
                                     'qos': {qos}, 'wait': true}});
         {insert}\n",
        file.display(),
        broker.url("mqtt")
    );
    osql().stdin(script).spawn()
}

/// The numbers in the table, in their order.
fn kept(file: &Path) -> Vec<i64> {
    let read = || -> rusqlite::Result<Vec<i64>> {
        let connection = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let mut query = connection.prepare("SELECT n FROM Message ORDER BY n")?;
        let numbers = query.query_map([], |row| row.get(0))?;
        numbers.collect()
    };
    // The file or the table is not there yet.
    read().unwrap_or_default()
}

/// How many messages had been put into the table when they came once more.
fn refused(said: &str) -> usize {
    said.matches("has a row with").count()
}

/// Publishes numbers while the program is killed, and checks that all of them are in the table.
fn round(qos: u8, insert: &str) {
    let (kills, folder) = (kills(), Folder::new());
    let total = kills * MESSAGES;
    let file = folder.0.join("log.db");
    let broker = Mosquitto::start("max_queued_messages 0\nlog_type all");
    let mut running = keeper(&broker, &file, i64::from(qos), insert);
    broker.wait_for_subscriptions(1);
    let numbers: String = (0..total).map(|n| format!("{{\"n\": {n}}}\n")).collect();
    let mut again = 0;
    thread::scope(|scope| {
        let publishing = scope.spawn(|| broker.publish_lines("t", qos, numbers));
        for kill in 0..kills {
            let more = 1 + rand::random_range(0..MESSAGES);
            let enough = (kill * MESSAGES + more).min(total - 1);
            wait_until("so many rows", || kept(&file).len() >= enough);
            running.signal("KILL");
            again += refused(&running.wait().stderr);
            let rows = kept(&file).len();
            println!("killed with {rows} of {total} rows");
            running = keeper(&broker, &file, i64::from(qos), insert);
        }
        publishing.join().expect("all is published");
    });
    wait_for(|| match kept(&file).len() {
        rows if rows >= total => Ok(()),
        rows => Err(format!("{rows} of {total} rows; {}", running.stderr.text())),
    });
    running.signal("INT");
    again += refused(&running.finish().stderr);
    let all: Vec<i64> = (0..total as i64).collect();
    assert_eq!(kept(&file), all);
    println!(
        "QoS {qos}: killed {kills} times, {total} messages, none lost, none doubled; {again} refused at least"
    );
}

const INSERT: &str = "insert into Message (n) select stream of r['n'] from Record r, Binary b
                      where b in subscribe('m:t') and r = json:unstringify(charstring(b));";

#[test]
fn no_message_is_lost_or_doubled_at_qos_1() {
    round(1, INSERT);
}

#[test]
fn no_message_is_lost_or_doubled_at_qos_2() {
    round(2, INSERT);
}

#[test]
fn no_message_that_a_function_keeps_is_lost() {
    round(
        1,
        "create function keep(Record r) -> Integer as insert into Message (n) values (r['n']);
         select keep(r) from Record r, Binary b
         where b in subscribe('m:t') and r = json:unstringify(charstring(b));",
    );
}
