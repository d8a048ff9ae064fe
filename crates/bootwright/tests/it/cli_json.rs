//! `--json`: every command prints one document on its standard output, also when it did not do what it was asked.

use std::fs;

use serde_json::{Value, json};

use crate::cli::{SITE, ask, bootwright, finish, json};
use crate::daemon::Daemon;
use crate::netns::Netns;

/// The one document that a command printed, and how it ended.
fn ended(said: &crate::cli::Said) -> (i32, Value) {
    assert_eq!(said.out.lines().count(), 1, "one document on one line: {said:?}");
    let document = serde_json::from_str(&said.out).unwrap_or_else(|why| panic!("no document ({why}): {said:?}"));
    (said.code, document)
}

/// What is not understood, or cannot be done, without any daemon.
fn alone(arguments: &str, variables: &[(&str, &str)]) -> (i32, Value, String) {
    let mut command = bootwright();
    command
        .args(arguments.split_whitespace())
        .envs(variables.iter().copied());
    let said = finish(&mut command);
    let (code, document) = ended(&said);
    (code, document, said.err)
}

#[test]
fn each_decision_about_a_host_is_one_document() {
    let inside = Netns::new("daemon");
    let daemon = Daemon::start(&inside, SITE);
    let socket = daemon.socket();
    let oak = |changed: bool, state: &str, notes: &[&str]| json!({ "host": "oak-1", "changed": changed, "state": state, "notes": notes });
    for (words, document) in [
        (
            "host arm oak-1 debian",
            oak(
                true,
                "armed",
                &[
                    "oak-1: armed with debian by root for 1 d",
                    "the install begins when it next boots from the network",
                ],
            ),
        ),
        (
            "host queue oak-1 rescue,debian",
            oak(true, "armed", &["oak-1: queued behind the rest: rescue, debian"]),
        ),
        ("host hold oak-1", oak(true, "new", &["oak-1: held"])),
        ("host local oak-1", oak(true, "new", &["oak-1: next boots: local disk"])),
        (
            "host live oak-1 rescue",
            oak(true, "live", &["oak-1: boots rescue every time"]),
        ),
        ("host ignore oak-1", oak(true, "ignored", &["oak-1: ignored"])),
        ("host lock oak-1", oak(true, "ignored", &["oak-1: locked"])),
        ("host lock oak-1", oak(false, "ignored", &["oak-1: it is so already"])),
        ("host unlock oak-1", oak(true, "ignored", &["oak-1: unlocked"])),
        (
            "host set oak-1 label.rack=b metadata.role=db label.row=",
            oak(
                true,
                "ignored",
                &[
                    "oak-1: label rack = b",
                    "oak-1: metadata role was set",
                    "oak-1: label row = (none)",
                ],
            ),
        ),
        ("host forget oak-1", oak(true, "forgotten", &["oak-1 is forgotten"])),
    ] {
        let said = ask(&socket, &format!("--json {words}"));
        assert_eq!(ended(&said), (0, document), "{words}: {said:?}");
        assert_eq!(said.err, "", "{words}");
    }
}

#[test]
fn an_install_that_is_called_done_and_a_lease_list_are_documents() {
    let inside = Netns::new("daemon");
    let daemon = Daemon::start(&inside, SITE);
    let socket = daemon.socket();
    assert_eq!(json(&socket, "host arm oak-1 rescue")["state"], "armed");
    let script = daemon.get([127, 0, 0, 1].into(), "/ipxe?mac=52-54-00-00-00-01&platform=pcbios");
    assert_eq!(script.status, 200);
    let done = json(&socket, "host done oak-1");
    assert_eq!((&done["state"], &done["changed"]), (&json!("installed"), &json!(true)));
    assert_eq!(json(&socket, "lease list"), json!({ "leases": [] }));
}

