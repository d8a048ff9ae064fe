//! A backup, as it is sent.

use std::io::{self, Write};
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use bootwright_proto::http::api::{Problem, ProblemCode};
use bootwright_store::SqliteReader;
use bytes::Bytes;
use futures_util::stream;
use tokio::runtime::Handle;
use tokio::sync::mpsc::{self, Sender};

use super::fault::Fault;
use super::query::Items;
use super::{ApiState, DATABASE};
use crate::backup::{Configuration, NotMade, Prepared, gather};

/// How much is sent at once, and how many such pieces may wait.
const PIECE_BYTES: usize = 1 << 16;
const PIECES_MAX: usize = 4;

/// How long whoever asked may take for a piece, before the backup is given up.
const STALL: Duration = Duration::from_secs(60);

/// The record and what belongs to it, as a tar; with `config=true` the configuration as well.
pub(super) async fn backup(State(state): State<ApiState>, items: Items) -> Result<Response, Fault> {
    let with_config = items.text("config").as_deref() == Some("true");
    let preparing = tokio::task::spawn_blocking(move || prepare(&state, with_config)).await;
    let prepared = preparing.map_err(|_| Fault::internal("making the backup has failed"))??;
    let (sender, pieces) = mpsc::channel(PIECES_MAX);
    let runtime = Handle::current();
    tokio::task::spawn_blocking(move || send(prepared, sender, runtime));
    let pieces = stream::unfold(pieces, |mut pieces| async { Some((pieces.recv().await?, pieces)) });
    let mut response = Body::from_stream(pieces).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-tar"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

fn prepare(state: &ApiState, with_config: bool) -> Result<Prepared, Fault> {
    let policy = state.core.policy();
    let configuration = with_config.then(|| Configuration {
        main: state.reloader.main(),
        policy: &policy,
    });
    let compat = &state.plane.daemon.compat;
    let gathered = gather(&state.data_dir, compat, configuration).map_err(|error| fault(&NotMade::Failed(error)))?;
    // A reader of its own: whoever reads events meanwhile does not wait.
    let mut reader =
        SqliteReader::open(&state.data_dir.join(DATABASE)).map_err(|error| fault(&NotMade::Failed(error.into())))?;
    Prepared::new(&state.data_dir, &mut reader, gathered).map_err(|error| fault(&error))
}

fn fault(error: &NotMade) -> Fault {
    let problem = match error {
        NotMade::Busy => Problem::new(ProblemCode::Busy).hint("wait for its end, then try again"),
        NotMade::Failed(_) => Problem::new(ProblemCode::StoreUnavailable)
            .hint("a backup takes as much room in the data directory as the record, while it is made"),
    };
    problem.detail(format!("there is no backup: {error}")).into()
}

/// Writes all of it to whoever asked. What fails now breaks the answer off, so that nobody takes a part for the whole.
fn send(prepared: Prepared, sender: Sender<io::Result<Bytes>>, runtime: Handle) {
    let mut pieces = Pieces { sender, runtime };
    let written = prepared.write(&mut io::BufWriter::with_capacity(PIECE_BYTES, &mut pieces));
    if let Err(error) = written {
        tracing::warn!("a backup was not sent: {error:#}");
        // Whoever asked may be gone.
        let _ = pieces.send(Err(io::Error::other(error.to_string())));
    }
}

/// Where a thread that may wait hands its bytes to the connection.
struct Pieces {
    sender: Sender<io::Result<Bytes>>,
    runtime: Handle,
}

impl Pieces {
    fn send(&self, piece: io::Result<Bytes>) -> io::Result<()> {
        let sending = tokio::time::timeout(STALL, self.sender.send(piece));
        match self.runtime.block_on(sending) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(io::Error::new(io::ErrorKind::BrokenPipe, "whoever asked is gone")),
            Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "whoever asked reads nothing")),
        }
    }
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let piece = bytes.get(..bytes.len().min(PIECE_BYTES)).unwrap_or_default();
        self.send(Ok(Bytes::copy_from_slice(piece)))?;
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
