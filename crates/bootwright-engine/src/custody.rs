//! Who may have the documents of a run, and until when.
//!
//! They hold what a machine is to become, secrets among them, and travel by plain HTTP. So a token alone opens none: the asker must
//! be the machine that the run is of, by what the kernel knows of the wire, and ask while an installer would. Whatever else
//! uses a token is refused like a made-up one, and told to the operator.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;

use bootwright_core::{Binding, MacAddr, RunNumber, Span, Timestamp, Token};

/// How often a document with a secret is handed out: installers fetch again what did not arrive whole.
const SECRET_FETCHES_MAX: u32 = 3;

/// For how long after it was first handed out.
const SECRET_SPAN: Span = Span::from_secs(60);

/// A request for a document of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DocumentAsk<'a> {
    /// The token that it names.
    pub token: Token,
    /// The document that it names.
    pub name: &'a str,
    /// Who asks.
    pub requester: Requester,
    /// Whether the document holds a secret.
    pub is_secret: bool,
}

/// Who asks for a document, by the wire and not by what he says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Requester {
    /// The address that the request came from.
    pub address: IpAddr,
    /// The station that the kernel knows at that address; nothing where it knows none, as of networks behind a router.
    pub station: Option<MacAddr>,
}

/// What is remembered of the documents of an attempt since its script was handed out. It is gone with the process; then the
/// machine's card still has to be right, or the address that the record has of its script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Custody {
    pub(crate) run: RunNumber,
    pub(crate) attempt: u32,
    /// When the script was first handed out.
    pub(crate) handed: Timestamp,
    /// The address that asked for it.
    pub(crate) to: Option<IpAddr>,
    /// The documents with secrets that were handed out.
    secrets: BTreeMap<String, Handed>,
}

/// How a document with a secret was handed out so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Handed {
    first: Timestamp,
    times: u32,
    to: IpAddr,
}

/// What is known of the run that a request names.
pub(crate) struct Held<'a> {
    /// The cards of the machine that may install.
    pub(crate) cards: BTreeSet<MacAddr>,
    /// Whether networks are served that lie behind relays or routers.
    pub(crate) routed: bool,
    /// Whether an installer was heard of.
    pub(crate) heard: bool,
    /// Nothing if the script was handed out by an earlier process.
    pub(crate) custody: Option<&'a Custody>,
    /// The address that the record has the script handed to.
    pub(crate) to: Option<IpAddr>,
    pub(crate) binding: Binding,
    pub(crate) window: Span,
    /// When the run began.
    pub(crate) started: Timestamp,
}

/// Why a document is not handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The run is over.
    Over,
    /// It comes from another machine's card.
    Foreign(MacAddr),
    /// It comes from another address than the script was handed to.
    Elsewhere,
    /// Nobody can tell which machine it comes from.
    Unknown,
    /// The installer should have come earlier.
    Late(Span),
    /// A document with a secret was handed out already.
    Spent,
}

impl Custody {
    pub(crate) const fn new(run: RunNumber, attempt: u32, now: Timestamp, to: Option<IpAddr>) -> Self {
        Self {
            run,
            attempt,
            handed: now,
            to,
            secrets: BTreeMap::new(),
        }
    }

    /// Remembers that a document with a secret was handed out.
    pub(crate) fn hand(&mut self, now: Timestamp, ask: &DocumentAsk<'_>) {
        let handed = self.secrets.entry(ask.name.to_owned()).or_insert(Handed {
            first: now,
            times: 0,
            to: ask.requester.address,
        });
        handed.times = handed.times.saturating_add(1);
    }
}

