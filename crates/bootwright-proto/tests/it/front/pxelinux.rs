use std::collections::BTreeMap;

use bootwright_core::{FrontEnd, HoldWhy};
use bootwright_proto::http::Asked;
use bootwright_proto::script::ipxe::{Fault, Image};
use bootwright_proto::script::name::{Act, Wanted, read};
use bootwright_proto::script::pxelinux::render;
use bootwright_proto::script::told::Told;
use expect_test::expect_file;

use super::{HOSTILE, answers, asked, asking, held, image, install, live};

const FRONT: FrontEnd = FrontEnd::Pxelinux;

/// A configuration as PXELINUX reads it: settings of the whole, and those of each label.
#[derive(Debug, Default, PartialEq, Eq)]
struct Config {
    says: Vec<String>,
    settings: BTreeMap<String, String>,
    labels: BTreeMap<String, BTreeMap<String, String>>,
}

/// Reads line by line as `readconfig.c` does: a word, and what stands behind it up to the end of the line.
fn parse(text: &str) -> Config {
    let mut config = Config::default();
    let mut label = None;
    for line in text.lines() {
        assert!(line.len() < 4096, "PXELINUX cuts longer lines: {line}");
        assert!(line.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{line:?}");
        let line = line.trim_start();
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let (word, rest) = match word {
            // Two words make these.
            "MENU" => {
                let (second, rest) = rest.split_once(' ').unwrap_or((rest, ""));
                (format!("MENU {second}"), rest)
            }
            word => (word.to_owned(), rest),
        };
        match (word.as_str(), &label) {
            ("SAY", _) => config.says.push(rest.to_owned()),
            ("LABEL", _) => {
                assert!(!config.labels.contains_key(rest), "two labels {rest}");
                config.labels.insert(rest.to_owned(), BTreeMap::new());
                label = Some(rest.to_owned());
            }
            (
                "LINUX" | "INITRD" | "APPEND" | "IPAPPEND" | "CONFIG" | "COM32" | "LOCALBOOT" | "MENU LABEL"
                | "MENU DEFAULT",
                Some(label),
            ) => {
                let of = config.labels.get_mut(label).expect("the label was read");
                assert_eq!(of.insert(word.clone(), rest.to_owned()), None, "{word} twice");
            }
            (
                "PROMPT" | "TIMEOUT" | "TOTALTIMEOUT" | "ONTIMEOUT" | "DEFAULT" | "ALLOWOPTIONS" | "IMPLICIT"
                | "NOESCAPE" | "UI" | "MENU TITLE" | "MENU NOTABMSG",
                _,
            ) => {
                assert_eq!(
                    config.settings.insert(word.clone(), rest.to_owned()),
                    None,
                    "{word} twice"
                );
            }
            other => panic!("PXELINUX would not understand {other:?}"),
        }
    }
    for setting in ["DEFAULT", "ONTIMEOUT"] {
        if let Some(name) = config.settings.get(setting) {
            assert!(config.labels.contains_key(name), "{setting} {name} is nowhere");
        }
    }
    for link in config.labels.values().filter_map(|label| label.get("CONFIG")) {
        assert!(matches!(read(link), Some(Wanted::Script(_))), "{link}");
    }
    config
}

#[test]
fn every_answer_is_written_as_pxelinux_reads_it() {
    for (name, act, told) in answers(FRONT) {
        let text = render(&told, &asking(FRONT, act)).expect("it can be said");
        parse(&text);
        expect_file![format!("../../../test_data/script/pxelinux/{name}.cfg")].assert_eq(&text);
    }
}

#[test]
fn an_install_loads_the_kernel_and_its_files_by_tftp_and_names_the_card() {
    let told = install(FRONT, &image()).expect("it can be said");
    let config = parse(&render(&told, &asking(FRONT, Act::First)).expect("it can be said"));
    let start = &config.labels["start"];
    assert_eq!(start["LINUX"], "images/debian/linux");
    assert_eq!(
        start["INITRD"],
        "images/debian/initrd.gz,bootwright/part/abababababababababababababababab/1"
    );
    // Neither is a word of iPXE taken for a file, nor the card named twice.
    assert_eq!(start["APPEND"], "auto=true priority=critical console=ttyS0");
    assert_eq!(start["IPAPPEND"], "2");
    let mut named = image();
    named.args = vec!["BOOTIF=01-52-54-00-12-34-56".to_owned()];
    let told = install(FRONT, &named).expect("it can be said");
    let config = parse(&render(&told, &asking(FRONT, Act::First)).expect("it can be said"));
    assert!(!config.labels["start"].contains_key("IPAPPEND"));
}

#[test]
fn nothing_that_a_machine_says_changes_the_configuration() {
    let plain = parse(&render(&held(FRONT, &asked(), &HoldWhy::Undecided), &asking(FRONT, Act::First)).unwrap());
    for hostile in HOSTILE {
        let mut asked: Asked = asked();
        asked.sighting.facts.serial = Some((*hostile).to_owned());
        let why = HoldWhy::Contradiction((*hostile).to_owned());
        let text = render(&held(FRONT, &asked, &why), &asking(FRONT, Act::First)).expect("it can be said");
        let config = parse(&text);
        assert_eq!(config.settings, plain.settings, "{hostile:?}");
        let labels = |config: &Config| config.labels.keys().cloned().collect::<Vec<_>>();
        assert_eq!(labels(&config), labels(&plain), "{hostile:?}");
    }
}

#[test]
fn what_no_configuration_can_say_is_refused() {
    let with = |change: &dyn Fn(&mut Image)| {
        let mut image = image();
        change(&mut image);
        let told = install(FRONT, &image).and_then(|told| render(&told, &asking(FRONT, Act::First)));
        told.expect_err("it cannot be said").fault
    };
    assert_eq!(
        with(&|image| image.args = vec!["a=\u{e9}".to_owned()]),
        Fault::Character('\u{e9}')
    );
    assert_eq!(
        with(&|image| image.args = vec!["a\nDEFAULT b".to_owned()]),
        Fault::Character('\n')
    );
    assert_eq!(with(&|image| image.args = vec!["-".to_owned()]), Fault::Operator);
    let comma = "http://10.77.0.1:8080/images/a,b".to_owned();
    assert_eq!(with(&|image| image.initrds[0].url.clone_from(&comma)), Fault::Comma);
    assert_eq!(
        with(&|image| image.kernel = "https://mirror.example/linux".to_owned()),
        Fault::Protocol
    );
    assert!(matches!(
        with(&|image| image.args = vec!["a".repeat(2048)]),
        Fault::TooLong { len: 2048 }
    ));
    // A live boot has no run under whose token a file could be made ready.
    let refused = live(FRONT, &image()).expect_err("it cannot be said");
    assert_eq!(refused.fault, Fault::Target);
    assert!(
        refused
            .to_string()
            .contains("cannot stand in a configuration of PXELINUX"),
        "{refused}"
    );
}

#[test]
fn a_machine_that_waits_long_starts_anew_before_its_memory_is_full() {
    let told: Told = held(FRONT, &asked(), &HoldWhy::Undecided);
    let round = |round| {
        let act = Act::Again {
            round,
            screen: 0,
            chosen: None,
        };
        let config = parse(&render(&told, &asking(FRONT, act)).expect("it can be said"));
        config.labels["again"].clone()
    };
    assert_eq!(
        round(59)["CONFIG"],
        format!("bootwright/pxelinux/again-60-{:08x}/01-52-54-00-12-34-56", {
            let Told::Wait(wait) = &told else {
                panic!("a hold waits")
            };
            wait.print()
        })
    );
    assert_eq!(round(60)["COM32"], "reboot.c32");
    assert_eq!(round(u16::MAX)["COM32"], "reboot.c32");
}
