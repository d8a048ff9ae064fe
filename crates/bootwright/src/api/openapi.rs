//! The API's description, OpenAPI 3.1, made from the table of routes and the types of the documents.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use axum::Json;
use axum::response::Html;
use bootwright_console::page::reference;
use bootwright_proto::http::api::{PREFIX, Problem, ProblemCode, WebhookMessage};
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::route::{self, Answers, Kind, PLACES, Parameter, Route};

/// Where the forms of the documents are.
const SCHEMAS: &str = "/components/schemas";

const WORDS: &str = "Everything that operators see and do, as JSON documents. Points in time are RFC 3339 texts in UTC, spans \
    of time are milliseconds in members that end in `_ms`, and what is not there is left out. Members may be added to what \
    is answered; members and query items that are not known are refused in what is asked. Every refusal is a problem \
    document (RFC 9457) whose `code` is stable.";

/// The document. It is the same for every daemon of a version.
#[must_use]
pub fn document() -> Value {
    let mut forms = Forms::new();
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for route in route::all() {
        let operation = operation(&route, &mut forms);
        let method = route.method.as_str().to_ascii_lowercase();
        paths.entry(route.path).or_default().insert(method, operation);
    }
    let message = forms.answer(SchemaGenerator::subschema_for::<WebhookMessage>);
    let problem = forms.answer(SchemaGenerator::subschema_for::<Problem>);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Bootwright",
            "summary": "The control API of Bootwright",
            "description": WORDS,
            "version": env!("CARGO_PKG_VERSION"),
            "license": {"name": "Apache-2.0 OR MIT", "identifier": "Apache-2.0 OR MIT"},
        },
        "servers": [{"url": PREFIX, "description": "below the daemon's address, or on its control socket"}],
        "paths": paths,
        "webhooks": {"event": {"post": {
            "summary": "What is sent to the URL of a webhook for each event that it wants",
            "requestBody": {"required": true, "content": {"application/json": {"schema": message}}},
            "responses": {"2XX": {"description": "taken; after anything else it comes again"}},
        }}},
        "components": {
            "schemas": forms.finish(),
            "responses": problems(&problem),
        },
    })
}

/// The same over the API.
pub(super) async fn show() -> Json<&'static Value> {
    static DOCUMENT: LazyLock<Value> = LazyLock::new(document);
    Json(&DOCUMENT)
}

/// The same for people to read.
pub(super) async fn docs() -> Html<&'static str> {
    static PAGE: LazyLock<String> = LazyLock::new(|| reference(&document()));
    Html(&PAGE)
}

/// Collects the forms of documents.
struct Forms {
    answers: SchemaGenerator,
    requests: SchemaGenerator,
    /// The forms of requests, by the names of their types.
    sent: Map<String, Value>,
}

impl Forms {
    fn new() -> Self {
        let mut settings = SchemaSettings::draft2020_12();
        settings.meta_schema = None;
        settings.definitions_path = SCHEMAS.into();
        let mut requests = settings.clone().for_deserialize();
        // A type may be sent and answered, and has another form in each: only answers refer to each other.
        requests.inline_subschemas = true;
        Self {
            answers: settings.for_serialize().into_generator(),
            requests: requests.into_generator(),
            sent: Map::new(),
        }
    }

    fn answer(&mut self, form: fn(&mut SchemaGenerator) -> schemars::Schema) -> Value {
        form(&mut self.answers).to_value()
    }

    fn request(&mut self, takes: route::Takes) -> Value {
        let name = (takes.name)().into_owned();
        let form = (takes.form)(&mut self.requests).to_value();
        let place = json!({"$ref": format!("#{SCHEMAS}/{name}")});
        self.sent.insert(name, form);
        place
    }

    fn finish(mut self) -> Map<String, Value> {
        let mut all = self.answers.take_definitions(true);
        all.values_mut().for_each(never_null);
        all.extend(self.sent);
        all
    }
}

