//! Which TLS peers are accepted: certificates of versions 1 and 3, right and wrong in every way.

use crate::support::certs::{Authority, Dates, Identity};
use crate::support::mosquitto::{Folder, Mosquitto};
use crate::support::mqtt::{connect, options, path, text};
use crate::support::osql::Captured;
use crate::support::table::each_row;
use osql::mqtt::{Setting, Settings};
use osql::text::diagnostic::Error;
use rcgen::{
    CertificateParams, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, KeyUsagePurpose,
    NameConstraints, date_time_ymd,
};
use std::process::{Command, Stdio};

fn broker(identity: &Identity, more: &str) -> Mosquitto {
    Mosquitto::start(&format!(
        "certfile {}\nkeyfile {}\n{more}",
        identity.cert.display(),
        identity.key.display()
    ))
}

fn secured(broker: &Mosquitto, ca: &Authority) -> Settings {
    options([
        (
            "connection",
            Setting::text(format!("ssl://localhost:{}", broker.port)),
        ),
        ("cafile", path(&ca.cert())),
    ])
}

fn with(mut record: Settings, name: &str, value: impl Into<Setting>) -> Settings {
    record.put(name, value.into());
    record
}

fn refused(options: &Settings) -> Error {
    match connect(options) {
        Ok(_) => panic!("the connection should be refused"),
        Err(error) => error,
    }
}

fn says(error: &Error, words: &str) {
    assert!(error.message().contains(words), "{error:?}");
}

/// What is accepted and refused of one kind of certificate.
fn accepted_and_refused(make: impl Fn(&Authority, &str, Dates) -> Identity) {
    let ca = Authority::new("Test CA");
    let other = Authority::new("Another CA");
    let forger = Authority::new("Test CA");

    let right = broker(&make(&ca, "localhost", Dates::Good), "");
    let old = "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES256-GCM-SHA384";
    let good = secured(&right, &ca);
    each_row(
        [(None, "TLS 1.3"), (Some(old), "TLS 1.2")],
        |(ciphers, version)| {
            let options = match ciphers {
                Some(ciphers) => with(good.clone(), "ciphers", ciphers),
                None => good.clone(),
            };
            let client = connect(&options).expect("the right certificate");
            assert_eq!(
                client.status().get("tls-version"),
                Some(&Setting::text(version))
            );
            let mut subscription = client.listen("t");
            client.publish("t", ["over TLS"]);
            assert_eq!(text(&mut subscription), "over TLS");
            client.close();
        },
    );

    says(
        &refused(&secured(&right, &other)),
        "not from a CA that is trusted",
    );
    let insecure = with(secured(&right, &other), "insecure", true);
    says(&refused(&insecure), "not from a CA that is trusted");

    let forged = broker(&make(&forger, "localhost", Dates::Good), "");
    let error = refused(&secured(&forged, &ca));
    assert!(
        error.message().contains("not signed with that CA's key")
            || error.message().contains("not from a CA that is trusted"),
        "{error:?}"
    );
    assert!(connect(&with(secured(&forged, &ca), "insecure", true)).is_err());

    let wrong_name = broker(&make(&ca, "broker.example", Dates::Good), "");
    says(
        &refused(&secured(&wrong_name, &ca)),
        "for another name than `localhost`",
    );
    let insecure = with(secured(&wrong_name, &ca), "insecure", true);
    connect(&insecure).expect("insecure gives up the name");

    let expired = broker(&make(&ca, "localhost", Dates::Expired), "");
    says(&refused(&secured(&expired, &ca)), "has expired");
    says(
        &refused(&with(secured(&expired, &ca), "insecure", true)),
        "has expired",
    );
}

#[test]
fn version_three_certificates() {
    accepted_and_refused(Authority::version_three);
}

#[test]
fn version_one_certificates() {
    accepted_and_refused(Authority::version_one);
}

