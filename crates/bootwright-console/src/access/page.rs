//! The pages for those who are not logged in: login, first admin, and why something is refused. They need no script.

use maud::{DOCTYPE, Markup, html};

use super::PASSWORD_CHARS_MIN;

/// The style of these pages.
pub(crate) const STYLE: &str = include_str!("page.css");

/// Where it is fetched.
pub(crate) const STYLE_PATH: &str = "/static/access.css";

fn frame(title: &str, body: &Markup) -> String {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · Bootwright" }
                link rel="stylesheet" href=(STYLE_PATH);
            }
            body { main { h1 { (title) } (body) } }
        }
    }
    .into_string()
}

fn trouble(words: Option<&str>) -> Markup {
    html! { @if let Some(words) = words { p #trouble .trouble role="alert" { strong { "Not done: " } (words) } } }
}

/// The form for a name and a password. `next` is where it leads.
pub(crate) fn login(next: &str, name: &str, why: Option<&str>) -> String {
    let body = html! {
        (trouble(why))
        form method="post" action="/login" {
            input type="hidden" name="next" value=(next);
            label for="name" { "Name" }
            input #name name="name" value=(name) required autocomplete="username" autocapitalize="none" spellcheck="false"
                autofocus[name.is_empty()];
            label for="password" { "Password" }
            input #password name="password" type="password" required autocomplete="current-password"
                autofocus[!name.is_empty()];
            button { "Log in" }
        }
        p .hint { "A lost password is replaced on the box itself: " code { "bootwright user passwd NAME" } }
    };
    frame("Log in", &body)
}

/// The form that makes the first admin.
pub(crate) fn first(code: &str, name: &str, why: Option<&str>) -> String {
    let body = html! {
        p { "Nobody can log in yet. The code stands in the log of the daemon, in the line with "
            code { "login code" } "; it counts once." }
        (trouble(why))
        form method="post" action="/first" {
            label for="code" { "Code from the log" }
            input #code name="code" value=(code) required autocomplete="one-time-code" autocapitalize="characters"
                spellcheck="false" autofocus[code.is_empty()];
            label for="name" { "Your name" }
            input #name name="name" value=(name) required autocomplete="username" autocapitalize="none" spellcheck="false";
            label for="password" { "A password, of at least " (PASSWORD_CHARS_MIN) " characters" }
            input #password name="password" type="password" required minlength=(PASSWORD_CHARS_MIN)
                autocomplete="new-password";
            label for="again" { "The password again" }
            input #again name="again" type="password" required minlength=(PASSWORD_CHARS_MIN) autocomplete="new-password";
            button { "Make me the admin" }
        }
        p .hint { "Or on the box itself: " code { "bootwright user add NAME --role admin" } }
    };
    frame("First login", &body)
}

/// Why a page is not shown, and what to do.
pub(crate) fn refusal(title: &str, why: &str, hint: &str) -> String {
    let body = html! {
        p .trouble role="alert" { (why) }
        p { (hint) }
        p { a href="/" { "To the first page" } }
    };
    frame(title, &body)
}

/// Leads to a page by a step of its own: a browser keeps the session back from a request that another site began.
pub(crate) fn step(to: &str) -> String {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="refresh" content=(format!("0;url={to}"));
                title { "Bootwright" }
            }
            body { p { a href=(to) { "Go on" } } }
        }
    }
    .into_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_typed_stays_text() {
        let page = login("/\"><script>", "<b>", Some("<i>"));
        assert!(
            !page.contains("<script>") && !page.contains("<b>") && !page.contains("<i>"),
            "{page}"
        );
        assert!(page.contains("&lt;b&gt;"), "{page}");
    }
}
