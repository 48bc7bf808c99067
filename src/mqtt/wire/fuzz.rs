//! Bytes of every kind for both decoders: packets, packets with damage, and noise. A few seconds of it
//! in each run of the tests; `OSQL_FUZZ_MINUTES=10 cargo test --release --lib mqtt::wire::fuzz` takes
//! its time. A failure names the seed, which `OSQL_FUZZ_SEED` repeats.

use std::time::{Duration, Instant};

use bytes::BytesMut;
use rand::rngs::StdRng;
use rand::{Rng, RngCore, SeedableRng};

use super::{Decoder, IncomingPacket, Violation};
use crate::mqtt::options::Version;

/// The largest packet that is taken.
const LIMIT: usize = 300;

/// Packets that brokers send, in MQTT 3.1.1 and 5, and some that they do not.
const PACKETS: [&[u8]; 26] = [
    b"\x20\x02\x00\x00",
    b"\x20\x02\x01\x00",
    b"\x20\x06\x00\x00\x03\x21\x00\x0a",
    b"\x20\x14\x00\x87\x11\x1f\x00\x03no!\x12\x00\x02id\x27\x00\x00\x10\x00\x24\x01",
    b"\x30\x08\x00\x03a/bxyz",
    b"\x32\x0a\x00\x03a/b\x00\x07xyz",
    b"\x3d\x0a\x00\x03a/b\x00\x07xyz",
    b"\x30\x09\x00\x03a/b\x00xyz",
    b"\x34\x1d\x00\x03a/b\x00\x07\x12\x01\x01\x02\x00\x00\x00\x09\x0b\x81\x01\x0b\x02\x03\x00\x04textxyz",
    b"\x32\x1c\x00\x01a\x00\x01\x11\x08\x00\x01r\x09\x00\x02cd\x26\x00\x01k\x00\x01vpayld",
    b"\x30\x07\x00\x00\x03\x23\x00\x01x",
    b"\x40\x02\x00\x01",
    b"\x40\x03\x00\x01\x95",
    b"\x40\x0a\x00\x01\x87\x06\x1f\x00\x03no!",
    b"\x50\x02\x00\x01",
    b"\x50\x04\x00\x01\x97\x00",
    b"\x62\x02\x00\x01",
    b"\x70\x03\x00\x01\x92",
    b"\x90\x03\x00\x01\x01",
    b"\x90\x04\x00\x01\x00\x02",
    b"\xb0\x02\x00\x01",
    b"\xb0\x04\x00\x01\x00\x11",
    b"\xd0\x00",
    b"\xe0\x01\x8e",
    b"\xe0\x08\x98\x06\x1f\x00\x03now",
    b"\xf0\x0b\x18\x09\x15\x00\x01m\x16\x00\x02xy",
];

/// How reading a stream of bytes ended.
#[derive(Debug, PartialEq)]
struct Reading {
    packets: Vec<IncomingPacket>,
    violation: Option<Violation>,
}

/// A stream of packets, some of them with damage or too large, some bytes no packet at all.
fn stream(random: &mut StdRng) -> Vec<u8> {
    let mut all = Vec::new();
    for _ in 0..random.random_range(1..6) {
        let start = all.len();
        match random.random_range(0..10) {
            0 => {
                let mut noise = vec![0; random.random_range(0..40)];
                random.fill_bytes(&mut noise);
                all.extend(noise);
            }
            // A message that is too large, for one version or the other.
            1 => {
                let length = random.random_range(200..900_usize);
                all.push(0x30 | random.random_range(0..16));
                all.extend([(length & 0x7f) as u8 | 0x80, (length >> 7) as u8]);
                all.extend(b"\x00\x01t\x00\x05\x00");
                all.resize(start + 3 + length, b'x');
            }
            _ => all.extend(PACKETS[random.random_range(0..PACKETS.len())]),
        }
        for _ in 0..random.random_range(0..3) {
            damage(&mut all, start, random);
        }
    }
    all
}

/// Changes, removes or adds a byte behind `start`.
fn damage(bytes: &mut Vec<u8>, start: usize, random: &mut StdRng) {
    if start == bytes.len() || random.random_bool(0.6) {
        return;
    }
    let at = random.random_range(start..bytes.len());
    match random.random_range(0..5) {
        0 => bytes[at] = random.random(),
        1 => bytes[at] ^= 1 << random.random_range(0..8),
        2 => bytes[at] = [0, 1, 0x7f, 0x80, 0xff][random.random_range(0..5)],
        3 => drop(bytes.remove(at)),
        _ => bytes.insert(at, random.random()),
    }
}

/// Reads a stream that comes in pieces whose sizes `piece` says.
fn read(version: Version, bytes: &[u8], mut piece: impl FnMut() -> usize) -> Reading {
    let mut decoder = Decoder::new(version, LIMIT);
    let mut buffer = BytesMut::new();
    let mut packets = Vec::new();
    let mut rest = bytes;
    loop {
        match decoder.next(&mut buffer) {
            Ok(Some(packet)) => packets.push(packet),
            Ok(None) if rest.is_empty() => break,
            Ok(None) => {
                let (now, later) = rest.split_at(piece().clamp(1, rest.len()));
                buffer.extend_from_slice(now);
                rest = later;
            }
            Err(violation) => {
                let violation = Some(violation);
                return Reading { packets, violation };
            }
        }
        // What is announced is not taken at its word.
        assert!(buffer.capacity() <= 4 * (bytes.len() + LIMIT) + 1024);
    }
    // Each has two bytes at least, and something that is held has come.
    assert!(packets.len() <= bytes.len() / 2);
    let held: usize = packets.iter().map(content).sum();
    assert!(held <= bytes.len());
    Reading {
        packets,
        violation: None,
    }
}

/// How many bytes of a stream a packet holds.
fn content(packet: &IncomingPacket) -> usize {
    match packet {
        IncomingPacket::Publish(message) => {
            assert!(message.topic.len() + message.payload.len() <= LIMIT);
            message.topic.len() + message.payload.len()
        }
        IncomingPacket::TooLarge(message) => message.topic.len(),
        _ => 0,
    }
}

/// Streams that come in pieces are read as if they came at once.
fn try_one(seed: u64) {
    let mut random = StdRng::seed_from_u64(seed);
    let bytes = stream(&mut random);
    for version in [Version::V4, Version::V5] {
        let whole = read(version, &bytes, || usize::MAX);
        let single = read(version, &bytes, || 1);
        let pieces = read(version, &bytes, || random.random_range(1..20));
        assert_eq!(whole, single, "{version:?} {bytes:02x?}");
        assert_eq!(whole, pieces, "{version:?} {bytes:02x?}");
    }
}

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn any_bytes_are_read_or_refused() {
    if let Some(seed) = setting("OSQL_FUZZ_SEED") {
        return try_one(seed);
    }
    let minutes = setting("OSQL_FUZZ_MINUTES");
    let end = Instant::now() + Duration::from_secs(minutes.map_or(2, |m| 60 * m));
    let first: u64 = if minutes.is_some() { rand::random() } else { 0 };
    let mut tried = 0;
    // In the suite as many as a slow machine tries in a moment, the same ones each time.
    while Instant::now() < end && (minutes.is_some() || tried < 20_000) {
        let seed = first.wrapping_add(tried);
        let tried_one = std::panic::catch_unwind(|| try_one(seed));
        assert!(tried_one.is_ok(), "OSQL_FUZZ_SEED={seed}");
        tried += 1;
    }
    println!("{tried} streams from seed {first} on");
}
