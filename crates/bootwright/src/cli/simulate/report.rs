//! What was sent and received, step by step: a line each for people, one document for programs.

use std::time::Instant;

use bootwright_client::rom::Datagram;
use bootwright_proto::dhcp::{parse, parse_answer};
use bootwright_proto::http::api::Explanation;
use serde::Serialize;

use super::super::argument::Goal;
use super::super::print;
use super::super::table::safe;
use super::wire::{Heard, asked_file, path};

/// A whole play.
#[derive(Serialize)]
pub(super) struct Report {
    /// The card.
    pub(super) mac: String,
    /// Its firmware, in words.
    pub(super) firmware: String,
    /// How far it was to go: `offered`, `scripted` or `installed`.
    pub(super) goal: String,
    /// Whether it came so far.
    pub(super) reached: bool,
    /// How far it came; `silent` if it was not even offered anything.
    pub(super) stage: String,
    /// What it ended with.
    pub(super) why: String,
    /// What the daemon says of it, where it did not come so far.
    pub(super) reasons: Vec<String>,
    /// Everything that happened.
    pub(super) steps: Vec<Step>,
}

/// Something that happened.
#[derive(Serialize)]
pub(super) struct Step {
    /// When, in milliseconds from the start.
    ms: u64,
    /// `dhcp`, `pxe`, `tftp`, `http`, `offered`, `console`, `machine`, `installer`, `reason`.
    channel: &'static str,
    /// `sent`, `received`, or nothing for what is neither.
    #[serde(skip_serializing_if = "Option::is_none")]
    way: Option<&'static str>,
    /// What it is.
    words: String,
    /// How many bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    /// The text that came, where it decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

/// Keeps what happens, and tells people at once.
pub(super) struct Reporter {
    began: Instant,
    quiet: bool,
    steps: Vec<Step>,
    /// The blocks of the transfer under way.
    blocks: (u64, u64),
}

impl Reporter {
    pub(super) fn new(quiet: bool) -> Self {
        Self {
            began: Instant::now(),
            quiet,
            steps: Vec::new(),
            blocks: (0, 0),
        }
    }

    pub(super) fn into_steps(mut self) -> Vec<Step> {
        self.end_transfer();
        self.steps
    }

    pub(super) fn note(&mut self, channel: &'static str, words: String) {
        self.add(channel, None, words, None, None);
    }

    pub(super) fn sent(&mut self, datagram: &Datagram) {
        let (to, bytes) = (datagram.destination, datagram.bytes.len() as u64);
        match to.port() {
            67 | 4011 => {
                let channel = if to.port() == 67 { "dhcp" } else { "pxe" };
                let what = parse(&datagram.bytes).map_or_else(
                    |discard| discard.to_string(),
                    |request| format!("{:?} xid {:#010x}", request.message, request.xid),
                );
                self.add(
                    channel,
                    Some("sent"),
                    format!("{} to {to}", bare(&what)),
                    Some(bytes),
                    None,
                );
            }
            // The request; what follows it are acknowledgements.
            69 => {
                let words = format!("read `{}` from {}", asked_file(&datagram.bytes), to.ip());
                self.add("tftp", Some("sent"), words, Some(bytes), None);
            }
            _ => {}
        }
    }

    pub(super) fn received(&mut self, heard: &Heard) {
        let bytes = heard.bytes.len() as u64;
        if let (67 | 4011, Ok(answer)) = (heard.source.port(), parse_answer(&heard.bytes)) {
            let mut words = format!("{} from {}", bare(&format!("{:?}", answer.message)), heard.source.ip());
            if heard.own {
                words = format!(
                    "{} of an address, by this command itself",
                    bare(&format!("{:?}", answer.message))
                );
            }
            let name = String::from_utf8_lossy(&answer.file).into_owned();
            let name = answer
                .boot_file
                .map_or(name, |name| String::from_utf8_lossy(&name).into_owned());
            if !name.is_empty() {
                words.push_str(&format!(", file `{}`", name.trim_end_matches('\0')));
            }
            if !answer.siaddr.is_unspecified() {
                words.push_str(&format!(", server {}", answer.siaddr));
            }
            if !heard.own && !answer.yiaddr.is_unspecified() {
                words.push_str(&format!(", address {}", answer.yiaddr));
            }
            let channel = if heard.source.port() == 67 { "dhcp" } else { "pxe" };
            self.add(channel, Some("received"), words, Some(bytes), None);
            return;
        }
        match heard.bytes.as_slice() {
            [0, 3, _, _, content @ ..] => {
                self.blocks.0 = self.blocks.0.saturating_add(1);
                self.blocks.1 = self.blocks.1.saturating_add(content.len() as u64);
            }
            [0, 5, _, code, text @ ..] => {
                let text = String::from_utf8_lossy(text);
                let words = format!("error {code}: {}", text.trim_end_matches('\0'));
                self.add("tftp", Some("received"), words, Some(bytes), None);
            }
            [0, 6, options @ ..] => {
                let options = String::from_utf8_lossy(options).replace('\0', " ");
                let words = format!("options {}", options.trim_end());
                self.add("tftp", Some("received"), words, Some(bytes), None);
            }
            _ => {}
        }
    }

