//! The first page: who needs a decision, what is running, and all hosts.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Response;
use bootwright_proto::http::api::{HostList, HostSummary, Problem, ProfileList, Proposal, ProposalList, Role, Status};
use maud::{Markup, html};

use super::ask::{Asker, escape};
use super::row::{self, Around};
use super::shell::{self, Page};
use super::{Asked, Pages, Viewer, badge, page, trouble, words};

/// How many hosts the two upper zones show. What is more is a link away.
pub(crate) const ZONE_HOSTS: usize = 12;

/// How many hosts of the table stand on a page.
const PAGE_HOSTS: usize = 100;

/// What the table is filtered by: the names of the query's items.
const FILTERS: [&str; 5] = ["text", "badge", "profile", "label", "link"];

pub(crate) async fn home(State(pages): State<Pages>, viewer: Viewer, asked: Asked) -> Response {
    // Before anything is read, so that no change falls between what is shown and what follows.
    let mark = pages.live.mark().await;
    match gather(&viewer, &asked).await {
        Ok(seen) => {
            let body = html! {
                div #live-head { (heading(&seen.status)) }
                @if seen.is_empty(&asked) { (onboarding(&seen.status, &seen.around)) } @else { (zones(&seen)) }
                (all(&viewer, &asked, &seen))
            };
            let frame = Page {
                title: "Hosts",
                place: "/",
                refresh: 10,
                mark: Some(mark),
                body,
            };
            page(&viewer, shell::frame(&viewer, Some(&seen.status), &frame))
        }
        Err(problem) => trouble(&viewer, &problem),
    }
}

/// What the page is made of.
struct Seen {
    status: Status,
    around: Around,
    needs: HostList,
    running: HostList,
    all: HostList,
    proposals: Vec<Proposal>,
}

impl Seen {
    /// Whether nobody was seen yet.
    fn is_empty(&self, asked: &Asked) -> bool {
        self.all.hosts.is_empty()
            && self.status.badges.is_empty()
            && FILTERS.iter().all(|name| asked.get(name).is_none())
    }
}

async fn gather(viewer: &Viewer, asked: &Asked) -> Result<Seen, Problem> {
    let asker = &viewer.asker;
    let table = query(asked, asked.get("after"), PAGE_HOSTS);
    let needs = format!("/hosts?attention=true&limit={ZONE_HOSTS}");
    let running = format!("/hosts?badge=installing&limit={ZONE_HOSTS}");
    Ok(Seen {
        status: asker.get("/status").await?,
        around: around(asker).await?,
        needs: asker.get(&needs).await?,
        running: asker.get(&running).await?,
        all: asker.get(&format!("/hosts?{table}")).await?,
        proposals: asker.get::<ProposalList>("/proposals").await?.proposals,
    })
}

/// The profiles, and how long they usually take.
pub(crate) async fn around(asker: &Asker) -> Result<Around, Problem> {
    let list: ProfileList = asker.get("/profiles").await?;
    let usual_ms = list.profiles.iter();
    Ok(Around {
        usual_ms: usual_ms
            .filter_map(|profile| Some((profile.profile.clone(), profile.usual_ms?)))
            .collect(),
        profiles: list.profiles.into_iter().map(|profile| profile.profile).collect(),
    })
}

/// The query that asks the API for a page of the table, and this page for the same.
fn query(asked: &Asked, after: Option<&str>, limit: usize) -> String {
    let filters = FILTERS.iter().filter_map(|name| Some((*name, asked.get(name)?)));
    let mut query: String = filters
        .chain(after.map(|after| ("after", after)))
        .map(|(name, value)| format!("{name}={}&", escape(value)))
        .collect();
    query.push_str(&format!("limit={limit}"));
    query
}

/// The site in a line.
pub(crate) fn heading(status: &Status) -> Markup {
    let count = |badge: &str| status.badges.get(badge).copied().unwrap_or_default();
    let hosts: u64 = status.badges.values().sum();
    html! {
        div.heading {
            h1 { "Hosts" }
            p {
                span { (words::counted(hosts, "machine")) }
                span { (words::number(count("installing"))) " installing" }
                span { (words::number(status.attention)) @if status.attention == 1 { " needs you" } @else { " need you" } }
            }
        }
    }
}

