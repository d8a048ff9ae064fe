//! `bootwright export`: what operators have decided about hosts, as configuration.

use std::collections::BTreeMap;

use bootwright_proto::http::api::{HostDetail, HostList};
use serde::Serialize;
use toml::{Table, Value};

use super::Exit;
use super::client::{Client, escape};
use super::failure::Failure;
use super::print::{self, Printer};

/// What `[hosts]` says of one host.
#[derive(Serialize)]
struct Adopted {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    mac: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uuid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    serial: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    labels: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Table::is_empty")]
    metadata: Table,
}

/// Prints the hosts of these names, or all, as tables of the configuration.
pub(super) async fn run(client: &Client, printer: Printer, names: &[String]) -> Result<Exit, Failure> {
    let names = if names.is_empty() {
        all(client).await?
    } else {
        names.to_vec()
    };
    let mut found = BTreeMap::new();
    let mut text = String::new();
    for name in names {
        let host = client
            .get::<HostDetail>(&format!("hosts/{}", escape(&name)))
            .await?
            .document;
        let (name, configured) = (host.summary.host.clone(), host.configured);
        let adopted = adopted(host);
        if !printer.is_json() {
            text.push_str(&section(&name, &adopted, configured)?);
        }
        found.insert(name, adopted);
    }
    if printer.is_json() {
        printer.document(&BTreeMap::from([("hosts", found)]), |_| String::new())?;
    } else {
        print::raw(text.as_bytes())?;
    }
    Ok(Exit::Good)
}

async fn all(client: &Client) -> Result<Vec<String>, Failure> {
    let mut names = Vec::new();
    let mut route = "hosts?limit=1000".to_owned();
    loop {
        let list = client.get::<HostList>(&route).await?.document;
        names.extend(list.hosts.into_iter().map(|host| host.host));
        match list.next {
            Some(next) => route = format!("hosts?limit=1000&after={}", escape(&next)),
            None => return Ok(names),
        }
    }
}

fn adopted(host: HostDetail) -> Adopted {
    // What several machines share, or makers leave empty, tells none from another.
    let cards = host.facts.cards.into_iter().filter(|card| card.quality == "good");
    let mut metadata = Table::new();
    for (name, value) in host.metadata {
        let parts: Vec<&str> = name.split('.').collect();
        put(&mut metadata, &parts, value);
    }
    Adopted {
        mac: cards.map(|card| card.mac).collect(),
        uuid: host.facts.uuid,
        serial: host.facts.serial,
        profile: host.summary.profile,
        labels: host.summary.labels,
        metadata,
    }
}

/// Names with dots are tables within tables, as people write them.
fn put(table: &mut Table, parts: &[&str], value: String) {
    match parts {
        [] => {}
        [last] => {
            table.insert((*last).to_owned(), Value::String(value));
        }
        [first, rest @ ..] => {
            let below = table.entry(*first).or_insert_with(|| Value::Table(Table::new()));
            match below {
                Value::Table(below) => put(below, rest, value),
                // A name that is the beginning of another: the longer one says more.
                other => {
                    let mut below = Table::new();
                    put(&mut below, rest, value);
                    *other = Value::Table(below);
                }
            }
        }
    }
}

fn section(name: &str, adopted: &Adopted, configured: bool) -> Result<String, Failure> {
    let table = BTreeMap::from([("hosts", BTreeMap::from([(name, adopted)]))]);
    let text = toml::to_string(&table).map_err(|error| Failure::Broken(error.to_string()))?;
    if !configured {
        return Ok(format!("{text}\n"));
    }
    // A name that is given twice would be an error: it is for whoever brings the other table up to date.
    let commented: String = text.lines().map(|line| format!("# {line}\n")).collect();
    Ok(format!(
        "# `{name}` stands in the configuration already:\n{commented}\n"
    ))
}
