//! What is in a certificate (X.509, RFC 5280, section 4.1), as far as checking one of version 1 wants
//! it: webpki reads those of version 3 only. The bytes that are signed, compared or handed on are kept
//! as they are.

use std::time::Duration;

use pkcs8::ObjectIdentifier;
use pkcs8::der::asn1::{AnyRef, BitStringRef, GeneralizedTime, OctetStringRef, UintRef, UtcTime};
use pkcs8::der::{Decode, Error, ErrorKind, Reader, Result, SliceReader, Tag, TagNumber, Tagged};

const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
const KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.15");
const BASIC_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.19");
const NAME_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.30");
const EXTENDED_KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37");
const ANY_PURPOSE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37.0");
const SERVER_AUTHENTICATION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1");
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

/// The shortest RSA key whose signatures are taken, in bits; it is ring's.
const LEAST_RSA: usize = 2048;

/// Why others may not be signed with a certificate's key.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Unfit {
    /// It is no CA: not CA:TRUE, nor a root of version 1.
    NoAuthority,
    /// Its key usage leaves keyCertSign out.
    NoSigner,
    /// Its extended key usage leaves servers out.
    OtherPurpose,
    /// It limits what it signs, and the one that it signed is of version 1.
    Limited,
    Unreadable,
}

/// A certificate. Algorithms are the content of their DER sequence, as rustls compares them.
#[derive(Debug)]
pub struct Certificate<'a> {
    /// 1, 2 or 3.
    pub version: u8,
    /// The part that is signed, in DER.
    pub signed: &'a [u8],
    /// The algorithm of the signature, as the signed part has it and as it stands beside it.
    pub algorithms: [&'a [u8]; 2],
    pub signature: &'a [u8],
    /// Who signed it and whose it is: the content of a DER sequence.
    pub issuer: &'a [u8],
    pub subject: &'a [u8],
    /// The first and the last moment that it is valid, since 1970.
    pub validity: [Duration; 2],
    /// The public key with its algorithm, in DER.
    pub key: &'a [u8],
    pub key_algorithm: &'a [u8],
    pub key_bits: &'a [u8],
    /// The content of the DER sequence of extensions.
    extensions: Option<&'a [u8]>,
}

impl<'a> Certificate<'a> {
    /// Reads a certificate in DER with nothing behind it.
    pub fn read(der: &'a [u8]) -> Result<Certificate<'a>> {
        let mut outer = content(der)?;
        let signed = outer.tlv_bytes()?;
        let algorithm = sequence(&mut outer)?;
        let signature = bits(&mut outer)?;
        let mut inner = content(signed)?;
        outer.finish(())?;

        let version = version(&mut inner)?;
        inner.decode::<AnyRef>()?.tag().assert_eq(Tag::Integer)?;
        let signed_algorithm = sequence(&mut inner)?;
        let issuer = sequence(&mut inner)?;
        let mut dates = SliceReader::new(sequence(&mut inner)?)?;
        let validity = [time(&mut dates)?, time(&mut dates)?];
        dates.finish(())?;
        let subject = sequence(&mut inner)?;
        let key = inner.tlv_bytes()?;
        let mut key_reader = content(key)?;
        let certificate = Certificate {
            version,
            signed,
            algorithms: [signed_algorithm, algorithm],
            signature,
            issuer,
            subject,
            validity,
            key,
            key_algorithm: sequence(&mut key_reader)?,
            key_bits: bits(&mut key_reader)?,
            extensions: extensions(&mut inner, version)?,
        };
        key_reader.finish(certificate)
    }

    /// The common name of whom the certificate is for, if there is exactly one and it is text.
    pub fn common_name(&self) -> Option<&'a str> {
        let mut names = attributes(self.subject).ok()?.into_iter();
        let mut names = names.by_ref().filter(|(id, _)| *id == COMMON_NAME);
        let (_, only) = names.next()?;
        let text = matches!(
            only.tag(),
            Tag::Utf8String | Tag::PrintableString | Tag::Ia5String | Tag::TeletexString
        );
        (text && names.next().is_none())
            .then(|| std::str::from_utf8(only.value()).ok())
            .flatten()
    }

    /// Why the extensions do not let others be signed with this one's key (sections 4.2.1.3, 4.2.1.9
    /// and 4.2.1.12), if so.
    pub fn unfit(&self) -> Option<Unfit> {
        self.check_fit().unwrap_or(Err(Unfit::Unreadable)).err()
    }

