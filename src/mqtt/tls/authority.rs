//! The CAs at the end of a chain: which of them may sign, and whether they have.

use rustls::RootCertStore;
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{CertificateDer, TrustAnchor, UnixTime};

use super::certificate::{Certificate, Unfit};
use super::verify::Fault;

/// A CA that is trusted, if it is one.
#[derive(Debug)]
pub struct Authority {
    pub der: CertificateDer<'static>,
    /// What webpki makes of it; nothing where it cannot read it.
    pub anchor: Option<TrustAnchor<'static>>,
    pub unfit: Option<Unfit>,
    /// The first and the last second that it is valid, since 1970.
    validity: [u64; 2],
}

impl Authority {
    pub fn new(der: CertificateDer<'static>, algorithms: &WebPkiSupportedAlgorithms) -> Authority {
        let mut store = RootCertStore::empty();
        let _ = store.add(der.clone());
        let anchor = store.roots.pop();
        let (unfit, validity) = match Certificate::read(&der) {
            Ok(certificate) => (
                unfit(&certificate, algorithms),
                certificate.validity.map(|time| time.as_secs()),
            ),
            Err(_) => (Some(Unfit::Unreadable), [0, u64::MAX]),
        };
        Authority {
            der,
            anchor,
            unfit,
            validity,
        }
    }

    /// Why nothing that it signed is accepted at that moment, if so.
    pub fn fault(&self, now: UnixTime) -> Option<Fault> {
        let [first, last] = self.validity;
        match self.unfit {
            Some(unfit) => Some(Fault::Unfit(unfit)),
            None if now.as_secs() < first => Some(Fault::AuthorityNotValidYet),
            None if now.as_secs() > last => Some(Fault::AuthorityExpired),
            None => None,
        }
    }
}

/// Why others may not be signed with this certificate's key. A CA of version 1 has no way to say that
/// they may; a root, which is signed with its own key, was made for nothing else.
fn unfit(certificate: &Certificate, algorithms: &WebPkiSupportedAlgorithms) -> Option<Unfit> {
    if certificate.version != 1 {
        return certificate.unfit();
    }
    let root = certificate.subject == certificate.issuer
        // An old root's own signature proves nothing, so that a weak one does no harm.
        && signed_by(certificate, certificate, algorithms) != Signed::No;
    (!root).then_some(Unfit::NoAuthority)
}

/// Whether a certificate bears the signature of a CA.
#[derive(Debug, PartialEq)]
pub enum Signed {
    Yes,
    /// By another key.
    No,
    /// In a way that is too weak, or not known.
    Weakly,
    /// By an RSA key of so few bits.
    ByWeakKey(usize),
}

pub fn signed_by(
    certificate: &Certificate,
    ca: &Certificate,
    algorithms: &WebPkiSupportedAlgorithms,
) -> Signed {
    // RFC 5280, 4.1.1.2: the algorithm inside and outside the signed part must be the same.
    let [algorithm, outside] = certificate.algorithms;
    if algorithm != outside {
        return Signed::No;
    }
    if let Some(bits) = ca.weak_key() {
        return Signed::ByWeakKey(bits);
    }
    let mut known = algorithms
        .all
        .iter()
        .filter(|a| *a.signature_alg_id() == *algorithm)
        .peekable();
    if known.peek().is_none() {
        return Signed::Weakly;
    }
    let signed = known
        .filter(|a| *a.public_key_alg_id() == *ca.key_algorithm)
        .any(|a| {
            a.verify_signature(ca.key_bits, certificate.signed, certificate.signature)
                .is_ok()
        });
    if signed { Signed::Yes } else { Signed::No }
}
