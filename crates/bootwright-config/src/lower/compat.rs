//! `[compat.<dialect>]`: the systems whose place we take.

use crate::compat::{Compat, Configs, Dialect, DoneBy, Era, Rpc};
use crate::daemon::Daemon;
use crate::finding::Findings;
use crate::foreign::{self, Walk};
use crate::node::{At, Entry, Table};
use crate::section::{Section, choice};

use super::daemon::{absolute, listen};

/// The dialects that this version speaks, in the order in which their rules are asked.
const SPOKEN: &[Dialect] = &[
    Dialect::Bootcfg,
    Dialect::Matchbox,
    Dialect::Flatcar,
    Dialect::Kiwispray,
    Dialect::DynamicIgnition,
    Dialect::Pixiecore,
];

/// The dialects that are switched on, and what their directories are lowered to.
#[derive(Default)]
pub(super) struct Foreign {
    pub(super) settings: Vec<Compat>,
    pub(super) lowered: foreign::Lowered,
}

pub(super) fn lower(root: &Table, daemon: &Daemon, walk: Walk<'_>, findings: &mut Findings) -> Foreign {
    let mut foreign = Foreign::default();
    let Some(section) = Section::of(root, "compat", findings) else {
        return foreign;
    };
    let mut places: Vec<(Dialect, At, At)> = Vec::new();
    for (name, entry) in section.entries() {
        let Some(dialect) = SPOKEN.iter().find(|dialect| dialect.name() == name) else {
            unknown(name, entry, findings);
            continue;
        };
        let own = Section::new(format!("compat.{name}"), entry, findings);
        if let Some((compat, data_dir)) = dialect_section(*dialect, own, entry, findings) {
            places.push((*dialect, entry.key.clone(), data_dir));
            foreign.settings.push(compat);
        }
    }
    let place = |dialect: Dialect| places.iter().find(|(own, _, _)| *own == dialect);
    for compat in &foreign.settings {
        let Some((_, at, data_dir)) = place(compat.dialect) else {
            continue;
        };
        check_listen(compat, daemon, &foreign.settings, at, findings);
        match foreign::lower(compat, walk) {
            Ok(lowered) => {
                foreign.lowered.profiles.extend(lowered.profiles);
                foreign.lowered.rules.extend(lowered.rules);
                foreign.lowered.tables.add(lowered.tables);
                foreign.lowered.diagnostics.extend(lowered.diagnostics);
            }
            Err(why) => {
                let directory = compat.data_dir.as_deref().unwrap_or_default();
                findings
                    .warn(data_dir, format!("`{directory}` cannot be read: {why}"))
                    .hint = Some(format!("nothing is known of {} until it can be", compat.dialect.name()));
            }
        }
    }
    foreign
}

fn unknown(name: &str, entry: &Entry, findings: &mut Findings) {
    let names: Vec<&str> = SPOKEN.iter().map(|dialect| dialect.name()).collect();
    let hint = match bootwright_content::nearest(name, names.iter().copied()) {
        Some(near) => format!("did you mean `compat.{near}`?"),
        None => format!("known are `{}`", names.join("`, `")),
    };
    let message = format!("there is no `compat.{}`", name.escape_debug());
    findings.error(&entry.key, message).hint = Some(hint);
}

