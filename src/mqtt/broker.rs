//! The embedded broker: so that a newcomer can try everything with nothing installed. It listens on
//! this machine alone, keeps nothing on disk but its certificate, and ends with the session.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use mqtt5::broker::config::{BrokerConfig, StorageBackend, StorageConfig, TlsConfig};
use mqtt5::broker::{BrokerShutdownHandle, MqttBroker};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};

use super::runtime;
use super::settings::{Settings, SettingsReader};
use crate::text::diagnostic::{Error, Result};
use crate::text::wait::{Token, lock};

const NAMES: [&str; 3] = ["port", "tls", "folder"];

/// How long a broker may take to start or to end.
const PATIENCE: Duration = Duration::from_secs(10);

/// The brokers of a session.
#[derive(Default)]
pub struct Brokers(Mutex<Vec<Running>>);

struct Running {
    port: u16,
    stop: BrokerShutdownHandle,
    /// A folder of its own for the certificate; removed with the broker.
    folder: Option<PathBuf>,
    task: tokio::task::JoinHandle<()>,
}

impl Brokers {
    /// Starts a broker. Options: `port` (0 or none: a free one), `tls` (make a CA and a certificate
    /// for localhost), `folder` (where to put them; otherwise a temporary one). Gives settings with
    /// `port`, `connection`, and with TLS `cafile`: what `mqtt:register_client` wants.
    pub fn start(&self, options: &Settings, token: &Token) -> Result<Settings> {
        let reader = SettingsReader(options);
        reader.refuse_unknown(&NAMES, "mqtt:start_broker")?;
        let port = reader.integer("port", 0..=65_535)?.unwrap_or(0) as u16;
        let tls = reader.flag("tls", false)?;
        let given = reader.text("folder")?.map(PathBuf::from);
        if given.is_some() && !tls {
            return Err(Error::run(
                "option folder is where the certificate goes: it needs tls: true",
            ));
        }
        let own = (tls && given.is_none()).then(own_folder).transpose()?;
        let files = match given.as_ref().or(own.as_ref()) {
            Some(folder) if tls => Some(make_certificate(folder)?),
            _ => None,
        };
        let started = start(port, files.as_ref(), token);
        let (stop, port, task) = match started {
            Ok(started) => started,
            Err(error) => {
                own.iter().for_each(|folder| remove(folder));
                return Err(error);
            }
        };
        lock(&self.0).push(Running {
            port,
            stop,
            folder: own,
            task,
        });
        Ok(describe(port, files.as_ref()))
    }

    /// Stops the broker on that port.
    pub fn stop(&self, port: u16, token: &Token) -> Result<()> {
        let running = {
            let mut all = lock(&self.0);
            let at = all
                .iter()
                .position(|broker| broker.port == port)
                .ok_or_else(|| {
                    let ports: Vec<_> = all.iter().map(|broker| broker.port.to_string()).collect();
                    let error =
                        Error::run(format!("no broker of this session listens on port {port}"));
                    match ports.is_empty() {
                        true => error.help("start one with mqtt:start_broker({})"),
                        false => error.help(format!("there are brokers on {}", ports.join(", "))),
                    }
                })?;
            all.swap_remove(at)
        };
        running.end(token)
    }
}

impl Drop for Brokers {
    fn drop(&mut self) {
        for running in std::mem::take(&mut *lock(&self.0)) {
            running.stop.shutdown();
            running.task.abort();
            running.folder.iter().for_each(|folder| remove(folder));
        }
    }
}

impl Running {
    fn end(self, token: &Token) -> Result<()> {
        self.stop.shutdown();
        let deadline = Instant::now() + PATIENCE;
        while !self.task.is_finished() && Instant::now() < deadline {
            token.sleep(Duration::from_millis(1))?;
        }
        self.task.abort();
        self.folder.iter().for_each(|folder| remove(folder));
        Ok(())
    }
}

/// Where a certificate and its CA lie.
struct Files {
    ca: PathBuf,
    cert: PathBuf,
    key: PathBuf,
}

