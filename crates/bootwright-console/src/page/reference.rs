//! The API's description for people: the OpenAPI document as one page, without a script.

use maud::{Markup, html};
use serde_json::{Map, Value};

use super::shell;

/// The page of an OpenAPI document. Whatever the document says is text here, never markup.
#[must_use]
pub fn reference(document: &Value) -> String {
    let paths = members(&document["paths"]);
    let body = html! {
        div.heading { h1 { (text(&document["info"]["title"])) " API" } p { span { "version " (text(&document["info"]["version"])) } } }
        div.card {
            p { (text(&document["info"]["description"])) }
            p { "The same for programs: " a href="openapi.json" { "openapi.json" } }
            p { a href="/help" { "Back to the help" } }
        }
        @for (path, operations) in paths.into_iter().flatten() {
            section.card {
                h2 { code { (path) } }
                @for (method, operation) in members(operations).into_iter().flatten() {
                    (one(method, operation, &document["components"]["responses"]))
                }
            }
        }
        section.card {
            h2 { "Documents" }
            @for (name, form) in members(&document["components"]["schemas"]).into_iter().flatten() {
                details id={ "form-" (name) } { summary { (name) } pre { (format!("{form:#}")) } }
            }
        }
    };
    shell::bare("API", &body).into_string()
}

fn one(method: &str, operation: &Value, problems: &Value) -> Markup {
    let parameters = operation["parameters"].as_array();
    html! {
        h3 { (method.to_ascii_uppercase()) }
        p { (text(&operation["summary"])) }
        p.hint { (text(&operation["description"])) }
        @if let Some(parameters) = parameters {
            div.scroll {
                table {
                    thead { tr { th scope="col" { "Parameter" } th scope="col" { "In" } th scope="col" { "Meaning" } } }
                    tbody {
                        @for parameter in parameters {
                            tr {
                                th scope="row" { code { (text(&parameter["name"])) } }
                                td { (text(&parameter["in"])) }
                                td { (text(&parameter["description"])) }
                            }
                        }
                    }
                }
            }
        }
        dl {
            @for (_, body) in members(&operation["requestBody"]["content"]).into_iter().flatten() {
                div { dt { "Takes" } dd { (form(&body["schema"])) } }
            }
            @for (status, answer) in members(&operation["responses"]).into_iter().flatten() {
                @let words = if answer["description"].is_string() { &answer["description"] } else { &problems[status.as_str()]["description"] };
                div {
                    dt { (status) }
                    dd {
                        (text(words))
                        @for (kind, content) in members(&answer["content"]).into_iter().flatten() { " " code { (kind) } " " (form(&content["schema"])) }
                    }
                }
            }
        }
    }
}

/// A form by its name, with the way to it.
fn form(schema: &Value) -> Markup {
    let place = schema["$ref"].as_str().and_then(|place| place.rsplit('/').next());
    html! { @if let Some(name) = place { a href={ "#form-" (name) } { (name) } } }
}

fn members(value: &Value) -> Option<&Map<String, Value>> {
    value.as_object()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_description_says_is_text() {
        let evil = "\"><script>alert(1)</script>";
        let document = json!({
            "info": {"title": evil, "version": evil, "description": evil},
            "paths": {evil: {evil: {
                "summary": evil, "description": evil,
                "parameters": [{"name": evil, "in": evil, "description": evil}],
                "requestBody": {"content": {evil: {"schema": {"$ref": evil}}}},
                "responses": {evil: {"description": evil, "content": {evil: {"schema": {"$ref": evil}}}}},
            }}},
            "components": {"schemas": {evil: {"description": evil}}, "responses": {}},
        });
        let page = reference(&document);
        assert!(!page.contains("<script") && page.contains("&lt;script&gt;"), "{page}");
    }
}
