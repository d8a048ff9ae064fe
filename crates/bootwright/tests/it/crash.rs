//! The process is killed at random points of installs, over and over; what it acknowledged is compared one by one.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddrV4, TcpStream};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use crate::daemon::Daemon;
use crate::install::{CONFIG, OURS, question, run_url, segment};

/// How often the process is killed.
const KILLS: u32 = 500;
/// How many machines install.
const MACHINES: usize = 20;
/// How often a run's script may be served.
const MAX_ATTEMPTS: u32 = 2;

/// A machine, and what the daemon has acknowledged about it.
#[derive(Clone, Debug, Default)]
struct Machine {
    card: String,
    /// What was acknowledged last.
    acknowledged: Acknowledged,
    /// What was sent last, if no answer came: it may or may not have happened.
    open: Option<Step>,
    /// The runs whose end was acknowledged, and whether they succeeded.
    ended: BTreeMap<u32, bool>,
    /// How many armings were acknowledged, and how many more may have happened.
    armings: (u32, u32),
    /// How many install scripts arrived for each run.
    scripts: BTreeMap<String, u32>,
    run: Option<String>,
    number: u32,
}

/// Where a machine stands as far as it was told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Acknowledged {
    #[default]
    Nothing,
    Armed,
    /// Its run began, but the script was lost on the way.
    Started,
    Installing,
    Ended,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Ask,
    Arm,
    Done,
    Fail,
}

/// Numbers that look random and are the same each time (SplitMix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % sides
    }
}