    pub(super) fn asked(&mut self, url: &str) {
        self.add("http", Some("sent"), format!("GET {url}"), None, None);
    }

    /// An answer over HTTP; its text too, if it decides.
    pub(super) fn answered(&mut self, answer: &Result<(u16, Vec<u8>), String>, decides: bool) {
        match answer {
            Ok((status, body)) => {
                let text = decides.then(|| String::from_utf8_lossy(body).into_owned());
                self.add(
                    "http",
                    Some("received"),
                    format!("status {status}"),
                    Some(body.len() as u64),
                    text,
                );
            }
            Err(why) => self.add("http", Some("received"), why.clone(), None, None),
        }
    }

    /// A report or a document of the installer that is played.
    pub(super) fn installer(&mut self, url: &str, answer: &Result<(u16, Vec<u8>), String>) {
        let what = path(url).rsplit('/').next().unwrap_or_default().to_owned();
        let (words, bytes) = match answer {
            Ok((status, body)) => (format!("{what}: status {status}"), Some(body.len() as u64)),
            Err(why) => (format!("{what}: {why}"), None),
        };
        self.add("installer", Some("received"), words, bytes, None);
    }

    fn end_transfer(&mut self) {
        let (blocks, bytes) = std::mem::take(&mut self.blocks);
        if blocks > 0 {
            self.push("tftp", Some("received"), format!("{blocks} blocks"), Some(bytes), None);
        }
    }

    fn add(
        &mut self,
        channel: &'static str,
        way: Option<&'static str>,
        words: String,
        bytes: Option<u64>,
        text: Option<String>,
    ) {
        self.end_transfer();
        self.push(channel, way, words, bytes, text);
    }

    fn push(
        &mut self,
        channel: &'static str,
        way: Option<&'static str>,
        words: String,
        bytes: Option<u64>,
        text: Option<String>,
    ) {
        let ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        if !self.quiet {
            let mut line = format!(
                "{ms:>6} ms  {channel:<9} {:<8}  {}",
                way.unwrap_or_default(),
                safe(&words)
            );
            if let Some(bytes) = bytes {
                line.push_str(&format!(", {bytes} bytes"));
            }
            line.push('\n');
            for row in text.iter().flat_map(|text| text.lines()) {
                line.push_str(&format!("           | {}\n", safe(row)));
            }
            // Whoever reads it may have gone; the document at the end finds that out.
            let _ = print::raw(line.as_bytes());
        }
        self.steps.push(Step {
            ms,
            channel,
            way,
            words,
            bytes,
            text,
        });
    }
}

/// `Some(Offer)` as people write it.
fn bare(debug: &str) -> String {
    debug.replace("Some(", "").replace(')', "")
}

/// What the daemon says of a machine that came no further than this.
pub(super) fn reasons(explanation: &Explanation, reached: Option<Goal>) -> Vec<String> {
    let mut reasons: Vec<String> = explanation.silences.iter().map(|line| line.words.clone()).collect();
    let is_offer = |channel: &str| channel.starts_with("dhcp ") || matches!(channel, "tftp" | "http");
    let about = explanation.answers.iter().filter(|answer| match reached {
        None => is_offer(&answer.channel) && answer.verdict == "silence",
        Some(_) => !is_offer(&answer.channel) || answer.verdict == "silence",
    });
    reasons.extend(about.map(|answer| format!("{}: {}", answer.channel, answer.words)));
    reasons
}
