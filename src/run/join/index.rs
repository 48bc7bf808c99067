//! How the rows of the inner side of a join are found by the keys that they have.

use std::collections::HashMap;
use std::ops::Range;

use foldhash::fast::RandomState;

use crate::model::{Value, number};
use crate::run::eval;
use crate::syntax::ast::BinaryOp;
use crate::text::diagnostic::Result;
use crate::text::stoppable::Looks;

/// What a row has for the keys.
pub enum RowKeys {
    One(Value),
    Several(Vec<Value>),
    /// One of them has no value, so that the row meets nothing.
    Nothing,
    /// One of them fails: the conditions have to be tested.
    Unknown,
}

/// What an index takes for a row, or nearly: its key with the place, and the next one.
pub const BYTES_OF_ROW: usize = 24;

/// No row.
const END: u32 = u32::MAX;

/// The rows with each key, by hash.
pub struct HashIndex {
    integers: Integers,
    /// The first row with each two keys that are integers.
    pairs: HashMap<[i64; 2], u32, RandomState>,
    /// The first row with each key that is neither.
    others: HashMap<Vec<Value>, u32, RandomState>,
    /// The next row with the same key.
    next: Vec<u32>,
    unknown: Vec<u32>,
}

/// The first row with each key that is one integer.
enum Integers {
    Hashed(HashMap<i64, u32, RandomState>),
    /// By what they are more than the least.
    Near {
        least: i64,
        first: Vec<u32>,
    },
}

impl Integers {
    fn new(rows: &[RowKeys]) -> Integers {
        let (mut least, mut most, mut count) = (i64::MAX, i64::MIN, 0_u64);
        for int in rows.iter().filter_map(RowKeys::integer) {
            (least, most, count) = (least.min(int), most.max(int), count + 1);
        }
        let span = most.abs_diff(least);
        if count > 0 && span / 4 <= count {
            return Integers::Near {
                least,
                first: vec![END; span as usize + 1],
            };
        }
        Integers::Hashed(HashMap::with_capacity_and_hasher(
            count as usize,
            RandomState::default(),
        ))
    }

    /// Puts a row before those with the key; gives the first of those.
    fn put(&mut self, key: i64, row: u32) -> u32 {
        match self {
            Integers::Hashed(first) => first.insert(key, row).unwrap_or(END),
            Integers::Near { least, first } => {
                let place = &mut first[key.abs_diff(*least) as usize];
                std::mem::replace(place, row)
            }
        }
    }

    #[inline]
    fn first(&self, key: i64) -> u32 {
        match self {
            Integers::Hashed(first) => first.get(&key).copied().unwrap_or(END),
            Integers::Near { least, first } => {
                let place = key.checked_sub(*least).map(usize::try_from);
                let first = place.and_then(|place| first.get(place.ok()?));
                first.copied().unwrap_or(END)
            }
        }
    }
}

/// The integer that equals the value.
#[inline]
fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Int(int) => Some(*int),
        Value::Real(real) => number::whole(*real),
        _ => None,
    }
}

/// The two integers that equal the values.
#[inline]
fn pair(values: &[Value]) -> Option<[i64; 2]> {
    match values {
        [one, other] => Some([integer(one)?, integer(other)?]),
        _ => None,
    }
}

impl RowKeys {
    fn integer(&self) -> Option<i64> {
        match self {
            RowKeys::One(value) => integer(value),
            RowKeys::Several(_) | RowKeys::Nothing | RowKeys::Unknown => None,
        }
    }

    fn steps(&self) -> usize {
        match self {
            RowKeys::One(value) => value.steps(),
            RowKeys::Several(values) => values.iter().map(Value::steps).sum(),
            RowKeys::Nothing | RowKeys::Unknown => 1,
        }
    }
}

impl HashIndex {
    /// The index of rows that have these keys.
    pub fn new(rows: Vec<RowKeys>, looks: &Looks) -> Result<HashIndex> {
        let mut index = HashIndex {
            integers: Integers::new(&rows),
            pairs: HashMap::default(),
            others: HashMap::default(),
            next: vec![END; rows.len()],
            unknown: vec![],
        };
        // From the last row on, so that each is put before those that come after it.
        for (row, keys) in rows.into_iter().enumerate().rev() {
            looks.steps(1 + keys.steps())?;
            let at = row as u32;
            index.next[row] = match (keys.integer(), keys) {
                (Some(int), _) => index.integers.put(int, at),
                (None, RowKeys::One(value)) => index.others.insert(vec![value], at).unwrap_or(END),
                (None, RowKeys::Several(values)) => {
                    let before = match pair(&values) {
                        Some(pair) => index.pairs.insert(pair, at),
                        None => index.others.insert(values, at),
                    };
                    before.unwrap_or(END)
                }
                (None, RowKeys::Nothing) => END,
                (None, RowKeys::Unknown) => {
                    index.unknown.push(at);
                    END
                }
            };
        }
        index.unknown.reverse();
        Ok(index)
    }

    /// The rows that have these keys.
    #[inline]
    pub fn find(&self, keys: &[Value]) -> RowChain {
        let first = match keys {
            [one] => match integer(one) {
                Some(int) => self.integers.first(int),
                None => self.other(keys),
            },
            several => match pair(several) {
                Some(pair) => self.pairs.get(&pair).copied().unwrap_or(END),
                None => self.other(several),
            },
        };
        RowChain { first, unknown: 0 }
    }

