//! Ctrl-C, SIGTERM and SIGHUP as orderly ends: of the query, or of the program.

use std::io;
use std::process;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals as Incoming;
use signal_hook::low_level;

use crate::run::wait::{Token, lock};

/// What signals have asked for so far, and whom they stop.
#[derive(Clone)]
pub struct Signals(Arc<State>);

struct State {
    /// The query that runs, or the wait for input.
    current: Mutex<Token>,
    /// Whether Ctrl-C ends only the query, as at the prompt.
    prompt: AtomicBool,
    /// Whether Ctrl-C has stopped the current query.
    interrupted: AtomicBool,
    /// The signal that ends the program, or 0.
    ending: AtomicI32,
    /// Whether the program is on its way out.
    closing: AtomicBool,
}

impl Signals {
    /// Listens from now on, on a thread of its own.
    pub fn install() -> io::Result<Signals> {
        let mut incoming = Incoming::new([SIGINT, SIGTERM, SIGHUP])?;
        let signals = Signals(Arc::new(State {
            current: Mutex::default(),
            prompt: AtomicBool::new(false),
            interrupted: AtomicBool::new(false),
            ending: AtomicI32::new(0),
            closing: AtomicBool::new(false),
        }));
        let listener = signals.clone();
        thread::Builder::new()
            .name("signals".to_owned())
            .spawn(move || {
                for signal in incoming.forever() {
                    listener.on(signal);
                }
            })?;
        Ok(signals)
    }

    /// From now on Ctrl-C ends the query, not the program.
    pub fn at_prompt(&self) {
        self.0.prompt.store(true, Ordering::SeqCst);
    }

    /// Says what a signal stops from now on. Stopped at once if the program is ending.
    pub fn watch(&self, token: &Token) {
        *lock(&self.0.current) = token.clone();
        if self.0.prompt.load(Ordering::SeqCst) {
            self.0.interrupted.store(false, Ordering::SeqCst);
        }
        if self.ending() || self.interrupted() {
            token.stop(STOPPED);
        }
    }

    /// Whether Ctrl-C has stopped what is watched.
    pub fn interrupted(&self) -> bool {
        self.0.interrupted.load(Ordering::SeqCst)
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
        let state = &*self.0;
        if signal == SIGINT && state.closing.load(Ordering::SeqCst) {
            // Whoever waits for the end has had enough of waiting.
            process::exit(128 + signal);
        }
        if signal == SIGINT && state.prompt.load(Ordering::SeqCst) {
            state.interrupted.store(true, Ordering::SeqCst);
            lock(&state.current).stop(STOPPED);
            return;
        }
        if state.ending.swap(signal, Ordering::SeqCst) != 0 {
            // Asked twice: at once.
            process::exit(128 + signal);
        }
        lock(&state.current).stop(STOPPED);
        if state.prompt.load(Ordering::SeqCst) {
            self.leave_prompt();
        }
    }

    /// Gets the line editor to return: it takes SIGINT for Ctrl-C while it reads.
    fn leave_prompt(&self) {
        let signals = self.clone();
        // On a thread of its own, so that a second signal is heard. Its start fails only where no
        // thread can start; the signal then takes effect after the next line.
        let _ = thread::Builder::new().spawn(move || {
            while !signals.0.closing.load(Ordering::SeqCst) {
                let _ = low_level::raise(SIGINT);
                thread::sleep(Duration::from_millis(50));
            }
        });
    }
}

/// What a query that a signal has stopped gives as its error.
const STOPPED: &str = "stopped";
