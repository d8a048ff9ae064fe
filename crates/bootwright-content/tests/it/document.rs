//! Documents of a profile that are Butane or Ignition, as a machine gets them.

use bootwright_content::{check_host, check_profile, odd, render_document};
use bootwright_core::Document;

use crate::{context, with_file};

fn with_butane(template: &str) -> bootwright_core::Profile {
    let mut profile = with_file("target.ign", template);
    let document = Document {
        template: template.to_owned(),
        origin: "/etc/bootwright/target.bu".to_owned(),
        add: bootwright_core::Additions::default(),
    };
    profile.files.insert("target.ign".to_owned(), document);
    profile
}

#[test]
fn butane_is_served_as_ignition() {
    let butane = "variant: flatcar\nversion: 1.0.0\nstorage:\n  files:\n    - path: /etc/hostname\n      contents:\n        inline: {{ host.name | yaml }}\n";
    let made = render_document(&with_butane(butane), "target.ign", &context()).expect("a configuration");
    let config: serde_json::Value = serde_json::from_str(&made).expect("JSON");
    assert_eq!(config["ignition"]["version"], "3.3.0");
    let source = config["storage"]["files"][0]["contents"]["source"]
        .as_str()
        .expect("text");
    assert_eq!(source, format!("data:,{}", context().host));
    // What is served as Ignition and is no JSON is Butane, wherever it stands.
    let inline = render_document(&with_file("target.ign", butane), "target.ign", &context()).expect("a configuration");
    assert_eq!(inline, made);
}

#[test]
fn errors_in_butane_stand_where_the_template_has_them() {
    let butane = "{# who #}\n{% set names = ['a', 'b'] %}\nvariant: fcos\nversion: 1.5.0\npasswd:\n  users:\n{% for name in names %}\n    - name: {{ name }}\n{% endfor %}\nstorage:\n  fils: []\n  files:\n    - path: etc/{{ host.name }}\n";
    let problems = check_profile(&with_butane(butane));
    let shown: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        shown,
        [
            "files.target.ign, line 11, column 3: the key `fils` is not known in fcos 1.5.0",
            "files.target.ign, line 13, column 5: the path must be absolute: it begins with `/`",
        ]
    );
    assert_eq!(problems[0].error.hint.as_deref(), Some("did you mean `files`?"));
    let hint = problems[1].error.hint.as_deref().expect("the line as it was rendered");
    assert!(hint.starts_with("the line is rendered as `- path: etc/"), "{hint}");
}

#[test]
fn what_one_hosts_metadata_break_is_found_for_that_host() {
    let butane = "variant: fcos\nversion: 1.5.0\nstorage:\n  files:\n    - path: {{ metadata.path }}\n";
    let profile = with_butane(butane);
    assert_eq!(check_profile(&profile), []);
    let mut context = context();
    context
        .metadata
        .configured
        .insert("path".to_owned(), "/etc/a".to_owned());
    assert_eq!(check_host(&profile, &context), []);
    context
        .metadata
        .configured
        .insert("path".to_owned(), "etc/a".to_owned());
    let problems = check_host(&profile, &context);
    assert_eq!((problems.len(), problems[0].error.line), (1, 5), "{problems:?}");
}

#[test]
fn ignition_is_judged_before_a_machine_reads_it() {
    let json = "{\n  \"ignition\": { \"version\": \"3.4.0\" },\n  \"storage\": { \"files\": [ { \"path\": \"a\" } ] },\n  \"extra\": 1\n}\n";
    let problems = check_profile(&with_file("config.ign", json));
    assert_eq!(
        (problems.len(), problems[0].error.line, problems[0].error.column),
        (1, 3, 37),
        "{problems:?}"
    );
    assert_eq!(odd(&with_file("config.ign", json)), [], "an error comes first");
    let fine = json.replace("\"a\"", "\"/a\"");
    assert_eq!(check_profile(&with_file("config.ign", &fine)), []);
    let remarks = odd(&with_file("config.ign", &fine));
    assert_eq!((remarks.len(), remarks[0].error.line), (1, 4), "{remarks:?}");
}
