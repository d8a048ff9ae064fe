//! The other pages: profiles, images, segments, settings, the record, the wall, and help.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Response;
use bootwright_proto::http::api::{
    ConfigView, DownloadView, EventPage, HostList, ImageList, LinkView, Problem, ProfileList, ProfileView, Role,
    SettingView, Status,
};
use maud::{Markup, html};

use super::ask::escape;
use super::row::{self, or_dash};
use super::shell::{self, Page};
use super::{Asked, Pages, Viewer, badge, page, stage, trouble, words};

/// How many lines of the record stand on a page.
const EVENTS: u64 = 200;

/// How many machines the wall shows.
const TILES: usize = 1000;

/// A page, or why there is none.
async fn show<T>(
    viewer: &Viewer,
    (title, place, refresh): (&str, &str, u8),
    document: Result<T, Problem>,
    body: impl FnOnce(&Status, T) -> Markup,
) -> Response {
    let status: Result<Status, Problem> = viewer.asker.get("/status").await;
    match (status, document) {
        (Ok(status), Ok(document)) => {
            let frame = Page {
                title,
                place,
                refresh,
                mark: None,
                body: body(&status, document),
            };
            page(viewer, shell::frame(viewer, Some(&status), &frame))
        }
        (Err(problem), _) | (_, Err(problem)) => trouble(viewer, &problem),
    }
}

pub(crate) async fn profiles(viewer: Viewer) -> Response {
    let list: Result<ProfileList, Problem> = viewer.asker.get("/profiles").await;
    show(&viewer, ("Profiles", "/profiles", 0), list, |_, list| {
        html! {
            div.heading { h1 { "Profiles" } p { span { "What machines can boot or install" } } }
            @if list.profiles.is_empty() {
                div.card {
                    p { "There is no profile yet. This writes one to begin with, and says which image it needs:" }
                    (shell::command("bootwright profile new debian --os debian"))
                }
            }
            ul.cards { @for profile in &list.profiles { li.card id={ "profile-" (profile.profile) } { (one_profile(profile)) } } }
            p { (shell::command("bootwright profile list")) }
        }
    })
    .await
}

fn one_profile(profile: &ProfileView) -> Markup {
    html! {
        h2 { (profile.profile) }
        @if let Some(trouble) = &profile.trouble { p.why { "No host can be armed with it now: " (trouble) } }
        dl {
            (pair("Hosts", &html! { a href={ "/?profile=" (escape(&profile.profile)) } { (words::counted(profile.hosts, "host")) } }))
            (pair("Runs", &html! { (words::number(profile.succeeded)) " well, " (words::number(profile.failed)) " failed" }))
            @if let Some(usual) = profile.usual_ms { (pair("Usually takes", &html! { (words::span(usual)) })) }
            @if profile.menu {
                (pair("Kind", &html! { "a menu at the machine's console" }))
            } @else {
                (pair("Done when", &html! { (profile.done) }))
                (pair("Who agrees", &html! { (profile.confirm) }))
                (pair("Fails after", &html! { (words::span(profile.deadline_ms)) }))
                (pair("Kernel", &html! { code { (profile.kernel) } }))
                @for initrd in &profile.initrds { (pair("With it", &html! { code { (initrd) } })) }
                @if !profile.args.is_empty() { (pair("Arguments", &html! { code { (profile.args.join(" ")) } })) }
                @if !profile.documents.is_empty() { (pair("Documents", &html! { (profile.documents.join(", ")) })) }
            }
            @if let Some(source) = &profile.source { (pair("Made from", &html! { "the data of " (source) })) }
        }
    }
}

fn pair(name: &str, value: &Markup) -> Markup {
    html! { div { dt { (name) } dd { (value) } } }
}

