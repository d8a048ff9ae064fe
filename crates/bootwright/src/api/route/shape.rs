//! What is said of a route.

use axum::handler::Handler;
use axum::http::Method;
use axum::routing::{self, MethodRouter};
use bootwright_proto::http::api::{ProblemCode, Role};
use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::super::ApiState;

/// The words for the parts of paths that stand in braces.
pub(in crate::api) const PLACES: &[(&str, &str)] = &[
    ("host", "a host: its name, a hardware address or a UUID"),
    ("webhook", "a webhook, by its name in the configuration"),
    ("user", "the name of a user"),
    ("token", "the id of a token"),
];

/// A route.
pub(in crate::api) struct Route {
    /// The method.
    pub(in crate::api) method: Method,
    /// Below `/api/v1`, with names in braces.
    pub(in crate::api) path: &'static str,
    /// The least role that may ask.
    pub(in crate::api) role: Role,
    /// What it is, in one line.
    pub(in crate::api) says: &'static str,
    /// The items of its query.
    pub(in crate::api) query: Vec<Parameter>,
    /// Its body.
    pub(in crate::api) takes: Option<Takes>,
    /// What it answers.
    pub(in crate::api) answers: Answers,
    /// Whether what it is about has a version (`ETag`, and `If-Match` where it is changed).
    pub(in crate::api) versioned: bool,
    /// Whether a repeated request may be answered from memory (`Idempotency-Key`).
    pub(in crate::api) repeatable: bool,
    /// What it refuses beside what all of its kind refuse.
    refuses: &'static [ProblemCode],
    /// What answers.
    pub(in crate::api) handler: MethodRouter<ApiState>,
}

/// The form of a document.
type Form = fn(&mut SchemaGenerator) -> Schema;

/// A body that is sent to us.
#[derive(Clone, Copy)]
pub(in crate::api) struct Takes {
    /// The document's name.
    pub(in crate::api) name: fn() -> std::borrow::Cow<'static, str>,
    /// Its form.
    pub(in crate::api) form: Form,
    /// Whether it must be there.
    pub(in crate::api) required: bool,
}

/// What is answered with status 200.
#[derive(Clone, Copy)]
pub(in crate::api) enum Answers {
    /// A document.
    Document(Form),
    /// A document, or a stream of events for those who accept that.
    Events(Form),
    /// Something else, of this media type.
    Other(&'static str),
}

/// An item of a query.
#[derive(Clone, Copy)]
pub(in crate::api) struct Parameter {
    /// Its name.
    pub(in crate::api) name: &'static str,
    /// What it may hold.
    pub(in crate::api) kind: Kind,
    /// Whether it may stand there more than once.
    pub(in crate::api) repeated: bool,
    /// What it means.
    pub(in crate::api) says: &'static str,
}

/// What an item of a query may hold.
#[derive(Clone, Copy)]
pub(in crate::api) enum Kind {
    /// Any text; an empty one is as good as none.
    Text,
    /// A whole number from the first to the second.
    Number(u64, u64),
    /// One of these words; an empty text is as good as none, since forms send it.
    Word(&'static [&'static str]),
    /// An IPv4 address.
    Ipv4,
    /// A text that this pattern describes; the handler says what is wrong with one that does not fit.
    Pattern(&'static str),
}

impl Parameter {
    /// An item that may be left out.
    pub(in crate::api) const fn of(name: &'static str, kind: Kind, says: &'static str) -> Self {
        Self {
            name,
            kind,
            repeated: false,
            says,
        }
    }

    /// The same, as often as wanted.
    pub(in crate::api) const fn repeated(self) -> Self {
        Self { repeated: true, ..self }
    }
}

impl Route {
    /// A route that only tells.
    pub(in crate::api) fn get<T: 'static>(path: &'static str, role: Role, handler: impl Handler<T, ApiState>) -> Self {
        Self::new(Method::GET, path, role, routing::get(handler))
    }

