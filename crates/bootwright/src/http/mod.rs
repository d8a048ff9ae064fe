//! The machine plane: plain HTTP on the segment. Requests in, the engine's answers and files out. Nothing here decides.

pub(crate) mod answer;
pub(crate) mod body;
pub(crate) mod file;
mod head;
mod heard;
mod listen;
pub(crate) mod report;
mod route;
pub mod script;
mod source;
pub(crate) mod told;

use std::sync::Arc;

use arc_swap::ArcSwap;
use bootwright_config::{Daemon, Places, Tables};
use bootwright_net::Link;

pub use file::Shelf;
pub use heard::Heard;
pub(crate) use route::Ends;

pub use listen::{bind, bind_ipv6, connections_within, serve};
pub use source::Sources;

use crate::artefact::Artefacts;
use crate::compat::Desks;
use crate::core::Core;
use crate::counter::Counters;
use crate::firmware::Catalogue;
use crate::journal::Journal;
use crate::vault::Vault;
use crate::voice::Scribe;

/// What the machine plane answers from.
pub struct Plane {
    /// The engine.
    pub core: Arc<Core>,
    /// The counters.
    pub counters: Arc<Counters>,
    /// The firmware catalogue.
    pub catalogue: Arc<Catalogue>,
    /// `images/` in the data directory.
    pub images: Shelf,
    /// Whether the files of images are there and as they were added.
    pub artefacts: Arc<Artefacts>,
    /// `assets/` in the data directory.
    pub assets: Shelf,
    /// Where installers' logs are kept.
    pub journal: Journal,
    /// Who writes down what installers say besides.
    pub scribe: Scribe,
    /// The daemon's settings.
    pub daemon: Arc<Daemon>,
    /// The box's links, as last seen.
    pub links: Arc<ArcSwap<Vec<Link>>>,
    /// Where the templates of the profiles stand.
    pub places: Arc<ArcSwap<Places>>,
    /// Where the secrets of documents are.
    pub secrets: Arc<Vault>,
    /// What the directories of other systems say.
    pub tables: Arc<ArcSwap<Tables>>,
    /// The other systems whose clients are answered.
    pub desks: Desks,
    /// What machines last said of themselves.
    pub heard: Heard,
    /// The connections of each address.
    pub sources: Arc<Sources>,
}
