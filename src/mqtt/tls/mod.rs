//! TLS: from options to a rustls configuration, and from a failed handshake to an error that says
//! which of the many things it was.

mod authority;
mod certificate;
mod explain;
mod keys;
mod verify;

use std::path::Path;
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::CertificateDer;
use rustls::sign::SingleCertAndKey;
use rustls::{ClientConfig, SupportedCipherSuite};

pub use explain::explain;

use super::options::TlsOptions;
use crate::text::diagnostic::{Error, Result};
use authority::Authority;
use verify::Verifier;

/// The TLS configuration of a client. Reads all files that the options name.
pub fn configure(options: &TlsOptions) -> Result<Arc<ClientConfig>> {
    let provider = Arc::new(provider(options.ciphers.as_deref())?);
    let named = options.cafile.is_some() || options.capath.is_some();
    let authorities = authorities(options, &provider)?;
    let verifier = Verifier::new(provider.clone(), authorities, named, options.insecure);
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|e| Error::run(format!("option ciphers: {e}")))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    let mut config = match (&options.cert, &options.key) {
        (Some(cert), Some(key)) => {
            let chain = certificates(cert, "cert")?;
            let private = keys::read(key, options.keypass.as_deref())?;
            let own = keys::pair(chain, private, &provider).map_err(|e| {
                Error::run(format!(
                    "options cert and key: the key in {} does not go with the certificate in {}: {e}",
                    key.display(),
                    cert.display()
                ))
            })?;
            builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(own)))
        }
        _ => builder.with_no_client_auth(),
    };
    let protocols = options.alpn.iter();
    config.alpn_protocols = protocols.map(|name| name.clone().into_bytes()).collect();
    Ok(Arc::new(config))
}

/// The certificates of cafile and capath.
fn named_cas(options: &TlsOptions) -> Result<Vec<CertificateDer<'static>>> {
    let mut named = Vec::new();
    if let Some(file) = &options.cafile {
        named.extend(certificates(file, "cafile")?);
    }
    if let Some(folder) = &options.capath {
        named.extend(folder_certificates(folder)?);
    }
    Ok(named)
}

/// The CAs that are trusted: those that the user names, or the system's.
fn authorities(options: &TlsOptions, provider: &CryptoProvider) -> Result<Vec<Authority>> {
    let algorithms = provider.signature_verification_algorithms;
    let named = options.cafile.is_some() || options.capath.is_some();
    let certificates = match named {
        true => named_cas(options)?,
        false => rustls_native_certs::load_native_certs().certs,
    };
    let authorities: Vec<_> = certificates
        .into_iter()
        .map(|der| Authority::new(der, &algorithms))
        .collect();
    if authorities.iter().any(|a| a.unfit.is_none()) {
        return Ok(authorities);
    }
    Err(match authorities.iter().find_map(|a| a.unfit) {
        Some(unfit) if named => Error::run(format!(
            "options cafile and capath: no certificate in them can be used as a CA: {}",
            explain::unfit(unfit)
        ))
        .help("name the certificate of the CA that signed the broker's"),
        _ => Error::run("the system has no CA certificates to check the broker's with")
            .help("name the broker's CA with the option cafile"),
    })
}

/// The certificates of a file, PEM or DER. `option` is what an error names.
fn certificates(file: &Path, option: &str) -> Result<Vec<CertificateDer<'static>>> {
    let content = read(file, option)?;
    let found = parse_certificates(&content)
        .ok_or_else(|| Error::run(format!("option {option}: {} is damaged", file.display())))?;
    if found.is_empty() {
        return Err(Error::run(format!(
            "option {option}: there is no certificate in {}",
            file.display()
        ))
        .help("a PEM file with -----BEGIN CERTIFICATE----- or a DER file is wanted"));
    }
    Ok(found)
}

/// All certificates in PEM text, or the one that DER is; `None` where PEM is damaged.
fn parse_certificates(content: &[u8]) -> Option<Vec<CertificateDer<'static>>> {
    use rustls::pki_types::pem::PemObject;
    if content.first() == Some(&0x30) {
        return Some(vec![CertificateDer::from(content.to_vec())]);
    }
    CertificateDer::pem_slice_iter(content)
        .collect::<std::result::Result<_, _>>()
        .ok()
}

