//! The control plane as browsers and programs reach it over the network: who is let in, and who is not.

use std::fs;
use std::net::TcpStream;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::cli::SITE;
use crate::daemon::{Answer, Daemon, PATIENCE};
use crate::netns::Netns;

const PASSWORD: &str = "correct horse";

/// Somebody on the box with TLS, who trusts the daemon's own certificate.
struct Browser<'a> {
    inside: &'a Netns,
    config: Arc<ClientConfig>,
}

impl<'a> Browser<'a> {
    fn of(inside: &'a Netns, daemon: &Daemon<'_>) -> Self {
        let certificate = fs::read(daemon.data_dir().join("tls/control.crt")).expect("its certificate");
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from(certificate)).expect("a certificate");
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let builder = builder.with_safe_default_protocol_versions().expect("TLS");
        let config = Arc::new(builder.with_root_certificates(roots).with_no_client_auth());
        Self { inside, config }
    }

    /// What is answered to a request with these headers, one a line.
    fn ask(&self, method: &str, target: &str, headers: &str, body: &str) -> Answer {
        let host = if headers.lines().any(|line| line.trim().starts_with("Host:")) {
            ""
        } else {
            "Host: localhost:8443\r\n"
        };
        let headers: String = headers.lines().map(|line| format!("{}\r\n", line.trim())).collect();
        let request = format!(
            "{method} {target} HTTP/1.1\r\n{host}{headers}Connection: close\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.inside.run(|| {
            let stream = TcpStream::connect("127.0.0.1:8443").expect("the door is open");
            stream.set_read_timeout(Some(PATIENCE)).expect("a time limit");
            let name = "localhost".try_into().expect("a name");
            let connection = ClientConnection::new(Arc::clone(&self.config), name).expect("TLS");
            let mut stream = StreamOwned::new(connection, stream);
            std::io::Write::write_all(&mut stream, request.as_bytes()).expect("the request is sent");
            Answer::read(&mut stream)
        })
    }

    /// A document, sent and answered.
    fn json(&self, method: &str, target: &str, headers: &str, body: &Value) -> (u16, Value) {
        let answer = if method == "POST" {
            let headers = format!("Content-Type: application/json\n{headers}");
            self.ask(method, target, &headers, &body.to_string())
        } else {
            self.ask(method, target, headers, "")
        };
        (
            answer.status,
            serde_json::from_slice(&answer.body).unwrap_or(Value::Null),
        )
    }

    /// Logs in: the headers of the session, and the word that its changes must bring along.
    fn log_in(&self, name: &str) -> (String, String) {
        let headers = "Content-Type: application/json";
        let body = json!({ "name": name, "password": PASSWORD }).to_string();
        let answer = self.ask("POST", "/api/v1/login", headers, &body);
        assert_eq!(answer.status, 200, "{}", answer.text());
        let report: Value = serde_json::from_str(answer.text()).expect("a document");
        let csrf = report["csrf"].as_str().expect("a word").to_owned();
        (cookie(&answer), csrf)
    }
}

/// The header that sends the session back which an answer has set.
fn cookie(answer: &Answer) -> String {
    let line = answer.head.lines().find_map(|line| line.strip_prefix("set-cookie: "));
    let line = line.unwrap_or_else(|| panic!("no session: {}", answer.head));
    for part in [
        "__Host-bootwright=",
        "; Path=/",
        "; Secure",
        "; HttpOnly",
        "; SameSite=Strict",
    ] {
        assert!(line.contains(part), "{line}");
    }
    format!("Cookie: {}", line.split(';').next().expect("a pair"))
}

/// A document sent over the control socket, whose users are admins.
fn as_root(daemon: &Daemon<'_>, target: &str, body: &Value) -> Value {
    let answer = daemon.api("POST", &format!("/api/v1/{target}"), &body.to_string());
    assert_eq!(answer.status, 200, "{target}: {}", answer.text());
    serde_json::from_str(answer.text()).expect("a document")
}

/// A user of each role, each called by it.
fn users(daemon: &Daemon<'_>) {
    for role in ["admin", "operator", "viewer"] {
        as_root(
            daemon,
            "users",
            &json!({ "name": role, "role": role, "password": PASSWORD }),
        );
    }
}

