//! What the broker delivers: filters, and the queries that read them.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::Thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::filter_reader::FilterReader;
use super::filters::{FilterTree, Filters};
use super::options::Qos;
use super::outbox::Command;
use super::receipt::Receipt;
use super::seen::{SeenTopic, SeenTopics};
use super::topic;
use super::wire::Publish;
use crate::text::diagnostic::Error;

/// How long messages of a kept session that no query reads wait for one, once there are queries that
/// they could hold up: a script starts its queries one after the other.
const GRACE: Duration = Duration::from_secs(2);

/// Numbers of filters: subscription identifiers go to 268,435,455 (MQTT 5, section 3.8.2.1.2), and other
/// programs count them from 1.
const NUMBERS_FROM: u32 = 1 << 20;
const NUMBERS_TO: u32 = 1 << 28;

/// How many topics are remembered of messages that were passed by.
const PASSED_TOPICS: usize = 100;

/// A message from the broker.
#[derive(Clone)]
pub struct Message {
    pub topic: Arc<str>,
    pub payload: Arc<[u8]>,
    /// The level at which it was delivered.
    pub qos: Qos,
    /// Whether it had been kept by the broker before the subscription was made.
    pub retain: bool,
    /// Whether it may have been delivered before.
    pub dup: bool,
    /// What MQTT 5 says about it.
    pub properties: Option<Arc<rumqttc_v5::mqttbytes::v5::PublishProperties>>,
    /// Acknowledges when the last copy is dropped.
    pub(super) receipt: Option<Arc<Receipt>>,
    /// What it takes in memory, in bytes.
    size: usize,
}

impl Message {
    /// What it takes in memory, in bytes.
    pub(super) fn size(&self) -> usize {
        self.size
    }
}

/// How a filter stands with the broker.
#[derive(Clone, Debug, PartialEq)]
pub enum FilterState {
    Asked,
    Granted,
    Refused(String),
}

/// A filter with its readers.
pub struct Filter {
    pub number: u32,
    pub text: Arc<str>,
    pub state: FilterState,
    /// Whether the broker has it. In MQTT 3.1.1 one that another covers is not left with the
    /// broker, which would send each message once for each of them.
    at_broker: bool,
    readers: Vec<Arc<FilterReader>>,
    /// Threads that wait for the broker's answer.
    waiting: Vec<Thread>,
}

impl Filter {
    /// Whether the broker agreed to it and need not have it, as another covers it.
    fn is_covered(&self) -> bool {
        self.state == FilterState::Granted && !self.at_broker
    }
}

/// All filters of a client with their readers.
#[derive(Default)]
pub struct Inbox {
    filters: Filters,
    /// Those that the broker has.
    at_broker: FilterTree,
    /// How many the broker agreed to and has not, as others cover them.
    covered: usize,
    /// Messages of a kept session that no query reads yet. They are not acknowledged.
    parked: VecDeque<Message>,
    /// When the last query began to read, or ended.
    readers_changed: Option<Instant>,
    /// Messages that no query read in time, by topic, and how many there were in all.
    passed: Vec<(Arc<str>, u64)>,
    passed_by: u64,
    /// Who reads the topic that came last: most streams have one topic.
    route: Option<Route>,
    /// Drops of readers that are gone.
    pub dropped: u64,
    pub subscription_ids: bool,
    /// What was seen, where that is remembered.
    seen: Option<SeenTopics>,
}

/// The inbox in figures.
pub struct Summary {
    /// The texts of all filters.
    pub filters: Vec<Arc<str>>,
    /// Messages that came and that no query has asked for yet.
    pub waiting: usize,
    /// Messages at QoS 0 that readers had to drop.
    pub dropped: u64,
    /// Messages of a kept session that no query read.
    pub passed_by: u64,
}

/// What a kept session has that no query reads.
#[derive(Debug, Default, PartialEq)]
pub struct Unread {
    /// Filters of queries that have ended.
    pub filters: Vec<Arc<str>>,
    /// Topics of messages that were passed by, and how many there were. Not all, if there are many.
    pub topics: Vec<(Arc<str>, u64)>,
}

struct Route {
    topic: Arc<str>,
    readers: Vec<(u32, Arc<FilterReader>)>,
}

