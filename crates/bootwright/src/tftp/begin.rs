//! What comes before the first packet: the file, the socket, the terms.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bootwright_net::gso::Conversation;
use bootwright_proto::tftp::option::Kind;
use bootwright_proto::tftp::{Caps, Mode, Terms, Transfer, Way};
use tokio::runtime::Handle;
use tokio::time::timeout;

use super::content::{Content, Reader};
use super::count::Why;
use super::files::{Files, Refusal};
use super::mailbox::Letter;
use super::report::Notice;
use super::sending::{Sending, send_error};
use super::server::{Admitted, Server};
use super::session::Seat;

/// How long a file may take to be opened. Clients ask again after a second or a few, and find the same transfer.
const OPEN_PATIENCE: Duration = Duration::from_secs(10);

/// Opens what one request asks for, and hands it to the thread that sends.
pub(super) async fn begin<F: Files>(server: Arc<Server<F>>, seat: Seat, request: Admitted) {
    let Some(content) = open(&server, &request).await else {
        return;
    };
    let books = &server.books;
    let mut conversation = match converse(&request) {
        Ok(conversation) => conversation,
        Err(error) => {
            books.counts.add(Why::NoSocket);
            tracing::warn!(peer = %request.peer, why = %error, "no socket for a tftp transfer");
            return;
        }
    };
    let content = match content {
        Ok(content) => content,
        Err(refusal) => {
            // The place is free before the client can ask for something else.
            drop(seat);
            refuse(&server, &request, &conversation, refusal);
            return;
        }
    };
    let size = content.size();
    let terms = negotiate(&server, &request, &conversation, size);
    if terms.windowsize > 1 {
        conversation.expect_runs(terms.blksize);
    }
    let (transfer, first) = Transfer::begin(terms, size, Duration::ZERO);
    let sending = Sending {
        books: Arc::clone(books),
        mailbox: Arc::clone(&server.mailbox),
        runtime: Handle::current(),
        request,
        seat,
        conversation,
        reader: Reader::new(content, terms.blksize),
        transfer,
        first: Some(first),
        unsent: None,
        begun: Instant::now(),
        told_bytes: 0,
    };
    server.mailbox.post(Letter::Begin(Box::new(sending)));
}

/// The content, or why there is none; nothing where there is no answer at all.
async fn open<F: Files>(server: &Server<F>, request: &Admitted) -> Option<Result<Content, Refusal>> {
    let opening = server.files.open(request.peer, request.local, &request.name);
    let Ok(opened) = timeout(OPEN_PATIENCE, opening).await else {
        server.books.counts.add(Why::OpenTooSlow);
        tracing::warn!(peer = %request.peer, file = %request.name, why = Why::OpenTooSlow.name(), "tftp request not served");
        return None;
    };
    Some(match (opened, request.mode) {
        (Ok(content), Mode::Netascii) => match content.into_text().await {
            Ok(Some(text)) => Ok(text),
            Ok(None) => Err(Refusal::WrongMode),
            Err(_) => Err(Refusal::Unreadable),
        },
        (opened, Mode::Octet | Mode::Netascii) => opened,
    })
}

fn converse(request: &Admitted) -> io::Result<Conversation> {
    match Conversation::open(Some(&request.device), request.local, request.peer) {
        // The device was renamed since the listening socket was bound; the routing table knows the way too.
        Err(error) if error.raw_os_error() == Some(libc::ENODEV) => {
            Conversation::open(None, request.local, request.peer)
        }
        opened => opened,
    }
}

fn refuse<F: Files>(server: &Server<F>, request: &Admitted, conversation: &Conversation, refusal: Refusal) {
    let (code, text) = refusal.answer();
    send_error(conversation, code, text);
    tracing::debug!(peer = %request.peer, file = %request.name, why = text, "tftp request refused");
    server.books.tell(Notice::Refused {
        peer: request.peer,
        name: request.name.to_string(),
        code,
        text,
    });
}

fn negotiate<F>(server: &Server<F>, request: &Admitted, conversation: &Conversation, size: u64) -> Terms {
    let mut caps = server.limits.caps;
    if request.asked.has(Kind::Windowsize) && server.books.table.is_lossy(request.peer.ip(), Instant::now()) {
        caps = Caps { windowsize: 1, ..caps };
    }
    let way = Way {
        mtu: conversation.mtu(),
        ipv6: request.peer.is_ipv6(),
    };
    Terms::negotiate(&request.asked, request.mode, size, way, caps)
}
