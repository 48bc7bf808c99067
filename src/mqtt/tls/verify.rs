//! Which server certificates are accepted. webpki checks chains, after the CAs at their end have been
//! looked at here, as OpenSSL does and webpki does not: a CA that has expired, is none, or may not sign
//! others signs nobody.
//!
//! One case webpki refuses whatever the CA: a server whose certificate is X.509 version 1, as
//! test.mosquitto.org has it. Such a certificate is accepted here if it has no extensions, the user named
//! the CA, the issuer's name and signature are that CA's, the dates of both hold, and the host name is
//! the common name.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
    verify_tls13_signature_with_raw_key,
};
use rustls::pki_types::{CertificateDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use rustls::{
    CertificateError, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme,
};

use super::authority::{Authority, Signed, signed_by};
use super::certificate::{Certificate, Unfit};

/// Verifies server certificates.
#[derive(Debug)]
pub struct Verifier {
    provider: Arc<CryptoProvider>,
    algorithms: WebPkiSupportedAlgorithms,
    authorities: Vec<Authority>,
    /// Whether the user named them; otherwise they are the system's.
    named: bool,
    /// Gives up the check of the host name, and nothing else.
    any_name: bool,
}

/// Why a certificate is refused, where rustls has no word for it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Fault {
    /// It is of version 1, and no CA was named with cafile or capath.
    VersionOneWithoutCa,
    /// It was signed by a CA that is not to sign others.
    Unfit(Unfit),
    AuthorityExpired,
    AuthorityNotValidYet,
    /// Its signature is of a kind that is too weak, or that is not known.
    WeakSignature,
    /// The CA that signed it has an RSA key of so few bits.
    WeakAuthorityKey(usize),
    /// Its own key is RSA with so few bits.
    WeakKey(usize),
    /// Whoever answers does not hold its key.
    NotItsHolder,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self:?}")
    }
}

impl std::error::Error for Fault {}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Error {
        CertificateError::Other(OtherError(Arc::new(fault))).into()
    }
}

