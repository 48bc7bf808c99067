//! What went wrong in a TLS handshake, in words.

use std::io;

use rustls::{AlertDescription, CertificateError, Error as TlsError};

use super::verify::VersionOne;
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
        CertificateError::Other(other) if other.0.is::<VersionOne>() => Error::run(format!(
            "the certificate of {at} is of the old X.509 version 1, which is trusted only where \
             its CA is named"
        ))
        .help("name the broker's CA with the option cafile"),
        CertificateError::Revoked => Error::run(format!("the certificate of {at} was revoked")),
        other => Error::run(format!(
            "the certificate of {at} is not acceptable: {other}"
        )),
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
