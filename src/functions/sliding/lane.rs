//! What windows have of each element that some aggregates are about, as elements come and go: the element
//! itself, or a field of it.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::catalog::Catalog;
use crate::model::native::AggregateKind;
use crate::model::{Cx, Type, Value};
use crate::run::aggregate::Accumulator;
use crate::run::aggregate::sliding::SlidingAggregate;
use crate::run::call;
use crate::text::diagnostic::{Error, Result};

/// An aggregate that is wanted of each window: its name, or its name and the key of the field that it is of.
#[derive(Clone)]
pub struct WantedAggregate {
    name: Arc<str>,
    key: Option<Arc<str>>,
    pub kind: AggregateKind,
}

impl WantedAggregate {
    /// What the elements of a vector name.
    pub fn all(wanted: &[Value], cx: &Cx) -> Result<Vec<WantedAggregate>> {
        wanted
            .iter()
            .map(|of| WantedAggregate::of(of, cx))
            .collect()
    }

    fn of(wanted: &Value, cx: &Cx) -> Result<WantedAggregate> {
        let (name, key) = match wanted {
            Value::Str(name) => (name, None),
            Value::Vector(parts) => match &**parts {
                [Value::Str(name), Value::Str(key)] => (name, Some(key.clone())),
                _ => return Err(no_aggregate(wanted, cx)?),
            },
            _ => return Err(no_aggregate(wanted, cx)?),
        };
        match aggregate_named(name, key.is_some(), cx)? {
            // How many there are depends on which of them have the field.
            Some(AggregateKind::Count) if key.is_some() => Err(no_aggregate(wanted, cx)?),
            Some(kind) => Ok(WantedAggregate {
                name: name.clone(),
                key,
                kind,
            }),
            None => Err(no_aggregate(wanted, cx)?),
        }
    }

    pub fn is_of_field(&self) -> bool {
        self.key.is_some()
    }
}

/// The aggregate that the built-in function `name` is: over the fields of records as over a bag, over
/// elements as over a vector.
fn aggregate_named(name: &str, of_field: bool, cx: &Cx) -> Result<Option<AggregateKind>> {
    let resolvents = Catalog::of(cx).functions.resolvents(name)?;
    let fits = |ty: &Type| match of_field {
        true => matches!(ty, Type::Bag(_)),
        false => matches!(ty, Type::Vector(_)),
    };
    let mut fitting = resolvents
        .iter()
        .filter(|f| matches!(&*f.signature.params, [only] if fits(&only.ty)));
    Ok(fitting.find_map(|f| f.native()?.aggregate))
}

fn no_aggregate(given: &Value, cx: &Cx) -> Result<Error> {
    let mut known = Vec::new();
    for name in Catalog::of(cx).functions.names() {
        if aggregate_named(&name, false, cx)?.is_some() {
            known.push(name.to_string());
        }
    }
    Ok(
        Error::run(format!("{given} is no aggregate of a window")).help(format!(
            "there are {}, and with the key of a field, as in ['sum','temp'], the same but for dim",
            known.join(", ")
        )),
    )
}

/// What a window has for the aggregates of one field, or of the elements themselves.
pub struct WindowLane {
    key: Option<Arc<str>>,
    pub window: VecDeque<Value>,
    /// What the values of the window refer to.
    heap: usize,
    /// How many of them are not numbers; the aggregates leave them out.
    others: usize,
    /// How many fields are null, which counts for nothing.
    nulls: usize,
    /// How many values have come and gone.
    come: u64,
    gone: u64,
    pub aggregates: Vec<SlidingAggregate>,
    names: Vec<Arc<str>>,
    kinds: Vec<AggregateKind>,
    /// The places of the results among those of all.
    places: Vec<usize>,
}

