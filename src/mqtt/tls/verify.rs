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
use x509_parser::prelude::{ASN1Time, FromDer, X509Certificate, X509Version};

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
        leaf: &X509Certificate,
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
    fn verify_issuer(&self, leaf: &X509Certificate, now: UnixTime) -> Result<(), Error> {
        let mut fault = CertificateError::UnknownIssuer;
        for der in &self.named {
            let Ok((_, ca)) = X509Certificate::from_der(der) else {
                continue;
            };
            if ca.subject().as_raw() != leaf.issuer().as_raw() || !may_sign(&ca) {
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

    fn signed_by(&self, leaf: &X509Certificate, ca: &X509Certificate) -> bool {
        // RFC 5280, 4.1.1.2: the algorithm inside and outside the signed part must be the same.
        if leaf.signature_algorithm != leaf.tbs_certificate.signature {
            return false;
        }
        let signature = identifier(&leaf.signature_algorithm);
        let key = identifier(&ca.public_key().algorithm);
        let bits = &ca.public_key().subject_public_key.data;
        self.algorithms
            .all
            .iter()
            .filter(|a| *a.signature_alg_id() == *signature && *a.public_key_alg_id() == *key)
            .any(|a| {
                a.verify_signature(
                    bits,
                    leaf.tbs_certificate.as_ref(),
                    &leaf.signature_value.data,
                )
                .is_ok()
            })
    }

    /// The signature of a TLS 1.2 handshake by a version 1 certificate's key. The helper that
    /// rustls has for it reads the certificate with webpki, which refuses it.
    fn verify_tls12_with_key(
        &self,
        message: &[u8],
        leaf: &X509Certificate,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let key = leaf.public_key();
        let key_algorithm = identifier(&key.algorithm);
        let candidates = self
            .algorithms
            .mapping
            .iter()
            .filter(|(scheme, _)| *scheme == dss.scheme)
            .flat_map(|(_, algorithms)| algorithms.iter())
            .filter(|a| *a.public_key_alg_id() == *key_algorithm);
        for algorithm in candidates {
            let bits = &key.subject_public_key.data;
            if algorithm
                .verify_signature(bits, message, dss.signature())
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
                let key = SubjectPublicKeyInfoDer::from(leaf.public_key().raw);
                verify_tls13_signature_with_raw_key(message, &key, dss, &self.algorithms)
            }
            None => verify_tls13_signature(message, cert, dss, &self.algorithms),
        }
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// The certificate, if it is version 1.
fn version_one<'a>(der: &'a CertificateDer) -> Option<X509Certificate<'a>> {
    match X509Certificate::from_der(der) {
        Ok(([], certificate)) if certificate.version() == X509Version::V1 => Some(certificate),
        _ => None,
    }
}

/// Whether the certificate is one that others may be signed with. A version 1 CA has no way to say
/// so; that the user named it is enough.
fn may_sign(ca: &X509Certificate) -> bool {
    if ca.version() == X509Version::V1 {
        return true;
    }
    let signs = match ca.key_usage() {
        Ok(Some(usage)) => usage.value.key_cert_sign(),
        Ok(None) => true,
        Err(_) => false,
    };
    ca.is_ca() && signs
}

/// Whether the common name, of which there must be one, is the host's name. Wildcards are not
/// honoured.
fn is_named(leaf: &X509Certificate, name: &ServerName) -> bool {
    let host = name.to_str();
    let mut names = leaf.subject().iter_common_name();
    match (names.next(), names.next()) {
        (Some(only), None) => only
            .as_str()
            .is_ok_and(|common| common.eq_ignore_ascii_case(&host)),
        _ => false,
    }
}

/// An algorithm as rustls compares it: the content of its DER sequence (RFC 5280, 4.1.1.2).
fn identifier(algorithm: &x509_parser::x509::AlgorithmIdentifier) -> Vec<u8> {
    let mut content = Vec::new();
    push_der(&mut content, 0x06, algorithm.algorithm.as_bytes());
    if let Some(parameters) = &algorithm.parameters {
        let constructed = u8::from(parameters.header.is_constructed()) << 5;
        let tag = parameters.tag().0 as u8 | constructed;
        push_der(&mut content, tag, parameters.data);
    }
    content
}

/// Appends one DER element. Algorithm parameters are far shorter than 64 KiB.
fn push_der(out: &mut Vec<u8>, tag: u8, data: &[u8]) {
    out.push(tag);
    match data.len() {
        short @ 0..=0x7f => out.push(short as u8),
        byte @ 0x80..=0xff => out.extend([0x81, byte as u8]),
        long => {
            out.push(0x82);
            out.extend((long as u16).to_be_bytes());
        }
    }
    out.extend(data);
}

fn check_dates(certificate: &X509Certificate, now: UnixTime) -> Result<(), Error> {
    let now = i64::try_from(now.as_secs())
        .ok()
        .and_then(|s| ASN1Time::from_timestamp(s).ok())
        .ok_or(Error::FailedToGetCurrentTime)?;
    let validity = certificate.validity();
    if now < validity.not_before {
        Err(CertificateError::NotValidYet.into())
    } else if now > validity.not_after {
        Err(CertificateError::Expired.into())
    } else {
        Ok(())
    }
}
