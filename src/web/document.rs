//! The OpenAPI document, made of the operations themselves.

use std::collections::BTreeMap;

use axum::http::{Method, StatusCode};
use utoipa::ToSchema;
use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::path::{HttpMethod, Operation as Entry, OperationBuilder, PathItem, PathsBuilder};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{
    ComponentsBuilder, Content, ContentBuilder, InfoBuilder, OpenApi, OpenApiBuilder, Ref, RefOr, Required,
    Schema,
};

use super::error::Failure;
use super::operation::{Operation, Security, Shape};

/// The name of a scheme in the document.
const AUTH_TOKEN: &str = "AuthToken";
const ADMIN_TOKEN: &str = "AdminToken";

/// Refusals every call can give, with the reason.
const REFUSALS: [(StatusCode, &str); 4] = [
    (StatusCode::BAD_REQUEST, "The request cannot be read."),
    (StatusCode::FORBIDDEN, "Host or Origin is not this service's."),
    (StatusCode::PAYLOAD_TOO_LARGE, "The body is too long."),
    (StatusCode::TOO_MANY_REQUESTS, "Too many requests."),
];

/// What an API is called, and what it is about.
pub(super) struct Title {
    pub(super) title: &'static str,
    pub(super) description: &'static str,
    /// The chapters, in their order, each with what it is about.
    pub(super) tags: &'static [(&'static str, &'static str)],
}

/// The document of some operations.
pub(super) fn document(title: &Title, operations: &[Operation]) -> OpenApi {
    let mut paths: BTreeMap<&str, PathItem> = BTreeMap::new();
    let mut schemas: BTreeMap<String, RefOr<Schema>> = BTreeMap::new();
    schemas.extend(Shape::of::<Failure>().schemas);
    for operation in operations {
        let shapes = operation.request.iter().chain([&operation.response]);
        schemas.extend(shapes.flat_map(|shape| shape.schemas.iter().cloned()));
        let item = PathItem::new(http_method(&operation.method), entry(operation));
        match paths.get_mut(operation.path) {
            Some(there) => there.merge_operations(item),
            None => drop(paths.insert(operation.path, item)),
        }
    }
    let paths = paths.into_iter().fold(PathsBuilder::new(), |paths, (path, item)| paths.path(path, item));
    let components = ComponentsBuilder::new().schemas_from_iter(schemas);
    let components = schemes(operations).into_iter().fold(components, |components, (name, description)| {
        let http = Http::builder().scheme(HttpAuthScheme::Bearer).description(Some(description)).build();
        components.security_scheme(name, SecurityScheme::Http(http))
    });
    let tags = title.tags.iter();
    OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title(title.title)
                .version(env!("CARGO_PKG_VERSION"))
                .description(Some(title.description))
                .build(),
        )
        .paths(paths)
        .components(Some(components.build()))
        .tags(Some(tags.map(|(name, about)| TagBuilder::new().name(*name).description(Some(*about)).build())))
        .build()
}

fn schemes(operations: &[Operation]) -> Vec<(&'static str, &'static str)> {
    let needs = |security| operations.iter().any(|operation| operation.security == security);
    let auth = (AUTH_TOKEN, "The AuthToken of `/v1/authenticate`; `Bearer` may be left out.");
    let admin = (ADMIN_TOKEN, "The token in `<state>/admin-token`.");
    [(Security::AuthToken, auth), (Security::AdminToken, admin)]
        .into_iter()
        .filter_map(|(security, scheme)| needs(security).then_some(scheme))
        .collect()
}

fn entry(operation: &Operation) -> Entry {
    let extensions = Extensions::builder().add("x-provenance", operation.provenance.name()).build();
    let mut entry = OperationBuilder::new()
        .tag(operation.tag)
        .summary(Some(operation.summary))
        .operation_id(Some(identifier(operation)))
        .extensions(Some(extensions))
        .response(
            "200",
            ResponseBuilder::new()
                .description("Done.")
                .content(operation.response.media_type, content(&operation.response)),
        );
    if let Some(request) = &operation.request {
        let body = RequestBodyBuilder::new().content(request.media_type, content(request));
        let required = if needs_body(request) { Required::True } else { Required::False };
        entry = entry.request_body(Some(body.required(Some(required)).build()));
    }
    entry = match operation.security {
        Security::Open => entry,
        Security::AuthToken => entry.security(requirement(AUTH_TOKEN)),
        Security::AdminToken => entry.security(requirement(ADMIN_TOKEN)),
    };
    let refusals = refusals(operation);
    refusals
        .into_iter()
        .fold(entry, |entry, (status, reason)| {
            let failure = ContentBuilder::new().schema(Some(Ref::from_schema_name(Failure::name()))).build();
            let response = ResponseBuilder::new().description(reason).content("application/json", failure);
            entry.response(status.as_str(), response)
        })
        .build()
}

fn requirement(scheme: &str) -> SecurityRequirement {
    SecurityRequirement::new(scheme, <[String; 0]>::default())
}

fn refusals(operation: &Operation) -> BTreeMap<StatusCode, &'static str> {
    let mut refusals: BTreeMap<_, _> = REFUSALS.into();
    if operation.security != Security::Open {
        refusals.insert(StatusCode::UNAUTHORIZED, "No token, or none that is good.");
    }
    for status in &operation.refusals {
        let reason = match *status {
            StatusCode::UNAUTHORIZED => "The secret or the token is wrong.",
            StatusCode::NOT_FOUND => "There is no such thing, or not for this caller.",
            _ => "Not as things stand.",
        };
        refusals.insert(*status, reason);
    }
    refusals
}

fn content(shape: &Shape) -> Content {
    let schema = shape.name.as_ref().map(Ref::from_schema_name);
    ContentBuilder::new().schema(schema).build()
}

/// Whether an empty object would be refused.
fn needs_body(shape: &Shape) -> bool {
    let own = shape.schemas.iter().find(|(name, _)| Some(name) == shape.name.as_ref());
    matches!(own, Some((_, RefOr::T(Schema::Object(object)))) if !object.required.is_empty())
}

/// `postDeviceList` for `POST /v1/device/list`.
fn identifier(operation: &Operation) -> String {
    let words =
        operation.path.trim_start_matches("/v1").split(['/', '.', '-']).filter(|word| !word.is_empty());
    let capital = |word: &str| {
        let (first, rest) = word.split_at(1);
        format!("{}{rest}", first.to_ascii_uppercase())
    };
    operation.method.as_str().to_ascii_lowercase() + &words.map(capital).collect::<String>()
}

fn http_method(method: &Method) -> HttpMethod {
    match *method {
        Method::GET => HttpMethod::Get,
        Method::PUT => HttpMethod::Put,
        _ => HttpMethod::Post,
    }
}
