//! Downloads from a server with the faults of real ones.

use bootwright_images::Progress;

use crate::place::{Place, noise, request};
use crate::site::{Page, Site};

fn sha256(place: &Place, bytes: &[u8]) -> String {
    let path = place.write("hashed", bytes);
    bootwright_images::hash_file(&path).expect("a hash").0
}

/// The hash as another program works it out.
fn sha512(place: &Place, bytes: &[u8]) -> String {
    place.write("hashed", bytes);
    let said = String::from_utf8(place.run("sha512sum", &["hashed"])).expect("text");
    said.split(' ').next().expect("a hash").to_owned()
}

#[test]
fn a_cut_connection_is_resumed_where_it_broke_off() {
    let (place, site) = (Place::new(), Site::new());
    let body = noise(1, 900_000);
    site.put("vmlinuz", body.clone());
    site.change("vmlinuz", |page| page.cuts = [300_000, 250_000].into());
    let mut request = request(&site.url("vmlinuz"));
    request.expected = Some(sha512(&place, &body).parse().expect("a hash"));
    let lock = place.add(&request).expect("it comes");
    assert_eq!(place.read("x/vmlinuz"), body);
    assert_eq!(lock.files[0].sha256, sha256(&place, &body));
    let log = site.log();
    assert_eq!(log.len(), 3, "{log:?}");
    // The bytes of the first piece may not all have been read when the connection ended; none is fetched a third time.
    assert!(
        log[1].starts_with("vmlinuz bytes=") && log[2].starts_with("vmlinuz bytes="),
        "{log:?}"
    );
}

#[test]
fn a_file_that_changed_meanwhile_is_fetched_from_its_beginning() {
    let (place, site) = (Place::new(), Site::new());
    let body = noise(2, 500_000);
    site.put("vmlinuz", noise(3, 500_000));
    site.change("vmlinuz", |page| page.cuts = [200_000; 20].into());
    let mut request = request(&site.url("vmlinuz"));
    request.expected = Some(sha256(&place, &body).parse().expect("a hash"));
    let shelf = place.shelf();
    let swap = std::sync::Once::new();
    let tell = |progress: Progress| {
        if matches!(progress, Progress::Step(words) if words.contains("trying again")) {
            swap.call_once(|| {
                site.put("vmlinuz", body.clone());
                site.change("vmlinuz", |page| page.etag = Some("\"2\"".to_owned()));
            });
        }
    };
    bootwright_images::add(&shelf, &request, &tell).expect("it comes");
    assert_eq!(place.read("x/vmlinuz"), body);
}

#[test]
fn the_next_mirror_is_asked_where_one_fails_lies_or_is_gone() {
    let (place, site, other) = (Place::new(), Site::new(), Site::new());
    let body = noise(4, 100_000);
    let mut bad = body.clone();
    bad[50_000] ^= 1;
    site.put("pub/vmlinuz", bad);
    other.put("mirror/vmlinuz", body.clone());
    let gone = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.local_addr().expect("an address").to_string()
    };
    let mut request = request(&site.url("pub/vmlinuz"));
    request.expected = Some(sha256(&place, &body).parse().expect("a hash"));
    request.mirrors = vec![format!("http://{gone}"), other.url("nowhere"), other.url("mirror/")];
    place.add(&request).expect("the last mirror has it");
    assert_eq!(place.read("x/vmlinuz"), body);
    request.mirrors.pop();
    request.name = "y".parse().expect("a name");
    let error = place.add(&request).expect_err("nobody has it").to_string();
    for part in [
        "no place delivers it",
        "has not the SHA-256",
        "cannot reach `127.0.0.1`",
        "404",
    ] {
        assert!(error.contains(part), "{part}: {error}");
    }
}

