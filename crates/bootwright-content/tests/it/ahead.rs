//! What is wrong with a profile for a host that has not asked yet.

use bootwright_content::{Context, check_ahead, check_host};
use bootwright_core::{Facts, Firmware, Profile, Sighting};

use crate::{context, profile, with_args, with_file};

/// A host of which nothing is known but its card.
fn unseen() -> Context {
    let mac = context().facts.macs.first().copied().expect("a card");
    Context {
        facts: Facts::of_mac(mac),
        seen: Sighting::default(),
        ..context()
    }
}

fn messages(profile: &Profile, context: &Context) -> Vec<String> {
    let problems = check_ahead(profile, context);
    problems.iter().map(ToString::to_string).collect()
}

#[test]
fn what_the_host_will_show_later_is_no_mistake() {
    let by_firmware = Profile {
        kernel:
            "{% if host.firmware == 'bios' %}/images/bios/linux{% elif host.firmware %}/images/uefi/linux{% endif %}"
                .to_owned(),
        ..profile()
    };
    assert_eq!(messages(&by_firmware, &unseen()), [""; 0]);
    assert!(
        !check_host(&by_firmware, &unseen()).is_empty(),
        "nothing is supposed there"
    );
    let for_bios = Profile {
        kernel: "{% if host.firmware == 'bios' %}/images/bios/linux{% endif %}".to_owned(),
        ..profile()
    };
    assert_eq!(messages(&for_bios, &unseen()), [""; 0], "it may have a BIOS");
    let mut uefi = unseen();
    uefi.seen.firmware = Some(Firmware::Uefi);
    assert_eq!(
        messages(&for_bios, &uefi),
        ["kernel: `` is neither a path on this server nor a URL"],
        "this one has none"
    );
    let by_serial = with_args(&["{{ 'serial=' ~ host.serial if host.serial else '||' }}"]);
    assert_eq!(messages(&by_serial, &unseen()), [""; 0]);
}

#[test]
fn what_nobody_will_set_is_one_in_arguments_and_in_documents() {
    let args = with_args(&["quiet", "disk={{ metadata.disk }}"]);
    assert_eq!(
        messages(&args, &unseen()),
        ["args[1]: `metadata.disk` is not known for this host"]
    );
    let document = with_file("preseed.cfg", "a\nb {{ label.rack }}\n");
    assert_eq!(
        messages(&document, &unseen()),
        ["files.preseed.cfg, line 2, column 6: `label.rack` is not known for this host"]
    );
    let mut host = unseen();
    host.labels.stored.insert("rack".to_owned(), "7".to_owned());
    assert_eq!(messages(&document, &host), [""; 0]);
}
