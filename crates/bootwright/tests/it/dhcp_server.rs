//! The daemon as the segment's DHCP server, with the clients that operating systems use.

use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::daemon::{Daemon, wait_until};
use crate::netns::{End, Netns, cable, mac};

/// A pool on the link of the daemon. No other server is there to be looked for.
pub(crate) const CONFIG: &str = "\
[server]
interfaces = [\"lab0\"]
[dhcp]
mode = \"server\"
force = true
[[dhcp.pools]]
subnet = \"10.77.0.0/24\"
range = \"10.77.0.100-10.77.0.199\"
router = \"10.77.0.1\"
dns = [\"10.77.0.1\", \"10.77.0.2\"]
ntp = \"10.77.0.3\"
domain = \"lab.example\"
search = [\"lab.example\", \"example\"]
lease = \"1h\"
probe = false
";

/// The daemon's box and one machine that has no address yet.
pub(crate) fn segment() -> (Netns, Netns) {
    let (daemon, machine) = (Netns::new("daemon"), Netns::new("machine"));
    cable(&End::new(&daemon, "lab0", "10.77.0.1/24"), &End::bare(&machine, "eth0"));
    (daemon, machine)
}

/// A row of the leases that the store has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) address: Ipv4Addr,
    pub(crate) holder: String,
    pub(crate) state: String,
    pub(crate) until: u64,
    pub(crate) host_name: String,
}

/// The leases as `sqlite3` shows them.
pub(crate) fn leases(daemon: &Daemon<'_>) -> Vec<Row> {
    let store = daemon.data_dir().join("bootwright.db");
    let said = Command::new("sqlite3")
        .arg("-readonly")
        .args(["-separator", "|"])
        .arg(&store)
        .arg("SELECT ip, holder, state, until, coalesce(host_name, '') FROM leases ORDER BY address")
        .output()
        .expect("sqlite3 runs; install it with `apt-get install sqlite3`");
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    let text = String::from_utf8(said.stdout).expect("text");
    let row = |line: &str| {
        let words: Vec<&str> = line.split('|').collect();
        Row {
            address: words[0].parse().expect("an address"),
            holder: words[1].to_owned(),
            state: words[2].to_owned(),
            until: words[3].parse().expect("a number"),
            host_name: words[4].to_owned(),
        }
    };
    text.lines().map(row).collect()
}

/// What the store has of the only lease.
fn lease(daemon: &Daemon<'_>) -> Row {
    let leases = leases(daemon);
    let [lease] = leases.as_slice() else {
        panic!("one lease: {leases:?}")
    };
    lease.clone()
}

/// A DHCP client in a namespace, with its files in a directory of its own. Ended with the test.
struct ClientProcess {
    child: Child,
    directory: PathBuf,
    /// Whether its files stay.
    keep: bool,
}

/// What a client's script does with what it is told: sets the address, and writes the words down.
const SCRIPT: &str = "#!/bin/sh
# udhcpc tells the event by its argument and dhclient by `reason`.
what=${reason:-$1}
address=${new_ip_address:-$ip}
case $what in
BOUND|RENEW|REBIND|REBOOT|bound|renew)
    ip addr flush dev eth0
    ip addr add \"$address/24\" dev eth0
    {
        echo \"$what $address\"
        echo \"router ${new_routers:-$router}\"
        echo \"dns ${new_domain_name_servers:-$dns}\"
        echo \"domain ${new_domain_name:-$domain}\"
        echo \"search ${new_domain_search:-$search}\"
        echo \"ntp ${new_ntp_servers:-$ntpsrv}\"
        echo \"lease ${new_dhcp_lease_time:-$lease}\"
        echo \"name ${new_host_name:-$hostname}\"
        echo \"server ${new_dhcp_server_identifier:-$serverid}\"
    } >> DIRECTORY/told
    ;;
EXPIRE|FAIL|RELEASE|STOP|deconfig)
    ip addr flush dev eth0
    echo \"$what\" >> DIRECTORY/told
    ;;
esac
";

