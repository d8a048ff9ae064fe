//! A directory of a test's own, with a shelf in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use bootwright_images::{Error, Lock, Request, Shelf, Source, add};

/// A directory that is removed at the end.
pub(crate) struct Place(PathBuf);

impl Place {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("bootwright-images-{}-{number}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("a directory");
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn shelf(&self) -> Shelf {
        Shelf::open(self.0.join("images")).expect("a shelf")
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
        fs::write(&path, content).expect("a file");
        path
    }

    /// The content of a file of an image.
    pub(crate) fn read(&self, path: &str) -> Vec<u8> {
        fs::read(self.0.join("images").join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// Runs a program in the directory.
    pub(crate) fn run(&self, program: &str, arguments: &[&str]) -> Vec<u8> {
        let output = Command::new(program)
            .args(arguments)
            .current_dir(&self.0)
            .output()
            .unwrap_or_else(|error| panic!("{program}: {error}"));
        assert!(
            output.status.success(),
            "{program} {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        output.stdout
    }

    pub(crate) fn add(&self, request: &Request) -> Result<Lock, Error> {
        add(&self.shelf(), request, &|_| {})
    }

    /// Asserts that an image is not added, and that these words are in the reason.
    #[track_caller]
    pub(crate) fn refuses(&self, request: &Request, words: &str) {
        let error = self.add(request).expect_err(words);
        assert!(error.message.contains(words), "{}", error.message);
    }

    /// What adding a path as image `x` comes to.
    pub(crate) fn add_path(&self, path: &str) -> Result<Lock, Error> {
        self.add(&request(&self.0.join(path).display().to_string()))
    }

    /// Nothing is left of an addition that failed: no image, no stage, no file that no image has.
    pub(crate) fn assert_nothing_is_left(&self) {
        let listed = Shelf::list(&self.0.join("images")).expect("a list");
        assert_eq!(listed, [], "an image is there");
        let staging: Vec<_> = fs::read_dir(self.0.join("images/.staging"))
            .expect("it is there")
            .collect();
        assert!(staging.is_empty(), "{staging:?}");
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Image `x` from this source.
pub(crate) fn request(source: &str) -> Request {
    let source: Source = source.parse().expect("a source");
    Request::new("x".parse().expect("a name"), source)
}

/// Bytes that do not repeat, so that a piece in the wrong place shows.
pub(crate) fn noise(seed: u64, count: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(count + 8);
    while bytes.len() < count {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(count);
    bytes
}
