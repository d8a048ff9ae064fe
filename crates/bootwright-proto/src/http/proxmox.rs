//! What Proxmox's automatic installer tells of its machine when it asks for its answers: JSON, posted to one address for all.

use bootwright_core::fact::{MACS_PER_HOST_MAX, clean_text};
use bootwright_core::{Facts, MacAddr};
use serde_json::Value;

/// The document of a profile that holds the answers.
pub const ANSWER: &str = "answer.toml";

/// What tells the machine from others: its cards, the UUID and the serial number of its firmware. Nothing for a text that
/// names none of them.
#[must_use]
pub fn machine(body: &[u8]) -> Option<Facts> {
    let told: Value = serde_json::from_slice(body).ok()?;
    let text = |of: &Value| of.as_str().map(str::to_owned);
    // Installers and their webhooks spell the key in two ways.
    let cards = ["network_interfaces", "network-interfaces"].map(|key| told.get(key).and_then(Value::as_array));
    let macs = cards.into_iter().flatten().flatten();
    let macs = macs.filter_map(|card| card.get("mac")?.as_str()?.parse::<MacAddr>().ok());
    let system = told.pointer("/dmi/system");
    let of_system = |key: &str| system.and_then(|system| text(system.get(key)?));
    let facts = Facts {
        macs: macs.take(MACS_PER_HOST_MAX).collect(),
        uuid: of_system("uuid").and_then(|uuid| uuid.trim().parse().ok()),
        serial: of_system("serial").and_then(|serial| clean_text(&serial)),
        ..Facts::default()
    };
    (facts != Facts::default()).then_some(facts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_is_told_by_its_cards_and_its_firmware() {
        let body = br#"{"$schema": {"version": "1.0"}, "product": {"fullname": "Proxmox VE", "product": "pve", "enable_btrfs": true},
            "iso": {"release": "8.4", "isorelease": "1"},
            "dmi": {"baseboard": {"serial": "of the board"}, "chassis": {"serial": ""},
                    "system": {"serial": " S4EVNX0M\n", "uuid": "00112233-4455-6677-8899-aabbccddeeff", "name": "Server 1"}},
            "network_interfaces": [{"link": "eno1", "mac": "52:54:00:00:00:01"}, {"link": "eno2", "mac": "52:54:00:00:00:02"},
                                   {"link": "ib0", "mac": "80:00:02:08:fe:80:00:00"}, 7]}"#;
        let facts = machine(body).expect("a machine");
        let macs: Vec<String> = facts.macs.iter().map(ToString::to_string).collect();
        assert_eq!(macs, ["52:54:00:00:00:01", "52:54:00:00:00:02"]);
        assert_eq!(facts.serial.as_deref(), Some("S4EVNX0M"));
        assert_eq!(
            facts.uuid.map(|uuid| uuid.to_string()).as_deref(),
            Some("00112233-4455-6677-8899-aabbccddeeff")
        );
        for other in [
            "",
            "[]",
            "{}",
            "{\"dmi\": 7}",
            "{\"network_interfaces\": [{\"mac\": \"x\"}]}",
            "{",
        ] {
            assert_eq!(machine(other.as_bytes()), None, "{other}");
        }
    }
}
