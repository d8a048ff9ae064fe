//! Printing: documents for programs, words for people.

use std::io::{self, Write as _};

use serde::Serialize;

use super::client::Reply;
use super::failure::Failure;

/// How answers are printed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Printer {
    json: bool,
}

impl Printer {
    /// A printer of documents, or of words.
    pub(super) const fn new(json: bool) -> Self {
        Self { json }
    }

    /// Whether documents are printed.
    pub(super) const fn is_json(self) -> bool {
        self.json
    }

    /// Prints a document as it came, or its words.
    pub(super) fn reply<T>(self, reply: &Reply<T>, words: impl FnOnce(&T) -> String) -> Result<(), Failure> {
        if self.json {
            Ok(raw(format!("{}\n", reply.text.trim_end()).as_bytes())?)
        } else {
            Ok(raw(words(&reply.document).as_bytes())?)
        }
    }

    /// Prints a document that was put together here, or its words.
    pub(super) fn document<T: Serialize>(self, document: &T, words: impl FnOnce(&T) -> String) -> Result<(), Failure> {
        if self.json {
            let text = serde_json::to_string(document).map_err(|error| Failure::Broken(error.to_string()))?;
            Ok(raw(format!("{text}\n").as_bytes())?)
        } else {
            Ok(raw(words(document).as_bytes())?)
        }
    }
}

/// Writes bytes as they are.
pub(super) fn raw(bytes: &[u8]) -> io::Result<()> {
    let mut output = io::stdout().lock();
    output.write_all(bytes)?;
    output.flush()
}
