//! Boot menus: what a person at the console may choose, and what that needs.

use std::sync::Arc;

use bootwright_core::{Ask, Asker, Choice, Confirm, HostState, Menu, MenuEntry, ProfileName, Step, Timestamp, step};
use expect_test::expect;

use crate::decide_cell::{Case, a_profile, host, policy};
use crate::story::{START, event, profile};

fn menu_policy() -> bootwright_core::Policy {
    let mut policy = policy();
    let entry = |title: &str, choice| MenuEntry {
        title: title.to_owned(),
        choice,
    };
    let mut menu = (*a_profile("menu", 7)).clone();
    menu.menu = Some(Menu {
        title: "Rack 1".to_owned(),
        entries: vec![
            entry("disk", Choice::Local),
            entry("wait", Choice::Hold),
            entry("rescue", Choice::Live(profile("rescue"))),
            entry("debian", Choice::Install(profile("debian"))),
            entry("leap", Choice::Install(profile("leap"))),
            entry("gone", Choice::Install(profile("gone"))),
            entry("itself", Choice::Live(profile("menu"))),
            entry("itself again", Choice::Install(profile("menu"))),
        ],
        default: Some(0),
        timeout: None,
    });
    policy.profiles.insert(profile("menu"), Arc::new(menu));
    // Only this one may be begun at the console.
    let mut debian = (*a_profile("debian", 7)).clone();
    debian.confirm = Confirm::Console;
    policy.profiles.insert(profile("debian"), Arc::new(debian));
    policy
}

fn told(story: &str, chosen: Option<u16>, now: Timestamp) -> String {
    let case = Case::with(|case| {
        case.policy = menu_policy();
        case.chosen = chosen;
        case.now = now;
    });
    case.ask(Asker::Host(&host(story)), None, Ask::Script)
}

