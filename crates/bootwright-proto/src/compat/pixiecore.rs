//! The API that Pixiecore asks, from both of its ends: `docs/dialects.md`, section 4.

use bootwright_core::MacAddr;
use serde::Serialize;
use serde_json::{Map, Value};

use super::{go, printable, split};
use crate::http::Query;

/// The longest answer of such an API that is read, in bytes.
pub const ANSWER_BYTES_MAX: usize = 64 << 10;

/// The most initial ramdisks, and the most files that a command line may name.
pub const FILES_MAX: usize = 32;

/// What `/_/booting` says.
pub const BOOTING: &str = "# Booting";

/// A question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// For what.
    pub route: Route,
    /// What stands behind the question mark.
    pub query: Query,
}

/// A route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// `/v1/boot/<mac>`, also below `/pixiecore`: the address, or what stands in its place.
    Boot(Result<MacAddr, String>),
    /// `/_/ipxe?arch=&mac=`: a machine asks for its script.
    Script,
    /// `/_/file?name=&type=&mac=`: a machine asks for a file that the API named.
    File,
    /// `/_/booting?mac=`: a machine says that it has everything.
    Booting,
}

impl Route {
    /// The name of the route, which holds nothing that a machine sent.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Boot(_) => "/pixiecore/v1/boot",
            Self::Script => "/_/ipxe",
            Self::File => "/_/file",
            Self::Booting => "/_/booting",
        }
    }
}

/// Reads a target; nothing if it is none of Pixiecore's or its API's.
#[must_use]
pub fn parse(target: &[u8]) -> Option<Request> {
    let (segments, query) = split(target)?;
    let words: Vec<&str> = segments.iter().map(String::as_str).collect();
    let route = match words.as_slice() {
        ["v1", "boot", mac] | ["pixiecore", "v1", "boot", mac] => {
            Route::Boot(mac.parse().map_err(|_| (*mac).to_owned()))
        }
        ["_", "ipxe"] => Route::Script,
        ["_", "file"] => Route::File,
        ["_", "booting"] => Route::Booting,
        _ => return None,
    };
    Some(Request { route, query })
}

/// What is wrong with a question for a script, in Pixiecore's words.
///
/// # Errors
/// The words of its answer with status 400.
pub fn check_script(query: &Query) -> Result<MacAddr, &'static str> {
    let mac = query.get("mac").filter(|text| !text.is_empty());
    let mac = mac.ok_or("missing MAC address parameter\n")?;
    let arch = query.get("arch").filter(|text| !text.is_empty());
    let arch = arch.ok_or("missing architecture parameter\n")?;
    let mac = mac.parse().map_err(|_| "invalid MAC address\n")?;
    match arch.parse::<u32>() {
        Ok(0 | 1) => Ok(mac),
        Ok(_) => Err("unknown architecture\n"),
        Err(_) => Err("invalid architecture\n"),
    }
}

/// What a machine boots, as we answer to Pixiecore.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Spec {
    /// The kernel's URL.
    pub kernel: String,
    /// The URLs of what goes with it.
    pub initrd: Vec<String>,
    /// The command line, in which Pixiecore would fill in what stands between two braces.
    pub cmdline: String,
    /// What the console may say meanwhile.
    pub message: String,
}

impl Spec {
    /// The answer, if its words can stand in a script.
    ///
    /// # Errors
    /// The first word that cannot.
    pub fn json(&self) -> Result<String, String> {
        for word in [&self.kernel, &self.cmdline].into_iter().chain(&self.initrd) {
            printable(word)?;
        }
        let spec = Self {
            cmdline: self.cmdline.replace("{{", "{{\"{{\"}}"),
            ..self.clone()
        };
        go::json(&spec).ok_or_else(|| "it is no JSON".to_owned())
    }
}

/// What such an API says that a machine boots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Boot {
    /// The kernel.
    pub kernel: String,
    /// What goes with it.
    pub initrds: Vec<String>,
    /// The command line, with what is to be filled in.
    pub cmdline: String,
    /// What the console may say.
    pub message: Option<String>,
}

impl Boot {
    /// Reads an answer.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(json: &[u8]) -> Result<Self, String> {
        let read: Value = serde_json::from_slice(json).map_err(|error| format!("it is no JSON: {error}"))?;
        let Value::Object(fields) = read else {
            return Err("it is no JSON object".to_owned());
        };
        let text = |key: &str| match fields.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(format!("its `{key}` is no text")),
        };
        if text("ipxe-script")?.is_some_and(|script| !script.is_empty()) {
            return Err("it is an `ipxe-script`, of which nobody can tell what it does to a disk".to_owned());
        }
        let kernel = text("kernel")?.filter(|kernel| !kernel.is_empty());
        let initrds = match fields.get("initrd") {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(list)) if list.len() <= FILES_MAX => {
                let texts = list.iter().map(|item| item.as_str().map(str::to_owned));
                texts
                    .collect::<Option<Vec<String>>>()
                    .ok_or("its `initrd` is no list of texts")?
            }
            Some(Value::Array(_)) => return Err(format!("its `initrd` has more than {FILES_MAX} entries")),
            Some(_) => return Err("its `initrd` is no list".to_owned()),
        };
        let cmdline = match fields.get("cmdline") {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(Value::Object(words)) => words_of(words)?,
            Some(_) => return Err("its `cmdline` is neither text nor an object".to_owned()),
        };
        Ok(Self {
            kernel: kernel.ok_or("it has no `kernel`")?,
            initrds,
            cmdline,
            message: text("message")?,
        })
    }
}

