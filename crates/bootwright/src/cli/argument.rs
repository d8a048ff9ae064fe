//! The command line's words.
//!
//! Each option also has a variable, `BOOTWRIGHT_` and its name. One has none: what allows the overwriting of a disk must
//! not wait in an environment for a command that was meant otherwise.

mod login;

use std::path::PathBuf;

use bootwright_config::System;
use bootwright_core::{MacAddr, Uuid};
use clap::builder::{BoolishValueParser, PossibleValuesParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use clap_complete::engine::ArgValueCompleter;

use super::completion;
use crate::example;
use crate::telemetry::LogFormat;

pub(super) use login::{TokenVerb, UserVerb};

/// Where the daemon listens for operators.
pub(super) const SOCKET: &str = "/run/bootwright/control.sock";

/// The operator's configuration.
pub(super) const CONFIG: &str = "/etc/bootwright/config.toml";

/// The boot firmware that a package or an image brings.
pub(super) const FIRMWARE_DIR: &str = "/usr/share/bootwright/firmware";

/// Boots machines over the network and installs each of them once.
#[derive(Debug, Parser)]
#[command(
    name = "bootwright",
    version,
    disable_help_subcommand = true,
    max_term_width = 100,
    propagate_version = false
)]
#[command(
    after_help = "Exit status: 0 good, 1 failed or warnings, 2 bad usage or configuration, 3 cannot run here or no \
                        daemon answers, 4 the data directory is held by another."
)]
pub struct Arguments {
    #[command(flatten)]
    pub(super) common: Common,
    #[command(subcommand)]
    pub(super) verb: Verb,
}

