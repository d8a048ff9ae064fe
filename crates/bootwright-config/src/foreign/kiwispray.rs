//! KIWIspray's directory: each image with a script of its own (`images/<image>/host.tmpl`) becomes a profile.

use std::collections::BTreeMap;
use std::sync::Arc;

use bootwright_core::{Document, DoneTrigger, ProfileName};

use super::Lowered;
use super::file::Files;
use super::make::{self, Boot, Names, literal};
use crate::compat::Compat;

/// The document of a profile that holds the script of its image.
pub const SCRIPT: &str = "host.tmpl";
/// The document that `/post-install` answers with.
pub const POST_INSTALL: &str = "post_install.tmpl";

pub(super) fn lower(compat: &Compat, files: &mut Files, lowered: &mut Lowered) {
    let images: Vec<String> = files.names("images").map(str::to_owned).collect();
    let mut names = Names::default();
    for image in images {
        let path = format!("images/{image}/{SCRIPT}");
        if !files.has(&path) {
            let other = format!("images/{image}/{POST_INSTALL}");
            if files.has(&other) {
                files.warn(
                    &other,
                    0..0,
                    format!("there is no `{SCRIPT}` beside it"),
                    "without one the image is not booted",
                );
            }
            continue;
        }
        let Some(text) = files.text(&path) else { continue };
        let mut documents: BTreeMap<String, Document> = BTreeMap::new();
        documents.insert(
            SCRIPT.to_owned(),
            make::document(translate(compat, &image, &text, &path, files), &path),
        );
        let own = format!("images/{image}/{POST_INSTALL}");
        let common = format!("templates/{POST_INSTALL}");
        let after = [own, common].into_iter().find(|path| files.has(path));
        if let Some((from, text)) = after.and_then(|from| Some((from.clone(), files.text(&from)?))) {
            documents.insert(
                POST_INSTALL.to_owned(),
                make::document(translate(compat, &image, &text, &from, files), &from),
            );
        }
        if !text.starts_with("#!ipxe") {
            files.error(
                &path,
                0..0,
                "this is no script of iPXE",
                "begin it with the line `#!ipxe`",
            );
            continue;
        }
        let Ok(name) = names.give(compat.prefix(), &image).parse::<ProfileName>() else {
            continue;
        };
        let boot = boot(compat, &image, &text);
        let profile = make::profile(compat, name, &boot, documents, DoneTrigger::Callback);
        match make::problems(&profile).first() {
            Some(problem) => files.error(
                &path,
                0..0,
                format!("cannot be booted: {problem}"),
                "`@NAME@` stands for what is known of a machine, such as `@bootid@`; see `docs/dialects.md`",
            ),
            None => lowered.profiles.push(Arc::new(profile)),
        }
    }
    if files.paths().all(|path| !path.starts_with("images/")) {
        files.warn_all(
            "there is no image",
            "each has a directory below `images/` with its script, `host.tmpl`",
        );
    }
}

/// What the script starts, for boot loaders that do not read it: its last `kernel` and its `initrd` lines, with the settings
/// that it makes itself in place.
fn boot(compat: &Compat, image: &str, text: &str) -> Boot {
    let mut settings: BTreeMap<String, String> = BTreeMap::new();
    let mut boot = Boot {
        kernel: String::new(),
        initrds: Vec::new(),
        args: Vec::new(),
    };
    let fill = |settings: &BTreeMap<String, String>, word: &str| {
        let mut word = word.to_owned();
        for (name, value) in settings {
            word = word.replace(&format!("${{{name}}}"), value);
        }
        word
    };
    for line in text.lines() {
        let line = line.split(" ||").next().unwrap_or_default();
        let words: Vec<String> = line.split_whitespace().map(|word| fill(&settings, word)).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["set", name, value] => {
                settings.insert((*name).to_owned(), (*value).to_owned());
            }
            ["kernel", rest @ ..] => {
                let mut rest = unnamed(rest).iter();
                boot.kernel = rest.next().map(|word| (*word).to_owned()).unwrap_or_default();
                boot.args = rest.map(|word| (*word).to_owned()).collect();
                boot.initrds.clear();
            }
            ["initrd", rest @ ..] => boot
                .initrds
                .extend(unnamed(rest).first().map(|word| (*word).to_owned())),
            _ => {}
        }
    }
    if boot.kernel.is_empty() {
        boot.kernel = "pxeboot.kernel".to_owned();
    }
    let place = |word: &String| match word.contains("://") || word.starts_with('/') {
        true => word.clone(),
        false => format!("/images/{image}/{word}"),
    };
    let translate = |word: &String| variables(compat, image, word).0;
    Boot {
        kernel: translate(&place(&boot.kernel)),
        initrds: boot.initrds.iter().map(|word| translate(&place(word))).collect(),
        args: boot.args.iter().map(translate).collect(),
    }
}

