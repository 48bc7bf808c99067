//! Which topics there are, and what has come on each: `mqtt:topics`.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_core::de::IgnoredAny;

use crate::functions::stream::pace;
use crate::model::collection::HeldBag;
use crate::model::memory::{HeldMemory, Operator};
use crate::model::{Args, Collection, Cx, Record, Source, Value, hex};
use crate::run::call::short;
use crate::run::inputs::{Event, Inputs};
use crate::text::diagnostic::{Error, Result};
use crate::text::wait::later;

/// Topics that are told apart: whoever publishes chooses how many there are, and how long they are.
const MOST_TOPICS: usize = 10_000;
const MOST_TOPIC_BYTES: usize = 16 << 20;

/// How much of the last payload is kept: characters of text, bytes of anything else.
const LAST_CHARACTERS: usize = 200;
const LAST_BYTES: usize = 32;

/// A rate is that of the last minute, counted in spans.
const SPANS: usize = 12;
const SPAN: Duration = Duration::from_secs(5);

/// `mqtt:topics(messages)`: one record for each topic, when the messages have ended.
pub fn topics(_: &Cx, args: Args) -> Result<Option<Value>> {
    let messages = args.collection(0)?.clone();
    Ok(Some(Value::bag_from(move |cx| {
        let mut counted = Counted::new();
        let mut source = messages.open(cx)?;
        while let Some(message) = source.next(cx)? {
            counted.take(&message, cx)?;
        }
        HeldBag::new(counted.topics.records(Instant::now())).open(cx)
    })))
}

/// `mqtt:topics(messages, pace)`: these records as a vector, again and again.
pub fn topics_paced(_: &Cx, args: Args) -> Result<Option<Value>> {
    let (messages, pace) = (args.collection(0)?.clone(), pace(args, 1)?);
    if pace.is_zero() {
        return Err(Error::run("mqtt:topics needs a pace above 0 seconds"));
    }
    Ok(Some(Value::stream_from(move |cx| {
        Ok(Box::new(TopicStates {
            input: Some(Inputs::start(vec![messages.clone()], "mqtt:topics", cx)?),
            batch: VecDeque::new(),
            counted: Counted::new(),
            pace,
            due: later(Instant::now(), pace),
        }))
    })))
}

struct TopicStates {
    /// `None` once there is nothing more to count.
    input: Option<Inputs>,
    batch: VecDeque<(usize, Event)>,
    counted: Counted,
    pace: Duration,
    /// When the next state is given.
    due: Instant,
}

impl Source for TopicStates {
    fn is_live(&self) -> bool {
        self.input.as_ref().is_some_and(Inputs::is_live)
    }

    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        while let Some(input) = &self.input {
            cx.token.check()?;
            input.receive(&mut self.batch, Some(self.due), &cx.token)?;
            let mut counted = 0;
            for (_, event) in std::mem::take(&mut self.batch) {
                match event {
                    Event::Element(message) => self.counted.take(&message, cx)?,
                    Event::Failed(error) => return Err(error),
                    Event::End => {
                        self.input = None;
                        return Ok(Some(self.counted.state()));
                    }
                }
                counted += 1;
            }
            input.release(&mut [counted]);
            let now = Instant::now();
            if now >= self.due {
                // A state that could not be given in time is left out.
                self.due = later(now, self.pace);
                return Ok(Some(self.counted.state()));
            }
        }
        Ok(None)
    }
}

/// Topics, and the memory that they take.
struct Counted {
    topics: CountedTopics,
    memory: HeldMemory,
}

impl Counted {
    fn new() -> Counted {
        Counted {
            topics: CountedTopics::new(Instant::now()),
            memory: HeldMemory::default(),
        }
    }

    fn take(&mut self, message: &Value, cx: &Cx) -> Result<()> {
        let arrived = arrived(message).ok_or_else(|| {
            Error::run(format!(
                "mqtt:topics counts messages, not {}",
                short(message)
            ))
            .help("subscribe:topic(\"client:filter\") gives messages")
        })?;
        self.topics.count(&arrived, Instant::now());
        let operator = Operator::named("mqtt:topics");
        self.memory.set(self.topics.bytes(), operator, &cx.memory)
    }

