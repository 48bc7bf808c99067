//! The language, chapter by chapter: what a person can write, and what comes of it.

mod session;

mod aggregates;
mod bad_input;
mod basics;
mod batches;
mod binaries;
mod database;
mod errors;
mod examples;
mod functions;
mod literals;
mod naive;
mod objects;
mod overloads;
mod planner;
mod procedures;
mod queries;
mod second_order;
mod state;
mod topics;
mod types;
mod updates;
mod vectors;
mod web;