impl Held<'_> {
    /// Whether a document may be handed out.
    pub(crate) fn admit(&self, now: Timestamp, ask: &DocumentAsk<'_>) -> Result<(), Refusal> {
        self.admit_requester(ask.requester)?;
        let handed = self.custody.map_or(self.started, |custody| custody.handed);
        let late = now > handed.after(self.window);
        if !ask.is_secret {
            // After a restart nobody knows whether its installer had come before.
            let came = self.heard || self.custody.is_none();
            return if late && !came {
                Err(Refusal::Late(self.window))
            } else {
                Ok(())
            };
        }
        match self.custody.and_then(|custody| custody.secrets.get(ask.name)) {
            None if late => Err(Refusal::Late(self.window)),
            None => Ok(()),
            Some(handed) if handed.to != ask.requester.address => Err(Refusal::Elsewhere),
            Some(handed) if handed.times >= SECRET_FETCHES_MAX || now > handed.first.after(SECRET_SPAN) => {
                Err(Refusal::Spent)
            }
            Some(_) => Ok(()),
        }
    }

    /// Whether it is the machine. Its installer may have another address than its boot loader, so where the card is known it
    /// counts and the address does not.
    pub(crate) fn admit_requester(&self, requester: Requester) -> Result<(), Refusal> {
        let to = self.custody.map_or(self.to, |custody| custody.to);
        let same_address = to.is_none_or(|to| to == requester.address);
        match (self.binding, requester.station) {
            (Binding::Station, Some(station)) if self.cards.is_empty() || self.cards.contains(&station) => Ok(()),
            (Binding::Station, Some(station)) => Err(Refusal::Foreign(station)),
            (Binding::Station, None) if !self.routed => Err(Refusal::Unknown),
            (Binding::Station, None) | (Binding::Address, _) if same_address => Ok(()),
            (Binding::Station, None) | (Binding::Address, _) => Err(Refusal::Elsewhere),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Over => f.write_str("the run is over"),
            Self::Foreign(station) => write!(f, "{station} is not a card of this machine"),
            Self::Elsewhere => f.write_str("it was handed to another address"),
            Self::Unknown => f.write_str(
                "the kernel knows no card at that address; `safety.document_binding = \"address\"` is for networks like that",
            ),
            Self::Late(window) => write!(f, "its installer did not come within {window}"),
            Self::Spent => f.write_str("it holds a secret and was handed out already"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CARD: MacAddr = MacAddr::new([0x52, 0x54, 0, 0, 0, 1]);
    const OTHER: MacAddr = MacAddr::new([0x52, 0x54, 0, 0, 0, 2]);

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    fn address(last: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, last])
    }

    fn ask(name: &str, last: u8, station: Option<MacAddr>) -> DocumentAsk<'_> {
        DocumentAsk {
            token: Token::new([7; 16]),
            name,
            requester: Requester {
                address: address(last),
                station,
            },
            is_secret: name.contains("secret"),
        }
    }

    fn held(custody: &Custody) -> Held<'_> {
        Held {
            cards: BTreeSet::from([CARD]),
            routed: false,
            heard: false,
            custody: Some(custody),
            to: None,
            binding: Binding::Station,
            window: Span::from_mins(15),
            started: at(0),
        }
    }

    #[test]
    fn the_card_decides_where_it_is_known_and_else_the_address() {
        let custody = Custody::new(RunNumber::new(1), 1, at(0), Some(address(1)));
        let admit = |held: &Held<'_>, last, station| held.admit(at(1), &ask("a", last, station));
        let near = held(&custody);
        assert_eq!(admit(&near, 1, Some(CARD)), Ok(()));
        assert_eq!(admit(&near, 9, Some(CARD)), Ok(()), "its system has another lease");
        assert_eq!(admit(&near, 1, Some(OTHER)), Err(Refusal::Foreign(OTHER)));
        assert_eq!(admit(&near, 1, None), Err(Refusal::Unknown));
        let far = Held {
            routed: true,
            ..held(&custody)
        };
        assert_eq!(admit(&far, 1, None), Ok(()));
        assert_eq!(admit(&far, 2, None), Err(Refusal::Elsewhere));
        assert_eq!(
            admit(&far, 1, Some(OTHER)),
            Err(Refusal::Foreign(OTHER)),
            "it is near all the same"
        );
        let loose = Held {
            binding: Binding::Address,
            ..held(&custody)
        };
        assert_eq!(admit(&loose, 1, Some(OTHER)), Ok(()));
        assert_eq!(admit(&loose, 2, Some(CARD)), Err(Refusal::Elsewhere));
    }

    #[test]
    fn after_a_restart_the_record_tells_the_address() {
        let custody = Custody::new(RunNumber::new(1), 1, at(0), Some(address(1)));
        for binding in [Binding::Station, Binding::Address] {
            let restarted = Held {
                custody: None,
                to: Some(address(1)),
                routed: true,
                binding,
                ..held(&custody)
            };
            assert_eq!(restarted.admit(at(1), &ask("a", 1, None)), Ok(()));
            assert_eq!(restarted.admit(at(1), &ask("a", 2, None)), Err(Refusal::Elsewhere));
            assert_eq!(restarted.admit(at(1), &ask("secret", 2, None)), Err(Refusal::Elsewhere));
        }
    }

    #[test]
    fn an_installer_has_to_come_in_time_and_one_that_came_has_all_the_time_of_its_run() {
        let custody = Custody::new(RunNumber::new(1), 1, at(100), Some(address(1)));
        let plain = ask("a", 1, Some(CARD));
        let minutes = |minutes: u64| at(100 + minutes * 60);
        assert_eq!(held(&custody).admit(minutes(15), &plain), Ok(()));
        let late = Err(Refusal::Late(Span::from_mins(15)));
        assert_eq!(held(&custody).admit(minutes(16), &plain), late);
        let heard = Held {
            heard: true,
            ..held(&custody)
        };
        assert_eq!(heard.admit(minutes(16), &plain), Ok(()));
        assert_eq!(heard.admit(minutes(16), &ask("secret", 1, Some(CARD))), late);
        let restarted = Held {
            custody: None,
            ..held(&custody)
        };
        assert_eq!(restarted.admit(minutes(16), &plain), Ok(()));
        assert_eq!(restarted.admit(minutes(16), &ask("secret", 1, Some(CARD))), late);
    }

    #[test]
    fn a_secret_is_handed_out_three_times_within_a_minute_to_one_address() {
        let mut custody = Custody::new(RunNumber::new(1), 1, at(0), Some(address(1)));
        let secret = ask("secret", 1, Some(CARD));
        assert_eq!(held(&custody).admit(at(10), &secret), Ok(()));
        custody.hand(at(10), &secret);
        let elsewhere = ask("secret", 9, Some(CARD));
        assert_eq!(held(&custody).admit(at(11), &elsewhere), Err(Refusal::Elsewhere));
        assert_eq!(held(&custody).admit(at(70), &secret), Ok(()));
        assert_eq!(held(&custody).admit(at(71), &secret), Err(Refusal::Spent));
        custody.hand(at(11), &secret);
        custody.hand(at(12), &secret);
        assert_eq!(held(&custody).admit(at(13), &secret), Err(Refusal::Spent));
        assert_eq!(held(&custody).admit(at(13), &ask("secret-2", 1, Some(CARD))), Ok(()));
    }
}