impl ClientProcess {
    /// Where a client of this name keeps its files.
    fn directory(role: &str) -> PathBuf {
        let directory = std::env::temp_dir().join(format!("bootwright-{role}-{}", std::process::id()));
        // It may be there from a run that was cut off.
        let _ = fs::remove_dir_all(&directory);
        fs::create_dir_all(&directory).expect("a directory for the client");
        let script = directory.join("script");
        fs::write(&script, SCRIPT.replace("DIRECTORY", &directory.display().to_string())).expect("a script");
        let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(&script, executable).expect("it can be run");
        directory
    }

    fn spawn(mut command: Command, directory: &Path) -> Self {
        let log = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(directory.join("log"));
        let log = log.expect("a log for the client");
        let child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("one more handle"))
            .stderr(log)
            .spawn()
            .expect("the client runs");
        Self {
            child,
            directory: directory.to_owned(),
            keep: false,
        }
    }

    fn dhclient(inside: &Netns, directory: &Path, more: &str) -> Self {
        let config = directory.join("dhclient.conf");
        let base = "timeout 30; retry 5; initial-interval 1;\n\
                    request subnet-mask, broadcast-address, routers, domain-name, domain-search, domain-name-servers,\n\
                    host-name, ntp-servers;\nsend host-name \"oak\";\n";
        fs::write(&config, format!("{base}{more}")).expect("a configuration");
        let mut command = Self::dhclient_command(inside, directory);
        command.arg("-d").arg("eth0");
        Self::spawn(command, directory)
    }

    fn dhclient_command(inside: &Netns, directory: &Path) -> Command {
        let mut command = inside.command("dhclient");
        command.args(["-v", "-cf"]).arg(directory.join("dhclient.conf"));
        command.arg("-lf").arg(directory.join("leases"));
        command.arg("-pf").arg(directory.join("pid"));
        command.arg("-sf").arg(directory.join("script"));
        command
    }

    /// dhcpcd keeps its files in fixed places, which are its own here.
    fn dhcpcd(inside: &Netns, directory: &Path) -> Self {
        let mut command = inside.command("sh");
        let own = "mkdir -p /var/lib/dhcpcd && mount -t tmpfs none /var/lib/dhcpcd && mount -t tmpfs none /run && \
                   exec dhcpcd --config /dev/null --script /bin/true --nobackground --debug --ipv4only --noipv4ll eth0";
        command.args(["-c", own]);
        Self::spawn(command, directory)
    }

    fn udhcpc(inside: &Netns, directory: &Path, more: &[&str]) -> Self {
        let mut command = inside.command("busybox");
        command.args([
            "udhcpc", "-f", "-i", "eth0", "-t", "8", "-T", "1", "-A", "1", "-F", "elm",
        ]);
        command
            .args(["-O", "search", "-O", "ntpsrv", "-s"])
            .arg(directory.join("script"));
        command.args(more);
        Self::spawn(command, directory)
    }

    /// The whole of what a client was told so far.
    fn told(&self) -> String {
        fs::read_to_string(self.directory.join("told")).unwrap_or_default()
    }

    fn log(&self) -> String {
        fs::read_to_string(self.directory.join("log")).unwrap_or_default()
    }

    fn wait_for_told(&self, wanted: &str) -> String {
        let until = Instant::now() + Duration::from_secs(30);
        while !self.told().contains(wanted) {
            assert!(
                Instant::now() < until,
                "it was never told `{wanted}`:\n{}\n{}",
                self.told(),
                self.log()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        self.told()
    }

    fn signal(&self, signal: &str) {
        let status = Command::new("kill")
            .args([signal, &self.child.id().to_string()])
            .status();
        assert!(status.expect("kill runs").success());
    }

    /// Ends it without a word to the server, as a power cut would.
    fn cut_off(mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it is gone");
        // Its files are needed when it starts again.
        self.keep = true;
    }

    fn wait_for_log(&self, wanted: &str) {
        let until = Instant::now() + Duration::from_secs(30);
        while !self.log().contains(wanted) {
            assert!(Instant::now() < until, "it never said `{wanted}`:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for ClientProcess {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if !self.keep && !std::thread::panicking() {
            let _ = fs::remove_dir_all(&self.directory);
        }
    }
}

/// What was told behind this word, the last time.
fn word<'a>(told: &'a str, name: &str) -> &'a str {
    let line = told.lines().rev().find_map(|line| line.strip_prefix(name));
    line.unwrap_or_else(|| panic!("no `{name}` in:\n{told}")).trim()
}

