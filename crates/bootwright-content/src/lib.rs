//! What hosts are given to boot and to read: templates, boot plans, documents, and the checks on them.
//!
//! Pure: a template reads no file, opens no connection and starts no program. Texts that a machine made up cannot change
//! the structure of what they are put into; how they may be used stands with `text::word` and in `docs/configuration.md`.

mod bound;
pub mod butane;
mod check;
mod cloud_init;
mod context;
mod document;
mod filter;
pub mod ignition;
mod json;
mod known;
mod plan;
mod secret;
mod snippet;
mod template;
pub mod text;
mod tree;
mod value;
mod yaml;

pub use check::{can_report, check_ahead, check_host, check_profile, fits_live, made_up, odd};
pub use context::{Context, RunValues, ServerValues, Values};
pub use known::nearest;
pub use plan::{ARGS_BYTES_MAX, BootInitrd, BootPlan, Part, Problem, render_boot, render_document};
pub use secret::{NotSecret, Secret, SecretUse, Secrets, is_secret_name, secrets_asked};
pub use snippet::ALL as SNIPPETS;
pub use template::{OUTPUT_BYTES_MAX, Template, TemplateError};
pub use tree::{Fault, position};
pub use value::DEPTH_MAX;
