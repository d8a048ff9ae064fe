//! One host in each of the zones of the first page. The same functions make the page and what is sent when something changes,
//! so what is sent knows nothing of who looks.

use bootwright_proto::http::api::HostSummary;
use maud::{Markup, html};

use super::ask::escape;
use super::{badge, shell, stage, words};

/// What is around a host: the same for all who look.
#[derive(Clone, Debug, Default)]
pub(crate) struct Around {
    /// The profiles that a host can be armed with, in order.
    pub(crate) profiles: Vec<String>,
    /// How long a run of each usually takes.
    pub(crate) usual_ms: std::collections::BTreeMap<String, u64>,
}

impl Around {
    /// How long the host's run usually takes.
    pub(crate) fn usual(&self, host: &HostSummary) -> Option<u64> {
        self.usual_ms.get(host.profile.as_ref()?).copied()
    }
}

/// Where the host's page is.
pub(crate) fn path(host: &str) -> String {
    format!("/hosts/{}", escape(host))
}

/// A host's name with its state, as the heading of whatever follows.
fn name(host: &HostSummary) -> Markup {
    html! {
        a.name href=(path(&host.host)) { (host.host) }
        (badge::badge(&host.badge))
        @if host.locked { (badge::lock()) }
    }
}

/// What is known of it in one line.
fn about(host: &HostSummary) -> Markup {
    let firmware = host.firmware.as_deref().map(|firmware| match firmware {
        "bios" => "BIOS",
        "uefi" => "UEFI",
        other => other,
    });
    let facts = [
        host.make.as_deref(),
        firmware,
        host.mac.as_deref(),
        host.link.as_deref(),
    ];
    html! {
        p.about {
            @for fact in facts.into_iter().flatten() { span { (fact) } }
            @if let Some(seen) = &host.last_seen { span { "seen " (words::when(seen)) } }
        }
    }
}

/// A host that waits for somebody to decide.
pub(crate) fn needs(host: &HostSummary, around: &Around) -> Markup {
    html! {
        li.card id={ "needs-" (host.host) } data-host=(host.host) {
            div.lead { (name(host)) }
            (about(host))
            @if let Some(why) = &host.why { p.why { (why) } }
            @if host.badge == "stalled" { (stage::bar(host, around.usual(host))) }
            div.op.acts { (choices(host, around)) a.quiet href={ (path(&host.host)) "#explain" } { "Why?" } }
        }
    }
}

/// The decisions that a host in need is about.
fn choices(host: &HostSummary, around: &Around) -> Markup {
    html! {
        @if host.badge == "failed" {
            (act(host, "local", "Boot local", "plain", &["local"]))
            a.button href={ (path(&host.host)) "#actions" } { "Look and arm again" }
        } @else if host.badge == "stalled" {
            (act(host, "hold", "Stop the run", "plain", &["hold"]))
            a.button href=(path(&host.host)) { "Look" }
        } @else {
            (arm(host, around))
            (act(host, "local", "Boot local", "plain", &["local"]))
            (act(host, "ignore", "Ignore", "plain", &["ignore"]))
        }
    }
}

/// The form that arms a host with one profile.
pub(crate) fn arm(host: &HostSummary, around: &Around) -> Markup {
    let field = format!("profile-{}", host.host);
    html! {
        @if around.profiles.is_empty() {
            p.hint { "There is no profile yet: " a href="/profiles" { "add one" } "." }
        } @else {
            form.inline.arm method="post" action={ (path(&host.host)) "/act" } data-keep={ "arm-" (host.host) } {
                (shell::hidden())
                input type="hidden" name="action" value="arm";
                label.unseen for=(field) { "Profile for " (host.host) }
                select id=(field) name="profile" data-cli={ "bootwright host arm " (host.host) } {
                    @for profile in &around.profiles {
                        option value=(profile) selected[host.suggestion.as_ref() == Some(profile)] { (profile) }
                    }
                }
                button.primary type="submit" title={ "bootwright host arm " (host.host) " PROFILE" } { "Arm" span.unseen { " " (host.host) } }
            }
        }
    }
}

