//! The built-in functions. A topic is two neighbours: `string.osql`, the declarations with their
//! documentation and whatever OSQL itself can say, and `string.rs`, what it cannot.

pub mod aggregate;
pub mod bag;
pub mod binary;
pub mod combine;
pub mod complex;
mod constant;
pub mod csv;
pub mod debugging;
pub mod documentation;
pub mod fft;
pub mod file;
pub mod flow;
pub mod high_order;
mod http;
pub mod input;
pub mod job;
pub mod json;
mod like;
pub mod lines;
pub mod load;
pub mod math;
pub mod matrix;
pub mod meta;
pub mod misc;
pub mod mqtt;
pub mod record;
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
pub mod vector;
pub mod window;

#[cfg(test)]
pub mod testing;
