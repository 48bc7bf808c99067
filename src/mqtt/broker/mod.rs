//! The embedded broker: so that a newcomer can try everything with nothing installed. It speaks MQTT
//! 3.1.1 and 5, listens on this machine alone, keeps nothing on disk but its certificate, and ends
//! with the session.
//!
//! ```text
//! listener ──▶ connection ──▶ exchange ──▶ session
//!              (a socket)     (routing)    (one client)
//! ```

mod certificate;
mod connection;
mod exchange;
mod held;
mod listener;
mod packets;
mod session;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::runtime;
use super::settings::{Settings, SettingsReader};
use crate::text::diagnostic::{Error, Result};
use crate::text::wait::{Token, lock};
use certificate::BrokerCertificate;

/// How long a broker may take to end.
const PATIENCE: Duration = Duration::from_secs(10);

/// The brokers of a session.
#[derive(Default)]
pub struct Brokers(Mutex<Vec<Running>>);

/// A broker that runs. Its certificate's files go with it.
struct Running {
    port: u16,
    stop: Arc<Notify>,
    task: JoinHandle<()>,
    certificate: Option<BrokerCertificate>,
}

/// What `mqtt:start_broker` is asked for.
struct BrokerOptions {
    /// 0 is a free one.
    port: u16,
    tls: bool,
    /// Where the certificate goes.
    folder: Option<PathBuf>,
}

impl Brokers {
    /// Every option that [`Brokers::start`] takes.
    pub const OPTION_NAMES: [&str; 3] = ["port", "tls", "folder"];

    /// Starts a broker. Options: `port` (0 or none: a free one), `tls` (make a CA and a certificate
    /// for localhost, and speak TLS only), `folder` (where to put them; otherwise a temporary one).
    /// Gives a record with `port`, `connection`, and with TLS `cafile`: what `mqtt:register_client`
    /// wants.
    pub fn start(&self, options: &Settings) -> Result<Settings> {
        let options = read_options(options)?;
        let certificate = match options.tls {
            true => Some(BrokerCertificate::make(options.folder.as_deref())?),
            false => None,
        };
        let running = start(options.port, certificate)?;
        let described = running.describe();
        lock(&self.0).push(running);
        Ok(described)
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

fn read_options(options: &Settings) -> Result<BrokerOptions> {
    let reader = SettingsReader(options);
    reader.refuse_unknown(&Brokers::OPTION_NAMES, "mqtt:start_broker")?;
    let options = BrokerOptions {
        port: reader.integer("port", 0..=65_535)?.unwrap_or(0) as u16,
        tls: reader.flag("tls", false)?,
        folder: reader.text("folder")?.map(PathBuf::from),
    };
    if options.folder.is_some() && !options.tls {
        return Err(Error::run(
            "option folder is where the certificate goes: it needs tls: true",
        ));
    }
    Ok(options)
}

fn start(port: u16, certificate: Option<BrokerCertificate>) -> Result<Running> {
    let fault = |e: std::io::Error| {
        Error::run(format!("the broker does not start on port {port}: {e}"))
            .help("port: 0 takes a free one")
    };
    let listener = listener::bind(port).map_err(fault)?;
    let port = listener.local_addr().map_err(fault)?.port();
    let stop = Arc::<Notify>::default();
    let tls = certificate.as_ref().map(|made| made.config.clone());
    let task = runtime::handle()?.spawn(listener::listen(listener, tls, stop.clone()));
    Ok(Running {
        port,
        stop,
        task,
        certificate,
    })
}

impl Running {
    fn describe(&self) -> Settings {
        let port = self.port;
        let scheme = match self.certificate {
            Some(_) => "ssl",
            None => "tcp",
        };
        let mut record = Settings::default();
        record.put("port", i64::from(port).into());
        record.put("connection", format!("{scheme}://localhost:{port}").into());
        if let Some(certificate) = &self.certificate {
            record.put("cafile", certificate.ca.display().to_string().into());
        }
        record
    }

    /// Lets its clients know, and waits until it is gone.
    fn end(self, token: &Token) -> Result<()> {
        self.stop.notify_one();
        let deadline = Instant::now() + PATIENCE;
        while !self.task.is_finished() && Instant::now() < deadline {
            token.sleep(Duration::from_millis(1))?;
        }
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}
