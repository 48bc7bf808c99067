//! Ports for listeners that are started elsewhere: by a broker, or by nobody.

use std::net::TcpListener;

/// A port of 127.0.0.1 that nobody listens on, and that no other test claims as long as this lives:
/// neither one of this run nor one of another run on the same machine.
///
/// The claim is a listener on the same port of [`CLAIMS`], an address that no one else has a reason to
/// use; so it needs no file and ends with the process. The port itself stays free.
pub struct Port {
    number: u16,
    _claim: TcpListener,
}

/// Any 127.x.y.z is this machine (RFC 1122, 3.2.1.3).
const CLAIMS: &str = "127.86.77.1";

/// Below the ports that Linux gives to outgoing connections and to listeners that ask for any port
/// (32768 and up, ip(7)). Of those, one could be gone while a broker restarts on it.
const RANGE: std::ops::Range<u16> = 12_000..32_000;

impl Port {
    pub fn claim() -> Port {
        for _ in 0..1000 {
            let number = rand::random_range(RANGE);
            let claim = TcpListener::bind((CLAIMS, number));
            let free = TcpListener::bind(("127.0.0.1", number)).is_ok();
            if let (Ok(claim), true) = (claim, free) {
                return Port {
                    number,
                    _claim: claim,
                };
            }
        }
        panic!("of 1000 ports between 12000 and 32000 none is free");
    }

    pub fn number(&self) -> u16 {
        self.number
    }
}
