//! The beginning of every URL that we hand to a machine.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

/// How the machine plane is reached from one segment, such as `http://10.77.0.1:8080`; it has no slash at its end.
///
/// Scripts carry it without further escaping, so that it holds only characters that mean nothing to a script.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BaseUrl(String);

/// A text that is no base URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotBaseUrl;

/// Longer URLs do not fit in the `file` field of a DHCP reply together with the name of a script.
const BYTES_MAX: usize = 100;

impl BaseUrl {
    /// The URL of the machine plane that listens at this address.
    #[must_use]
    pub fn of(address: SocketAddr) -> Self {
        Self(format!("http://{address}"))
    }

    /// Whether it names its host by an IPv4 address, which is of no use to a machine that boots over IPv6.
    #[must_use]
    pub fn is_ipv4(&self) -> bool {
        let (_, rest) = self.0.split_once("://").unwrap_or(("", &self.0));
        let host = rest.split(['/', ':']).next().unwrap_or_default();
        host.parse::<std::net::Ipv4Addr>().is_ok()
    }

    /// The URL as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The URL of a path, which begins with a slash.
    #[must_use]
    pub fn join(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }

    /// The absolute URL of what a profile calls `source`: a path on the machine plane, or a URL of its own.
    #[must_use]
    pub fn resolve(&self, source: &str) -> String {
        if source.starts_with('/') {
            self.join(source)
        } else {
            source.to_owned()
        }
    }
}

impl FromStr for BaseUrl {
    type Err = NotBaseUrl;

    /// Reads `http://` or `https://`, a host, and perhaps a port and a path; a slash at the end is left out.
    fn from_str(text: &str) -> Result<Self, NotBaseUrl> {
        let text = text.trim_end_matches('/');
        let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
        let host = rest.ok_or(NotBaseUrl)?;
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b".:-_/[]".contains(&byte);
        let starts_well = host.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '[');
        let dots = host.split('/').any(|segment| segment == "..");
        if starts_well && !dots && text.len() <= BYTES_MAX && host.bytes().all(fits) {
            Ok(Self(text.to_owned()))
        } else {
            Err(NotBaseUrl)
        }
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for NotBaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "not a base URL: expected up to {BYTES_MAX} characters such as `http://10.0.0.2:8080`"
        )
    }
}

impl std::error::Error for NotBaseUrl {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_both_families_make_urls() {
        let of = |text: &str| BaseUrl::of(text.parse().expect(text)).to_string();
        assert_eq!(of("10.77.0.1:8080"), "http://10.77.0.1:8080");
        assert_eq!(of("[fd00:77::1]:8080"), "http://[fd00:77::1]:8080");
    }

    #[test]
    fn what_could_change_a_script_is_no_base_url() {
        for bad in [
            "",
            "10.0.0.1:8080",
            "ftp://10.0.0.1",
            "http://",
            "http://a b",
            "http://a\n",
            "http://${net0/ip}",
            "http://user@host",
            "http://a/../b",
            "http://a?b",
            "http://a#b",
        ] {
            assert_eq!(bad.parse::<BaseUrl>(), Err(NotBaseUrl), "{bad:?}");
        }
        let good: BaseUrl = "http://boot.example:8080/".parse().expect("a URL");
        assert_eq!(good.join("/boot.ipxe"), "http://boot.example:8080/boot.ipxe");
        assert_eq!(good.resolve("https://mirror/linux"), "https://mirror/linux");
    }
}
