//! bootcfg of December 2015 and January 2016: `docs/dialects.md`, section 1.

use std::collections::BTreeMap;

use bootwright_core::MacAddr;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{file, go, printable, split};
use crate::http::{Query, RelativePath};

/// `/boot.ipxe`: gathers what the machine is and asks for its script, relative to where it came from.
pub const BOOT_SCRIPT: &str = "#!ipxe\nchain ipxe?uuid=${uuid}&mac=${net0/mac:hexhyp}&ip=${ip}&domain=${domain}\
                               &hostname=${hostname}&serial=${serial}\n";

/// What `/machine` and `/spec` say to any method but GET.
pub const ONLY_GET: &str = "only HTTP GET is supported\n";

/// A question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// For what.
    pub route: Route,
    /// Who asks, in the words of [`Asked`](crate::http::Asked).
    pub query: Query,
}

/// A route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// `/boot.ipxe`.
    Boot,
    /// `/boot.ipxe.0`, the same: dnsmasq's `pxe-service` puts the ending there.
    BootZero,
    /// `/ipxe?uuid=&mac=`.
    Script,
    /// `/pixiecore/v1/boot/<mac>`: the address, or what stands in its place.
    Pixiecore(Result<MacAddr, String>),
    /// `/cloud?uuid=&mac=`.
    Cloud,
    /// `/ignition?uuid=&mac=`.
    Ignition,
    /// `/machine/<id>`.
    Machine(String),
    /// `/spec/<id>`.
    Spec(String),
    /// `/images/…`, later `/assets/…`.
    File(RelativePath),
}

impl Route {
    /// The name of the route, which holds nothing that a machine sent.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Boot => "/boot.ipxe",
            Self::BootZero => "/boot.ipxe.0",
            Self::Script => "/ipxe",
            Self::Pixiecore(_) => "/pixiecore/v1/boot",
            Self::Cloud => "/cloud",
            Self::Ignition => "/ignition",
            Self::Machine(_) => "/machine",
            Self::Spec(_) => "/spec",
            Self::File(_) => "/images",
        }
    }
}

/// Reads a target; nothing if it is none of bootcfg's.
#[must_use]
pub fn parse(target: &[u8]) -> Option<Request> {
    let (segments, query) = split(target)?;
    let words: Vec<&str> = segments.iter().map(String::as_str).collect();
    let route = match words.as_slice() {
        ["boot.ipxe"] => Route::Boot,
        ["boot.ipxe.0"] => Route::BootZero,
        ["ipxe"] => Route::Script,
        ["pixiecore", "v1", "boot", mac] => Route::Pixiecore(mac.parse().map_err(|_| (*mac).to_owned())),
        ["cloud"] => Route::Cloud,
        ["ignition"] => Route::Ignition,
        ["machine", id] => Route::Machine((*id).to_owned()),
        ["spec", id] => Route::Spec((*id).to_owned()),
        ["images" | "assets", ..] => Route::File(file(segments.get(1..)?)?),
        _ => return None,
    };
    Some(Request { route, query })
}

/// What a machine boots, as bootcfg's files say it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Boot {
    /// The kernel.
    pub kernel: String,
    /// What goes with it.
    #[serde(default)]
    pub initrd: Vec<String>,
    /// Its arguments by their names; nothing, an empty text or `false` for those that are bare words.
    #[serde(default)]
    pub cmdline: BTreeMap<String, Value>,
}

impl Boot {
    /// Reads bootcfg's JSON.
    #[must_use]
    pub fn read(json: &str) -> Option<Self> {
        serde_json::from_str(json).ok()
    }

    /// The same as JSON, as `/pixiecore/v1/boot` answers.
    #[must_use]
    pub fn json(&self) -> Option<String> {
        go::json(self)
    }

