//! Certificates and keys that a host imported by `+USECMNG`.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use x509_cert::Certificate;
use x509_cert::der::asn1::AnyRef;
use x509_cert::der::oid::ObjectIdentifier;
use x509_cert::der::{Decode, Tag, Tagged};
use x509_cert::spki::SubjectPublicKeyInfoOwned;

use crate::module::Module;

/// Longest certificate or key, in bytes as it is sent. Source: driver.
pub const CREDENTIAL_LEN_MAX: usize = 8192;

/// Most certificates and keys together. `designed`: their file stays well below a megabyte
pub const CREDENTIALS_MAX: usize = 32;

/// Certificates and keys, in the order in which they were imported.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Credentials {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    imported: Vec<Credential>,
}

/// A certificate or key under a name.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credential {
    /// What it is.
    pub kind: CredentialKind,
    /// Under which name; each sort has names of its own.
    pub name: String,
    /// Its DER form.
    #[serde(with = "crate::protocol::base64_text")]
    pub der: Vec<u8>,
}

/// What is imported, by rising `<type>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CredentialKind {
    /// 0: certificate of a certificate authority.
    #[serde(rename = "CA")]
    Authority,
    /// 1: client certificate.
    #[serde(rename = "CC")]
    Client,
    /// 2: private key of the client.
    #[serde(rename = "PK")]
    PrivateKey,
    /// 3: certificate of a server.
    #[serde(rename = "SC")]
    Server,
    /// 4: certificate that verifies signatures.
    #[serde(rename = "VC")]
    Verification,
    /// 5: public key.
    #[serde(rename = "PU")]
    PublicKey,
}

/// Why an import is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportRefusal {
    /// Neither PEM nor DER of its sort.
    Format,
    /// There are [`CREDENTIALS_MAX`] already.
    Full,
}

impl CredentialKind {
    /// Every sort, at the place of its number.
    pub const ALL: [Self; 6] =
        [Self::Authority, Self::Client, Self::PrivateKey, Self::Server, Self::Verification, Self::PublicKey];

    /// `<type>` as a number.
    pub fn number(self) -> u8 {
        self as u8
    }

    /// `<type>` as two letters.
    pub const fn letters(self) -> &'static str {
        match self {
            Self::Authority => "CA",
            Self::Client => "CC",
            Self::PrivateKey => "PK",
            Self::Server => "SC",
            Self::Verification => "VC",
            Self::PublicKey => "PU",
        }
    }

    /// The DER form of what was sent, PEM or DER, if it is of this sort. A private key that is
    /// encrypted is not: there is nothing here to open it with.
    fn read(self, bytes: &[u8]) -> Option<Vec<u8>> {
        let der = if bytes.first() == Some(&SEQUENCE) { bytes.to_vec() } else { self.parse_pem(bytes)? };
        let is_one = match self {
            Self::PrivateKey => is_private_key(&der),
            Self::PublicKey => SubjectPublicKeyInfoOwned::from_der(&der).is_ok(),
            _ => Certificate::from_der(&der).is_ok(),
        };
        is_one.then_some(der)
    }

    /// The first block with a label of this sort: a file of a key may begin with parameters.
    fn parse_pem(self, text: &[u8]) -> Option<Vec<u8>> {
        let labels: &[&str] = match self {
            Self::PrivateKey => &["PRIVATE KEY", "EC PRIVATE KEY", "RSA PRIVATE KEY"],
            Self::PublicKey => &["PUBLIC KEY"],
            _ => &["CERTIFICATE"],
        };
        let blocks = pem::parse_many(text).ok()?;
        blocks.into_iter().find(|block| labels.contains(&block.tag())).map(pem::Pem::into_contents)
    }
}

/// The tag with which every certificate and key begins (X.690 §8.9).
const SEQUENCE: u8 = 0x30;

/// Attribute type `commonName` (X.520 §6.2.2).
const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");

/// PKCS #8, PKCS #1 and SEC 1 all begin with a version, 0 or 1.
fn is_private_key(der: &[u8]) -> bool {
    AnyRef::from_der(der).is_ok_and(|any| {
        any.tag() == Tag::Sequence && matches!(any.value(), [0x02, 0x01, 0 | 1, 0x02 | 0x04 | 0x30, ..])
    })
}

impl Credential {
    /// Common name, or else the whole name, of the subject of a certificate.
    pub fn subject(&self) -> Option<String> {
        let certificate = Certificate::from_der(&self.der).ok()?;
        let subject = certificate.tbs_certificate().subject();
        let common = subject.iter().find(|attribute| attribute.oid == COMMON_NAME);
        let common = common.and_then(|attribute| std::str::from_utf8(attribute.value.value()).ok());
        Some(common.map_or_else(|| subject.to_string(), str::to_owned))
    }

    /// When a certificate expires, UTC, `YYYY/MM/DD HH:MM:SS`.
    pub fn expiry(&self) -> Option<String> {
        let certificate = Certificate::from_der(&self.der).ok()?;
        let at = certificate.tbs_certificate().validity().not_after.to_date_time();
        let (year, month, day) = (at.year(), at.month(), at.day());
        let (hour, minutes, seconds) = (at.hour(), at.minutes(), at.seconds());
        Some(format!("{year:04}/{month:02}/{day:02} {hour:02}:{minutes:02}:{seconds:02}"))
    }
}

impl Credentials {
    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Credential> {
        self.imported.iter()
    }

    /// The one of this sort and name.
    pub fn find(&self, kind: CredentialKind, name: &str) -> Option<&Credential> {
        self.imported.iter().find(|one| one.kind == kind && one.name == name)
    }

    fn remove(&mut self, kind: CredentialKind, name: &str) {
        self.imported.retain(|one| one.kind != kind || one.name != name);
    }
}

impl Module {
    /// Certificates and keys.
    pub fn credentials(&self) -> &Credentials {
        &self.nvm.secrets.credentials
    }

    /// Whether one more of this sort and name fits; one that is there already is replaced.
    pub fn has_room_for(&self, kind: CredentialKind, name: &str) -> bool {
        let credentials = self.credentials();
        credentials.find(kind, name).is_some() || credentials.imported.len() < CREDENTIALS_MAX
    }

    /// `AT+USECMNG=0`: stores a certificate or key, in the place of one of its sort and name.
    pub fn import_credential(
        &mut self,
        kind: CredentialKind,
        name: &str,
        bytes: &[u8],
    ) -> Result<&Credential, ImportRefusal> {
        if !self.has_room_for(kind, name) {
            return Err(ImportRefusal::Full);
        }
        let der = kind.read(bytes).ok_or(ImportRefusal::Format)?;
        self.change_settings(|nvm| {
            let credentials = Arc::make_mut(&mut nvm.secrets.credentials);
            credentials.remove(kind, name);
            credentials.imported.push(Credential { kind, name: name.to_owned(), der });
        });
        self.credentials().find(kind, name).ok_or(ImportRefusal::Full)
    }

    /// `AT+USECMNG=2`: removes one; false where it is not there.
    pub fn remove_credential(&mut self, kind: CredentialKind, name: &str) -> bool {
        let there = self.credentials().find(kind, name).is_some();
        if there {
            self.change_settings(|nvm| Arc::make_mut(&mut nvm.secrets.credentials).remove(kind, name));
        }
        there
    }
}

/// A key stays out of logs.
impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Credential({} {:?}, {} bytes)", self.kind.letters(), self.name, self.der.len())
    }
}
