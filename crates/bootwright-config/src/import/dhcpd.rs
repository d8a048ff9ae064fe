//! `dhcpd.conf` of ISC DHCP: subnets, ranges, options and reservations.

use std::net::Ipv4Addr;
use std::ops::Range;

use bootwright_core::MacAddr;

use super::Text;
use super::left::Left;
use super::machine::Machine;
use super::pool::{self, Pool, Told};

/// Statements that say what is so here without being said, or what the daemon is asked through.
const GRANTED: &[&str] = &[
    "authoritative",
    "ddns-update-style",
    "log-facility",
    "allow",
    "key",
    "zone",
    "omapi-port",
    "omapi-key",
    "min-lease-time",
    "max-lease-time",
    "algorithm",
    "secret",
    "primary",
    "ddns-updates",
    "update-static-leases",
    "use-host-decl-names",
    "pid-file-name",
    "lease-file-name",
    "server-identifier",
    "one-lease-per-client",
    "ping-check",
    "local-address",
    "subnet-mask",
    "broadcast-address",
];

/// How deep blocks may stand in each other.
const DEPTH_MAX: usize = 32;

/// What the file says.
#[derive(Default)]
pub(super) struct Dhcpd {
    pub(super) pools: Vec<Pool>,
    pub(super) machines: Vec<Machine>,
    /// `filename` outside of what is for one machine, and where.
    pub(super) filename: Option<(String, String)>,
}

/// A word, a text in quotation marks, or one of `{ } ;`.
#[derive(Clone, Debug)]
struct Token {
    word: String,
    span: Range<usize>,
}

/// What holds within a block, from the blocks around it.
#[derive(Clone, Default)]
struct Scope {
    told: Told,
    lease: Option<u64>,
    pool: Option<usize>,
    machine: Option<usize>,
}

struct Reader<'a> {
    text: &'a Text,
    tokens: Vec<Token>,
    at: usize,
    found: Dhcpd,
    /// What was said for all, which also counts for subnets before it.
    left: &'a mut Left,
}

pub(super) fn read(text: &Text, left: &mut Left) -> Dhcpd {
    let mut reader = Reader {
        text,
        tokens: tokens(&text.text),
        at: 0,
        found: Dhcpd::default(),
        left,
    };
    let mut scope = Scope::default();
    while reader.at < reader.tokens.len() {
        reader.block(&mut scope, 0);
    }
    for pool in &mut reader.found.pools {
        pool.told = pool.told.or(&scope.told);
        pool.lease = pool.lease.or(scope.lease);
    }
    reader.found
}

fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = text.char_indices().peekable();
    while let Some((start, c)) = rest.next() {
        let mut word = String::new();
        let mut end = start + c.len_utf8();
        match c {
            '#' => {
                while rest.next_if(|(_, c)| *c != '\n').is_some() {}
                continue;
            }
            c if c.is_whitespace() || c == ',' => continue,
            '{' | '}' | ';' => word.push(c),
            '"' => {
                for (at, c) in rest.by_ref() {
                    end = at + c.len_utf8();
                    if c == '"' {
                        break;
                    }
                    word.push(c);
                }
            }
            c => {
                word.push(c);
                while let Some((at, c)) = rest.next_if(|(_, c)| !c.is_whitespace() && !"{};,\"#".contains(*c)) {
                    end = at + c.len_utf8();
                    word.push(c);
                }
            }
        }
        tokens.push(Token { word, span: start..end });
    }
    tokens
}

