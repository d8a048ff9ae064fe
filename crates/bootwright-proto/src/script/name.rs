//! The names under which boot loaders ask for their configuration.
//!
//! PXELINUX and U-Boot ask for `pxelinux.cfg/` and the machine's UUID, its card, its address in hexadecimal digits with
//! one digit less each time, and `default`. GRUB asks for `grub.cfg-` and the same, or for `grub.cfg` at once. Where they
//! believe these files to be depends on where they came from, so that only the end of a path counts. Links in what we
//! render lead below `bootwright/`.

use std::net::Ipv4Addr;

pub(crate) use pi::OURS as PI_DIRECTORY;
pub use pi::{PiAsking, PiFile, PiSerial};

mod pi;

use bootwright_core::{FrontEnd, MacAddr, Token, Uuid};

/// The longest menu whose entries can be asked for.
pub const ENTRIES_MAX: u16 = 64;

/// What a boot loader asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Its configuration.
    Script(Asking),
    /// `grub.cfg`: a script that finds out who the machine is and asks for more.
    GrubFirst,
    /// A script that only a GRUB which speaks HTTP can fetch.
    GrubHttp,
    /// A script by which GRUB starts the machine's own disk, where a person at the console wants that.
    GrubDisk,
    /// What goes with the kernel of a run, where a boot loader cannot fetch it from where it is or put it where it belongs.
    Part {
        /// The run.
        token: Token,
        /// Which of the profile's initial ramdisks; the first is 0.
        place: u16,
    },
    /// All of a run's initial ramdisks in one file, for a boot loader that loads one.
    Parts {
        /// The run.
        token: Token,
    },
}

/// Who asks for a configuration, in which language, and at which point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asking {
    /// The language.
    pub front: FrontEnd,
    /// Who it is, as far as the name says.
    pub who: Who,
    /// At which point.
    pub act: Act,
}

/// What a file's name says of the machine that asks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// The card that it boots from, and its UUID if a script of ours had it say so.
    Card {
        /// The card.
        mac: MacAddr,
        /// The UUID, as its firmware's tables have it.
        uuid: Option<Uuid>,
    },
    /// Its UUID, in whatever byte order.
    Uuid(Uuid),
    /// Its serial number, as far as a Raspberry Pi's firmware tells it.
    Serial(PiSerial),
    /// Its address. The packet has one as well, which is not as easily made up.
    Address(Ipv4Addr),
    /// Nothing.
    Anyone,
}

/// The point at which a boot loader asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// It has just started.
    First,
    /// It was told to wait, or could not load what it was told to.
    Again {
        /// How often it has asked since it started.
        round: u16,
        /// What its console shows, as a number; 0 for nothing of ours.
        screen: u32,
        /// What a person chose from the menu before.
        chosen: Option<u16>,
    },
    /// A person at its console wants to be asked whether an install may begin.
    Consider,
    /// A person at its console agreed to an install.
    Agreed,
    /// A person chose this entry of the menu; the first is 0.
    Chose(u16),
}

/// Reads a path: what a boot loader wants, if the path is one of these.
#[must_use]
pub fn read(path: &str) -> Option<Wanted> {
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    if let Some(at) = segments.iter().position(|segment| *segment == "bootwright") {
        return ours(segments.get(at.checked_add(1)?..)?);
    }
    let (last, before) = segments.split_last()?;
    if before.last() == Some(&"pxelinux.cfg") {
        let who = pxelinux(last)?;
        return Some(script(FrontEnd::Pxelinux, who));
    }
    if *last == "grub.cfg" {
        return Some(Wanted::GrubFirst);
    }
    let name = last.strip_prefix("grub.cfg-")?;
    let who = card(name).or_else(|| uuid(name)).or_else(|| address(name))?;
    Some(script(FrontEnd::Grub, who))
}

const fn script(front: FrontEnd, who: Who) -> Wanted {
    let act = Act::First;
    Wanted::Script(Asking { front, who, act })
}

fn pxelinux(name: &str) -> Option<Who> {
    // U-Boot asks for `default-ARCH-SOC-BOARD` and its like before it asks for `default`.
    let default = name == "default" || name.starts_with("default-");
    let anyone = || default.then_some(Who::Anyone);
    card(name)
        .or_else(|| uuid(name))
        .or_else(|| address(name))
        .or_else(anyone)
}

/// `01-52-54-00-12-34-56`: the type of the hardware, which is Ethernet, and the address.
fn card(name: &str) -> Option<Who> {
    let digits = name.strip_prefix("01-")?;
    let mac = sound(digits.parse().ok()?)?;
    (digits.len() == 17).then_some(Who::Card { mac, uuid: None })
}

/// An address that a card may have.
fn sound(mac: MacAddr) -> Option<MacAddr> {
    (!mac.is_zero() && !mac.is_multicast()).then_some(mac)
}

fn uuid(name: &str) -> Option<Who> {
    (name.len() == 36).then_some(())?;
    name.parse().ok().map(Who::Uuid)
}

