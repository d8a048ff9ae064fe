//! Mistakes in `[images]`.

use expect_test::expect;

use crate::{check, good};

#[test]
fn an_image_says_where_it_comes_from_and_hashes_have_their_length() {
    check(
        r#"[images.os]
mirrors = ["https://mirror.example.net"]
[images."Debian 13"]
source = "debian:trixie"
[images.fcos]
source = "fcos:stable"
sha256 = "0123"
sourse = "x"
"#,
        expect![[r#"
            error: `images.os` needs `source`: where the image comes from
             --> config.toml:1:9
              |
            1 | [images.os]
              |         ^^
              |
              = help: a path, URLs, `fcos:STREAM`, `flatcar:CHANNEL` or `debian:SUITE`

            error: `Debian 13` is no name of an image
             --> config.toml:3:9
              |
            3 | [images."Debian 13"]
              |         ^^^^^^^^^^^
              |
              = help: up to 64 of `a-z`, `0-9`, `.`, `_` and `-`, beginning with a letter or a digit

            error: `images.fcos.sha256` must have 64 hexadecimal digits
             --> config.toml:7:10
              |
            7 | sha256 = "0123"
              |          ^^^^^^

            error: unknown key `sourse` in `images.fcos`
             --> config.toml:8:1
              |
            8 | sourse = "x"
              | ^^^^^^
              |
              = help: did you mean `source`?

            4 errors
        "#]],
    );
}

#[test]
fn paths_lie_beside_the_file_that_names_them_and_streams_and_urls_are_as_they_are() {
    let loaded = good(
        r#"[images.os]
source = ["tree", "https://example.net/a", "fcos:stable"]
keys = ["keys/vendor.asc", "/etc/keys/other.asc"]
sums = "https://example.net/SHA256SUMS"
"#,
    );
    let image = &loaded.images["os"];
    assert_eq!(image.source, ["tree", "https://example.net/a", "fcos:stable"]);
    assert_eq!(image.keys, ["keys/vendor.asc", "/etc/keys/other.asc"]);
    assert_eq!(image.sums.as_deref(), Some("https://example.net/SHA256SUMS"));
}
