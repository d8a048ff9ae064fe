//! The page of one host.

mod action;
mod timeline;

use axum::extract::{Path, State};
use axum::response::Response;
use bootwright_proto::http::api::{
    DocumentList, EventPage, Explanation, HostDetail, IdentityView, Line, Problem, Role, StateView, Status,
};
use maud::{Markup, html};

use super::ask::escape;
use super::home::around;
use super::row::{Around, or_dash};
use super::shell::{self, Page};
use super::{Asked, Pages, Viewer, badge, page, stage, trouble, words};

/// How many events of its record the page shows.
const EVENTS: usize = 400;

pub(crate) async fn host(
    State(pages): State<Pages>,
    Path(name): Path<String>,
    viewer: Viewer,
    asked: Asked,
) -> Response {
    let mark = pages.live.mark().await;
    match gather(&viewer, &name, &asked).await {
        Ok(seen) => {
            let frame = Page {
                title: &seen.detail.summary.host,
                place: "/",
                refresh: 10,
                mark: Some(mark),
                body: body(&viewer, &seen, &asked),
            };
            page(&viewer, shell::frame(&viewer, Some(&seen.status), &frame))
        }
        Err(problem) => trouble(&viewer, &problem),
    }
}

/// What the page is made of.
pub(super) struct Seen {
    status: Status,
    detail: HostDetail,
    explanation: Explanation,
    events: EventPage,
    /// Who is no operator is shown no documents: what is no secret to the daemon may be one to the site.
    documents: Option<Result<DocumentList, Problem>>,
    around: Around,
}

async fn gather(viewer: &Viewer, name: &str, asked: &Asked) -> Result<Seen, Problem> {
    let asker = &viewer.asker;
    let path = format!("/hosts/{}", escape(name));
    let detail: HostDetail = asker.get(&path).await?;
    let supposed = asked
        .get("as_if")
        .map(|supposed| format!("?as_if={}", escape(supposed)));
    let explanation = asker
        .get(&format!("{path}/explain{}", supposed.unwrap_or_default()))
        .await?;
    let documents = if viewer.may(Role::Operator) {
        let profile = asked
            .get("preview")
            .map(|profile| format!("?profile={}", escape(profile)));
        Some(
            asker
                .get(&format!("{path}/documents{}", profile.unwrap_or_default()))
                .await,
        )
    } else {
        None
    };
    Ok(Seen {
        status: asker.get("/status").await?,
        events: asker
            .get(&format!("/events?last=1&limit={EVENTS}&host={}", escape(name)))
            .await?,
        around: around(asker).await?,
        detail,
        explanation,
        documents,
    })
}

fn body(viewer: &Viewer, seen: &Seen, asked: &Asked) -> Markup {
    let host = &seen.detail.summary;
    html! {
        div.heading #live-head data-host=(host.host) {
            h1 { (host.host) }
            p { (badge::badge(&host.badge)) @if host.locked { (badge::lock()) } span { (badge::meaning(&host.badge)) } }
        }
        nav.tabs aria-label="On this page" {
            ul {
                li { a href="#actions" { "Actions" } }
                li { a href="#facts" { "Facts" } }
                li { a href="#runs" { "Runs" } }
                li { a href="#explain" data-explain { "Explain" } }
                li { a href="#files" { "Files" } }
            }
        }
        div.columns {
            div {
                div #live-now {
                    (now(seen))
                    (timeline::runs(&seen.detail, &seen.events.events))
                }
                (explain(&seen.explanation, asked))
                (files(seen, asked))
            }
            div {
                @if viewer.may(Role::Operator) { (action::all(seen)) }
                div #live-facts { (facts(&seen.detail)) }
            }
        }
    }
}

/// Where it stands.
fn now(seen: &Seen) -> Markup {
    let host = &seen.detail.summary;
    html! {
        section.card #now aria-labelledby="now-title" {
            h2 #now-title { "Now" }
            p.told { (seen.detail.words) }
            @if let Some(why) = &host.why { p.why { (why) } }
            (stage::bar(host, seen.around.usual(host)))
            dl { (state(&seen.detail.detail)) }
        }
    }
}

fn pair(name: &str, value: &Markup) -> Markup {
    html! { div { dt { (name) } dd { (value) } } }
}

