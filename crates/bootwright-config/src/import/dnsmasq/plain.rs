//! The options that say one thing each, and those that have no counterpart.

use super::super::Text;
use super::super::draft;
use super::{Reading, Setting};

/// What is so here without being said.
const GRANTED: &[&str] = &[
    "bind-interfaces",
    "bind-dynamic",
    "dhcp-authoritative",
    "log-dhcp",
    "log-queries",
    "log-facility",
    "dhcp-no-override",
    "keep-in-foreground",
    "no-daemon",
    "quiet-dhcp",
    "tftp-no-fail",
    "tftp-secure",
    "tftp-single-port",
    "no-ping",
    "user",
    "group",
    "pid-file",
    "port",
    "dhcp-leasefile",
    "no-resolv",
    "no-poll",
    "no-hosts",
    "dhcp-sequential-ip",
    "dhcp-rapid-commit",
    "dhcp-lease-max",
    "leasefile-ro",
    "enable-dbus",
    "conf-script",
    "dhcp-ttl",
    "dhcp-reply-delay",
];

/// What of dnsmasq is DNS.
const DNS: &[&str] = &[
    "server",
    "local",
    "address",
    "domain-needed",
    "bogus-priv",
    "expand-hosts",
    "addn-hosts",
    "cname",
    "host-record",
    "mx-host",
    "srv-host",
    "txt-record",
    "ptr-record",
    "resolv-file",
    "strict-order",
    "all-servers",
    "cache-size",
    "neg-ttl",
    "local-ttl",
    "stop-dns-rebind",
    "rebind-domain-ok",
    "dnssec",
    "trust-anchor",
    "auth-zone",
    "auth-server",
    "interface-name",
    "hostsdir",
    "filterwin2k",
    "no-negcache",
    "localise-queries",
    "rev-server",
    "conf-dir-dns",
    "listen-address-dns",
    "dns-forward-max",
    "edns-packet-max",
    "min-port",
    "max-port",
    "query-port",
    "ipset",
    "nftset",
    "add-mac",
    "add-subnet",
    "selfmx",
    "localmx",
    "mx-target",
    "naptr-record",
    "caa-record",
    "dns-rr",
    "synth-domain",
    "dns-loop-detect",
    "proxy-dnssec",
    "bogus-nxdomain",
    "ignore-address",
    "max-cache-ttl",
    "min-cache-ttl",
    "max-ttl",
    "auth-ttl",
    "no-round-robin",
    "clear-on-reload",
    "dnssec-check-unsigned",
    "use-stale-cache",
    "fast-dns-retry",
];

/// Further files that an option leads to.
const FURTHER: &[&str] = &[
    "conf-file",
    "conf-dir",
    "servers-file",
    "dhcp-optsfile",
    "dhcp-optsdir",
    "read-ethers",
];

pub(super) fn read(setting: &Setting, texts: &[Text], reading: &mut Reading) {
    let (name, value) = (setting.line.name.as_str(), setting.line.value.as_str());
    let left = &mut reading.left;
    match name {
        "interface" => {
            let names: Vec<String> = setting
                .parts()
                .into_iter()
                .filter(|name| !name.is_empty() && name != "lo")
                .collect();
            reading
                .interfaces
                .extend(names.into_iter().map(|name| (name, setting.origin())));
        }
        "enable-tftp" => reading.tftp_on = true,
        "tftp-root" => {
            let parts = setting.parts();
            let root = parts.first().cloned().unwrap_or_default();
            if !root.starts_with('/') {
                setting.left(left, "the directory is not an absolute path", "set `root` in `[tftp]`");
            } else {
                reading.tftp.set("root", draft::text(&root), &setting.origin());
            }
            if parts.len() > 1 {
                setting.left(
                    left,
                    "that the directory is for one interface only is not carried over",
                    "`tftp.root` is for all",
                );
            }
        }
        "domain" => {
            let parts = setting.parts();
            let domain = parts.first().filter(|name| super::super::pool::is_domain(name));
            match domain {
                Some(domain) => reading.told.domain = reading.told.domain.take().or_else(|| Some(domain.clone())),
                None => setting.left(left, "it is no domain that can be told", "set `domain` of the pool"),
            }
            if parts.len() > 1 {
                setting.left(
                    left,
                    "that the domain is for some addresses only is not carried over",
                    "set `domain` of each pool",
                );
            }
        }
        "dhcp-ignore" if value.replace(' ', "") == "tag:!known" || value == "#known" => {
            reading.known_only = Some(setting.origin())
        }
        _ if FURTHER.contains(&name) => further(setting, texts, reading),
        _ if GRANTED.contains(&name) => {}
        _ => {
            let (message, hint) = without(name);
            setting.left(left, message, hint);
        }
    }
}

/// What is said of an option that has no counterpart here: what happens to it, and what to do.
fn without(name: &str) -> (String, &'static str) {
    let plainly = format!("`{name}` is not carried over");
    match name {
        "except-interface" | "no-dhcp-interface" => (
            "interfaces can only be named, not left out".to_owned(),
            "name those that are served in `interfaces` of `[server]`",
        ),
        "listen-address" => (
            "addresses to listen on are not carried over".to_owned(),
            "name the interfaces in `[server]`",
        ),
        "dhcp-relay" | "dhcp-proxy" => (
            plainly,
            "requests of relays are answered if `relays` of `[dhcp]` lists them",
        ),
        "dhcp-script" | "dhcp-luascript" => (plainly, "`bootwright events --follow` tells what happens"),
        "pxe-prompt" => (
            "the firmware's prompt is not carried over".to_owned(),
            "a profile with `kind = \"menu\"` shows a menu",
        ),
        "tftp-unique-root" | "tftp-lowercase" | "tftp-no-blocksize" | "tftp-mtu" | "tftp-max" | "tftp-port-range" => {
            (plainly, "see `[tftp]`: block and window sizes have bounds of their own")
        }
        "enable-ra" | "ra-param" => (plainly, "Bootwright sends no router advertisements; the router does"),
        _ if DNS.contains(&name) => (
            format!("`{name}` is about DNS"),
            "Bootwright answers no DNS: let dnsmasq do it, without `dhcp-range` and `enable-tftp`",
        ),
        _ => {
            let name: String = name.chars().take(60).collect();
            (
                format!("`{}` is not carried over", name.escape_debug()),
                "it has no counterpart here",
            )
        }
    }
}

/// A file that is named and was not given.
fn further(setting: &Setting, texts: &[Text], reading: &mut Reading) {
    let parts = setting.parts();
    let named = parts.first().map_or(
        "/etc/ethers",
        |named| if named.is_empty() { "/etc/ethers" } else { named },
    );
    let below = format!("{}/", named.trim_end_matches('/'));
    if !texts
        .iter()
        .any(|text| text.path == named || text.path.starts_with(&below))
    {
        let hint = "give it as well: `bootwright import dnsmasq` takes several files and directories";
        setting.left(
            &mut reading.left,
            format!("`{}` was not read", named.escape_debug()),
            hint,
        );
    }
}
