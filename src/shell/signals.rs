//! Ctrl-C, SIGTERM and SIGHUP as orderly ends: of the query, or of the program.

use std::fs;
use std::io;
use std::process;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals as Incoming;
use signal_hook::low_level;

use super::prompt::notices::Notices;
use crate::session::Interrupt;
use crate::text::wait::Token;

/// What signals have asked for so far, and what they stop.
#[derive(Clone)]
pub struct Signals(Arc<State>);

/// Acts on the signals that come in.
pub struct SignalListener {
    incoming: Incoming,
    signals: Signals,
}

impl SignalListener {
    /// Listens as long as the process lives.
    pub fn listen(mut self) {
        for signal in self.incoming.forever() {
            self.signals.on(signal);
        }
    }
}

struct State {
    /// Told when the terminal has shown `^C`.
    notices: Notices,
    /// Stops the statements of the current entry.
    query: OnceLock<Interrupt>,
    /// Stops the wait for input.
    input: Token,
    /// Whether Ctrl-C ends only the query, as at the prompt.
    prompt: AtomicBool,
    /// The signal that ends the program, or 0.
    ending: AtomicI32,
    /// Whether the program is on its way out.
    closing: AtomicBool,
}

impl Signals {
    /// From now on signals are kept for the listener.
    pub fn install(notices: Notices) -> io::Result<(Signals, SignalListener)> {
        let mut heard = vec![SIGINT, SIGTERM];
        if !is_ignored(SIGHUP) {
            heard.push(SIGHUP);
        }
        let incoming = Incoming::new(heard)?;
        let signals = Signals(Arc::new(State {
            notices,
            query: OnceLock::new(),
            input: Token::new(),
            prompt: AtomicBool::default(),
            ending: AtomicI32::default(),
            closing: AtomicBool::default(),
        }));
        let listener = SignalListener {
            incoming,
            signals: signals.clone(),
        };
        Ok((signals, listener))
    }

    /// Sets what stops the statements of the session; only the first call counts.
    pub fn attach(&self, query: Interrupt) {
        self.0.query.get_or_init(|| query);
    }

    /// From now on Ctrl-C ends the query, not the program.
    pub fn at_prompt(&self) {
        self.0.prompt.store(true, Ordering::SeqCst);
    }

    /// What is typed next begins: a Ctrl-C before it does not concern it.
    pub fn next_entry(&self) {
        if let Some(query) = self.0.query.get() {
            query.resume();
        }
    }

    /// The token that ends the wait for input when a signal asks the program to end.
    pub fn input_token(&self) -> &Token {
        &self.0.input
    }

    /// Whether a signal has stopped the current entry.
    pub fn stopped(&self) -> bool {
        self.0.query.get().is_some_and(Interrupt::is_stopped) || self.ending()
    }

    /// Whether a signal has asked the program to end.
    pub fn ending(&self) -> bool {
        self.0.ending.load(Ordering::SeqCst) != 0
    }

    /// The exit status that the ending signal calls for: 128 and its number, as shells count.
    pub fn exit_code(&self) -> Option<u8> {
        match self.0.ending.load(Ordering::SeqCst) {
            0 => None,
            signal => u8::try_from(128 + signal).ok(),
        }
    }

    /// The program has begun to close.
    pub fn closing(&self) {
        self.0.closing.store(true, Ordering::SeqCst);
    }

    fn on(&self, signal: i32) {
        let closing = self.0.closing.load(Ordering::SeqCst);
        // Once the program is to end, SIGINT comes from `insist`.
        if signal == SIGINT && !self.ending() {
            self.0.notices.key_shown();
        }
        if signal == SIGINT && closing {
            // The user does not want to wait for the program to close.
            process::exit(128 + signal);
        }
        if signal == SIGINT && self.0.prompt.load(Ordering::SeqCst) {
            self.stop_query();
            return;
        }
        if self.0.ending.swap(signal, Ordering::SeqCst) != 0 {
            // The second signal ends the program at once.
            process::exit(128 + signal);
        }
        self.0.input.stop(STOPPED);
        self.stop_query();
        if !closing {
            self.insist();
        }
    }

    fn stop_query(&self) {
        if let Some(query) = self.0.query.get() {
            query.stop(STOPPED);
        }
    }

    /// Stops whatever runs, again and again until the program closes: a new entry may have begun just
    /// after the signal, or the line editor may be reading. The line editor returns on SIGINT, which it
    /// takes for Ctrl-C.
    fn insist(&self) {
        let signals = self.clone();
        // On a thread of its own, so that a second signal is heard. Should no thread start, the end
        // comes after the statement.
        let _ = thread::Builder::new().spawn(move || {
            while !signals.0.closing.load(Ordering::SeqCst) {
                signals.stop_query();
                if signals.0.prompt.load(Ordering::SeqCst) {
                    let _ = low_level::raise(SIGINT);
                }
                thread::sleep(Duration::from_millis(50));
            }
        });
    }
}

/// Whether whoever started the program has it ignore a signal, as `nohup` does with SIGHUP: then it goes on
/// when the terminal is closed. Known where the system has `/proc`, and before anybody listens.
fn is_ignored(signal: i32) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

/// What a query that a signal has stopped gives as its error.
const STOPPED: &str = "stopped";
