//! Configurations with many hosts: what a decision takes where each host is found by a rule, a section or another system's
//! file of its own. And a large document that is made for each run.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::Result;

use super::contender::{Contender, Site};
use super::ground::{CLIENT, CLIENTS, SERVER};
use super::measure::{Bench, words};
use super::table::{Spread, Table};

/// How many hosts the configuration names, all of which were seen before.
const HOSTS: u32 = 10_000;

/// How many connections ask for scripts: as many as keep the server busy, and so few that none waits for another.
const CONNECTIONS: [u32; 2] = [32, 2];

/// In how many milliseconds 99 of a hundred scripts have to be there.
const SCRIPT_MS: f64 = 1.0;

/// The machines whose runs fetch the document, and how large it is about, in bytes. Its Butane is half as long again, since
/// contents are compressed.
const RUNS: u32 = 64;
const DOCUMENT_BYTES: usize = 100_000;

/// In how many milliseconds 99 of a hundred documents have to be there.
const DOCUMENT_MS: f64 = 10.0;

/// Where the hosts are named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Shape {
    /// A section `[hosts.NAME]` each.
    Hosts,
    /// A rule each, by the card.
    Rules,
    /// A group each, by a label of the host that a section gives it, half of them with `*`.
    Groups,
    /// A machine each in bootcfg's directory.
    Bootcfg,
}

impl Shape {
    const ALL: [Self; 4] = [Self::Hosts, Self::Rules, Self::Groups, Self::Bootcfg];

    fn name(self) -> &'static str {
        match self {
            Self::Hosts => "own, a section each",
            Self::Rules => "own, a rule each",
            Self::Groups => "own, a section and a group each",
            Self::Bootcfg => "bootcfg, a machine each",
        }
    }

    fn port(self) -> u16 {
        match self {
            Self::Bootcfg => 8081,
            Self::Hosts | Self::Rules | Self::Groups => 8080,
        }
    }

    /// The configuration, with what lies beside it.
    fn write(self, home: &Path) -> Result<String> {
        let profile = "[profiles.debian]\nkernel = \"/images/debian/linux\"\nargs = [\"u={{ run.url }}\"]\n";
        let mut text = profile.to_owned();
        for number in 0..HOSTS {
            let card = card(number);
            match self {
                Self::Hosts => write!(text, "[hosts.n{number}]\nmac = \"{card}\"\nprofile = \"debian\"\n")?,
                Self::Rules => write!(
                    text,
                    "[[rules]]\nname = \"r{number}\"\nwhen = {{ mac = \"{card}\" }}\nprofile = \"debian\"\n"
                )?,
                Self::Groups => {
                    let star = if number % 2 == 0 { "-*" } else { "-x" };
                    write!(
                        text,
                        "[hosts.n{number}]\nmac = \"{card}\"\nlabels = {{ group = \"g{number}-x\" }}\n[[rules]]\n\
                         name = \"r{number}\"\nwhen = {{ label.group = \"g{number}{star}\", product = \"SYS-*\" }}\n\
                         profile = \"debian\"\n"
                    )?;
                }
                Self::Bootcfg => {
                    let machine = home.join("bootcfg/machines").join(&card);
                    fs::create_dir_all(&machine)?;
                    let said = format!("{{\"id\": \"{card}\", \"spec_id\": \"etcd\"}}");
                    fs::write(machine.join("machine.json"), said)?;
                }
            }
        }
        if self == Self::Bootcfg {
            let spec = home.join("bootcfg/specs/etcd");
            fs::create_dir_all(&spec)?;
            let said = "{\"id\": \"etcd\", \"boot\": {\"kernel\": \"/images/linux\", \"initrd\": [], \"cmdline\": {}}}";
            fs::write(spec.join("spec.json"), said)?;
            let place = home.join("bootcfg");
            write!(
                text,
                "[compat.bootcfg]\nenabled = true\nlisten = \":8081\"\ndata_dir = \"{}\"\n",
                place.display()
            )?;
        }
        Ok(text)
    }
}

