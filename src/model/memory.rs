//! What the operators of a query hold in memory, counted in bytes against a limit.
//!
//! The rule: **whatever collects as many values as a user's data has counts them in a [`HeldMemory`]**,
//! for each batch, or for each value where they come one by one. Such a count is a comparison as long as
//! an operator holds little more than when it was last looked at; only then the account of the run is
//! asked, which all operators share. What is over the limit is an error that says who holds how much.
//!
//! Sizes are what the process takes for the data: the values that were put in, what they refer to, and
//! what sorting or growing takes beside it for a while. What more than a few hold at once is counted by
//! those who came first. What is smaller than [`LOOK`] is not counted at all.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, Mutex};

use crate::model::Value;
use crate::text::diagnostic::{Error, Result, Span};
use crate::text::wait::lock;

/// An operator is looked at whenever it holds that many bytes more, or a sixteenth more than before.
const LOOK: u64 = 1 << 16;

/// What the operators of one run hold: of a statement, or of a background job.
pub struct MemoryAccount {
    limit: MemoryLimit,
    shares: Mutex<Shares>,
}

/// How much the operators of a run may hold together.
#[derive(Clone, Copy)]
pub enum MemoryLimit {
    Bytes(u64),
    /// Found out when an operator first holds so much that it matters: asking the machine takes longer
    /// than a short query.
    FoundBy(fn() -> u64),
}

impl MemoryLimit {
    pub fn bytes(self) -> u64 {
        match self {
            MemoryLimit::Bytes(bytes) => bytes,
            MemoryLimit::FoundBy(find) => find(),
        }
    }
}

#[derive(Default)]
struct Shares {
    held: u64,
    last: u64,
    of: BTreeMap<u64, Share>,
}

/// What one operator holds.
struct Share {
    operator: Box<str>,
    bytes: u64,
}

/// Who holds something: what it is called, and where it stands in the source.
#[derive(Clone, Copy)]
pub struct Operator<'a> {
    pub name: &'a str,
    pub span: Option<&'a Span>,
}

impl<'a> Operator<'a> {
    /// An operator whose place whoever runs it knows.
    pub fn named(name: &'a str) -> Operator<'a> {
        Operator { name, span: None }
    }

    pub fn at(name: &'a str, span: Option<&'a Span>) -> Operator<'a> {
        Operator { name, span }
    }
}

impl MemoryAccount {
    /// An account of a run whose operators may hold so much together.
    pub fn new(limit: MemoryLimit) -> MemoryAccount {
        MemoryAccount {
            limit,
            shares: Mutex::default(),
        }
    }

    pub fn limit(&self) -> MemoryLimit {
        self.limit
    }

    fn exceeded(&self, shares: &Shares, operator: Operator) -> Error {
        let mut by_operator: BTreeMap<&str, u64> = BTreeMap::new();
        for share in shares.of.values() {
            *by_operator.entry(&share.operator).or_default() += share.bytes;
        }
        let mut largest: Vec<_> = by_operator.into_iter().collect();
        largest.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
        let held: Vec<_> = largest
            .iter()
            .take(4)
            .map(|(name, bytes)| format!("{name} {}", Size(*bytes)))
            .collect();
        let error = Error::run(format!(
            "the query would hold more than {} in memory: {}",
            Size(self.limit.bytes()),
            held.join(", ")
        ))
        .help("osql --memory SIZE allows more, as in `osql --memory 4GB`")
        .help(
            "less is held of fewer rows and columns: filter before, or keep the first with \
             `order by … limit n`",
        )
        .at_limit()
        .about_no_element();
        match operator.span {
            Some(span) => error.at(span),
            None => error.of_memory(),
        }
    }
}

/// A number of bytes as a person reads it: `48.1 MB`.
pub struct Size(pub u64);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, of) = match self.0 {
            bytes if bytes >= 1_000_000_000 => (1e9, "GB"),
            bytes if bytes >= 1_000_000 => (1e6, "MB"),
            bytes if bytes >= 1_000 => (1e3, "kB"),
            bytes => return write!(f, "{bytes} bytes"),
        };
        let tenths = (self.0 as f64 / unit * 10.0).round() / 10.0;
        write!(f, "{tenths} {of}")
    }
}

/// What one operator holds. Dropping it gives it back.
#[derive(Default)]
pub struct HeldMemory {
    /// From how many bytes on the account has to be asked.
    look: u64,
    account: Option<(Arc<MemoryAccount>, u64)>,
}