/// The certificates of all readable files of a folder, as `openssl rehash` leaves it.
fn folder_certificates(folder: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let unreadable = |e| {
        Error::run(format!(
            "option capath: cannot read {}: {e}",
            folder.display()
        ))
    };
    let mut files = std::fs::read_dir(folder)
        .map_err(unreadable)?
        .collect::<std::io::Result<Vec<_>>>()
        .map_err(unreadable)?;
    files.sort_by_key(std::fs::DirEntry::file_name);
    let mut found: Vec<CertificateDer<'static>> = Vec::new();
    for file in files {
        // What is no certificate, a key or a note, may lie there as well.
        let content = std::fs::read(file.path()).unwrap_or_default();
        for certificate in parse_certificates(&content).unwrap_or_default() {
            // A hashed link and its target are the same certificate.
            if !found.contains(&certificate) {
                found.push(certificate);
            }
        }
    }
    if found.is_empty() {
        return Err(Error::run(format!(
            "option capath: there is no certificate in {}",
            folder.display()
        )));
    }
    Ok(found)
}

fn read(file: &Path, option: &str) -> Result<Vec<u8>> {
    std::fs::read(file).map_err(|e| {
        Error::run(format!(
            "option {option}: cannot read {}: {e}",
            file.display()
        ))
    })
}

/// The cryptography, with the cipher suites that the user wants, in that order.
fn provider(ciphers: Option<&str>) -> Result<CryptoProvider> {
    let mut provider = ring::default_provider();
    let Some(ciphers) = ciphers else {
        return Ok(provider);
    };
    let mut chosen: Vec<SupportedCipherSuite> = Vec::new();
    for name in ciphers
        .split([':', ',', ' '])
        .filter(|name| !name.is_empty())
    {
        let wanted = name.to_ascii_uppercase();
        let suite = provider.cipher_suites.iter().find(|suite| {
            let iana = iana_name(suite);
            wanted == iana || wanted == openssl_name(&iana)
        });
        match suite {
            Some(suite) if !chosen.contains(suite) => chosen.push(*suite),
            Some(_) => {}
            None => return Err(unknown_cipher(name, &provider)),
        }
    }
    if chosen.is_empty() {
        return Err(Error::run(
            "option ciphers: at least one cipher suite is wanted",
        ));
    }
    provider.cipher_suites = chosen;
    Ok(provider)
}

fn unknown_cipher(name: &str, provider: &CryptoProvider) -> Error {
    let known: Vec<_> = provider
        .cipher_suites
        .iter()
        .map(|suite| openssl_name(&iana_name(suite)))
        .collect();
    Error::run(format!(
        "option ciphers: `{name}` is not a cipher suite that can be used"
    ))
    .help(format!("there are {}", known.join(", ")))
}

/// The name of the suite in IANA's registry, such as `TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256`.
pub fn iana_name(suite: &SupportedCipherSuite) -> String {
    format!("{:?}", suite.suite()).replace("TLS13_", "TLS_")
}

/// The name that OpenSSL has for a suite: the same in TLS 1.3, its own in TLS 1.2, such as
/// `ECDHE-RSA-AES128-GCM-SHA256`.
fn openssl_name(iana: &str) -> String {
    let Some((exchange, cipher)) = iana.split_once("_WITH_") else {
        return iana.to_owned();
    };
    let cipher = cipher
        .replace("AES_128", "AES128")
        .replace("AES_256", "AES256")
        .replace("CHACHA20_POLY1305_SHA256", "CHACHA20_POLY1305");
    format!("{}_{cipher}", exchange.trim_start_matches("TLS_")).replace('_', "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(ciphers: &str) -> Vec<String> {
        let provider = provider(Some(ciphers)).expect(ciphers);
        provider.cipher_suites.iter().map(iana_name).collect()
    }

    #[test]
    fn ciphers_have_two_names() {
        assert_eq!(
            chosen("ECDHE-RSA-AES128-GCM-SHA256:TLS_AES_256_GCM_SHA384"),
            [
                "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
                "TLS_AES_256_GCM_SHA384"
            ]
        );
        assert_eq!(
            chosen("ecdhe-ecdsa-chacha20-poly1305"),
            ["TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"]
        );
        assert_eq!(
            chosen("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"),
            chosen("ECDHE-ECDSA-AES256-GCM-SHA384")
        );
    }

    #[test]
    fn an_unknown_cipher_is_refused_with_those_that_exist() {
        let error = provider(Some("RC4-MD5")).expect_err("refused");
        assert!(error.message().contains("`RC4-MD5`"));
        assert!(
            error.helps()[0].contains("ECDHE-RSA-AES256-GCM-SHA384"),
            "{error:?}"
        );
    }
}
