//! `json:request` over TLS, with a CA that the system is told to trust.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;

use crate::support::certs::{Authority, Dates, Identity};
use crate::support::osql::osql;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// A server with that certificate that answers every request with one JSON object; gives its port.
fn server(identity: &Identity) -> u16 {
    let cert = CertificateDer::from_pem_file(&identity.cert).expect("a certificate");
    let key = PrivateKeyDer::from_pem_file(&identity.key).expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![cert], key)
        .expect("a certificate with its key");
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        for connection in listener.incoming() {
            let session = rustls::ServerConnection::new(config.clone()).expect("a session");
            let mut stream = rustls::StreamOwned::new(session, connection.expect("a connection"));
            let (mut read, mut byte) = (Vec::new(), [0]);
            while !read.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|n| n == 1) {
                read.extend(byte);
            }
            // Who refuses the certificate is gone by now.
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{\"rpm\":90}");
        }
    });
    port
}

#[test]
fn a_server_is_trusted_by_the_cas_of_the_system() {
    let authority = Authority::new("Plant CA");
    let port = server(&authority.version_three("localhost", Dates::Good));
    let asked = |url: &str| {
        osql()
            .env("SSL_CERT_FILE", authority.cert())
            .statements(&format!("json:request('{url}');"))
            .run()
    };
    asked(&format!("https://localhost:{port}/")).expect_ok("{\"rpm\":90}\n");
    asked(&format!("https://127.0.0.1:{port}/"))
        .expect_error(1, "its certificate is for another name");
    let old = server(&authority.version_three("localhost", Dates::Expired));
    asked(&format!("https://localhost:{old}/")).expect_error(1, "its certificate has expired");
    let stranger = Authority::new("Another CA");
    osql()
        .env("SSL_CERT_FILE", stranger.cert())
        .statements(&format!("json:request('https://localhost:{port}/');"))
        .run()
        .expect_error(1, "not from a CA that this system trusts");
}
