//! Both ends of a relay: sends readings at a steady rate over a bare socket, and takes the time until
//! each comes back. Its own sockets acknowledge at once, so that what is measured is the relay's doing.

use std::fmt;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::linux::net::TcpStreamExt;
use std::thread;
use std::time::{Duration, Instant};

use super::Result;

/// What is sent.
pub struct Load {
    pub qos: u8,
    /// Messages a second.
    pub rate: u32,
    pub seconds: u32,
}

impl Load {
    pub fn messages(&self) -> u32 {
        self.rate * self.seconds
    }
}

/// What a relay took, in milliseconds a message.
#[derive(Clone, Copy)]
pub struct Delays {
    pub median: f64,
    /// The 99th percentile.
    pub slow: f64,
    pub processor: f64,
    /// Messages that did not come.
    pub lost: f64,
}

impl Delays {
    /// The middle one of each figure.
    pub fn middle(all: &[Delays]) -> Delays {
        let middle = |of: fn(&Delays) -> f64| {
            let mut figures: Vec<f64> = all.iter().map(of).collect();
            figures.sort_by(f64::total_cmp);
            figures[figures.len() / 2]
        };
        Delays {
            median: middle(|d| d.median),
            slow: middle(|d| d.slow),
            processor: middle(|d| d.processor),
            lost: all.iter().map(|d| d.lost).sum(),
        }
    }
}

impl fmt::Display for Delays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:.2} {:.2} ({:.3})",
            self.median, self.slow, self.processor
        )?;
        match self.lost > 0.0 {
            true => write!(f, ", {} lost", self.lost),
            false => Ok(()),
        }
    }
}

/// Every tenth reading is too cold for the relay.
const TENTH: u32 = 10;

/// How long the last messages may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// Sends a load and waits until everything that passes the relay's filter has come back.
pub fn measure(port: u16, load: &Load) -> Result<Delays> {
    let mut receiver = Link::open(port, "receiver")?;
    receiver
        .stream
        .write_all(b"\x82\x08\x00\x01\x00\x03out\x00")?;
    receiver.packet()?;
    let mut sender = Link::open(port, "sender")?;
    let mut writing = sender.stream.try_clone()?;
    // The sender's other half gives the second step at QoS 2, without which the broker keeps the
    // message to itself.
    let answering = thread::spawn(move || {
        while let Ok(packet) = sender.packet() {
            if let [0x50, 2, high, low] = packet[..]
                && sender.stream.write_all(&[0x62, 2, high, low]).is_err()
            {
                break;
            }
        }
    });
    let messages = load.messages();
    let passing = messages - messages.div_ceil(TENTH);
    let (qos, pause) = (load.qos, Duration::from_secs(1) / load.rate);
    let sending = thread::spawn(move || -> std::io::Result<Vec<Instant>> {
        let mut sent = Vec::with_capacity(messages as usize);
        let begun = Instant::now();
        for number in 0..messages {
            thread::sleep((begun + pause * number).saturating_duration_since(Instant::now()));
            let packet = reading(qos, number);
            sent.push(Instant::now());
            writing.write_all(&packet)?;
        }
        Ok(sent)
    });
    let mut came = Vec::with_capacity(passing as usize);
    while came.len() < passing as usize {
        // What is late by the read's timeout will not come: mosquitto drops at QoS 0 what a client
        // does not take in time.
        let Ok(packet) = receiver.packet() else {
            break;
        };
        came.push((number(&packet)?, Instant::now()));
    }
    let lost = passing as usize - came.len();
    let sent = sending.join().map_err(|_| "the sender panicked")??;
    receiver.stream.shutdown(std::net::Shutdown::Both)?;
    // Its thread ends with the broker.
    drop(answering);
    let mut delays: Vec<f64> = came
        .iter()
        .map(|(number, at)| (*at - sent[*number as usize]).as_secs_f64() * 1e3)
        .collect();
    delays.sort_by(f64::total_cmp);
    Ok(Delays {
        median: delays[delays.len() / 2],
        slow: delays[delays.len() * 99 / 100],
        processor: 0.0,
        lost: lost as f64,
    })
}

fn reading(qos: u8, number: u32) -> Vec<u8> {
    let celsius = if number.is_multiple_of(TENTH) {
        19.5
    } else {
        21.5
    };
    let mut packet = vec![0x30 | qos << 1, 0, 0, 2, b'i', b'n'];
    if qos > 0 {
        packet.extend(((number % 65_535) as u16 + 1).to_be_bytes());
    }
    packet.extend(format!("{{\"n\": {number}, \"celsius\": {celsius}}}").bytes());
    packet[1] = packet.len() as u8 - 2;
    packet
}

/// The number of a reading that comes back.
fn number(packet: &[u8]) -> Result<u32> {
    let text = String::from_utf8_lossy(packet);
    let after = text.split("\"n\":").nth(1).ok_or("no reading came back")?;
    let digits: String = after
        .trim_start()
        .chars()
        .take_while(char::is_ascii_digit)
        .collect();
    Ok(digits.parse()?)
}

/// A connection of a client that does nothing by itself.
struct Link {
    stream: TcpStream,
    unread: Vec<u8>,
}

impl Link {
    fn open(port: u16, name: &str) -> Result<Link> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut link = Link {
            stream,
            unread: Vec::new(),
        };
        let mut connect = b"\x10\x00\x00\x04MQTT\x04\x02\x00\x00\x00".to_vec();
        connect.push(name.len() as u8);
        connect.extend(name.as_bytes());
        connect[1] = connect.len() as u8 - 2;
        link.stream.write_all(&connect)?;
        link.packet()?;
        Ok(link)
    }

    /// The next packet, of 129 bytes at most.
    fn packet(&mut self) -> std::io::Result<Vec<u8>> {
        loop {
            if let [_, length, ..] = self.unread[..]
                && self.unread.len() >= usize::from(length) + 2
            {
                let rest = self.unread.split_off(usize::from(length) + 2);
                return Ok(std::mem::replace(&mut self.unread, rest));
            }
            let mut buffer = [0; 4096];
            let read = self.stream.read(&mut buffer)?;
            self.stream.set_quickack(true)?;
            if read == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            self.unread.extend(&buffer[..read]);
        }
    }
}
