//! Files that were damaged, byte by byte.

use bootwright_config::{Source, load};
use bootwright_core::Unknown;

use crate::{no_files, source};

/// How many damaged files are read.
const EDITS: u32 = 100_000;

/// A configuration with something in every section.
const WHOLE: &str = r#"
[server]
interfaces = ["eth1"]
base_url = "http://10.0.0.1:8080"
[dhcp]
mode = "proxy"
relays = ["10.1.0.1"]
arch = { efi64 = "snponly.efi" }
[safety]
unknown = "hold"
arm_ttl = "24h"
[profiles.debian]
kernel = "/images/linux"
initrds = [{ source = "{{ run.url }}/p", target = "/p" }]
args = ["a={{ host.serial }}"]
files = { p = "{% if metadata.x is defined %}é{% endif %}" }
[hosts.oak-1]
mac = "00:1b:21:00:00:01"
profile = "debian"
metadata = { x = [1, { y = 2.5 }] }
[[rules]]
name = "rack"
when = { serial = "R1*" }
profile = "debian"
auto_arm = true
limit = 2
"#;

/// SplitMix64: a small generator with a seed, so that a failure can be repeated.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).expect("less than a usize")
    }
}

/// The text with one to four bytes replaced, put in, taken out or doubled. What is no UTF-8 then is read as the shell reads it.
fn damaged(random: &mut Random) -> String {
    let mut bytes = WHOLE.as_bytes().to_vec();
    for _ in 0..=random.below(4) {
        let place = random.below(bytes.len());
        let likely = b"\"'[]{}=.,#\\\n%-0 ";
        let byte = match random.below(3) {
            0 => u8::try_from(random.below(256)).expect("a byte"),
            _ => likely[random.below(likely.len())],
        };
        match random.below(4) {
            0 => bytes[place] = byte,
            1 => bytes.insert(place, byte),
            2 => drop(bytes.remove(place)),
            _ => {
                let end = (place + random.below(40)).min(bytes.len());
                let piece = bytes[place..end].to_vec();
                bytes.splice(place..place, piece);
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What the edits may not bring about by chance: an install that nobody wrote down.
#[test]
fn a_damaged_file_never_panics_and_never_arms_what_the_whole_one_does_not() {
    let mut random = Random(0x00b0_0757);
    let (mut good, mut bad) = (0_u32, 0_u32);
    for edit in 0..EDITS {
        let text = damaged(&mut random);
        let sources: [Source; 1] = [source("config.toml", &text)];
        match load(&sources, &no_files) {
            Ok(loaded) => {
                good += 1;
                let policy = loaded.policy;
                assert!(
                    !matches!(policy.safety.unknown, Unknown::Install(_)),
                    "edit {edit}:\n{text}"
                );
                let arming = policy.rules.iter().filter(|rule| rule.auto_arm);
                assert!(
                    arming.clone().all(|rule| rule.limit.is_some_and(|limit| limit > 0)),
                    "edit {edit}:\n{text}"
                );
                assert!(
                    arming.count() <= text.matches("auto_arm").count(),
                    "edit {edit}:\n{text}"
                );
            }
            Err(errors) => {
                bad += 1;
                assert!(!errors.is_empty(), "edit {edit} is refused without a reason:\n{text}");
                for error in errors {
                    assert!(
                        error.line >= 1 && error.line <= text.matches('\n').count() + 1,
                        "{error}"
                    );
                    assert!(text.get(error.span.clone()).is_some(), "{error}");
                    if edit % 100 == 0 {
                        assert!(error.render().contains("config.toml:"), "{error}");
                    }
                }
            }
        }
    }
    assert!(
        good > EDITS / 100 && bad > EDITS / 10,
        "{good} good and {bad} bad: the edits test something"
    );
}

/// Each level of a tree takes some of the stack, and the end of the stack is the end of the daemon.
#[test]
fn nesting_without_end_is_an_error_and_no_crash() {
    let (deep, few) = (100_000, 1000);
    let profile = |args: &str| format!("[profiles.a]\nkernel = \"/k\"\ndone = \"manual\"\nargs = '''{args}'''\n");
    let texts = [
        ("dotted keys", format!("{}a = 1\n", "a.".repeat(deep))),
        ("a dotted header", format!("[{}a]\n", "a.".repeat(deep))),
        ("lists", format!("a = {}", "[".repeat(deep))),
        ("closed lists", format!("a = {}{}", "[".repeat(deep), "]".repeat(deep))),
        ("tables", format!("a = {}", "{a=".repeat(deep))),
        (
            "metadata",
            format!("[hosts.a]\nserial = \"AB1\"\nmetadata.{}a = 1\n", "a.".repeat(few)),
        ),
        (
            "parentheses of a template",
            profile(&format!("{{{{ {} }}}}", "(".repeat(deep))),
        ),
        (
            "lists of a template",
            profile(&format!("{{{{ {}{} }}}}", "[".repeat(deep), "]".repeat(deep))),
        ),
        ("blocks of a template", profile(&"{% if 1 %}".repeat(deep))),
        (
            "additions of a template",
            profile(&format!("{{{{ {}1 }}}}", "1+".repeat(deep))),
        ),
        (
            "negations of a template",
            profile(&format!("{{{{ {}1 }}}}", "not ".repeat(deep))),
        ),
        (
            "attributes of a template",
            profile(&format!("{{{{ metadata{} }}}}", ".a".repeat(deep))),
        ),
        (
            "filters of a template",
            profile(&format!("{{{{ 1{} }}}}", "|int".repeat(deep))),
        ),
        (
            "numbers in a template",
            profile(&format!("{{{{ metadata.{} }}}}", "9".repeat(deep))),
        ),
    ];
    for (what, text) in texts {
        let reader = std::thread::Builder::new().stack_size(2 << 20);
        // The stack of a worker thread of the daemon.
        #[allow(clippy::disallowed_methods, reason = "the size of the stack is what is tested")]
        let reader = reader.spawn(move || load(&[source("config.toml", &text)], &no_files).map(drop));
        let read = reader.expect("a thread").join().unwrap_or_else(|_| panic!("{what}"));
        if let Err(errors) = read {
            assert!(!errors.is_empty(), "{what}");
        }
    }
}
