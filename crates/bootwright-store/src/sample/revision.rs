//! Made-up profiles, as runs are started with.

use bootwright_core::{Confirm, Dialect, Document, DoneTrigger, Initrd, Profile, ProfileName, Span, StageLimits};

use super::Sample;

impl Sample {
    /// A profile with this name and revision, whatever it says.
    pub fn revision(&mut self, name: ProfileName, revision: u64) -> Profile {
        let several = |sample: &mut Self| 0..sample.below(4);
        let initrds = several(self).map(|_| Initrd {
            source: self.text(),
            target: self.maybe(Self::text),
        });
        let initrds = initrds.collect();
        let files = several(self).map(|_| {
            let document = Document {
                template: self.text(),
                origin: self.text(),
                add: bootwright_core::Additions {
                    hostname: self.below(2) == 0,
                    done: self.below(2) == 0,
                    up: self.below(2) == 0,
                },
            };
            (self.text(), document)
        });
        let files = files.collect();
        Profile {
            name,
            kernel: self.text(),
            initrds,
            args: several(self).map(|_| self.text()).collect(),
            files,
            done: match self.below(4) {
                0 => DoneTrigger::Callback,
                1 => DoneTrigger::Manual,
                2 => DoneTrigger::ConfigServed(self.text()),
                _ => DoneTrigger::LastArtifact(self.text()),
            },
            confirm: match self.below(3) {
                0 => Confirm::Dashboard,
                1 => Confirm::Console,
                _ => Confirm::None,
            },
            deadline: Span::from_millis(self.below(1 << 40)),
            stages: StageLimits {
                kernel: Span::from_millis(self.below(1 << 40)),
                config: Span::from_millis(self.below(1 << 40)),
                done: Span::from_millis(self.below(1 << 40)),
            },
            menu: None,
            source: self.maybe(|sample| Dialect::ALL[sample.below(Dialect::ALL.len() as u64) as usize]),
            revision,
        }
    }
}
