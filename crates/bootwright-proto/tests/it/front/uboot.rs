use bootwright_core::FrontEnd;
use bootwright_proto::script::ipxe::{Fault, Image};
use bootwright_proto::script::name::{Wanted, parts_link, read};
use bootwright_proto::script::told::Told;
use bootwright_proto::script::uboot::render;
use expect_test::expect;

use super::{HOSTILE, answers, image, install, live};

const FRONT: FrontEnd = FrontEnd::UBoot;

/// The words that U-Boot knows (`keywords` in `boot/pxe_utils.c`, those of a label).
const WORDS: [&str; 8] = [
    "DEFAULT",
    "LABEL",
    "LINUX",
    "INITRD",
    "FDTDIR",
    "APPEND",
    "IPAPPEND",
    "LOCALBOOT",
];

/// Holds what U-Boot makes of a text: how many labels it would try.
fn labels(text: &str) -> usize {
    for line in text.lines() {
        assert!(line.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{line:?}");
        let word = line.split(' ').next().unwrap_or_default();
        assert!(
            word == "#" || WORDS.contains(&word),
            "U-Boot would not understand `{line}`"
        );
        assert!(!(word == "INITRD" && line.contains(',')), "U-Boot loads one: {line}");
    }
    text.lines().filter(|line| line.starts_with("LABEL ")).count()
}

#[test]
fn an_install_is_one_label_with_one_ramdisk() {
    let told = install(FRONT, &image()).expect("a kernel");
    let text = render(&told).expect("a configuration");
    expect![[r#"
        # Bootwright: installing debian on oak-42: run 3, attempt 1 of 2.
        DEFAULT start
        LABEL start
        LINUX images/debian/linux
        INITRD bootwright/part/abababababababababababababababab/all
        FDTDIR images/debian/dtbs
        APPEND auto=true priority=critical console=ttyS0
        IPAPPEND 2
    "#]]
    .assert_eq(&text);
    assert_eq!(labels(&text), 1);
    let bare = Image {
        initrds: Vec::new(),
        ..image()
    };
    let text = render(&live(FRONT, &bare).expect("a kernel")).expect("a configuration");
    assert!(
        !text.contains("INITRD") && text.contains("FDTDIR images/debian/dtbs\n"),
        "{text}"
    );
}

#[test]
fn whoever_is_to_wait_gets_nothing_that_could_be_started() {
    for (name, _, told) in answers(FRONT) {
        let text = render(&told).expect("a configuration");
        let starts = matches!(told, Told::Start(_) | Told::Local { .. });
        assert_eq!(labels(&text), usize::from(starts), "{name}: {text}");
    }
}

#[test]
fn what_u_boot_cannot_be_told_is_refused() {
    let fault = |image: Image| {
        let told = install(FRONT, &image).map_err(|error| error.fault)?;
        render(&told).map(drop).map_err(|error| error.fault)
    };
    let with = |kernel: &str, arg: &str| Image {
        kernel: kernel.to_owned(),
        args: vec![arg.to_owned()],
        ..image()
    };
    let ours = "http://10.77.0.1:8080/images/debian/linux";
    assert_eq!(fault(with(ours, "quiet")), Ok(()));
    assert_eq!(
        fault(with("http://mirror.example/linux", "quiet")),
        Err(Fault::Elsewhere)
    );
    assert_eq!(fault(with(&format!("{ours}#conf-1"), "quiet")), Err(Fault::Operator));
    for arg in ["root=$bootdev", "name='a'", "a=\\\\b"] {
        assert_eq!(fault(with(ours, arg)), Err(Fault::Macro), "{arg}");
    }
    for hostile in HOSTILE {
        if let Ok(told) = install(FRONT, &with(ours, hostile))
            && let Ok(text) = render(&told)
        {
            assert_eq!(labels(&text), 1, "{hostile}: {text}");
        }
    }
    // Outside of a run nothing is joined.
    let plain = |name: &str| bootwright_proto::script::ipxe::Initrd {
        name: None,
        url: format!("http://10.77.0.1:8080/images/debian/{name}"),
        target: None,
    };
    let two = Image {
        initrds: vec![plain("a"), plain("b")],
        ..image()
    };
    assert_eq!(live(FRONT, &two).map_err(|error| error.fault), Err(Fault::OneRamdisk));
}

#[test]
fn all_ramdisks_of_a_run_have_one_name() {
    let token = bootwright_core::Token::new([0xab; 16]);
    assert_eq!(read(&parts_link(token)), Some(Wanted::Parts { token }));
    assert_eq!(read("bootwright/part/abab/all"), None);
}
