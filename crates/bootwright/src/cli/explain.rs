//! `bootwright explain`: what a host would be answered now, and what led there.

use bootwright_proto::http::api::{Answer, Explanation, FactsView, GuardView, IdentityView, Line, Meant, RuleView};

use super::Exit;
use super::age::Now;
use super::argument::ExplainOptions;
use super::client::{Client, escape};
use super::failure::Failure;
use super::print::Printer;
use super::table::{Table, safe};

pub(super) async fn run(client: &Client, printer: Printer, options: &ExplainOptions) -> Result<Exit, Failure> {
    let mut items = Vec::new();
    for item in &options.as_if {
        if !item.contains('=') {
            return Err(Failure::Usage {
                message: format!("`--as-if {item}` has no value"),
                hint: "write `--as-if KEY=VALUE`, such as `--as-if profile=debian`".to_owned(),
            });
        }
        items.push(format!("as_if={}", escape(item)));
    }
    items.extend(options.at.as_ref().map(|at| format!("at={}", escape(at))));
    items.extend(options.bytes.then(|| "bytes=yes".to_owned()));
    let mut path = format!("hosts/{}/explain", escape(&options.host));
    if !items.is_empty() {
        path.push_str(&format!("?{}", items.join("&")));
    }
    let reply = client.get::<Explanation>(&path).await?;
    let whole = options.bytes || options.at.as_deref() == Some("config");
    match &options.at {
        Some(_) => printer.reply(&reply, |explanation| answers(explanation, whole))?,
        None => printer.reply(&reply, |explanation| words(explanation, Now::read(), whole))?,
    }
    Ok(Exit::Good)
}

fn words(explanation: &Explanation, now: Now, whole: bool) -> String {
    let mut text = format!(
        "{}: {}\n{}\n",
        safe(&explanation.subject),
        safe(&explanation.state),
        safe(&explanation.words)
    );
    section(&mut text, "identity", &identity_lines(&explanation.identity));
    let mut reported = Table::bare();
    for (name, value) in &explanation.reported {
        reported.row([safe(name), safe(value)]);
    }
    section(&mut text, "reported by its machine", &reported);
    section(&mut text, "meant for", &meant_line(explanation.meant.as_ref()));
    section(&mut text, "rules", &rule_lines(&explanation.rules));
    let mut given = Table::bare();
    for (name, value) in &explanation.given {
        given.row([safe(name), safe(value)]);
    }
    section(&mut text, "metadata by rules", &given);
    section(&mut text, "safety", &point_lines(&explanation.safety, now));
    section(&mut text, "disk guard", &guard_lines(explanation.guard.as_ref()));
    text.push_str("\nanswers\n");
    text.push_str(&answers(explanation, whole));
    section(&mut text, "not answered", &point_lines(&explanation.silences, now));
    section(&mut text, "addresses", &point_lines(&explanation.leases, now));
    section(&mut text, "other servers", &point_lines(&explanation.segment, now));
    let mut commands = Table::bare();
    for command in &explanation.why_not {
        commands.row([safe(command)]);
    }
    section(&mut text, "why not?", &commands);
    text
}

/// What is answered, and with which texts and packets.
fn answers(explanation: &Explanation, whole: bool) -> String {
    let mut text = String::new();
    let mut table = Table::bare();
    for answer in &explanation.answers {
        table.row([answer.channel.clone(), answer.verdict.clone(), safe(&answer.words)]);
    }
    text.push_str(&table.text("  "));
    for answer in &explanation.answers {
        // Documents are long, and their names and sizes are told already.
        if whole || !answer.channel.starts_with("config ") {
            text.push_str(&answer_text(answer));
        }
        if let Some(packet) = &answer.packet {
            let bytes = answer.bytes.unwrap_or_default();
            text.push_str(&format!("\n{}, {bytes} bytes\n", answer.channel));
            text.extend(packet.lines().map(|line| format!("  | {line}\n")));
        }
    }
    text
}

