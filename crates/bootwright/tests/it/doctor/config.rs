//! Faults of the configuration, boot programs and images.

use std::fs;

use super::Mend::{Command as ByCommand, Hand};
use super::{Cell, Fault, nothing, plain_config, with};

fn image_config(cell: &Cell) {
    with(
        cell,
        &format!(
            "[images.live]\nsource = \"{}/live\"\n[profiles.live]\nkernel = \"/images/live/linux\"\ndone = \"manual\"\n",
            cell.directory.display()
        ),
    );
}

/// Boot programs as Debian's package has them, on a mount of the box' own.
fn packaged(cell: &Cell) {
    cell.sh(&format!(
        "mkdir -p /usr/lib/ipxe && mount -t tmpfs none /usr/lib/ipxe && cp {}/snponly.efi /usr/lib/ipxe/",
        cell.shipped().display()
    ));
}

const RULES: &str = "[profiles.a]\nkernel = \"http://x/a\"\ndone = \"manual\"\n[profiles.b]\nkernel = \"http://x/b\"\ndone = \"manual\"\n";

fn rules(cell: &Cell, first: &str, second: &str) {
    with(
        cell,
        &format!(
            "{RULES}[[rules]]\nname = \"one\"\nprofile = \"a\"\nwhen = {{ serial = \"{first}\" }}\n[[rules]]\nname = \"two\"\n\
             profile = \"b\"\nwhen = {{ serial = \"{second}\" }}\n"
        ),
    );
}

fn secret(cell: &Cell) {
    let file = cell.directory.join("luks");
    fs::write(&file, "hunter2\n").expect("a file");
    with(
        cell,
        &format!("[secrets]\nluks = {{ file = \"{}\" }}\n", file.display()),
    );
}

/// A key that ends so many days from now on, beside the configuration that names it.
fn key(cell: &Cell, ends: &str, begins: &str) {
    cell.sh(&format!(
        "rm -rf {0}/gpg && mkdir -m 700 {0}/gpg && export GNUPGHOME={0}/gpg && \
         gpg --batch --quiet --passphrase '' {begins} --quick-generate-key vendor@example.net ed25519 sign {ends} && \
         gpg --batch --quiet --export --armor > {0}/vendor.asc; gpgconf --kill all",
        cell.directory.display()
    ));
    with(
        cell,
        "[images.live]\nsource = \"https://example.net/live.tar\"\nkeys = \"vendor.asc\"\n",
    );
}

