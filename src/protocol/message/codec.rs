//! The bytes of requests, answers and refusals.

use std::collections::BTreeSet;

use minicbor::decode::Error as CborError;
use minicbor::{Decode, Decoder, Encode, Encoder};

use super::{
    Answer, CertificationRequest, ChainNonce, FEATURES_MAX, Feature, HELD_NONCES_MAX, Hello, MESSAGE_LEN_MAX,
    Provision, Refusal, Request, Seal, Step, TEXT_LEN_MAX,
};

use crate::protocol::certificate::CERTIFICATION_REQUEST_LEN_MAX;

/// Where each request goes; the order is that of [`Request`].
const HELLO: &str = "/bootstrap/hello";
const REPLACE: &str = "/bootstrap/replace";
const PROVISION: &str = "/bootstrap/provision";
const CONFIRM: &str = "/bootstrap/confirm";
const REGISTRATION: &str = "/registration";
const HEARTBEAT: &str = "/heartbeat";
const CERTIFICATE: &str = "/certificate";
const REPORT: &str = "/report";
const HELD: &str = "/held";

/// The path of every [`Request`], in its order.
pub const PATHS: [&str; 9] =
    [HELLO, REPLACE, PROVISION, CONFIRM, REGISTRATION, HEARTBEAT, CERTIFICATE, REPORT, HELD];

/// Bytes that are not the message they should be.
#[derive(Debug, thiserror::Error)]
pub enum MessageError {
    /// No request or answer has this path: `4.04`.
    #[error("no message has the path {0:?}")]
    UnknownPath(String),
    /// Longer than [`MESSAGE_LEN_MAX`].
    #[error("a message of {0} bytes is longer than {MESSAGE_LEN_MAX}")]
    TooLong(usize),
    /// Not the CBOR of this message.
    #[error("not the expected CBOR: {0}")]
    Cbor(#[from] CborError),
    /// Bytes behind the message.
    #[error("{0} bytes behind the end of the message")]
    Trailing(usize),
    /// A text that is longer than [`TEXT_LEN_MAX`].
    #[error("{0} is longer than {TEXT_LEN_MAX} bytes")]
    TextTooLong(&'static str),
    /// A certification request that is longer than [`CERTIFICATION_REQUEST_LEN_MAX`].
    #[error("a certification request of {0} bytes is longer than {CERTIFICATION_REQUEST_LEN_MAX}")]
    CertificationRequestTooLong(usize),
    /// A list that is longer than it may be.
    #[error("more than {max} entries in {list}")]
    ListTooLong {
        /// The name of the list.
        list: &'static str,
        /// The most it may hold.
        max: usize,
    },
    /// A feature that is listed twice.
    #[error("a feature is listed twice")]
    FeatureTwice,
}

impl Request {
    /// The path of the `POST` that carries it.
    pub fn path(&self) -> &'static str {
        match self {
            Self::Hello(..) => HELLO,
            Self::Replace(..) => REPLACE,
            Self::Provision(..) => PROVISION,
            Self::Confirm(..) => CONFIRM,
            Self::Register(..) => REGISTRATION,
            Self::Heartbeat(..) => HEARTBEAT,
            Self::Certificate(..) => CERTIFICATE,
            Self::Report(..) => REPORT,
            Self::Held(..) => HELD,
        }
    }

    /// Its step of the contact chain; `/held` is none.
    pub fn step(&self) -> Option<&Step> {
        match self {
            Self::Hello(step, _)
            | Self::Replace(step)
            | Self::Provision(step)
            | Self::Confirm(step, _)
            | Self::Register(step, _)
            | Self::Heartbeat(step, _)
            | Self::Certificate(step, _)
            | Self::Report(step, _) => Some(step),
            Self::Held(_) => None,
        }
    }

    /// Its bytes. What is within the limits of [`Request::decode`] comes back as it was.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Hello(step, body) => pair(step, body),
            Self::Replace(step) | Self::Provision(step) => single(step),
            Self::Confirm(step, body) | Self::Report(step, body) => pair(step, body),
            Self::Register(step, body) => pair(step, body),
            Self::Heartbeat(step, body) => pair(step, body),
            Self::Certificate(step, body) => pair(step, body),
            Self::Held(nonces) => whole(nonces),
        }
    }

    /// The request that was posted to `path`, or why it is none.
    pub fn decode(path: &str, bytes: &[u8]) -> Result<Self, MessageError> {
        let request = match path {
            HELLO => read(bytes, |d| two(d).map(|(step, body)| Self::Hello(step, body)))?,
            REPLACE => read(bytes, |d| one(d).map(Self::Replace))?,
            PROVISION => read(bytes, |d| one(d).map(Self::Provision))?,
            CONFIRM => read(bytes, |d| two(d).map(|(step, body)| Self::Confirm(step, body)))?,
            REGISTRATION => read(bytes, |d| two(d).map(|(step, body)| Self::Register(step, body)))?,
            HEARTBEAT => read(bytes, |d| two(d).map(|(step, body)| Self::Heartbeat(step, body)))?,
            CERTIFICATE => read(bytes, |d| two(d).map(|(step, body)| Self::Certificate(step, body)))?,
            REPORT => read(bytes, |d| two(d).map(|(step, body)| Self::Report(step, body)))?,
            HELD => read(bytes, |d| d.decode().map(Self::Held))?,
            _ => return Err(MessageError::UnknownPath(path.into())),
        };
        request.check()?;
        Ok(request)
    }

    fn check(&self) -> Result<(), MessageError> {
        if let Some(step) = self.step() {
            check_nonces(&step.held)?;
        }
        match self {
            Self::Hello(_, hello) => hello.check(),
            Self::Register(_, seal) => seal.check(),
            Self::Certificate(_, body) => body.check(),
            Self::Confirm(_, applied) | Self::Report(_, applied) => check_features(applied.features.iter()),
            Self::Held(nonces) => check_nonces(nonces),
            Self::Replace(_) | Self::Provision(_) | Self::Heartbeat(..) => Ok(()),
        }
    }
}

