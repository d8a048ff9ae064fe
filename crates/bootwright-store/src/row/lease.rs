//! A lease as it stands in its table.

use std::borrow::Cow;
use std::net::Ipv4Addr;

use bootwright_core::Timestamp;
use bootwright_core::lease::{Lease, LeaseState};

use super::RowError;
use crate::sum::Sum;

/// The columns, in the order of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LeaseRow {
    pub(crate) address: u32,
    pub(crate) holder: String,
    pub(crate) state: Cow<'static, str>,
    pub(crate) since: u64,
    pub(crate) until: u64,
    pub(crate) client_id: Option<String>,
    pub(crate) host_name: Option<String>,
    pub(crate) sum: i64,
}

impl LeaseRow {
    pub(crate) fn new(lease: &Lease) -> Self {
        let mut row = Self {
            address: lease.address.to_bits(),
            holder: lease.holder.to_string(),
            state: Cow::Borrowed(lease.state.name()),
            since: lease.since.as_millis(),
            until: lease.until.as_millis(),
            client_id: lease.client_id.as_deref().map(hex),
            host_name: lease.host_name.clone(),
            sum: 0,
        };
        row.sum = row.computed_sum();
        row
    }

    fn computed_sum(&self) -> i64 {
        Sum::of("lease")
            .number(u64::from(self.address))
            .text(&self.holder)
            .text(&self.state)
            .number(self.since)
            .number(self.until)
            .maybe(self.client_id.as_deref())
            .maybe(self.host_name.as_deref())
            .finish()
    }

    /// The lease that the row says, if it is as it was written.
    pub(crate) fn into_lease(self) -> Result<Lease, RowError> {
        let address = Ipv4Addr::from_bits(self.address);
        let wrong = |what: &str| RowError::new(format!("lease `{address}`: {what}"));
        if self.computed_sum() != self.sum {
            return Err(RowError::new(format!("lease `{address}` has a wrong checksum")));
        }
        let client_id = self.client_id.as_deref().map(unhex);
        Ok(Lease {
            address,
            holder: self
                .holder
                .parse()
                .map_err(|_| wrong("its holder is no hardware address"))?,
            state: LeaseState::from_name(&self.state).ok_or_else(|| wrong("its state is unknown"))?,
            since: Timestamp::from_millis(self.since),
            until: Timestamp::from_millis(self.until),
            client_id: match client_id {
                Some(None) => return Err(wrong("its client id is not hexadecimal")),
                Some(bytes) => bytes,
                None => None,
            },
            host_name: self.host_name,
        })
    }
}

fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let bytes = pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?));
    rest.is_empty().then(|| bytes.collect()).flatten()
}