/// Options of every command.
#[derive(Args, Clone, Debug)]
pub(super) struct Common {
    /// The socket on which the daemon listens for operators
    #[arg(long, global = true, value_name = "FILE", env = "BOOTWRIGHT_SOCKET", default_value = SOCKET)]
    pub(super) socket: PathBuf,
    /// The URL of a daemon on another box, in place of the socket: `https://boot.example.net:8443`
    #[arg(long, global = true, value_name = "URL", env = "BOOTWRIGHT_URL")]
    pub(super) url: Option<String>,
    /// The file with the token for `--url` [default: what `BOOTWRIGHT_TOKEN` holds]
    #[arg(long, global = true, value_name = "FILE", env = "BOOTWRIGHT_TOKEN_FILE")]
    pub(super) token_file: Option<PathBuf>,
    /// The SHA-256 of the certificate behind `--url`, where no authority vouches for it
    #[arg(long, global = true, value_name = "SHA256", env = "BOOTWRIGHT_FINGERPRINT")]
    pub(super) fingerprint: Option<String>,
    /// Print one document: that of the API as it is, or what went wrong
    #[arg(long, global = true, env = "BOOTWRIGHT_JSON", value_parser = BoolishValueParser::new())]
    pub(super) json: bool,
    /// The configuration; files `conf.d/*.toml` beside it are read as well
    #[arg(long, global = true, value_name = "FILE", env = "BOOTWRIGHT_CONFIG", default_value = CONFIG)]
    pub(super) config: PathBuf,
    /// Where everything lies that must last [default: `data_dir` of the configuration, or /var/lib/bootwright]
    #[arg(long, global = true, value_name = "DIR", env = "BOOTWRIGHT_DATA_DIR")]
    pub(super) data_dir: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Run the daemon
    Serve {
        /// Where the boot firmware and its manifest are
        #[arg(long, value_name = "DIR", env = "BOOTWRIGHT_FIRMWARE_DIR", default_value = FIRMWARE_DIR)]
        firmware_dir: PathBuf,
        /// The form of the log [default: text, and json with `--json`]
        #[arg(long, value_enum, value_name = "FORM", env = "BOOTWRIGHT_LOG_FORMAT")]
        log: Option<LogFormat>,
    },
    /// Write a commented configuration where there is none
    Init {
        /// Where nothing can be written, say so and succeed: the daemon runs without a file too
        #[arg(long)]
        lenient: bool,
    },
    /// Turn an installation of another system into a configuration and known hosts
    Import(Box<ImportOptions>),
    /// Read and render the whole configuration and list every mistake
    Check {
        /// Where the boot firmware and its manifest are, looked at if a data directory is named
        #[arg(long, value_name = "DIR", env = "BOOTWRIGHT_FIRMWARE_DIR", default_value = FIRMWARE_DIR)]
        firmware_dir: PathBuf,
        /// Check the record in the data directory instead
        #[arg(long, env = "BOOTWRIGHT_STORE", value_parser = BoolishValueParser::new())]
        store: bool,
    },
    /// Look for what keeps machines from booting, and say what repairs it
    Doctor {
        /// Where the boot firmware and its manifest are
        #[arg(long, value_name = "DIR", env = "BOOTWRIGHT_FIRMWARE_DIR", default_value = FIRMWARE_DIR)]
        firmware_dir: PathBuf,
        /// Run only these checks
        #[arg(long, value_name = "ID", num_args = 1..)]
        only: Vec<String>,
    },
    /// Show hosts and decide about them
    #[command(subcommand)]
    Host(HostVerb),
    /// Show the addresses that were leased
    #[command(subcommand)]
    Lease(LeaseVerb),
    /// Add images, and show, verify and remove them; no daemon is needed
    #[command(subcommand)]
    Image(ImageVerb),
    /// Show profiles, and write some to begin with
    #[command(subcommand)]
    Profile(ProfileVerb),
    /// Show what the configuration says and may say, and what of it is not in force
    #[command(subcommand)]
    Config(ConfigVerb),
    /// Carry images, firmware and configuration to a box without a network
    #[command(subcommand)]
    Bundle(BundleVerb),
    /// Show what happened
    Events(EventOptions),
    /// Show what a host would be answered now, and why
    Explain(ExplainOptions),
    /// Boot a made-up machine against the running daemon with real packets, and show every step
    Simulate(Box<SimulateOptions>),
    /// Show how the daemon does
    Status,
    /// Say who you are to the daemon, and what you may do
    Whoami,
    /// Say who may log in with a password
    #[command(subcommand)]
    User(UserVerb),
    /// Say which programs may log in
    #[command(subcommand)]
    Token(TokenVerb),
    /// Let no install begin or go on
    Pause {
        /// Why, for those who wonder
        why: Vec<String>,
    },
    /// Let installs go on
    Resume,
    /// Take the configuration on disk into force; a bad one changes nothing
    Reload,
    /// Accept the armings that rules propose for hosts that were there before
    Apply {
        /// Only for these hosts
        #[arg(add = ArgValueCompleter::new(completion::hosts))]
        hosts: Vec<String>,
        /// Show the proposals and accept none
        #[arg(long, env = "BOOTWRIGHT_DRY_RUN", value_parser = BoolishValueParser::new())]
        dry_run: bool,
    },
    /// Show those who are told of events, and try one
    #[command(subcommand)]
    Webhook(WebhookVerb),
    /// Print the description of the control API, OpenAPI 3.1; no daemon is needed
    Openapi,
    /// Print what operators decided about hosts as tables of the configuration, to adopt there
    Export {
        /// The hosts [default: all]
        #[arg(add = ArgValueCompleter::new(completion::hosts))]
        hosts: Vec<String>,
        /// As TOML, which is the only form so far
        #[arg(long, env = "BOOTWRIGHT_TOML", value_parser = BoolishValueParser::new())]
        toml: bool,
    },
    /// Write the record and what belongs to it into one file, while the daemon runs
    Backup {
        /// The file, for its owner alone; `-` is the standard output
        file: PathBuf,
        /// Take the configuration along, with the documents beside it; it may hold secrets
        #[arg(long, env = "BOOTWRIGHT_WITH_CONFIG", value_parser = BoolishValueParser::new())]
        with_config: bool,
    },
    /// Put a backup in the place of what is in the data directory, while no daemon runs
    Restore {
        /// The file
        file: PathBuf,
        /// Restore the configuration as well, where it is not there already
        #[arg(long, env = "BOOTWRIGHT_WITH_CONFIG", value_parser = BoolishValueParser::new())]
        with_config: bool,
    },
    /// Write the pages of the manual
    Man {
        /// The directory
        directory: PathBuf,
    },
    /// Say what a code means, or how a command is used; no daemon is needed
    Help {
        /// A code of a log line, a warning or a machine's screen; `codes` for all of them; or a command
        words: Vec<String>,
    },
    /// Print the version
    Version,
    /// Print the completions for a shell; they ask the daemon for the names of hosts
    Completions {
        /// The shell
        shell: Shell,
    },
}

