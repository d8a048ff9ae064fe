//! `[compat.<dialect>]`: the systems whose place we take.

use crate::compat::{Compat, Configs, Dialect, DoneBy, Era};
use crate::daemon::Daemon;
use crate::finding::Findings;
use crate::foreign::{self, Walk};
use crate::node::{At, Entry, Table};
use crate::section::{Section, choice};

use super::daemon::{absolute, listen};

/// The dialects that this version speaks, in the order in which their rules are asked.
const SPOKEN: &[Dialect] = &[Dialect::Bootcfg, Dialect::Matchbox, Dialect::Kiwispray];

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
    let later = Dialect::ALL.iter().any(|dialect| dialect.name() == name);
    let hint = match bootwright_content::nearest(name, names.iter().copied()) {
        Some(near) if !later => format!("did you mean `compat.{near}`?"),
        _ => format!("known are `{}`", names.join("`, `")),
    };
    let message = if later {
        format!("`compat.{name}` is not in this version")
    } else {
        format!("there is no `compat.{}`", name.escape_debug())
    };
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
    compat.listen = listen(&mut section, "listen", ":8081", findings);
    let mut place = entry.key.clone();
    if let Some((path, at)) = section.text("data_dir", "/srv/bootcfg/data", findings) {
        compat.data_dir = absolute(&section.key("data_dir"), path, at, findings);
        place = at.clone();
    }
    let (files_key, beside) = match dialect {
        Dialect::Bootcfg => ("images_dir", true),
        // matchbox's own default is `assets` within its data.
        Dialect::Matchbox => ("assets_dir", false),
        Dialect::DynamicIgnition | Dialect::Kiwispray | Dialect::Pixiecore => ("files_dir", false),
    };
    if dialect == Dialect::Kiwispray {
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
    if let Some((word, at)) = section.text("configs", "run", findings) {
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
    // KIWIspray's own scripts report, by `/finish`.
    if dialect != Dialect::Kiwispray
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
    let (name, has_dir) = (section.name.clone(), section.take("data_dir").is_some());
    section.finish(findings);
    if !enabled {
        return None;
    }
    if !has_dir {
        findings.error(&entry.key, format!("`{name}` has no `data_dir`")).hint =
            Some("add the directory with its data, as its own server was given it".to_owned());
    }
    Some((compat, place))
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
