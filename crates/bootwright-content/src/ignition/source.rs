//! Where contents come from: URLs, their checksums, and contents that stand in the URL itself.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// What is wrong with a URL that something is to be fetched from, if anything.
///
/// Ignition parses URLs as Go does; what it takes for `data:` are the characters of RFC 2396 in RFC 2397.
pub(crate) fn refusal(url: &str, minor: u8) -> Option<String> {
    let (scheme, rest) = url.split_once(':').unwrap_or(("", url));
    if url.chars().any(|c| c.is_ascii_control()) {
        return Some("the URL holds a control character".to_owned());
    }
    match scheme.to_ascii_lowercase().as_str() {
        "http" | "https" | "tftp" => authority(rest),
        "s3" => s3(rest),
        "gs" if minor >= 2 => authority(rest),
        "arn" if minor >= 4 => arn(rest),
        "data" => data(rest),
        _ => Some(format!(
            "`{}` is no kind of URL that Ignition 3.{minor} fetches from",
            shown(scheme, url)
        )),
    }
}

fn shown(scheme: &str, url: &str) -> String {
    let text = if scheme.is_empty() { url } else { scheme };
    text.chars().take(40).collect::<String>().escape_debug().to_string()
}

fn authority(rest: &str) -> Option<String> {
    let after = rest.strip_prefix("//")?;
    let host = after.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let refused = |c: char| c == ' ' || "<>\"{}|\\^`".contains(c);
    let port = match host.strip_prefix('[') {
        Some(literal) => match literal.split_once(']') {
            Some((_, port)) => port,
            None => return Some("the URL's host begins with `[` and has no `]`".to_owned()),
        },
        None => host.find(':').and_then(|colon| host.get(colon..)).unwrap_or_default(),
    };
    let port_fits = port.is_empty()
        || port
            .strip_prefix(':')
            .is_some_and(|port| port.bytes().all(|b| b.is_ascii_digit()));
    if host.contains(refused) || !port_fits {
        return Some(format!("the URL's host `{}` is none", host.escape_debug()));
    }
    bad_escape(after)
}

fn s3(rest: &str) -> Option<String> {
    let query = rest.split_once('?').map_or("", |(_, query)| query);
    let empty_version = query.split('&').any(|pair| pair == "versionId=" || pair == "versionId");
    match empty_version {
        true => Some("the URL's `versionId` is empty".to_owned()),
        false => authority(rest),
    }
}

/// `arn:PARTITION:s3:REGION:ACCOUNT:BUCKET/KEY`.
fn arn(rest: &str) -> Option<String> {
    let parts: Vec<&str> = rest.splitn(5, ':').collect();
    match parts.as_slice() {
        [_, "s3", _, _, resource] if resource.contains('/') => None,
        _ => Some("the ARN names no object in S3, such as `arn:aws:s3:::bucket/key`".to_owned()),
    }
}

fn bad_escape(text: &str) -> Option<String> {
    let path = text.split(['?']).next().unwrap_or_default();
    for (place, _) in path.match_indices('%') {
        let digits = path.get(place + 1..place + 3).unwrap_or_default();
        if digits.len() != 2 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Some("a `%` in the URL is not followed by two hexadecimal digits".to_owned());
        }
    }
    None
}

fn data(rest: &str) -> Option<String> {
    let Some((media, data)) = rest.split_once(',') else {
        return Some("a `data:` URL needs a comma before its data".to_owned());
    };
    let (media, base64) = match media.strip_suffix(";base64") {
        Some(media) => (media, true),
        None => (media, false),
    };
    let kind = media.split(';').next().unwrap_or_default();
    if !kind.is_empty() && !kind.contains('/') {
        return Some(format!("`{}` is no type of media", kind.escape_debug()));
    }
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.!~*'();/?:@&=+$,%#".contains(c);
    if let Some(wrong) = data.chars().find(|c| !fits(*c)) {
        let message = format!("`{}` must not stand in a `data:` URL as it is", wrong.escape_debug());
        return Some(message);
    }
    if base64 {
        return STANDARD
            .decode(data)
            .err()
            .map(|_| "the data are not in Base64".to_owned());
    }
    bad_escape(data)
}

/// What is wrong with a checksum, if anything.
pub(crate) fn hash_refusal(hash: &str, minor: u8) -> Option<String> {
    let Some((function, sum)) = hash.split_once('-') else {
        return Some("a checksum is written as `sha512-` and its hexadecimal digits".to_owned());
    };
    let digits = match function {
        "sha512" => 128,
        "sha256" if minor >= 1 => 64,
        _ => {
            return Some(format!(
                "`{}` is no checksum that Ignition 3.{minor} knows",
                function.escape_debug()
            ));
        }
    };
    (sum.len() != digits).then(|| format!("a {function} has {digits} hexadecimal digits, not {}", sum.len()))
}
