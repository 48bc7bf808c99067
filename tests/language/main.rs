//! The language, chapter by chapter: what a person can write, and what comes of it.

mod session;

mod basics;
mod database;
mod functions;
mod objects;
mod procedures;
mod queries;
mod second_order;
mod types;
mod updates;
mod vectors;
