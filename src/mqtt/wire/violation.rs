//! How a broker breaks the protocol.

/// A packet that a broker must not send, or not here.
#[derive(Clone, Debug, PartialEq)]
pub struct Violation {
    /// What is wrong, for the user.
    pub text: String,
    /// The reason code that MQTT 5 has for it, which the broker is told.
    pub code: u8,
}

impl Violation {
    /// The bytes are no packet (MQTT 5, section 4.13).
    pub fn malformed(text: impl Into<String>) -> Violation {
        Violation {
            text: format!("what came is not MQTT: {}", text.into()),
            code: 0x81,
        }
    }

    /// They are a packet that has no place here.
    pub fn protocol(text: impl Into<String>) -> Violation {
        Violation {
            text: text.into(),
            code: 0x82,
        }
    }

    /// A topic alias, though none was allowed (MQTT 5, section 3.3.2.3.4).
    pub fn topic_alias() -> Violation {
        Violation {
            text: "the broker sent a topic alias, and none was allowed".to_owned(),
            code: 0x94,
        }
    }

    /// A packet that is larger than is taken, and cannot be passed over.
    pub fn too_large(size: usize, limit: usize) -> Violation {
        Violation {
            text: format!("a packet of {size} bytes came, and maxdatalen allows {limit}"),
            code: 0x95,
        }
    }
}
