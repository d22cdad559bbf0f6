//! The page: every operation, and every schema once. It needs no script.

use maud::{DOCTYPE, Markup, html};
use serde_json::{Map, Value};

/// Renders an OpenAPI document.
pub(super) fn render(document: &Value) -> Markup {
    let title = text(&document["info"]["title"]);
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                link rel="stylesheet" href="/docs.css";
            }
            body {
                header {
                    h1 { (title) }
                    p { (text(&document["info"]["description"])) }
                    p {
                        "The same as a document for programs: "
                        a href="/openapi.json" { "openapi.json" } ", "
                        a href="/openapi.yaml" { "openapi.yaml" } "."
                    }
                }
                nav aria-label="Operations" { (contents(document)) }
                main {
                    @for tag in list(&document["tags"]) { (chapter(document, tag)) }
                    section id="schemas" {
                        h2 { "Schemas" }
                        @for (name, schema) in map(&document["components"]["schemas"]) {
                            (schema_entry(name, schema))
                        }
                    }
                }
            }
        }
    }
}

fn contents(document: &Value) -> Markup {
    html! {
        @for tag in list(&document["tags"]) {
            h2 { (text(&tag["name"])) }
            ul {
                @for (method, path, operation) in operations(document, tag) {
                    li { a href={ "#" (text(&operation["operationId"])) } { (method) " " code { (path) } } }
                }
            }
        }
        h2 { a href="#schemas" { "Schemas" } }
    }
}

fn chapter(document: &Value, tag: &Value) -> Markup {
    html! {
        section {
            h2 { (text(&tag["name"])) }
            p { (text(&tag["description"])) }
            @for (method, path, operation) in operations(document, tag) {
                (operation_entry(method, path, operation))
            }
        }
    }
}

fn operation_entry(method: &str, path: &str, operation: &Value) -> Markup {
    let request = reference(&operation["requestBody"]["content"]["application/json"]["schema"]);
    let (media_type, answer) = map(&operation["responses"]["200"]["content"])
        .next()
        .map_or(("nothing", None), |(media_type, content)| (media_type, reference(&content["schema"])));
    html! {
        article id=(text(&operation["operationId"])) {
            h3 { (method) " " code { (path) } }
            p { (text(&operation["summary"])) "." }
            dl {
                dt { "Provenance" } dd { (text(&operation["x-provenance"])) }
                dt { "Needs" } dd { (security(operation)) }
                @if let Some(name) = request { dt { "Takes" } dd { (link(name)) } }
                dt { "Answers" } dd { @match answer { Some(name) => (link(name)), None => (media_type) } }
                dt { "Refuses with" }
                dd {
                    @for (status, response) in map(&operation["responses"]).filter(|(status, _)| *status != "200") {
                        span title=(text(&response["description"])) { (status) } " "
                    }
                }
            }
        }
    }
}

fn security(operation: &Value) -> Markup {
    let schemes: Vec<_> = list(&operation["security"]).iter().flat_map(map).map(|(name, _)| name).collect();
    html! { @if schemes.is_empty() { "nothing" } @else { (schemes.join(", ")) } }
}

fn schema_entry(name: &str, schema: &Value) -> Markup {
    let required = list(&schema["required"]);
    html! {
        article id={ "schema-" (name) } {
            h3 { (name) }
            p { (text(&schema["description"])) }
            @if map(&schema["properties"]).next().is_some() {
                table {
                    thead { tr { th scope="col" { "Field" } th scope="col" { "Type" } th scope="col" { "Meaning" } } }
                    tbody {
                        @for (field, of) in map(&schema["properties"]) {
                            tr {
                                th scope="row" {
                                    code { (field) }
                                    @if required.iter().any(|name| name == field) { " *" }
                                }
                                td { (kind(of)) }
                                td { (text(&of["description"])) }
                            }
                        }
                    }
                }
            } @else { p { (kind(schema)) } }
        }
    }
}

/// The type of a field, in few words.
fn kind(schema: &Value) -> Markup {
    if let Some(name) = reference(schema) {
        return link(name);
    }
    let choices = list(&schema["oneOf"]).iter().chain(list(&schema["anyOf"])).chain(list(&schema["allOf"]));
    let choices: Vec<_> = choices.collect();
    html! {
        @if !choices.is_empty() {
            @for (index, choice) in choices.into_iter().enumerate() {
                @if index > 0 { " or " }
                (kind(choice))
            }
        } @else if !list(&schema["enum"]).is_empty() {
            @for (index, name) in list(&schema["enum"]).iter().enumerate() {
                @if index > 0 { ", " }
                code { (text(name)) }
            }
        } @else if schema["items"].is_object() {
            "list of " (kind(&schema["items"]))
        } @else {
            (types(&schema["type"]))
            @if let (Some(min), Some(max)) = (schema["minimum"].as_f64(), schema["maximum"].as_f64()) {
                " from " (min) " to " (max)
            }
            @if schema["format"] == "date-time" { ", RFC 3339" }
        }
    }
}

fn types(of: &Value) -> String {
    match of {
        Value::Array(types) => types.iter().map(text).collect::<Vec<_>>().join(" or "),
        other => text(other).to_owned(),
    }
}

fn link(name: &str) -> Markup {
    html! { a href={ "#schema-" (name) } { (name) } }
}

fn reference(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.rsplit('/').next()
}

/// Method, path and description of each operation of a chapter.
fn operations<'a>(
    document: &'a Value,
    tag: &'a Value,
) -> impl Iterator<Item = (&'static str, &'a str, &'a Value)> {
    map(&document["paths"]).flat_map(move |(path, item)| {
        let methods = [("GET", &item["get"]), ("POST", &item["post"]), ("PUT", &item["put"])];
        let of_tag = methods.into_iter().filter(|(_, operation)| operation["tags"][0] == tag["name"]);
        of_tag.map(move |(method, operation)| (method, path, operation))
    })
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn map(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter).map(|(name, value)| (name.as_str(), value))
}
