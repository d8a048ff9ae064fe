//! The words of Bootwright and the pure functions that think: who is it, what is it told, what becomes of it.
//!
//! No socket, file, clock, environment or randomness: the time and fresh tokens come in as arguments.
//!
//! `identify` says which host a machine is, `decide` what it is told, `step` what becomes of it, and `apply` folds what was
//! recorded into the hosts as they stand.

pub mod addr;
pub mod admit;
pub mod arch;
pub mod attribute;
pub mod census;
pub mod decide;
pub mod dialect;
pub mod due;
pub mod entry;
pub mod event;
pub mod fact;
pub mod guard;
pub mod host;
pub mod identify;
pub mod ipv6;
mod label;
pub mod ladder;
pub mod lease;
pub mod local;
pub mod make;
pub mod name;
pub mod naming;
pub mod nickname;
pub mod policy;
pub mod profile;
pub mod reported;
pub mod restore;
pub mod revision;
pub mod rule;
pub mod sighting;
pub mod state;
pub mod step;
pub mod strategy;
pub mod time;
pub mod trial;
pub mod uuid;
pub mod verdict;
pub mod way;

pub use addr::MacAddr;
pub use admit::admit;
pub use arch::{Arch, Transport};
pub use attribute::attributes;
pub use census::Census;
pub use decide::{Asker, Situation, console_menu, decide};
pub use dialect::Dialect;
pub use due::due;
pub use entry::{Cause, Change, Entry, RuleRecord, Site, Verb, World, apply};
pub use event::Event;
pub use fact::Facts;
pub use guard::{Disk, GuardVerdict, guard};
pub use host::{FinishedRun, Host, LocalBoot};
pub use identify::{HostIndex, Identity, identify};
pub use ladder::{Climb, FirstStep};
pub use local::LocalMethod;
pub use make::Make;
pub use name::{HostId, ProfileName, RuleName, RunNumber, Token};
pub use naming::{NamePattern, Naming, NotPattern};
pub use policy::{Binding, DhcpMode, HostDefinition, Policy, Safety, Unknown, Wipe};
pub use profile::{Additions, Choice, Confirm, Document, DoneTrigger, Initrd, Menu, MenuEntry, Profile, StageLimits};
pub use reported::Reported;
pub use restore::after_restore;
pub use revision::{RevisionChange, RevisionKey};
pub use rule::{Attribute, Attributes, Gift, Pattern, Rule, RuleVerdict, Rules};
pub use sighting::{Firmware, Sighting};
pub use state::{Failure, Grant, Grantor, HostState, Phase, Run, Stance};
pub use step::{Stayed, Step, step};
pub use strategy::Strategy;
pub use time::{Span, Timestamp};
pub use trial::Trial;
pub use uuid::Uuid;
pub use verdict::{Ask, FrontEnd, HoldWhy, Loader, LocalWhy, Verdict, Why};
pub use way::Way;
