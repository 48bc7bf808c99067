//! What is said in one line to the system's shell: `osql sub URL FILTER`, `osql pub URL TOPIC PAYLOAD`,
//! `osql topics URL`. Each is a few statements of OSQL, which `--show` prints instead of running them.

use std::time::Duration;

use clap::{Args, Subcommand};

use super::args::Format;
use crate::host::profiles::Profiles;
use crate::model::Value;
use crate::model::print;
use crate::text::wait::Token;

/// A command in one line.
#[derive(Subcommand, Debug, Clone)]
pub enum OneLine {
    /// Print the messages on topics: each topic and its payload
    Sub(Subscribing),
    /// Publish a message, or each line of standard input
    Pub(Publishing),
    /// Show which topics there are, and what comes on them
    Topics(TopicsShown),
}

#[derive(Args, Debug, Clone)]
pub struct BrokerOptions {
    /// Where the broker is: mqtt://host, mqtts://host:8883, ws://host/mqtt, or the name of a profile in
    /// config.toml
    #[arg(value_name = "URL|PROFILE")]
    url: String,

    /// An option of mqtt:register_client, such as cafile=ca.crt or username=anna
    #[arg(long = "option", value_name = "NAME=VALUE", value_parser = named_value)]
    options: Vec<(String, String)>,

    /// Print the statements of OSQL that do this, and run nothing
    #[arg(long)]
    show: bool,
}

#[derive(Args, Debug, Clone)]
pub struct Subscribing {
    #[command(flatten)]
    broker: BrokerOptions,

    /// The topics: + stands for one level, # for all that follow
    filter: String,

    /// Stop after so many messages
    #[arg(short = 'C', long, value_name = "NUMBER")]
    count: Option<u32>,

    /// Print the payloads alone
    #[arg(long)]
    payload_only: bool,
}

#[derive(Args, Debug, Clone)]
pub struct Publishing {
    #[command(flatten)]
    broker: BrokerOptions,

    topic: String,

    /// The message; `-`, or nothing, is each line of standard input
    payload: Option<String>,

    /// At which quality of service: 0, 1 or 2
    #[arg(long, value_name = "0|1|2", default_value_t = 1, value_parser = clap::value_parser!(u8).range(0..=2))]
    qos: u8,

    /// Whether the broker keeps it for those who subscribe later
    #[arg(short, long)]
    retain: bool,
}

#[derive(Args, Debug, Clone)]
pub struct TopicsShown {
    #[command(flatten)]
    broker: BrokerOptions,

    /// The topics: + stands for one level, # for all that follow
    #[arg(default_value = "#")]
    filter: String,

    /// End after that long
    #[arg(long, value_name = "SECONDS", value_parser = super::args::seconds)]
    timeout: Option<Duration>,

    /// How the topics are written at the end; on a terminal they are shown in place by default
    #[arg(long, value_enum)]
    format: Option<Format>,
}

fn named_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("NAME=VALUE is wanted, such as username=anna".to_owned()),
    }
}

impl OneLine {
    /// Whether the statements are to be shown, not run.
    pub fn is_shown(&self) -> bool {
        self.broker().show
    }

    /// How results are written, if it is said.
    pub fn format(&self) -> Option<Format> {
        match self {
            OneLine::Sub(_) | OneLine::Pub(_) => Some(Format::Raw),
            OneLine::Topics(topics) => topics.format,
        }
    }

    fn broker(&self) -> &BrokerOptions {
        match self {
            OneLine::Sub(subscribing) => &subscribing.broker,
            OneLine::Pub(publishing) => &publishing.broker,
            OneLine::Topics(topics) => &topics.broker,
        }
    }

    /// The statements that do it, one on each line.
    pub fn statements(&self) -> String {
        let action = match self {
            OneLine::Sub(subscribing) => subscribing.statement(),
            OneLine::Pub(publishing) => publishing.statement(),
            OneLine::Topics(topics) => topics.statement(),
        };
        format!("{}\n{action}\n", self.broker().statement())
    }
}

impl BrokerOptions {
    /// What the client is called.
    fn client(&self) -> &str {
        match self.is_profile() {
            true => &self.url,
            false => "broker",
        }
    }

    /// Whether a profile is named: a word that is one, or, where there are profiles, may be meant to be one.
    fn is_profile(&self) -> bool {
        if self.url.contains(['.', ':', '/']) || self.url == "localhost" {
            return false;
        }
        match Profiles::read().and_then(|profiles| profiles.names()) {
            Ok(names) => !names.is_empty(),
            // What is wrong with the file is said when it is connected.
            Err(_) => true,
        }
    }

    fn statement(&self) -> String {
        let is_profile = self.is_profile();
        let mut options = match is_profile {
            true => vec![],
            false => vec![("connection".to_owned(), self.url.clone())],
        };
        options.extend(self.options.iter().cloned());
        let options = options
            .iter()
            .map(|(name, value)| format!("{}: {}", quoted(name), literal(value)));
        let options = options.collect::<Vec<_>>().join(", ");
        let name = quoted(self.client());
        let call = match (is_profile, options.is_empty()) {
            (true, true) => format!("mqtt:connect({name})"),
            (true, false) => format!("mqtt:connect({name}, {{{options}}})"),
            (false, _) => format!("mqtt:register_client({name}, {{{options}}})"),
        };
        format!("set :broker = {call};")
    }

    /// A topic, or a filter of topics, of the client.
    fn flow(&self, topic: &str) -> String {
        quoted(&format!("{}:{topic}", self.client()))
    }
}

impl Subscribing {
    fn statement(&self) -> String {
        let payload = "try(charstring(m[\"payload\"]), pp(m[\"payload\"]))";
        let shown = match self.payload_only {
            true => payload.to_owned(),
            false => format!("m[\"topic\"] + \" \" + {payload}"),
        };
        let limit = self.count.map(|count| format!(" limit {count}"));
        format!(
            "select stream of {shown} from Record m where m in subscribe:topic({}){};",
            self.broker.flow(&self.filter),
            limit.unwrap_or_default()
        )
    }
}

impl Publishing {
    fn statement(&self) -> String {
        let messages = match self.payload.as_deref() {
            None | Some("-") => "readlines(\"/dev/stdin\")".to_owned(),
            Some(payload) => format!("streamof({})", quoted(payload)),
        };
        let topic = self.broker.flow(&self.topic);
        let retained = if self.retain {
            ", \"retained\": true"
        } else {
            ""
        };
        format!(
            "set :published = count(publish({messages}, {topic}, {{\"qos\": {}{retained}}}));",
            self.qos
        )
    }
}

/// How often the topics are shown anew, in seconds.
const PACE: f64 = 0.25;

impl TopicsShown {
    fn statement(&self) -> String {
        let messages = format!("subscribe:topic({})", self.broker.flow(&self.filter));
        let messages = match self.timeout {
            Some(limit) => format!("timeout({messages}, {})", limit.as_secs_f64()),
            None => messages,
        };
        format!("mqtt:topics({messages}, {PACE});")
    }
}

/// A string as it is typed.
fn quoted(text: &str) -> String {
    let value = Value::str(text);
    // Nobody stops this token.
    print::text(&value, &Token::new().looks()).unwrap_or_default()
}

/// The value of an option: a number or a truth as such, everything else as a string.
fn literal(text: &str) -> String {
    match text {
        "true" | "false" => text.to_owned(),
        _ if text.parse::<i64>().is_ok() => text.to_owned(),
        _ => quoted(text),
    }
}
