//! MQTT 3.1.1 packets made beforehand, sent over a bare socket: what a broker takes at most.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::Instant;

use super::Result;

/// CONNECT as `limit`, a new session, no keep-alive.
const CONNECT: &[u8] = b"\x10\x11\x00\x04MQTT\x04\x02\x00\x00\x00\x05limit";
const PINGREQ: &[u8] = b"\xc0\x00";
const DISCONNECT: &[u8] = b"\xe0\x00";

/// Publications that are under way together at QoS 2.
const BATCH: usize = 1000;

/// Publishes `count` messages of 16 bytes; gives the seconds until the broker has answered for all.
pub fn publish(port: u16, topic: &str, qos: u8, count: usize) -> Result<f64> {
    let frames: Vec<Vec<u8>> = (0..count).map(|i| frame(topic, qos, i)).collect();
    let mut socket = TcpStream::connect(("127.0.0.1", port))?;
    socket.set_nodelay(true)?;
    socket.write_all(CONNECT)?;
    socket.read_exact(&mut [0; 4])?;
    let begun = Instant::now();
    match qos {
        2 => in_batches(&mut socket, &frames)?,
        _ => all_at_once(&mut socket, &frames.concat(), usize::from(qos) * 4 * count)?,
    }
    let wall = begun.elapsed().as_secs_f64();
    socket.write_all(DISCONNECT)?;
    Ok(wall)
}

fn frame(topic: &str, qos: u8, number: usize) -> Vec<u8> {
    let mut frame = vec![0x30 | qos << 1, 0, 0, topic.len() as u8];
    frame.extend(topic.as_bytes());
    if qos > 0 {
        frame.extend(id(number));
    }
    frame.extend(format!("{:016}", number + 1).as_bytes());
    frame[1] = frame.len() as u8 - 2;
    frame
}

/// Packet identifiers are 1 to 65535, round and round.
fn id(number: usize) -> [u8; 2] {
    ((number % 65_535) as u16 + 1).to_be_bytes()
}

/// Writes everything, and a ping, while `answers` bytes and the answer to the ping are read.
fn all_at_once(socket: &mut TcpStream, frames: &[u8], answers: usize) -> Result<()> {
    let mut reading = socket.try_clone()?;
    let reader = thread::spawn(move || {
        let mut buffer = vec![0; 64 * 1024];
        let mut left = answers + 2;
        while left > 0 {
            match reading.read(&mut buffer) {
                Ok(0) | Err(_) => break,
                Ok(n) => left = left.saturating_sub(n),
            }
        }
        left
    });
    socket.write_all(frames)?;
    socket.write_all(PINGREQ)?;
    match reader.join() {
        Ok(0) => Ok(()),
        _ => Err("the broker closed the connection".into()),
    }
}

/// Each batch goes out with the second step (PUBREL) of the one before.
fn in_batches(socket: &mut TcpStream, frames: &[Vec<u8>]) -> Result<()> {
    let mut released: Vec<u8> = Vec::new();
    let mut answers = vec![0; BATCH * 8];
    for (number, batch) in frames.chunks(BATCH).enumerate() {
        let first = number * BATCH;
        let packets = [released.clone(), batch.concat()].concat();
        socket.write_all(&packets)?;
        socket.read_exact(&mut answers[..released.len() + 4 * batch.len()])?;
        let release = |i| [[0x62, 2], id(i)].concat();
        released = (first..first + batch.len()).flat_map(release).collect();
    }
    socket.write_all(&released)?;
    socket.read_exact(&mut answers[..released.len()])?;
    Ok(())
}
