//! `bootwright events`: the record, and what is added to it.

mod stream;

use std::os::fd::AsFd as _;
use std::time::Duration;

use bootwright_proto::http::api::{EventPage, EventView, Status};

use super::Exit;
use super::age;
use super::argument::EventOptions;
use super::client::{Client, escape};
use super::failure::Failure;
use super::print::{self, Printer};
use super::table::safe;
use stream::Reader;
use tokio::io::Interest;
use tokio::net::unix::pipe::Sender;

/// The most events that one question asks for.
const PAGE_EVENTS: usize = 1000;

/// How long to wait before a daemon that does not answer is asked again: at first, and at most.
const PAUSE_MIN: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(5);

pub(super) async fn run(client: &Client, printer: Printer, options: &EventOptions) -> Result<Exit, Failure> {
    let only_new = options.follow && options.since.is_none() && options.limit.is_none();
    let last = if only_new {
        client.get::<Status>("status").await?.document.store.seq
    } else {
        past(client, printer, options).await?
    };
    if options.follow {
        tokio::select! {
            ended = follow(client, printer, options.host.as_deref(), last) => ended?,
            // Such as `head`, which has seen enough: nothing may be printed for hours that would tell.
            () = reader_gone() => return Err(Failure::ReaderGone),
        }
    }
    Ok(Exit::Good)
}

/// Prints what is recorded already, and returns the place up to which that was.
async fn past(client: &Client, printer: Printer, options: &EventOptions) -> Result<u64, Failure> {
    let host = host_filter(options.host.as_deref());
    if let (Some(limit), None) = (options.limit, options.since) {
        let path = format!("events?last=1&limit={limit}{host}");
        let page = client.get::<EventPage>(&path).await?.document;
        print_events(printer, &page.events)?;
        return Ok(page.next);
    }
    let mut after = options.since.unwrap_or(0);
    let mut wanted = options.limit.unwrap_or(usize::MAX);
    loop {
        let path = format!("events?after={after}&limit={}{host}", wanted.min(PAGE_EVENTS));
        let page = client.get::<EventPage>(&path).await?.document;
        print_events(printer, &page.events)?;
        after = page.next;
        wanted = wanted.saturating_sub(page.events.len());
        if !page.more || wanted == 0 {
            return Ok(after);
        }
    }
}

fn host_filter(host: Option<&str>) -> String {
    host.map(|host| format!("&host={}", escape(host))).unwrap_or_default()
}

/// Prints what is recorded from now on. A daemon that ends is waited for: the record goes on where it was.
async fn follow(client: &Client, printer: Printer, host: Option<&str>, from: u64) -> Result<(), Failure> {
    let path = match host {
        Some(host) => format!("events?host={}", escape(host)),
        None => "events".to_owned(),
    };
    let (mut last, mut pause, mut told) = (from, PAUSE_MIN, false);
    loop {
        match client.stream(&path, last).await {
            Ok(body) => {
                if told {
                    eprintln!("the daemon answers again");
                }
                (pause, told) = (PAUSE_MIN, false);
                let mut reader = Reader::new(body);
                while let Some(event) = reader.next().await {
                    // A stream that begins anew may repeat what was seen.
                    if event.seq > last {
                        last = event.seq;
                        print_events(printer, &[event])?;
                    }
                }
            }
            // It may be on its way up again.
            Err(Failure::NoDaemon { .. } | Failure::Broken(_)) => {}
            Err(failure) => return Err(failure),
        }
        if !told {
            eprintln!("the daemon has ended the stream; waiting for it");
            told = true;
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

/// Ends when nobody reads what is printed any more. A file is always read.
async fn reader_gone() {
    // A descriptor of its own is only looked at: what is printed goes through the standard one.
    let output = std::io::stdout().as_fd().try_clone_to_owned();
    let Ok(output) = output.and_then(Sender::from_owned_fd_unchecked) else {
        return std::future::pending().await;
    };
    loop {
        match output.ready(Interest::ERROR).await {
            Ok(ready) if ready.is_error() || ready.is_write_closed() => return,
            Ok(_) => {}
            Err(_) => return std::future::pending().await,
        }
    }
}

fn print_events(printer: Printer, events: &[EventView]) -> Result<(), Failure> {
    let mut text = String::new();
    for event in events {
        if printer.is_json() {
            let line = serde_json::to_string(event).map_err(|error| Failure::Broken(error.to_string()))?;
            text.push_str(&line);
        } else {
            text.push_str(&event_words(event));
        }
        text.push('\n');
    }
    Ok(print::raw(text.as_bytes())?)
}

/// One line: time, verb, host, what people should know. The columns are wide enough for what is usual.
fn event_words(event: &EventView) -> String {
    let time = age::local(&event.time);
    let host = event.host.as_deref().unwrap_or("-");
    format!(
        "{:>6}  {time}  {:<6}  {host:<12}  {}",
        event.seq,
        event.verb,
        safe(&event.note)
    )
}
