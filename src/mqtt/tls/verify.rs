//! Which server certificates are accepted. Everything goes to webpki, except one case that webpki
//! refuses whatever the CA: a server whose certificate is X.509 version 1, as test.mosquitto.org
//! has it. Such a certificate is accepted here if the user named the CA, the issuer's name and
//! signature are that CA's, the dates hold, and the host name is the common name.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
    verify_tls13_signature_with_raw_key,
};
use rustls::pki_types::{CertificateDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, OtherError, SignatureScheme};

use super::certificate::Certificate;

/// Verifies server certificates.
#[derive(Debug)]
pub struct Verifier {
    webpki: Arc<WebPkiServerVerifier>,
    algorithms: WebPkiSupportedAlgorithms,
    /// The CAs that the user named, for version 1 certificates; empty where the system's are used.
    named: Vec<CertificateDer<'static>>,
    /// Gives up the check of the host name, and nothing else.
    any_name: bool,
}

/// Why a version 1 certificate is refused, where rustls has no word for it.
#[derive(Debug)]
pub enum VersionOne {
    /// No CA was named with cafile or capath.
    NoNamedCa,
}

impl std::fmt::Display for VersionOne {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the certificate is X.509 version 1 and no CA is named for it")
    }
}

impl std::error::Error for VersionOne {}

impl Verifier {
    pub fn new(
        webpki: Arc<WebPkiServerVerifier>,
        provider: &CryptoProvider,
        named: Vec<CertificateDer<'static>>,
        any_name: bool,
    ) -> Verifier {
        Verifier {
            webpki,
            algorithms: provider.signature_verification_algorithms,
            named,
            any_name,
        }
    }

    fn verify_version_one(
        &self,
        leaf: &Certificate,
        name: &ServerName,
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if self.named.is_empty() {
            let why = OtherError(Arc::new(VersionOne::NoNamedCa));
            return Err(CertificateError::Other(why).into());
        }
        self.verify_issuer(leaf, now)?;
        check_dates(leaf, now)?;
        if !self.any_name && !is_named(leaf, name) {
            return Err(CertificateError::NotValidForName.into());
        }
        Ok(ServerCertVerified::assertion())
    }

    /// The issuer's name and signature are those of a CA that was named.
    fn verify_issuer(&self, leaf: &Certificate, now: UnixTime) -> Result<(), Error> {
        let mut fault = CertificateError::UnknownIssuer;
        for der in &self.named {
            let Ok(ca) = Certificate::read(der) else {
                continue;
            };
            if ca.subject != leaf.issuer || !may_sign(&ca) {
                continue;
            }
            if check_dates(&ca, now).is_err() {
                fault = CertificateError::Expired;
                continue;
            }
            if self.signed_by(leaf, &ca) {
                return Ok(());
            }
            fault = CertificateError::BadSignature;
        }
        Err(fault.into())
    }

    fn signed_by(&self, leaf: &Certificate, ca: &Certificate) -> bool {
        // RFC 5280, 4.1.1.2: the algorithm inside and outside the signed part must be the same.
        let [algorithm, outside] = leaf.algorithms;
        if algorithm != outside {
            return false;
        }
        self.algorithms
            .all
            .iter()
            .filter(|a| {
                *a.signature_alg_id() == *algorithm && *a.public_key_alg_id() == *ca.key_algorithm
            })
            .any(|a| {
                a.verify_signature(ca.key_bits, leaf.signed, leaf.signature)
                    .is_ok()
            })
    }

    /// The signature of a TLS 1.2 handshake by a version 1 certificate's key. The helper that
    /// rustls has for it reads the certificate with webpki, which refuses it.
    fn verify_tls12_with_key(
        &self,
        message: &[u8],
        leaf: &Certificate,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let candidates = self
            .algorithms
            .mapping
            .iter()
            .filter(|(scheme, _)| *scheme == dss.scheme)
            .flat_map(|(_, algorithms)| algorithms.iter())
            .filter(|a| *a.public_key_alg_id() == *leaf.key_algorithm);
        for algorithm in candidates {
            if algorithm
                .verify_signature(leaf.key_bits, message, dss.signature())
                .is_ok()
            {
                return Ok(HandshakeSignatureValid::assertion());
            }
        }
        Err(CertificateError::BadSignature.into())
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if let Some(leaf) = version_one(end_entity) {
            return self.verify_version_one(&leaf, server_name, now);
        }
        let verdict = self.webpki.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        );
        match verdict {
            // webpki looks at the name last: chain and dates have passed.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if self.any_name => Ok(ServerCertVerified::assertion()),
            verdict => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        match version_one(cert) {
            Some(leaf) => self.verify_tls12_with_key(message, &leaf, dss),
            None => verify_tls12_signature(message, cert, dss, &self.algorithms),
        }
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        match version_one(cert) {
            Some(leaf) => {
                let key = SubjectPublicKeyInfoDer::from(leaf.key);
                verify_tls13_signature_with_raw_key(message, &key, dss, &self.algorithms)
            }
            None => verify_tls13_signature(message, cert, dss, &self.algorithms),
        }
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// The certificate, if it is version 1. What cannot be read is left to webpki, which refuses it.
fn version_one<'a>(der: &'a CertificateDer) -> Option<Certificate<'a>> {
    let certificate = Certificate::read(der).ok()?;
    (certificate.version == 1).then_some(certificate)
}

/// Whether the certificate is one that others may be signed with. A version 1 CA has no way to say
/// so; that the user named it is enough.
fn may_sign(ca: &Certificate) -> bool {
    ca.version == 1 || ca.is_authority().unwrap_or(false)
}

/// Whether the common name, of which there must be one, is the host's name. Wildcards are not
/// honoured.
fn is_named(leaf: &Certificate, name: &ServerName) -> bool {
    let host = name.to_str();
    leaf.common_name()
        .is_some_and(|common| common.eq_ignore_ascii_case(&host))
}

fn check_dates(certificate: &Certificate, now: UnixTime) -> Result<(), Error> {
    let [first, last] = certificate.validity.map(|time| time.as_secs());
    if now.as_secs() < first {
        Err(CertificateError::NotValidYet.into())
    } else if now.as_secs() > last {
        Err(CertificateError::Expired.into())
    } else {
        Ok(())
    }
}
