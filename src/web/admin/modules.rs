//! The factory, ownership, repair.

use axum::http::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::host::run_service::ServiceHost;
use crate::protocol::keys::PskIdentity;
use crate::service::operator::{FACTORY_MAX, Transfer};
use crate::web::api::values::{GivenName, Rot, Whole};
use crate::web::error::ApiError;
use crate::web::operation::{Done, Operation};

/// New modules.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
struct FactoryRequest {
    /// How many; 1.
    #[schema(minimum = 1, maximum = 1000)]
    #[schema(value_type = Option<u32>)]
    count: Option<Whole>,
    /// Put them on the whitelist of this device profile.
    #[serde(rename = "DeviceProfileUID")]
    device_profile_uid: Option<GivenName>,
}

/// New modules, as they leave the factory.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
struct FactoryLot {
    /// Each with its secret, which the service derives and never stores.
    modules: Vec<FactoryModule>,
}

/// A new module.
#[derive(Serialize, ToSchema)]
struct FactoryModule {
    /// Its root of trust: `vsara modem --rot …`.
    #[serde(rename = "ROTPublicUID")]
    rot: Rot,
    /// Its identity in a DTLS handshake, as text.
    #[serde(rename = "PSKIdentity")]
    psk_identity: String,
    /// Its factory secret, in hex.
    #[serde(rename = "PSK")]
    psk: String,
}

/// A change of ownership, as the published guide has it asked for.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
struct TransferRequest {
    /// The device profile the devices were sealed with.
    #[serde(rename = "DeviceProfileUID")]
    device_profile_uid: GivenName,
    /// Which devices.
    #[serde(rename = "ROTPublicUIDs")]
    #[schema(min_items = 1, max_items = 1000)]
    rots: Vec<Rot>,
    /// Their present owner's domain.
    from: GivenName,
    /// Their future owner's domain.
    to: GivenName,
}

/// A root of trust to forget.
#[derive(Deserialize, ToSchema)]
struct ForgetRequest {
    /// Which.
    #[serde(rename = "ROTPublicUID")]
    rot: Rot,
}

fn make(host: &mut ServiceHost, request: FactoryRequest) -> Result<FactoryLot, ApiError> {
    let count = request.count.map_or(1, |count| count.0 as usize);
    if !(1..=FACTORY_MAX).contains(&count) {
        let message = format!("the factory makes 1 to {FACTORY_MAX} modules at a time");
        return Err(ApiError::bad_request(message, "have the rest made by further calls"));
    }
    let made =
        host.operator().make_modules(count, request.device_profile_uid.as_ref().map(|uid| uid.0.as_str()))?;
    let module = |(rot, secret): (_, crate::protocol::keys::KeySet)| FactoryModule {
        rot: Rot(rot),
        psk_identity: PskIdentity { rot, key_set: secret.number }.to_string(),
        psk: hex::encode(secret.key.as_bytes()),
    };
    Ok(FactoryLot { modules: made.into_iter().map(module).collect() })
}

fn transfer(host: &mut ServiceHost, request: TransferRequest) -> Result<Done, ApiError> {
    host.operator().transfer_all(&Transfer {
        profile_uid: request.device_profile_uid.0,
        rots: request.rots.into_iter().map(|rot| rot.0).collect(),
        from: request.from.0,
        to: request.to.0,
    })?;
    Ok(Done {})
}

fn forget(host: &mut ServiceHost, request: ForgetRequest) -> Result<Done, ApiError> {
    host.operator().forget(request.rot.0)?;
    Ok(Done {})
}

pub(super) fn operations() -> Vec<Operation> {
    const TAG: &str = "Modules";
    vec![
        Operation::admin(Method::POST, "/factory", make)
            .about(TAG, "Makes modules: roots of trust with their factory secrets")
            .refuses(&[StatusCode::NOT_FOUND]),
        Operation::admin(Method::POST, "/ownership/transfer", transfer)
            .about(TAG, "Moves devices to another domain, all of them or none")
            .refuses(&[StatusCode::NOT_FOUND, StatusCode::CONFLICT]),
        Operation::admin(Method::POST, "/devices/forget", forget)
            .about(TAG, "Forgets a root of trust: its key sets stay, its next contact begins anew")
            .refuses(&[StatusCode::NOT_FOUND]),
    ]
}
