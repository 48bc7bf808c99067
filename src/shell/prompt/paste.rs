//! Text that is pasted into a terminal that does not say so: it comes as if it were typed, only faster.
//!
//! The line editor shows the line anew at each key, and looks at all of it. So while keys come faster than
//! anybody types, nothing is coloured or suggested, and a long line is taken in pieces: what has come so far is
//! taken as if Enter had been pressed, and the key that came then begins the next piece.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustyline::{
    Cmd, ConditionalEventHandler, Event, EventContext, KeyCode, KeyEvent, Modifiers, RepeatCount,
};

use crate::text::wait::lock;

/// Nobody types so fast, and no key that is held down comes so fast.
const FAST: Duration = Duration::from_millis(15);

/// So many fast keys are no accident.
const MANY: u32 = 500;

/// A line that is pasted is taken in pieces of so many bytes.
const PIECE: usize = 4096;

/// Watches how fast keys come.
#[derive(Clone, Default)]
pub struct PasteWatch(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    latest: Option<Instant>,
    /// How many keys have come fast one after the other.
    fast: u32,
    /// What ended a piece and begins the next.
    carried: Option<char>,
}

impl PasteWatch {
    /// Whether what comes is pasted.
    pub fn is_pasted(&self) -> bool {
        lock(&self.0).fast >= MANY
    }

    /// If the line that has just been read is a piece of a longer one: the character that comes next.
    pub fn take_carried(&self) -> Option<char> {
        lock(&self.0).carried.take()
    }

    /// A key has come at that time.
    fn key(&self, now: Instant) {
        let state = &mut *lock(&self.0);
        let is_fast = state
            .latest
            .is_some_and(|latest| now.duration_since(latest) < FAST);
        state.fast = if is_fast {
            state.fast.saturating_add(1)
        } else {
            0
        };
        state.latest = Some(now);
    }
}

impl ConditionalEventHandler for PasteWatch {
    fn handle(&self, event: &Event, _: RepeatCount, _: bool, at: &EventContext) -> Option<Cmd> {
        self.key(Instant::now());
        let Some(KeyEvent(KeyCode::Char(typed), Modifiers::NONE)) = event.get(0) else {
            return None;
        };
        let is_piece = at.line().len() >= PIECE && at.pos() == at.line().len();
        if !(is_piece && self.is_pasted()) {
            return None;
        }
        lock(&self.0).carried = Some(*typed);
        Some(Cmd::AcceptLine)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_fast_keys_are_pasted_and_a_pause_ends_that() {
        let watch = PasteWatch::default();
        let begun = Instant::now();
        let mut at = begun;
        for _ in 0..100 {
            at += Duration::from_millis(30);
            watch.key(at);
        }
        assert!(!watch.is_pasted(), "a key that is held down");
        for _ in 0..MANY {
            at += Duration::from_millis(1);
            watch.key(at);
        }
        assert!(watch.is_pasted());
        watch.key(at + Duration::from_millis(100));
        assert!(!watch.is_pasted());
    }
}
