//! Executes plans, and the statements that hold them. Uses every room before it: it compiles what is
//! called for the first time, reads and changes the catalog, and finds the outside in the host.
//!
//! - [`statement`] takes the text of a statement to its results;
//! - [`query`] runs queries, [`pipeline`] their steps, [`join`] their joins, [`solve`] their equations,
//!   [`eval`] their expressions, [`batch`] steps and expressions over columns;
//! - [`call`] calls functions, [`procedure`] runs their statements, [`update`] changes stored ones,
//!   [`rows`] tables;
//! - [`aggregate`] has each aggregate once, for bags, groups and windows;
//! - [`inputs`] runs several streams at once, each on a thread of its own; [`element`] says which
//!   element of a stream an error is about.

pub mod action;
pub mod aggregate;
pub mod batch;
pub mod call;
mod concat;
pub mod constant;
pub mod database;
mod declared;
pub mod element;
pub mod eval;
mod group;
mod guarded;
pub mod inputs;
mod join;
mod lookup;
mod narrow;
mod pattern;
mod pipeline;
pub mod procedure;
pub mod query;
mod rows;
mod scalar;
mod solve;
mod sorted;
pub mod statement;
mod table_rows;
pub mod update;
pub mod windowed;

use crate::model::Value;
use crate::text::diagnostic::{Error, Result};

/// The number of results that a limit allows.
pub fn limit(value: Option<Value>) -> Result<u64> {
    match value.as_ref().and_then(Value::as_int) {
        Some(limit) if limit >= 0 => Ok(limit as u64),
        _ => {
            let text = value.map_or_else(|| "nothing".to_owned(), |v| v.to_string());
            Err(Error::run(format!(
                "a limit is a number from 0 up, not {text}"
            )))
        }
    }
}
