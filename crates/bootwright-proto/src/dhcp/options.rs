//! Options as they lie in a packet: found, bounded, and joined where they were split.
//!
//! dhcproto's borrowed view is not used for this walk: where the packet ends inside a repeated option it drops the whole
//! option without a word, it does not join pieces that other options separate, and it does not follow option 52.

use std::borrow::Cow;

use dhcproto::v4::OptionCode;

use super::discard::Discard;

/// A run of options that ends before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cut {
    code: u8,
    declared: Option<u8>,
    left: usize,
}

/// The options of one area, one by one, each as number and value.
pub(super) struct Pieces<'a> {
    rest: &'a [u8],
    padded: bool,
}

impl<'a> Pieces<'a> {
    /// An area in which 0 is padding and 255 the end: a packet's own options, option 43, option 175.
    pub(super) fn padded(area: &'a [u8]) -> Self {
        Self {
            rest: area,
            padded: true,
        }
    }

    /// An area in which every number is an option: the sub-options of option 82 (RFC 3046 section 2.0).
    pub(super) fn plain(area: &'a [u8]) -> Self {
        Self {
            rest: area,
            padded: false,
        }
    }
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Result<(u8, &'a [u8]), Cut>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.padded {
            while let [0, tail @ ..] = self.rest {
                self.rest = tail;
            }
            if let [255, ..] = self.rest {
                self.rest = &[];
            }
        }
        let (code, declared, tail) = match self.rest {
            [] => return None,
            [code] => (*code, None, self.rest.get(1..)?),
            [code, len, tail @ ..] => (*code, Some(*len), tail),
        };
        if let Some((data, tail)) = declared.and_then(|len| tail.split_at_checked(usize::from(len))) {
            self.rest = tail;
            return Some(Ok((code, data)));
        }
        self.rest = &[];
        Some(Err(Cut {
            code,
            declared,
            left: tail.len(),
        }))
    }
}

/// What option 52 says (RFC 2132 section 9.3).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Overload {
    pub(super) file: bool,
    pub(super) server_name: bool,
}

/// All options of a packet, each number once, in the order of their first appearance.
#[derive(Debug)]
pub(super) struct Options<'a> {
    found: Vec<Cow<'a, [u8]>>,
    /// For each number its place in `found`, counted from 1; 0 for an option that is not there. There are no more than
    /// 255 numbers, and most are asked for in every packet.
    places: [u8; 256],
    /// Which fields hold options instead of their text.
    pub(super) overload: Overload,
}

impl<'a> Options<'a> {
    /// Reads the options of a packet: from its end part, then from the two fields in the fixed part that option 52 may
    /// hand over to them (RFC 2131 section 4.1), and joins what was split (RFC 3396 section 7).
    ///
    /// # Errors
    /// An option that decides about our answer and that the packet cuts off. One that does not only ends the area.
    pub(super) fn collect(packet: &'a [u8]) -> Result<Self, Discard> {
        let mut options = Self {
            found: Vec::with_capacity(16),
            places: [0; 256],
            overload: Overload::default(),
        };
        options.read(packet.get(240..).unwrap_or_default())?;
        if let Some([overload]) = options.get(OptionCode::OptionOverload) {
            options.overload = Overload {
                file: matches!(overload, 1 | 3),
                server_name: matches!(overload, 2 | 3),
            };
        }
        let Overload { file, server_name } = options.overload;
        if file {
            options.read(packet.get(108..236).unwrap_or_default())?;
        }
        if server_name {
            options.read(packet.get(44..108).unwrap_or_default())?;
        }
        Ok(options)
    }

    /// The value of an option, if it is there.
    pub(super) fn get(&self, code: OptionCode) -> Option<&[u8]> {
        let place = self.places.get(usize::from(u8::from(code)))?;
        self.found
            .get(usize::from(*place).checked_sub(1)?)
            .map(|data| data.as_ref())
    }

    fn read(&mut self, area: &'a [u8]) -> Result<(), Discard> {
        for piece in Pieces::padded(area) {
            match piece {
                Ok((code, data)) => self.add(code, data),
                Err(Cut { code, declared, left }) => {
                    if decides(OptionCode::from(code)) {
                        return Err(Discard::TruncatedOption { code, declared, left });
                    }
                }
            }
        }
        Ok(())
    }

    fn add(&mut self, code: u8, data: &'a [u8]) {
        let next = u8::try_from(self.found.len().saturating_add(1));
        let (Some(place), Ok(next)) = (self.places.get_mut(usize::from(code)), next) else {
            return;
        };
        let begun = usize::from(*place)
            .checked_sub(1)
            .and_then(|place| self.found.get_mut(place));
        match begun {
            Some(begun) => begun.to_mut().extend_from_slice(data),
            None => {
                *place = next;
                self.found.push(Cow::Borrowed(data));
            }
        }
    }
}

/// Whether our answer depends on the option, so that a piece of it is worse than nothing.
fn decides(code: OptionCode) -> bool {
    matches!(
        code,
        OptionCode::VendorExtensions
            | OptionCode::OptionOverload
            | OptionCode::MessageType
            | OptionCode::ServerIdentifier
            | OptionCode::ClassIdentifier
            | OptionCode::UserClass
            | OptionCode::RelayAgentInformation
            | OptionCode::ClientSystemArchitecture
            | OptionCode::ClientMachineIdentifier
            | OptionCode::SubnetSelection
            | IPXE_ENCAPSULATED
    )
}

/// iPXE's own option, which no list names.
pub(super) const IPXE_ENCAPSULATED: OptionCode = OptionCode::Unknown(175);