impl Verifier {
    pub fn new(
        provider: Arc<CryptoProvider>,
        authorities: Vec<Authority>,
        named: bool,
        any_name: bool,
    ) -> Verifier {
        Verifier {
            algorithms: provider.signature_verification_algorithms,
            provider,
            authorities,
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
        if !self.named {
            return Err(Fault::VersionOneWithoutCa.into());
        }
        self.verify_issuer(leaf, now)?;
        check_dates(leaf, now)?;
        if !self.any_name && !is_named(leaf, name) {
            return Err(CertificateError::NotValidForName.into());
        }
        Ok(ServerCertVerified::assertion())
    }

    /// The issuer's name and signature are those of a CA that was named and may sign.
    fn verify_issuer(&self, leaf: &Certificate, now: UnixTime) -> Result<(), Error> {
        let mut fault: Error = CertificateError::UnknownIssuer.into();
        for authority in &self.authorities {
            let Ok(ca) = Certificate::read(&authority.der) else {
                continue;
            };
            if ca.subject != leaf.issuer {
                continue;
            }
            match signed_by(leaf, &ca, &self.algorithms) {
                Signed::Yes => {}
                Signed::No => {
                    fault = CertificateError::BadSignature.into();
                    continue;
                }
                Signed::Weakly => {
                    fault = Fault::WeakSignature.into();
                    continue;
                }
                Signed::ByWeakKey(bits) => {
                    fault = Fault::WeakAuthorityKey(bits).into();
                    continue;
                }
            }
            match authority.fault(now) {
                None if ca.is_limited() => fault = Fault::Unfit(Unfit::Limited).into(),
                None => return Ok(()),
                Some(why) => fault = why.into(),
            }
        }
        Err(fault)
    }

    /// webpki's verdict, with the CAs that may sign now.
    fn verify_chain(
        &self,
        end_entity: &CertificateDer,
        intermediates: &[CertificateDer],
        name: &ServerName,
        (ocsp, now): (&[u8], UnixTime),
    ) -> Result<ServerCertVerified, Error> {
        let mut roots = RootCertStore::empty();
        let able = self.authorities.iter().filter(|a| a.fault(now).is_none());
        roots.roots.extend(able.filter_map(|a| a.anchor.clone()));
        if roots.is_empty() {
            return Err(CertificateError::UnknownIssuer.into());
        }
        // webpki does not look whether the key usage of those between has keyCertSign.
        let signers: Vec<_> = intermediates
            .iter()
            .filter(|der| !is_no_signer(der))
            .cloned()
            .collect();
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), self.provider.clone())
            .build()
            .map_err(|e| Error::General(e.to_string()))?
            .verify_server_cert(end_entity, &signers, name, ocsp, now)
    }

    /// What a CA of the chain is refused for, where webpki only finds no issuer or a wrong signature.
    fn authority_fault(
        &self,
        end_entity: &CertificateDer,
        intermediates: &[CertificateDer],
        now: UnixTime,
    ) -> Option<Fault> {
        if intermediates.iter().any(is_no_signer) {
            return Some(Fault::Unfit(Unfit::NoSigner));
        }
        let chain = std::iter::once(end_entity).chain(intermediates);
        for der in chain {
            let Ok(certificate) = Certificate::read(der) else {
                continue;
            };
            for authority in &self.authorities {
                let Ok(ca) = Certificate::read(&authority.der) else {
                    continue;
                };
                if ca.subject != certificate.issuer {
                    continue;
                }
                match signed_by(&certificate, &ca, &self.algorithms) {
                    Signed::Yes if authority.fault(now).is_some() => return authority.fault(now),
                    Signed::Yes | Signed::No => {}
                    Signed::Weakly => return Some(Fault::WeakSignature),
                    Signed::ByWeakKey(bits) => return Some(Fault::WeakAuthorityKey(bits)),
                }
            }
        }
        None
    }

    /// The signature of a TLS 1.2 handshake by a version 1 certificate's key. The helper that
    /// rustls has for it reads the certificate with webpki, which refuses it.
    fn verify_tls12_with_key(
        &self,
        message: &[u8],
        leaf: &Certificate,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let mut candidates = self
            .algorithms
            .mapping
            .iter()
            .filter(|(scheme, _)| *scheme == dss.scheme)
            .flat_map(|(_, algorithms)| algorithms.iter())
            .filter(|a| *a.public_key_alg_id() == *leaf.key_algorithm);
        candidates
            .any(|a| {
                a.verify_signature(leaf.key_bits, message, dss.signature())
                    .is_ok()
            })
            .then(HandshakeSignatureValid::assertion)
            .ok_or(CertificateError::BadSignature.into())
    }
}

fn is_no_signer(der: &CertificateDer) -> bool {
    Certificate::read(der).is_ok_and(|c| c.unfit() == Some(Unfit::NoSigner))
}

/// A handshake's wrong signature is not that of a CA.
fn handshake_fault(cert: &CertificateDer, error: Error) -> Error {
    let wrong = Error::InvalidCertificate(CertificateError::BadSignature);
    if error != wrong {
        return error;
    }
    let key = Certificate::read(cert).ok().and_then(|c| c.weak_key());
    key.map_or(Fault::NotItsHolder, Fault::WeakKey).into()
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
        let rest = (ocsp_response, now);
        match self.verify_chain(end_entity, intermediates, server_name, rest) {
            // webpki looks at the name last: chain and dates have passed.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if self.any_name => Ok(ServerCertVerified::assertion()),
            Err(
                error @ Error::InvalidCertificate(
                    CertificateError::UnknownIssuer | CertificateError::BadSignature,
                ),
            ) => Err(self
                .authority_fault(end_entity, intermediates, now)
                .map_or(error, Error::from)),
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
        .map_err(|error| handshake_fault(cert, error))
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
        .map_err(|error| handshake_fault(cert, error))
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
