//! Asking the API, in this process, in the name of the operator who looks.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, header};
use bootwright_proto::http::api::{PREFIX, Problem, ProblemCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tower::ServiceExt as _;

use crate::Operator;

/// No document of the API is longer.
const BODY_BYTES_MAX: usize = 64 << 20;

/// The API as one operator has it.
#[derive(Clone)]
pub(crate) struct Asker {
    api: Router,
    operator: Operator,
}

impl Asker {
    /// The API for this operator.
    pub(crate) const fn new(api: Router, operator: Operator) -> Self {
        Self { api, operator }
    }

    /// Asks for a document; `target` is below the API's prefix and begins with a slash.
    pub(crate) async fn get<T: DeserializeOwned>(&self, target: &str) -> Result<T, Problem> {
        self.send(Method::GET, target, Body::empty()).await
    }

    /// Sends a document and reads the answer.
    pub(crate) async fn post<B: Serialize, T: DeserializeOwned>(&self, target: &str, body: &B) -> Result<T, Problem> {
        let body = serde_json::to_vec(body).map_err(|error| defect(format!("{error}")))?;
        self.send(Method::POST, target, body.into()).await
    }

    async fn send<T: DeserializeOwned>(&self, method: Method, target: &str, body: Body) -> Result<T, Problem> {
        let request = Request::builder()
            .method(method)
            .uri(format!("{PREFIX}{target}"))
            .header(header::CONTENT_TYPE, "application/json")
            .extension(self.operator.clone())
            .body(body)
            .map_err(|error| defect(format!("no request of the API: {error}")))?;
        let response = match self.api.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        let status = response.status();
        let bytes = to_bytes(response.into_body(), BODY_BYTES_MAX)
            .await
            .map_err(|error| defect(format!("the API's answer broke off: {error}")))?;
        if status.is_success() {
            serde_json::from_slice(&bytes).map_err(|error| defect(format!("the API's answer cannot be read: {error}")))
        } else {
            let problem = serde_json::from_slice(&bytes);
            Err(problem.unwrap_or_else(|_| defect(format!("the API answered {status}"))))
        }
    }
}

fn defect(detail: String) -> Problem {
    Problem::new(ProblemCode::Internal)
        .detail(detail)
        .hint("the daemon's log may say more")
}

pub(crate) use bootwright_proto::http::encode as escape;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_in_a_target_stays_within_its_part() {
        assert_eq!(escape("oak-42"), "oak-42");
        assert_eq!(escape("a/b?c=d&e#f%"), "a%2Fb%3Fc%3Dd%26e%23f%25");
        assert_eq!(escape("ä +"), "%C3%A4%20%2B");
    }
}
