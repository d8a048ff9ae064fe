//! The documents that an installer of the host would fetch, without their secrets.

use bootwright_content::{render_document, secrets_asked};
use bootwright_engine::Explanation;
use bootwright_proto::http::api::Answer;

use super::super::ApiState;
use crate::http::script::{Surroundings, context_of, values};
use crate::slip::Slip;

/// A document for each file of the profile that is installed, if one is.
pub(super) fn documents(state: &ApiState, explained: &Explanation, around: &Surroundings<'_>) -> Vec<Answer> {
    let Some(ticket) = explained.ticket.as_deref() else {
        return Vec::new();
    };
    let context = context_of(&ticket.host, &ticket.profile, Some(values(ticket)), around);
    let documents = ticket.profile.files.iter().map(|(name, document)| {
        let secrets = secrets_asked(&document.template).len();
        let redacted = match secrets {
            0 => String::new(),
            1 => ", 1 secret left out".to_owned(),
            many => format!(", {many} secrets left out"),
        };
        let (verdict, words, text) = match render_document(&ticket.profile, name, &context) {
            Ok(text) => {
                let words = format!("`{name}` has {} bytes{redacted}", text.len());
                ("document", words, Some(text))
            }
            Err(problem) => {
                let places = state.plane.places.load();
                let slip = Slip::first(&[problem], &ticket.profile, &places);
                let why = slip.map(|slip| slip.to_string()).unwrap_or_default();
                ("silence", format!("`{name}` cannot be rendered: {why}"), None)
            }
        };
        Answer {
            channel: format!("config {name}"),
            verdict: verdict.to_owned(),
            words,
            // With its secrets it has another length, which is nobody's business here.
            bytes: text.as_ref().filter(|_| secrets == 0).map(|text| text.len() as u64),
            text,
            packet: None,
        }
    });
    documents.collect()
}
