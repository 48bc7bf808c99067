//! Private keys of client certificates: PKCS#8, PKCS#1 and SEC1 in PEM or DER, and PKCS#8 with a
//! passphrase (RFC 5958).

use std::path::Path;

use pkcs8::EncryptedPrivateKeyInfo;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::CertifiedKey;
use rustls::{Error as TlsError, InconsistentKeys};

use super::certificate::Certificate;
use super::read as read_file;
use crate::text::diagnostic::{Error, Result};

/// The private key in `file`, decrypted with `passphrase` where it is encrypted.
pub fn read(file: &Path, passphrase: Option<&str>) -> Result<PrivateKeyDer<'static>> {
    let content = read_file(file, "key")?;
    let shown = file.display();
    if let Some(encrypted) = encrypted(&content) {
        let Some(passphrase) = passphrase else {
            return Err(Error::run(format!("option key: {shown} is encrypted"))
                .help("give its passphrase in the option keypass"));
        };
        return decrypt(&encrypted, passphrase)
            .map_err(|e| e.context(format!("option key: {shown}")));
    }
    if content
        .windows(14)
        .any(|w| w == b"4,ENCRYPTED\nDE" || w == b"Proc-Type: 4,E")
    {
        return Err(Error::run(format!(
            "option key: {shown} is encrypted in the old way of PEM, which is not safe"
        ))
        .help("convert it: openssl pkcs8 -topk8 -in OLD -out NEW"));
    }
    private_key(&content).ok_or_else(|| {
        Error::run(format!("option key: there is no private key in {shown}"))
            .help("a key in PEM or DER is wanted: PKCS#8, PKCS#1 or SEC1")
    })
}

/// The certificate chain with its private key.
///
/// # Errors
///
/// The key is of a kind that cannot be used, or is not the certificate's.
pub fn pair(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    provider: &CryptoProvider,
) -> std::result::Result<CertifiedKey, TlsError> {
    // rustls reads certificates of version 3 only.
    let version_one = chain.first().and_then(|der| {
        let certificate = Certificate::read(der).ok()?;
        (certificate.version == 1).then(|| certificate.key.to_vec())
    });
    let Some(public) = version_one else {
        return CertifiedKey::from_der(chain, key, provider);
    };
    let key = provider.key_provider.load_private_key(key)?;
    match key.public_key() {
        Some(own) if own.as_ref() != public => {
            Err(TlsError::InconsistentKeys(InconsistentKeys::KeyMismatch))
        }
        _ => Ok(CertifiedKey::new(chain, key)),
    }
}

fn private_key(content: &[u8]) -> Option<PrivateKeyDer<'static>> {
    use rustls::pki_types::pem::PemObject;
    if content.first() == Some(&0x30) {
        return PrivateKeyDer::try_from(content.to_vec()).ok();
    }
    PrivateKeyDer::from_pem_slice(content).ok()
}

/// The DER of an encrypted PKCS#8 key, if that is what the content is.
fn encrypted(content: &[u8]) -> Option<Vec<u8>> {
    const LABEL: &str = "ENCRYPTED PRIVATE KEY";
    if content.first() == Some(&0x30) {
        let der = content.to_vec();
        return EncryptedPrivateKeyInfo::try_from(der.as_slice())
            .is_ok()
            .then_some(der);
    }
    let text = std::str::from_utf8(content).ok()?;
    let start = text.find(&format!("-----BEGIN {LABEL}-----"))?;
    let end = format!("-----END {LABEL}-----");
    let stop = text[start..].find(&end)? + start + end.len();
    let (label, document) = pkcs8::SecretDocument::from_pem(&text[start..stop]).ok()?;
    (label == LABEL).then(|| document.as_bytes().to_vec())
}

fn decrypt(der: &[u8], passphrase: &str) -> Result<PrivateKeyDer<'static>> {
    let info = EncryptedPrivateKeyInfo::try_from(der)
        .map_err(|e| Error::run(format!("the encrypted key is damaged: {e}")))?;
    match info.decrypt(passphrase) {
        Ok(plain) => Ok(PrivatePkcs8KeyDer::from(plain.as_bytes().to_vec()).into()),
        Err(pkcs8::Error::EncryptedPrivateKey(pkcs8::pkcs5::Error::UnsupportedAlgorithm {
            oid,
        })) => Err(Error::run(format!(
            "the key is encrypted with {oid}, which is not supported"
        ))
        .help("encrypt it anew: openssl pkcs8 -topk8 -v2 aes-256-cbc -in OLD -out NEW")),
        Err(_) => Err(Error::run(
            "the passphrase in keypass does not open the key",
        )),
    }
}
