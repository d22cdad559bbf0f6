//! System time: read, and moved forward.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::Response;
use axum::routing::{get, post};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use utoipa::ToSchema;

use crate::host::control::{Answer, Call, Request as Asked};
use crate::host::rest_call::Refusal;
use crate::web::api::values::{Moment, Whole};
use crate::web::app::App;
use crate::web::error::ApiError;
use crate::web::operation::{Operation, Security, Shape, from_json, json, read};

/// Farthest move, in seconds: a hundred years.
pub(in crate::web) const ADVANCE_MAX_S: u32 = 3_155_760_000;

/// System time.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
struct ClockState {
    /// What it is.
    time: Moment,
    /// Its pace: `real`, `virtual` or a factor.
    pace: String,
}

/// Where to move system time; it stops at every deadline on the way.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
struct ClockMove {
    /// To this moment, not before now.
    time: Moment,
}

/// How far to move system time; it stops at every deadline on the way.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
struct ClockAdvance {
    /// By so many seconds.
    #[schema(minimum = 0, maximum = 3_155_760_000_u32, value_type = u64)]
    seconds: Whole,
}

async fn show(State(app): State<App>, headers: HeaderMap) -> Result<Response, ApiError> {
    app.admit_admin(&headers)?;
    json(&state(&app))
}

async fn set(State(app): State<App>, request: Request) -> Result<Response, ApiError> {
    app.admit_admin(request.headers())?;
    let ClockMove { time: Moment(moment) } = from_json(&read(request.into_body()).await?)?;
    ask(&app, Asked::AdvanceTo { moment }).await?;
    json(&state(&app))
}

async fn advance(State(app): State<App>, request: Request) -> Result<Response, ApiError> {
    app.admit_admin(request.headers())?;
    let ClockAdvance { seconds: Whole(seconds) } = from_json(&read(request.into_body()).await?)?;
    if seconds > ADVANCE_MAX_S {
        let message = format!("the clock is moved by up to {ADVANCE_MAX_S} seconds");
        return Err(ApiError::bad_request(message, "move it several times"));
    }
    ask(&app, Asked::Advance { by_ms: i64::from(seconds) * 1000 }).await?;
    json(&state(&app))
}

/// Has whoever owns the clock move it: the module's loop, or the server's.
pub(in crate::web) async fn ask(app: &App, request: Asked) -> Result<(), ApiError> {
    let (answer, answered) = oneshot::channel();
    let gone = || ApiError::internal("the program is ending");
    app.rooms.control.send(Call { request, answer }).await.map_err(|_| gone())?;
    match answered.await.map_err(|_| gone())? {
        Answer::Failed(message) => Err(ApiError::conflict(message, "choose a later moment")),
        Answer::Refused(Refusal { message, hint }) => Err(ApiError::conflict(message, hint)),
        _ => Ok(()),
    }
}

fn state(app: &App) -> ClockState {
    let clock = &app.rooms.clock;
    ClockState { time: Moment(clock.now().system), pace: clock.pace().to_string() }
}

pub(super) fn operations() -> Vec<Operation> {
    const TAG: &str = "Time and faults";
    let both = get(show).put(set);
    vec![
        Operation::new(Method::GET, "/clock", Shape::of::<ClockState>(), both)
            .about(TAG, "Says what time it is")
            .shows(Security::AdminToken),
        Operation::entry(Method::PUT, "/clock", Shape::of::<ClockState>())
            .about(TAG, "Moves system time forward to a moment, stopping at every deadline on the way")
            .takes(Shape::of::<ClockMove>())
            .refuses(&[StatusCode::CONFLICT])
            .shows(Security::AdminToken),
        Operation::new(Method::POST, "/clock/advance", Shape::of::<ClockState>(), post(advance))
            .about(TAG, "Moves system time forward by so many seconds, stopping at every deadline on the way")
            .takes(Shape::of::<ClockAdvance>())
            .shows(Security::AdminToken),
    ]
}
