//! Writes what a fuzz target begins with into a directory: `fuzz-seeds TARGET DIRECTORY`.

use std::error::Error;
use std::path::PathBuf;

use bootwright_fuzz::TARGETS;

#[allow(clippy::disallowed_methods, reason = "this program is there to write files")]
fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let (Some(name), Some(directory)) = (words.next(), words.next().map(PathBuf::from)) else {
        return Err("usage: fuzz-seeds TARGET DIRECTORY".into());
    };
    let target = TARGETS.iter().find(|target| target.name == name);
    let target = target.ok_or_else(|| format!("there is no target `{name}`"))?;
    std::fs::create_dir_all(&directory)?;
    for (number, seed) in (target.seeds)().into_iter().enumerate() {
        std::fs::write(directory.join(format!("seed-{number}")), seed)?;
    }
    Ok(())
}
