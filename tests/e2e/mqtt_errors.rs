//! What a user does wrong with MQTT: each fault has a message of its own, and help; the script goes
//! on and exits with 1.

use std::net::TcpListener;
use std::path::Path;

use crate::support::certs::{Authority, Dates, Identity};
use crate::support::mosquitto::Mosquitto;
use crate::support::osql::{file, osql};
use crate::support::port::Port;
use crate::support::table::each_row;
use tempfile::TempDir;

/// Runs `statement` and one after it; gives the first line of the error, which is the only one.
#[track_caller]
fn fails(statement: &str, message: &str, help: &str) -> String {
    let output = osql()
        .statements(statement)
        .statements("'and goes on';")
        .run();
    assert_eq!(output.stdout, "\"and goes on\"\n", "{output:?}");
    output.expect_error(1, message);
    output.expect_error(1, help);
    assert_eq!(output.stderr.matches("error: ").count(), 1, "{output:?}");
    output.stderr.lines().next().unwrap_or("").to_owned()
}

fn register(options: &str) -> String {
    format!("mqtt:register_client('m', {{'connect-timeout': 5, {options}}});")
}

#[test]
fn options_that_cannot_be() {
    let table = [
        ("'conection': 'tcp://h'", "conection", "connection"),
        ("'QoS': 1", "QoS", "qos"),
        ("'qos': 3", "qos", "0, 1 or 2"),
        ("'qos': 'high'", "qos", "0, 1 or 2"),
        ("'connection': 'http://h'", "http", "tcp, ssl, ws"),
        ("'connection': 'tcp://h:port'", "port", ""),
        ("'port': 70000", "port", "65535"),
        ("'version': 3", "version", "4"),
        ("'psk': 'aa'", "psk", "cert"),
        ("'keepalive': -1", "keepalive", ""),
        ("'will-payload': 'x'", "will-payload", "will-topic"),
        ("'cafile': 7", "cafile", "string"),
        ("'ciphers': 'NULL-MD5'", "NULL-MD5", ""),
    ];
    each_row(table, |(option, message, help)| {
        fails(&register(option), message, help);
    });
}

#[test]
fn brokers_that_are_not_there() {
    let nobody = Port::claim();
    let nobody = nobody.number();
    let refused = fails(
        &register(&format!("'connection': 'tcp://127.0.0.1:{nobody}'")),
        &format!("127.0.0.1:{nobody} refuses the connection"),
        "that the broker runs",
    );
    // RFC 6761: .invalid never resolves.
    let unknown = fails(
        &register("'connection': 'tcp://broker.invalid'"),
        "broker.invalid",
        "= help: ",
    );
    // Takes the connection and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = silent.local_addr().expect("bound").port();
    let silent = fails(
        &format!("mqtt:register_client('m', {{'port': {port}, 'connect-timeout': 0.5}});"),
        &port.to_string(),
        "0.5",
    );
    assert!(refused != unknown && unknown != silent);
}

#[test]
fn a_login_that_is_refused() {
    let broker = Mosquitto::configured("allow_anonymous false");
    let rows = [(4, "'username': 'u', 'password': 'wrong',"), (5, "")];
    each_row(rows, |(version, login)| {
        let at = broker.url("tcp");
        let options = format!("{login} 'version': {version}, 'connection': '{at}'");
        fails(&register(&options), "refuse", "username");
    });
}

/// A broker's certificate that is wrong in one way or another: each is told from the others.
#[test]
fn certificates_that_cannot_be_trusted() {
    let ca = Authority::new("Test CA");
    let other = Authority::new("Another CA");
    let listen = |identity: &Identity| {
        Mosquitto::start(&format!(
            "certfile {}\nkeyfile {}",
            identity.cert.display(),
            identity.key.display()
        ))
    };
    let connect = |broker: &Mosquitto, cafile: &Path| {
        let port = broker.port;
        let cafile = cafile.display();
        register(&format!(
            "'connection': 'ssl://localhost:{port}', 'cafile': '{cafile}'"
        ))
    };
    for make in [Authority::version_one, Authority::version_three] {
        let right = listen(&make(&ca, "localhost", Dates::Good));
        let name = listen(&make(&ca, "broker.example", Dates::Good));
        let date = listen(&make(&ca, "localhost", Dates::Expired));
        let unknown_ca = connect(&right, &other.cert());
        fails(&unknown_ca, "not from a CA that is trusted", "cafile");
        let name = connect(&name, &ca.cert());
        fails(&name, "for another name than `localhost`", "insecure");
        fails(&connect(&date, &ca.cert()), "has expired", "clock");
    }
    let old = listen(&ca.version_one("localhost", Dates::Good));
    let unnamed = register(&format!("'connection': 'ssl://localhost:{}'", old.port));
    fails(&unnamed, "X.509 version 1", "cafile");
    let plain = Mosquitto::start("");
    fails(&connect(&plain, &ca.cert()), "TLS", "plain port");
    let tls = listen(&ca.version_three("localhost", Dates::Good));
    let to_tls = register(&format!("'connection': 'tcp://localhost:{}'", tls.port));
    fails(&to_tls, "localhost", "ssl://");
}

#[test]
fn files_that_cannot_be_read() {
    let folder = TempDir::new().expect("a folder");
    let empty = file(folder.path(), "empty.crt", "nothing\n");
    let empty = empty.to_string_lossy();
    each_row(["cafile", "capath", "cert", "key"], |option| {
        let pair = match option {
            "cert" => ", 'key': '/no/such/file'",
            "key" => ", 'cert': '/no/such/file'",
            _ => "",
        };
        let options =
            format!("'connection': 'ssl://localhost:1', '{option}': '/no/such/file'{pair}");
        fails(&register(&options), "/no/such/file", "No such file");
    });
    let options = format!("'connection': 'ssl://localhost:1', 'cafile': '{empty}'");
    fails(&register(&options), "no certificate", "empty.crt");
    fails(
        "load_osql('/no/such.osql');",
        "/no/such.osql",
        "No such file",
    );
}

#[test]
fn clients_and_topics_that_cannot_be() {
    let unknown = fails("publish(streamof(1), 'nobody:t');", "nobody", "register");
    let listen = fails("subscribe('nobody:t');", "nobody", "register");
    assert_eq!(unknown, listen);
    let broker = Mosquitto::start("");
    let with = |statement: &str| {
        let options = format!("'connection': '{}'", broker.url("tcp"));
        format!("mqtt:register_client('m', {{{options}}}); {statement}")
    };
    let run = |statement: &str| {
        let output = osql().statements(&with(statement)).run();
        assert_eq!((output.stdout.as_str(), output.code), ("", 1));
        output.stderr
    };
    let near = run("publish(streamof(1), 'n:t');");
    assert!(near.contains("'m'") || near.contains("`m`"), "{near}");
    let wildcard = run("publish(streamof(1), 'm:a/#');");
    assert!(wildcard.contains("a/#"), "{wildcard}");
    let filter = run("subscribe('m:a/#/b');");
    assert!(filter.contains("a/#/b"), "{filter}");
}
