//! The mirror of a machine's facts.

use bootwright_core::{Facts, MacAddr, Uuid};
use serde::{Deserialize, Serialize};

use super::text::Text;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FactsRow {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    macs: Vec<Text<MacAddr>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uuid: Option<Text<Uuid>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    serial: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    asset: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    manufacturer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    product: Option<String>,
}

impl From<&Facts> for FactsRow {
    fn from(facts: &Facts) -> Self {
        let Facts {
            macs,
            uuid,
            serial,
            asset,
            manufacturer,
            product,
        } = facts;
        Self {
            macs: macs.iter().copied().map(Text).collect(),
            uuid: uuid.map(Text),
            serial: serial.clone(),
            asset: asset.clone(),
            manufacturer: manufacturer.clone(),
            product: product.clone(),
        }
    }
}

impl FactsRow {
    pub(crate) fn into_facts(self) -> Facts {
        Facts {
            macs: self.macs.into_iter().map(|mac| mac.0).collect(),
            uuid: self.uuid.map(|uuid| uuid.0),
            serial: self.serial,
            asset: self.asset,
            manufacturer: self.manufacturer,
            product: self.product,
        }
    }
}
