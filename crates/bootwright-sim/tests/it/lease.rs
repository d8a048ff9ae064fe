//! Random days of conversations about addresses.

use std::net::Ipv4Addr;

use bootwright_core::lease::{Lease, LeaseState};
use bootwright_core::{MacAddr, Span, Timestamp};
use bootwright_sim::lease::{LeaseChecker, LeaseDay, live};

use crate::seed::seeds;

#[test]
fn whatever_is_said_no_address_has_two_holders_and_no_lease_is_promised_that_is_not_recorded() {
    let mut sum = LeaseDay::default();
    for seed in seeds() {
        match live(seed, false) {
            Ok(day) => {
                sum.acknowledged += day.acknowledged;
                sum.refused += day.refused;
                sum.silent += day.silent;
                sum.crashes += day.crashes;
            }
            Err(what) => panic!(
                "{what}\n\nthis is seed {seed}; to see it again:\n    \
                 BOOTWRIGHT_SIM_SEEDS={seed}..{} cargo test -p bootwright-sim --test it lease\n",
                seed + 1
            ),
        }
    }
    println!("simulated {} days: {sum:?}", seeds().count());
    assert!(
        sum.acknowledged > 0 && sum.refused > 0 && sum.silent > 0 && sum.crashes > 0,
        "{sum:?}"
    );
}

#[test]
fn the_checker_finds_a_daemon_that_acknowledges_before_it_has_recorded() {
    let found = (0..5).filter_map(|seed| live(seed, true).err()).count();
    assert_eq!(found, 5);
}

#[test]
fn the_checker_finds_what_must_not_be() {
    let text = r#"
[dhcp]
mode = "server"
[[dhcp.pools]]
subnet = "10.1.0.0/24"
range = "10.1.0.2-10.1.0.9"
router = "10.1.0.5"
[hosts.oak]
mac = "52:54:00:00:00:01"
address = "10.1.0.20"
"#;
    let source = bootwright_config::Source {
        path: "config.toml".to_owned(),
        text: text.to_owned(),
    };
    let policy = bootwright_config::load(&[source], &|_| Err(String::new()))
        .expect("a configuration")
        .policy;
    let now = Timestamp::from_millis(1_000_000);
    let until = now.after(Span::from_mins(10));
    let mac = |number| MacAddr::new([0x52, 0x54, 0, 0, 0, number]);
    let lease = |number: u8, host: u8, until| Lease {
        address: Ipv4Addr::new(10, 1, 0, host),
        holder: mac(number),
        state: LeaseState::Bound,
        since: now,
        until,
        client_id: None,
        host_name: None,
    };
    let granted = |number: u8, host: u8, record: &[Lease]| {
        let mut checker = LeaseChecker::default();
        let first = [lease(1, 2, until)];
        checker
            .grant(now, &policy, mac(1), (first[0].address, until), &first)
            .expect("a grant as it should be");
        let address = Ipv4Addr::new(10, 1, 0, host);
        checker.grant(now, &policy, mac(number), (address, until), record)
    };
    let wrong = |number, host| granted(number, host, &[lease(number, host, until)]).expect_err("it must not be");
    assert_eq!(
        wrong(2, 2),
        "10.1.0.2 is granted to 52:54:00:00:00:02, and 52:54:00:00:00:01 uses it"
    );
    assert_eq!(wrong(2, 20), "10.1.0.20 is another machine's, not 52:54:00:00:00:02's");
    assert_eq!(
        wrong(2, 5),
        "10.1.0.5 is not for machines, and is given to 52:54:00:00:00:02"
    );
    assert_eq!(
        wrong(2, 30),
        "10.1.0.30 is not for machines, and is given to 52:54:00:00:00:02"
    );
    let early = now.after(Span::from_mins(9));
    for record in [vec![], vec![lease(2, 3, early)], vec![lease(3, 3, until)]] {
        assert_eq!(
            granted(2, 3, &record),
            Err("10.1.0.3 is granted to 52:54:00:00:00:02, and that is not recorded".to_owned())
        );
    }
    assert_eq!(granted(2, 3, &[lease(2, 3, until)]), Ok(()));
}
