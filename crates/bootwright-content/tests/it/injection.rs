//! What a machine says of itself never changes the structure of what it is put into.

use std::io::Write;
use std::process::{Command, Stdio};

use bootwright_content::text::{one_line, word};
use bootwright_content::{Context, Template, render_boot, render_document};
use proptest::prelude::*;
use proptest::strategy::ValueTree;

use crate::{context, with_args, with_file};

/// What hostile firmware would send: pieces that end words, lines, quotations and commands, between any characters.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("\n".to_owned()),
        Just("\r\n".to_owned()),
        Just("'".to_owned()),
        Just("\"".to_owned()),
        Just("\\".to_owned()),
        Just("||".to_owned()),
        Just("&& shell".to_owned()),
        Just("${netX/mac}".to_owned()),
        Just("$(reboot)".to_owned()),
        Just("`reboot`".to_owned()),
        Just("; rm -rf / #".to_owned()),
        Just("\nkernel http://evil/".to_owned()),
        Just("{{ run.token }}".to_owned()),
        Just("{% raw %}".to_owned()),
        Just(": - ".to_owned()),
        Just("\u{2028}".to_owned()),
        Just("\u{85}".to_owned()),
        Just("\u{1f4a9}".to_owned()),
        Just("--force".to_owned()),
        Just("</script>".to_owned()),
        "[ -~]{1,12}",
        any::<char>().prop_map(String::from),
    ];
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

fn context_of(text: &str) -> Context {
    let mut context = context();
    context.facts.serial = Some(text.to_owned());
    context.facts.asset = Some(text.to_owned());
    context.facts.manufacturer = Some(text.to_owned());
    context.facts.product = Some(text.to_owned());
    context.seen.link = Some(text.to_owned());
    context.metadata.stored.insert("note".to_owned(), text.to_owned());
    context.labels.stored.insert("note".to_owned(), text.to_owned());
    context
}

const MACHINE_TEXTS: &[&str] = &[
    "host.serial",
    "host.asset",
    "host.manufacturer",
    "host.product",
    "host.interface",
    "metadata.note",
    "label.note",
];

fn is_word(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "._:-/@=+,_".contains(c);
    text.chars().all(fits)
        && text
            .chars()
            .next()
            .is_none_or(|c| c.is_ascii_alphanumeric() || c == '/')
}