/// What is not there is left out of an answer, so nothing in one is null.
fn never_null(form: &mut Value) {
    match form {
        Value::Object(members) => {
            if let Some(Value::Array(kinds)) = members.get_mut("type") {
                kinds.retain(|kind| kind != "null");
                if let [kind] = kinds.as_slice() {
                    let kind = kind.clone();
                    members.insert("type".to_owned(), kind);
                }
            }
            if let Some(Value::Array(choices)) = members.get_mut("anyOf") {
                choices.retain(|choice| choice != &json!({"type": "null"}));
                if let [Value::Object(only)] = choices.as_slice() {
                    let only = only.clone();
                    members.remove("anyOf");
                    members.extend(only);
                }
            }
            members.values_mut().for_each(never_null);
        }
        Value::Array(items) => items.iter_mut().for_each(never_null),
        _ => {}
    }
}

fn operation(route: &Route, forms: &mut Forms) -> Value {
    let mut operation = json!({
        "operationId": operation_id(route),
        "tags": [tag(route)],
        "summary": route.says,
        "description": format!("Takes a login of the role `{}` or a higher one.", route.role.name()),
        "x-role": route.role.name(),
        "responses": responses(route, forms),
    });
    let parameters = parameters(route);
    if !parameters.is_empty() {
        operation["parameters"] = parameters.into();
    }
    if let Some(takes) = route.takes {
        operation["requestBody"] = json!({
            "required": takes.required,
            "content": {"application/json": {"schema": forms.request(takes)}},
        });
    }
    operation
}

/// Such as `post_hosts_command`.
fn operation_id(route: &Route) -> String {
    let words = route.path.split(['/', '.', '-']).filter(|word| !word.is_empty());
    let method = route.method.as_str().to_ascii_lowercase();
    words.fold(method, |id, word| format!("{id}_{}", word.trim_matches(['{', '}'])))
}

/// What it is about: the first part of its path.
fn tag(route: &Route) -> &'static str {
    route.path.split('/').nth(1).unwrap_or_default()
}

