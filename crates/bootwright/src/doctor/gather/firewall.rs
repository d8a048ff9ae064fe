//! The rules of the packet filter, by the programs that write them.

use std::fs;
use std::process::{Command, Stdio};

use super::super::facts::Firewall;
use super::super::firewall::{Ruleset, Variant, parse_iptables, parse_nft};

/// Where these programs are, also for those whose path does not lead there.
const PLACES: [&str; 3] = ["", "/usr/sbin/", "/sbin/"];

pub(super) fn gather() -> Firewall {
    Firewall { rules: Some(rules()) }
}

fn rules() -> Result<Ruleset, String> {
    let by_nft = match run(&["nft"], &["-j", "list", "ruleset"]) {
        Some(Ok(text)) => Some(parse_nft(&text)?),
        Some(Err(why)) => {
            return Err(format!(
                "the rules cannot be read: {why}; run it as root, or with NET_ADMIN"
            ));
        }
        None => None,
    };
    let legacy = fs::read_to_string("/proc/thread-self/net/ip_tables_names").unwrap_or_default();
    let has_nft = by_nft.is_some();
    let (mut rules, foreign) = by_nft.unwrap_or_default();
    // What iptables wrote with modules of its own is shown by its own command alone.
    if !foreign.is_empty() || !has_nft {
        match run(&["iptables-nft-save", "iptables-save"], &[]) {
            Some(Ok(text)) => {
                rules
                    .chains
                    .retain(|chain| !(chain.family == "ip" && foreign.contains(&chain.table)));
                let mut more = parse_iptables(&text, Variant::Nft);
                more.chains.retain(|chain| !has_nft || foreign.contains(&chain.table));
                rules.chains.extend(more.chains);
            }
            Some(Err(_)) | None if has_nft => {}
            Some(Err(why)) => return Err(format!("the rules cannot be read: {why}")),
            None if legacy.trim().is_empty() => {
                return Err(
                    "neither `nft` nor `iptables-save` is installed, so that the rules cannot be read".to_owned(),
                );
            }
            None => {}
        }
    }
    if !legacy.trim().is_empty()
        && let Some(Ok(text)) = run(&["iptables-legacy-save", "iptables-save"], &[])
    {
        rules.chains.extend(parse_iptables(&text, Variant::Legacy).chains);
    }
    Ok(rules)
}

/// What the first of these programs that is installed prints, or says when it fails; nothing if none is.
fn run(programs: &[&str], arguments: &[&str]) -> Option<Result<String, String>> {
    let all = programs
        .iter()
        .flat_map(|program| PLACES.map(|place| format!("{place}{program}")));
    for program in all {
        let Ok(output) = Command::new(&program).args(arguments).stdin(Stdio::null()).output() else {
            continue;
        };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        return Some(if output.status.success() {
            Ok(text(&output.stdout))
        } else {
            let said = text(&output.stderr);
            Err(format!(
                "`{program}` says: {}",
                said.lines().next().unwrap_or("nothing")
            ))
        });
    }
    None
}
