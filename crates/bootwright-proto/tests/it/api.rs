//! The frozen forms of the control API's documents. A member may be added to a file here; none may go or change.

use bootwright_proto::http::api::{
    Answer, ApplyReport, Command, CommandReport, EventPage, Explanation, HostDetail, HostList, LeaseList, Problem,
    ProblemCode, ProposalList, ReloadReport, Status,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Reads a frozen document and writes it again: every member of the file must be known, and keep its name and form.
fn keeps<T: Serialize + DeserializeOwned>(text: &str) -> T {
    let frozen: serde_json::Value = serde_json::from_str(text).expect("JSON");
    let document: T = serde_json::from_value(frozen.clone()).unwrap_or_else(|error| panic!("{error}: {text}"));
    let written = serde_json::to_value(&document).expect("a document");
    assert_eq!(written, frozen, "it is written in another form than it was frozen in");
    document
}

macro_rules! frozen {
    ($name:literal) => {
        include_str!(concat!("../../test_data/api/v1/", $name, ".json"))
    };
}

#[test]
fn documents_keep_the_form_in_which_they_were_frozen() {
    keeps::<HostList>(frozen!("host-list"));
    keeps::<LeaseList>(frozen!("lease-list"));
    keeps::<EventPage>(frozen!("event-page"));
    keeps::<Explanation>(frozen!("explanation"));
    keeps::<Explanation>(frozen!("explanation-contradiction"));
    keeps::<Explanation>(frozen!("explanation-unknown"));
    keeps::<Status>(frozen!("status"));
    keeps::<ReloadReport>(frozen!("reload-report"));
    keeps::<ProposalList>(frozen!("proposal-list"));
    keeps::<ApplyReport>(frozen!("apply-report"));
    keeps::<CommandReport>(frozen!("command-report"));
    keeps::<Problem>(frozen!("problem"));
    for (state, text) in [
        ("new", frozen!("host-new")),
        ("armed", frozen!("host-armed")),
        ("installing", frozen!("host-installing")),
        ("installed", frozen!("host-installed")),
        ("failed", frozen!("host-failed")),
        ("live", frozen!("host-live")),
        ("ignored", frozen!("host-ignored")),
    ] {
        assert_eq!(keeps::<HostDetail>(text).summary.state, state);
    }
}

#[test]
fn commands_keep_the_form_in_which_they_were_frozen() {
    let commands: Vec<Command> = keeps(frozen!("commands"));
    let mut seen = [false; 14];
    for command in commands {
        seen[match command {
            Command::Arm { .. } => 0,
            Command::Queue { .. } => 1,
            Command::Hold {} => 2,
            Command::Local {} => 3,
            Command::Live { .. } => 4,
            Command::Ignore {} => 5,
            Command::Lock {} => 6,
            Command::Unlock {} => 7,
            Command::Forget {} => 8,
            Command::Done {} => 9,
            Command::SetLabel { .. } => 10,
            Command::SetMetadata { .. } => 11,
            Command::Wake {} => 12,
            Command::Reinstall { .. } => 13,
        }] = true;
    }
    assert_eq!(seen, [true; 14], "every command has its frozen form");
}

#[test]
fn members_of_a_later_version_do_not_confuse_a_client() {
    let answer = r#"{"channel": "ipxe", "verdict": "hold", "words": "it waits", "since": "a later version"}"#;
    let answer: Answer = serde_json::from_str(answer).expect("an answer");
    assert_eq!(answer.verdict, "hold");
}

#[test]
fn a_command_that_is_misspelt_is_refused_and_not_taken_for_another() {
    for text in [
        r#"{"command": "wipe"}"#,
        r#"{"command": "arm", "profile": "debian"}"#,
        r#"{"profiles": ["debian"]}"#,
        r#"{"command": "live"}"#,
    ] {
        assert!(serde_json::from_str::<Command>(text).is_err(), "{text}");
    }
    let bare: Command = serde_json::from_str(r#"{"command": "arm"}"#).expect("a command");
    let armed = Command::Arm {
        profiles: Vec::new(),
        allow_wipe: Vec::new(),
    };
    assert_eq!(bare, armed);
}

#[test]
fn a_problem_says_its_status_twice_and_its_hint_once() {
    let problem = Problem::new(ProblemCode::Conflict)
        .detail("the host is locked")
        .hint("bootwright host unlock oak-42");
    assert_eq!(problem.status, 409);
    let text = serde_json::to_string(&problem).expect("JSON");
    assert_eq!(
        text,
        r#"{"status":409,"code":"conflict","title":"the state of the host does not allow it","detail":"the host is locked","hint":"bootwright host unlock oak-42"}"#
    );
}