    fn state(&self) -> Value {
        Value::vector(self.topics.records(Instant::now()))
    }
}

/// A message, as far as it is counted.
struct Arrived<'a> {
    topic: &'a Arc<str>,
    payload: &'a [u8],
    /// Whether the broker had kept it, so that it says nothing of how often one comes.
    kept: bool,
}

fn arrived(message: &Value) -> Option<Arrived<'_>> {
    let Value::Record(message) = message else {
        return None;
    };
    let (Some(Value::Str(topic)), Some(Value::Binary(payload))) =
        (message.get("topic"), message.get("payload"))
    else {
        return None;
    };
    Some(Arrived {
        topic,
        payload,
        kept: message.get("retain") == Some(&Value::Bool(true)),
    })
}

/// What has come on each topic.
struct CountedTopics {
    began: Instant,
    topics: BTreeMap<Arc<str>, CountedTopic>,
    /// How long the topics are together.
    topic_bytes: usize,
    /// What has come on further topics.
    others: Traffic,
}

struct CountedTopic {
    traffic: Traffic,
    size: usize,
    kind: &'static str,
    last: Arc<str>,
}

impl CountedTopics {
    fn new(now: Instant) -> CountedTopics {
        CountedTopics {
            began: now,
            topics: BTreeMap::new(),
            topic_bytes: 0,
            others: Traffic::default(),
        }
    }

    fn count(&mut self, message: &Arrived, now: Instant) {
        let span = self.span(now);
        if let Some(topic) = self.topics.get_mut(message.topic) {
            topic.take(message, span);
            return;
        }
        let bytes = self.topic_bytes + message.topic.len();
        if self.topics.len() >= MOST_TOPICS || bytes > MOST_TOPIC_BYTES {
            self.others.take(message, span);
            return;
        }
        self.topic_bytes = bytes;
        let mut topic = CountedTopic {
            traffic: Traffic::default(),
            size: 0,
            kind: "",
            last: "".into(),
        };
        topic.take(message, span);
        self.topics.insert(message.topic.clone(), topic);
    }

    fn span(&self, now: Instant) -> u64 {
        now.saturating_duration_since(self.began).as_secs() / SPAN.as_secs()
    }

    /// How much all of it takes at the most.
    fn bytes(&self) -> usize {
        let each = size_of::<CountedTopic>() + 4 * LAST_CHARACTERS + 100;
        self.topic_bytes + self.topics.len() * each
    }

    /// A record for each topic in the order of their names, and behind them one for all the others.
    fn records(&self, now: Instant) -> Vec<Value> {
        let rate = |traffic: &Traffic| {
            let seconds = self.seconds_of_rate(now);
            let recent = f64::from(traffic.recent_at(self.span(now)));
            Value::Real((recent / seconds * 1000.0).round() / 1000.0)
        };
        let record = |topic: Value, traffic: &Traffic, last: Option<&CountedTopic>| {
            let of_last = |value: &dyn Fn(&CountedTopic) -> Value| last.map_or(Value::Null, value);
            Value::record(Record::from_iter([
                ("topic", topic),
                ("count", Value::Int(traffic.count as i64)),
                ("rate", rate(traffic)),
                ("size", of_last(&|topic| Value::Int(topic.size as i64))),
                ("bytes", Value::Int(traffic.bytes as i64)),
                ("kind", of_last(&|topic| Value::str(topic.kind))),
                ("last", of_last(&|topic| Value::Str(topic.last.clone()))),
            ]))
        };
        let topics = self.topics.iter();
        let mut records: Vec<_> = topics
            .map(|(name, topic)| record(Value::Str(name.clone()), &topic.traffic, Some(topic)))
            .collect();
        if self.others.count > 0 {
            records.push(record(Value::Null, &self.others, None));
        }
        records
    }