/// The older form of a command line: names in their order, as a text.
fn words_of(words: &Map<String, Value>) -> Result<String, String> {
    let mut sorted: Vec<(&String, &Value)> = words.iter().collect();
    sorted.sort_by_key(|(key, _)| *key);
    let written = sorted.into_iter().map(|(key, value)| match value {
        Value::Bool(_) => Ok(key.clone()),
        Value::String(text) => Ok(format!("{key}={}", Value::from(text.as_str()))),
        Value::Object(call) => match call.get("url").and_then(Value::as_str) {
            Some(url) if call.len() == 1 => Ok(format!("{key}={{{{ URL {} }}}}", Value::from(url))),
            _ => Err(format!("its `cmdline.{key}` is no object with `url` alone")),
        },
        Value::Null | Value::Number(_) | Value::Array(_) => {
            Err(format!("its `cmdline.{key}` is neither text, true, false nor a URL"))
        }
    });
    written
        .collect::<Result<Vec<String>, String>>()
        .map(|words| words.join(" "))
}

/// What may be called in a command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// `{{ URL "…" }}`: the URL under which the server hands that file out.
    Url,
    /// `{{ ID "…" }}`: the name of that file there, without the rest of the URL.
    Id,
}

/// A command line with everything filled in: a small part of Go's templates, texts and the two functions that there are.
/// What comes between is given to `plain`.
///
/// # Errors
/// What cannot be filled in, or would be another line of a script.
pub fn expand(
    template: &str,
    mut plain: impl FnMut(&str) -> String,
    mut call: impl FnMut(Function, &str) -> Result<String, String>,
) -> Result<String, String> {
    let mut out = String::new();
    let (mut rest, mut trims, mut calls) = (template, false, 0_usize);
    loop {
        let (before, inside) = match rest.split_once("{{") {
            Some((before, inside)) => (before, Some(inside)),
            None => (rest, None),
        };
        let before = if trims { before.trim_start() } else { before };
        let Some(inside) = inside else {
            out.push_str(&plain(printable(before)?));
            return Ok(out);
        };
        let cuts = inside
            .strip_prefix('-')
            .filter(|rest| rest.starts_with(char::is_whitespace));
        let before = if cuts.is_some() { before.trim_end() } else { before };
        out.push_str(&plain(printable(before)?));
        let action = cuts.unwrap_or(inside).trim_start();
        let unknown = || {
            let shown: String = action.chars().take(40).collect();
            format!(
                "`{{{{ {}` of its `cmdline` is not known: there are `URL \"…\"`, `ID \"…\"` and texts",
                shown.escape_debug()
            )
        };
        let (function, argument) = match action.find(|c: char| !c.is_ascii_alphabetic()) {
            Some(0) => (None, action),
            Some(end) => {
                let (name, argument) = action.split_at(end);
                let function = match name {
                    "URL" => Function::Url,
                    "ID" => Function::Id,
                    _ => return Err(unknown()),
                };
                (Some(function), argument.trim_start())
            }
            None => return Err(unknown()),
        };
        let (text, after) = literal(argument).ok_or_else(unknown)?;
        let after = after.trim_start();
        let closing = after.strip_prefix("-}}").or_else(|| after.strip_prefix("}}"));
        trims = after.starts_with("-}}");
        rest = closing.ok_or_else(unknown)?;
        calls = calls.saturating_add(1);
        if calls > FILES_MAX {
            return Err(format!("its `cmdline` calls for more than {FILES_MAX} files"));
        }
        match function {
            Some(function) => out.push_str(&call(function, &text)?),
            None => out.push_str(&plain(printable(&text)?)),
        }
    }
}

/// A text as Go writes it, and what follows.
fn literal(from: &str) -> Option<(String, &str)> {
    if let Some(raw) = from.strip_prefix('`') {
        let (text, after) = raw.split_once('`')?;
        return Some((text.to_owned(), after));
    }
    let inside = from.strip_prefix('"')?;
    let mut escaped = false;
    let end = inside.find(|c| {
        let ends = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    })?;
    let (text, after) = inside.split_at_checked(end)?;
    let text = serde_json::from_str(&format!("\"{text}\"")).ok()?;
    Some((text, after.get(1..)?))
}

/// A URL of an answer in full: a path belongs to the root of the API's host, wherever below it the API is.
#[must_use]
pub fn resolve(api: &str, url: &str) -> String {
    if url.contains("://") {
        return url.to_owned();
    }
    let (scheme, rest) = api.split_once("://").unwrap_or(("http", api));
    let host = rest.split('/').next().unwrap_or_default();
    format!("{scheme}://{host}/{}", url.trim_start_matches('/'))
}

/// The script that Pixiecore hands to iPXE.
///
/// # Errors
/// The first word that no script can hold.
pub fn script(kernel: &str, initrds: &[String], booting: &str, cmdline: &str) -> Result<String, String> {
    let mut script = format!("#!ipxe\nkernel --name kernel {}\n", printable(kernel)?);
    let mut boot = "boot kernel ".to_owned();
    for (place, initrd) in initrds.iter().enumerate() {
        script.push_str(&format!("initrd --name initrd{place} {}\n", printable(initrd)?));
        boot.push_str(&format!("initrd=initrd{place} "));
    }
    script.push_str(&format!(
        "imgfetch --name ready {} ||\nimgfree ready ||\n",
        printable(booting)?
    ));
    script.push_str(&boot);
    script.push_str(printable(cmdline)?);
    script.push('\n');
    Ok(script)
}

#[cfg(test)]
mod tests;
