//! Scripts for iPXE.
//!
//! They run on every build from 2019 on: no `params`, no `console`, no `poweroff`, GET alone. A machine never ends in a
//! shell: what fails is said on the console, told to the server and tried again with growing waits.
//!
//! iPXE cuts a line into words first and expands `${…}` in each word afterwards, again and again until nothing is left
//! to expand. A value can therefore not add words, but it can name another setting, and a word from us that is `||`,
//! `&&` or `;` or begins with `#` would change what the line means. What a machine controls is written as letters,
//! digits and `._:-` alone; what an operator wrote is refused where it could change the script ([`Unscriptable`]).

mod boot;
mod hold;
mod install;
mod local;
mod menu;
mod text;

pub(super) use hold::{digest, screen};
pub(super) use install::COMMAND_LINE_BYTES_MAX;

pub use boot::{ask_script, autoexec_script, boot_script, leave_script, notice_script, unavailable_script};
pub use hold::{Confirmation, Hold, confirm_script, hold_script};
pub use install::{Image, Initrd, Install, Live, install_script, live_script};
pub use local::local_script;
pub use menu::menu_script;
pub use text::{Fault, Unscriptable, check_argument, check_url};
