use futures_util::FutureExt as _;

use super::*;

fn key(source: u8, port: u16) -> Key {
    Key {
        peer: SocketAddr::from(([10, 0, 0, source], port)),
        local: [10, 0, 0, 254].into(),
        index: 2,
    }
}

fn table(per_source: usize, total: usize) -> Arc<Table> {
    let poll = bootwright_net::poll::Poll::new().unwrap();
    Table::new(per_source, total, Mailbox::new(poll.bell()))
}

fn after(start: Instant, millis: u64) -> Instant {
    start + Duration::from_millis(millis)
}

#[test]
fn a_source_has_only_so_many_places_and_gets_them_back() {
    let (table, start) = (table(2, 10), Instant::now());
    let first = table.admit(key(1, 1000), start).unwrap();
    let _second = table.admit(key(1, 1001), start).unwrap();
    assert_eq!(table.admit(key(1, 1002), start).unwrap_err(), Why::SourceBusy);
    let _other = table.admit(key(2, 1000), start).unwrap();
    drop(first);
    let _third = table.admit(key(1, 1002), start).unwrap();
    assert_eq!(table.len(), 3);
}

#[test]
fn the_longest_idle_gives_way_and_the_busy_do_not() {
    let (table, start) = (table(8, 3), Instant::now());
    let idle = table.admit(key(1, 1000), start).unwrap();
    let idler = table.admit(key(2, 1000), start).unwrap();
    let busy = table.admit(key(3, 1000), start).unwrap();
    idle.session().touch(Duration::from_millis(500), true);
    idler.session().touch(Duration::from_millis(100), true);
    busy.session().touch(Duration::from_millis(1400), true);
    assert_eq!(
        table.admit(key(4, 1000), after(start, 1000)).unwrap_err(),
        Why::ServerBusy
    );
    let _new = table.admit(key(4, 1000), after(start, 1600)).unwrap();
    assert_eq!(idler.session().take_order(), Order::Evict);
    assert_eq!(idle.session().take_order(), Order::None);
    assert_eq!(busy.session().take_order(), Order::None);
    drop(idler);
    assert_eq!(table.len(), 3, "who was evicted leaves no second time");
}

#[test]
fn requests_that_nobody_answers_give_way_soon() {
    let (table, start) = (table(8, 1), Instant::now());
    let forged = table.admit(key(1, 1000), start).unwrap();
    assert_eq!(
        table.admit(key(2, 1000), after(start, 200)).unwrap_err(),
        Why::ServerBusy
    );
    let _real = table.admit(key(2, 1000), after(start, 250)).unwrap();
    assert_eq!(forged.session().take_order(), Order::Evict);
}

#[test]
fn a_repeated_request_is_the_same_transfer_until_its_client_was_heard() {
    let (table, start) = (table(8, 10), Instant::now());
    let first = table.admit(key(1, 1000), start).unwrap();
    assert_eq!(table.admit(key(1, 1000), start).unwrap_err(), Why::Repeated);
    assert_eq!(first.session().take_order(), Order::Repeat);
    assert_eq!(first.session().take_order(), Order::None);
    first.session().touch(Duration::ZERO, true);
    let second = table.admit(key(1, 1000), start).unwrap();
    assert_eq!(first.session().take_order(), Order::Supersede);
    drop(first);
    assert_eq!(table.len(), 1, "the old one does not take the new one's place with it");
    drop(second);
    assert_eq!(table.len(), 0);
}

#[test]
fn an_order_to_end_is_not_forgotten_over_one_to_repeat() {
    let (table, start) = (table(8, 10), Instant::now());
    let seat = table.admit(key(1, 1000), start).unwrap();
    assert_eq!(table.stop().now_or_never(), None, "the transfer has not ended");
    assert_eq!(table.admit(key(1, 1000), start).unwrap_err(), Why::Repeated);
    assert_eq!(seat.session().take_order(), Order::Stop);
}

#[test]
fn who_stops_all_transfers_learns_when_the_last_one_has_ended() {
    let (table, start) = (table(8, 10), Instant::now());
    assert_eq!(table.stop().now_or_never(), Some(()), "there is none");
    let seats = [1000, 1001].map(|port| table.admit(key(1, port), start).unwrap());
    let mut stopping = std::pin::pin!(table.stop());
    let mut ended_behind = seats.into_iter().map(|seat| {
        let ended = stopping.as_mut().now_or_never().is_some();
        drop(seat);
        ended
    });
    assert!(ended_behind.all(|ended| !ended));
    assert_eq!(stopping.as_mut().now_or_never(), Some(()));
}

#[test]
fn a_source_that_lost_many_packets_is_remembered_for_a_while() {
    let (table, start) = (table(8, 10), Instant::now());
    table.lost_many([10, 0, 0, 1].into(), start);
    assert!(table.is_lossy([10, 0, 0, 1].into(), after(start, 599_000)));
    assert!(!table.is_lossy([10, 0, 0, 1].into(), after(start, 600_000)));
    assert!(!table.is_lossy([10, 0, 0, 2].into(), start));
    for host in 0..2000_u16 {
        let [high, low] = host.to_be_bytes();
        table.lost_many([10, 1, high, low].into(), start);
    }
    assert!(table.lock().lossy.len() <= LOSSY_MAX);
}
