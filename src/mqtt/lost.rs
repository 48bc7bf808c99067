//! Why a connection ended.

/// Why a connection ended.
pub struct Lost {
    pub reason: String,
    /// The broker broke the protocol.
    pub violation: bool,
    /// Another try is of no use.
    pub fatal: bool,
}

impl Lost {
    pub fn plain(reason: impl Into<String>) -> Lost {
        Lost {
            reason: reason.into(),
            violation: false,
            fatal: false,
        }
    }

    pub fn violation(reason: impl Into<String>) -> Lost {
        Lost {
            reason: reason.into(),
            violation: true,
            fatal: false,
        }
    }

    pub fn fatal(reason: impl Into<String>) -> Lost {
        Lost {
            reason: reason.into(),
            violation: false,
            fatal: true,
        }
    }
}
