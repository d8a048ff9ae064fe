//! The same beside somebody else's client: perfdhcp, Kea's own. From 10,000 exchanges a second on it never sleeps, so that it
//! has one of two processors for itself, and its rate is no longer the server's.

use std::collections::BTreeMap;
use std::process::Stdio;

use anyhow::{Context as _, Result, bail};

use super::CONTENDERS;
use crate::bench::contender::Contender;
use crate::bench::ground::{CLIENT, End, SERVER};
use crate::bench::measure::Bench;
use crate::bench::table::{Spread, Table};
use crate::process;

/// The rate at which the search for the greatest begins, in exchanges a second.
const FIRST_RATE: u32 = 500;

/// The greatest rate that is tried: more clients than that in one measurement would not fit into the pool.
const LAST_RATE: u32 = 32_000;

/// How many of a hundred exchanges may stay without an answer within [`DROP_SECONDS`], as Kea's own reports have it.
const DROPS_MAX: f64 = 2.5;

/// When an answer counts as lost.
const DROP_SECONDS: u32 = 1;

/// How often the span between a rate that was reached and one that was not is halved.
const HALVINGS: u32 = 3;

#[derive(Default)]
struct Figures {
    rate: Spread,
    cpu_micros: Spread,
    offer_ms: Spread,
    ack_ms: Spread,
}

/// What one attempt gave.
struct Attempt {
    /// ACKs a second.
    rate: f64,
    cpu_micros: f64,
    offer_ms: f64,
    ack_ms: f64,
    /// Exchanges of a hundred that did not come to an ACK, or were never begun at the rate asked for.
    missing: f64,
}

pub(in crate::bench) fn run(bench: &mut Bench) -> Result<()> {
    let seconds = if bench.quick { 2 } else { 5 };
    let mut found: BTreeMap<Contender, Figures> = BTreeMap::new();
    for round in 1..=bench.rounds {
        for contender in CONTENDERS {
            let best = search(bench, contender, round, seconds)?;
            let figures = found.entry(contender).or_default();
            figures.rate.add(best.rate);
            figures.cpu_micros.add(best.cpu_micros);
            figures.offer_ms.add(best.offer_ms);
            figures.ack_ms.add(best.ack_ms);
        }
    }
    let mut table = Table::new(&[
        "server",
        "leases/s",
        "µs of CPU a lease",
        "ms to the offer",
        "ms to the ACK",
    ]);
    for (contender, figures) in &found {
        table.row(vec![
            contender.name().to_owned(),
            figures.rate.to_string(),
            figures.cpu_micros.to_string(),
            figures.offer_ms.to_string(),
            figures.ack_ms.to_string(),
        ]);
    }
    bench.say(&format!(
        "### Leases by perfdhcp\n\nperfdhcp behind a relay's address, {seconds} s for each attempt, every client a new one and every \
         attempt with an empty store; the greatest rate at which at most {DROPS_MAX} % of the exchanges come to no ACK within \
         {DROP_SECONDS} s. From 10,000 exchanges a second on perfdhcp has a processor for itself, so that these rates are its own \
         as well; no aim is judged by them.\n"
    ));
    bench.say(&table);
    bench.say(&"");
    Ok(())
}

/// Looks for the greatest rate: twice as fast until it is too fast, then between the two.
fn search(bench: &Bench, contender: Contender, round: usize, seconds: u32) -> Result<Attempt> {
    let attempt = |rate: u32| -> Result<Attempt> {
        let attempt = attempt(bench, contender, rate, seconds)?;
        bench.progress(&format!(
            "leases, round {round}: {} at {rate}/s, {:.0} ACKs/s, {:.1} % missing",
            contender.name(),
            attempt.rate,
            attempt.missing
        ));
        Ok(attempt)
    };
    let (mut low, mut high) = (0, FIRST_RATE);
    let mut best: Option<Attempt> = None;
    while high <= LAST_RATE {
        let found = attempt(high)?;
        if found.missing > DROPS_MAX {
            break;
        }
        (low, high, best) = (high, high * 2, Some(found));
    }
    for _ in 0..HALVINGS {
        let middle = low.midpoint(high.min(LAST_RATE));
        let found = attempt(middle)?;
        if found.missing > DROPS_MAX {
            high = middle;
        } else {
            (low, best) = (middle, Some(found));
        }
    }
    best.with_context(|| format!("{} does not even grant {} leases a second", contender.name(), high))
}

