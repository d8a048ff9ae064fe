//! Chromium, driven by the WebDriver protocol.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::browser::HERE;
use crate::daemon::wait_until;
use crate::netns::Netns;

/// The judge of accessibility: its release and the SHA-512 of its package.
const AXE: &str = "axe-core@4.14.1";
const AXE_SHA512: &str = "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ==";

/// How long a page may take: a machine under load takes its time.
const PATIENCE: Duration = Duration::from_secs(60);

/// A browser and its driver. Both end with the test.
pub(super) struct Driver<'a> {
    inside: &'a Netns,
    process: Child,
    session: String,
    axe: String,
}

impl<'a> Driver<'a> {
    pub(super) fn start(inside: &'a Netns, directory: &Path) -> Self {
        let axe = axe();
        let process = inside
            .command("chromedriver")
            .args(["--port=9515", "--silent"])
            .env("HOME", directory)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver starts");
        let mut driver = Self {
            inside,
            process,
            session: String::new(),
            axe,
        };
        wait_until("chromedriver answers", || {
            driver
                .try_ask("GET", "/status", &Value::Null)
                .is_some_and(|status| status["value"]["ready"] == true)
        });
        let profile = directory.join("chromium");
        let options = json!({ "capabilities": { "alwaysMatch": {
            "acceptInsecureCerts": true,
            "goog:chromeOptions": { "args": [
                "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1360,950",
                "--force-prefers-reduced-motion", format!("--user-data-dir={}", profile.display()),
            ] },
        } } });
        let begun = driver
            .try_ask("POST", "/session", &options)
            .expect("chromedriver answers");
        let session = begun["value"]["sessionId"].as_str();
        driver.session = session
            .unwrap_or_else(|| panic!("Chromium does not start: {begun}"))
            .to_owned();
        driver
    }

    fn try_ask(&self, method: &str, path: &str, body: &Value) -> Option<Value> {
        let mut curl = self.inside.command("curl");
        curl.args(["--silent", "--max-time", "90", "--request", method]);
        if method == "POST" {
            // What is sent may be longer than a command's words.
            curl.args(["--header", "Content-Type: application/json", "--data-binary", "@-"]);
        }
        curl.arg(format!("http://127.0.0.1:9515{path}"));
        let mut child = curl
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("curl runs");
        let mut input = child.stdin.take().expect("its input");
        let text = body.to_string();
        let writing = std::thread::spawn(move || std::io::Write::write_all(&mut input, text.as_bytes()));
        let said = child.wait_with_output().expect("curl ends");
        // It may have had enough before all was written.
        let _ = writing.join();
        serde_json::from_slice(&said.stdout).ok()
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        let answer = self.try_ask(method, &format!("/session/{}{path}", self.session), body);
        let answer = answer.unwrap_or_else(|| panic!("chromedriver does not answer {path}"));
        let value = answer["value"].clone();
        assert!(value["error"].is_null(), "{method} {path}: {value}");
        value
    }

    /// Opens a page.
    pub(super) fn open(&self, path: &str) {
        self.ask("POST", "/url", &json!({ "url": format!("{HERE}{path}") }));
    }

    /// What a script in the page returns.
    pub(super) fn run(&self, script: &str) -> Value {
        self.ask("POST", "/execute/sync", &json!({ "script": script, "args": [] }))
    }

    pub(super) fn text(&self, script: &str) -> String {
        let value = self.run(script);
        value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
    }

