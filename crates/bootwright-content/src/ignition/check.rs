//! What an Ignition 3 configuration must hold beyond its shape, as Ignition itself decides before it starts.
//!
//! Checked against the real program by `tests/it/ignition.rs`.

mod storage;

use std::collections::BTreeMap;

use super::schema::{CONFIG, Field, Key, Kind};
use super::{source, unit};
use crate::tree::{Fault, Node, Value};

/// Everything that is wrong, or odd, with a configuration of version 3.`minor` that has its shape.
pub(crate) fn check(config: &Node, minor: u8, faults: &mut Vec<Fault>) {
    twice(config, CONFIG, faults);
    if let Some(ignition) = config.get("ignition") {
        self::ignition(ignition, minor, faults);
    }
    if let Some(storage) = config.get("storage") {
        storage::check(storage, minor, faults);
    }
    if let Some(arguments) = config.get("kernelArguments") {
        let wanted: Vec<&str> = texts(arguments, "shouldExist").collect();
        for argument in arguments.list("shouldNotExist") {
            if argument.as_text().is_some_and(|text| wanted.contains(&text)) {
                faults.push(Fault::new(
                    &argument.span,
                    "the same argument should exist and should not",
                ));
            }
        }
    }
    if let Some(systemd) = config.get("systemd") {
        for node in systemd.list("units") {
            unit::check(node, faults);
        }
    }
}

fn texts<'a>(node: &'a Node, key: &str) -> impl Iterator<Item = &'a str> {
    node.list(key).iter().filter_map(Node::as_text)
}

fn ignition(node: &Node, minor: u8, faults: &mut Vec<Fault>) {
    if let Some(config) = node.get("config") {
        for merged in config.list("merge") {
            required(merged, minor, faults);
        }
        if let Some(replacement) = config.get("replace") {
            resource(replacement, minor, faults);
        }
    }
    let authorities = node.get("security").and_then(|security| security.get("tls"));
    for authority in authorities.map_or(&[][..], |tls| tls.list("certificateAuthorities")) {
        required(authority, minor, faults);
    }
    if let Some(proxy) = node.get("proxy") {
        for key in ["httpProxy", "httpsProxy"] {
            let Some(url) = proxy.text(key) else { continue };
            let scheme = url
                .split_once(':')
                .map_or("", |(scheme, _)| scheme)
                .to_ascii_lowercase();
            if scheme != "http" && scheme != "https" {
                faults.push(Fault::new(
                    proxy.at(key),
                    "a proxy's URL begins with `http://` or `https://`",
                ));
            } else if scheme == "http" && key == "httpsProxy" {
                let message = "what is fetched by HTTPS goes to this proxy in clear text";
                faults.push(Fault::warning(proxy.at(key), message));
            }
        }
    }
}

/// A resource without which there is nothing to do.
fn required(node: &Node, minor: u8, faults: &mut Vec<Fault>) {
    if node.text("source").unwrap_or_default().is_empty() {
        faults.push(Fault::new(&node.span, "a `source` is needed"));
    }
    resource(node, minor, faults);
}

/// Something that is fetched.
fn resource(node: &Node, minor: u8, faults: &mut Vec<Fault>) {
    let url = node.text("source");
    if let Some(message) = url
        .filter(|url| !url.is_empty())
        .and_then(|url| source::refusal(url, minor))
    {
        faults.push(Fault::new(node.at("source"), message));
    }
    if let Some(compression) = node.text("compression")
        && !matches!(compression, "" | "gzip")
    {
        let message = format!("`{}` is no compression that Ignition knows", compression.escape_debug());
        faults.push(Fault::new(node.at("compression"), message).hint("use `gzip`, or leave it out"));
    }
    if let Some(verification) = node.get("verification")
        && let Some(hash) = verification.text("hash")
    {
        let message = source::hash_refusal(hash, minor);
        let message = message.or_else(|| url.is_none().then(|| "a checksum needs a `source` to be of".to_owned()));
        if let Some(message) = message {
            faults.push(Fault::new(verification.at("hash"), message));
        }
    }
    let headers = node.list("httpHeaders");
    let by_http = url.is_some_and(|url| {
        let scheme = url
            .split_once(':')
            .map_or("", |(scheme, _)| scheme)
            .to_ascii_lowercase();
        scheme == "http" || scheme == "https"
    });
    if !headers.is_empty() && !by_http {
        let message = "only a `source` of `http://` or `https://` is asked for with headers";
        faults.push(Fault::new(node.at("httpHeaders"), message));
    }
    for header in headers {
        if header.text("name").unwrap_or_default().is_empty() {
            faults.push(Fault::new(header.at("name"), "a header needs a `name`"));
        }
        if header.text("value") == Some("") {
            faults.push(Fault::new(header.at("value"), "a header's `value` must not be empty"));
        }
    }
}

/// What is wrong with an absolute path, if anything.
fn path_refusal(path: &str) -> Option<&'static str> {
    if path.is_empty() {
        return Some("a path is needed");
    }
    if !path.starts_with('/') {
        return Some("the path must be absolute: it begins with `/`");
    }
    let clean = path == "/" || path.split('/').skip(1).all(|part| !matches!(part, "" | "." | ".."));
    (!clean).then_some("the path must be in its shortest form: no `//`, `.`, `..` or `/` at its end")
}

/// Checks that a path is given, and absolute.
fn path(node: &Node, key: &str, faults: &mut Vec<Fault>) {
    if let Some(message) = path_refusal(node.text(key).unwrap_or_default()) {
        faults.push(Fault::new(node.at(key), message));
    }
}

/// What makes an entry of a list the same as another one.
pub(crate) fn identity(node: &Node, key: Key) -> Option<String> {
    match key {
        Key::Never => None,
        Key::Of(key) => Some(node.text(key).unwrap_or_default().to_owned()),
        Key::Partition => Some(match (node.whole("number").unwrap_or_default(), node.text("label")) {
            (0, None) => String::new(),
            (0, Some(label)) => format!("label:{label}"),
            (number, _) => format!("number:{number}"),
        }),
    }
}

/// What is given twice within one list. Files, directories and links are of one kind here: `storage` sees to them.
fn twice(node: &Node, fields: &[Field], faults: &mut Vec<Fault>) {
    for field in fields {
        let Some(inner) = node.get(field.name) else { continue };
        match (field.kind, &inner.value) {
            (Kind::One(fields), _) => twice(inner, fields, faults),
            (Kind::Texts, Value::List(items)) => {
                let mut seen = BTreeMap::new();
                for item in items {
                    if let Some(text) = item.as_text()
                        && seen.insert(text, ()).is_some()
                    {
                        let message = format!("`{}` is given twice", text.escape_debug());
                        faults.push(Fault::new(&item.span, message));
                    }
                }
            }
            (Kind::Many(fields, key), Value::List(items)) => {
                let mut seen = BTreeMap::new();
                for item in items {
                    twice(item, fields, faults);
                    let by_path = matches!(key, Key::Of("path"));
                    let Some(identity) = identity(item, key).filter(|_| !by_path) else {
                        continue;
                    };
                    if seen.insert(identity.clone(), ()).is_some() {
                        let name = match key {
                            Key::Of(key) => key,
                            Key::Partition | Key::Never => "number or label",
                        };
                        let shown = identity.trim_start_matches("label:").trim_start_matches("number:");
                        let message = format!("a second entry with the {name} `{}`", shown.escape_debug());
                        faults.push(Fault::new(&item.span, message).hint("put both into one entry"));
                    }
                }
            }
            _ => {}
        }
    }
}
