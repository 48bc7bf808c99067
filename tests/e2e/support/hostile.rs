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

    /// A broker that does this with each connection, whose number is counted from 0.
    pub fn with(serve: impl Fn(TcpStream, usize) -> Option<()> + Send + Sync + 'static) -> Hostile {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = connections.clone();
        let serve = Arc::new(serve);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let number = counted.fetch_add(1, Ordering::SeqCst);
                let serve = serve.clone();
                thread::spawn(move || serve(stream, number));
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

/// A packet from the client: its first byte and what follows its length. `None` if it left.
pub fn packet(stream: &mut TcpStream) -> Option<(u8, Vec<u8>)> {
    let first = byte(stream)?;
    let mut length = 0;
    for at in 0.. {
        let next = byte(stream)?;
        length |= usize::from(next & 0x7f) << (7 * at);
        if next & 0x80 == 0 {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some((first, body))
}

fn byte(stream: &mut TcpStream) -> Option<u8> {
    let mut byte = [0];
    stream.read_exact(&mut byte).ok()?;
    Some(byte[0])
}

/// CONNACK of that version: accepted, with these properties in MQTT 5.
pub fn accepted(version: i64, session_present: bool, properties: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x20, 2, u8::from(session_present), 0];
    if version == 5 {
        packet.push(properties.len() as u8);
        packet.extend(properties);
        packet[1] = packet.len() as u8 - 2;
    }
    packet
}

/// A message to `topic`, with these bytes between its identifier, if it has one, and its payload.
pub fn message(qos: u8, topic: &str, id: u16, between: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut body = (topic.len() as u16).to_be_bytes().to_vec();
    body.extend(topic.as_bytes());
    if qos > 0 {
        body.extend(id.to_be_bytes());
    }
    body.extend(between);
    body.extend(payload);
    let mut packet = vec![0x30 | qos << 1];
    let mut length = body.len();
    loop {
        let more = length > 0x7f;
        packet.push(length as u8 & 0x7f | u8::from(more) << 7);
        length >>= 7;
        if !more {
            break;
        }
    }
    packet.extend(body);
    packet
}

/// What a publication from a client says: identifier, 0 at QoS 0, and payload.
pub fn publication(version: i64, first: u8, body: &[u8]) -> (u16, Vec<u8>) {
    let mut at = 2 + usize::from(u16::from_be_bytes([body[0], body[1]]));
    let mut id = 0;
    if first & 6 > 0 {
        id = u16::from_be_bytes([body[at], body[at + 1]]);
        at += 2;
    }
    if version == 5 {
        // The tests send no properties of more than 127 bytes.
        at += 1 + usize::from(body[at]);
    }
    (id, body[at..].to_vec())
}

/// Answers what an obliging broker of either version would answer to this packet.
pub fn oblige(stream: &mut TcpStream, version: i64, first: u8, body: &[u8]) -> Option<()> {
    let answer = |kind: u8, id: u16| vec![kind, 2, (id >> 8) as u8, id as u8];
    let bytes = match first >> 4 {
        3 => {
            let (id, _) = publication(version, first, body);
            match first >> 1 & 3 {
                0 => return Some(()),
                1 => answer(0x40, id),
                _ => answer(0x50, id),
            }
        }
        6 => answer(0x70, u16::from_be_bytes([body[0], body[1]])),
        8 if version == 5 => vec![0x90, 4, body[0], body[1], 0, body[body.len() - 1]],
        8 => vec![0x90, 3, body[0], body[1], body[body.len() - 1]],
        10 if version == 5 => vec![0xb0, 4, body[0], body[1], 0, 0],
        10 => vec![0xb0, 2, body[0], body[1]],
        12 => vec![0xd0, 0],
        _ => return Some(()),
    };
    stream.write_all(&bytes).ok()
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