pub(crate) async fn images(viewer: Viewer) -> Response {
    let list: Result<ImageList, Problem> = viewer.asker.get("/images").await;
    let busy = list.as_ref().is_ok_and(|list| !list.downloads.is_empty());
    show(&viewer, ("Images", "/images", if busy { 5 } else { 0 }), list, |_, list| {
        html! {
            div.heading { h1 { "Images" } p { span { "Boot files on this box, verified when they were added" } } }
            div #images data-poll[busy] {
                @if busy {
                    section.zone aria-labelledby="coming" {
                        h2 #coming { "On their way" }
                        ul.cards { @for download in &list.downloads { li.card { (one_download(download)) } } }
                    }
                }
                @if list.images.is_empty() {
                    div.card { p { "There is no image yet." } }
                } @else {
                    div.scroll { table {
                        caption.unseen { "Images, by name" }
                        thead { tr {
                            th scope="col" { "Image" } th scope="col" { "Version" } th scope="col" { "Size" } th scope="col" { "From" }
                            th scope="col" { "Proof" } th scope="col" { "Booted by" }
                        } }
                        tbody { @for image in &list.images { tr {
                            th scope="row" { (image.image) @if let Some(trouble) = &image.trouble { p.why { (trouble) } } }
                            td data-label="Version" { (or_dash(image.version.as_deref())) }
                            td data-label="Size" { @if image.files > 0 { (words::bytes(image.bytes)) " in " (words::counted(image.files, "file")) } @else { (or_dash(None)) } }
                            td data-label="From" { @if let Some(source) = &image.source { (source) } @else { "put there by hand" } }
                            td data-label="Proof" { (or_dash(image.proof.as_deref())) }
                            td data-label="Booted by" { (image.profiles.join(", ")) }
                        } } }
                    } }
                }
            }
            section.card aria-labelledby="add" {
                h2 #add { "Add an image" }
                p { "On this box, as a user who may write its data directory. The progress is shown here." }
                (shell::command("bootwright image add debian debian:trixie"))
                (shell::command("bootwright image add fcos fcos:stable"))
                (shell::command("bootwright image add flatcar flatcar:stable"))
                p { "What is there, and whether it is still what was added:" }
                (shell::command("bootwright image list"))
                (shell::command("bootwright image verify"))
            }
        }
    })
    .await
}

fn one_download(download: &DownloadView) -> Markup {
    html! {
        div.lead { strong { (download.image) } span { (download.step) } }
        @if let (Some(file), Some(done)) = (&download.file, download.bytes) {
            div.measure {
                @if let Some(total) = download.bytes_total.filter(|total| *total > 0) {
                    progress max=(total) value=(done.min(total)) aria-label={ "Bytes of " (file) } {}
                    span { (file) " · " (words::bytes(done)) " of " (words::bytes(total)) " · " (stage::share(done, total)) " %" }
                } @else { span { (file) " · " (words::bytes(done)) } }
            }
        }
    }
}

pub(crate) async fn segments(viewer: Viewer) -> Response {
    show(&viewer, ("Segments", "/segments", 0), Ok(()), |status, ()| {
        html! {
            div.heading { h1 { "Segments" } p { span { "Interfaces of this box, mode " (status.mode) } } }
            ul.cards { @for link in &status.links { li.card id={ "link-" (link.link) } { (one_link(link)) } } }
            section.card aria-labelledby="packets" {
                h2 #packets { "What came of packets and requests" }
                p { "Since " (words::when(&status.started)) ". Whatever was not answered has its reason here; a host's own stand on its page under Explain." }
                (counters(&status.counters))
            }
            p { (shell::command("bootwright status")) }
        }
    })
    .await
}

fn one_link(link: &LinkView) -> Markup {
    html! {
        div.lead {
            strong { (link.link) }
            @if link.served { span.badge.badge-up { (badge::shape("up")) "served" } } @else { span.badge.badge-ignored { (badge::shape("ignored")) "not served" } }
        }
        dl {
            (pair("Address", &or_dash(link.address.as_deref())))
            @if let Some(url) = &link.base_url { (pair("Machines reach us at", &html! { code { (url) } })) }
            @if let Some(why) = &link.why { (pair("Why not", &html! { (why) })) }
        }
        h3 { "Other DHCP and boot servers" }
        @if link.servers.is_empty() {
            p.calm { @if link.searched { "None answers here." } @else { "They were not searched for yet." } }
        } @else {
            ul { @for (server, sentence) in link.servers.iter().zip(&link.dhcp_servers) {
                li { (sentence) " " span.quiet { "heard " (words::when(&server.heard)) } }
            } }
        }
        @if link.served { p { a href={ "/?link=" (escape(&link.link)) } { "Hosts on " (link.link) } } }
    }
}

