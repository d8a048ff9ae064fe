//! A part of a file as the body of a response.

use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::FRAME;
use super::map::FileMap;

/// How much is read at once where a file is not mapped. Measured: more costs memory and gains little.
const READ_CHUNK: u64 = 256 << 10;

/// A part of a file as the body of a response. Made by [`FileMap::body`].
#[derive(Debug)]
pub struct FileBody {
    map: FileMap,
    rest: Range<u64>,
}

impl FileBody {
    pub(super) fn new(map: FileMap, rest: Range<u64>) -> Self {
        Self { map, rest }
    }

    /// How many bytes have not been taken yet.
    #[must_use]
    pub fn remaining(&self) -> u64 {
        self.rest.end - self.rest.start
    }

    /// The next piece, in frames of up to 8 MiB.
    fn next(&mut self) -> io::Result<Bytes> {
        let start = self.rest.start;
        let end = self.rest.end.min(start + FRAME);
        if let Some(bytes) = self.map.slice(start..end) {
            self.rest.start = end;
            return Ok(bytes);
        }
        let end = end.min(start + READ_CHUNK);
        let mut bytes = vec![0; (end - start) as usize];
        self.map.file().read_exact_at(&mut bytes, start)?;
        self.rest.start = end;
        Ok(bytes.into())
    }
}

impl Body for FileBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let body = self.get_mut();
        if body.rest.is_empty() {
            return Poll::Ready(None);
        }
        Poll::Ready(Some(body.next().map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.remaining())
    }
}
