//! What templates know, and what they refuse.

use bootwright_content::{Template, TemplateError};
use bootwright_core::{Facts, Sighting};
use expect_test::{Expect, expect};

use crate::context;

fn rendered(text: &str) -> String {
    render(text).unwrap_or_else(|error| panic!("{error} in {text}"))
}

fn render(text: &str) -> Result<String, TemplateError> {
    Template::compile("test", text)?.render(&context())
}

fn refused(text: &str, expected: Expect) {
    let error = render(text)
        .map(|text| format!("rendered: {text}"))
        .expect_err("it is refused");
    let hint = error.hint.as_deref().unwrap_or("-");
    let shown = text.get(error.span.clone()).unwrap_or("outside the text");
    expected.assert_eq(&format!("{error}\n  at: {shown}\n  hint: {hint}\n"));
}

#[test]
fn every_name_of_the_table_has_a_value() {
    for (template, expected) in [
        ("{{ host.name }}", "some-host"),
        ("{{ host.mac }}", "52:54:00:ab:cd:ef"),
        ("{{ host.mac_hyphens }}", "52-54-00-ab-cd-ef"),
        ("{{ host.macs | join(',') }}", "52:54:00:ab:cd:ef"),
        ("{{ host.uuid }}", "42424242-4242-4242-4242-424242424242"),
        ("{{ host.serial }} {{ host.asset }}", "S4EVNX0M A-1234"),
        ("{{ host.manufacturer }} {{ host.product }}", "Example-Inc Server-1"),
        ("{{ raw.host.manufacturer | shell }}", "'Example Inc.'"),
        ("{{ host.address }} {{ host.interface }}", "192.0.2.17 eth0"),
        ("{{ host.firmware }} {{ host.arch }}", "uefi efi64"),
        ("{{ profile.name }}", "debian"),
        ("{{ run.number }} {{ run.attempt }}", "1 1"),
        ("{{ run.token }}", "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a"),
        (
            "{{ run.url }}",
            "http://192.0.2.1:8080/r/5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a",
        ),
        (
            "{{ server.url }} {{ server.address }}",
            "http://192.0.2.1:8080 192.0.2.1",
        ),
    ] {
        assert_eq!(rendered(template), expected, "{template}");
    }
}

#[test]
fn what_is_not_known_of_a_machine_is_empty_and_false() {
    let mut context = context();
    context.facts = Facts::default();
    context.seen = Sighting::default();
    let text = "[{{ host.serial }}{{ host.mac }}{{ host.uuid }}{{ host.address }}]{% if host.asset %}asset{% endif %}";
    let template = Template::compile("test", text).expect("it is a template");
    assert_eq!(template.render(&context), Ok("[]".to_owned()));
}

