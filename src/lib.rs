//! osql: an interactive shell for OSQL, the stream query language of SA Engine, and a secure MQTT
//! client in one program. This crate is all of it; the binary is `main.rs` and the [`shell`].
//!
//! The way of a statement through the crate, each arrow a module that goes one way:
//!
//! ```text
//! text ── syntax ──▶ Ast ── compile ──▶ Plan ── run ──▶ values ── shell ──▶ the person, a file, a pipe
//!                                        │
//!                functions (built-in), store (objects), flow (in-process topics), mqtt (brokers)
//! ```
//!
//! - [`session`] ties the rest together: text in, an iterator of results out. Start reading there.
//! - [`syntax`] turns text into the abstract syntax; the grammar is `grammar/osql.pest`.
//! - [`types`] says what a value is, and how it is printed and written as JSON.
//! - [`compile`] gives names a meaning, chooses overloads, and orders the conditions of a query.
//! - [`run`] runs plans; every blocking wait goes through [`text::wait`].
//! - [`functions`] are the built-in ones: declared in OSQL, written in Rust where OSQL cannot.
//! - [`store`] is the local database: types, objects, stored functions.
//! - [`flow`] are named streams inside the process, [`jobs`] run in its background.
//! - [`mqtt`] keeps the promises of delivery.
//! - [`text`] has every error that a user can see, the console where they are seen, and waiting.
//! - [`shell`] is the program around it: flags, prompt, scripts, output.

#![forbid(unsafe_code)]

pub mod compile;
pub mod flow;
pub mod functions;
pub mod jobs;
pub mod mqtt;
pub mod run;
pub mod session;
pub mod shell;
pub mod store;
pub mod syntax;
pub mod text;
pub mod types;
