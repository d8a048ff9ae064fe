//! Under which names the control plane is asked for, and by which pages. A name that is not ours is some site's that had it
//! lead to us (DNS rebinding); a page that is not ours has no business here.

use std::net::IpAddr;

use hyper::HeaderMap;
use hyper::Uri;
use hyper::header::{self, AsHeaderName, HeaderValue};

/// The one value of a header; nothing where there is none, several, or no text.
pub(super) fn only(headers: &HeaderMap, name: impl AsHeaderName) -> Option<&str> {
    let mut values = headers.get_all(name).iter();
    match (values.next().map(HeaderValue::to_str), values.next()) {
        (Some(Ok(value)), None) => Some(value),
        _ => None,
    }
}

/// What a request says that it is for: `name`, `name:port`, `[address]:port`.
pub(super) fn authority<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Option<&'a str> {
    let host = only(headers, header::HOST)?;
    // In absolute form both say it (RFC 9112, 3.2.2); they may not differ.
    match uri.authority() {
        Some(authority) if authority.as_str() != host => None,
        Some(_) | None => Some(host),
    }
}

/// Whether this authority is ours: the address that was connected to, this box by itself, or a name of the configuration.
pub(super) fn is_ours(authority: &str, local: IpAddr, names: &[String]) -> bool {
    let name = without_port(authority);
    let bare = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'))
        .unwrap_or(name);
    if let Ok(address) = bare.parse::<IpAddr>() {
        let address = address.to_canonical();
        return address == local.to_canonical() || address.is_loopback() || names.iter().any(|own| is_name(own, name));
    }
    let name = name.strip_suffix('.').unwrap_or(name);
    name.eq_ignore_ascii_case("localhost") || names.iter().any(|own| is_name(own, name))
}

fn is_name(own: &str, name: &str) -> bool {
    without_port(own).eq_ignore_ascii_case(name)
}

fn without_port(authority: &str) -> &str {
    if authority.starts_with('[') {
        return authority.find(']').map_or(authority, |end| &authority[..=end]);
    }
    match authority.rsplit_once(':') {
        // More than one colon is an address of IPv6 without brackets.
        Some((name, _)) if !name.contains(':') => name,
        Some(_) | None => authority,
    }
}

/// Whether the page that sends this request, if one does, is of ours. `authority` is what the request is for. Programs and
/// old browsers say neither; who has a session then still needs its word.
pub(super) fn is_own_page(headers: &HeaderMap, authority: &str, secure: bool, names: &[String]) -> bool {
    let site = match headers.contains_key("sec-fetch-site") {
        // What a person typed or kept as a bookmark is `none`.
        true => matches!(only(headers, "sec-fetch-site"), Some("same-origin" | "none")),
        false => true,
    };
    let origin = match headers.contains_key(header::ORIGIN) {
        true => only(headers, header::ORIGIN).is_some_and(|origin| is_own_origin(origin, authority, secure, names)),
        false => true,
    };
    site && origin
}

fn is_own_origin(origin: &str, authority: &str, secure: bool, names: &[String]) -> bool {
    let Some((scheme, from)) = origin.split_once("://") else {
        return false;
    };
    // Without TLS of ours there may be some in front of us.
    let by = scheme == "https" || (!secure && scheme == "http");
    by && (from.eq_ignore_ascii_case(authority) || names.iter().any(|own| own.eq_ignore_ascii_case(from)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCAL: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 2));

    #[test]
    fn threat_18_only_our_own_addresses_and_names_are_ours() {
        let names = ["boot.example.net".to_owned(), "alias:9443".to_owned()];
        for ours in [
            "10.0.0.2",
            "10.0.0.2:8443",
            "127.0.0.1:8443",
            "[::1]:8443",
            "[::1]",
            "localhost",
            "LocalHost:1",
            "boot.example.net",
            "BOOT.example.net.:8443",
            "alias",
        ] {
            assert!(is_ours(ours, LOCAL, &names), "{ours}");
        }
        for other in [
            "",
            ":8443",
            "10.0.0.3",
            "evil.example",
            "boot.example.net.evil.example",
            "evil.example:8443",
            "localhost.evil.example",
            "10.0.0.2.nip.io",
            "[2001:db8::1]:8443",
            "0.0.0.0",
            "boot.example.net@evil.example",
        ] {
            assert!(!is_ours(other, LOCAL, &names), "{other}");
        }
        assert!(is_ours("[2001:db8::1]:8443", "2001:db8::1".parse().unwrap(), &[]));
    }

    #[test]
    fn threat_17_pages_of_others_are_not_ours() {
        let names = ["boot.example.net".to_owned()];
        let asked = |pairs: &[(&str, &str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                let name: header::HeaderName = name.parse().unwrap();
                headers.append(name, value.parse().unwrap());
            }
            is_own_page(&headers, "10.0.0.2:8443", true, &names)
        };
        for own in [
            &[][..],
            &[("origin", "https://10.0.0.2:8443")],
            &[
                ("origin", "https://boot.example.net"),
                ("sec-fetch-site", "same-origin"),
            ],
            &[("sec-fetch-site", "none")],
        ] {
            assert!(asked(own), "{own:?}");
        }
        for other in [
            &[("origin", "null")][..],
            &[("origin", "")],
            &[("origin", "https://10.0.0.2")],
            &[("origin", "http://10.0.0.2:8443")],
            &[("origin", "https://10.0.0.2:8080")],
            &[("origin", "https://evil.example")],
            &[("origin", "https://boot.example.net.evil.example")],
            &[("origin", "https://10.0.0.2:8443"), ("origin", "https://evil.example")],
            &[("origin", "https://10.0.0.2:8443"), ("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "")],
        ] {
            assert!(!asked(other), "{other:?}");
        }
    }
}