fn zones(seen: &Seen) -> Markup {
    html! {
        section.zone #needs aria-labelledby="needs-title" {
            h2 #needs-title { "Needs you" }
            ul.cards data-zone="needs" data-most=(ZONE_HOSTS) {
                @for host in &seen.needs.hosts { (row::needs(host, &seen.around)) }
            }
            p.calm { "Nobody waits for you." }
            @if seen.needs.total > seen.needs.hosts.len() as u64 {
                p { "The first " (seen.needs.hosts.len()) " of " (words::number(seen.needs.total)) ". "
                    a href="/?badge=held" { "All that wait" } " · " a href="/?badge=failed" { "All that failed" } }
            }
            (proposals(&seen.proposals))
        }
        section.zone #running aria-labelledby="running-title" {
            h2 #running-title { "Running" }
            ul.cards data-zone="running" data-most=(ZONE_HOSTS) {
                @for host in &seen.running.hosts { (row::running(host, &seen.around)) }
            }
            p.calm { "No install is under way." }
            @if seen.running.total > seen.running.hosts.len() as u64 {
                p { a href="/?badge=installing" { "All " (words::number(seen.running.total)) " that install" } }
            }
        }
    }
}

/// What rules would arm.
fn proposals(proposals: &[Proposal]) -> Markup {
    html! {
        @if !proposals.is_empty() {
            div.card {
                h3 { "A rule would arm " (words::counted(proposals.len() as u64, "host")) }
                ul { @for proposal in proposals.iter().take(ZONE_HOSTS) {
                    li { a href=(row::path(&proposal.host)) { (proposal.host) } " with " (proposal.profile) ", by rule " (proposal.rule) }
                } }
                form.op method="post" action="/apply" {
                    (shell::hidden())
                    button.primary type="submit" { "Accept all" }
                    (shell::command("bootwright apply"))
                }
            }
        }
    }
}

/// The table with its filters.
fn all(viewer: &Viewer, asked: &Asked, seen: &Seen) -> Markup {
    let first = asked.get("after").is_none();
    let filtered = FILTERS.iter().any(|name| asked.get(name).is_some());
    html! {
        section.zone #all aria-labelledby="all-title" {
            h2 #all-title { "All hosts" }
            (filters(asked, seen))
            @if filtered {
                p { (words::counted(seen.all.total, "host")) " " @if seen.all.total == 1 { "fits" } @else { "fit" } ". " a href="/" { "Show all" } }
            }
            div.scroll {
                table.hosts {
                    caption.unseen { "All hosts, by name" }
                    thead { tr {
                        th.op scope="col" { span.unseen { "Select" } }
                        th scope="col" { "Host" } th scope="col" { "State" } th scope="col" { "Profile" } th scope="col" { "Machine" }
                        th scope="col" { "Address" } th scope="col" { "Interface" } th scope="col" { "Labels" } th scope="col" { "Seen" }
                    } }
                    tbody data-zone="all" data-follow[first && !filtered] data-most=(PAGE_HOSTS) {
                        @for host in &seen.all.hosts { (row::line(host)) }
                    }
                }
            }
            nav.pages aria-label="Pages of hosts" {
                @if !first { a.button href={ "/?" (query(asked, None, PAGE_HOSTS)) } { "First page" } }
                @if let Some(next) = &seen.all.next { a.button rel="next" href={ "/?" (query(asked, Some(next), PAGE_HOSTS)) } { "Next page" } }
            }
            @if viewer.may(Role::Operator) && !seen.all.hosts.is_empty() { (many(seen)) }
        }
    }
}

fn filters(asked: &Asked, seen: &Seen) -> Markup {
    let links: Vec<&str> = seen.status.links.iter().map(|link| link.link.as_str()).collect();
    let profiles: Vec<&str> = seen.around.profiles.iter().map(String::as_str).collect();
    let badges: Vec<&str> = badge::BADGES
        .iter()
        .map(|(name, _)| *name)
        .filter(|name| *name != "locked")
        .collect();
    html! {
        form.filters method="get" action="/" aria-label="Filter hosts" {
            label { "Text" input type="search" name="text" value=[asked.get("text")] autocomplete="off" spellcheck="false"; }
            (choice("badge", "State", &badges, asked, Some(&seen.status.badges)))
            (choice("profile", "Profile", &profiles, asked, None))
            (choice("link", "Interface", &links, asked, None))
            label { "Label" input type="text" name="label" placeholder="key or key=value" value=[asked.get("label")] autocomplete="off" spellcheck="false"; }
            button type="submit" { "Filter" }
        }
    }
}

