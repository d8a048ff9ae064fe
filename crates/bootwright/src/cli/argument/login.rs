//! The words of `bootwright user` and `bootwright token`.

use std::path::PathBuf;

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum UserVerb {
    /// List users
    List,
    /// Add a user; the password is asked for, or is the first line of the standard input
    Add {
        /// The name
        name: String,
        /// What the user may do
        #[arg(long, default_value = "viewer", value_parser = ROLES)]
        role: String,
        /// The file that holds the password
        #[arg(long, value_name = "FILE", env = "BOOTWRIGHT_PASSWORD_FILE")]
        password_file: Option<PathBuf>,
    },
    /// Give a user another password, also where it was lost; browsers that are logged in no longer are
    Passwd {
        /// The name
        name: String,
        /// The file that holds the password
        #[arg(long, value_name = "FILE", env = "BOOTWRIGHT_PASSWORD_FILE")]
        password_file: Option<PathBuf>,
    },
    /// Give a user another role, which counts at once
    Role {
        /// The name
        name: String,
        /// What the user may do
        #[arg(value_parser = ROLES)]
        role: String,
    },
    /// Remove a user
    Remove {
        /// The name
        name: String,
    },
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum TokenVerb {
    /// List tokens
    List,
    /// Make a token and print it, this once
    Create {
        /// What it is for
        name: String,
        /// What its bearer may do
        #[arg(long, default_value = "viewer", value_parser = ROLES)]
        role: String,
        /// How long it lasts, such as `90d` [default: until it is revoked]
        #[arg(long, value_name = "SPAN")]
        expires: Option<String>,
    },
    /// Make a token worthless
    Revoke {
        /// Its id, as the list shows it
        id: String,
    },
}

/// The names of roles.
const ROLES: [&str; 3] = ["viewer", "operator", "admin"];
