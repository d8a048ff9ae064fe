//! matchbox's data directory: what it is lowered to, and what is said of mistakes in it.

use std::fmt::Write as _;

use bootwright_config::Loaded;
use expect_test::{Expect, expect};

use crate::foreign::{check, loaded, shown};

const MATCHBOX: &str =
    "[compat.matchbox]\nenabled = true\nlisten = \":8081\"\ndata_dir = \"/srv/matchbox\"\ndone = \"manual\"\n";

const PROFILE: &str = r#"{"id": "worker", "name": "Worker", "boot": {"kernel": "/assets/linux",
  "initrd": ["--name main /assets/initrd"], "args": ["initrd=main", "u={{ run.url }}"]}, "ignition_id": "worker.yaml"}"#;

/// The group's own words, and an order in which none of them comes first by chance.
fn group(id: &str, selector: &str, more: &str) -> (String, String) {
    let text = format!("{{\"id\": \"{id}\", \"profile\": \"worker\", \"selector\": {selector}{more}}}");
    (format!("groups/{id}.json"), text)
}

fn load(groups: &[(String, String)], files: &[(&str, &str)]) -> Loaded {
    let groups = groups.iter().map(|(path, text)| (path.as_str(), text.as_str()));
    let all: Vec<(&str, &str)> = groups.chain(files.iter().copied()).collect();
    loaded(MATCHBOX, &all)
}

/// The text of a document of a profile, as it stands there.
fn document(loaded: &Loaded, profile: &str, name: &str) -> String {
    let profile = loaded.policy.profiles.values().find(|own| own.name.as_str() == profile);
    let document = profile.and_then(|profile| profile.files.get(name)).expect("a document");
    document.template.clone()
}

fn rules(loaded: &Loaded) -> Vec<&str> {
    loaded.policy.rules.iter().map(|rule| rule.name.as_str()).collect()
}

const YAML: &str = "variant: flatcar\nversion: 1.0.0\npasswd:\n  users:\n    - name: core\n      ssh_authorized_keys:\n        - {{.key}}\n";

#[test]
fn groups_become_rules_in_the_order_in_which_matchbox_chooses() {
    let key = ", \"metadata\": {\"key\": \"ssh-ed25519 AAAA\"}";
    let groups = [
        group("all", "{}", key),
        group("b", "{\"serial\": \"b\"}", key),
        group("a", "{\"serial\": \"a\"}", key),
        group("mac", "{\"MAC\": \"52-54-00-A1-9C-AE\"}", key),
        group("both", "{\"serial\": \"a\", \"region\": \"west\"}", key),
    ];
    let loaded = load(
        &groups,
        &[("profiles/worker.json", PROFILE), ("ignition/worker.yaml", YAML)],
    );
    assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
    let order = [
        "matchbox-both",
        "matchbox-b",
        "matchbox-a",
        "matchbox-mac",
        "matchbox-all",
    ];
    assert_eq!(rules(&loaded), order);
    let text = shown(&loaded);
    assert!(
        text.contains("matchbox-both [serial=a label.region=west] -> matchbox-both\n"),
        "{text}"
    );
    assert!(
        text.contains("matchbox-mac [mac=52:54:00:a1:9c:ae] -> matchbox-mac\n"),
        "{text}"
    );
    let line = "matchbox-all: http://{{ server.address }}:8081/assets/linux [\"http://{{ server.address }}:8081/assets/initrd\"] \
                [\"u={{ run.url }}\"]";
    assert!(text.contains(line), "{text}");
    let ignition = document(&loaded, "matchbox-mac", "ignition.ign");
    assert_eq!(ignition, YAML.replace("{{.key}}", "ssh-ed25519 AAAA"));
}

