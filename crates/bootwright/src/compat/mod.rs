//! Clients of other systems: their questions in, the engine's answers out, in the words that those clients read. Nothing
//! here decides.

mod bootcfg;
pub(crate) mod directory;
mod document;
mod dynamic_ignition;
mod kiwispray;
mod matchbox;
pub(crate) mod pixiecore;
mod proxmox;
pub(crate) mod rpc;
pub(crate) mod signing;
pub(crate) mod upstream;

use std::path::Path;
use std::sync::Arc;

use bootwright_config::{Compat, Dialect};
use bootwright_engine::FetchKind;
use bootwright_net::beneath::Root;
use bootwright_proto::compat::go;
use bootwright_proto::http::{BaseUrl, Route};
use hyper::StatusCode;
use hyper::body::Incoming;
use hyper::header::{CACHE_CONTROL, HeaderName};

use crate::http::answer::{Answer, TEXT, answer as answered, set};
use crate::http::body::Answered;
use crate::http::script::Words;
use crate::http::{Ends, Plane, Shelf};

pub(crate) use proxmox::answer as proxmox;

/// The dialects that are switched on.
#[derive(Default)]
pub struct Desks(Vec<Desk>);

/// One of them.
pub(crate) struct Desk {
    pub(crate) compat: Compat,
    /// The files that its machines fetch, if there are any.
    pub(crate) files: Option<Shelf>,
    /// What signs its answers.
    signer: Option<signing::Signer>,
    /// The server that is asked in place of a directory.
    upstream: Option<upstream::Upstream>,
    /// Its routes on the machine plane.
    mounted: Vec<&'static str>,
}

/// What a client asks.
pub(crate) enum Question {
    Bootcfg(bootwright_proto::compat::bootcfg::Request),
    DynamicIgnition(bootwright_proto::compat::dynamic_ignition::Request),
    Kiwispray(bootwright_proto::compat::kiwispray::Request),
    Matchbox(bootwright_proto::compat::matchbox::Request),
    Pixiecore(bootwright_proto::compat::pixiecore::Request),
}

impl Desks {
    /// Opens the directories. One that is not there leaves its files unserved, and machines of other systems alone.
    #[must_use]
    pub fn open(dialects: &[Compat]) -> Self {
        let desk = |compat: &Compat| Desk {
            files: compat
                .files_dir
                .as_ref()
                .and_then(|path| shelf(compat.dialect, Path::new(path))),
            signer: signing::Signer::of(compat),
            upstream: upstream::Upstream::of(compat),
            mounted: compat.routes(dialects).0,
            compat: compat.clone(),
        };
        Self(dialects.iter().map(desk).collect())
    }

    pub(crate) fn of(&self, dialect: Dialect) -> Option<&Desk> {
        self.0.iter().find(|desk| desk.compat.dialect == dialect)
    }
}

fn shelf(dialect: Dialect, directory: &Path) -> Option<Shelf> {
    match Root::open_dir(directory) {
        Ok(root) => Some(Shelf {
            path: "/images",
            root: Arc::new(root),
            kind: FetchKind::Image,
        }),
        Err(error) => {
            let (name, path) = (dialect.name(), directory.display());
            tracing::warn!("the files of {name} are not served: cannot open `{path}`: {error}");
            None
        }
    }
}

impl Question {
    fn read(dialect: Dialect, target: &[u8]) -> Option<Self> {
        match dialect {
            Dialect::Bootcfg => bootwright_proto::compat::bootcfg::parse(target).map(Self::Bootcfg),
            Dialect::Kiwispray => bootwright_proto::compat::kiwispray::parse(target).map(Self::Kiwispray),
            Dialect::Matchbox => bootwright_proto::compat::matchbox::parse(target).map(Self::Matchbox),
            Dialect::Pixiecore => bootwright_proto::compat::pixiecore::parse(target).map(Self::Pixiecore),
            Dialect::DynamicIgnition => {
                bootwright_proto::compat::dynamic_ignition::parse(target).map(Self::DynamicIgnition)
            }
            Dialect::Flatcar => None,
        }
    }

    pub(crate) const fn dialect(&self) -> Dialect {
        match self {
            Self::Bootcfg(_) => Dialect::Bootcfg,
            Self::DynamicIgnition(_) => Dialect::DynamicIgnition,
            Self::Kiwispray(_) => Dialect::Kiwispray,
            Self::Matchbox(_) => Dialect::Matchbox,
            Self::Pixiecore(_) => Dialect::Pixiecore,
        }
    }

    /// The name of its route.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Bootcfg(request) => request.route.name(),
            Self::DynamicIgnition(request) => request.route.name(),
            Self::Kiwispray(request) => request.route.name(),
            Self::Matchbox(request) => request.route.name(),
            Self::Pixiecore(request) => request.route.name(),
        }
    }
}

