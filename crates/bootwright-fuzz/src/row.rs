//! Texts of the record, as somebody else's program may have left them. The first byte says in which column.

use bootwright_store::{Column, reread};

const COLUMNS: [Column; 5] = [
    Column::Change,
    Column::Host,
    Column::Rule,
    Column::Site,
    Column::Revision,
];

/// Reads a text; what can be read is written, and read again is the same.
pub fn digest(bytes: &[u8]) {
    let [column, text @ ..] = bytes else { return };
    let Ok(text) = str::from_utf8(text) else { return };
    let column = COLUMNS[usize::from(*column) % COLUMNS.len()];
    match reread(column, text) {
        Ok(written) => assert_eq!(reread(column, &written).as_ref(), Ok(&written), "{text}"),
        Err(why) => assert!(!why.to_string().is_empty()),
    }
}

/// The rows of the frozen formats.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let files = [
        include_str!("../../bootwright-store/test_data/v1/changes.jsonl"),
        include_str!("../../bootwright-store/test_data/v1/hosts.jsonl"),
        "{\"fingerprint\":\"0123456789abcdef\",\"since\":1,\"granted\":2}",
        include_str!("../../bootwright-store/test_data/v1/site.jsonl"),
        include_str!("../../bootwright-store/test_data/v4/profiles.jsonl"),
    ];
    let rows = (0_u8..)
        .zip(files)
        .flat_map(|(column, text)| text.lines().map(move |line| (column, line)));
    rows.map(|(column, line)| [&[column], line.as_bytes()].concat())
        .collect()
}