fn in_range(address: &str) -> Ipv4Addr {
    let address: Ipv4Addr = address.parse().expect("an address");
    let range = Ipv4Addr::new(10, 77, 0, 100)..=Ipv4Addr::new(10, 77, 0, 199);
    assert!(range.contains(&address), "{address}");
    address
}

#[test]
fn dhclient_gets_an_address_with_everything_that_belongs_to_it_renews_it_and_gives_it_back() {
    let (inside, machine) = segment();
    let named = format!("{CONFIG}\n[hosts.larch]\nmac = \"{}\"\n", mac(&machine, "eth0"));
    let daemon = Daemon::start(&inside, &named);
    let directory = ClientProcess::directory("dhclient");
    let client = ClientProcess::dhclient(&machine, &directory, "supersede dhcp-renewal-time 3;\n");
    let told = client.wait_for_told("BOUND ");
    let address = in_range(word(&told, "BOUND "));
    assert_eq!(word(&told, "router "), "10.77.0.1");
    assert_eq!(word(&told, "dns "), "10.77.0.1 10.77.0.2");
    assert_eq!(word(&told, "domain "), "lab.example");
    assert_eq!(word(&told, "search "), "lab.example. example.");
    assert_eq!(word(&told, "ntp "), "10.77.0.3");
    assert_eq!(word(&told, "lease "), "3600");
    assert_eq!(
        word(&told, "name "),
        "larch",
        "it is told the name that the configuration gives it"
    );
    assert_eq!(word(&told, "server "), "10.77.0.1");
    let first = lease(&daemon);
    assert_eq!((first.address, first.state.as_str()), (address, "bound"));
    assert_eq!(first.holder, mac(&machine, "eth0"));
    assert_eq!(first.host_name, "oak");

    let told = client.wait_for_told("RENEW ");
    assert_eq!(in_range(word(&told, "RENEW ")), address);
    // Renewed that early it lasts for the rest of its time, so that the record need not be written for it.
    let left: u32 = word(&told, "lease ").parse().expect("seconds");
    assert!((3500..3600).contains(&left), "{left}");
    assert!(client.log().contains("DHCPREQUEST for"), "{}", client.log());

    let mut release = ClientProcess::dhclient_command(&machine, &directory);
    let released = release.arg("-r").arg("eth0").output().expect("dhclient runs");
    assert!(
        released.status.success(),
        "{}",
        String::from_utf8_lossy(&released.stderr)
    );
    wait_until("the release is recorded", || lease(&daemon).state == "released");
    assert_eq!(lease(&daemon).address, address);
}

#[test]
fn a_client_that_cannot_reach_us_alone_rebinds_by_broadcast() {
    let (inside, machine) = segment();
    let _daemon = Daemon::start(&inside, CONFIG);
    let directory = ClientProcess::directory("rebind");
    let times = "supersede dhcp-renewal-time 2; supersede dhcp-rebinding-time 4;\n";
    let client = ClientProcess::dhclient(&machine, &directory, times);
    let told = client.wait_for_told("BOUND ");
    let address = in_range(word(&told, "BOUND "));
    let rules =
        "table ip deaf { chain input { type filter hook input priority 0; ip daddr 10.77.0.1 udp dport 67 drop; }; }";
    let deaf = inside.command("nft").arg(rules).status().expect("nft runs");
    assert!(deaf.success());
    // The first broadcast request took the offer; the second one is the rebinding.
    let to_all = format!("DHCPREQUEST for {address} on eth0 to 255.255.255.255");
    let acknowledged = format!("DHCPACK of {address} from 10.77.0.1");
    wait_until("it is rebound", || {
        let log = client.log();
        let rebinding = log.match_indices(&to_all).nth(1).map(|(at, _)| at);
        rebinding.is_some_and(|at| log[at..].contains(&acknowledged))
    });
    let alone = format!("DHCPREQUEST for {address} on eth0 to 10.77.0.1");
    assert!(
        client.log().contains(&alone),
        "it tried to renew before:\n{}",
        client.log()
    );
}

