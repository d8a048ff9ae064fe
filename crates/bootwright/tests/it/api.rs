//! The control API at its edges: what is refused, and how.

use serde_json::Value;

use crate::cli::SITE;
use crate::daemon::{Answer, Daemon};
use crate::netns::Netns;

fn problem(answer: &Answer) -> (u16, String, String) {
    assert!(
        answer
            .head
            .to_lowercase()
            .contains("content-type: application/problem+json"),
        "{}",
        answer.head
    );
    let problem: Value = serde_json::from_str(answer.text()).expect("a problem document");
    assert_eq!(problem["status"], answer.status);
    let text = |key: &str| problem[key].as_str().unwrap_or_default().to_owned();
    (answer.status, text("code"), text("detail"))
}

#[test]
fn what_is_no_request_of_the_api_is_a_problem_document() {
    let inside = Netns::new("daemon");
    let daemon = Daemon::start(&inside, SITE);
    let arm = "/api/v1/hosts/oak-1/command";
    let large = format!("{{\"command\":\"hold\",\"why\":\"{}\"}}", "x".repeat(70_000));
    let cases = [
        ("GET", "/", "", 404, "not_found"),
        ("GET", "/api/v1/host", "", 404, "not_found"),
        ("POST", "/api/v1/status", "", 405, "method_not_allowed"),
        ("DELETE", "/api/v1/hosts/oak-1", "", 405, "method_not_allowed"),
        ("GET", "/api/v1/hosts/nobody", "", 404, "unknown_host"),
        ("GET", "/api/v1/hosts?sort=name", "", 400, "bad_request"),
        ("GET", "/api/v1/hosts?limit=many", "", 400, "bad_request"),
        ("GET", "/api/v1/events?after=-1", "", 400, "bad_request"),
        ("POST", arm, "", 400, "bad_request"),
        ("POST", arm, "{", 400, "bad_request"),
        ("POST", arm, r#"{"command":"wipe"}"#, 400, "bad_request"),
        ("POST", arm, r#"{"command":"hold","why":"x"}"#, 400, "bad_request"),
        ("POST", arm, r#"["hold"]"#, 400, "bad_request"),
        ("POST", "/api/v1/resume", "[]", 400, "bad_request"),
        ("GET", "/api/v1/hosts/%ff", "", 400, "bad_request"),
        ("GET", "/api/v1/hosts?state=armd", "", 400, "bad_request"),
        ("GET", "/api/v1/hosts?limit=1&limit=2", "", 400, "bad_request"),
        ("POST", "/api/v1/resume?now=1", "", 400, "bad_request"),
        (
            "POST",
            arm,
            r#"{"command":"arm","profile":"debian"}"#,
            400,
            "bad_request",
        ),
        (
            "POST",
            arm,
            r#"{"command":"arm","allow_wipe":[""]}"#,
            400,
            "bad_request",
        ),
        (
            "POST",
            arm,
            r#"{"command":"arm","profiles":["nosuch"]}"#,
            422,
            "unknown_profile",
        ),
        ("POST", arm, r#"{"command":"done"}"#, 409, "conflict"),
        ("POST", arm, &large, 413, "too_large"),
        ("POST", "/api/v1/pause", r#"{"reason":"x"}"#, 400, "bad_request"),
        ("POST", "/api/v1/apply", r#"{"hosts":["nobody"]}"#, 404, "unknown_host"),
    ];
    for (method, target, body, status, code) in cases {
        let (found, name, _) = problem(&daemon.api(method, target, body));
        assert_eq!((found, name.as_str()), (status, code), "{method} {target} {body:.60}");
    }
    let alive = daemon.api("GET", "/api/v1/health", "");
    assert_eq!((alive.status, alive.text()), (200, "{\"alive\":true}"));
}

#[test]
fn every_route_is_described_and_everything_that_is_described_is_there() {
    let inside = Netns::new("daemon");
    let daemon = Daemon::start(&inside, SITE);
    let answer = daemon.api("GET", "/api/v1/openapi.json", "");
    let described: Value = serde_json::from_str(answer.text()).expect("a document");
    assert_eq!(described["openapi"], "3.1.0");
    let paths = described["paths"].as_object().expect("paths");
    assert!(paths.len() > 12, "{}", paths.len());
    for (path, methods) in paths {
        let target = format!("/api/v1{}", path.replace(['{', '}'], ""));
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"] {
            // A query that no route has: whatever is there refuses it before it does anything.
            let answer = daemon.api(method, &format!("{target}?nothing-of-the-sort"), "");
            match methods.get(method.to_ascii_lowercase()) {
                Some(operation) => {
                    let (status, code, detail) = problem(&answer);
                    assert_eq!((status, code.as_str()), (400, "bad_request"), "{method} {path}");
                    assert!(detail.contains("nothing-of-the-sort"), "{method} {path}: {detail}");
                    let role = operation["x-role"].as_str().expect("a role");
                    assert!(["viewer", "operator", "admin"].contains(&role), "{role}");
                }
                None => {
                    let (status, code, _) = problem(&answer);
                    assert_eq!((status, code.as_str()), (405, "method_not_allowed"), "{method} {path}");
                    let allowed = answer.head.to_lowercase();
                    let allowed = allowed.lines().find_map(|line| line.strip_prefix("allow: "));
                    let allowed = allowed.expect("what is allowed is named");
                    assert!(
                        methods
                            .as_object()
                            .unwrap()
                            .keys()
                            .all(|method| allowed.contains(method)),
                        "{path}"
                    );
                }
            }
        }
    }
    let printed = inside
        .command(env!("CARGO_BIN_EXE_bootwright"))
        .arg("openapi")
        .output()
        .expect("it runs");
    let printed: Value = serde_json::from_slice(&printed.stdout).expect("the command prints the document");
    assert_eq!(printed, described, "without a daemon it is the same");
    let page = daemon.api("GET", "/api/v1/docs", "");
    assert!(
        page.head.to_lowercase().contains("content-type: text/html"),
        "{}",
        page.head
    );
    assert!(!page.text().contains("<script"), "it needs no script");
    for path in paths.keys() {
        assert!(page.text().contains(&format!("<code>{path}</code>")), "{path}");
    }
}

#[test]
fn a_command_that_is_refused_leaves_no_trace() {
    let inside = Netns::new("daemon");
    let daemon = Daemon::start(&inside, SITE);
    let arm = "/api/v1/hosts/oak-1/command";
    let armed = daemon.api("POST", arm, r#"{"command":"arm","profiles":["debian"]}"#);
    assert_eq!(armed.status, 200, "{}", armed.text());
    let before = daemon.api("GET", "/api/v1/events?last=1", "").body;
    for body in [
        r#"{"command":"arm","profiles":["nosuch"]}"#,
        r#"{"command":"live","profile":"nosuch"}"#,
        r#"{"command":"done"}"#,
        r#"{"command":"set_label","key":"","value":"x"}"#,
    ] {
        for host in ["oak-1", "oak-2", "52:54:00:00:00:09"] {
            let target = format!("/api/v1/hosts/{host}/command");
            assert!(daemon.api("POST", &target, body).status >= 400, "{host} {body}");
        }
    }
    assert_eq!(daemon.api("GET", "/api/v1/events?last=1", "").body, before);
}
