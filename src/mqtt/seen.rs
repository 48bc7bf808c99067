//! Topics that a client has seen, with a payload of each: what a person at a prompt is offered.

use std::sync::Arc;

use indexmap::IndexMap;

/// How many topics are remembered; those that come later are not.
const MOST_TOPICS: usize = 1000;

/// Longer topics are not remembered.
const LONGEST_TOPIC: usize = 1000;

/// Of longer payloads only the topic is remembered.
const LONGEST_PAYLOAD: usize = 4096;

/// The topics of messages that have come, with the latest short payload of each.
#[derive(Default)]
pub struct SeenTopics(IndexMap<Arc<str>, Option<Arc<[u8]>>>);

impl SeenTopics {
    pub fn note(&mut self, topic: &Arc<str>, payload: &Arc<[u8]>) {
        let payload = (payload.len() <= LONGEST_PAYLOAD).then(|| payload.clone());
        if let Some(known) = self.0.get_mut(topic) {
            *known = payload;
        } else if self.0.len() < MOST_TOPICS && topic.len() <= LONGEST_TOPIC {
            self.0.insert(topic.clone(), payload);
        }
    }

    /// All topics, in the order in which they came first.
    pub fn all(&self) -> impl Iterator<Item = SeenTopic> {
        self.0.iter().map(|(topic, payload)| SeenTopic {
            topic: topic.clone(),
            payload: payload.clone(),
        })
    }
}

/// A topic that a client has seen.
pub struct SeenTopic {
    pub topic: Arc<str>,
    /// What came last, if it was short.
    pub payload: Option<Arc<[u8]>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_payload_of_each_topic_is_remembered_and_not_too_much() {
        let mut seen = SeenTopics::default();
        let mut note = |topic: &str, payload: &[u8]| seen.note(&topic.into(), &payload.into());
        note("a", b"1");
        note("b", b"2");
        note("a", b"3");
        note(&"t".repeat(LONGEST_TOPIC + 1), b"4");
        note("large", &[0; LONGEST_PAYLOAD + 1]);
        (0..MOST_TOPICS).for_each(|number| note(&format!("n/{number}"), b""));
        let all: Vec<_> = seen
            .all()
            .map(|seen| (seen.topic.to_string(), seen.payload.map(|p| p.to_vec())))
            .collect();
        assert_eq!(all.len(), MOST_TOPICS);
        assert_eq!(
            all[..3],
            [
                ("a".to_owned(), Some(b"3".to_vec())),
                ("b".to_owned(), Some(b"2".to_vec())),
                ("large".to_owned(), None),
            ]
        );
    }
}