fn state(state: &StateView) -> Markup {
    let list = |profiles: &[String]| html! { (profiles.join(", then ")) };
    html! {
        @match state {
            StateView::New { stance } => { (pair("Decided", &html! { @if stance == "policy" { "by nobody" } @else { (stance) } })) }
            StateView::Armed { grant, queue } => {
                (pair("Will install", &list(queue)))
                (pair("Armed by", &html! { (grant.by) ", " (words::when(&grant.at)) }))
                (pair("Lapses", &words::when(&grant.expires)))
                @if !grant.allow_wipe.is_empty() { (pair("May overwrite", &list(&grant.allow_wipe))) }
            }
            StateView::Installing { run, grant, rest } => {
                (pair("Run", &html! { (run.number) " with " (run.profile) ", attempt " (run.attempts) }))
                (pair("Began", &words::when(&run.started)))
                (pair("Fails at the latest", &words::when(&run.deadline)))
                (pair("Armed by", &html! { (grant.by) }))
                @if !rest.is_empty() { (pair("After it", &list(rest))) }
            }
            StateView::Installed { run, profile, done, up } => {
                (pair("Installed", &html! { (profile) " by run " (run) ", " (words::when(done)) }))
                (pair("Its system", &html! { @if let Some(up) = up { "called in " (words::when(up)) } @else { "was not heard yet" } }))
            }
            StateView::Failed { run, profile, at, failure, reason } => {
                (pair("Failed", &html! { (profile) ", run " (run) ", " (words::when(at)) }))
                (pair("Because", &html! { (reason) " " code { (failure) } }))
            }
            StateView::Live { profile } => { (pair("Boots", &html! { (profile) ", every time" })) }
            StateView::Ignored => { (pair("Answer", &html! { "none" })) }
        }
    }
}

/// What is known of the machine.
fn facts(detail: &HostDetail) -> Markup {
    let facts = &detail.facts;
    let text = |text: &Option<String>| or_dash(text.as_deref());
    html! {
        section.card #facts aria-labelledby="facts-title" {
            h2 #facts-title { "Facts" }
            dl {
                (pair("Console code", &html! { code { (detail.code) } }))
                @for card in &facts.cards {
                    (pair("Card", &html! { (card.mac) @if card.quality != "good" { span.quiet { " (" (card.quality) ", tells it from no other)" } } }))
                }
                (pair("Address", &text(&detail.summary.address)))
                (pair("Interface", &text(&detail.summary.link)))
                (pair("Firmware", &text(&detail.summary.firmware)))
                (pair("Maker", &text(&facts.manufacturer)))
                (pair("Product", &text(&facts.product)))
                (pair("Serial number", &text(&facts.serial)))
                (pair("Asset tag", &text(&facts.asset)))
                (pair("UUID", &text(&facts.uuid)))
                (pair("First seen", &words::when(&detail.since)))
                @if let Some(seen) = &detail.summary.last_seen { (pair("Last heard", &words::when(seen))) }
                (pair("In the configuration", &html! { @if detail.configured { "yes" } @else { "no" } }))
                @if let Some(method) = &detail.local_boot.method {
                    (pair("Own disk by", &html! { (method) @if detail.local_boot.pinned { " (pinned)" } @if detail.local_boot.parked { " (no method starts it)" } }))
                }
                @for lease in &detail.leases { (pair("Lease", &html! { (lease.address) " " (lease.state) ", " (words::when(&lease.until)) })) }
            }
            (table("Labels", detail.summary.labels.iter()))
            (table("Metadata", detail.metadata.iter()))
            (table("Said by the machine", detail.reported.iter()))
        }
    }
}

fn table<'a>(name: &str, items: impl ExactSizeIterator<Item = (&'a String, &'a String)>) -> Markup {
    html! {
        @if items.len() > 0 {
            h3 { (name) }
            dl { @for (key, value) in items { (pair(key, &html! { (value) })) } }
        }
    }
}

