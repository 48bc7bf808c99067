//! What the broker has delivered at QoS 1 and 2 and not seen to its end: acknowledged at QoS 1,
//! released at QoS 2 (MQTT sections 4.3.2 and 4.3.3).

use std::collections::HashMap;

use super::options::Qos;

/// How many messages a broker may send before they are acknowledged: what a slow query can make us
/// keep. In MQTT 5 the broker is told so (Receive Maximum, section 3.1.2.11.3).
pub const MOST: u16 = 1000;

/// The same in bytes. One message more may always come.
const MOST_BYTES: usize = 64 << 20;

/// So many bytes may be held where an answer of the broker has to be read that comes behind them.
const MOST_FOR_ANSWERS: usize = 2 * MOST_BYTES;

/// A message by its packet identifier.
struct IncomingMessage {
    /// What it takes, in bytes.
    size: usize,
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

/// The messages of one session by their packet identifiers.
#[derive(Default)]
pub struct IncomingMessages {
    messages: HashMap<u16, IncomingMessage, foldhash::fast::FixedState>,
    /// Of these, the ones that no query has taken, and their bytes.
    held: usize,
    held_bytes: usize,
    full: bool,
    /// Counts those that queries have taken.
    taken: u64,
}

impl IncomingMessages {
    /// How many messages wait for their end.
    pub fn len(&self) -> usize {
        self.messages.len()
    }

    /// The broker has begun a new session.
    pub fn clear(&mut self) {
        *self = IncomingMessages::default();
    }

    /// Whether no more should be read: queries have as much before them as is kept. It ends when
    /// they have taken half of it.
    pub fn is_full(&mut self) -> bool {
        let part = if self.full { 2 } else { 1 };
        self.full = self.held >= usize::from(MOST) / part || self.held_bytes >= MOST_BYTES / part;
        self.full
    }

    /// Whether no more is read even for somebody who waits for the broker's answer.
    pub fn is_over_full(&self) -> bool {
        self.held_bytes >= MOST_FOR_ANSWERS
    }

    /// How many messages queries have taken so far.
    pub fn taken(&self) -> u64 {
        self.taken
    }

    /// A message of `size` bytes comes at QoS 1 or 2, on the connection of that number.
    pub fn arrive(&mut self, id: u16, size: usize, dup: bool, connection: u64) -> Arrival {
        match self.messages.get(&id) {
            Some(before) if dup && before.received => return Arrival::Answered,
            Some(_) if dup => return Arrival::Held,
            Some(before) if before.connection == connection => return Arrival::Violation,
            // It is another message: the broker has forgotten the one before.
            Some(_) | None => {}
        }
        let message = IncomingMessage {
            size,
            received: false,
            connection,
        };
        self.held += 1;
        self.held_bytes += size;
        if let Some(before) = self.messages.insert(id, message) {
            self.let_go(&before);
        }
        Arrival::New
    }

    /// The queries have taken a message. At QoS 2 it stays until it is released.
    pub fn take(&mut self, id: u16, level: Qos) {
        self.taken += 1;
        if level < Qos::ExactlyOnce {
            self.release(id);
        } else if let Some(message) = self.messages.get_mut(&id)
            && !message.received
        {
            message.received = true;
            self.held -= 1;
            self.held_bytes -= message.size;
        }
    }

    /// The broker has released a message of QoS 2 (PUBREL).
    pub fn release(&mut self, id: u16) {
        if let Some(message) = self.messages.remove(&id) {
            self.let_go(&message);
        }
    }

    fn let_go(&mut self, message: &IncomingMessage) {
        if !message.received {
            self.held -= 1;
            self.held_bytes -= message.size;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_is_free_again_once_its_message_is_acknowledged() {
        let mut received = IncomingMessages::default();
        assert_eq!(received.arrive(7, 1, false, 1), Arrival::New);
        assert_eq!(received.arrive(7, 1, true, 1), Arrival::Held);
        assert_eq!(received.arrive(7, 1, false, 1), Arrival::Violation);
        received.take(7, Qos::AtLeastOnce);
        assert_eq!(received.arrive(7, 1, false, 1), Arrival::New);
        assert_eq!(received.len(), 1);
    }

    #[test]
    fn at_qos_2_it_is_free_once_it_is_released() {
        let mut received = IncomingMessages::default();
        assert_eq!(received.arrive(7, 1, false, 1), Arrival::New);
        received.take(7, Qos::ExactlyOnce);
        assert_eq!(received.arrive(7, 1, true, 1), Arrival::Answered);
        received.release(7);
        assert_eq!(received.len(), 0);
        assert_eq!(received.arrive(7, 1, true, 1), Arrival::New);
    }

    #[test]
    fn a_later_connection_may_bring_another_message() {
        let mut received = IncomingMessages::default();
        assert_eq!(received.arrive(7, 1, false, 1), Arrival::New);
        assert_eq!(received.arrive(7, 1, false, 2), Arrival::New);
        assert_eq!(received.arrive(7, 1, false, 2), Arrival::Violation);
    }

    #[test]
    fn it_is_full_until_half_is_taken() {
        let mut received = IncomingMessages::default();
        for id in 1..=MOST {
            assert!(!received.is_full());
            received.arrive(id, 1, false, 1);
        }
        assert!(received.is_full());
        for id in 1..=MOST / 2 {
            assert!(received.is_full());
            received.take(id, Qos::ExactlyOnce);
        }
        received.take(MOST, Qos::AtLeastOnce);
        assert!(!received.is_full());
        // Released, they are not counted twice.
        (1..MOST).for_each(|id| received.release(id));
        assert_eq!(
            (received.len(), received.held, received.held_bytes),
            (0, 0, 0)
        );
    }

    #[test]
    fn it_is_full_of_large_messages_as_well() {
        let mut received = IncomingMessages::default();
        received.arrive(1, MOST_BYTES, false, 1);
        assert!(received.is_full());
        assert!(!received.is_over_full());
        received.arrive(2, MOST_BYTES, false, 1);
        assert!(received.is_over_full());
        received.take(2, Qos::ExactlyOnce);
        received.take(1, Qos::AtLeastOnce);
        assert!(!received.is_full() && !received.is_over_full());
        assert_eq!(received.taken(), 2);
    }
}
