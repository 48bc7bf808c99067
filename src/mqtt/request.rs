//! Request and response over MQTT 5 (section 4.10): a message that says where its answer is wanted,
//! and the wait for that answer.

use std::time::{Duration, Instant};

use super::client::Client;
use super::inbox::Message;
use super::options::Version;
use super::publisher::PublishOptions;
use crate::text::diagnostic::{Error, Kind, Result};
use crate::text::wait::{Token, later};

impl Client {
    /// Publishes `payload` to `topic` and gives the first answer: the message with the same
    /// correlation data on a response topic that only this request knows.
    ///
    /// # Errors
    ///
    /// No answer within `timeout`; the client speaks MQTT 3.1.1; the broker refuses the publication
    /// or the subscription to the response topic.
    pub fn request(
        &self,
        topic: &str,
        payload: impl Into<bytes::Bytes>,
        timeout: Duration,
        token: &Token,
    ) -> Result<Message> {
        if self.options().version != Version::V5 {
            return Err(Error::run(format!(
                "mqtt client {} speaks MQTT 3.1.1, which has no requests",
                self.name()
            ))
            .help("register the client with version: 5"));
        }
        let late = || {
            Error::run(format!(
                "no answer to the request on `{topic}` came within {} s",
                timeout.as_secs_f64()
            ))
            .help("check that somebody subscribes to it and answers on the response topic")
        };
        let until = later(Instant::now(), timeout);
        let within = token.child_until(until, "no answer came in time");
        let answer = self.ask(topic, payload.into(), &within);
        answer.map_err(|error| match error.kind() {
            Kind::Stopped if token.check().is_ok() => late(),
            _ => error,
        })
    }

    fn ask(&self, topic: &str, payload: bytes::Bytes, token: &Token) -> Result<Message> {
        let correlation: [u8; 16] = rand::random();
        let response_topic = format!("osql/response/{:032x}", rand::random::<u128>());
        let mut answers = self.subscribe(&response_topic, token)?;
        let options = PublishOptions {
            response_topic: Some(response_topic),
            correlation_data: Some(correlation.to_vec()),
            ..PublishOptions::default()
        };
        let mut publisher = self.publisher(topic, options)?;
        publisher.send(payload, token)?;
        publisher.finish(token)?;
        let _awaited = self.await_broker();
        loop {
            let Some(answer) = answers.recv(token)? else {
                return Err(Error::run("the response topic was given up"));
            };
            let properties = answer.properties.as_ref();
            let data = properties.and_then(|p| p.correlation_data.as_deref());
            if data == Some(&correlation[..]) {
                return Ok(answer);
            }
        }
    }
}