#[test]
fn metadata_is_nested_as_the_configuration_nests_it() {
    let mut context = context();
    for (name, value) in [
        ("net.vlan", "12"),
        ("disks.0.by", "serial"),
        ("disks.1.by", "size"),
        ("raid", "false"),
        ("role", "storage"),
    ] {
        context.metadata.configured.insert(name.to_owned(), value.to_owned());
    }
    let text = "{{ metadata.net.vlan }} {% for disk in metadata.disks %}{{ disk.by }},{% endfor %} \
                {% if metadata.raid %}raid{% else %}plain{% endif %} {{ metadata.role | upper }} {{ metadata.disks | json }}";
    let template = Template::compile("test", text).expect("it is a template");
    assert_eq!(
        template.render(&context),
        Ok(r#"12 serial,size, plain STORAGE [{"by":"serial"},{"by":"size"}]"#.to_owned())
    );
}

#[test]
fn the_configuration_goes_before_the_store() {
    let mut context = context();
    context
        .metadata
        .configured
        .insert("role".to_owned(), "storage".to_owned());
    context.metadata.stored.insert("role".to_owned(), "compute".to_owned());
    context.metadata.stored.insert("role.deep".to_owned(), "x".to_owned());
    context.labels.stored.insert("rack".to_owned(), "7".to_owned());
    let template = Template::compile("test", "{{ metadata.role }} {{ label.rack }}").expect("it is a template");
    assert_eq!(template.render(&context), Ok("storage 7".to_owned()));
}

#[test]
fn lines_of_blocks_leave_no_empty_lines_and_the_last_newline_stays() {
    assert_eq!(
        rendered("a\n  {% if host.serial %}\nb\n  {% endif %}\nc\n"),
        "a\nb\nc\n"
    );
}

#[test]
fn unknown_names_are_refused_before_any_host_asks() {
    for (text, hint) in [
        ("{{ host.nmae }}", Some("did you mean `host.name`?")),
        ("{{ hots.name }}", Some("did you mean `host`?")),
        ("{{ run.URL }}", Some("did you mean `run.url`?")),
        ("{{ raw.host.seriel }}", Some("did you mean `raw.host.serial`?")),
        ("{% if profile.nam %}{% endif %}", Some("did you mean `profile.name`?")),
        ("{{ server.adress }}", Some("did you mean `server.address`?")),
    ] {
        let error = Template::compile("test", text).expect_err(text);
        assert_eq!(error.hint.as_deref(), hint, "{text}");
    }
    for text in [
        "{{ metadata.a.b }}",
        "{{ label.x }}",
        "{% for x in range(3) %}{{ loop.index }}{{ x }}{% endfor %}",
    ] {
        assert!(Template::compile("test", text).is_ok(), "{text}");
    }
}

#[test]
fn missing_metadata_is_refused_when_it_renders() {
    refused(
        "a\nkey {{ metadata.ssh_key }}",
        expect![[r#"
        line 2, column 8: `metadata.ssh_key` is not known for this host
          at: metadata.ssh_key
          hint: set it, or write `metadata.ssh_key | default("…")`
    "#]],
    );
}

#[test]
fn a_whole_text_must_be_quoted() {
    refused(
        "serial={{ raw.host.serial }}",
        expect![[r#"
            line 1, column 11: `raw.host.serial` is what the machine says, and must be quoted
              at: raw.host.serial
              hint: add a filter such as `| shell`, `| json` or `| yaml`, or use the name without `raw.`
        "#]],
    );
}

#[test]
fn a_loop_that_is_too_long_ends() {
    refused(
        "{% for a in range(10000) %}{% for b in range(10000) %}x{% endfor %}{% endfor %}",
        expect![[r#"
            line 1, column 1: the template takes more than 1000000 steps
              at: {% for a in range(10000) %}{% for b in range(10000) %}x{% endfor %}{% endfor %}
              hint: look for a loop that is too long
        "#]],
    );
}

#[test]
fn no_template_reads_a_file() {
    refused(
        "{% include \"/etc/passwd\" %}",
        expect![[r#"
        line 1, column 4: no snippet of this name
          at: include "/etc/passwd"
          hint: there are `bootwright/report.sh`, `bootwright/guard.sh`, `bootwright/discover.sh`, `bootwright/wipe.sh`
    "#]],
    );
}

#[test]
fn no_template_prints_the_whole_context() {
    refused(
        "{{ debug() }}",
        expect![[r#"
            line 1, column 4: `debug` is not known in templates
              at: debug
              hint: known are `host`, `label`, `metadata`, `profile`, `raw`, `run`, `secret`, `server`
        "#]],
    );
}

#[test]
fn a_text_that_is_too_large_is_refused() {
    let text = "{% set a = \"0123456789abcdef\" * 65536 %}{{ a }}{{ a }}{{ a }}{{ a }}{{ a }}";
    refused(
        text,
        expect![[r#"
        line 1, column 1: the text is larger than 4 MiB
          at: 
          hint: serve large files from `/assets/` instead
    "#]],
    );
}
