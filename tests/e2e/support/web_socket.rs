//! A broker behind a WebSocket that does with each connection what its test says, one after the other
//! and then the last again and again. A small program of its own, because brokers send nothing but
//! binary frames as a rule.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use async_tungstenite::tungstenite::handshake::server::{Request, Response};
use async_tungstenite::tungstenite::http::HeaderValue;
use async_tungstenite::tungstenite::{Message, WebSocket, accept_hdr};

/// The server's end of a connection.
pub type Socket = WebSocket<TcpStream>;

/// What goes on over an open connection; `None` ends it early.
type Conversation = dyn Fn(&mut Socket) -> Option<()> + Send + Sync;

/// What is done with a connection.
pub enum Role {
    /// The handshake is made, then this goes on; when it returns the connection is closed.
    Open(Box<Conversation>),
    /// The request is answered with this HTTP status.
    Http(&'static str),
    /// These bytes are the answer.
    Raw(&'static [u8]),
}

pub fn open(role: impl Fn(&mut Socket) -> Option<()> + Send + Sync + 'static) -> Role {
    Role::Open(Box::new(role))
}

/// Starts it; gives its URL.
pub fn start(roles: Vec<Role>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let roles = Arc::new(roles);
    thread::spawn(move || {
        for (number, stream) in listener.incoming().flatten().enumerate() {
            let roles = roles.clone();
            thread::spawn(move || perform(stream, &roles[number.min(roles.len() - 1)]));
        }
    });
    format!("ws://127.0.0.1:{port}/mqtt")
}

/// Errors are the client's doing, who leaves: nothing to report.
fn perform(mut stream: TcpStream, role: &Role) -> Option<()> {
    let refuse = |stream: &mut TcpStream, bytes: &[u8]| {
        let asked = stream.read(&mut [0; 4096]).ok()?;
        if asked == 0 {
            return None;
        }
        stream.write_all(bytes).ok()
    };
    match role {
        Role::Open(role) => {
            let mut socket = accept_hdr(stream, with_protocol).ok()?;
            role(&mut socket)
        }
        Role::Http(status) => {
            let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
            refuse(&mut stream, answer.as_bytes())
        }
        Role::Raw(bytes) => refuse(&mut stream, bytes),
    }
}

// The type of the error is the library's.
#[allow(clippy::result_large_err)]
fn with_protocol(
    _: &Request,
    mut response: Response,
) -> Result<Response, async_tungstenite::tungstenite::handshake::server::ErrorResponse> {
    let protocol = HeaderValue::from_static("mqtt");
    response
        .headers_mut()
        .insert("Sec-WebSocket-Protocol", protocol);
    Ok(response)
}

/// The next packet that comes, which is one frame.
pub fn packet(socket: &mut Socket) -> Option<Vec<u8>> {
    loop {
        match socket.read().ok()? {
            Message::Binary(bytes) => return Some(bytes.to_vec()),
            Message::Close(_) => return None,
            _ => {}
        }
    }
}

/// Sends a binary frame.
pub fn send(socket: &mut Socket, bytes: impl Into<Vec<u8>>) -> Option<()> {
    socket.send(Message::Binary(bytes.into().into())).ok()
}

/// Takes a client of MQTT 3.1.1 and one subscription at QoS 0 of it.
pub fn take_subscriber(socket: &mut Socket) -> Option<()> {
    packet(socket)?;
    send(socket, [0x20, 2, 0, 0])?;
    let subscribe = packet(socket)?;
    send(socket, [0x90, 3, subscribe[2], subscribe[3], 0])
}

/// Reads until the client leaves.
pub fn hold(socket: &mut Socket) -> Option<()> {
    while packet(socket).is_some() {}
    Some(())
}