    /// The time in which the recent messages have come: as much of a minute as has passed.
    fn seconds_of_rate(&self, now: Instant) -> f64 {
        let elapsed = now.saturating_duration_since(self.began).as_secs_f64();
        let span = SPAN.as_secs_f64();
        let counted = (SPANS - 1) as f64 * span + elapsed % span;
        // Of less than a second it would say nothing.
        elapsed.min(counted).max(1.0)
    }
}

impl CountedTopic {
    fn take(&mut self, message: &Arrived, span: u64) {
        self.traffic.take(message, span);
        self.size = message.payload.len();
        (self.kind, self.last) = described(message.payload);
    }
}

/// How many messages have come, and how many of late.
#[derive(Default)]
struct Traffic {
    count: u64,
    bytes: u64,
    /// Those of the last spans, each in the place that its number has among so many.
    recent: [u32; SPANS],
    /// The number of the last span in which one was counted.
    span: u64,
}

impl Traffic {
    fn take(&mut self, message: &Arrived, span: u64) {
        self.count += 1;
        self.bytes += message.payload.len() as u64;
        if message.kept {
            return;
        }
        for passed in (self.span + 1..=span).take(SPANS) {
            self.recent[place(passed)] = 0;
        }
        self.span = span;
        self.recent[place(span)] += 1;
    }

    /// How many have come within the last spans, up to this one.
    fn recent_at(&self, span: u64) -> u32 {
        let first = (span + 1).saturating_sub(SPANS as u64);
        let spans = (first..=span).filter(|s| *s <= self.span && s + SPANS as u64 > self.span);
        spans.map(|s| self.recent[place(s)]).sum()
    }
}

fn place(span: u64) -> usize {
    (span % SPANS as u64) as usize
}

/// What kind of payload it is, and its beginning.
fn described(payload: &[u8]) -> (&'static str, Arc<str>) {
    match std::str::from_utf8(payload) {
        Ok("") => ("empty", "".into()),
        Ok(text) if !text.chars().any(is_of_no_text) => {
            let kind = json_kind(payload).unwrap_or("text");
            (kind, beginning(text))
        }
        _ => ("binary", beginning_in_hex(payload)),
    }
}

/// Whether a character stands in no text: a control character that does not move the cursor or begin an
/// escape.
fn is_of_no_text(c: char) -> bool {
    c.is_ascii_control() && !matches!(c, '\x07'..='\r' | '\x1b')
}

/// Which kind of JSON value the text is, if it is one.
fn json_kind(text: &[u8]) -> Option<&'static str> {
    let kind = match text.trim_ascii_start().first()? {
        b'{' => "object",
        b'[' => "array",
        b'"' => "string",
        b't' | b'f' => "boolean",
        b'n' => "null",
        b'-' | b'0'..=b'9' => "number",
        _ => return None,
    };
    let read = serde_json::from_slice::<IgnoredAny>(text);
    read.is_ok().then_some(kind)
}

fn beginning(text: &str) -> Arc<str> {
    match text.char_indices().nth(LAST_CHARACTERS) {
        Some((end, _)) => format!("{}…", &text[..end]).into(),
        None => text.into(),
    }
}

