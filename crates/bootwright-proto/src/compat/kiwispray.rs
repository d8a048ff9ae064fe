//! KIWIspray: `docs/dialects.md`, section 2.

use bootwright_core::{MacAddr, Token};

use super::{file, split};
use crate::http::{Query, RelativePath, facts};

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
/// What is told where something of ours goes wrong, spelled as there.
pub const ERROR: &str = "an error occured\n";
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
    /// Reads a form, of either kind (`application/x-www-form-urlencoded`, or `multipart/form-data` as curl's `-F` sends it). JSON
    /// that is none is passed over, as KIWIspray does.
    ///
    /// # Errors
    /// [`UNHANDLED`] for a key that is neither `mac` nor `metadata`, and for a body that is no form.
    pub fn read(content_type: Option<&str>, body: &[u8]) -> Result<Self, &'static str> {
        let content_type = content_type.unwrap_or_default();
        let fields = match content_type.to_ascii_lowercase().starts_with("multipart/") {
            true => parts(content_type, body).ok_or(UNHANDLED)?,
            false => form(body),
        };
        let mut update = Self::default();
        for (key, value) in fields {
            match key.as_str() {
                "mac" => update
                    .macs
                    .extend(value.split_whitespace().filter_map(|mac| mac.parse::<MacAddr>().ok())),
                "metadata" => update.metadata.extend(facts(value.as_bytes()).unwrap_or_default()),
                _ => return Err(UNHANDLED),
            }
        }
        Ok(update)
    }
}

/// The fields of a form in one line.
fn form(body: &[u8]) -> Vec<(String, String)> {
    let mut spaced = Vec::with_capacity(body.len());
    for byte in body {
        match byte {
            b'+' => spaced.extend_from_slice(b"%20"),
            b'\r' | b'\n' => {}
            byte => spaced.push(*byte),
        }
    }
    Query::new(&spaced).items().collect()
}

/// The fields of a form in parts (RFC 2046 section 5.1.1, RFC 7578 section 4); nothing if it is none.
fn parts(content_type: &str, body: &[u8]) -> Option<Vec<(String, String)>> {
    let boundary = parameter(content_type, "boundary").filter(|text| (1..=70).contains(&text.len()))?;
    let body = String::from_utf8_lossy(body);
    let mut fields = Vec::new();
    // What stands before the first boundary is for people, and so is what follows the last, which ends in `--`.
    let opened = body.strip_prefix(&format!("--{boundary}")).map(str::to_owned);
    let opened = opened.or_else(|| Some(body.split_once(&format!("\r\n--{boundary}"))?.1.to_owned()))?;
    for part in opened.split(&format!("\r\n--{boundary}")) {
        if part.starts_with("--") {
            return Some(fields);
        }
        let (head, value) = part.split_once("\r\n\r\n")?;
        let named = head.lines().find_map(|line| {
            let (field, text) = line.split_once(':')?;
            field
                .eq_ignore_ascii_case("content-disposition")
                .then(|| parameter(text, "name"))?
        });
        fields.push((named?, value.to_owned()));
    }
    None
}

/// A parameter of a field, with or without quotation marks.
fn parameter(text: &str, name: &str) -> Option<String> {
    text.split(';').skip(1).find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        let value = value.trim();
        let bare = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        key.trim()
            .eq_ignore_ascii_case(name)
            .then(|| bare.unwrap_or(value).to_owned())
    })
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
        let update = Update::read(None, body).expect("a form");
        assert_eq!(update.macs.len(), 2);
        let wanted = [("cpu.n", "4"), ("r", "a b")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(update.metadata, wanted);
        assert_eq!(Update::read(None, b"metadata=nonsense"), Ok(Update::default()));
        assert_eq!(Update::read(None, b"serial=x"), Err(UNHANDLED));
    }

    #[test]
    fn an_update_is_read_from_a_form_in_parts() {
        // As curl 7.88 sends `-F mac=… -F 'metadata={"r": "a+b"}'`.
        let kind = "multipart/form-data; boundary=------------------------d74496d66958873e";
        let body = "--------------------------d74496d66958873e\r\nContent-Disposition: form-data; name=\"mac\"\r\n\r\n\
                    AA:BB:CC:DD:EE:01\r\n--------------------------d74496d66958873e\r\n\
                    Content-Disposition: form-data; name=\"metadata\"\r\nContent-Type: application/json\r\n\r\n\
                    {\"r\": \"a+b\"}\r\n--------------------------d74496d66958873e--\r\n";
        let update = Update::read(Some(kind), body.as_bytes()).expect("a form");
        assert_eq!(update.macs, ["aa:bb:cc:dd:ee:01".parse().expect("an address")]);
        assert_eq!(update.metadata, [("r".to_owned(), "a+b".to_owned())]);
        let other = body.replace("name=\"mac\"", "name=\"colour\"");
        assert_eq!(Update::read(Some(kind), other.as_bytes()), Err(UNHANDLED));
        for (kind, body) in [
            ("multipart/form-data", body.to_owned()),
            ("multipart/form-data; boundary=\"\"", body.to_owned()),
            (kind, body.replace("3e--", "3e")),
            (kind, String::new()),
            (kind, body.replace("\r\n\r\n", "\n")),
        ] {
            assert_eq!(
                Update::read(Some(kind), body.as_bytes()),
                Err(UNHANDLED),
                "{kind}\n{body}"
            );
        }
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