impl Answer {
    /// Its bytes, the payload of a `2.04 Changed`.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Hello(nonce, body) => pair(nonce, body),
            Self::Replace(nonce, body) => pair(nonce, body),
            Self::Provision(nonce, body) | Self::Register(nonce, body) => pair(nonce, body),
            Self::Confirm(nonce) => single(nonce),
            Self::Heartbeat(nonce, body) => pair(nonce, body),
            Self::Certificate(nonce, body) => pair(nonce, body),
            Self::Report(nonce, body) => pair(nonce, body),
            Self::Held(nonces) => whole(nonces),
        }
    }

    /// The answer to the request that was posted to `path`.
    pub fn decode(path: &str, bytes: &[u8]) -> Result<Self, MessageError> {
        let answer = match path {
            HELLO => read(bytes, |d| two(d).map(|(nonce, body)| Self::Hello(nonce, body)))?,
            REPLACE => read(bytes, |d| two(d).map(|(nonce, body)| Self::Replace(nonce, body)))?,
            PROVISION => read(bytes, |d| two(d).map(|(nonce, body)| Self::Provision(nonce, body)))?,
            CONFIRM => read(bytes, |d| one(d).map(Self::Confirm))?,
            REGISTRATION => read(bytes, |d| two(d).map(|(nonce, body)| Self::Register(nonce, body)))?,
            HEARTBEAT => read(bytes, |d| two(d).map(|(nonce, body)| Self::Heartbeat(nonce, body)))?,
            CERTIFICATE => read(bytes, |d| two(d).map(|(nonce, body)| Self::Certificate(nonce, body)))?,
            REPORT => read(bytes, |d| two(d).map(|(nonce, body)| Self::Report(nonce, body)))?,
            HELD => read(bytes, |d| d.decode().map(Self::Held))?,
            _ => return Err(MessageError::UnknownPath(path.into())),
        };
        answer.check()?;
        Ok(answer)
    }

    /// The service's step of the contact chain; the answer to `/held` is none.
    pub fn nonce(&self) -> Option<ChainNonce> {
        match *self {
            Self::Hello(nonce, _)
            | Self::Replace(nonce, _)
            | Self::Provision(nonce, _)
            | Self::Confirm(nonce)
            | Self::Register(nonce, _)
            | Self::Heartbeat(nonce, _)
            | Self::Certificate(nonce, _)
            | Self::Report(nonce, _) => Some(nonce),
            Self::Held(_) => None,
        }
    }

    fn check(&self) -> Result<(), MessageError> {
        match self {
            Self::Provision(_, provision) | Self::Register(_, provision) => provision.check(),
            Self::Heartbeat(_, answer) => answer.provision.check(),
            Self::Held(nonces) => check_nonces(nonces),
            // A message is not longer than both may be together.
            Self::Certificate(..) => Ok(()),
            Self::Hello(..) | Self::Replace(..) | Self::Confirm(_) | Self::Report(..) => Ok(()),
        }
    }
}