    fn check_fit(&self) -> Result<std::result::Result<(), Unfit>> {
        let Some(constraints) = self.extension(BASIC_CONSTRAINTS)? else {
            return Ok(Err(Unfit::NoAuthority));
        };
        let mut constraints = content(constraints)?;
        // Left out, it is false.
        let authority = !constraints.is_finished()
            && constraints.peek_tag()? == Tag::Boolean
            && constraints.decode()?;
        if !authority {
            return Ok(Err(Unfit::NoAuthority));
        }
        if let Some(usage) = self.extension(KEY_USAGE)? {
            let usage = BitStringRef::from_der(usage)?;
            // keyCertSign is the sixth bit.
            let signs = usage.raw_bytes().first().is_some_and(|b| b & 0b100 != 0);
            if !signs {
                return Ok(Err(Unfit::NoSigner));
            }
        }
        if let Some(purposes) = self.extension(EXTENDED_KEY_USAGE)? {
            let mut purposes = content(purposes)?;
            let mut servers = false;
            while !purposes.is_finished() {
                let purpose: ObjectIdentifier = purposes.decode()?;
                servers |= purpose == SERVER_AUTHENTICATION || purpose == ANY_PURPOSE;
            }
            if !servers {
                return Ok(Err(Unfit::OtherPurpose));
            }
        }
        Ok(Ok(()))
    }

    /// Whether an extension limits what may be signed in a way that is not looked at here: names, or
    /// what is critical and not known.
    pub fn is_limited(&self) -> bool {
        let known = [BASIC_CONSTRAINTS, KEY_USAGE, EXTENDED_KEY_USAGE];
        match self.all_extensions() {
            Ok(all) => all
                .iter()
                .any(|e| e.id == NAME_CONSTRAINTS || (e.critical && !known.contains(&e.id))),
            Err(_) => true,
        }
    }

    /// The bits of an RSA key that is too short to be of worth.
    pub fn weak_key(&self) -> Option<usize> {
        let mut algorithm = SliceReader::new(self.key_algorithm).ok()?;
        if algorithm.decode::<ObjectIdentifier>().ok()? != RSA {
            return None;
        }
        let mut key = content(self.key_bits).ok()?;
        let modulus: UintRef = key.decode().ok()?;
        let first = modulus.as_bytes().first()?;
        let bits = modulus.as_bytes().len() * 8 - first.leading_zeros() as usize;
        (bits < LEAST_RSA).then_some(bits)
    }

    /// The value of an extension. That it is there twice is an error.
    fn extension(&self, wanted: ObjectIdentifier) -> Result<Option<&'a [u8]>> {
        let all = self.all_extensions()?;
        let mut found = all.iter().filter(|e| e.id == wanted);
        match (found.next(), found.next()) {
            (Some(_), Some(_)) => Err(Error::from(ErrorKind::Failed)),
            (found, _) => Ok(found.map(|e| e.value)),
        }
    }

    fn all_extensions(&self) -> Result<Vec<Extension<'a>>> {
        let mut all = SliceReader::new(self.extensions.unwrap_or_default())?;
        let mut found = Vec::new();
        while !all.is_finished() {
            let mut extension = SliceReader::new(sequence(&mut all)?)?;
            let id: ObjectIdentifier = extension.decode()?;
            let critical = extension.peek_tag()? == Tag::Boolean && extension.decode()?;
            let value: OctetStringRef = extension.decode()?;
            extension.finish(())?;
            found.push(Extension {
                id,
                critical,
                value: value.as_bytes(),
            });
        }
        Ok(found)
    }
}

struct Extension<'a> {
    id: ObjectIdentifier,
    critical: bool,
    value: &'a [u8],
}

/// A reader of what is in the DER sequence that `der` is.
fn content(der: &[u8]) -> Result<SliceReader<'_>> {
    let mut reader = SliceReader::new(der)?;
    let content = sequence(&mut reader)?;
    reader.finish(())?;
    SliceReader::new(content)
}

/// The content of the sequence that comes next.
fn sequence<'a>(reader: &mut SliceReader<'a>) -> Result<&'a [u8]> {
    let next: AnyRef = reader.decode()?;
    next.tag().assert_eq(Tag::Sequence)?;
    Ok(next.value())
}

/// The whole bytes that the string of bits that comes next is.
fn bits<'a>(reader: &mut SliceReader<'a>) -> Result<&'a [u8]> {
    let bits: BitStringRef = reader.decode()?;
    bits.as_bytes().ok_or_else(|| Tag::BitString.value_error())
}

/// The tag of a field that is marked by a number.
fn marked(number: TagNumber) -> Tag {
    Tag::ContextSpecific {
        constructed: true,
        number,
    }
}

/// The version; 1 where it is left out.
fn version(reader: &mut SliceReader) -> Result<u8> {
    if reader.peek_tag()? != marked(TagNumber::N0) {
        return Ok(1);
    }
    let field: AnyRef = reader.decode()?;
    match u8::from_der(field.value())? {
        number @ 0..=2 => Ok(number + 1),
        _ => Err(Error::from(ErrorKind::Failed)),
    }
}

