//! The servers: ours and those that people use today, each set up as its own documentation says and without the work that
//! only the other side would do, such as writing a line for every packet.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};

use super::ground::{CLIENT, DEVICE, End, Ground, SERVER};
use super::kit::{Kit, UNPACKED, unpacked};
use crate::{package, process};

/// A server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Contender {
    Bootwright,
    /// The same as the segment's DHCP server.
    BootwrightLeases,
    Kea,
    Dnsmasq,
    /// The same, told not to log what it answers.
    DnsmasqQuiet,
    TftpdHpa,
    Atftpd,
    Nginx,
}

/// What the servers of one measurement have before them.
pub(super) struct Site<'a> {
    pub(super) kit: &'a Kit,
    pub(super) ground: &'a Ground,
    /// A directory of this measurement's own.
    pub(super) home: &'a Path,
    /// The files that TFTP serves from a directory.
    pub(super) files: Option<&'a Path>,
    /// What Bootwright's configuration says besides.
    pub(super) config: &'a str,
}

impl Contender {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Bootwright => "Bootwright",
            Self::BootwrightLeases => "Bootwright, leasing",
            Self::Kea => "Kea",
            Self::Dnsmasq => "dnsmasq",
            Self::DnsmasqQuiet => "dnsmasq, quiet",
            Self::TftpdHpa => "tftpd-hpa",
            Self::Atftpd => "atftpd",
            Self::Nginx => "nginx",
        }
    }

    /// The name with the version of the Debian package.
    pub(super) fn version(self) -> Result<String> {
        let installed = |package: &str| {
            process::output(Command::new("dpkg-query").args(["--show", "--showformat=${Version}", package]))
        };
        let version = match self {
            Self::Bootwright | Self::BootwrightLeases => env!("CARGO_PKG_VERSION").to_owned(),
            Self::Dnsmasq | Self::DnsmasqQuiet => installed("dnsmasq-base")?,
            Self::Nginx => installed("nginx")?,
            Self::Kea => installed("kea-dhcp4-server")?,
            Self::TftpdHpa | Self::Atftpd => {
                // The package was kept beside what was unpacked from it: `NAME_VERSION_ARCHITECTURE.deb`.
                let files = fs::read_dir(unpacked(self.name()))?.flatten();
                let names = files.map(|file| file.file_name().to_string_lossy().into_owned());
                let deb = names
                    .into_iter()
                    .find(|name| name.ends_with(".deb"))
                    .unwrap_or_default();
                deb.split('_').nth(1).unwrap_or("?").to_owned()
            }
        };
        Ok(format!("{} {}", self.name(), version.trim()))
    }

    /// The command that starts it at the server's end of the wire.
    pub(super) fn command(self, site: &Site<'_>) -> Result<Command> {
        let program = match self {
            Self::Bootwright | Self::BootwrightLeases => site.kit.bootwright.clone(),
            Self::Kea => copied(&find("kea-dhcp4")?, site)?,
            Self::Dnsmasq | Self::DnsmasqQuiet => find("dnsmasq")?,
            Self::TftpdHpa => unpacked(UNPACKED[0].0).join(UNPACKED[0].1),
            Self::Atftpd => unpacked(UNPACKED[1].0).join(UNPACKED[1].1),
            Self::Nginx => find("nginx")?,
        };
        let mut command = site.ground.command(End::Server, program);
        match self {
            Self::Bootwright => bootwright(&mut command, site, site.config)?,
            Self::BootwrightLeases => bootwright(&mut command, site, &lending())?,
            Self::Kea => kea(&mut command, site)?,
            Self::Dnsmasq | Self::DnsmasqQuiet => dnsmasq(&mut command, site, self == Self::DnsmasqQuiet),
            Self::TftpdHpa => {
                command.args(["--foreground", "--user", "root", "--secure", "--address"]);
                command.arg(format!("{SERVER}:69")).args(site.files);
            }
            Self::Atftpd => {
                command.args(["--daemon", "--no-fork", "--user", "root.root", "--logfile", "/dev/null"]);
                command.args([
                    "--verbose=0",
                    "--maxthread",
                    "2000",
                    "--bind-address",
                    &SERVER.to_string(),
                ]);
                command.args(site.files);
            }
            Self::Nginx => nginx(&mut command, site)?,
        }
        let log = File::create(site.home.join("log"))?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        Ok(command)
    }
}

fn find(tool: &str) -> Result<std::path::PathBuf> {
    package::find(tool).with_context(|| format!("`{tool}` is missing"))
}

fn bootwright(command: &mut Command, site: &Site<'_>, more: &str) -> Result<()> {
    let config = site.home.join("config.toml");
    let mut text = format!("[server]\ninterfaces = [\"{DEVICE}\"]\n{more}");
    if let Some(files) = site.files {
        text += &format!("[tftp]\nroot = \"{}\"\n", files.display());
    }
    fs::write(&config, text)?;
    command.arg("--config").arg(config);
    command.arg("--data-dir").arg(site.home.join("data"));
    command.arg("--socket").arg(site.home.join("control.sock"));
    // What it serves lies in the data directory; none is shipped here.
    command.args(["serve", "--firmware-dir"]).arg(site.home.join("none"));
    Ok(())
}

