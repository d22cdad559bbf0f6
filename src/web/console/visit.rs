//! [`Visit`]: one request for a page, and the road it takes.
//!
//! 1. The token of a first visit becomes a cookie.
//! 2. Without the cookie for the token there is nothing but the page that says so.
//! 3. Without an open domain there is the sign-up.
//! 4. A form is carried out by the page's `act`, between two turns of the service's loop; then the
//!    browser is sent on, so that a reload does nothing twice.
//! 5. What is refused is said on the very page the form was on.

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use maud::Markup;

use super::fields::Fields;
use super::{layout, session, sign_up};
use crate::host::run_service::ServiceHost;
use crate::host::store_sqlite::SqliteStore;
use crate::protocol::keys::RotUid;
use crate::service::Account;
use crate::service::store::Window;
use crate::web::app::App;
use crate::web::error::ApiError;
use crate::web::operation::read;

/// Entries of a page.
pub(super) const PAGE_LEN: usize = 50;

/// Pages further on are not asked for by anybody.
const PAGE_MAX: usize = 1_000_000;

/// One request at work.
pub(super) struct Visit<'a> {
    pub(super) host: &'a mut ServiceHost,
    pub(super) domain: String,
    pub(super) asked: Asked,
}

/// What was asked.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked {
    pub(super) path: String,
    pub(super) query: Fields,
    pub(super) form: Fields,
    /// The name and port this server was called by.
    pub(super) here: String,
    /// Why the form was not carried out.
    pub(super) refusal: Option<ApiError>,
}

/// What a page shows.
pub(super) struct Content {
    pub(super) title: String,
    pub(super) body: Markup,
}

/// Where a form leads.
pub(super) enum Next {
    /// To another page.
    To(String),
    /// To this, which is shown once.
    Page(Content),
    /// Into a domain.
    Enter(String),
}

/// Makes what a page shows.
pub(super) type View = fn(&mut Visit<'_>) -> Result<Content, ApiError>;

/// Does what a form asks.
pub(super) type Act = fn(&mut Visit<'_>) -> Result<Next, ApiError>;

/// One page.
#[derive(Clone, Copy)]
pub(super) struct Page {
    pub(super) path: &'static str,
    pub(super) view: View,
    pub(super) act: Option<Act>,
}

impl<'a> Visit<'a> {
    /// All there is to the open domain.
    pub(super) fn account(&mut self) -> Account<'_, SqliteStore> {
        self.host.account(&self.domain)
    }

    /// A part of the path behind its first: a name of something.
    pub(super) fn named(&self) -> &str {
        self.asked.path.split('/').nth(2).unwrap_or_default()
    }

    /// The root of trust in the path.
    pub(super) fn rot(&self) -> Result<RotUid, ApiError> {
        let unknown = || ApiError::not_found("there is no such Thing: a root of trust is 16 hex digits", "");
        self.named().parse().map_err(|_| unknown())
    }

    /// Which page of a list is asked for, from 1 on.
    pub(super) fn page(&self) -> usize {
        self.asked.query.get("page").parse().unwrap_or(1).clamp(1, PAGE_MAX)
    }

    /// The part of a list that page is.
    pub(super) fn window(&self) -> Window {
        Window { offset: (self.page() - 1) * PAGE_LEN, count: PAGE_LEN }
    }
}

impl Next {
    /// To a page that says a thing was done, by its name in [`layout::DONE`].
    pub(super) fn done(path: &str, what: &str) -> Self {
        let joint = if path.contains('?') { '&' } else { '?' };
        Self::To(format!("{path}{joint}done={what}"))
    }
}

/// The routes of some pages.
pub(super) fn routes(pages: &'static [Page]) -> Router<App> {
    pages.iter().fold(Router::new(), |router, page| {
        let serve = move |State(app): State<App>, request: Request| serve(app, request, *page);
        let route = get(serve);
        router.route(page.path, if page.act.is_some() { route.merge(post(serve)) } else { route })
    })
}

async fn serve(app: App, request: Request, page: Page) -> Response {
    let is_form = request.method() == Method::POST;
    let headers = request.headers().clone();
    if page.path == "/"
        && let Some(token) =
            Fields::parse(request.uri().query().unwrap_or_default().as_bytes()).given("token")
    {
        return first_visit(&app, token);
    }
    if !session::is_open(&app, &headers) {
        return layout::locked(session::has_ended(&app, &headers));
    }
    match ask(request).await {
        Ok(asked) => answer(&app, &headers, asked, page, is_form).await,
        Err(refusal) => layout::refused(&refusal),
    }
}

/// Takes the token out of the address.
fn first_visit(app: &App, token: &str) -> Response {
    if app.door_token.is(token) {
        ([(header::SET_COOKIE, session::cookie(app))], Redirect::to("/")).into_response()
    } else {
        layout::wrong_token()
    }
}

/// Reads a request whole, within its limits.
pub(super) async fn ask(request: Request) -> Result<Asked, ApiError> {
    let path = request.uri().path().to_owned();
    let query = Fields::parse(request.uri().query().unwrap_or_default().as_bytes());
    let here = request
        .headers()
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or_default()
        .to_owned();
    let form = Fields::parse(&read(request.into_body()).await?);
    Ok(Asked { path, query, form, here, refusal: None })
}

/// Has a request answered between two turns of the service's loop.
pub(super) async fn answer(
    app: &App,
    headers: &HeaderMap,
    asked: Asked,
    page: Page,
    is_form: bool,
) -> Response {
    let chosen = session::domain(app, headers);
    let done = app.rooms.service.with(move |host| {
        let known = chosen.filter(|domain| host.account(domain).domain().is_ok());
        let page = if known.is_some() { page } else { sign_up::PAGE };
        let mut visit = Visit { host, domain: known.unwrap_or_default(), asked };
        match page.act.filter(|_| is_form).map(|act| act(&mut visit)) {
            Some(Ok(Next::Page(content))) => Ok(layout::page(StatusCode::OK, &visit, &content)),
            Some(Ok(next)) => Err(next),
            Some(Err(refusal)) => {
                let status = refusal.status;
                visit.asked.refusal = Some(refusal);
                Ok(show(&mut visit, page, status))
            }
            None => {
                let status = visit.asked.refusal.as_ref().map_or(StatusCode::OK, |refusal| refusal.status);
                Ok(show(&mut visit, page, status))
            }
        }
    });
    match done.await {
        Ok(Ok(response)) => response,
        Ok(Err(Next::Enter(domain))) => {
            ([(header::SET_COOKIE, session::domain_cookie(app, &domain))], Redirect::to("/")).into_response()
        }
        Ok(Err(Next::To(path))) => Redirect::to(&path).into_response(),
        Ok(Err(Next::Page(_))) => Redirect::to("/").into_response(),
        Err(ended) => layout::refused(&ended.into()),
    }
}

fn show(visit: &mut Visit<'_>, page: Page, status: StatusCode) -> Response {
    match (page.view)(visit) {
        Ok(content) => layout::page(status, visit, &content),
        // A form about something that is not there: the first refusal says so already.
        Err(refusal) => {
            let refusal = visit.asked.refusal.take().unwrap_or(refusal);
            layout::page(refusal.status, visit, &layout::refusal(&refusal))
        }
    }
}
