//! The mirror of what is remembered of a host's first step.

use bootwright_core::{FirstStep, Make, Strategy};
use serde::{Deserialize, Serialize};

use super::text::Text;

/// What brought a host's firmware to its boot loader. Since format 3.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FirstStepRow {
    make: Text<Make>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    offer: Option<StrategyRow>,
    file: String,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum StrategyRow {
    Direct,
    DirectWithMenu,
    NoVendorOptions,
    OneEntryMenu,
    Merged,
}

impl From<&FirstStep> for FirstStepRow {
    fn from(step: &FirstStep) -> Self {
        Self {
            make: Text(step.make),
            offer: step.strategy.map(|strategy| match strategy {
                Strategy::Direct => StrategyRow::Direct,
                Strategy::DirectWithMenu => StrategyRow::DirectWithMenu,
                Strategy::NoVendorOptions => StrategyRow::NoVendorOptions,
                Strategy::OneEntryMenu => StrategyRow::OneEntryMenu,
                Strategy::Merged => StrategyRow::Merged,
            }),
            file: step.file.clone(),
        }
    }
}

impl FirstStepRow {
    pub(crate) fn into_first_step(self) -> FirstStep {
        FirstStep {
            make: self.make.0,
            strategy: self.offer.map(|strategy| match strategy {
                StrategyRow::Direct => Strategy::Direct,
                StrategyRow::DirectWithMenu => Strategy::DirectWithMenu,
                StrategyRow::NoVendorOptions => Strategy::NoVendorOptions,
                StrategyRow::OneEntryMenu => Strategy::OneEntryMenu,
                StrategyRow::Merged => Strategy::Merged,
            }),
            file: self.file,
        }
    }
}
