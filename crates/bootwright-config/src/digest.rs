//! Digests that tell one text of a profile or rule from another.

use bootwright_core::{Additions, Choice, Confirm, DoneTrigger, Menu, Pattern, Profile, Rule};

/// FNV-1a with 64 bits. It finds changes; nobody gains anything by making two texts agree.
struct Digest(u64);

impl Digest {
    const fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    /// Adds a text with its length, so that two texts in a row are never taken for another two.
    fn text(&mut self, text: &str) -> &mut Self {
        self.bytes(&(text.len() as u64).to_le_bytes()).bytes(text.as_bytes())
    }

    fn number(&mut self, number: u64) -> &mut Self {
        self.bytes(&number.to_le_bytes())
    }

    fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        self
    }
}

/// The revision of a profile, whatever its `revision` says now.
pub(crate) fn profile(profile: &Profile) -> u64 {
    let Profile {
        name,
        kernel,
        initrds,
        args,
        files,
        done,
        confirm,
        deadline,
        stages,
        menu,
        source,
        revision: _,
    } = profile;
    let mut digest = Digest::new();
    digest.text(name.as_str()).text(kernel).number(initrds.len() as u64);
    for initrd in initrds {
        digest
            .text(&initrd.source)
            .text(initrd.target.as_deref().unwrap_or_default());
    }
    digest.number(args.len() as u64);
    for arg in args {
        digest.text(arg);
    }
    digest.number(files.len() as u64);
    for (name, document) in files {
        digest.text(name).text(&document.template);
        let Additions { hostname, done, up } = document.add;
        // Nothing where nothing is added: the revisions that an older record holds stay what they are.
        for (asked, word) in [(hostname, "hostname"), (done, "done"), (up, "up")] {
            if asked {
                digest.text("add").text(word);
            }
        }
    }
    match done {
        DoneTrigger::Callback => digest.text("callback"),
        DoneTrigger::Manual => digest.text("manual"),
        DoneTrigger::ConfigServed(name) => digest.text("config-served").text(name),
        DoneTrigger::LastArtifact(path) => digest.text("last-artifact").text(path),
    };
    digest.text(match confirm {
        Confirm::Dashboard => "dashboard",
        Confirm::Console => "console",
        Confirm::None => "none",
    });
    for span in [*deadline, stages.kernel, stages.config, stages.done] {
        digest.number(span.as_millis());
    }
    if let Some(menu) = menu {
        add_menu(&mut digest, menu);
    }
    if let Some(source) = source {
        digest.text("source").text(source.name());
    }
    digest.0
}

fn add_menu(digest: &mut Digest, menu: &Menu) {
    digest.text("menu").text(&menu.title).number(menu.entries.len() as u64);
    for entry in &menu.entries {
        let (word, profile) = match &entry.choice {
            Choice::Local => ("local", ""),
            Choice::Hold => ("hold", ""),
            Choice::Live(profile) => ("live", profile.as_str()),
            Choice::Install(profile) => ("install", profile.as_str()),
        };
        digest.text(&entry.title).text(word).text(profile);
    }
    digest.number(menu.default.map_or(u64::MAX, u64::from));
    digest.number(menu.timeout.map_or(u64::MAX, |timeout| timeout.as_millis()));
}

/// The fingerprint of a rule, whatever its `fingerprint` says now.
pub(crate) fn rule(rule: &Rule) -> u64 {
    let Rule {
        name,
        when,
        profile,
        auto_arm,
        limit,
        source,
        fingerprint: _,
    } = rule;
    let mut digest = Digest::new();
    digest.text(name.as_str()).number(when.len() as u64);
    for (attribute, pattern) in when {
        digest.text(&attribute.to_string()).text(Pattern::as_str(pattern));
    }
    digest
        .text(profile.as_str())
        .number(u64::from(*auto_arm))
        .number(limit.map_or(0, |limit| u64::from(limit) + 1));
    if let Some(source) = source {
        digest.text("source").text(source.name());
    }
    digest.0
}
