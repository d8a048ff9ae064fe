//! Our client against a server that we did not write.

use std::net::SocketAddr;
use std::sync::mpsc;
use std::thread;

use async_tftp::server::TftpServerBuilder;
use bootwright_client::tftp::End;

use crate::tftp_relay::{RELAY, Trouble, through};
use crate::tftp_segment::{Directory, PATIENCE, SERVER, Segment, content, runtime, wish};

/// Runs async-tftp's server for a directory while `test` does.
fn serve(segment: &Segment, directory: &Directory, test: impl FnOnce()) {
    let (ready, is_ready) = mpsc::channel();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    thread::scope(|scope| {
        scope.spawn(move || {
            segment.server.enter();
            runtime().block_on(async {
                let builder = TftpServerBuilder::with_dir_ro(&directory.0).expect("the directory is there");
                let builder = builder.bind(SocketAddr::from((SERVER, 69)));
                let builder = builder.timeout(std::time::Duration::from_millis(300));
                let server = builder.build().await.expect("the port is free");
                ready.send(()).expect("the test waits");
                tokio::select! {
                    ended = server.serve() => panic!("the server ended: {ended:?}"),
                    _ = stopped => {}
                }
            });
        });
        is_ready.recv_timeout(PATIENCE).expect("the server starts");
        test();
        drop(stop);
    });
}

#[test]
fn our_client_gets_identical_files_from_async_tftp() {
    let (segment, directory) = (Segment::new(), Directory::new("async-tftp"));
    for size in [0, 1, 1468, 74_000, 700_000] {
        directory.write(&format!("f{size}"), &content(size));
    }
    serve(&segment, &directory, || {
        for (size, windowsize) in [(0, 1), (1, 4), (1468, 4), (74_000, 1), (700_000, 16)] {
            let got = segment.fetch(wish(&format!("f{size}"), windowsize), SERVER);
            assert_eq!(got.end, End::Complete, "{size}");
            assert!(got.bytes == content(size), "{size}");
        }
        let got = segment.fetch(wish("missing", 1), SERVER);
        assert!(matches!(got.end, End::Refused { code: 1, .. }), "{:?}", got.end);
    });
}

#[test]
fn our_client_gets_identical_files_from_async_tftp_under_loss() {
    let (segment, directory) = (Segment::new(), Directory::new("async-tftp-loss"));
    directory.write("file", &content(100_000));
    serve(&segment, &directory, || {
        segment.lose(2.0);
        for windowsize in [1, 8] {
            let got = segment.fetch(wish("file", windowsize), SERVER);
            assert_eq!(got.end, End::Complete);
            assert!(got.bytes == content(100_000));
        }
    });
}

#[test]
fn our_client_gets_identical_files_from_async_tftp_where_datagrams_come_twice_and_in_another_order() {
    let (segment, directory) = (Segment::new(), Directory::new("async-tftp-relay"));
    directory.write("file", &content(200_000));
    let trouble = Trouble {
        seed: 7,
        lost: 10,
        doubled: 60,
        echoed: 60,
        late: 60,
    };
    serve(&segment, &directory, || {
        through(&segment, trouble, |damage| {
            for windowsize in [1, 8] {
                let got = segment.fetch(wish("file", windowsize), RELAY);
                assert_eq!(got.end, End::Complete, "{windowsize}");
                assert!(got.bytes == content(200_000), "{windowsize}");
            }
            damage.assert_some(trouble);
        });
    });
}
