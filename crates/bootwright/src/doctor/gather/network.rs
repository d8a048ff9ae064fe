//! The interfaces, routes and bridges of this box.

use std::fs;
use std::net::Ipv4Addr;

use bootwright_config::Daemon;
use bootwright_net::environment::Environment;
use bootwright_net::link::links;
use bootwright_net::selection::{Families, selection, unmatched};

use super::super::facts::Network;

pub(super) fn gather(daemon: &Daemon) -> Network {
    let links = match links() {
        Ok(links) => links,
        Err(error) => {
            return Network {
                trouble: Some(error.to_string()),
                ..Network::default()
            };
        }
    };
    let chosen = selection(&links, &daemon.interfaces, Families::with_ipv6(daemon.ipv6));
    Network {
        links: chosen
            .into_iter()
            .map(|(link, choice)| (link.clone(), choice))
            .collect(),
        trouble: None,
        environment: Environment::detect().ok(),
        gateways: gateways(&fs::read_to_string("/proc/thread-self/net/route").unwrap_or_default()),
        spanning: links
            .iter()
            .filter_map(|link| {
                let read = |file: &str| -> Option<u32> {
                    let path = format!("/sys/class/net/{}/bridge/{file}", link.name);
                    fs::read_to_string(path).ok()?.trim().parse().ok()
                };
                let is_on = read("stp_state")? != 0;
                // In hundredths of a second.
                is_on.then(|| Some((link.name.clone(), read("forward_delay")? / 100)))?
            })
            .collect(),
        absent: unmatched(&links, &daemon.interfaces)
            .into_iter()
            .map(str::to_owned)
            .collect(),
    }
}

/// The default routes of the kernel's table: those to nowhere in particular, through a router.
fn gateways(table: &str) -> Vec<(String, Ipv4Addr)> {
    let lines = table.lines().skip(1);
    lines
        .filter_map(|line| {
            let mut fields = line.split_whitespace();
            let (link, target, router) = (fields.next()?, fields.next()?, fields.next()?);
            // The kernel prints addresses as native words.
            let address = |text| Some(Ipv4Addr::from(u32::from_str_radix(text, 16).ok()?.to_ne_bytes()));
            let mask = address(fields.nth(4)?)?;
            let (target, router) = (address(target)?, address(router)?);
            let is_default = target.is_unspecified() && mask.is_unspecified() && !router.is_unspecified();
            is_default.then(|| (link.to_owned(), router))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_route_is_found_in_the_kernels_table() {
        let table = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n\
                     lab0\t00000000\tFE004D0A\t0003\t0\t0\t0\t00000000\t0\t0\t0\n\
                     lab0\t00004D0A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n";
        let expected = if cfg!(target_endian = "little") {
            Ipv4Addr::new(10, 77, 0, 254)
        } else {
            Ipv4Addr::new(254, 0, 77, 10)
        };
        assert_eq!(gateways(table), [("lab0".to_owned(), expected)]);
    }
}
