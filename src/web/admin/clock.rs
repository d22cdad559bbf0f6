//! System time: read, and moved forward.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::Response;
use axum::routing::get;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use utoipa::ToSchema;

use crate::host::control::{Answer, Call, Request as Asked};
use crate::web::api::values::Moment;
use crate::web::app::App;
use crate::web::error::ApiError;
use crate::web::operation::{Operation, Security, Shape, json, read_json};

/// Farthest move, in seconds: a hundred years.
const ADVANCE_MAX_S: u32 = 3_155_760_000;

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
    /// To this moment, not before now; or else `Advance`.
    time: Option<Moment>,
    /// By so many seconds; or else `Time`.
    #[schema(minimum = 0, maximum = 3_155_760_000_u32)]
    advance: Option<u32>,
}

async fn read(State(app): State<App>, headers: HeaderMap) -> Result<Response, ApiError> {
    app.admit_admin(&headers)?;
    Ok(json(&state(&app)))
}

async fn advance(State(app): State<App>, request: Request) -> Result<Response, ApiError> {
    app.admit_admin(request.headers())?;
    let asked = match read_json(request.into_body()).await? {
        ClockMove { time: Some(Moment(moment)), advance: None } => Asked::AdvanceTo { moment },
        ClockMove { time: None, advance: Some(seconds) } if seconds <= ADVANCE_MAX_S => {
            Asked::Advance { by_ms: i64::from(seconds) * 1000 }
        }
        _ => {
            let message =
                format!("the clock is moved to a Time, or by an Advance of up to {ADVANCE_MAX_S} s");
            return Err(ApiError::bad_request(message, "name one of them, and not both"));
        }
    };
    let (answer, answered) = oneshot::channel();
    let gone = || ApiError::internal("the program is ending");
    app.rooms.control.send(Call { request: asked, answer }).await.map_err(|_| gone())?;
    match answered.await.map_err(|_| gone())? {
        Answer::Failed(message) => Err(ApiError::conflict(message, "choose a later moment")),
        _ => Ok(json(&state(&app))),
    }
}

fn state(app: &App) -> ClockState {
    let clock = &app.rooms.clock;
    ClockState { time: Moment(clock.now().system), pace: clock.pace().to_string() }
}

pub(super) fn operations() -> Vec<Operation> {
    const TAG: &str = "Time and faults";
    let both = get(read).put(advance);
    vec![
        Operation::new(Method::GET, "/clock", Shape::of::<ClockState>(), both)
            .about(TAG, "Says what time it is")
            .shows(Security::AdminToken),
        Operation::entry(Method::PUT, "/clock", Shape::of::<ClockState>())
            .about(TAG, "Moves system time forward, stopping at every deadline on the way")
            .takes(Shape::of::<ClockMove>())
            .refuses(&[StatusCode::CONFLICT])
            .shows(Security::AdminToken),
    ]
}
