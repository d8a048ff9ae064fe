//! `[server]`, `[control]`, `[tftp]`, `[store]`, and of `[dhcp]` what is no policy.

use std::net::IpAddr;

use crate::daemon::{BaseUrl, Daemon, Listen, Sockets, Store, Tls};
use crate::finding::Findings;
use crate::node::{At, Entry, Table, Value};
use crate::section::{Section, choice, wrong_kind};

pub(super) fn lower(root: &Table, findings: &mut Findings) -> Daemon {
    let mut daemon = Daemon::default();
    server(root, &mut daemon, findings);
    control(root, &mut daemon, findings);
    dhcp(root, &mut daemon, findings);
    tftp(root, &mut daemon, findings);
    store(root, &mut daemon, findings);
    daemon
}

fn server(root: &Table, daemon: &mut Daemon, findings: &mut Findings) {
    let Some(mut section) = Section::of(root, "server", findings) else {
        return;
    };
    for (name, at) in section.texts("interfaces", "eth1", findings) {
        if name.is_empty() || name.contains(|c: char| c == '/' || c.is_whitespace() || c.is_control()) {
            findings
                .error(at, format!("`{}` is no interface name", name.escape_debug()))
                .hint = Some("write a name such as `eth1`, or a pattern such as `en*`".to_owned());
        } else {
            daemon.interfaces.push(name.to_owned());
        }
    }
    if let Some((text, at)) = section.text("base_url", "auto", findings)
        && let Some(base_url) = base_url(text, at, findings)
    {
        daemon.base_url = base_url;
    }
    if let Some(listen) = listen(&mut section, "http", ":8080", findings) {
        daemon.http = listen;
    }
    if let Some((path, at)) = section.text("data_dir", "/var/lib/bootwright", findings) {
        daemon.data_dir = absolute("server.data_dir", path, at, findings);
    }
    if let Some((text, at)) = section.text("syslog", "off", findings)
        && text != "off"
    {
        daemon.syslog = listen_at("server.syslog", text, at, ":514", findings);
    }
    section.finish(findings);
}

fn control(root: &Table, daemon: &mut Daemon, findings: &mut Findings) {
    let Some(mut section) = Section::of(root, "control", findings) else {
        return;
    };
    if section
        .take("listen")
        .is_some_and(|entry| matches!(&entry.node.value, Value::Text(text) if text == "off"))
    {
        daemon.control.listen = None;
    } else if let Some(listen) = listen(&mut section, "listen", ":8443", findings) {
        daemon.control.listen = Some(listen);
    }
    if let Some(entry) = section.take("tls")
        && let Some(tls) = tls(&section.key("tls"), entry, findings)
    {
        let beyond = daemon.control.listen.filter(|listen| !listen.is_loopback());
        if tls == Tls::Off && beyond.is_some() {
            let message = "`control.tls`: without TLS, passwords and tokens cross the network in the clear";
            findings.warn(&entry.node.at, message).hint = Some(
                "let the proxy that has the certificate run on this box, and listen on `\"127.0.0.1:8443\"`".to_owned(),
            );
        }
        daemon.control.tls = tls;
    }
    for (name, at) in section.texts("hosts", "boot.example.net", findings) {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
        if name.is_empty() || !name.chars().all(fits) {
            findings
                .error(at, format!("`{}` is no host name", name.escape_debug()))
                .hint = Some("write the name that a browser asks for, such as `boot.example.net`".to_owned());
        } else {
            daemon.control.hosts.push(name.to_owned());
        }
    }
    section.finish(findings);
}

/// `"self-signed"`, `"off"`, or a table with the paths of the site's own certificate and key.
fn tls(name: &str, entry: &Entry, findings: &mut Findings) -> Option<Tls> {
    match &entry.node.value {
        Value::Text(text) => {
            let choices = [("self-signed", ()), ("off", ())];
            choice(name, text, &entry.node.at, &choices, findings)?;
            Some(if text == "off" { Tls::Off } else { Tls::SelfSigned })
        }
        Value::Table(_) => {
            let mut own = Section::new(name.to_owned(), entry, findings);
            let mut path = |key| {
                let found = own.text(key, "/etc/bootwright/control.pem", findings);
                if found.is_none() {
                    findings.error(&entry.node.at, format!("`{name}` needs `{key}`")).hint =
                        Some("write `tls = { cert = \"/path/of/chain.pem\", key = \"/path/of/key.pem\" }`".to_owned());
                }
                let (path, at) = found?;
                absolute(&format!("{name}.{key}"), path, at, findings)
            };
            let (cert, key) = (path("cert"), path("key"));
            own.finish(findings);
            Some(Tls::Own { cert: cert?, key: key? })
        }
        other => {
            wrong_kind(
                name,
                "text or a table",
                &entry.node.at,
                other,
                "\"self-signed\"",
                findings,
            );
            None
        }
    }
}

