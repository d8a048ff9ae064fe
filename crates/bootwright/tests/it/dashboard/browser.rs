//! A browser without scripts: curl, which keeps cookies and follows where it is led.

use std::path::{Path, PathBuf};

use crate::netns::Netns;

use super::PASSWORD;

/// Where the dashboard is.
pub(super) const HERE: &str = "https://localhost:8443";

/// Somebody who is logged in.
pub(super) struct Browser<'a> {
    inside: &'a Netns,
    jar: PathBuf,
}

impl<'a> Browser<'a> {
    pub(super) fn log_in(inside: &'a Netns, directory: &Path, name: &str) -> Self {
        let browser = Self {
            inside,
            jar: directory.join(format!("{name}.cookies")),
        };
        let form = format!("name={name}&password={}&next=/", PASSWORD.replace(' ', "+"));
        let page = browser.curl("/login", &["--data", &form]);
        assert!(page.contains("<h1"), "{page}");
        browser
    }

    /// A page.
    pub(super) fn page(&self, path: &str) -> String {
        self.curl(path, &[])
    }

    /// The page that a form leads to. It carries what the page's own forms carry.
    pub(super) fn send(&self, path: &str, fields: &[(&str, &str)]) -> String {
        let home = self.page("/help");
        let csrf = home
            .split("name=\"csrf\" value=\"")
            .nth(1)
            .and_then(|rest| rest.split('"').next())
            .expect("forms carry a proof");
        let mut arguments = vec![format!("csrf={csrf}")];
        arguments.extend(fields.iter().map(|(name, value)| format!("{name}={value}")));
        let mut words = Vec::new();
        for field in &arguments {
            words.extend(["--data-urlencode", field.as_str()]);
        }
        self.curl(path, &words)
    }

    fn curl(&self, path: &str, words: &[&str]) -> String {
        let said = self
            .inside
            .command("curl")
            .args([
                "--silent",
                "--show-error",
                "--insecure",
                "--location",
                "--max-time",
                "30",
            ])
            .arg("--cookie")
            .arg(&self.jar)
            .arg("--cookie-jar")
            .arg(&self.jar)
            .args(["--header", &format!("Origin: {HERE}")])
            .args(words)
            .arg(format!("{HERE}{path}"))
            .output()
            .expect("curl runs");
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
        String::from_utf8(said.stdout).expect("a page is text")
    }
}
