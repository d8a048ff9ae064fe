//! Secrets in documents: in place where they are sent, and nowhere else.

use std::collections::BTreeMap;
use std::sync::Arc;

use bootwright_content::{Context, Problem, Secret, Secrets, check_profile, render_boot, render_document};
use expect_test::{Expect, expect};

use crate::{context, with_args, with_file};

const CANARY: &str = "correct horse: \"battery\" staple";

fn open(names: &[&str]) -> Context {
    let secret = Secret::read(&format!("{CANARY}\n")).expect("a secret");
    let known: BTreeMap<String, Secret> = names.iter().map(|name| ((*name).to_owned(), secret.clone())).collect();
    Context {
        secrets: Secrets::Open(Arc::new(known)),
        ..context()
    }
}

fn rendered(name: &str, template: &str, context: &Context) -> Result<String, Problem> {
    render_document(&with_file(name, template), name, context)
}

fn refused(name: &str, template: &str, context: &Context, expected: Expect) {
    let problem = rendered(name, template, context).expect_err("it is refused");
    let shown = format!("{problem}\n{}\n", problem.error.hint.as_deref().unwrap_or("-"));
    assert!(!shown.contains("horse"), "{shown}");
    expected.assert_eq(&shown);
}

#[test]
fn a_secret_is_in_place_where_it_was_handed_in_and_named_elsewhere() {
    let template = r#"{"a": {{ secret("luks") | json }}, "b": {{ secret('luks') | shell | json }}}"#;
    let text = rendered("a.json", template, &open(&["luks"])).expect("it renders");
    let read: serde_json::Value = serde_json::from_str(&text).expect("it is JSON");
    assert_eq!(read["a"], CANARY);
    assert_eq!(read["b"], format!("'{CANARY}'"));
    let shown = rendered("a.json", template, &context()).expect("it renders");
    assert_eq!(shown, r#"{"a": "‹secret:luks›", "b": "'‹secret:luks›'"}"#);
}

#[test]
fn threat_32_no_problem_with_a_document_shows_a_secret() {
    refused(
        "a.json",
        r#"{"a": {{ secret("luks") }}}"#,
        &open(&["luks"]),
        expect![[r#"
            files.a.json, line 1, column 1: the text is no JSON: expected value
            the line is `{"a": ‹secret:luks›}`
        "#]],
    );
    refused(
        "a.json",
        r#"{"a": "{{ secret("luks") }}"}"#,
        &open(&["luks"]),
        expect![[r#"
            files.a.json, line 1, column 1: the text is wrong with its secrets in place, and right without
            quote them for the format around them, as in `{{ secret("name") | json }}`
        "#]],
    );
    refused(
        "a.txt",
        "{{ secret('luks') | int }}",
        &open(&["luks"]),
        expect![[r#"
            files.a.txt, line 1, column 21: invalid operation: invalid float literal
            -
        "#]],
    );
    refused(
        "a.txt",
        "{% if secret('luks') == '‹secret:luks›' %}{% else %}{{ secret('luks') | int }}{% endif %}",
        &open(&["luks"]),
        expect![[r#"
            files.a.txt, line 1, column 73: it cannot be rendered with its secrets in place
            look for a filter that a secret does not fit
        "#]],
    );
    refused(
        "a.txt",
        "{{ secret('other') }}",
        &open(&["luks"]),
        expect![[r#"
            files.a.txt, line 1, column 4: the secret is not at hand
            name it in `[secrets]`, and here in quotation marks
        "#]],
    );
    let context = open(&["luks"]);
    assert!(!format!("{context:?}").contains("horse"));
}

#[test]
fn threat_33_no_secret_stands_in_a_kernels_arguments() {
    let profile = with_args(&["root_hash={{ secret('hash') }}"]);
    let problems = check_profile(&profile);
    assert_eq!(problems.len(), 1, "{problems:?}");
    let problem = render_boot(&profile, &open(&["hash"])).expect_err("it is refused");
    assert_eq!(
        problem.to_string(),
        "args[0]: a secret would stand on the console and in the kernel's command line"
    );
    let mut profile = with_args(&["{% if metadata.x is defined %}a={{ secret('hash') }}{% endif %}"]);
    assert_eq!(check_profile(&profile).len(), 1, "whatever metadata a host has");
    profile.args.clear();
    profile.kernel = "/images/{{ secret('hash') }}".to_owned();
    assert_eq!(check_profile(&profile).len(), 1);
}
