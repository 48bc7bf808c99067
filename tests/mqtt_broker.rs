//! The embedded broker.
#![cfg(feature = "broker")]

mod support;

use std::time::Duration;

use osql::mqtt::{Clients, PublishOptions};
use osql::mqtt::{Setting, Settings};
use support::mqtt::{options, patience, text};

#[test]
fn messages_go_round_with_and_without_tls() {
    let clients = Clients::default();
    for tls in [false, true] {
        let described = clients
            .brokers
            .start(&options([("tls", tls.into())]), &patience(30))
            .expect("started");
        let port = described
            .get("port")
            .and_then(Setting::as_integer)
            .expect("a port");
        let fields = described.iter().filter(|(name, _)| *name != "port");
        let login: Settings = fields.map(|(k, v)| (k, v.clone())).collect();
        for (version, qos) in [(4, 0), (4, 1), (4, 2), (5, 0), (5, 1), (5, 2)] {
            let mut login = login.clone();
            login.put("version", version.into());
            login.put("qos", qos.into());
            clients
                .register("m", &login, &patience(30))
                .expect("connected");
            let client = clients.get("m").expect("registered");
            let mut subscription = client.subscribe("a/+", &patience(10)).expect("subscribed");
            let mut publisher = client
                .publisher("a/b", PublishOptions::default())
                .expect("ok");
            for i in 0..200 {
                publisher
                    .send(format!("{i}").into_bytes(), &patience(10))
                    .expect("sent");
            }
            publisher.finish(&patience(10)).expect("finished");
            for i in 0..200 {
                assert_eq!(
                    text(&mut subscription),
                    i.to_string(),
                    "version {version} QoS {qos}"
                );
            }
        }
        clients.close(Duration::from_secs(5)).expect("closed");
        clients
            .brokers
            .stop(port as u16, &patience(30))
            .expect("stopped");
        let gone = std::net::TcpStream::connect(("127.0.0.1", port as u16));
        assert!(gone.is_err(), "it listens still");
    }
}

#[test]
fn a_port_that_is_taken_and_wrong_options_are_errors() {
    let clients = Clients::default();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = i64::from(listener.local_addr().expect("bound").port());
    let start = |record: &Settings| clients.brokers.start(record, &patience(30));
    let error = start(&options([("port", port.into())])).expect_err("taken");
    assert!(error.message().contains("does not start"), "{error:?}");
    let error = start(&options([("prot", 1.into())])).expect_err("misspelt");
    assert_eq!(error.helps(), ["did you mean `port`?"]);
    let error = clients.brokers.stop(1, &patience(1)).expect_err("none");
    assert!(error.message().contains("no broker"), "{error:?}");
}