/// What it would be answered, and why.
fn explain(explanation: &Explanation, asked: &Asked) -> Markup {
    html! {
        section.card #explain aria-labelledby="explain-title" {
            h2 #explain-title { "Explain" }
            p.told { (explanation.words) }
            form.inline method="get" action="#explain" aria-label="Suppose something else" {
                label { "As if" input type="text" name="as_if" placeholder="profile=debian" value=[asked.get("as_if")] autocomplete="off" spellcheck="false"; }
                button type="submit" { "Explain" }
            }
            (super::row::cli_line("bootwright explain", &explanation.subject, asked.get("as_if").map(|supposed| format!("--as-if {supposed}")).as_deref()))
            (identity(&explanation.identity))
            @if !explanation.rules.is_empty() {
                h3 { "Rules" }
                ul.rules { @for rule in &explanation.rules {
                    li { strong { (rule.rule) } " → " (rule.profile) ": " @if rule.decides { "decides. " } @else if rule.matches { "fits too. " } @else { "no. " } (rule.why) }
                } }
            }
            (points("Safety", &explanation.safety))
            @if let Some(guard) = &explanation.guard {
                h3 { "Disk guard" }
                p { @if guard.wipe == "always" { "Any disk may be overwritten." } @else { "Only empty disks are overwritten" @if !guard.allowed.is_empty() { ", and " (guard.allowed.join(", ")) } "." } }
            }
            (points("Not answered of late", &explanation.silences))
            (points("Leases", &explanation.leases))
            (points("Other servers", &explanation.segment))
            h3 { "Answers" }
            @for answer in &explanation.answers {
                details.answer {
                    summary { code { (answer.channel) } " " strong { (answer.verdict) } " " (answer.words) }
                    @if let Some(text) = &answer.text { pre tabindex="0" aria-label={ "Answer on " (answer.channel) } { (text) } }
                }
            }
        }
    }
}

fn identity(identity: &IdentityView) -> Markup {
    html! {
        @match identity {
            IdentityView::Known { .. } => {}
            IdentityView::Unknown => { p { "It is not in the store yet." } }
            IdentityView::Nobody => { p { "Nothing tells it from others." } }
            IdentityView::Contradiction { candidates, why } => {
                p.why { (why) }
                ul { @for candidate in candidates { li { a href=(super::row::path(&candidate.host)) { (candidate.host) } } } }
            }
        }
    }
}

fn points(name: &str, lines: &[Line]) -> Markup {
    html! {
        @if !lines.is_empty() {
            h3 { (name) }
            ul { @for line in lines {
                li { (line.words) @if let Some(count) = line.count { " (×" (count) ")" } @if let Some(time) = &line.time { " " (words::when(time)) } }
            } }
        }
    }
}

/// The documents that it is or would be served.
fn files(seen: &Seen, asked: &Asked) -> Markup {
    html! {
        section.card #files aria-labelledby="files-title" {
            h2 #files-title { "Files" }
            @match &seen.documents {
                None => { p { "Operators see here what it would be served." } }
                Some(Err(problem)) => { p.why { (problem.detail.as_deref().unwrap_or(&problem.title)) } }
                Some(Ok(list)) => {
                    form.inline method="get" action="#files" aria-label="Preview with a profile" {
                        label { "With profile"
                            select name="preview" {
                                @for profile in &seen.around.profiles {
                                    option value=(profile) selected[asked.get("preview").or(list.profile.as_deref()) == Some(profile.as_str())] { (profile) }
                                }
                            }
                        }
                        button type="submit" { "Preview" }
                    }
                    @match &list.profile {
                        None => { p { "No profile is meant for it; choose one to see what it would be served." } }
                        Some(profile) if list.documents.is_empty() => { p { "Profile " (profile) " has no documents." } }
                        Some(profile) => {
                            p { "As profile " (profile) " renders them for this host. Secrets are not shown, and the run's token is zeros." }
                            @for document in &list.documents {
                                details.answer {
                                    summary {
                                        code { (document.document) } " from " (document.origin)
                                        @if document.secrets > 0 { span.label { (words::counted(document.secrets, "secret")) " hidden" } }
                                        @if document.trouble.is_some() { " " (badge::badge("failed")) }
                                    }
                                    @if let Some(trouble) = &document.trouble { p.why { (trouble) } }
                                    @if let Some(text) = &document.text { pre tabindex="0" aria-label={ "Text of " (document.document) } { (text) } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
