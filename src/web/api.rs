//! REST for owners: `POST /v1/…` with a JSON object, answered with one.
//!
//! One file a chapter, ending in its table. A handler is a function of who calls and what the body
//! says; it runs between two turns of the service's loop.

mod access_key;
mod authenticate;
mod ca;
mod campaign;
mod certificate;
mod device;
mod device_profile;
mod e2e;
mod event;
mod noted;
mod plan;
mod psk;
pub(in crate::web) mod stream;
mod thing;
pub(in crate::web) mod values;
mod whitelist;

use super::document::Title;
use super::operation::Operation;

/// What the document says of all of it.
pub(super) const TITLE: Title = Title {
    title: "vsara security service",
    description: "REST of a virtual IoT security service, in the style of the published one. `x-provenance` says \
                  of each operation whether it is `published`, its path is (`seed`), or it is vsara's own \
                  (`designed`). Fields of a request that nobody knows are ignored, wrong types are refused. \
                  Times are RFC 3339 in UTC. What belongs to another domain is as unknown as what does not exist.",
    tags: &[
        ("Authentication", "Tokens, and the access keys they are got with."),
        ("Device profiles", "What a group of devices gets when they bootstrap, and who may."),
        ("Things", "Devices: what is wanted of them, and what they have reported."),
        ("Symmetric KMS", "Pre-shared keys, found by their identities."),
        ("E2E Data Protection", "How messages between modules and owners are protected."),
        ("Zero touch provisioning", "Private CAs, and the certificates they give to Things."),
        ("Campaigns", "One change for many Things."),
        ("Events", "What the service has noted: clones, suspicious contacts, everything else."),
        ("Plans", "Price plans."),
    ],
};

/// Every call an owner has.
pub(super) fn operations() -> Vec<Operation> {
    [
        authenticate::operations(),
        access_key::operations(),
        device_profile::operations(),
        whitelist::operations(),
        device::operations(),
        psk::operations(),
        e2e::operations(),
        ca::operations(),
        certificate::operations(),
        campaign::operations(),
        noted::operations(),
        event::operations(),
        plan::operations(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