/// One dialect, if it is switched on, and where its directory is named.
fn dialect_section(
    dialect: Dialect,
    mut section: Section<'_>,
    entry: &Entry,
    findings: &mut Findings,
) -> Option<(Compat, At)> {
    let mut compat = Compat::plain(dialect);
    let enabled = section.bool("enabled", findings).unwrap_or(false);
    if dialect != Dialect::Flatcar {
        compat.listen = listen(&mut section, "listen", ":8081", findings);
    }
    let mut place = entry.key.clone();
    if dialect == Dialect::Pixiecore
        && let Some((url, at)) = section.text("upstream", "http://10.0.0.2:8080/pixiecore", findings)
    {
        compat.upstream = upstream(&section.key("upstream"), url, at, findings);
    } else if let Some((path, at)) = section.text("data_dir", "/srv/bootcfg/data", findings) {
        compat.data_dir = absolute(&section.key("data_dir"), path, at, findings);
        place = at.clone();
    }
    let (files_key, beside) = match dialect {
        Dialect::Bootcfg => ("images_dir", true),
        // matchbox's own default is `assets` within its data.
        Dialect::Matchbox => ("assets_dir", false),
        Dialect::DynamicIgnition | Dialect::Flatcar | Dialect::Kiwispray | Dialect::Pixiecore => ("files_dir", false),
    };
    if dialect == Dialect::Flatcar {
        compat.image = image(&mut section, findings);
    } else if dialect == Dialect::DynamicIgnition {
        // Its files are those of the machine plane, which are served by TFTP too.
    } else if dialect == Dialect::Kiwispray {
        compat.files_dir = compat
            .data_dir
            .as_ref()
            .map(|data_dir| format!("{}/images", data_dir.trim_end_matches('/')));
    } else if let Some((path, at)) = section.text(files_key, "/srv/bootcfg/images", findings) {
        compat.files_dir = absolute(&section.key(files_key), path, at, findings);
    } else if let (Dialect::Matchbox, Some(data_dir)) = (dialect, &compat.data_dir) {
        compat.files_dir = Some(format!("{}/assets", data_dir.trim_end_matches('/')));
    } else if let (true, Some(data_dir)) = (beside, &compat.data_dir) {
        compat.files_dir = data_dir
            .trim_end_matches('/')
            .rsplit_once('/')
            .map(|(parent, _)| format!("{parent}/images"));
    }
    if !matches!(dialect, Dialect::Flatcar | Dialect::Pixiecore)
        && let Some((word, at)) = section.text("configs", "run", findings)
    {
        let choices = [("run", Configs::Run), ("anybody", Configs::Anybody)];
        if let Some(configs) = choice(&section.key("configs"), word, at, &choices, findings) {
            compat.configs = configs;
        }
        if compat.configs == Configs::Anybody {
            let message = "documents are handed to anybody on the segment who asks for them";
            findings.warn(at, message).hint =
                Some("`configs = \"run\"` keeps them for machines whose run is under way".to_owned());
        }
    }
    // KIWIspray's own scripts report, by `/finish`; what installs Flatcar's nodes is ours.
    if !matches!(dialect, Dialect::Flatcar | Dialect::Kiwispray)
        && let Some((word, at)) = section.text("done", "callback", findings)
    {
        let choices = [
            ("callback", DoneBy::Callback),
            ("config-served", DoneBy::ConfigServed),
            ("manual", DoneBy::Manual),
        ];
        if let Some(done) = choice(&section.key("done"), word, at, &choices, findings) {
            compat.done = done;
        }
    }
    if dialect == Dialect::Bootcfg
        && let Some((word, at)) = section.text("era", "machines", findings)
    {
        let choices = [("machines", Era::Machines), ("boot", Era::Boot)];
        if let Some(era) = choice(&section.key("era"), word, at, &choices, findings) {
            compat.era = era;
        }
    }
    if dialect == Dialect::Matchbox {
        compat.rpc = rpc(&mut section, entry, findings);
        if let Some((path, at)) = section.text("key_ring", "/etc/bootwright/matchbox.asc", findings) {
            compat.key_ring = absolute(&section.key("key_ring"), path, at, findings);
        }
    }
    let (name, has_dir) = (section.name.clone(), section.take("data_dir").is_some());
    section.finish(findings);
    if !enabled {
        return None;
    }
    if !has_dir && dialect != Dialect::Pixiecore {
        findings.error(&entry.key, format!("`{name}` has no `data_dir`")).hint =
            Some("add the directory with its data, as its own server was given it".to_owned());
    }
    Some((compat, place))
}

