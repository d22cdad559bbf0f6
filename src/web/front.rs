//! [`Front`]: the doors of one service, as they were asked for.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;

use super::app::App;
use super::doors::guard;
use super::error::ApiError;
use super::listener::serve;
use super::secret::DoorToken;
use super::token::TokenKey;
use super::{admin, api, by_control, console, documentation, operation};
use crate::host::doors::{Doors, OpenDoors, Rooms};
use crate::host::error::HostError;
use crate::host::rest_call::RestCalls;

/// Which doors to open, and where.
#[derive(Clone, Debug)]
pub struct Front {
    /// REST and console.
    pub http: SocketAddr,
    /// The admin API, where it is wanted.
    pub admin: Option<SocketAddr>,
    /// Names by which the doors may be called, addresses and `localhost` apart.
    pub host_names: Vec<String>,
}

impl Front {
    /// Opens the doors once the service answers.
    pub fn opener(self) -> OpenDoors {
        OpenDoors::by(move |rooms| self.open(rooms), RestCalls::by(by_control::answer))
    }

    fn open(&self, rooms: &Rooms) -> Result<Doors, HostError> {
        let mut doors = Doors::default();
        let (address, token) = self.door(rooms, self.http, "console-token", owners_door)?;
        (doors.http, doors.console_token) = (Some(address), Some(token));
        if let Some(admin) = self.admin {
            let (address, token) = self.door(rooms, admin, "admin-token", admins_door)?;
            (doors.admin, doors.admin_token) = (Some(address), Some(token));
        }
        Ok(doors)
    }

    /// Opens one door, and says where it is and what lets people in. Most of it is made when the
    /// first connection comes.
    fn door(
        &self,
        rooms: &Rooms,
        address: SocketAddr,
        token_file: &str,
        routes: fn() -> Router<App>,
    ) -> Result<(SocketAddr, String), HostError> {
        let token = Arc::new(DoorToken::kept_in(&rooms.state_dir.join(token_file))?);
        let shown = token.reveal();
        let (rooms, host_names) = (rooms.clone(), self.host_names.clone());
        let bound = serve(address, move || {
            let tokens = TokenKey::kept_in(&rooms.state_dir.join("token-key"))?;
            let app = App::new(rooms, tokens, token, host_names);
            let guarded = from_fn_with_state(app.clone(), guard);
            Ok(routes()
                .fallback(unknown_path)
                .method_not_allowed_fallback(wrong_method)
                .layer(guarded)
                .with_state(app))
        })?;
        Ok((bound, shown))
    }
}

fn owners_door() -> Router<App> {
    operation::routes(api::operations())
        .merge(documentation::routes(&api::TITLE, api::operations))
        .merge(console::routes())
}

fn admins_door() -> Router<App> {
    operation::routes(admin::operations())
        .merge(documentation::routes(&admin::TITLE, admin::operations))
        .merge(console::dress())
}

async fn unknown_path() -> ApiError {
    ApiError::not_found("there is nothing at this path", "GET /openapi.json lists every path")
}

async fn wrong_method() -> ApiError {
    use axum::http::StatusCode;
    let message = "this path does not take that method";
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, message, "GET /openapi.json says which it takes")
}
