//! Flows inside the process: what one query publishes, others that subscribe to the name get.
//!
//! Each subscriber has a bounded queue. A publisher waits for a subscriber whose queue is full:
//! nothing is dropped.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::{ElementForm, Flow, FlowPublisher};
use crate::model::{Cx, Source, Value};
use crate::mqtt::Settings;
use crate::text::diagnostic::{Error, Result};
use crate::text::wait::{Received, Receiver, Sender, Token, lock, queue};

/// How many elements may wait for a subscriber.
pub const CAPACITY: usize = 1024;

/// The flows that have a publisher or a subscriber, were defined or have had an element, by name.
#[derive(Default)]
pub struct Flows(Mutex<BTreeMap<Arc<str>, Arc<FlowInUse>>>);

/// A flow inside the process, in use or not.
pub struct LocalFlow {
    flows: Arc<Flows>,
    name: Arc<str>,
}

impl LocalFlow {
    pub fn new(flows: &Arc<Flows>, name: &str) -> LocalFlow {
        LocalFlow {
            flows: flows.clone(),
            name: name.into(),
        }
    }
}

impl Flow for LocalFlow {
    fn check_publish(&self, options: &Settings) -> Result<()> {
        match options.iter().next() {
            None => Ok(()),
            Some((option, _)) => Err(Error::run(format!(
                "the flow '{}' is inside this program and has no option '{option}'",
                self.name
            ))
            .help("options are for topics of MQTT clients: 'client:topic'")),
        }
    }

    fn publisher(&self, options: &Settings) -> Result<Box<dyn FlowPublisher>> {
        self.check_publish(options)?;
        Ok(Box::new(self.flows.publisher(&self.name)))
    }

    fn check_subscribe(&self, form: ElementForm) -> Result<()> {
        match form {
            ElementForm::Payload => Ok(()),
            ElementForm::Message => Err(Error::run(format!(
                "the flow '{}' is inside this program and has no topics",
                self.name
            ))
            .help("subscribe(flow) gives what is published on it")),
        }
    }

    fn subscribe(&self, form: ElementForm, _: &Token) -> Result<Box<dyn Source>> {
        self.check_subscribe(form)?;
        Ok(Box::new(self.flows.subscribe(&self.name)))
    }
}

/// A flow that is in use, or has been.
struct FlowInUse {
    name: Arc<str>,
    subscribers: Mutex<Arc<Vec<Subscriber>>>,
    /// What was published last: who subscribes later gets it first.
    latest: Mutex<Option<Value>>,
    /// Whether it was defined, and so stays when nobody uses it.
    defined: AtomicBool,
    publishers: AtomicUsize,
    published: AtomicU64,
}

#[derive(Clone)]
struct Subscriber {
    id: u64,
    queue: Arc<Sender<Value>>,
}

impl FlowInUse {
    /// Whether it has a publisher or a subscriber, or was defined.
    fn is_in_use(&self) -> bool {
        self.publishers.load(Ordering::SeqCst) > 0
            || !lock(&self.subscribers).is_empty()
            || self.defined.load(Ordering::SeqCst)
    }
}

static NEXT_SUBSCRIBER: AtomicU64 = AtomicU64::new(0);

/// What is known of a flow.
pub struct FlowStatus {
    pub name: Arc<str>,
    pub publishers: usize,
    pub subscribers: usize,
    /// How many elements have been published so far.
    pub published: u64,
}

impl Flows {
    /// Publishes on the flow until the publisher is dropped.
    pub fn publisher(self: &Arc<Flows>, name: &str) -> LocalPublisher {
        let mut flows = lock(&self.0);
        let flow = flow(&mut flows, name);
        flow.publishers.fetch_add(1, Ordering::SeqCst);
        LocalPublisher {
            flows: self.clone(),
            flow,
        }
    }

    /// Gets what is published on the flow from now on.
    pub fn subscribe(self: &Arc<Flows>, name: &str) -> LocalSubscription {
        let (sender, receiver) = queue(CAPACITY);
        let id = NEXT_SUBSCRIBER.fetch_add(1, Ordering::Relaxed);
        let mut flows = lock(&self.0);
        let flow = flow(&mut flows, name);
        // Under the lock of the subscribers, so that each element comes once: as the latest or in turn.
        let mut subscribers = lock(&flow.subscribers);
        let latest = lock(&flow.latest).clone();
        Arc::make_mut(&mut subscribers).push(Subscriber {
            id,
            queue: Arc::new(sender),
        });
        drop(subscribers);
        LocalSubscription {
            flows: self.clone(),
            flow,
            id,
            receiver,
            batch: latest.into_iter().collect(),
        }
    }

