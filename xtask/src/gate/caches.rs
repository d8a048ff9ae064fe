//! Whether cargo keeps what makes the next build after an edit shorter.

use std::path::Path;
use std::process::Command;

use crate::tree;

/// What cargo reads of it.
const VARIABLE: &str = "CARGO_INCREMENTAL";

/// Whether the builds of a gate are incremental. Those of a tree that was just cloned need not be: it is built once, and
/// without these caches our crates and their tests take a fifth less processor time (91 s for 111) and half the room
/// (0.8 GB for 1.7). Where somebody works, they stay in use, as cargo would build everything of ours anew without them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Caches {
    /// As cargo has it.
    AsUsual,
    /// None.
    Without,
}

impl Caches {
    /// Looks whether somebody works in this tree.
    pub(super) fn choose() -> Self {
        let is_said = std::env::var_os(VARIABLE).is_some();
        if is_said || has_caches(&tree::target().join("debug/incremental")) {
            return Self::AsUsual;
        }
        Self::Without
    }

    /// Says it to a command, which hands it on to those that it starts.
    pub(super) fn tell(self, command: &mut Command) {
        if self == Self::Without {
            command.env(VARIABLE, "0");
        }
    }
}

/// Whether there are caches of other crates than of this very program, which cargo has built before it could choose.
fn has_caches(directory: &Path) -> bool {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .any(|name| !name.starts_with("xtask"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn caches_of_other_crates_show_that_somebody_works_here() {
        let place = Scratch::new("caches").unwrap();
        assert!(!has_caches(&place.path().join("nowhere")));
        std::fs::create_dir(place.path().join("xtask-0abc")).unwrap();
        assert!(!has_caches(place.path()));
        std::fs::create_dir(place.path().join("bootwright_core-0abc")).unwrap();
        assert!(has_caches(place.path()));
    }

    #[test]
    fn a_build_without_caches_is_told_so() {
        let told = |caches: Caches| {
            let mut command = Command::new("true");
            caches.tell(&mut command);
            command.get_envs().count()
        };
        assert_eq!((told(Caches::AsUsual), told(Caches::Without)), (0, 1));
    }
}