    /// The script, byte for byte; without an initial ramdisk its line is left out, since iPXE would stop there.
    ///
    /// # Errors
    /// The first word that no script can hold.
    pub fn script(&self) -> Result<String, String> {
        let mut script = format!("#!ipxe\nkernel {}", printable(&self.kernel)?);
        for (key, value) in &self.cmdline {
            let word = match value {
                Value::Null | Value::Bool(false) => key.clone(),
                Value::String(text) if text.is_empty() => key.clone(),
                Value::String(text) => format!("{key}={text}"),
                Value::Bool(true) | Value::Number(_) | Value::Array(_) | Value::Object(_) => format!("{key}={value}"),
            };
            script.push(' ');
            script.push_str(printable(&word)?);
        }
        script.push('\n');
        if !self.initrd.is_empty() {
            script.push_str("initrd ");
            for initrd in &self.initrd {
                script.push_str(printable(initrd)?);
                script.push(' ');
            }
            script.push('\n');
        }
        script.push_str("boot\n");
        Ok(script)
    }
}

/// The answer to a hardware address that is none (with Go 1.5, as at the time).
#[must_use]
pub fn bad_mac(text: &str) -> String {
    format!("invalid MAC address {}\n", text.escape_debug())
}

/// `/machine/<id>`: the file as it is answered, with the spec that it names in place.
#[must_use]
pub fn machine(id: &str, file: &str, spec_file: impl FnOnce(&str) -> Option<String>) -> Option<String> {
    #[derive(Serialize)]
    struct Machine<'a> {
        id: &'a str,
        spec: Option<Spec>,
        spec_id: String,
    }
    let mut read: Map<String, Value> = serde_json::from_str(file).ok()?;
    let spec_id = read
        .get("spec_id")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    let spec = match read.remove("spec").filter(|spec| !spec.is_null()) {
        Some(spec) => serde_json::from_value(spec).ok(),
        None => spec_file(&spec_id).and_then(|text| Spec::read(&spec_id, &text)),
    };
    go::json(&Machine { id, spec, spec_id })
}

/// `/spec/<id>`: the file as it is answered.
#[must_use]
pub fn spec(id: &str, file: &str) -> Option<String> {
    go::json(&Spec::read(id, file)?)
}

#[derive(Serialize, Deserialize)]
struct Spec {
    #[serde(default)]
    id: String,
    boot: Boot,
    #[serde(default)]
    cloud_id: String,
    #[serde(default)]
    ignition_id: String,
}

impl Spec {
    fn read(id: &str, text: &str) -> Option<Self> {
        let spec: Self = serde_json::from_str(text).ok()?;
        Some(Self {
            id: id.to_owned(),
            ..spec
        })
    }
}

