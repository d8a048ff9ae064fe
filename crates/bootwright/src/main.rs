<<<<<<< HEAD
//! The command line.

use std::path::PathBuf;
use std::process::ExitCode;

use bootwright::app::{ServeOptions, serve};
use bootwright::telemetry::LogFormat;
use clap::Parser;

/// Network boot for machines that are installed once.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The path of `config.toml`.
    #[arg(
        long,
        global = true,
        env = "BOOTWRIGHT_CONFIG",
        default_value = "/etc/bootwright/config.toml"
    )]
    config: PathBuf,
    /// Where everything lies that must last.
    #[arg(long, global = true, env = "BOOTWRIGHT_DATA_DIR")]
    data_dir: Option<PathBuf>,
    /// The control socket.
    #[arg(
        long,
        global = true,
        env = "BOOTWRIGHT_SOCKET",
        default_value = "/run/bootwright/control.sock"
    )]
    socket: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Serves machines until it is told to stop.
    Serve {
        /// Where the shipped firmware is.
        #[arg(
            long,
            env = "BOOTWRIGHT_FIRMWARE_DIR",
            default_value = "/usr/share/bootwright/firmware"
        )]
        firmware_dir: PathBuf,
        /// The form of the log.
        #[arg(long, env = "BOOTWRIGHT_LOG_FORMAT", value_enum, default_value = "text")]
        log: LogFormat,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match arguments.command {
        Command::Serve { firmware_dir, log } => serve(ServeOptions {
            config: arguments.config,
            data_dir: arguments.data_dir,
            socket: arguments.socket,
            firmware_dir,
            log,
        }),
    }
=======
//! The one binary: the daemon, and the command line that speaks with it.

use std::process::ExitCode;

fn main() -> ExitCode {
    bootwright::cli::run()
>>>>>>> 0984aef (Command line: words, tables, and the client of the control API)
}
