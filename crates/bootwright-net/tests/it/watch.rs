//! Cards that come and go while we watch.

use std::time::{Duration, Instant};

use bootwright_net::Link;
use bootwright_net::watch::{Noticed, Watch};
use tokio::time::timeout;

use crate::netns::{End, Netns, cable};
use crate::runtime::runtime;

/// Operators are promised two seconds. How long it takes is printed; what fails is that it never comes, and, where the kernel
/// tells, that it had to be looked for.
const PATIENCE: Duration = Duration::from_secs(20);

/// Waits until the links are as expected, and returns how the last change came to be known.
async fn until(watch: &mut Watch, what: &str, expected: impl Fn(&[Link]) -> bool) -> Noticed {
    let start = Instant::now();
    while !expected(watch.links()) {
        let left = PATIENCE.saturating_sub(start.elapsed());
        let changed = timeout(left, watch.changed()).await.is_ok();
        assert!(changed, "never seen: {what}: {:#?}", watch.links());
    }
    eprintln!("{what}: {:?} after {} ms", watch.noticed(), start.elapsed().as_millis());
    watch.noticed()
}

fn find<'a>(links: &'a [Link], name: &str) -> Option<&'a Link> {
    links.iter().find(|link| link.name == name)
}

/// One story for both ways of watching.
fn everything_that_happens_to_a_card(start: fn() -> std::io::Result<Watch>, expected: Noticed) {
    let (here, there) = (Netns::new("here"), Netns::new("there"));
    here.run(|| {
        runtime().block_on(async {
            let mut watch = start().expect("links are listed");
            let mut noticed = Vec::new();
            assert_eq!(
                watch.links().iter().map(|link| link.name.as_str()).collect::<Vec<_>>(),
                ["lo"]
            );

            cable(&End::new(&here, "eth0", "10.3.0.1/24"), &End::bare(&there, "eth0"));
            let serves = |links: &[Link]| {
                let link = find(links, "eth0").filter(|link| link.up && link.carrier);
                link.is_some_and(|link| link.ipv4() == Some([10, 3, 0, 1].into()))
            };
            noticed.push(until(&mut watch, "the card is plugged in", serves).await);
            let first = find(watch.links(), "eth0").expect("just seen").index;

            here.ip("addr add 10.4.0.1/24 dev eth0");
            here.ip("addr del 10.3.0.1/24 dev eth0");
            let moved =
                |links: &[Link]| find(links, "eth0").is_some_and(|link| link.ipv4() == Some([10, 4, 0, 1].into()));
            noticed.push(until(&mut watch, "it has another address", moved).await);

            there.ip("link set eth0 down");
            let pulled = until(&mut watch, "the cable is pulled", |links| {
                find(links, "eth0").is_some_and(|link| !link.carrier)
            });
            noticed.push(pulled.await);
            there.ip("link set eth0 up");
            let pulled = until(&mut watch, "the cable is back", |links| {
                find(links, "eth0").is_some_and(|link| link.carrier)
            });
            noticed.push(pulled.await);

            here.ip("link set eth0 down");
            here.ip("link set eth0 name lab0");
            here.ip("link set lab0 up");
            let renamed = |links: &[Link]| find(links, "lab0").is_some_and(|link| link.index == first && link.up);
            noticed.push(until(&mut watch, "it is renamed", renamed).await);
            assert!(find(watch.links(), "eth0").is_none());

            here.ip("link del lab0");
            noticed.push(until(&mut watch, "it is gone", |links| find(links, "lab0").is_none()).await);

            cable(&End::new(&here, "lab0", "10.4.0.1/24"), &End::bare(&there, "eth0"));
            let renumbered = |links: &[Link]| {
                find(links, "lab0").is_some_and(|link| link.index != first && link.up && link.ipv4().is_some())
            };
            noticed.push(until(&mut watch, "it is back under another number", renumbered).await);
            assert_eq!(noticed, [expected; 7]);
        });
    });
}

#[test]
fn the_kernel_tells_of_everything_that_happens_to_a_card() {
    everything_that_happens_to_a_card(Watch::start, Noticed::Told);
}

#[test]
fn where_the_kernel_does_not_tell_looking_is_enough() {
    everything_that_happens_to_a_card(Watch::polling, Noticed::Found);
}

#[test]
fn a_change_that_was_heard_by_a_dropped_future_is_not_lost() {
    let here = Netns::new("here");
    here.run(|| {
        runtime().block_on(async {
            let mut watch = Watch::start().expect("links are listed");
            here.ip("tuntap add dev tap0 mode tap");
            // Long enough to hear of it, too short for it to have settled.
            let _ = timeout(Duration::from_millis(20), watch.changed()).await;
            until(&mut watch, "the card is there", |links| find(links, "tap0").is_some()).await;
        });
    });
}

/// The daemon looks after other things every two seconds and waits anew then. That used to put off looking for ever, so that
/// a change of which the kernel's message was lost was never seen.
#[test]
fn looking_is_not_put_off_by_whoever_waits_again_and_again() {
    let here = Netns::new("here");
    here.run(|| {
        runtime().block_on(async {
            let mut watch = Watch::polling().expect("links are listed");
            here.ip("tuntap add dev tap0 mode tap");
            let start = Instant::now();
            while find(watch.links(), "tap0").is_none() {
                assert!(start.elapsed() < PATIENCE, "never seen");
                let _ = timeout(Duration::from_millis(100), watch.changed()).await;
            }
        });
    });
}