/// More addresses than any measurement has clients, on a network behind a relay. Our bound of leases is 262,144.
const POOL: (&str, &str) = ("10.96.0.0/14", "10.96.0.10-10.99.255.200");

fn lending() -> String {
    let (subnet, range) = POOL;
    format!(
        "[dhcp]\nmode = \"server\"\nforce = true\n[[dhcp.pools]]\nsubnet = \"{subnet}\"\nrange = \"{range}\"\n\
         relay = \"{CLIENT}\"\nlease = \"1h\"\nprobe = false\n"
    )
}

/// With several threads, as it comes today, on plain sockets, which its manual recommends behind relays.
fn kea(command: &mut Command, site: &Site<'_>) -> Result<()> {
    let (subnet, range) = POOL;
    let home = site.home.display();
    let text = format!(
        r#"{{"Dhcp4": {{
            "interfaces-config": {{"interfaces": ["{DEVICE}"], "dhcp-socket-type": "udp"}},
            "lease-database": {{"type": "memfile", "persist": true, "name": "{home}/leases.csv", "lfc-interval": 0}},
            "multi-threading": {{"enable-multi-threading": true}},
            "valid-lifetime": 3600,
            "subnet4": [{{"id": 1, "subnet": "{subnet}", "pools": [{{"pool": "{range}"}}],
                "relay": {{"ip-addresses": ["{CLIENT}"]}}}}],
            "loggers": [{{"name": "kea-dhcp4", "severity": "WARN", "output_options": [{{"output": "stderr"}}]}}]
        }}}}"#
    );
    let config = site.home.join("kea.json");
    fs::write(&config, text)?;
    command
        .env("KEA_PIDFILE_DIR", site.home)
        .env("KEA_LOCKFILE_DIR", "none");
    command.arg("-c").arg(config);
    Ok(())
}

/// A copy of a program: where AppArmor knows it by its path, it could not write where the benchmark wants it to.
fn copied(program: &Path, site: &Site<'_>) -> Result<std::path::PathBuf> {
    let copy = site.home.join(program.file_name().unwrap_or_default());
    fs::copy(program, &copy)?;
    Ok(copy)
}

/// As the guides to network boot set it up: beside another DHCP server, iPXE for firmware, the script for iPXE. It logs
/// what it answers, as it does unless it is told otherwise, into a file; TFTP is measured without.
fn dnsmasq(command: &mut Command, site: &Site<'_>, quiet: bool) {
    command.args([
        "--keep-in-foreground",
        "--conf-file=/dev/null",
        "--port=0",
        "--user=root",
    ]);
    command.arg("--pid-file=");
    if quiet || site.files.is_some() {
        command.args(["--log-facility=/dev/null", "--quiet-dhcp"]);
    } else {
        let log = site.home.join("dnsmasq.log");
        command.arg(format!("--log-facility={}", log.display()));
    }
    command.arg(format!("--interface={DEVICE}"));
    if let Some(files) = site.files {
        command.args(["--enable-tftp", "--tftp-max=2000", "--quiet-tftp"]);
        command.arg(format!("--tftp-root={}", files.display()));
        return;
    }
    command.args(["--dhcp-range=10.88.0.0,proxy,255.255.0.0", "--dhcp-match=set:ipxe,175"]);
    for (arch, file) in [
        ("x86PC", "undionly.kpxe"),
        ("x86-64_EFI", "snponly.efi"),
        ("BC_EFI", "snponly.efi"),
    ] {
        command.arg(format!("--pxe-service=tag:!ipxe,{arch},iPXE,{file}"));
        command.arg(format!(
            "--pxe-service=tag:ipxe,{arch},script,http://{SERVER}:8080/boot.ipxe"
        ));
    }
}

/// Files by sendfile, and for scripts an answer that needs no thought: the floor of what HTTP costs.
fn nginx(command: &mut Command, site: &Site<'_>) -> Result<()> {
    let config = site.home.join("nginx.conf");
    let home = site.home.display();
    let text = format!(
        "user root;\nworker_processes 2;\ndaemon off;\npid {home}/pid;\nerror_log {home}/log;\n\
         events {{ worker_connections 4096; }}\n\
         http {{\n  access_log off;\n  sendfile on;\n  tcp_nopush on;\n  keepalive_requests 1000000;\n\
         client_body_temp_path {home}/body;\n  proxy_temp_path {home}/proxy;\n  fastcgi_temp_path {home}/fastcgi;\n\
         uwsgi_temp_path {home}/uwsgi;\n  scgi_temp_path {home}/scgi;\n\
         server {{\n    listen 8080;\n    root {home}/data;\n\
         location /ipxe {{ default_type text/plain; return 200 \"#!ipxe\\nexit\\n\"; }}\n  }}\n}}\n"
    );
    fs::write(&config, text)?;
    command.arg("-c").arg(config);
    Ok(())
}