#[test]
fn a_version_one_certificate_needs_a_named_ca() {
    let ca = Authority::new("Test CA");
    let broker = broker(&ca.version_one("localhost", Dates::Good), "");
    let error = refused(&options([(
        "connection",
        Setting::text(format!("ssl://localhost:{}", broker.port)),
    )]));
    says(&error, "X.509 version 1");
    assert_eq!(
        error.helps(),
        ["name the broker's CA with the option cafile"]
    );
}

#[test]
fn a_plain_port_is_not_tls_and_the_other_way_round() {
    let ca = Authority::new("Test CA");
    let plain = Mosquitto::start("");
    let error = refused(&secured(&plain, &ca));
    assert!(error.render(false).contains("plain port"), "{error:?}");
    let tls = broker(&ca.version_three("localhost", Dates::Good), "");
    let error = refused(&options([("connection", tls.url("tcp").into())]));
    assert!(error.render(false).contains("ssl://"), "{error:?}");
}

#[test]
fn a_folder_of_cas_works_like_a_file() {
    let ca = Authority::new("Test CA");
    let broker = broker(&ca.version_one("localhost", Dates::Good), "");
    let folder = Folder::new();
    folder.write("note.txt", "not a certificate");
    folder.write("ca.pem", std::fs::read(ca.cert()).expect("written"));
    let options = options([
        (
            "connection",
            Setting::text(format!("ssl://localhost:{}", broker.port)),
        ),
        ("capath", path(&folder.0)),
    ]);
    connect(&options).expect("the CA is in the folder");
}

#[test]
fn a_client_certificate_with_an_encrypted_key() {
    let ca = Authority::new("Test CA");
    let identity = ca.version_three("localhost", Dates::Good);
    let require = format!("cafile {}\nrequire_certificate true", ca.cert().display());
    let broker = broker(&identity, &require);
    let me = ca.version_three("me", Dates::Good);
    let key = ca.encrypt(&me.key, "open sesame");
    each_row([4, 5], |version| {
        let base = with(secured(&broker, &ca), "version", version);
        let error = refused(&base);
        assert!(error.render(false).contains("certificate"), "{error:?}");
        let named = with(with(base, "cert", path(&me.cert)), "key", path(&key));
        says(&refused(&named), "is encrypted");
        says(
            &refused(&with(named.clone(), "keypass", "wrong")),
            "passphrase",
        );
        connect(&with(named.clone(), "keypass", "open sesame")).expect("the right passphrase");
        connect(&with(named, "key", path(&me.key))).expect("the key in the clear");
    });
}

#[test]
fn unreadable_files_are_named() {
    let ca = Authority::new("Test CA");
    each_row(["cafile", "capath"], |option| {
        let error = refused(&options([
            ("connection", "ssl://localhost:1".into()),
            (option, "/nowhere".into()),
        ]));
        says(&error, "cannot read /nowhere");
    });
    let me = ca.version_three("me", Dates::Good);
    let error = refused(&options([
        ("connection", "ssl://localhost:1".into()),
        ("cafile", path(&me.key)),
    ]));
    says(&error, "there is no certificate in");
}