#[derive(Args, Debug)]
pub(super) struct ExplainOptions {
    /// The host: a name, a hardware address or a UUID
    #[arg(add = ArgValueCompleter::new(completion::hosts))]
    pub(super) host: String,
    /// Explain it as if this were so: profile, live, state, locked, arch, firmware, front, interface, address, mac, uuid, serial, asset,
    /// manufacturer, product, label.KEY, metadata.KEY, confirmed, chosen, mode, unknown, wipe, paused, max_attempts,
    /// max_concurrent, max_new_per_hour
    #[arg(long, value_name = "KEY=VALUE")]
    pub(super) as_if: Vec<String>,
    /// Only what is answered on this channel
    #[arg(long, value_name = "CHANNEL", value_parser = ["dhcp", "tftp", "ipxe", "config"])]
    pub(super) at: Option<String>,
    /// Show packets and documents byte for byte
    #[arg(long)]
    pub(super) bytes: bool,
}

#[derive(Args, Debug)]
pub(super) struct SimulateOptions {
    /// The card of the machine that is played
    #[arg(long, value_name = "ADDRESS", value_parser = card)]
    pub(super) mac: MacAddr,
    /// Its firmware
    #[arg(long, value_enum, value_name = "FIRMWARE", default_value = "uefi64")]
    pub(super) arch: Played,
    /// How far it goes: to the offer of a boot file, to the script that decides, or through the whole install to its own disk
    #[arg(long, value_enum, value_name = "STAGE", default_value = "scripted")]
    pub(super) to: Goal,
    /// Its serial number
    #[arg(long)]
    pub(super) serial: Option<String>,
    /// Its UUID
    #[arg(long)]
    pub(super) uuid: Option<Uuid>,
    /// The interface of this box from which it asks [default: the only one that is up and has an IPv4 address]
    #[arg(long, value_name = "NAME")]
    pub(super) link: Option<String>,
    /// Let an install begin although nobody armed the host, if the configuration grants one: that uses up what is granted
    #[arg(long)]
    pub(super) yes: bool,
}

/// The firmware that is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Played {
    /// A BIOS with a PXE ROM
    Bios,
    /// x64 UEFI by PXE
    Uefi64,
    /// arm64 UEFI by PXE
    Arm64,
    /// x64 UEFI by HTTP boot
    Uefi64Http,
    /// iPXE in the card's ROM
    Ipxe,
}

/// How far a played machine goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(super) enum Goal {
    /// Until it is offered a boot file
    Offered,
    /// Until it is told what to do
    Scripted,
    /// Until its install is done and it starts its own disk
    Installed,
}

/// A hardware address that a machine may have.
fn card(text: &str) -> Result<MacAddr, String> {
    let mac: MacAddr = text.parse().map_err(|_| "write it as 52:54:00:12:34:56".to_owned())?;
    if mac.is_zero() || mac.is_multicast() {
        return Err("no card has it".to_owned());
    }
    Ok(mac)
}