fn token(daemon: &Daemon<'_>, role: &str, lasts_ms: Option<u64>) -> (String, String) {
    let mut wanted = json!({ "name": role, "role": role });
    if let Some(lasts) = lasts_ms {
        wanted["lasts_ms"] = lasts.into();
    }
    let made = as_root(daemon, "tokens", &wanted);
    let text = |key: &str| made[key].as_str().expect("a text").to_owned();
    (text("secret"), text("id"))
}

/// All routes with their methods and least roles, as the table has them.
fn routes(daemon: &Daemon<'_>) -> Vec<(String, String, String)> {
    let answer = daemon.api("GET", "/api/v1/openapi.json", "");
    let document: Value = serde_json::from_str(answer.text()).expect("a document");
    let paths = document["paths"].as_object().expect("paths");
    let mut routes = Vec::new();
    for (path, methods) in paths {
        for (method, operation) in methods.as_object().expect("methods") {
            if let Some(role) = operation["x-role"].as_str() {
                let parts = path
                    .split('/')
                    .map(|part| if part.starts_with('{') { "nobody" } else { part });
                let path = format!("/api/v1{}", parts.collect::<Vec<_>>().join("/"));
                routes.push((method.to_uppercase(), path, role.to_owned()));
            }
        }
    }
    assert!(routes.len() > 20, "{routes:?}");
    routes
}