#[test]
fn ciphers_are_chosen() {
    let ca = Authority::new("Test CA");
    let broker = broker(&ca.version_one("localhost", Dates::Good), "");
    let rows = [
        (
            "TLS_CHACHA20_POLY1305_SHA256",
            "TLS_CHACHA20_POLY1305_SHA256",
        ),
        (
            "ECDHE-RSA-AES128-GCM-SHA256",
            "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        ),
    ];
    each_row(rows, |(cipher, suite)| {
        let client = connect(&with(secured(&broker, &ca), "ciphers", cipher)).expect(cipher);
        assert_eq!(
            client.status().get("tls-suite"),
            Some(&Setting::text(suite))
        );
    });
    let error = refused(&with(
        secured(&broker, &ca),
        "ciphers",
        "ECDHE-ECDSA-AES128-GCM-SHA256",
    ));
    says(&error, "cipher suite");
}

/// Which CAs may sign, with certificates of both versions, and what the error says.
#[test]
fn a_named_ca_signs_only_what_it_may() {
    let ca = Authority::new("Test CA");
    let three = broker(&ca.version_three("localhost", Dates::Good), "");
    let one = broker(&ca.version_one("localhost", Dates::Good), "");
    type Change = Box<dyn Fn(&mut CertificateParams)>;
    let change = |change: fn(&mut CertificateParams)| -> Change { Box::new(change) };
    let rows: Vec<(&str, Change, &str)> = vec![
        (
            "expired.crt",
            change(|p| {
                p.not_before = date_time_ymd(2020, 1, 1);
                p.not_after = date_time_ymd(2021, 1, 1);
            }),
            "has expired",
        ),
        (
            "future.crt",
            change(|p| p.not_before = date_time_ymd(2090, 1, 1)),
            "is not valid yet",
        ),
        (
            "leaf.crt",
            change(|p| p.is_ca = IsCa::ExplicitNoCa),
            "it is not that of a CA",
        ),
        (
            "bare.crt",
            change(|p| p.is_ca = IsCa::NoCa),
            "it is not that of a CA",
        ),
        (
            "unsigning.crt",
            change(|p| p.key_usages = vec![KeyUsagePurpose::CrlSign]),
            "does not have keyCertSign",
        ),
        (
            "mail.crt",
            change(|p| {
                p.extended_key_usages = vec![ExtendedKeyUsagePurpose::EmailProtection];
            }),
            "leaves servers out",
        ),
    ];
    let other = Authority::new("Another CA");
    for (name, change, words) in rows {
        let changed = ca.changed(name, change);
        // Beside another CA, so that there is one that may sign.
        let both = ca.write(
            &format!("{name}.both"),
            &[&changed, &other.cert()]
                .map(|file| std::fs::read_to_string(file).expect("written"))
                .concat(),
        );
        for broker in [&three, &one] {
            for file in [&changed, &both] {
                let options = with(secured(broker, &ca), "cafile", path(file));
                says(&refused(&options), words);
                says(&refused(&with(options, "insecure", true)), words);
            }
        }
    }
    // The CA itself is right.
    connect(&secured(&three, &ca)).expect("accepted");
    connect(&secured(&one, &ca)).expect("accepted");
}

#[test]
fn a_leaf_that_is_named_is_no_authority() {
    let ca = Authority::new("Test CA");
    for identity in [
        ca.version_three("localhost", Dates::Good),
        ca.version_one("localhost", Dates::Good),
    ] {
        let broker = broker(&identity, "");
        let options = with(secured(&broker, &ca), "cafile", path(&identity.cert));
        says(&refused(&options), "it is not that of a CA");
    }
}

/// A chain of three: webpki does not look at the key usage of the CA between.
#[test]
fn a_ca_between_signs_only_what_it_may() {
    let ca = Authority::new("Test CA");
    let between = Authority::new("CA between");
    let leaf = between.version_three("localhost", Dates::Good);
    let leaf_pem = std::fs::read_to_string(&leaf.cert).expect("written");
    let presented = |usage| {
        let chain = leaf_pem.clone() + &ca.certify(&between, usage);
        broker(
            &Identity {
                cert: between.write("chain.crt", &chain),
                key: leaf.key.clone(),
            },
            "",
        )
    };
    let may = presented(KeyUsagePurpose::KeyCertSign);
    connect(&secured(&may, &ca)).expect("accepted");
    let may_not = presented(KeyUsagePurpose::CrlSign);
    let options = secured(&may_not, &ca);
    let words = "does not have keyCertSign";
    says(&refused(&options), words);
    says(&refused(&with(options, "insecure", true)), words);
}

#[test]
fn a_version_one_leaf_has_no_extensions() {
    let ca = Authority::new("Test CA");
    let broker = broker(&ca.version_one_with_extensions("localhost"), "");
    let options = secured(&broker, &ca);
    says(&refused(&options), "is not acceptable");
    says(
        &refused(&with(options, "insecure", true)),
        "is not acceptable",
    );
    // The same without the extensions is.
    let bare = self::broker(&ca.version_one("localhost", Dates::Good), "");
    connect(&secured(&bare, &ca)).expect("accepted");
}

#[test]
fn a_version_one_leaf_is_signed_by_a_ca_without_limits_on_names() {
    let ca = Authority::new("Test CA");
    let broker = broker(&ca.version_one("localhost", Dates::Good), "");
    let limited = ca.changed("limited.crt", |p| {
        p.name_constraints = Some(NameConstraints {
            permitted_subtrees: vec![GeneralSubtree::DnsName("example.com".into())],
            excluded_subtrees: Vec::new(),
        });
    });
    let options = with(secured(&broker, &ca), "cafile", path(&limited));
    says(&refused(&options), "it limits what it signs");
}

#[test]
fn a_weak_signature_is_called_that() {
    let ca = Authority::new("Test CA");
    let extension = ca.write("v3.ext", "subjectAltName=DNS:localhost\n");
    let extension = extension.display().to_string();
    let rows: [(&str, &[&str]); 2] = [
        ("one", &["SIGN", "-sha1", "-days", "30"]),
        (
            "three",
            &["SIGN", "-sha1", "-days", "30", "-extfile", &extension],
        ),
    ];
    for (name, sign) in rows {
        let weak = ca.openssl(name, "localhost", "rsa:2048", sign);
        let broker = broker(&weak, "ciphers DEFAULT@SECLEVEL=0");
        let error = refused(&secured(&broker, &ca));
        says(&error, "signed in a way that is too weak");
    }
    let early = ca.version_three("localhost", Dates::NotYet);
    let broker = broker(&early, "");
    says(&refused(&secured(&broker, &ca)), "is not valid yet");
}

#[test]
fn a_client_certificate_of_version_one() {
    let ca = Authority::new("Test CA");
    let require = format!("cafile {}\nrequire_certificate true", ca.cert().display());
    let broker = broker(&ca.version_three("localhost", Dates::Good), &require);
    let me = ca.version_one("me", Dates::Good);
    let named = |key| {
        let named = with(secured(&broker, &ca), "cert", path(&me.cert));
        with(named, "key", path(key))
    };
    let client = connect(&named(&me.key)).expect("accepted");
    client.publish("t", ["x"]);
    let other = ca.version_three("other", Dates::Good);
    says(
        &refused(&named(&other.key)),
        "does not go with the certificate",
    );
}

/// What a TLS server of openssl says was agreed on.
#[test]
fn a_protocol_is_offered() {
    let ca = Authority::new("Test CA");
    let broker = broker(&ca.version_three("localhost", Dates::Good), "");
    // A broker that does not know of it takes no notice.
    for alpn in [
        Setting::text("mqtt"),
        Setting::List(vec!["x-amzn-mqtt-ca".into(), "mqtt".into()]),
    ] {
        connect(&with(secured(&broker, &ca), "alpn", alpn)).expect("accepted");
    }
    let identity = ca.version_three("localhost", Dates::Good);
    let server = Command::new("openssl")
        .args(["s_server", "-accept", "0", "-alpn", "mqtt", "-naccept", "2"])
        .args(["-cert", &identity.cert.display().to_string()])
        .args(["-key", &identity.key.display().to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let mut server = server.expect("openssl is installed");
    let said = Captured::new(server.stdout.take().expect("is piped"));
    let line = said.wait_line("ACCEPT");
    let port: u16 = line
        .rsplit(':')
        .next()
        .and_then(|port| port.trim().parse().ok())
        .expect("a port");
    let at = |alpn: &str| {
        let mut options = with(secured(&broker, &ca), "alpn", alpn);
        options.put("connection", format!("ssl://localhost:{port}").into());
        with(options, "connect-timeout", 3.0)
    };
    says(
        &refused(&at("http/1.1")),
        "none of the protocols that are offered",
    );
    // It speaks no MQTT.
    assert!(connect(&at("mqtt")).is_err());
    said.wait_line("ALPN protocols selected: mqtt");
    let _ = server.kill();
    let _ = server.wait();
}