#[derive(Debug, Subcommand)]
pub(super) enum HostVerb {
    /// List hosts
    List {
        /// Only hosts in this state
        #[arg(long, env = "BOOTWRIGHT_STATE", value_parser = STATES)]
        state: Option<String>,
        /// Only hosts whose name, address, serial number or profile holds this text
        #[arg(long, env = "BOOTWRIGHT_TEXT")]
        text: Option<String>,
        /// At most so many
        #[arg(long, value_name = "COUNT", env = "BOOTWRIGHT_LIMIT")]
        limit: Option<usize>,
    },
    /// Show everything about a host
    Show(Named),
    /// Show what the installer of a host said: by syslog, in its reports, as its log
    Log {
        /// The host
        host: String,
        /// Of this run [default: the last one that has a log]
        #[arg(long, value_name = "NUMBER", env = "BOOTWRIGHT_RUN")]
        run: Option<u32>,
    },
    /// Grant one install of each of these profiles, in order
    Arm {
        /// The host: a name or a hardware address, also of a machine that was never seen
        #[arg(add = ArgValueCompleter::new(completion::hosts))]
        host: String,
        /// The profiles [default: the one that the configuration or the rules mean for the host]
        #[arg(value_name = "PROFILE[,PROFILE…]", value_delimiter = ',', add = ArgValueCompleter::new(completion::profiles))]
        profiles: Vec<String>,
        /// Allow the overwriting of the disk with this serial number although it is not empty
        #[arg(long, value_name = "SERIAL")]
        allow_wipe: Vec<String>,
    },
    /// Grant one more install of what it had
    Reinstall {
        /// The host
        host: String,
        /// Its name once more, for a host that was ever installed
        #[arg(long, value_name = "HOST")]
        confirm: Option<String>,
        /// Allow the overwriting of the disk with this serial number although it is not empty
        #[arg(long, value_name = "SERIAL")]
        allow_wipe: Vec<String>,
    },
    /// Switch it on: send a magic packet to its cards
    Wake(Named),
    /// Put further profiles behind those of the arming
    Queue {
        /// The host
        #[arg(add = ArgValueCompleter::new(completion::hosts))]
        host: String,
        /// The profiles
        #[arg(value_name = "PROFILE[,PROFILE…]", value_delimiter = ',', required = true, add = ArgValueCompleter::new(completion::profiles))]
        profiles: Vec<String>,
    },
    /// Let it wait; an arming or a run ends
    Hold(Named),
    /// Let it start its own disk
    Local(Named),
    /// Let it boot a profile every time
    Live {
        /// The host
        #[arg(add = ArgValueCompleter::new(completion::hosts))]
        host: String,
        /// The profile
        #[arg(add = ArgValueCompleter::new(completion::profiles))]
        profile: String,
    },
    /// Never answer it
    Ignore(Named),
    /// Protect it from any install
    Lock(Named),
    /// Take the protection away
    Unlock(Named),
    /// Remove it from the store
    Forget(Named),
    /// Set labels and metadata; an empty value removes
    Set {
        /// The host
        #[arg(add = ArgValueCompleter::new(completion::hosts))]
        host: String,
        /// What to set
        #[arg(value_name = "label.KEY=VALUE | metadata.KEY=VALUE", required = true)]
        items: Vec<String>,
    },
    /// Call its run done, for profiles that cannot report
    Done(Named),
}

#[derive(Args, Debug)]
pub(super) struct ImportOptions {
    /// The system
    #[arg(value_parser = PossibleValuesParser::new(System::ALL.iter().map(|system| system.name())))]
    pub(super) system: String,
    /// Its files and directories: data, configuration, units and scripts with its options
    #[arg(required = true, value_name = "PATH")]
    pub(super) paths: Vec<PathBuf>,
    /// Write what comes out; without this nothing is changed
    #[arg(long)]
    pub(super) write: bool,
    /// Write over files of an earlier import
    #[arg(long, requires = "write")]
    pub(super) force: bool,
    /// The name of the file in `conf.d/` [default: that of the system]
    #[arg(long)]
    pub(super) name: Option<String>,
    /// What machines become of which the other system does not say whether they were installed
    #[arg(long, value_enum, value_name = "STATE", default_value = "installed")]
    pub(super) unrecorded: Unrecorded,
    /// Where the boot firmware and its manifest are, looked at by the check of the result
    #[arg(long, value_name = "DIR", env = "BOOTWRIGHT_FIRMWARE_DIR", default_value = FIRMWARE_DIR)]
    pub(super) firmware_dir: PathBuf,
}

/// What machines become of which nobody knows whether they were installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Unrecorded {
    /// They boot their own disks, and are locked
    Installed,
    /// They wait for an operator
    Waiting,
}

