//! Files that streams are written to hold each element as soon as it is there.

use std::fs;
use std::path::PathBuf;
use std::thread;

use crate::support::session::Db;
use crate::support::wait::wait_for;

/// A file of this test's own, which does not exist yet.
fn file(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("osql-written-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join(name);
    let _ = fs::remove_file(&file);
    file
}

/// Runs a statement that never ends, with FILE for the file's name, until the file holds `text`.
#[track_caller]
fn holds(name: &str, statement: &str, text: &str) {
    let file = file(name);
    let statement = statement.replace("FILE", &file.to_string_lossy());
    let mut db = Db::new();
    let interrupt = db.interrupt();
    let running = thread::spawn(move || db.run(&statement));
    let mut found = String::new();
    wait_for(|| {
        found = fs::read_to_string(&file).unwrap_or_default();
        match found == text || running.is_finished() {
            true => Ok(()),
            false => Err(found.clone()),
        }
    });
    interrupt.stop("enough");
    let printed = running.join().expect("no panic");
    assert_eq!(found, text, "{printed}");
}

#[test]
fn elements_of_a_beat_are_written_at_once() {
    let beat = "heartbeat(3600)";
    holds(
        "beat.json",
        &format!("json:write_file('FILE', {beat});"),
        "0.0\n",
    );
    let rows = "(select stream of [x] from Number x where x in heartbeat(3600))";
    holds(
        "beat.csv",
        &format!("csv:write_file('FILE', {rows});"),
        "0.0\n",
    );
    holds(
        "through.csv",
        &format!("csv:write_file('FILE', 1, {rows});"),
        "0.0\n",
    );
    holds("beat.txt", &format!("writelines({beat}, 'FILE');"), "0.0\n");
}

#[test]
fn elements_that_came_through_other_operators_are_written_at_once() {
    for (i, (stream, text)) in [
        ("(select stream of x+1 from Number x where x in heartbeat(3600))", "1.0\n"),
        ("(select x from Number x where x in heartbeat(3600))", "0.0\n"),
        ("merge(heartbeat(3600), heartbeat(3600))", "0.0\n0.0\n"),
        // Several at once, then nothing: the last of them is not held back either.
        ("merge(siota(1,3), (select stream of x from Number x where x in heartbeat(3600) and x > 0))", "1\n2\n3\n"),
        ("winagg(merge(siota(1,4), (select stream of x from Number x where x in heartbeat(3600) and x > 0)), 2, 2)", "[1,2]\n[3,4]\n"),
        ("timeout(heartbeat(3600), 3000)", "0.0\n"),
        ("first_n(heartbeat(3600), 2)", "0.0\n"),
    ]
    .into_iter()
    .enumerate()
    {
        holds(&format!("{i}.json"), &format!("json:write_file('FILE', {stream});"), text);
    }
}

#[test]
fn elements_of_a_flow_are_written_at_once() {
    holds(
        "flow.json",
        "background(publish(heartbeat(0.01), 'written'));
         json:write_file('FILE', merge((select stream of 7 from Number x where x in first_n(subscribe('written'), 2)), 
                                       (select stream of x from Number x where x in heartbeat(3600) and x > 0)));",
        "7\n7\n",
    );
}
