//! `bootwright lease`: who has which address.

use bootwright_proto::http::api::LeaseList;

use super::Exit;
use super::age::Now;
use super::argument::LeaseVerb;
use super::client::{Client, escape};
use super::failure::Failure;
use super::print::Printer;
use super::table::{Table, or_dash};

/// How many leases are asked for at once.
const PAGE_LEASES: usize = 1000;

pub(super) async fn run(client: &Client, printer: Printer, verb: LeaseVerb) -> Result<Exit, Failure> {
    match verb {
        LeaseVerb::List { text, limit } => list(client, printer, text, limit).await,
    }
}

async fn list(client: &Client, printer: Printer, text: Option<String>, limit: Option<usize>) -> Result<Exit, Failure> {
    let mut all = LeaseList::default();
    loop {
        let wanted = limit.map_or(PAGE_LEASES, |limit| limit.saturating_sub(all.leases.len()));
        if wanted == 0 {
            break;
        }
        let mut path = format!("leases?limit={}", wanted.min(PAGE_LEASES));
        for (name, value) in [("text", &text), ("after", &all.next)] {
            if let Some(value) = value {
                path.push_str(&format!("&{name}={}", escape(value)));
            }
        }
        let page = client.get::<LeaseList>(&path).await?.document;
        all.leases.extend(page.leases);
        all.next = page.next;
        if all.next.is_none() {
            break;
        }
    }
    printer.document(&all, |list| words(list, text.is_some(), Now::read()))?;
    Ok(Exit::Good)
}

fn words(list: &LeaseList, filtered: bool, now: Now) -> String {
    if list.leases.is_empty() {
        return if filtered {
            "no lease fits\n".to_owned()
        } else {
            "no address was leased yet\n".to_owned()
        };
    }
    let mut table = Table::new(&["ADDRESS", "MAC", "HOST", "STATE", "UNTIL", "CALLS ITSELF"]);
    for lease in &list.leases {
        let until = now.relative(&lease.until);
        let ended = lease.state == "bound" && until.ends_with("ago");
        table.row([
            lease.address.clone(),
            lease.mac.clone(),
            or_dash(lease.host.as_deref()),
            if ended { "ended".to_owned() } else { lease.state.clone() },
            until,
            or_dash(lease.host_name.as_deref()),
        ]);
    }
    table.text("")
}
