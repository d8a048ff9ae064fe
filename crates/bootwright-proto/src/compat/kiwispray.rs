//! KIWIspray: `docs/dialects.md`, section 2.

use bootwright_core::{MacAddr, Token};

use super::{file, split};
use crate::http::{Query, RelativePath};

/// `/bootstrap.ipxe`: asks on each card in turn for an address, says what the machine is, and asks again for a while.
/// KIWIspray's own tells up to eight cards, and begins anew after an hour's trying.
pub const BOOTSTRAP: &str = "#!ipxe
set tries:int32 0
:again
isset ${netX/ip} || dhcp || goto failed
set facts serial=${serial:uristring}&uuid=${uuid}&dhcp_mac=${netX/mac:hexhyp}
set card:int32 0
:cards
isset ${net${card}/mac} || goto told
set facts ${facts}&net${card}=${net${card}/mac:hexhyp}
inc card
iseq ${card} 8 || goto cards
:told
chain --replace --autofree bootstrap?${facts} || goto failed
:failed
inc tries
echo Waiting for the server, try ${tries} of 60
sleep ${tries}
iseq ${tries} 60 || goto again
sleep 60
reboot
";

/// What a request without `id` is told.
pub const NO_ID: &str = "invalid query, no id\n\n";
/// What a report with a token that is none is told.
pub const BAD_BOOTID: &str = "invalid bootid\n\n";
/// What an update is told while the machine is not being discovered.
pub const BAD_STATE: &str = "invalid state\n\n";
/// What an update is told that was taken.
pub const OK: &str = "ok\n";
/// What an update with another key is told.
pub const UNHANDLED: &str = "unhandled post_data key\n";
/// What any other POST is told.
pub const BAD_REQUEST: &str = "bad request\n";
/// What is told of a path that is nothing.
pub const NO_FILE: &str = "file not found\n";

/// A question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// For what.
    pub route: Route,
    /// What came behind the question mark.
    pub query: Query,
}

/// A route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// `/bootstrap.ipxe`.
    BootstrapScript,
    /// `/bootstrap?net0=…&serial=…&uuid=…`.
    Bootstrap,
    /// `/post-install?id=&bootid=`.
    PostInstall,
    /// `/finish?id=&bootid=`.
    Finish,
    /// `/state?id=`.
    State,
    /// `/hosts`.
    Hosts,
    /// `/update?id=&bootid=`.
    Update,
    /// `/images/<image>/…`.
    File(RelativePath),
}

impl Route {
    /// The name of the route, which holds nothing that a machine sent.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::BootstrapScript => "/bootstrap.ipxe",
            Self::Bootstrap => "/bootstrap",
            Self::PostInstall => "/post-install",
            Self::Finish => "/finish",
            Self::State => "/state",
            Self::Hosts => "/hosts",
            Self::Update => "/update",
            Self::File(_) => "/images",
        }
    }
}

/// Reads a target; nothing if it is none of KIWIspray's.
#[must_use]
pub fn parse(target: &[u8]) -> Option<Request> {
    let (segments, query) = split(target)?;
    let words: Vec<&str> = segments.iter().map(String::as_str).collect();
    let route = match words.as_slice() {
        ["bootstrap.ipxe"] => Route::BootstrapScript,
        ["bootstrap"] => Route::Bootstrap,
        ["post-install"] => Route::PostInstall,
        ["finish"] => Route::Finish,
        ["state"] => Route::State,
        ["hosts"] => Route::Hosts,
        ["update"] => Route::Update,
        ["images", _, ..] => Route::File(file(segments.get(1..)?)?),
        _ => return None,
    };
    Some(Request { route, query })
}

/// The host and the token that a report names; the token is nothing where it is none of ours.
///
/// # Errors
/// Where no host is named.
pub fn report(query: &Query) -> Result<(String, Option<Token>), &'static str> {
    let id = query.get("id").ok_or(NO_ID)?;
    Ok((id, query.get("bootid").and_then(|text| Token::parse(&text))))
}

/// The answer to a machine that has finished.
#[must_use]
pub fn finished(id: &str) -> String {
    format!("host {id} successfully transitioned to finished state\n\n")
}

/// The answer to a report of a host that is none, or with a token that is none of its.
#[must_use]
pub fn not_finished(id: &str, bootid: &str) -> String {
    format!("host {} not found or bootid {} invalid\n\n", word(id), word(bootid))
}

/// The answer about a host that is none.
#[must_use]
pub fn not_found(id: &str) -> String {
    format!("host {} not found\n\n", word(id))
}

fn word(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_graphic()).take(64).collect()
}

/// A line of `/hosts`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// The number in the list.
    pub id: &'a str,
    /// The name.
    pub hostname: &'a str,
    /// The states that are still to come, the present one first, separated by commas.
    pub state: &'a str,
    /// The serial number.
    pub serial: &'a str,
}

