//! What a run of a program costs.

use std::fmt;
use std::fs;
use std::ops::AddAssign;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::Result;

/// Seconds of time, and of processor time in user and system mode together.
#[derive(Clone, Copy, Default)]
pub struct Cost {
    pub wall: f64,
    pub processor: f64,
}

impl Cost {
    /// The fastest run, and the least processor time of any.
    pub fn least(costs: &[Cost]) -> Cost {
        let least = |of: fn(&Cost) -> f64| costs.iter().map(of).fold(f64::INFINITY, f64::min);
        Cost {
            wall: least(|c| c.wall),
            processor: least(|c| c.processor),
        }
    }
}

impl AddAssign for Cost {
    fn add_assign(&mut self, more: Cost) {
        self.wall += more.wall;
        self.processor += more.processor;
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2} s ({:.2} s)", self.wall, self.processor)
    }
}

/// The time in the middle, in seconds.
pub fn median(costs: &[Cost]) -> f64 {
    let mut walls: Vec<f64> = costs.iter().map(|c| c.wall).collect();
    walls.sort_by(f64::total_cmp);
    walls[walls.len() / 2]
}

/// Runs a program to its end, which must be a good one.
pub fn run(command: &mut Command) -> Result<Cost> {
    command.stdout(Stdio::null());
    let before = children_processor_time()?;
    let begun = Instant::now();
    let status = command.status()?;
    let wall = begun.elapsed().as_secs_f64();
    if !status.success() {
        return Err(format!("{command:?}: {status}").into());
    }
    Ok(Cost {
        wall,
        processor: children_processor_time()? - before,
    })
}

/// Waits for the end of programs that were just started, which must be a good one. Other children
/// count only once they are waited for.
#[allow(dead_code, reason = "not every benchmark starts them itself")]
pub fn until_end(mut children: Vec<Child>, patience: Duration) -> Result<Cost> {
    let before = children_processor_time()?;
    let begun = Instant::now();
    for at in 0..children.len() {
        let status = loop {
            if let Some(status) = children[at].try_wait()? {
                break status;
            }
            if begun.elapsed() > patience {
                for child in &mut children[at..] {
                    child.kill()?;
                    child.wait()?;
                }
                return Err(format!("no end within {patience:?}").into());
            }
            thread::sleep(Duration::from_millis(2));
        };
        if !status.success() {
            return Err(status.to_string().into());
        }
    }
    Ok(Cost {
        wall: begun.elapsed().as_secs_f64(),
        processor: children_processor_time()? - before,
    })
}

/// The processor time of all children that have ended, in seconds (proc(5), fields 16 and 17).
fn children_processor_time() -> Result<f64> {
    seconds_of("/proc/self/stat", 13)
}

/// The processor time of a running process, in seconds (proc(5), fields 14 and 15).
#[allow(dead_code, reason = "not every benchmark looks at running ones")]
pub fn processor_time(process: u32) -> Result<f64> {
    seconds_of(&format!("/proc/{process}/stat"), 11)
}

/// The sum of two fields of a process's statistics, the first of them so many behind its name.
fn seconds_of(path: &str, behind_name: usize) -> Result<f64> {
    let stat = fs::read_to_string(path)?;
    // The second field is a name in parentheses, which may hold blanks.
    let (_, fields) = stat
        .rsplit_once(')')
        .ok_or_else(|| format!("an unknown form of {path}"))?;
    let ticks = fields
        .split_whitespace()
        .skip(behind_name)
        .take(2)
        .map(str::parse::<f64>)
        .sum::<std::result::Result<f64, _>>()?;
    // USER_HZ, which is 100 on all that Linux runs on.
    Ok(ticks / 100.0)
}