impl HeldMemory {
    /// The operator holds so many bytes now, or is about to. An error if that is too much.
    #[inline]
    pub fn set(
        &mut self,
        bytes: usize,
        operator: Operator,
        account: &Arc<MemoryAccount>,
    ) -> Result<()> {
        if (bytes as u64) < self.look.max(LOOK) {
            return Ok(());
        }
        self.tell(bytes as u64, operator, account)
    }

    #[cold]
    fn tell(&mut self, bytes: u64, operator: Operator, account: &Arc<MemoryAccount>) -> Result<()> {
        let (account, number) = self.account.get_or_insert_with(|| {
            let mut shares = lock(&account.shares);
            shares.last += 1;
            let number = shares.last;
            let operator = operator.name.into();
            shares.of.insert(number, Share { operator, bytes: 0 });
            (account.clone(), number)
        });
        let mut shares = lock(&account.shares);
        let Some(share) = shares.of.get_mut(number) else {
            return Ok(());
        };
        let before = std::mem::replace(&mut share.bytes, bytes);
        shares.held = shares.held - before + bytes;
        self.look = bytes + (bytes / 16).max(LOOK);
        if shares.held > account.limit.bytes() {
            return Err(account.exceeded(&shares, operator));
        }
        Ok(())
    }

    /// The operator holds less again.
    pub fn shrink(&mut self, bytes: usize) {
        let Some((account, number)) = &self.account else {
            return;
        };
        let mut shares = lock(&account.shares);
        if let Some(share) = shares.of.get_mut(number) {
            let before = std::mem::replace(&mut share.bytes, bytes as u64);
            shares.held = shares.held - before + bytes as u64;
        }
        self.look = bytes as u64 + LOOK;
    }
}

impl Drop for HeldMemory {
    fn drop(&mut self) {
        if let Some((account, number)) = self.account.take() {
            let mut shares = lock(&account.shares);
            if let Some(share) = shares.of.remove(&number) {
                shares.held -= share.bytes;
            }
        }
    }
}

/// From so many holders on, what is shared is not counted again.
const SHARED: usize = 4;

impl Value {
    /// How many bytes the value refers to, beside its own.
    pub fn heap_bytes(&self) -> usize {
        /// What stands before the data of an `Arc`.
        const COUNTS: usize = 16;
        let once = |holders: usize, bytes: &dyn Fn() -> usize| match holders {
            holders if holders > SHARED => 0,
            _ => COUNTS + bytes(),
        };
        match self {
            Value::Complex(_) => 16,
            Value::Str(text) => once(Arc::strong_count(text), &|| text.len()),
            Value::Binary(bytes) => once(Arc::strong_count(bytes), &|| bytes.len()),
            Value::Vector(vector) => once(Arc::strong_count(vector), &|| bytes_of(vector)),
            Value::Array(array) => once(Arc::strong_count(array), &|| array.bytes()),
            Value::Record(record) => once(Arc::strong_count(record), &|| {
                // A field is its key and value, their hash, and its place in the table of hashes.
                const FIELD: usize = size_of::<Arc<str>>() + size_of::<Value>() + 8 + 10;
                let fields = record.iter();
                64 + fields
                    .map(|(_, value)| FIELD + value.heap_bytes())
                    .sum::<usize>()
            }),
            Value::Time(time) => once(Arc::strong_count(time), &|| {
                size_of::<Value>() + 8 + time.value.as_ref().map_or(0, Value::heap_bytes)
            }),
            // A bag made of bags may nest as many as a loop had rounds: these are not walked.
            Value::Bag(bag) => once(Arc::strong_count(bag), &|| {
                bytes_of(bag.as_slice().unwrap_or_default())
            }),
            _ => 0,
        }
    }
}

/// How many bytes these values take, and what they refer to.
pub fn bytes_of(values: &[Value]) -> usize {
    size_of_val(values) + values.iter().map(Value::heap_bytes).sum::<usize>()
}

/// A list of values that knows how many bytes it takes.
#[derive(Clone, Default)]
pub struct CountedValues {
    values: Vec<Value>,
    /// What they refer to.
    heap: usize,
}

impl CountedValues {
    #[inline]
    pub fn push(&mut self, value: Value) {
        self.heap += value.heap_bytes();
        self.values.push(value);
    }