    /// A route that does something.
    pub(in crate::api) fn post<T: 'static>(path: &'static str, role: Role, handler: impl Handler<T, ApiState>) -> Self {
        let route = Self::new(Method::POST, path, role, routing::post(handler));
        Self {
            repeatable: true,
            ..route
        }
    }

    /// A route that removes something; repeated, it finds nothing more.
    #[allow(dead_code, reason = "a kind of route that may be added")]
    pub(in crate::api) fn delete<T: 'static>(
        path: &'static str,
        role: Role,
        handler: impl Handler<T, ApiState>,
    ) -> Self {
        Self::new(Method::DELETE, path, role, routing::delete(handler))
    }

    fn new(method: Method, path: &'static str, role: Role, handler: MethodRouter<ApiState>) -> Self {
        Self {
            method,
            path,
            role,
            says: "",
            query: Vec::new(),
            takes: None,
            answers: Answers::Other("text/plain"),
            versioned: false,
            repeatable: false,
            refuses: &[],
            handler,
        }
    }

    /// What it is, in one line.
    pub(in crate::api) fn says(self, says: &'static str) -> Self {
        Self { says, ..self }
    }

    /// The items of its query.
    pub(in crate::api) fn query(self, query: &[Parameter]) -> Self {
        Self {
            query: query.to_vec(),
            ..self
        }
    }

    /// The body that it takes.
    pub(in crate::api) fn takes<T: JsonSchema>(self) -> Self {
        self.body::<T>(true)
    }

    /// The body that it takes, which may be left out.
    pub(in crate::api) fn may_take<T: JsonSchema>(self) -> Self {
        self.body::<T>(false)
    }

    fn body<T: JsonSchema>(self, required: bool) -> Self {
        Self {
            takes: Some(Takes {
                name: T::schema_name,
                form: SchemaGenerator::subschema_for::<T>,
                required,
            }),
            ..self
        }
    }

    /// The document that it answers.
    pub(in crate::api) fn answers<T: JsonSchema>(self) -> Self {
        Self {
            answers: Answers::Document(SchemaGenerator::subschema_for::<T>),
            ..self
        }
    }

    /// The page that it answers, or a stream of events.
    pub(in crate::api) fn answers_events<T: JsonSchema>(self) -> Self {
        Self {
            answers: Answers::Events(SchemaGenerator::subschema_for::<T>),
            ..self
        }
    }

    /// That it answers something of this media type.
    #[allow(dead_code, reason = "a kind of route that may be added")]
    pub(in crate::api) fn answers_other(self, media_type: &'static str) -> Self {
        Self {
            answers: Answers::Other(media_type),
            ..self
        }
    }

    /// That what it is about has a version.
    pub(in crate::api) fn versioned(self) -> Self {
        Self {
            versioned: true,
            ..self
        }
    }

    /// That its answer is given once and not kept.
    #[allow(dead_code, reason = "a kind of route that may be added")]
    pub(in crate::api) fn answers_a_secret(self) -> Self {
        Self {
            repeatable: false,
            ..self
        }
    }

    /// What it refuses beside what all of its kind refuse.
    pub(in crate::api) fn refuses(self, refuses: &'static [ProblemCode]) -> Self {
        Self { refuses, ..self }
    }

    /// Whether it changes something.
    pub(in crate::api) fn changes(&self) -> bool {
        self.method != Method::GET
    }

    /// The parts of its path that stand in braces.
    pub(in crate::api) fn places(&self) -> impl Iterator<Item = &'static str> {
        let parts = self.path.split('/');
        parts.filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
    }

    /// All that it refuses, in the order of the codes.
    pub(in crate::api) fn problems(&self) -> Vec<ProblemCode> {
        let mut codes = vec![
            ProblemCode::BadRequest,
            ProblemCode::Unauthorized,
            ProblemCode::Forbidden,
        ];
        codes.extend(self.refuses);
        if self.places().any(|place| place == "host") {
            codes.push(ProblemCode::UnknownHost);
        }
        if self.changes() {
            codes.push(ProblemCode::StoreUnavailable);
        }
        if self.takes.is_some() {
            codes.extend([ProblemCode::TooLarge, ProblemCode::UnsupportedMediaType]);
        }
        if self.repeatable {
            codes.push(ProblemCode::KeyReused);
        }
        if self.versioned && self.changes() {
            codes.push(ProblemCode::Stale);
        }
        codes.sort();
        codes.dedup();
        codes
    }
}
