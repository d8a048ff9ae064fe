//! Embeds the examples of `config/examples/`: `bootwright profile new` writes what stands there, and nothing else does.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

fn main() {
    // Asked for at run time: a tree that was moved with its target directory runs the script that was built in the old place.
    let manifest = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo names the package"));
    let top = manifest.join("../../config/examples");
    println!("cargo::rerun-if-changed={}", top.display());
    let mut text = String::from("&[\n");
    for directory in entries(&top).into_iter().filter(|path| path.is_dir()) {
        println!("cargo::rerun-if-changed={}", directory.display());
        // Writing to a string cannot fail.
        let _ = writeln!(text, "({:?}, &[", name(&directory));
        for file in entries(&directory) {
            println!("cargo::rerun-if-changed={}", file.display());
            let path = file.canonicalize().unwrap_or(file.clone());
            let _ = writeln!(
                text,
                "({:?}, include_str!({:?})),",
                name(&file),
                path.display().to_string()
            );
        }
        text.push_str("]),\n");
    }
    text.push(']');
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo names a directory"));
    std::fs::write(out.join("examples.rs"), text).expect("the directory can be written");
}

fn entries(directory: &Path) -> Vec<PathBuf> {
    let found = std::fs::read_dir(directory).expect("config/examples can be read");
    let mut paths: Vec<PathBuf> = found.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
