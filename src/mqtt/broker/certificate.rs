//! A certificate for this machine, made anew for each embedded broker that listens over TLS.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::text::diagnostic::{Error, Result};

/// A certificate and where its files lie. A folder that was made for them goes with it.
pub struct BrokerCertificate {
    /// The file that clients name with `cafile`.
    pub ca: PathBuf,
    pub config: Arc<ServerConfig>,
    /// The folder that was made for the files, if none was given.
    own: Option<PathBuf>,
}

impl Drop for BrokerCertificate {
    fn drop(&mut self) {
        if let Some(folder) = &self.own {
            // A temporary folder that stays behind does no harm.
            let _ = fs::remove_dir_all(folder);
        }
    }
}

impl BrokerCertificate {
    /// Makes a CA and a certificate by it, in `folder` or in a temporary folder of its own:
    /// `ca.crt`, `broker.crt` and `broker.key`, which only this user can read.
    pub fn make(folder: Option<&Path>) -> Result<BrokerCertificate> {
        let fault =
            |e: &dyn std::fmt::Display| Error::run(format!("cannot make a certificate: {e}"));
        let own = match folder {
            Some(_) => None,
            None => Some(own_folder()?),
        };
        let made = generate().map_err(|e| fault(&e))?;
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(made.key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|builder| {
                let chain = vec![made.certificate.der().clone()];
                builder.with_no_client_auth().with_single_cert(chain, key)
            })
            .map_err(|e| fault(&e))?;
        let folder = own.as_deref().or(folder).unwrap_or(Path::new("."));
        let certificate = BrokerCertificate {
            ca: folder.join("ca.crt"),
            config: Arc::new(config),
            own: own.clone(),
        };
        for (name, mode, content) in [
            ("ca.crt", 0o644, made.ca.pem()),
            ("broker.crt", 0o644, made.certificate.pem()),
            ("broker.key", 0o600, made.key.serialize_pem()),
        ] {
            let path = folder.join(name);
            write(&path, mode, &content)
                .map_err(|e| Error::run(format!("cannot write {}: {e}", path.display())))?;
        }
        Ok(certificate)
    }
}

/// Writes a new file with these rights. One that is there already is replaced, as its rights, or the
/// place that a link leads to, may be others.
fn write(path: &Path, mode: u32, content: &str) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    options.open(path)?.write_all(content.as_bytes())
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

struct Generated {
    ca: rcgen::Certificate,
    certificate: rcgen::Certificate,
    key: KeyPair,
}

/// A CA and a certificate by it. The CA's own key is forgotten.
fn generate() -> std::result::Result<Generated, rcgen::Error> {
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
    Ok(Generated {
        ca: ca_certificate,
        certificate,
        key,
    })
}
