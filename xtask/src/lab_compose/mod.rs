//! The container in the lab.

use anyhow::{Result, bail};

use crate::lab;

/// Builds the image, starts it with Compose v1 and v2, and installs a machine through it.
pub(crate) fn run(_args: &lab::Args) -> Result<()> {
    bail!("the container's lab is not built yet")
}
