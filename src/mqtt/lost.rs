//! Why a connection ended.

use super::wire::Violation;

/// Why a connection ended.
pub struct Lost {
    pub reason: String,
    /// The broker broke the protocol; in MQTT 5 it is told how, by this code.
    pub violation: Option<u8>,
    /// Another try is of no use.
    pub fatal: bool,
    /// The broker closed it, perhaps over something that was sent.
    pub by_broker: bool,
}

impl Lost {
    pub fn plain(reason: impl Into<String>) -> Lost {
        Lost {
            reason: reason.into(),
            violation: None,
            fatal: false,
            by_broker: false,
        }
    }

    pub fn violation(violation: Violation) -> Lost {
        Lost {
            violation: Some(violation.code),
            ..Lost::plain(violation.text)
        }
    }

    pub fn fatal(reason: impl Into<String>) -> Lost {
        Lost {
            fatal: true,
            ..Lost::plain(reason)
        }
    }

    /// The broker closed the connection and does not say that it is for reasons of its own.
    pub fn by_broker(reason: impl Into<String>) -> Lost {
        Lost {
            by_broker: true,
            ..Lost::plain(reason)
        }
    }
}
