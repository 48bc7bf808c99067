//! Flows: what values are published on and subscribed from, by name. There are two kinds behind one
//! interface: flows inside the process ([`local`]) and topics of MQTT brokers ([`topic`]).

pub mod local;
pub mod topic;

use std::sync::Arc;

use crate::host::Host;
use crate::model::{Source, Value};
use crate::mqtt::Settings;
use crate::text::diagnostic::{Error, Result};
use crate::text::wait::Token;
use local::LocalFlow;
use topic::TopicFlow;

/// A flow of either kind.
pub trait Flow: Send + Sync {
    /// Whether the flow can be published on with these options of `publish`; publishes nothing.
    fn check_publish(&self, options: &Settings) -> Result<()>;

    /// Something that publishes on the flow with these options of `publish`.
    fn publisher(&self, options: &Settings) -> Result<Box<dyn FlowPublisher>>;

    /// Whether the flow can be subscribed in that form; subscribes to nothing.
    fn check_subscribe(&self, form: ElementForm) -> Result<()>;

    /// What is published on the flow from now on, until the source is dropped. Waits under `token`
    /// until the subscription stands.
    fn subscribe(&self, form: ElementForm, token: &Token) -> Result<Box<dyn Source>>;
}

/// Publishes values on a flow, one after the other.
pub trait FlowPublisher: Send {
    /// Hands a value over; waits under `token` while too much is on its way.
    fn publish(&mut self, value: &Value, token: &Token) -> Result<()>;

    /// Waits until everything published is delivered, as far as the flow promises it. The error says
    /// what was not.
    fn finish(&mut self, token: &Token) -> Result<()>;
}

/// What a subscription gives for each thing that was published.
#[derive(Clone, Copy)]
pub enum ElementForm {
    /// The value; of an MQTT message the payload, as a binary.
    Payload,
    /// A record of all that the message says, its topic included.
    Message,
}

/// A name of a flow, read.
pub enum FlowName<'a> {
    Local(&'a str),
    /// `client:topic`
    Topic {
        client: &'a str,
        topic: &'a str,
    },
}

impl FlowName<'_> {
    pub fn parse(name: &str) -> Result<FlowName<'_>> {
        match name.split_once(':') {
            Some((client, topic)) => Ok(FlowName::Topic { client, topic }),
            None if name.is_empty() => Err(Error::run("a flow needs a name")),
            None if name.contains('@') => Err(Error::run(format!(
                "'{name}' names a flow of another peer, and osql has no federations of peers"
            ))
            .help(
                "a broker joins programs: 'client:topic' is a topic of the MQTT client 'client'",
            )),
            None if name.contains(['/', '+', '#']) => Err(Error::run(format!(
                "'{name}' looks like an MQTT topic, and says no client"
            ))
            .help(format!(
                "write 'client:{name}', where client is what mqtt:register_client(…) has named"
            ))),
            None => Ok(FlowName::Local(name)),
        }
    }
}

impl Host {
    /// The flow of that name. A topic needs its client to be registered; a flow inside the process
    /// comes into being when it is published on or subscribed.
    pub fn flow(&self, name: &str) -> Result<Arc<dyn Flow>> {
        Ok(match FlowName::parse(name)? {
            FlowName::Local(name) => Arc::new(LocalFlow::new(&self.flows, name)),
            FlowName::Topic { client, topic } => {
                Arc::new(TopicFlow::new(self.clients.get(client)?, topic))
            }
        })
    }
}
