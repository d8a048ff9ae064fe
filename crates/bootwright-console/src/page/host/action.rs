//! What can be done with a host: each a plain form beside the command line that does the same.

use bootwright_proto::http::api::{HostDetail, HostSummary, StateView};
use maud::{Markup, html};

use super::Seen;
use crate::page::row::{cli, path};
use crate::page::shell;

pub(super) fn all(seen: &Seen) -> Markup {
    let (host, detail) = (&seen.detail.summary, &seen.detail);
    html! {
        section.card.actions #actions aria-labelledby="actions-title" {
            h2 #actions-title { "Actions" }
            @if host.locked { p.why { "It is locked: nothing installs it before it is unlocked." } }
            (arm(seen))
            @if again(detail).is_some() { (reinstall(detail)) }
            @if matches!(detail.detail, StateView::Installing { .. }) {
                (plain(host, "done", "Call the run done", "For profiles that cannot report their end."))
            }
            (plain(host, "hold", "Hold", "It waits; an arming or a run ends."))
            (plain(host, "local", "Boot local", "It starts its own disk."))
            (live(seen))
            (plain(host, "wake", "Wake", "A magic packet goes to its cards."))
            @if host.locked {
                (plain(host, "unlock", "Unlock", "It can be armed again."))
            } @else {
                (plain(host, "lock", "Lock", "Nothing installs it."))
            }
            (plain(host, "ignore", "Ignore", "It is never answered."))
            (set(host, "label", "Set label", "rack", "label.KEY=VALUE"))
            (set(host, "metadata", "Set metadata", "role", "metadata.KEY=VALUE"))
            (forget(host))
        }
    }
}

/// What it had, if it was ever installed from here.
fn again(detail: &HostDetail) -> Option<&str> {
    let state = match &detail.detail {
        StateView::Installed { profile, .. } | StateView::Failed { profile, .. } => Some(profile),
        _ => None,
    };
    let last = detail.runs.last().map(|run| &run.profile);
    state.or(last).map(String::as_str)
}

fn form(host: &HostSummary, action: &str, inside: &Markup) -> Markup {
    html! {
        form method="post" action={ (path(&host.host)) "/act" } data-keep={ (action) "-action" } {
            (shell::hidden())
            input type="hidden" name="action" value=(action);
            (inside)
        }
    }
}

fn plain(host: &HostSummary, action: &str, label: &str, what: &str) -> Markup {
    html! {
        div.act {
            (form(host, action, &html! { button type="submit" { (label) } }))
            p { (what) }
            (cli(&host.host, action, ""))
        }
    }
}

/// Where serial numbers of disks are typed.
fn disks(id: &str) -> Markup {
    html! {
        label for=(id) { "Disks that may be overwritten" span.quiet { " serial numbers, if they are not empty" } }
        input id=(id) type="text" name="allow_wipe" autocomplete="off" spellcheck="false";
    }
}

fn arm(seen: &Seen) -> Markup {
    let host = &seen.detail.summary;
    let profiles = &seen.around.profiles;
    let suggested = host.suggestion.as_deref();
    let armed = host.badge == "armed" || host.badge == "installing";
    let (action, label) = if armed { ("queue", "Queue") } else { ("arm", "Arm") };
    let inside = html! {
        label for="arm-profile" { @if armed { "Profile to put behind the rest" } @else { "Profile to install" } }
        @if armed {
            select #arm-profile name="profile" data-cli={ "bootwright host queue " (host.host) } {
                @for profile in profiles { option value=(profile) { (profile) } }
            }
        } @else {
            input #arm-profile type="text" name="profile" list="profiles" value=[suggested] placeholder="one, or several with commas" autocomplete="off" spellcheck="false" data-cli={ "bootwright host arm " (host.host) };
            datalist #profiles { @for profile in profiles { option value=(profile) {} } }
            (disks("arm-disks"))
        }
        button.primary type="submit" { (label) }
    };
    html! {
        div.act.first {
            (form(host, action, &inside))
            (cli(&host.host, action, suggested.unwrap_or("PROFILE")))
        }
    }
}

fn reinstall(detail: &HostDetail) -> Markup {
    let host = &detail.summary;
    let what = again(detail).unwrap_or_default();
    let sure = match &detail.detail {
        StateView::Installed { .. } => true,
        _ => detail.runs.iter().any(|run| run.succeeded),
    };
    let inside = html! {
        @if sure {
            p { "This overwrites what " (what) " has become on " strong { (host.host) } "." @if let Some(serial) = &detail.facts.serial { " Its serial number is " (serial) "." } }
            label for="reinstall-confirm" { "Type " strong { (host.host) } " to confirm" }
            input #reinstall-confirm type="text" name="confirm" required autocomplete="off" spellcheck="false";
        }
        (disks("reinstall-disks"))
        button.danger type="submit" { "Reinstall " (what) }
    };
    html! {
        div.act {
            details { summary { "Reinstall " (what) " …" } (form(host, "reinstall", &inside)) }
            (cli(&host.host, "reinstall", &if sure { format!("--confirm {}", host.host) } else { String::new() }))
        }
    }
}

fn live(seen: &Seen) -> Markup {
    let host = &seen.detail.summary;
    let inside = html! {
        label for="live-profile" { "Profile to boot every time" }
        select #live-profile name="profile" data-cli={ "bootwright host live " (host.host) } {
            @for profile in &seen.around.profiles { option value=(profile) { (profile) } }
        }
        button type="submit" { "Live" }
    };
    html! {
        @if !seen.around.profiles.is_empty() {
            div.act { (form(host, "live", &inside)) (cli(&host.host, "live", "PROFILE")) }
        }
    }
}

fn set(host: &HostSummary, action: &str, label: &str, example: &str, line: &str) -> Markup {
    let (key, value) = (format!("{action}-key"), format!("{action}-value"));
    let inside = html! {
        div.pair {
            div { label for=(key) { "Name" } input id=(key) type="text" name="key" placeholder=(example) required autocomplete="off" spellcheck="false"; }
            div { label for=(value) { "Value, or nothing to remove it" } input id=(value) type="text" name="value" autocomplete="off" spellcheck="false"; }
        }
        button type="submit" { (label) }
    };
    html! { div.act { details { summary { (label) " …" } (form(host, action, &inside)) } (cli(&host.host, "set", line)) } }
}

fn forget(host: &HostSummary) -> Markup {
    let inside = html! {
        label { input type="checkbox" name="sure" value="yes" required; " Yes, as if it had never been seen" }
        button.danger type="submit" { "Forget" }
    };
    html! { div.act { details { summary { "Forget …" } (form(host, "forget", &inside)) } (cli(&host.host, "forget", "")) } }
}
