//! What is added to a configuration for one host: its name, and units that report.

use super::merge;
use super::schema::CONFIG;
use super::shape::{self, Form};
use super::{Version, json, version};
use crate::tree::{Fault, Node, Value};

/// What is added for one host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Additions {
    /// The host's name, which becomes `/etc/hostname`.
    pub hostname: Option<String>,
    /// A URL that the installed system calls once it is up, the first time that it starts.
    pub up: Option<String>,
    /// A URL that Fedora CoreOS's live system calls when its installer has written the disk.
    pub done: Option<String>,
}

/// The configuration with the additions merged into it as Ignition merges configurations. What is there stays as it is: where it
/// has something at the path, or a unit of the name, nothing is added. Its version, one of 3.0 to 3.4, stays.
///
/// # Errors
///
/// If the text is no configuration of version 3, has a wrong shape, or lets another one take its place.
pub fn add(text: &str, additions: &Additions) -> Result<String, Vec<Fault>> {
    let mut faults = Vec::new();
    let config = json::read(text, &mut faults).map_err(|fault| vec![fault])?;
    let Version::Three(minor) = version(&config).map_err(|fault| vec![fault])? else {
        return Err(vec![Fault::new(
            &config.span,
            "only configurations of version 3 can be merged",
        )]);
    };
    let mut config = shape::read(config, CONFIG, Form { minor, butane: None }, &mut faults);
    faults.retain(|fault| !fault.warning);
    if !faults.is_empty() {
        return Err(faults);
    }
    let replaced = config
        .get("ignition")
        .and_then(|ignition| ignition.get("config")?.get("replace"));
    if let Some(replace) = replaced.filter(|replace| replace.text("source").is_some_and(|source| !source.is_empty())) {
        let fault = Fault::new(
            &replace.span,
            "`ignition.config.replace` takes the place of what would be added",
        );
        return Err(vec![
            fault.hint("add to the configuration that it names, or use `merge`"),
        ]);
    }
    let missing = missing(additions, &config);
    config = merge::put_on(config, child(&missing));
    shape::arrange(&mut config, CONFIG);
    let mut out = String::new();
    config.write(&mut out);
    Ok(out)
}

const HOSTNAME: &str = "/etc/hostname";
const DONE: &str = "bootwright-done.service";
const UP: &str = "bootwright-up.service";

/// Those additions in whose place the configuration has nothing.
fn missing(additions: &Additions, config: &Node) -> Additions {
    let at = |kind: &str, wanted: &str| {
        let nodes = config.get("storage").map_or(&[][..], |storage| storage.list(kind));
        let parts = |path: &str| {
            path.split('/')
                .filter(|part| !part.is_empty())
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        nodes
            .iter()
            .filter_map(|node| node.text("path"))
            .any(|path| parts(path) == parts(wanted))
    };
    // The directory itself may be a link to somewhere else, where the file cannot be put.
    let taken = ["files", "links", "directories"].iter().any(|kind| at(kind, HOSTNAME))
        || ["files", "links"].iter().any(|kind| at(kind, "/etc"));
    let has_unit = |name: &str| {
        let units = config.get("systemd").map_or(&[][..], |systemd| systemd.list("units"));
        units.iter().any(|unit| unit.text("name") == Some(name))
    };
    Additions {
        hostname: additions.hostname.clone().filter(|_| !taken),
        up: additions.up.clone().filter(|_| !has_unit(UP)),
        done: additions.done.clone().filter(|_| !has_unit(DONE)),
    }
}

fn child(additions: &Additions) -> Node {
    let span = 0..0;
    let text = |text: &str| Value::Text(text.to_owned());
    let list = |items| Node::new(Value::List(items), span.clone());
    let mut child = Node::new(Value::Map(Vec::new()), span.clone());
    if let Some(name) = &additions.hostname {
        let contents = Node::map_at(
            &span,
            [(
                "source",
                text(&format!("data:,{}", crate::butane::escape(name.as_bytes()))),
            )],
        );
        let file = Node::map_at(
            &span,
            [
                ("overwrite", Value::Flag(true)),
                ("path", text(HOSTNAME)),
                ("contents", contents.value),
                ("mode", Value::Whole(0o644)),
            ],
        );
        child.set("storage", Node::map_at(&span, [("files", list(vec![file]).value)]));
    }
    let unit = |name: &str, contents: String| {
        let entries = [
            ("contents", Value::Text(contents)),
            ("enabled", Value::Flag(true)),
            ("name", text(name)),
        ];
        Node::map_at(&span, entries)
    };
    let done = additions.done.as_deref().map(|url| unit(DONE, done_unit(url)));
    let up = additions.up.as_deref().map(|url| unit(UP, up_unit(url)));
    let units: Vec<Node> = done.into_iter().chain(up).collect();
    if !units.is_empty() {
        child.set("systemd", Node::map_at(&span, [("units", list(units).value)]));
    }
    child
}

/// A URL as a word of `ExecStart`: systemd.service(5) doubles `%` and `$`, and quotes.
fn word(url: &str) -> String {
    let kept: String = url.chars().filter(|c| c.is_ascii_graphic()).collect();
    let kept = kept.replace('\\', "%5C").replace('"', "%22");
    format!("\"{}\"", kept.replace('%', "%%").replace('$', "$$"))
}

/// The installer's reboot waits for the target, so that the call is not lost to it.
fn done_unit(url: &str) -> String {
    format!(
        "[Unit]\nDescription=Report that the install is done\nAfter=coreos-installer.service\n\
         Before=coreos-installer.target\n\n[Service]\nType=oneshot\n\
         ExecStart=/usr/bin/curl -fsS -m 20 --retry 10 --retry-connrefused {}\n\n\
         [Install]\nRequiredBy=coreos-installer.target\n",
        word(url)
    )
}

fn up_unit(url: &str) -> String {
    format!(
        "[Unit]\nDescription=Report that this system is up\nWants=network-online.target\nAfter=network-online.target\n\
         ConditionPathExists=!/var/lib/bootwright-up\n\n[Service]\nType=oneshot\n\
         ExecStart=/usr/bin/curl -fsS -m 20 --retry 10 --retry-connrefused {}\n\
         ExecStart=/usr/bin/touch /var/lib/bootwright-up\n\n[Install]\nWantedBy=multi-user.target\n",
        word(url)
    )
}