impl Reader<'_> {
    /// Reads statements up to the end of the block.
    fn block(&mut self, scope: &mut Scope, depth: usize) {
        while let Some(token) = self.tokens.get(self.at) {
            if token.word == "}" {
                self.at += 1;
                return;
            }
            let start = self.at;
            while self
                .tokens
                .get(self.at)
                .is_some_and(|token| !["{", "}", ";"].contains(&token.word.as_str()))
            {
                self.at += 1;
            }
            let words: Vec<Token> = self.tokens.get(start..self.at).unwrap_or_default().to_vec();
            let end = self
                .tokens
                .get(self.at)
                .map(|token| token.word.clone())
                .unwrap_or_default();
            match end.as_str() {
                "{" => {
                    self.at += 1;
                    self.nested(&words, scope, depth);
                }
                "}" => self.statement(&words, scope),
                _ => {
                    self.at += 1;
                    self.statement(&words, scope);
                }
            }
        }
    }

    fn nested(&mut self, words: &[Token], scope: &Scope, depth: usize) {
        let span = span(words);
        let all: Vec<&str> = words.iter().map(|token| token.word.as_str()).collect();
        let mut inner = scope.clone();
        let known = match all.as_slice() {
            ["subnet", address, "netmask", mask] => {
                inner.pool = self.subnet(address, mask, &span);
                inner.pool.is_some()
            }
            ["host", name] => {
                let mut machine = Machine::at(self.text, span.clone(), self.origin(&span));
                machine.name = Some((*name).to_owned());
                self.found.machines.push(machine);
                inner.machine = self.found.machines.len().checked_sub(1);
                true
            }
            ["group" | "pool", ..] | ["shared-network", ..] => true,
            ["key" | "zone", ..] => {
                self.skip();
                return;
            }
            _ => false,
        };
        if !known || depth >= DEPTH_MAX {
            let words: String = all.join(" ").chars().take(80).collect();
            let hint = "boot files follow from the architecture (`[dhcp.arch]`), and machines are told apart by rules";
            self.left.tell(
                self.text,
                span,
                format!("`{}` is not carried over", words.escape_debug()),
                hint,
            );
            self.skip();
            return;
        }
        self.block(&mut inner, depth + 1);
        if let Some(pool) = inner
            .pool
            .filter(|_| scope.pool.is_none())
            .and_then(|pool| self.found.pools.get_mut(pool))
        {
            pool.told = inner.told.or(&pool.told);
            pool.lease = inner.lease.or(pool.lease);
        }
    }

    /// Passes over a block and all within it.
    fn skip(&mut self) {
        let mut depth = 1_usize;
        while let Some(token) = self.tokens.get(self.at) {
            self.at += 1;
            match token.word.as_str() {
                "{" => depth += 1,
                "}" => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return;
            }
        }
    }

    fn origin(&self, span: &Range<usize>) -> String {
        let line = self
            .text
            .text
            .get(..span.start)
            .unwrap_or_default()
            .matches('\n')
            .count()
            + 1;
        format!("{}:{line}", self.text.path)
    }

    fn subnet(&mut self, address: &str, mask: &str, span: &Range<usize>) -> Option<usize> {
        let network = address
            .parse()
            .ok()
            .zip(mask.parse().ok())
            .and_then(|(address, mask)| pool::network(address, mask));
        let Some(network) = network else {
            self.left
                .tell(self.text, span.clone(), "it is no subnet", "write a pool by hand");
            return None;
        };
        let origin = self.origin(span);
        self.found.pools.push(Pool {
            network,
            ranges: Vec::new(),
            told: Told::default(),
            lease: None,
            known_only: false,
            text: self.text.clone(),
            span: span.clone(),
            origin,
        });
        self.found.pools.len().checked_sub(1)
    }

    fn statement(&mut self, words: &[Token], scope: &mut Scope) {
        let span = span(words);
        let all: Vec<&str> = words.iter().map(|token| token.word.as_str()).collect();
        let addresses = |words: &[&str]| {
            words
                .iter()
                .filter_map(|word| word.parse().ok())
                .collect::<Vec<Ipv4Addr>>()
        };
        match all.as_slice() {
            [] => {}
            ["range", rest @ ..] => {
                if let (Some(pool), [first, more @ ..]) = (scope.pool, addresses(rest).as_slice())
                    && let Some(pool) = self.found.pools.get_mut(pool)
                {
                    pool.ranges.push((*first, more.first().copied().unwrap_or(*first)));
                } else {
                    self.left.tell(
                        self.text,
                        span,
                        "the range belongs to no subnet",
                        "write a pool by hand",
                    );
                }
            }
            ["option", name, values @ ..] => self.option(name, values, scope, span),
            ["default-lease-time", seconds] => scope.lease = seconds.parse().ok(),
            ["hardware", "ethernet", mac] => match (self.machine(scope), mac.parse::<MacAddr>()) {
                (Some(machine), Ok(mac)) => machine.macs.push(mac),
                _ => self
                    .left
                    .tell(self.text, span, "it is no card of a host", "it was left out"),
            },
            ["fixed-address", rest @ ..] => {
                let found = addresses(rest);
                if found.len() < rest.len() {
                    let hint = "write the address into `address` of `[hosts]`";
                    self.left
                        .tell(self.text, span, "an address by its name is not carried over", hint);
                }
                if let Some(machine) = self.machine(scope) {
                    machine.addresses.extend(found);
                }
            }
            ["filename", file] => self.filename(file, scope, span),
            ["next-server", server] => {
                let hint = "boot files come from Bootwright itself: put those that it does not have below `tftp.root`";
                self.left.tell(
                    self.text,
                    span,
                    format!("`next-server` {} is not carried over", server.escape_debug()),
                    hint,
                );
            }
            ["deny", "unknown-clients"] => {
                if let Some(pool) = scope.pool.and_then(|pool| self.found.pools.get_mut(pool)) {
                    pool.known_only = true;
                }
            }
            ["deny", "booting"] => {
                if let Some(machine) = self.machine(scope) {
                    machine.standing = super::Standing::Ignored;
                }
            }
            [name, ..] if GRANTED.contains(name) => {}
            [name, ..] => {
                let name: String = name.chars().take(60).collect();
                self.left.tell(
                    self.text,
                    span,
                    format!("`{}` is not carried over", name.escape_debug()),
                    "it has no counterpart here",
                );
            }
        }
    }

    fn machine(&mut self, scope: &Scope) -> Option<&mut Machine> {
        self.found.machines.get_mut(scope.machine?)
    }

    fn filename(&mut self, file: &str, scope: &Scope, span: Range<usize>) {
        let fits = !file.is_empty()
            && file.len() <= 127
            && file.chars().all(|c| c.is_ascii_graphic())
            && !file.contains("://")
            && !file.split('/').any(|part| part == "..");
        if !fits {
            let hint = "the first file is fetched by TFTP from the catalogue or `tftp.root`";
            self.left.tell(
                self.text,
                span,
                format!("`{}` can be no first boot file here", file.escape_debug()),
                hint,
            );
            return;
        }
        let origin = self.origin(&span);
        if scope.machine.is_some() {
            if let Some(machine) = self.machine(scope) {
                machine.firmware = Some(file.to_owned());
            }
            return;
        }
        match &self.found.filename {
            Some((known, _)) if known != file => {
                let hint =
                    "`[dhcp.arch]` names one for each architecture, and `firmware` in `[hosts]` one for a machine";
                self.left.tell(
                    self.text,
                    span,
                    format!(
                        "the boot file `{}` of this subnet is not carried over",
                        file.escape_debug()
                    ),
                    hint,
                );
            }
            Some(_) => {}
            None => self.found.filename = Some((file.to_owned(), origin)),
        }
    }

    fn option(&mut self, name: &str, values: &[&str], scope: &mut Scope, span: Range<usize>) {
        let addresses: Vec<Ipv4Addr> = values.iter().filter_map(|word| word.parse().ok()).collect();
        let names: Vec<String> = values
            .iter()
            .filter(|name| pool::is_domain(name))
            .map(|name| (*name).to_owned())
            .collect();
        if scope.machine.is_some() {
            if name != "host-name" {
                let hint =
                    "a pool tells all of its machines the same; write what hangs on the machine into its profile";
                self.left.tell(
                    self.text,
                    span,
                    format!("option `{}` of one machine is not carried over", name.escape_debug()),
                    hint,
                );
            } else if let (Some(machine), Some(name)) = (self.machine(scope), values.first()) {
                machine.name = Some((*name).to_owned());
            }
            return;
        }
        match name {
            "routers" => scope.told.routers = addresses,
            "domain-name-servers" => scope.told.dns = addresses,
            "ntp-servers" => scope.told.ntp = addresses,
            "domain-name" => scope.told.domain = names.first().cloned(),
            "domain-search" => scope.told.search = names,
            "interface-mtu" => scope.told.mtu = values.first().and_then(|mtu| mtu.parse().ok()),
            _ if GRANTED.contains(&name) || values.first() == Some(&"code") => {}
            _ => {
                let hint = "Bootwright tells machines routers, DNS and NTP servers, domains and the MTU";
                self.left.tell(
                    self.text,
                    span,
                    format!("option `{}` is not carried over", name.escape_debug()),
                    hint,
                );
            }
        }
    }
}

fn span(words: &[Token]) -> Range<usize> {
    let start = words.first().map_or(0, |token| token.span.start);
    start..words.last().map_or(start, |token| token.span.end)
}