/// The card of a machine, as the clients number them.
fn card(number: u32) -> String {
    let [_, a, b, c] = number.to_be_bytes();
    format!("3c:ec:00:{a:02x}:{b:02x}:{c:02x}")
}

#[derive(Default)]
struct Figures {
    cpu: Spread,
    rate: Spread,
    p50: Spread,
    p99: Spread,
}

pub(super) fn run(bench: &mut Bench) -> Result<()> {
    scripts(bench)?;
    documents(bench)
}

fn scripts(bench: &mut Bench) -> Result<()> {
    let store = bench.make_store_of_new(HOSTS)?;
    let mut found: BTreeMap<(Shape, u32), Figures> = BTreeMap::new();
    for round in 1..=bench.rounds {
        for shape in Shape::ALL {
            bench.progress(&format!("site, round {round}: {}", shape.name()));
            ask(bench, shape, &store, &mut found)?;
        }
    }
    bench.remove_store()?;
    let heads = [
        "hosts",
        "connections",
        "µs of CPU an answer",
        "answers/s",
        "p50 ms",
        "p99 ms",
    ];
    let mut table = Table::new(&heads);
    for ((shape, connections), figures) in &found {
        table.row(vec![
            shape.name().to_owned(),
            connections.to_string(),
            figures.cpu.to_string(),
            figures.rate.to_string(),
            figures.p50.to_string(),
            figures.p99.to_string(),
        ]);
    }
    bench.say(&format!(
        "### Decisions with {HOSTS} hosts in the configuration\n\nEach host was seen before, and nobody has decided about it; all \
         of them ask once before the measurement. Aims are judged with {} connections, where a question waits for no other.\n",
        CONNECTIONS[1]
    ));
    bench.say(&table);
    for shape in Shape::ALL {
        let p99 = found.get(&(shape, CONNECTIONS[1])).and_then(|found| found.p99.median());
        if let Some(p99) = p99 {
            bench.judge(
                &format!("{HOSTS} hosts ({}): p99 ms of a script", shape.name()),
                p99,
                SCRIPT_MS,
            );
        }
    }
    bench.say(&"");
    Ok(())
}

fn ask(bench: &Bench, shape: Shape, store: &Path, found: &mut BTreeMap<(Shape, u32), Figures>) -> Result<()> {
    let contender = Contender::Bootwright;
    let home = bench.place(contender)?;
    fs::copy(store, home.join("data/bootwright.db"))?;
    let config = shape.write(&home)?;
    let site = Site {
        config: &config,
        ..bench.site(&home)
    };
    let port = shape.port();
    let server = bench.start(contender, &site, ("tcp", port))?;
    let questions = if bench.quick { 20_000 } else { 100_000 };
    let script = |connections: u32, questions: u32| {
        words(&format!(
            "script --server {SERVER}:{port} --from {CLIENT} --sources {CLIENTS} --connections {connections} --machines {HOSTS} \
             --questions {questions}"
        ))
    };
    // A machine that is seen for the first time since the start is told of in the store.
    bench.load(&server, &script(8, HOSTS))?;
    for connections in CONNECTIONS {
        let measured = bench.load(&server, &script(connections, questions))?;
        let figures = found.entry((shape, connections)).or_default();
        let answers = measured.number("answers")?;
        figures.cpu.add(measured.cpu_seconds * 1e6 / answers);
        figures.rate.add(answers / measured.number("seconds")?);
        figures.p50.add(measured.number("ms.p50")?);
        figures.p99.add(measured.number("ms.p99")?);
    }
    Ok(())
}

