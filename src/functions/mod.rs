//! The built-in functions, and nothing else. A topic is two neighbours: `string.osql`, the declarations
//! with their documentation and whatever OSQL itself can say, and `string.rs`, what it cannot: a table
//! of rows, each a [`Native`](crate::model::native::Native), which says all that the rest of the crate
//! must know of the function.
//!
//! May use every room before it: `text`, `syntax`, `mqtt`, `model`, `catalog`, `plan`, `compile`,
//! `host` and `run`.

pub mod aggregate;
pub mod array;
pub mod bag;
pub mod binary;
pub mod combine;
pub mod complex;
pub mod csv;
pub mod database;
pub mod debugging;
pub mod documentation;
pub mod fft;
pub mod file;
pub mod flow;
pub mod fold;
pub mod group_window;
pub mod high_order;
pub mod job;
pub mod json;
pub mod lines;
pub mod load;
pub mod math;
pub mod matrix;
pub mod meta;
pub mod misc;
pub mod models;
pub mod mqtt;
pub mod plot;
pub mod record;
pub mod regex;
pub mod running;
pub mod sliding;

pub mod stream;
pub mod string;
pub mod table;
pub mod time;
pub mod timed;
pub mod topic;
pub mod transitive;
pub mod update;
pub mod variable;
pub mod vector;
pub mod window;

#[cfg(test)]
pub mod testing;
