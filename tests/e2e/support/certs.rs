//! Certificates for tests: version 3 by rcgen, version 1 by the openssl command.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PKCS_RSA_SHA256, SigningKey, date_time_ymd,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::mosquitto::Folder;

/// A certificate authority with an RSA key.
pub struct Authority {
    folder: Folder,
    name: String,
}

/// A certificate and its private key.
pub struct Identity {
    pub cert: PathBuf,
    pub key: PathBuf,
}

/// What is wrong with a certificate, if anything.
#[derive(Clone, Copy, PartialEq)]
pub enum Dates {
    Good,
    Expired,
    NotYet,
}

impl Authority {
    /// A CA of that name. Two of one name differ in their keys.
    pub fn new(name: &str) -> Authority {
        let authority = Authority {
            folder: Folder::new(),
            name: name.to_owned(),
        };
        openssl(&[
            "genpkey",
            "-algorithm",
            "RSA",
            "-out",
            &authority.path("ca.key"),
        ]);
        let certificate = authority
            .params()
            .self_signed(&authority.key())
            .expect("a CA");
        authority.folder.write("ca.crt", certificate.pem());
        authority
    }

    pub fn cert(&self) -> PathBuf {
        self.folder.0.join("ca.crt")
    }

    /// A certificate that the openssl command makes of these files and arguments, in the CA's folder:
    /// `SIGN` stands for signing with the CA's key.
    pub fn openssl(&self, name: &str, host: &str, key: &str, sign: &[&str]) -> Identity {
        let (key_file, request, cert) = (
            self.path(&format!("{name}.key")),
            self.path(&format!("{name}.csr")),
            self.path(&format!("{name}.crt")),
        );
        let subject = format!("/CN={host}");
        openssl(&[
            "req", "-new", "-newkey", key, "-nodes", "-subj", &subject, "-keyout", &key_file,
            "-out", &request,
        ]);
        let signing = [
            "-CA",
            &self.path("ca.crt"),
            "-CAkey",
            &self.path("ca.key"),
            "-CAcreateserial",
        ];
        let mut arguments = vec!["x509", "-req", "-in", &request, "-out", &cert];
        for argument in sign {
            match *argument {
                "SIGN" => arguments.extend(signing),
                other => arguments.push(other),
            }
        }
        openssl(&arguments);
        Identity {
            cert: cert.into(),
            key: key_file.into(),
        }
    }

