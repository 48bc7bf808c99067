//! `json:request` against servers of the test on this machine.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::support::session::Db;

/// Answers each request with what `answer` gives for its first line, as long as the test runs.
fn server(answer: impl Fn(&str, &mut TcpStream) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.expect("a connection");
            let request = head(&mut connection);
            answer(request.lines().next().unwrap_or(""), &mut connection);
        }
    });
    format!("http://{address}")
}

/// What comes before the empty line that ends the head of a request.
fn head(connection: &mut impl Read) -> String {
    let mut read = Vec::new();
    let mut byte = [0];
    while !read.ends_with(b"\r\n\r\n") && connection.read(&mut byte).is_ok_and(|n| n == 1) {
        read.extend(byte);
    }
    String::from_utf8_lossy(&read).into_owned()
}

fn respond(connection: &mut TcpStream, status: &str, body: &str) {
    let length = body.len();
    let text =
        format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}");
    // Whoever asked may have gone.
    let _ = connection.write_all(text.as_bytes());
}

#[test]
fn a_json_object_is_a_record() {
    let url = server(|request, connection| match request {
        "GET /pump?id=7 HTTP/1.1" => respond(connection, "200 OK", r#"{"id":7,"rpm":[900,1.5]}"#),
        other => respond(connection, "500 Internal Server Error", other),
    });
    let mut db = Db::new();
    db.gives(
        &format!("set :r = json:request('{url}/pump?id=7'); :r; :r['rpm'][2];"),
        "{\"id\":7,\"rpm\":[900,1.5]}
         1.5",
    );
    // Asked anew for each element.
    db.gives(
        &format!(
            "select json:request('{url}/pump?id=' + i)['id'] from Integer i where i in [7,7];"
        ),
        "7
         7",
    );
}

#[test]
fn a_redirect_is_followed() {
    let url = server(|request, connection| match request {
        "GET /old HTTP/1.1" => respond(connection, "302 Found\r\nLocation: /new", ""),
        _ => respond(connection, "200 OK", "{\"here\":true}"),
    });
    Db::new().gives(&format!("json:request('{url}/old');"), "{\"here\":true}");
}

#[test]
fn what_is_no_json_object_is_an_error() {
    let url = server(|request, connection| match request {
        "GET /page HTTP/1.1" => respond(connection, "200 OK", "<html>"),
        "GET /list HTTP/1.1" => respond(connection, "200 OK", "[1,2]"),
        _ => respond(connection, "404 Not Found", "{\"no\":1}"),
    });
    let mut db = Db::new();
    db.fails(
        &format!("json:request('{url}/page');"),
        &[
            "/page: not JSON",
            &format!("at `json:request('{url}/page')`"),
        ],
    );
    db.fails(
        &format!("json:request('{url}/list');"),
        &["/list: a JSON object is wanted here, not [1,2]"],
    );
    db.fails(
        &format!("json:request('{url}/none');"),
        &[&format!("error: {url}/none answers 404 Not Found")],
    );
    db.fails(
        "json:request('/etc/passwd');",
        &[
            "\"/etc/passwd\" is not the address of a web server",
            "http://",
        ],
    );
    db.gives("1;", "1");
}

#[test]
fn a_server_that_is_not_there_is_an_error() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    Db::new().fails(
        &format!("json:request('http://{address}/');"),
        &[&format!(
            "cannot read http://{address}/: the connection is refused"
        )],
    );
}

#[test]
fn an_answer_that_breaks_off_is_an_error() {
    let url = server(|_, connection| {
        let _ = connection.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"a\":");
    });
    let mut db = Db::new();
    db.fails(
        &format!("json:request('{url}');"),
        &["cannot read", "closed before the whole answer"],
    );
    let url = server(|_, connection| drop(connection.write_all(b"SSH-2.0-none\r\n\r\n")));
    db.fails(
        &format!("json:request('{url}');"),
        &["does not answer in HTTP"],
    );
}

#[test]
fn an_answer_without_end_is_an_error() {
    let url = server(|_, connection| {
        let piece = [b' '; 1 << 16];
        let mut sent = connection.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
        while sent.is_ok() {
            sent = connection.write_all(&piece);
        }
    });
    Db::new().fails(
        &format!("json:request('{url}');"),
        &["the answer is larger than 67108864 bytes"],
    );
}

#[test]
fn the_wait_for_an_answer_can_be_stopped() {
    let (asked, was_asked) = mpsc::channel();
    let url = server(move |_, connection| {
        let kept = connection.try_clone().expect("a second handle");
        asked.send(kept).expect("the test runs");
    });
    let mut db = Db::new();
    let interrupt = db.interrupt();
    let stopper = thread::spawn(move || {
        let kept = was_asked.recv().expect("a request");
        interrupt.stop("stopped by the test");
        (kept, was_asked)
    });
    db.fails(&format!("json:request('{url}');"), &["stopped by the test"]);
    drop(stopper.join().expect("no panic"));
}

#[test]
fn a_timeout_ends_the_wait_for_an_answer() {
    let (asked, _kept) = mpsc::channel();
    let url = server(move |_, connection| {
        let kept = connection.try_clone().expect("a second handle");
        asked.send(kept).expect("the test runs");
    });
    let mut db = Db::with_timeout(Some(Duration::from_millis(100)));
    db.fails(
        &format!("json:request('{url}');"),
        &["ran longer than 0.1 seconds"],
    );
}

#[test]
fn a_certificate_that_nobody_vouches_for_is_refused() {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a certificate");
    let key = rustls::pki_types::PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key.into())
        .expect("a certificate with its key");
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for connection in listener.incoming() {
            let session = rustls::ServerConnection::new(config.clone()).expect("a session");
            let mut stream = rustls::StreamOwned::new(session, connection.expect("a connection"));
            head(&mut stream);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
        }
    });
    Db::new().fails(
        &format!("json:request('https://{address}/');"),
        &["its certificate is not from a CA that this system trusts"],
    );
}

#[test]
fn a_plain_server_asked_in_tls_is_an_error() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.expect("a connection");
            // The beginning of the handshake is no request: it is answered all the same.
            let mut hello = [0; 1];
            connection.read_exact(&mut hello).expect("a handshake");
            respond(&mut connection, "400 Bad Request", "");
        }
    });
    Db::new().fails(
        &format!("json:request('https://{address}/');"),
        &["it does not answer in TLS", "http:// only"],
    );
}
