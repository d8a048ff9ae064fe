//! What the configuration says of the systems whose place we take: whose clients we answer, where, and from which directory.

pub use bootwright_core::Dialect;

use crate::daemon::Listen;

/// One dialect that is switched on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compat {
    /// Which.
    pub dialect: Dialect,
    /// Its own address and port; without one, only those of its routes that nobody else has are on the machine plane.
    pub listen: Option<Listen>,
    /// The directory with its data, read again whenever it changes.
    pub data_dir: Option<String>,
    /// The directory with the files that its machines fetch.
    pub files_dir: Option<String>,
    /// The server that is asked in place of a directory.
    pub upstream: Option<String>,
    /// The image that it boots, by its name below `images/`.
    pub image: Option<String>,
    /// How its data is laid out, where that has changed over the years.
    pub era: Era,
    /// Who is given documents, which may hold secrets.
    pub configs: Configs,
    /// What ends a run.
    pub done: DoneBy,
    /// The secret key that signs what clients are answered, where there is one.
    pub key_ring: Option<String>,
    /// Where programs write its data, with certificates on both sides.
    pub rpc: Option<Rpc>,
}

/// An API by which programs write a dialect's data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rpc {
    /// Its own address and port.
    pub listen: Listen,
    /// Our certificate, in PEM.
    pub cert_file: String,
    /// The key of our certificate, in PEM.
    pub key_file: String,
    /// The authority that has signed the certificates of those who may write, in PEM.
    pub ca_file: String,
}

/// How bootcfg's data is laid out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Era {
    /// `boot/` and `cloud/`, each with `uuid/`, `mac/` and `default`: December 2015.
    Boot,
    /// `machines/`, `specs/`, `cloud/` and `ignition/`: January 2016.
    #[default]
    Machines,
}

/// Who is given documents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Configs {
    /// A machine whose run is under way, or that boots its profile every time.
    #[default]
    Run,
    /// Whoever asks, as the system did whose place we take.
    Anybody,
}

/// What ends the runs of a dialect's profiles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DoneBy {
    /// The installer reports.
    #[default]
    Callback,
    /// Its document was fetched.
    ConfigServed,
    /// An operator says so.
    Manual,
}

/// A route of a dialect, and whether somebody else has one of this name.
type Shared = bool;

trait Routes {
    /// Its routes, and which of them the machine plane has for itself.
    fn own_routes(self) -> &'static [(&'static str, Shared)];
}

impl Routes for Dialect {
    fn own_routes(self) -> &'static [(&'static str, Shared)] {
        match self {
            Self::Bootcfg => &[
                ("/boot.ipxe", true),
                ("/boot.ipxe.0", false),
                ("/ipxe", true),
                ("/pixiecore/v1/boot", false),
                ("/cloud", false),
                ("/ignition", false),
                ("/machine", false),
                ("/spec", false),
                ("/images", true),
                ("/assets", true),
            ],
            Self::DynamicIgnition => &[("/", false), ("/get_ignition", false)],
            Self::Flatcar => &[],
            Self::Kiwispray => &[
                ("/bootstrap.ipxe", false),
                ("/bootstrap", false),
                ("/post-install", false),
                ("/finish", false),
                ("/state", false),
                ("/hosts", false),
                ("/update", false),
                ("/images", true),
            ],
            Self::Matchbox => &[
                ("/", false),
                ("/boot.ipxe", true),
                ("/boot.ipxe.0", false),
                ("/ipxe", true),
                ("/grub", false),
                ("/ignition", false),
                ("/cloud", false),
                ("/generic", false),
                ("/metadata", false),
                ("/assets", true),
            ],
            Self::Pixiecore => &[
                ("/pixiecore/v1/boot", false),
                ("/_/ipxe", false),
                ("/_/file", false),
                ("/_/booting", false),
            ],
        }
    }
}

impl Compat {
    /// A dialect of which nothing is said but that it is switched on.
    #[must_use]
    pub const fn plain(dialect: Dialect) -> Self {
        Self {
            dialect,
            listen: None,
            data_dir: None,
            files_dir: None,
            upstream: None,
            image: None,
            era: Era::Machines,
            configs: Configs::Run,
            done: DoneBy::Callback,
            key_ring: None,
            rpc: None,
        }
    }

    /// The routes on its own listener, or those on the machine plane, and then those that are nowhere: somebody else there
    /// has a route of that name. `all` are the dialects that are switched on.
    #[must_use]
    pub fn routes(&self, all: &[Self]) -> (Vec<&'static str>, Vec<&'static str>) {
        let taken = |path: &str, ours: Shared| {
            let has = |other: &Self| other.dialect.own_routes().iter().any(|(name, _)| *name == path);
            let rivals = all
                .iter()
                .filter(|other| other.dialect != self.dialect && other.listen.is_none());
            self.listen.is_none() && (ours || rivals.into_iter().any(has))
        };
        let (absent, present): (Vec<_>, Vec<_>) = self
            .dialect
            .own_routes()
            .iter()
            .partition(|(path, ours)| taken(path, *ours));
        let names = |routes: Vec<&(&'static str, Shared)>| routes.into_iter().map(|(path, _)| *path).collect();
        (names(present), names(absent))
    }

    /// The word in front of the names of its profiles and rules.
    #[must_use]
    pub const fn prefix(&self) -> &'static str {
        self.dialect.name()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compat(dialect: Dialect, listen: Option<u16>) -> Compat {
        Compat {
            listen: listen.map(Listen::on_all),
            ..Compat::plain(dialect)
        }
    }

    #[test]
    fn a_dialect_with_a_port_of_its_own_has_all_of_its_routes() {
        let own = compat(Dialect::Bootcfg, Some(8081));
        assert_eq!(
            own.routes(&[own.clone(), compat(Dialect::Matchbox, None)]).1,
            Vec::<&str>::new()
        );
    }

    #[test]
    fn without_a_port_a_dialect_has_what_nobody_else_has() {
        let bootcfg = compat(Dialect::Bootcfg, None);
        let (present, absent) = bootcfg.routes(std::slice::from_ref(&bootcfg));
        assert_eq!(absent, ["/boot.ipxe", "/ipxe", "/images", "/assets"]);
        assert!(present.contains(&"/cloud"), "{present:?}");
        let both = [bootcfg.clone(), compat(Dialect::Matchbox, None)];
        let (present, absent) = bootcfg.routes(&both);
        assert!(
            absent.contains(&"/cloud") && absent.contains(&"/boot.ipxe.0"),
            "{absent:?}"
        );
        assert_eq!(present, ["/pixiecore/v1/boot", "/machine", "/spec"]);
    }
}
