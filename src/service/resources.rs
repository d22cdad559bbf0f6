//! The resources of the service: which path is what, and what the wrong request is answered.

use crate::protocol::coap::{CBOR, Code, Incoming, LINK_FORMAT, Method};
use crate::protocol::message::{PATHS, Request};

/// Resource discovery (RFC 6690).
const DISCOVERY: &str = "/.well-known/core";

/// A response, before it is a datagram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Response {
    pub(super) code: Code,
    pub(super) content_format: Option<u16>,
    pub(super) payload: Vec<u8>,
}

impl Response {
    /// A success or a refusal in CBOR.
    pub(super) fn cbor(code: Code, payload: Vec<u8>) -> Self {
        Self { code, content_format: Some(CBOR), payload }
    }

    /// An error with a diagnostic for whoever reads the trace (RFC 7252 5.5.2).
    pub(super) fn error(code: Code, diagnostic: &str) -> Self {
        Self { code, content_format: None, payload: diagnostic.as_bytes().to_vec() }
    }
}

/// What a request asks for, or the response that needs nobody to think.
pub(super) fn route(incoming: &Incoming) -> Result<Request, Response> {
    if incoming.path == DISCOVERY {
        return Err(match incoming.method {
            Method::Get => discovery(),
            _ => Response::error(Code::METHOD_NOT_ALLOWED, "only GET"),
        });
    }
    if !PATHS.contains(&incoming.path.as_str()) {
        return Err(Response::error(Code::NOT_FOUND, "no such resource"));
    }
    if incoming.method != Method::Post {
        return Err(Response::error(Code::METHOD_NOT_ALLOWED, "only POST"));
    }
    if incoming.content_format.is_some_and(|format| format != CBOR) {
        return Err(Response::error(Code::UNSUPPORTED_CONTENT_FORMAT, "only CBOR, content format 60"));
    }
    Request::decode(&incoming.path, &incoming.payload)
        .map_err(|error| Response::error(Code::BAD_REQUEST, &error.to_string()))
}

fn discovery() -> Response {
    let links: Vec<String> = PATHS.iter().map(|path| format!("<{path}>;ct={CBOR}")).collect();
    Response { code: Code::CONTENT, content_format: Some(LINK_FORMAT), payload: links.join(",").into_bytes() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::coap::TEXT;
    use crate::protocol::message::ChainNonce;

    fn incoming(method: Method, path: &str, content_format: Option<u16>, payload: &[u8]) -> Incoming {
        Incoming { method, path: path.into(), content_format, payload: payload.to_vec() }
    }

    #[test]
    fn wrong_requests_are_answered_in_the_words_of_coap() {
        let held = Request::Held(vec![ChainNonce([1; 8])]).encode();
        let check = |method, path, format, payload: &[u8], code: Option<Code>| {
            let routed = route(&incoming(method, path, format, payload));
            assert_eq!(routed.err().map(|response| response.code), code, "{method:?} {path}");
        };
        check(Method::Get, "/.well-known/core", None, &[], Some(Code::CONTENT));
        check(Method::Post, "/.well-known/core", None, &[], Some(Code::METHOD_NOT_ALLOWED));
        check(Method::Get, "/", None, &[], Some(Code::NOT_FOUND));
        check(Method::Post, "/held/", Some(CBOR), &held, Some(Code::NOT_FOUND));
        check(Method::Get, "/held", Some(CBOR), &held, Some(Code::METHOD_NOT_ALLOWED));
        check(Method::Put, "/heartbeat", Some(CBOR), &[], Some(Code::METHOD_NOT_ALLOWED));
        check(Method::Post, "/held", Some(TEXT), &held, Some(Code::UNSUPPORTED_CONTENT_FORMAT));
        check(Method::Post, "/held", Some(CBOR), &held, None);
        check(Method::Post, "/held", None, &held, None);
        for path in PATHS {
            check(Method::Post, path, Some(CBOR), &[0xff; 40], Some(Code::BAD_REQUEST));
        }
    }

    #[test]
    fn every_step_is_discovered() {
        let links = String::from_utf8(discovery().payload).unwrap_or_default();
        assert!(PATHS.iter().all(|path| links.contains(&format!("<{path}>;ct=60"))), "{links}");
    }
}
