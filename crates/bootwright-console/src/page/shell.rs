//! What all pages share: the head, the way around, and what was just done.

use bootwright_proto::http::api::{Role, Status};
use maud::{DOCTYPE, Markup, html};

use super::Viewer;
use super::flash::Flash;
use super::words;
use crate::asset;

/// The pages of the way around: path, name, and the key behind `g`.
const PLACES: [(&str, &str, &str); 6] = [
    ("/", "Hosts", "h"),
    ("/profiles", "Profiles", "p"),
    ("/images", "Images", "i"),
    ("/segments", "Segments", "s"),
    ("/settings", "Settings", "c"),
    ("/audit", "Record", "r"),
];

/// A page before it has its frame.
pub(crate) struct Page<'a> {
    /// Its name, for the tab.
    pub(crate) title: &'a str,
    /// The path of the place in the way around that it belongs to.
    pub(crate) place: &'a str,
    /// How often a browser without scripts reads it again, in seconds; 0 for never.
    pub(crate) refresh: u8,
    /// Where in the stream of changes it was made, if it follows that.
    pub(crate) mark: Option<u64>,
    /// What is on it.
    pub(crate) body: Markup,
}

/// The whole page.
pub(crate) fn frame(viewer: &Viewer, status: Option<&Status>, page: &Page<'_>) -> Markup {
    let role = viewer.operator.role();
    html! {
        (DOCTYPE)
        html lang="en" data-theme=[viewer.theme] {
            head {
                meta charset="utf-8";
                title { (page.title) " · Bootwright" }
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="referrer" content="same-origin";
                @if page.refresh > 0 {
                    noscript { meta http-equiv="refresh" content=(page.refresh); }
                }
                link rel="icon" href=(asset::icon_path()) type="image/svg+xml";
                link rel="stylesheet" href=(asset::style_path());
                script src=(asset::script_path()) defer {}
            }
            body class={ "role-" (role.name()) } data-live=[page.mark] data-csrf=[viewer.csrf.as_deref()] {
                a.skip href="#main" { "Skip to the content" }
                header.top {
                    a.brand href="/" { (brand()) span { "Bootwright" } }
                    nav aria-label="Places" {
                        ul {
                            @for (path, name, key) in PLACES {
                                li { a href=(path) data-go=(key) aria-current=[(path == page.place).then_some("page")] { (name) } }
                            }
                        }
                    }
                    (tools(viewer))
                }
                main #main tabindex="-1" {
                    @if let Some(status) = status { (banner(viewer, status)) }
                    @if let Some(flash) = &viewer.flash { (told(flash)) }
                    (page.body)
                }
                @if let Some(status) = status { (foot(status)) }
                div #news.unseen role="status" aria-live="polite" {}
                (keys())
            }
        }
    }
}

fn brand() -> Markup {
    html! {
        svg viewBox="0 0 32 32" width="28" height="28" aria-hidden="true" focusable="false" {
            rect width="32" height="32" rx="7" class="brand-ground" {}
            path d="M10 7v18M10 16h7a4.5 4.5 0 0 0 0-9h-7M10 25h8a4.5 4.5 0 0 0 0-9" class="brand-line" {}
        }
    }
}

fn tools(viewer: &Viewer) -> Markup {
    html! {
        div.tools {
            form.search role="search" action="/" method="get" {
                label.unseen for="search" { "Search hosts" }
                input #search type="search" name="text" placeholder="Search hosts" autocomplete="off" spellcheck="false";
            }
            form method="post" action="/theme" {
                (hidden())
                button.plain type="submit" title="Light, dark, or as the system says" { (theme_icon()) span.unseen { "Change theme" } }
            }
            details.who {
                summary { span.unseen { "Logged in as " } (viewer.operator.name()) }
                div.sheet {
                    p { strong { (viewer.operator.name()) } " · " (viewer.operator.role().name()) }
                    p { a href="/help" { "Keyboard and help" } }
                    p { a href="/wall" { "Wall view" } }
                    form method="post" action="/logout" { (hidden()) button type="submit" { "Log out" } }
                }
            }
        }
    }
}

fn theme_icon() -> Markup {
    html! {
        svg.shape viewBox="0 0 16 16" width="18" height="18" aria-hidden="true" focusable="false" {
            circle cx="8" cy="8" r="6.2" class="line" {}
            path d="M8 1.8a6.2 6.2 0 0 1 0 12.4Z" class="full" {}
        }
    }
}