/// The counters by the part of the daemon: what is not answered is most of it.
fn counters(counters: &BTreeMap<String, u64>) -> Markup {
    let mut parts: BTreeMap<&str, Vec<(&str, u64)>> = BTreeMap::new();
    for (name, count) in counters {
        let (part, reason) = name.split_once('.').unwrap_or((name, ""));
        parts.entry(part).or_default().push((reason, *count));
    }
    html! {
        @if parts.is_empty() { p.calm { "Nothing was heard yet." } }
        div.scroll { table {
            caption.unseen { "Packets and requests by what came of them" }
            thead { tr { th scope="col" { "Part" } th scope="col" { "What came of it" } th scope="col" { "How often" } } }
            tbody { @for (part, reasons) in &parts { @for (reason, count) in reasons {
                tr { th scope="row" { (part) } td data-label="What came of it" { (reason.replace('-', " ")) } td.number data-label="How often" { (words::number(*count)) } }
            } } }
        } }
    }
}

pub(crate) async fn settings(viewer: Viewer) -> Response {
    let config: Result<ConfigView, Problem> = viewer.asker.get("/config").await;
    let admin = viewer.may(Role::Admin);
    show(&viewer, ("Settings", "/settings", 0), config, |status, config| {
        let mut sections: Vec<(&str, Vec<&SettingView>)> = Vec::new();
        for setting in &config.settings {
            match sections.last_mut() {
                Some((section, settings)) if *section == setting.section => settings.push(setting),
                _ => sections.push((&setting.section, vec![setting])),
            }
        }
        html! {
            div.heading { h1 { "Settings" } p { span { "As the configuration's files say them; what they leave out has its default" } } }
            @if let Some(refused) = &config.refused { div.notice.bad { p { (badge::shape("failed")) (refused) } } }
            section.card aria-labelledby="files" {
                h2 #files { "Files" }
                @if config.files.is_empty() { p { "There is none: every setting has its default." } (shell::command("bootwright init")) }
                ol { @for file in &config.files { li { code { (file) } } } }
                @if admin {
                    form.op method="post" action="/reload" { (shell::hidden()) button type="submit" { "Read them again" } (shell::command("bootwright reload")) }
                }
                p { "What is wrong with them, before they count: " (shell::command("bootwright check")) }
                p { "The same list: " (shell::command("bootwright config show")) }
            }
            @if !sections.is_empty() {
                div.scroll { table {
                    caption.unseen { "Settings in the order of the files" }
                    thead { tr { th scope="col" { "Section" } th scope="col" { "Key" } th scope="col" { "Value" } th scope="col" { "Stands in" } } }
                    tbody { @for (section, settings) in &sections { @for (index, setting) in settings.iter().enumerate() {
                        tr {
                            th scope="row" { @if index == 0 { code { "[" (section) "]" } } @else { span.unseen { (section) } } }
                            td data-label="Key" { code { (setting.key) } }
                            td data-label="Value" { code.value { (setting.value) } }
                            td data-label="Stands in" { (setting.file) ":" (setting.line) }
                        }
                    } } }
                } }
            }
            section.card.op aria-labelledby="pause" {
                h2 #pause { "Installs" }
                @if status.paused.is_none() {
                    form method="post" action="/pause" {
                        (shell::hidden())
                        label for="why" { "Why, for whoever sees the pause" }
                        input #why type="text" name="why" maxlength="200" autocomplete="off";
                        button type="submit" { "Pause installs" }
                    }
                    (shell::command("bootwright pause WHY"))
                } @else { p { "They are paused; the banner above lets them go on." } }
            }
        }
    })
    .await
}

pub(crate) async fn audit(viewer: Viewer, asked: Asked) -> Response {
    let people = asked.get("people").is_some();
    let page = record(&viewer, &asked).await;
    show(&viewer, ("Record", "/audit", 0), page, |_, (page, before)| {
        let shown = page.events.iter().rev().filter(|event| !people || event.by.starts_with("operator "));
        html! {
            div.heading { h1 { "Record" } p { span { "All that happened and who did it, the newest first. Nothing is taken out of it." } } }
            form.filters method="get" action="/audit" aria-label="Filter the record" {
                label { "Host" input type="search" name="host" value=[asked.get("host")] autocomplete="off" spellcheck="false"; }
                label.tick { input type="checkbox" name="people" value="yes" checked[people]; " Only what people did" }
                button type="submit" { "Show" }
            }
            div.scroll { table {
                caption.unseen { "The record" }
                thead { tr { th scope="col" { "When" } th scope="col" { "What" } th scope="col" { "Host" } th scope="col" { "By" } th scope="col" { "In words" } } }
                tbody { @for event in shown { tr {
                    th scope="row" { time datetime=(event.time) { (words::exact(&event.time)) } }
                    td data-label="What" { span.verb { (event.verb) } }
                    td data-label="Host" { @if let Some(host) = &event.host { a href=(row::path(host)) { (host) } } @else { (or_dash(None)) } }
                    td data-label="By" { (event.by) }
                    td data-label="In words" { (event.note) }
                } } }
            } }
            nav.pages aria-label="Pages of the record" {
                @if asked.get("before").is_some() { a.button href="/audit" { "Newest" } }
                @if let Some(before) = before {
                    a.button rel="next" href={ "/audit?before=" (before) @if people { "&people=yes" } } { "Older" }
                }
            }
            p { (shell::command("bootwright events --follow")) }
        }
    })
    .await
}