/// Eight hexadecimal digits. Fewer name a network and no machine: nothing is answered to those.
fn address(name: &str) -> Option<Who> {
    let digits = name.len() == 8 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    let number = digits.then(|| u32::from_str_radix(name, 16).ok())??;
    Some(Who::Address(Ipv4Addr::from(number)))
}

/// What stands behind `bootwright/`.
fn ours(segments: &[&str]) -> Option<Wanted> {
    match segments {
        ["part", token, "all"] => Some(Wanted::Parts {
            token: Token::parse(token)?,
        }),
        ["part", token, place] => Some(Wanted::Part {
            token: Token::parse(token)?,
            place: place.parse().ok()?,
        }),
        ["grub", "http"] => Some(Wanted::GrubHttp),
        ["grub", "disk"] => Some(Wanted::GrubDisk),
        // GRUB writes the card with colons, and the UUID only if it can read it.
        ["grub", "ask", mac, rest @ ..] if rest.len() <= 1 => {
            let mac = sound(mac.parse().ok()?)?;
            let uuid = rest.first().and_then(|text| text.parse().ok());
            Some(script(FrontEnd::Grub, Who::Card { mac, uuid }))
        }
        [front, act, who] => {
            let front =
                FrontEnd::from_name(front).filter(|front| matches!(front, FrontEnd::Pxelinux | FrontEnd::Grub))?;
            let who = if *who == "anyone" { Who::Anyone } else { card(who)? };
            let act = act_of(act)?;
            Some(Wanted::Script(Asking { front, who, act }))
        }
        _ => None,
    }
}

fn act_of(text: &str) -> Option<Act> {
    let parts: Vec<&str> = text.split('-').collect();
    match parts.as_slice() {
        ["first"] => Some(Act::First),
        ["consider"] => Some(Act::Consider),
        ["agreed"] => Some(Act::Agreed),
        ["chose", entry] => entry_of(entry).map(Act::Chose),
        ["again", round, screen, rest @ ..] if rest.len() <= 1 => Some(Act::Again {
            round: round.parse().ok()?,
            screen: u32::from_str_radix(screen, 16).ok()?,
            chosen: match rest.first() {
                Some(entry) => Some(entry_of(entry)?),
                None => None,
            },
        }),
        _ => None,
    }
}

fn entry_of(text: &str) -> Option<u16> {
    text.parse().ok().filter(|entry| *entry < ENTRIES_MAX)
}

impl Act {
    /// What a person chose from the menu, as far as the machine says.
    #[must_use]
    pub const fn chosen(self) -> Option<u16> {
        match self {
            Self::Chose(entry) => Some(entry),
            Self::Again { chosen, .. } => chosen,
            Self::First | Self::Consider | Self::Agreed => None,
        }
    }

    /// The same question once more.
    #[must_use]
    pub const fn again(self, screen: u32) -> Self {
        let round = match self {
            Self::Again { round, .. } => round,
            Self::First | Self::Consider | Self::Agreed | Self::Chose(_) => 0,
        };
        Self::Again {
            round: round.saturating_add(1),
            screen,
            chosen: self.chosen(),
        }
    }
}

impl Asking {
    /// The path at which the same machine asks at another point, without a slash in front.
    ///
    /// It holds letters, digits, hyphens and slashes alone, whatever the machine said of itself.
    #[must_use]
    pub fn link(&self, act: Act) -> String {
        let act = match act {
            Act::First => "first".to_owned(),
            Act::Consider => "consider".to_owned(),
            Act::Agreed => "agreed".to_owned(),
            Act::Chose(entry) => format!("chose-{entry}"),
            Act::Again {
                round,
                screen,
                chosen: None,
            } => format!("again-{round}-{screen:08x}"),
            Act::Again {
                round,
                screen,
                chosen: Some(entry),
            } => format!("again-{round}-{screen:08x}-{entry}"),
        };
        let who = match self.who {
            Who::Card { mac, .. } => format!("01-{}", mac.hyphens()),
            // Whoever is told by the address now is told by it the next time.
            Who::Uuid(_) | Who::Serial(_) | Who::Address(_) | Who::Anyone => "anyone".to_owned(),
        };
        format!("bootwright/{}/{act}/{who}", self.front.name())
    }
}

/// Whether a file is a module of PXELINUX, which fetches its modules again whenever it reads another configuration: that
/// is no sign of a machine that starts anew.
#[must_use]
pub fn is_module(name: &str) -> bool {
    [".c32", ".e32", ".e64"].iter().any(|ending| name.ends_with(ending))
}

/// The path of what goes with the kernel of a run, without a slash in front.
#[must_use]
pub fn part_link(token: Token, place: usize) -> String {
    format!("bootwright/part/{}/{place}", token.reveal())
}

/// The path of all initial ramdisks of a run in one, without a slash in front.
#[must_use]
pub fn parts_link(token: Token) -> String {
    format!("bootwright/part/{}/all", token.reveal())
}
