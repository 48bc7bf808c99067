//! Tests of what is passed between clients, and of what is held for them.

use rumqttc_v5::mqttbytes::v5::ConnectProperties;

use super::super::held::Limits;
use super::*;

fn exchange(limits: Limits) -> Exchange {
    Exchange {
        budget: Budget {
            limits,
            ..Budget::default()
        },
        ..Exchange::default()
    }
}

fn small() -> Limits {
    Limits {
        client: 64 << 10,
        messages: 256 << 10,
        retained: 64 << 10,
        sessions: 32 << 10,
    }
}

/// Connects a client whose session is kept, which takes so many messages at a time.
fn connect(
    exchange: &mut Exchange,
    name: &str,
    clean_start: bool,
    receive_maximum: u16,
) -> Result<Caller, ConnectCode> {
    let connect = Connect {
        keep_alive: 0,
        client_id: name.to_owned(),
        clean_start,
        properties: Some(ConnectProperties {
            session_expiry_interval: (!clean_start).then_some(u32::MAX),
            receive_maximum: Some(receive_maximum),
            ..ConnectProperties::new()
        }),
    };
    exchange.connect(Version::V5, connect, None, Arc::default())
}

fn subscribe(exchange: &mut Exchange, caller: &Caller, filter: &str) {
    let packet = Packet::Subscribe(Subscribe {
        pkid: 1,
        filters: vec![SubscribeFilter::new(filter.to_owned(), QoS::AtLeastOnce)],
        properties: None,
    });
    let ended = exchange.handle(caller, packet);
    assert!(matches!(ended, Ok(false)));
}

fn publish(exchange: &mut Exchange, caller: &Caller, topic: &str, size: usize) {
    let packet = Packet::Publish(Publish {
        dup: false,
        qos: QoS::AtLeastOnce,
        retain: false,
        topic: topic.to_owned().into(),
        pkid: 1,
        payload: vec![b'x'; size].into(),
        properties: None,
    });
    let ended = exchange.handle(caller, packet);
    assert!(matches!(ended, Ok(false)));
}

/// How many messages there are in what the caller's connection is to write.
fn written(exchange: &mut Exchange, caller: &Caller) -> usize {
    let mut messages = 0;
    while let Next::Bytes(mut bytes) = exchange.next(caller) {
        while let Ok(Some(packet)) = super::super::packets::read(Version::V5, &mut bytes, LONGEST) {
            messages += usize::from(matches!(packet, Packet::Publish(_)));
        }
    }
    messages
}

#[test]
fn many_that_do_not_read_take_no_more_than_all_may_and_nothing_from_one_that_does() {
    let mut exchange = exchange(small());
    let publisher = connect(&mut exchange, "publisher", true, 100).expect("welcome");
    let slow: Vec<_> = (0..10).map(|i| format!("slow{i}")).collect();
    for name in &slow {
        let caller = connect(&mut exchange, name, false, 100).expect("welcome");
        subscribe(&mut exchange, &caller, name);
        subscribe(&mut exchange, &caller, "all");
        exchange.leave(&caller);
    }
    // Messages of their own, and such as many have before them.
    for name in &slow {
        (0..200).for_each(|_| publish(&mut exchange, &publisher, name, 1000));
    }
    (0..10_000).for_each(|_| publish(&mut exchange, &publisher, "all", 0));
    let (held, most) = (exchange.budget.messages.all(), small().messages);
    assert!(held > most && held < 2 * most, "{held}");
    let reader = connect(&mut exchange, "reader", true, 100).expect("welcome");
    subscribe(&mut exchange, &reader, "news");
    for id in 1..=100 {
        publish(&mut exchange, &publisher, "news", 1000);
        assert_eq!(written(&mut exchange, &reader), 1);
        let ack = Packet::PubAck(PubAck::new(id, None));
        assert!(exchange.handle(&reader, ack).is_ok());
    }
    // Each has a share; and it goes with its session.
    for name in &slow {
        let caller = connect(&mut exchange, name, false, 1000).expect("welcome");
        assert!(written(&mut exchange, &caller) > 10);
        let caller = connect(&mut exchange, name, true, 1000).expect("welcome");
        exchange.leave(&caller);
    }
    for caller in [publisher, reader] {
        exchange.leave(&caller);
    }
    let budget = &exchange.budget;
    assert_eq!((budget.messages.all(), budget.sessions.all()), (0, 0));
}

#[test]
fn names_wills_and_filters_are_bounded_together() {
    let mut exchange = exchange(small());
    let mut welcome = 0;
    let refused = loop {
        let name = format!("{welcome:04}{}", "n".repeat(1000));
        match connect(&mut exchange, &name, false, 1) {
            Ok(_) => welcome += 1,
            Err(code) => break code,
        }
    };
    assert_eq!(refused, ConnectCode::QuotaExceeded);
    assert!((10..32).contains(&welcome), "{welcome}");
    // Who is known comes back.
    let name = format!("{:04}{}", 0, "n".repeat(1000));
    let caller = connect(&mut exchange, &name, false, 1).expect("welcome");
    assert_eq!(written(&mut exchange, &caller), 0);
    for i in 0..100 {
        subscribe(&mut exchange, &caller, &format!("{i}{}", "f".repeat(1000)));
    }
    assert!(exchange.sessions[&*name].subscriptions.len() < 2);
    assert!(exchange.budget.sessions.all() <= small().sessions);
}

#[test]
fn what_comes_again_comes_in_parts_that_the_client_takes() {
    let mut exchange = exchange(Limits::default());
    let publisher = connect(&mut exchange, "publisher", true, 100).expect("welcome");
    let first = connect(&mut exchange, "reader", false, 100).expect("welcome");
    subscribe(&mut exchange, &first, "t");
    (0..50).for_each(|_| publish(&mut exchange, &publisher, "t", 1));
    assert_eq!(written(&mut exchange, &first), 50);
    exchange.leave(&first);
    let again = connect(&mut exchange, "reader", false, 20).expect("welcome");
    assert_eq!(written(&mut exchange, &again), 20);
    for id in 1..=50 {
        let ack = Packet::PubAck(PubAck::new(id, None));
        assert!(exchange.handle(&again, ack).is_ok());
        assert_eq!(written(&mut exchange, &again), usize::from(id <= 30));
    }
}
