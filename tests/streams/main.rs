//! Streams, windows, flows and jobs: what comes of them, when, and what is left behind.

// Each part is used by some of the files here.
#[allow(dead_code)]
#[path = "../support/mosquitto.rs"]
mod mosquitto;
#[path = "../support/osql.rs"]
#[allow(dead_code)]
mod program;
#[allow(dead_code)]
#[path = "../language/session.rs"]
mod session;

mod combine;
mod elements;
mod examples;
mod flows;
mod jobs;
mod lines;
mod recipes;
mod relay;
mod time;
mod tutorials;
mod windows;

/// The longest that a test waits for something that should come at once.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);
