//! Streams, windows, flows and jobs: what comes of them, when, and what is left behind.

// Each part is used by some of the files here.
#[allow(dead_code)]
#[path = "../language/session.rs"]
mod session;
#[path = "../support/mod.rs"]
mod support;

mod combine;
mod elements;
mod examples;
mod flows;
mod jobs;
mod lines;
mod recipes;
mod relay;
mod subscriptions;
mod time;
mod tutorials;
mod windows;
mod written;

use support::{mosquitto, osql as program, subscriber};
