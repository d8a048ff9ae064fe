//! Mistakes in `[secrets]`, and in documents that ask for them.

use bootwright_config::SecretSource;
use expect_test::expect;

use crate::{check, good};

#[test]
fn a_secret_stands_in_a_file_or_the_environment_and_never_in_the_configuration() {
    check(
        r#"[secrets]
luks = "hunter2"
"a b" = { file = "x" }
both = { file = "x", env = "Y" }
none = {}
odd = { env = "A-B" }
"#,
        expect![[r#"
            error: `secrets.luks` must say where the secret is
             --> config.toml:2:8
              |
            2 | luks = "hunter2"
              |        ^^^^^^^^^
              |
              = help: write `{ file = "secrets/luks" }` or `{ env = "LUKS" }`

            error: `a b` cannot be the name of a secret
             --> config.toml:3:1
              |
            3 | "a b" = { file = "x" }
              | ^^^^^
              |
              = help: use letters, digits, `-` and `_`

            error: `secrets.both` needs one of `file` and `env`
             --> config.toml:4:8
              |
            4 | both = { file = "x", env = "Y" }
              |        ^^^^^^^^^^^^^^^^^^^^^^^^^
              |
              = help: for example `{ file = "secrets/luks" }`

            error: `secrets.none` needs one of `file` and `env`
             --> config.toml:5:8
              |
            5 | none = {}
              |        ^^
              |
              = help: for example `{ file = "secrets/luks" }`

            error: `secrets.odd.env` is no name of a variable
             --> config.toml:6:15
              |
            6 | odd = { env = "A-B" }
              |               ^^^^^

            5 errors
        "#]],
    );
}

#[test]
fn a_document_asks_only_for_secrets_that_have_a_place() {
    check(
        r#"[secrets]
root_hash = { file = "x" }
[profiles.debian]
kernel = "/images/linux"
args = ["hash={{ secret('root_hash') }}"]
done = "manual"
files.a = "{{ secret('roothash') }}"
files.b = "{{ secret(host.name) }}"
"#,
        expect![[r#"
            error: `profiles.debian.args`: a secret would stand on the console and in the kernel's command line
             --> config.toml:5:18
              |
            5 | args = ["hash={{ secret('root_hash') }}"]
              |                  ^^^^^^
              |
              = help: write it into a document of the profile, below `files`

            error: `profiles.debian.files.a`: there is no secret `roothash`
             --> config.toml:7:15
              |
            7 | files.a = "{{ secret('roothash') }}"
              |               ^^^^^^
              |
              = help: did you mean `root_hash`?

            error: `profiles.debian.files.b`: nobody can tell which secret this asks for
             --> config.toml:8:15
              |
            8 | files.b = "{{ secret(host.name) }}"
              |               ^^^^^^
              |
              = help: write its name in quotation marks, as in `secret("luks")`

            3 errors
        "#]],
    );
}

#[test]
fn the_places_of_secrets_are_relative_to_the_file_that_names_them() {
    let loaded = good("[secrets]\nluks = { file = \"/run/secrets/luks\" }\njoin = { env = \"JOIN\" }\n");
    assert_eq!(
        loaded.secrets["luks"],
        SecretSource::File("/run/secrets/luks".to_owned())
    );
    assert_eq!(loaded.secrets["join"], SecretSource::Environment("JOIN".to_owned()));
    let source = crate::source(
        "/etc/bootwright/conf.d/a.toml",
        "[secrets]\nluks = { file = \"luks\" }\n",
    );
    let loaded = bootwright_config::load(&[source], &crate::no_files).expect("it is good");
    assert_eq!(
        loaded.secrets["luks"],
        SecretSource::File("/etc/bootwright/conf.d/luks".to_owned())
    );
}