pub(super) const CONFIGURATION: &[Fault] = &[
    Fault {
        id: "C01",
        name: "a key is misspelled",
        plant: |cell| cell.config("[server]\ninterface = [\"lab0\"]\n"),
        verdict: "error",
        says: "config.toml:2:1: ",
        mend: Hand(plain_config),
        tidy: nothing,
    },
    Fault {
        id: "C02",
        name: "a host is meant for a profile that is not there",
        plant: |cell| with(cell, "[hosts.oak]\nmac = \"52:54:00:00:00:01\"\nprofile = \"debain\"\n"),
        verdict: "error",
        says: "there is no profile `debain`",
        mend: Hand(plain_config),
        tidy: nothing,
    },
    Fault {
        id: "C02",
        name: "a directory for TFTP is not there",
        plant: |cell| with(cell, "[tftp]\nroot = \"/srv/nowhere-at-all\"\n"),
        verdict: "warning",
        says: "`tftp.root` names `/srv/nowhere-at-all`",
        mend: Hand(plain_config),
        tidy: nothing,
    },
    Fault {
        id: "C03",
        name: "two rules pull at one host",
        plant: |cell| rules(cell, "R1*", "*7"),
        verdict: "warning",
        says: "rules `one` and `two` can match the same host",
        mend: Hand(|cell| rules(cell, "R1*", "R2*7")),
        tidy: plain_config,
    },
    Fault {
        id: "C04",
        name: "a rule stands behind one that takes everything",
        plant: |cell| rules(cell, "*", "R1*"),
        verdict: "warning",
        says: "rule `two` behind rule `one`",
        mend: Hand(|cell| rules(cell, "R1*", "R2*")),
        tidy: plain_config,
    },
    Fault {
        id: "C05",
        name: "everybody may read a secret",
        plant: |cell| {
            secret(cell);
            cell.sh(&format!("chmod 644 {}/luks", cell.directory.display()));
        },
        verdict: "warning",
        says: "everybody on this box may read",
        mend: ByCommand,
        tidy: plain_config,
    },
    Fault {
        id: "C05",
        name: "everybody may change the configuration",
        plant: |cell| drop(cell.sh(&format!("chmod 666 {}/config.toml", cell.directory.display()))),
        verdict: "warning",
        says: "everybody on this box may change",
        mend: ByCommand,
        tidy: nothing,
    },
    Fault {
        id: "C05",
        name: "a secret is not there",
        plant: |cell| {
            secret(cell);
            fs::remove_file(cell.directory.join("luks")).expect("it was there");
        },
        verdict: "warning",
        says: "the secret `luks` cannot be had",
        // Somebody who knows it puts it there.
        mend: Hand(|cell| drop(cell.sh(&format!("umask 077; echo hunter3 > {}/luks", cell.directory.display())))),
        tidy: plain_config,
    },
    Fault {
        id: "I01",
        name: "a boot program is missing, and a package has it",
        plant: |cell| {
            packaged(cell);
            fs::remove_file(cell.shipped().join("snponly.efi")).expect("it was there");
        },
        verdict: "error",
        says: "snponly.efi",
        mend: ByCommand,
        tidy: |cell| {
            cell.sh(&format!(
                "mv {}/firmware/snponly.efi {} && umount /usr/lib/ipxe",
                cell.data().display(),
                cell.shipped().display()
            ));
        },
    },
    Fault {
        id: "I01",
        name: "a boot program was changed",
        plant: |cell| drop(cell.sh(&format!("echo more >> {}/undionly.kpxe", cell.shipped().display()))),
        verdict: "error",
        says: "undionly.kpxe` is not served: its SHA-256 is ",
        // Where no package has it, it is fetched again.
        mend: Hand(|cell| drop(cell.sh(&format!("truncate -s 70000 {}/undionly.kpxe", cell.shipped().display())))),
        tidy: nothing,
    },
    Fault {
        id: "I02",
        name: "an image was not added yet",
        plant: |cell| {
            cell.sh(&format!(
                "mkdir -p {0}/live && echo kernel > {0}/live/linux",
                cell.directory.display()
            ));
            image_config(cell);
        },
        verdict: "warning",
        says: "image `live` is missing",
        mend: ByCommand,
        tidy: nothing,
    },
    Fault {
        id: "I02",
        name: "a file of an image was changed in place",
        plant: |cell| {
            image_config(cell);
            // Of the same length, so that only its bytes tell; and not in the store from which images share files.
            cell.sh(&format!(
                "cd {}/images/live && rm linux && echo KERNEL > linux",
                cell.data().display()
            ));
        },
        verdict: "warning",
        says: "image `live` was changed",
        mend: ByCommand,
        tidy: |cell| {
            cell.sh(&format!("rm -r {}/images", cell.data().display()));
            plain_config(cell);
        },
    },
    Fault {
        id: "I03",
        name: "kernel and ramdisk are of two versions",
        plant: |cell| {
            with(
                cell,
                "[profiles.odd]\nkernel = \"http://x/vmlinuz-6.1.0-18-amd64\"\ninitrds = \
                 [\"http://x/initrd.img-6.1.0-13-amd64\"]\ndone = \"manual\"\n",
            );
        },
        verdict: "warning",
        says: "profile `odd` boots kernel 6.1.0-18-amd64 with the ramdisk of 6.1.0-13-amd64",
        mend: Hand(|cell| {
            with(
                cell,
                "[profiles.odd]\nkernel = \"http://x/vmlinuz-6.1.0-18-amd64\"\ninitrds = \
                 [\"http://x/initrd.img-6.1.0-18-amd64\"]\ndone = \"manual\"\n",
            );
        }),
        tidy: plain_config,
    },
    Fault {
        id: "I04",
        name: "a BIOS is led to an `https:` URL",
        plant: |cell| {
            with(
                cell,
                "[profiles.web]\nkernel = \"https://example.net/linux\"\ndone = \"manual\"\n",
            )
        },
        verdict: "warning",
        says: "profile `web` leads to `https://example.net/linux`, and `undionly.kpxe`",
        mend: Hand(|cell| {
            with(
                cell,
                "[profiles.web]\nkernel = \"/images/web/linux\"\ndone = \"manual\"\n",
            )
        }),
        tidy: plain_config,
    },
    Fault {
        id: "I05",
        name: "a vendor's key has ended",
        plant: |cell| key(cell, "1y", "--faked-system-time 20200101T000000"),
        verdict: "error",
        says: "vendor@example.net) has ended",
        // The vendor is asked for its present key.
        mend: Hand(|cell| key(cell, "never", "")),
        tidy: plain_config,
    },
    Fault {
        id: "I05",
        name: "a vendor's key is about to end",
        plant: |cell| key(cell, "10d", ""),
        verdict: "warning",
        says: "vendor@example.net) ends in ",
        mend: Hand(|cell| key(cell, "2y", "")),
        tidy: plain_config,
    },
];
