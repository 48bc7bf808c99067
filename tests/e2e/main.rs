//! The tests from end to end, as one program: a module for each feature.
//!
//! | module | what it is about | how it asks |
//! |---|---|---|
//! | `language::` | the language, chapter by chapter | `support::session::Db`, a session inside this process |
//! | `modern::` | today's OSQL: arrays, models, validations, windows in a group by | `Db`, and the program |
//! | `streams::` | streams, windows, flows, jobs, the recipes | `Db`, and the program where brokers or signals matter |
//! | `shell_*` | flags, scripts, prompt, output, home folder | `support::osql::osql()`, the program |
//! | `mqtt_*`, `request_tls` | connecting, delivery, errors, TLS, hostile brokers | `support::mqtt`, the library, or the program |
//! | `delivery_*` | what is promised of messages, under kills, restarts and slow readers | the program |
//! | `guide`, `readme`, `tutorial`, `device_model` | what the documents and models promise | the program |
//!
//! A test is three lines: what goes in, that it runs, what must come out.
//!
//! ```ignore
//! #[test]
//! fn results_of_a_script() {
//!     osql().stdin("1+1;\n'a';").run().expect_ok("2\n\"a\"\n");
//! }
//!
//! #[test]
//! fn results_of_a_statement() {
//!     Db::new().gives("1+1;", "2");
//! }
//! ```
//!
//! Put it into the module of its feature; a new feature gets a file and a line below. What the tests
//! share is in `support`. Brokers are real: `Mosquitto::start("")` runs one on a port of its own.
//! The tests of one run are threads of one process, so none may change what the process has but
//! once: environment variables, the current folder, signals. What needs its own starts the program.
//!
//! One feature: `cargo test --test e2e mqtt_tls::`.

mod delivery_database;
mod delivery_program;
mod delivery_restarts;
mod delivery_slow;
mod device_model;
mod guide;
mod language;
mod modern;
mod mqtt_bounds;
#[cfg(feature = "broker")]
mod mqtt_broker;
mod mqtt_connecting;
mod mqtt_delivery;
mod mqtt_errors;
mod mqtt_fate;
mod mqtt_hostile;
mod mqtt_kept;
mod mqtt_liveness;
mod mqtt_persistence;
mod mqtt_restart;
mod mqtt_script;
mod mqtt_tls;
mod mqtt_web_socket;
mod readme;
mod request_tls;
mod shell_args;
mod shell_bad_input;
mod shell_help;
mod shell_home;
mod shell_leave;
mod shell_one_line;
mod shell_output;
mod shell_plots;
mod shell_profiles;
mod shell_prompt;
mod shell_script;
mod shell_sources;
mod shell_stop;
mod shell_tables;
mod shell_topics;
mod streams;
mod support;
mod tutorial;
mod written_files;