/// `/hosts`: a table.
#[must_use]
pub fn hosts(lines: &[Line<'_>]) -> String {
    let line =
        |id: &str, hostname: &str, state: &str, serial: &str| format!("{id:>4} {hostname:<20} {state:<10} {serial}\n");
    let mut table = line("#Id", "Hostname", "State", "Serial#");
    for host in lines {
        table.push_str(&line(host.id, host.hostname, host.state, host.serial));
    }
    table
}

/// What a machine that is being discovered says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Update {
    /// Its cards.
    pub macs: Vec<MacAddr>,
    /// Its metadata, nested names joined by points.
    pub metadata: Vec<(String, String)>,
}

impl Update {
    /// Reads a form (`application/x-www-form-urlencoded`). JSON that is none is passed over, as KIWIspray does.
    ///
    /// # Errors
    /// [`UNHANDLED`] for a key that is neither `mac` nor `metadata`.
    pub fn read(body: &[u8]) -> Result<Self, &'static str> {
        let mut spaced = Vec::with_capacity(body.len());
        for byte in body {
            match byte {
                b'+' => spaced.extend_from_slice(b"%20"),
                b'\r' | b'\n' => {}
                byte => spaced.push(*byte),
            }
        }
        let mut update = Self::default();
        for (key, value) in Query::new(&spaced).items() {
            match key.as_str() {
                "mac" => update
                    .macs
                    .extend(value.split_whitespace().filter_map(|mac| mac.parse::<MacAddr>().ok())),
                "metadata" => {
                    if let Ok(serde_json::Value::Object(object)) = serde_json::from_str(&value) {
                        flatten("", &serde_json::Value::Object(object), &mut update.metadata);
                    }
                }
                _ => return Err(UNHANDLED),
            }
        }
        Ok(update)
    }
}

fn flatten(name: &str, value: &serde_json::Value, flat: &mut Vec<(String, String)>) {
    use serde_json::Value;
    let below = |key: &str| {
        if name.is_empty() {
            key.to_owned()
        } else {
            format!("{name}.{key}")
        }
    };
    match value {
        Value::Object(object) => object.iter().for_each(|(key, value)| flatten(&below(key), value, flat)),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                flatten(&below(&index.to_string()), item, flat);
            }
        }
        Value::Null => {}
        Value::String(text) => flat.push((name.to_owned(), text.clone())),
        Value::Bool(_) | Value::Number(_) => flat.push((name.to_owned(), value.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_hosts_is_kiwisprays_byte_for_byte() {
        let line = |id, hostname, state, serial| Line {
            id,
            hostname,
            state,
            serial,
        };
        let table = hosts(&[
            line("1", "node1", "wipe,leap", "ABC123"),
            line("2", "not-set", "new", "X"),
        ]);
        assert_eq!(table, include_str!("../../test_data/compat/kiwispray/2.6-hosts.txt"));
    }

    #[test]
    fn an_update_is_read_from_a_form() {
        let body = b"mac=aa:bb:cc:dd:ee:01&mac=aa-bb-cc-dd-ee-02&metadata=%7B%22cpu%22%3A%20%7B%22n%22%3A+4%7D%2C%22r%22%3A%22a+b%22%7D";
        let update = Update::read(body).expect("a form");
        assert_eq!(update.macs.len(), 2);
        let wanted = [("cpu.n", "4"), ("r", "a b")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(update.metadata, wanted);
        assert_eq!(Update::read(b"metadata=nonsense"), Ok(Update::default()));
        assert_eq!(Update::read(b"serial=x"), Err(UNHANDLED));
    }

    #[test]
    fn reports_name_a_host_and_a_token() {
        let query = |text: &str| Query::new(text.as_bytes());
        assert_eq!(report(&query("bootid=x")), Err(NO_ID));
        let token = "ab".repeat(16);
        assert_eq!(
            report(&query(&format!("id=oak&bootid={token}"))),
            Ok(("oak".to_owned(), Token::parse(&token)))
        );
        assert_eq!(report(&query("id=7&bootid=none_given")), Ok(("7".to_owned(), None)));
        assert_eq!(not_finished("7\n", "x"), "host 7 not found or bootid x invalid\n\n");
    }

    #[test]
    fn targets_are_read_as_kiwispray_read_them_but_no_file_beside_the_images() {
        let name = |target: &str| parse(target.as_bytes()).map(|request| request.route.name());
        assert_eq!(name("/bootstrap?net0=x"), Some("/bootstrap"));
        assert_eq!(name("/images/leap/pxeboot.kernel"), Some("/images"));
        for none in [
            "/known_hosts.json",
            "/ks.py",
            "/images",
            "/images/../known_hosts.json",
            "/",
        ] {
            assert_eq!(name(none), None, "{none}");
        }
    }
}
