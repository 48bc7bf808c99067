//! Streams, windows, flows and jobs: what comes of them, when, and what is left behind.

mod combine;
mod elements;
mod examples;
mod failed_elements;
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
