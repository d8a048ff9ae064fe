//! Rules as `iptables-save` prints them.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::ops::RangeInclusive;

use super::rule::{Act, Asks, Base, Chain, Hook, Rule, Ruleset, Test};

/// Which of the two implementations of iptables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Variant {
    /// The one that writes rules of nftables.
    Nft,
    /// The one of its own.
    Legacy,
}

impl Variant {
    /// The command that changes its rules.
    pub(super) const fn command(self) -> &'static str {
        match self {
            Self::Nft => "iptables",
            Self::Legacy => "iptables-legacy",
        }
    }
}

/// Reads the tables that decide about packets for this box. What an option means that is not known here is not known.
pub(in super::super) fn parse(text: &str, variant: Variant) -> Ruleset {
    let mut rules = Ruleset::default();
    let mut table = "";
    for line in text.lines() {
        let words = words(line);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match words.as_slice() {
            [first, ..] if first.starts_with('*') => table = line.trim_start_matches('*').trim(),
            _ if !["filter", "mangle", "raw"].contains(&table) => {}
            [name, policy, ..] if name.starts_with(':') => {
                let name = name.trim_start_matches(':');
                rules.chains.push(Chain {
                    family: "ip".to_owned(),
                    table: table.to_owned(),
                    name: name.to_owned(),
                    variant: Some(variant),
                    base: base(table, name, policy),
                    rules: Vec::new(),
                });
            }
            ["-A", name, rest @ ..] => {
                let chain = rules
                    .chains
                    .iter_mut()
                    .find(|chain| chain.table == table && chain.name == *name);
                if let Some(chain) = chain {
                    chain.rules.push(rule(line, rest));
                }
            }
            _ => {}
        }
    }
    rules
}

fn base(table: &str, name: &str, policy: &str) -> Option<Base> {
    let hook = match name {
        "PREROUTING" => Hook::Prerouting,
        "INPUT" => Hook::Input,
        "OUTPUT" => Hook::Output,
        "POSTROUTING" => Hook::Postrouting,
        _ => return None,
    };
    // NF_IP_PRI_RAW, _MANGLE and _FILTER of the kernel.
    let priority = match table {
        "raw" => -300,
        "mangle" => -150,
        _ => 0,
    };
    Some(Base {
        hook,
        priority,
        accepts: policy != "DROP",
        link: None,
    })
}

/// The words of a line, with what stands in double quotes as one.
fn words(line: &str) -> Vec<String> {
    let (mut all, mut word, mut inside) = (Vec::new(), String::new(), false);
    for c in line.chars() {
        match c {
            '"' => inside = !inside,
            ' ' if !inside => {
                if !word.is_empty() {
                    all.push(std::mem::take(&mut word));
                }
            }
            c => word.push(c),
        }
    }
    if !word.is_empty() {
        all.push(word);
    }
    all
}

fn rule(line: &str, words: &[&str]) -> Rule {
    let mut rule = Rule {
        text: line.to_owned(),
        ..Rule::default()
    };
    let mut words = words.iter().copied();
    let mut is_not = false;
    while let Some(word) = words.next() {
        if word == "!" {
            is_not = true;
            continue;
        }
        let asks = match word {
            // The name of a module says nothing by itself; its options do.
            "-m" | "--match" | "--comment" => {
                words.next();
                continue;
            }
            "-j" | "--jump" | "-g" | "--goto" => {
                rule.act = act(
                    words.next().unwrap_or_default(),
                    word.starts_with("-g") || word == "--goto",
                );
                // What follows are the target's own options.
                break;
            }
            _ => condition(word, &mut words),
        };
        let Some(asks) = asks else { continue };
        rule.tests.push(Test {
            asks,
            is_not: std::mem::take(&mut is_not),
        });
    }
    rule
}

fn act(target: &str, goes: bool) -> Act {
    match target {
        "ACCEPT" => Act::Accept,
        "DROP" | "REJECT" => Act::Drop,
        "RETURN" => Act::Return,
        "LOG" | "NFLOG" | "CT" | "NOTRACK" | "MARK" | "CONNMARK" | "TRACE" | "CHECKSUM" | "" => Act::Nothing,
        "NFQUEUE" | "QUEUE" | "TPROXY" | "SYNPROXY" => Act::Other,
        chain if goes => Act::Goto(chain.to_owned()),
        chain => Act::Jump(chain.to_owned()),
    }
}

fn condition<'a>(word: &str, words: &mut impl Iterator<Item = &'a str>) -> Option<Asks> {
    let mut value = || words.next().unwrap_or_default();
    let set = |text: &str| -> BTreeSet<String> { text.split(',').map(str::to_lowercase).collect() };
    let named = |text: &str| -> BTreeSet<String> { BTreeSet::from([text.to_owned()]) };
    Some(match word {
        "-i" | "--in-interface" => Asks::ArrivesBy(named(value())),
        "-o" | "--out-interface" => Asks::LeavesBy(named(value())),
        "-p" | "--protocol" => Asks::Protocol(set(value())),
        "-s" | "--source" => Asks::From(network(value()).into_iter().collect()),
        "-d" | "--destination" => Asks::To(network(value()).into_iter().collect()),
        "--dport" | "--dports" => ports(value()).map_or(Asks::Unknown, Asks::ToPort),
        "--sport" | "--sports" => ports(value()).map_or(Asks::Unknown, Asks::FromPort),
        "--ctstate" | "--state" => Asks::State(set(value())),
        "--pkt-type" | "--dst-type" => Asks::Cast(set(value())),
        // An option that is not known may have a value or none: whatever it is, nothing is certain.
        option if option.starts_with("--") => Asks::Unknown,
        _ => return None,
    })
}

fn ports(text: &str) -> Option<Vec<RangeInclusive<u16>>> {
    let port = |text: &str, open: u16| if text.is_empty() { Some(open) } else { text.parse().ok() };
    text.split(',')
        .map(|part| match part.split_once(':') {
            Some((first, last)) => Some(port(first, 0)?..=port(last, u16::MAX)?),
            None => part.parse().ok().map(|port: u16| port..=port),
        })
        .collect()
}

/// The first and the last address of a network.
pub(super) fn network(text: &str) -> Option<(Ipv4Addr, Ipv4Addr)> {
    let (address, length) = match text.split_once('/') {
        Some((address, mask)) => {
            let length = mask
                .parse::<u32>()
                .ok()
                .or_else(|| Some(mask.parse::<Ipv4Addr>().ok()?.to_bits().leading_ones()))?;
            (address, length)
        }
        None => (text, 32),
    };
    let host = u32::MAX.checked_shr(length).unwrap_or(0);
    let first = address.parse::<Ipv4Addr>().ok()?.to_bits() & !host;
    Some((Ipv4Addr::from_bits(first), Ipv4Addr::from_bits(first | host)))
}
