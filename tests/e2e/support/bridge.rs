//! WebSockets in front of a broker, with or without TLS, for machines whose mosquitto cannot open a
//! WebSocket listener. The broker behind is a real one.

use std::sync::Arc;
use std::thread;

use async_tungstenite::bytes::{ByteReader, ByteWriter};
use async_tungstenite::tokio::accept_hdr_async;
use async_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, crypto::ring};
use tokio::io::{AsyncRead, AsyncWrite, copy};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::certs::Identity;

/// Listens on a free port, which is returned, and passes on to `broker`.
pub fn web_socket(broker: u16, identity: Option<&Identity>) -> u16 {
    let acceptor = identity.map(acceptor);
    let (sender, receiver) = std::sync::mpsc::channel();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            sender
                .send(listener.local_addr().expect("bound").port())
                .expect("awaited");
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    match acceptor {
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                pass(stream, broker).await;
                            }
                        }
                        None => pass(stream, broker).await,
                    }
                });
            }
        });
    });
    receiver.recv().expect("it listens")
}

fn acceptor(identity: &Identity) -> TlsAcceptor {
    let certificate = CertificateDer::from_pem_file(&identity.cert).expect("a certificate");
    let key = PrivateKeyDer::from_pem_file(&identity.key).expect("a key");
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .expect("a good certificate");
    TlsAcceptor::from(Arc::new(config))
}

async fn pass(stream: impl AsyncRead + AsyncWrite + Unpin, broker: u16) {
    let Ok(socket) = accept_hdr_async(stream, agree).await else {
        return;
    };
    let (sender, receiver) = socket.split();
    let (mut from, mut to) = (ByteReader::new(receiver), ByteWriter::new(sender));
    let tcp = TcpStream::connect(("127.0.0.1", broker))
        .await
        .expect("the broker runs");
    let (mut read, mut write) = tcp.into_split();
    tokio::select! {
        _ = copy(&mut from, &mut write) => {}
        _ = copy(&mut read, &mut to) => {}
    }
}

#[allow(clippy::result_large_err, reason = "the library asks for this type")]
fn agree(request: &Request, mut response: Response) -> Result<Response, ErrorResponse> {
    if let Some(protocol) = request.headers().get("Sec-WebSocket-Protocol") {
        let protocol = protocol.clone();
        response
            .headers_mut()
            .insert("Sec-WebSocket-Protocol", protocol);
    }
    Ok(response)
}