#[test]
fn the_site_is_told_in_documents() {
    let inside = Netns::new("daemon");
    let daemon = Daemon::start(&inside, SITE);
    let socket = daemon.socket();
    for mac in ["52-54-00-00-00-11", "52-54-00-00-00-12"] {
        let target = format!("/ipxe?mac={mac}&platform=pcbios&manufacturer=ACME");
        assert_eq!(daemon.get([127, 0, 0, 1].into(), &target).status, 200);
    }
    let version = json(&socket, "version");
    assert_eq!(version, json!({ "version": env!("CARGO_PKG_VERSION") }));

    let rule = "[[rules]]\nname = \"acme\"\nwhen = { manufacturer = \"ACME\" }\nprofile = \"debian\"\nauto_arm = true\nlimit = 1\n";
    daemon.write_config(&format!("{SITE}\n{rule}"));
    let (code, report) = ended(&ask(&socket, "--json reload"));
    assert_eq!((code, &report["accepted"]), (0, &json!(true)));
    assert_eq!(report["changes"], json!(["rule `acme` added"]));
    assert_eq!(report["proposals"], json!(2));

    let (code, report) = ended(&ask(&socket, "--json apply"));
    assert_eq!(code, 1, "the limit leaves one out: {report}");
    let armed = report["armed"].as_array().expect("hosts");
    assert_eq!(armed.len(), 1, "{report}");
    assert_eq!(
        (&armed[0]["profile"], &armed[0]["rule"]),
        (&json!("debian"), &json!("acme"))
    );
    assert_eq!(report["skipped"].as_array().map(Vec::len), Some(1), "{report}");
    let listed = json(&socket, "host list --state armed");
    assert_eq!(listed["hosts"][0]["host"], armed[0]["host"]);
    let (code, problem) = ended(&ask(&socket, "--json apply oak-1"));
    assert_eq!((code, &problem["detail"]), (1, &json!("`oak-1` was never seen")));

    daemon.write_config(&format!("{SITE}\n[safety]\nunknwon = \"hold\"\n"));
    let (code, report) = ended(&ask(&socket, "--json reload"));
    assert_eq!((code, &report["accepted"]), (2, &json!(false)));
    let diagnostic = &report["diagnostics"][0];
    assert_eq!(diagnostic["severity"], "error");
    assert!(diagnostic["message"].to_string().contains("unknwon"), "{report}");
}

#[test]
fn a_refusal_is_one_document_that_says_what_was_done_before_it() {
    let inside = Netns::new("daemon");
    let daemon = Daemon::start(&inside, SITE);
    let socket = daemon.socket();
    for (words, code) in [
        ("host show nobody", "unknown_host"),
        ("host arm oak-1 debain", "unknown_profile"),
        ("host queue oak-2 debian", "conflict"),
        ("host done oak-2", "conflict"),
        ("explain nobody", "unknown_host"),
        ("apply nobody", "unknown_host"),
    ] {
        let said = ask(&socket, &format!("--json {words}"));
        let (status, problem) = ended(&said);
        assert_eq!((status, &problem["code"]), (1, &json!(code)), "{words}: {said:?}");
        assert!(
            problem["detail"].is_string() && problem["hint"].is_string(),
            "{problem}"
        );
        let detail = problem["detail"].as_str().expect("words");
        assert!(said.err.starts_with(&format!("error: {detail}\n")), "{said:?}");
    }
    let said = ask(&socket, "--json host set oak-1 label.rack=b label.ä=c label.row=7");
    let (status, problem) = ended(&said);
    assert_eq!((status, &problem["code"]), (1, &json!("bad_request")), "{said:?}");
    let detail = problem["detail"].as_str().expect("words");
    assert!(
        detail.ends_with("; done before that: oak-1: label rack = b"),
        "{detail}"
    );
    assert_eq!(json(&socket, "host show oak-1")["labels"], json!({ "rack": "b" }));
    let said = ask(&socket, "host set oak-1 label.rack=c label.ä=c");
    assert_eq!((said.code, said.out.as_str()), (1, "oak-1: label rack = c\n"));
    assert!(said.err.starts_with("error: oak-1: a name has up to 63"), "{said:?}");
}

#[test]
fn where_no_daemon_answers_that_is_the_document() {
    let directory = std::env::temp_dir().join(format!("bootwright-nobody-{}", std::process::id()));
    fs::create_dir_all(&directory).expect("a directory for the test");
    let socket = directory.join("control.sock");
    for words in [
        "host list",
        "host show oak-1",
        "host set oak-1 label.a=b label.c=d",
        "host arm oak-1",
        "lease list",
        "status",
        "events",
        "events --follow",
        "explain oak-1",
        "pause",
        "resume",
        "reload",
        "apply",
        "apply --dry-run",
    ] {
        let said = ask(&socket, &format!("--json {words}"));
        let (code, problem) = ended(&said);
        assert_eq!((code, &problem["code"]), (3, &json!("no_daemon")), "{words}: {said:?}");
        assert_eq!(
            problem["hint"],
            "start `bootwright serve`, or name the daemon's socket with `--socket`"
        );
        let detail = format!("no daemon answers on `{}`: no such file or directory", socket.display());
        assert_eq!(problem["detail"], detail.as_str());
        assert!(said.err.starts_with(&format!("error: {detail}\n hint: ")), "{said:?}");
    }
    fs::remove_dir_all(&directory).expect("the directory is there");
}