/// What concerns the whole site: a pause, and what the daemon warns of.
fn banner(viewer: &Viewer, status: &Status) -> Markup {
    html! {
        div #banner {
            @if let Some(why) = &status.paused {
                div.notice.warn {
                    p { (super::badge::shape("stalled")) strong { "Installs are paused." } " " (why) }
                    @if viewer.may(Role::Operator) {
                        form.op method="post" action="/resume" {
                            (hidden())
                            button.primary type="submit" { "Resume installs" }
                            (command("bootwright resume"))
                        }
                    }
                }
            }
            @if !status.warnings.is_empty() {
                details.notice.warn {
                    summary { (words::counted(status.warnings.len() as u64, "warning")) }
                    ul { @for warning in &status.warnings { li { (warning) } } }
                }
            }
        }
    }
}

fn foot(status: &Status) -> Markup {
    let served = status.links.iter().filter(|link| link.served);
    html! {
        footer #foot {
            ul {
                li { "version " (status.version) }
                li { "mode " (status.mode) }
                @for link in served {
                    li { "serving " (link.link) @if let Some(address) = &link.address { " " (address) } }
                }
                li { "store " @if status.store.ready { "ok" } @else { "cannot be written" } }
            }
        }
    }
}

fn told(flash: &Flash) -> Markup {
    html! {
        div class={ "notice " @if flash.good { "good" } @else { "bad" } } role=(if flash.good { "status" } else { "alert" }) #flash tabindex="-1" {
            p { (super::badge::shape(if flash.good { "up" } else { "failed" })) (flash.text) }
            @if let Some(hint) = &flash.hint { p.hint { (hint) } }
        }
    }
}

/// What every form carries: the proof that it came from this page, and where to go back to. Both are filled in where the page
/// is finished, so that parts of pages are the same for all who look.
pub(crate) fn hidden() -> Markup {
    html! { input type="hidden" name="csrf" value=""; input type="hidden" name="back" value=""; }
}

/// The page as it is sent, with what its forms carry. A text of anybody else's never holds these quotation marks.
pub(crate) fn finish(viewer: &Viewer, markup: Markup) -> String {
    let field = |name: &str, value: &str| {
        let filled = html! { input type="hidden" name=(name) value=(value); }.into_string();
        (format!("<input type=\"hidden\" name=\"{name}\" value=\"\">"), filled)
    };
    let (csrf, with_csrf) = field("csrf", viewer.csrf.as_deref().unwrap_or_default());
    let (back, with_back) = field("back", &viewer.here);
    markup
        .into_string()
        .replace(&csrf, &with_csrf)
        .replace(&back, &with_back)
}

/// A command that does the same on the command line, with a button that copies it.
pub(crate) fn command(line: &str) -> Markup {
    html! {
        span.cli {
            code { (line) }
            button.copy.plain type="button" hidden data-copy=(line) aria-label={ "Copy: " (line) } { "Copy" }
        }
    }
}

fn keys() -> Markup {
    html! {
        dialog #keys aria-labelledby="keys-title" {
            h2 #keys-title { "Keyboard" }
            (key_table())
            form method="dialog" { button.primary type="submit" { "Close" } }
        }
    }
}

/// The keys, as a table.
pub(crate) fn key_table() -> Markup {
    let keys = [
        ("/", "search hosts"),
        ("j  k", "next, previous host"),
        ("Enter", "open the host"),
        ("x", "select the host"),
        ("a", "arm the host"),
        ("e", "explain the host"),
        ("g h", "hosts; likewise g p, g i, g s, g c, g r"),
        ("?", "this list"),
        ("Esc", "leave a field or this list"),
    ];
    html! {
        table {
            thead { tr { th scope="col" { "Key" } th scope="col" { "What it does" } } }
            tbody { @for (key, does) in keys { tr { td { kbd { (key) } } td { (does) } } } }
        }
        p { label { input #keys-off type="checkbox" data-keys-off; " Switch single keys off in this browser" } }
    }
}

/// A page that has nothing to do with a frame: what is wrong, when nothing else can be said.
pub(crate) fn bare(title: &str, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                title { (title) " · Bootwright" }
                meta name="viewport" content="width=device-width, initial-scale=1";
                link rel="icon" href=(asset::icon_path()) type="image/svg+xml";
                link rel="stylesheet" href=(asset::style_path());
            }
            body { main #main { (body) } }
        }
    }
}
