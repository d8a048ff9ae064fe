//! Documents that are sent to us.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use bootwright_proto::http::api::{Problem, ProblemCode};
use serde::de::DeserializeOwned;

use super::fault::Fault;

/// A body, or why it could not be read.
pub(super) type Body = Result<Bytes, BytesRejection>;

/// Reads a document. Members that it does not have are refused, so that a word that is misspelled is not passed over.
pub(super) fn document<T: DeserializeOwned>(body: Body) -> Result<T, Fault> {
    let bytes = whole(body)?;
    // A list of the values, without the names of the members, would be read as well.
    if bytes.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
        return Err(Fault::bad_request("the body is no JSON object"));
    }
    serde_json::from_slice(&bytes).map_err(|error| Fault::bad_request(format!("the body is no such document: {error}")))
}

/// Reads a document that may be left out.
pub(super) fn document_or_default<T: DeserializeOwned + Default>(body: Body) -> Result<T, Fault> {
    let bytes = whole(body)?;
    if bytes.is_empty() {
        return Ok(T::default());
    }
    document(Ok(bytes))
}

fn whole(body: Body) -> Result<Bytes, Fault> {
    body.map_err(|rejection| {
        if rejection.status() == axum::http::StatusCode::PAYLOAD_TOO_LARGE {
            Problem::new(ProblemCode::TooLarge)
                .detail("a body of more than 64 KiB is not read")
                .into()
        } else {
            Fault::bad_request("the body broke off")
        }
    })
}
