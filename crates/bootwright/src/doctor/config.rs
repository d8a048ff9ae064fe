//! The configuration: C01 to C05.

use bootwright_core::{Attribute, Pattern, Rule};

use super::facts::Facts;
use super::port::quoted;
use super::report::Judged;

/// How many mistakes are shown; `bootwright check` shows all.
const SHOWN: usize = 3;

fn shown(all: &[String]) -> String {
    let first: Vec<&str> = all.iter().take(SHOWN).map(|words| words.trim_end()).collect();
    let more = all.len().saturating_sub(SHOWN);
    let more = if more > 0 {
        format!(" (and {more} more)")
    } else {
        String::new()
    };
    format!("{}{more}", first.join("; "))
}

pub(super) fn parses(facts: &Facts) -> Judged {
    let config = &facts.config;
    match &config.good {
        _ if !config.mistakes.is_empty() => {
            Judged::error(format!("the configuration cannot be used: {}", shown(&config.mistakes))).advice(format!(
                "mend `{}` or the file that is named; `bootwright check` shows each place",
                facts.site.config.display()
            ))
        }
        Some(good) => Judged::ok(good.clone()),
        None => Judged::ok("its form is right"),
    }
}

pub(super) fn references(facts: &Facts) -> Judged {
    let config = &facts.config;
    if !config.dangling.is_empty() {
        let words = format!(
            "the configuration refers to what is not there: {}",
            shown(&config.dangling)
        );
        let judged = if config.good.is_some() {
            Judged::warning(words)
        } else {
            Judged::error(words)
        };
        return judged.advice("make what is named, or correct the name; `bootwright check` shows each place");
    }
    match &config.good {
        Some(_) => Judged::ok("everything that the configuration refers to is there"),
        None => Judged::skipped("the configuration cannot be used (C01)"),
    }
}

pub(super) fn ambiguous(facts: &Facts) -> Judged {
    let rules = &facts.config.rules;
    if facts.config.good.is_none() {
        return Judged::skipped("the configuration cannot be used (C01)");
    }
    let pair = rules.iter().enumerate().find_map(|(number, later)| {
        let earlier = rules.iter().take(number).find(|earlier| clash(earlier, later))?;
        Some((earlier, later))
    });
    match pair {
        Some((earlier, later)) => Judged::warning(format!(
            "rules `{}` and `{}` can match the same host and mean different profiles: `{}` wins because it stands first",
            earlier.name, later.name, earlier.name
        ))
        .advice("say in one of them what keeps them apart, or put the narrower one first"),
        None => Judged::ok("no two rules pull at the same host"),
    }
}

/// Whether both may match one host, mean different profiles, and neither is the other's special case.
fn clash(earlier: &Rule, later: &Rule) -> bool {
    if earlier.profile == later.profile || earlier.source != later.source {
        return false;
    }
    // A rule for everything behind one for some is how rules are meant to be written.
    if earlier.is_hidden_by(later) || later.is_hidden_by(earlier) {
        return false;
    }
    let apart = |attribute: &Attribute| match (earlier.when.get(attribute), later.when.get(attribute)) {
        (Some(one), Some(other)) => !meet(one, other),
        _ => false,
    };
    // Rules about different attributes meet often and are seldom wrong, unless both write disks by themselves.
    let same_attributes = earlier.when.keys().eq(later.when.keys());
    (same_attributes || (earlier.auto_arm && later.auto_arm)) && !earlier.when.keys().any(apart)
}

/// Whether some text may fit both patterns: their beginnings and their ends do not contradict each other.
fn meet(one: &Pattern, other: &Pattern) -> bool {
    let (one, other) = (one.as_str(), other.as_str());
    let is_wild = |c| c == '*' || c == '?';
    match (one.contains(is_wild), other.contains(is_wild)) {
        (false, _) => Pattern::new(other).matches(one),
        (_, false) => Pattern::new(one).matches(other),
        (true, true) => {
            let begin = |text: &str| text.split(is_wild).next().unwrap_or_default().to_owned();
            let end = |text: &str| text.rsplit(is_wild).next().unwrap_or_default().to_owned();
            let (a, b) = (begin(one), begin(other));
            let (c, d) = (end(one), end(other));
            (a.starts_with(&b) || b.starts_with(&a)) && (c.ends_with(&d) || d.ends_with(&c))
        }
    }
}

pub(super) fn unreachable(facts: &Facts) -> Judged {
    let rules = &facts.config.rules;
    if facts.config.good.is_none() {
        return Judged::skipped("the configuration cannot be used (C01)");
    }
    let hidden: Vec<String> = rules
        .hidden()
        .into_iter()
        .filter_map(|hidden| {
            let (rule, by) = (rules.get(hidden.rule)?, rules.get(hidden.by)?);
            Some(format!("rule `{}` behind rule `{}`", rule.name, by.name))
        })
        .collect();
    if hidden.is_empty() {
        return Judged::ok(format!("each of the {} rules can be reached", rules.len()));
    }
    Judged::warning(format!("never reached: {}", shown(&hidden)))
        .advice("move it to the front, or remove it; `bootwright check` shows where it stands")
}

pub(super) fn modes(facts: &Facts) -> Judged {
    let config = &facts.config;
    let commands: Vec<String> = config
        .modes
        .iter()
        .map(|(file, mode)| format!("chmod {mode} {}", quoted(&file.display().to_string())))
        .collect();
    if let Some((file, mode)) = config.modes.first() {
        let may = if *mode == "o-rwx" { "read" } else { "change" };
        return Judged::warning(format!("everybody on this box may {may} `{}`", file.display()))
            .repair(commands.join(" && "));
    }
    if !config.secrets.is_empty() {
        return Judged::warning(shown(&config.secrets))
            .advice("put the secret there; it is read when a document asks for it");
    }
    Judged::ok("secrets can be read, and by nobody else")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_meet_where_a_text_could_fit_both() {
        let meet = |a: &str, b: &str| meet(&Pattern::new(a), &Pattern::new(b));
        for (a, b) in [("r1*", "*7"), ("r1*", "r17"), ("*", "x"), ("r*", "r1*"), ("a?c", "ab*")] {
            assert!(meet(a, b) && meet(b, a), "{a} {b}");
        }
        for (a, b) in [("r1*", "r2*"), ("r1", "r2"), ("*7", "*8"), ("r1*", "r2")] {
            assert!(!meet(a, b) && !meet(b, a), "{a} {b}");
        }
    }
}
