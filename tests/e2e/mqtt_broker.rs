//! The embedded broker.

use osql::model::{Record, Value};
use osql::mqtt::Clients;

use crate::support::mqtt::{connect, options, patience, text};
use crate::support::table::each_row;

#[test]
fn messages_go_round_with_and_without_tls() {
    each_row([false, true], |tls| {
        let clients = Clients::default();
        let described = clients
            .brokers
            .start(&options([("tls", tls.into())]), &patience(30))
            .expect("started");
        let port = described
            .get("port")
            .and_then(Value::as_int)
            .expect("a port");
        let fields = described.iter().filter(|(name, _)| &***name != "port");
        let login: Record = fields.map(|(k, v)| (k.clone(), v.clone())).collect();
        let rows = [(4, 0), (4, 1), (4, 2), (5, 0), (5, 1), (5, 2)];
        each_row(rows, |(version, qos)| {
            let mut login = login.clone();
            login.put("version", version.into());
            login.put("qos", qos.into());
            let client = connect(&login).expect("connected");
            let mut subscription = client.listen("a/+");
            client.publish("a/b", 0..200);
            for i in 0..200 {
                assert_eq!(text(&mut subscription), i.to_string());
            }
            client.close();
        });
        clients
            .brokers
            .stop(port as u16, &patience(30))
            .expect("stopped");
        let gone = std::net::TcpStream::connect(("127.0.0.1", port as u16));
        assert!(gone.is_err(), "it listens still");
    });
}

#[test]
fn a_port_that_is_taken_and_wrong_options_are_errors() {
    let clients = Clients::default();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = i64::from(listener.local_addr().expect("bound").port());
    let start = |record: &Record| clients.brokers.start(record, &patience(30));
    let error = start(&options([("port", port.into())]))
        .err()
        .expect("taken");
    assert!(error.message().contains("does not start"), "{error:?}");
    let error = start(&options([("prot", 1.into())]))
        .err()
        .expect("misspelt");
    assert_eq!(error.helps(), ["did you mean `port`?"]);
    let error = clients.brokers.stop(1, &patience(1)).expect_err("none");
    assert!(error.message().contains("no broker"), "{error:?}");
}
