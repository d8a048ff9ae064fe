//! What single firmwares do not understand.

use bootwright_proto::dhcp::Answer;

use super::choice::{Kind, kind, sub_option};

/// What a firmware does not understand of what PXE asks of it. Found in the field, each with where it was told of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Quirk {
    /// It is as its source says.
    #[default]
    None,
    /// It takes "download now" only beside a menu prompt, and passes over all other offers (tianocore/edk2 issue 8149).
    WantsPrompt,
    /// It has forgotten the proxy's offer when it has its address, unless that sent it to port 4011: UEFI of 2014 in Dell's
    /// T130 and T430 (tianocore/edk2 issue 6944).
    ForgetsOffer,
    /// It knows boot servers from menus only: ROMs of the first years of PXE.
    WantsMenu,
    /// It never puts two offers together, and takes one that has everything (bootimus issue 77).
    NeverMerges,
}

impl Quirk {
    /// Whether it passes over an offer that other firmware keeps.
    pub(super) fn passes_over(self, offer: &Answer) -> bool {
        let proxy = offer.yiaddr.is_unspecified();
        let tells = |code| sub_option(offer, code).is_some();
        match self {
            Self::None | Self::ForgetsOffer => false,
            Self::WantsPrompt => downloads(offer) && !tells(10),
            Self::WantsMenu => kind(offer) != Kind::Plain && !tells(9),
            Self::NeverMerges => proxy,
        }
    }

    /// Whether it has forgotten this proxy's offer when it has its address.
    pub(super) fn forgets(self, offer: &Answer) -> bool {
        self == Self::ForgetsOffer && kind(offer) == Kind::Pxe
    }
}

fn downloads(offer: &Answer) -> bool {
    offer.discovery_control().is_some_and(|control| control & 8 != 0)
}
