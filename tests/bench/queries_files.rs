//! The files that queries read, and the places in queries for their names and for sizes.

use std::cell::RefCell;
use std::collections::HashSet;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use tempfile::TempDir;

use super::Result;
use super::queries_list::Query;
use super::queries_run::Prepared;

/// A folder with the files that have been asked for by now, gone at the end.
pub struct Files {
    folder: TempDir,
    written: RefCell<HashSet<PathBuf>>,
}

impl Files {
    pub fn new() -> Result<Files> {
        Ok(Files {
            folder: TempDir::new()?,
            written: RefCell::default(),
        })
    }

    /// The query with its places filled in: `{n}` is the number of rows, `{m}` a hundredth of it,
    /// `{csv}` and `{json}` are files of so many rows.
    pub fn fill_in(&self, query: &Query, scale: Option<u64>) -> Result<Prepared> {
        let rows = scale.unwrap_or(query.rows);
        let fill_in = |text: &str| -> Result<String> {
            let mut text = text
                .replace("{n}", &rows.to_string())
                .replace("{m}", &(rows / 100).to_string());
            if text.contains("{csv}") {
                text = text.replace("{csv}", &self.file("csv", rows, csv_row)?);
            }
            if text.contains("{json}") {
                text = text.replace("{json}", &self.file("json", rows, json_row)?);
            }
            Ok(text)
        };
        Ok(Prepared {
            what: format!("{}, {} rows", query.what, short(rows)),
            setup: fill_in(query.setup)?,
            osql: fill_in(query.osql)?,
            duckdb_setup: fill_in(query.duckdb_setup)?,
            duckdb: fill_in(query.duckdb)?,
        })
    }

    fn file(&self, kind: &str, rows: u64, row: fn(u64) -> String) -> Result<String> {
        let path = self.folder.path().join(format!("{rows}.{kind}"));
        if self.written.borrow_mut().insert(path.clone()) {
            let mut file = BufWriter::new(File::create(&path)?);
            for n in 0..rows {
                writeln!(file, "{}", row(n))?;
            }
            file.flush()?;
        }
        Ok(path.to_string_lossy().into_owned())
    }
}

/// 10^6 as it is said.
pub fn short(rows: u64) -> String {
    match rows.ilog10() {
        power if rows == 10_u64.pow(power) => format!("10^{power}"),
        power => format!("{}·10^{power}", rows as f64 / 10_f64.powi(power as i32)),
    }
}

/// A number, a sensor's name, a temperature, a state and a counter.
fn csv_row(n: u64) -> String {
    let (temperature, state) = (temperature(n), STATES[(n % 3) as usize]);
    format!(
        "{n},sensor-{},{temperature},{state},{}",
        n % 97,
        n * 31 % 1009
    )
}

/// What a device sends.
fn json_row(n: u64) -> String {
    let (temperature, state) = (temperature(n), STATES[(n % 3) as usize]);
    format!(
        r#"{{"sensor":"hall/{}","n":{n},"temp":{temperature},"state":"{state}","unit":"C"}}"#,
        n % 97
    )
}

const STATES: [&str; 3] = ["on", "off", "idle"];

/// From -20.00 to 79.99.
fn temperature(n: u64) -> String {
    let hundredths = (n * 7919 % 10_000) as i64 - 2000;
    format!("{:.2}", hundredths as f64 / 100.0)
}
