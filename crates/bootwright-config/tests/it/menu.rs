//! Boot menus in the configuration.

use bootwright_core::{Choice, Span};
use expect_test::expect;

use crate::{check, good};

const OTHERS: &str = r#"
[profiles.debian]
kernel = "/images/linux"
args = ["{{ run.url }}"]
confirm = "console"
[profiles.memtest]
kernel = "/images/memtest.efi"
done = "manual"
"#;

fn rack(rest: &str) -> String {
    format!("[profiles.rack]\nkind = \"menu\"\n{rest}\n{OTHERS}")
}

#[test]
fn a_menu_has_its_entries_in_order_and_knows_what_each_leads_to() {
    let loaded = good(&rack(
        r#"title = "Rack 1"
timeout = "30s"
entries = [
    { title = "Own disk", local = true, default = true },
    { title = "Memory test", live = "memtest" },
    { title = "Debian", install = "debian" },
    { title = "Wait for an operator", hold = true },
]"#,
    ));
    let profile = &loaded.policy.profiles["rack"];
    let menu = profile.menu.as_ref().expect("it is a menu");
    let choices: Vec<_> = menu.entries.iter().map(|entry| entry.choice.clone()).collect();
    let name = |text: &str| text.parse().expect("a name");
    assert_eq!(
        choices,
        [
            Choice::Local,
            Choice::Live(name("memtest")),
            Choice::Install(name("debian")),
            Choice::Hold
        ]
    );
    assert_eq!((menu.title.as_str(), menu.default), ("Rack 1", Some(0)));
    assert_eq!(menu.timeout, Some(Span::from_secs(30)));
    assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
    assert!(loaded.policy.profiles["debian"].menu.is_none());
    // Another text is another revision.
    let shorter = good(&rack("entries = [{ title = \"Own disk\", local = true }]"));
    assert_ne!(shorter.policy.profiles["rack"].revision, profile.revision);
}

#[test]
fn a_menu_that_ends_by_itself_needs_a_default_and_that_never_installs() {
    check(
        &rack(
            r#"timeout = "2h"
entries = [
    { title = "Debian", install = "debian", default = true },
    { title = "Own disk", local = true },
]"#,
        ),
        expect![[r#"
            error: `profiles.rack` ends by itself, and no entry is its default
             --> config.toml:1:11
              |
            1 | [profiles.rack]
              |           ^^^^
              |
              = help: add `default = true` to an entry, or leave `timeout` out

            error: `profiles.rack.timeout` must be between 1 s and 1 h
             --> config.toml:3:11
              |
            3 | timeout = "2h"
              |           ^^^^

            error: `profiles.rack.entries`: an entry that installs cannot be the default
             --> config.toml:5:5
              |
            5 |     { title = "Debian", install = "debian", default = true },
              |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
              |
              = help: somebody has to choose it: give the default to another entry

            3 errors
        "#]],
    );
}

#[test]
fn an_entry_does_one_thing_and_has_a_title() {
    check(
        &rack(
            r#"entries = [
    { title = "Own disk" },
    { title = "Both", local = true, hold = true },
    { local = true },
    "disk",
    { title = "", hold = true },
    { title = "Zwölf", hold = true },
    { title = "Later", later = true, hold = true },
]"#,
        ),
        expect![[r#"
            error: `profiles.rack.entries`: an entry does one thing
             --> config.toml:4:5
              |
            4 |     { title = "Own disk" },
              |     ^^^^^^^^^^^^^^^^^^^^^^
              |
              = help: write one of `local = true`, `hold = true`, `live = "…"` and `install = "…"`

            error: `profiles.rack.entries`: an entry does one thing
             --> config.toml:5:5
              |
            5 |     { title = "Both", local = true, hold = true },
              |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
              |
              = help: write one of `local = true`, `hold = true`, `live = "…"` and `install = "…"`

            error: `profiles.rack.entries`: an entry has no title
             --> config.toml:6:5
              |
            6 |     { local = true },
              |     ^^^^^^^^^^^^^^^^

            error: `profiles.rack.entries` must be a table, not text
             --> config.toml:7:5
              |
            7 |     "disk",
              |     ^^^^^^
              |
              = help: for example `{ title = "Own disk", local = true }`

            error: `profiles.rack.entries.title` is empty
             --> config.toml:8:15
              |
            8 |     { title = "", hold = true },
              |               ^^

            error: `profiles.rack.entries.title` holds a character that not every boot loader can show
             --> config.toml:9:15
              |
            9 |     { title = "Zwölf", hold = true },
              |               ^^^^^^^

            error: unknown key `later` in `profiles.rack.entries`
              --> config.toml:10:24
               |
            10 |     { title = "Later", later = true, hold = true },
               |                        ^^^^^
               |
               = help: known are `title`, `default`, `local`, `hold`, `live`, `install`

            7 errors
        "#]],
    );
}

#[test]
fn what_an_entry_names_has_to_be_there_and_to_fit() {
    check(
        &rack(
            r#"entries = [
    { title = "a", install = "debain" },
    { title = "b", live = "debian" },
    { title = "c", live = "rack" },
    { title = "d", install = "memtest" },
    { title = "e", install = "Debian!" },
]"#,
        ),
        expect![[r#"
            error: `profiles.rack.entries.install`: there is no profile `debain`
             --> config.toml:4:30
              |
            4 |     { title = "a", install = "debain" },
              |                              ^^^^^^^^
              |
              = help: did you mean `debian`?

            error: `profiles.rack.entries.live`: `debian` asks for a run, and a live boot has none
             --> config.toml:5:27
              |
            5 |     { title = "b", live = "debian" },
              |                           ^^^^^^^^
              |
              = help: write `install` in place of `live`

            error: `profiles.rack.entries.live`: `rack` is a menu itself
             --> config.toml:6:27
              |
            6 |     { title = "c", live = "rack" },
              |                           ^^^^^^

            error: `profiles.rack.entries.install`: there is no profile `Debian!`
             --> config.toml:8:30
              |
            8 |     { title = "e", install = "Debian!" },
              |                              ^^^^^^^^^
              |
              = help: did you mean `debian`?

            4 errors
        "#]],
    );
}

#[test]
fn a_menu_boots_nothing_itself() {
    check(
        &rack("kernel = \"/images/linux\"\nentries = []"),
        expect![[r#"
        error: unknown key `kernel` in `profiles.rack`
         --> config.toml:3:1
          |
        3 | kernel = "/images/linux"
          | ^^^^^^
          |
          = help: known are `kind`, `title`, `timeout`, `entries`

        error: `profiles.rack` must have between 1 and 64 entries
         --> config.toml:4:1
          |
        4 | entries = []
          | ^^^^^^^
          |
          = help: write `entries = [{ title = "Own disk", local = true, default = true }]`

        2 errors
    "#]],
    );
    check(
        "[profiles.a]\nkind = \"list\"\n",
        expect![[r#"
        error: `profiles.a.kind` cannot be `list`
         --> config.toml:2:8
          |
        2 | kind = "list"
          |        ^^^^^^
          |
          = help: write one of `"boot"`, `"menu"`

        1 error
    "#]],
    );
}