fn beginning_in_hex(bytes: &[u8]) -> Arc<str> {
    let (first, rest) = bytes.split_at(bytes.len().min(LAST_BYTES));
    let mut text = String::new();
    hex::push(&mut text, first);
    if !rest.is_empty() {
        text.push('…');
    }
    text.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(topics: &mut CountedTopics, topic: &str, payload: &[u8], after: f64) {
        let message = Arrived {
            topic: &topic.into(),
            payload,
            kept: false,
        };
        let now = topics.began + Duration::from_secs_f64(after);
        topics.count(&message, now);
    }

    fn field(record: &Value, name: &str) -> Value {
        match record {
            Value::Record(record) => record.get(name).cloned().expect("is there"),
            other => panic!("{other} is no record"),
        }
    }

    #[test]
    fn payloads_are_described() {
        let long = "é".repeat(201);
        for (payload, kind, last) in [
            (&b""[..], "empty", ""),
            (b" {\"a\": [1]} ", "object", " {\"a\": [1]} "),
            (b"[1,2]", "array", "[1,2]"),
            (b"-1.5e3", "number", "-1.5e3"),
            (b"1.5 V", "text", "1.5 V"),
            (b"true", "boolean", "true"),
            (b"null", "null", "null"),
            (b"\"x\"", "string", "\"x\""),
            (b"{\"a\": ", "text", "{\"a\": "),
            (b"a\x1b[2J\r\n", "text", "a\x1b[2J\r\n"),
            (b"\x00\x01", "binary", "0001"),
            (b"\xff", "binary", "ff"),
            (&[1; 33], "binary", &("01".repeat(32) + "…")),
            (long.as_bytes(), "text", &("é".repeat(200) + "…")),
        ] {
            assert_eq!(described(payload), (kind, last.into()));
        }
    }

    #[test]
    fn a_rate_is_that_of_the_last_minute() {
        let mut topics = CountedTopics::new(Instant::now());
        let rate = |topics: &CountedTopics, after: f64| {
            let now = topics.began + Duration::from_secs_f64(after);
            field(&topics.records(now)[0], "rate")
        };
        for second in 0..10 {
            count(&mut topics, "t", b"1", f64::from(second));
        }
        assert_eq!(rate(&topics, 10.0), Value::Real(1.0));
        assert_eq!(rate(&topics, 40.0), Value::Real(0.25));
        assert_eq!(rate(&topics, 62.5), Value::Real(0.087), "5 in 57.5 seconds");
        assert_eq!(rate(&topics, 65.0), Value::Real(0.0));
        count(&mut topics, "t", b"1", 200.0);
        assert_eq!(rate(&topics, 205.0), Value::Real(0.018));
        assert_eq!(rate(&topics, 1e6), Value::Real(0.0));
    }

    #[test]
    fn the_rate_agrees_with_a_list_of_all_messages() {
        let mut topics = CountedTopics::new(Instant::now());
        let mut times = Vec::new();
        let mut at = 0.0;
        for step in 0..2000_u32 {
            at += f64::from(step * 7919 % 97) / 32.0 + f64::from(u32::from(step % 131 == 0)) * 70.0;
            times.push(at);
            count(&mut topics, "t", b"1", at);
            let now = topics.began + Duration::from_secs_f64(at);
            let first = ((at / 5.0).floor() - 11.0).max(0.0) * 5.0;
            let expected = times.iter().filter(|time| **time >= first).count();
            let recent = topics.topics["t"].traffic.recent_at(topics.span(now));
            assert_eq!(recent as usize, expected, "after {at} s");
        }
    }

    #[test]
    fn no_more_topics_are_kept_than_there_is_room_for() {
        let mut topics = CountedTopics::new(Instant::now());
        for number in 0..MOST_TOPICS + 5 {
            count(&mut topics, &format!("t/{number}"), b"12", 0.0);
        }
        count(&mut topics, "t/0", b"", 1.0);
        let records = topics.records(topics.began);
        assert_eq!(records.len(), MOST_TOPICS + 1);
        assert_eq!(field(&records[0], "count"), Value::Int(2));
        assert_eq!(field(&records[0], "bytes"), Value::Int(2));
        let others = records.last().expect("is there");
        assert_eq!(field(others, "topic"), Value::Null);
        assert_eq!(field(others, "count"), Value::Int(5));
        assert_eq!(field(others, "kind"), Value::Null);
        let mut long = CountedTopics::new(Instant::now());
        for number in 0..300 {
            count(
                &mut long,
                &format!("{number}{}", "x".repeat(65_000)),
                b"",
                0.0,
            );
        }
        assert!(long.bytes() < 2 * MOST_TOPIC_BYTES, "{}", long.bytes());
        assert_eq!(long.others.count + long.topics.len() as u64, 300);
    }
}