fn describe(port: u16, files: Option<&Files>) -> Settings {
    let scheme = if files.is_some() { "ssl" } else { "tcp" };
    let mut record = Settings::default();
    record.put("port", i64::from(port).into());
    record.put("connection", format!("{scheme}://localhost:{port}").into());
    if let Some(files) = files {
        record.put("cafile", files.ca.display().to_string().into());
    }
    record
}

fn start(
    port: u16,
    files: Option<&Files>,
    token: &Token,
) -> Result<(BrokerShutdownHandle, u16, tokio::task::JoinHandle<()>)> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let storage = StorageConfig::new()
        .with_backend(StorageBackend::Memory)
        .with_persistence(false);
    let mut config = BrokerConfig::new()
        .with_bind_addresses(vec![address])
        .with_storage(storage);
    if let Some(files) = files {
        // The plain listener cannot be left out; it gets a port that nobody is told.
        config = config
            .with_bind_addresses(vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 0))])
            .with_tls(
                TlsConfig::new(files.cert.clone(), files.key.clone()).with_bind_address(address),
            );
    }
    let fault = |e: String| {
        Error::run(format!("the broker does not start on port {port}: {e}"))
            .help("port: 0 takes a free one")
    };
    let (sender, receiver) = std::sync::mpsc::channel();
    let waker = thread::current();
    let handle = runtime::handle()?;
    let task = handle.spawn(async move {
        let made = MqttBroker::with_config(config)
            .await
            .map_err(|e| e.to_string());
        let mut broker = match made {
            Ok(broker) => broker,
            Err(error) => {
                let _ = sender.send(Err(error));
                waker.unpark();
                return;
            }
        };
        let bound = broker.tls_local_addr().or(broker.local_addr());
        let _ = sender.send(Ok((
            broker.shutdown_handle(),
            bound.map_or(0, |a| a.port()),
        )));
        waker.unpark();
        let _ = broker.run().await;
    });
    let started = token.wait(Some(Instant::now() + PATIENCE), || receiver.try_recv().ok())?;
    match started {
        Some(Ok((stop, port))) => Ok((stop, port, task)),
        Some(Err(error)) => Err(fault(error)),
        None => {
            task.abort();
            Err(fault(format!(
                "it is not ready after {} s",
                PATIENCE.as_secs()
            )))
        }
    }
}

/// A fresh folder that only this user can read.
fn own_folder() -> Result<PathBuf> {
    let folder = std::env::temp_dir().join(format!(
        "osql-broker-{}-{:08x}",
        std::process::id(),
        rand::random::<u32>()
    ));
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(&folder)
        .map_err(|e| Error::run(format!("cannot make {}: {e}", folder.display())))?;
    Ok(folder)
}

fn remove(folder: &Path) {
    // A temporary folder that stays behind does no harm.
    let _ = fs::remove_dir_all(folder);
}

/// Makes a CA, and a certificate by it for this machine.
fn make_certificate(folder: &Path) -> Result<Files> {
    let files = Files {
        ca: folder.join("ca.crt"),
        cert: folder.join("broker.crt"),
        key: folder.join("broker.key"),
    };
    let [ca, cert, key] =
        certificate().map_err(|e| Error::run(format!("cannot make a certificate: {e}")))?;
    for (path, content) in [(&files.ca, ca), (&files.cert, cert), (&files.key, key)] {
        fs::write(path, content)
            .map_err(|e| Error::run(format!("cannot write {}: {e}", path.display())))?;
    }
    Ok(files)
}

/// The CA's certificate, the broker's, and the broker's key, as PEM. The CA's own key is forgotten.
fn certificate() -> std::result::Result<[String; 3], rcgen::Error> {
    let mut ca = CertificateParams::default();
    ca.distinguished_name
        .push(DnType::CommonName, "osql embedded broker CA");
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let ca_key = KeyPair::generate()?;
    let ca_certificate = ca.self_signed(&ca_key)?;
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let mut params = CertificateParams::new(names)?;
    params
        .distinguished_name
        .push(DnType::CommonName, "localhost");
    let key = KeyPair::generate()?;
    let certificate = params.signed_by(&key, &Issuer::new(ca, ca_key))?;
    Ok([ca_certificate.pem(), certificate.pem(), key.serialize_pem()])
}