#[test]
fn after_a_restart_a_client_asks_for_the_address_that_it_had_and_an_unknown_one_is_refused_on_another_segment() {
    let (inside, machine) = segment();
    let daemon = Daemon::start(&inside, CONFIG);
    let directory = ClientProcess::directory("reboot");
    let client = ClientProcess::dhclient(&machine, &directory, "");
    let told = client.wait_for_told("BOUND ");
    let address = in_range(word(&told, "BOUND "));
    // It runs its script first and writes its lease down after that.
    wait_until("dhclient has written its lease", || {
        fs::read_to_string(directory.join("leases")).is_ok_and(|leases| leases.contains(&format!("{address};")))
    });
    client.cut_off();
    let client = ClientProcess::dhclient(&machine, &directory, "");
    let told = client.wait_for_told("REBOOT ");
    assert_eq!(in_range(word(&told, "REBOOT ")), address);
    let log = client.log();
    let again = log.rsplit("Listening on").next().expect("the second run");
    assert!(
        !again.contains("DHCPDISCOVER"),
        "it need not look for a server:\n{again}"
    );
    client.cut_off();
    // Carried to our segment from another one, it hears that its address is wrong here, and gets a right one.
    let leases = directory.join("leases");
    let moved = fs::read_to_string(&leases)
        .expect("its leases")
        .replace(&address.to_string(), "192.168.9.9");
    fs::write(&leases, moved).expect("its leases can be written");
    fs::remove_file(directory.join("told")).expect("it was told something");
    let client = ClientProcess::dhclient(&machine, &directory, "");
    let told = client.wait_for_told(&format!("BOUND {address}"));
    assert!(client.log().contains("DHCPNAK"), "{}\n{told}", client.log());
    drop(daemon);
}

#[test]
fn udhcpc_gets_renews_and_gives_back_the_address_that_another_program_of_its_machine_had() {
    let (inside, machine) = segment();
    let daemon = Daemon::start(&inside, CONFIG);
    // The firmware, the installer and the system of one machine call themselves differently, and it is one machine.
    let directory = ClientProcess::directory("earlier");
    let duid = "send dhcp-client-identifier ff:12:34:56:78:00:01:00:01:2a:2b:2c:2d:52:54:00:01:02:03;\n";
    let client = ClientProcess::dhclient(&machine, &directory, duid);
    let told = client.wait_for_told("BOUND ");
    let address = in_range(word(&told, "BOUND "));
    client.cut_off();
    let directory = ClientProcess::directory("udhcpc");
    let client = ClientProcess::udhcpc(&machine, &directory, &["-R"]);
    let told = client.wait_for_told("bound ");
    assert_eq!(in_range(word(&told, "bound ")), address);
    assert_eq!(word(&told, "dns "), "10.77.0.1 10.77.0.2");
    assert_eq!(word(&told, "search "), "lab.example example");
    assert_eq!(word(&told, "server "), "10.77.0.1");
    client.signal("-USR1");
    let told = client.wait_for_told("renew ");
    assert_eq!(in_range(word(&told, "renew ")), address);
    client.signal("-USR2");
    wait_until("the release is recorded", || lease(&daemon).state == "released");
    client.cut_off();
}

#[test]
fn dhcpcd_gets_an_address_checks_it_and_gives_it_back() {
    let (inside, machine) = segment();
    let daemon = Daemon::start(&inside, CONFIG);
    let directory = ClientProcess::directory("dhcpcd");
    let client = ClientProcess::dhcpcd(&machine, &directory);
    wait_until("dhcpcd has an address", || {
        machine.ip("addr show dev eth0").contains("10.77.0.1")
    });
    wait_until("it is recorded", || leases(&daemon).len() == 1);
    let address = lease(&daemon).address;
    let shown = machine.ip("addr show dev eth0");
    assert!(shown.contains(&format!("{address}/24")), "{shown}");
    // SIGHUP makes it ask again, SIGALRM give back.
    client.signal("-HUP");
    client.wait_for_log("rebinding");
    client.wait_for_log("executing: /bin/true RENEW");
    client.signal("-ALRM");
    wait_until("the release is recorded", || lease(&daemon).state == "released");
}

