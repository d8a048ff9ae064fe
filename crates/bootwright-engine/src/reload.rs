//! A configuration was read. It changes the policy and no host: what a new rule would arm waits for `apply`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bootwright_core::attributes;
use bootwright_core::decide::UNKNOWN_RULE;
use bootwright_core::{
    Cause, Change, Event, Grant, Grantor, Host, HostId, Phase, Policy, ProfileName, RuleName, RuleRecord, Stance,
    Timestamp, Unknown, Verb,
};

use crate::engine::Engine;
use crate::outcome::{Outcome, Woken};

/// A host that a rule would arm if it were seen for the first time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// The host.
    pub host: HostId,
    /// The rule.
    pub rule: RuleName,
    /// What the rule grants.
    pub profile: ProfileName,
}

/// What a reload did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReloadReply {
    /// The hosts that `apply` would arm.
    pub proposals: Vec<Proposal>,
}

/// A rule that arms by itself, of whichever kind.
struct AutoRule {
    name: RuleName,
    profile: ProfileName,
    fingerprint: u64,
    limit: u32,
}

impl Engine {
    /// Takes a policy into force. `by` is who asked for it, or nobody if it was found changed.
    pub fn reload(&mut self, now: Timestamp, by: Option<&str>, policy: Arc<Policy>) -> Outcome<ReloadReply> {
        self.adopt_policy(now, policy);
        let by = by.map_or(Cause::Daemon, Self::operator);
        if self.store_ready {
            self.remember_rules(now, &by);
        }
        let proposals = self.proposals();
        let (profiles, hosts, rules) = (
            self.policy.profiles.len(),
            self.policy.hosts.len(),
            self.policy.rules.len(),
        );
        let mut note = format!(
            "configuration in force: {}, {}, {}",
            count(profiles, "profile"),
            count(hosts, "host"),
            count(rules, "rule")
        );
        if !proposals.is_empty() {
            note.push_str(&format!(
                "; {} to be armed by `bootwright apply`",
                count(proposals.len(), "host")
            ));
        }
        self.site_note(now, by, Verb::Reload, note);
        let policy = &self.policy;
        self.unmet.retain(|name, _| policy.hosts.contains_key(name));
        self.pending.woken.and(Woken::All);
        self.outcome(ReloadReply { proposals })
    }

    /// A configuration was refused, and the last good one stays in force. `by` is who asked for it, or nobody if it was
    /// found changed; `why` is one line.
    pub fn reload_refused(&mut self, now: Timestamp, by: Option<&str>, why: &str) -> Outcome<()> {
        let by = by.map_or(Cause::Daemon, Self::operator);
        let note = format!("a configuration was refused, the last good one stays in force: {why}");
        self.site_note(now, by, Verb::Warn, note);
        self.outcome(())
    }

    fn auto_rules(&self) -> Vec<AutoRule> {
        let mut rules: Vec<AutoRule> = self
            .policy
            .rules
            .iter()
            .filter(|rule| rule.auto_arm)
            .map(|rule| AutoRule {
                name: rule.name.clone(),
                profile: rule.profile.clone(),
                fingerprint: rule.fingerprint,
                limit: rule.limit.unwrap_or(0),
            })
            .collect();
        if let (Unknown::Install(profile), Ok(name)) = (&self.policy.safety.unknown, UNKNOWN_RULE.parse()) {
            let revision = self.policy.profiles.get(profile).map_or(0, |profile| profile.revision);
            rules.push(AutoRule {
                name,
                profile: profile.clone(),
                fingerprint: revision,
                limit: u32::MAX,
            });
        }
        rules
    }