fn documents(bench: &mut Bench) -> Result<()> {
    let (mut cpu, mut rate, mut p50, mut p99) = <(Spread, Spread, Spread, Spread)>::default();
    let mut bytes = 0.0;
    for round in 1..=bench.rounds {
        bench.progress(&format!("site, round {round}: Ignition from Butane"));
        let contender = Contender::Bootwright;
        let home = bench.place(contender)?;
        let kernel = home.join("data/images/flatcar");
        fs::create_dir_all(&kernel)?;
        fs::write(kernel.join("vmlinuz"), b"a kernel")?;
        fs::write(home.join("node.bu"), butane())?;
        let config = installing();
        let site = Site {
            config: &config,
            ..bench.site(&home)
        };
        let server = bench.start(contender, &site, ("tcp", 8080))?;
        let times = if bench.quick { 4 } else { 20 };
        let measured = bench.load(
            &server,
            &words(&format!(
                "document --server {SERVER}:8080 --from {CLIENT} --name node.ign --machines {RUNS} --connections {} --times {times}",
                CONNECTIONS[1]
            )),
        )?;
        let documents = measured.number("documents")?;
        bytes = measured.number("bytes")? / documents;
        cpu.add(measured.cpu_seconds * 1e3 / documents);
        rate.add(documents / measured.number("seconds")?);
        p50.add(measured.number("ms.p50")?);
        p99.add(measured.number("ms.p99")?);
    }
    let mut table = Table::new(&["document", "ms of CPU each", "documents/s", "p50 ms", "p99 ms"]);
    table.row(vec![
        format!("Ignition from Butane, {bytes:.0} bytes"),
        cpu.to_string(),
        rate.to_string(),
        p50.to_string(),
        p99.to_string(),
    ]);
    bench.say(&format!(
        "### A document for each run\n\n{RUNS} machines with runs of their own fetch theirs over {} connections; the host's name \
         stands in it.\n",
        CONNECTIONS[1]
    ));
    bench.say(&table);
    if let Some(p99) = p99.median() {
        bench.judge("100 kB of Ignition from Butane: p99 ms", p99, DOCUMENT_MS);
    }
    bench.say(&"");
    Ok(())
}

/// Every machine that comes is installed.
fn installing() -> String {
    "[safety]\nmax_concurrent = 1000\nmax_new_per_hour = 1000\nmax_rule_arms_per_minute = 1000\ndocument_binding = \"address\"\n\
     [profiles.flatcar]\nkernel = \"/images/flatcar/vmlinuz\"\nconfirm = \"none\"\n\
     args = [\"ignition.config.url={{ run.url }}/node.ign\"]\n\
     [profiles.flatcar.files]\n\"node.ign\" = { file = \"node.bu\" }\n\
     [[rules]]\nname = \"all\"\nwhen = { mac = \"3c:ec:00:*\" }\nprofile = \"flatcar\"\nauto_arm = true\nlimit = 1000\n"
        .to_owned()
}

/// Files and units as a node of a cluster has them.
fn butane() -> String {
    let mut text = "variant: flatcar\nversion: 1.0.0\nstorage:\n  files:\n    - path: /etc/hostname\n      contents:\n        inline: \
                    {{ host.name | yaml }}\n"
        .to_owned();
    let mut units = "systemd:\n  units:\n".to_owned();
    for number in 0.. {
        if text.len() + units.len() > DOCUMENT_BYTES * 3 / 2 {
            break;
        }
        let _ = write!(
            text,
            "    - path: /etc/node/part-{number}.conf\n      mode: 0644\n      contents:\n        inline: |\n"
        );
        for line in 0..8 {
            let _ = writeln!(text, "          key_{number}_{line} = \"value {}\"", number * 31 + line);
        }
        let _ = write!(
            units,
            "    - name: part-{number}.service\n      enabled: true\n      contents: |\n        [Unit]\n        Description=Part {number}\n\
             \x20       [Service]\n        ExecStart=/usr/bin/part --number={number}\n        [Install]\n        WantedBy=multi-user.target\n"
        );
    }
    text + &units
}
