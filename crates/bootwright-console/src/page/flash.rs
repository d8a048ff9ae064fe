//! What was just done, told once on the next page: in a cookie that the page takes away.

use axum::http::{HeaderMap, HeaderValue, header};

use super::ask::escape;

/// The cookie's name.
const NAME: &str = "bootwright_flash";

/// The longest text that is told, in characters.
const TEXT_CHARS_MAX: usize = 600;

/// What is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Flash {
    /// Whether it went well.
    pub(crate) good: bool,
    /// What became of it.
    pub(crate) text: String,
    /// What to do about it.
    pub(crate) hint: Option<String>,
}

impl Flash {
    /// It went well.
    pub(crate) fn good(text: impl Into<String>) -> Self {
        Self {
            good: true,
            text: text.into(),
            hint: None,
        }
    }

    /// What the request brought, if anything.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let value = cookie(headers, NAME)?;
        let mut parts = value.splitn(3, '.');
        let good = parts.next()? == "good";
        let text = decode(parts.next()?);
        let hint = parts.next().map(decode).filter(|hint| !hint.is_empty());
        (!text.is_empty()).then_some(Self { good, text, hint })
    }

    /// The header that brings it to the next page.
    pub(crate) fn header(&self) -> Option<HeaderValue> {
        let short = |text: &str| escape(&text.chars().take(TEXT_CHARS_MAX).collect::<String>()).replace('.', "%2E");
        let kind = if self.good { "good" } else { "bad" };
        let hint = self.hint.as_deref().map(short).unwrap_or_default();
        let value = format!(
            "{NAME}={kind}.{}.{hint}; Path=/; Max-Age=60; HttpOnly; SameSite=Strict",
            short(&self.text)
        );
        HeaderValue::from_str(&value).ok()
    }

    /// The header that takes it away.
    pub(crate) fn gone() -> HeaderValue {
        HeaderValue::from_static("bootwright_flash=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict")
    }
}

/// The value of a cookie.
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let all = headers.get_all(header::COOKIE).into_iter();
    all.filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
}

fn decode(text: &str) -> String {
    let query = bootwright_proto::http::Query::new(format!("x={text}").as_bytes());
    query.get("x").unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_comes_back_whatever_it_says() {
        let flash = Flash {
            good: false,
            text: "oak-42: no; <b>\"&' ä 50 %.".to_owned(),
            hint: Some("a.b=c; d".to_owned()),
        };
        let header = flash.header().unwrap();
        let value = header.to_str().unwrap().split(';').next().unwrap().to_owned();
        let mut headers = HeaderMap::new();
        headers.insert(
            header::COOKIE,
            HeaderValue::from_str(&format!("a=b; {value}; c=d")).unwrap(),
        );
        assert_eq!(Flash::of(&headers), Some(flash));
        assert_eq!(Flash::of(&HeaderMap::new()), None);
    }
}
