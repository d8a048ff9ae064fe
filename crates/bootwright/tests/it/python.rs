//! Debian's Python as a client that knows nothing of us: `urllib` asks, `json` reads.

use serde_json::Value;

use crate::netns::Netns;

/// Asks for a URL and tells what came back. What says that it is JSON is read as such.
const CLIENT: &str = r#"
import json, sys, urllib.error, urllib.request
url, method, body, kind = sys.argv[1:5]
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
request = urllib.request.Request(url, method=method, data=body.encode() or None, headers={"Content-Type": kind} if kind else {})
try:
    answer = opener.open(request, timeout=60)
except urllib.error.HTTPError as error:
    answer = error
text = answer.read().decode()
kind = answer.headers.get("Content-Type") or ""
told = {"status": answer.getcode(), "type": kind, "text": text, "length": answer.headers.get("Content-Length")}
if kind.startswith("application/json") and text:
    told["json"] = json.loads(text)
print(json.dumps(told))
"#;

/// What came back.
#[derive(Debug)]
pub(crate) struct Told(Value);

impl Told {
    pub(crate) fn status(&self) -> u64 {
        self.0["status"].as_u64().expect("a status")
    }

    pub(crate) fn text(&self) -> &str {
        self.0["text"].as_str().expect("a text")
    }

    pub(crate) fn media_type(&self) -> &str {
        self.0["type"].as_str().expect("a type")
    }

    /// What Python read of the JSON.
    pub(crate) fn json(&self) -> &Value {
        &self.0["json"]
    }
}

/// A GET from inside a namespace.
pub(crate) fn get(inside: &Netns, url: &str) -> Told {
    ask(inside, "GET", url, "")
}

/// Any request from inside a namespace.
pub(crate) fn ask(inside: &Netns, method: &str, url: &str, body: &str) -> Told {
    ask_as(inside, method, url, "", body)
}

/// The same with a body of this kind; without one Python calls it a form.
pub(crate) fn ask_as(inside: &Netns, method: &str, url: &str, kind: &str, body: &str) -> Told {
    let output = inside
        .command("/usr/bin/python3")
        .args(["-c", CLIENT, url, method, body, kind])
        .output()
        .expect("Python runs");
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{method} {url}: {words}");
    Told(serde_json::from_slice(&output.stdout).expect("what the client prints is JSON"))
}