fn parameters(route: &Route) -> Vec<Value> {
    let places = route.places().map(|place| {
        let words = PLACES.iter().find(|(name, _)| *name == place);
        json!({
            "name": place,
            "in": "path",
            "required": true,
            "description": words.map_or("", |(_, words)| words),
            // No control characters.
            "schema": {"type": "string", "minLength": 1, "pattern": r"^[^\u0000-\u001f\u007f-\u009f]+$"},
        })
    });
    let mut all: Vec<Value> = places.chain(route.query.iter().map(item)).collect();
    let mut header = |name: &str, words: &str, form: Value| {
        all.push(json!({"name": name, "in": "header", "description": words, "schema": form}));
    };
    if route.versioned && route.changes() {
        header(
            "If-Match",
            "the `ETag` of the host as it was looked at, or `*`: done only if it is still so",
            json!({"type": "string", "minLength": 1, "pattern": r#"^(\*|(W/)?"[!#-+\x2d-~]*"(, ?(W/)?"[!#-+\x2d-~]*")*)$"#}),
        );
    }
    if route.repeatable {
        header(
            "Idempotency-Key",
            "a name of this request's own: whoever repeats it with the same key gets the first answer, and nothing is done twice",
            json!({"type": "string", "pattern": "^[!-~]{1,255}$"}),
        );
    }
    if matches!(route.answers, Answers::Events(_)) {
        header(
            "Last-Event-ID",
            "the place of the last event that was seen; counts before `after`",
            json!({"type": "string", "pattern": "^[0-9]{1,18}$"}),
        );
    }
    all
}

fn item(parameter: &Parameter) -> Value {
    let form = match parameter.kind {
        Kind::Text => json!({"type": "string"}),
        Kind::Pattern(pattern) => json!({"type": "string", "pattern": pattern}),
        Kind::Number(least, most) => json!({"type": "integer", "minimum": least, "maximum": most}),
        Kind::Word(words) => {
            let words: Vec<&str> = words.iter().copied().chain([""]).collect();
            json!({"type": "string", "enum": words})
        }
        Kind::Ipv4 => json!({"type": "string", "format": "ipv4"}),
    };
    let mut item = json!({"name": parameter.name, "in": "query", "description": parameter.says, "schema": form});
    if parameter.repeated {
        item["schema"] = json!({"type": "array", "items": item["schema"], "maxItems": super::check::REPEATED_MAX});
        item["style"] = "form".into();
        item["explode"] = true.into();
    }
    item
}

fn responses(route: &Route, forms: &mut Forms) -> Value {
    let json = |form: Value| json!({"schema": form});
    let content = match route.answers {
        Answers::Document(form) => json!({"application/json": json(forms.answer(form))}),
        Answers::Events(form) => json!({
            "application/json": json(forms.answer(form)),
            "text/event-stream": {"schema": {"type": "string"}},
        }),
        Answers::Other(media_type) => json!({media_type: {"schema": {"type": "string"}}}),
    };
    let mut done = json!({"description": "done, or told", "content": content});
    if route.versioned {
        done["headers"] = json!({"ETag": {
            "description": "the version of the host, for `If-Match`; what is merely seen of it in passing changes none",
            "schema": {"type": "string"},
        }});
    }
    let mut responses = Map::from_iter([("200".to_owned(), done)]);
    for code in route.problems() {
        let status = code.status().to_string();
        let place = json!({"$ref": format!("#/components/responses/{status}")});
        responses.insert(status, place);
    }
    responses.into()
}

/// An answer for each status that a problem may have, with the codes that it may be.
fn problems(problem: &Value) -> BTreeMap<String, Value> {
    let mut by_status: BTreeMap<u16, Vec<String>> = BTreeMap::new();
    for code in ProblemCode::ALL {
        let name = serde_json::to_value(code)
            .ok()
            .and_then(|name| Some(name.as_str()?.to_owned()));
        let words = format!("`{}`: {}", name.unwrap_or_default(), code.title());
        by_status.entry(code.status()).or_default().push(words);
    }
    by_status
        .into_iter()
        .map(|(status, words)| {
            let answer = json!({
                "description": words.join("; "),
                "content": {"application/problem+json": {"schema": problem}},
            });
            (status.to_string(), answer)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_is_described_in_words() {
        for route in route::all() {
            let name = format!("{} {}", route.method, route.path);
            assert!(!route.says.is_empty() && !route.says.ends_with('.'), "{name}");
            for place in route.places() {
                assert!(PLACES.iter().any(|(known, _)| *known == place), "{name}: {place}");
            }
            assert!(route.query.iter().all(|parameter| !parameter.says.is_empty()), "{name}");
        }
    }

    #[test]
    fn what_is_sent_refuses_members_that_are_not_known_and_what_is_answered_is_never_null() {
        let document = document();
        let text = document.to_string();
        assert!(!text.contains("\"$defs\""), "all forms are components");
        let mut generator = Forms::new();
        let mut sent = 0;
        for takes in route::all().iter().filter_map(|route| route.takes) {
            let form = (takes.form)(&mut generator.requests).to_value();
            let objects = form.get("oneOf").and_then(Value::as_array).cloned();
            for object in objects.unwrap_or_else(|| vec![form.clone()]) {
                assert_eq!(object["additionalProperties"], false, "{}: {object}", (takes.name)());
                sent += 1;
            }
        }
        assert!(sent > 12, "{sent}");
        let host = &document["components"]["schemas"]["HostSummary"];
        assert_eq!(host["properties"]["profile"]["type"], "string");
        let required = host["required"].as_array().expect("members that are always there");
        assert!(required.contains(&"host".into()) && !required.contains(&"profile".into()));
    }

    #[test]
    fn every_reference_leads_somewhere() {
        fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
            match value {
                Value::Object(members) => {
                    found.extend(members.get("$ref").and_then(Value::as_str));
                    members.values().for_each(|value| references(value, found));
                }
                Value::Array(items) => items.iter().for_each(|value| references(value, found)),
                _ => {}
            }
        }
        let document = document();
        let mut found = Vec::new();
        references(&document, &mut found);
        assert!(found.len() > 50, "{}", found.len());
        for place in found {
            let pointer = place.strip_prefix('#').expect("a place in this document");
            assert!(document.pointer(pointer).is_some(), "{place}");
        }
    }
}
