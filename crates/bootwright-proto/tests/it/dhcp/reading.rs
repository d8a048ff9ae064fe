//! Replies read by other means than ours.

use dhcproto::decoder::{Decodable, Decoder};
use dhcproto::v4::Message;

/// What dhcproto, which did not write the whole, reads in it.
pub(crate) fn decode(bytes: &[u8]) -> Message {
    Message::decode(&mut Decoder::new(bytes)).expect("dhcproto reads what we wrote")
}

/// The options as they lie in the bytes; nothing but zeros may follow them.
fn options(bytes: &[u8]) -> Vec<(u8, &[u8])> {
    let mut options = Vec::new();
    let mut at = 240;
    while bytes[at] != 255 {
        let value = &bytes[at + 2..at + 2 + usize::from(bytes[at + 1])];
        options.push((bytes[at], value));
        at += 2 + value.len();
    }
    assert!(
        bytes[at + 1..].iter().all(|byte| *byte == 0),
        "only zeros follow the end"
    );
    options
}

/// The numbers of the options in the order in which they stand.
pub(crate) fn order(bytes: &[u8]) -> Vec<u8> {
    options(bytes).into_iter().map(|(code, _)| code).collect()
}

/// The value of an option.
pub(crate) fn value(bytes: &[u8], wanted: u8) -> Option<&[u8]> {
    options(bytes)
        .into_iter()
        .find(|(code, _)| *code == wanted)
        .map(|(_, value)| value)
}

/// The pieces of an option, in their order.
pub(crate) fn options_of(bytes: &[u8], wanted: u8) -> Vec<&[u8]> {
    let pieces = options(bytes).into_iter().filter(|(code, _)| *code == wanted);
    pieces.map(|(_, value)| value).collect()
}