fn choice(name: &str, label: &str, options: &[&str], asked: &Asked, counts: Option<&BTreeMap<String, u64>>) -> Markup {
    let chosen = asked.get(name);
    html! {
        label { (label)
            select name=(name) {
                option value="" { "any" }
                @for option in options {
                    option value=(option) selected[chosen == Some(*option)] {
                        (option) @if let Some(count) = counts.and_then(|counts| counts.get(*option)) { " (" (count) ")" }
                    }
                }
                @if let Some(other) = chosen.filter(|chosen| !options.contains(chosen)) { option value=(other) selected { (other) } }
            }
        }
    }
}

/// What is done to all hosts that are selected.
fn many(seen: &Seen) -> Markup {
    html! {
        form.bulk.op #many method="post" action="/act" aria-label="Selected hosts" data-keep="many" {
            (shell::hidden())
            p { strong { span #picked { "Selected hosts" } } " " button.plain type="button" hidden data-pick-all { "Select all on this page" } }
            label { "Profile"
                select name="profile" {
                    option value="" { "the one meant for each" }
                    @for profile in &seen.around.profiles { option value=(profile) { (profile) } }
                }
            }
            div.acts {
                @for (action, label) in [("arm", "Arm"), ("queue", "Queue"), ("hold", "Hold"), ("local", "Boot local"), ("live", "Live"), ("lock", "Lock"), ("unlock", "Unlock"), ("wake", "Wake"), ("ignore", "Ignore")] {
                    button type="submit" name="action" value=(action) class=(if action == "arm" { "primary" } else { "plain" }) { (label) }
                }
            }
            details { summary { "As commands" }
                p { "For each host: " (shell::command("bootwright host arm HOST PROFILE")) }
                p { "Likewise " code { "queue" } ", " code { "hold" } ", " code { "local" } ", " code { "live" } ", " code { "lock" } ", " code { "unlock" } ", " code { "wake" } " and " code { "ignore" } "." }
            }
        }
    }
}

/// The page before any machine was seen.
fn onboarding(status: &Status, around: &Around) -> Markup {
    let served: Vec<_> = status.links.iter().filter(|link| link.served).collect();
    html! {
        section.card.onboarding aria-labelledby="begin" {
            h2 #begin { "Waiting for the first machine …" }
            ol {
                li {
                    strong { "The network. " }
                    @if served.is_empty() { "No interface is served yet; " a href="/segments" { "the segments" } " say why." }
                    @for link in &served {
                        span { "Listening on " code { (link.link) } @if let Some(address) = &link.address { " (" (address) ")" } ". " }
                        @for server in &link.dhcp_servers { span { (server) ". " } }
                    }
                }
                li {
                    strong { "Something to install. " }
                    @if around.profiles.is_empty() {
                        "There is no profile yet. These commands add an image and a profile for it:"
                        (shell::command("bootwright image add debian debian:trixie"))
                        (shell::command("bootwright profile new debian --os debian"))
                    } @else { "Profiles: " (around.profiles.join(", ")) "." }
                }
                li {
                    strong { "A machine. " }
                    "Switch one on in this segment and let it boot from the network. It appears here by itself, and nothing is written to it before you say so."
                    @if let Some(link) = served.first() {
                        " Without hardware, a virtual machine on a bridge will do:"
                        (shell::command(&format!("qemu-system-x86_64 -m 4096 -boot n -nic bridge,br={}", link.link)))
                    }
                }
            }
        }
        (zones_hidden())
    }
}

/// The zones as they will be needed once a machine shows itself.
fn zones_hidden() -> Markup {
    html! {
        section.zone #needs aria-label="Needs you" { ul.cards data-zone="needs" data-most=(ZONE_HOSTS) {} }
        section.zone #running aria-label="Running" { ul.cards data-zone="running" data-most=(ZONE_HOSTS) {} }
    }
}

/// Whether a host belongs among those that run.
pub(crate) fn is_running(host: &HostSummary) -> bool {
    host.badge == "installing"
}
