//! The port of an embedded broker: takes connections until the broker is stopped.

use std::net::{Ipv4Addr, TcpListener as StdListener};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{interval, sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::connection::{PATIENCE, serve};
use super::exchange::Exchange;
use crate::text::wait::lock;

/// The most connections at once; more are closed at once.
const MOST_CONNECTIONS: usize = 1_000;

/// How long the clients of a broker that ends may take to hear of it.
const FAREWELL: Duration = Duration::from_secs(1);

/// Opens a port on this machine's loopback; 0 is a free one.
pub fn bind(port: u16) -> std::io::Result<StdListener> {
    let listener = StdListener::bind((Ipv4Addr::LOCALHOST, port))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Serves all who connect, over TLS if there is a configuration for it and over nothing else then,
/// until `stop`.
pub async fn listen(listener: StdListener, tls: Option<Arc<ServerConfig>>, stop: Arc<Notify>) {
    let Ok(listener) = TcpListener::from_std(listener) else {
        return;
    };
    let acceptor = tls.map(TlsAcceptor::from);
    let exchange = Arc::<Mutex<Exchange>>::default();
    let mut connections = JoinSet::new();
    let mut clock = interval(Duration::from_secs(1));
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) if connections.len() < MOST_CONNECTIONS => {
                    connections.spawn(welcome(stream, acceptor.clone(), exchange.clone()));
                }
                Ok(_) => {}
                // No file descriptor is left: one may be in a moment.
                Err(_) => sleep(Duration::from_millis(50)).await,
            },
            Some(_) = connections.join_next() => {}
            _ = clock.tick() => lock(&exchange).expire(),
            () = stop.notified() => break,
        }
    }
    drop(listener);
    lock(&exchange).shut_down();
    // Dropping the set ends those that have not.
    let _ = timeout(FAREWELL, async {
        while connections.join_next().await.is_some() {}
    })
    .await;
}

async fn welcome(stream: TcpStream, acceptor: Option<TlsAcceptor>, exchange: Arc<Mutex<Exchange>>) {
    // Batches are made by the sender; what is written should leave at once.
    let _ = stream.set_nodelay(true);
    match acceptor {
        None => serve(stream, exchange).await,
        Some(acceptor) => {
            if let Ok(Ok(stream)) = timeout(PATIENCE, acceptor.accept(stream)).await {
                serve(stream, exchange).await;
            }
        }
    }
}
