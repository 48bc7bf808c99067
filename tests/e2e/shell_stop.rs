//! Ctrl-C at the prompt, in a real terminal: it stops whatever runs.

use std::fs;
use std::time::{Duration, Instant};

use crate::support::tmux::Terminal;
use tempfile::TempDir;

/// What the statements below use. Each is large enough to run for longer than anybody waits.
const SCRIPT: &str = "
create function q(Integer n) -> Bag of Integer as bag(n,q(n+1));
create function united(Integer n) -> Bag of Integer as union(bag(n),united(n+1));
create function grown(Integer n) -> Integer as
  { declare Bag of Integer b, Integer i; set b = bag(0); set i = 0;
    while i < n do set b = bag(b,i); set i = i+1; end while; return count(b); };
create function stored(Integer i) -> Bag of Integer as stored;
create function next(Integer i) -> Integer as mod(i+1,1000);
set :row = vectorof(iota(1,1000));
set :m = vectorof(select :row from Integer i where i in iota(1,1000));
set :long = vectorof(iota(1,1000000));
";

/// Statements that were not to be stopped once, in forms that do not come to their ends in time.
const ENDLESS: &[&str] = &[
    // Depth: as deep as it goes, again and again.
    "count(select x from Integer i, Integer x where i in natural_numbers() and x in first_n(q(i),3000));",
    "count(select x from Integer i, Integer x where i in natural_numbers() and x in first_n(united(i),3000));",
    "grown(1000000000);",
    // Products of matrices.
    ":m * :m * :m * :m * :m * :m * :m * :m;",
    "count(select roundto(:m * :m, 1) from Integer i where i in natural_numbers());",
    // Queries within queries.
    "count(select a from Integer a where a in natural_numbers() and a in (select b from Integer b where b in iota(1,1000000) and b in (select c from Integer c where c in natural_numbers() and c in (select d from Integer d where d in iota(1,3)))));",
    // Long values.
    "count(select pp(:long) from Integer i where i in natural_numbers());",
    "count(select substv(i,0,:long) from Integer i where i in natural_numbers());",
    "count(select :long .* :long from Integer i where i in natural_numbers());",
    "count(select transpose(:m) from Integer i where i in natural_numbers());",
    "count(select vmean(in(:m)) from Integer i where i in natural_numbers());",
    "iterate(#'next', 1000000000, 0);",
    // What ends with its input, which does not end.
    "sum(natural_numbers());",
    "vectorize(select i from Integer i where i in natural_numbers() and mod(i,1000)=0);",
    "count(select distinct mod(i,7) from Integer i where i in natural_numbers());",
    "select mod(i,7), count(i) from Integer i where i in natural_numbers() group by mod(i,7);",
    "count(select i from Integer i where i in iota(1,1000000) order by :row, -i);",
    "histogram(natural_numbers(),0,1,1000000);",
    "count(winagg(natural_numbers(),1000000,1));",
    "validate 'never' check sum(natural_numbers()) => 1;",
    "add stored(1) = select i from Integer i where i in natural_numbers() and mod(i,1000)=0;",
    "set :never = count(merge(natural_numbers(),natural_numbers()));",
    // What waits.
    "timeout(heartbeat(3600), 9223372036854775807);",
    "heartbeat(9223372036854775807);",
    "streams:pivot([heartbeat(3600),heartbeat(3600)]);",
];

/// What is said after Ctrl-C begins a line of its own, below the `^C` that the terminal shows.
#[test]
fn what_follows_ctrl_c_stands_below_it() {
    let state = TempDir::new().expect("a folder");
    let terminal = Terminal::start("-i", 150, 50, state.path());
    terminal.wait_prompt();
    terminal.enter("select 1/(0*t) from Number t where t in heartbeat(0.001);");
    terminal.wait_for("an element is set aside");
    terminal.press("C-c");
    let screen = terminal.wait_for("\nstopped\nosql>");
    let (_, below) = screen.split_once("^C\n").expect("a line of its own");
    let lines: Vec<_> = below.lines().collect();
    assert!(lines[0].starts_with("warning: "), "{screen}");
    assert!(
        lines[0].ends_with(" elements failed and were set aside"),
        "{screen}"
    );
    assert_eq!(lines[1..], ["stopped", "osql>"], "{screen}");
    // Without anything that failed, too.
    terminal.enter("heartbeat(3600);");
    terminal.wait_for("osql> heartbeat(3600);\n0");
    terminal.press("C-c");
    terminal.wait_until(|screen| screen.ends_with("\n^C\nstopped: 1 row given\nosql>"));
}

#[test]
fn ctrl_c_stops_whatever_runs() {
    let state = TempDir::new().expect("a folder");
    let script = state.path().join("script.osql");
    fs::write(&script, SCRIPT).expect("can be written");
    let arguments = format!("-i '{}'", script.display());
    let terminal = Terminal::start(&arguments, 150, 50, state.path());
    terminal.wait_prompt();
    let mut longest = Duration::ZERO;
    for (number, statement) in ENDLESS.iter().enumerate() {
        let begun = format!("begun {number}");
        let after =
            |screen: &str, mark: &str| screen.rsplit_once(mark).map(|(_, after)| after.to_owned());
        terminal.enter(&format!("'{begun}'; {statement}"));
        // The statement follows at once.
        let shown = format!("\n\"{begun}\"");
        let running = terminal.wait_for(&shown);
        let said = after(&running, &shown).expect("is there");
        assert!(!said.contains("osql>"), "{statement} has ended: {said}");
        let pressed = Instant::now();
        terminal.press("C-c");
        terminal.wait_until(|screen| {
            after(screen, &shown)
                .is_some_and(|after| after.contains("\nstopped") && after.ends_with("\nosql>"))
        });
        let took = pressed.elapsed();
        println!("{took:>10.1?}  {statement}");
        longest = longest.max(took);
        terminal.enter(&format!("1+1; {number};"));
        terminal.wait_until(|screen| screen.ends_with(&format!("\n2\n{number}\nosql>")));
    }
    println!("{longest:.1?} at the longest");
}
