//! The mirror of a profile that a run was started with.

use std::collections::BTreeMap;

use bootwright_core::{
    Additions, Confirm, Dialect, Document, DoneTrigger, Initrd, Profile, ProfileName, RevisionKey, Span, StageLimits,
};
use serde::{Deserialize, Serialize};

use super::RowError;
use super::text::{Digest, Text};

/// A profile, without its name and revision: these are the row's key.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProfileRow {
    kernel: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    initrds: Vec<InitrdRow>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    args: Vec<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    files: BTreeMap<String, DocumentRow>,
    done: DoneRow,
    confirm: ConfirmRow,
    /// In milliseconds, as all spans.
    deadline: u64,
    stages: StagesRow,
    /// The name of the system from whose data it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    source: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct InitrdRow {
    source: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    target: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DocumentRow {
    template: String,
    origin: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    add: Vec<AdditionRow>,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum AdditionRow {
    Hostname,
    Done,
    Up,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
enum DoneRow {
    Callback,
    ConfigServed(String),
    LastArtifact(String),
    Manual,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum ConfirmRow {
    Dashboard,
    Console,
    None,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StagesRow {
    kernel: u64,
    config: u64,
    done: u64,
}

/// The key of a profile as its row spells it.
pub(crate) fn key_text(key: &RevisionKey) -> (String, String) {
    (key.profile.to_string(), Digest(key.revision).to_string())
}

/// The text that stands for a profile beside its key.
pub(crate) fn profile_body(profile: &Profile) -> Result<String, RowError> {
    let Profile {
        name: _,
        kernel,
        initrds,
        args,
        files,
        done,
        confirm,
        deadline,
        stages,
        // No run is one of a menu: its profile is what was chosen from it.
        menu: _,
        source,
        revision: _,
    } = profile;
    let row = ProfileRow {
        kernel: kernel.clone(),
        initrds: initrds.iter().map(InitrdRow::from).collect(),
        args: args.clone(),
        files: files
            .iter()
            .map(|(name, document)| (name.clone(), document.into()))
            .collect(),
        done: done.into(),
        confirm: match confirm {
            Confirm::Dashboard => ConfirmRow::Dashboard,
            Confirm::Console => ConfirmRow::Console,
            Confirm::None => ConfirmRow::None,
        },
        deadline: deadline.as_millis(),
        stages: StagesRow {
            kernel: stages.kernel.as_millis(),
            config: stages.config.as_millis(),
            done: stages.done.as_millis(),
        },
        source: source.map(|dialect| dialect.name().to_owned()),
    };
    Ok(serde_json::to_string(&row)?)
}

/// The profile with this key and text.
pub(crate) fn profile_from(name: &str, revision: &str, body: &str) -> Result<Profile, RowError> {
    let name: ProfileName = name.parse().map_err(|_| RowError::new("not the name of a profile"))?;
    let Text(Digest(revision)) = serde_json::from_value(serde_json::Value::from(revision))?;
    let row: ProfileRow = serde_json::from_str(body)?;
    Ok(Profile {
        name,
        kernel: row.kernel,
        initrds: row.initrds.into_iter().map(InitrdRow::into_initrd).collect(),
        args: row.args,
        files: row
            .files
            .into_iter()
            .map(|(name, document)| (name, document.into_document()))
            .collect(),
        done: row.done.into_done(),
        confirm: match row.confirm {
            ConfirmRow::Dashboard => Confirm::Dashboard,
            ConfirmRow::Console => Confirm::Console,
            ConfirmRow::None => Confirm::None,
        },
        deadline: Span::from_millis(row.deadline),
        stages: StageLimits {
            kernel: Span::from_millis(row.stages.kernel),
            config: Span::from_millis(row.stages.config),
            done: Span::from_millis(row.stages.done),
        },
        menu: None,
        source: row.source.map(|name| dialect(&name)).transpose()?,
        revision,
    })
}

fn dialect(name: &str) -> Result<Dialect, RowError> {
    Dialect::of_name(name).ok_or_else(|| RowError::new("not the name of a system that profiles are made from"))
}

impl From<&Initrd> for InitrdRow {
    fn from(initrd: &Initrd) -> Self {
        Self {
            source: initrd.source.clone(),
            target: initrd.target.clone(),
        }
    }
}

impl InitrdRow {
    fn into_initrd(self) -> Initrd {
        Initrd {
            source: self.source,
            target: self.target,
        }
    }
}

/// What is added, in the order of the row's words.
fn rows(add: Additions) -> Vec<AdditionRow> {
    let Additions { hostname, done, up } = add;
    let all = [
        (hostname, AdditionRow::Hostname),
        (done, AdditionRow::Done),
        (up, AdditionRow::Up),
    ];
    let asked = all.into_iter().filter(|(asked, _)| *asked);
    asked.map(|(_, row)| row).collect()
}

impl From<&Document> for DocumentRow {
    fn from(document: &Document) -> Self {
        Self {
            template: document.template.clone(),
            origin: document.origin.clone(),
            add: rows(document.add),
        }
    }
}

impl DocumentRow {
    fn into_document(self) -> Document {
        Document {
            template: self.template,
            origin: self.origin,
            add: Additions {
                hostname: self.add.contains(&AdditionRow::Hostname),
                done: self.add.contains(&AdditionRow::Done),
                up: self.add.contains(&AdditionRow::Up),
            },
        }
    }
}

impl From<&DoneTrigger> for DoneRow {
    fn from(done: &DoneTrigger) -> Self {
        match done {
            DoneTrigger::Callback => Self::Callback,
            DoneTrigger::ConfigServed(name) => Self::ConfigServed(name.clone()),
            DoneTrigger::LastArtifact(path) => Self::LastArtifact(path.clone()),
            DoneTrigger::Manual => Self::Manual,
        }
    }
}

impl DoneRow {
    fn into_done(self) -> DoneTrigger {
        match self {
            Self::Callback => DoneTrigger::Callback,
            Self::ConfigServed(name) => DoneTrigger::ConfigServed(name),
            Self::LastArtifact(path) => DoneTrigger::LastArtifact(path),
            Self::Manual => DoneTrigger::Manual,
        }
    }
}