/// What is to be done about a filter that a query wants to read.
pub enum Wanted {
    /// The broker is to be asked.
    Ask(u32),
    /// It has been asked already.
    Wait(u32),
}

impl Inbox {
    /// An inbox without filters. `remembers_topics`: of what it gets it remembers the topics.
    pub fn new(remembers_topics: bool) -> Inbox {
        Inbox {
            seen: remembers_topics.then(SeenTopics::default),
            ..Inbox::default()
        }
    }

    /// The topics that it remembers.
    pub fn seen_topics(&self) -> Vec<SeenTopic> {
        let seen = self.seen.iter().flat_map(SeenTopics::all);
        seen.collect()
    }

    /// Adds a reader of `filter`.
    pub fn add_reader(&mut self, filter: &str) -> (Wanted, Arc<FilterReader>) {
        self.route = None;
        self.readers_changed = Some(Instant::now());
        let reader = Arc::new(FilterReader::new());
        self.unpark(filter, &reader);
        if let Some(entry) = self.filters.with_text_mut(filter) {
            entry.readers.push(reader.clone());
            let number = entry.number;
            if let FilterState::Refused(_) = entry.state {
                entry.state = FilterState::Asked;
                return (Wanted::Ask(number), reader);
            }
            // Kept for the session although nobody read it: asking again brings what is retained.
            if entry.readers.len() == 1 {
                self.covered -= usize::from(entry.is_covered());
                entry.state = FilterState::Asked;
                return (Wanted::Ask(number), reader);
            }
            return (Wanted::Wait(number), reader);
        }
        let number = self.number_for(filter);
        self.filters.push(Filter {
            number,
            text: Arc::from(filter),
            state: FilterState::Asked,
            at_broker: false,
            readers: vec![reader.clone()],
            waiting: Vec::new(),
        });
        (Wanted::Ask(number), reader)
    }

    /// A number for a new filter, which in MQTT 5 is its subscription identifier. A broker that keeps the
    /// session says the numbers of an earlier process with the messages that waited, and there the same
    /// filter must have had the same number, and no other filter.
    fn number_for(&self, filter: &str) -> u32 {
        // One that stays the same in later versions of this program.
        let digest = Sha256::digest(filter.as_bytes());
        let mut hash = digest[..4].iter().fold(0, |n, b| n << 8 | u32::from(*b));
        loop {
            let number = NUMBERS_FROM + hash % (NUMBERS_TO - NUMBERS_FROM);
            if self.filter(number).is_none() {
                return number;
            }
            hash = hash.wrapping_add(1);
        }
    }

    /// Gives parked messages that `filter` takes to their first reader.
    fn unpark(&mut self, filter: &str, reader: &FilterReader) {
        let parked = std::mem::take(&mut self.parked);
        for message in parked {
            if topic::matches(filter, &message.topic) {
                reader.put(message, &mut Vec::new());
            } else {
                self.parked.push_back(message);
            }
        }
    }

    /// Takes a reader away; gives what the broker is to be told. In a session that is kept (`keep`)
    /// the broker goes on collecting, and what was not taken waits for the next reader.
    pub fn remove_reader(
        &mut self,
        filter: &str,
        reader: &Arc<FilterReader>,
        keep: bool,
    ) -> Vec<Command> {
        self.route = None;
        self.readers_changed = Some(Instant::now());
        self.dropped += reader.dropped.load(Ordering::Relaxed);
        let Some(entry) = self.filters.with_text_mut(filter) else {
            return Vec::new();
        };
        entry.readers.retain(|r| !Arc::ptr_eq(r, reader));
        if !entry.readers.is_empty() {
            return Vec::new();
        }
        if keep {
            let left = reader.drain().into_iter().filter(|m| m.receipt.is_some());
            self.parked.extend(left);
            return Vec::new();
        }
        let Some(entry) = self.filters.remove(filter) else {
            return Vec::new();
        };
        if entry.is_covered() {
            self.covered -= 1;
            return Vec::new();
        }
        let mut commands = self.uncovered_without(filter);
        commands.push(Command::Unsubscribe {
            filter: entry.text.to_string(),
            reply: None,
        });
        commands
    }