    /// A rule that was not there before, or reads otherwise, counts from now and for hosts first seen from now on.
    fn remember_rules(&mut self, now: Timestamp, by: &Cause) {
        let rules = self.auto_rules();
        let there: BTreeSet<&RuleName> = rules.iter().map(|rule| &rule.name).collect();
        let known = self.world.site.rules.keys();
        let gone: Vec<RuleName> = known.filter(|name| !there.contains(name)).cloned().collect();
        for rule in gone {
            let note = format!("rule {rule} arms no hosts any more");
            self.record(
                now,
                by.clone(),
                Verb::Reload,
                note,
                Change::RuleSet { rule, record: None },
            );
        }
        for rule in rules {
            let known = self.world.site.rules.get(&rule.name).map(|record| record.fingerprint);
            if known != Some(rule.fingerprint) {
                let record = Some(RuleRecord {
                    fingerprint: rule.fingerprint,
                    since: now,
                    granted: 0,
                });
                let note = format!("rule {} arms hosts that are first seen from now on", rule.name);
                self.record(
                    now,
                    by.clone(),
                    Verb::Reload,
                    note,
                    Change::RuleSet {
                        rule: rule.name,
                        record,
                    },
                );
            }
        }
    }

    /// The hosts that were seen before the rule that would arm them.
    #[must_use]
    pub fn proposals(&self) -> Vec<Proposal> {
        let auto = self.auto_rules();
        if auto.is_empty() {
            return Vec::new();
        }
        let auto: BTreeMap<&str, &AutoRule> = auto.iter().map(|rule| (rule.name.as_str(), rule)).collect();
        self.world
            .hosts
            .values()
            .filter_map(|host| self.proposal(host, &auto))
            .collect()
    }

    fn proposal(&self, host: &Host, auto: &BTreeMap<&str, &AutoRule>) -> Option<Proposal> {
        if host.state.locked || !matches!(host.state.phase, Phase::New { stance: Stance::Policy }) {
            return None;
        }
        let seen = self.last_sighting(&host.id);
        let matched = self
            .policy
            .rules
            .first_match(&attributes(host, self.definition(&host.id), &seen));
        let name = matched.map_or(UNKNOWN_RULE, |rule| rule.name.as_str());
        let rule = auto.get(name)?;
        let record = self.world.site.rules.get(&rule.name)?;
        let waits = host.since <= record.since && record.granted < rule.limit;
        waits.then(|| Proposal {
            host: host.id.clone(),
            rule: rule.name.clone(),
            profile: rule.profile.clone(),
        })
    }

    /// Accepts what the last reload proposed for these hosts: each is armed in the operator's name, as far as the rules'
    /// limits go.
    pub fn apply_proposals(&mut self, now: Timestamp, by: &str, hosts: &[HostId]) -> Outcome<Vec<Proposal>> {
        let mut accepted = Vec::new();
        let proposals = if self.store_ready { self.proposals() } else { Vec::new() };
        let hosts: BTreeSet<&HostId> = hosts.iter().collect();
        let limits: BTreeMap<RuleName, u32> = self
            .auto_rules()
            .into_iter()
            .map(|rule| (rule.name, rule.limit))
            .collect();
        let meant = |proposal: &Proposal| hosts.contains(&proposal.host);
        for proposal in proposals.into_iter().filter(meant) {
            let limit = limits.get(&proposal.rule).copied().unwrap_or(0);
            let Some(record) = self.world.site.rules.get(&proposal.rule).cloned() else {
                continue;
            };
            let Some(machine) = self.host(&proposal.host).map(|host| host.facts.clone()) else {
                continue;
            };
            if record.granted >= limit {
                continue;
            }
            let grant = Grant {
                by: Grantor::Operator(by.to_owned()),
                at: now,
                expires: now.after(self.policy.safety.arm_ttl),
                machine,
                wipe: BTreeSet::new(),
            };
            let event = Event::Armed {
                grant,
                queue: vec![proposal.profile.clone()],
            };
            let note = format!(
                "armed with {} by {by}, who applied rule {}",
                proposal.profile, proposal.rule
            );
            if self
                .happen(now, Self::operator(by), &proposal.host, &event, Verb::Armed, note)
                .is_ok()
            {
                let granted = record.granted.saturating_add(1);
                let note = format!("rule {} has granted {granted} installs", proposal.rule);
                let record = Some(RuleRecord { granted, ..record });
                let change = Change::RuleSet {
                    rule: proposal.rule.clone(),
                    record,
                };
                self.record(now, Self::operator(by), Verb::Armed, note, change);
                accepted.push(proposal);
            }
        }
        self.pending.promises = true;
        self.outcome(accepted)
    }
}

/// So many things, in the singular where there is one.
fn count(number: usize, thing: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {thing}{plural}")
}