    /// The same CA, its name and its key, with another certificate: `change` says what differs.
    pub fn changed(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> PathBuf {
        let mut params = self.params();
        change(&mut params);
        let certificate = params.self_signed(&self.key()).expect("a certificate");
        self.folder.write(name, certificate.pem())
    }

    /// A certificate by this CA for the name and the key of `other`, a CA that may use its key for `usage`.
    pub fn certify(&self, other: &Authority, usage: KeyUsagePurpose) -> String {
        let mut params = other.params();
        params.key_usages = vec![usage];
        let issuer = Issuer::new(self.params(), self.key());
        let certificate = params.signed_by(&other.key(), &issuer);
        certificate.expect("a certificate").pem()
    }

    /// A certificate that says it is of version 1 and has the extensions of one of version 3.
    pub fn version_one_with_extensions(&self, host: &str) -> Identity {
        let three = self.version_three(host, Dates::Good);
        let pem = fs::read_to_string(&three.cert).expect("written before");
        let der = CertificateDer::from_pem_slice(pem.as_bytes()).expect("a certificate");
        let (whole, _) = der_content(&der);
        let (signed, rest) = der_content(whole);
        // The first field is the version, in five bytes; without it, it is 1.
        assert_eq!(signed[..5], [0xa0, 3, 2, 1, 2]);
        let signed = der_sequence(&signed[5..]);
        let (_, algorithm) = der_content(rest);
        let algorithm = &rest[..rest.len() - algorithm.len()];
        let signature = self.key().sign(&signed).expect("signed");
        let mut bits = vec![3, 0x82];
        bits.extend((signature.len() as u16 + 1).to_be_bytes());
        bits.push(0);
        bits.extend(signature);
        let der = der_sequence(&[&signed, algorithm, &bits].concat());
        let file = self.folder.write("v1.extensions.der", der);
        let cert = self.path("v1.extensions.crt");
        let file = file.display().to_string();
        openssl(&["x509", "-inform", "DER", "-in", &file, "-out", &cert]);
        let text = output(&["x509", "-in", &cert, "-noout", "-text"]);
        assert!(text.contains("Version: 1 ") && text.contains("X509v3 extensions"));
        Identity {
            cert: cert.into(),
            key: three.key,
        }
    }

    /// A file in the CA's folder.
    pub fn write(&self, name: &str, content: &str) -> PathBuf {
        self.folder.write(name, content)
    }

    fn path(&self, name: &str) -> String {
        self.folder.0.join(name).display().to_string()
    }

    fn params(&self) -> CertificateParams {
        let mut params = CertificateParams::default();
        params
            .distinguished_name
            .push(DnType::CommonName, &self.name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        params
    }

    fn key(&self) -> KeyPair {
        let pem = fs::read_to_string(self.path("ca.key")).expect("written before");
        KeyPair::from_pem_and_sign_algo(&pem, &PKCS_RSA_SHA256).expect("an RSA key")
    }

    /// A version 3 certificate for `host`.
    pub fn version_three(&self, host: &str, dates: Dates) -> Identity {
        let mut params = CertificateParams::new(vec![host.to_owned()]).expect("a name");
        params.distinguished_name.push(DnType::CommonName, host);
        match dates {
            Dates::Good => {}
            Dates::Expired => {
                params.not_before = date_time_ymd(2020, 1, 1);
                params.not_after = date_time_ymd(2021, 1, 1);
            }
            Dates::NotYet => params.not_before = date_time_ymd(2090, 1, 1),
        }
        let key = KeyPair::generate().expect("a key");
        let issuer = Issuer::new(self.params(), self.key());
        let certificate = params.signed_by(&key, &issuer).expect("a certificate");
        Identity {
            cert: self
                .folder
                .write(&format!("{host}.v3.crt"), certificate.pem()),
            key: self
                .folder
                .write(&format!("{host}.v3.key"), key.serialize_pem()),
        }
    }

    /// A version 1 certificate whose common name is `host`.
    pub fn version_one(&self, host: &str, dates: Dates) -> Identity {
        let (key, request, cert) = (
            self.path("v1.key"),
            self.path("v1.csr"),
            self.path(&format!("{host}.v1.crt")),
        );
        let subject = format!("/CN={host}");
        openssl(&[
            "req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", &subject, "-keyout", &key,
            "-out", &request,
        ]);
        let days = if dates == Dates::Expired { "-1" } else { "30" };
        openssl(&[
            "x509",
            "-req",
            "-in",
            &request,
            "-CA",
            &self.path("ca.crt"),
            "-CAkey",
            &self.path("ca.key"),
            "-CAcreateserial",
            "-days",
            days,
            "-out",
            &cert,
        ]);
        let text = output(&["x509", "-in", &cert, "-noout", "-text"]);
        assert!(text.contains("Version: 1 "), "{text}");
        Identity {
            cert: cert.into(),
            key: key.into(),
        }
    }

    /// The key of an identity, encrypted with a passphrase (PKCS#8).
    pub fn encrypt(&self, key: &Path, passphrase: &str) -> PathBuf {
        let encrypted = self.path("encrypted.key");
        let pass = format!("pass:{passphrase}");
        openssl(&[
            "pkcs8",
            "-topk8",
            "-v2",
            "aes-256-cbc",
            "-in",
            &key.display().to_string(),
            "-passout",
            &pass,
            "-out",
            &encrypted,
        ]);
        encrypted.into()
    }
}

/// The content of the DER element at the start of `der`, whose length takes two bytes or less, and what
/// follows it.
fn der_content(der: &[u8]) -> (&[u8], &[u8]) {
    let (start, length) = match der[1] {
        0x82 => (4, usize::from(u16::from_be_bytes([der[2], der[3]]))),
        0x81 => (3, usize::from(der[2])),
        short => (2, usize::from(short)),
    };
    der[start..].split_at(length)
}

/// A DER sequence of so much that its length takes two bytes.
fn der_sequence(content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).expect("short enough");
    let mut der = vec![0x30, 0x82];
    der.extend(length.to_be_bytes());
    der.extend(content);
    der
}

fn openssl(arguments: &[&str]) {
    output(arguments);
}

fn output(arguments: &[&str]) -> String {
    let output = Command::new("openssl")
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("openssl is installed");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}