    /// Makes a flow that is there before anyone publishes on it or subscribes to it.
    pub fn define(&self, name: &str) {
        let mut flows = lock(&self.0);
        flow(&mut flows, name).defined.store(true, Ordering::SeqCst);
    }

    /// Ends all subscriptions to a flow, once they have given what is waiting for them; `false` if
    /// there is no such flow.
    pub fn drop_subscriptions(&self, name: &str) -> bool {
        let mut flows = lock(&self.0);
        let Some(flow) = flows.get(name).cloned() else {
            return false;
        };
        *lock(&flow.subscribers) = Arc::default();
        *lock(&flow.latest) = None;
        flow.defined.store(false, Ordering::SeqCst);
        forget_unused(&mut flows, &flow);
        true
    }

    /// All flows that are in use, in the order of their names.
    pub fn all(&self) -> Vec<FlowStatus> {
        let status = |flow: &Arc<FlowInUse>| FlowStatus {
            name: flow.name.clone(),
            publishers: flow.publishers.load(Ordering::SeqCst),
            subscribers: lock(&flow.subscribers).len(),
            published: flow.published.load(Ordering::Relaxed),
        };
        let flows = lock(&self.0);
        let used = flows.values().filter(|flow| flow.is_in_use());
        used.map(status).collect()
    }
}

/// The flow of that name, made if need be.
fn flow(flows: &mut BTreeMap<Arc<str>, Arc<FlowInUse>>, name: &str) -> Arc<FlowInUse> {
    if let Some(flow) = flows.get(name) {
        return flow.clone();
    }
    let flow = Arc::new(FlowInUse {
        name: name.into(),
        subscribers: Mutex::default(),
        latest: Mutex::default(),
        defined: AtomicBool::default(),
        publishers: AtomicUsize::new(0),
        published: AtomicU64::new(0),
    });
    flows.insert(flow.name.clone(), flow.clone());
    flow
}

fn forget_unused(flows: &mut BTreeMap<Arc<str>, Arc<FlowInUse>>, flow: &FlowInUse) {
    if !flow.is_in_use() && lock(&flow.latest).is_none() {
        flows.remove(&flow.name);
    }
}

/// Publishes on one flow.
pub struct LocalPublisher {
    flows: Arc<Flows>,
    flow: Arc<FlowInUse>,
}

impl FlowPublisher for LocalPublisher {
    /// Gives `value` to every subscriber; waits where one has too much waiting.
    fn publish(&mut self, value: &Value, token: &Token) -> Result<()> {
        let subscribers = lock(&self.flow.subscribers);
        *lock(&self.flow.latest) = Some(value.clone());
        let all = subscribers.clone();
        drop(subscribers);
        for subscriber in all.iter() {
            // A subscriber that has gone takes itself off the list.
            subscriber.queue.send(value.clone(), token)?;
        }
        self.flow.published.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Every subscriber has what was published in its queue.
    fn finish(&mut self, _: &Token) -> Result<()> {
        Ok(())
    }
}

impl Drop for LocalPublisher {
    fn drop(&mut self) {
        let mut flows = lock(&self.flows.0);
        self.flow.publishers.fetch_sub(1, Ordering::SeqCst);
        forget_unused(&mut flows, &self.flow);
    }
}

/// What comes on one flow; ends when the flow's subscriptions are dropped.
pub struct LocalSubscription {
    flows: Arc<Flows>,
    flow: Arc<FlowInUse>,
    id: u64,
    receiver: Receiver<Value>,
    batch: VecDeque<Value>,
}

impl Source for LocalSubscription {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        if let Some(value) = self.batch.pop_front() {
            cx.token.check()?;
            return Ok(Some(value));
        }
        let Received::Item(first) = self.receiver.recv(None, &cx.token)? else {
            return Ok(None);
        };
        let mut more = Vec::new();
        self.receiver.drain(&mut more);
        self.batch.extend(more);
        Ok(Some(first))
    }
}

impl Drop for LocalSubscription {
    fn drop(&mut self) {
        let mut flows = lock(&self.flows.0);
        let mut subscribers = lock(&self.flow.subscribers);
        Arc::make_mut(&mut subscribers).retain(|subscriber| subscriber.id != self.id);
        drop(subscribers);
        forget_unused(&mut flows, &self.flow);
    }
}
