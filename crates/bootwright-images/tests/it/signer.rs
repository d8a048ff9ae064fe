//! GnuPG with a home of the test's own: the other side of every signature.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A home with one secret key in it.
pub(crate) struct Signer {
    home: PathBuf,
    /// Options before every command, such as another time.
    options: Vec<String>,
}

impl Signer {
    /// A key of this kind, such as `rsa2048` or `ed25519`, that does not expire.
    pub(crate) fn new(directory: &Path, name: &str, kind: &str) -> Self {
        Self::with(directory, name, kind, &[], "never")
    }

    pub(crate) fn with(directory: &Path, name: &str, kind: &str, options: &[&str], expires: &str) -> Self {
        let signer = Self {
            home: directory.join(name),
            options: options.iter().map(|option| (*option).to_owned()).collect(),
        };
        fs::create_dir_all(&signer.home).expect("a directory");
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(&signer.home, fs::Permissions::from_mode(0o700)).expect("a private directory");
        let user = format!("{name} <{name}@example.net>");
        signer.gpg(&["--quick-generate-key", &user, kind, "sign", expires]);
        signer
    }

    pub(crate) fn output(&self, arguments: &[&str]) -> Output {
        Command::new("gpg")
            .arg("--homedir")
            .arg(&self.home)
            .args([
                "--batch",
                "--yes",
                "--quiet",
                "--pinentry-mode",
                "loopback",
                "--passphrase",
                "",
            ])
            .args(&self.options)
            .args(arguments)
            .output()
            .expect("gpg runs")
    }

    pub(crate) fn gpg(&self, arguments: &[&str]) -> Vec<u8> {
        let output = self.output(arguments);
        assert!(
            output.status.success(),
            "gpg {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        output.stdout
    }

    pub(crate) fn fingerprint(&self) -> String {
        let text = String::from_utf8(self.gpg(&["--with-colons", "--list-keys"])).expect("text");
        let line = text.lines().find(|line| line.starts_with("fpr:")).expect("a key");
        line.split(':').nth(9).expect("a fingerprint").to_owned()
    }

    /// Adds a subkey that signs, and from now on does all the signing.
    pub(crate) fn add_subkey(&self, kind: &str) {
        self.gpg(&["--quick-add-key", &self.fingerprint(), kind, "sign", "never"]);
    }

    /// The public key, in a file beside the home.
    pub(crate) fn public(&self, armoured: bool) -> PathBuf {
        let path = self.home.with_extension(if armoured { "asc" } else { "pgp" });
        let words: &[&str] = if armoured {
            &["--armor", "--export"]
        } else {
            &["--export"]
        };
        fs::write(&path, self.gpg(words)).expect("a file");
        path
    }

    /// A detached signature.
    pub(crate) fn sign(&self, document: &[u8], more: &[&str]) -> Vec<u8> {
        let (file, signature) = (self.home.join("document"), self.home.join("signature"));
        fs::write(&file, document).expect("a file");
        let mut words = more.to_vec();
        let (file, out) = (file.display().to_string(), signature.display().to_string());
        words.extend(["--output", &out, "--detach-sign", &file]);
        self.gpg(&words);
        fs::read(signature).expect("a signature")
    }

    /// The text with a signature around it.
    pub(crate) fn clearsign(&self, text: &[u8]) -> Vec<u8> {
        let (file, signed) = (self.home.join("text"), self.home.join("signed"));
        fs::write(&file, text).expect("a file");
        self.gpg(&[
            "--output",
            &signed.display().to_string(),
            "--clearsign",
            &file.display().to_string(),
        ]);
        fs::read(signed).expect("a signed text")
    }

    /// The secret key in armour, locked as it is.
    pub(crate) fn secret(&self) -> Vec<u8> {
        self.gpg(&["--armor", "--export-secret-keys"])
    }

    /// Whether gpg takes a signature for its own over this document.
    pub(crate) fn takes(&self, document: &[u8], signature: &[u8]) -> bool {
        let (file, beside) = (self.home.join("served"), self.home.join("served.sig"));
        fs::write(&file, document).expect("a file");
        fs::write(&beside, signature).expect("a file");
        let (file, beside) = (file.display().to_string(), beside.display().to_string());
        self.output(&["--verify", &beside, &file]).status.success()
    }

    /// The certificate by which gpg lets a key be revoked, in force.
    pub(crate) fn revoke(&self) {
        let path = self.home.join(format!("openpgp-revocs.d/{}.rev", self.fingerprint()));
        let text = fs::read_to_string(path).expect("a certificate");
        let ready = self.home.join("revocation");
        fs::write(&ready, text.replace(":-----BEGIN", "-----BEGIN")).expect("a file");
        self.gpg(&["--import", &ready.display().to_string()]);
    }
}

impl Drop for Signer {
    fn drop(&mut self) {
        let _ = Command::new("gpgconf")
            .arg("--homedir")
            .arg(&self.home)
            .args(["--kill", "gpg-agent"])
            .output();
    }
}
