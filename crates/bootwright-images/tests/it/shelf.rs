//! The shelf: equal files once, images at once, and what is swept.

use std::fs;
use std::os::unix::fs::MetadataExt as _;

use bootwright_images::{LOCK, Lock, Shelf};

use crate::place::{Place, noise, request};

fn add(place: &Place, name: &str, tree: &str) -> Lock {
    let mut wanted = request(&place.path().join(tree).display().to_string());
    wanted.name = name.parse().expect("a name");
    place.add(&wanted).expect("it is good")
}

fn inode(place: &Place, path: &str) -> u64 {
    fs::metadata(place.path().join("images").join(path)).expect(path).ino()
}

/// How many files the store has.
fn stored(place: &Place) -> usize {
    let mut count = 0;
    for directory in fs::read_dir(place.path().join("images/.store"))
        .expect("a store")
        .flatten()
    {
        if directory.path().is_dir() {
            count += fs::read_dir(directory.path()).expect("a directory").count();
        }
    }
    count
}

#[test]
fn two_versions_share_what_is_equal_and_the_last_one_takes_it_away() {
    let place = Place::new();
    place.write("one/rootfs", noise(1, 100_000));
    place.write("one/linux", "first kernel");
    place.write("two/rootfs", noise(1, 100_000));
    place.write("two/linux", "second kernel");
    add(&place, "os-1", "one");
    add(&place, "os-2", "two");
    assert_eq!(inode(&place, "os-1/rootfs"), inode(&place, "os-2/rootfs"));
    assert_ne!(inode(&place, "os-1/linux"), inode(&place, "os-2/linux"));
    assert_eq!(stored(&place), 3);
    let shelf = place.shelf();
    shelf.remove(&"os-1".parse().expect("a name")).expect("it goes");
    assert_eq!(stored(&place), 2);
    assert_eq!(place.read("os-2/rootfs"), noise(1, 100_000));
    shelf.remove(&"os-2".parse().expect("a name")).expect("it goes");
    assert_eq!(stored(&place), 0);
    assert!(shelf.remove(&"os-2".parse().expect("a name")).is_err());
}

#[test]
fn a_damaged_file_of_the_store_is_not_handed_on() {
    let place = Place::new();
    place.write("one/linux", "kernel");
    add(&place, "os-1", "one");
    let path = place.path().join("images/os-1/linux");
    // As a bit that flips on the disk: the same file, other bytes.
    fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o644)).expect("root may");
    fs::write(&path, "kernal").expect("root may");
    add(&place, "os-2", "one");
    assert_eq!(place.read("os-2/linux"), b"kernel");
    let lock = Lock::of_directory(&place.path().join("images/os-1"))
        .expect("a list")
        .expect("a list");
    let faults = lock.verify(&place.path().join("images/os-1")).expect("it can be read");
    assert_eq!(
        faults.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["`linux` was changed"]
    );
    add(&place, "os-1", "one");
    assert_eq!(place.read("os-1/linux"), b"kernel", "adding again repairs it");
}

#[test]
fn verify_names_what_was_changed_removed_and_added() {
    let place = Place::new();
    for name in ["a", "b", "c/d"] {
        place.write(&format!("one/{name}"), name);
    }
    let lock = add(&place, "x", "one");
    let directory = place.path().join("images/x");
    assert_eq!(lock.verify(&directory).expect("it can be read"), []);
    fs::remove_file(directory.join("a")).expect("root may");
    fs::remove_file(directory.join("b")).expect("root may");
    fs::write(directory.join("b"), "B").expect("root may");
    fs::write(directory.join("c/e"), "e").expect("root may");
    let words: Vec<String> = lock
        .verify(&directory)
        .expect("it can be read")
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        words,
        ["`a` is missing", "`b` was changed", "`c/e` does not belong to it"]
    );
}

#[test]
fn what_was_put_there_by_hand_is_neither_replaced_nor_removed() {
    let place = Place::new();
    place.write("images/x/linux", "by hand");
    place.write("one/linux", "kernel");
    let error = place.add_path("one").expect_err("it is not ours");
    assert!(error.message.contains("was put there by hand"), "{error}");
    assert!(place.shelf().remove(&"x".parse().expect("a name")).is_err());
    assert_eq!(place.read("x/linux"), b"by hand");
    let listed = Shelf::list(place.shelf().root()).expect("a list");
    assert_eq!((listed.len(), listed[0].lock.is_none()), (1, true));
}

#[test]
fn whoever_looks_while_an_image_is_replaced_finds_the_old_one_or_the_new_one() {
    let place = Place::new();
    for (tree, content) in [("one", b"1"), ("two", b"2")] {
        for file in ["a", "b"] {
            place.write(&format!("{tree}/{file}"), content.repeat(20_000));
        }
    }
    add(&place, "x", "one");
    let stop = std::sync::atomic::AtomicBool::new(false);
    let image = place.path().join("images/x");
    std::thread::scope(|scope| {
        let looking = scope.spawn(|| {
            let mut seen = [0_u32; 2];
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                // A directory that is open stays the one that it was.
                let directory = fs::File::open(&image).expect("there is always one");
                let below = |name: &str| {
                    use std::os::fd::AsRawFd as _;
                    fs::read(format!("/proc/self/fd/{}/{name}", directory.as_raw_fd()))
                };
                // The old one may be swept while it is read; then it is gone, and not half of each.
                if let (Ok(a), Ok(b)) = (below("a"), below("b")) {
                    assert_eq!(a, b);
                    assert_eq!(a.len(), 20_000);
                    seen[usize::from(a[0] - b'1')] += 1;
                }
            }
            seen
        });
        for _ in 0..30 {
            add(&place, "x", "two");
            add(&place, "x", "one");
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        let seen = looking.join().expect("it never saw half an image");
        assert!(seen[0] + seen[1] > 0);
    });
}

#[test]
fn what_an_ended_process_left_is_swept_and_what_a_living_one_does_is_not() {
    let place = Place::new();
    place.write("one/linux", "kernel");
    place.write("images/.staging/dead/alive", "");
    place.write("images/.staging/dead/tree/linux", "half");
    place.write("images/.staging/half-made/tree/linux", "half");
    place.write("images/.staging/living/tree/linux", "half");
    let alive = fs::File::create(place.path().join("images/.staging/living/alive")).expect("a file");
    alive.lock().expect("a lock");
    add(&place, "x", "one");
    let left: Vec<_> = fs::read_dir(place.path().join("images/.staging"))
        .expect("it is there")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    assert_eq!(left, ["living"]);
}

#[test]
fn a_list_that_leads_out_of_its_image_is_refused() {
    let text = "format = 1\nsource = \"x\"\nproof = \"x\"\n[[file]]\npath = \"../x\"\nbytes = 1\nsha256 = \"00\"\n";
    assert!(Lock::parse(text).is_err());
    assert!(Lock::parse(&text.replace("../x", "x")).is_err(), "a hash has 64 digits");
    let place = Place::new();
    place.write("images/x/image.lock.toml", "format = 2\n");
    let listed = Shelf::list(place.shelf().root()).expect("a list");
    assert!(listed[0].trouble.is_some());
    assert!(LOCK.ends_with(".toml"));
}