/// A button that tells a host something.
pub(crate) fn act(host: &HostSummary, action: &str, label: &str, class: &str, line: &[&str]) -> Markup {
    let command = format!("bootwright host {} {}", line.join(" "), host.host);
    html! {
        form.inline method="post" action={ (path(&host.host)) "/act" } {
            (shell::hidden())
            input type="hidden" name="action" value=(action);
            button class=(class) type="submit" title=(command) { (label) span.unseen { " " (host.host) } }
        }
    }
}

/// A host whose run is under way.
pub(crate) fn running(host: &HostSummary, around: &Around) -> Markup {
    html! {
        li.card id={ "running-" (host.host) } data-host=(host.host) {
            div.lead {
                (name(host))
                @if let Some(profile) = &host.profile { span.profile { (profile) " · run " (host.run) } }
            }
            (stage::bar(host, around.usual(host)))
        }
    }
}

/// A host in the table of all.
pub(crate) fn line(host: &HostSummary) -> Markup {
    html! {
        tr id={ "row-" (host.host) } data-host=(host.host) {
            td.pick.op {
                input type="checkbox" name="host" value=(host.host) form="many" aria-label={ "Select " (host.host) };
            }
            th scope="row" { a.name href=(path(&host.host)) { (host.host) } }
            td data-label="State" { (badge::badge(&host.badge)) @if host.locked { (badge::lock()) } }
            td data-label="Profile" { (or_dash(host.profile.as_deref())) }
            td data-label="Machine" { (or_dash(host.make.as_deref())) }
            td data-label="Address" { (or_dash(host.address.as_deref())) @if let Some(mac) = &host.mac { span.mac { (mac) } } }
            td data-label="Interface" { (or_dash(host.link.as_deref())) }
            td data-label="Labels" {
                @for (key, value) in &host.labels { span.label { (key) "=" (value) } }
            }
            td data-label="Seen" { @if let Some(seen) = &host.last_seen { (words::when(seen)) } @else { (or_dash(None)) } }
        }
    }
}

/// What is not known.
pub(crate) fn or_dash(text: Option<&str>) -> Markup {
    html! { @if let Some(text) = text { (text) } @else { span.quiet { "–" } } }
}

/// A host on the wall.
pub(crate) fn tile(host: &HostSummary) -> Markup {
    let progress = host
        .progress
        .as_ref()
        .filter(|_| host.badge == "installing" || host.badge == "stalled");
    html! {
        li id={ "tile-" (host.host) } class={ "tile tile-" (host.badge) } data-host=(host.host) {
            a href=(path(&host.host)) {
                (badge::shape(&host.badge))
                strong { (host.host) }
                span.word { (host.badge) @if host.locked { ", locked" } }
                @if let Some(profile) = &host.profile { span.profile { (profile) } }
            }
            @if let Some(progress) = progress {
                @if let (Some(done), Some(total)) = (progress.bytes, progress.bytes_total) {
                    progress max=(total.max(1)) value=(done.min(total)) aria-label={ "Bytes for " (host.host) } {}
                } @else if let Some(percent) = progress.percent {
                    progress max="100" value=(percent) aria-label={ "Installer of " (host.host) } {}
                }
            }
        }
    }
}

/// What is said of a change to whoever cannot see it.
pub(crate) fn spoken(host: &HostSummary) -> String {
    let profile = host
        .profile
        .as_deref()
        .map(|profile| format!(" {profile}"))
        .unwrap_or_default();
    match host.badge.as_str() {
        "held" => format!("{} waits", host.host),
        "installing" => format!("{} installs{profile}", host.host),
        "done" => format!("{}:{profile} is installed", host.host),
        "up" => format!("{} is up", host.host),
        badge => format!("{} is {badge}", host.host),
    }
}

/// The command line of an action on one host, as the host's own page shows it.
pub(crate) fn cli(host: &str, verb: &str, rest: &str) -> Markup {
    let rest = if rest.is_empty() {
        String::new()
    } else {
        format!(" {rest}")
    };
    shell::command(&format!("bootwright host {verb} {host}{rest}"))
}

/// A command line that begins with these words, about a host.
pub(crate) fn cli_line(words: &str, host: &str, rest: Option<&str>) -> Markup {
    let rest = rest.map(|rest| format!(" {rest}")).unwrap_or_default();
    html! { p { (shell::command(&format!("{words} {host}{rest}"))) } }
}