/// A page of the record, and where the one before it ends.
async fn record(viewer: &Viewer, asked: &Asked) -> Result<(EventPage, Option<u64>), Problem> {
    if let Some(host) = asked.get("host") {
        let page: EventPage = viewer
            .asker
            .get(&format!("/events?last=1&limit=1000&host={}", escape(host)))
            .await?;
        return Ok((page, None));
    }
    let Some(before) = asked.get("before").and_then(|before| before.parse::<u64>().ok()) else {
        let page: EventPage = viewer.asker.get(&format!("/events?last=1&limit={EVENTS}")).await?;
        let first = page.events.first().map(|event| event.seq).filter(|seq| *seq > 1);
        return Ok((page, first));
    };
    let after = before.saturating_sub(EVENTS + 1);
    let mut page: EventPage = viewer
        .asker
        .get(&format!("/events?after={after}&limit={EVENTS}"))
        .await?;
    page.events.retain(|event| event.seq < before);
    Ok((page, (after > 0).then_some(after + 1)))
}

pub(crate) async fn wall(State(pages): State<Pages>, viewer: Viewer, asked: Asked) -> Response {
    let mark = pages.live.mark().await;
    let label = asked.get("by").unwrap_or("rack").to_owned();
    let list: Result<HostList, Problem> = viewer.asker.get(&format!("/hosts?limit={TILES}")).await;
    let list = match list {
        Ok(list) => list,
        Err(problem) => return trouble(&viewer, &problem),
    };
    let mut groups: BTreeMap<&str, Vec<_>> = BTreeMap::new();
    for host in &list.hosts {
        let group = host.labels.get(&label).map_or("", String::as_str);
        groups.entry(group).or_default().push(host);
    }
    let body = html! {
        div.heading {
            h1 { "Wall" }
            p { span { (words::counted(list.total, "machine")) } span { "by label " (label) } a href="/" { "Back to the list" } }
        }
        @if list.hosts.is_empty() { p.calm { "No machine was seen yet." } }
        @for (group, hosts) in &groups {
            section aria-label=(if group.is_empty() { "without this label" } else { group }) {
                @if groups.len() > 1 || !group.is_empty() { h2 { @if group.is_empty() { "Without label " (label) } @else { (group) } } }
                ul.wall data-zone=(if group.is_empty() { "wall" } else { "wall-group" }) data-most=(TILES) { @for host in hosts { (row::tile(host)) } }
            }
        }
    };
    let frame = Page {
        title: "Wall",
        place: "/wall",
        refresh: 10,
        mark: Some(mark),
        body,
    };
    page(&viewer, shell::frame(&viewer, None, &frame))
}

pub(crate) async fn help(viewer: Viewer) -> Response {
    show(&viewer, ("Help", "/help", 0), Ok(()), |_, ()| {
        html! {
            div.heading { h1 { "Help" } }
            section.card aria-labelledby="keys-here" { h2 #keys-here { "Keyboard" } (shell::key_table()) }
            section.card aria-labelledby="badges" {
                h2 #badges { "What the badges mean" }
                dl { @for (name, meaning) in badge::BADGES { div { dt { (badge::badge(name)) } dd { (meaning) } } } }
            }
            section.card aria-labelledby="line" {
                h2 #line { "On the command line" }
                p { "Whatever a page does, a command does as well; it stands beside the button." }
                (shell::command("bootwright --help"))
                p { "Programs ask the same API: " a href="/api/v1/docs" { "all that it takes and answers" } }
            }
        }
    })
    .await
}
