use bootwright_core::{FrontEnd, HoldWhy};
use bootwright_proto::http::Asked;
use bootwright_proto::script::grub::{Around, disk_script, first_script, http_script, render};
use bootwright_proto::script::ipxe::{Fault, Image};
use bootwright_proto::script::name::Act;
use expect_test::expect_file;

use super::{HOSTILE, answers, asked, asking, base, held, image, install};

const FRONT: FrontEnd = FrontEnd::Grub;

/// A word as GRUB's lexer makes it, with what was quoted told from what was not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Word {
    /// The text as the command gets it, variables unexpanded.
    text: String,
    /// What of it stood in no quotation marks or in double ones, where `$` means something.
    open: String,
}

/// Reads a script as GRUB's lexer does (`grub-core/script/yylex.l`): words, line by line; `;` ends a command.
fn words(script: &str) -> Vec<Vec<Word>> {
    let (mut commands, mut command, mut word, mut started) = (Vec::new(), Vec::new(), Word::default(), false);
    let mut chars = script.chars();
    while let Some(c) = chars.next() {
        match c {
            '\n' | ';' | ' ' => {
                if std::mem::take(&mut started) {
                    command.push(std::mem::take(&mut word));
                }
                if c != ' ' {
                    commands.push(std::mem::take(&mut command));
                }
            }
            '\'' => {
                started = true;
                loop {
                    match chars.next().expect("a quotation ends") {
                        '\'' => break,
                        '\n' => panic!("a quotation crosses the line"),
                        c => word.text.push(c),
                    }
                }
            }
            '"' => {
                started = true;
                loop {
                    match chars.next().expect("a quotation ends") {
                        '"' => break,
                        '\\' | '\n' => panic!("we write neither in double quotation marks"),
                        c => {
                            word.text.push(c);
                            word.open.push(c);
                        }
                    }
                }
            }
            '\\' => {
                started = true;
                word.text.push(chars.next().expect("something is escaped"));
            }
            c => {
                assert!((' '..='~').contains(&c), "{c:?}");
                started = true;
                word.text.push(c);
                word.open.push(c);
            }
        }
    }
    commands.push(command);
    commands.retain(|command| !command.is_empty());
    commands
}

/// The first word of each command, and all words in which something could be expanded or could end a command.
fn shape(script: &str) -> Vec<String> {
    let known = [
        "if",
        "then",
        "else",
        "elif",
        "fi",
        "while",
        "do",
        "done",
        "for",
        "in",
        "set",
        "source",
        "configfile",
        "export",
        "echo",
        "sleep",
        "linux",
        "initrd",
        "chainloader",
        "boot",
        "exit",
        "menuentry",
        "{",
        "}",
        "true",
        "[",
        "smbios",
    ];
    let mut shape = Vec::new();
    for command in words(script) {
        let first = &command[0].text;
        let assigned = first.starts_with("bw_");
        assert!(
            known.contains(&first.as_str()) || assigned,
            "GRUB would not understand `{first}`"
        );
        let open: Vec<&str> = command.iter().map(|word| word.open.as_str()).collect();
        shape.push(open.join(" "));
    }
    shape
}

fn rendered(told: &bootwright_proto::script::told::Told, act: Act) -> String {
    let base = base();
    let around = Around {
        base: &base,
        address: "10.77.0.1".parse().expect("an address"),
    };
    render(told, &asking(FRONT, act), around).expect("it can be said")
}

#[test]
fn every_answer_is_written_as_grub_reads_it() {
    for (name, act, told) in answers(FRONT) {
        let script = rendered(&told, act);
        shape(&script);
        expect_file![format!("../../../test_data/script/grub/{name}.cfg")].assert_eq(&script);
    }
}

