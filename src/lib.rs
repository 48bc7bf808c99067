//! osql: an interactive shell for OSQL, the stream query language of SA Engine, and a secure MQTT
//! client in one program. This crate is all of it; the binary is `main.rs` and the [`shell`].
//!
//! The way of a statement through the crate:
//!
//! ```text
//! text ── syntax ──▶ Ast ── compile ──▶ Plan ── run ──▶ values ── shell ──▶ the person, a file, a pipe
//!                                        │
//!                functions (built-in), catalog (definitions), host (flows, jobs), mqtt (brokers)
//! ```
//!
//! The rooms, in one order: each uses only rooms that stand before it. `tests/architecture.rs` reads
//! this list and holds every file to it.
//!
//! ```text
//! text/        spans, diagnostics and their excerpts, waiting, the console
//! syntax/      text to abstract syntax; the grammar is `grammar/osql.pest`
//! mqtt/        MQTT clients that keep the promises of delivery; knows no OSQL value
//! store/       SQLite files that keep rows beyond the process; knows no OSQL value
//! model/       what exists: values, types, numbers, records, time, collections, stored rows, objects,
//!              functions and their signatures, the context that a call runs in
//! catalog/     everything defined: functions and the choice among overloads, types, objects,
//!              session variables, topics, undo
//! plan/        plans as data, walks over them, explain
//! compile/     names, overloads, the order of conditions, lowering to batches
//! host/        what running finds outside: console, clients, flows, jobs, random numbers
//! run/         executing plans and statements
//! functions/   the built-in ones: declared in TOPIC.osql, written in TOPIC.rs where OSQL cannot
//! session/     one user's world: text in, results out; the library's front door
//! shell/       flags, prompt, scripts, output formats, plots
//! ```
//!
//! Two things are kept apart on purpose. What compiling needs is the catalog, [`catalog::Catalog`]; what
//! running needs from outside is the host, [`host::Host`]; only a session sees both as one. And what a
//! built-in function *is* stands in its topic's table: nothing in `compile` or `run` asks for a function
//! by its name.

#![forbid(unsafe_code)]

pub mod catalog;
pub mod compile;
pub mod functions;
pub mod host;
pub mod model;
pub mod mqtt;
pub mod plan;
pub mod run;
pub mod session;
pub mod shell;
pub mod store;
pub mod syntax;
pub mod text;