#[test]
fn words_that_make_no_sense_are_answered_with_a_document_too() {
    for (words, detail) in [
        (
            "--json host arm",
            "the following required arguments were not provided: <HOST>",
        ),
        (
            "host list --state broken --json",
            "invalid value 'broken' for '--state <STATE>' [possible values: ",
        ),
        ("--json hots", "unrecognized subcommand 'hots'"),
        ("--json", "'bootwright' requires a subcommand but one was not provided"),
        (
            "--json host set oak-1 colour=red",
            "`colour=red` is nothing that can be set",
        ),
        (
            "--json image add",
            "the following required arguments were not provided: <NAME>",
        ),
        ("--json image remove ../up", "`../up` is "),
        (
            "--json profile new --os plan-9",
            "invalid value 'plan-9' for '--os <OS>'",
        ),
        ("--json version --colour", "unexpected argument '--colour' found"),
        ("--json serve --log loud", "invalid value 'loud' for '--log <FORM>'"),
    ] {
        let (code, problem, said) = alone(words, &[]);
        assert_eq!((code, &problem["code"]), (2, &json!("bad_usage")), "{words}: {problem}");
        assert!(
            problem["detail"].as_str().is_some_and(|text| text.starts_with(detail)),
            "{words}: {problem}"
        );
        assert!(!said.is_empty(), "{words}: a person is told as well");
    }
    let (code, problem, _) = alone("hots", &[("BOOTWRIGHT_JSON", "1")]);
    assert_eq!((code, &problem["code"]), (2, &json!("bad_usage")));
    let (code, version, _) = alone("version", &[("BOOTWRIGHT_JSON", "yes")]);
    assert_eq!((code, version), (0, json!({ "version": env!("CARGO_PKG_VERSION") })));
    // Behind `--` it is a name like any other, and help is help.
    let said = finish(
        bootwright()
            .args(["host", "show", "--", "--json"])
            .env("BOOTWRIGHT_SOCKET", "/nonexistent"),
    );
    assert_eq!((said.code, said.out.as_str()), (3, ""), "{said:?}");
    let said = finish(bootwright().args(["--json", "host", "--help"]));
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    assert!(said.out.contains("Usage: bootwright host"), "{said:?}");
}

#[test]
fn a_daemon_that_cannot_start_says_so_in_one_document() {
    let inside = Netns::new("daemon");
    let daemon = Daemon::start(&inside, SITE);
    let serve = |config: &str, data: &std::path::Path| {
        let path = daemon.directory().join("second.toml");
        fs::write(&path, config).expect("a configuration");
        let mut command = inside.command(bootwright().get_program().to_str().expect("a path"));
        command.arg("--config").arg(path).arg("--data-dir").arg(data);
        command.arg("--socket").arg(daemon.directory().join("second.sock"));
        let said = finish(command.args(["--json", "serve"]));
        let (code, problem) = ended(&said);
        assert!(!said.err.is_empty(), "a person is told as well");
        (code, problem["code"].as_str().expect("a code").to_owned(), problem)
    };
    let (code, name, problem) = serve("[server]\nhttp = 7\nintrefaces = []\n", &daemon.data_dir());
    assert_eq!((code, name.as_str()), (2, "bad_configuration"), "{problem}");
    assert!(problem["detail"].to_string().contains("second.toml:3:1"), "{problem}");
    let (code, name, problem) = serve(SITE, &daemon.data_dir());
    assert_eq!((code, name.as_str()), (4, "data_directory_held"), "{problem}");
    let (code, name, problem) = serve(SITE, &daemon.directory().join("other"));
    assert_eq!((code, name.as_str()), (3, "cannot_run"), "{problem}");
    assert!(problem["detail"].to_string().contains("port 8080/tcp"), "{problem}");
}