    /// The broker is to lose `filter`: what it had covered has to stand for itself again, before it
    /// goes.
    fn uncovered_without(&mut self, filter: &str) -> Vec<Command> {
        self.at_broker.remove(filter);
        if self.covered == 0 {
            return Vec::new();
        }
        let bare = |f: &&Filter| f.is_covered() && !self.at_broker.covers(&f.text);
        let bare = self.filters.iter().filter(bare);
        bare.map(|f| Command::Subscribe(f.number)).collect()
    }

    pub fn filter(&self, number: u32) -> Option<&Filter> {
        self.filters.get(number)
    }

    /// The state of a filter; while it is not decided, `thread` is unparked when it is.
    pub fn state(&mut self, number: u32, thread: Thread) -> Option<FilterState> {
        let filter = self.filters.get_mut(number)?;
        if filter.state == FilterState::Asked {
            filter.waiting.push(thread);
        }
        Some(filter.state.clone())
    }

    /// The broker's answer to a subscription. Gives the filters that it need not have any more.
    pub fn answer(&mut self, number: u32, state: FilterState) -> Vec<String> {
        let Some(filter) = self.filters.get_mut(number) else {
            return Vec::new();
        };
        self.covered -= usize::from(filter.is_covered());
        let text = filter.text.clone();
        filter.at_broker = state == FilterState::Granted;
        filter.state = state;
        for thread in filter.waiting.drain(..) {
            thread.unpark();
        }
        if !filter.at_broker {
            self.at_broker.remove(&text);
            return Vec::new();
        }
        self.at_broker.insert(&text, number);
        // With subscription identifiers each copy says whose it is.
        if self.subscription_ids {
            return Vec::new();
        }
        // Nothing else has changed: either it is covered, or it covers others.
        let needless = match self.at_broker.covers(&text) {
            true => vec![number],
            false => self.at_broker.covered_by(&text),
        };
        needless.into_iter().filter_map(|n| self.cover(n)).collect()
    }

    /// The broker need not have that filter any more; gives its text.
    fn cover(&mut self, number: u32) -> Option<String> {
        let filter = self.filters.get_mut(number)?;
        filter.at_broker = false;
        self.covered += usize::from(filter.is_covered());
        self.at_broker.remove(&filter.text);
        Some(filter.text.to_string())
    }

    /// The filters that the broker must know, in the order in which they were asked for.
    pub fn wanted(&mut self, all: bool) -> Vec<u32> {
        let filters = self.filters.iter_mut().filter(|f| match f.state {
            FilterState::Asked => true,
            FilterState::Granted => all && f.at_broker,
            FilterState::Refused(_) => false,
        });
        filters.map(|f| f.number).collect()
    }

    /// Wakes everyone who waits for the broker's answer to a subscription.
    pub fn wake_waiting(&mut self) {
        for filter in self.filters.iter_mut() {
            filter.waiting.drain(..).for_each(|thread| thread.unpark());
        }
    }

    /// Ends every subscription with `error`.
    pub fn end(&mut self, error: &Error) {
        for filter in self.filters.iter_mut() {
            filter.readers.iter().for_each(|reader| reader.end(error));
            filter.waiting.drain(..).for_each(|thread| thread.unpark());
        }
        self.parked.clear();
    }

    /// What the status shows.
    pub fn summary(&self) -> Summary {
        let readers = || self.filters.iter().flat_map(|f| &f.readers);
        let dropped: u64 = readers().map(|r| r.dropped.load(Ordering::Relaxed)).sum();
        let waiting: usize = readers().map(|r| r.waiting()).sum();
        Summary {
            filters: self.filters.iter().map(|f| f.text.clone()).collect(),
            waiting: waiting + self.parked.len(),
            dropped: self.dropped + dropped,
            passed_by: self.passed_by,
        }
    }

