//! The style sheet and the script: part of the binary, under names that change with what is in them, so that browsers may
//! keep them for a year.

pub(crate) mod token;

use std::sync::LazyLock;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use axum::response::IntoResponse as _;
use axum::routing::get;
use bytes::Bytes;
use sha2::{Digest as _, Sha256};

/// A year, the longest that caches honour.
const KEPT: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// One file.
struct Asset {
    path: String,
    media_type: HeaderValue,
    bytes: Bytes,
}

static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    let text = format!("{}{}", token::sheet(), include_str!("style.css"));
    asset(
        "console",
        "css",
        HeaderValue::from_static("text/css; charset=utf-8"),
        text,
    )
});

static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    let text = include_str!("script.js").to_owned();
    asset(
        "console",
        "js",
        HeaderValue::from_static("text/javascript; charset=utf-8"),
        text,
    )
});

static ICON: LazyLock<Asset> = LazyLock::new(|| {
    let text = include_str!("icon.svg").to_owned();
    asset("icon", "svg", HeaderValue::from_static("image/svg+xml"), text)
});

fn asset(name: &str, extension: &str, media_type: HeaderValue, text: String) -> Asset {
    let digest = Sha256::digest(text.as_bytes());
    let short: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    Asset {
        path: format!("/static/{name}-{short}.{extension}"),
        media_type,
        bytes: Bytes::from(text),
    }
}

/// Where the style sheet is.
#[must_use]
pub fn style_path() -> &'static str {
    &STYLE.path
}

/// Where the script is.
#[must_use]
pub fn script_path() -> &'static str {
    &SCRIPT.path
}

/// Where the picture of the page's tab is.
#[must_use]
pub fn icon_path() -> &'static str {
    &ICON.path
}

/// The files. They hold nothing of the site, so nobody needs to have logged in.
pub fn router() -> Router {
    [&*STYLE, &*SCRIPT, &*ICON]
        .into_iter()
        .fold(Router::new(), |router, asset| {
            router.route(&asset.path, get(async move || serve(asset)))
        })
}

fn serve(asset: &'static Asset) -> Response<Body> {
    let headers = [
        (header::CONTENT_TYPE, asset.media_type.clone()),
        (header::CACHE_CONTROL, KEPT),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    (StatusCode::OK, headers, asset.bytes.clone()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_and_the_sheet_are_small_and_ask_nobody_else() {
        assert!(SCRIPT.bytes.len() < 40_000, "{}", SCRIPT.bytes.len());
        assert!(STYLE.bytes.len() < 60_000, "{}", STYLE.bytes.len());
        for asset in [&*STYLE, &*SCRIPT] {
            let text = String::from_utf8(asset.bytes.to_vec()).unwrap();
            for foreign in [
                "http://",
                "https://",
                "@import",
                "url(",
                "innerHTML",
                "eval(",
                "document.write",
            ] {
                assert!(!text.contains(foreign), "{} has {foreign}", asset.path);
            }
        }
    }
}
