//! How much waits for us in the kernel, and what the start says where that is too little.
//!
//! `net.core.rmem_max` holds for the whole machine and can only be read in a namespace. So nothing is set here: one daemon
//! takes what the kernel of this machine grants, and one is refused any more than it grants to everybody.

use std::collections::BTreeMap;
use std::fs;

use nix::libc;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
};

use crate::daemon::Daemon;
use crate::dhcp_server::segment;
use crate::netns::Netns;

const CONFIG: &str = "[server]\ninterfaces = [\"lab0\"]\n";

/// What the documentation tells operators to set, in bytes.
const WANTED: usize = 4 << 20;

fn limit(name: &str) -> usize {
    let text = fs::read_to_string(format!("/proc/sys/net/core/{name}")).expect("a sysctl of every kernel");
    text.trim().parse().expect("a number")
}

/// What the kernel really keeps for whoever is bound to this port, in bytes as they are asked for: it counts twice as many.
fn granted(inside: &Netns, port: u16) -> usize {
    let filter = format!("sport = :{port}");
    let output = inside
        .command("ss")
        .args(["-lunmH", &filter])
        .output()
        .expect("ss runs");
    let text = String::from_utf8(output.stdout).expect("text");
    let counted = |line: &str| {
        line.split(['(', ','])
            .find_map(|word| word.strip_prefix("rb")?.parse().ok())
    };
    let mut all: Vec<usize> = text.lines().filter_map(counted).collect();
    all.sort_unstable();
    all.last().unwrap_or_else(|| panic!("nobody listens on {port}: {text}")) / 2
}

/// Whether the log says of a port what to set, and asserts that it then says how much there is.
fn warned(daemon: &Daemon<'_>, port: u16, granted: usize) -> bool {
    let log = daemon.log();
    let said = format!("on port {port} may have to ask twice");
    let line = log.lines().find(|line| line.contains(&said));
    if let Some(line) = line {
        assert!(line.contains(&format!("`sysctl net.core.rmem_max={WANTED}`")), "{line}");
        assert!(line.contains(&format!("bytes={granted}")), "{granted}: {line}");
    }
    line.is_some()
}

/// Does something as on a kernel that leaves every receive buffer as it is: this thread and all that it starts.
fn with_fixed_buffers(work: impl FnOnce() + Send) {
    let argument = |index, value: i32| {
        let value = u64::try_from(value).expect("a small number");
        SeccompCondition::new(index, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, value).expect("a condition")
    };
    let rule = |option| {
        SeccompRule::new(vec![argument(1, libc::SOL_SOCKET), argument(2, option)]).expect("a rule of two conditions")
    };
    let rules = vec![rule(libc::SO_RCVBUF), rule(libc::SO_RCVBUFFORCE)];
    let filter = SeccompFilter::new(
        BTreeMap::from([(libc::SYS_setsockopt, rules)]),
        SeccompAction::Allow,
        SeccompAction::Errno(0),
        std::env::consts::ARCH.try_into().expect("a processor with a filter"),
    );
    let program: BpfProgram = filter.expect("a filter").try_into().expect("it compiles");
    std::thread::scope(|scope| {
        scope.spawn(|| {
            seccompiler::apply_filter(&program).expect("the kernel takes it");
            work();
        });
    });
}

#[test]
fn nothing_is_said_where_the_kernel_grants_what_is_asked_for_and_else_its_own_limit() {
    let (inside, _machine) = segment();
    let daemon = Daemon::start(&inside, CONFIG);
    let most = limit("rmem_max");
    for port in [67, 69, 4011] {
        let real = granted(&inside, port);
        assert_eq!(real, WANTED.min(most), "port {port}");
        assert_eq!(
            warned(&daemon, port, real),
            most < WANTED,
            "port {port}:\n{}",
            daemon.log()
        );
    }
}

#[test]
fn where_the_kernel_grants_less_the_start_says_which_sysctl_to_set_and_to_what() {
    let (inside, _machine) = segment();
    let mut daemon = Daemon::prepare(&inside, CONFIG);
    with_fixed_buffers(|| daemon.run());
    daemon.wait_for_log("ready ");
    let usual = limit("rmem_default");
    for port in [67, 69, 4011] {
        let real = granted(&inside, port);
        assert_eq!(real, usual / 2, "port {port}");
        assert_eq!(
            warned(&daemon, port, real),
            usual / 2 < WANTED,
            "port {port}:\n{}",
            daemon.log()
        );
    }
}