/// What each credential may do: its headers, its role if it counts at all, and whether it only counts for looking.
fn credentials(daemon: &Daemon<'_>, browser: &Browser<'_>) -> Vec<(String, String, Option<usize>, bool)> {
    let mut all = Vec::new();
    let mut add = |what: &str, headers: String, role, looks| all.push((what.to_owned(), headers, role, looks));
    add("nothing", String::new(), None, false);
    for (what, line) in [
        (
            "a wrong token",
            "Authorization: Bearer bw_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        ),
        ("an empty token", "Authorization: Bearer "),
        ("another scheme", "Authorization: Basic YWRtaW46Y29ycmVjdCBob3JzZQ=="),
        (
            "a wrong session",
            "Cookie: __Host-bootwright=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        ),
        ("an empty session", "Cookie: __Host-bootwright="),
    ] {
        add(what, line.to_owned(), None, false);
    }
    let (expired, _) = token(daemon, "admin", Some(1));
    add(
        "an expired token",
        format!("Authorization: Bearer {expired}"),
        None,
        false,
    );
    let (revoked, id) = token(daemon, "admin", None);
    let gone = daemon.api("DELETE", &format!("/api/v1/tokens/{id}"), "");
    assert_eq!(gone.status, 200, "{}", gone.text());
    add(
        "a revoked token",
        format!("Authorization: Bearer {revoked}"),
        None,
        false,
    );
    for (rank, role) in ["viewer", "operator", "admin"].into_iter().enumerate() {
        let (good, _) = token(daemon, role, None);
        add(
            &format!("a token of {role}"),
            format!("Authorization: Bearer {good}"),
            Some(rank),
            false,
        );
        let (session, csrf) = browser.log_in(role);
        let whole = format!("{session}\nX-CSRF-Token: {csrf}");
        add(&format!("a session of {role}"), whole.clone(), Some(rank), false);
        add(
            &format!("a session of {role} without its word"),
            session.clone(),
            Some(rank),
            true,
        );
        let other = format!("{session}\nX-CSRF-Token: {}", "A".repeat(csrf.len()));
        add(
            &format!("a session of {role} with another word"),
            other,
            Some(rank),
            true,
        );
        let foreign = format!("{whole}\nOrigin: https://evil.example");
        add(
            &format!("a session of {role} from another page"),
            foreign,
            Some(rank),
            true,
        );
    }
    all
}

#[test]
fn threat_23_each_route_lets_in_whom_the_table_says_and_nobody_else() {
    let inside = Netns::new("daemon");
    let daemon = Daemon::start(&inside, SITE);
    users(&daemon);
    let browser = Browser::of(&inside, &daemon);
    let credentials = credentials(&daemon, &browser);
    let (routes, mut asked) = (routes(&daemon), 0);
    for (method, path, needed) in &routes {
        let needed = ["viewer", "operator", "admin"].iter().position(|role| role == needed);
        let needed = needed.expect("a role of ours");
        for (what, headers, role, looks_only) in &credentials {
            let (status, problem) = browser.json(method, path, headers, &json!({}));
            let expected = match role {
                None => Some((401, "unauthorized")),
                Some(_) if *looks_only && method != "GET" => Some((403, "forbidden")),
                Some(role) if *role < needed => Some((403, "forbidden")),
                Some(_) => None,
            };
            match expected {
                Some((number, code)) => {
                    assert_eq!(
                        (status, &problem["code"]),
                        (number, &json!(code)),
                        "{what}: {method} {path}: {problem}"
                    );
                }
                None => assert!(!matches!(status, 401 | 403), "{what}: {method} {path}: {problem}"),
            }
            asked += 1;
        }
    }
    assert!(asked > 20 * 20, "{asked}");
    // Nobody becomes more than they are by saying so.
    let (session, csrf) = browser.log_in("viewer");
    let viewer = format!("{session}\nX-CSRF-Token: {csrf}");
    for target in ["/api/v1/users/viewer", "/api/v1/users", "/api/v1/tokens"] {
        let (status, _) = browser.json("POST", target, &viewer, &json!({ "name": "viewer", "role": "admin" }));
        assert_eq!(status, 403, "{target}");
    }
    for extra in ["role", "admin", "id", "digest"] {
        let mut body = json!({ "name": "viewer", "password": PASSWORD });
        body[extra] = json!("admin");
        assert_eq!(browser.json("POST", "/api/v1/login", "", &body).0, 400, "{extra}");
        let answer = daemon.api(
            "POST",
            "/api/v1/users/viewer",
            &json!({ extra: "admin", "x": 1 }).to_string(),
        );
        assert_eq!(answer.status, 400, "{extra}");
    }
    let (_, who) = browser.json("GET", "/api/v1/whoami", &viewer, &json!({}));
    assert_eq!(who, json!({ "name": "viewer", "role": "viewer" }));
}

#[test]
fn threat_17_a_page_of_another_site_changes_nothing() {
    let inside = Netns::new("daemon");
    let daemon = Daemon::start(&inside, SITE);
    users(&daemon);
    let browser = Browser::of(&inside, &daemon);
    let (session, csrf) = browser.log_in("admin");
    let form = "Content-Type: application/x-www-form-urlencoded";
    let word = format!("csrf={csrf}");
    for (headers, body) in [
        ("", word.as_str()),
        ("Origin: https://evil.example", word.as_str()),
        ("Origin: null", word.as_str()),
        ("Sec-Fetch-Site: cross-site", word.as_str()),
        (
            "Sec-Fetch-Site: same-site\nOrigin: https://localhost:8080",
            word.as_str(),
        ),
        (form, ""),
        (form, "csrf="),
        (form, "csrf=AAAA"),
        ("Content-Type: text/plain", word.as_str()),
        ("Content-Type: multipart/form-data; boundary=x", word.as_str()),
    ] {
        let foreign = headers.contains("Origin") || headers.contains("Sec-Fetch");
        let kind = if foreign { format!("{form}\n") } else { String::new() };
        let headers = format!("{session}\n{kind}{headers}");
        for target in ["/logout", "/api/v1/pause", "/api/v1/logout", "/hosts/oak-1/arm"] {
            let answer = browser.ask("POST", target, headers.trim(), body);
            assert_eq!(answer.status, 403, "{target} {headers} {body}: {}", answer.head);
        }
    }
    // Logging in as somebody else in the name of whoever looks is a change too.
    let login = format!("name=viewer&password={}", PASSWORD.replace(' ', "+"));
    for headers in [
        "Origin: https://evil.example",
        "Sec-Fetch-Site: cross-site",
        "Origin: null",
    ] {
        let answer = browser.ask("POST", "/login", &format!("{form}\n{headers}"), &login);
        assert_eq!(answer.status, 403, "{headers}");
        assert!(!answer.head.contains("set-cookie"), "{}", answer.head);
    }
    let paused = daemon.api("GET", "/api/v1/status", "");
    assert!(!paused.text().contains("\"paused\""), "{}", paused.text());
    // The same request from our own page is done.
    let own = format!("{session}\n{form}\nOrigin: https://localhost:8443\nSec-Fetch-Site: same-origin");
    let answer = browser.ask("POST", "/logout", &own, &word);
    assert_eq!(answer.status, 303, "{}", answer.head);
    let (status, _) = browser.json("GET", "/api/v1/whoami", &session, &json!({}));
    assert_eq!(status, 401, "the session has ended");
}

#[test]
fn threat_18_a_name_that_is_not_ours_is_answered_nothing() {
    let inside = Netns::new("daemon");
    let daemon = Daemon::start(&inside, &format!("{SITE}\n[control]\nhosts = [\"boot.example.net\"]\n"));
    users(&daemon);
    let browser = Browser::of(&inside, &daemon);
    let (good, _) = token(&daemon, "admin", None);
    let token = format!("Authorization: Bearer {good}");
    for host in [
        "evil.example",
        "evil.example:8443",
        "10.9.9.9:8443",
        "localhost.evil.example",
        "",
        "a@localhost",
    ] {
        for target in [
            "/",
            "/login",
            "/static/access.css",
            "/healthz",
            "/api/v1/status",
            "/metrics",
        ] {
            let answer = browser.ask("GET", target, &format!("{token}\nHost: {host}"), "");
            assert_eq!(answer.status, 421, "{host} {target}");
            assert!(!answer.head.contains("set-cookie"), "{}", answer.head);
        }
        let answer = browser.ask("POST", "/api/v1/pause", &format!("{token}\nHost: {host}"), "{}");
        assert_eq!(answer.status, 421, "{host}");
    }
    let twice = browser.ask(
        "GET",
        "/api/v1/status",
        &format!("{token}\nHost: localhost\nHost: evil.example"),
        "",
    );
    assert!(matches!(twice.status, 400 | 421), "{}", twice.head);
    for host in [
        "localhost",
        "127.0.0.1:8443",
        "boot.example.net",
        "boot.example.net:8443",
    ] {
        let answer = browser.ask("GET", "/api/v1/whoami", &format!("{token}\nHost: {host}"), "");
        assert_eq!(answer.status, 200, "{host}: {}", answer.text());
    }
}

#[test]
fn threat_19_no_answer_may_be_shown_in_a_frame_or_load_from_elsewhere() {
    let inside = Netns::new("daemon");
    let daemon = Daemon::start(&inside, SITE);
    let browser = Browser::of(&inside, &daemon);
    let wanted = |answer: &Answer, what: &str| {
        let header = |name: &str| {
            let line = answer
                .head
                .lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
            line.unwrap_or_else(|| panic!("{what} has no `{name}`: {}", answer.head))
                .to_owned()
        };
        let policy = header("content-security-policy");
        for part in [
            "default-src 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "form-action 'self'",
        ] {
            assert!(policy.contains(part), "{what}: {policy}");
        }
        assert!(!policy.contains("unsafe") && !policy.contains('*'), "{what}: {policy}");
        assert_eq!(header("x-frame-options"), "DENY", "{what}");
        assert_eq!(header("x-content-type-options"), "nosniff", "{what}");
        assert_eq!(header("referrer-policy"), "same-origin", "{what}");
        let trust = answer.head.contains("strict-transport-security");
        assert!(!trust, "{what}: with our own certificate there would be no way back");
    };
    let targets = [
        "/",
        "/first",
        "/login",
        "/static/access.css",
        "/hosts",
        "/api/v1/status",
        "/healthz",
        "/metrics",
    ];
    for target in targets {
        wanted(&browser.ask("GET", target, "", ""), target);
    }
    wanted(&browser.ask("GET", "/", "Host: evil.example", ""), "another name");
    users(&daemon);
    let (session, _) = browser.log_in("viewer");
    for target in targets {
        let answer = browser.ask("GET", target, &session, "");
        wanted(&answer, target);
        let text = String::from_utf8_lossy(&answer.body).to_lowercase();
        let inline = [" style=", "<style", " onclick=", "<script>"];
        assert!(!inline.iter().any(|inline| text.contains(inline)), "{target}: {text}");
    }
}

#[test]
fn threat_21_a_fresh_start_lets_nobody_in_but_who_has_the_code() {
    let inside = Netns::new("daemon");
    let mut daemon = Daemon::start(&inside, SITE);
    let code = |daemon: &Daemon<'_>| {
        let line = daemon.wait_for_log("login code ");
        let rest = line.split("login code ").nth(1).expect("the code");
        rest.split(' ').next().expect("a word").to_owned()
    };
    let first = code(&daemon);
    let browser = Browser::of(&inside, &daemon);
    for (method, path, _) in routes(&daemon) {
        let (status, _) = browser.json(&method, &path, "", &json!({}));
        assert_eq!(status, 401, "{method} {path}");
    }
    let make = |code: &str| {
        let form = "Content-Type: application/x-www-form-urlencoded";
        let word = PASSWORD.replace(' ', "+");
        let body = format!("code={code}&name=anna&password={word}&again={word}");
        browser.ask("POST", "/first", form, &body)
    };
    for _ in 0..3 {
        assert_eq!(make("222222").status, 401);
    }
    daemon.stop();
    daemon.clear_log();
    daemon.run();
    daemon.wait_for_log("ready ");
    let second = code(&daemon);
    assert_ne!(first, second);
    assert_eq!(make(&first).status, 401, "each start has its own");
    let answer = make(&second.to_lowercase().replace('-', ""));
    assert_eq!(answer.status, 303, "{}", answer.text());
    let session = cookie(&answer);
    let (status, who) = browser.json("GET", "/api/v1/whoami", &session, &json!({}));
    assert_eq!((status, who), (200, json!({ "name": "anna", "role": "admin" })));
    assert_eq!(make(&second).status, 401, "it counted once");
    daemon.wait_for_log("user anna was added as admin by the one-time code");
    // Guessing: after a few tries each one has to wait.
    let guess = || {
        let body = json!({ "name": "anna", "password": "a guess of hers" });
        browser.json("POST", "/api/v1/login", "", &body).0
    };
    let answers: Vec<u16> = (0..12).map(|_| guess()).collect();
    assert_eq!(answers[..3], [401; 3], "{answers:?}");
    assert!(answers.contains(&429), "{answers:?}");
    daemon.wait_for_log("refused: a login as anna");
    // What counts is the session that there is, over a restart too, and no code is printed any more.
    daemon.stop();
    daemon.clear_log();
    daemon.run();
    daemon.wait_for_log("ready ");
    daemon.wait_for_log("dashboard https://");
    assert!(!daemon.log().contains("login code"), "{}", daemon.log());
    assert_eq!(browser.json("GET", "/api/v1/whoami", &session, &json!({})).0, 200);
    let kept = fs::read_to_string(daemon.data_dir().join("access.json")).expect("the logins");
    assert!(!kept.contains(PASSWORD) && kept.contains("$argon2id$"), "{kept}");
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &fs::metadata(daemon.data_dir().join("access.json"))
            .expect("the logins")
            .permissions(),
    );
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn threat_22_a_damaged_file_of_logins_lets_nobody_in_and_machines_boot_all_the_same() {
    let inside = Netns::new("daemon");
    let mut daemon = Daemon::start(&inside, SITE);
    users(&daemon);
    let browser = Browser::of(&inside, &daemon);
    let (good, _) = token(&daemon, "admin", None);
    let (session, _) = browser.log_in("admin");
    let path = daemon.data_dir().join("access.json");
    let whole = fs::read_to_string(&path).expect("the logins");
    for damaged in [
        "",
        "-1",
        &whole[..whole.len() / 2],
        &whole.replace("\"version\": 1", "\"version\": 7"),
    ] {
        daemon.stop();
        daemon.clear_log();
        fs::write(&path, damaged).expect("it is damaged");
        daemon.run();
        daemon.wait_for_log("ready ");
        daemon.wait_for_log("nobody can log in");
        assert!(
            !daemon.log().contains("login code"),
            "no code in place of users that there may be"
        );
        for headers in [String::new(), format!("Authorization: Bearer {good}"), session.clone()] {
            let (status, _) = browser.json("GET", "/api/v1/whoami", &headers, &json!({}));
            assert_eq!(status, 401, "{headers}");
        }
        for password in [PASSWORD, "", "-1"] {
            let body = json!({ "name": "admin", "password": password });
            assert_eq!(browser.json("POST", "/api/v1/login", "", &body).0, 503);
        }
        assert_eq!(
            fs::read_to_string(&path).expect("it is there"),
            damaged,
            "it is left for a person to look at"
        );
        let added = daemon.api(
            "POST",
            "/api/v1/users",
            &json!({"name": "eve", "role": "admin", "password": PASSWORD}).to_string(),
        );
        assert_eq!(added.status, 503, "{}", added.text());
        let script = daemon.get([127, 0, 0, 1].into(), "/ipxe?mac=52-54-00-00-00-01&platform=pcbios");
        assert_eq!(script.status, 200);
    }
    daemon.stop();
    fs::write(&path, &whole).expect("it is repaired");
    daemon.clear_log();
    daemon.run();
    daemon.wait_for_log("ready ");
    let (status, _) = browser.json("GET", "/api/v1/whoami", &session, &json!({}));
    assert_eq!(status, 200, "the session counts again");
}
