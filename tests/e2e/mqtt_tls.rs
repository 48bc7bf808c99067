//! Which TLS peers are accepted: certificates of versions 1 and 3, right and wrong in every way.

use crate::support::certs::{Authority, Dates, Identity};
use crate::support::mosquitto::{Folder, Mosquitto};
use crate::support::mqtt::{connect, options, path, text};
use crate::support::table::each_row;
use osql::mqtt::{Setting, Settings};
use osql::text::diagnostic::Error;

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