    /// Whether all rows have their keys.
    pub fn is_known(&self) -> bool {
        self.unknown.is_empty()
    }

    /// The rows that have an integer as their key, all of which are known.
    #[inline]
    pub fn with_integer(&self, key: i64) -> impl Iterator<Item = u32> {
        self.chain(self.integers.first(key))
    }

    /// The same for two integers.
    #[inline]
    pub fn with_integers(&self, keys: [i64; 2]) -> impl Iterator<Item = u32> {
        self.chain(self.pairs.get(&keys).copied().unwrap_or(END))
    }

    /// The rows that have these keys, all of which are known.
    #[inline]
    pub fn with_keys(&self, keys: &[Value]) -> impl Iterator<Item = u32> {
        self.chain(self.find(keys).first)
    }

    #[inline]
    fn chain(&self, first: u32) -> impl Iterator<Item = u32> {
        let some = |row: u32| (row != END).then_some(row);
        std::iter::successors(some(first), move |row| some(self.next[*row as usize]))
    }

    fn other(&self, keys: &[Value]) -> u32 {
        self.others.get(keys).copied().unwrap_or(END)
    }

    /// The next row of a chain, and whether it has the key for certain.
    #[inline]
    pub fn next(&self, chain: &mut RowChain) -> Option<(usize, bool)> {
        match self.unknown.get(chain.unknown) {
            Some(unknown) if *unknown < chain.first => {
                chain.unknown += 1;
                Some((*unknown as usize, false))
            }
            _ if chain.first == END => None,
            _ => {
                let row = chain.first as usize;
                chain.first = self.next[row];
                Some((row, true))
            }
        }
    }
}

/// Rows that were found and have not been taken yet.
pub struct RowChain {
    first: u32,
    /// How many of the unknown rows have been taken.
    unknown: usize,
}

/// The keys of the rows in their order, to be compared with.
pub enum OrderedIndex {
    /// Integers, and whether none is less than the one before it.
    Ints(Vec<i64>, bool),
    Any(Vec<RowKeys>),
}

impl OrderedIndex {
    pub fn new(rows: Vec<RowKeys>, looks: &Looks) -> Result<OrderedIndex> {
        let mut ints = Vec::with_capacity(rows.len());
        for keys in &rows {
            looks.step()?;
            match keys {
                RowKeys::One(Value::Int(int)) => ints.push(*int),
                _ => return Ok(OrderedIndex::Any(rows)),
            }
        }
        let ascending = ints.is_sorted();
        Ok(OrderedIndex::Ints(ints, ascending))
    }

    /// The keys, if all are integers.
    pub fn integers(&self) -> Option<&[i64]> {
        match self {
            OrderedIndex::Ints(ints, _) => Some(ints),
            OrderedIndex::Any(_) => None,
        }
    }

    /// Whether the rows of a range are just those for which the comparison holds.
    pub fn is_exact(&self) -> bool {
        matches!(self, OrderedIndex::Ints(_, true))
    }

    /// The rows among which those are for which `key op row` holds.
    pub fn range(&self, op: BinaryOp, key: &Value) -> Range<usize> {
        match (self, key) {
            (OrderedIndex::Ints(ints, true), Value::Int(key)) => {
                let below = |limit: i64, inclusive: bool| {
                    ints.partition_point(|int| *int < limit || inclusive && *int == limit)
                };
                match op {
                    BinaryOp::Lt => below(*key, true)..ints.len(),
                    BinaryOp::Le => below(*key, false)..ints.len(),
                    BinaryOp::Gt => 0..below(*key, false),
                    BinaryOp::Ge => 0..below(*key, true),
                    _ => 0..ints.len(),
                }
            }
            (OrderedIndex::Ints(ints, _), _) => 0..ints.len(),
            (OrderedIndex::Any(rows), _) => 0..rows.len(),
        }
    }

    /// The next row of a range for which `key op row` holds, and whether it does for certain.
    #[inline]
    pub fn next(
        &self,
        op: BinaryOp,
        key: &Value,
        range: &mut Range<usize>,
        looks: &Looks,
    ) -> Result<Option<(usize, bool)>> {
        for row in range {
            let holds = match (self, key) {
                (OrderedIndex::Ints(ints, _), Value::Int(key)) => holds(op, *key, ints[row]),
                (OrderedIndex::Ints(ints, _), key) => {
                    eval::compare(op, key, &Value::Int(ints[row]))
                }
                (OrderedIndex::Any(rows), key) => match &rows[row] {
                    RowKeys::One(value) => {
                        looks.steps(value.steps())?;
                        eval::compare(op, key, value)
                    }
                    RowKeys::Unknown => return Ok(Some((row, false))),
                    RowKeys::Several(_) | RowKeys::Nothing => false,
                },
            };
            if holds {
                return Ok(Some((row, true)));
            }
            looks.step()?;
        }
        Ok(None)
    }
}

/// Whether `left op right` holds.
#[inline]
pub fn holds(op: BinaryOp, left: i64, right: i64) -> bool {
    match op {
        BinaryOp::Lt => left < right,
        BinaryOp::Le => left <= right,
        BinaryOp::Gt => left > right,
        BinaryOp::Ge => left >= right,
        _ => left == right,
    }
}