#[test]
fn a_second_configuration_by_its_words_is_one_more_document_of_who_installs() {
    let groups = [
        group("install", "{}", ""),
        (
            "groups/installed.json".to_owned(),
            r#"{"profile": "node", "selector": {"os": "installed"}, "metadata": {"n": 3}}"#.to_owned(),
        ),
        (
            "groups/one.json".to_owned(),
            r#"{"profile": "node", "selector": {"mac": "52:54:00:00:00:01", "os": "installed"}, "metadata": {"n": 1e6}}"#.to_owned(),
        ),
    ];
    let files = [
        ("profiles/worker.json", r#"{"boot": {"kernel": "/assets/linux"}}"#),
        ("profiles/node.json", r#"{"generic_id": "node"}"#),
        (
            "generic/node",
            "{{.n}} {{.os}} {{.request.query.os}} {{.request.query.mac}}",
        ),
    ];
    let loaded = load(&groups, &files);
    assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
    assert_eq!(rules(&loaded), ["matchbox-one", "matchbox-install"]);
    let name = "generic@os=installed";
    let text = document(&loaded, "matchbox-install", name);
    assert_eq!(text, "3 installed installed {{ host.mac }}");
    let text = document(&loaded, "matchbox-one", name);
    assert_eq!(
        text, "1e+06 installed installed {{ host.mac }}",
        "the group that asks for more counts"
    );
}

#[test]
fn metadata_are_lines_of_an_environment() {
    let metadata = r#", "metadata": {"meta": "data", "etcd": {"name": "node1"}, "some": {"nested": {"data": "some-value"}},
        "list": [1], "none": null, "count": 3, "truth": true}"#;
    let groups = [group("a", "{\"mac\": \"52:54:00:a1:9c:ae\"}", metadata)];
    let files = [("profiles/worker.json", r#"{"boot": {"kernel": "/assets/linux"}}"#)];
    let lines = document(&load(&groups, &files), "matchbox-a", "metadata");
    let golden = include_str!("../../../bootwright-proto/test_data/compat/matchbox/3.7-metadata.env");
    for line in golden.lines().filter(|line| !line.starts_with("REQUEST_")) {
        assert!(lines.lines().any(|own| own == line), "{line}: {lines}");
    }
    assert_eq!(lines.lines().count(), 6, "{lines}");
}

fn filled(template: &str, metadata: &str, expected: Expect) {
    let groups = [group("a", "{}", &format!(", \"metadata\": {metadata}"))];
    let files = [
        (
            "profiles/worker.json",
            r#"{"boot": {"kernel": "/assets/linux"}, "generic_id": "x"}"#,
        ),
        ("generic/x", template),
    ];
    let loaded = load(&groups, &files);
    let mut text = String::new();
    for warning in &loaded.warnings {
        writeln!(text, "{} at {:?}", warning.message, template.get(warning.span.clone())).expect("text");
    }
    if loaded.warnings.is_empty() {
        text = document(&loaded, "matchbox-a", "generic");
    }
    expected.assert_eq(&text);
}

#[test]
fn templates_of_go_are_filled_in_as_go_does() {
    let metadata = r#"{"a": {"b": "x"}, "list": ["k1", "k2"], "yes": true, "no": false, "empty": "", "n": 2, "t": {"z": 1, "y": 2}}"#;
    let all = [
        ("{{.a.b}}-{{ .n }}-{{ .yes }}{{/* nothing */}}", expect!["x-2-true"]),
        (
            "{{if .yes}}1{{else}}2{{end}}{{if .empty}}3{{else if eq .n 2}}4{{else}}5{{end}}",
            expect!["14"],
        ),
        ("{{range .list}}[{{.}}{{$.a.b}}]{{end}}", expect!["[k1x][k2x]"]),
        ("{{range $i, $k := .list}}{{$i}}={{$k}} {{end}}", expect!["0=k1 1=k2 "]),
        ("{{range $k, $v := .t}}{{$k}}{{$v}}{{end}}", expect!["y2z1"]),
        ("a\n{{- with .a }}\n{{ .b -}}\n z{{end}}", expect!["a\nxz"]),
        ("{{index .list 1}}{{index .a \"b\"}}{{len .list}}", expect!["k2x2"]),
        ("{{$x := .a.b}}{{$x}}{{if and .yes (not .no)}}!{{end}}", expect!["x!"]),
        (
            "{{ \"{{\" }} { {% # {{\"}}\"}}",
            expect!["{{ \"{{\" }} { {{ \"{%\" }} # }}"],
        ),
        (
            "{{.bootwright.run_url}}/done {{.request.query.uuid}}",
            expect!["{{ run.url }}/done {{ host.uuid }}"],
        ),
        (
            "x {{.missing}}",
            expect!["for group `a`: there is no value for `missing` at Some(\".missing\")\n"],
        ),
        (
            "{{if .request.query.mac}}x{{end}}",
            expect![
                "for group `a`: nothing can depend on what a machine says when it asks at Some(\".request.query.mac\")\n"
            ],
        ),
        (
            "{{if .yes}}x",
            expect!["for group `a`: an `if`, `range` or `with` has no `{{end}}` at Some(\"\")\n"],
        ),
        (
            "x{{end}}",
            expect!["for group `a`: there is nothing that this `end` belongs to at Some(\"end\")\n"],
        ),
        (
            "{{ .a",
            expect!["for group `a`: there is no `}}` for it at Some(\"{{\")\n"],
        ),
        (
            "{{ env \"HOME\" }}",
            expect!["for group `a`: the function `env` is not known here at Some(\"env\")\n"],
        ),
        (
            "{{ .a }}",
            expect!["for group `a`: a table cannot be printed at Some(\".a\")\n"],
        ),
        (
            "{{ .a | }}",
            expect![[r#"
            for group `a`: a value is missing at Some(".a |")
        "#]],
        ),
    ];
    for (template, expected) in all {
        filled(template, metadata, expected);
    }
}

#[test]
fn what_is_no_template_ends_in_an_answer() {
    let nested = "{{if .yes}}".repeat(10_000);
    let parens = format!("{{{{ {}.a{} }}}}", "(".repeat(10_000), ")".repeat(10_000));
    let many = "{{range .list}}".repeat(30) + "x" + &"{{end}}".repeat(30);
    let list: Vec<String> = (0..10).map(|number| number.to_string()).collect();
    for template in [nested, parens, many] {
        let metadata = format!(
            ", \"metadata\": {{\"yes\": true, \"a\": 1, \"list\": [{}]}}",
            list.join(",")
        );
        let groups = [group("a", "{}", &metadata)];
        let files = [
            (
                "profiles/worker.json",
                r#"{"boot": {"kernel": "/assets/linux"}, "generic_id": "x"}"#,
            ),
            ("generic/x", template.as_str()),
        ];
        let loaded = load(&groups, &files);
        assert!(!loaded.warnings.is_empty() && loaded.policy.profiles.is_empty());
    }
}

#[test]
fn every_mistake_in_a_file_of_matchbox_is_told_where_it_stands_and_nothing_else_is_lost() {
    let files = [
        ("groups/good.json", r#"{"profile": "good"}"#),
        (
            "groups/again.json",
            r#"{"id": "other", "profile": "good", "selector": {}}"#,
        ),
        ("groups/broken.json", "{\n  \"profile\": \"good\",\n}\n"),
        ("groups/lost.json", r#"{"profile": "goood", "selector": {"a": "1"}}"#),
        (
            "groups/odd.json",
            r#"{"profile": "good", "selector": {"mac": "5254", "n": 3, "x": "a*"}, "metdata": {}}"#,
        ),
        ("groups/none.json", "{}"),
        ("groups/kernel.json", r#"{"profile": "kernel", "selector": {"a": "2"}}"#),
        ("groups/notes.txt", ""),
        (
            "profiles/good.json",
            r#"{"boot": {"kernel": "/assets/linux", "initrd": "/a"}, "generic_id": "y"}"#,
        ),
        (
            "profiles/kernel.json",
            r#"{"boot": {"kernal": "/assets/linux", "cmdline": {}}}"#,
        ),
        ("generic/x", "x"),
        ("profile/worker.json", "{}"),
    ];
    let loaded = loaded(MATCHBOX, &files);
    assert_eq!(rules(&loaded), ["matchbox-again"], "{}", shown(&loaded));
    check(
        MATCHBOX,
        &files,
        expect![[r#"
        warning: its id is `other`, and the file's name is what counts
         --> /srv/matchbox/groups/again.json:1:8
          |
        1 | {"id": "other", "profile": "good", "selector": {}}
          |        ^^^^^^^
          |
          = help: give both the same name

        error: not JSON: a comma stands before the end of a table
         --> /srv/matchbox/groups/broken.json:3:1
          |
        3 | }
          | ^
          |
          = help: nothing else is affected; write it as JSON (RFC 8259)

        warning: `groups/again.json` has the same selector, and counts
         --> /srv/matchbox/groups/good.json:1:1
          |
        1 | {"profile": "good"}
          | ^
          |
          = help: matchbox takes either of them, by chance; give one a selector of its own

        error: there is no good profile `kernel`
         --> /srv/matchbox/groups/kernel.json:1:13
          |
        1 | {"profile": "kernel", "selector": {"a": "2"}}
          |             ^^^^^^^^
          |
          = help: write `profiles/kernel.json`; until then the group counts for nothing

        error: there is no good profile `goood`
         --> /srv/matchbox/groups/lost.json:1:13
          |
        1 | {"profile": "goood", "selector": {"a": "1"}}
          |             ^^^^^^^
          |
          = help: did you mean `good`?

        error: the group has no profile
         --> /srv/matchbox/groups/none.json:1:1
          |
        1 | {}
          | ^^
          |
          = help: add `"profile": "…"`, the name of a file below `profiles/`

        warning: this is no file of a group
         --> /srv/matchbox/groups/notes.txt:1:1
          |
        1 |
          | ^
          |
          = help: call it `*.json`; matchbox reads nothing else here

        error: `group.selector.mac`: `5254` is no hardware address
         --> /srv/matchbox/groups/odd.json:1:41
          |
        1 | {"profile": "good", "selector": {"mac": "5254", "n": 3, "x": "a*"}, "metdata": {}}
          |                                         ^^^^^^
          |
          = help: the group counts for nothing until that is mended

        error: `group.selector.n`: it must be text, not a whole number
         --> /srv/matchbox/groups/odd.json:1:54
          |
        1 | {"profile": "good", "selector": {"mac": "5254", "n": 3, "x": "a*"}, "metdata": {}}
          |                                                      ^
          |
          = help: the group counts for nothing until that is mended

        error: `group.selector.x`: '*' cannot be asked for
         --> /srv/matchbox/groups/odd.json:1:62
          |
        1 | {"profile": "good", "selector": {"mac": "5254", "n": 3, "x": "a*"}, "metdata": {}}
          |                                                              ^^^^
          |
          = help: the group counts for nothing until that is mended

        warning: `group` has no key `metdata`
         --> /srv/matchbox/groups/odd.json:1:69
          |
        1 | {"profile": "good", "selector": {"mac": "5254", "n": 3, "x": "a*"}, "metdata": {}}
          |                                                                     ^^^^^^^^^
          |
          = help: did you mean `metadata`?

        warning: nothing is read from `profile/`
         --> /srv/matchbox/profile/worker.json:1:1
          |
        1 | {}
          | ^
          |
          = help: it belongs to `profiles/`

        error: there is no file `generic/y`
         --> /srv/matchbox/profiles/good.json:1:69
          |
        1 | {"boot": {"kernel": "/assets/linux", "initrd": "/a"}, "generic_id": "y"}
          |                                                                     ^^^
          |
          = help: `generic_id` is the name of a file below `generic/`

        error: `boot` has no kernel
         --> /srv/matchbox/profiles/kernel.json:1:10
          |
        1 | {"boot": {"kernal": "/assets/linux", "cmdline": {}}}
          |          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
          |
          = help: add `"kernel": "/assets/…"`

        warning: `profile.boot` has no key `kernal`
         --> /srv/matchbox/profiles/kernel.json:1:11
          |
        1 | {"boot": {"kernal": "/assets/linux", "cmdline": {}}}
          |           ^^^^^^^^
          |
          = help: did you mean `kernel`?

        error: `cmdline` is what matchbox before 0.7 had
         --> /srv/matchbox/profiles/kernel.json:1:38
          |
        1 | {"boot": {"kernal": "/assets/linux", "cmdline": {}}}
          |                                      ^^^^^^^^^
          |
          = help: write its words as a list under `args`

        10 errors, 6 warnings
    "#]],
    );
}