#[test]
fn what_ends_before_its_end_is_no_file() {
    let (place, site) = (Place::new(), Site::new());
    let body = noise(5, 100_000);
    // A server that never sends the end, and one that does not even say how long it is.
    site.put("short", body.clone());
    site.change("short", |page| {
        page.cuts = [0; 30].into();
        page.etag = None;
    });
    let mut wanted = request(&site.url("short"));
    wanted.unverified = true;
    let error = place.add(&wanted).expect_err("it is cut");
    assert!(
        error.message.contains("broke off") || error.message.contains("ended before"),
        "{error}"
    );
    let endless = Page {
        body: body.clone(),
        no_length: true,
        ..Page::default()
    };
    site.put_page("endless", endless);
    let mut wanted = request(&site.url("endless"));
    wanted.unverified = true;
    let error = place.add(&wanted).expect_err("nobody could tell");
    assert!(error.message.contains("does not say how long it is"), "{error}");
    wanted.expected = Some(sha256(&place, &body).parse().expect("a hash"));
    place.add(&wanted).expect("the hash tells");
}

#[test]
fn a_wrong_hash_a_missing_file_and_a_missing_proof_leave_nothing() {
    let (place, site) = (Place::new(), Site::new());
    site.put("vmlinuz", "kernel");
    let error = place
        .add(&request(&site.url("vmlinuz")))
        .expect_err("nothing proves it");
    assert!(error.message.contains("nothing would prove"), "{error}");
    assert_eq!(site.log(), [""; 0], "nothing is fetched that could not be taken");
    let mut wanted = request(&site.url("vmlinuz"));
    wanted.expected = Some("0".repeat(64).parse().expect("a hash"));
    let error = place.add(&wanted).expect_err("another hash");
    assert!(error.message.contains("has not the SHA-256 000"), "{error}");
    wanted.source = site.url("missing").parse().expect("a source");
    assert!(place.add(&wanted).expect_err("404").message.contains("404"));
    place.assert_nothing_is_left();
}

#[test]
fn redirects_are_followed_but_not_round_and_round() {
    let (place, site, other) = (Place::new(), Site::new(), Site::new());
    let lead = |to: String| Page {
        status: Some(302),
        location: Some(to),
        ..Page::default()
    };
    other.put("real/vmlinuz", "kernel");
    site.put_page("vmlinuz", lead("/second".to_owned()));
    site.put_page("second", lead(other.url("real/vmlinuz")));
    site.put_page("round", lead("round".to_owned()));
    site.put_page("away", lead("file:///etc/passwd".to_owned()));
    let mut wanted = request(&site.url("vmlinuz"));
    wanted.unverified = true;
    place.add(&wanted).expect("two redirects lead there");
    assert_eq!(place.read("x/vmlinuz"), b"kernel");
    for (path, why) in [("round", "more than 5 redirects"), ("away", "is no URL")] {
        wanted.source = site.url(path).parse().expect("a source");
        let error = place.add(&wanted).expect_err(path);
        assert!(error.message.contains(why), "{error}");
    }
}

#[test]
fn files_of_a_list_of_hashes_are_held_against_it() {
    let (place, site) = (Place::new(), Site::new());
    let (kernel, initrd) = (noise(6, 70_000), noise(7, 90_000));
    site.put("linux", kernel.clone());
    site.put("initrd.gz", initrd.clone());
    let list = format!(
        "{}  linux\n{} *initrd.gz\n",
        sha256(&place, &kernel),
        sha512(&place, &initrd)
    );
    site.put("SUMS", list.replace("  linux", "  linus"));
    let mut wanted = request(&format!("{} {}", site.url("linux"), site.url("initrd.gz")));
    wanted.sums = Some(site.url("SUMS"));
    wanted.unverified = true;
    place.refuses(&wanted, "does not name `linux`");
    site.put("SUMS", list);
    let lock = place.add(&wanted).expect("both are as the list says");
    let paths: Vec<&str> = lock.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths, ["initrd.gz", "linux"]);
    site.put("initrd.gz", noise(8, 90_000));
    place.refuses(&wanted, "SHA-512");
    assert_eq!(place.read("x/initrd.gz"), initrd, "the old image is as it was");
}

#[test]
fn a_server_cannot_fill_the_disk() {
    let (place, site) = (Place::new(), Site::new());
    site.put("large", noise(9, 200_000));
    let mut wanted = request(&site.url("large"));
    wanted.unverified = true;
    wanted.limits.bytes_max = 100_000;
    place.refuses(&wanted, "larger than 100000 bytes");
    place.assert_nothing_is_left();
}