/// It has its address from elsewhere, and asks only what belongs to it.
#[test]
fn dhcpcd_with_an_address_of_its_own_is_told_what_belongs_to_it_and_leases_nothing() {
    let (inside, machine) = segment();
    let daemon = Daemon::start(&inside, CONFIG);
    let directory = ClientProcess::directory("inform");
    let script = directory.join("script");
    let words = "echo \"$reason $new_domain_name_servers, $new_ntp_servers, $new_domain_name, $new_dhcp_lease_time.\"";
    let text = format!("#!/bin/sh\n{words} >> {}/told\n", directory.display());
    fs::write(&script, text).expect("a script");
    let own = format!(
        "mkdir -p /var/lib/dhcpcd && mount -t tmpfs none /var/lib/dhcpcd && mount -t tmpfs none /run && \
         exec dhcpcd --config /dev/null --script {} --nobackground --debug --ipv4only --option ntp_servers \
         --option domain_name_servers --option domain_name --inform=10.77.0.50/24 eth0",
        script.display()
    );
    let mut command = machine.command("sh");
    command.args(["-c", &own]);
    let client = ClientProcess::spawn(command, &directory);
    // No time: what it has is not leased.
    client.wait_for_told("INFORM 10.77.0.1 10.77.0.2, 10.77.0.3, lab.example, .");
    assert_eq!(leases(&daemon), []);
}

/// A third box on the segment which has this address and no lease for it.
fn squatter(address: &str) -> (Netns, Netns, Netns, Netns) {
    let (daemon, machine) = (Netns::new("daemon"), Netns::new("machine"));
    let (switch, squatter) = (Netns::new("switch"), Netns::new("squatter"));
    switch.ip("link add br0 type bridge");
    switch.ip("link set br0 addrgenmode none");
    switch.ip("link set br0 up");
    for (end, port) in [
        (End::new(&daemon, "lab0", "10.77.0.1/24"), "p0"),
        (End::bare(&machine, "eth0"), "p1"),
        (End::new(&squatter, "eth0", address), "p2"),
    ] {
        cable(&end, &End::bare(&switch, port));
        switch.ip(&format!("link set {port} master br0"));
    }
    (daemon, machine, switch, squatter)
}

#[test]
fn an_address_that_the_client_finds_in_use_is_declined_and_nobody_gets_it_any_more() {
    let (inside, machine, _switch, _squatter) = squatter("10.77.0.100/24");
    let config = CONFIG.replace("10.77.0.100-10.77.0.199", "10.77.0.100");
    let daemon = Daemon::start(&inside, &config);
    let directory = ClientProcess::directory("decline");
    let _client = ClientProcess::udhcpc(&machine, &directory, &["-a500"]);
    daemon.wait_for_log("declined 10.77.0.100");
    wait_until("that is recorded", || lease(&daemon).state == "declined");
    daemon.wait_for_log("the pool of 10.77.0.0/24 has no address left");
}

#[test]
fn an_address_in_use_is_found_by_a_probe_before_it_is_offered_and_another_one_is() {
    let (inside, machine, _switch, other) = squatter("10.77.0.100/24");
    let config = CONFIG
        .replace("10.77.0.100-10.77.0.199", "10.77.0.100-10.77.0.101")
        .replace("probe = false", "probe = true");
    let daemon = Daemon::start(&inside, &config);
    // Whichever of the two it would get first, it ends with the free one.
    for card in [
        "52:54:00:00:00:01",
        "52:54:00:00:00:02",
        "52:54:00:00:00:03",
        "52:54:00:00:00:04",
    ] {
        machine.ip("link set eth0 down");
        machine.ip(&format!("link set eth0 address {card}"));
        machine.ip("link set eth0 up");
        let directory = ClientProcess::directory(&format!("probe-{}", card.replace(':', "")));
        let client = ClientProcess::udhcpc(&machine, &directory, &["-R"]);
        let told = client.wait_for_told("bound ");
        assert_eq!(word(&told, "bound "), "10.77.0.101");
        client.signal("-USR2");
        wait_until("the release is recorded", || {
            leases(&daemon)
                .iter()
                .any(|lease| lease.holder == card && lease.state == "released")
        });
        client.cut_off();
    }
    let line = daemon.wait_for_log("uses 10.77.0.100, which is not leased to it");
    assert!(line.contains(&mac(&other, "eth0")), "who it is: {line}");
    let declined = leases(&daemon).into_iter().find(|lease| lease.state == "declined");
    let declined = declined.expect("it is kept back");
    assert_eq!(declined.address, Ipv4Addr::new(10, 77, 0, 100));
    assert_eq!(declined.holder, mac(&other, "eth0"));
}