#[test]
fn fault_01_no_acknowledged_transition_is_lost_and_none_invented_over_500_kills() {
    let seed = std::env::var("BOOTWRIGHT_CRASH_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or(20_261_120);
    let (inside, machine) = segment();
    // Failures are part of the story; they must not pause everything.
    let config = format!("{CONFIG}\n[safety]\nmax_new_per_hour = 1000000\npause_after_failures = 1000000\n");
    let mut daemon = Daemon::prepare(&inside, &config);
    let mut dice = Dice(seed);
    let mut machines: Vec<Machine> = (0..MACHINES)
        .map(|number| Machine {
            card: format!("52:54:00:00:01:{number:02x}"),
            ..Machine::default()
        })
        .collect();
    let (mut steps, mut acknowledged) = (0_u64, 0_u64);
    for kill in 0..KILLS {
        daemon.clear_log();
        daemon.run();
        daemon.wait_for_log("ready ");
        for machine in &mut machines {
            compare(&daemon, machine, kill, seed);
        }
        let pid = daemon.pid();
        let delay = Duration::from_micros(dice.roll(40_000));
        std::thread::scope(|scope| {
            scope.spawn(move || {
                std::thread::sleep(delay);
                kill_process(pid);
            });
            machine.run(|| {
                while let Some(done) = step(&daemon, &mut machines, &mut dice) {
                    steps += 1;
                    acknowledged += u64::from(done);
                }
            });
        });
        daemon.reap();
    }
    println!("{KILLS} kills, {steps} steps, {acknowledged} acknowledged; seed {seed}");
    assert!(
        acknowledged > u64::from(KILLS),
        "the machines hardly got anywhere: {acknowledged} acknowledged steps"
    );
    let installed: usize = machines
        .iter()
        .map(|machine| machine.ended.values().filter(|good| **good).count())
        .sum();
    assert!(installed >= MACHINES, "only {installed} installs were acknowledged");
}

fn kill_process(pid: u32) {
    let status = std::process::Command::new("kill")
        .args(["-9", &pid.to_string()])
        .status();
    assert!(status.expect("kill runs").success());
}

/// One step of one machine. Nothing once the daemon is gone, else whether it was acknowledged.
fn step(daemon: &Daemon<'_>, machines: &mut [Machine], dice: &mut Dice) -> Option<bool> {
    let which = usize::try_from(dice.roll(machines.len() as u64)).expect("a small number");
    let machine = &mut machines[which];
    let step = match machine.acknowledged {
        Acknowledged::Nothing | Acknowledged::Ended => [Step::Arm, Step::Ask][usize::from(dice.roll(3) == 0)],
        Acknowledged::Armed | Acknowledged::Started => Step::Ask,
        Acknowledged::Installing => match dice.roll(10) {
            0..6 => Step::Done,
            6..8 => Step::Fail,
            _ => Step::Ask,
        },
    };
    machine.open = Some(step);
    let answer = match step {
        Step::Arm => {
            machine.armings.1 += 1;
            let path = format!("/api/v1/hosts/{}/command", machine.card);
            control(daemon, "POST", &path, r#"{"command":"arm","profiles":["lab"]}"#)
        }
        Step::Ask => fetch(&question(&machine.card.replace(':', "-"))),
        Step::Done => fetch(&format!("{}/done", machine.run.as_deref().unwrap_or("/r"))),
        Step::Fail => fetch(&format!("{}/fail?reason=story", machine.run.as_deref().unwrap_or("/r"))),
    };
    let (status, body) = answer?;
    machine.open = None;
    Some(acknowledge(machine, step, status, &body))
}

/// Takes over what an answer acknowledges.
fn acknowledge(machine: &mut Machine, step: Step, status: u16, body: &str) -> bool {
    match (step, status) {
        (Step::Arm, 200) => {
            machine.armings = (machine.armings.0 + 1, machine.armings.1 - 1);
            machine.acknowledged = Acknowledged::Armed;
            true
        }
        (Step::Arm, _) => {
            machine.armings.1 -= 1;
            false
        }
        (Step::Ask, 200) => match run_url(body) {
            Some(run) => {
                let scripts = machine.scripts.entry(run.clone()).or_default();
                *scripts += 1;
                assert!(
                    *scripts <= MAX_ATTEMPTS,
                    "{}: {scripts} install scripts of one run",
                    machine.card
                );
                machine.number = run_number(body);
                machine.run = Some(run);
                machine.acknowledged = Acknowledged::Installing;
                true
            }
            None => {
                // Held, or sent to its disk: whatever ran is over.
                let running = matches!(machine.acknowledged, Acknowledged::Installing | Acknowledged::Started);
                let over = running && body.contains("starts its own disk");
                if over {
                    machine.ended.entry(machine.number).or_insert(false);
                    machine.acknowledged = Acknowledged::Ended;
                }
                assert!(
                    machine.acknowledged != Acknowledged::Armed || body.contains("cannot answer yet"),
                    "{} was armed and got:\n{body}",
                    machine.card
                );
                over
            }
        },
        (Step::Done | Step::Fail, 200) => {
            machine.ended.entry(machine.number).or_insert(step == Step::Done);
            machine.acknowledged = Acknowledged::Ended;
            true
        }
        (Step::Done | Step::Fail, 404) => panic!("{}: the token of its run is not known any more", machine.card),
        (Step::Ask | Step::Done | Step::Fail, _) => false,
    }
}

fn run_number(script: &str) -> u32 {
    let number = script.split("run ").nth(1).and_then(|rest| rest.split(',').next());
    number
        .and_then(|number| number.trim().parse().ok())
        .expect("an install script names its run")
}

/// Compares what the daemon says after a restart with what it acknowledged before.
fn compare(daemon: &Daemon<'_>, machine: &mut Machine, kill: u32, seed: u64) {
    if machine.armings == (0, 0) {
        return;
    }
    let told = || format!("after kill {kill} of seed {seed}: {machine:?}");
    let (status, body) =
        control(daemon, "GET", &format!("/api/v1/hosts/{}", machine.card), "").expect("the daemon answers");
    if status == 404 {
        assert_eq!(machine.armings.0, 0, "an armed host is not known {}", told());
        return;
    }
    let host: serde_json::Value = serde_json::from_str(&body).expect("the API speaks JSON");
    let state = host["state"].as_str().expect("a state").to_owned();
    let run = host["run"].as_u64().expect("a number of runs");
    let run = u32::try_from(run).expect("a small number");
    let maybe = machine.open;
    let fits = match machine.acknowledged {
        Acknowledged::Nothing => ["new", "armed"].contains(&state.as_str()),
        Acknowledged::Armed => state == "armed" || (state == "installing" && maybe == Some(Step::Ask)),
        Acknowledged::Started => state == "installing" || (state == "failed" && maybe == Some(Step::Ask)),
        Acknowledged::Installing => {
            state == "installing"
                || (state == "installed" && maybe == Some(Step::Done))
                || (state == "failed" && matches!(maybe, Some(Step::Fail | Step::Ask)))
        }
        Acknowledged::Ended => {
            ["installed", "failed"].contains(&state.as_str()) || (state == "armed" && maybe == Some(Step::Arm))
        }
    };
    assert!(fits, "it is {state} {}", told());
    assert!(
        run <= machine.armings.0 + machine.armings.1,
        "run {run} without an arming {}",
        told()
    );
    for (number, succeeded) in &machine.ended {
        let runs = host["runs"].as_array().expect("finished runs");
        let oldest = runs.first().and_then(|run| run["number"].as_u64()).unwrap_or(0);
        let found = runs
            .iter()
            .find(|run| run["number"].as_u64() == Some(u64::from(*number)));
        match found {
            Some(found) => {
                assert_eq!(
                    found["failure"].is_null(),
                    *succeeded,
                    "run {number}: {found} {}",
                    told()
                );
            }
            None => assert!(u64::from(*number) < oldest, "run {number} is forgotten {}", told()),
        }
    }
    settle(machine, &state, run);
}

/// What was open is now known: the machine goes on from what the daemon says.
fn settle(machine: &mut Machine, state: &str, run: u32) {
    if machine.open.take() == Some(Step::Arm) {
        machine.armings.1 -= 1;
        machine.armings.0 += u32::from(state == "armed");
    }
    machine.acknowledged = match state {
        "armed" => Acknowledged::Armed,
        // Without the script that was lost the machine does not know its run's token: it asks again.
        "installing" if machine.acknowledged != Acknowledged::Installing => {
            machine.number = run;
            Acknowledged::Started
        }
        "installing" => Acknowledged::Installing,
        "installed" | "failed" => Acknowledged::Ended,
        _ => Acknowledged::Nothing,
    };
    if machine.acknowledged == Acknowledged::Ended {
        machine.ended.entry(run).or_insert(state == "installed");
    }
}

/// A GET to the machine plane from inside the machine's namespace; nothing if the daemon is gone.
fn fetch(target: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect_timeout(&SocketAddrV4::new(OURS, 8080).into(), Duration::from_secs(5)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(20))).ok()?;
    let request = format!("GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).ok()?;
    answer(&mut stream)
}

fn control(daemon: &Daemon<'_>, method: &str, target: &str, body: &str) -> Option<(u16, String)> {
    let mut stream = UnixStream::connect(daemon.socket()).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(20))).ok()?;
    let length = body.len();
    let request = format!(
        "{method} {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).ok()?;
    answer(&mut stream)
}

/// A whole answer. Half of one is none: the process died while it was sent.
fn answer(stream: &mut impl Read) -> Option<(u16, String)> {
    let mut text = String::new();
    let until = Instant::now() + Duration::from_secs(20);
    stream.read_to_string(&mut text).ok()?;
    assert!(Instant::now() < until, "an answer took too long");
    let (head, body) = text.split_once("\r\n\r\n")?;
    let length = head
        .lines()
        .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    if length.is_some_and(|length: usize| body.len() < length) {
        return None;
    }
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some((status, body.to_owned()))
}