    pub fn bytes(&self) -> usize {
        size_of_val(self.values.as_slice()) + self.heap
    }

    pub fn into_values(self) -> Vec<Value> {
        self.values
    }

    pub fn truncate(&mut self, length: usize) {
        let gone = self.values.drain(length.min(self.values.len())..);
        let heap: usize = gone.map(|value| value.heap_bytes()).sum();
        self.heap = self.heap.saturating_sub(heap);
    }
}

impl From<Vec<Value>> for CountedValues {
    fn from(values: Vec<Value>) -> CountedValues {
        let heap = values.iter().map(Value::heap_bytes).sum();
        CountedValues { values, heap }
    }
}

impl FromIterator<Value> for CountedValues {
    fn from_iter<I: IntoIterator<Item = Value>>(values: I) -> CountedValues {
        values.into_iter().collect::<Vec<_>>().into()
    }
}

impl Deref for CountedValues {
    type Target = [Value];

    fn deref(&self) -> &[Value] {
        &self.values
    }
}

/// Values that an operator collects, counted as they come.
pub struct Collecting<'a> {
    operator: Operator<'a>,
    values: CountedValues,
    memory: HeldMemory,
}

impl<'a> Collecting<'a> {
    pub fn new(operator: Operator<'a>) -> Collecting<'a> {
        Collecting {
            operator,
            values: CountedValues::default(),
            memory: HeldMemory::default(),
        }
    }

    #[inline]
    pub fn push(&mut self, value: Value, account: &Arc<MemoryAccount>) -> Result<()> {
        self.values.push(value);
        let bytes = self.values.bytes();
        self.memory.set(bytes, self.operator, account)
    }

    /// Puts a value in the place of the one at `at`, if there is one.
    pub fn replace(&mut self, at: usize, value: Value) {
        if let Some(old) = self.values.values.get_mut(at) {
            let heap = self.values.heap + value.heap_bytes();
            self.values.heap = heap.saturating_sub(old.heap_bytes());
            *old = value;
        }
    }

    pub fn len(&self) -> usize {
        self.values.len()
    }

    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    pub fn into_values(self) -> Vec<Value> {
        self.values.into_values()
    }

    /// The values as a vector, which is made beside the list of them.
    pub fn into_vector(mut self, account: &Arc<MemoryAccount>) -> Result<Value> {
        let own = size_of_val(&*self.values);
        let bytes = self.values.bytes() + own;
        self.memory.set(bytes, self.operator, account)?;
        Ok(Value::vector(self.values.into_values()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_says_who_holds_how_much() {
        let account = Arc::new(MemoryAccount::new(MemoryLimit::Bytes(1_000_000)));
        let (mut sort, mut group) = (HeldMemory::default(), HeldMemory::default());
        let sorting = Operator::named("sort");
        let grouping = Operator::named("group by");
        sort.set(600_000, sorting, &account).expect("is little");
        group.set(300_000, grouping, &account).expect("is little");
        let error = group.set(500_000, grouping, &account).expect_err("is much");
        assert_eq!(
            error.message(),
            "the query would hold more than 1 MB in memory: sort 600 kB, group by 500 kB"
        );
        drop(sort);
        group.set(900_000, grouping, &account).expect("all alone");
        group.shrink(0);
        assert_eq!(lock(&account.shares).held, 0);
    }

    #[test]
    fn what_many_share_is_counted_by_the_first() {
        let text = Value::str("x".repeat(1000));
        let mut list = CountedValues::default();
        for _ in 0..1000 {
            list.push(text.clone());
        }
        assert!(list.bytes() < 1000 * size_of::<Value>() + 5 * 1016);
        let own: CountedValues = (0..100).map(|_| Value::str("x".repeat(1000))).collect();
        assert_eq!(own.bytes(), 100 * (size_of::<Value>() + 1016));
        let nested = Value::vector([Value::vector([Value::Int(1), Value::Int(2)])]);
        assert_eq!(nested.heap_bytes(), 32 + 3 * size_of::<Value>());
    }

    #[test]
    fn sizes_are_shown_in_the_unit_that_fits() {
        let shown = [999, 1_500, 50_000_000, 12_345_678_901].map(|bytes| Size(bytes).to_string());
        assert_eq!(shown, ["999 bytes", "1.5 kB", "50 MB", "12.3 GB"]);
    }
}
