//! Images: directories of boot artefacts below `images/`, fetched, verified, unpacked and put in place whole or not at all.
//!
//! - [`Request`] and [`add`]: where an image comes from, and the way from there onto the shelf.
//! - [`Shelf`]: the directory `images/`. Each image is a directory of plain files, so that they can be served by sendfile;
//!   equal files of all images are one file on the disk.
//! - [`Lock`]: what an image consists of, file by file, with hashes; it lies in the image's directory.
//! - [`bundle`]: everything that a box without a network needs, in one archive.
//!
//! No file of an image is ever interpreted: archives are unpacked, and everything else is hashed and copied.

mod add;
pub mod bundle;
mod digest;
mod error;
mod fetch;
mod iso;
mod ledger;
mod lock;
mod name;
pub mod openpgp;
mod path;
mod remote;
mod shelf;
mod source;
mod stage;
mod sums;
mod tarball;
mod transport;
mod verify;

pub use add::{Request, Source, add};
pub use digest::{Expected, hash_file};
pub use error::{Error, Result};
pub use ledger::{Ledger, Work, under_way};
pub use lock::{LOCK, Lock, Locked};
pub use name::ImageName;
pub use path::EntryPath;
pub use remote::{NotFetched, Remote, Stream};
pub use shelf::{Listed, Shelf};
pub use stage::Limits;
pub use verify::Fault;

/// What is told of a long piece of work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// A sentence on what begins now, or on what was odd.
    Step(String),
    /// Bytes of a file that have arrived, and how many it has if that is known.
    Bytes {
        /// The file.
        name: String,
        /// How many are here.
        done: u64,
        /// How many there are.
        total: Option<u64>,
    },
}

/// Who is told.
pub type Teller<'a> = &'a dyn Fn(Progress);