fn meant_line(meant: Option<&Meant>) -> Table {
    let mut table = Table::bare();
    if let Some(meant) = meant {
        let place = meant.place.as_deref().unwrap_or("not in the configuration itself");
        table.row([meant.profile.clone(), meant.by.clone(), safe(place)]);
    }
    table
}

fn section(text: &mut String, heading: &str, lines: &Table) {
    let lines = lines.text("  ");
    if !lines.is_empty() {
        text.push_str(&format!("\n{heading}\n{lines}"));
    }
}

fn identity_lines(identity: &IdentityView) -> Table {
    let mut table = Table::bare();
    match identity {
        IdentityView::Known { host, facts } => table.row([format!("known as {host}: {}", facts_words(facts))]),
        IdentityView::Unknown => table.row(["not known yet; it would be remembered as a new host".to_owned()]),
        IdentityView::Nobody => table.row(["nothing tells it from other machines".to_owned()]),
        IdentityView::Contradiction { candidates, why } => {
            table.row([format!("in doubt: {}", safe(why))]);
            for candidate in candidates {
                let facts = facts_words(&candidate.facts);
                table.row([format!("perhaps {}: {facts}", candidate.host)]);
            }
        }
    }
    table
}

fn facts_words(facts: &FactsView) -> String {
    let mut words: Vec<String> = facts
        .cards
        .iter()
        .map(|card| match card.quality.as_str() {
            "good" => format!("mac {}", card.mac),
            quality => format!("mac {} ({quality})", card.mac),
        })
        .collect();
    let others = [
        ("uuid", &facts.uuid),
        ("serial", &facts.serial),
        ("asset", &facts.asset),
        ("made by", &facts.manufacturer),
        ("product", &facts.product),
    ];
    let known = others
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.as_ref()?)));
    words.extend(known.map(|(name, value)| format!("{name} {}", safe(value))));
    words.join(", ")
}

fn rule_lines(rules: &[RuleView]) -> Table {
    let mut table = Table::bare();
    for rule in rules {
        let verdict = match (rule.decides, rule.matches) {
            (true, _) => "decides",
            (false, true) => "fits, but is not the first",
            (false, false) => "no",
        };
        table.row([
            rule.rule.clone(),
            rule.profile.clone(),
            verdict.to_owned(),
            safe(&rule.why),
            rule.place.as_deref().map(safe).unwrap_or_default(),
        ]);
    }
    table
}

fn point_lines(points: &[Line], now: Now) -> Table {
    let mut table = Table::bare();
    for point in points {
        let mut words = safe(&point.words);
        if let Some(count) = point.count.filter(|count| *count > 1) {
            words.push_str(&format!(", {count} times in a row"));
        }
        if let Some(time) = &point.time {
            words.push_str(&format!(", {}", now.relative(time)));
        }
        table.row([point.code.clone(), words]);
    }
    table
}

fn guard_lines(guard: Option<&GuardView>) -> Table {
    let mut table = Table::bare();
    if let Some(guard) = guard {
        let mut words = match guard.wipe.as_str() {
            "always" => "any disk may be overwritten".to_owned(),
            _ => "an empty disk may be written".to_owned(),
        };
        if !guard.allowed.is_empty() {
            words.push_str(&format!("; {} may be overwritten", safe(&guard.allowed.join(", "))));
        }
        table.row([guard.wipe.clone(), words]);
    }
    table
}

fn answer_text(answer: &Answer) -> String {
    // A text of one line is a name that the words hold as well, unless it is a document.
    let is_long = |text: &&String| text.trim_end().contains('\n') || answer.channel.starts_with("config ");
    let Some(text) = answer.text.as_ref().filter(is_long) else {
        return String::new();
    };
    let lines: String = text.lines().map(|line| format!("  | {}\n", safe(line))).collect();
    format!("\n{}\n{lines}", answer.channel)
}