#[test]
fn the_first_script_finds_out_who_the_machine_is_and_whether_it_speaks_http() {
    let base = base();
    let around = Around {
        base: &base,
        address: "10.77.0.1".parse().expect("an address"),
    };
    let script = first_script(around);
    shape(&script);
    expect_file!["../../../test_data/script/grub/first.cfg"].assert_eq(&script);
    assert_eq!(http_script(&base), "set bw_from='(http,10.77.0.1:8080)'\n");
    let below = "http://boot.example/pxe".parse().expect("a URL");
    assert_eq!(http_script(&below), "set bw_from='(http,boot.example)/pxe'\n");
    shape(&disk_script());
    expect_file!["../../../test_data/script/grub/disk.cfg"].assert_eq(&disk_script());
    // GRUB speaks no TLS: everything goes by TFTP then.
    let secret = "https://boot.example".parse().expect("a URL");
    assert_eq!(http_script(&secret), "");
}

#[test]
fn an_install_loads_what_it_needs_and_waits_for_more_if_that_fails() {
    let told = install(FRONT, &image()).expect("it can be said");
    let script = rendered(&told, Act::First);
    let commands = words(&script);
    let of = |name: &str| {
        let command = commands
            .iter()
            .find(|command| command.iter().any(|word| word.text == name));
        let command = command.expect(name);
        let at = command.iter().position(|word| word.text == name).expect("it is there");
        command[at + 1..]
            .iter()
            .map(|word| word.text.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        of("linux"),
        [
            "$bw_from/images/debian/linux",
            "auto=true",
            "priority=critical",
            "console=ttyS0"
        ]
    );
    assert_eq!(
        of("initrd"),
        [
            "$bw_from/images/debian/initrd.gz",
            "$bw_from/bootwright/part/abababababababababababababababab/1"
        ]
    );
    assert!(script.contains("while true; do"), "{script}");
    assert!(
        !rendered(
            &told,
            Act::Again {
                round: 3,
                screen: 1,
                chosen: None
            }
        )
        .contains("while")
    );
}

#[test]
fn nothing_that_a_machine_says_changes_the_script() {
    let plain = shape(&rendered(&held(FRONT, &asked(), &HoldWhy::Undecided), Act::First));
    let commands = |shape: &[String]| {
        let names = shape.iter().filter(|line| !line.starts_with("echo"));
        names.cloned().collect::<Vec<_>>()
    };
    for hostile in HOSTILE {
        let mut asked: Asked = asked();
        asked.sighting.facts.serial = Some((*hostile).to_owned());
        let why = HoldWhy::Contradiction((*hostile).to_owned());
        let script = rendered(&held(FRONT, &asked, &why), Act::First);
        let shape = shape(&script);
        // The screen's number is part of a link, in quotation marks; nothing else may differ.
        assert_eq!(commands(&shape), commands(&plain), "{hostile:?}");
        for command in words(&script).iter().filter(|command| command[0].text == "echo") {
            assert!(command[1..].iter().all(|word| word.open.is_empty()), "{command:?}");
        }
    }
}

#[test]
fn an_argument_can_hold_whatever_the_kernel_should_get_but_what_grub_would_change() {
    let with = |arg: &str| {
        let mut image: Image = image();
        image.args = vec![arg.to_owned()];
        install(FRONT, &image).and_then(|told| {
            let base = base();
            let address = "10.77.0.1".parse().expect("an address");
            render(&told, &asking(FRONT, Act::First), Around { base: &base, address })
        })
    };
    for arg in ["$root", "a;b", "a{b}", "a|b&c", "#x", "*", "x=y=z", "(hd0)", "<>"] {
        let script = with(arg).expect("it can be said");
        let found = words(&script).concat();
        let word = found.iter().find(|word| word.text == arg);
        assert_eq!(word.map(|word| word.open.as_str()), Some(""), "{script}");
    }
    for arg in ["a=\"b", "a='b'", "a\\b"] {
        assert_eq!(
            with(arg).expect_err("it cannot be said").fault,
            Fault::Quotation,
            "{arg}"
        );
    }
}

#[test]
fn a_file_for_the_initial_ramdisk_of_a_live_boot_is_put_there_by_grub() {
    let mut image = image();
    image.initrds[1].url = "http://10.77.0.1:8080/assets/key".to_owned();
    image.initrds[1].target = Some("/etc/key mode=600".to_owned());
    let script = rendered(&super::live(FRONT, &image).expect("it can be said"), Act::First);
    assert!(script.contains("'newc:etc/key:'\"$bw_from\"'/assets/key'"), "{script}");
}