/// What a client asks at the door of a dialect, or at ours as far as nobody else has that route.
pub(crate) fn recognise(plane: &Plane, door: Option<Dialect>, target: &[u8]) -> Option<Question> {
    match door {
        Some(dialect) => Question::read(dialect, target),
        None => plane
            .desks
            .0
            .iter()
            .filter(|desk| desk.compat.listen.is_none())
            .find_map(|desk| {
                let question = Question::read(desk.compat.dialect, target)?;
                desk.mounted.contains(&question.name()).then_some(question)
            }),
    }
}

/// Whether our own scripts lead machines there: such routes are answered at every door.
pub(crate) const fn is_led_to(route: &Route) -> bool {
    matches!(
        route,
        Route::Decision
            | Route::Hold
            | Route::Failed
            | Route::Code(_)
            | Route::Report { .. }
            | Route::Facts { .. }
            | Route::Proxmox
            | Route::Document { .. }
    )
}

pub(crate) async fn answer(
    plane: &Arc<Plane>,
    ends: Ends,
    base: &BaseUrl,
    question: Question,
    request: hyper::Request<Incoming>,
) -> Answer {
    let Some(desk) = plane.desks.of(question.dialect()) else {
        return not_found();
    };
    match question {
        Question::Bootcfg(asked) => bootcfg::answer(plane, desk, ends, base, asked, &request).await,
        Question::DynamicIgnition(asked) => dynamic_ignition::answer(plane, desk, ends, base, asked, &request).await,
        Question::Kiwispray(asked) => kiwispray::answer(plane, desk, ends, base, asked, request).await,
        Question::Matchbox(asked) => matchbox::answer(plane, desk, ends, base, asked, &request).await,
        Question::Pixiecore(asked) => pixiecore::answer(plane, desk, ends, base, asked, &request).await,
    }
}

/// How what a machine boots is worded at a door: our own scripts lead it back there.
pub(crate) fn words_at(door: Option<Dialect>) -> Words {
    match door {
        Some(Dialect::Bootcfg) => bootcfg::words,
        Some(Dialect::Kiwispray) => kiwispray::words,
        Some(Dialect::Matchbox) => matchbox::words,
        Some(Dialect::Pixiecore) => pixiecore::words,
        Some(Dialect::DynamicIgnition | Dialect::Flatcar) | None => |_, _| None,
    }
}

/// The words for everything that is not there.
pub(crate) fn not_found() -> Answer {
    refused(StatusCode::NOT_FOUND, go::NOT_FOUND)
}

/// An error in the words of a server in Go.
pub(crate) fn refused(status: StatusCode, text: &str) -> Answer {
    let mut response = text_of(status, TEXT, text);
    set(
        &mut response,
        HeaderName::from_static("x-content-type-options"),
        "nosniff",
    );
    response
}

/// Text of some type.
pub(crate) fn text_of(status: StatusCode, media_type: &str, text: &str) -> Answer {
    answered(status, media_type, Answered::memory(text.to_owned()))
}

/// True at this moment only.
fn uncached(mut answer: Answer) -> Answer {
    set(&mut answer, CACHE_CONTROL, "no-store");
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A route that the table of the configuration does not name would be mounted nowhere, or where it is in the way.
    #[test]
    fn every_route_is_in_the_table_of_its_dialect() {
        let kiwispray = &[
            "/bootstrap.ipxe",
            "/bootstrap",
            "/post-install",
            "/finish",
            "/state",
            "/hosts",
            "/update",
            "/images/x/y",
        ];
        let matchbox = &[
            "/",
            "/boot.ipxe",
            "/boot.ipxe.0",
            "/ipxe",
            "/grub",
            "/ignition",
            "/cloud",
            "/generic",
            "/metadata",
            "/assets/x",
        ];
        let pixiecore = &["/v1/boot/x", "/pixiecore/v1/boot/x", "/_/ipxe", "/_/file", "/_/booting"];
        for (dialect, targets) in [
            (Dialect::Pixiecore, &pixiecore[..]),
            (Dialect::DynamicIgnition, &["/", "/get_ignition"][..]),
            (Dialect::Kiwispray, &kiwispray[..]),
            (Dialect::Matchbox, &matchbox[..]),
            (
                Dialect::Bootcfg,
                &[
                    "/boot.ipxe",
                    "/boot.ipxe.0",
                    "/ipxe",
                    "/pixiecore/v1/boot/x",
                    "/cloud",
                    "/ignition",
                    "/machine/x",
                    "/spec/x",
                    "/images/x",
                    "/assets/x",
                ][..],
            ),
        ] {
            let compat = Compat::plain(dialect);
            let (present, absent) = compat.routes(std::slice::from_ref(&compat));
            for target in targets {
                let question = Question::read(dialect, target.as_bytes()).expect(target);
                let name = question.name();
                assert!(present.contains(&name) || absent.contains(&name), "{name}");
            }
        }
    }
}
