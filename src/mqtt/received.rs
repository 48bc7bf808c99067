//! What the broker has delivered at QoS 1 and 2 and not seen to its end: acknowledged at QoS 1,
//! released at QoS 2 (MQTT sections 4.3.2 and 4.3.3).

use std::collections::HashMap;

use super::options::Qos;

/// A message by its packet identifier.
struct Incoming {
    /// QoS 2: the query has taken it, and the broker was told so (PUBREC).
    received: bool,
    /// Which connection brought it.
    connection: u64,
}

/// What is to become of a message that comes.
#[derive(Debug, PartialEq)]
pub enum Arrival {
    /// It goes to the queries.
    New,
    /// It has come before, and the queries still have it before them.
    Held,
    /// It has come before and was received: the broker is told again.
    Answered,
    /// The identifier is in use: unchecked, a broker could fill the memory.
    Violation,
}

/// See the module.
#[derive(Default)]
pub struct Received {
    messages: HashMap<u16, Incoming, foldhash::fast::FixedState>,
}

impl Received {
    /// How many messages wait for their end.
    pub fn len(&self) -> usize {
        self.messages.len()
    }

    /// The broker has begun a new session.
    pub fn clear(&mut self) {
        self.messages.clear();
    }

    /// A message comes at QoS 1 or 2, on the connection of that number.
    pub fn arrive(&mut self, id: u16, dup: bool, connection: u64) -> Arrival {
        match self.messages.get(&id) {
            Some(before) if dup && before.received => return Arrival::Answered,
            Some(_) if dup => return Arrival::Held,
            Some(before) if before.connection == connection => return Arrival::Violation,
            // It is another message: the broker has forgotten the one before.
            Some(_) | None => {}
        }
        let message = Incoming {
            received: false,
            connection,
        };
        self.messages.insert(id, message);
        Arrival::New
    }

    /// The queries have taken a message. At QoS 2 it stays until it is released.
    pub fn take(&mut self, id: u16, level: Qos) {
        if level < Qos::ExactlyOnce {
            self.messages.remove(&id);
        } else if let Some(message) = self.messages.get_mut(&id) {
            message.received = true;
        }
    }

    /// The broker has released a message of QoS 2 (PUBREL).
    pub fn release(&mut self, id: u16) {
        self.messages.remove(&id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_is_free_again_once_its_message_is_acknowledged() {
        let mut received = Received::default();
        assert_eq!(received.arrive(7, false, 1), Arrival::New);
        assert_eq!(received.arrive(7, true, 1), Arrival::Held);
        assert_eq!(received.arrive(7, false, 1), Arrival::Violation);
        received.take(7, Qos::AtLeastOnce);
        assert_eq!(received.arrive(7, false, 1), Arrival::New);
        assert_eq!(received.len(), 1);
    }

    #[test]
    fn at_qos_2_it_is_free_once_it_is_released() {
        let mut received = Received::default();
        assert_eq!(received.arrive(7, false, 1), Arrival::New);
        received.take(7, Qos::ExactlyOnce);
        assert_eq!(received.arrive(7, true, 1), Arrival::Answered);
        received.release(7);
        assert_eq!(received.len(), 0);
        assert_eq!(received.arrive(7, true, 1), Arrival::New);
    }

    #[test]
    fn a_later_connection_may_bring_another_message() {
        let mut received = Received::default();
        assert_eq!(received.arrive(7, false, 1), Arrival::New);
        assert_eq!(received.arrive(7, false, 2), Arrival::New);
        assert_eq!(received.arrive(7, false, 2), Arrival::Violation);
    }
}
