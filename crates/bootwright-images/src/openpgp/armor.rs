//! ASCII armour (RFC 9580, 6.2): text around the packets.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The packets of a file: of all armoured blocks in it, or the file itself where there are none. The checksum at a block's
/// end guards against typing errors and nothing else, so that it is passed over (RFC 9580, 6.1).
pub(super) fn strip(bytes: &[u8]) -> Cow<'_, [u8]> {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Cow::Borrowed(bytes);
    };
    if !text.contains("-----BEGIN PGP ") {
        return Cow::Borrowed(bytes);
    }
    let mut packets = Vec::new();
    let mut lines = text.lines().map(str::trim);
    while let Some(line) = lines.next() {
        if !line.starts_with("-----BEGIN PGP ") {
            continue;
        }
        // Headers end with an empty line.
        let mut inner = lines.by_ref().skip_while(|line| !line.is_empty());
        inner.next();
        let body: String = inner
            .take_while(|line| !line.starts_with("-----END"))
            .filter(|line| !line.starts_with('='))
            .collect();
        packets.extend(STANDARD.decode(body).unwrap_or_default());
    }
    Cow::Owned(packets)
}
