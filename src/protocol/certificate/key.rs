//! Keys of certificates: ECDSA over P-256.

use std::fmt;

use p256::ecdsa::{SigningKey, VerifyingKey};
use p256::pkcs8::{DecodePublicKey, EncodePrivateKey};
use rand_core::Rng;
use x509_cert::AlgorithmIdentifier;
use x509_cert::der::oid::ObjectIdentifier;
use x509_cert::der::{Encode, asn1::BitString};
use x509_cert::request::{CertReq, CertReqInfo};
use x509_cert::spki::{
    DynSignatureAlgorithmIdentifier, SignatureBitStringEncoding, SubjectPublicKeyInfoOwned,
};

use super::CertificateError;

/// The one algorithm of signatures (RFC 5758, 3.2).
const ECDSA_WITH_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");

/// A private key of a device or of a CA. It never shows itself in a log.
#[derive(Clone, PartialEq, Eq)]
pub struct PrivateKey(SigningKey);

/// The public half of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey(pub(super) SubjectPublicKeyInfoOwned);

impl PrivateKey {
    /// A new one.
    pub fn draw(rng: &mut impl Rng) -> Self {
        loop {
            let mut scalar = [0; 32];
            rng.fill_bytes(&mut scalar);
            // Zero and what is not below the order of the curve is no key: one draw in 2^32.
            if let Some(key) = Self::from_bytes(&scalar) {
                return key;
            }
        }
    }

    /// The key of this secret scalar, big-endian; none where it is out of range.
    pub fn from_bytes(scalar: &[u8; 32]) -> Option<Self> {
        SigningKey::from_slice(scalar).ok().map(Self)
    }

    /// Its public half.
    pub fn public_key(&self) -> PublicKey {
        // expect: a point of the curve has an encoding.
        let info = SubjectPublicKeyInfoOwned::from_key(self.0.verifying_key());
        PublicKey(info.expect("a public key of P-256 is encoded"))
    }

    /// As a PKCS #8 document (RFC 5208) in PEM.
    pub fn to_pem(&self) -> String {
        // expect: a key in range has an encoding.
        let der = self.0.to_pkcs8_der().expect("a private key of P-256 is encoded");
        super::to_pem("PRIVATE KEY", der.as_bytes())
    }

    /// A certification request for this key, which names nobody, in DER.
    pub fn certification_request(&self) -> Vec<u8> {
        // expect: nothing in it is from outside, and memory is written.
        self.try_request().expect("a request for a key of one's own is encoded")
    }

    fn try_request(&self) -> Result<Vec<u8>, CertificateError> {
        let info = CertReqInfo {
            version: Default::default(),
            subject: Default::default(),
            public_key: self.public_key().0,
            attributes: Default::default(),
        };
        let signature = self.sign(&info.to_der().map_err(CertificateError::new)?)?;
        let algorithm = self.0.signature_algorithm_identifier().map_err(CertificateError::new)?;
        CertReq { info, algorithm, signature }.to_der().map_err(CertificateError::new)
    }

    pub(super) fn signer(&self) -> &SigningKey {
        &self.0
    }

    fn sign(&self, message: &[u8]) -> Result<BitString, CertificateError> {
        use p256::ecdsa::signature::Signer;
        let signature: p256::ecdsa::DerSignature = self.0.try_sign(message).map_err(CertificateError::new)?;
        signature.to_bitstring().map_err(CertificateError::new)
    }
}

impl PublicKey {
    /// Whether it has signed this, and nothing else is claimed.
    pub(super) fn verify(
        &self,
        message: &[u8],
        algorithm: &AlgorithmIdentifier,
        signature: &BitString,
    ) -> Result<(), CertificateError> {
        use p256::ecdsa::signature::Verifier;
        if algorithm.oid != ECDSA_WITH_SHA256 || algorithm.parameters.is_some() {
            return Err(CertificateError("it is not signed by ECDSA with SHA-256".into()));
        }
        let der = self.0.to_der().map_err(CertificateError::new)?;
        let key = VerifyingKey::from_public_key_der(&der).map_err(CertificateError::new)?;
        let signature = p256::ecdsa::DerSignature::try_from(signature.as_bytes().unwrap_or_default());
        let signature = signature.map_err(CertificateError::new)?;
        key.verify(message, &signature).map_err(CertificateError::new)
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey(…)")
    }
}

impl serde::Serialize for PrivateKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(self.0.to_bytes()))
    }
}

impl<'de> serde::Deserialize<'de> for PrivateKey {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        let mut scalar = [0; 32];
        hex::decode_to_slice(text.as_ref(), &mut scalar).map_err(serde::de::Error::custom)?;
        Self::from_bytes(&scalar).ok_or_else(|| serde::de::Error::custom("not a private key of P-256"))
    }
}