#[derive(Debug, Subcommand)]
pub(super) enum WebhookVerb {
    /// List webhooks, and how far they are
    List,
    /// Send a webhook a message that tells of nothing
    Test {
        /// The webhook, by its name in the configuration
        name: String,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum LeaseVerb {
    /// List leases in the order of their addresses, those that have ended among them
    List {
        /// Only leases whose address, card, host or name holds this text
        #[arg(long, env = "BOOTWRIGHT_TEXT")]
        text: Option<String>,
        /// At most so many
        #[arg(long, value_name = "COUNT", env = "BOOTWRIGHT_LIMIT")]
        limit: Option<usize>,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum ImageVerb {
    /// Fetch, verify and unpack an image and put it below `images/`, whole or not at all
    Add(Box<ImageOptions>),
    /// List images
    List,
    /// Read all files of images and compare them with what was added
    Verify {
        /// The images [default: all]
        names: Vec<String>,
    },
    /// Remove an image
    Remove {
        /// The image
        name: String,
    },
}

#[derive(Args, Debug)]
pub(super) struct ImageOptions {
    /// The image's name: its directory below `images/`
    pub(super) name: String,
    /// A path, URLs, `fcos:STREAM`, `flatcar:CHANNEL` or `debian:SUITE` [default: what the configuration says in `[images]`]
    pub(super) source: Vec<String>,
    /// Another place with the same files: tried after a URL, and in place of a vendor's own site
    #[arg(long, value_name = "URL")]
    pub(super) mirror: Vec<String>,
    /// Public keys, one of which must have signed what is fetched
    #[arg(long, value_name = "FILE")]
    pub(super) key: Vec<PathBuf>,
    /// The signature, if it is not beside the file under its name and `.sig`, `.asc` or `.gpg`
    #[arg(long, value_name = "FILE|URL")]
    pub(super) signature: Option<String>,
    /// A list of hashes such as `SHA256SUMS`; it is then what is signed
    #[arg(long, value_name = "FILE|URL")]
    pub(super) sums: Option<String>,
    /// The SHA-256 of the file
    #[arg(long, value_name = "HEX", conflicts_with = "sha512")]
    pub(super) sha256: Option<String>,
    /// The SHA-512 of the file
    #[arg(long, value_name = "HEX")]
    pub(super) sha512: Option<String>,
    /// The architecture, as the vendor calls it [default: that of x86-64]
    #[arg(long)]
    pub(super) arch: Option<String>,
    /// Keep an archive or a disc beside what is unpacked from it
    #[arg(long)]
    pub(super) keep: bool,
    /// Take what neither a key nor a hash nor HTTPS proves
    #[arg(long)]
    pub(super) unverified: bool,
    /// The most bytes of all files together, in GiB [default: 64]
    #[arg(long, value_name = "GIB")]
    pub(super) max_size: Option<u64>,
}

#[derive(Debug, Subcommand)]
pub(super) enum ConfigVerb {
    /// Show each setting with the file and line that it stands on, what looks like a secret left out
    Show,
    /// Print the JSON Schema of the configuration, for editors; no daemon is needed
    Schema,
    /// Show what differs between the configuration in force and the one on disk
    Diff,
}

#[derive(Debug, Subcommand)]
pub(super) enum ProfileVerb {
    /// Show what hosts may boot, and how that went so far
    List,
    /// Write a commented profile for a system into `conf.d/` beside the configuration, its documents beside it
    New {
        /// The profile's name [default: that of the system]
        name: Option<String>,
        /// The system
        #[arg(long, value_parser = systems())]
        os: String,
    },
}

/// The systems of the catalogue.
fn systems() -> PossibleValuesParser {
    PossibleValuesParser::new(example::ALL.iter().map(|(name, _)| *name))
}

#[derive(Debug, Subcommand)]
pub(super) enum BundleVerb {
    /// Write images, firmware and the configuration into one file
    Write {
        /// The file
        file: PathBuf,
        /// The images [default: all that were added]
        images: Vec<String>,
        /// Where the boot firmware is
        #[arg(long, value_name = "DIR", env = "BOOTWRIGHT_FIRMWARE_DIR", default_value = FIRMWARE_DIR)]
        firmware_dir: PathBuf,
        /// Leave the configuration out, which may hold secrets
        #[arg(long)]
        no_config: bool,
    },
    /// Read such a file: what is there already and differs is not replaced, images are
    Read {
        /// The file
        file: PathBuf,
    },
}

/// The names of states.
pub(super) const STATES: [&str; 7] = ["new", "armed", "installing", "installed", "failed", "live", "ignored"];

#[derive(Args, Debug)]
pub(super) struct Named {
    /// The host: a name, a hardware address or a UUID
    #[arg(add = ArgValueCompleter::new(completion::hosts))]
    pub(super) host: String,
}

#[derive(Args, Debug)]
pub(super) struct EventOptions {
    /// Show what happens from now on as well, until interrupted
    #[arg(long, short, env = "BOOTWRIGHT_FOLLOW", value_parser = BoolishValueParser::new())]
    pub(super) follow: bool,
    /// Only those about this host
    #[arg(long, env = "BOOTWRIGHT_HOST", add = ArgValueCompleter::new(completion::hosts))]
    pub(super) host: Option<String>,
    /// Only those behind this place in the record
    #[arg(long, value_name = "SEQ", env = "BOOTWRIGHT_SINCE")]
    pub(super) since: Option<u64>,
    /// Only the last so many, or the first so many behind `--since` [default: all; with `--follow` and no `--since`: 0]
    #[arg(long, value_name = "COUNT", env = "BOOTWRIGHT_LIMIT")]
    pub(super) limit: Option<usize>,
}
