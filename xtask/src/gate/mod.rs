//! `cargo xtask test`: every tier, one after the other, with its time and its count.

mod caches;
mod count;
mod room;
mod tier;

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use self::caches::Caches;
use self::count::Count;
use self::tier::{TIERS, Tier};

/// Options of `cargo xtask test`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Leave out the tiers that boot virtual machines or containers.
    #[arg(long)]
    fast: bool,
    /// Run only this tier; may be given several times.
    #[arg(long, value_name = "NAME")]
    tier: Vec<String>,
    /// Name the tiers and run none.
    #[arg(long)]
    list: bool,
}

/// How a tier ended.
struct Row {
    name: &'static str,
    took: Duration,
    count: Count,
    trouble: Option<String>,
}

/// Runs the tiers. Any failure, and any tier that could not run, makes the whole fail.
pub(crate) fn run(args: &Args) -> Result<()> {
    let chosen = choose(args)?;
    if args.list {
        for tier in chosen {
            println!("{:12} {}", tier.name, tier.proves);
        }
        return Ok(());
    }
    if let Err(error) = room::check(&chosen) {
        println!("\n0 passed, 1 failed");
        return Err(error.context("the gate is closed"));
    }
    let caches = Caches::choose();
    let rows: Vec<Row> = chosen.into_iter().map(|tier| run_tier(tier, caches)).collect();
    let (text, total) = report(&rows);
    print!("{text}");
    if total.failed > 0 || total.passed == 0 {
        bail!("the gate is closed");
    }
    Ok(())
}

fn choose(args: &Args) -> Result<Vec<&'static Tier>> {
    if let Some(unknown) = args
        .tier
        .iter()
        .find(|name| TIERS.iter().all(|tier| tier.name != name.as_str()))
    {
        let names: Vec<_> = TIERS.iter().map(|tier| tier.name).collect();
        bail!("no tier is named `{unknown}`; there are {}", names.join(", "));
    }
    let asked = |tier: &&Tier| args.tier.is_empty() || args.tier.iter().any(|name| name == tier.name);
    Ok(TIERS
        .iter()
        .filter(asked)
        .filter(|tier| !(args.fast && tier.slow))
        .collect())
}

fn run_tier(tier: &'static Tier, caches: Caches) -> Row {
    println!("\n=== {}: {}", tier.name, tier.proves);
    let start = Instant::now();
    let (count, trouble) = tier.run(caches);
    Row {
        name: tier.name,
        took: start.elapsed(),
        count,
        trouble: trouble.map(|error| format!("{error:#}")),
    }
}

/// The table and the line of totals, the last thing that the gate says on standard output.
fn report(rows: &[Row]) -> (String, Count) {
    let mut text = String::new();
    let _ = writeln!(text, "\n{:12} {:>9} {:>8} {:>8}", "tier", "time", "passed", "failed");
    let mut total = Count::default();
    for row in rows {
        let _ = writeln!(
            text,
            "{:12} {:>9} {:>8} {:>8}",
            row.name,
            clock(row.took),
            row.count.passed,
            row.count.failed
        );
        total.add(row.count);
    }
    let _ = writeln!(
        text,
        "{:12} {:>9}",
        "in all",
        clock(rows.iter().map(|row| row.took).sum())
    );
    for row in rows {
        if let Some(trouble) = &row.trouble {
            let _ = writeln!(text, "\n{}: {trouble}", row.name);
        }
    }
    let _ = writeln!(text, "\n{} passed, {} failed", total.passed, total.failed);
    (text, total)
}

fn clock(time: Duration) -> String {
    format!(
        "{}:{:02}.{}",
        time.as_secs() / 60,
        time.as_secs() % 60,
        time.subsec_millis() / 100
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(fast: bool, tier: &[&str]) -> Args {
        Args {
            fast,
            tier: tier.iter().map(|&name| name.to_owned()).collect(),
            list: false,
        }
    }

    #[test]
    fn fast_leaves_out_only_what_is_slow() {
        let all = choose(&args(false, &[])).unwrap();
        let fast = choose(&args(true, &[])).unwrap();
        let left_out: Vec<_> = all
            .iter()
            .filter(|tier| fast.iter().all(|other| other.name != tier.name))
            .map(|tier| tier.name)
            .collect();
        assert_eq!(left_out, ["lab", "compose"]);
    }

    #[test]
    fn a_misspelt_tier_is_refused_and_the_real_ones_named() {
        let error = choose(&args(false, &["tidi"]))
            .err()
            .map(|error| error.to_string())
            .unwrap();
        assert!(error.contains("`tidi`") && error.contains("tidy"), "{error}");
        let only = choose(&args(false, &["tidy"])).unwrap();
        assert_eq!(only.iter().map(|tier| tier.name).collect::<Vec<_>>(), ["tidy"]);
    }

    #[test]
    fn totals_are_the_sums_of_the_tiers() {
        let row = |passed, failed| Row {
            name: "one",
            took: Duration::from_millis(61_250),
            count: Count { passed, failed },
            trouble: None,
        };
        let (text, total) = report(&[row(3, 0), row(4, 1)]);
        assert!(text.ends_with("\n7 passed, 1 failed\n"), "{text}");
        assert_eq!((total.passed, total.failed), (7, 1));
        assert_eq!(clock(Duration::from_millis(61_250)), "1:01.2");
    }
}