/// The words behind `--name x`.
fn unnamed<'a, 'b>(words: &'a [&'b str]) -> &'a [&'b str] {
    match words {
        ["--name", _, rest @ ..] => rest,
        words => words,
    }
}

/// A template of KIWIspray's as one of ours. What it knows nothing of stays as it is, as there.
fn translate(compat: &Compat, image: &str, text: &str, path: &str, files: &mut Files) -> String {
    let (template, unknown) = variables(compat, image, text);
    for name in unknown {
        let at = text.find(&format!("@{name}@")).unwrap_or(0);
        let hint = "known are SERVER_IP, SERVER_PORT, HOST, HOST_DATA, id, hostname, state, macs, serial, uuid, bootid, \
                    metadata and metadata.<key>";
        files.warn(
            path,
            at..at + name.len() + 2,
            format!("`@{name}@` stays as it is"),
            hint,
        );
    }
    template
}

/// The text with our names for KIWIspray's, and those that have none.
fn variables(compat: &Compat, image: &str, text: &str) -> (String, Vec<String>) {
    let (mut template, mut unknown) = (String::new(), Vec::new());
    let mut rest = text;
    while let Some(at) = rest.find('@') {
        let (before, from) = rest.split_at(at);
        template.push_str(&literal(before));
        let behind = from.get(1..).unwrap_or_default();
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
        let name: &str = behind.split(|c: char| !fits(c)).next().unwrap_or_default();
        if name.is_empty() || !behind.get(name.len()..).is_some_and(|after| after.starts_with('@')) {
            template.push('@');
            rest = behind;
            continue;
        }
        match variable(compat, image, name) {
            Some(ours) => template.push_str(&ours),
            None => {
                template.push_str(&format!("@{name}@"));
                unknown.push(name.to_owned());
            }
        }
        rest = behind.get(name.len() + 1..).unwrap_or_default();
    }
    template.push_str(&literal(rest));
    (template, unknown)
}

/// Our name for one of KIWIspray's.
fn variable(compat: &Compat, image: &str, name: &str) -> Option<String> {
    let port = compat.listen.map_or(8080, |listen| listen.port);
    Some(match name {
        "SERVER_IP" => "{{ server.address }}".to_owned(),
        "SERVER_PORT" => port.to_string(),
        "HOST" | "id" | "hostname" => "{{ host.name }}".to_owned(),
        "state" => literal(image),
        "macs" => "{{ host.macs | join(' ') | upper }}".to_owned(),
        "serial" => "{{ host.serial | upper }}".to_owned(),
        "uuid" => "{{ host.uuid | upper }}".to_owned(),
        "bootid" => "{{ run.token }}".to_owned(),
        "metadata" => "{{ metadata | python(host.facts) }}".to_owned(),
        "HOST_DATA" => {
            let line = |key: &str, value: &str| format!("echo * {key}: \"{value}\"\n");
            let lines = [
                line("hostname", "{{ host.name }}"),
                line("id", "{{ host.name }}"),
                line("macs", "{{ host.macs | join(' ') | upper }}"),
                line("serial", "{{ host.serial | upper }}"),
                line("state", &literal(image)),
                line("uuid", "{{ host.uuid | upper }}"),
            ];
            lines.concat()
        }
        name => {
            let key = name.strip_prefix("metadata.")?;
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
            if key.is_empty() || key.starts_with(|c: char| c.is_ascii_digit()) || !key.chars().all(plain) {
                return None;
            }
            // What an operator said wins over what the machine said of itself.
            format!("{{{{ metadata.{key} | default(host.facts.{key} | default('@{name}@')) }}}}")
        }
    })
}