/// An image, by its name below `images/` in the data directory; one of its directories may stand behind it.
fn image(section: &mut Section<'_>, findings: &mut Findings) -> Option<String> {
    let (name, at) = section.text("image", "flatcar", findings)?;
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let plain = |part: &str| !part.starts_with('.') && !part.is_empty() && part.chars().all(fits);
    if name.len() <= 200 && name.split('/').all(plain) {
        return Some(name.to_owned());
    }
    let message = format!("`{}`: `{}` is no image", section.key("image"), name.escape_debug());
    findings.error(at, message).hint =
        Some("write the name that `bootwright image add` was given, such as `\"flatcar\"`".to_owned());
    None
}

/// The URL of a server, without a slash at its end.
fn upstream(key: &str, url: &str, at: &At, findings: &mut Findings) -> Option<String> {
    let plain = url.trim_end_matches('/');
    let rest = plain.strip_prefix("http://").or_else(|| plain.strip_prefix("https://"));
    let host = rest.map(|rest| rest.split('/').next().unwrap_or_default());
    let good = plain
        .chars()
        .all(|c| c.is_ascii_graphic() && !matches!(c, '?' | '#' | '@' | '{' | '}' | '"' | '\\'));
    match host {
        Some(host) if good && !host.is_empty() && !host.starts_with(':') => Some(plain.to_owned()),
        _ => {
            let message = format!("`{key}`: `{}` is no URL of a server", url.escape_debug());
            let hint = "write what Pixiecore was given behind `api`, such as `\"http://10.0.0.2:8080/pixiecore\"`";
            findings.error(at, message).hint = Some(hint.to_owned());
            None
        }
    }
}

/// matchbox's API, which nobody may use without a certificate.
fn rpc(section: &mut Section<'_>, entry: &Entry, findings: &mut Findings) -> Option<Rpc> {
    let listen = listen(section, "rpc_listen", ":8083", findings);
    let mut file = |key: &'static str, example: &str| {
        let (path, at) = section.text(key, example, findings)?;
        absolute(&section.key(key), path, at, findings)
    };
    let files = [
        file("cert_file", "/etc/bootwright/matchbox.crt"),
        file("key_file", "/etc/bootwright/matchbox.key"),
        file("ca_file", "/etc/bootwright/matchbox-ca.crt"),
    ];
    match (listen?, files) {
        (listen, [Some(cert_file), Some(key_file), Some(ca_file)]) => Some(Rpc {
            listen,
            cert_file,
            key_file,
            ca_file,
        }),
        _ => {
            let message = format!("`{}` needs certificates on both sides", section.key("rpc_listen"));
            findings.error(&entry.key, message).hint =
                Some("add `cert_file`, `key_file` and `ca_file`, as matchbox was given them".to_owned());
            None
        }
    }
}

/// Who else listens there, and what is nowhere without a port of its own.
fn check_listen(compat: &Compat, daemon: &Daemon, all: &[Compat], at: &At, findings: &mut Findings) {
    let name = compat.dialect.name();
    match compat.listen {
        Some(listen) => {
            let rival = all
                .iter()
                .take_while(|other| other.dialect != compat.dialect)
                .find(|other| other.listen.is_some_and(|other| other.port == listen.port));
            let rival = match rival {
                Some(other) => Some(format!("`compat.{}`", other.dialect.name())),
                None if daemon.http.port == listen.port => Some("`server.http`".to_owned()),
                None => None,
            };
            if let Some(rival) = rival {
                let message = format!("`compat.{name}.listen`: {rival} has port {} already", listen.port);
                findings.error(at, message).hint = Some("give each its own port".to_owned());
            }
        }
        None => {
            let (_, absent) = compat.routes(all);
            if !absent.is_empty() {
                let message = format!(
                    "without `listen`, {name}'s `{}` are not served: the machine plane has routes of these names",
                    absent.join("`, `")
                );
                findings.warn(at, message).hint = Some("add `listen = \":8081\"`, a port of its own".to_owned());
            }
        }
    }
}