fn attempt(bench: &Bench, contender: Contender, rate: u32, seconds: u32) -> Result<Attempt> {
    let home = bench.place(contender)?;
    let site = bench.site(&home);
    let server = bench.start(contender, &site, ("udp", 67))?;
    let mut perfdhcp = bench.ground.command(End::Client, "perfdhcp");
    // Clients follow one another by their hardware addresses, and there are more than are asked for.
    let options = [
        ("-r", rate),
        ("-R", rate * (seconds + 1)),
        ("-p", seconds),
        ("-d", DROP_SECONDS),
    ];
    perfdhcp
        .arg("-4")
        .args(options.map(|(name, value)| format!("{name}{value}")));
    perfdhcp.args(["-W1000000", "-b", "mac=02:00:00:00:00:00"]);
    perfdhcp.args(["-l", &CLIENT.to_string(), &SERVER.to_string()]);
    let (cpu_seconds, said) = bench.used(&server, || {
        let done = perfdhcp
            .stdin(Stdio::null())
            .output()
            .with_context(|| format!("cannot start `{}`", process::line(&perfdhcp)))?;
        // Exit status 3 says that some exchanges got no answer.
        if !matches!(done.status.code(), Some(0 | 3)) {
            bail!(
                "`{}` failed ({})\n{}",
                process::line(&perfdhcp),
                done.status,
                String::from_utf8_lossy(&done.stderr)
            );
        }
        Ok(String::from_utf8_lossy(&done.stdout).into_owned())
    })?;
    drop(server);
    let acks = number(&said, "REQUEST-ACK", "received packets")?;
    let wanted = f64::from(rate) * f64::from(seconds);
    Ok(Attempt {
        rate: acks / f64::from(seconds),
        cpu_micros: cpu_seconds * 1e6 / acks.max(1.0),
        offer_ms: number(&said, "DISCOVER-OFFER", "avg delay")?,
        ack_ms: number(&said, "REQUEST-ACK", "avg delay")?,
        missing: (1.0 - acks / wanted).max(0.0) * 100.0,
    })
}

/// A number of perfdhcp's statistics of one exchange: `sent packets: 2500`, `avg delay: 0.53 ms`.
fn number(said: &str, exchange: &str, name: &str) -> Result<f64> {
    let part = said.split(&format!("***Statistics for: {exchange}***")).nth(1);
    let line = part.and_then(|part| part.lines().find_map(|line| line.trim().strip_prefix(name)));
    let word = line.and_then(|line| line.trim_start_matches(':').split_whitespace().next());
    let value = word.map(|word| word.parse().unwrap_or(f64::NAN));
    value.with_context(|| format!("perfdhcp says nothing of `{name}` of {exchange}:\n{said}"))
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn figures_are_read_from_the_statistics_of_the_exchange_that_is_meant() {
        // As perfdhcp 2.2.0 writes them, shortened.
        let said = "Rate: 299.9 4-way exchanges/second, expected rate: 300\n\n\
                    ***Statistics for: DISCOVER-OFFER***\nsent packets: 600\nreceived packets: 599\n\
                    drops: 1\ndrops ratio: 0.16 %\n\nmin delay: 0.121 ms\navg delay: 0.4 ms\n\
                    ***Statistics for: REQUEST-ACK***\nsent packets: 599\nreceived packets: 598\navg delay: 7.25 ms\n";
        let of = |exchange, name| number(said, exchange, name).expect("it is there");
        assert!((of("DISCOVER-OFFER", "received packets") - 599.0).abs() < 1e-9);
        assert!((of("DISCOVER-OFFER", "avg delay") - 0.4).abs() < 1e-9);
        assert!((of("REQUEST-ACK", "received packets") - 598.0).abs() < 1e-9);
        assert!((of("REQUEST-ACK", "avg delay") - 7.25).abs() < 1e-9);
        assert!(number("Rate: 1\n", "REQUEST-ACK", "avg delay").is_err());
    }
}
