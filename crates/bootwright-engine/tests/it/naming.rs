//! Names that a site gives to machines which its configuration does not name.

use bootwright_core::Naming;
use bootwright_engine::Report;

use crate::site::{Site, policy};

/// The hosts of a site, by their names.
fn hosts(site: &Site) -> Vec<String> {
    site.engine.world().hosts.keys().map(ToString::to_string).collect()
}

#[test]
fn names_of_a_list_and_a_pattern_are_given_once_and_kept_through_installs_and_restarts() {
    let mut policy = policy();
    policy.naming = Naming {
        list: vec!["alpha".parse().expect("a name")],
        pattern: Some("node-{number}".parse().expect("a pattern")),
    };
    let mut site = Site::new(policy);
    for number in 1..=3 {
        site.ask_mac(number);
    }
    assert_eq!(hosts(&site), ["alpha", "node-1", "node-2"]);
    site.arm("52:54:00:00:00:01", &["debian"]);
    site.ask_mac(1);
    let ticket = site.last_ticket.clone().expect("an install");
    assert_eq!(ticket.name.as_str(), "alpha");
    let token = site.token();
    site.report(token, &Report::Done);
    // Other names in the configuration are for other machines.
    let mut other = site.policy();
    other.naming = Naming::default();
    site.reload(other);
    site.arm("alpha", &["debian"]);
    site.ask_mac(1);
    assert_eq!(site.last_ticket.clone().expect("an install").name.as_str(), "alpha");
    assert_eq!(hosts(&site), ["alpha", "node-1", "node-2"]);
}
