//! A stream of events (the `text/event-stream` of the HTML standard), read line by line.

use bootwright_proto::http::api::EventView;
use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;

/// No event is longer; a stream that sends more without an end of line is given up.
const LINE_BYTES_MAX: usize = 1 << 20;

/// Reads events from a response.
pub(super) struct Reader {
    body: Incoming,
    lines: Lines,
}

impl Reader {
    pub(super) fn new(body: Incoming) -> Self {
        Self {
            body,
            lines: Lines::default(),
        }
    }

    /// The next event; nothing when the stream ends.
    pub(super) async fn next(&mut self) -> Option<EventView> {
        loop {
            while let Some(line) = self.lines.take() {
                if let Some(event) = event(&line) {
                    return Some(event);
                }
            }
            if self.lines.pending.len() > LINE_BYTES_MAX {
                return None;
            }
            let frame = self.body.frame().await?.ok()?;
            if let Ok(data) = frame.into_data() {
                self.lines.add(&data);
            }
        }
    }
}

/// Bytes cut into lines.
#[derive(Default)]
struct Lines {
    pending: Vec<u8>,
}

impl Lines {
    fn add(&mut self, bytes: &Bytes) {
        self.pending.extend_from_slice(bytes);
    }

    /// The next whole line, without its end.
    fn take(&mut self) -> Option<String> {
        let end = self.pending.iter().position(|byte| *byte == b'\n')?;
        let line: Vec<u8> = self.pending.drain(..=end).collect();
        Some(String::from_utf8_lossy(&line).trim_end().to_owned())
    }
}

/// The daemon writes each event on one line of data; ids, comments and other fields repeat or mean nothing.
fn event(line: &str) -> Option<EventView> {
    serde_json::from_str(line.strip_prefix("data:")?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_out_whole_however_the_stream_is_cut() {
        let text = ": keep\n\nid: 7\ndata: {\"seq\":7,\"time\":\"2026-01-01T00:00:00Z\",\"at_ms\":1,\"verb\":\"new\",\
                    \"by\":\"machine\",\"note\":\"hello\"}\n\n";
        for size in [1, 3, 50, 4096] {
            let mut lines = Lines::default();
            let mut found = Vec::new();
            for piece in text.as_bytes().chunks(size) {
                lines.add(&Bytes::copy_from_slice(piece));
                while let Some(line) = lines.take() {
                    found.extend(event(&line));
                }
            }
            assert_eq!(found.len(), 1, "in pieces of {size}");
            assert_eq!((found[0].seq, found[0].note.as_str()), (7, "hello"));
        }
    }
}
