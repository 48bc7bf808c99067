//! The connection of one client: made, kept, made again. A single task owns the protocol's state;
//! queries reach it through the outbox and the inbox.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::client::{Connected, Shared};
use super::connection::Connection;
use super::engine::Engine;
use super::handshake;
use super::journal::Left;
use super::outbox::Phase;
use super::pump::{self, End};
use super::wire::ConnAck;
use crate::text::diagnostic::Error;
use crate::text::wait::lock;

/// Connections in a row that may end because the broker breaks the protocol. After that it is not
/// worth another try.
const VIOLATIONS: u32 = 3;

/// Keeps a client connected until it is closed or fails for good.
pub async fn run(shared: Arc<Shared>, left: Vec<Left>) {
    let mut engine = Engine::new(shared.clone(), left);
    let mut pauses = Pauses::new(&shared);
    let mut violations = 0;
    loop {
        let attempt = tokio::select! {
            attempt = handshake::connect(&shared) => attempt,
            () = abandoned(&shared) => return close(&shared),
        };
        let lost = match attempt {
            Ok((connection, ack)) => {
                let back = engine.connections > 0;
                up(&shared, &connection, &ack, back);
                pauses.reset();
                let started = Instant::now();
                match pump::run(&mut engine, connection, ack).await {
                    End::Closed => return close(&shared),
                    End::Lost(lost) => {
                        if started.elapsed() > shared.options.reconnect_max {
                            violations = 0;
                        }
                        lost
                    }
                }
            }
            Err(failure) => {
                if failure.fatal || engine.connections == 0 {
                    return fail(&shared, failure.error);
                }
                shared.trace(|| format!("not yet back: {}", failure.error));
                lock(&shared.outbox).counts.last_error = Some(failure.error.to_string());
                match pauses.pause(&shared).await {
                    true => continue,
                    false => return close(&shared),
                }
            }
        };
        violations += u32::from(lost.violation.is_some());
        let reason = lost.reason.clone();
        if lost.fatal || violations >= VIOLATIONS {
            return fail(
                &shared,
                Error::run(format!(
                    "connection to {} lost: {reason}",
                    shared.options.address
                )),
            );
        }
        down(&shared, &reason);
        if !pauses.pause(&shared).await {
            return close(&shared);
        }
    }
}

fn up(shared: &Shared, connection: &Connection, ack: &ConnAck, back: bool) {
    *lock(&shared.connected) = Connected {
        tls: connection.agreed.clone(),
        assigned_id: ack.assigned_id.clone(),
        maximum_packet: ack.maximum_packet,
        maximum_qos: ack.maximum_qos,
        no_retain: !ack.retain_available,
    };
    let mut out = lock(&shared.outbox);
    if back {
        out.counts.reconnects += 1;
    }
    out.enter(Phase::Up);
    drop(out);
    if back {
        let session = if ack.session_present {
            "the broker kept the session"
        } else {
            "new session"
        };
        shared.say(format!(
            "connected to {} again ({session})",
            shared.options.address
        ));
    }
}

fn down(shared: &Shared, reason: &str) {
    let mut out = lock(&shared.outbox);
    out.counts.last_error = Some(reason.to_owned());
    out.enter(Phase::Down);
    let closing = out.closing;
    drop(out);
    if !closing {
        shared.say(format!(
            "connection to {} lost: {reason}; trying again",
            shared.options.address
        ));
    }
}

fn close(shared: &Shared) {
    let gone = Error::run(format!("mqtt client {} was unregistered", shared.name));
    {
        let mut out = lock(&shared.outbox);
        out.enter(Phase::Closed);
        // Lets another client have the file.
        out.journal = None;
    }
    lock(&shared.inbox).end(&gone);
}

fn fail(shared: &Shared, error: Error) {
    let first = {
        let mut out = lock(&shared.outbox);
        let first = matches!(out.phase, Phase::Connecting);
        out.counts.last_error = Some(error.to_string());
        out.enter(Phase::Failed(error.clone()));
        out.journal = None;
        first
    };
    // At the first connection the one who registers gets the error.
    if !first {
        shared.say(format!("given up: {error}"));
    }
    lock(&shared.inbox).end(&error);
}

/// Resolves when the user will not wait any longer.
async fn abandoned(shared: &Shared) {
    loop {
        let notified = shared.wake.notified();
        {
            let mut out = lock(&shared.outbox);
            if out.abandon || (out.closing && out.undelivered() == 0) {
                return;
            }
            // Nothing can be done about these before there is a connection.
            out.wake_at = usize::MAX;
            out.wake_at_commands = usize::MAX;
        }
        notified.await;
    }
}

/// Growing, jittered pauses between attempts.
struct Pauses {
    next: Duration,
    least: Duration,
    most: Duration,
}

impl Pauses {
    fn new(shared: &Shared) -> Pauses {
        let least = shared.options.reconnect_min;
        Pauses {
            next: least,
            least,
            most: shared.options.reconnect_max,
        }
    }

    fn reset(&mut self) {
        self.next = self.least;
    }

    /// Pauses; `false` if the user will not wait any longer.
    async fn pause(&mut self, shared: &Shared) -> bool {
        let pause = self.next.mul_f64(0.5 + rand::random::<f64>() / 2.0);
        let doubled = (self.next * 2).max(Duration::from_millis(10));
        self.next = doubled.min(self.most);
        tokio::select! {
            () = sleep(pause) => true,
            () = abandoned(shared) => false,
        }
    }
}