/// Reads one double-quoted YAML scalar (YAML 1.2.2 sections 5.7 and 7.3.1); nothing if the text is anything else or more.
pub(crate) fn read_yaml(text: &str) -> Option<String> {
    let mut rest = text.strip_prefix('"')?.strip_suffix('"')?.chars();
    let mut read = String::new();
    while let Some(c) = rest.next() {
        match c {
            '"' => return None,
            '\\' => {
                let digits = match rest.next()? {
                    'n' => {
                        read.push('\n');
                        continue;
                    }
                    't' => {
                        read.push('\t');
                        continue;
                    }
                    c @ ('"' | '\\') => {
                        read.push(c);
                        continue;
                    }
                    'x' => 2,
                    'u' => 4,
                    'U' => 8,
                    _ => return None,
                };
                let code: String = rest.by_ref().take(digits).collect();
                read.push(char::from_u32(u32::from_str_radix(&code, 16).ok()?)?);
            }
            ' '..='~' => read.push(c),
            _ => return None,
        }
    }
    Some(read)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn threat_26_machine_facts_never_alter_the_boot_script(text in hostile()) {
        let args: Vec<String> = MACHINE_TEXTS.iter().map(|name| format!("a={{{{ {name} }}}}")).collect();
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let mut profile = with_args(&args);
        profile.kernel = "/images/{{ host.serial }}/linux".to_owned();
        let plan = render_boot(&profile, &context_of(&text)).expect("any facts render");
        let words: Vec<&str> = plan.args.split(' ').collect();
        prop_assert_eq!(words.len(), 1 + MACHINE_TEXTS.len());
        for value in words.iter().skip(1) {
            prop_assert!(is_word(value.strip_prefix("a=").expect("the argument's own name")), "{}", value);
        }
        let serial = plan.kernel.strip_prefix("http://192.0.2.1:8080/images/").and_then(|rest| rest.strip_suffix("/linux"));
        prop_assert!(serial.is_some_and(|serial| is_word(serial) && !serial.contains('/')), "{}", plan.kernel);
    }

    #[test]
    fn machine_facts_never_change_the_structure_of_json(text in hostile()) {
        let template = r#"{"serial": {{ raw.host.serial | json }}, "note": {{ raw.metadata.note | json }}, "word": "{{ host.serial }} {{ label.note }}"}"#;
        let profile = with_file("a.json", template);
        let rendered = render_document(&profile, "a.json", &context_of(&text)).expect("any facts render");
        let read: serde_json::Value = serde_json::from_str(&rendered).expect("it stays JSON");
        let object = read.as_object().expect("it stays an object");
        prop_assert_eq!(object.len(), 3);
        let whole = one_line(&text);
        prop_assert_eq!(object["serial"].as_str(), Some(whole.as_str()));
        prop_assert_eq!(object["note"].as_str(), Some(whole.as_str()));
    }

    #[test]
    fn machine_facts_never_change_the_structure_of_yaml(text in hostile()) {
        let template = "serial: {{ raw.host.serial | yaml }}\nnote: {{ raw.label.note | yaml }}\nword: \"{{ host.product }}\"\n";
        let profile = with_file("a.yaml", template);
        let rendered = render_document(&profile, "a.yaml", &context_of(&text)).expect("any facts render");
        let lines: Vec<&str> = rendered.split('\n').collect();
        prop_assert_eq!(lines.len(), 4);
        for (line, key) in lines.iter().zip(["serial: ", "note: "]) {
            let scalar = line.strip_prefix(key).and_then(read_yaml);
            prop_assert_eq!(scalar, Some(one_line(&text)), "{}", line);
        }
        prop_assert_eq!(lines[2].strip_prefix("word: ").and_then(read_yaml), Some(word(&text)));
    }

    #[test]
    fn what_gets_around_the_filters_sees_the_word(text in hostile()) {
        let context = context_of(&text);
        for expression in [
            "raw.host.serial ~ ''",
            "raw.host.serial | string",
            "[raw.host.serial] | join",
            "'%s' | format(raw.host.serial)",
            "raw.host.serial | trim",
            "raw.host.serial | replace('x', 'x')",
            "raw.host.serial | default('')",
        ] {
            let template = format!("{{{{ {expression} }}}}");
            // Those that give the whole text back are refused, the others see no more than the word.
            if let Ok(rendered) = Template::compile("test", &template).expect("a template").render(&context) {
                prop_assert!(rendered.len() <= 64 && is_word(&rendered), "{} gave {:?}", expression, rendered);
            }
        }
    }
}

/// A real shell reads the words back, many in one go.
#[test]
fn machine_facts_stay_one_word_of_a_shell() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let texts: Vec<String> = (0..1000)
        .map(|_| hostile().new_tree(&mut runner).expect("a text").current())
        .collect();
    let template = Template::compile(
        "test",
        "printf '%s\\n' {{ raw.host.serial | shell }} \"{{ host.serial }}\" {{ host.serial }}\n",
    );
    let template = template.expect("it is a template");
    let script: String = texts
        .iter()
        .map(|text| template.render(&context_of(text)).expect("any facts render"))
        .collect();
    let mut shell = Command::new("sh")
        .arg("-s")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("there is a shell");
    let mut input = shell.stdin.take().expect("its input");
    let writer = std::thread::scope(|scope| {
        scope.spawn(move || input.write_all(script.as_bytes()));
        shell.wait_with_output()
    });
    let done = writer.expect("the shell ends");
    assert_eq!(String::from_utf8_lossy(&done.stderr), "");
    let expected: String = texts
        .iter()
        .map(|text| {
            // An empty word without quotation marks is no word at all.
            let plain = word(text);
            let unquoted = if plain.is_empty() {
                String::new()
            } else {
                format!("{plain}\n")
            };
            format!("{}\n{plain}\n{unquoted}", one_line(text).replace('\0', ""))
        })
        .collect();
    assert_eq!(String::from_utf8_lossy(&done.stdout), expected);
}
