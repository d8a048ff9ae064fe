//! Cards that come and go while we watch.

use std::time::{Duration, Instant};

use bootwright_net::Link;
use bootwright_net::watch::Watch;
use tokio::time::timeout;

use crate::netns::{End, Netns, cable};

/// What is promised to operators.
const PROMISED: Duration = Duration::from_secs(2);

/// Waits until the links are as expected, for as long as is promised.
async fn until(watch: &mut Watch, what: &str, expected: impl Fn(&[Link]) -> bool) {
    let start = Instant::now();
    while !expected(watch.links()) {
        let left = PROMISED.saturating_sub(start.elapsed());
        let changed = timeout(left, watch.changed()).await.is_ok();
        assert!(changed, "not seen within {PROMISED:?}: {what}: {:#?}", watch.links());
    }
}

fn find<'a>(links: &'a [Link], name: &str) -> Option<&'a Link> {
    links.iter().find(|link| link.name == name)
}

/// One story for both ways of watching.
fn everything_that_happens_to_a_card(start: fn() -> std::io::Result<Watch>) {
    let (here, there) = (Netns::new("here"), Netns::new("there"));
    here.run(|| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        runtime.block_on(async {
            let mut watch = start().expect("links are listed");
            assert_eq!(
                watch.links().iter().map(|link| link.name.as_str()).collect::<Vec<_>>(),
                ["lo"]
            );

            cable(&End::new(&here, "eth0", "10.3.0.1/24"), &End::bare(&there, "eth0"));
            let serves = |links: &[Link]| {
                let link = find(links, "eth0").filter(|link| link.up && link.carrier);
                link.is_some_and(|link| link.ipv4() == Some([10, 3, 0, 1].into()))
            };
            until(&mut watch, "the card is plugged in", serves).await;
            let first = find(watch.links(), "eth0").expect("just seen").index;

            here.ip("addr add 10.4.0.1/24 dev eth0");
            here.ip("addr del 10.3.0.1/24 dev eth0");
            let moved =
                |links: &[Link]| find(links, "eth0").is_some_and(|link| link.ipv4() == Some([10, 4, 0, 1].into()));
            until(&mut watch, "it has another address", moved).await;

            there.ip("link set eth0 down");
            until(&mut watch, "the cable is pulled", |links| {
                find(links, "eth0").is_some_and(|link| !link.carrier)
            })
            .await;
            there.ip("link set eth0 up");
            until(&mut watch, "the cable is back", |links| {
                find(links, "eth0").is_some_and(|link| link.carrier)
            })
            .await;

            here.ip("link set eth0 down");
            here.ip("link set eth0 name lab0");
            here.ip("link set lab0 up");
            let renamed = |links: &[Link]| find(links, "lab0").is_some_and(|link| link.index == first && link.up);
            until(&mut watch, "it is renamed", renamed).await;
            assert!(find(watch.links(), "eth0").is_none());

            here.ip("link del lab0");
            until(&mut watch, "it is gone", |links| find(links, "lab0").is_none()).await;

            cable(&End::new(&here, "lab0", "10.4.0.1/24"), &End::bare(&there, "eth0"));
            let renumbered = |links: &[Link]| {
                find(links, "lab0").is_some_and(|link| link.index != first && link.up && link.ipv4().is_some())
            };
            until(&mut watch, "it is back under another number", renumbered).await;
        });
    });
}

#[test]
fn the_kernel_tells_of_everything_that_happens_to_a_card() {
    everything_that_happens_to_a_card(Watch::start);
}

#[test]
fn where_the_kernel_does_not_tell_looking_is_enough() {
    everything_that_happens_to_a_card(Watch::polling);
}

#[test]
fn a_change_that_was_heard_by_a_dropped_future_is_not_lost() {
    let here = Netns::new("here");
    here.run(|| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        runtime.block_on(async {
            let mut watch = Watch::start().expect("links are listed");
            here.ip("tuntap add dev tap0 mode tap");
            // Long enough to hear of it, too short for it to have settled.
            let _ = timeout(Duration::from_millis(20), watch.changed()).await;
            until(&mut watch, "the card is there", |links| find(links, "tap0").is_some()).await;
        });
    });
}
