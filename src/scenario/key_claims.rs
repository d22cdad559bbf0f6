//! What a script says of keys and messages, held against what the service tells the owner.

use crate::protocol::keys::RotUid;
use crate::protocol::keys::psk::PskId;
use crate::protocol::protection::{split_header, unprotect};
use crate::scenario::player::{Outcome, Trouble};
use crate::scenario::script::{KeyClaim, KeyClaimSort, Variables};
use crate::service::Service;
use crate::service::store::Store;
use crate::time::Now;

/// Looks up what is claimed as the owner of the device would, without the module.
pub(super) fn check<S: Store>(service: &mut Service<S>, rot: RotUid, claim: &KeyClaim, now: Now) -> Outcome {
    let of = claim.of.render(&Variables::new());
    let found = match claim.sort {
        KeyClaimSort::Psk => psk(service, rot, &of, now),
        KeyClaimSort::Uplink => uplink(service, rot, &of, now),
    };
    let wanted = claim.is.as_ref().map(|is| is.render(&Variables::new()));
    match (wanted, found) {
        (Some(wanted), Ok(found)) if wanted == found => Ok(()),
        (None, Err(_)) => Ok(()),
        (wanted, found) => Err(Trouble::Differs {
            expected: wanted.map_or("nothing".to_owned(), |wanted| shown(&wanted)),
            seen: found.map_or_else(|reason| format!("nothing: {reason}"), |found| shown(&found)),
        }),
    }
}

fn psk<S: Store>(service: &mut Service<S>, rot: RotUid, of: &[u8], now: Now) -> Result<Vec<u8>, String> {
    let id = hex::decode(of).map_err(|error| error.to_string())?;
    let id = PskId::decode(&id).map_err(|error| error.to_string())?;
    let domain = domain_of(service, rot)?;
    let (maker, key) = service.account(&domain, now).psk(&id).map_err(|error| error.to_string())?;
    if maker != rot {
        return Err(format!("it is a key of {maker}"));
    }
    Ok(hex::encode(key.as_bytes()).into_bytes())
}

fn uplink<S: Store>(service: &mut Service<S>, rot: RotUid, of: &[u8], now: Now) -> Result<Vec<u8>, String> {
    let (header, sealed) = split_header(of).map_err(|error| error.to_string())?;
    let domain = domain_of(service, rot)?;
    let found = service.account(&domain, now).message_key(&header);
    let (maker, key) = found.map_err(|error| error.to_string())?;
    if maker != rot {
        return Err(format!("it is a message of {maker}"));
    }
    unprotect(&header, &key, sealed).map_err(|error| error.to_string())
}

/// The domain of the owner.
fn domain_of<S: Store>(service: &Service<S>, rot: RotUid) -> Result<String, String> {
    let device = service.store().device(rot).map_err(|error| error.to_string())?;
    let domain = device.as_ref().and_then(|device| device.domain());
    domain.map(str::to_owned).ok_or_else(|| "the device is nobody's".to_owned())
}

fn shown(bytes: &[u8]) -> String {
    format!("\"{}\"", bytes.escape_ascii())
}