fn dhcp(root: &Table, daemon: &mut Daemon, findings: &mut Findings) {
    // `dhcp::lower_policy` reads the other keys of this section and complains about unknown ones.
    let mut section = match root.get("dhcp").map(|entry| &entry.node.value) {
        Some(Value::Table(_)) => match Section::of(root, "dhcp", findings) {
            Some(section) => section,
            None => return,
        },
        _ => return,
    };
    let choices = [
        ("auto", Sockets::Auto),
        ("kernel", Sockets::Kernel),
        ("packet", Sockets::Packet),
    ];
    if let Some((text, at)) = section.text("sockets", "auto", findings)
        && let Some(sockets) = choice("dhcp.sockets", text, at, &choices, findings)
    {
        daemon.dhcp.sockets = sockets;
    }
}

fn tftp(root: &Table, daemon: &mut Daemon, findings: &mut Findings) {
    let Some(mut section) = Section::of(root, "tftp", findings) else {
        return;
    };
    // The bounds are those of RFC 2348 and RFC 7440; less than one ordinary block would serve nobody.
    let number = |number: u32| u16::try_from(number).unwrap_or(u16::MAX);
    if let Some(size) = section.number("max_blksize", 512, 65_464, findings) {
        daemon.tftp.max_blksize = number(size);
    }
    if let Some(size) = section.number("max_windowsize", 1, 65_535, findings) {
        daemon.tftp.max_windowsize = number(size);
    }
    if let Some(strict) = section.bool("strict", findings) {
        daemon.tftp.strict = strict;
    }
    if let Some((path, at)) = section.text("root", "/srv/tftp", findings) {
        daemon.tftp.root = absolute("tftp.root", path, at, findings);
    }
    if let Some((path, at)) = section.text("raspberry_pi", "/srv/raspberry-pi", findings) {
        daemon.tftp.raspberry_pi = absolute("tftp.raspberry_pi", path, at, findings);
    }
    section.finish(findings);
}

fn store(root: &Table, daemon: &mut Daemon, findings: &mut Findings) {
    let Some(mut section) = Section::of(root, "store", findings) else {
        return;
    };
    if let Some((url, at)) = section.text("url", "sqlite", findings) {
        if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            findings
                .error(at, "`store.url`: PostgreSQL is not in this version")
                .hint = Some("write `\"sqlite\"`, or leave the key out".to_owned());
        } else if let Some(store) = choice("store.url", url, at, &[("sqlite", Store::Sqlite)], findings) {
            daemon.store = store;
        }
    }
    section.finish(findings);
}

/// `:8080`, `10.0.0.1:8080` or `[2001:db8::1]:8080`.
pub(super) fn listen(
    section: &mut Section<'_>,
    key: &'static str,
    example: &str,
    findings: &mut Findings,
) -> Option<Listen> {
    let (text, at) = section.text(key, example, findings)?;
    listen_at(&section.key(key).to_string(), text, at, example, findings)
}

/// An address and a port, or the port alone.
fn listen_at(key: &str, text: &str, at: &At, example: &str, findings: &mut Findings) -> Option<Listen> {
    let read = text.rsplit_once(':').and_then(|(address, port)| {
        let port = port.parse().ok().filter(|port| *port != 0)?;
        let bare = address.strip_prefix('[').and_then(|address| address.strip_suffix(']'));
        let address = match (address, bare) {
            ("", _) => None,
            (_, Some(bare)) => Some(IpAddr::V6(bare.parse().ok()?)),
            (address, None) => Some(IpAddr::V4(address.parse().ok()?)),
        };
        Some(Listen { address, port })
    });
    if read.is_none() {
        let message = format!("`{key}`: `{}` is no address to listen on", text.escape_debug());
        findings.error(at, message).hint = Some(format!(
            "write a port, as in `\"{example}\"`, or an address and a port, as in `\"10.0.0.1{example}\"`"
        ));
    }
    read
}

fn base_url(text: &str, at: &At, findings: &mut Findings) -> Option<BaseUrl> {
    if text == "auto" {
        return Some(BaseUrl::Auto);
    }
    let authority = text
        .strip_prefix("http://")
        .map(|rest| rest.strip_suffix('/').unwrap_or(rest));
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
    match authority {
        Some(authority) if !authority.is_empty() && authority.chars().all(fits) => {
            Some(BaseUrl::Fixed(format!("http://{authority}")))
        }
        _ => {
            let hint = if text.starts_with("https:") {
                "machines fetch by plain HTTP, since boot firmware cannot do more: write `http://` and the name or address"
            } else {
                "write `\"auto\"`, or a URL without a path such as `\"http://10.0.0.1:8080\"`"
            };
            let message = format!(
                "`server.base_url`: `{}` is no URL that machines can use",
                text.escape_debug()
            );
            findings.error(at, message).hint = Some(hint.to_owned());
            None
        }
    }
}

pub(super) fn absolute(name: &str, path: &str, at: &At, findings: &mut Findings) -> Option<String> {
    if path.starts_with('/') && !path.contains(char::is_control) {
        return Some(path.to_owned());
    }
    findings.error(at, format!("`{name}` must be an absolute path")).hint = Some("begin it with `/`".to_owned());
    None
}
