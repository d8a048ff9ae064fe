//! A template, and behind a NUL the serial number that its machine claims to have.

use bootwright_content::{Context, OUTPUT_BYTES_MAX, Template, check_profile, made_up, render_boot, text};
use bootwright_core::{Confirm, Document, DoneTrigger, Profile, Span, StageLimits};

/// Renders the template as a document, as an argument of the kernel and as its URL.
pub fn digest(bytes: &[u8]) {
    let mut parts = bytes.splitn(2, |byte| *byte == 0);
    let mut part = || String::from_utf8_lossy(parts.next().unwrap_or_default()).into_owned();
    let (template, serial) = (part(), part());
    words(&serial);
    let profile = profile(&template);
    let mut context = made_up(&profile);
    context.facts.serial = Some(serial);
    document(&template, &context);
    for problem in check_profile(&profile) {
        assert!(!problem.error.message.is_empty());
    }
    if let Ok(plan) = render_boot(&profile, &context) {
        let printable = |text: &str| text.bytes().all(|byte| (0x20..0x7f).contains(&byte));
        assert!(printable(&plan.args) && plan.args.len() <= 2047, "{:?}", plan.args);
        assert!(!plan.args.contains("  "), "{:?}", plan.args);
        let word = |text: &str| printable(text) && !text.contains(' ') && !text.is_empty();
        assert!(word(&plan.kernel), "{:?}", plan.kernel);
    }
}

/// The text that others made up, in the forms in which it gets into documents.
fn words(serial: &str) {
    let word = text::word(serial);
    assert!(
        word.len() <= text::WORD_CHARS_MAX && word.chars().all(|c| c.is_ascii_alphanumeric() || "._:-".contains(c))
    );
    assert!(
        text::stored(serial)
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "._:-/@=+,_".contains(c))
    );
    assert!(!text::one_line(serial).chars().any(char::is_control));
    let quoted = text::shell(serial);
    let inside = quoted
        .strip_prefix('\'')
        .and_then(|rest| rest.strip_suffix('\''))
        .expect("it is quoted");
    assert!(!inside.replace(r"'\''", "").contains('\''), "{quoted}");
    let scalar = text::yaml(serial);
    assert!(scalar.is_ascii() && !scalar.contains('\n') && scalar.len() >= 2);
}

fn document(template: &str, context: &Context) {
    let rendered = Template::compile("fuzz", template).and_then(|compiled| compiled.render(context));
    match rendered {
        Ok(text) => assert!(text.len() <= OUTPUT_BYTES_MAX),
        Err(error) => {
            assert!(template.get(error.span.clone()).is_some(), "{error:?} in {template:?}");
            assert!(error.line >= 1 && !error.message.is_empty(), "{error:?}");
        }
    }
}

fn profile(template: &str) -> Profile {
    let document = Document {
        template: template.to_owned(),
        origin: "here".to_owned(),
        add: bootwright_core::Additions::default(),
    };
    Profile {
        name: "debian".parse().expect("a name"),
        kernel: "/images/{{ host.serial }}/linux".to_owned(),
        initrds: Vec::new(),
        args: vec![template.to_owned(), "serial={{ host.serial }}".to_owned()],
        files: [("answers".to_owned(), document)].into(),
        done: DoneTrigger::Manual,
        confirm: Confirm::Dashboard,
        deadline: Span::from_hours(6),
        stages: StageLimits::default(),
        menu: None,
        source: None,
        revision: 0,
    }
}

/// Templates with everything that they may hold.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let texts = [
        "{{ host.name }} {{ host.serial }} {{ raw.host.serial | shell }}\0VM-01",
        "{% for mac in host.macs %}{{ mac }}{% if not loop.last %},{% endif %}{% endfor %}\0$(reboot) && ${x}\n",
        "{% include 'bootwright/guard.sh' %}\n{{ run.url }}/done\0\"'`",
        "{% set x = metadata.y | default('z') %}{{ [1, 2, {'a': x}] | tojson }}{{ label.rack is defined }}",
        "quiet console=ttyS0,115200n8 {{ server.url }} {{ raw.host.serial | yaml }}\0: - #",
        "{# a remark #}{%- raw -%}{{ no }}{%- endraw -%}{{ 'x' * 100 }}{{ range(9) | list | join('-') }}",
    ];
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}
