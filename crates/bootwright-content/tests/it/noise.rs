//! Templates that were damaged, and templates that ask for too much.

use bootwright_content::Template;
use proptest::prelude::*;

use crate::context;

/// Pieces of templates, whole and broken.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("{{".to_owned()),
        Just("}}".to_owned()),
        Just("{%".to_owned()),
        Just("%}".to_owned()),
        Just("{#".to_owned()),
        Just("#}".to_owned()),
        Just("{% if host.serial %}".to_owned()),
        Just("{% for x in host.macs %}".to_owned()),
        Just("{% else %}".to_owned()),
        Just("{% endif %}".to_owned()),
        Just("{% endfor %}".to_owned()),
        Just("{% set x = ".to_owned()),
        Just("{% include 'bootwright/guard.sh' %}".to_owned()),
        Just("{{ host.serial }}".to_owned()),
        Just("{{ raw.host.serial | shell }}".to_owned()),
        Just(" | default('x')".to_owned()),
        Just("metadata.a.b".to_owned()),
        Just("run.url".to_owned()),
        Just("[1, 2, {'a': 3}]".to_owned()),
        Just("\\".to_owned()),
        Just("'".to_owned()),
        Just("-".to_owned()),
        Just("\n".to_owned()),
        "[ -~]{1,8}",
        any::<char>().prop_map(String::from),
    ];
    proptest::collection::vec(piece, 0..20).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_template_panics_and_every_mistake_has_a_place(text in pieces()) {
        let rendered = Template::compile("test", &text).and_then(|template| template.render(&context()));
        if let Err(error) = rendered {
            prop_assert!(text.get(error.span.clone()).is_some(), "{:?} in {:?}", error, text);
            prop_assert!(error.line >= 1 && error.line <= text.matches('\n').count() + 1, "{:?}", error);
            prop_assert!(!error.message.is_empty());
        }
    }
}

#[test]
fn a_template_that_asks_for_too_much_is_refused() {
    for text in [
        "{{ 'x' * 1000000000000 }}",
        "{{ 'x' * 10000000000000000000000 }}",
        "{{ [1] * 1000000000000 }}",
        "{{ 'a' | indent(1000000000000) }}",
        "{{ '%1000000000d' | format(1) }}",
        "{{ range(0, 1000000) | list }}",
        "{{ range(100000) | batch(1000000000000) | list }}",
    ] {
        let rendered = Template::compile("test", text).and_then(|template| template.render(&context()));
        assert!(rendered.is_err(), "{text}");
    }
}