impl WindowLane {
    /// A lane for each field that aggregates are wanted of, and one for the elements themselves.
    pub fn of_all(wanted: &[WantedAggregate]) -> Vec<WindowLane> {
        let mut lanes: Vec<WindowLane> = Vec::new();
        for (place, aggregate) in wanted.iter().enumerate() {
            let at = lanes.iter().position(|lane| lane.key == aggregate.key);
            let at = at.unwrap_or_else(|| {
                lanes.push(WindowLane::new(aggregate.key.clone()));
                lanes.len() - 1
            });
            let lane = &mut lanes[at];
            lane.aggregates.push(SlidingAggregate::new(aggregate.kind));
            lane.names.push(aggregate.name.clone());
            lane.kinds.push(aggregate.kind);
            lane.places.push(place);
        }
        lanes
    }

    fn new(key: Option<Arc<str>>) -> WindowLane {
        WindowLane {
            key,
            window: VecDeque::new(),
            heap: 0,
            others: 0,
            nulls: 0,
            come: 0,
            gone: 0,
            aggregates: vec![],
            names: vec![],
            kinds: vec![],
            places: vec![],
        }
    }

    /// How many bytes the values take.
    pub fn bytes(&self) -> usize {
        self.window.len() * size_of::<Value>() + self.heap
    }

    /// The aggregates have taken so many values by another way, of which these are in the window.
    pub fn go_on(&mut self, window: Vec<Value>, come: u64) {
        self.come = come;
        self.gone = come - window.len() as u64;
        self.window.extend(window);
    }

    #[inline]
    pub fn enter(&mut self, element: &Value) {
        let value = match &self.key {
            None => element.clone(),
            Some(key) => match element {
                Value::Record(record) => record.get(key).cloned().unwrap_or(Value::Null),
                _ => Value::Null,
            },
        };
        match &value {
            Value::Int(_) | Value::Real(_) => {
                for aggregate in &mut self.aggregates {
                    aggregate.add(&value, self.come);
                }
            }
            Value::Null if self.key.is_some() => self.nulls += 1,
            other => {
                self.others += 1;
                self.heap += other.heap_bytes();
            }
        }
        self.window.push_back(value);
        self.come += 1;
    }

    /// The oldest goes.
    #[inline]
    pub fn leave(&mut self) {
        let Some(value) = self.window.pop_front() else {
            return;
        };
        match &value {
            Value::Int(_) | Value::Real(_) => {
                for aggregate in &mut self.aggregates {
                    aggregate.remove(&value, self.gone);
                }
            }
            Value::Null if self.key.is_some() => self.nulls -= 1,
            other => {
                self.others -= 1;
                self.heap = self.heap.saturating_sub(other.heap_bytes());
            }
        }
        self.gone += 1;
    }

    /// All go at once.
    pub fn clear(&mut self) {
        self.gone += self.window.len() as u64;
        self.window.clear();
        (self.heap, self.others, self.nulls) = (0, 0, 0);
        for (aggregate, kind) in self.aggregates.iter_mut().zip(&self.kinds) {
            *aggregate = SlidingAggregate::new(*kind);
        }
    }

    /// Puts the results over the window into their places.
    pub fn results(&self, results: &mut [Value], cx: &Cx) -> Result<()> {
        if self.others > 0 {
            return self.plain_results(results, cx);
        }
        for (aggregate, place) in self.aggregates.iter().zip(&self.places) {
            let result = aggregate.result(self.window.len() - self.nulls)?;
            results[*place] = result.unwrap_or(Value::Null);
        }
        Ok(())
    }

    /// What the functions say of a window with something beside numbers.
    fn plain_results(&self, results: &mut [Value], cx: &Cx) -> Result<()> {
        cx.token.looks().steps(self.window.len())?;
        if self.key.is_some() {
            for (kind, place) in self.kinds.iter().zip(&self.places) {
                let mut so_far = Accumulator::new(*kind);
                for value in &self.window {
                    so_far.add(value.clone(), cx)?;
                }
                results[*place] = so_far.result()?.unwrap_or(Value::Null);
            }
            return Ok(());
        }
        let window = Value::vector(self.window.iter().cloned());
        for (name, place) in self.names.iter().zip(&self.places) {
            let resolvents = Catalog::of(cx).functions.resolvents(name)?;
            let result = call::late(&resolvents, vec![window.clone()], cx)?;
            results[*place] = result.unwrap_or(Value::Null);
        }
        Ok(())
    }
}
