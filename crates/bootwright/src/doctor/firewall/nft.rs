//! Rules as `nft -j list ruleset` prints them (libnftables-json(5)).

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::ops::RangeInclusive;

use serde_json::Value;

use super::iptables::network;
use super::rule::{Act, Asks, Base, Chain, Hook, Rule, Ruleset, Test};

/// The elements of named sets and maps, by family, table and name.
type Named = BTreeMap<(String, String, String), Vec<Value>>;

/// Reads the rules, and names the tables that iptables made and whose rules can be read by its own command alone.
///
/// # Errors
/// When it is no such document.
pub(in super::super) fn parse(text: &str) -> Result<(Ruleset, BTreeSet<String>), String> {
    let document: Value = serde_json::from_str(text).map_err(|error| format!("`nft -j` printed no JSON: {error}"))?;
    let items = document
        .get("nftables")
        .and_then(Value::as_array)
        .ok_or("`nft -j` printed no rules")?;
    let of = |kind: &'static str| items.iter().filter_map(move |item| item.get(kind));
    let place = |item: &Value| (word(item, "family"), word(item, "table"), word(item, "name"));
    let named: Named = of("set")
        .chain(of("map"))
        .map(|item| (place(item), list(item.get("elem"))))
        .collect();
    let mut rules = Ruleset {
        chains: of("chain").map(chain).collect(),
    };
    let mut foreign = BTreeSet::new();
    for item in of("rule") {
        let (family, table, name) = (word(item, "family"), word(item, "table"), word(item, "chain"));
        let expressions = list(item.get("expr"));
        if expressions.iter().any(|expression| expression.get("xt").is_some()) {
            foreign.insert(table.clone());
        }
        let found = rules
            .chains
            .iter_mut()
            .find(|chain| chain.family == family && chain.table == table && chain.name == name);
        if let Some(chain) = found {
            let lookup = |set: &str| {
                let key = (family.clone(), table.clone(), set.trim_start_matches('@').to_owned());
                named.get(&key).cloned()
            };
            chain.rules.extend(read_rule(&expressions, &lookup));
        }
    }
    rules
        .chains
        .retain(|chain| ["ip", "inet", "netdev"].contains(&chain.family.as_str()));
    // Another kind of chain changes packets and drops none.
    Ok((rules, foreign))
}

