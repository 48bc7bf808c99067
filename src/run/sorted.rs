//! Results that must all be there before the first can be given, as they are sorted. Where only the
//! first of them are wanted, no more than a few times as many are kept.

use std::cmp::Ordering;

use super::call;
use super::eval::eval;
use super::query::output;
use crate::model::{Cx, Value};
use crate::plan::{Order, Query};
use crate::text::diagnostic::{Error, Result};
use crate::text::stoppable;

/// How many results more than twice those that are wanted are kept before they are sorted.
const AHEAD: usize = 1024;

/// Results with their sort keys.
pub struct SortedResults {
    values: Vec<Value>,
    /// As many for each result as there are in `order by`.
    keys: Vec<Value>,
    /// How many are wanted, where not all are.
    most: Option<usize>,
    /// The keys of the last of those, once there were so many.
    last: Option<Vec<Value>>,
}

impl SortedResults {
    /// Nothing yet. Of what comes the first `most` are wanted, or all.
    pub fn new(most: Option<usize>) -> SortedResults {
        SortedResults {
            values: Vec::new(),
            keys: Vec::new(),
            most,
            last: None,
        }
    }

    /// Keeps a row's result, if it may be wanted; a key without a value sorts as null.
    pub fn add(&mut self, query: &Query, frame: &[Value], cx: &Cx) -> Result<()> {
        let Some(value) = output(query, frame, cx)? else {
            return Ok(());
        };
        let before = self.keys.len();
        if let Err(error) = self.add_keys(query, frame, cx) {
            // A row that fails may be set aside, and leaves nothing behind.
            self.keys.truncate(before);
            return Err(error);
        }
        if let Some(last) = &self.last
            && by_keys(&query.order, &self.keys[before..], last) != Ordering::Less
        {
            // Of what is equal the first that came is the first.
            self.keys.truncate(before);
            return Ok(());
        }
        self.values.push(value);
        if let Some(most) = self.most
            && self.values.len() > most.saturating_mul(2).saturating_add(AHEAD)
        {
            self.sort(&query.order, cx)?;
            self.last = self
                .keys
                .chunks(query.order.len())
                .last()
                .map(<[_]>::to_vec);
        }
        Ok(())
    }

    fn add_keys(&mut self, query: &Query, frame: &[Value], cx: &Cx) -> Result<()> {
        for order in &query.order {
            let key = eval(&order.key, frame, cx)?.map(|key| sort_key(key, cx));
            self.keys.push(key.unwrap_or(Ok(Value::Null))?);
        }
        Ok(())
    }

    /// The results in their order.
    pub fn finish(mut self, order: &[Order], cx: &Cx) -> Result<Vec<Value>> {
        self.sort(order, cx)?;
        Ok(self.values)
    }

    /// Sorts what there is, and keeps what is wanted of it.
    fn sort(&mut self, order: &[Order], cx: &Cx) -> Result<()> {
        if order.is_empty() {
            return Ok(());
        }
        let keys: Vec<&[Value]> = self.keys.chunks(order.len()).collect();
        let mut places: Vec<usize> = (0..self.values.len()).collect();
        let looks = cx.token.looks();
        let steps = |place: &usize| keys[*place].iter().map(Value::steps).sum();
        stoppable::sort_by(&mut places, &looks, steps, |a, b| {
            by_keys(order, keys[*a], keys[*b])
        })?;
        places.truncate(self.most.unwrap_or(usize::MAX));
        let sorted = places.iter().flat_map(|place| keys[*place]).cloned();
        let sorted = sorted.collect();
        let take = |place: usize| std::mem::replace(&mut self.values[place], Value::Null);
        self.values = places.into_iter().map(take).collect();
        self.keys = sorted;
        Ok(())
    }
}

/// The one value that a row is sorted by; null for none.
fn sort_key(key: Value, cx: &Cx) -> Result<Value> {
    if !key.is_collection() {
        return Ok(key);
    }
    let mut elements = key.elements(cx)?;
    let first = elements.next(cx)?;
    match elements.next(cx)? {
        Some(second) => {
            let first = call::short(&first.unwrap_or(Value::Null));
            let second = call::short(&second);
            Err(Error::run(format!(
                "a row is sorted by one value, but a key of 'order by' gives several: {first}, {second}"
            ))
            .help("sort by one of them, min(…) or max(…)"))
        }
        None => Ok(first.unwrap_or(Value::Null)),
    }
}

fn by_keys(order: &[Order], a: &[Value], b: &[Value]) -> Ordering {
    let compared =
        order.iter().zip(a.iter().zip(b)).map(
            |(order, (a, b))| {
                if order.descending { b.cmp(a) } else { a.cmp(b) }
            },
        );
    compared.fold(Ordering::Equal, Ordering::then)
}