/// The content of the sequence of extensions, which only version 3 has; before them may stand the
/// identifiers of issuer and subject, from version 2 on.
fn extensions<'a>(reader: &mut SliceReader<'a>, version: u8) -> Result<Option<&'a [u8]>> {
    let mut found = None;
    while version > 1 && !reader.is_finished() {
        let field: AnyRef = reader.decode()?;
        if version == 3 && field.tag() == marked(TagNumber::N3) {
            let mut inner = SliceReader::new(field.value())?;
            found = Some(sequence(&mut inner)?);
            inner.finish(())?;
        }
    }
    match reader.is_finished() {
        true => Ok(found),
        false => Err(Error::from(ErrorKind::Failed)),
    }
}

fn time(reader: &mut SliceReader) -> Result<Duration> {
    match reader.peek_tag()? {
        Tag::UtcTime => Ok(reader.decode::<UtcTime>()?.to_unix_duration()),
        _ => Ok(reader.decode::<GeneralizedTime>()?.to_unix_duration()),
    }
}

/// The attributes of a name, in their order.
fn attributes(name: &[u8]) -> Result<Vec<(ObjectIdentifier, AnyRef<'_>)>> {
    let mut sets = SliceReader::new(name)?;
    let mut found = Vec::new();
    while !sets.is_finished() {
        let set: AnyRef = sets.decode()?;
        set.tag().assert_eq(Tag::Set)?;
        let mut set = SliceReader::new(set.value())?;
        while !set.is_finished() {
            let mut attribute = SliceReader::new(sequence(&mut set)?)?;
            found.push((attribute.decode()?, attribute.decode()?));
            attribute.finish(())?;
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair, KeyUsagePurpose};

    use super::*;

    /// A certificate of version 3 that is signed with its own key.
    fn make(is_ca: IsCa, usages: &[KeyUsagePurpose], names: &[&str]) -> Vec<u8> {
        let mut params = CertificateParams::default();
        params.is_ca = is_ca;
        params.key_usages = usages.to_vec();
        params.distinguished_name.remove(DnType::CommonName);
        for (kind, name) in [DnType::CommonName, DnType::OrganizationName]
            .into_iter()
            .zip(names)
        {
            params.distinguished_name.push(kind, *name);
        }
        let key = KeyPair::generate().expect("a key");
        params.self_signed(&key).expect("signed").der().to_vec()
    }

    #[test]
    fn what_an_authority_is() {
        let ca = || IsCa::Ca(BasicConstraints::Unconstrained);
        let short = || IsCa::Ca(BasicConstraints::Constrained(0));
        let (signs, other) = (
            KeyUsagePurpose::KeyCertSign,
            KeyUsagePurpose::DigitalSignature,
        );
        let table = [
            (ca(), vec![], None),
            (ca(), vec![signs], None),
            (short(), vec![other, signs], None),
            (ca(), vec![other], Some(Unfit::NoSigner)),
            (IsCa::ExplicitNoCa, vec![signs], Some(Unfit::NoAuthority)),
            (IsCa::NoCa, vec![signs], Some(Unfit::NoAuthority)),
        ];
        for (is_ca, usages, expected) in table {
            let what = format!("{is_ca:?} {usages:?}");
            let der = make(is_ca, &usages, &[]);
            let certificate = Certificate::read(&der).expect(&what);
            assert_eq!(certificate.version, 3);
            assert_eq!(certificate.unfit(), expected, "{what}");
            assert_eq!(certificate.issuer, certificate.subject);
        }
    }

    #[test]
    fn the_common_name_is_the_only_one() {
        let der = make(IsCa::NoCa, &[], &["host.example", "someone"]);
        let certificate = Certificate::read(&der).expect("good");
        assert_eq!(certificate.common_name(), Some("host.example"));
        let der = make(IsCa::NoCa, &[], &[]);
        let certificate = Certificate::read(&der).expect("good");
        assert_eq!(certificate.common_name(), None);
    }

    /// Whatever a server sends: an error, not a panic, and never a certificate with less or more.
    #[test]
    fn damaged_certificates_are_errors() {
        let der = make(IsCa::Ca(BasicConstraints::Unconstrained), &[], &["name"]);
        for length in 0..der.len() {
            assert!(Certificate::read(&der[..length]).is_err(), "{length}");
        }
        assert!(Certificate::read(&[&der[..], &[0]].concat()).is_err());
        for at in 0..der.len() {
            for bit in 0..8 {
                let mut damaged = der.clone();
                damaged[at] ^= 1 << bit;
                if let Ok(certificate) = Certificate::read(&damaged) {
                    let _ = (certificate.unfit(), certificate.weak_key());
                    let _ = certificate.is_limited();
                    let _ = certificate.common_name();
                }
            }
        }
    }
}