    /// Waits until a script returns true.
    pub(super) fn wait(&self, what: &str, script: &str) {
        let until = Instant::now() + PATIENCE;
        while self.run(script) != Value::Bool(true) {
            if Instant::now() > until {
                self.shot("failed");
                panic!(
                    "it never came to pass that {what}: {}",
                    self.run("return document.body.innerText")
                );
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn element(&self, selector: &str) -> String {
        let found = self.ask(
            "POST",
            "/element",
            &json!({ "using": "css selector", "value": selector }),
        );
        let reference = found.as_object().and_then(|found| found.values().next());
        reference.and_then(Value::as_str).expect("an element").to_owned()
    }

    pub(super) fn fill(&self, id: &str, text: &str) {
        let element = self.element(&format!("#{id}"));
        self.ask("POST", &format!("/element/{element}/value"), &json!({ "text": text }));
    }

    pub(super) fn click(&self, selector: &str) {
        let element = self.element(selector);
        self.ask("POST", &format!("/element/{element}/click"), &json!({}));
    }

    /// Presses a key, wherever the focus is.
    pub(super) fn press(&self, key: &str) {
        let keys = json!([{ "type": "keyDown", "value": key }, { "type": "keyUp", "value": key }]);
        let body = json!({ "actions": [{ "type": "key", "id": "keys", "actions": keys }] });
        self.ask("POST", "/actions", &body);
    }

    fn command(&self, name: &str, parameters: &Value) {
        self.ask(
            "POST",
            "/goog/cdp/execute",
            &json!({ "cmd": name, "params": parameters }),
        );
    }

    pub(super) fn without_scripts(&self) {
        self.command("Emulation.setScriptExecutionDisabled", &json!({ "value": true }));
    }

    /// A telephone's width, the narrowest that is asked for.
    pub(super) fn narrow(&self) {
        let metrics = json!({ "width": 320, "height": 800, "deviceScaleFactor": 1, "mobile": false });
        self.command("Emulation.setDeviceMetricsOverride", &metrics);
    }

    fn scheme(&self, scheme: &str) {
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.command("Emulation.setEmulatedMedia", &features);
    }

    /// Pictures of the page as it is, light and dark.
    pub(super) fn shoot(&self, name: &str) {
        for scheme in ["light", "dark"] {
            self.scheme(scheme);
            self.shot(&format!("{name}-{scheme}"));
        }
        self.scheme("light");
    }

    fn shot(&self, name: &str) {
        let picture = self.ask("GET", "/screenshot", &Value::Null);
        let bytes = STANDARD.decode(picture.as_str().expect("a picture")).expect("base 64");
        let directory = target().join("screenshots");
        fs::create_dir_all(&directory).expect("a directory for pictures");
        fs::write(directory.join(format!("{name}.png")), bytes).expect("a picture is written");
    }

    /// Asserts that the page breaks no rule of WCAG 2.2 AA that can be looked for, light and dark.
    pub(super) fn judge(&self, page: &str) {
        for scheme in ["light", "dark"] {
            self.scheme(scheme);
            let script = format!(
                "const done = arguments[arguments.length - 1]; if (!window.axe) {{ {} }}\n\
                 axe.run(document, {{ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] }}).then((found) => \
                 done(found.violations.map((one) => one.id + ': ' + one.nodes.map((node) => node.html + ' ' + node.failureSummary)\
                 .join(' | '))), (error) => done([String(error)]));",
                self.axe
            );
            let found = self.ask("POST", "/execute/async", &json!({ "script": script, "args": [] }));
            assert_eq!(found, json!([]), "{page} in {scheme}");
        }
        self.scheme("light");
    }
}

impl Drop for Driver<'_> {
    fn drop(&mut self) {
        if !self.session.is_empty() {
            let path = format!("/session/{}", self.session);
            self.try_ask("DELETE", &path, &Value::Null);
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Cargo's target directory.
fn target() -> PathBuf {
    let program = Path::new(env!("CARGO_BIN_EXE_bootwright"));
    program.ancestors().nth(2).expect("target/debug/bootwright").to_owned()
}

/// The judge's script, fetched once and compared with its digest each time.
fn axe() -> String {
    let directory = target().join("axe-core");
    fs::create_dir_all(&directory).expect("a directory");
    let package = directory.join(format!("{}.tgz", AXE.replace('@', "-")));
    if !package.exists() {
        run(Command::new("npm")
            .args(["pack", "--silent", AXE])
            .current_dir(&directory));
    }
    let digest = run(Command::new("openssl")
        .args(["dgst", "-sha512", "-binary"])
        .arg(&package));
    assert_eq!(
        STANDARD.encode(digest),
        AXE_SHA512,
        "{} is not what it should be",
        package.display()
    );
    let script = run(Command::new("tar")
        .args(["-xzOf"])
        .arg(&package)
        .arg("package/axe.min.js"));
    String::from_utf8(script).expect("a script")
}

fn run(command: &mut Command) -> Vec<u8> {
    let said = command
        .output()
        .unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
    assert!(
        said.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&said.stderr)
    );
    said.stdout
}
