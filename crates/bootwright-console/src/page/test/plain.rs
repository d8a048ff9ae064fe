//! The pages as plain HTML.

use axum::body::Body;
use axum::http::{Request, header};
use bootwright_proto::http::api::Role;

use super::injection::PAGES;
use super::{Answer, ask, get, site, tags};

async fn post(target: &str, form: &str) -> Answer {
    let request = Request::post(target)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(form.to_owned()))
        .expect("a request");
    ask(site("plain"), Role::Operator, request).await
}

#[tokio::test]
async fn every_page_is_whole_and_follows_the_rules_of_the_house() {
    for page in PAGES {
        let answer = ask(site("plain"), Role::Admin, get(page)).await;
        assert_eq!(answer.headers[header::CACHE_CONTROL], "no-store", "{page}");
        let tags = tags(&answer.text);
        let count = |name: &str| tags.iter().filter(|tag| tag.name == name).count();
        assert_eq!((count("h1"), count("main"), count("title")), (1, 1, 1), "{page}");
        assert!(answer.text.contains("<html lang=\"en\""), "{page}");
        assert_eq!(
            tags.iter().find(|tag| tag.name == "a").and_then(|tag| tag.get("href")),
            Some("#main"),
            "{page}"
        );
        let ids: Vec<&str> = tags.iter().filter_map(|tag| tag.get("id")).collect();
        for tag in &tags {
            // Each field has a name for those who hear it, each form what it has to carry.
            if tag.name == "label"
                && let Some(id) = tag.get("for")
            {
                assert!(ids.contains(&id), "{page}: no field for the label of {id}");
            }
            if tag.name == "form" && tag.get("method") == Some("post") {
                assert!(
                    tag.get("action").is_some_and(|action| action.starts_with('/')),
                    "{page}"
                );
            }
            if tag.name == "progress" || tag.name == "nav" {
                assert!(tag.get("aria-label").is_some(), "{page}: {tag:?}");
            }
        }
        let posts = tags.iter().filter(|tag| tag.get("method") == Some("post")).count();
        let carried = tags.iter().filter(|tag| tag.get("name") == Some("csrf"));
        let carried: Vec<_> = carried.map(|tag| tag.get("value")).collect();
        assert_eq!(carried, vec![Some("c0ffee"); posts], "{page}");
    }
}

#[tokio::test]
async fn a_form_leads_back_to_where_it_was_and_says_what_became_of_it() {
    // The API of this test answers with an empty document, which no command's report is.
    let answer = post("/hosts/oak-42/act", "action=hold&back=%2F%3Ftext%3Doak").await;
    assert_eq!(
        (answer.status, &answer.headers[header::LOCATION]),
        (303, &"/?text=oak".parse().unwrap())
    );
    let cookie = answer.headers[header::SET_COOKIE].to_str().unwrap();
    assert!(
        cookie.starts_with("bootwright_flash=bad.") && cookie.contains("HttpOnly; SameSite=Strict"),
        "{cookie}"
    );
    let request = Request::get("/").header(header::COOKIE, cookie.split(';').next().unwrap());
    let page = ask(site("plain"), Role::Viewer, request.body(Body::empty()).unwrap()).await;
    assert!(page.text.contains("role=\"alert\""), "{}", page.text);
    assert!(page.headers[header::SET_COOKIE].to_str().unwrap().contains("Max-Age=0"));
    let nothing = post("/act", "action=arm").await;
    let cookie = nothing.headers[header::SET_COOKIE].to_str().unwrap();
    assert!(cookie.contains("no%20host%20was%20selected"), "{cookie}");
}

#[tokio::test]
async fn who_may_only_look_gets_no_page_of_actions() {
    let page = ask(site("plain"), Role::Viewer, get("/hosts/oak-42")).await;
    assert!(!page.text.contains("id=\"actions\"") && page.text.contains("class=\"role-viewer\""));
    let page = ask(site("plain"), Role::Operator, get("/hosts/oak-42")).await;
    assert!(page.text.contains("id=\"actions\""));
}

#[tokio::test]
async fn every_action_says_its_command() {
    let page = ask(site("plain"), Role::Operator, get("/hosts/plain")).await;
    let verbs = [
        "queue",
        "reinstall",
        "hold",
        "local",
        "live",
        "wake",
        "unlock",
        "ignore",
        "set",
        "forget",
    ];
    for verb in verbs {
        assert!(
            page.text.contains(&format!("<code>bootwright host {verb} plain")),
            "{verb}"
        );
    }
}

#[tokio::test]
async fn files_are_kept_for_a_year_and_pages_ask_for_them_by_what_is_in_them() {
    let page = ask(site("plain"), Role::Viewer, get("/")).await;
    let paths: Vec<String> = tags(&page.text)
        .iter()
        .filter_map(|tag| {
            tag.get("src")
                .or(tag.get("href").filter(|href| href.starts_with("/static/")))
        })
        .map(str::to_owned)
        .collect();
    assert_eq!(paths.len(), 3, "{paths:?}");
    for path in paths {
        let file = ask(site("plain"), Role::Viewer, get(&path)).await;
        assert_eq!(file.status, 200, "{path}");
        assert!(
            file.headers[header::CACHE_CONTROL]
                .to_str()
                .unwrap()
                .contains("immutable"),
            "{path}"
        );
    }
}
