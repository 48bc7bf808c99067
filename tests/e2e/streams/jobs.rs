//! Queries in the background.

use crate::support::osql::osql;
use crate::support::session::Db;

#[test]
fn a_job_runs_until_it_is_stopped() {
    let mut db = Db::new();
    db.gives(
        "set :j = background(publish(heartbeat(0.001),'beat')); :j;",
        "1",
    );
    db.gives("count(first_n(subscribe('beat'),3));", "3");
    db.gives(
        "select j['job'], j['query'], j['elements'] >= 3 from Record j where j in jobs();",
        "[1,\"set :j = background(publish(heartbeat(0.001),'beat'));\",true]",
    );
    db.gives(
        "select j['last'] >= 0.001 and j['last'] <= j['elements'] from Record j where j in jobs();",
        "true",
    );
    db.gives("stop(:j); jobs(); flows();", "1");
    db.fails("stop(:j);", &["no job 1 is running"]);
    db.gives("background(siota(1,3)) > 1;", "true");
}

#[test]
fn a_job_that_fails_says_so_and_harms_nobody() {
    let mut osql = osql().spawn();
    osql.send("set :good = background(publish(heartbeat(0.001),'beat'));\n");
    osql.send("background(streamof(select 1/(3-x) from Integer x where x in siota(1,9)));\n");
    osql.stderr
        .wait_line("error: job 2: element 3 of siota(1,9): division by zero");
    osql.send(
        "count(first_n(subscribe('beat'),3)); select j['job'] from Record j where j in jobs();\n",
    );
    assert_eq!(osql.stdout.wait_lines(2), ["3", "1"]);
    // At the end of the script the other job is stopped. The error counts for the exit status, as any.
    assert_eq!(osql.finish().code, 1);
}

#[test]
fn a_script_waits_for_its_jobs_or_stops_them() {
    let waited = osql().arg("--wait");
    let file = waited.own_folder().join("lines");
    let script = format!(
        "set :j = background(streamof(writelines(diota(0.02,1,5),'{}')));",
        file.display()
    );
    let mut waited = waited.statements(&script).spawn();
    waited.wait().expect_ok("");
    assert_eq!(
        std::fs::read_to_string(file).expect("written"),
        "1\n2\n3\n4\n5\n"
    );
    let stopped = osql()
        .statements("set :j = background(heartbeat(3600));")
        .run();
    stopped.expect_ok("");
    let failed = osql()
        .arg("--wait")
        .statements(
            "set :j = background(streamof(select 1/i from Integer i where i in siota(0,5)));",
        )
        .run();
    failed.expect_error(1, "a background job has failed");
    let error = "error: job 1: element 1 of siota(0,5): division by zero";
    assert!(failed.stderr.contains(error), "{failed:?}");
}

#[test]
fn a_wait_for_jobs_can_be_interrupted() {
    let mut osql = osql()
        .arg("--wait")
        .statements("'started'; set :j = background(heartbeat(3600));")
        .spawn();
    osql.stdout.wait_line("started");
    osql.signal("INT");
    assert_eq!(osql.wait().code, 130);
}

#[test]
fn what_waits_for_nothing_is_stopped_at_the_end() {
    let osql = osql();
    let pipe = osql.own_folder().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.expect("mkfifo runs").success());
    let pipe = pipe.display();
    // A pipe that nobody writes to, a flow that nobody publishes on, a beat of an hour, a full flow.
    let ran = osql
        .statements(&format!(
            "set :a = background(merge([readlines('{pipe}'), csv:file_stream('{pipe}'), json:file_stream('{pipe}')]));
             set :b = background(subscribe('nobody'));
             set :c = background(streams:zip([subscribe('none'), heartbeat(3600)]));
             set :d = background(winagg(heartbeat(3600),2,2));
             set :e = background(publish(siota(1,1000000000000),'flood'));
             set :f = background(merge(subscribe('flood'), sample_every(subscribe('flood'),3600)));
             count(first_n(subscribe('flood'),5000)); count(jobs());"
        ))
        .run();
    ran.expect_ok("5000\n6\n");
}

#[test]
fn a_pipe_is_read_as_lines_and_its_wait_can_end() {
    let osql = osql();
    let pipe = osql.own_folder().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.expect("mkfifo runs").success());
    let mut running = osql
        .statements(&format!(
            "select 'read ' + l from Charstring l where l in readlines('{}');",
            pipe.display()
        ))
        .spawn();
    let mut writer = std::fs::File::options()
        .write(true)
        .open(&pipe)
        .expect("osql reads it");
    std::io::Write::write_all(&mut writer, b"one\ntwo\n").expect("written");
    assert_eq!(
        running.stdout.wait_lines(2),
        ["\"read one\"", "\"read two\""]
    );
    running.signal("INT");
    assert_eq!(running.wait().code, 130);
}
