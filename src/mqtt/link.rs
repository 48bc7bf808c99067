//! The connection of one client: made, kept, made again. A single task owns the protocol's state;
//! queries reach it through the outbox and the inbox.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};

use super::client::{Connected, Shared};
use super::connection::Connection;
use super::engine::Engine;
use super::handshake;
use super::journal::Left;
use super::net::Failure;
use super::options::ClientOptions;
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
    let mut pauses = Pauses::new(&shared.options);
    let mut first = FirstConnection::new(&shared.options);
    let mut refusal = None;
    let mut violations = 0;
    loop {
        let attempt = tokio::select! {
            attempt = handshake::connect(&shared) => attempt,
            () = abandoned(&shared) => return close(&shared).await,
            late = first.late(), if engine.connections == 0 => Err(late),
        };
        let lost = match attempt {
            Ok((connection, ack)) => {
                let back = engine.connections > 0;
                up(&shared, &connection, &ack, back);
                refusal = None;
                let started = Instant::now();
                match pump::run(&mut engine, connection, ack).await {
                    End::Closed => return close(&shared).await,
                    End::Lost(lost) => {
                        if pauses.after_connection(started.elapsed()) {
                            violations = 0;
                        }
                        lost
                    }
                }
            }
            Err(failure) => {
                if engine.connections == 0 && !first.waits_out(&failure, &shared) {
                    return fail(&shared, failure.error).await;
                }
                let reason = failure.error.to_string();
                lock(&shared.outbox).counts.last_error = Some(reason.clone());
                // What would have been final at first may be a proxy without its broker, or a broker
                // without its passwords, for a while. It is said once.
                if engine.connections > 0 && failure.fatal && refusal.as_ref() != Some(&reason) {
                    shared.say(format!("not yet back: {reason}; trying again"));
                    refusal = Some(reason);
                } else {
                    shared.trace(|| format!("not yet back: {reason}"));
                }
                let pause = first.at_most(pauses.next(), engine.connections);
                match wait(&shared, pause).await {
                    true => continue,
                    false => return close(&shared).await,
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
            )
            .await;
        }
        down(&shared, &reason);
        if let Some(short) = pauses.short_connections() {
            shared.say(format!(
                "{short} connections in a row were ended soon after they were made. Is another client \
                 connected as `{}`? A broker lets one have the name, and ends the connection of the \
                 other: give each client a clientid of its own",
                shared.options.client_id
            ));
        }
        if !wait(&shared, pauses.next()).await {
            return close(&shared).await;
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

async fn close(shared: &Shared) {
    let gone = Error::run(format!("mqtt client {} was unregistered", shared.name));
    end_journal(shared).await;
    lock(&shared.outbox).enter(Phase::Closed);
    lock(&shared.inbox).end(&gone);
}

/// Lets the journal have all that is to be noted, and then another client have the file.
async fn end_journal(shared: &Shared) {
    let Some(keeper) = &shared.keeper else {
        return;
    };
    keeper.end();
    while !keeper.has_ended() {
        shared.wake.notified().await;
    }
}

async fn fail(shared: &Shared, error: Error) {
    end_journal(shared).await;
    let first = {
        let mut out = lock(&shared.outbox);
        let first = matches!(out.phase, Phase::Connecting);
        out.counts.last_error = Some(error.to_string());
        out.enter(Phase::Failed(error.clone()));
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

/// Waits; `false` if the user will not wait any longer.
async fn wait(shared: &Shared, pause: Duration) -> bool {
    tokio::select! {
        () = sleep(pause) => true,
        () = abandoned(shared) => false,
    }
}

/// How long the first connection may take: the option `wait`. Without it one attempt is made.
struct FirstConnection {
    waits: bool,
    /// `None` without an end.
    until: Option<Instant>,
    /// Why the last attempt failed.
    last: Option<Error>,
}

impl FirstConnection {
    fn new(options: &ClientOptions) -> FirstConnection {
        FirstConnection {
            waits: options.wait.is_some(),
            until: options
                .wait
                .and_then(|wait| Instant::now().checked_add(wait)),
            last: None,
        }
    }

    /// Resolves when the time is over, with why there is no connection.
    async fn late(&mut self) -> Failure {
        match self.until {
            Some(until) => sleep_until(until).await,
            None => std::future::pending().await,
        }
        Failure::passing(self.last.take().unwrap_or_else(|| {
            Error::run("the broker does not answer within the time that the option wait allows")
        }))
    }

    /// Whether another attempt is to be made. What another try does not change is not waited out.
    fn waits_out(&mut self, failure: &Failure, shared: &Shared) -> bool {
        let over = self.until.is_some_and(|until| Instant::now() >= until);
        if !self.waits || failure.fatal || over {
            return false;
        }
        if self.last.is_none() {
            shared.say(format!("waits for the broker: {}", failure.error));
        }
        self.last = Some(failure.error.clone());
        true
    }

    /// The pause before another attempt, which does not go beyond the end of the time.
    fn at_most(&self, pause: Duration, connections: u64) -> Duration {
        match self.until {
            Some(until) if connections == 0 => {
                pause.min(until.saturating_duration_since(Instant::now()))
            }
            _ => pause,
        }
    }
}

/// So many connections in a row may end soon after they were made before it is taken for more than
/// chance.
const SHORT_CONNECTIONS: u32 = 3;

/// Growing, jittered pauses between attempts. They begin anew when a connection has lasted; the first
/// few that have not are taken for chance.
struct Pauses {
    next: Duration,
    least: Duration,
    most: Duration,
    /// Connections in a row that did not last.
    short: u32,
}

impl Pauses {
    fn new(options: &ClientOptions) -> Pauses {
        Pauses {
            next: options.reconnect_min,
            least: options.reconnect_min,
            most: options.reconnect_max,
            short: 0,
        }
    }

    /// A connection has ended that was there so long. `true` if it has lasted: longer than two
    /// clients that fight for one identifier let each other live.
    fn after_connection(&mut self, lived: Duration) -> bool {
        let lasted = lived > self.most;
        self.short = if lasted { 0 } else { self.short + 1 };
        if self.short < SHORT_CONNECTIONS {
            self.next = self.least;
        }
        lasted
    }

    /// How many connections in a row did not last, each time that it is worth saying.
    fn short_connections(&self) -> Option<u32> {
        let worth_it =
            self.short == SHORT_CONNECTIONS || (self.short > 0 && self.short.is_multiple_of(10));
        worth_it.then_some(self.short)
    }

    fn next(&mut self) -> Duration {
        let pause = self.next.mul_f64(0.5 + rand::random::<f64>() / 2.0);
        let doubled = (self.next * 2).max(Duration::from_millis(10));
        self.next = doubled.min(self.most);
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mqtt::settings::Settings;

    #[test]
    fn pauses_grow_when_connections_do_not_last_and_begin_anew_when_one_does() {
        let options = ClientOptions::read(&Settings::default()).expect("the defaults");
        let mut pauses = Pauses::new(&options);
        let seconds = Duration::from_secs;
        let mut longest = Vec::new();
        let mut said = Vec::new();
        for _ in 0..8 {
            assert!(!pauses.after_connection(seconds(2)));
            longest.push(pauses.next.as_secs());
            said.extend(pauses.short_connections());
            assert!(pauses.next() <= seconds(30));
        }
        assert_eq!(longest, [1, 1, 2, 4, 8, 16, 30, 30]);
        assert_eq!(said, [3]);
        assert!(pauses.after_connection(seconds(31)));
        assert!(pauses.next() <= seconds(1));
    }
}