impl Refusal {
    /// Its bytes.
    pub fn encode(&self) -> Vec<u8> {
        whole(self)
    }

    /// The reason in the payload of a `4.03`.
    pub fn decode(bytes: &[u8]) -> Result<Self, MessageError> {
        read(bytes, |d| d.decode())
    }
}

impl Hello {
    fn check(&self) -> Result<(), MessageError> {
        check_text("the type number", &self.type_number)?;
        check_text("the firmware", &self.firmware)?;
        check_text("the IMEI", &self.imei)?;
        self.seal.as_ref().map_or(Ok(()), Seal::check)
    }
}

impl Seal {
    fn check(&self) -> Result<(), MessageError> {
        check_text("the device profile UID", &self.profile_uid)?;
        check_text("the serial number", &self.serial_number)
    }
}

impl CertificationRequest {
    fn check(&self) -> Result<(), MessageError> {
        let (len, max) = (self.request.len(), CERTIFICATION_REQUEST_LEN_MAX);
        if len <= max { Ok(()) } else { Err(MessageError::CertificationRequestTooLong(len)) }
    }
}

impl Provision {
    fn check(&self) -> Result<(), MessageError> {
        check_features(self.features.iter().flatten().map(|authorisation| &authorisation.feature))
    }
}

fn check_text(name: &'static str, text: &str) -> Result<(), MessageError> {
    if text.len() <= TEXT_LEN_MAX { Ok(()) } else { Err(MessageError::TextTooLong(name)) }
}

fn check_nonces(nonces: &[ChainNonce]) -> Result<(), MessageError> {
    let max = HELD_NONCES_MAX;
    if nonces.len() <= max { Ok(()) } else { Err(MessageError::ListTooLong { list: "the held nonces", max }) }
}

fn check_features<'a>(features: impl Iterator<Item = &'a Feature>) -> Result<(), MessageError> {
    let mut seen = BTreeSet::new();
    for (index, feature) in features.enumerate() {
        if index == FEATURES_MAX {
            return Err(MessageError::ListTooLong { list: "the features", max: FEATURES_MAX });
        }
        if !seen.insert(feature) {
            return Err(MessageError::FeatureTwice);
        }
    }
    Ok(())
}

/// Every message starts with an array header or a small number, and few are longer than this.
const TYPICAL_LEN: usize = 96;

fn write(fill: impl FnOnce(&mut Encoder<&mut Vec<u8>>) -> CborWritten) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(TYPICAL_LEN);
    // expect: writing to a vector cannot fail, and no type of a message refuses to be encoded.
    fill(&mut Encoder::new(&mut bytes)).expect("a message is encoded into memory");
    bytes
}

type CborWritten = Result<(), minicbor::encode::Error<std::convert::Infallible>>;

fn whole(value: &impl Encode<()>) -> Vec<u8> {
    write(|e| e.encode(value)?.ok())
}

fn single(first: &impl Encode<()>) -> Vec<u8> {
    write(|e| e.array(1)?.encode(first)?.ok())
}

fn pair(first: &impl Encode<()>, second: &impl Encode<()>) -> Vec<u8> {
    write(|e| e.array(2)?.encode(first)?.encode(second)?.ok())
}

/// Decodes one message that fills `bytes`.
fn read<'b, T>(
    bytes: &'b [u8],
    decode: impl FnOnce(&mut Decoder<'b>) -> Result<T, CborError>,
) -> Result<T, MessageError> {
    if bytes.len() > MESSAGE_LEN_MAX {
        return Err(MessageError::TooLong(bytes.len()));
    }
    let mut decoder = Decoder::new(bytes);
    let value = decode(&mut decoder)?;
    match bytes.len() - decoder.position() {
        0 => Ok(value),
        trailing => Err(MessageError::Trailing(trailing)),
    }
}

fn one<'b, A: Decode<'b, ()>>(d: &mut Decoder<'b>) -> Result<A, CborError> {
    array_of(d, 1)?;
    d.decode()
}

fn two<'b, A: Decode<'b, ()>, B: Decode<'b, ()>>(d: &mut Decoder<'b>) -> Result<(A, B), CborError> {
    array_of(d, 2)?;
    Ok((d.decode()?, d.decode()?))
}

fn array_of(d: &mut Decoder<'_>, len: u64) -> Result<(), CborError> {
    if d.array()? == Some(len) { Ok(()) } else { Err(CborError::message("not an array of the right length")) }
}

#[cfg(test)]
mod tests;