/// `/ignition`: version 1 with each of its parts, as it was re-serialised; any other version as it is, in compact form.
#[must_use]
pub fn ignition(text: &str) -> Option<String> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct First {
        ignition_version: Value,
        storage: Value,
        systemd: Value,
        networkd: Value,
        passwd: Value,
    }
    let read: Value = serde_json::from_str(text).ok()?;
    let Some(version) = read.get("ignitionVersion") else {
        return go::json(&read);
    };
    let part = |name: &str| read.get(name).cloned().unwrap_or_else(|| Value::Object(Map::new()));
    go::json(&First {
        ignition_version: version.clone(),
        storage: part("storage"),
        systemd: part("systemd"),
        networkd: part("networkd"),
        passwd: part("passwd"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// bootcfg's own example of a spec, and what its tests expect of it (`docs/dialects.md`, 1.3 and 1.4).
    const BOOT: &str =
        r#"{"kernel":"/image/kernel","initrd":["/image/initrd_a","/image/initrd_b"],"cmdline":{"a":"b","c":""}}"#;

    #[test]
    fn the_script_is_bootcfgs_byte_for_byte() {
        let boot = Boot::read(BOOT).expect("a spec");
        let golden = include_str!("../../test_data/compat/bootcfg/1.3-script.ipxe");
        assert_eq!(boot.script().as_deref(), Ok(golden));
        assert_eq!(
            BOOT_SCRIPT,
            include_str!("../../test_data/compat/bootcfg/1.2-boot.ipxe")
        );
    }

    #[test]
    fn the_answer_to_pixiecore_is_bootcfgs_byte_for_byte() {
        let boot = Boot::read(BOOT).expect("a spec");
        let golden = include_str!("../../test_data/compat/bootcfg/1.4-pixiecore.json");
        assert_eq!(boot.json().as_deref(), Some(golden.trim_end()));
        let boot = Boot::read(r#"{"kernel":"http://h/k?a=1&b=<2>"}"#).expect("a spec");
        assert!(boot.json().expect("JSON").contains(r"a=1\u0026b=\u003c2\u003e"));
    }

    #[test]
    fn settings_of_ipxe_reach_it_and_lines_do_not() {
        let boot = Boot::read(
            r#"{"kernel":"/k","cmdline":{"url":"http://h/ignition?uuid=${uuid}","n":3,"t":true,"f":false}}"#,
        );
        let script = boot.expect("a spec").script().expect("a script");
        assert_eq!(
            script,
            "#!ipxe\nkernel /k f n=3 t=true url=http://h/ignition?uuid=${uuid}\nboot\n"
        );
        let boot = Boot::read(r#"{"kernel":"/k","cmdline":{"a":"b\nshell"}}"#).expect("a spec");
        assert!(boot.script().is_err(), "a line break would be another command");
    }

    #[test]
    fn ignition_of_version_1_is_written_with_all_its_parts() {
        let text = "{\n  \"ignitionVersion\": 1,\n  \"systemd\": {\"units\": [{\"name\": \"a.service\", \"enable\": true}]}\n}\n";
        let golden = include_str!("../../test_data/compat/bootcfg/1.6-ignition.json");
        assert_eq!(ignition(text).as_deref(), Some(golden.trim_end()));
        assert_eq!(ignition("{ \"ignition\": {} }").as_deref(), Some("{\"ignition\":{}}"));
        assert_eq!(ignition("nothing"), None);
    }

    #[test]
    fn machines_and_specs_are_written_as_bootcfg_wrote_them() {
        let spec_file = format!("{{\"id\":\"etcd\",\"boot\":{BOOT},\"cloud_id\":\"c\"}}");
        let wanted = format!("{{\"id\":\"etcd\",\"boot\":{BOOT},\"cloud_id\":\"c\",\"ignition_id\":\"\"}}");
        assert_eq!(spec("etcd", &spec_file).as_deref(), Some(wanted.as_str()));
        let named = machine("m", r#"{"spec_id":"etcd"}"#, |_| Some(spec_file.clone()));
        assert_eq!(
            named,
            Some(format!("{{\"id\":\"m\",\"spec\":{wanted},\"spec_id\":\"etcd\"}}"))
        );
        let lost = machine("m", r#"{"spec_id":"gone"}"#, |_| None);
        assert_eq!(lost.as_deref(), Some(r#"{"id":"m","spec":null,"spec_id":"gone"}"#));
    }

    #[test]
    fn targets_are_read_as_bootcfg_read_them() {
        let route = |target: &str| parse(target.as_bytes()).map(|request| request.route);
        assert_eq!(route("/boot.ipxe"), Some(Route::Boot));
        assert_eq!(route("/boot.ipxe.0"), Some(Route::BootZero));
        assert_eq!(route("/ipxe?uuid=x"), Some(Route::Script));
        let mac = "52:54:00:89:d8:10".parse().expect("an address");
        assert_eq!(
            route("/pixiecore/v1/boot/52-54-00-89-D8-10"),
            Some(Route::Pixiecore(Ok(mac)))
        );
        assert_eq!(
            route("/pixiecore/v1/boot/x"),
            Some(Route::Pixiecore(Err("x".to_owned())))
        );
        assert_eq!(
            route("/images/coreos/835/linux").map(|route| route.name()),
            Some("/images")
        );
        for none in [
            "/",
            "/images",
            "/ipxe/x",
            "/images/../secret",
            "/images/%2e%2e/secret",
            "ipxe",
            "/machine/a/b",
        ] {
            assert_eq!(route(none), None, "{none}");
        }
    }
}
