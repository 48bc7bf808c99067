//! What went wrong in a TLS handshake, in words.

use std::io;

use rustls::{AlertDescription, CertificateError, Error as TlsError};

use super::certificate::Unfit;
use super::verify::Fault;
use crate::mqtt::address::Address;
use crate::mqtt::options::TlsOptions;
use crate::text::diagnostic::Error;

/// The error of a handshake, or `None` if `error` did not come from TLS.
pub fn explain(error: &io::Error, address: &Address, options: &TlsOptions) -> Option<Error> {
    let cause = error.get_ref()?.downcast_ref::<TlsError>()?;
    let at = address.authority();
    Some(match cause {
        TlsError::InvalidCertificate(fault) => certificate(fault, address, options),
        TlsError::InvalidMessage(_) => Error::run(format!("{at} does not answer in TLS"))
            .help("it may be a plain port: try tcp://, or the port for TLS, usually 8883"),
        TlsError::AlertReceived(alert) => alert_received(*alert, &at, options),
        TlsError::PeerIncompatible(fault) => Error::run(format!(
            "{at} and this client have no TLS version or cipher suite in common: {fault:?}"
        )),
        other => Error::run(format!("TLS with {at} failed: {other}")),
    })
}

fn certificate(fault: &CertificateError, address: &Address, options: &TlsOptions) -> Error {
    let at = address.authority();
    let named = options.cafile.is_some() || options.capath.is_some();
    match fault {
        CertificateError::UnknownIssuer => {
            let error = Error::run(format!(
                "the certificate of {at} is not from a CA that is trusted here"
            ));
            if named {
                error.help(
                    "check that cafile or capath names the CA that signed the broker's certificate",
                )
            } else {
                error.help("only the system's CAs are trusted: name the broker's CA with cafile")
            }
        }
        CertificateError::BadSignature => Error::run(format!(
            "the certificate of {at} names a trusted CA, but is not signed with that CA's key"
        ))
        .help("either cafile holds another key of the same CA, or the certificate is forged"),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            Error::run(format!("the certificate of {at}, or its CA's, has expired"))
                .help("the broker needs a new certificate; also check this machine's clock")
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => Error::run(
            format!("the certificate of {at}, or its CA's, is not valid yet"),
        )
        .help("check this machine's clock"),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            Error::run(format!(
                "the certificate of {at} is for another name than `{}`",
                address.host
            ))
            .help("connect under the name that the certificate is for")
            .help("insecure: true gives up this check, and with it the knowledge of who answers")
        }
        CertificateError::Other(other) if other.0.is::<Fault>() => {
            match other.0.downcast_ref::<Fault>() {
                Some(fault) => own(*fault, &at),
                None => Error::run(format!("the certificate of {at} is not acceptable")),
            }
        }
        CertificateError::UnsupportedSignatureAlgorithmContext { .. }
        | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            own(Fault::WeakSignature, &at)
        }
        CertificateError::Revoked => Error::run(format!("the certificate of {at} was revoked")),
        other => Error::run(format!(
            "the certificate of {at} is not acceptable: {other}"
        )),
    }
}

/// What was found here, and not by webpki.
fn own(fault: Fault, at: &str) -> Error {
    match fault {
        Fault::VersionOneWithoutCa => Error::run(format!(
            "the certificate of {at} is of the old X.509 version 1, which is trusted only where \
             its CA is named"
        ))
        .help("name the broker's CA with the option cafile"),
        Fault::Unfit(why) => Error::run(format!(
            "the certificate of {at} is signed with a certificate that is not to sign others: {}",
            unfit(why)
        ))
        .help("name the certificate of a CA with cafile, and let it sign the broker's"),
        Fault::AuthorityExpired => Error::run(format!(
            "the CA that signed the certificate of {at} has expired"
        ))
        .help("name the CA's new certificate with cafile; also check this machine's clock"),
        Fault::AuthorityNotValidYet => Error::run(format!(
            "the CA that signed the certificate of {at} is not valid yet"
        ))
        .help("check this machine's clock"),
        Fault::WeakSignature => Error::run(format!(
            "the certificate of {at} is signed in a way that is too weak, such as with SHA-1 or MD5, \
             or that is not known here"
        ))
        .help("the broker needs a certificate that is signed with SHA-256 or better"),
        Fault::WeakAuthorityKey(bits) => Error::run(format!(
            "the CA that signed the certificate of {at} has an RSA key of {bits} bits, which is too weak"
        ))
        .help("the CA needs a key of 2048 bits or more"),
        Fault::WeakKey(bits) => Error::run(format!(
            "the certificate of {at} has an RSA key of {bits} bits, which is too weak"
        ))
        .help("the broker needs a key of 2048 bits or more"),
        Fault::NotItsHolder => Error::run(format!(
            "{at} shows a certificate whose key it does not have"
        ))
        .help("somebody else answers, or the broker's key is not that of its certificate"),
    }
}

pub fn unfit(why: Unfit) -> &'static str {
    match why {
        Unfit::NoAuthority => "it is not that of a CA",
        Unfit::NoSigner => "its key usage does not have keyCertSign",
        Unfit::OtherPurpose => "its extended key usage leaves servers out",
        Unfit::Limited => {
            "it limits what it signs, which cannot be checked for a certificate of version 1"
        }
        Unfit::Unreadable => "it cannot be read",
    }
}

fn alert_received(alert: AlertDescription, at: &str, options: &TlsOptions) -> Error {
    use AlertDescription as Alert;
    match alert {
        Alert::CertificateRequired => {
            Error::run(format!("{at} wants a certificate from this client"))
                .help("give one with the options cert and key")
        }
        Alert::HandshakeFailure if options.cert.is_none() => Error::run(format!(
            "{at} refused the TLS handshake: no cipher suite in common, or it wants a certificate"
        ))
        .help("check the option ciphers; a certificate is given with the options cert and key"),
        Alert::HandshakeFailure | Alert::ProtocolVersion | Alert::InsufficientSecurity => {
            Error::run(format!(
                "{at} shares no TLS version or cipher suite with this client"
            ))
            .help("TLS 1.2 and 1.3 are spoken; check the option ciphers")
        }
        Alert::NoApplicationProtocol => Error::run(format!(
            "{at} speaks none of the protocols that are offered to it"
        ))
        .help("check the option alpn"),
        Alert::UnknownCA
        | Alert::BadCertificate
        | Alert::CertificateUnknown
        | Alert::CertificateExpired
        | Alert::CertificateRevoked
        | Alert::UnsupportedCertificate
        | Alert::DecryptError
        | Alert::AccessDenied => {
            Error::run(format!("{at} refuses this client's certificate: {alert:?}"))
                .help("check the options cert and key, and which CA the broker trusts")
        }
        other => Error::run(format!("{at} ended the TLS handshake: {other:?}")),
    }
}
