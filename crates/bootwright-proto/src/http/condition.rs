//! What answers a request for a file: all of it, a part, or the word that it has not changed.
//!
//! Conditions are weighed in the order of RFC 9110 section 13.2.2.

use std::fmt;
use std::ops::Range;

use super::date::HttpDate;
use super::range::{RangeAnswer, range};

/// A strong entity tag, with its quotation marks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntityTag(String);

/// Which version of a file there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Its entity tag.
    pub etag: EntityTag,
    /// When it was last changed.
    pub modified: HttpDate,
}

/// The fields of a request that say which version and which part of a file is wanted, as they came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Conditions<'a> {
    /// `Range`.
    pub range: Option<&'a str>,
    /// `If-Range`.
    pub if_range: Option<&'a str>,
    /// `If-Match`.
    pub if_match: Option<&'a str>,
    /// `If-None-Match`.
    pub if_none_match: Option<&'a str>,
    /// `If-Modified-Since`.
    pub if_modified_since: Option<&'a str>,
    /// `If-Unmodified-Since`.
    pub if_unmodified_since: Option<&'a str>,
}

/// What answers a request for a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    /// 200 with the whole file.
    Whole,
    /// 206 with these bytes.
    Part(Range<u64>),
    /// 304 without a body: the client has it.
    NotModified,
    /// 412 without a body: it is not the version that the client wants.
    PreconditionFailed,
    /// 416 without a body: the file has no such bytes.
    RangeNotSatisfiable,
}

/// What answers a GET or HEAD for a file of `len` bytes.
#[must_use]
pub fn plan(conditions: &Conditions<'_>, version: &Version, len: u64) -> Plan {
    let modified_after = |field: &str| field.parse().ok().map(|date: HttpDate| version.modified > date);
    let unwanted = match (conditions.if_match, conditions.if_unmodified_since) {
        (Some(tags), _) => !listed(tags, &version.etag, false),
        (None, Some(date)) => modified_after(date).unwrap_or(false),
        (None, None) => false,
    };
    if unwanted {
        return Plan::PreconditionFailed;
    }
    let held = match (conditions.if_none_match, conditions.if_modified_since) {
        (Some(tags), _) => listed(tags, &version.etag, true),
        (None, Some(date)) => modified_after(date) == Some(false),
        (None, None) => false,
    };
    if held {
        return Plan::NotModified;
    }
    let same_version = conditions.if_range.is_none_or(|validator| match validator.trim() {
        tag if tag.starts_with('"') || tag.starts_with("W/") => tag == version.etag.0,
        date => date.parse() == Ok(version.modified),
    });
    match conditions.range.filter(|_| same_version).map(|field| range(field, len)) {
        None | Some(RangeAnswer::Whole) => Plan::Whole,
        Some(RangeAnswer::Part(part)) => Plan::Part(part),
        Some(RangeAnswer::Unsatisfiable) => Plan::RangeNotSatisfiable,
    }
}

/// Whether a list of entity tags, or `*`, holds this one. Our tags hold no comma, so that splitting there is enough.
fn listed(field: &str, etag: &EntityTag, weakly: bool) -> bool {
    field.split(',').map(str::trim).any(|tag| {
        let tag = if weakly {
            tag.strip_prefix("W/").unwrap_or(tag)
        } else {
            tag
        };
        tag == "*" || tag == etag.0
    })
}

impl EntityTag {
    /// The tag made of some numbers that together change whenever the file does: its inode, size and time, say.
    #[must_use]
    pub fn of(numbers: &[u64]) -> Self {
        let words: Vec<String> = numbers.iter().map(|number| format!("{number:x}")).collect();
        Self(format!("\"{}\"", words.join("-")))
    }

    /// The tag with its quotation marks, as the `ETag` field carries it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EntityTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Plan {
    /// The status code of the answer.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::Whole => 200,
            Self::Part(_) => 206,
            Self::NotModified => 304,
            Self::PreconditionFailed => 412,
            Self::RangeNotSatisfiable => 416,
        }
    }

    /// The `Content-Range` field of the answer, where it has one.
    #[must_use]
    pub fn content_range(&self, len: u64) -> Option<String> {
        match self {
            Self::Part(part) => Some(format!("bytes {}-{}/{len}", part.start, part.end.saturating_sub(1))),
            Self::RangeNotSatisfiable => Some(format!("bytes */{len}")),
            Self::Whole | Self::NotModified | Self::PreconditionFailed => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: Conditions<'static> = Conditions {
        range: None,
        if_range: None,
        if_match: None,
        if_none_match: None,
        if_modified_since: None,
        if_unmodified_since: None,
    };
    const THEN: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const LATER: &str = "Sun, 06 Nov 1994 08:49:38 GMT";
    const EARLIER: &str = "Sun, 06 Nov 1994 08:49:36 GMT";

    fn planned(conditions: Conditions<'_>) -> Plan {
        let version = Version {
            etag: EntityTag::of(&[0x64, 0xabc]),
            modified: THEN.parse().expect("a date"),
        };
        plan(&conditions, &version, 100)
    }

    #[test]
    fn a_resume_of_the_same_version_gets_the_rest_and_of_another_gets_all() {
        let range = Some("bytes=40-");
        for (if_range, expected) in [
            (None, Plan::Part(40..100)),
            (Some("\"64-abc\""), Plan::Part(40..100)),
            (Some("\"64-abd\""), Plan::Whole),
            (Some("W/\"64-abc\""), Plan::Whole),
            (Some(THEN), Plan::Part(40..100)),
            (Some(LATER), Plan::Whole),
        ] {
            assert_eq!(
                planned(Conditions {
                    range,
                    if_range,
                    ..NONE
                }),
                expected,
                "{if_range:?}"
            );
        }
        assert_eq!(
            Plan::Part(40..100).content_range(100).as_deref(),
            Some("bytes 40-99/100")
        );
        assert_eq!(
            Plan::RangeNotSatisfiable.content_range(100).as_deref(),
            Some("bytes */100")
        );
    }

    #[test]
    fn firmware_that_resumes_a_file_that_was_replaced_is_told_so() {
        let range = Some("bytes=40-");
        for (if_match, if_unmodified_since, expected) in [
            (Some("\"other\""), None, Plan::PreconditionFailed),
            (Some("\"other\", \"64-abc\""), None, Plan::Part(40..100)),
            (Some("*"), None, Plan::Part(40..100)),
            (None, Some(EARLIER), Plan::PreconditionFailed),
            (None, Some(THEN), Plan::Part(40..100)),
            (None, Some("yesterday"), Plan::Part(40..100)),
        ] {
            let conditions = Conditions {
                range,
                if_match,
                if_unmodified_since,
                ..NONE
            };
            assert_eq!(planned(conditions), expected, "{if_match:?} {if_unmodified_since:?}");
        }
    }

    #[test]
    fn a_client_that_has_the_file_is_told_so() {
        for (if_none_match, if_modified_since, expected) in [
            (Some("\"64-abc\""), None, Plan::NotModified),
            (Some("W/\"64-abc\""), Some(EARLIER), Plan::NotModified),
            (Some("\"other\""), Some(LATER), Plan::Whole),
            (None, Some(THEN), Plan::NotModified),
            (None, Some(EARLIER), Plan::Whole),
            (None, Some("tomorrow"), Plan::Whole),
        ] {
            let conditions = Conditions {
                if_none_match,
                if_modified_since,
                ..NONE
            };
            assert_eq!(planned(conditions), expected, "{if_none_match:?} {if_modified_since:?}");
        }
    }
}
