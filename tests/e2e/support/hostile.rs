//! A broker that misbehaves: it answers each connection with the next of a list of acts, then keeps
//! to the last. A small program of its own, because no real broker does such things.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// What the broker does with a connection after it has read CONNECT.
#[derive(Clone, Debug)]
pub enum Act {
    /// Sends these bytes, then closes.
    SendAndClose(Vec<u8>),
    /// Sends these bytes, then reads and says nothing more.
    SendAndHold(Vec<u8>),
    /// Sends these bytes, waits for another packet, sends the others, then holds.
    SendTwice(Vec<u8>, Vec<u8>),
    /// Sends CONNACK, then the bytes again and again as fast as they are taken.
    Flood(Vec<u8>),
}

/// The broker's port, and how many connections it has had.
pub struct Hostile {
    pub port: u16,
    pub connections: Arc<AtomicUsize>,
}

/// CONNACK of MQTT 3.1.1: accepted, a new session.
pub const ACCEPTED: [u8; 4] = [0x20, 2, 0, 0];

impl Hostile {
    pub fn start(acts: Vec<Act>) -> Hostile {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = connections.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let number = counted.fetch_add(1, Ordering::SeqCst);
                let act = acts[number.min(acts.len() - 1)].clone();
                thread::spawn(move || perform(stream, act));
            }
        });
        Hostile { port, connections }
    }

    pub fn url(&self) -> String {
        format!("tcp://127.0.0.1:{}", self.port)
    }
}

/// Errors are the client's doing, who leaves: nothing to report.
fn perform(mut stream: TcpStream, act: Act) -> Option<()> {
    heard(&mut stream)?;
    match act {
        Act::SendAndClose(bytes) => stream.write_all(&bytes).ok(),
        Act::SendAndHold(bytes) => {
            stream.write_all(&bytes).ok()?;
            hold(stream)
        }
        Act::SendTwice(first, second) => {
            stream.write_all(&first).ok()?;
            heard(&mut stream)?;
            stream.write_all(&second).ok()?;
            hold(stream)
        }
        Act::Flood(bytes) => {
            stream.write_all(&ACCEPTED).ok()?;
            loop {
                stream.write_all(&bytes).ok()?;
            }
        }
    }
}

/// Waits for something from the client; `None` if it left.
fn heard(stream: &mut TcpStream) -> Option<usize> {
    let mut buffer = [0; 4096];
    stream.read(&mut buffer).ok().filter(|n| *n > 0)
}

fn hold(mut stream: TcpStream) -> Option<()> {
    while heard(&mut stream).is_some() {}
    Some(())
}