fn word(item: &Value, key: &str) -> String {
    item.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn list(value: Option<&Value>) -> Vec<Value> {
    match value {
        Some(Value::Array(all)) => all.clone(),
        Some(one) => vec![one.clone()],
        None => Vec::new(),
    }
}

fn chain(item: &Value) -> Chain {
    let hook = match word(item, "hook").as_str() {
        "ingress" => Some(Hook::Ingress),
        "prerouting" => Some(Hook::Prerouting),
        "input" => Some(Hook::Input),
        "output" => Some(Hook::Output),
        "postrouting" => Some(Hook::Postrouting),
        _ => None,
    };
    let filters = word(item, "type") != "nat";
    let link = item.get("dev").and_then(Value::as_str).map(str::to_owned);
    Chain {
        family: word(item, "family"),
        table: word(item, "table"),
        name: word(item, "name"),
        variant: None,
        base: hook.filter(|_| filters).map(|hook| Base {
            hook,
            priority: item.get("prio").and_then(Value::as_i64).unwrap_or_default(),
            accepts: word(item, "policy") != "drop",
            link,
        }),
        rules: Vec::new(),
    }
}

/// A rule; where a map holds what to do, one for each of its elements.
fn read_rule(expressions: &[Value], lookup: &dyn Fn(&str) -> Option<Vec<Value>>) -> Vec<Rule> {
    let mut tests = Vec::new();
    let mut shown = Vec::new();
    for expression in expressions {
        let Some((kind, body)) = expression.as_object().and_then(|object| object.iter().next()) else {
            continue;
        };
        let with = |act: Act, tests: &[Test], shown: &[String]| Rule {
            text: shown.join(" "),
            tests: tests.to_vec(),
            act,
        };
        match kind.as_str() {
            "match" => {
                let (read, words) = matching(body, lookup);
                tests.extend(read);
                shown.push(words);
            }
            "accept" | "drop" | "reject" | "jump" | "goto" | "return" | "queue" => {
                shown.push(kind.clone());
                return vec![with(act(expression), &tests, &shown)];
            }
            "vmap" => {
                let left = body.get("key").unwrap_or(&Value::Null);
                let elements = elements(body.get("data").unwrap_or(&Value::Null), lookup);
                let Some(elements) = elements else {
                    tests.push(Asks::Unknown.test());
                    return vec![with(Act::Other, &tests, &shown)];
                };
                return elements
                    .iter()
                    .filter_map(|pair| Some((pair.get(0)?, pair.get(1)?)))
                    .map(|(key, action)| {
                        let mut all = tests.clone();
                        all.extend(asks(left, std::slice::from_ref(key)).into_iter().map(Asks::test));
                        let words = format!("{} {} : {}", name_of(left), plain(key), name_of(action));
                        with(act(action), &all, &[shown.as_slice(), &[words]].concat())
                    })
                    .collect();
            }
            // They decide nothing.
            "counter" | "log" | "comment" | "mangle" | "notrack" | "meter" | "ct helper" | "set" => {}
            // A limit, a module of iptables, and what is new: nobody knows whether it fits.
            other => {
                shown.push(other.to_owned());
                tests.push(Asks::Unknown.test());
            }
        }
    }
    vec![Rule {
        text: shown.join(" "),
        tests,
        act: Act::Nothing,
    }]
}

fn act(expression: &Value) -> Act {
    let target = |kind: &str| {
        let body = expression.get(kind)?;
        Some(word(body, "target"))
    };
    let is = |kind: &str| expression.get(kind).is_some();
    match () {
        () if is("accept") => Act::Accept,
        () if is("drop") || is("reject") => Act::Drop,
        () if is("return") => Act::Return,
        () if is("continue") => Act::Nothing,
        () => match (target("jump"), target("goto")) {
            (Some(chain), _) => Act::Jump(chain),
            (None, Some(chain)) => Act::Goto(chain),
            (None, None) => Act::Other,
        },
    }
}

/// What a match asks, and its words.
fn matching(body: &Value, lookup: &dyn Fn(&str) -> Option<Vec<Value>>) -> (Vec<Test>, String) {
    let (left, right) = (
        body.get("left").unwrap_or(&Value::Null),
        body.get("right").unwrap_or(&Value::Null),
    );
    let operator = word(body, "op");
    let words = match operator.as_str() {
        "==" | "in" => format!("{} {}", name_of(left), plain(right)),
        operator => format!("{} {operator} {}", name_of(left), plain(right)),
    };
    let is_not = match operator.as_str() {
        "==" | "in" => false,
        "!=" => true,
        _ => return (vec![Asks::Unknown.test()], words),
    };
    let Some(elements) = elements(right, lookup) else {
        return (vec![Asks::Unknown.test()], words);
    };
    let mut tests = asks(left, &elements);
    let Some(last) = tests.pop() else {
        return (vec![Asks::Unknown.test()], words);
    };
    // What goes before, such as the protocol of a port, is never meant otherwise.
    let mut all: Vec<Test> = tests.into_iter().map(Asks::test).collect();
    all.push(Test { asks: last, is_not });
    (all, words)
}

/// The values on the right: of a set, of a list, or the one.
fn elements(value: &Value, lookup: &dyn Fn(&str) -> Option<Vec<Value>>) -> Option<Vec<Value>> {
    let all = match value {
        Value::String(name) if name.starts_with('@') => lookup(name)?,
        Value::Array(all) => all.clone(),
        value => match value.get("set") {
            Some(set) => list(Some(set)),
            None => vec![value.clone()],
        },
    };
    // An element may carry a time or a counter.
    let inner = |value: Value| {
        value
            .get("elem")
            .and_then(|elem| elem.get("val"))
            .cloned()
            .unwrap_or(value)
    };
    Some(all.into_iter().map(inner).collect())
}

/// What the left side asks for, if it asks for these; the condition itself comes last.
fn asks(left: &Value, values: &[Value]) -> Vec<Asks> {
    let texts = || -> BTreeSet<String> { values.iter().map(plain).collect() };
    if let Some(key) = left.get("meta").map(|meta| word(meta, "key")) {
        return vec![match key.as_str() {
            "iifname" | "iif" => Asks::ArrivesBy(texts()),
            "oifname" | "oif" => Asks::LeavesBy(texts()),
            "l4proto" => Asks::Protocol(texts()),
            "nfproto" | "protocol" => Asks::Family(texts()),
            "pkttype" => Asks::Cast(texts()),
            _ => Asks::Unknown,
        }];
    }
    if left.get("ct").is_some_and(|ct| word(ct, "key") == "state") {
        return vec![Asks::State(texts())];
    }
    let Some(payload) = left.get("payload") else {
        return vec![Asks::Unknown];
    };
    let (protocol, field) = (word(payload, "protocol"), word(payload, "field"));
    let ranges = || values.iter().map(ports).collect::<Option<Vec<_>>>();
    let networks = || values.iter().map(addresses).collect::<Option<Vec<_>>>();
    let of_protocol = (protocol != "th").then(|| Asks::Protocol(BTreeSet::from([protocol.clone()])));
    match (protocol.as_str(), field.as_str()) {
        ("udp" | "tcp" | "th" | "sctp" | "dccp" | "udplite", "dport" | "sport") => {
            let asks = match (ranges(), field.as_str()) {
                (Some(ranges), "dport") => Asks::ToPort(ranges),
                (Some(ranges), _) => Asks::FromPort(ranges),
                (None, _) => Asks::Unknown,
            };
            of_protocol.into_iter().chain([asks]).collect()
        }
        ("ip", "saddr") => vec![networks().map_or(Asks::Unknown, Asks::From)],
        ("ip", "daddr") => vec![networks().map_or(Asks::Unknown, Asks::To)],
        ("ip", "protocol") => vec![Asks::Protocol(texts())],
        // What is said of IPv6 and of ICMP is not said of these packets.
        ("ip6" | "icmp" | "icmpv6" | "arp", _) => vec![Asks::Protocol(BTreeSet::from([protocol]))],
        _ => vec![Asks::Unknown],
    }
}

fn ports(value: &Value) -> Option<RangeInclusive<u16>> {
    let number = |value: &Value| match value {
        Value::Number(number) => u16::try_from(number.as_u64()?).ok(),
        Value::String(name) => service(name),
        _ => None,
    };
    match value.get("range").and_then(Value::as_array).map(Vec::as_slice) {
        Some([first, last]) => Some(number(first)?..=number(last)?),
        Some(_) => None,
        None => number(value).map(|port| port..=port),
    }
}

/// The names of services that older versions of nft print in place of numbers.
fn service(name: &str) -> Option<u16> {
    Some(match name {
        "bootps" => 67,
        "bootpc" => 68,
        "tftp" => 69,
        "http" => 80,
        "https" => 443,
        "http-alt" => 8080,
        "syslog" => 514,
        "ssh" => 22,
        "domain" => 53,
        other => return other.parse().ok(),
    })
}

fn addresses(value: &Value) -> Option<(Ipv4Addr, Ipv4Addr)> {
    if let Some(prefix) = value.get("prefix") {
        let length = prefix.get("len").and_then(Value::as_u64)?;
        return network(&format!("{}/{length}", word(prefix, "addr")));
    }
    match value.get("range").and_then(Value::as_array).map(Vec::as_slice) {
        Some([first, last]) => Some((first.as_str()?.parse().ok()?, last.as_str()?.parse().ok()?)),
        Some(_) => None,
        None => network(value.as_str()?),
    }
}

/// A value as people write it.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(all) => all.iter().map(plain).collect::<Vec<_>>().join(","),
        Value::Object(_) => {
            if let Some(set) = value.get("set") {
                let all: Vec<String> = list(Some(set)).iter().map(plain).collect();
                return format!("{{ {} }}", all.join(", "));
            }
            if let Some(Value::Array(ends)) = value.get("range") {
                return ends.iter().map(plain).collect::<Vec<_>>().join("-");
            }
            if let Some(prefix) = value.get("prefix") {
                return format!(
                    "{}/{}",
                    word(prefix, "addr"),
                    prefix.get("len").map(plain).unwrap_or_default()
                );
            }
            value.to_string()
        }
        other => other.to_string(),
    }
}

/// The left side of a match, or a verdict, as people write it.
fn name_of(value: &Value) -> String {
    if let Some(meta) = value.get("meta") {
        return word(meta, "key");
    }
    if let Some(ct) = value.get("ct") {
        return format!("ct {}", word(ct, "key"));
    }
    if let Some(payload) = value.get("payload") {
        return format!("{} {}", word(payload, "protocol"), word(payload, "field"));
    }
    match value.as_object().and_then(|object| object.iter().next()) {
        Some((kind, body)) if body.get("target").is_some() => format!("{kind} {}", word(body, "target")),
        Some((kind, _)) => kind.clone(),
        None => plain(value),
    }
}
