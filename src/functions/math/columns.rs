//! The functions on numbers that are computed over columns. No result where a number is not of the kind
//! that most are, or the function fails.

use crate::model::native::BatchArgs;
use crate::model::{BatchColumn, number};

/// `mod(x,y)`: integers of integers, reals where one of the sides is.
pub fn modulo(args: BatchArgs) -> Option<BatchColumn> {
    use BatchColumn::{Int, Ints};
    match args.columns {
        [Ints(a), Int(b)] if *b != 0 => Some(Ints(a.iter().map(|a| a.wrapping_rem(*b)).collect())),
        [Ints(a), Ints(b)] if !b.contains(&0) => {
            let pairs = a.iter().zip(b);
            Some(Ints(pairs.map(|(a, b)| a.wrapping_rem(*b)).collect()))
        }
        [Ints(_) | Int(_), Ints(_) | Int(_)] => None,
        [a, b] => {
            let remainder = |row| {
                let divisor = real(b, row).filter(|divisor| *divisor != 0.0)?;
                Some(real(a, row)? % divisor)
            };
            let reals = (0..args.rows).map(remainder);
            Some(BatchColumn::Reals(reals.collect::<Option<_>>()?))
        }
        _ => None,
    }
}

/// The number of a row as a real.
#[inline]
fn real(column: &BatchColumn, row: usize) -> Option<f64> {
    match column {
        BatchColumn::Ints(ints) => ints.get(row).map(|int| *int as f64),
        BatchColumn::Reals(reals) => reals.get(row).copied(),
        BatchColumn::Int(int) => Some(*int as f64),
        BatchColumn::Real(real) => Some(*real),
        _ => None,
    }
}

pub fn absolute(args: BatchArgs) -> Option<BatchColumn> {
    match args.columns {
        [BatchColumn::Ints(ints)] => {
            let absolute = ints.iter().map(|int| int.checked_abs());
            Some(BatchColumn::Ints(absolute.collect::<Option<_>>()?))
        }
        [BatchColumn::Reals(reals)] => {
            Some(BatchColumn::Reals(reals.iter().map(|r| r.abs()).collect()))
        }
        _ => None,
    }
}

/// Reals made whole by `f`; integers are themselves.
pub fn whole(args: BatchArgs, f: fn(f64) -> f64) -> Option<BatchColumn> {
    match args.columns {
        [BatchColumn::Ints(ints)] => Some(BatchColumn::Ints(ints.clone())),
        [BatchColumn::Reals(reals)] => {
            let ints = reals.iter().map(|real| number::whole(f(*real)));
            Some(BatchColumn::Ints(ints.collect::<Option<_>>()?))
        }
        _ => None,
    }
}

/// Whether an integer leaves this remainder, 0 or 1, when it is halved.
pub fn parity(args: BatchArgs, remainder: i64) -> Option<Vec<bool>> {
    match args.columns {
        [BatchColumn::Ints(ints)] => Some(ints.iter().map(|int| int & 1 == remainder).collect()),
        _ => None,
    }
}
