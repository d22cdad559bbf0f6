//! What goes wrong on purpose.

use axum::http::Method;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::host::run_service::{Condition, FaultState, ServiceHost};
use crate::web::api::values::{Moment, Whole};
use crate::web::error::ApiError;
use crate::web::operation::{Nothing, Operation};

/// Most datagrams a fault may be about.
pub(in crate::web) const DATAGRAMS_MAX: u32 = 1_000_000;

/// Longest time of a fault, in seconds: a year.
pub(in crate::web) const SILENT_MAX_S: u32 = 31_536_000;

/// Longest delay, in milliseconds.
pub(in crate::web) const DELAY_MAX_MS: u32 = 600_000;

/// What is wrong with the service.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
struct FaultList {
    /// It neither hears nor answers datagrams until then.
    silent_until: Option<Moment>,
    /// Datagrams lost, in percent.
    loss_percent: u8,
    /// Datagrams that arrive twice, in percent.
    duplicate_percent: u8,
    /// Datagrams that arrive with a wrong bit, in percent.
    corrupt_percent: u8,
    /// Whether datagrams overtake each other.
    reorder: bool,
    /// One way.
    delay_milliseconds: i64,
    /// The next so many datagrams are lost.
    drop: u32,
    /// The next so many datagrams arrive twice.
    duplicate: u32,
}

/// What is to be wrong: what is left out is right again.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
struct FaultsRequest {
    /// Neither hear nor answer datagrams for so many seconds of system time.
    #[schema(minimum = 0, maximum = 31_536_000, value_type = Option<u32>)]
    silent_seconds: Option<Whole>,
    /// Datagrams to lose, in percent.
    #[schema(minimum = 0, maximum = 100, value_type = Option<u32>)]
    loss_percent: Option<Whole>,
    /// Datagrams to let arrive twice, in percent.
    #[schema(minimum = 0, maximum = 100, value_type = Option<u32>)]
    duplicate_percent: Option<Whole>,
    /// Datagrams to let arrive with a wrong bit, in percent.
    #[schema(minimum = 0, maximum = 100, value_type = Option<u32>)]
    corrupt_percent: Option<Whole>,
    /// Whether to let datagrams overtake each other.
    reorder: Option<bool>,
    /// One way.
    #[schema(minimum = 0, maximum = 600_000, value_type = Option<u32>)]
    delay_milliseconds: Option<Whole>,
    /// The next so many datagrams to lose.
    #[schema(minimum = 0, maximum = 1_000_000, value_type = Option<u32>)]
    drop: Option<Whole>,
    /// The next so many datagrams to let arrive twice.
    #[schema(minimum = 0, maximum = 1_000_000, value_type = Option<u32>)]
    duplicate: Option<Whole>,
}

fn read(host: &mut ServiceHost, _: Nothing) -> Result<FaultList, ApiError> {
    let FaultState { silent_until, link } = host.faults();
    Ok(FaultList {
        silent_until: silent_until.map(Moment),
        loss_percent: link.loss_percent,
        duplicate_percent: link.duplicate_percent,
        corrupt_percent: link.corrupt_percent,
        reorder: link.reorder,
        delay_milliseconds: link.delay_ms,
        drop: link.drop_next,
        duplicate: link.duplicate_next,
    })
}

fn set(host: &mut ServiceHost, request: FaultsRequest) -> Result<FaultList, ApiError> {
    let percent = |name, value| up_to(name, value, 100).map(|percent| percent as u8);
    let link = Condition {
        loss_percent: percent("LossPercent", request.loss_percent)?,
        duplicate_percent: percent("DuplicatePercent", request.duplicate_percent)?,
        corrupt_percent: percent("CorruptPercent", request.corrupt_percent)?,
        reorder: request.reorder.unwrap_or(false),
        delay_ms: i64::from(up_to("DelayMilliseconds", request.delay_milliseconds, DELAY_MAX_MS)?),
        drop_next: up_to("Drop", request.drop, DATAGRAMS_MAX)?,
        duplicate_next: up_to("Duplicate", request.duplicate, DATAGRAMS_MAX)?,
    };
    let silent_s = up_to("SilentSeconds", request.silent_seconds, SILENT_MAX_S)?;
    let until = host.now().system.offset_millis(i64::from(silent_s) * 1000);
    host.set_faults(FaultState { silent_until: (silent_s > 0).then_some(until), link });
    read(host, Nothing {})
}

fn up_to(name: &str, value: Option<Whole>, max: u32) -> Result<u32, ApiError> {
    let Whole(value) = value.unwrap_or_default();
    let wrong = || ApiError::bad_request(format!("{name} is 0 to {max}"), "choose one within");
    (value <= max).then_some(value).ok_or_else(wrong)
}

pub(super) fn operations() -> Vec<Operation> {
    const TAG: &str = "Time and faults";
    vec![
        Operation::admin_get("/faults", read).about(TAG, "Says what goes wrong on purpose"),
        Operation::admin(Method::PUT, "/faults", set)
            .about(TAG, "Has something go wrong from now on, and nothing else"),
    ]
}