#[test]
fn a_menu_is_shown_and_what_is_chosen_from_it_needs_what_it_always_needs() {
    let mut text = String::new();
    for story in ["arm menu", "live menu", "", "arm debian", "arm menu; lock", "ignore"] {
        text.push_str(&format!("{story:?}:\n"));
        for chosen in std::iter::once(None).chain((0..9).map(Some)) {
            let shown = chosen.map_or_else(|| "-".to_owned(), |entry: u16| entry.to_string());
            text.push_str(&format!("    {shown}  {}\n", told(story, chosen, START)));
        }
    }
    expect![[r#"
        "arm menu":
            -  menu menu
            0  local (somebody at its console chose its own disk)
            1  hold (somebody at its console chose to wait)
            2  live rescue
            3  install debian, attempt 1
            4  hold (`leap` was chosen at its console, and that profile does not say `confirm = "console"`)
            5  hold (profile `gone` is not in the configuration)
            6  hold (profile `menu` is not in the configuration)
            7  hold (profile `menu` is not in the configuration)
            8  menu menu
        "live menu":
            -  menu menu
            0  local (somebody at its console chose its own disk)
            1  hold (somebody at its console chose to wait)
            2  live rescue
            3  hold (nobody has armed it)
            4  hold (nobody has armed it)
            5  hold (nobody has armed it)
            6  hold (profile `menu` is not in the configuration)
            7  hold (nobody has armed it)
            8  menu menu
        "":
            -  hold (nobody has armed it)
            0  hold (nobody has armed it)
            1  hold (nobody has armed it)
            2  hold (nobody has armed it)
            3  hold (nobody has armed it)
            4  hold (nobody has armed it)
            5  hold (nobody has armed it)
            6  hold (nobody has armed it)
            7  hold (nobody has armed it)
            8  hold (nobody has armed it)
        "arm debian":
            -  confirm debian at the console
            0  confirm debian at the console
            1  confirm debian at the console
            2  confirm debian at the console
            3  confirm debian at the console
            4  confirm debian at the console
            5  confirm debian at the console
            6  confirm debian at the console
            7  confirm debian at the console
            8  confirm debian at the console
        "arm menu; lock":
            -  hold (it is held until it is armed)
            0  hold (it is held until it is armed)
            1  hold (it is held until it is armed)
            2  hold (it is held until it is armed)
            3  hold (it is held until it is armed)
            4  hold (it is held until it is armed)
            5  hold (it is held until it is armed)
            6  hold (it is held until it is armed)
            7  hold (it is held until it is armed)
            8  hold (it is held until it is armed)
        "ignore":
            -  silence (the host is ignored)
            0  silence (the host is ignored)
            1  silence (the host is ignored)
            2  silence (the host is ignored)
            3  silence (the host is ignored)
            4  silence (the host is ignored)
            5  silence (the host is ignored)
            6  silence (the host is ignored)
            7  silence (the host is ignored)
            8  silence (the host is ignored)
    "#]]
    .assert_eq(&text);
}

/// What is told to the console of a machine whose person opened the menu of those that wait.
fn looked(story: &str, chosen: Option<u16>) -> String {
    let case = Case::with(|case| {
        case.policy = menu_policy();
        case.policy.safety.console_menu = Some(profile("menu"));
        case.chosen = chosen;
        case.menu = true;
    });
    case.ask(Asker::Host(&host(story)), None, Ask::Script)
}

#[test]
fn who_waits_may_look_around_and_installs_nothing() {
    let mut text = String::new();
    for story in [
        "",
        "hold",
        "arm debian; lock",
        "arm leap",
        "arm debian; start 1; finish 1",
        "ignore",
    ] {
        text.push_str(&format!("{story:?}:\n"));
        for chosen in std::iter::once(None).chain((0..5).map(Some)) {
            let shown = chosen.map_or_else(|| "-".to_owned(), |entry: u16| entry.to_string());
            text.push_str(&format!("    {shown}  {}\n", looked(story, chosen)));
        }
    }
    expect![[r#"
        "":
            -  menu menu
            0  local (somebody at its console chose its own disk)
            1  hold (somebody at its console chose to wait)
            2  live rescue
            3  hold (nobody has armed it)
            4  hold (nobody has armed it)
        "hold":
            -  menu menu
            0  local (somebody at its console chose its own disk)
            1  hold (somebody at its console chose to wait)
            2  live rescue
            3  hold (it is held until it is armed)
            4  hold (it is held until it is armed)
        "arm debian; lock":
            -  menu menu
            0  local (somebody at its console chose its own disk)
            1  hold (somebody at its console chose to wait)
            2  live rescue
            3  hold (it is held until it is armed)
            4  hold (it is held until it is armed)
        "arm leap":
            -  install leap, attempt 1
            0  install leap, attempt 1
            1  install leap, attempt 1
            2  install leap, attempt 1
            3  install leap, attempt 1
            4  install leap, attempt 1
        "arm debian; start 1; finish 1":
            -  local (it is installed)
            0  local (it is installed)
            1  local (it is installed)
            2  local (it is installed)
            3  local (it is installed)
            4  local (it is installed)
        "ignore":
            -  silence (the host is ignored)
            0  silence (the host is ignored)
            1  silence (the host is ignored)
            2  silence (the host is ignored)
            3  silence (the host is ignored)
            4  silence (the host is ignored)
    "#]]
    .assert_eq(&text);
}

#[test]
fn an_expired_arming_shows_no_menu() {
    let later = START.after(bootwright_core::Span::from_hours(24));
    assert_eq!(told("arm menu", Some(3), later), "hold (its arming has expired)");
}

/// The run is one of what was chosen, and only when it begins: afterwards the run goes on with what it has.
#[test]
fn the_run_that_begins_is_of_the_profile_that_was_chosen() {
    let mut state = HostState::default();
    let mut happen = |words: &str, chosen: Option<&str>| {
        let mut event = event(words, START);
        if let bootwright_core::Event::ScriptServed { chosen: field, .. } = &mut event {
            *field = chosen.map(|name| name.parse::<ProfileName>().expect("a name"));
        }
        if let Step::Moved(next) = step(&state, &event) {
            state = *next;
        }
        let run = state.phase.run();
        run.map_or_else(String::new, |run| format!("{} {}", run.profile, run.attempts))
    };
    happen("arm menu", None);
    assert_eq!(happen("start 1", Some("debian")), "debian 1");
    assert_eq!(happen("start 1", Some("leap")), "debian 2");
}
