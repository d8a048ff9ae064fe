//! The configurations of boot loaders other than iPXE: which names ask for them, what they say, and that nothing that a
//! machine or an operator wrote can change what they mean.

mod grub;
mod name;
mod pi;
mod pxelinux;
mod uboot;

use bootwright_core::{FrontEnd, HoldWhy, HostId, LocalMethod, LocalWhy, ProfileName, RunNumber, Token};
use bootwright_proto::http::{Asked, BaseUrl, Query};
use bootwright_proto::script::ipxe::{Hold, Image, Initrd, Install, Live, Unscriptable};
use bootwright_proto::script::name::{Act, Asking, Who};
use bootwright_proto::script::told::{Menu, Told};

fn base() -> BaseUrl {
    "http://10.77.0.1:8080".parse().expect("a URL")
}

fn asked() -> Asked {
    Asked::read(&Query::new(
        b"mac=52-54-00-12-34-56&uuid=00112233-4455-6677-8899-aabbccddeeff&serial_hex=412642",
    ))
}

fn host() -> HostId {
    "oak-42".parse().expect("a name")
}

fn profile() -> ProfileName {
    "debian".parse().expect("a name")
}

fn asking(front: FrontEnd, act: Act) -> Asking {
    let mac = "52:54:00:12:34:56".parse().expect("an address");
    let who = Who::Card { mac, uuid: None };
    Asking { front, who, act }
}

fn image() -> Image {
    let initrd = |url: &str, target: Option<&str>| Initrd {
        name: None,
        url: url.to_owned(),
        target: target.map(str::to_owned),
    };
    Image {
        kernel: "http://10.77.0.1:8080/images/debian/linux".to_owned(),
        initrds: vec![
            initrd("http://10.77.0.1:8080/images/debian/initrd.gz", None),
            initrd(
                "http://10.77.0.1:8080/r/abababababababababababababababab/preseed.cfg",
                Some("/preseed.cfg"),
            ),
        ],
        args: vec!["initrd=main auto=true priority=critical console=ttyS0".to_owned()],
    }
}

fn install(front: FrontEnd, image: &Image) -> Result<Told, Unscriptable> {
    Told::install(
        front,
        &Install {
            base: &base(),
            asked: &asked(),
            host: &host(),
            profile: &profile(),
            image,
            run: RunNumber::new(3),
            token: Token::new([0xab; 16]),
            attempt: 1,
            max_attempts: 2,
        },
    )
}

fn live(front: FrontEnd, image: &Image) -> Result<Told, Unscriptable> {
    Told::live(
        front,
        &Live {
            base: &base(),
            asked: &asked(),
            host: &host(),
            profile: &profile(),
            image,
        },
    )
}

fn held(front: FrontEnd, asked: &Asked, why: &HoldWhy) -> Told {
    Told::hold(
        front,
        &Hold {
            base: &base(),
            asked,
            host: Some(&host()),
            code: "K7M2Q",
            why,
            local: Some(LocalMethod::BiosDisk),
            menu: false,
            shell: false,
        },
    )
}

/// Every kind of answer, with the name of its golden file and the point at which the machine asks.
fn answers(front: FrontEnd) -> Vec<(&'static str, Act, Told)> {
    let memtest = Image {
        kernel: "http://10.77.0.1:8080/images/memtest/memtest.efi".to_owned(),
        initrds: Vec::new(),
        args: Vec::new(),
    };
    let wait = held(front, &asked(), &HoldWhy::Undecided);
    let Told::Wait(waiting) = &wait else {
        panic!("a hold waits")
    };
    let shown = Act::Again {
        round: 7,
        screen: waiting.print(),
        chosen: None,
    };
    let changed = Act::Again {
        round: 7,
        screen: 1,
        chosen: None,
    };
    let menu = Told::Menu(Menu {
        title: "Rack 1".to_owned(),
        entries: vec![
            ("Own disk".to_owned(), Act::Chose(0)),
            ("Don't panic: memory test".to_owned(), Act::Chose(1)),
        ],
        default: Some(0),
        timeout_secs: Some(30),
    });
    let local = |method| Told::local(&host(), &LocalWhy::Installed, method);
    vec![
        ("install", Act::First, install(front, &image()).expect("it can be said")),
        (
            "install-polled",
            changed,
            install(front, &image()).expect("it can be said"),
        ),
        ("live", Act::First, live(front, &memtest).expect("it can be said")),
        ("local-bios-disk", Act::First, local(LocalMethod::BiosDisk)),
        ("local-uefi-disk", Act::First, local(LocalMethod::UefiDisk)),
        ("local-exit", Act::First, local(LocalMethod::Exit)),
        ("hold", Act::First, wait.clone()),
        ("hold-again", shown, wait.clone()),
        ("hold-changed", changed, wait),
        (
            "confirm",
            Act::First,
            Told::confirm(&asking(front, Act::First), &host(), &profile()),
        ),
        (
            "consider",
            Act::Consider,
            Told::confirm(&asking(front, Act::Consider), &host(), &profile()),
        ),
        ("menu", Act::First, menu.clone()),
        ("menu-polled", changed, menu),
        (
            "notice",
            Act::First,
            Told::notice("profile debian cannot be rendered: `metadata.x` is not set"),
        ),
    ]
}

/// Facts that somebody made up to break out of a script.
const HOSTILE: &[&str] = &[
    "\nDEFAULT wipe\nLABEL wipe\n  LINUX evil",
    "'; linux (http,10.0.0.9)/evil; boot; echo '",
    "$(reboot) `x` ${root} $prefix",
    "}\nmenuentry x {",
    "\u{1b}[2J\u{7f}\r\u{2028}",
    "A&B#C;D|E<F>G\"H\\",
];