    /// Hands a message to all who read it. Gives the filter where messages begin to be dropped, so
    /// that it can be said. `receipt` makes the duty to acknowledge it.
    pub fn deliver(
        &mut self,
        publish: Publish,
        receipt: Option<Receipt>,
        keep: bool,
        woken: &mut Vec<Thread>,
    ) -> Option<Arc<str>> {
        let topic = self.find_route(&publish.topic);
        let size = publish.size();
        let message = Message {
            size,
            topic,
            payload: Arc::from(&publish.payload[..]),
            qos: publish.qos,
            retain: publish.retain,
            dup: publish.dup,
            properties: publish.properties.map(|p| Arc::from(*p)),
            receipt: receipt.map(Arc::new),
        };
        if let Some(seen) = &mut self.seen {
            seen.note(&message.topic, &message.payload);
        }
        let readers = self.route.as_ref().map_or(&[][..], |route| &route.readers);
        let asked: &[usize] = match &message.properties {
            Some(p) if self.subscription_ids => &p.subscription_identifiers,
            _ => &[],
        };
        // Another program's identifiers say nothing here.
        let foreign = asked.iter().all(|id| *id < NUMBERS_FROM as usize);
        let meant = |number: u32| foreign || asked.contains(&(number as usize));
        let mut chosen = readers
            .iter()
            .filter(|(number, _)| meant(*number))
            .peekable();
        if chosen.peek().is_none() {
            match message.receipt {
                Some(_) if keep => self.parked.push_back(message),
                None if keep => self.count_passed(&message.topic),
                _ => {}
            }
            return None;
        }
        let mut dropping = None;
        while let Some((number, reader)) = chosen.next() {
            if chosen.peek().is_none() {
                if reader.put(message, woken) {
                    dropping = Some(*number);
                }
                break;
            }
            if reader.put(message.clone(), woken) {
                dropping = Some(*number);
            }
        }
        self.filter(dropping?).map(|f| f.text.clone())
    }

    /// When messages that no query reads are to be let go, if there are any and they are in the way of
    /// others: at once where the broker's answers are behind more than may be held.
    pub fn unread_until(&self, over_full: bool) -> Option<Instant> {
        if over_full && !self.parked.is_empty() {
            return Some(Instant::now());
        }
        let read = self.filters.iter().any(|f| !f.readers.is_empty());
        match self.parked.is_empty() || !read {
            true => None,
            false => self.readers_changed.map(|changed| changed + GRACE),
        }
    }

    /// Takes out the messages that no query reads; gives them and the topic of the first.
    pub fn pass_by(&mut self) -> (VecDeque<Message>, Option<Arc<str>>) {
        let messages = std::mem::take(&mut self.parked);
        for message in &messages {
            self.count_passed(&message.topic);
        }
        let topic = messages.front().map(|message| message.topic.clone());
        (messages, topic)
    }

    fn count_passed(&mut self, topic: &Arc<str>) {
        self.passed_by += 1;
        if let Some((_, count)) = self.passed.iter_mut().find(|(known, _)| known == topic) {
            *count += 1;
        } else if self.passed.len() < PASSED_TOPICS {
            self.passed.push((topic.clone(), 1));
        }
    }

    /// How many messages no query read.
    pub fn passed_by(&self) -> u64 {
        self.passed_by
    }

    /// What no query reads.
    pub fn unread(&self) -> Unread {
        let filters = self.filters.iter().filter(|f| f.readers.is_empty());
        Unread {
            filters: filters.map(|f| f.text.clone()).collect(),
            topics: self.passed.clone(),
        }
    }

    /// Forgets a filter that no query reads, and what came for it; `None` if one reads it. Gives what
    /// the broker is to be told before it loses the filter.
    pub fn forget(&mut self, filter: &str) -> Option<Vec<Command>> {
        let found = self.filters.with_text_mut(filter);
        if found.is_some_and(|entry| !entry.readers.is_empty()) {
            return None;
        }
        self.route = None;
        let commands = match self.filters.remove(filter) {
            Some(entry) if entry.is_covered() => {
                self.covered -= 1;
                Vec::new()
            }
            _ => self.uncovered_without(filter),
        };
        self.parked.retain(|m| !topic::matches(filter, &m.topic));
        self.passed
            .retain(|(known, _)| !topic::matches(filter, known));
        Some(commands)
    }

    /// Sees to it that `route` is that of `topic`; gives the topic as a string.
    fn find_route(&mut self, topic: &Bytes) -> Arc<str> {
        if let Some(route) = &self.route
            && route.topic.as_bytes() == &topic[..]
        {
            return route.topic.clone();
        }
        let text: Arc<str> = Arc::from(String::from_utf8_lossy(topic));
        let mut readers = Vec::new();
        for filter in self.filters.iter() {
            if topic::matches(&filter.text, &text) {
                readers.extend(filter.readers.iter().map(|r| (filter.number, r.clone())));
            }
        }
        self.route = Some(Route {
            topic: text.clone(),
            readers,
        });
        text
    }
}
