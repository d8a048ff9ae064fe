//! Names that try to leave the directory, and files that are none.

use std::fs;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

use bootwright_net::beneath::Root;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

/// A directory with an inside and a secret outside, gone on drop.
struct Tree(PathBuf);

impl Tree {
    fn new(test: &str) -> Self {
        let base = std::env::temp_dir().join(format!("bootwright-beneath-{test}-{}", std::process::id()));
        fs::create_dir_all(base.join("root/sub/Deep")).expect("a writable place");
        fs::write(base.join("secret"), "secret").expect("a writable place");
        fs::write(base.join("root/file"), "inside").expect("a writable place");
        fs::write(base.join("root/sub/Deep/File.EFI"), "deep").expect("a writable place");
        Self(base)
    }

    fn root(&self) -> Root {
        Root::open_dir(self.0.join("root")).expect("a directory")
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn read(root: &Root, name: &str) -> Result<String, ErrorKind> {
    let mut text = String::new();
    root.open(name)
        .and_then(|mut file| file.read_to_string(&mut text))
        .map_err(|error| error.kind())?;
    Ok(text)
}

#[test]
fn files_below_the_directory_are_read_by_every_spelling_that_stays_below() {
    let tree = Tree::new("inside");
    symlink("sub/Deep", tree.0.join("root/short")).expect("a link");
    symlink("../file", tree.0.join("root/sub/up")).expect("a link");
    let root = tree.root();
    for (name, text) in [
        ("file", "inside"),
        ("./file", "inside"),
        ("sub/../file", "inside"),
        ("sub//Deep/./File.EFI", "deep"),
        ("short/File.EFI", "deep"),
        ("sub/up", "inside"),
    ] {
        assert_eq!(read(&root, name).as_deref(), Ok(text), "{name}");
    }
    assert_eq!(root.list(".").expect("a directory"), ["file", "short", "sub"]);
    assert_eq!(root.list("sub").expect("a directory"), ["Deep", "up"]);
}

#[test]
fn nothing_outside_is_reached_by_any_name_or_link() {
    let tree = Tree::new("outside");
    let root_path = tree.0.join("root");
    symlink("../secret", root_path.join("relative")).expect("a link");
    symlink(tree.0.join("secret"), root_path.join("absolute")).expect("a link");
    symlink("..", root_path.join("parent")).expect("a link");
    symlink("/proc/self/fd", root_path.join("magic")).expect("a link");
    symlink("loop", root_path.join("loop")).expect("a link");
    let root = tree.root();
    let long = "a/".repeat(3000);
    let mut names = vec![
        "../secret",
        "sub/../../secret",
        "/etc/passwd",
        "/",
        "..",
        ".",
        "",
        "relative",
        "absolute",
        "parent/secret",
        "magic/0",
        "loop",
        "file/",
        "file/x",
        "sub",
        "absent",
        "nul\0byte",
        "%2e%2e/secret",
        "..\\secret",
        &long,
    ];
    let absolute = tree.0.join("root/file");
    names.push(absolute.to_str().expect("UTF-8"));
    for name in names {
        assert_eq!(read(&root, name), Err(ErrorKind::NotFound), "{name:?}");
    }
    assert!(root.list("..").is_err() && root.list("parent").is_err() && root.list("/").is_err());
    assert!(root.find_ignoring_case("../SECRET").is_err() && root.find_ignoring_case("/ETC").is_err());
}

#[test]
fn pipes_and_directories_are_no_files_and_nothing_waits_for_them() {
    let tree = Tree::new("pipe");
    mkfifo(&tree.0.join("root/pipe"), Mode::S_IRUSR).expect("a pipe");
    let root = tree.root();
    assert_eq!(read(&root, "pipe"), Err(ErrorKind::NotFound));
    assert_eq!(read(&root, "sub"), Err(ErrorKind::NotFound));
    assert!(Root::open_dir(tree.0.join("root/file")).is_err());
    assert_eq!(
        Root::open_dir(tree.0.join("absent"))
            .expect_err("it is not there")
            .kind(),
        ErrorKind::NotFound
    );
}

#[test]
fn the_directory_stays_the_same_when_its_name_is_given_to_another() {
    let tree = Tree::new("renamed");
    let root = tree.root();
    fs::rename(tree.0.join("root"), tree.0.join("old")).expect("it can be renamed");
    fs::create_dir(tree.0.join("root")).expect("a writable place");
    fs::write(tree.0.join("root/file"), "another").expect("a writable place");
    assert_eq!(read(&root, "file").as_deref(), Ok("inside"));
}

#[test]
fn case_is_ignored_only_where_one_entry_can_be_meant() {
    let tree = Tree::new("case");
    for name in ["Twice", "tWICE", "exact", "Exact"] {
        fs::write(tree.0.join("root").join(name), name).expect("a writable place");
    }
    fs::set_permissions(tree.0.join("root/file"), fs::Permissions::from_mode(0o644)).expect("our file");
    let root = tree.root();
    let find = |name: &str| root.find_ignoring_case(name).map_err(|error| error.kind());
    assert_eq!(find("SUB/deep/file.efi"), Ok("sub/Deep/File.EFI".into()));
    assert_eq!(find("sub/Deep/File.EFI"), Ok("sub/Deep/File.EFI".into()));
    assert_eq!(find("exact"), Ok("exact".into()));
    assert_eq!(find("TWICE"), Err(ErrorKind::NotFound));
    assert_eq!(find("sub/absent"), Err(ErrorKind::NotFound));
}
